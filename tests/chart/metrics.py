"""The metrics that alerts and dashboard may use, and what an expression takes from them."""

import re

import yaml
from helm import only, render

ON = {part: {"enabled": True} for part in ("serviceMonitor", "prometheusRule", "dashboard", "kubeStateMetrics")}
OBJECTS = render(ON)

# The metrics at the operator's /metrics, with their labels.
METRICS = {
    "customimage_objects": {"reason"},
    "customimage_stalled_objects": {"reason"},
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
    "customimage_build_info": {"version", "commit"},
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
    "process_start_time_seconds": set(),
    "up": set(),
}
# Those that are there only with the API. The dashboard does not show them.
OF_THE_API = {"customimage_api_certificate_valid": set()}
OF_A_TARGET = {"job", "namespace", "pod", "cluster"}
NAMES = r"\b(?:up|(?:kube_)?customimage_\w+|process_\w+)"


def state_metrics():
    """What kube-state-metrics' configuration tells of CustomImages."""
    text = only(OBJECTS, "ConfigMap", "kube-state-metrics")["data"]["custom-resource-state.yaml"]
    return yaml.safe_load(text)["spec"]["resources"][0]


def body(metric):
    kind = metric["each"]["type"]
    return metric["each"][kind[0].lower() + kind[1:]]


def state_series():
    """The names of kube-state-metrics' series, with their labels."""
    resource = state_metrics()
    common = set(resource["labelsFromPath"])
    return {
        f"{resource['metricNamePrefix']}_{metric['name']}": common | set(body(metric).get("labelsFromPath", ())) | {body(metric).get("labelName")} - {None}
        for metric in resource["metrics"]
    }


def selections(expression):
    """The metrics of an expression, each with the labels that it matches."""
    found = re.findall(rf"({NAMES})\{{([^}}]*)\}}", expression)
    assert len(re.findall(rf"{NAMES}\b", expression)) == len(found), f"a metric without a selection: {expression}"
    return [(metric, set(re.findall(r"(\w+)\s*[=!]~?", labels))) for metric, labels in found]
