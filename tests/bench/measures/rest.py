"""At rest: the cost of ten rounds of reads when nothing changes."""

from contenders import KOPF, OPERATOR, Kopf, Operator
from field import Field
from shell import say
from worlds import AVAILABLE, world

INTERVAL, ROUNDS, QUICK_ROUNDS = 10, 10, 3
SIZE, SIZE_OF_KOPF, QUICK_SIZE, QUICK_SIZE_OF_KOPF = 1000, 100, 100, 20
#: The seconds to wait after the first statuses, until the contender is at rest.
SETTLING = 20


def measure(bench, results):
    size, size_of_kopf = (QUICK_SIZE, QUICK_SIZE_OF_KOPF) if bench.is_quick else (SIZE, SIZE_OF_KOPF)
    rounds = QUICK_ROUNDS if bench.is_quick else ROUNDS
    for contender, n in ((OPERATOR, size), (KOPF, size_of_kopf)):
        with Field(bench, world(AVAILABLE, n), aws_limits=contender == OPERATOR) as field:
            running = Operator(field, SETTLED_INTERVAL=f"{INTERVAL}s") if contender == OPERATOR else Kopf(field, INTERVAL)
            running.await_complete(300)
            found = at_rest(field, running, rounds)
            for what, (value, unit) in found.items():
                results.row(f"{what} in {rounds} rounds", unit, AVAILABLE, size, contender, value * size / n, computed=n != size)
            say(f"bench:   rest: {n} images, {rounds} rounds: {contender} " + ", ".join(f"{what} {value:.2f}" for what, (value, _) in found.items()))


def at_rest(field, running, rounds):
    """The increase of each counter."""
    running.process.sleep(SETTLING)
    field.forget_calls()
    before = counters(field, running)
    if isinstance(running, Operator):
        # A round is one call, because one page holds all images.
        running.process.wait(f"{rounds} rounds", lambda: sum(field.calls().values()) >= rounds, rounds * INTERVAL * 3)
    else:
        running.process.sleep(rounds * INTERVAL)
    after = counters(field, running)
    risen = {what: (after[what][0] - before[what][0], unit) for what, (_, unit) in after.items()}
    return {**risen, "AWS calls": (sum(field.calls().values()), "calls")}


def counters(field, running):
    found = {"status writes": (field.writes(), "requests"), "CPU": (running.process.cpu_seconds(), "s")}
    if isinstance(running, Operator):
        found["reconciles"] = (running.metric("customimage_reconciles_total"), "reconciles")
    return found
