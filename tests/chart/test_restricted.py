"""Every pod satisfies the restricted profile, and the check of it finds violations."""

import pytest
import yaml
from helm import merge, read_values, render
from restricted import offences

GOOD = yaml.safe_load("""
securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
containers:
  - name: run
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
""")


def pod_specs(objects):
    for thing in objects:
        if thing["kind"] == "Pod":
            yield thing["spec"]
        elif template := (thing.get("spec") or {}).get("template"):
            yield template["spec"]


@pytest.mark.parametrize("name", ["minimal", "namespaces", "full", "api"])
def test_the_operator_and_the_pod_of_helm_test_are_restricted(name):
    specs = list(pod_specs(render(read_values(name))))
    assert len(specs) == 2
    for spec in specs:
        assert offences(spec) == []
        assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        # The image has the user. A cluster may give another one, as OpenShift does.
        assert not {"runAsUser", "runAsGroup"} & spec["securityContext"].keys()


def test_a_restricted_pod_has_no_violation():
    assert offences(GOOD) == []


@pytest.mark.parametrize(
    "change",
    [
        {"hostNetwork": True},
        {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        {"securityContext": {"runAsNonRoot": None}},
        {"securityContext": {"runAsUser": 0}},
        {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
        {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
        {"securityContext": {"seLinuxOptions": {"type": "spc_t"}}},
        {"containers": [{"name": "run"}]},
        {"initContainers": [{"name": "first"}]},
        {"containers": [merge(GOOD["containers"][0], {"securityContext": {"privileged": True}})]},
        {"containers": [merge(GOOD["containers"][0], {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}})]},
        {"containers": [merge(GOOD["containers"][0], {"ports": [{"hostPort": 80}]})]},
    ],
    ids=str,
)
def test_a_violation_is_found(change):
    assert offences(merge(GOOD, change))
