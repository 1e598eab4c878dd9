"""kubectl: wait by condition and by field, also for a failure; diff; other field managers."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

from proof import proof
from pretended_aws import REGION, image
from shell import CHECKOUT, condition, require, run
from proofs.pipeline import NAMESPACE


def manifest(name, image_id=None, **spec):
    return {"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"imageId": image_id or name, "region": REGION, **spec}}


def example(stage, *command, check=True):
    """Runs an example's script with the cluster's kubectl and kubeconfig."""
    folder = stage.path("bin")
    folder.mkdir(exist_ok=True)
    if not (folder / "kubectl").exists():
        (folder / "kubectl").symlink_to(stage.kubectl.program)
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "KUBECONFIG": str(stage.kubectl.kubeconfig)}
    return run(CHECKOUT / "examples" / command[0], *command[1:], env=env, check=check)


@proof("kubectl wait, by condition and by jsonpath, started in the same second as the object, ends when the image is available and not before")
def waits(stage):
    stage.aws.build("kubectl-1", "available", 6)
    stage.kubectl.apply(manifest("kubectl-1"))

    def wait(way):
        stage.kubectl("wait", "customimage/kubectl-1", "-n", NAMESPACE, way, "--timeout=60s")
        return condition(stage.image_of("kubectl-1", NAMESPACE), "Ready")[0]
    ways = ("--for=condition=Ready", "--for=jsonpath={.status.ec2AmiInfo.state}=AVAILABLE")
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(wait, way) for way in ways]
        require(condition(stage.image_of("kubectl-1", NAMESPACE), "Ready")[0] != "True", "it waits")
        require([end.result() for end in ends] == ["True", "True"], "not before the image is there")


@proof("the documented wait prints the AMI id; it ends at once with the reason on a failure, at its timeout otherwise, and reports when it cannot read the object")
def ami_id(stage):
    printed = example(stage, "kubectl/ami-id", "kubectl-1", "30", "--namespace", NAMESPACE)
    require(printed.strip() == stage.image_of("kubectl-1", NAMESPACE)["status"]["ec2AmiInfo"]["amiId"], "the AMI id alone", printed)
    stage.aws.build("kubectl-2", "failed", 3, reason="Build of the image failed", failure_context={"failedStep": "InstallPackages"})
    stage.kubectl.apply(manifest("kubectl-2"))
    begun = time.monotonic()
    failed = example(stage, "kubectl/ami-id", "kubectl-2", "300", "-n", NAMESPACE, check=False)
    require((failed.returncode, failed.stdout) == (1, "") and "BuildFailed" in failed.stderr and "InstallPackages" in failed.stderr, "the reason", failed)
    require(time.monotonic() - begun < 60, "at once")
    stage.kubectl.apply(manifest("kubectl-3"))
    late = example(stage, "kubectl/ami-id", "kubectl-3", "2", "-n", NAMESPACE, check=False)
    require((late.returncode, late.stdout) == (2, "") and "NotFound" in late.stderr, "its time is over", late)
    for options in (("kubectl-0", "60", "-n", NAMESPACE), ("kubectl-1", "60", "-n", NAMESPACE, "--server", "https://127.0.0.1:9")):
        unasked = example(stage, "kubectl/ami-id", *options, check=False)
        require((unasked.returncode, unasked.stdout) == (3, "") and unasked.stderr, "it cannot ask", unasked)


@proof("kubectl diff shows no difference after the status is written, and another field manager applies without a conflict")
def diff(stage):
    mine = json.dumps(manifest("kubectl-1"))
    done = stage.kubectl("diff", "-f", "-", text_in=mine, check=False)
    require((done.returncode, done.stdout) == (0, ""), "no difference", done.stdout + done.stderr)
    version = stage.image_of("kubectl-1", NAMESPACE)["metadata"]["resourceVersion"]
    stage.kubectl("apply", "-f", "-", text_in=mine)
    require(stage.image_of("kubectl-1", NAMESPACE)["metadata"]["resourceVersion"] == version, "a second apply changes nothing")
    for manager in ("argocd-controller", "kustomize-controller", "a-colleague"):
        stage.kubectl("apply", "--server-side", "--field-manager", manager, "-f", "-", text_in=mine)
    stage.aws.patch(images=[image("kubectl-4")])
    whole = manifest("kubectl-4")
    stage.kubectl("apply", "--server-side", "--field-manager", "a-colleague", "-f", "-", text_in=json.dumps(whole))
    stage.await_ready("kubectl-4", NAMESPACE, "True", "ImageAvailable")
    found = stage.kubectl.get("customimage", "kubectl-4", "-n", NAMESPACE, "--show-managed-fields")
    owners = {entry["manager"] for entry in found["metadata"]["managedFields"] if entry.get("subresource") != "status"}
    require(owners == {"a-colleague"}, "the operator owns nothing but the status", owners)
    stage.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", text_in=json.dumps(whole))
