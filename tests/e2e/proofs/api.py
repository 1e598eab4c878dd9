"""The API in the cluster: the rights that it needs, who may read by it, and how it is reached."""

import json
import tempfile

from proof import OWN_NODE, proof
from proofs.identities import RESEARCH
from pretended_aws import Authority
from shell import eventually, require
from stage import NAMESPACE, OTHER_TEAM, RELEASE, TEAM

OPERATOR = f"{RELEASE}-customimage-operator"
SERVICE = f"{OPERATOR}-api"
NAME = f"{SERVICE}.{NAMESPACE}.svc"
SECRET = "images-tls"
REVIEWS = ("tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io")
IMAGE = f"/namespaces/{TEAM}/v3/images/custom/hpc-base"
#: Two authorities: the second one signs the renewed certificate. Callers trust both.
FOLDERS = [tempfile.TemporaryDirectory(prefix="customimage-api-") for _ in range(2)]
AUTHORITIES = []


def values(stage, **more):
    return stage.values(identities=RESEARCH, api={"enabled": True, "certificateSecret": SECRET, **more})


def rights(stage):
    """Whether the operator's ServiceAccount may create each kind of review."""
    asked = [stage.kubectl("auth", "can-i", "create", each, f"--as=system:serviceaccount:{NAMESPACE}:{OPERATOR}", check=False) for each in REVIEWS]
    return [done.stdout.strip() == "yes" for done in asked]


def services(stage):
    return [each["metadata"]["name"] for each in stage.kubectl.get("services", "-n", NAMESPACE)]


def replace(stage, kind, name, namespace, *files):
    """Creates a Secret or a ConfigMap from files, or replaces it."""
    what = ("secret", "generic") if kind == "secret" else (kind,)
    made = stage.kubectl("create", *what, name, "-n", namespace, *(f"--from-file={key}={path}" for key, path in files), "--dry-run=client", "-o", "json")
    stage.kubectl("apply", "-f", "-", text_in=made)


def certify(stage, authority):
    certificate, key = authority.server([NAME])
    replace(stage, "secret", SECRET, NAMESPACE, ("tls.crt", certificate), ("tls.key", key), ("ca.crt", authority.certificate))


@proof("without the API there is neither its Service nor its rights")
def is_off(stage):
    require(rights(stage) == [False, False], "no right to create reviews", rights(stage))
    require(SERVICE not in services(stage), "no Service", services(stage))


@proof("helm upgrade switches the API on: two replicas are behind its Service, the operator may create both reviews, and helm test is green")
def switches_on(stage):
    AUTHORITIES.extend(Authority(folder.name) for folder in FOLDERS)
    certify(stage, AUTHORITIES[0])
    stage.release("upgrade", values(stage))
    stage.ready_pods()
    require(rights(stage) == [True, True], "the right to create reviews", rights(stage))

    def behind():
        slices = stage.kubectl.get("endpointslices", "-n", NAMESPACE, "-l", f"kubernetes.io/service-name={SERVICE}")
        return sum(len(each.get("endpoints") or []) for each in slices) == 2
    eventually("two endpoints", behind)
    passed, told = stage.test()
    require(passed and "all is well" in told, "a green table", told)


# ---- callers


def account(name):
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": TEAM}, "automountServiceAccountToken": False}


def caller(stage, name, account_name, image, **token):
    """A pod with a projected token. The node's DNS has no names of Services, so the pod has the name itself."""
    address = stage.kubectl.get("service", SERVICE, "-n", NAMESPACE)["spec"]["clusterIP"]
    sources = [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600, **token}}, {"configMap": {"name": "images-ca"}}]
    container = {
        "name": "caller", "image": image, "imagePullPolicy": "IfNotPresent", "volumeMounts": [{"name": "images", "mountPath": "/images", "readOnly": True}],
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": TEAM, "labels": {"app": "api-caller"}},
        "spec": {"serviceAccountName": account_name, "automountServiceAccountToken": False, "containers": [container], "terminationGracePeriodSeconds": 1,
                 "hostAliases": [{"ip": address, "hostnames": [NAME]}], "volumes": [{"name": "images", "projected": {"sources": sources}}]},
    }  # fmt: skip


def ask(stage, pod, path, *address):
    """The answer to one request of a pod: its code, age and body."""
    return json.loads(stage.kubectl("exec", "-n", TEAM, pod, "--", "/caller", f"https://{NAME}{path}", *address))


def code(stage, pod, path):
    return ask(stage, pod, path)["code"]


@proof("a pod with the right reads an image by the Service with its projected token; without the right it gets 403, with a token for another audience 401", needs=OWN_NODE)
def lets_in(stage):
    rules = [{"apiGroups": ["parallelcluster.dev"], "resources": ["images"], "verbs": ["get"]}]
    group = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": "reader", "namespace": TEAM}]
    stage.kubectl.apply(
        account("reader"), account("stranger"),
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": "reader", "namespace": TEAM}, "rules": rules},
        {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": {"name": "reader", "namespace": TEAM},
         "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"}, "subjects": subjects})  # fmt: skip
    both = FOLDERS[0].name + "/both.crt"
    with open(both, "w", encoding="utf-8") as file:
        file.write("".join(authority.certificate.read_text() for authority in AUTHORITIES))
    replace(stage, "configmap", "images-ca", TEAM, ("ca.crt", both))
    image = stage.caller_image()
    ours = {"audience": "customimage-operator"}
    stage.kubectl.apply(caller(stage, "reader", "reader", image, **ours), caller(stage, "stranger", "stranger", image, **ours), caller(stage, "plain", "reader", image))
    stage.kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=api-caller", "-n", TEAM, "--timeout=60s")
    found = ask(stage, "reader", IMAGE)
    require(found["code"] == 200, "the reader reads", found)
    told = json.loads(found["body"])
    require((told["imageId"], told["ec2AmiInfo"]["amiId"]) == ("hpc-base", "ami-0aaaaaaaaaaaaaaaa"), "the image of the pod's own account", told)
    require(code(stage, "stranger", IMAGE) == 403, "no right: 403")
    require(code(stage, "plain", IMAGE) == 401, "another audience: 401")


