"""The RBAC rules: exactly the rights that are needed."""

import pytest
from helm import of_kind, render

NAME, CLUSTER_NAME = "mirror-customimage-operator", "hpc-system.mirror-customimage-operator"
IMAGES = [
    {"apiGroups": ["parallelcluster.dev"], "resources": ["customimages"], "verbs": ["list", "watch"]},
    {"apiGroups": ["parallelcluster.dev"], "resources": ["customimages/status"], "verbs": ["patch", "update"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
]
LEASE = [
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [NAME], "verbs": ["get", "update"]},
]
NAMESPACES = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]}]
REVIEWS = [
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
]
READ = ["get", "list", "watch"]
WRITE = READ + ["create", "update", "patch", "delete", "deletecollection"]
ROLE = "arn:aws:iam::222233334444:role/customimage-reader"
SELECTS = {"name": "research", "roleArn": ROLE, "namespaceSelector": {"matchLabels": {"aws": "research"}}}
SELECTS_ALL = {**SELECTS, "namespaceSelector": {}}
LISTS = {"name": "research", "roleArn": ROLE, "namespaces": ["hpc"]}

LEASE_GRANT = {("hpc-system", f"{NAME}-lease"): LEASE}
EVERYWHERE = {("", CLUSTER_NAME): IMAGES}
IN_EACH = {("hpc", CLUSTER_NAME): IMAGES, ("genomics", CLUSTER_NAME): IMAGES}
SELECTOR = {("", f"{CLUSTER_NAME}-namespaces"): NAMESPACES}
API = {"api": {"enabled": True, "certificateSecret": "images-tls"}}
REVIEW = {("", f"{CLUSTER_NAME}-api"): REVIEWS}


def granted(objects):
    """The rules that bindings grant to the operator's ServiceAccount, by namespace and name."""
    rules = {}
    for scope in ("Cluster", ""):
        roles = {key(role): role["rules"] for role in of_kind(objects, f"{scope}Role")}
        for binding in of_kind(objects, f"{scope}RoleBinding"):
            assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "hpc-system"}]
            assert binding["roleRef"]["kind"] == f"{scope}Role"
            rules[key(binding)] = roles.pop((key(binding)[0], binding["roleRef"]["name"]))
        assert all("-admin" in name or "-edit" in name or "-view" in name for _, name in roles), f"roles without a binding: {roles}"
    return rules


def key(thing):
    return thing["metadata"].get("namespace", ""), thing["metadata"]["name"]


@pytest.mark.parametrize(
    "values, expected",
    [
        ({}, EVERYWHERE | LEASE_GRANT),
        ({"identities": [LISTS]}, EVERYWHERE | LEASE_GRANT),
        ({"identities": [SELECTS]}, EVERYWHERE | LEASE_GRANT | SELECTOR),
        ({"identities": [SELECTS_ALL]}, EVERYWHERE | LEASE_GRANT | SELECTOR),
        ({"watchNamespaces": ["hpc", "genomics"]}, IN_EACH | LEASE_GRANT),
        ({"watchNamespaces": ["hpc", "genomics"], "identities": [SELECTS]}, IN_EACH | LEASE_GRANT | SELECTOR),
        (API, EVERYWHERE | LEASE_GRANT | REVIEW),
        ({**API, "watchNamespaces": ["hpc", "genomics"]}, IN_EACH | LEASE_GRANT | REVIEW),
        ({**API, "api": {**API["api"], "enabled": False}}, EVERYWHERE | LEASE_GRANT),
        ({"rbac": {"create": False}}, {}),
        ({**API, "rbac": {"create": False}}, {}),
    ],
    ids=["cluster-wide", "identity by names", "identity by selector", "identity for all", "by namespace", "by namespace with a selector", "the API", "the API, by namespace", "the API off", "none", "the API, none"],
)
def test_the_operator_is_granted_exactly_what_it_needs(values, expected):
    assert granted(render(values)) == expected


@pytest.mark.parametrize("role, verbs", [("view", READ), ("edit", WRITE), ("admin", WRITE)])
def test_users_are_granted_custom_images_but_never_their_status(role, verbs):
    roles = of_kind(render(), "ClusterRole", f"-{role}")
    assert [one["rules"] for one in roles] == [[{"apiGroups": ["parallelcluster.dev"], "resources": ["customimages"], "verbs": verbs}]]
    assert roles[0]["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{role}"] == "true"


def test_without_aggregation_a_release_that_watches_namespaces_has_only_the_crd_cluster_wide():
    values = {"watchNamespaces": ["hpc"], "rbac": {"aggregateClusterRoles": False}}
    assert [thing["kind"] for thing in render(values) if "namespace" not in thing["metadata"]] == ["CustomResourceDefinition"]


def test_rights_are_granted_for_the_lease_that_the_operator_uses():
    env = of_kind(render(), "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "CUSTOMIMAGE_LEASE_NAME", "value": NAME} in env
