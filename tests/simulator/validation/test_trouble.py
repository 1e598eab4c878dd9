"""Limits, scripted faults, unsigned requests, and the simulator's own interface."""

import json
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError
from botocore.parsers import ResponseParserError
from conftest import ACCOUNT, OTHER_ACCOUNT, REGION

ARN = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/parallelclusterimage-img/3.16.1/1"
CALLS = {
    "ec2": lambda client: client.describe_images(),
    "cloudformation": lambda client: client.describe_stacks(),
    "imagebuilder": lambda client: client.get_image(imageBuildVersionArn=ARN),
    "logs": lambda client: client.describe_log_groups(),
    "s3": lambda client: client.get_bucket_location(Bucket="bucket-1"),
    "sts": lambda client: client.get_caller_identity(),
}
THROTTLED = {
    "ec2": (503, "RequestLimitExceeded"),
    "cloudformation": (400, "Throttling"),
    "imagebuilder": (429, "CallRateLimitExceededException"),
    "logs": (400, "ThrottlingException"),
    "s3": (503, "SlowDown"),
    "sts": (400, "Throttling"),
}


def outcome(simulator, service, **client):
    try:
        CALLS[service](simulator.client(service, **client))
        return 200, None
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


@pytest.fixture
def whole(simulator):
    simulator.load(image_build_versions=[{"arn": ARN}], buckets=[{"name": "bucket-1"}], images=[{"ami_id": "ami-1"}] )
    return simulator


@pytest.mark.parametrize("service", CALLS)
def test_throttling_has_each_services_own_code(whole, service):
    whole.ask("POST", "faults", {"service": service, "times": 1, "kind": "throttle"})
    assert outcome(whole, service) == THROTTLED[service]
    assert outcome(whole, service) == (200, None)


@pytest.mark.parametrize("service", CALLS)
def test_any_error_can_be_scripted(whole, service):
    whole.ask("POST", "faults", {"kind": {"error": {"status": 418, "code": "Teapot", "message": "<short> & stout"}}})
    assert outcome(whole, service) == (418, "Teapot")
    whole.ask("DELETE", "faults")
    assert outcome(whole, service) == (200, None)


def test_a_fault_applies_only_to_matching_requests(whole):
    whole.ask("POST", "faults", [{"service": "ec2", "region": "us-west-2", "account": OTHER_ACCOUNT, "skip": 1, "times": 2, "kind": "throttle"}])
    struck = {"region": "us-west-2", "key": f"AKIA{OTHER_ACCOUNT}X"}
    assert outcome(whole, "ec2") == outcome(whole, "sts", **struck) == (200, None)
    assert [outcome(whole, "ec2", **struck)[0] for _ in range(4)] == [200, 503, 503, 200]


def test_aws_limits_apply_per_account_and_region(simulator):
    simulator.load(clock={"mode": "manual"}, aws_limits=True)
    ec2, cloudformation = simulator.client("ec2"), simulator.client("cloudformation")
    for _ in range(100):
        ec2.describe_images()
    assert outcome(simulator, "ec2") == (503, "RequestLimitExceeded")
    assert outcome(simulator, "ec2", region="us-west-2") == (200, None)
    assert outcome(simulator, "ec2", key=f"AKIA{OTHER_ACCOUNT}X") == (200, None)
    for _ in range(10):
        cloudformation.describe_stacks()
    assert outcome(simulator, "cloudformation") == (400, "Throttling")
    simulator.ask("PUT", "clock", {"advance": 0.2})
    assert [outcome(simulator, "cloudformation")[0] for _ in range(2)] == [200, 400]
    assert [outcome(simulator, "ec2")[0] for _ in range(5)] == [200, 200, 200, 200, 503]


def test_the_sdk_retries_throttling_errors(whole):
    whole.ask("POST", "faults", {"service": "ec2", "times": 2, "kind": "throttle"})
    retrying = whole.client("ec2", retries={"total_max_attempts": 5, "mode": "standard"})
    assert retrying.describe_images()["ResponseMetadata"]["RetryAttempts"] == 2
    assert [call["status"] for call in whole.calls()["calls"]] == [503, 503, 200]


def test_a_reset_fault_resets_the_connection(whole):
    whole.ask("POST", "faults", {"kind": "reset"})
    with pytest.raises(ConnectionClosedError) as error:
        CALLS["ec2"](whole.client("ec2"))
    assert "ConnectionResetError" in repr(error.value.kwargs["error"])
    assert whole.calls()["calls"][0]["status"] == 0


def test_the_connection_is_reset_in_the_middle_of_the_body(whole):
    whole.ask("POST", "faults", {"kind": "reset_mid_body"})
    with pytest.raises((HTTPClientError, ConnectionError)):
        CALLS["ec2"](whole.client("ec2"))