@proof("each right opens its own operation and namespace, and an identity that is refused and one that does not exist get the same answer", needs=OWN_NODE)
def keeps_out(stage):
    for path in (f"/namespaces/{TEAM}/v3/images/custom?imageStatus=AVAILABLE", f"{IMAGE}/logstreams", f"{IMAGE}/stackevents", IMAGE.replace(TEAM, OTHER_TEAM, 1)):
        require(code(stage, "reader", path) == 403, f"403 for {path}")
    refused, unknown = (ask(stage, "reader", f"/namespaces/{TEAM}/identities/{name}/v3/images/custom/hpc-base") for name in ("research", "nobody"))
    require(refused["code"] == unknown["code"] == 403, "403 for both", (refused, unknown))
    require(refused["body"].replace("research", "nobody") == unknown["body"], "the same words", (refused, unknown))


@proof("the leader and the replica that stands by give the same answer, and one that the operator knows already has its age", needs=OWN_NODE)
def any_replica(stage):
    addresses = [pod["status"]["podIP"] + ":8443" for pod in stage.ready_pods()]
    answers = [ask(stage, "reader", IMAGE, address) for address in addresses]
    require([each["code"] for each in answers] == [200, 200], "both answer", answers)
    require(answers[0]["body"] == answers[1]["body"], "with the same image", answers)
    eventually("an answer with an age", lambda: ask(stage, "reader", IMAGE)["age"].isdigit())


@proof("a renewed certificate of another authority is used within the kubelet's minute, without a restart", needs=OWN_NODE)
def follows_the_certificate(stage):
    before = {pod["metadata"]["uid"] for pod in stage.ready_pods()}
    certify(stage, AUTHORITIES[1])
    replace(stage, "configmap", "images-ca", TEAM, ("ca.crt", AUTHORITIES[1].certificate))
    # Only the new authority is trusted in the end. So an answer of each replica is one with the new certificate.
    stage.kubectl("delete", "pod", "reader", "-n", TEAM)
    stage.kubectl.apply(caller(stage, "reader", "reader", stage.caller_image(), audience="customimage-operator"))
    stage.kubectl("wait", "--for=condition=Ready", "pod/reader", "-n", TEAM, "--timeout=60s")
    for pod in stage.ready_pods():
        address = pod["status"]["podIP"] + ":8443"
        eventually(f"{pod['metadata']['name']} has the new certificate", lambda address=address: ask(stage, "reader", IMAGE, address)["code"] == 200, 120, pause=1)
    require({pod["metadata"]["uid"] for pod in stage.ready_pods()} == before, "the same pods")


@proof("with authenticated metrics port 8080 has none, and who may get /metrics reads them at the API's port with a plain token", needs=OWN_NODE)
def metrics_need_a_right(stage):
    stage.release("upgrade", values(stage, authenticateMetrics=True))
    pod = stage.ready_pods()[0]["metadata"]["name"]
    plain = stage.kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/metrics", check=False)
    require(plain.returncode != 0 and "NotFound" in plain.stderr, "no metrics at port 8080", plain.stdout[:200] + plain.stderr)
    stage.kubectl("create", "clusterrole", "api-scraper", "--verb=get", "--non-resource-url=/metrics")
    stage.kubectl("create", "clusterrolebinding", "api-scraper", "--clusterrole=api-scraper", f"--serviceaccount={TEAM}:scraper")
    stage.kubectl.apply(account("scraper"), caller(stage, "scraper", "scraper", stage.caller_image()))
    stage.kubectl("wait", "--for=condition=Ready", "pod/scraper", "-n", TEAM, "--timeout=60s")
    found = ask(stage, "scraper", "/metrics")
    require(found["code"] == 200 and "customimage_leader" in found["body"], "metrics with the right", found)
    require(code(stage, "plain", "/metrics") == 403, "no right: 403")
    stage.kubectl("delete", "clusterrole,clusterrolebinding", "api-scraper")


@proof("switched off again, its Service and both rights are gone")
def switches_off(stage):
    stage.release("upgrade", stage.values(identities=RESEARCH))
    stage.ready_pods()
    require(rights(stage) == [False, False], "no right to create reviews", rights(stage))
    require(SERVICE not in services(stage), "no Service", services(stage))
    stage.kubectl("delete", "--ignore-not-found", "pod", "-l", "app=api-caller", "-n", TEAM)
    stage.kubectl("delete", "secret", SECRET, "-n", NAMESPACE)
    for folder in FOLDERS:
        folder.cleanup()
