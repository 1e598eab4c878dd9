"""Alerts, runbook, dashboard and kube-state-metrics use only what exists, and alerts fire when they should."""

import json
import re
import subprocess

import pytest
import yaml
from helm import HERE, ROOT, only, render

# The metrics at the operator's /metrics, with their labels.
METRICS = {
    "customimage_objects": {"reason"},
    "customimage_oldest_observation_age_seconds": set(),
    "customimage_observation_age_seconds": {"quantile"},
    "customimage_effective_interval_seconds": {"state"},
    "customimage_leader": set(),
    "customimage_configuration_valid": set(),
    "customimage_watch_healthy": set(),
    "customimage_status_unwritten_age_seconds": set(),
    "customimage_aws_calls_total": {"service", "operation", "outcome"},
    "customimage_aws_call_duration_seconds_bucket": {"service", "operation", "le"},
    "customimage_aws_calls_waiting": {"priority"},
    "customimage_aws_call_wait_seconds_bucket": {"priority", "le"},
    "customimage_reconciles_total": {"result"},
    "customimage_reconcile_duration_seconds_bucket": {"le"},
    "customimage_status_writes_total": {"result"},
    "customimage_status_contests_total": set(),
    "up": set(),
}
OF_A_TARGET = {"job", "namespace", "pod"}
SELECTED = re.compile(r"\b(up|customimage_\w+)\{([^}]*)\}")
ON = {part: {"enabled": True} for part in ("serviceMonitor", "prometheusRule", "dashboard", "kubeStateMetrics")}
OBJECTS = render(ON)
RULES = only(OBJECTS, "PrometheusRule")["spec"]
ALERTS = RULES["groups"][0]["rules"]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def promtool(*arguments, cwd):
    program = subprocess.run([HERE / "promtool"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    done = subprocess.run([program, *arguments], cwd=cwd, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def unit_tests():
    """alerts.yaml with this release's names."""
    text = (HERE / "alerts.yaml").read_text()
    return text.replace("JOB", only(OBJECTS, "Service")["metadata"]["name"]).replace("NAMESPACE", "hpc-system")


def without_annotations(rules):
    """Another test checks the annotations. The unit tests would only repeat their text."""
    return {"groups": [{**group, "rules": [{**rule, "annotations": {}} for rule in group["rules"]]} for group in rules["groups"]]}


def test_promtool_accepts_the_rules(tmp_path):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES))
    promtool("check", "rules", "rules.yaml", cwd=tmp_path)


def test_each_alert_fires_when_it_should_and_is_quiet_when_it_should(tmp_path):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(without_annotations(RULES)))
    (tmp_path / "tests.yaml").write_text(unit_tests())
    promtool("test", "rules", "tests.yaml", cwd=tmp_path)


def test_each_alert_has_a_firing_and_a_quiet_case():
    cases = [case for test in yaml.safe_load(unit_tests())["tests"] for case in test["alert_rule_test"]]
    names = {alert["alert"] for alert in ALERTS}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_links_to_its_section_of_the_runbook_and_says_what_it_means(alert):
    assert f"\n## {alert['alert']}\n" in RUNBOOK
    assert alert["annotations"]["runbook_url"] == f"docs/runbook.md#{alert['alert'].lower()}"
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}


def test_the_runbook_has_sections_only_for_existing_alerts():
    assert set(re.findall(r"^## (\w+)$", RUNBOOK, re.M)) == {alert["alert"] for alert in ALERTS}


def selections(expression):
    """The metrics of an expression, each with the labels that it matches."""
    found = SELECTED.findall(expression)
    assert len(re.findall(r"\b(?:up|customimage_\w+)\b", expression)) == len(found), f"a metric without its release: {expression}"
    return [(metric, set(re.findall(r"(\w+)\s*[=!]~?", labels))) for metric, labels in found]


def dashboard():
    return json.loads(only(OBJECTS, "ConfigMap", "dashboard")["data"]["customimage-operator.json"])


EXPRESSIONS = [alert["expr"] for alert in ALERTS] + [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_alerts_and_dashboard_use_only_existing_metrics_and_labels(expression):
    for metric, labels in selections(expression):
        assert labels - OF_A_TARGET <= METRICS[metric]
        assert {"job", "namespace"} <= labels
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression))))
    assert grouped <= set().union(*(METRICS[metric] for metric, _ in selections(expression)))


def test_the_dashboard_shows_every_metric():
    shown = {metric for panel in dashboard()["panels"] for target in panel["targets"] for metric, _ in selections(target["expr"])}
    assert shown == METRICS.keys()


def test_the_panels_of_the_dashboard_do_not_overlap():
    cells = [(x, y) for panel in dashboard()["panels"] for grid in [panel["gridPos"]]
             for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])]  # fmt: skip
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24


def test_the_service_monitor_selects_only_the_metrics_service():
    selector = only(OBJECTS, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items()
    assert [thing["metadata"]["name"] for thing in OBJECTS if selector <= thing["metadata"]["labels"].items()] == [
        "mirror-customimage-operator-metrics"
    ]
    assert only(OBJECTS, "ServiceMonitor")["spec"]["endpoints"][0]["port"] == only(OBJECTS, "Service")["spec"]["ports"][0]["name"]


def state_metrics():
    text = only(OBJECTS, "ConfigMap", "kube-state-metrics")["data"]["custom-resource-state.yaml"]
    return yaml.safe_load(text)["spec"]["resources"][0]


def paths(metric):
    """The fields of a CustomImage that a metric reads."""
    body = metric["each"][metric["each"]["type"][0].lower() + metric["each"]["type"][1:]]
    base = body.get("path", [])
    yield base
    yield from (base + path for path in body.get("labelsFromPath", {}).values())
    if "valueFrom" in body:
        yield base + body["valueFrom"]


def dig_schema(schema, path):
    """The schema of a field; for a list, that of its items."""
    for key in path:
        schema = schema.get("items", schema)["properties"].get(key, {})
    return schema


def test_kube_state_metrics_reads_only_fields_of_the_crd():
    version = only(OBJECTS, "CustomResourceDefinition")["spec"]["versions"][0]
    kind = state_metrics()["groupVersionKind"]
    assert kind == {"group": "parallelcluster.dev", "version": version["name"], "kind": "CustomImage"}
    for metric in state_metrics()["metrics"]:
        for path in paths(metric):
            assert dig_schema(version["schema"]["openAPIV3Schema"], path), f"{metric['name']}: no field {'.'.join(path)}"


def test_kube_state_metrics_lists_every_build_status():
    schema = only(OBJECTS, "CustomResourceDefinition")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    statuses = dig_schema(schema, ["status", "imageBuildStatus"])["enum"]
    metric = next(metric for metric in state_metrics()["metrics"] if metric["each"]["type"] == "StateSet")
    assert metric["each"]["stateSet"]["list"] == [status for status in statuses if status]
