"""Helpers for all other files: commands, waiting, printing and kubectl."""

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

# The user's environment must have no effect: the cluster is reached directly, and Helm has its defaults.
for name in list(os.environ):
    if name.lower().endswith("_proxy") or name.startswith("HELM_"):
        del os.environ[name]

CHECKOUT = Path(__file__).resolve().parents[2]


class Failure(Exception):
    """An expectation was not met, or a command failed."""


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def run(*command, check=True, text_in=None, env=None, timeout=300):
    """Runs a command and returns its stdout. If it fails, raises Failure with its whole output.

    With check=False, returns the completed process instead.
    """
    command = [str(word) for word in command]
    done = subprocess.run(command, input=text_in, capture_output=True, text=True, env=env, timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout if check else done


def script(path, *arguments, env=None):
    """Runs a script of the project and returns the lines of its stdout. Its stderr, the progress, is printed."""
    done = subprocess.run([str(CHECKOUT / path), *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=env, check=False, start_new_session=True)
    if done.returncode != 0:
        raise Failure(f"{path} ended with {done.returncode}; see above")
    return done.stdout.split("\n")[:-1]


def eventually(what, look, seconds=60, pause=0.1):
    """Waits until `look` returns a true value, and returns it."""
    end, last = time.monotonic() + seconds, None
    while True:
        try:
            last = look()
            if last:
                return last
        except (Failure, KeyError, IndexError, OSError) as error:
            last = error
        if time.monotonic() > end:
            raise Failure(f"not seen within {seconds} s: {what}; last: {last}")
        time.sleep(pause)


def require(condition, what, seen=""):
    if not condition:
        raise Failure(f"expected: {what}{f'; seen: {seen}' if seen != '' else ''}")


def now():
    """The current time, in the format of the audit log."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Kubectl:
    """kubectl as the cluster's administrator."""

    def __init__(self, program, kubeconfig):
        self.program, self.kubeconfig = program, kubeconfig

    def __call__(self, *arguments, **options):
        return run(self.program, "--kubeconfig", self.kubeconfig, *arguments, **options)

    def get(self, *arguments):
        """One object, or the items of a list."""
        found = json.loads(self("get", *arguments, "-o", "json"))
        return found["items"] if found["kind"] == "List" or found["kind"].endswith("List") else found

    def apply(self, *objects):
        self("apply", "-f", "-", text_in=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def raw(self, path):
        return self("get", "--raw", path)


def condition(found, kind):
    """(status, reason) of a condition."""
    for each in found.get("status", {}).get("conditions", []):
        if each["type"] == kind:
            return each["status"], each.get("reason", "")
    return None, None
