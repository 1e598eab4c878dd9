"""install/install.yaml: the chart with its defaults, for people without Helm.

    python tests/chart/install_yaml.py     writes it
"""

import yaml
from helm import ROOT, render

INSTALL = ROOT / "install" / "install.yaml"
NAME = "customimage-operator"
#: No repository has capitals: a pod with it is InvalidImageName at once, and no registry is asked.
PLACEHOLDER = "SET-THE-REPOSITORY"
HEADER = f"""\
# The operator, for those without Helm. `make generate` writes this file from the chart and its defaults: do not edit it.
# Every pod is InvalidImageName until {PLACEHOLDER} is a repository of yours. Set newName in kustomization.yaml
# and run `kubectl apply --server-side -k` on this folder, or replace the word in this file and apply it.
# Never `kubectl delete -f` this file: with the CRD, it deletes every CustomImage.
"""
#: Kubernetes needs the namespace and the CRD first.
ORDER = ["Namespace", "CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap", "Service",
         "PodDisruptionBudget", "Deployment"]  # fmt: skip


def without_helm(thing):
    """An object without what is true only in a release, or nothing for a hook of Helm."""
    metadata = thing["metadata"]
    annotations = metadata.get("annotations") or {}
    if "helm.sh/hook" in annotations:
        return None
    for field in ("labels", "annotations"):
        kept = {key: value for key, value in (metadata.pop(field, None) or {}).items() if not key.startswith("helm.sh/") and value != "Helm"}
        if kept:
            metadata[field] = kept
    return thing


def objects():
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    rendered = [namespace, *filter(None, map(without_helm, render(release=NAME, namespace=NAME)))]
    for thing in rendered:
        for container in thing["spec"]["template"]["spec"]["containers"] if thing["kind"] == "Deployment" else []:
            container["image"] = f"{PLACEHOLDER}:{container['image'].rsplit(':')[-1]}"
    return sorted(rendered, key=lambda thing: (ORDER.index(thing["kind"]), thing["metadata"]["name"]))


def text():
    return HEADER + "---\n".join(yaml.safe_dump(thing, sort_keys=False, width=120, allow_unicode=True) for thing in objects())


if __name__ == "__main__":
    INSTALL.write_text(text())
