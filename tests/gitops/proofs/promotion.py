"""One repository with three environments, each with its account and region. Pull requests promote an image."""

import shutil

from git_server import ENVIRONMENT
from pretended_aws import image
from proof import proof
from proofs.kubectl import example
from shell import CHECKOUT, condition, eventually, require, run
from stage import PATIENT

EXAMPLE = CHECKOUT / "examples/promotion"
ENVIRONMENTS = {"dev": ("222233334444", "eu-west-1"), "staging": ("333344445555", "eu-central-1"), "production": ("444455556666", "us-east-1")}
OLD, NEW = "hpc-base-2026-11", "hpc-base-2026-12"


def names(stage, environment):
    return [each["metadata"]["name"] for each in stage.kubectl.get("customimages", "-n", f"hpc-{environment}")]


def verdicts(stage, commit):
    return {environment: stage.flux_verdict(environment, commit) for environment in ENVIRONMENTS}


def propose(stage, environment):
    """Creates the branch of a pull request, and returns its name."""
    change = run(stage.promotion.folder / "promote", environment, NEW, env=ENVIRONMENT)
    lines = [line for line in change.splitlines() if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))]
    require(len(lines) == 2, "a change of one line", change)
    return stage.promotion.git("branch", "--show-current")


def merge(stage, branch):
    stage.promotion.git("switch", "-q", "main")
    stage.promotion.git("merge", "-q", "--no-ff", "-m", f"merge {branch}", branch)
    return stage.promotion.git("rev-parse", "HEAD")


@proof("three environments of one repository mirror one image id from three accounts and regions")
def environments(stage):
    stage.aws.patch(roles=[{"arn": f"arn:aws:iam::{account}:role/customimage-reader"} for account, _ in ENVIRONMENTS.values()],
                    images=[image(OLD, region=region, account=account) for account, region in ENVIRONMENTS.values()])
    stage.kubectl("apply", "-f", EXAMPLE / "namespaces.yaml")
    stage.operator("promotion", PATIENT, *(f"hpc-{environment}" for environment in ENVIRONMENTS), configuration=EXAMPLE / "identities.yaml")
    stage.promotion = stage.git.repository("promotion")
    shutil.copytree(EXAMPLE, stage.promotion.folder, dirs_exist_ok=True)
    commit = stage.promotion.commit("one repository, three environments")
    with stage.cost("Flux"):
        for each in stage.example("examples/promotion/flux.yaml", "promotion"):
            stage.kubectl.apply(each)
        eventually("every environment is Ready", lambda: set(verdicts(stage, commit).values()) == {"Current"})
    for environment, (account, region) in ENVIRONMENTS.items():
        status = stage.image_of(OLD, f"hpc-{environment}")["status"]
        require((status["accountId"], status["region"]) == (account, region), f"{environment} is its own account and region", status)


@proof("a pull request of one line promotes the next image; it is merged when the previous environment has the image, and blocks no other")
def promotion(stage):
    with stage.cost("Flux"):
        commit = merge(stage, propose(stage, "dev"))
        stage.await_ready(NEW, "hpc-dev", "False", "NotFound")
        eventually("the others are Ready at this commit all the same",
                   lambda: verdicts(stage, commit) == {"dev": None, "staging": "Current", "production": "Current"})
        early = example(stage, "kubectl/ami-id", NEW, "1", "-n", "hpc-dev", check=False)
        require(early.returncode == 2, "the check of the next pull request is red", early)
        for environment, before in (("dev", None), ("staging", "dev"), ("production", "staging")):
            account, region = ENVIRONMENTS[environment]
            stage.aws.patch(images=[image(NEW, region=region, account=account)])
            if before:
                branch = propose(stage, environment)
                example(stage, "kubectl/ami-id", NEW, "60", "-n", f"hpc-{before}")
                commit = merge(stage, branch)
            eventually(f"{environment} is Ready with the new image",
                       lambda environment=environment, commit=commit: stage.flux_verdict(environment, commit) == "Current" and names(stage, environment) == [NEW])
            require(condition(stage.image_of(NEW, f"hpc-{environment}"), "Ready")[0] == "True", f"{environment} has the AMI")
    again = run(stage.promotion.folder / "promote", "dev", NEW, env=ENVIRONMENT, check=False)
    require(again.returncode == 1 and "has hpc-base-2026-12 already" in again.stderr, "a promotion that is none is refused", again)


@proof("no environment can read another environment's account")
def walls(stage):
    stage.kubectl.apply({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": "curious", "namespace": "hpc-dev"},
                         "spec": {"imageId": OLD, "identity": "production", "region": "us-east-1"}})
    stage.await_ready("curious", "hpc-dev", "Unknown", "IdentityNotAllowed")
