"""The clusters for the proofs: a node of this run, or an existing cluster."""

import fcntl
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from pretended_aws import REGION, InCluster, OnHost
from proof import OWN_NODE
from proxy import Proxy
from shell import Failure, Kubectl, say, script
from stage import NAMESPACE, OTHER_TEAM, TEAM, Stage

#: The address of this machine as the node sees it.
HOST = "10.123.0.1"
NODE = Path("/tmp/customimage-e2e/up")


class OwnNode(Stage):
    """A node that exists only during this run."""

    has = {OWN_NODE}
    owned = None
    caller = None

    def __init__(self, image, programs):
        self.own()
        kubeconfig = script("tests/node/up", env={**os.environ, "AUDITED": NAMESPACE})[0]
        super().__init__(Kubectl(script("tests/cluster/kubectl")[0], kubeconfig), "localhost/customimage-operator", "")
        script("tests/node/load", image)
        self.released = programs.parent / "release/customimage-operator"
        self.aws = OnHost(programs / "aws-simulator", HOST)

    @contextmanager
    def program(self, *arguments):
        """Runs the release build of the program as a process of this machine."""
        environment = {"KUBECONFIG": self.kubectl.kubeconfig, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
        with subprocess.Popen([self.released, *arguments], env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.kill()

    def caller_image(self):
        """The name of the image with a client of the API, which is built and loaded when it is first asked for."""
        if not self.caller:
            script("tests/node/load", *script("tests/e2e/caller-image"))
            self.caller = "localhost/api-caller:1"
        return self.caller

    def proxy(self):
        return Proxy(HOST)

    @classmethod
    def own(cls):
        """Allows only one run at a time. Ends the node that a killed run has left behind, but no other node."""
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "customimage-operator"
        lock = open(cache / "e2e.lock", "a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure("another run is under way on this machine; next step: wait until it has ended") from None
        lock.seek(0)
        if lock.read() == "up":
            say("e2e: a former run was killed, ending its node …")
            script("tests/node/down")
        elif NODE.exists():
            raise Failure("a node is up that was not started by a run; next step: tests/node/down, or CLUSTER=existing with its KUBECONFIG")
        lock.truncate(0)
        lock.write("up")
        lock.flush()
        cls.owned = lock

    @classmethod
    def end(cls):
        if cls.owned:
            script("tests/node/down")
            cls.owned.truncate(0)
            cls.owned.close()
            cls.owned = None


class ExistingCluster(Stage):
    """A cluster whose nodes can pull the images. Proofs that need a node of this run are listed as skipped."""

    CRD = "customimages.parallelcluster.dev"

    def __init__(self):
        try:
            kubeconfig, image, simulator = (os.environ[name] for name in ("KUBECONFIG", "IMAGE", "SIMULATOR_IMAGE"))
        except KeyError as missing:
            raise Failure(f"{missing} is not set; next step: CLUSTER=existing needs KUBECONFIG, IMAGE and SIMULATOR_IMAGE (REPOSITORY:TAG that the nodes can pull)") from None
        kubectl = Kubectl(script("tests/cluster/kubectl")[0], kubeconfig)
        taken = kubectl("get", "crd,namespaces", "-o", "name").split()
        taken = {name.split("/")[1] for name in taken} & {self.CRD, NAMESPACE, TEAM, OTHER_TEAM, InCluster.NAMESPACE}
        if taken:
            raise Failure(f"the cluster has {', '.join(sorted(taken))} already; next step: use a cluster without them, because all of them are deleted at the end")
        repository, _, tag = image.rpartition(":")
        super().__init__(kubectl, repository, tag)
        try:
            self.aws = InCluster(kubectl, simulator)
        except BaseException:
            self.down()
            raise

    def down(self):
        say("e2e: deleting what this run has made in the cluster …")
        for name in self.helm("list", "-q", check=False).stdout.split():
            self.helm("uninstall", name, check=False)
        super().down()
        self.kubectl("delete", "--ignore-not-found", "crd", self.CRD, check=False)
        self.kubectl("delete", "--ignore-not-found", "namespace", NAMESPACE, TEAM, OTHER_TEAM, InCluster.NAMESPACE, check=False)
