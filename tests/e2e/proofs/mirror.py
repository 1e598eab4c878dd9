"""The main job: images mirrored from AWS, with waits, Events, logs and metrics."""

import json
import statistics
import time
import urllib.request

from proof import OWN_NODE, proof
from pretended_aws import BUCKET, image
from shell import condition, eventually, require
from stage import NAMESPACE, TEAM


@proof("a CustomImage becomes Ready, and kubectl wait sees it")
def becomes_ready(stage):
    stage.create("hpc-base", "hpc-base")
    stage.kubectl("wait", "--for=condition=Ready", "customimage/hpc-base", "-n", TEAM, "--timeout=60s")
    status = stage.image_of("hpc-base")["status"]
    require((status["ec2AmiInfo"]["amiId"], status["accountId"]) == ("ami-0aaaaaaaaaaaaaaaa", "111122223333"), "the AMI of the pod's own account", status)
    table = stage.kubectl("get", "customimages", "-n", TEAM)
    require("AVAILABLE" in table and "ami-0aaaaaaaaaaaaaaaa" in table and "ImageAvailable" in table, "a row for people", table)


def build(stage, image_id, outcome, **more):
    stage.aws.control("POST", "builds", {"image_id": image_id, "outcome": outcome, "seconds": 8, "s3_bucket": BUCKET, **more})


@proof("a pipeline waits while an image builds, and continues when it is available")
def waits_for_a_build(stage):
    build(stage, "hpc-builds", "available")
    stage.create("hpc-builds", "hpc-builds")
    eventually("it is building", lambda: condition(stage.image_of("hpc-builds"), "Ready") == ("False", "Building"))
    stage.kubectl("wait", "--for=condition=Ready", "customimage/hpc-builds", "-n", TEAM, "--timeout=90s")


@proof("a failed build is Stalled with the failing step, an absent image is NotFound, each with an Event")
def tells_failures(stage):
    build(stage, "hpc-fails", "failed", reason="Build of the image failed", failure_context={"failedStep": "RunComponents"})
    stage.create("hpc-fails", "hpc-fails")
    stage.create("hpc-absent", "hpc-absent")
    stage.kubectl("wait", "--for=jsonpath={.status.imageBuildStatus}=BUILD_FAILED", "customimage/hpc-fails", "-n", TEAM, "--timeout=60s")
    failed = stage.image_of("hpc-fails")
    [ready] = [each for each in failed["status"]["conditions"] if each["type"] == "Ready"]
    require("RunComponents" in ready["message"] and condition(failed, "Stalled")[0] == "True", "the failing step", ready)
    eventually("hpc-absent is not found", lambda: condition(stage.image_of("hpc-absent"), "Ready") == ("False", "NotFound"))

    def reasons():
        events = stage.kubectl.get("events.events.k8s.io", "-n", TEAM)
        return {(event["regarding"]["name"], event["reason"]) for event in events}
    for told in (("hpc-absent", "NotFound"), ("hpc-builds", "ImageAvailable"), ("hpc-fails", "BuildFailed")):
        eventually(f"an Event {told}", lambda told=told: told in reasons())


@proof("a change in AWS reaches the status, and at rest nothing is written")
def follows(stage):
    stage.aws.patch(images=[image("hpc-base", "ami-0aaaaaaaaaaaaaaaa", description="changed in AWS")])
    eventually("the change is there", lambda: stage.image_of("hpc-base")["status"]["ec2AmiInfo"].get("description") == "changed in AWS")
    calls, version = stage.aws.control("GET", "calls")["total"], stage.image_of("hpc-base")["metadata"]["resourceVersion"]
    eventually("AWS gets more than ten further calls", lambda: stage.aws.control("GET", "calls")["total"] > calls + 10)
    require(stage.image_of("hpc-base")["metadata"]["resourceVersion"] == version, "no write at rest")


@proof("what another client writes into the status is corrected, and each change of suspend is reported")
def puts_right(stage):
    foreign = json.dumps({"status": {"imagebuilderImageStatus": "BUILDING"}})
    stage.kubectl("patch", "customimage", "hpc-base", "-n", TEAM, "--subresource=status", "--type=merge", "-p", foreign)
    eventually("the foreign field is gone", lambda: "imagebuilderImageStatus" not in stage.image_of("hpc-base")["status"])
    for suspend in (True, False, True, False):
        stage.kubectl("patch", "customimage", "hpc-base", "-n", TEAM, "--type=merge", "-p", json.dumps({"spec": {"suspend": suspend}}))
        expected = ("False", "Suspended") if suspend else ("True", "ObservedImage")
        eventually(f"suspend: {suspend}", lambda expected=expected: condition(stage.image_of("hpc-base"), "Synced") == expected)


@proof("every pod has metrics, exactly one pod leads and counts the objects, and the log contains no secret")
def is_measured(stage):
    pods = [pod["metadata"]["name"] for pod in stage.ready_pods()]
    leads = {pod: stage.gauge(pod, "customimage_leader") for pod in pods}
    require(sorted(leads.values()) == [0, 1] and leads[stage.leader()] == 1, "one leader", leads)
    counted = stage.gauge(stage.leader(), 'customimage_objects{reason="ImageAvailable"}')
    require(counted == 2, "two images are available", counted)
    log = "".join(stage.kubectl("logs", "-n", NAMESPACE, pod) for pod in pods)
    require("customimage-operator runs" in log and "wJalrXUtnFEMI" not in log, "a log without the secret key", log)


@proof("start-up of the program until it is ready, with a namespace without CustomImages", needs=OWN_NODE)
def start(stage):
    taken = []
    for _ in range(5):
        begun = time.monotonic()
        with stage.program("run", "--listen", "127.0.0.1:18080", "--namespace", "default", "--leader-election", "false"):
            eventually("it is ready", lambda: urllib.request.urlopen("http://127.0.0.1:18080/readyz", timeout=1).status == 200, 20, pause=0.005)
            taken.append(time.monotonic() - begun)
    return f"start-up, from exec to /readyz: median {statistics.median(taken) * 1000:.0f} ms"


@proof("memory of the two processes at rest", needs=OWN_NODE)
def memory(stage):
    def resident(pod):
        status = open(f"/proc/{stage.process(pod)}/status").read()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024
    leader = stage.leader()
    standby = next(pod["metadata"]["name"] for pod in stage.ready_pods() if pod["metadata"]["name"] != leader)
    return f"resident memory: leader {resident(leader):.1f} MiB, standby {resident(standby):.1f} MiB"
