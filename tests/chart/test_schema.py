"""What values.schema.json and the templates refuse, and with which messages."""

import json

import pytest
import yaml
from helm import CHART, MAJORS, MINIMAL, merge, nested, refusal, render
from values_table import documented

ROLE = "arn:aws:iam::222233334444:role/customimage-reader"
GOOD = {"name": "research", "roleArn": ROLE, "namespaces": ["hpc"]}
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())


def without(thing, *keys):
    return {key: value for key, value in thing.items() if key not in keys}


def selecting(requirement):
    return {**without(GOOD, "namespaces"), "namespaceSelector": {"matchExpressions": [requirement]}}


@pytest.mark.parametrize("major", MAJORS)
def test_without_a_repository_the_message_says_how_to_build_an_image(major):
    said = refusal({}, major=major)
    assert "image.repository is required" in said and "make image" in said and "--set image.repository=" in said


def ours(schema, path=""):
    """The objects whose keys the chart itself defines."""
    if "properties" in schema:
        yield path, schema
        for key, part in schema["properties"].items():
            yield from ours(part, f"{path}.{key}" if path else key)


@pytest.mark.parametrize("path", [path for path, _ in ours(SCHEMA)] + ["identities.0", "identities.0.namespaceSelector", "aws.caBundle.secret"])
def test_a_misspelt_key_is_refused_and_named(path):
    values = nested(f"{path}.mispelt" if path else "mispelt", 1)
    if path.startswith("identities"):
        tail = {"mispelt": 1} if path.endswith("0") else {"namespaceSelector": {"mispelt": 1}}
        values = {"identities": [{**without(GOOD, "namespaces"), **tail}]}
    said = refusal(merge(MINIMAL, values))
    assert "additional properties 'mispelt' not allowed" in said


def test_the_schema_has_the_keys_of_the_values_and_no_others():
    for path, schema in ours(SCHEMA):
        assert schema["additionalProperties"] is False, path
        # The first has one of two keys. The others are maps with Kubernetes' own keys.
        if path in ("aws.caBundle", "resources", "podSecurityContext", "securityContext"):
            continue
        values = DEFAULTS
        for key in filter(None, path.split(".")):
            values = values[key]
        # Helm passes `global` to each subchart.
        assert schema["properties"].keys() - {"global"} == values.keys(), path


def test_the_chart_can_be_a_subchart():
    render({"global": {"imageRegistry": "registry.example.com"}})


@pytest.mark.parametrize("value", documented(), ids=lambda value: value.path)
def test_a_value_of_another_type_is_refused(value):
    wrong = {dict: "text", list: "text", str: [1], bool: "yes", int: "many"}[type(value.default)]
    if value.path == "podDisruptionBudget.maxUnavailable":
        wrong = "half"
    assert "/" + value.path.replace(".", "/") in refusal(merge(MINIMAL, nested(value.path, wrong)))


@pytest.mark.parametrize(
    "path, wrong",
    [
        ("timing.settledInterval", "10"),
        ("timing.settledInterval", "10 minutes"),
        ("lease.duration", "-15s"),
        ("aws.region", "Ireland"),
        ("aws.partition", "azure"),
        ("aws.accountId", "1111"),
        ("aws.roleArn", "customimage-operator"),
        ("aws.roleArn", "arn:aws:iam::111122223333:user/me"),
        ("aws.endpointUrl", "aws.example.com"),
        ("aws.caBundle", {"configMap": {"name": "a", "key": "b"}, "secret": {"name": "a", "key": "b"}}),
        ("aws.caBundle", {"secret": {"name": "a"}}),
        ("proxy.https", "proxy:3128"),
        ("proxy.https", "http://user:password@proxy:3128"),
        ("image.digest", "sha256:abc"),
        ("image.pullPolicy", "Sometimes"),
        ("configurationUrl", "https"),
        ("log.format", "xml"),
        ("watchNamespaces", ["Hpc"]),
        ("watchNamespaces", ["hpc", "hpc"]),
        ("aws.budget.percent", 0),
        ("aws.budget.percent", 101),
        ("aws.budget.assumedRate", 0),
        ("concurrency", 0),
        ("concurrency", 5000),
        ("networkPolicy.awsCidrs", ["10.0.0.0"]),
        ("networkPolicy.awsCidrs", ["10.0.0.0/33"]),
        ("networkPolicy.apiServerCidrs", ["fd00::/129"]),
        ("networkPolicy.credentialCidrs", ["fd00::1"]),
        ("networkPolicy.apiServerPorts", [70000]),
        ("networkPolicy.apiServerPorts", []),
        ("extraEnv", [{"nmae": "A"}]),
        ("resources", {"limit": {"memory": "1Gi"}}),
        ("podSecurityContext", {"runAsNonRot": True}),
        ("securityContext", {"readOnlyRootFilesytem": True}),
        ("iamPolicy.buckets", ["s3://ours"]),
    ],
)
def test_a_value_that_cannot_work_is_refused(path, wrong):
    assert "/" + path.replace(".", "/") in refusal(merge(MINIMAL, nested(path, wrong)))


