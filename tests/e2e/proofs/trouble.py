"""Failures in a cluster: pods and leaders die, the network is cut, the API server restarts."""

import os
import signal
import statistics
import time

from proof import OWN_NODE, proof
from pretended_aws import image
from shell import eventually, now, require, script
from stage import NAMESPACE

ROUNDS = 5


def standby_of(stage):
    leader = stage.leader()
    return next(pod["metadata"]["name"] for pod in stage.ready_pods() if pod["metadata"]["name"] != leader)


@proof("the death of a standby changes nothing, and its replacement becomes Ready")
def standby_dies(stage):
    leader, standby = stage.leader(), standby_of(stage)
    stage.kubectl("delete", "pod", "-n", NAMESPACE, standby, "--grace-period=0", "--force")
    stage.answers("hpc-base", 5)
    require(stage.leader() == leader, "the same leader")
    stage.ready_pods()


@proof("a leader that is deleted hands over at once")
def hands_over(stage):
    stage.kubectl("delete", "pod", "-n", NAMESPACE, stage.leader(), "--wait=false")
    begun = time.monotonic()
    stage.answers("hpc-base", 15)
    stage.ready_pods()
    return f"hand-over, from delete to the next status write: {time.monotonic() - begun:.1f} s at most"


@proof(f"after kill -9 of the leader another one leads when the Lease has expired, {ROUNDS} times", needs=OWN_NODE)
def is_followed(stage):
    taken = []
    for _ in range(ROUNDS):
        holder, leader = stage.holder(), stage.leader()
        word = os.urandom(6).hex()
        os.kill(stage.process(leader), signal.SIGKILL)
        begun = time.monotonic()
        stage.look_now("hpc-base", word)
        eventually("another answers", lambda word=word: stage.is_answered("hpc-base", word), 40)
        taken.append(time.monotonic() - begun)
        require(stage.holder() != holder, "another process leads, possibly in a restarted container")
        if stage.leader() != leader:
            # Each round has a new pod, because the kubelet delays the restart of a container that ends often.
            stage.kubectl("delete", "pod", "-n", NAMESPACE, leader, "--grace-period=0", "--force")
        stage.ready_pods()
    told = ", ".join(f"{seconds:.1f}" for seconds in sorted(taken))
    return f"fail-over, from kill -9 of the leader to the next status write: median {statistics.median(taken):.1f} s of {told}"


@proof("a leader that is cut off from the API server ends by itself, another leads, and the first is back after the cut", needs=OWN_NODE)
def is_cut_off(stage):
    leader = stage.leader()
    restarts = stage.pod(leader)["status"]["containerStatuses"][0]["restartCount"]
    script("tests/node/cut", stage.pod(leader)["status"]["podIP"])
    try:
        stage.answers("hpc-base", 40)
        require(stage.leader() != leader, "another leads")
        eventually("the former leader has ended by itself", lambda: stage.pod(leader)["status"]["containerStatuses"][0]["restartCount"] > restarts)
    finally:
        script("tests/node/heal")
    stage.ready_pods()


@proof("after a restart of the API server the leader is the same, and the status has the changes in AWS meanwhile", needs=OWN_NODE)
def outlives_the_api_server(stage):
    leader, before = stage.leader(), {pod["metadata"]["uid"] for pod in stage.ready_pods()}
    stage.aws.patch(images=[image("hpc-base", "ami-0aaaaaaaaaaaaaaaa", description="changed while nobody could be told")])
    begun = now()
    script("tests/node/restart-apiserver", 5)
    stage.restarts.append((begun, now()))
    eventually("the change is in the status", lambda: stage.image_of("hpc-base")["status"]["ec2AmiInfo"].get("description") == "changed while nobody could be told")
    require({pod["metadata"]["uid"] for pod in stage.ready_pods()} == before, "the same pods")
    require(stage.leader() == leader, "the same leader")
