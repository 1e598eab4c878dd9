"""`make bench`: measures the operator and its peers, and writes a table, JSON and plots."""

import os
import signal
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "bench"), str(TESTS / "gitops"), str(TESTS / "proving")]

import plots  # noqa: E402
import table  # noqa: E402
from measures import api, budget, calls, latency, memory, rest, statuses  # noqa: E402
from results import Results, facts, load, save  # noqa: E402
from shell import CHECKOUT, Failure, say  # noqa: E402

#: In the order of execution: the function, and the minutes on 2 cores of a full and of a quick run.
MEASURES = {"calls": (calls.measure, 15, 4), "budget": (budget.measure, 6, 1), "rest": (rest.measure, 5, 2), "statuses": (statuses.measure, 7, 1),
            "memory": (memory.measure, 14, 1.5), "latency": (latency.measure, 7, 4), "api": (api.measure, 4, 1)}


class Bench:
    """The settings of a run, for all measures."""

    def __init__(self, programs):
        self.programs, self.venv = Path(programs).resolve(), Path(sys.prefix)
        self.is_quick = bool(os.environ.get("QUICK"))
        self.kubernetes, self.load_before = None, os.getloadavg()[0]
        chosen = [name for name in os.environ.get("ONLY", "").split(",") if name] or list(MEASURES)
        self.check(chosen)
        self.chosen = [name for name in MEASURES if name in chosen]
        # The numbers of a quick run must not be published.
        place = CHECKOUT / ("build/bench" if self.is_quick else "docs")
        self.document, self.output = place / "performance.md", place / "performance"

    def check(self, chosen):
        if unknown := set(chosen) - set(MEASURES):
            raise Failure(f"ONLY names {', '.join(sorted(unknown))}; next step: name some of {','.join(MEASURES)}")
        for program in ("customimage-operator", "aws-simulator", "local-cluster", "bare-client"):
            if not (self.programs / program).exists():
                raise Failure(f"no {program} in {self.programs}; next step: tests/image/release --workspace --bins")


def run(bench):
    minutes = sum(MEASURES[name][2 if bench.is_quick else 1] for name in bench.chosen)
    say(f"bench: {', '.join(bench.chosen)}: about {minutes:.0f} minutes on 2 cores")
    say(f"bench: the machine should do nothing else; its load now is {bench.load_before:.1f}")
    results_file = bench.output / "results.json"
    # Measures that are not chosen keep their former results.
    measures = load(results_file)
    for name in bench.chosen:
        begun, results = time.monotonic(), Results(name)
        say(f"bench: {name} …")
        MEASURES[name][0](bench, results)
        measures[name] = {"facts": facts(bench), "rows": results.rows, "samples": results.samples}
        save(results_file, measures)
        say(f"bench: {name}: {(time.monotonic() - begun) / 60:.1f} minutes")
    block = table.markdown(measures)
    table.write_into(bench.document, block)
    plots.draw(bench.output, measures)
    print(block)
    say(f"bench: written to {bench.output} and {bench.document}")


def end(number, _frame):
    """Turns a signal into an exit, so that the run stops everything that it started."""
    raise SystemExit(128 + number)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        run(Bench(sys.argv[1]))
    except Failure as failure:
        sys.exit(f"bench: FAILED: {failure}")


main()
