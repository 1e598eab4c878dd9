"""The environment of the proofs: a control plane, a simulated AWS, operators, and Flux with a Git server."""

import os
import re
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from git_server import GitServer
from pretended_aws import REGION, PretendedAws
from shell import CHECKOUT, Kubectl, condition, eventually, run, say, script

FLUX = "flux-system"
#: Short intervals, and a short grace for errors. The minutes and hours of the condition table stay.
PATIENT = {"IN_PROGRESS_INTERVAL": "1s", "SETTLED_INTERVAL": "1s", "ABSENT_INTERVAL": "1s", "ABSENT_INTERVAL_MAX": "1s", "ERROR_INTERVAL": "1s",
           "ERROR_INTERVAL_MAX": "1s", "ERROR_GRACE": "1s", "AWS_BUDGET": "100", "AWS_ASSUMED_RATE": "1000"}
#: The periods of the condition table are over after a second.
HASTY = {**PATIENT, "NOT_FOUND_GRACE": "1s", "FINALIZING_PERIOD": "1s"}
STALE = {**PATIENT, "STALENESS_BUDGET": "4s"}


class Stage:
    has = set()
    #: Where Flux sends its events: nowhere.
    events = ""

    def __init__(self, programs, judges):
        self.programs, self.judges = programs, judges
        self.folder = tempfile.TemporaryDirectory(prefix="customimage-gitops-")
        self.processes, self.logs, self.costs = [], {}, {}
        self.aws = self.git = self.kubectl = None

    def path(self, name):
        return Path(self.folder.name) / name

    # ---- up and down

    def up(self):
        say("gitops: control plane, simulated AWS, Flux …")
        self.helms = dict(zip("34", (f"{directory}/helm" for directory in script("tests/helm/install"))))
        self.kubectl = Kubectl(script("tests/cluster/kubectl")[0], self.path("kubeconfig"))
        self.start("cluster", self.programs / "local-cluster", "--with-controller-manager", "--kubeconfig-out", self.kubectl.kubeconfig)
        self.await_line("cluster", "server=")
        self.aws = PretendedAws(self.programs / "aws-simulator")
        self.git = GitServer(self.path("git"))
        self.kubectl("apply", "--server-side", "-f", CHECKOUT / "crds", "-f", self.judges / "crds")
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        self.namespace(FLUX)
        self.start_flux()

    def start_flux(self):
        """Starts Flux as its installation does, but on loopback and as the administrator.

        The settings are those that docs/gitops.md recommends.
        """
        storage, temporary = self.path("artifacts"), self.path("tmp")
        storage.mkdir()
        temporary.mkdir()
        common = ("--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", f"--events-addr={self.events}", "--log-level=info", "--interval-jitter-percentage=0")
        address = f"127.0.0.1:{free_port()}"
        environment = {"KUBECONFIG": str(self.kubectl.kubeconfig), "RUNTIME_NAMESPACE": FLUX, "HOME": self.folder.name, "TMPDIR": str(temporary)}
        self.start("source-controller", self.judges / "source-controller", *common, f"--storage-path={storage}", f"--storage-addr={address}",
                   f"--storage-adv-addr={address}", env=environment)
        self.start("kustomize-controller", self.judges / "kustomize-controller", *common, "--min-retry-delay=750ms", "--requeue-dependency=2s",
                   "--concurrent=60", "--feature-gates=CancelHealthCheckOnNewRevision=true", env=environment)

    def down(self):
        with ExitStack() as last:
            last.callback(self.folder.cleanup)
            for part in (self.aws, self.git):
                if part:
                    last.callback(part.stop)
            for process in self.processes:
                last.callback(ended, process)

    def diagnose(self):
        """Prints what a person would check first."""
        for arguments in (("get", "customimages", "-A", "-o", "wide"), ("get", "gitrepositories,kustomizations", "-A")) if self.kubectl else ():
            say(f"$ kubectl {' '.join(arguments)}")
            say(self.kubectl(*arguments, check=False).stdout)
        for name in self.logs:
            say(f"… {name}")
            say("\n".join(self.log(name).splitlines()[-12:]))

    # ---- processes

    def start(self, name, program, *arguments, env=None):
        """Starts a process that does not outlive this one."""
        log = self.path(f"{name}.log")
        command = ["setpriv", "--pdeathsig", "TERM", "--", str(program), *map(str, arguments)]
        environment = {"PATH": os.environ["PATH"], **(env or {"HOME": os.environ.get("HOME", "/"), **kept("XDG_CACHE_HOME", "KUBEBUILDER_ASSETS")})}
        with log.open("w") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
        self.processes.append(process)
        self.logs[name] = log
        return process

    def log(self, name):
        return self.logs[name].read_text(errors="replace")

    def await_line(self, name, text, seconds=60):
        eventually(f"{name} says {text}", lambda: text in self.log(name), seconds)

    def operator(self, name, timing, *namespaces, region=REGION, configuration=None):
        """Starts an operator that mirrors these namespaces."""
        for namespace in namespaces:
            self.namespace(namespace)
        environment = {"KUBECONFIG": str(self.kubectl.kubeconfig), "AWS_ENDPOINT_URL": self.aws.endpoint, "AWS_ACCESS_KEY_ID": "AKIA111122223333EXAMPLE",
                       "AWS_SECRET_ACCESS_KEY": "pretended", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "AWS_REGION": region,
                       "CUSTOMIMAGE_NAMESPACE": ",".join(namespaces), "CUSTOMIMAGE_LEADER_ELECTION": "false", "CUSTOMIMAGE_LISTEN": "127.0.0.1:0",
                       **{f"CUSTOMIMAGE_{key}": value for key, value in timing.items()}}
        if configuration:
            environment["CUSTOMIMAGE_CONFIGURATION"] = str(configuration)
        process = self.start(name, self.programs / "customimage-operator", "run", env=environment)
        self.await_line(name, "customimage-operator runs")
        return process

    @contextmanager
    def cost(self, what):
        begun = time.monotonic()
        yield
        self.costs[what] = self.costs.get(what, 0) + time.monotonic() - begun

    # ---- what a user does

    def namespace(self, name):
        self.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def helm(self, *arguments, major="4", check=True, timeout=300):
        env = {**os.environ, **{f"HELM_{kind}_HOME": str(self.path(f"helm-{kind.lower()}")) for kind in ("CACHE", "CONFIG", "DATA")}}
        return run(self.helms[major], "--kubeconfig", self.kubectl.kubeconfig, *arguments, env=env, check=check, timeout=timeout)

    def image_of(self, name, namespace):
        return self.kubectl.get("customimage", name, "-n", namespace)

    def await_ready(self, name, namespace, status, reason, seconds=60):
        expected = (status, reason)
        return eventually(f"{namespace}/{name} has Ready={status} {reason}",
                          lambda: condition(self.image_of(name, namespace), "Ready") == expected and self.image_of(name, namespace), seconds)

    # ---- Flux

    def example(self, path, repository, **changes):
        """The objects of an example, with our repository and intervals.

        `changes` go into the spec of each Kustomization.
        """
        objects = list(yaml.safe_load_all((CHECKOUT / path).read_text()))
        for each in objects:
            if each["kind"] == "GitRepository":
                each["spec"].update(url=self.git.url(repository), interval="1s")
            else:
                each["spec"].update({"interval": "1h", "retryInterval": "3s", **changes})
        return objects

    def kustomization(self, name, namespace=FLUX):
        return self.kubectl.get("kustomization", name, "-n", namespace)

    def flux_verdict(self, name, commit=""):
        """The result of Flux's last health check of a Kustomization, as a status of kstatus.

        None while Flux applies or waits, or has not reached the commit yet.
        """
        found = self.kustomization(name)
        status = found.get("status", {})
        [ready] = [each for each in status.get("conditions", []) if each["type"] == "Ready"] or [None]
        is_old = ready is None or ready["observedGeneration"] != found["metadata"]["generation"] or not status.get("lastAttemptedRevision", "").endswith(commit)
        if is_old:
            return None
        if ready["reason"] == "HealthCheckFailed":
            named = re.search(r"status: '(\w+)'", ready["message"])
            return named and named.group(1)
        return "Current" if ready["status"] == "True" else None

    def applies(self, resource="customimages", dry_run=""):
        """The number of server-side applies of a resource by all clients, without those of its status.

        Dry runs do not count; with dry_run="All" only they count.
        """
        pattern = rf'^apiserver_request_total{{[^}}]*dry_run="{dry_run}"[^}}]*resource="{resource}"[^}}]*subresource=""[^}}]*verb="APPLY"[^}}]*}} (\S+)$'
        return sum(float(count) for count in re.findall(pattern, self.kubectl.raw("/metrics"), re.MULTILINE))


def ended(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kept(*names):
    return {name: os.environ[name] for name in names if name in os.environ}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
