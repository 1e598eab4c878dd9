"""The rights of the API's callers, asked of a real API server: the examples of docs/http-api.md, and what opens nothing.

The operator asks the same two questions: a TokenReview with its audience, and a SubjectAccessReview.
"""

import json
import re
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from helm import ROOT, render

PAGE = (ROOT / "docs/http-api.md").read_text()
NAMESPACE, TEAM, READER = "customimage-operator", "hpc", "system:serviceaccount:hpc:image-reader"
IMAGE = "hpc-base-2026-11"
ON = {"api": {"enabled": True, "certificateSecret": "images-tls"}, "networkPolicy": {"enabled": True}}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def examples():
    """The objects of the page that an API server knows without further definitions."""
    texts = [text for text in blocks("yaml") if "apiVersion: " in text and "cert-manager" not in text]
    return [thing for text in texts for thing in yaml.safe_load_all(text)]


@pytest.fixture(scope="module")
def cluster(kubectl):
    """kubectl, with the examples of the page applied."""
    for name in (NAMESPACE, TEAM, "research"):
        kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
    listed = {"apiVersion": "v1", "kind": "List", "items": [thing for thing in examples() if thing["kind"] != "Pod"]}
    kubectl("apply", "-f", "-", given=json.dumps(listed))
    return kubectl


def review(cluster, kind, **spec):
    asked = {"apiVersion": f"{'authentication' if kind == 'TokenReview' else 'authorization'}.k8s.io/v1", "kind": kind, "spec": spec}
    return json.loads(cluster("create", "-o", "json", "-f", "-", given=json.dumps(asked)))["status"]


def may(cluster, verb, resource="images", name="", namespace=TEAM, user=READER, groups=()):
    """What the operator asks when this user calls."""
    resource, _, subresource = resource.partition("/")
    attributes = {"group": "parallelcluster.dev", "resource": resource, "subresource": subresource, "verb": verb, "name": name, "namespace": namespace}
    return review(cluster, "SubjectAccessReview", user=user, groups=list(groups), resourceAttributes=attributes)["allowed"]


def bind(cluster, name, rules=None, role=None):
    """Gives the user `name` a Role with these rules, or a ClusterRole, in the team's namespace."""
    if rules:
        given = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name, "namespace": TEAM}, "rules": rules}
        cluster("apply", "-f", "-", given=json.dumps(given))
    cluster("create", "rolebinding", name, "-n", TEAM, f"--user={name}", f"--role={name}" if rules else f"--clusterrole={role}")


def test_the_example_lets_the_pod_describe_and_list_and_read_logs_and_nothing_else(cluster):
    assert may(cluster, "get", name=IMAGE) and may(cluster, "get", name="other") and may(cluster, "list") and may(cluster, "get", "images/logs", IMAGE)
    assert not may(cluster, "get", "images/stackevents", IMAGE) and not may(cluster, "get", "images/configuration", IMAGE)
    assert not may(cluster, "get", name=IMAGE, namespace="research") and not may(cluster, "list", namespace="research")
    assert not may(cluster, "get", name=IMAGE, user="system:serviceaccount:hpc:default")


def test_resource_names_narrow_a_right_to_one_image(cluster):
    [rules] = [thing["rules"] for thing in examples() if thing["kind"] == "Role" and thing["metadata"]["name"] == "one-image"]
    bind(cluster, "narrow", rules)
    assert may(cluster, "get", name=IMAGE, user="narrow") and may(cluster, "get", "images/logs", IMAGE, user="narrow")
    assert not may(cluster, "get", name="other", user="narrow") and not may(cluster, "get", "images/logs", "other", user="narrow")
    assert not may(cluster, "list", user="narrow")


@pytest.mark.parametrize("number, resources", [(1, ["customimages"]), (2, ["customimages/*"]), (3, ["customimages", "customimages/status", "customimages/*"])])
def test_no_right_to_custom_images_opens_the_api(cluster, number, resources):
    user = f"of-custom-images-{number}"
    bind(cluster, user, [{"apiGroups": ["parallelcluster.dev"], "resources": resources, "verbs": ["*"]}])
    for resource in ("images", "images/logs", "images/stackevents", "images/configuration"):
        assert not may(cluster, "get", resource, IMAGE, user=user)
    assert not may(cluster, "list", user=user)


def test_all_resources_of_the_group_are_images_too(cluster):
    bind(cluster, "of-all", [{"apiGroups": ["parallelcluster.dev"], "resources": ["*"], "verbs": ["get"]}])
    assert may(cluster, "get", name=IMAGE, user="of-all") and may(cluster, "get", "images/configuration", IMAGE, user="of-all")


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_the_aggregated_roles_of_users_do_not_open_the_api(cluster, role):
    roles = [thing for thing in render() if thing["kind"] == "ClusterRole" and "-" + role in thing["metadata"]["name"]]
    cluster("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": roles}))
    bind(cluster, f"{role}er", role=role)
    assert not may(cluster, "get", name=IMAGE, user=f"{role}er") and not may(cluster, "list", user=f"{role}er")


def test_the_review_of_the_page_tells_whether_a_caller_has_a_right_and_can_i_does_not(cluster):
    [(options, spec)] = re.findall(r"^kubectl create (-o .*) -f - <<END\n(.*?)^END$", PAGE, re.MULTILINE | re.DOTALL)
    for user, allowed in ((READER, "true"), ("system:serviceaccount:hpc:default", "false")):
        assert cluster("create", *options.replace("'", "").split(), "-f", "-", given=spec.replace(READER, user)) == allowed
    told = cluster("auth", "can-i", "get", f"images.parallelcluster.dev/{IMAGE}", "-n", TEAM, f"--as={READER}", check=False)
    assert told.stdout.strip() == "no" and "doesn't have a resource type" in told.stderr


