"""schemathesis makes hundreds of requests from the official specification, right and wrong ones, and holds each answer against it.

`make extra` runs this. The requests are the same each time: the seed is fixed, and in the simulated AWS the time stands still.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from readers import CLIENTS
from server_errors import TOO_LARGE, is_refusal_of_aws
from servers import AVAILABLE, FAILED, PENDING, REGION, STREAM

#: The operations that read images, and their paths after /v3/images/custom.
READS = {
    "list_images": "",
    "describe_image": "/[^/]+",
    "list_image_log_streams": "/[^/]+/logstreams",
    "get_image_log_events": "/[^/]+/logstreams/[^/]+",
    "get_image_stack_events": "/[^/]+/stackevents",
}
#: Left out, by design:
#: - positive_data_acceptance: to the specification any text is a region. The official server and ours refuse one that does not exist with 400.
#: - allow_header_conformance: it wants POST and DELETE in the header `Allow`, as the specification has them on the same paths. Here they are 405.
#: - missing_required_header, ignored_auth, object_level_authorization: the specification has no headers and no authorization.
#: - use_after_free, ensure_resource_availability: they need operations that make and delete something.
CHECKS = [
    "no_server_error_but_refusals_of_aws",  # of server_errors.py
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]
#: The random requests of each operation. More go through the parameters one by one, and from the answer of one operation to the next operation.
EXAMPLES = 30
AT_LEAST = 500
#: Half of the values are of what exists, and of limits that AWS takes. By chance alone, no request would read a log.
CONFIGURATION = f"""
hooks = "{Path(__file__).with_name("server_errors.py")}"

[dictionaries]
images = {{ values = ["{AVAILABLE}", "{PENDING}", "{FAILED}"] }}
streams = {{ values = ["{STREAM}"] }}
regions = {{ values = ["{REGION}"] }}
limits = {{ values = [1, 100, 10000] }}

[parameters]
"path.imageId" = {{ dictionary = "images", probability = 0.5 }}
"path.logStreamName" = {{ dictionary = "streams", probability = 0.5 }}
"query.region" = {{ dictionary = "regions", probability = 0.5 }}
"query.limit" = {{ dictionary = "limits", probability = 0.5 }}
"""


def schemathesis(server, folder):
    """Runs it, in a folder of its own because it writes files where it runs. Returns its report, the requests with their answers, and what it has printed."""
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    command = [Path(sys.executable).with_name("schemathesis"), "--no-color", "--config-file", configuration, "run", CLIENTS / "openapi.yaml",
               "--url", server.url, "--seed", "1", "--max-examples", str(EXAMPLES), "--generation-database", "none",
               "--suppress-health-check", "filter_too_much", "--continue-on-failure", "--checks", ",".join(CHECKS),
               "--report", "json,har", "--report-json-path", "report.json", "--report-har-path", "requests.json",
               # What it prints of a fault is the whole request.
               "--output-sanitize", "false"]  # fmt: skip
    for read in READS:
        command += ["--include-operation-id", read]
    if server.token:
        command += ["--header", f"Authorization: Bearer {server.token}"]
    if server.ca:
        command += ["--tls-verify", server.ca]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
    assert (folder / "report.json").exists(), done.stdout
    report, requests = (json.loads((folder / name).read_text()) for name in ("report.json", "requests.json"))
    return report, requests["log"]["entries"], done.stdout


def test_each_answer_is_one_of_the_specification_and_no_request_is_an_error_of_the_server(server, tmp_path):
    report, requests, printed = schemathesis(server, tmp_path)
    assert report["exit_code"] == 0, printed
    assert report["complete"] and report["operations"]["tested"] == len(READS), printed
    assert report["test_cases"]["generated"] >= AT_LEAST, printed
    # Each operation has found something, too: whole answers were held against the specification.
    found = {urlsplit(each["request"]["url"]).path for each in requests if each["response"]["status"] == 200}
    base = re.escape(urlsplit(server.url).path + "/v3/images/custom")
    without = [operation for operation, path in READS.items() if not any(re.fullmatch(base + path, each) for each in found)]
    assert without == [], "no request of these has found anything; give the dictionaries above more that exists"


OF_TOKEN = "Unexpected error when retrieving log events: The specified nextToken is invalid."


@pytest.mark.parametrize("query, message, is_allowed", [
    ("nextToken=x", "Invalid NextToken", True),
    ("limit=5&nextToken=x", OF_TOKEN, True),
    ("limit=10001", TOO_LARGE.format(10001), True),
    ("limit=9999999999", TOO_LARGE.format(2147483647), True),
    ("", "Invalid NextToken", False),
    ("nextToken=", OF_TOKEN, False),
    ("nextToken=x", f"{OF_TOKEN} And more.", False),
    ("nextToken=x", TOO_LARGE.format(10001), False),
    ("limit=10000", TOO_LARGE.format(10000), False),
    ("limit=10001", TOO_LARGE.format(10002), False),
    ("limit=10001", OF_TOKEN, False),
    ("nextToken=x&limit=10001", "Internal failure", False),
])  # fmt: skip
def test_a_500_is_allowed_only_for_a_value_that_aws_refuses(query, message, is_allowed):
    assert is_refusal_of_aws(f"http://localhost/v3/images/custom?{query}", json.dumps({"message": message})) == is_allowed


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}"])
def test_a_500_without_a_message_is_not_allowed(body):
    assert not is_refusal_of_aws("http://localhost/v3/images/custom?nextToken=x", body)
