"""What values.schema.json refuses, and what the templates refuse beside forms, and with which messages."""

import json

import pytest
import yaml
from forms import ROLE
from helm import CHART, KUBERNETES, MAJORS, MINIMAL, merge, nested, only, refusal, render, run
from identities import GOOD, IDENTITIES, REFUSED, without
from values_table import documented

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())


@pytest.mark.parametrize("major", MAJORS)
def test_without_a_repository_the_message_says_how_to_build_an_image(major):
    said = refusal({}, major=major)
    assert "image.repository is required" in said and "make image" in said and "--set image.repository=" in said


def ours(schema, path=""):
    """The objects whose keys the chart itself defines. `global` has those of a parent chart, too."""
    if "properties" in schema and path != "global":
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
        assert schema["properties"].keys() == values.keys(), path


@pytest.mark.parametrize("value", documented(), ids=lambda value: value.path)
def test_a_value_of_another_type_is_refused(value):
    wrong = {dict: "text", list: "text", str: [1], bool: "yes", int: "many"}[type(value.default)]
    if value.path == "podDisruptionBudget.maxUnavailable":
        wrong = "half"
    assert "/" + value.path.replace(".", "/") in refusal(merge(MINIMAL, nested(value.path, wrong)))


@pytest.mark.parametrize(
    "path, wrong",
    [
        ("image.tag", 1),
        ("image.pullPolicy", "Sometimes"),
        ("replicas", -1),
        ("replicas", 1.5),
        ("revisionHistoryLimit", -1),
        ("strategy", {"type": "OnDelete"}),
        ("strategy", {"rollingUpdate": {"maxSurge": "half"}}),
        ("extraObjects", [1]),
        ("global", {"imageRegistry": 1}),
        ("global", {"imagePullSecrets": [{"nmae": "a"}]}),
        ("aws.caBundle", {"configMap": {"name": "a", "key": "b"}, "secret": {"name": "a", "key": "b"}}),
        ("aws.caBundle", {"secret": {"name": "a"}}),
        ("aws.maxAttempts", 0),
        ("aws.maxAttempts", 4294967296),
        ("aws.budget.percent", 0),
        ("aws.budget.percent", 101),
        ("aws.budget.assumedRate", 0),
        ("aws.budget.assumedBurst", 10001),
        ("timing.settledInterval", 10),
        ("configurationUrl", "https"),
        ("log.format", "xml"),
        ("api.port", 1023),
        ("api.port", 65536),
        ("api.configurationUrl", "https"),
        ("api.requestsPerSecond", 0),
        ("api.requestsPerSecond", 100001),
        ("serviceMonitor.authorization", {"credentials": {"name": "token"}}),
        ("watchNamespaces", ["hpc", "hpc"]),
        ("concurrency", 0),
        ("concurrency", 4097),
        ("networkPolicy.apiServerPorts", [70000]),
        ("networkPolicy.apiServerPorts", []),
        ("podDisruptionBudget.maxUnavailable", "0%"),
        ("podDisruptionBudget.maxUnavailable", "101%"),
        ("terminationGracePeriodSeconds", 0),
        ("extraEnv", [{"nmae": "A"}]),
        ("resources", {"limit": {"memory": "1Gi"}}),
        ("podSecurityContext", {"runAsNonRot": True}),
        ("securityContext", {"readOnlyRootFilesytem": True}),
        ("podSecurityContext.runAsUser", "65532"),
        ("podSecurityContext.fsGroup", -1),
        ("securityContext.readOnlyRootFilesystem", "true"),
    ],
    ids=str,
)
def test_a_value_that_cannot_work_is_refused(path, wrong):
    assert "/" + path.replace(".", "/") in refusal(merge(MINIMAL, nested(path, wrong)))


@pytest.mark.parametrize("path", ["enabled", "image.tag", "metricsService", "podMonitor", "prometheusRule.alerts", "aws.caBundle", "aws.budget.percent", "timing.settledInterval", "lease", "strategy.type", "dnsPolicy"])
@pytest.mark.parametrize("major", MAJORS)
def test_a_value_that_null_removes_is_missed_by_its_name(path, major):
    assert f"missing property '{path.split('.')[-1]}'" in refusal(merge(MINIMAL, nested(path, None)), major=major)


@pytest.mark.parametrize("path", ["resources.limits", "strategy.rollingUpdate", "podSecurityContext.runAsNonRoot", "nodeSelector.kubernetes\\.io/os"])
@pytest.mark.parametrize("major", MAJORS)
def test_null_removes_a_part_of_a_map_of_kubernetes(path, major):
    done = run("template", "mirror", CHART, "--kube-version", KUBERNETES, "--set", f"{path}=null", major=major, values=MINIMAL)
    assert done.returncode == 0, done.stderr
    assert "null" not in json.dumps(only(yaml.safe_load_all(done.stdout), "Deployment"))


@pytest.mark.parametrize("identity", IDENTITIES, ids=str)
def test_an_identity_that_the_operator_accepts_is_accepted(identity):
    render({"identities": [identity]})


@pytest.mark.parametrize("identity", REFUSED, ids=str)
def test_an_identity_that_the_operator_would_refuse_is_refused_with_its_place(identity):
    said = refusal(merge(MINIMAL, {"identities": [identity]}))
    assert "/identities/0" in said or "\nidentities[0]" in said


AFTER_15S = "lease.renewDeadline is 15s, lease.duration 15s: a leader must stop before another one may lead; set lease.renewDeadline below 15s, or lease.duration above 15s"


