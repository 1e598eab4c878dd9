"""Servers of the API that clients read from, and the simulated AWS behind them."""

import json
import os
import re
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "proving"))

from control import Control  # noqa: E402
from shell import eventually, run  # noqa: E402

PROGRAMS = Path(os.environ["BIN"])
REGION, BUCKET, VERSION = "eu-west-1", "clients-images", "3.16.1"
STREAM = f"{VERSION}/1"
AVAILABLE, PENDING, FAILED = "hpc-available", "hpc-pending", "hpc-failed"
#: Regions with two available images each, one of them unusual. An image that came later would not be in the list at once: in the cluster it may be old.
USUAL, UNUSUAL = "hpc-usual", "hpc-unusual"
WITH_A_FAILED_AMI, WITH_AN_AMI_WITHOUT_A_VERSION = "us-east-1", "us-west-2"
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


def ami(image_id, region, ami_id, *, version=VERSION, **more):
    tags = {"image_id": image_id, "build_status": "available", **({"version": version} if version else {})}
    return {"region": region, "ami_id": ami_id, **more, "tags": [[f"parallelcluster:{name}", value] for name, value in tags.items()]}


def world():
    """One image in each status, each with its log. The stack of the available one is gone. Other regions have unusual images."""
    return {
        "defaults": {"account": "111122223333", "region": REGION},
        "clock": {"mode": "manual", "start": BEGAN},
        "buckets": [{"name": BUCKET}],
        "builds": [build(AVAILABLE, "available", 100), build(PENDING, "available", 200), build(FAILED, "component", 100)],
        "images": [
            ami(USUAL, WITH_A_FAILED_AMI, "ami-0123456789abcdef0"),
            ami(UNUSUAL, WITH_A_FAILED_AMI, "ami-0123456789abcdef1", state="failed"),
            ami(USUAL, WITH_AN_AMI_WITHOUT_A_VERSION, "ami-0123456789abcdef2"),
            ami(UNUSUAL, WITH_AN_AMI_WITHOUT_A_VERSION, "ami-0123456789abcdef3", version=None),
        ],
    }


def endpoint(aws):
    return aws.url.removesuffix("/_simulator")


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
def running(log, says, *command, **variables):
    """A program that ends with the test, or with the process of the test. Its output goes into the file `log`. Yields what `says` has found there."""
    with log.open("w") as out, subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                env=variables) as process:  # fmt: skip
        def found():
            assert process.poll() is None, f"{command[0].name} ended with {process.returncode}: {log.read_text()}"
            return re.search(says, log.read_text())

        try:
            yield eventually(f"{command[0].name} says {says}", found)[1]
        finally:
            process.terminate()
    assert process.returncode == 0, f"{command[0].name} ended with {process.returncode}: {log.read_text()}"


def certificate(folder):
    """Writes a certificate for this machine, and the one of the authority that has signed it: tls.crt, tls.key and ca.crt."""
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    run(*new, "-subj", "/CN=clients-ca", "-addext", "keyUsage=critical,keyCertSign", "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    run(*new, "-subj", "/CN=clients", "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "extendedKeyUsage=serverAuth", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", folder / "tls.key", "-out", folder / "tls.crt")  # fmt: skip


@contextmanager
def desk(aws, folder):
    """`serve` on a free port, which reads the simulated AWS."""
    with running(folder / "serve.log", r"serves (http://[^/]+)/", PROGRAMS / "customimage-operator", "serve", "--listen", "127.0.0.1:0", "--region", REGION,
                 "--aws-max-attempts", "1", **environment(endpoint(aws))) as url:  # fmt: skip
        yield Server(url)
