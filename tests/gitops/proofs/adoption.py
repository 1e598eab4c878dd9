"""`customimage-operator list`: an account's images become manifests, and those become CustomImages."""

import os

from proof import proof
from pretended_aws import image, stack
from shell import condition, eventually, require, run
from stage import PATIENT

NAMESPACE, REGION = "adopted", "ap-south-1"
#: Ids that YAML 1.1 reads as booleans or numbers, and ids that are not valid names in Kubernetes.
IDS = ["hpc-base", "Hpc-Base", "yes", "No", "on", "y", "null", "e5", "NaN", "trailing-", "a", "A" * 128]


@proof("list --output manifests | kubectl apply -f - adopts every image and stack; the second time nothing changes")
def adopt(stage):
    stage.operator("adopting", PATIENT, NAMESPACE, region=REGION)
    stage.aws.patch(images=[image(each, region=REGION) for each in IDS], answers={"image_page_size": 5, "stack_page_size": 2, "shuffle": True},
                    stacks=[stack(f"building-{number}", "CREATE_IN_PROGRESS", REGION) for number in range(5)])
    environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": stage.aws.endpoint, "AWS_ACCESS_KEY_ID": "AKIA111122223333EXAMPLE",
                   "AWS_SECRET_ACCESS_KEY": "pretended", "AWS_EC2_METADATA_DISABLED": "true"}

    def manifests():
        return run(stage.programs / "customimage-operator", "list", "--region", REGION, "--output", "manifests", env=environment)
    first = stage.kubectl("apply", "-n", NAMESPACE, "-f", "-", text_in=manifests()).splitlines()
    require(len(first) == len(IDS) + 5 and all(line.endswith(" created") for line in first), "each is created", first)
    require(manifests() == manifests(), "the same text, whatever order AWS answers in")
    second = stage.kubectl("apply", "-n", NAMESPACE, "-f", "-", text_in=manifests()).splitlines()
    require(len(second) == len(first) and all(line.endswith(" unchanged") for line in second), "nothing changes", second)
    found = stage.kubectl.get("customimages", "-n", NAMESPACE)
    require(sorted(each["spec"]["imageId"] for each in found) == sorted([*IDS, *(f"building-{number}" for number in range(5))]), "each id as AWS has it")
    eventually("each is seen", lambda: all(condition(each, "Ready")[1] in ("ImageAvailable", "Building") for each in stage.kubectl.get("customimages", "-n", NAMESPACE)))
    stage.aws.patch(answers={})
    strict = stage.kubectl("apply", "-n", NAMESPACE, "--dry-run=server", "--validate=strict", "-f", "-", text_in=manifests())
    require("Warning" not in strict, "the API server has no remark", strict)
    return f"{len(first)} CustomImages; the second apply: {len(second)} unchanged"
