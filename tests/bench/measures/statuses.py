"""The time from leadership to the last complete status of existing objects, compared with the bare client."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from contenders import BARE, OPERATOR, Operator, bare_client
from field import OBJECTS, Field
from shell import say
from worlds import AVAILABLE, world

#: N, rounds, and the seconds between two checks whether the operator is done. The checks round its time up.
SIZES, QUICK_SIZES = ((1000, 5, 0.05), (10000, 3, 0.1)), ((20, 2, 0.05), (100, 2, 0.05))
TIME, CPU, RATIO = "time", "CPU", "time, ratio to the bare client"


def measure(bench, results):
    with TemporaryDirectory(prefix="customimage-statuses-") as folder:
        for n, rounds, pause in QUICK_SIZES if bench.is_quick else SIZES:
            measure_size(bench, results, n, rounds, pause, Path(folder) / f"{n}.json")


def measure_size(bench, results, n, rounds, pause, statuses):
    seconds, cpu = {OPERATOR: [], BARE: []}, {OPERATOR: [], BARE: []}
    for number in range(1, rounds + 1):
        for contender, run in ((OPERATOR, of_operator), (BARE, of_bare_client)):
            with Field(bench, world(AVAILABLE, n)) as field:
                found = run(field, statuses, pause)
            for kept, value in zip((seconds, cpu), found):
                kept[contender].append(value)
        times = ", ".join(f"{contender} {values[-1]:.2f} s" for contender, values in seconds.items())
        say(f"bench:   statuses: {n} images, round {number} of {rounds}: {times}")
    for contender in (OPERATOR, BARE):
        for what, kept in ((TIME, seconds), (CPU, cpu)):
            results.rounds(what, "s", AVAILABLE, n, contender, kept[contender], of_operator=kept[OPERATOR] if contender == BARE else None)
    results.rounds(RATIO, "×", AVAILABLE, n, OPERATOR, [ours / bare for ours, bare in zip(seconds[OPERATOR], seconds[BARE])])


def of_operator(field, statuses, pause):
    operator = Operator(field)
    operator.await_complete(900, pause)
    ended, cpu = time.time(), operator.process.cpu_seconds()
    if not statuses.exists():
        statuses.write_bytes(field.api("GET", OBJECTS))
    return ended - operator.leads_since, cpu


def of_bare_client(field, statuses, _):
    return bare_client(field, statuses)
