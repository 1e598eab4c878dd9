"""The recipes of docs/notifications.md, each with the tool's own code: Flux's controllers, and Argo CD's engine for notifications.

`make extra` runs this. BIN has the built programs, GITOPS and NOTIFICATIONS what tests/gitops/install and tests/notifications/install print.
"""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / part) for part in ("gitops", "proving")]

from pretended_aws import REGION, stack  # noqa: E402
from shell import CHECKOUT, Failure, eventually  # noqa: E402
from stage import FLUX, PATIENT, Stage, free_port  # noqa: E402

JUDGES, NOTIFIERS = Path(os.environ["GITOPS"]), Path(os.environ["NOTIFICATIONS"])
MANIFEST = """apiVersion: parallelcluster.dev/v1
kind: CustomImage
metadata: {name: hpc-1}
spec: {imageId: hpc-1, region: %s}
"""


class Receiver(ThreadingHTTPServer):
    """Takes what Flux's generic provider posts."""

    def __init__(self):
        self.messages = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class StageWithNotifications(Stage):
    """The stage of `make gitops`, whose Flux has a notification-controller, too."""

    def start_flux(self):
        address = f"127.0.0.1:{free_port()}"
        self.events = f"http://{address}/"
        self.kubectl("apply", "--server-side", "-f", NOTIFIERS / "crds")
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        self.start("notification-controller", NOTIFIERS / "notification-controller", "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0",
                   f"--events-addr={address}", f"--receiverAddr=127.0.0.1:{free_port()}",
                   env={"KUBECONFIG": str(self.kubectl.kubeconfig), "RUNTIME_NAMESPACE": FLUX, "HOME": self.folder.name, "TMPDIR": self.folder.name})  # fmt: skip
        super().start_flux()


@pytest.fixture(scope="module")
def stage():
    stage = StageWithNotifications(Path(os.environ["BIN"]), JUDGES)
    try:
        stage.up()
        stage.operator("operator", PATIENT, "hpc")
        yield stage
    finally:
        stage.down()


def alert():
    """The Provider and the Alert of the example."""
    return list(yaml.safe_load_all((CHECKOUT / "examples/flux/alert.yaml").read_text()))


def test_flux_sends_a_message_when_a_build_fails_that_a_kustomization_waits_for(stage):
    receiver = Receiver()
    provider, wanted = alert()
    provider["spec"] = {"type": "generic", "address": f"http://127.0.0.1:{receiver.server_port}/"}
    stage.kubectl.apply(provider, wanted)
    repository = stage.git.repository("images")
    (repository.folder / "images").mkdir()
    (repository.folder / "images" / "hpc-1.yaml").write_text(MANIFEST % REGION)
    repository.commit("an image")
    stage.aws.patch(stacks=[stack("hpc-1", "CREATE_FAILED")])
    stage.kubectl.apply(*(each for each in stage.example("examples/flux/image.yaml", "images") if each["metadata"]["name"] != "nodes"))
    message = eventually("Flux's message arrives", lambda: receiver.messages and receiver.messages[0], 90)
    assert message["involvedObject"]["kind"] == "Kustomization" and message["involvedObject"]["name"] == "images"
    assert (message["severity"], message["reason"]) == ("error", "HealthCheckFailed")
    assert "CustomImage/hpc/hpc-1 status: 'Failed'" in message["message"]


def test_flux_refuses_an_alert_for_custom_images(stage):
    _, wanted = alert()
    wanted["spec"]["eventSources"] = [{"kind": "CustomImage", "name": "*"}]
    with pytest.raises(Failure, match='Unsupported value: "CustomImage"'):
        stage.kubectl.apply(wanted)


def test_flux_drops_an_event_about_a_custom_image_that_somebody_posts_to_its_endpoint(stage):
    event = {"involvedObject": {"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "namespace": "hpc", "name": "hpc-1"}, "severity": "error",
             "timestamp": "2026-11-27T00:00:00Z", "reason": "BuildFailed", "message": "a build failed", "reportingController": "somebody"}  # fmt: skip
    request = urllib.request.Request(stage.events, json.dumps(event).encode(), {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
        assert reply.status == 202
    stage.await_line("notification-controller", "discarding event, no alerts found for the involved object")


def test_the_schema_of_an_alert_has_the_kinds_of_flux_alone():
    crd = yaml.safe_load((NOTIFIERS / "crds/notification.toolkit.fluxcd.io_alerts.yaml").read_text())
    source = crd["spec"]["versions"][-1]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["eventSources"]["items"]
    assert "Kustomization" in source["properties"]["kind"]["enum"] and "CustomImage" not in source["properties"]["kind"]["enum"]


# ---- Argo CD

CONDITIONS = {
    "broken": [("Ready", "False", "BuildFailed", "component Slurm failed in step Install"), ("Stalled", "True", "BuildFailed", "")],
    "building": [("Ready", "False", "Building", "Image Builder says BUILDING"), ("Reconciling", "True", "Building", "")],
    "there": [("Ready", "True", "ImageAvailable", "AMI ami-1 can be used")],
}


def custom_image(name):
    conditions = [dict(zip(("type", "status", "reason", "message"), each)) for each in CONDITIONS[name]]
    return {"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": name, "namespace": "hpc", "generation": 1},
            "spec": {"imageId": name}, "status": {"observedGeneration": 1, "conditions": conditions}}  # fmt: skip


def healths(names, folder):
    """What Argo CD says of CustomImages with the health check of the example: for each name, the health and the message."""
    settings = yaml.safe_load((CHECKOUT / "examples/argocd/argocd-cm.yaml").read_text())["data"]
    script = folder / "health.lua"
    script.write_text(settings["resource.customizations.health.parallelcluster.dev_CustomImage"])
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": [custom_image(name) for name in names]})
    told = subprocess.run([JUDGES / "argocd-health", script], input=objects, text=True, capture_output=True, check=True).stdout
    return {name: {"status": status, "message": message} for name, status, message in (line.split("\t") for line in told.splitlines())}


def sent(names, folder, persisted=True):
    """The message about an Application with these CustomImages; empty without one."""
    resources = [{"kind": "ConfigMap", "name": "nodes", "namespace": "hpc", "version": "v1"}]
    for name, health in healths(names, folder).items():
        resource = {"group": "parallelcluster.dev", "version": "v1", "kind": "CustomImage", "name": name, "namespace": "hpc"}
        resources.append({**resource, "health": health} if persisted else resource)
    application = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "images", "namespace": "argocd"},
                   "status": {"health": {"status": "Degraded"}, "resources": resources}}  # fmt: skip
    command = [NOTIFIERS / "argocd-notifications", CHECKOUT / "examples/argocd/notifications-cm.yaml", "on-customimage-degraded"]
    return subprocess.run(command, input=json.dumps(application), text=True, capture_output=True, check=True).stdout


def test_argo_cd_names_the_failed_image_and_its_reason(tmp_path):
    message = sent(["there", "broken", "building"], tmp_path)
    assert "CustomImage hpc/broken: BuildFailed: component Slurm failed in step Install" in message
    assert "hpc/there" not in message and "hpc/building" not in message
    assert "https://argocd.example.com/applications/argocd/images" in message


def test_argo_cd_sends_nothing_while_no_image_has_failed(tmp_path):
    assert sent(["there", "building"], tmp_path) == ""


def test_argo_cd_sends_nothing_without_the_setting_that_keeps_the_health_of_resources(tmp_path):
    assert sent(["broken"], tmp_path, persisted=False) == ""
