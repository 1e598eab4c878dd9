"""Asks the operator's program itself whether it takes a setting."""

import os
import subprocess
import tempfile
from pathlib import Path

import yaml

PROGRAM = Path(os.environ["BIN"]) / "customimage-operator"
STARTED = "customimage-operator runs"
#: Nothing listens there. The program starts all the same, and waits.
NOWHERE = {"apiVersion": "v1", "kind": "Config", "current-context": "a", "users": [{"name": "a", "user": {"token": "a"}}],
           "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
           "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}  # fmt: skip


def complaint(**variables):
    """What the program says of a flag that it refuses, or nothing. It ends at once, because there is no cluster."""
    settings = {"KUBECONFIG": "/nonexistent", "CUSTOMIMAGE_LISTEN": "127.0.0.1:0", **variables}
    done = subprocess.run([PROGRAM, "run"], env=settings, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return done.stderr if "error: invalid value" in done.stderr else ""


def starts(**variables):
    """Whether the program runs, or ends because settings do not fit each other. Its log must show INFO."""
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(NOWHERE))
        settings = {"KUBECONFIG": str(kubeconfig), "CUSTOMIMAGE_LISTEN": "127.0.0.1:0", "AWS_EC2_METADATA_DISABLED": "true", **variables}
        process = subprocess.Popen([PROGRAM, "run"], env=settings, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            return any(STARTED in line for line in process.stderr)
        finally:
            process.kill()
            process.communicate()


def takes_identities(*identities):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"identities": list(identities)}, file)
        file.flush()
        return starts(CUSTOMIMAGE_CONFIGURATION=file.name)