@pytest.mark.parametrize(
    "values, words",
    [
        ({"lease": {"renewDeadline": "15s"}}, AFTER_15S),
        ({"lease": {"renewDeadline": "15000.001ms"}}, "set lease.renewDeadline below 15s"),
        ({"lease": {"retryPeriod": "10s"}}, "lease.retryPeriod is 10s, lease.renewDeadline 10s"),
        ({"lease": {"duration": "15.5s"}}, "lease.duration is 15.5s: a Lease counts whole seconds"),
        ({"timing": {"absentInterval": "0.2h"}}, "timing.absentInterval is 0.2h, timing.absentIntervalMax 10m: the first interval is the shortest one"),
        ({"timing": {"errorIntervalMax": "1s"}}, "set timing.errorInterval to at most 1s, or timing.errorIntervalMax to at least 5s"),
        ({"timing": {"shutdownTimeout": "30s"}}, "timing.shutdownTimeout is 30s, terminationGracePeriodSeconds 30s: the kubelet would kill"),
        ({"terminationGracePeriodSeconds": 20}, "or terminationGracePeriodSeconds above 20s"),
        ({"enabled": False}, "enabled is false: only a parent chart can leave this one out, with condition: customimage-operator.enabled"),
        ({"fullnameOverride": "1st"}, 'the objects would have the name "1st"'),
        ({"commonLabels": {"app.kubernetes.io/name": "x"}}, "commonLabels has app.kubernetes.io/name, which the chart sets: remove it"),
        ({"podLabels": {"app.kubernetes.io/component": "x"}}, "podLabels has app.kubernetes.io/component"),
        ({"serviceAccount": {"labels": {"helm.sh/chart": "x"}}}, "serviceAccount.labels has helm.sh/chart"),
        ({"api": {"service": {"labels": {"app.kubernetes.io/component": "x"}}}}, "api.service.labels has app.kubernetes.io/component"),
        ({"extraEnv": [{"name": "CUSTOMIMAGE_LOG", "value": "debug"}]}, "extraEnv names CUSTOMIMAGE_LOG, which the chart sets"),
        ({"extraEnv": [{"name": "POD_NAME", "value": "me"}]}, "extraEnv names POD_NAME: the chart needs it as it is"),
        ({"extraEnv": [{"name": "CUSTOMIMAGE_LISTEN", "value": "[::]:80"}]}, "extraEnv names CUSTOMIMAGE_LISTEN: the chart needs it"),
        ({"extraEnv": [{"name": "CUSTOMIMAGE_LEADER_ELECTION", "value": "false"}]}, "extraEnv names CUSTOMIMAGE_LEADER_ELECTION"),
        ({"strategy": {"rollingUpdate": {"maxSurge": 0}}}, "maxSurge 0 and maxUnavailable 0: no pod could be replaced"),
        ({"strategy": {"rollingUpdate": {"maxSurge": "0%"}}}, "set one of them above zero"),
        ({"dnsPolicy": "None"}, "dnsConfig.nameservers is empty"),
        ({"aws": {"roleArn": "arn:aws-cn:iam::111122223333:role/x"}}, "set aws.partition=aws-cn"),
        ({"aws": {"roleArn": "arn:aws:iam::111122223333:role/x", "accountId": "222233334444"}}, "aws.roleArn is of 111122223333"),
        ({"podMonitor": {"enabled": True, "interval": "10s", "scrapeTimeout": "30s"}}, "podMonitor.scrapeTimeout is 30s, podMonitor.interval 10s"),
        ({"prometheusRule": {"enabled": True}, "timing": {"settledInterval": "1h"}}, "timing.settledInterval 1h: an alert would fire while all is well; set more than 10800"),
        ({"prometheusRule": {"enabled": True, "maximumAge": 1800}}, "timing.stalenessBudget 30m"),
        ({"prometheusRule": {"alertLabels": {"example.com/team": "hpc"}}}, "which Prometheus takes as the name of a label"),
        ({"extraEnv": [{"name": "A", "value": "a"}, {"name": "A", "value": "b"}]}, "extraEnv names A twice"),
        ({"extraEnv": [{"name": "A", "value": "a", "valueFrom": {}}]}, "extraEnv gives A a value and a valueFrom"),
        ({"extraEnv": [{"name": "AWS_ENDPOINT_URL_EC2", "value": "10.0.0.1:80"}]}, "extraEnv gives AWS_ENDPOINT_URL_EC2 a value that is no URL"),
        ({"serviceMonitor": {"enabled": True}, "metricsService": {"enabled": False}}, "set metricsService.enabled=true"),
        ({"aws": {"roleArn": ROLE}, "serviceAccount": {"create": False}}, "annotate the ServiceAccount with eks.amazonaws.com/role-arn yourself"),
        ({"aws": {"roleArn": ROLE}, "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": ROLE}}}, "which aws.roleArn sets: remove one"),
        ({"identities": [GOOD, GOOD]}, "identities[1] (research): another identity has the same name"),
    ],
    ids=str,
)
def test_values_that_contradict_each_other_are_refused_with_the_fix(values, words):
    assert words in refusal(merge(MINIMAL, values))


def test_a_release_whose_name_begins_with_a_digit_is_told_what_to_set():
    assert 'the name "1st-customimage-operator"' in refusal(MINIMAL, release="1st")
    assert 'the name "my.app-customimage-operator"' in refusal(MINIMAL, release="my.app")
    render({"fullnameOverride": "first"}, release="1st")
