"""Each alert fires when it should, has its section of the runbook, and can be changed by values. The monitors scrape the pods."""

import re
import subprocess

import pytest
import yaml
from helm import HERE, MINIMAL, ROOT, merge, nested, of_kind, only, refusal, render
from metrics import METRICS, OBJECTS, OF_A_TARGET, OF_THE_API, ON, selections

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
def test_each_alert_says_what_it_means_and_has_a_section_of_the_runbook(alert):
    assert f"\n## {alert['alert']}\n" in RUNBOOK
    assert alert["annotations"].keys() == {"summary", "description"}
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}


def test_the_runbook_has_sections_only_for_existing_alerts():
    assert set(re.findall(r"^## (\w+)$", RUNBOOK, re.M)) == {alert["alert"] for alert in ALERTS}


def test_the_table_of_the_runbook_has_each_alert_with_its_severity():
    told = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \| [^|]+ \|$", RUNBOOK, re.M)
    assert told == [(alert["alert"], alert["alert"].lower(), alert["labels"]["severity"]) for alert in ALERTS]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alerts_use_only_existing_metrics_and_labels_of_their_release(alert):
    for metric, labels in selections(alert["expr"]):
        assert labels - OF_A_TARGET <= (METRICS | OF_THE_API)[metric]
        assert {"job", "namespace"} <= labels


def changed(values):
    """The alerts of a release with these values of prometheusRule, by their names."""
    rule = only(render(merge(ON, {"prometheusRule": values})), "PrometheusRule")
    return {alert["alert"]: alert for alert in rule["spec"]["groups"][0]["rules"]}


def test_with_a_runbook_url_each_alert_links_to_its_section():
    alerts = changed({"runbookUrl": "https://wiki.example.com/runbook"})
    assert {name: alert["annotations"]["runbook_url"] for name, alert in alerts.items()} == {
        name: f"https://wiki.example.com/runbook#{name.lower()}" for name in alerts
    }


def test_an_alert_can_be_switched_off_and_the_others_stay_as_they_are():
    alerts = changed({"alerts": {"CustomImageNotFound": {"enabled": False}}})
    assert list(alerts.values()) == [alert for alert in ALERTS if alert["alert"] != "CustomImageNotFound"]


def test_an_alert_can_get_another_severity_and_another_time():
    alert = changed({"alerts": {"CustomImageDeleted": {"severity": "page", "for": "1m30s"}}})["CustomImageDeleted"]
    assert (alert["labels"]["severity"], alert["for"]) == ("page", "1m30s")


def test_without_any_change_of_alerts_all_are_on():
    assert list(changed({"alerts": {name: {"enabled": True} for name in changed({})}}).values()) == ALERTS


def test_an_unknown_alert_is_refused_with_the_names_of_all_alerts_also_while_the_rule_is_off():
    said = refusal(merge(MINIMAL, nested("prometheusRule.alerts.CustomImageGone", {"enabled": False})))
    assert "prometheusRule.alerts has CustomImageGone, and no alert is called so" in said
    assert all(alert["alert"] in said for alert in ALERTS)


@pytest.mark.parametrize("label", ["severity", "job", "namespace"])
def test_a_label_that_each_alert_has_already_is_refused(label):
    assert f"prometheusRule.alertLabels has {label}" in refusal(merge(MINIMAL, nested(f"prometheusRule.alertLabels.{label}", "mine")))


@pytest.mark.parametrize(
    "path, wrong",
    [
        ("prometheusRule.alerts.CustomImageDeleted.for", ""),
        ("prometheusRule.alerts.CustomImageDeleted.severity", ""),
        ("prometheusRule.alerts.CustomImageDeleted.enabled", "no"),
    ],
)
def test_a_value_of_monitoring_that_cannot_work_is_refused(path, wrong):
    assert "/" + path.replace(".", "/") in refusal(merge(MINIMAL, nested(path, wrong)))


def test_the_service_monitor_selects_only_the_metrics_service():
    selector = only(OBJECTS, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items()
    assert [thing["metadata"]["name"] for thing in OBJECTS if selector <= thing["metadata"]["labels"].items()] == [
        "mirror-customimage-operator-metrics"
    ]
    assert only(OBJECTS, "ServiceMonitor")["spec"]["endpoints"][0]["port"] == only(OBJECTS, "Service")["spec"]["ports"][0]["name"]


def of_pods(**settings):
    return {"podMonitor": {"enabled": True, **settings}, "metricsService": {"enabled": False}}


def test_the_pod_monitor_selects_the_operators_pods_and_not_that_of_helm_test():
    objects = render(of_pods())
    monitor, deployment = only(objects, "PodMonitor")["spec"], only(objects, "Deployment")["spec"]["template"]
    wanted = monitor["selector"]["matchLabels"].items()
    assert wanted <= deployment["metadata"]["labels"].items()
    assert not wanted <= only(objects, "Pod")["metadata"]["labels"].items()
    ports = {port["name"] for port in deployment["spec"]["containers"][0]["ports"]}
    assert monitor["podMetricsEndpoints"][0]["port"] in ports


def test_the_pod_monitor_gives_the_job_that_the_alerts_select():
    relabelings = only(render(of_pods(relabelings=[{"action": "labeldrop", "regex": "pod"}])), "PodMonitor")["spec"]["podMetricsEndpoints"][0]["relabelings"]
    job, *others = relabelings
    assert job == {"targetLabel": "job", "replacement": only(OBJECTS, "Service")["metadata"]["name"]}
    assert f'job="{job["replacement"]}"' in ALERTS[0]["expr"]
    assert others == [{"action": "labeldrop", "regex": "pod"}]


def test_both_monitors_at_once_are_refused():
    said = refusal(merge(MINIMAL, merge(ON, {"podMonitor": {"enabled": True}})))
    assert "serviceMonitor.enabled and podMonitor.enabled are both true" in said and "Set one of them to false" in said


@pytest.mark.parametrize("part, kind", [("serviceMonitor", "ServiceMonitor"), ("podMonitor", "PodMonitor"), ("prometheusRule", "PrometheusRule")])
def test_objects_of_two_releases_in_one_monitoring_namespace_do_not_meet(part, kind):
    values = {part: {"enabled": True, "namespace": "monitoring"}}
    ours, others = (only(render(values, namespace=namespace), kind) for namespace in ("hpc-system", "other"))
    assert ours["metadata"]["namespace"] == others["metadata"]["namespace"] == "monitoring"
    assert ours["metadata"]["name"] != others["metadata"]["name"]
    if part != "prometheusRule":
        assert ours["spec"]["namespaceSelector"] == {"matchNames": ["hpc-system"]}


def test_nothing_is_scraped_and_no_alert_is_there_by_default():
    assert [kind for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule") if of_kind(render(), kind)] == []
