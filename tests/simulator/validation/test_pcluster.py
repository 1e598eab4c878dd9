"""The official `pcluster` against the simulator: describe-image, and what it reads of a build's log and stack events.

There are few tests because each call takes seconds.
"""

import hashlib
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from conftest import ACCOUNT, REGION

PCLUSTER = Path(sys.executable).parent / "pcluster"
CONTEXT = {"failedStep": "step-1"}


def pcluster(simulator, image_id, tmp_path, command="describe-image", *more):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": simulator.endpoint,
        "AWS_ACCESS_KEY_ID": f"AKIA{ACCOUNT}EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "127.0.0.1,localhost",
    }
    command = [PCLUSTER, command, "--image-id", image_id, "--region", REGION, *more]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip(), done.stderr
    return json.loads(done.stdout)


def build(**more):
    return {"image_id": "img-1", "s3_bucket": "bucket-1", "seconds": 100, **more}


def test_a_build_is_described_from_its_beginning_to_its_ami(simulator, tmp_path):
    simulator.load(clock={"mode": "manual"}, buckets=[{"name": "bucket-1"}], builds=[build(description="a <b> & c")])
    simulator.ask("PUT", "clock", {"advance": 50})
    building = pcluster(simulator, "img-1", tmp_path)
    assert building["imageBuildStatus"] == "BUILD_IN_PROGRESS"
    assert building["cloudformationStackStatus"] == "CREATE_IN_PROGRESS"
    assert building["imagebuilderImageStatus"] == "BUILDING"
    assert building["imageBuildLogsArn"].endswith("log-group:/aws/imagebuilder/ParallelClusterImage-img-1")
    assert building["version"] == "3.16.1"

    simulator.ask("PUT", "clock", {"advance": 50})
    available = pcluster(simulator, "img-1", tmp_path)
    assert available["imageBuildStatus"] == "BUILD_COMPLETE"
    assert available["ec2AmiInfo"]["state"] == "AVAILABLE"
    assert available["ec2AmiInfo"]["description"] == "a <b> & c"
    assert "cloudformationStackStatus" not in available
    assert simulator.calls()["writes"] == 0


def test_a_failed_build_is_described_with_its_reasons(simulator, tmp_path):
    failed = build(outcome="failed", reason="the <component> failed", failure_context=CONTEXT, stack_reason="so did the stack")
    simulator.load(clock={"mode": "manual"}, buckets=[{"name": "bucket-1"}], builds=[failed])
    simulator.ask("PUT", "clock", {"advance": 100})
    told = pcluster(simulator, "img-1", tmp_path)
    assert told["imageBuildStatus"] == "BUILD_FAILED"
    assert (told["imagebuilderImageStatus"], told["imagebuilderImageStatusReason"]) == ("FAILED", "the <component> failed")
    assert told["cloudformationStackStatusReason"] == "so did the stack"


def test_an_unknown_image_is_not_found(simulator, tmp_path):
    told = pcluster(simulator, "nowhere", tmp_path)
    assert told["message"] == "No image or stack associated with ParallelCluster image id: nowhere."


def test_a_denied_bucket_gives_not_available(simulator, tmp_path):
    simulator.load(buckets=[{"name": "bucket-1", "denied": True}], builds=[build(seconds=0)])
    told = pcluster(simulator, "img-1", tmp_path)
    assert told["imageConfiguration"]["url"] == "NOT_AVAILABLE"


def test_the_default_bucket_is_bootstrapped_and_its_url_works(simulator, tmp_path):
    simulator.load(builds=[build(seconds=1000, s3_bucket=None, s3_image_dir="parallelcluster/images/img-1")])
    told = pcluster(simulator, "img-1", tmp_path)
    name = f"parallelcluster-{hashlib.sha256((ACCOUNT + REGION).encode()).hexdigest()[:16]}-v1-do-not-delete"
    (bucket,) = simulator.ask("GET", "world")["buckets"]
    assert (bucket["name"], bucket["region"], bucket["versioning"]) == (name, REGION, "Enabled")
    assert "AES256" in bucket["encryption"] and "AllowSSLRequestsOnly" in bucket["policy"]
    assert [item["key"] for item in bucket["objects"]] == ["parallelcluster/.bootstrapped"]
    assert simulator.calls()["writes"] == 5

    url = told["imageConfiguration"]["url"]
    bucket["objects"].append({"key": "parallelcluster/images/img-1/configs/image-config.yaml", "body": "Build: {}"})
    simulator.ask("POST", "patch", {"buckets": [bucket]})
    with urllib.request.urlopen(url) as reply:
        assert reply.read() == b"Build: {}"


def test_the_log_of_a_failed_build_is_read_page_by_page(simulator, tmp_path):
    simulator.load(clock={"mode": "manual", "start": "2025-03-01T12:00:00Z"}, builds=[build(outcome="component")])
    simulator.ask("PUT", "clock", {"advance": 100})
    (stream,) = pcluster(simulator, "img-1", tmp_path, "list-image-log-streams")["logStreams"]
    assert (stream["logStreamName"], stream["creationTime"]) == ("3.16.1/1", "2025-03-01T12:00:12.000Z")
    ask = lambda *more: pcluster(simulator, "img-1", tmp_path, "get-image-log-events", "--log-stream-name", "3.16.1/1", *more)
    tail = ask("--limit", "8")
    assert tail["events"][0]["timestamp"] == "2025-03-01T12:01:20.000Z"
    assert "Stderr: STDERR: Error: Unable to find a match: lustre-client" in [event["message"] for event in tail["events"]]
    assert ask("--next-token", tail["nextToken"])["nextToken"] == tail["nextToken"]
    head = ask("--limit", "1", "--start-from-head", "true", "--start-time", "2025-03-01T12:00:13Z", "--end-time", "2025-03-01T12:00:20Z")
    assert head["events"][0]["message"] == "Finished step LaunchBuildInstance with action LaunchInstance"
    unknown = pcluster(simulator, "nowhere", tmp_path, "get-image-log-events", "--log-stream-name", "3.16.1/1")
    assert unknown["message"] == "Unable to find image logs, please double check if image id=nowhere is correct."


def test_the_stack_events_of_a_build_are_read_while_its_stack_is_there(simulator, tmp_path):
    simulator.load(clock={"mode": "manual", "start": "2025-03-01T12:00:00Z"}, builds=[build()], answers={"stack_event_page_size": 30})
    simulator.ask("PUT", "clock", {"advance": 94})
    page = pcluster(simulator, "img-1", tmp_path, "get-image-stack-events")
    assert (page["events"][0]["resourceStatus"], page["events"][0]["timestamp"]) == ("CREATE_COMPLETE", "2025-03-01T12:01:33.000Z")
    rest = pcluster(simulator, "img-1", tmp_path, "get-image-stack-events", "--next-token", page["nextToken"])
    assert rest["events"][-1]["resourceStatusReason"] == "User Initiated" and "nextToken" not in rest
    simulator.ask("PUT", "clock", {"advance": 6})
    gone = pcluster(simulator, "img-1", tmp_path, "get-image-stack-events")
    assert gone["message"] == "CloudFormation Stack for Image img-1 does not exist."