@pytest.mark.parametrize(
    "identity",
    [
        GOOD,
        without(GOOD, "roleArn"),
        {**GOOD, "namespaces": []},
        selecting({"key": "a", "operator": "Exists"}),
        selecting({"key": "a", "operator": "NotIn", "values": ["b"]}),
        {**without(GOOD, "namespaces"), "namespaceSelector": {}},
        {**GOOD, "externalId": "x" * 1224, "sessionName": "a+=,.@-_9", "regions": ["eu-west-1", "us-gov-west-1", "eusc-de-east-1"]},
        {**GOOD, "roleArn": "arn:aws-us-gov:iam::222233334444:role/a/path/to+=,.@-_role"},
        {"name": "default"},
        {"name": "default", "regions": ["eu-west-1"], "namespaces": []},
        {"name": "default", "namespaceSelector": {"matchLabels": {"a": "b"}}},
    ],
    ids=str,
)
def test_an_identity_that_the_operator_accepts_is_accepted(identity):
    render({"identities": [identity]})


@pytest.mark.parametrize(
    "identity",
    [
        {},
        {**GOOD, "name": "Research"},
        {**GOOD, "name": "a" * 64},
        {**GOOD, "roleArn": "arn:aws:iam::2222:role/reader"},
        {**GOOD, "externalId": "x"},
        {**GOOD, "externalId": "x" * 1225},
        {**GOOD, "externalId": "with space"},
        {**GOOD, "sessionName": "a/b"},
        {**GOOD, "sessionName": "x" * 65},
        {**GOOD, "regions": ["Ireland"]},
        {**GOOD, "namespaces": "hpc"},
        {**GOOD, "namespaceSelector": {"matchLabels": {"a": "b"}}},
        selecting({"key": "a", "operator": "Is"}),
        selecting({"key": "a", "operator": "In"}),
        selecting({"key": "a", "operator": "NotIn", "values": []}),
        selecting({"key": "a", "operator": "Exists", "values": ["b"]}),
        without(GOOD, "namespaces"),
        {**without(GOOD, "roleArn"), "externalId": "abc"},
        {**without(GOOD, "roleArn"), "sessionName": "abc"},
        {**GOOD, "name": "default"},
        {"name": "default", "externalId": "abc"},
        {"name": "default", "namespaces": ["hpc"], "namespaceSelector": {"matchLabels": {"a": "b"}}},
    ],
    ids=str,
)
def test_an_identity_that_the_operator_would_refuse_is_refused(identity):
    assert "/identities/0" in refusal(merge(MINIMAL, {"identities": [identity]}))


@pytest.mark.parametrize(
    "values, words",
    [
        ({"extraEnv": [{"name": "CUSTOMIMAGE_LOG", "value": "debug"}]}, "extraEnv names CUSTOMIMAGE_LOG, which the chart sets"),
        ({"extraEnv": [{"name": "POD_NAME", "value": "me"}]}, "extraEnv names POD_NAME"),
        ({"serviceMonitor": {"enabled": True}, "metricsService": {"enabled": False}}, "set metricsService.enabled=true"),
        ({"aws": {"roleArn": ROLE}, "serviceAccount": {"create": False}}, "annotate it with eks.amazonaws.com/role-arn yourself"),
        ({"identities": [GOOD, GOOD]}, "identities has two of the name research"),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_the_fix(values, words):
    assert words in refusal(merge(MINIMAL, values))
