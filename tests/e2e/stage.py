"""The environment of the proofs: a cluster with the image, AWS, and the operator's release."""

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from pretended_aws import KEY, REGION, ROLE
from shell import CHECKOUT, eventually, now, require, run, script

RELEASE = "operator"
NAMESPACE = "customimage-operator"
#: The namespaces of users, with their CustomImages.
TEAM, OTHER_TEAM = "hpc", "research"


class Stage:
    """The operator's release in a cluster."""

    #: The features of this cluster that not every cluster has.
    has = set()

    def __init__(self, kubectl, repository, tag):
        self.folder = tempfile.TemporaryDirectory(prefix="customimage-e2e-")
        self.helms = dict(zip("34", (f"{directory}/helm" for directory in script("tests/helm/install"))))
        self.chart = CHECKOUT / "charts/customimage-operator"
        self.kubectl, self.repository, self.tag = kubectl, repository, tag
        self.aws, self.granted = None, []
        #: The periods in which the release was changed, and in which the API server was starting.
        self.changes, self.restarts = [], []

    def down(self):
        if self.aws:
            self.aws.stop()
        self.folder.cleanup()

    # ---- the release

    def values(self, **more):
        """A user's values: a region, credentials from a Secret, a private authority (CA), and short intervals."""
        secret = {"secretKeyRef": {"name": "aws", "key": "key"}}
        values = {
            "image": {"repository": self.repository, "tag": self.tag},
            "aws": {"region": REGION, "caBundle": {"configMap": {"name": "private-ca", "key": "ca.crt"}}, "connectTimeout": "2s",
                    "budget": {"assumedRate": 1000}},
            "buildLogs": {"enabled": True},
            "timing": {"inProgressInterval": "1s", "settledInterval": "2s", "absentInterval": "1s", "absentIntervalMax": "2s",
                       "errorInterval": "1s", "errorIntervalMax": "2s"},
            "extraEnv": [{"name": "AWS_ACCESS_KEY_ID", "value": KEY}, {"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": secret},
                         {"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}],
        }
        for key, value in [*self.aws.values.items(), *more.items()]:
            values[key] = {**values[key], **value} if isinstance(values.get(key), dict) else value
        return values

    def helm(self, *arguments, major="4", check=True):
        env = {**os.environ, "HELM_CACHE_HOME": f"{self.folder.name}/cache", "HELM_CONFIG_HOME": f"{self.folder.name}/config", "HELM_DATA_HOME": f"{self.folder.name}/data"}
        return run(self.helms[major], "--kubeconfig", self.kubectl.kubeconfig, "-n", NAMESPACE, *arguments, env=env, check=check)

    def release(self, action, values, *arguments, name=RELEASE, chart=None, major="4", check=True):
        """Runs helm install or upgrade, and waits as a user does."""
        path = Path(self.folder.name) / "values.yaml"
        path.write_text(json.dumps(values))
        with self.change():
            done = self.helm(action, name, chart or self.chart, "--values", path, "--wait", "--timeout", "2m", *arguments, major=major, check=check)
        self.remember_grants()
        return done

    def uninstall(self, name=RELEASE, major="4"):
        with self.change():
            self.helm("uninstall", name, "--wait", major=major)

    @contextmanager
    def change(self):
        """Records when the release and its rights were changed, and which pods this ended."""
        begun, before = now(), self.addresses()
        yield
        selector = ("-n", NAMESPACE, "-l", "app.kubernetes.io/name=customimage-operator")
        eventually("the pods of before are gone", lambda: not any("deletionTimestamp" in pod["metadata"] for pod in self.kubectl.get("pods", *selector)))
        self.changes.append((begun, now(), before - self.addresses()))

    def addresses(self):
        return {pod["status"].get("podIP") for pod in self.pods()}

    def test(self):
        """Runs helm test. Returns whether it passed, and its whole output with the table of the check."""
        done = self.helm("test", RELEASE, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def another_chart(self, change):
        """A copy of the chart, changed by `change` as in a next version."""
        copy = Path(self.folder.name) / "chart"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.chart, copy)
        change(copy)
        return copy

    def remember_grants(self):
        """Records each rule that a release grants to the operator, for the comparison at the end."""
        for kind in ("role", "clusterrole"):
            for role in self.kubectl.get(kind, "-A", "-l", "app.kubernetes.io/name=customimage-operator"):
                labels = role["metadata"].get("labels", {})
                if not any(label.startswith("rbac.authorization.k8s.io/aggregate-to") for label in labels):
                    self.granted += [json.dumps(rule, sort_keys=True) for rule in role["rules"]]

    def rendered_policy(self):
        """The IAM policy of a release with all features: presigned URLs, build logs, and an identity with a role."""
        path = Path(self.folder.name) / "all.yaml"
        path.write_text(json.dumps(self.values(configurationUrl="presigned", identities=[{"name": "research", "roleArn": ROLE, "namespaces": [TEAM]}])))
        manifests = self.helm("template", RELEASE, self.chart, "--values", path, "--show-only", "templates/iam-policy.yaml")
        return json.loads(self.kubectl("apply", "--dry-run=client", "-f", "-", "-o", "json", text_in=manifests))["data"]["policy.json"]

    # ---- what runs

    def pods(self):
        """The operator's pods that are not being deleted."""
        pods = self.kubectl.get("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=customimage-operator")
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and pod["metadata"]["labels"].get("app.kubernetes.io/component") != "check"]

    def ready_pods(self, count=2):
        def look():
            pods = self.pods()
            ready = [pod for pod in pods if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))]
            return ready if len(ready) == len(pods) == count else None
        return eventually(f"{count} pods are Ready", look, 90)

    def holder(self):
        """The identity of the process that holds the Lease."""
        [lease] = self.kubectl.get("leases", "-n", NAMESPACE)
        return lease["spec"]["holderIdentity"]

    def leader(self):
        """The name of the leading pod."""
        return self.holder().split("_")[0]

    def pod(self, name):
        return self.kubectl.get("pod", "-n", NAMESPACE, name)

    def process(self, pod):
        """The process id of a pod's operator, seen from this machine."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.path.basename(os.readlink(folder / "exe")) == "customimage-operator" and f"POD_NAME={pod}\0".encode() in (folder / "environ").read_bytes():
                    return int(folder.name)
            except OSError:
                continue
        return None

    def metrics(self, pod):
        return self.kubectl.raw(f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/metrics")

    def gauge(self, pod, name):
        lines = [line.split(" ")[1] for line in self.metrics(pod).splitlines() if line.split(" ")[0] == name]
        require(lines, f"{pod} tells {name}")
        return float(lines[0])

    # ---- CustomImages

    def create(self, name, image_id, namespace=TEAM, **spec):
        self.kubectl.apply({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": name, "namespace": namespace},
                            "spec": {"imageId": image_id, **spec}})

    def image_of(self, name, namespace=TEAM):
        return self.kubectl.get("customimage", name, "-n", namespace)

    def look_now(self, name, word, namespace=TEAM):
        self.kubectl("annotate", "--overwrite", "customimage", name, "-n", namespace, f"reconcile.fluxcd.io/requestedAt={word}")

    def is_answered(self, name, word, namespace=TEAM):
        return self.image_of(name, namespace)["status"].get("lastHandledReconcileAt") == word

    def answers(self, name, seconds=60, namespace=TEAM):
        """Requests a read now and waits until the status reports it, which shows that the operator works."""
        word = os.urandom(6).hex()
        self.look_now(name, word, namespace)
        eventually(f"the operator answers for {name}", lambda: self.is_answered(name, word, namespace), seconds)
