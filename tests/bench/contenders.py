"""The contenders: the operator, a kopf operator, the official CLI in a loop, a client that knows the statuses, and the official API server."""

import os
import re
import subprocess
import urllib.request
from datetime import datetime
from pathlib import Path

from field import NAMESPACE
from pretended_aws import REGION
from processes import completed
from shell import CHECKOUT, require

OPERATOR, UNBATCHED, KOPF, CLI, BARE, OFFICIAL = NAMES = ("operator", "unbatched", "kopf", "cli", "bare-client", "official server")
#: Concurrent writes: the operator's default.
CONCURRENCY = 32
#: For counting calls without waiting: the whole budget. AWS's limits are off in these runs.
UNLIMITED = {"AWS_BUDGET": "100", "AWS_ASSUMED_RATE": "1000", "AWS_ASSUMED_BURST": "1000"}
WITHOUT_BATCHING = {**UNLIMITED, "BATCHING": "off"}
#: ParallelCluster downloads its list of regions. Without internet it uses its built-in list.
WITHOUT_INTERNET = {"https_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1,localhost"}


class Operator:
    """This operator with default settings, except those given. Leader election is off, so that it leads at once."""

    def __init__(self, field, name=OPERATOR, **settings):
        self.field = field
        environment = {**field.environment(), "CUSTOMIMAGE_NAMESPACE": NAMESPACE, "CUSTOMIMAGE_LEADER_ELECTION": "false",
                       "CUSTOMIMAGE_LISTEN": "127.0.0.1:0", **{f"CUSTOMIMAGE_{key}": value for key, value in settings.items()}}
        del environment["AWS_DEFAULT_REGION"]
        self.process = field.start(name, field.bench.programs / "customimage-operator", "run", env=environment)
        runs = re.compile(r"^(\S+Z)\s.*customimage-operator runs.*$", re.MULTILINE)
        line = self.process.wait("it runs", lambda: runs.search(self.process.log()), 60, 0.01)
        self.leads_since = datetime.fromisoformat(line.group(1)).timestamp()
        self.address = re.search(r"listen=(\S+)", line.group(0)).group(1)

    def listens(self, words):
        """The address in the log's line with these words."""
        line = self.process.wait(words, lambda: re.search(rf"{re.escape(words)}.* listen=(\S+)", self.process.log()), 60)
        return line.group(1)

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=30) as reply:
            return reply.read().decode()

    def metric(self, name):
        """The sum of all series whose name begins with `name`."""
        return total(self.metrics(), name)

    def is_complete(self):
        metrics, world = self.metrics(), self.field.world
        if total(metrics, 'customimage_status_writes_total{result="applied"}') < world.n:
            return False
        return all(total(metrics, f'customimage_objects{{reason="{reason}"}}') == count for reason, count in world.reasons.items())

    def await_complete(self, seconds, pause=0.1):
        """Waits for all statuses. Reads the metrics rarely at first, because in a large fleet each read is costly."""
        few = self.field.world.n * 0.75
        self.process.wait("most of the statuses", lambda: self.metric('customimage_status_writes_total{result="applied"}') >= few, seconds, 5 * pause)
        self.process.wait(f"{self.field.world.n} complete statuses", self.is_complete, seconds, pause)


def total(metrics, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines() if line.startswith(name))


class Kopf:
    """The kopf operator of peers/, started with `kopf run`."""

    def __init__(self, field, interval=60):
        self.field, self.watch = field, field.watch()
        environment = {**field.environment(), **WITHOUT_INTERNET, "INTERVAL": str(interval)}
        program = Path(__file__).parent / "peers/kopf_operator.py"
        self.process = field.start(KOPF, field.bench.venv / "bin/kopf", "run", "--standalone", "--namespace", NAMESPACE, program, env=environment)

    def is_complete(self):
        return self.watch.count(is_told) == self.field.world.n

    def await_complete(self, seconds, pause=0.1):
        self.process.wait(f"{self.field.world.n} complete statuses", self.is_complete, seconds, pause)


def is_told(status):
    return "imageId" in status or any(each["reason"] == "NotFound" for each in status.get("conditions", []))


def cli(field, image_ids):
    """Runs `pcluster describe-image` for one image after the other. Returns the seconds and CPU seconds of all."""
    environment, seconds, cpu = {**field.environment(), **WITHOUT_INTERNET}, 0, 0
    for image_id in image_ids:
        # Exit code 1: no such image.
        _, one, one_cpu = completed(CLI, field.bench.venv / "bin/pcluster", "describe-image", "--image-id", image_id, "--region", REGION,
                                    env=environment, statuses=(0, 1))
        seconds, cpu = seconds + one, cpu + one_cpu
    return seconds, cpu


def bare_client(field, statuses, concurrency=CONCURRENCY):
    """Writes the statuses of the file as fast as possible. Returns the seconds and the CPU seconds."""
    printed, _, cpu = completed(BARE, field.bench.programs / "bare-client", "statuses", "--namespace", NAMESPACE, "--statuses", statuses,
                                "--concurrency", concurrency, env={"PATH": os.environ["PATH"], "KUBECONFIG": str(field.kubeconfig)})
    require(re.fullmatch(r"[\d.]+", printed.strip()), "bare-client prints its seconds", printed)
    return float(printed), cpu


class OfficialServer:
    """The official program's own API server, in one process: HTTP without TLS, and it asks nobody who the caller is."""

    def __init__(self, field):
        self.field = field
        self.process = field.start(OFFICIAL, field.bench.venv / "bin/python", CHECKOUT / "tests/oracle/server.py",
                                   env={**field.environment(), **WITHOUT_INTERNET}, stdin=subprocess.PIPE)
        port = self.process.wait("it listens", lambda: re.search(r"^(\d+)$", self.process.log(), re.MULTILINE), 60)
        self.address = f"127.0.0.1:{port.group(1)}"

    def describe(self, image_id):
        """The answer to one request."""
        url = f"http://{self.address}/v3/images/custom/{image_id}?region={REGION}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"X-Endpoint": self.field.aws.endpoint}), timeout=60) as reply:
            return reply.read()