def test_a_truncated_body_is_well_framed(whole):
    whole.ask("POST", "faults", {"times": 1, "kind": {"cut_short": {"percent": 60}}})
    with pytest.raises(ResponseParserError):
        CALLS["ec2"](whole.client("ec2"))
    assert whole.calls()["calls"][0]["status"] == 200


def test_empty_and_replaced_bodies(whole):
    whole.ask("POST", "faults", {"times": 1, "kind": "empty_body"})
    whole.ask("POST", "faults", {"times": 1, "kind": {"replace_body": {"status": 200, "body": "<html>", "content_type": "text/html"}}})
    for _ in range(2):
        try:
            assert "Images" not in CALLS["ec2"](whole.client("ec2"))
        except ResponseParserError:
            pass
    assert [call["fault"] for call in whole.calls()["calls"]] == ["empty_body", "replace_body"]


def test_a_slow_fault_only_delays_the_answer(whole):
    whole.ask("POST", "faults", {"times": 1, "kind": {"slow": {"millis": 300}}})
    start = time.monotonic()
    assert outcome(whole, "ec2") == (200, None)
    assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize(
    "method, path, body, code",
    [
        ("POST", "/", b"Action=DescribeImages&Version=2016-11-15", "MissingAuthenticationToken"),
        ("POST", "/", b"Action=DescribeStacks&Version=2010-05-15", "MissingAuthenticationToken"),
        ("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", "MissingAuthenticationToken"),
        ("GET", "/bucket-1/key", None, "AccessDenied"),
    ],
)
def test_unsigned_requests_are_refused(simulator, method, path, body, code):
    request = urllib.request.Request(simulator.endpoint + path, data=body, method=method)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert ElementTree.fromstring(error.value.read()).find(".//{*}Code").text == code


def test_unsigned_get_image_is_refused(simulator):
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{simulator.endpoint}/GetImage?imageBuildVersionArn={ARN}")
    assert error.value.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_an_unsigned_call_of_logs_is_refused(simulator):
    request = urllib.request.Request(simulator.endpoint, data=b"{}", headers={"X-Amz-Target": "Logs_20140328.GetLogEvents"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert json.load(error.value)["__type"] == "MissingAuthenticationTokenException"


def test_an_invalid_world_is_refused_with_the_place_and_changes_nothing(whole):
    before = whole.ask("GET", "world")
    assert "unknown field `amis`" in whole.refuses("PUT", "world", {"amis": []})
    assert "images[1]: ami_id is missing" in whole.refuses("POST", "patch", {"images": [{"ami_id": "ami-2"}, {"name": "x"}]})
    assert "unknown variant `explode`" in whole.refuses("POST", "faults", {"kind": "explode"})
    assert "faults[0]: the service is ec2," in whole.refuses("POST", "faults", {"service": "cfn", "kind": "throttle"})
    assert "clock.start" in whole.refuses("PUT", "world", {"clock": {"start": "yesterday"}})
    assert whole.ask("GET", "world") == before


def test_a_world_can_be_read_and_put_back_unchanged(whole):
    whole.ask("POST", "builds", {"image_id": "img", "seconds": 1000})
    whole.ask("POST", "faults", {"service": "ec2", "kind": {"slow": {"millis": 1}}})
    before = whole.ask("GET", "world")
    whole.ask("PUT", "world", before)
    assert whole.ask("GET", "world") == before


def test_a_patch_replaces_by_identity_and_appends(whole):
    whole.ask("POST", "patch", {"images": [{"ami_id": "ami-1", "name": "new"}, {"ami_id": "ami-2"}], "stacks": [{"name": "s"}]})
    images = whole.client("ec2").describe_images()["Images"]
    assert [(image["ImageId"], image.get("Name")) for image in images] == [("ami-1", "new"), ("ami-2", None)]
    whole.ask("POST", "do", [{"delete_image": "ami-1"}, {"delete_stack": "s"}])
    assert len(whole.client("ec2").describe_images()["Images"]) == 1
    assert whole.client("cloudformation").describe_stacks()["Stacks"] == []


def test_ten_thousand_images_answer_fast(simulator):
    tags = lambda n: [["parallelcluster:image_id", f"image-{n}"], ["parallelcluster:build_status", "available"]]
    simulator.load(images=[{"ami_id": f"ami-{n:08x}", "tags": tags(n)} for n in range(10_000)])
    ec2 = simulator.client("ec2")
    filters = [{"Name": "tag:parallelcluster:image_id", "Values": [f"image-{n}" for n in range(0, 10_000, 50)]}]
    ec2.describe_images(Filters=filters)
    start = time.monotonic()
    for _ in range(5):
        assert len(ec2.describe_images(Filters=filters)["Images"]) == 200
    assert time.monotonic() - start < 5
