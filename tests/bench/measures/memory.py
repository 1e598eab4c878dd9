"""Memory and CPU of a process at rest, with default intervals.

All sizes of one contender run at the same time, because the processes are idle.
"""

import time
from contextlib import ExitStack

from contenders import KOPF, OPERATOR, Kopf, Operator
from field import Field
from shell import say
from worlds import AVAILABLE, world

SIZES, SIZES_OF_KOPF, QUICK_SIZES, QUICK_SIZES_OF_KOPF = (0, 1000, 10000), (100, 1000), (0, 100), (20,)
SETTLING, QUICK_SETTLING = 300, 20
RSS, PEAK, CPU = "resident", "most ever resident", "CPU a minute"


def measure(bench, results):
    sizes, sizes_of_kopf = (QUICK_SIZES, QUICK_SIZES_OF_KOPF) if bench.is_quick else (SIZES, SIZES_OF_KOPF)
    settling = QUICK_SETTLING if bench.is_quick else SETTLING
    for contender, chosen in ((OPERATOR, sizes), (KOPF, sizes_of_kopf)):
        with ExitStack() as fields:
            running = {n: start(bench, fields, contender, n) for n in chosen}
            for n, (process, completed, cpu) in running.items():
                process.sleep(max(0, completed + settling - time.monotonic()))
                cpu_a_minute = (process.cpu_seconds() - cpu) / (time.monotonic() - completed) * 60
                found = ((RSS, "MiB", process.memory_mib("VmRSS")), (PEAK, "MiB", process.memory_mib("VmHWM")), (CPU, "s", cpu_a_minute))
                for what, unit, value in found:
                    results.row(what, unit, AVAILABLE, n, contender, value)
                    say(f"bench:   memory: {n} images: {contender} {what} {value:.2f} {unit}")


def start(bench, fields, contender, n):
    """Starts a contender. Returns the process, the time of its last status, and its CPU seconds at that time."""
    # kopf runs without AWS's limits: with them it would need minutes to read all images, and that is not measured here.
    field = fields.enter_context(Field(bench, world(AVAILABLE, n), aws_limits=contender == OPERATOR))
    running = Operator(field) if contender == OPERATOR else Kopf(field)
    running.await_complete(900)
    say(f"bench:   memory: {contender} has written {n} statuses")
    return running.process, time.monotonic(), running.process.cpu_seconds()
