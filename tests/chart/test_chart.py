"""The chart as a whole: lint, both versions of Helm, names, the CRD, the notes, the hook."""

import base64
import subprocess

import pytest
import yaml
from helm import CHART, KUBERNETES, MAJORS, ROOT, merge, only, read_values, render, run

FILES = ["minimal", "namespaces", "full", "api"]
LONG = {"release": "r" * 53, "namespace": "n" * 63}
LONG_NAMES = {"nameOverride": "x" * 70, "serviceMonitor": {"enabled": True}, "dashboard": {"enabled": True}, "api": {"enabled": True, "certificateSecret": "images-tls"}}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("major", MAJORS)
def test_lint_has_no_warning(major, name):
    done = run("lint", "--strict", "--kube-version", KUBERNETES, CHART, major=major, values=read_values(name))
    assert done.returncode == 0 and "[WARNING]" not in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name", FILES)
def test_helm_3_and_helm_4_render_the_same(name):
    assert render(read_values(name), major=3) == render(read_values(name), major=4)


def test_an_older_kubernetes_is_refused():
    done = run("template", "mirror", CHART, "--kube-version", "1.31.9", values=read_values("minimal"))
    assert "requires kubeVersion: >=1.32.0-0" in done.stderr


@pytest.mark.parametrize("values", [{}, LONG_NAMES, {"fullnameOverride": "y" * 63}], ids=["long release", "long names", "long full name"])
def test_names_and_label_values_have_at_most_63_characters_and_differ(values):
    objects = render(merge(read_values("full"), values), **LONG)
    names = [(thing["kind"], thing["metadata"].get("namespace"), thing["metadata"]["name"]) for thing in objects]
    assert len(set(names)) == len(names)
    for thing in objects:
        labels = thing["metadata"]["labels"].values()
        assert max(map(len, [thing["metadata"]["name"], *labels])) <= 63 or thing["kind"] == "CustomResourceDefinition"


@pytest.mark.parametrize("other", [("two", "hpc"), ("one-hpc", "mirror"), ("one-hpc", "hpc")], ids="-".join)
def test_two_releases_share_only_the_crd_cluster_wide(other):
    def cluster_wide(namespace, name):
        objects = render({"fullnameOverride": name, "api": {"enabled": True, "certificateSecret": "images-tls"}}, namespace=namespace)
        return {(thing["kind"], thing["metadata"]["name"]) for thing in objects if "namespace" not in thing["metadata"]}

    for name in ("hpc", "hpc-mirror", "hpc-hpc"):
        assert cluster_wide("one", name) & cluster_wide(*other) == {("CustomResourceDefinition", "customimages.parallelcluster.dev")}


@pytest.mark.parametrize("name", FILES)
def test_every_object_has_the_standard_labels(name):
    for thing in render(read_values(name)):
        labels = thing["metadata"]["labels"]
        wanted = {"name", "instance", "version", "managed-by", "part-of"}
        assert {f"app.kubernetes.io/{key}" for key in wanted} | {"helm.sh/chart"} <= labels.keys()


