"""The chart takes what the program takes, and refuses what it refuses: both are asked."""

import subprocess

import pytest
import yaml
from forms import FORMS
from helm import CHART, MINIMAL, merge, nested, only, read_values, render, template
from identities import GOOD, IDENTITIES, REFUSED
from program import complaint, starts, takes_identities
from test_schema import SCHEMA

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
DURATIONS = {
    **{f"aws.{key}": f"AWS_{name}_TIMEOUT" for key, name in [("connectTimeout", "CONNECT"), ("attemptTimeout", "ATTEMPT"), ("operationTimeout", "OPERATION")]},
    **{f"timing.{key}": "CUSTOMIMAGE_" + "".join(f"_{c}" if c.isupper() else c for c in key).upper() for key in DEFAULTS["timing"]},
    "lease.duration": "CUSTOMIMAGE_LEASE_DURATION",
    "lease.renewDeadline": "CUSTOMIMAGE_LEASE_RENEW_DEADLINE",
    "lease.retryPeriod": "CUSTOMIMAGE_LEASE_RETRY_PERIOD",
}
TAKEN = ["1.5h", "1h30m", "1h1.5m", "500ms", "500us", "500µs", "5ns", "0.1s", "90s", "61m", "0h30m", "8760h", "1h0m0s", "0.123456789s", "1s500ms"]
NOT_TAKEN = ["", "10", "10 minutes ago", "-15s", "0s", "0.0s", "0h0m", "30m1h", "1.5h30m", "1m1m", ".5s", "1.s", "1H", "1e3s", "1d", "8761h",
             "8760h1ms", "1.1234567891s", "1.1ns", "1_000s", "100000000000000h", "soon", "s", "1s 1m", " 1s"]  # fmt: skip
#: Spellings of the program that no other value in Kubernetes has. The chart has one way to write a duration.
OTHER_SPELLINGS = ["1h 30m", "1 hour", "PT1H", "+1s", "1h, 30m", "00:30:00", "1,5h"]
CHOICES = {
    "log.filter": ("CUSTOMIMAGE_LOG", *FORMS["log.filter"]),
    "aws.region": ("AWS_REGION", *FORMS["aws.region"]),
    "fullnameOverride": ("CUSTOMIMAGE_LEASE_NAME", ["", "a", "a-1"], ["A b", "a_b", "-a", "a-"]),
    "log.format": ("CUSTOMIMAGE_LOG_FORMAT", ["text", "json"], ["xml", "JSON", ""]),
    "configurationUrl": ("CUSTOMIMAGE_CONFIGURATION_URL", ["s3", "presigned"], ["https", "S3", ""]),
    "api.port": ("CUSTOMIMAGE_API_LISTEN", [1024, 65535], [65536, -1]),
    "api.serverName": ("CUSTOMIMAGE_API_SERVER_NAME", *FORMS["api.serverName"]),
    "api.audience": ("CUSTOMIMAGE_API_AUDIENCE", FORMS["api.audience"][0], [""]),
    "api.configurationUrl": ("CUSTOMIMAGE_API_CONFIGURATION_URL", ["s3", "presigned"], ["https", "S3", ""]),
    "api.requestsPerSecond": ("CUSTOMIMAGE_API_REQUESTS_PER_SECOND", [1, 100000], [0, -1, 100001]),
    "concurrency": ("CUSTOMIMAGE_CONCURRENCY", [1, 4096], [0, -1, 4097]),
    "aws.maxAttempts": ("AWS_MAX_ATTEMPTS", [1, 4294967295], [0, -1, 4294967296]),
    "aws.budget.percent": ("CUSTOMIMAGE_AWS_BUDGET", [1, 100], [0, 101]),
    "aws.budget.assumedRate": ("CUSTOMIMAGE_AWS_ASSUMED_RATE", [1, 10000], [0, 10001]),
    "aws.budget.assumedBurst": ("CUSTOMIMAGE_AWS_ASSUMED_BURST", [1, 10000], [0, 10001]),
}


def chart_takes(values):
    return template(merge(MINIMAL, values)).returncode == 0


def refused_durations(text):
    """The values that the chart refuses when all durations are this text."""
    values = MINIMAL
    for path in DURATIONS:
        values = merge(values, nested(path, text))
    lines = template(values).stderr.splitlines()
    # Beside these it complains that equal times do not fit each other.
    return {path for path in DURATIONS if any(line.startswith(f'{path} is "{text}": set ') for line in lines)}


def test_every_duration_of_the_chart_is_compared():
    assert {f"{group}.{key}" for group in ("timing", "lease") for key in DEFAULTS[group]} < DURATIONS.keys()


@pytest.mark.parametrize("text", TAKEN + NOT_TAKEN)
def test_a_duration_is_taken_by_both_or_refused_by_both(text):
    # To the program, an empty variable is unset. The chart would have no value to render.
    assert (complaint(CUSTOMIMAGE_SETTLED_INTERVAL=text) == "") == (text in TAKEN or text == "")
    assert refused_durations(text) == (set() if text in TAKEN else set(DURATIONS))


@pytest.mark.parametrize("text", OTHER_SPELLINGS)
def test_other_spellings_of_the_program_are_refused_by_the_chart_with_the_one_to_use(text):
    assert complaint(CUSTOMIMAGE_SETTLED_INTERVAL=text) == ""
    assert refused_durations(text) == set(DURATIONS)


