"""kube-state-metrics itself: it reads the chart's configuration, with the rights that the chart grants, from a real API server.

A real operator fills the statuses, so the operator's own metrics are read here, too. `make extra` runs this. BIN has the built programs, and
KUBE_STATE_METRICS names the program.
"""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / part) for part in ("chart", "gitops", "proving")]

from helm import of_kind, render  # noqa: E402
from metrics import METRICS, state_series  # noqa: E402
from pretended_aws import PretendedAws, build, image, stack  # noqa: E402
from shell import CHECKOUT, Kubectl, eventually, script  # noqa: E402

BIN = Path(os.environ["BIN"])
ACCOUNT = "kube-state-metrics"
CHART = render({"kubeStateMetrics": {"enabled": True, "namespace": "monitoring", "serviceAccount": ACCOUNT}})
CONFIGURATION, = (thing["data"]["custom-resource-state.yaml"] for thing in of_kind(CHART, "ConfigMap", "-kube-state-metrics"))
RIGHTS = [thing for kind in ("ClusterRole", "ClusterRoleBinding") for thing in of_kind(CHART, kind, "-kube-state-metrics")]
SPECS = {"available": {}, "building": {}, "broken": {}, "mistyped": {"region": "xx-nope-1"}, "suspended": {"suspend": True}, "absent": {}}
AWS = {"images": [image("available")], "stacks": [stack("building", "CREATE_IN_PROGRESS"), stack("broken", "CREATE_FAILED")],
       "image_build_versions": [build("building", "BUILDING"), build("broken", "FAILED")]}  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(log, program, *arguments, **environment):
    """A program that ends with the test, or with the process of the test. Its output goes to the file `log`."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "XDG_CACHE_HOME", "KUBEBUILDER_ASSETS")}
    with log.open("w") as out:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", program, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   env={**kept, **environment})  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def scraped(port):
    """The series of a /metrics: for each name, a list of labels with the value beside them."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    found = {}
    for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)", text, re.MULTILINE):
        found.setdefault(name, []).append((dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)))
    return found


def custom_image(name, namespace, spec):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": metadata, "spec": {"imageId": name, **spec}}


def as_service_account(kubeconfig, folder):
    """A kubeconfig with the rights of kube-state-metrics' ServiceAccount alone."""
    config = yaml.safe_load(kubeconfig.read_text())
    for user in config["users"]:
        user["user"]["as"] = f"system:serviceaccount:monitoring:{ACCOUNT}"
        user["user"]["as-groups"] = ["system:serviceaccounts", "system:authenticated"]
    path = folder / "kubeconfig-of-kube-state-metrics"
    path.write_text(yaml.safe_dump(config))
    return path


@contextmanager
def operator(folder, kubectl, aws):
    """A real operator for the namespace hpc; yields the port of its metrics."""
    port = free_port()
    with running(folder / "operator.log", BIN / "customimage-operator", "run", KUBECONFIG=str(kubectl.kubeconfig), AWS_ENDPOINT_URL=aws.endpoint,
                 AWS_ACCESS_KEY_ID="AKIA111122223333EXAMPLE", AWS_SECRET_ACCESS_KEY="pretended", AWS_EC2_METADATA_DISABLED="true", AWS_REGION="eu-west-1",
                 CUSTOMIMAGE_NAMESPACE="hpc", CUSTOMIMAGE_LEADER_ELECTION="false", CUSTOMIMAGE_LISTEN=f"127.0.0.1:{port}"):  # fmt: skip
        names = [name for name in SPECS if name != "suspended"]
        eventually("every image has a status", lambda: all(kubectl.get("customimage", name, "-n", "hpc").get("status", {}).get("conditions") for name in names))
        yield port


@contextmanager
def kube_state_metrics(folder, kubectl):
    """kube-state-metrics with the chart's configuration; yields its port and its log."""
    configuration, port, log = folder / "custom-resource-state.yaml", free_port(), folder / "kube-state-metrics.log"
    configuration.write_text(CONFIGURATION)
    with running(log, os.environ["KUBE_STATE_METRICS"], "--custom-resource-state-only", f"--custom-resource-state-config-file={configuration}",
                 f"--kubeconfig={as_service_account(kubectl.kubeconfig, folder)}", "--host=127.0.0.1", f"--port={port}", "--telemetry-host=127.0.0.1",
                 f"--telemetry-port={free_port()}"):  # fmt: skip
        yield port, log


