"""The HTTP interface of an operator in the cluster: its certificate, its caller, and describes."""

import http.client
import json
import ssl

from contenders import Operator
from field import NAMESPACE
from processes import completed
from shell import eventually, require, run

SERVER_NAME, AUDIENCE, CALLER = "images.bench", "customimage-operator", "reader"
GROUP, RBAC = "parallelcluster.dev", "/apis/rbac.authorization.k8s.io/v1"
CLIENT = "bare-client"


class Interface:
    """An operator with the interface, and a caller who may get each image of the namespace."""

    def __init__(self, field):
        self.field, self.folder = field, field.folder / "interface"
        self.folder.mkdir()
        self.certify()
        # The limit is for each user, and here one user is all load.
        self.operator = Operator(field, API_LISTEN="127.0.0.1:0", API_CERTIFICATE=self.folder, API_REQUESTS_PER_SECOND="100000")
        self.address = self.operator.listens("the HTTP interface is served")
        self.token = self.caller()
        (self.folder / "token").write_text(self.token)

    def certify(self):
        """Makes an authority, and a certificate for the server, as docs/http-api.md does."""
        new = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        authority, key = self.folder / "ca.crt", self.folder / "ca.key"
        run(*new, "-subj", "/CN=bench-ca", "-keyout", key, "-out", authority, "-addext", "keyUsage=critical,keyCertSign")
        run(*new, "-subj", "/CN=bench", "-keyout", self.folder / "tls.key", "-out", self.folder / "tls.crt", "-CA", authority, "-CAkey", key,
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth", "-addext", f"subjectAltName=DNS:{SERVER_NAME}")

    def caller(self):
        """Makes a ServiceAccount that may describe images. Returns its token, when the API server knows of the right."""
        api, accounts, name = self.field.api, f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"name": CALLER}
        api("POST", accounts, {"metadata": name})
        api("POST", f"{RBAC}/namespaces/{NAMESPACE}/roles", {"metadata": name, "rules": [{"apiGroups": [GROUP], "resources": ["images"], "verbs": ["get"]}]})
        api("POST", f"{RBAC}/namespaces/{NAMESPACE}/rolebindings",
            {"metadata": name, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", **name},
             "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, **name}]})
        right = {"user": f"system:serviceaccount:{NAMESPACE}:{CALLER}",
                 "resourceAttributes": {"namespace": NAMESPACE, "verb": "get", "group": GROUP, "resource": "images"}}
        # The operator would remember a refusal for some seconds.
        eventually("the caller has its right", lambda: self.review(right)["status"]["allowed"])
        return json.loads(api("POST", f"{accounts}/{CALLER}/token", {"spec": {"audiences": [AUDIENCE], "expirationSeconds": 7200}}))["status"]["token"]

    def review(self, right):
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": right}
        return json.loads(self.field.api("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review))

    def describe(self, image_id):
        """The answer to one request."""
        host, port = self.address.split(":")
        connection = http.client.HTTPSConnection(host, int(port), context=self.tls(), timeout=60)
        connection.request("GET", path(image_id), headers={"Host": SERVER_NAME, "Authorization": f"Bearer {self.token}"})
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        require(reply.status == 200, f"a description of {image_id}", f"{reply.status} {body.decode()}")
        return body

    def tls(self):
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        # http.client verifies the name that it connects to: the address. The load verifies the name.
        context.check_hostname = False
        return context

    def describes(self, image_ids, connections):
        """Describes these images in this order. Returns what the client measured, and its CPU seconds."""
        paths = self.folder / "paths"
        paths.write_text("".join(f"{path(image_id)}\n" for image_id in image_ids))
        printed, _, cpu = completed(CLIENT, self.field.bench.programs / "bare-client", "describes", "--address", self.address, "--server-name", SERVER_NAME,
                                    "--ca", self.folder / "ca.crt", "--token", self.folder / "token", "--paths", paths, "--connections", connections,
                                    env=self.field.environment())
        found = json.loads(printed)
        require(found["codes"] == {"200": len(image_ids)}, "each answer is a description", f"{found['codes']}")
        return found, cpu

    def reviews(self):
        """Questions to the API server so far: whose token it is, and what the caller may."""
        return [self.operator.metric(f'customimage_api_reviews_total{{review="{kind}"') for kind in ("token", "access")]


def path(image_id):
    return f"/namespaces/{NAMESPACE}/v3/images/custom/{image_id}"
