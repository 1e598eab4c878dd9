"""The interface in a cluster: a control plane, an operator that serves the API there, and callers with rights."""

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace

from servers import PROGRAMS, REGION, Server, certificate, endpoint, environment, running
from shell import Kubectl, run, script

NAMESPACE, GROUP = "hpc", "parallelcluster.dev"
#: What a token for the interface must be meant for.
AUDIENCE = "customimage-operator"
EVERYTHING = [
    {"apiGroups": [GROUP], "resources": ["images"], "verbs": ["get", "list"]},
    {"apiGroups": [GROUP], "resources": ["images/logs", "images/stackevents", "images/configuration"], "verbs": ["get"]},
]
#: The budget must slow down no test, and `imageConfiguration.url` is the one of the official server.
SETTINGS = {"LEADER_ELECTION": "false", "LISTEN": "127.0.0.1:0", "API_LISTEN": "127.0.0.1:0", "API_REQUESTS_PER_SECOND": "10000",
            "API_CONFIGURATION_URL": "presigned", "AWS_BUDGET": "100", "AWS_ASSUMED_RATE": "1000", "AWS_ASSUMED_BURST": "1000"}  # fmt: skip


@dataclass(frozen=True)
class Cluster:
    kubectl: Kubectl
    #: The interface for the namespace, without a token.
    stranger: Server

    def account(self, name, *rules):
        """A new ServiceAccount with these rights in the namespace."""
        about = {"metadata": {"name": name, "namespace": NAMESPACE}}
        of_rbac = {**about, "apiVersion": "rbac.authorization.k8s.io/v1"}
        self.kubectl.apply(
            {**about, "apiVersion": "v1", "kind": "ServiceAccount"},
            {**of_rbac, "kind": "Role", "rules": rules},
            {**of_rbac, "kind": "RoleBinding", "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
             "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]},
        )  # fmt: skip

    def as_account(self, name, audience=AUDIENCE):
        """The interface with a token of a ServiceAccount."""
        return replace(self.stranger, token=self.kubectl("create", "token", name, "-n", NAMESPACE, "--audience", audience).strip())


@contextmanager
def cluster(aws, folder):
    """A control plane, and `run` with the interface, which reads the simulated AWS. The ServiceAccount `reader` may read everything."""
    kubectl = Kubectl(script("tests/cluster/kubectl")[0], folder / "kubeconfig")
    with running(folder / "cluster.log", "(server=)", PROGRAMS / "local-cluster", "--kubeconfig-out", kubectl.kubeconfig, **os.environ):
        kubectl("apply", "--server-side", "-f", "-", text_in=run(PROGRAMS / "customimage-operator", "crd"))
        kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        certificate(folder)
        settings = {f"CUSTOMIMAGE_{name}": value for name, value in {**SETTINGS, "API_CERTIFICATE": str(folder)}.items()}
        with running(folder / "operator.log", r"the HTTP interface is served.* listen=\S*:(\d+)", PROGRAMS / "customimage-operator", "run",
                     **environment(endpoint(aws)), **settings, KUBECONFIG=str(kubectl.kubeconfig), AWS_REGION=REGION, AWS_MAX_ATTEMPTS="1") as port:  # fmt: skip
            started = Cluster(kubectl, Server(f"https://localhost:{port}/namespaces/{NAMESPACE}", ca=folder / "ca.crt"))
            started.account("reader", *EVERYTHING)
            yield started
