"""The time from a change in AWS to the status in the API server. Each build changes once, at a random moment."""

import random
import statistics
import time

import contenders
from contenders import CLI, KOPF, OPERATOR, Kopf, Operator
from field import Field
from pretended_aws import build
from shell import say
from worlds import World

#: Images, and how many of them are being built.
SIZES = {OPERATOR: (1000, 100), KOPF: (100, 100), CLI: (1000, 100)}
QUICK_SIZES = {OPERATOR: (100, 20), KOPF: (20, 20), CLI: (100, 20)}
WINDOW, QUICK_WINDOW, PATIENCE, CLI_SAMPLE = 60, 20, 600, 5
P50, P99 = "p50", "p99"


def measure(bench, results):
    sizes, window = (QUICK_SIZES, QUICK_WINDOW) if bench.is_quick else (SIZES, WINDOW)
    for contender in (OPERATOR, KOPF):
        n, building = sizes[contender]
        with Field(bench, World("", n, building=building)) as field:
            running = Operator(field) if contender == OPERATOR else Kopf(field)
            running.await_complete(600)
            latencies = changes_seen(field, running, window)
            throttled = field.throttled()
        results.row("throttled calls", "calls", f"{building} building", n, contender, throttled)
        results.samples[contender] = sorted(round(value, 3) for value in latencies)
        tell(results, contender, n, building, statistics.median(latencies), statistics.quantiles(latencies, n=100, method="inclusive")[98])
    n, building = sizes[CLI]
    with Field(bench, World("", CLI_SAMPLE, building=CLI_SAMPLE)) as field:
        seconds, _ = contenders.cli(field, field.world.ids)
    # A change can come at any moment of a round of the loop.
    turn = n * seconds / CLI_SAMPLE
    tell(results, CLI, n, building, turn * 0.5, turn * 0.99, computed=True)


def tell(results, contender, n, building, p50, p99, computed=False):
    say(f"bench:   latency: {n} images, {building} building: {contender} p50 {p50:.1f} s, p99 {p99:.1f} s")
    for what, value in ((P50, p50), (P99, p99)):
        results.row(what, "s", f"{building} building", n, contender, value, computed)


def changes_seen(field, running, window):
    """Moves each build one step further, and waits until each status has the change. Returns the seconds of each."""
    chance, watch, changed = random.Random(1), field.watch(), {}
    moments = sorted((chance.uniform(0, window), name) for name in field.world.building_ids)
    begun = time.monotonic()
    for moment, name in moments:
        running.process.sleep(max(0, begun + moment - time.monotonic()))
        field.aws.patch(image_build_versions=[build(name, "TESTING")])
        changed[name] = time.time()
    running.process.wait("a status of each change", lambda: all((name, "TESTING") in watch.first_seen for name in changed), PATIENCE)
    return [watch.first_seen[name, "TESTING"] - moment for name, moment in changed.items()]