class World:
    """What is scraped once all objects are there."""

    def __init__(self, of_operator, port, log):
        self.of_operator, self.log = of_operator, log
        names = {*SPECS, "new"}
        self.series = eventually("kube-state-metrics tells of every object", lambda: (
            found := scraped(port)) and {labels["name"] for labels, _ in found["kube_customimage_info"]} == names and found)  # fmt: skip

    def of(self, metric, name, **wanted):
        """The labels and the value of an object's only such series; None without one."""
        found = [series for series in self.series.get(metric, []) if series[0]["name"] == name and wanted.items() <= series[0].items()]
        assert len(found) <= 1, found
        return found[0] if found else None


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kube-state-metrics")
    with ExitStack() as stack_:
        kubectl = Kubectl(script("tests/cluster/kubectl")[0], folder / "kubeconfig")
        stack_.enter_context(running(folder / "cluster.log", BIN / "local-cluster", "--kubeconfig-out", str(kubectl.kubeconfig)))
        eventually("the control plane is up", lambda: "server=" in (folder / "cluster.log").read_text())
        aws = PretendedAws(BIN / "aws-simulator")
        stack_.callback(aws.stop)
        aws.patch(**AWS)
        kubectl("apply", "--server-side", "-f", CHECKOUT / "crds")
        kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        kubectl.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("hpc", "unwatched")), *RIGHTS)
        kubectl.apply(*(custom_image(name, "hpc", spec) for name, spec in SPECS.items()), custom_image("new", "unwatched", {}))
        port = stack_.enter_context(operator(folder, kubectl, aws))
        yield World(scraped(port), *stack_.enter_context(kube_state_metrics(folder, kubectl)))


@pytest.mark.parametrize(
    "name, status, reason",
    [
        ("available", "True", "ImageAvailable"),
        ("building", "False", "Building"),
        ("broken", "False", "BuildFailed"),
        ("mistyped", "Unknown", "UnknownRegion"),
        ("absent", "False", "NotFound"),
    ],
)
def test_the_condition_of_each_image_says_whether_it_is_ready_and_why(world, name, status, reason):
    labels, value = world.of("kube_customimage_status_condition", name, condition="Ready")
    assert (labels["status"], labels["reason"], labels["namespace"]) == (status, reason, "hpc")
    assert value == (status == "True")


def test_the_image_and_its_ami_are_labels(world):
    labels, value = world.of("kube_customimage_info", "available")
    assert value == 1
    assert labels["image_id"] == "available" and labels["ami_id"].startswith("ami-") and labels["region"] == "eu-west-1"
    assert labels["phase"] == "AVAILABLE" and labels["account_id"] == "111122223333" and labels["version"] == "3.16.1"


def test_the_phase_of_a_build_is_a_label(world):
    assert world.of("kube_customimage_info", "building")[0]["phase"] == "BUILDING"


def test_the_time_of_an_ami_is_seconds_since_1970_and_a_build_has_none(world):
    assert world.of("kube_customimage_creation_time_seconds", "available")[1] == 1790843400
    assert world.of("kube_customimage_creation_time_seconds", "building") is None


def test_one_build_status_holds_for_each_image(world):
    holds = {labels["name"]: labels["status"] for labels, value in world.series["kube_customimage_status_build"] if value}
    assert holds == {"building": "BUILD_IN_PROGRESS", "broken": "BUILD_FAILED", "available": "BUILD_COMPLETE"}


def test_suspended_is_told_of_each_image(world):
    assert world.of("kube_customimage_suspended", "suspended")[1] == 1
    assert world.of("kube_customimage_suspended", "available")[1] == 0


def test_a_new_object_without_a_status_has_its_image_id_alone(world):
    assert world.of("kube_customimage_info", "new")[0]["image_id"] == "new"
    assert [world.of(f"kube_customimage_{name}", "new") for name in ("status_condition", "status_build", "creation_time_seconds")] == [None] * 3


def test_kube_state_metrics_tells_every_series_and_label_that_the_dashboard_may_use(world):
    told = {name: set().union(*(labels for labels, _ in found)) for name, found in world.series.items() if name.startswith("kube_customimage_")}
    of_the_kind = {"customresource_group", "customresource_kind", "customresource_version"}
    assert {name: labels - of_the_kind for name, labels in told.items()} == state_series()


def test_kube_state_metrics_logs_no_error_with_the_rights_of_the_chart(world):
    assert [line for line in world.log.read_text().splitlines() if re.match("[EF][0-9]{4} ", line)] == []


@pytest.mark.parametrize("metric", sorted(METRICS.keys() - {"up"}))
def test_the_operator_itself_exports_each_metric_that_alerts_and_dashboard_use(world, metric):
    labels = [set(labels) for labels, _ in world.of_operator[metric]]
    assert METRICS[metric] in labels
