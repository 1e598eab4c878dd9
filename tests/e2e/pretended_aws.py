"""The simulated AWS: the simulator under AWS's own host names, over TLS with its own certificate authority."""

import json
import os
import re
import ssl
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from control import Control
from shell import eventually, run

REGION = "eu-west-1"
ACCOUNT, OTHER_ACCOUNT = "111122223333", "222233334444"
ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/customimage-reader"
KEY = f"AKIA{ACCOUNT}EXAMPLE"
#: A name that the minimal IAM policy allows.
BUCKET = "parallelcluster-e2e"
NAMES = [f"{service}.{REGION}.amazonaws.com" for service in ("ec2", "cloudformation", "imagebuilder", "logs", "sts", "s3", "*.s3")]


def image(image_id, ami, account=ACCOUNT, **more):
    tags = [["parallelcluster:image_id", image_id], ["parallelcluster:build_status", "available"],
            ["parallelcluster:version", "3.16.1"], ["parallelcluster:s3_bucket", BUCKET],
            ["parallelcluster:s3_image_dir", f"parallelcluster/3.16.1/images/{image_id}-x1y2"]]
    return {"ami_id": ami, "account": account, "name": image_id, "creation_date": "2026-10-01T08:30:00.000Z", "tags": tags, **more}


def world():
    """An image with the same id in two accounts, and the role to read the second. Builds are added later."""
    return {
        "defaults": {"account": ACCOUNT, "region": REGION},
        "roles": [{"arn": ROLE, "external_id": "ticket-7"}],
        "buckets": [{"name": BUCKET}],
        "images": [image("hpc-base", "ami-0aaaaaaaaaaaaaaaa"), image("hpc-base", "ami-0bbbbbbbbbbbbbbbb", OTHER_ACCOUNT)],
    }


class Authority:
    """A certificate authority that exists only during the run."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.certificate = self.folder / "ca.crt"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=private-ca",
            "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign", "-keyout", self.folder / "ca.key", "-out", self.certificate)

    def server(self, names):
        """Creates the certificate and the key of a server with these names."""
        key, request, certificate, extension = (self.folder / f"server.{end}" for end in ("key", "csr", "crt", "ext"))
        extension.write_text("extendedKeyUsage=serverAuth\nsubjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=aws", "-keyout", key, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", "2",
            "-out", certificate, "-extfile", extension)
        return certificate, key


class PretendedAws:
    """The simulator, independent of where it runs: how a proof changes it and reads its calls."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="customimage-aws-")
        self.authority = Authority(self.folder.name)
        self.world = Path(self.folder.name) / "world.json"
        self.world.write_text(json.dumps(world()))

    def reach(self, address):
        trust = ssl.create_default_context(cafile=str(self.authority.certificate))
        trust.check_hostname = False  # this client uses its address, not a name
        self.control = Control(f"https://{address}", urllib.request.HTTPSHandler(context=trust))
        eventually("the simulated AWS answers", lambda: self.control("GET", "health"), 30)

    def patch(self, **changes):
        self.control.patch(**changes)

    def calls(self):
        """The number of calls by (service, operation, account)."""
        found = {}
        for count in self.control("GET", "calls")["counts"]:
            key = (count["service"], count["operation"], count["account"])
            found[key] = found.get(key, 0) + count["count"]
        return found

    def writes(self):
        return self.control("GET", "calls")["writes"]

    def stop(self):
        if self.process.stdin:
            self.process.stdin.close()
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()


class OnHost(PretendedAws):
    """A process of this machine under AWS's own names, which the pods' DNS resolves to `address`."""

    values = {}
    bucket_url = f"https://{BUCKET}.s3.{REGION}.amazonaws.com"

    def __init__(self, program, address):
        super().__init__()
        certificate, key = self.authority.server(NAMES)
        self.process = subprocess.Popen(
            [program, "--listen", f"{address}:443", "--world", self.world, "--tls-certificate", certificate, "--tls-key", key, "--stdin-lifeline"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
        self.reach(address)


class InCluster(PretendedAws):
    """A pod of an existing cluster, under a name that pods resolve by hostAliases."""

    NAME, NAMESPACE = "aws.pretended.test", "customimage-e2e-aws"
    bucket_url = f"https://{NAME}/{BUCKET}"

    def __init__(self, kubectl, image):
        super().__init__()
        certificate, key = self.authority.server([self.NAME])
        meta = {"name": "aws", "namespace": self.NAMESPACE, "labels": {"app": "aws"}}
        kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.NAMESPACE}})
        kubectl("create", "secret", "generic", "aws", "-n", self.NAMESPACE, f"--from-file=tls.crt={certificate}", f"--from-file=tls.key={key}",
                f"--from-file=world.json={self.world}")
        arguments = ["--listen", "0.0.0.0:8443", "--world", "/etc/aws/world.json", "--tls-certificate", "/etc/aws/tls.crt", "--tls-key", "/etc/aws/tls.key"]
        container = {"name": "aws", "image": image, "args": arguments, "volumeMounts": [{"name": "aws", "mountPath": "/etc/aws"}],
                     "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1}}
        kubectl.apply(
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container], "volumes": [{"name": "aws", "secret": {"secretName": "aws"}}]}},
            {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": {"app": "aws"}, "ports": [{"port": 443, "targetPort": 8443}]}})
        kubectl("wait", "--for=condition=Ready", "pod/aws", "-n", self.NAMESPACE, "--timeout=120s")
        address = kubectl.get("service", "aws", "-n", self.NAMESPACE)["spec"]["clusterIP"]
        self.values = {"aws": {"endpointUrl": f"https://{self.NAME}"}, "hostAliases": [{"ip": address, "hostnames": [self.NAME]}]}
        self.process = subprocess.Popen([kubectl.program, "--kubeconfig", kubectl.kubeconfig, "port-forward", "-n", self.NAMESPACE, "pod/aws", ":8443"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.reach(re.search(r"127\.0\.0\.1:\d+", self.process.stdout.readline()).group(0))
