"""AWS calls of one full refresh: from the contender's start until every object has its complete status."""

import math

import contenders
from contenders import CLI, KOPF, OPERATOR, UNBATCHED, UNLIMITED, WITHOUT_BATCHING, Kopf, Operator
from field import Field
from shell import say
from worlds import AVAILABLE, WORLDS, world

CALLS, CPU = "AWS calls", "CPU"
SIZES, QUICK_SIZES = (1, 100, 1000, 10000), (1, 20, 100)
#: The CLI is slow. It runs for at most this many images; the values for more images are computed.
SAMPLE, QUICK_SAMPLE = 20, 5
#: The most images for each contender. Values for more images are computed.
MOST = {OPERATOR: 10000, UNBATCHED: 1000, KOPF: 100, CLI: 100}
MOST_OF_KOPF_WHEN_ALL_ARE_AVAILABLE = 1000
SECONDS = 1200


def measure(bench, results):
    for name in WORLDS:
        for n in QUICK_SIZES if bench.is_quick else SIZES:
            for contender in (OPERATOR, UNBATCHED, KOPF, CLI):
                most = MOST_OF_KOPF_WHEN_ALL_ARE_AVAILABLE if contender == KOPF and name == AVAILABLE else MOST[contender]
                if n > most:
                    compute(results, contender, name, n, most)
                else:
                    run(bench, results, contender, name, n)


def compute(results, contender, name, n, most):
    """Computes the values for n images in proportion to those for `most` images."""
    for row in [row for row in results.rows if (row["contender"], row["world"], row["n"]) == (contender, name, most)]:
        results.row(row["what"], row["unit"], name, n, contender, row["value"] * n / most, computed=True)


def run(bench, results, contender, name, n):
    calls, cpu = refresh(bench, contender, name, n)
    is_computed = contender == CLI and n > sample(bench)
    say(f"bench:   calls: {n} images, {name}: {contender} {'≈ ' if is_computed else ''}{sum(calls.values()):.0f} calls, {cpu:.1f} CPU s")
    for operation, count in sorted(calls.items()):
        results.row(operation, "calls", name, n, contender, count, is_computed)
    results.row(CALLS, "calls", name, n, contender, sum(calls.values()), is_computed)
    results.row(CPU, "s", name, n, contender, cpu, is_computed)


def sample(bench):
    return QUICK_SAMPLE if bench.is_quick else SAMPLE


def refresh(bench, contender, name, n):
    """Runs a full refresh. Returns the calls by operation, and the CPU seconds."""
    # With only available images the operator runs at its defaults and AWS's limits, to show that it keeps to them.
    # All other runs only count calls, without waiting for limits.
    is_by_default = contender == OPERATOR and name == AVAILABLE
    if contender == CLI:
        return sampled(bench, name, n)
    with Field(bench, world(name, n), aws_limits=is_by_default) as field:
        if contender == KOPF:
            # Longer than the run, so that no image is read twice.
            running = Kopf(field, interval=SECONDS)
        else:
            running = Operator(field, contender, **({} if is_by_default else UNLIMITED if contender == OPERATOR else WITHOUT_BATCHING))
        running.await_complete(SECONDS)
        return field.calls(), running.process.cpu_seconds()


def sampled(bench, name, n):
    """Runs the CLI for a sample with the same proportion of each kind of image, and extrapolates to all images."""
    whole = world(name, n)
    with Field(bench, whole, aws_limits=False) as field:
        calls, cpu = {}, 0
        for ids in (whole.available_ids, whole.building_ids, whole.absent_ids):
            part = ids[:math.ceil(len(ids) * min(1, sample(bench) / n))]
            field.forget_calls()
            _, seconds = contenders.cli(field, part)
            share = len(ids) / len(part) if part else 0
            cpu += seconds * share
            for operation, count in field.calls().items():
                calls[operation] = calls.get(operation, 0) + count * share
    return calls, cpu
