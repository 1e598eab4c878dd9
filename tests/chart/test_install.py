"""install/install.yaml is what the chart renders, and a real API server takes it."""

import json
import os
import re

import pytest
import yaml
from helm import CHART, ROOT
from install_yaml import INSTALL, PLACEHOLDER, objects, text

NAMESPACE = "customimage-operator"
IMAGE = {"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": "hpc-base", "namespace": "default"},
         "spec": {"imageId": "hpc-base", "region": "eu-west-1"}}  # fmt: skip


@pytest.fixture
def overlay():
    """A kustomization of a user, in a folder beside this one, because kustomize takes only relative paths."""
    def write(folder, example):
        (folder / "kustomization.yaml").write_text(example.replace("../install", os.path.relpath(INSTALL.parent, folder.resolve())))
        return folder
    return write


def example():
    """The kustomization that the chart's README.md shows."""
    return re.search(r"```yaml\n(# kustomization.yaml\n.*?)```", (CHART / "README.md").read_text(), re.DOTALL)[1]


def test_the_file_is_up_to_date():
    assert INSTALL.read_text() == text(), "stale: run make generate"


def test_it_has_all_that_the_operator_needs_and_nothing_of_helm():
    kinds = [thing["kind"] for thing in objects()]
    assert kinds[:2] == ["Namespace", "CustomResourceDefinition"] and kinds[-1] == "Deployment"
    assert {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap"} < set(kinds)
    # The pod of `helm test` is a hook.
    assert "Pod" not in kinds
    code = [line for line in INSTALL.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in code if "helm" in line.lower()] == []


def test_the_repository_is_one_that_no_registry_can_have():
    container = objects()[-1]["spec"]["template"]["spec"]["containers"][0]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert container["image"] == f"{PLACEHOLDER}:{version}" and PLACEHOLDER != PLACEHOLDER.lower() and "/" not in PLACEHOLDER


def test_an_api_server_takes_the_file_as_the_whole_operator(kubectl):
    told = kubectl("apply", "--server-side", "-f", INSTALL)
    assert told.count("serverside-applied") == len(objects())
    kubectl("wait", "--for=condition=Established", "crd/customimages.parallelcluster.dev", "--timeout=60s")
    kubectl("apply", "-f", "-", given=json.dumps(IMAGE))
    assert kubectl("diff", "--server-side", "-f", INSTALL) == ""
    # People also apply it from the client, which keeps the whole file in an annotation.
    kubectl("apply", "--dry-run=server", "-f", INSTALL)


def test_an_api_server_takes_it_as_a_list(kubectl):
    listed = {"apiVersion": "v1", "kind": "List", "items": objects()}
    kubectl("apply", "--server-side", "-f", "-", given=json.dumps(listed))


def test_kustomize_sets_the_image(kubectl, overlay, tmp_path):
    images = "images: [{name: %s, newName: registry.example.com/customimage-operator, newTag: '9'}]" % PLACEHOLDER
    folder = overlay(tmp_path, f"resources: [../install]\n{images}\n")
    kubectl("apply", "--server-side", "-k", folder)
    image = "{.spec.template.spec.containers[0].image}"
    assert kubectl("get", "deployment", NAMESPACE, "-n", NAMESPACE, "-o", f"jsonpath={image}") == "registry.example.com/customimage-operator:9"


def test_the_example_of_the_readme_sets_image_region_and_role(kubectl, overlay, tmp_path):
    kubectl("apply", "--server-side", "-k", overlay(tmp_path, example()))
    [deployment] = json.loads(kubectl("get", "deployment", "-n", NAMESPACE, "-o", "json"))["items"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/customimage-operator:0.1.0"
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert variables["AWS_REGION"] == "eu-west-1" and variables["CUSTOMIMAGE_LOG"] == "info"
    account = json.loads(kubectl("get", "serviceaccount", NAMESPACE, "-n", NAMESPACE, "-o", "json"))
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == "arn:aws:iam::111122223333:role/customimage-operator"