@pytest.mark.parametrize("path, variable", DURATIONS.items())
def test_the_program_reads_every_duration_in_the_same_way(path, variable):
    for text in ("0s", "30m1h", "8761h"):
        assert variable.removeprefix("CUSTOMIMAGE_").replace("_", "-").lower() in complaint(**{variable: text}), text


@pytest.mark.parametrize("path", CHOICES)
def test_a_setting_is_taken_by_both_or_refused_by_both(path):
    variable, good, bad = CHOICES[path]
    for value in good + bad:
        assert chart_takes(nested(path, value)) == (value in good), value
        text = f"[::]:{value}" if path == "api.port" else str(value)
        if text != "":
            assert (complaint(**{variable: text}) == "") == (value in good), value


@pytest.mark.parametrize(
    "duration, deadline, period, is_taken",
    [("15s", "10s", "2s", True), ("1s", "0.9s", "0.8s", True), ("15s", "14999ms", "2s", True), ("0.25m", "10s", "2s", True),
     ("15s", "15s", "2s", False), ("15s", "20s", "2s", False), ("15s", "10s", "10s", False), ("15s", "10s", "1m", False),
     ("0.9s", "0.8s", "0.7s", False), ("900ms", "500ms", "0.2s", False)],
)  # fmt: skip
def test_the_times_of_the_lease_are_taken_by_both_or_refused_by_both(duration, deadline, period, is_taken):
    assert starts(CUSTOMIMAGE_LEASE_DURATION=duration, CUSTOMIMAGE_LEASE_RENEW_DEADLINE=deadline, CUSTOMIMAGE_LEASE_RETRY_PERIOD=period) == is_taken
    assert chart_takes({"lease": {"duration": duration, "renewDeadline": deadline, "retryPeriod": period}}) == is_taken


def test_a_namespace_is_taken_by_both_or_refused_by_both():
    good, bad = FORMS["watchNamespaces.*"]
    for name in good + bad:
        assert chart_takes({"watchNamespaces": [name]}) == (name in good), name
        if name:
            assert (complaint(CUSTOMIMAGE_NAMESPACE=name) == "") == (name in good), name


@pytest.mark.parametrize("identity", IDENTITIES + REFUSED, ids=str)
def test_an_identity_is_taken_by_both_or_refused_by_both(identity):
    assert takes_identities(identity) == (identity in IDENTITIES)


@pytest.mark.parametrize("path", [path for path in FORMS if path.startswith("identities")])
def test_each_field_of_an_identity_is_taken_by_both_or_refused_by_both(path):
    field, listed = path.split(".")[2], path.endswith(".*")
    # Names of namespaces are only compared with those of CustomImages.
    for value in FORMS[path][0] + (FORMS[path][1] if field != "namespaces" else []):
        identity = {**GOOD, field: [value] if listed else value}
        assert takes_identities(identity) == (value in FORMS[path][0]), value


@pytest.mark.parametrize("name", ["minimal", "namespaces", "full"])
def test_the_program_starts_with_what_the_chart_renders(name):
    objects = render(read_values(name))
    env = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    variables = {each["name"]: each["value"] for each in env if "value" in each and not each["value"].startswith("/etc/")}
    assert starts(**variables)
    text = next(thing["data"]["configuration.yaml"] for thing in objects if "configuration.yaml" in thing.get("data", {}))
    assert takes_identities(*yaml.safe_load(text)["identities"])


def test_the_program_starts_with_what_the_chart_renders_for_the_api(tmp_path):
    env = only(render(read_values("api")), "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    variables = {each["name"]: each["value"] for each in env if each["name"].startswith("CUSTOMIMAGE_API_")}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=images", "-keyout", "tls.key",
                    "-out", "tls.crt", "-addext", f"subjectAltName=DNS:{variables['CUSTOMIMAGE_API_SERVER_NAME']}"], cwd=tmp_path, check=True, capture_output=True)  # fmt: skip
    assert starts(**{**variables, "CUSTOMIMAGE_API_LISTEN": "127.0.0.1:0", "CUSTOMIMAGE_API_CERTIFICATE": str(tmp_path), "POD_IP": "127.0.0.1"})
    for value in (True, False):
        rendered = render(merge(read_values("api"), {"api": {"authenticateMetrics": value}}))
        [told] = [each["value"] for each in only(rendered, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"] if each["name"] == "CUSTOMIMAGE_API_METRICS"]
        assert complaint(CUSTOMIMAGE_API_METRICS=told) == ""


def test_the_choices_that_are_compared_are_all_that_the_schema_has_for_the_program():
    bounded = {f"{group}.{key}" if group else key for group, part in [("", SCHEMA), ("aws", SCHEMA["properties"]["aws"]), ("log", SCHEMA["properties"]["log"]), ("api", SCHEMA["properties"]["api"])]
               for key, one in part["properties"].items() if "enum" in one or one.get("type") == "integer"}  # fmt: skip
    of_kubernetes = {"replicas", "revisionHistoryLimit", "terminationGracePeriodSeconds", "dnsPolicy"}
    assert bounded - of_kubernetes <= CHOICES.keys()
