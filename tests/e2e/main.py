"""`make e2e`: installs the operator as users do, on a real node, and runs the proofs."""

import os
import signal
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "proving")]

import proofs.install  # noqa: F401, E402  the order of the imports is the order of the proofs
import proofs.mirror  # noqa: F401, E402
import proofs.openshift  # noqa: F401, E402
import proofs.identities  # noqa: F401, E402
import proofs.api  # noqa: F401, E402
import proofs.trouble  # noqa: F401, E402
import proofs.versions  # noqa: F401, E402
import proofs.rights  # noqa: F401, E402
from proof import Table  # noqa: E402
from shell import Failure, say  # noqa: E402
from clusters import ExistingCluster, OwnNode  # noqa: E402
from stage import NAMESPACE  # noqa: E402


def diagnose(stage):
    """Prints what a person would check first."""
    for arguments in (("get", "pods,customimages", "-A", "-o", "wide"), ("get", "events", "-n", NAMESPACE),
                      ("logs", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=customimage-operator", "--tail", "30", "--prefix")):
        say(f"$ kubectl {' '.join(arguments)}")
        say(stage.kubectl(*arguments, check=False).stdout)


def end(number, _frame):
    """Turns a signal into an exit, so that the run removes everything that it started."""
    raise SystemExit(128 + number)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    begun, table, stage = time.monotonic(), Table("e2e"), None
    is_existing = os.environ.get("CLUSTER") == "existing"
    try:
        stage = ExistingCluster() if is_existing else OwnNode(Path(sys.argv[1]), Path(os.environ["BIN"]))
        table.prove(stage)
    except Exception as error:  # noqa: BLE001  the node must not stay, whatever the error is
        table.failed(error if isinstance(error, Failure) else repr(error))
        if stage:
            diagnose(stage)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            if stage:
                stage.down()
        finally:
            OwnNode.end()
            table.print(time.monotonic() - begun)
    sys.exit(table.has_failed())


main()
