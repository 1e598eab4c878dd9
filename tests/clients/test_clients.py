"""Clients that OpenAPI Generator makes of the official specification read images, in Python and in Go. No line of them is changed.

`make extra` runs this.
"""

import json
import re
import ssl
import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cluster import GROUP, NAMESPACE
from dateutil.parser import isoparse
from readers import GoReader, PythonReader, Refused
from servers import AVAILABLE, BEGAN, FAILED, PENDING, REGION, STREAM, UNUSUAL, USUAL, WITH_A_FAILED_AMI, WITH_AN_AMI_WITHOUT_A_VERSION, Server, certificate

IN_PATH = STREAM.replace("/", "%2F")
STATUSES = [(AVAILABLE, "BUILD_COMPLETE", "AVAILABLE"), (PENDING, "BUILD_IN_PROGRESS", "PENDING"), (FAILED, "BUILD_FAILED", "FAILED")]


@pytest.fixture(params=[PythonReader, GoReader], ids=lambda reader: reader.name)
def reader(request):
    return request.param


@pytest.fixture
def read(reader, server):
    return reader(server)


def comparable(answer):
    """An answer without what differs in form alone: how a time is written, and when a URL was signed."""
    if isinstance(answer, dict):
        return {name: value.split("?")[0] if name == "url" else comparable(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [comparable(value) for value in answer]
    return isoparse(answer) if isinstance(answer, str) and re.match(r"\d{4}-\d\d-\d\dT", answer) else answer


def same(read, sent):
    """Whether a client has read all that the server sent, and nothing else."""
    assert comparable(read) == comparable(sent)
    return read


def messages(answer):
    return [event["message"] for event in answer["events"]]


@pytest.mark.parametrize("image, build_status, _", STATUSES)
def test_an_image_is_read_whole(read, server, image, build_status, _):
    answer = same(read("describe_image", imageId=image, region=REGION), server.get(f"/{image}"))
    assert (answer["imageId"], answer["imageBuildStatus"]) == (image, build_status)
    assert answer["imageConfiguration"]["url"].startswith("http")


@pytest.mark.parametrize("image, build_status, status", STATUSES)
def test_images_are_listed_by_their_status(read, server, image, build_status, status):
    answer = same(read("list_images", imageStatus=status), server.get("", imageStatus=status))
    assert [(found["imageId"], found["imageBuildStatus"]) for found in answer["images"]] == [(image, build_status)]


@pytest.mark.parametrize("region", [WITH_A_FAILED_AMI, WITH_AN_AMI_WITHOUT_A_VERSION])
def test_one_unusual_image_does_not_spoil_the_list(read, server, region):
    answer = same(read("list_images", imageStatus="AVAILABLE", region=region), server.get("", imageStatus="AVAILABLE", region=region))
    assert {image["imageId"] for image in answer["images"]} == {USUAL, UNUSUAL}


def test_a_list_goes_on_from_page_to_page(read, aws):
    aws.patch(answers={"stack_page_size": 1})
    try:
        found, token, pages = [], {}, 0
        while pages == 0 or token:
            answer = read("list_images", imageStatus="FAILED", **token)
            found += [image["imageId"] for image in answer["images"]]
            token, pages = {"nextToken": answer["nextToken"]} if "nextToken" in answer else {}, pages + 1
    finally:
        aws.patch(answers={"stack_page_size": 100})
    assert (found, pages) == ([FAILED], 2)


@pytest.mark.parametrize("image", [AVAILABLE, PENDING, FAILED])
def test_the_logs_of_an_image_are_listed(read, server, image):
    answer = same(read("list_image_log_streams", imageId=image), server.get(f"/{image}/logstreams"))
    assert [stream["logStreamName"] for stream in answer["logStreams"]] == [STREAM]


def test_a_log_with_a_slash_in_its_name_is_read_from_its_end(read, server):
    sent = server.get(f"/{FAILED}/logstreams/{IN_PATH}")
    answer = same(read("get_image_log_events", imageId=FAILED, logStreamName=STREAM), sent)
    assert any("Stderr" in message for message in messages(answer))


def test_a_log_is_read_from_its_beginning_page_by_page_until_the_token_stays(read, server):
    whole = messages(server.get(f"/{FAILED}/logstreams/{IN_PATH}", startFromHead="true"))
    found, token = [], {}
    while True:
        answer = read("get_image_log_events", imageId=FAILED, logStreamName=STREAM, startFromHead=True, limit=10, region=REGION, **token)
        found += messages(answer)
        if token == {"nextToken": answer["nextToken"]}:
            break
        token = {"nextToken": answer["nextToken"]}
    assert found == whole and len(whole) > 10


def test_a_log_is_read_between_two_times_of_the_clients_own_form(read, server):
    times = [isoparse(event["timestamp"]) for event in server.get(f"/{FAILED}/logstreams/{IN_PATH}", startFromHead="true")["events"]]
    since, until = times[len(times) // 3], times[2 * len(times) // 3]
    answer = read("get_image_log_events", imageId=FAILED, logStreamName=STREAM, startFromHead=True, startTime=since, endTime=until)
    found = [isoparse(event["timestamp"]) for event in answer["events"]]
    assert found == [time for time in times if since <= time < until] and 0 < len(found) < len(times)


@pytest.mark.parametrize("image", [PENDING, FAILED])
def test_the_events_of_a_stack_are_read_the_newest_first(read, server, image):
    answer = same(read("get_image_stack_events", imageId=image), server.get(f"/{image}/stackevents"))
    times = [isoparse(event["timestamp"]) for event in answer["events"]]
    assert len(times) > 5 and times == sorted(times, reverse=True)


NOT_FOUND, BAD_REQUEST = (404, "NotFoundExceptionResponseContent"), (400, "BadRequestExceptionResponseContent")
LOG = {"imageId": FAILED, "logStreamName": STREAM}
BACKWARDS = {"startTime": isoparse(BEGAN), "endTime": isoparse(BEGAN) - timedelta(days=1)}


@pytest.mark.parametrize("refusal, message, operation, parameters", [
    (NOT_FOUND, "No image or stack associated with ParallelCluster image id: nope.", "describe_image", {"imageId": "nope"}),
    (NOT_FOUND, "Unable to find image logs, please double check if image id=nope is correct.", "list_image_log_streams", {"imageId": "nope"}),
    (NOT_FOUND, "The specified log stream 3.16.1/2 does not exist.", "get_image_log_events", {"imageId": FAILED, "logStreamName": "3.16.1/2"}),
    (NOT_FOUND, f"CloudFormation Stack for Image {AVAILABLE} does not exist.", "get_image_stack_events", {"imageId": AVAILABLE}),
    (BAD_REQUEST, "Bad Request: invalid or unsupported region 'xx'", "describe_image", {"imageId": AVAILABLE, "region": "xx"}),
    (BAD_REQUEST, "Bad Request: invalid or unsupported region 'xx'", "list_images", {"imageStatus": "FAILED", "region": "xx"}),
    (BAD_REQUEST, "Bad Request: 'limit' must be a positive integer.", "get_image_log_events", {**LOG, "limit": -1}),
    (BAD_REQUEST, "Bad Request: start_time filter must be earlier than end_time filter.", "get_image_log_events", {**LOG, **BACKWARDS}),
])  # fmt: skip
def test_a_refusal_is_the_exception_of_the_client_with_the_message(read, refusal, message, operation, parameters):
    with pytest.raises(Refused) as refused:
        read(operation, **parameters)
    assert ((refused.value.status, refused.value.model), refused.value.message) == (refusal, message)


@pytest.mark.parametrize("kind, status, model, message", [
    ("throttle", 429, "LimitExceededExceptionResponseContent", ""),
    ({"error": {"status": 403, "code": "AccessDenied", "message": "you may not"}}, 500, "InternalServiceExceptionResponseContent", "you may not"),
])  # fmt: skip
def test_a_failure_of_aws_is_the_exception_of_the_client_with_the_message(read, aws, kind, status, model, message):
    aws("POST", "faults", {"service": "cloudformation", "operation": "DescribeStacks", "kind": kind})
    try:
        with pytest.raises(Refused) as refused:
            read("list_images", imageStatus="PENDING")
    finally:
        aws("DELETE", "faults")
    assert (refused.value.status, refused.value.model) == (status, model)
    assert refused.value.message and message in refused.value.message


#: The specification has 401 and not 403. To a client that is made of it, the body of a 403 is text.
UNAUTHORIZED = (401, "UnauthorizedClientErrorResponseContent", "Unauthorized: send a token of Kubernetes, for the audience of this server, as a bearer token")
FORBIDDEN = (403, "", "Forbidden: Kubernetes does not allow it")
NO_IDENTITY = (403, "", "Forbidden: this identity does not exist, or not for this namespace and region")
#: The exceptions that the Python client has for them. The Go client has one for all.
IN_PYTHON = {401: "UnauthorizedException", 403: "ForbiddenException"}
CALLERS = {
    "without a token": UNAUTHORIZED,
    "with a token that is none": UNAUTHORIZED,
    "with a token for the API server": UNAUTHORIZED,
    "without a right": FORBIDDEN,
    "with rights in another namespace": FORBIDDEN,
    "with rights to another image": FORBIDDEN,
    "for an identity that does not exist": NO_IDENTITY,
}


@pytest.fixture(scope="session")
def callers(cluster):
    """The interface in the cluster to callers whom it refuses."""
    stranger, reader = cluster.stranger, cluster.as_account("reader")
    cluster.account("nobody")
    cluster.account("of-one-image", {"apiGroups": [GROUP], "resources": ["images", "images/logs", "images/stackevents"], "verbs": ["get"],
                                     "resourceNames": [AVAILABLE]})  # fmt: skip
    refused = [stranger, replace(stranger, token="abc"), cluster.as_account("reader", audience="https://kubernetes.default.svc.cluster.local"),
               cluster.as_account("nobody"), replace(reader, url=reader.url.replace(NAMESPACE, "others")), cluster.as_account("of-one-image"),
               replace(reader, url=f"{reader.url}/identities/unknown")]  # fmt: skip
    return dict(zip(CALLERS, refused, strict=True))


@pytest.mark.parametrize("operation, parameters", [
    ("list_images", {"imageStatus": "FAILED"}),
    ("describe_image", {"imageId": FAILED}),
    ("list_image_log_streams", {"imageId": FAILED}),
    ("get_image_log_events", LOG),
    ("get_image_stack_events", {"imageId": FAILED}),
])  # fmt: skip
@pytest.mark.parametrize("caller", CALLERS)
def test_a_caller_of_the_cluster_who_may_not_read_gets_the_exception_of_the_client_with_the_message(reader, callers, caller, operation, parameters):
    with pytest.raises(Refused) as refused:
        reader(callers[caller])(operation, **parameters)
    error, (status, model, message) = refused.value, CALLERS[caller]
    assert (error.status, error.model) == (status, model) and error.message.startswith(message)
    assert reader is GoReader or type(error.__cause__).__name__ == IN_PYTHON[status]


def test_a_caller_of_the_cluster_with_a_right_to_one_image_reads_that_image(reader, callers):
    answer = reader(callers["with rights to another image"])("describe_image", imageId=AVAILABLE)
    # Without a right to the configuration, its URL opens nothing.
    assert answer["imageId"] == AVAILABLE and answer["imageConfiguration"]["url"].startswith("s3://")


class Recorder(BaseHTTPRequestHandler):
    """Notes what is asked, and refuses it."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Authorization"]))
        body = json.dumps({"message": "the token is not known"}).encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def recorder(tmp_path):
    certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, Server(f"https://localhost:{server.server_port}/namespaces/hpc", "a-token", tmp_path / "ca.crt")
    server.shutdown()
    server.server_close()


def test_a_client_sends_its_token_over_tls_below_a_base_path_and_the_slash_of_a_log_as_2f(reader, recorder):
    recording, server = recorder
    with pytest.raises(Refused, match="the token is not known") as refused:
        reader(server)("get_image_log_events", imageId=FAILED, logStreamName=STREAM)
    assert (refused.value.status, refused.value.model) == (401, "UnauthorizedClientErrorResponseContent")
    assert recording.asked == [(f"/namespaces/hpc/v3/images/custom/{FAILED}/logstreams/{IN_PATH}", "Bearer a-token")]
