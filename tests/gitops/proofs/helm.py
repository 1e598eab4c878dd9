"""Helm 4 --wait on a chart with a CustomImage."""

import time
from concurrent.futures import ThreadPoolExecutor

from proof import proof
from pretended_aws import image
from shell import CHECKOUT, condition, require
from proofs.pipeline import NAMESPACE


@proof("helm install --wait (Helm 4) of a chart with a CustomImage ends when the image is available, or at once when the build fails")
def waits(stage):
    stage.aws.build("helm-1", "available", 8)
    stage.aws.build("helm-2", "failed", 8)

    def install(name):
        begun = time.monotonic()
        done = stage.helm("upgrade", "--install", name, CHECKOUT / "examples/helm", "-n", NAMESPACE, "--set", f"imageId={name}", "--wait", "--timeout", "3m", check=False)
        return done, time.monotonic() - begun, condition(stage.image_of(name, NAMESPACE), "Ready")
    with stage.cost("Helm 4"), ThreadPoolExecutor(2) as pool:
        (good, good_time, ready), (bad, bad_time, failed) = pool.map(install, ("helm-1", "helm-2"))
    require(good.returncode == 0 and ready == ("True", "ImageAvailable") and good_time > 5, "it waited for the image", (good.stderr, ready, good_time))
    require(bad.returncode != 0 and failed == ("False", "BuildFailed") and bad_time < 60, "it failed with the build", (bad.stderr, failed, bad_time))
    return f"Helm 4: Ready after {good_time:.1f} s of an 8 s build, failed after {bad_time:.1f} s: {bad.stderr.strip().splitlines()[-1]}"


@proof("helm upgrade to the next image creates its CustomImage and deletes the old one; without an image id Helm says what is missing")
def upgrades(stage):
    stage.aws.patch(images=[image("helm-3")])
    with stage.cost("Helm 4"):
        stage.helm("upgrade", "--install", "helm-1", CHECKOUT / "examples/helm", "-n", NAMESPACE, "--set", "imageId=helm-3", "--wait", "--timeout", "60s")
        missing = stage.helm("template", "x", CHECKOUT / "examples/helm", check=False)
    names = [each["metadata"]["name"] for each in stage.kubectl.get("customimages", "-n", NAMESPACE)]
    require("helm-3" in names and "helm-1" not in names, "the next image in place of the old one", names)
    require("imageId says which image" in missing.stderr, "what is missing", missing.stderr)
