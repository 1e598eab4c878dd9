"""The environment of one contender: its own control plane, simulated AWS and objects.

No measurement leaves anything to the next.
"""

import json
import os
import re
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from api import Api, Watch
from pretended_aws import REGION, PretendedAws
from processes import Process
from shell import CHECKOUT, Kubectl, script

NAMESPACE = "fleet"
THROTTLED = "Throttling|RateLimitExceeded|RequestLimitExceeded|SlowDown"
OBJECTS = f"/apis/parallelcluster.dev/v1/namespaces/{NAMESPACE}/customimages"


class Field:
    def __init__(self, bench, world, aws_limits=True):
        self.bench, self.world, self.aws_limits = bench, world, aws_limits
        self.last = ExitStack()

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.last.close()
            raise
        return self

    def __exit__(self, *_):
        self.last.close()

    def up(self):
        self.folder = Path(self.last.enter_context(tempfile.TemporaryDirectory(prefix="customimage-bench-")))
        self.kubeconfig = self.folder / "kubeconfig"
        cluster = self.start("control plane", self.bench.programs / "local-cluster", "--kubeconfig-out", self.kubeconfig,
                             env={name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME", "KUBEBUILDER_ASSETS") if name in os.environ})
        cluster.wait("it is ready", lambda: "server=" in cluster.log(), 120)
        kubectl = Kubectl(script("tests/cluster/kubectl")[0], self.kubeconfig)
        kubectl("apply", "--server-side", "-f", CHECKOUT / "crds")
        kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        self.api = Api(self.kubeconfig)
        self.bench.kubernetes = json.loads(self.api("GET", "/version"))["gitVersion"]
        self.aws = PretendedAws(self.bench.programs / "aws-simulator")
        self.last.callback(self.aws.stop)
        self.world.load(self.aws)
        self.aws.patch(aws_limits=self.aws_limits)
        self.create()

    def create(self):
        self.api("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        self.api.create(OBJECTS, ({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": name.lower()},
                                   "spec": {"imageId": name, "region": REGION}} for name in self.world.ids))

    def start(self, name, program, *arguments, **options):
        """Starts a process that ends with the field."""
        process = Process(name, self.folder / f"{name}.log", program, *arguments, **options)
        self.last.callback(process.stop)
        return process

    def environment(self):
        """The environment of each contender: where AWS and the API server are. A contender adds its own settings."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "KUBECONFIG": str(self.kubeconfig), "AWS_ENDPOINT_URL": self.aws.endpoint,
                "AWS_ACCESS_KEY_ID": "AKIA111122223333EXAMPLE", "AWS_SECRET_ACCESS_KEY": "pretended", "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}

    def watch(self):
        return Watch(self.api, OBJECTS)

    def forget_calls(self):
        self.aws.control("DELETE", "calls")

    def calls(self):
        """The number of AWS calls by service:operation, as AWS counts them: with retries."""
        found = Counter()
        for each in self.aws.control("GET", "calls")["counts"]:  # these are also by status
            found[f"{each['service']}:{each['operation']}"] += each["count"]
        return dict(found)

    def throttled(self):
        """The number of throttled calls."""
        return sum(1 for call in self.aws.control("GET", "calls")["calls"] if re.search(THROTTLED, call["error_code"] or ""))

    def writes(self):
        """The number of requests of all clients that write a CustomImage or its status."""
        metrics = self.api("GET", "/metrics").decode()
        pattern = r'^apiserver_request_total{([^}]*resource="customimages"[^}]*)} (\S+)$'
        return sum(float(count) for labels, count in re.findall(pattern, metrics, re.MULTILINE) if re.search(r'verb="(PATCH|PUT|APPLY)"', labels))