def test_the_token_of_the_page_has_the_audience_of_the_chart_and_the_api_server_does_not_take_it(cluster):
    [command] = re.findall(r"^kubectl (create token .*) > token$", PAGE, re.MULTILINE)
    token, plain = cluster(*command.split()).strip(), cluster("create", "token", "image-reader", "-n", TEAM).strip()
    ours = review(cluster, "TokenReview", token=token, audiences=["customimage-operator"])
    assert (ours["authenticated"], ours["user"]["username"], ours["audiences"]) == (True, READER, ["customimage-operator"])
    assert not review(cluster, "TokenReview", token=token).get("authenticated")
    # As Prometheus has: for /metrics, without an audience. For images it is not enough.
    assert not review(cluster, "TokenReview", token=plain, audiences=["customimage-operator"]).get("authenticated")
    assert review(cluster, "TokenReview", token=plain)["authenticated"]


def test_an_api_server_takes_the_pod_of_the_page_with_a_token_of_the_charts_audience(cluster):
    [pod] = [thing for thing in examples() if thing["kind"] == "Pod"]
    cluster("apply", "--dry-run=server", "-f", "-", given=json.dumps(pod))
    [source] = [each["serviceAccountToken"] for each in pod["spec"]["volumes"][0]["projected"]["sources"] if "serviceAccountToken" in each]
    variables = {each["name"]: each.get("value") for thing in render(ON) if thing["kind"] == "Deployment" for each in thing["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert source["audience"] == variables["CUSTOMIMAGE_API_AUDIENCE"]


def test_an_api_server_takes_what_the_chart_renders_for_the_api(cluster):
    objects = [thing for thing in render(ON, release=NAMESPACE, namespace=NAMESPACE) if thing["kind"] != "Pod"]
    cluster("apply", "--server-side", "--dry-run=server", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    [service] = [thing["metadata"]["name"] for thing in objects if thing["kind"] == "Service" and thing["metadata"]["name"].endswith("-api")]
    # The name that the page uses everywhere.
    assert f"https://{service}.{NAMESPACE}.svc/namespaces/hpc/v3/images/custom" in PAGE


def certificate(folder, name=f"{NAMESPACE}-api.{NAMESPACE}.svc"):
    """Runs the page's commands of openssl for a name, and returns its command of kubectl."""
    [commands] = [text for text in blocks("sh") if "openssl req" in text]
    lines = commands.replace("\\\n", " ").splitlines()
    for line in lines:
        if line.startswith("openssl"):
            subprocess.run(line.replace(f"{NAMESPACE}-api.{NAMESPACE}.svc", name), shell=True, check=True, cwd=folder, capture_output=True)
    return next(line for line in lines if line.startswith("kubectl"))


def test_the_certificate_of_the_page_is_one_of_the_service_by_its_authority(cluster, tmp_path):
    words = [word.replace("--from-file=", f"--from-file={tmp_path}/") for word in certificate(tmp_path).split()[1:]]
    assert json.loads(cluster(*words, "--dry-run=server", "-o", "json"))["data"].keys() == {"ca.crt", "tls.crt", "tls.key"}
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", f"{NAMESPACE}-api.{NAMESPACE}.svc", "-CAfile", "ca.crt", "tls.crt"]
    done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # rustls refuses an authority as the certificate of a server.
    about = subprocess.run(["openssl", "x509", "-noout", "-ext", "basicConstraints", "-in", "tls.crt"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "CA:FALSE" in about.stdout


@pytest.fixture
def server(tmp_path):
    """An HTTPS server that answers each request as an image and as a list of images, and remembers it."""
    certificate(tmp_path, f"{NAMESPACE}-api.{NAMESPACE}.svc,DNS:localhost")
    (tmp_path / "token").write_text("a.b.c")
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.headers["Host"], self.path.rstrip("?"), self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"imageBuildStatus": "BUILD_COMPLETE", "images": [{"imageId": "listed"}]}).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("localhost", 0), Handler) as listening:
        trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trust.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
        listening.socket = trust.wrap_socket(listening.socket, server_side=True)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield tmp_path, listening.server_port, asked
        listening.shutdown()


BASE = "/namespaces/hpc/v3/images/custom"


def test_the_program_of_the_page_describes_and_lists_with_its_token_and_trusts_the_authority(server):
    folder, port, asked = server
    [program] = [text for text in blocks("python") if "urllib.request" in text]
    program = program.replace("/images/ca.crt", f"{folder}/ca.crt").replace("/images/token", f"{folder}/token").replace(f"{NAMESPACE}-api.{NAMESPACE}.svc", f"localhost:{port}")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={})
    assert done.stdout == "BUILD_COMPLETE\n['listed']\n"
    assert [(path, token) for _, path, token in asked] == [(f"{BASE}/{IMAGE}", "Bearer a.b.c"), (f"{BASE}?imageStatus=AVAILABLE", "Bearer a.b.c")]


def test_the_curl_of_the_page_lists_by_a_forwarded_port_under_the_name_of_the_service(server):
    folder, port, asked = server
    [command] = re.findall(r"^curl --cacert ca.crt --connect-to .*?\n.*?$", PAGE, re.MULTILINE)
    done = subprocess.run(command.replace("localhost:8443", f"localhost:{port}"), shell=True, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert asked == [(f"{NAMESPACE}-api.{NAMESPACE}.svc", f"{BASE}?imageStatus=AVAILABLE", "Bearer a.b.c")]
