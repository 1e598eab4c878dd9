"""The simulated AWS: the simulator, and the things that the proofs put into it."""

import hashlib
import re
import subprocess

from control import Control

ACCOUNT, REGION, BUCKET = "111122223333", "eu-west-1", "gitops-images"


def tags(image_id):
    return [["parallelcluster:image_id", image_id], ["parallelcluster:version", "3.16.1"], ["parallelcluster:s3_bucket", BUCKET],
            ["parallelcluster:s3_image_dir", f"parallelcluster/3.16.1/images/{image_id}-x1y2"]]


def image(image_id, state="available", region=REGION, account=ACCOUNT, **more):
    """An AMI that ParallelCluster tagged as available."""
    ami_id = "ami-" + hashlib.sha256(f"{image_id} {region} {account}".encode()).hexdigest()[:17]
    return {"ami_id": ami_id, "region": region, "account": account, "name": image_id, "state": state, "creation_date": "2026-10-01T08:30:00.000Z",
            "tags": [*tags(image_id), ["parallelcluster:build_status", "available"]], **more}


def build_arn(image_id, region=REGION):
    return f"arn:aws:imagebuilder:{region}:{ACCOUNT}:image/parallelclusterimage-{image_id}/3.16.1/1"


def stack(image_id, status, region=REGION, **more):
    """The stack that builds an image."""
    return {"name": image_id, "status": status, "region": region, "creation_time": "2026-10-01T08:00:00.000Z", "tags": tags(image_id),
            "resources": [{"physical_id": build_arn(image_id, region)}], **more}


def build(image_id, status, region=REGION, **more):
    """The Image Builder image build version of an image."""
    return {"arn": build_arn(image_id, region), "status": status, **more}


def fault(region, kind, service="ec2", operation="DescribeImages"):
    """A fault for every such call in a region."""
    return {"service": service, "operation": operation, "region": region, "kind": kind}


def refusal(status, code, message):
    return {"error": {"status": status, "code": code, "message": message}}


class PretendedAws:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "--stdin-lifeline"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.endpoint = re.search(r"http://\S+", self.process.stdout.readline()).group(0)
        self.control = Control(self.endpoint)
        self.patch(defaults={"account": ACCOUNT, "region": REGION}, buckets=[{"name": BUCKET}])

    def patch(self, **changes):
        self.control.patch(**changes)

    def do(self, action, value):
        self.control("POST", "do", {action: value})

    def build(self, image_id, outcome, seconds, **more):
        """Adds a build that the simulator runs from start to end."""
        self.control("POST", "builds", {"image_id": image_id, "outcome": outcome, "seconds": seconds, "s3_bucket": BUCKET, **more})

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
