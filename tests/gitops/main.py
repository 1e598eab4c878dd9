"""`make gitops`: how Flux, kstatus, Argo CD, Helm and kubectl handle a CustomImage. Each tool runs its own code."""

import os
import signal
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "proving")]

import proofs.verdicts  # noqa: F401, E402  the order of the imports is the order of the proofs
import proofs.pipeline  # noqa: F401, E402
import proofs.kubectl  # noqa: F401, E402
import proofs.helm  # noqa: F401, E402
import proofs.adoption  # noqa: F401, E402
import proofs.recipes  # noqa: F401, E402
import proofs.promotion  # noqa: F401, E402
import proofs.docs  # noqa: F401, E402
from proof import Table  # noqa: E402
from shell import Failure, say  # noqa: E402
from stage import Stage  # noqa: E402


def end(number, _frame):
    """Turns a signal into an exit, so that the run removes everything that it started."""
    raise SystemExit(128 + number)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    begun, table, stage = time.monotonic(), Table("gitops"), Stage(Path(os.environ["BIN"]), Path(sys.argv[1]))
    try:
        stage.up()
        table.prove(stage)
    except Exception as error:  # noqa: BLE001  nothing must stay, whatever the error is
        table.failed(error if isinstance(error, Failure) else repr(error))
        stage.diagnose()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            stage.down()
        finally:
            table.print(time.monotonic() - begun)
            say("gitops: " + ", ".join(f"{what} {seconds:.0f} s" for what, seconds in stage.costs.items()))
    sys.exit(table.has_failed())


main()
