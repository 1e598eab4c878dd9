"""Each tool's verdict on each row of the condition table, by the tool's own code."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import yaml
from proof import proof
from pretended_aws import REGION
from rows import FAILED, HASTY, IN_PROGRESS, LEFT, PATIENT, ROWS, STALE, UNWATCHED
from shell import CHECKOUT, condition, eventually, require, run, say
from stage import FLUX, HASTY as HASTY_TIMES, PATIENT as PATIENT_TIMES, STALE as STALE_TIMES

HEALTH = CHECKOUT / "examples/argocd/resource_customizations/parallelcluster.dev/CustomImage"


def manifest(row, spec):
    return {"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": row.name, "namespace": row.namespace},
            "spec": {"imageId": row.name, "region": REGION, **spec}}


def is_in_row(stage, row):
    found = stage.image_of(row.name, row.namespace)
    is_noticed = not row.keeps_ready or condition(found, "Synced")[0] == "False"
    stalled = condition(found, "Stalled")[0] == "True"
    return condition(found, "Ready") == row.ready and is_noticed and stalled == (row.verdict == FAILED)


@proof("the operator produces each row of the condition table from the state of AWS")
def produce(stage):
    stage.operator("patient", PATIENT_TIMES, PATIENT)
    stage.operator("hasty", HASTY_TIMES, HASTY)
    stage.operator("starved", STALE_TIMES, STALE)
    leaving = stage.operator("leaving", PATIENT_TIMES, LEFT)
    stage.namespace(UNWATCHED)
    for row in ROWS:
        if row.aws:
            stage.aws.patch(**row.aws)
    stage.kubectl.apply(*(manifest(row, row.spec) for row in ROWS))
    seen_first = [row for row in ROWS if row.is_seen_first]
    for row in seen_first:
        eventually(f"{row.name} is seen", lambda row=row: condition(stage.image_of(row.name, row.namespace), "Synced")[0] == "True")
    leaving.terminate()
    leaving.wait(20)
    for row in seen_first:
        if row.then:
            stage.aws.patch(**row.then)
        if row.then_gone:
            stage.aws.do("delete_image", row.aws["images"][0]["ami_id"])
        if row.then_spec:
            stage.kubectl.apply(manifest(row, {**row.spec, **row.then_spec}))
    for row in ROWS:
        eventually(f"{row.name} is {row.ready} and {row.verdict}", lambda row=row: is_in_row(stage, row), 90)
    return f"{len(ROWS)} rows"


def judged(lines):
    """The verdicts by name, from lines with name and verdict."""
    return dict(line.split("\t")[:2] for line in lines.splitlines())


def by_library(stage):
    """The verdicts of kstatus and of Argo CD's health check on the current objects."""
    rows = {row.name for row in ROWS}
    found = [each for each in stage.kubectl.get("customimages", "-A") if each["metadata"]["name"] in rows]
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": found})
    with stage.cost("kstatus"):
        kstatus = judged(run(stage.judges / "kstatus", text_in=objects))
    with stage.cost("Argo CD"):
        health = judged(run(stage.judges / "argocd-health", HEALTH / "health.lua", text_in=objects))
    return kstatus, health


def by_flux(stage):
    """Creates a Kustomization for each row. Returns the results of their health checks."""
    repository = stage.git.repository("rows")
    for row in ROWS:
        folder = repository.folder / row.name
        folder.mkdir()
        (folder / "customimage.yaml").write_text(json.dumps(manifest(row, {**row.spec, **row.then_spec})))
    repository.commit("each row")
    spec = {"sourceRef": {"kind": "GitRepository", "name": "rows"}, "prune": False, "wait": True, "timeout": "30s", "interval": "1h", "retryInterval": "1h"}
    source = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "rows", "namespace": FLUX},
              "spec": {"url": stage.git.url("rows"), "ref": {"branch": "main"}, "interval": "1s"}}
    each = ({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": f"row-{row.name}", "namespace": FLUX},
             "spec": {**spec, "path": f"./{row.name}"}} for row in ROWS)
    with stage.cost("Flux"):
        stage.kubectl.apply(source, *each)
        verdicts = {row.name: eventually(f"Flux judges {row.name}", lambda row=row: stage.flux_verdict(f"row-{row.name}"), 90) for row in ROWS}
        stage.kubectl("delete", "kustomizations,gitrepositories", "--all", "-n", FLUX)
    return verdicts


def by_helm(stage):
    """Runs `helm install --wait` for each row: it succeeds, fails at once, or times out."""
    def verdict(row):
        spec = {"region": REGION, **row.spec, **row.then_spec}
        values = [word for key, value in {"imageId": row.name, **spec}.items() for word in ("--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}")]
        done = stage.helm("install", row.name, CHECKOUT / "examples/helm", "-n", row.namespace, *values, "--take-ownership", "--wait",
                          "--timeout", "12s" if row.verdict == IN_PROGRESS else "2m", check=False)
        if done.returncode == 0:
            return "Current"
        named = re.search(r"[Ss]tatus: (\w+)", done.stderr)
        return named.group(1) if named else done.stderr.strip()
    with stage.cost("Helm 4"), ThreadPoolExecutor(8) as pool:
        return dict(zip((row.name for row in ROWS), pool.map(verdict, ROWS)))


@proof("kstatus, Flux, Argo CD and Helm 4 judge every row as the condition table says")
def judge(stage):
    kstatus, health = by_library(stage)
    # At the same time, because both mostly wait.
    with ThreadPoolExecutor(1) as beside:
        helm = beside.submit(by_helm, stage)
        flux = by_flux(stage)
        helm = helm.result()
    for row in ROWS:
        eventually(f"{row.name} is still what it was", lambda row=row: is_in_row(stage, row), 10)
    line = "{:20} {:27} {:11} {:11} {:11} {:11} {:12} {}"
    say(line.format("AWS", "Ready", "expected", "kstatus", "Flux", "Helm 4", "Argo CD", ""))
    wrong = []
    for row in ROWS:
        verdicts = (kstatus[row.name], flux[row.name], helm[row.name], health[row.name])
        is_right = verdicts == (row.verdict, row.verdict, row.verdict, row.health)
        wrong += [] if is_right else [row.name]
        ready = " ".join(word or "-" for word in row.ready)
        say(line.format(row.name, ready, row.verdict, *verdicts, "" if is_right else f"WRONG (Argo CD: {row.health})"))
    require(not wrong, "every verdict is the table's", wrong)
    # Later proofs use these regions without faults.
    stage.aws.control("DELETE", "faults")
    return f"{len(ROWS)} rows, 4 tools, each as the table says"


@proof("Argo CD's own tests of the health check pass, and argocd-cm carries the same check")
def argocd_tests(stage):
    with stage.cost("Argo CD"):
        passed = run(stage.judges / "argocd-health", "-test", HEALTH)
    config = yaml.safe_load((CHECKOUT / "examples/argocd/argocd-cm.yaml").read_text())
    carried = config["data"]["resource.customizations.health.parallelcluster.dev_CustomImage"]
    require(carried.strip() == (HEALTH / "health.lua").read_text().strip(), "the same Lua in argocd-cm.yaml as in health.lua")
    return f"{len(passed.splitlines())} cases"