def test_the_crd_is_the_generated_one_and_is_kept():
    generated = yaml.safe_load((ROOT / "crds" / "customimages.parallelcluster.dev.yaml").read_text())
    rendered = only(render(), "CustomResourceDefinition")
    assert rendered["spec"] == generated["spec"], "stale: run make generate"
    assert rendered["metadata"]["name"] == generated["metadata"]["name"]
    assert rendered["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_a_crd_of_another_owner_is_refused_with_the_commands_that_transfer_it(tmp_path):
    """Helm reads no cluster here, so that a separate template has to render the message."""
    copy = tmp_path / "chart"
    subprocess.run(["cp", "-r", CHART, copy], check=True)
    call = '{{ fail (include "customimage-operator.foreignCrd" (dict "root" . "crd" "customimages.parallelcluster.dev" "owner" "OWNER")) }}'
    (copy / "templates" / "crd.yaml").write_text(call)
    done = run("template", "mirror", copy, "--namespace", "hpc-system", "--kube-version", KUBERNETES, values=read_values("minimal"))
    assert "belongs to OWNER" in done.stderr and "crds.install=false" in done.stderr
    assert "kubectl label --overwrite crd customimages.parallelcluster.dev app.kubernetes.io/managed-by=Helm" in done.stderr
    assert "meta.helm.sh/release-name=mirror meta.helm.sh/release-namespace=hpc-system" in done.stderr


def notes(values):
    """Only Helm 4 writes notes without a cluster."""
    done = run("install", "mirror", CHART, "--dry-run=client", "--namespace", "hpc-system", values=merge(read_values("minimal"), values))
    assert done.returncode == 0, done.stderr
    return done.stdout.split("NOTES:\n")[1]


def test_the_notes_say_what_to_do_next():
    said = notes({})
    for words in ["configmap mirror-customimage-operator-iam-policy", "helm test mirror -n hpc-system --logs", "kind: CustomImage",
                  "create-pod-identity-association", "every namespace", "keeps the CRD and every CustomImage"]:  # fmt: skip
        assert words in said


@pytest.mark.parametrize(
    "values, words",
    [
        ({"aws": {"roleArn": "arn:aws:iam::111122223333:role/x"}}, "must trust system:serviceaccount:hpc-system:mirror-customimage-operator"),
        ({"aws": {"partition": "aws-cn"}}, '"aws:SourceArn": "arn:aws-cn:eks:REGION:ACCOUNT:cluster/CLUSTER"'),
        ({"aws": {"accountId": "111122223333", "region": "eu-west-1"}}, '"aws:SourceArn": "arn:aws:eks:eu-west-1:111122223333:cluster/CLUSTER"'),
        ({"aws": {"accountId": "111122223333"}}, '"aws:SourceAccount": "111122223333"'),
        ({"watchNamespaces": ["hpc"]}, "namespace: hpc}"),
        ({"iamPolicy": {"configMap": False}}, '"Action": "ec2:DescribeImages"'),
        ({"crds": {"install": False}}, "install and upgrade the CRD yourself"),
        ({"crds": {"keep": False}}, "deletes every CustomImage"),
        ({"rbac": {"create": False}}, "grant the ServiceAccount its rights yourself"),
        ({"identities": read_values("full")["identities"]}, "role-policy.json"),
        ({"api": read_values("api")["api"]}, "https://images.example.com/namespaces/NAMESPACE/v3/images/custom/IMAGE"),
        ({"api": read_values("api")["api"]}, "get secret images-tls -o jsonpath='{.data.ca\\.crt}'"),
    ],
)
def test_the_notes_depend_on_the_values(values, words):
    assert words in notes(values)


@pytest.mark.parametrize("name", ["full", "api"])
def test_helm_test_runs_the_check_with_the_operators_identity_and_configuration(name):
    objects = render(read_values(name))
    operator, check = only(objects, "Deployment")["spec"]["template"]["spec"], only(objects, "Pod")
    assert check["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert check["spec"]["containers"][0]["args"] == ["check"] and operator["containers"][0]["args"] == ["run"]
    assert check["spec"]["restartPolicy"] == "Never"
    for field in ("serviceAccountName", "volumes", "securityContext", "hostAliases", "dnsConfig"):
        assert check["spec"].get(field) == operator.get(field), field
    for field in ("image", "env", "volumeMounts"):
        assert check["spec"]["containers"][0][field] == operator["containers"][0][field], field


def test_the_service_and_the_disruption_budget_do_not_select_the_pod_of_the_check():
    objects = render()
    check = only(objects, "Pod")["metadata"]["labels"].items()
    for selector in [only(objects, "Service")["spec"]["selector"], only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
                     only(objects, "Deployment")["spec"]["selector"]["matchLabels"]]:  # fmt: skip
        assert not selector.items() <= check
        assert selector.items() <= only(objects, "Deployment")["spec"]["template"]["metadata"]["labels"].items()


def test_one_replica_has_no_disruption_budget_because_it_would_block_drains():
    assert not [thing for thing in render({"replicas": 1}) if thing["kind"] == "PodDisruptionBudget"]


def test_a_changed_configuration_restarts_no_pod():
    changed = {"identities": read_values("full")["identities"]}
    assert only(render(), "Deployment") == only(render(changed), "Deployment")
    mounts = only(render(), "Deployment")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert all("subPath" not in mount for mount in mounts)


def test_the_icon_is_the_picture_beside_the_chart():
    kind, encoded = yaml.safe_load((CHART / "Chart.yaml").read_text())["icon"].split(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(encoded) == (CHART / "icon.svg").read_bytes().strip()
