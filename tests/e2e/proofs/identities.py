"""Several accounts: which namespace may use which credentials, changed while the operator runs."""

from proof import proof
from pretended_aws import OTHER_ACCOUNT, ROLE
from shell import condition, eventually, require
from stage import NAMESPACE, OTHER_TEAM, TEAM


def assumed(stage):
    return sum(count for (_, operation, _), count in stage.aws.calls().items() if operation == "AssumeRole")


def identity(**who):
    return {"name": "research", "roleArn": ROLE, "externalId": "ticket-7", **who}


#: The configuration after the proofs of this file.
RESEARCH = [identity(namespaceSelector={"matchLabels": {"team": "research"}})]


@proof("a namespace that names an identity of others gets IdentityNotAllowed, and AWS is not called")
def refuses(stage):
    # The first object shows that the operator has read the configuration. Before that, no identity is allowed.
    stage.release("upgrade", stage.values(identities=[identity(namespaces=["nobody"]), {"name": "own", "namespaces": [TEAM]}]))
    stage.create("own", "hpc-base", TEAM, identity="own")
    stage.kubectl("wait", "--for=condition=Ready", "customimage/own", "-n", TEAM, "--timeout=120s")
    stage.kubectl("delete", "customimage", "own", "-n", TEAM)
    stage.create("theirs", "hpc-base", OTHER_TEAM, identity="research")
    eventually("IdentityNotAllowed", lambda: condition(stage.image_of("theirs", OTHER_TEAM), "Ready") == ("Unknown", "IdentityNotAllowed"))
    stage.answers("hpc-base")
    require(assumed(stage) == 0, "no AssumeRole")
    require(not any(account == OTHER_ACCOUNT for _, _, account in stage.aws.calls()), "no call in the other account", stage.aws.calls())


@proof("a changed configuration allows it within the kubelet's minute, without a restart: the status has the other account's AMI")
def lets_in(stage):
    before = {pod["metadata"]["uid"] for pod in stage.ready_pods()}
    stage.release("upgrade", stage.values(identities=RESEARCH))
    stage.kubectl("wait", "--for=condition=Ready", "customimage/theirs", "-n", OTHER_TEAM, "--timeout=120s")
    status = stage.image_of("theirs", OTHER_TEAM)["status"]
    require((status["ec2AmiInfo"]["amiId"], status["accountId"]) == ("ami-0bbbbbbbbbbbbbbbb", OTHER_ACCOUNT), "the other account's AMI", status)
    require({pod["metadata"]["uid"] for pod in stage.ready_pods()} == before, "the same pods")
    require(assumed(stage) >= 1, "the role was assumed")


@proof("a namespace's labels decide: a namespace that loses its label may not use the identity any more")
def by_label(stage):
    stage.kubectl("label", "--overwrite", "namespace", OTHER_TEAM, "team=none")
    eventually("the identity is not allowed any more", lambda: condition(stage.image_of("theirs", OTHER_TEAM), "Ready") == ("Unknown", "IdentityNotAllowed"))
    stage.kubectl("label", "--overwrite", "namespace", OTHER_TEAM, "team=research")
    stage.kubectl("wait", "--for=condition=Ready", "customimage/theirs", "-n", OTHER_TEAM, "--timeout=60s")


@proof("helm test names a role that may not be assumed, with the fix")
def check_names_it(stage):
    stage.release("upgrade", stage.values(identities=[{**identity(namespaces=[TEAM]), "externalId": "wrong"}]))
    passed, told = stage.test()
    require(not passed and "fix: allow sts:AssumeRole" in told and ROLE in told, "the failed line and its fix", told)
    stage.kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=check")
    stage.release("upgrade", stage.values(identities=RESEARCH))
