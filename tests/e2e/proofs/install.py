"""A new user's first hour: helm install, helm test, what runs, and with which few rights."""

from proof import OWN_NODE, proof
from shell import require
from stage import NAMESPACE, OTHER_TEAM, RELEASE, TEAM


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@proof("helm install --wait starts two replicas in a namespace that admits only the restricted Pod Security profile")
def installs(stage):
    stage.kubectl.apply(
        namespace(NAMESPACE, **{"pod-security.kubernetes.io/enforce": "restricted"}), namespace(TEAM, team="hpc"), namespace(OTHER_TEAM, team="research"))
    stage.kubectl("create", "configmap", "private-ca", "-n", NAMESPACE, f"--from-file=ca.crt={stage.aws.authority.certificate}")
    stage.kubectl("create", "secret", "generic", "aws", "-n", NAMESPACE, "--from-literal=key=wJalrXUtnFEMI")
    stage.release("install", stage.values())
    stage.ready_pods()
    notes = stage.helm("get", "notes", RELEASE)
    require("helm test" in notes and "kubectl apply" in notes, "the notes say what to do next", notes)


@proof("helm test succeeds: every right, and every action in AWS")
def checks(stage):
    passed, told = stage.test()
    require(passed and "all is well" in told and "FAILED" not in told, "a green table", told)
    for line in ("patch customimages/status in all namespaces", "ec2:DescribeImages", "imagebuilder:GetImage"):
        require(line in told, f"a line about {line}", told)


@proof("the container has no shell, no writable root file system and no capability")
def is_confined(stage):
    pod = stage.pods()[0]
    name = pod["metadata"]["name"]
    shell = stage.kubectl("exec", "-n", NAMESPACE, name, "--", "/bin/sh", "-c", "id", check=False)
    require(shell.returncode != 0 and "no such file" in shell.stderr, "there is no shell", shell.stderr)
    security = pod["spec"]["containers"][0]["securityContext"]
    require(security["readOnlyRootFilesystem"] and security["capabilities"]["drop"] == ["ALL"], "a read-only root without capabilities", security)


@proof("the kernel confirms it: not root, no capability, no new privileges, seccomp filters", needs=OWN_NODE)
def kernel_agrees(stage):
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{stage.process(stage.leader())}/status").read().splitlines() if ":\t" in line)
    require(status["Uid"].split()[0] == "65532", "the user is 65532", status["Uid"])
    require(int(status["CapEff"], 16) == 0, "no capability", status["CapEff"])
    require((status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), "no new privileges, filtered system calls", status)


@proof("by aggregation, view may read CustomImages, edit and admin may also edit them, and none may write a status")
def aggregates(stage):
    for role in ("view", "edit", "admin"):
        stage.kubectl("create", "rolebinding", f"{role}-of-{TEAM}", "-n", TEAM, f"--clusterrole={role}", f"--user={role}er")

    def may(user, verb, subresource=""):
        return stage.kubectl("auth", "can-i", verb, "customimages.parallelcluster.dev", f"--subresource={subresource}", "-n", TEAM, f"--as={user}er", check=False).stdout.strip() == "yes"

    for user, edits in (("view", False), ("edit", True), ("admin", True)):
        require(may(user, "list"), f"{user} lists")
        require(may(user, "create") == edits, f"{user} creates: {edits}")
        for verb in ("get", "update", "patch"):
            require(not may(user, verb, "status"), f"{user} may not {verb} a status")
