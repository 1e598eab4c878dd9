"""Servers of the API that clients read from, and the simulated AWS behind them."""

import json
import os
import re
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "proving"))

from control import Control  # noqa: E402

PROGRAMS = Path(os.environ["BIN"])
REGION, BUCKET, VERSION = "eu-west-1", "clients-images", "3.16.1"
STREAM = f"{VERSION}/1"
AVAILABLE, PENDING, FAILED = "hpc-available", "hpc-pending", "hpc-failed"
#: The time in the world does not go on, so that the same question has the same answer.
BEGAN, NOW = "2026-11-27T08:00:00Z", 101


@dataclass(frozen=True)
class Server:
    """Where the API is: `url` is before /v3, and may have a path. `ca` is a file with the certificate of who signed the server's."""

    url: str
    token: str | None = None
    ca: Path | None = None

    def get(self, path, **parameters):
        """The JSON of an answer, without one of the clients."""
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items())
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(f"{self.url}/v3/images/custom{path}?{query}", headers=headers)
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca))
        with urllib.request.build_opener(urllib.request.ProxyHandler({}), tls).open(request, timeout=30) as reply:
            return json.load(reply)


def build(image_id, outcome, seconds):
    return {"image_id": image_id, "outcome": outcome, "seconds": seconds, "s3_bucket": BUCKET, "version": VERSION}


def world():
    """One image in each status, each with its log. The stack of the available one is gone."""
    return {
        "defaults": {"account": "111122223333", "region": REGION},
        "clock": {"mode": "manual", "start": BEGAN},
        "buckets": [{"name": BUCKET}],
        "builds": [build(AVAILABLE, "available", 100), build(PENDING, "available", 200), build(FAILED, "component", 100)],
    }


def environment(endpoint):
    """Credentials of a test and no endpoint but this one. Nothing of the user's own configuration."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "AKIA111122223333EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip


@contextmanager
def simulated_aws():
    """The control of a simulated AWS."""
    command = [PROGRAMS / "aws-simulator", "--stdin-lifeline"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        control = Control(re.search(r"http://\S+", process.stdout.readline()).group(0))
        control("PUT", "world", world())
        control("PUT", "clock", {"advance": NOW})
        yield control
        process.stdin.close()


@contextmanager
def desk(aws, log):
    """`serve` on a free port, which reads the simulated AWS. Its log goes into a file."""
    command = [PROGRAMS / "customimage-operator", "serve", "--listen", "127.0.0.1:0", "--region", REGION, "--aws-max-attempts", "1"]
    endpoint = aws.url.removesuffix("/_simulator")
    with log.open("w") as file, subprocess.Popen(command, env=environment(endpoint), stderr=subprocess.PIPE, text=True) as process:
        said = ""
        for line in process.stderr:
            said += line
            if found := re.search(r"serves (http://[^/]+)/", line):
                break
        else:
            raise AssertionError(f"serve ended with {process.wait()}: {said}")
        # Somebody must read on, or `serve` stops when the pipe is full.
        reader = threading.Thread(target=lambda: file.writelines(process.stderr))
        reader.start()
        try:
            yield Server(found.group(1))
        finally:
            process.terminate()
            reader.join()
    assert process.returncode == 0, f"serve ended with {process.returncode}"
