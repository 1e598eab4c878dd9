"""kube-state-metrics' configuration reads only fields that exist, and is where kube-state-metrics can mount and use it."""

from helm import ROOT, of_kind, only, render
from metrics import OBJECTS, body, state_metrics


def paths(metric):
    """The fields of a CustomImage that a metric reads."""
    each = body(metric)
    base = each.get("path", [])
    yield base
    yield from (base + path for path in each.get("labelsFromPath", {}).values())
    if "valueFrom" in each:
        yield base + each["valueFrom"]


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


def test_no_absent_field_of_a_new_object_is_logged_as_an_error():
    assert state_metrics()["errorLogV"] > 4  # the most verbose level that kube-state-metrics' documentation runs


def test_no_label_has_a_text_that_changes_with_each_message():
    labels = {label for metric in state_metrics()["metrics"] for label in body(metric).get("labelsFromPath", ())}
    assert "message" not in labels


def beside(**settings):
    return render({"kubeStateMetrics": {"enabled": True, **settings}})


def test_the_configuration_is_in_the_namespace_of_kube_state_metrics():
    assert only(beside(namespace="monitoring"), "ConfigMap", "-kube-state-metrics")["metadata"]["namespace"] == "monitoring"
    assert only(beside(), "ConfigMap", "-kube-state-metrics")["metadata"]["namespace"] == "hpc-system"


def test_configurations_of_two_releases_in_one_namespace_do_not_meet():
    names = {
        only(render({"kubeStateMetrics": {"enabled": True, "namespace": "monitoring"}}, namespace=namespace), "ConfigMap", "-kube-state-metrics")["metadata"]["name"]
        for namespace in ("hpc-system", "other")
    }
    assert len(names) == 2


def test_the_service_account_of_kube_state_metrics_may_list_and_watch_what_it_needs():
    objects = beside(namespace="monitoring", serviceAccount="ksm")
    role, binding = only(objects, "ClusterRole", "-kube-state-metrics"), only(objects, "ClusterRoleBinding", "-kube-state-metrics")
    granted = {(group, resource): set(rule["verbs"]) for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"]}
    both = {"list", "watch"}
    assert granted == {("parallelcluster.dev", "customimages"): both, ("apiextensions.k8s.io", "customresourcedefinitions"): both}
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "ksm", "namespace": "monitoring"}]


def test_without_the_name_of_its_service_account_nothing_is_granted():
    assert of_kind(beside(), "ClusterRole", "-kube-state-metrics") == of_kind(beside(), "ClusterRoleBinding", "-kube-state-metrics") == []


def test_the_document_names_the_configuration_of_a_release_with_the_usual_name():
    values = {"kubeStateMetrics": {"enabled": True, "namespace": "monitoring"}}
    objects = render(values, release="customimage-operator", namespace="customimage-operator")
    name = only(objects, "ConfigMap", "-kube-state-metrics")["metadata"]["name"]
    assert f"configMap: {{name: {name}}}" in (ROOT / "docs" / "kube-state-metrics.md").read_text()
