"""An arbitrary user, as OpenShift gives to the pods of each namespace."""

from proof import OWN_NODE, proof
from shell import require
from stage import NAMESPACE

#: What the SCC restricted-v2 adds to a pod that asks for no user: one of the namespace's range, and the group 0.
USER = 1000680000
ASSIGNED = {"runAsUser": USER, "runAsGroup": 0, "fsGroup": USER}


@proof("the Deployment asks for no user, and so OpenShift can assign one")
def asks_for_no_user(stage):
    for deployment in stage.kubectl.get("deployments", "-n", NAMESPACE):
        spec = deployment["spec"]["template"]["spec"]
        asked = {**spec["securityContext"], **spec["containers"][0]["securityContext"]}
        require(asked["runAsNonRoot"] and not ASSIGNED.keys() & asked.keys(), "only that it is not root", asked)


@proof(f"with the user {USER} and the group 0 both replicas are Ready, images are mirrored, and helm test is green", needs=OWN_NODE)
def works_as_any_user(stage):
    stage.release("upgrade", stage.values(podSecurityContext=ASSIGNED))
    for pod in stage.ready_pods():
        status = dict(line.split(":\t", 1) for line in open(f"/proc/{stage.process(pod['metadata']['name'])}/status").read().splitlines() if ":\t" in line)
        require(set(status["Uid"].split()) == {str(USER)}, f"the user is {USER}", status["Uid"])
        require(set(status["Gid"].split()) == {"0"}, "the group is 0", status["Gid"])
    stage.answers("hpc-base")
    passed, told = stage.test()
    require(passed and "all is well" in told, "a green table", told)
    stage.release("upgrade", stage.values())
    stage.ready_pods()
