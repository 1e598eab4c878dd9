"""Several accounts: who may use whose credentials, changed while it runs."""

from proof import proof
from pretended_aws import OTHER_ACCOUNT, ROLE
from shell import condition, eventually, require
from stage import NAMESPACE, OTHER_TEAM, TEAM


def assumed(stage):
    return sum(count for (_, operation, _), count in stage.aws.calls().items() if operation == "AssumeRole")


def identity(**who):
    return {"name": "research", "roleArn": ROLE, "externalId": "ticket-7", **who}


#: The configuration that stands when the proofs here are over.
RESEARCH = [identity(namespaceSelector={"matchLabels": {"team": "research"}})]


@proof("a namespace that names a foreign identity gets IdentityNotAllowed, and AWS is not asked")
def refuses(stage):
    # The first object shows that the configuration is in force; until then any name is a foreign one.
    stage.release("upgrade", stage.values(identities=[identity(namespaces=["nobody"]), {"name": "own", "namespaces": [TEAM]}]))
    stage.create("own", "hpc-base", TEAM, identity="own")
    stage.kubectl("wait", "--for=condition=Ready", "customimage/own", "-n", TEAM, "--timeout=120s")
    stage.kubectl("delete", "customimage", "own", "-n", TEAM)
    stage.create("theirs", "hpc-base", OTHER_TEAM, identity="research")
    eventually("IdentityNotAllowed", lambda: condition(stage.image_of("theirs", OTHER_TEAM), "Ready") == ("Unknown", "IdentityNotAllowed"))
    stage.answers("hpc-base")
    require(assumed(stage) == 0, "no AssumeRole")
    require(not any(account == OTHER_ACCOUNT for _, _, account in stage.aws.calls()), "no call in the other account", stage.aws.calls())


@proof("a changed configuration lets it in within the kubelet's minute, without a restart: the other account's AMI shows")
def lets_in(stage):
    before = {pod["metadata"]["uid"] for pod in stage.ready_pods()}
    stage.release("upgrade", stage.values(identities=RESEARCH))
    stage.kubectl("wait", "--for=condition=Ready", "customimage/theirs", "-n", OTHER_TEAM, "--timeout=120s")
    status = stage.image_of("theirs", OTHER_TEAM)["status"]
    require((status["ec2AmiInfo"]["amiId"], status["accountId"]) == ("ami-0bbbbbbbbbbbbbbbb", OTHER_ACCOUNT), "the other account's AMI", status)
    require({pod["metadata"]["uid"] for pod in stage.ready_pods()} == before, "the same pods")
    require(assumed(stage) >= 1, "the role was assumed")


@proof("a namespace's labels decide: one that loses its label is shut out")
def by_label(stage):
    stage.kubectl("label", "--overwrite", "namespace", OTHER_TEAM, "team=none")
    eventually("shut out", lambda: condition(stage.image_of("theirs", OTHER_TEAM), "Ready") == ("Unknown", "IdentityNotAllowed"))
    stage.kubectl("label", "--overwrite", "namespace", OTHER_TEAM, "team=research")
    stage.kubectl("wait", "--for=condition=Ready", "customimage/theirs", "-n", OTHER_TEAM, "--timeout=60s")


@proof("helm test names a role that may not be assumed, with the fix")
def check_names_it(stage):
    stage.release("upgrade", stage.values(identities=[{**identity(namespaces=[TEAM]), "externalId": "wrong"}]))
    passed, told = stage.test()
    require(not passed and "fix: allow sts:AssumeRole" in told and ROLE in told, "the red line and its fix", told)
    stage.kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=check")
    stage.release("upgrade", stage.values(identities=RESEARCH))
