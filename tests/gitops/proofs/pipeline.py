"""A Flux pipeline: it waits while an image builds, continues or fails with it, recovers, and never re-applies it."""

import statistics
import time

from proof import proof
from pretended_aws import REGION, build, image, stack
from shell import condition, eventually, require
from stage import FLUX, PATIENT

NAMESPACE, REPOSITORY = "hpc", "images"


def write(stage, name, image_id=None, folder="images", **more):
    """Writes a CustomImage into the working copy. It has no effect before the commit."""
    path = stage.repository.folder / folder / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    lines = [f"{key}: {value}" for key, value in {"imageId": image_id or name, "region": REGION, **more}.items()]
    path.write_text(f"apiVersion: parallelcluster.dev/v1\nkind: CustomImage\nmetadata: {{name: {name}, labels: {{team: hpc}}}}\nspec: {{{', '.join(lines)}}}\n")


def kustomize(stage, name, path, example="examples/flux/image.yaml", template="images", **changes):
    """Applies the example's Kustomization `template` as `name`, with its repository."""
    for each in stage.example(example, REPOSITORY, timeout="10m", **changes):
        if each["kind"] == "GitRepository":
            stage.kubectl.apply(each)
        elif each["metadata"]["name"] == template:
            each["metadata"]["name"] = name
            each["spec"]["path"] = path
            each["spec"]["sourceRef"]["name"] = "hpc"
            stage.kubectl.apply(each)


def await_verdict(stage, name, verdict, seconds=60):
    return eventually(f"Flux says {verdict} of {name}", lambda: stage.flux_verdict(name) == verdict and stage.kustomization(name), seconds)


def begin(stage, name):
    """Starts a build that runs until `finish`."""
    stage.aws.patch(stacks=[stack(name, "CREATE_IN_PROGRESS")], image_build_versions=[build(name, "BUILDING")])


def finish(stage, name):
    """Ends a build as AWS does: the AMI is tagged, then the stack is removed. Returns the time."""
    stage.aws.patch(images=[image(name)])
    stage.aws.do("forget_stack", name)
    return time.monotonic()


def await_health_check(stage, name):
    eventually(f"Flux checks the health of {name}", lambda: "Running health checks" in stage.kubectl("get", "kustomization", name, "-n", FLUX, "-o", "yaml"))


@proof("a Kustomization with wait: true waits while the image builds, and becomes Ready with it; one that depends on it follows")
def waits(stage):
    stage.operator("pipeline", PATIENT, NAMESPACE)
    stage.namespace("nodes")
    stage.repository = stage.git.repository(REPOSITORY)
    write(stage, "hpc-1")
    nodes = stage.repository.folder / "nodes"
    nodes.mkdir()
    (nodes / "configmap.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nodes, namespace: nodes}\n")
    stage.repository.commit("the first image")
    begin(stage, "hpc-1")
    with stage.cost("Flux"):
        for each in stage.example("examples/flux/image.yaml", REPOSITORY):
            stage.kubectl.apply(each)
        await_health_check(stage, "images")
        stage.await_ready("hpc-1", NAMESPACE, "False", "Building")
        eventually("what depends on it waits", lambda: condition(stage.kustomization("nodes"), "Ready") == ("False", "DependencyNotReady"))
        require(stage.flux_verdict("images") is None, "no verdict while it builds")
        finish(stage, "hpc-1")
        await_verdict(stage, "images", "Current")
        require(condition(stage.image_of("hpc-1", NAMESPACE), "Ready")[0] == "True", "Ready in Flux only when Ready")
        await_verdict(stage, "nodes", "Current")


@proof("from a build's end to Flux's Ready it takes seconds")
def latency(stage):
    names = [f"timed-{number}" for number in range(5)]
    for name in names:
        write(stage, name, folder=name)
        begin(stage, name)
    stage.repository.commit("five builds")
    with stage.cost("Flux"):
        for name in names:
            kustomize(stage, name, f"./{name}")
        for name in names:
            await_health_check(stage, name)
        ended, told = {}, {}
        for name in names:
            ended[name] = finish(stage, name)
            time.sleep(0.9)  # so that they end at different moments of Flux's five seconds

        def all_told():
            for name in set(names) - set(told):
                if stage.flux_verdict(name) == "Current":
                    told[name] = time.monotonic()
            return len(told) == len(names)
        eventually("Flux has seen the end of five builds", all_told)
        waits = [told[name] - ended[name] for name in names]
        stage.kubectl("delete", "kustomizations", *names, "-n", FLUX)
    require(max(waits) < 20, "soon", waits)
    each = ", ".join(f"{wait:.1f}" for wait in sorted(waits))
    return f"from a build's end to Flux's Ready: median {statistics.median(waits):.1f} s of {each} (looks every 1 s, Flux every 5 s)"


def pairs(each):
    return [pair if isinstance(pair, list) else [pair["key"], pair["value"]] for pair in each["tags"]]


@proof("a failed build fails the Kustomization at once, with the image's name; the CustomImage has the reason")
def fails(stage):
    write(stage, "hpc-2", folder="broken")
    stage.repository.commit("a second image")
    stage.aws.build("hpc-2", "failed", 8, reason="Build of the image failed", failure_context={"failedStep": "InstallPackages"})
    with stage.cost("Flux"):
        kustomize(stage, "broken", "./broken")
        failed = await_verdict(stage, "broken", "Failed")
    [ready] = [each for each in failed["status"]["conditions"] if each["type"] == "Ready"]
    require(ready["reason"] == "HealthCheckFailed" and f"CustomImage/{NAMESPACE}/hpc-2" in ready["message"] and "failed early" in ready["message"],
            "HealthCheckFailed, early, with the name", ready)
    [why] = [each for each in stage.image_of("hpc-2", NAMESPACE)["status"]["conditions"] if each["type"] == "Ready"]
    require(why["reason"] == "BuildFailed" and "InstallPackages" in why["message"], "the failing step", why)
    eventually("an Event says it too", lambda: any(event["regarding"]["name"] == "hpc-2" and event["reason"] == "BuildFailed" and "InstallPackages" in event["note"]
                                                   for event in stage.kubectl.get("events.events.k8s.io", "-n", NAMESPACE)))
    return ready["message"]


@proof("when the image is built again the Kustomization recovers without a commit")
def recovers(stage):
    stage.aws.do("forget_stack", "hpc-2")
    stage.aws.build("hpc-2", "available", 4)
    with stage.cost("Flux"):
        await_verdict(stage, "broken", "Current", 90)


@proof("twenty status changes cause no re-apply, although Flux checks every second")
def no_churn(stage):
    with stage.cost("Flux"):
        kustomize(stage, "restless", "./images", interval="1s", prune=False)
        await_verdict(stage, "restless", "Current")
        applies, looks = stage.applies(), stage.applies(dry_run="All")
        generation = stage.image_of("hpc-1", NAMESPACE)["metadata"]["generation"]
        [ami] = [each for each in stage.aws.control("GET", "world")["images"] if ["parallelcluster:image_id", "hpc-1"] in pairs(each)]
        for change in range(20):
            stage.aws.patch(images=[{**ami, "description": f"change {change}"}])
            eventually(f"change {change} is in the status",
                       lambda change=change: stage.image_of("hpc-1", NAMESPACE)["status"]["ec2AmiInfo"].get("description") == f"change {change}")
        looks = stage.applies(dry_run="All") - looks
        require(looks >= 5, "Flux has looked meanwhile", looks)
        require(stage.applies() == applies, "no apply for real", stage.applies() - applies)
        require(stage.image_of("hpc-1", NAMESPACE)["metadata"]["generation"] == generation, "the same generation")
        stage.kubectl("delete", "kustomization", "restless", "-n", FLUX)
    return f"20 status changes: 0 applies, {looks:.0f} dry runs of Flux"


@proof("drift is reverted, and what is removed from Git is pruned")
def drift_and_prune(stage):
    write(stage, "hpc-3", "hpc-1", folder="drift", suspend="false")
    write(stage, "hpc-4", "hpc-1", folder="drift")
    stage.repository.commit("two more")
    with stage.cost("Flux"):
        kustomize(stage, "drift", "./drift", interval="1s")
        await_verdict(stage, "drift", "Current")
        stage.kubectl("patch", "customimage", "hpc-3", "-n", NAMESPACE, "--type=merge", "-p", '{"spec": {"suspend": true}, "metadata": {"labels": {"team": "mine"}}}')

        def reverted():
            found = stage.image_of("hpc-3", NAMESPACE)
            return (found["spec"]["suspend"], found["metadata"]["labels"]["team"]) == (False, "hpc")
        eventually("spec and label are Git's again", reverted)
        (stage.repository.folder / "drift/hpc-4.yaml").unlink()
        stage.repository.commit("one less")
        eventually("hpc-4 is pruned", lambda: "hpc-4" not in [each["metadata"]["name"] for each in stage.kubectl.get("customimages", "-n", NAMESPACE)])
        require(any(["parallelcluster:image_id", "hpc-1"] in pairs(each) for each in stage.aws.control("GET", "world")["images"]), "AWS keeps the image")


@proof("another image under the same name is refused with the fix; with Flux's force annotation the object is recreated")
def immutable(stage):
    stage.aws.patch(images=[image("hpc-5")])
    write(stage, "hpc-3", "hpc-5", folder="drift", suspend="false")
    stage.repository.commit("another image under an old name")
    with stage.cost("Flux"):
        def refused():
            ready = [each for each in stage.kustomization("drift")["status"]["conditions"] if each["type"] == "Ready"]
            return ready and "imageId is immutable: create another CustomImage" in ready[0]["message"]
        eventually("Flux shows the API server's words", refused)
        path = stage.repository.folder / "drift/hpc-3.yaml"
        path.write_text(path.read_text().replace("name: hpc-3,", "name: hpc-3, annotations: {kustomize.toolkit.fluxcd.io/force: enabled},"))
        stage.repository.commit("by force")
        stage.await_ready("hpc-3", NAMESPACE, "True", "ImageAvailable")
        await_verdict(stage, "drift", "Current")
    require(stage.image_of("hpc-3", NAMESPACE)["status"]["imageId"] == "hpc-5", "the other image")


@proof("with healthCheckExprs a Kustomization fails at once if an image that must exist is missing")
def must_exist(stage):
    write(stage, "hpc-1-in-use", "hpc-1", folder="images-in-use")
    stage.repository.commit("an image in use")
    with stage.cost("Flux"):
        kustomize(stage, "images-in-use", "./images-in-use", "examples/flux/must-exist.yaml", "images-in-use")
        await_verdict(stage, "images-in-use", "Current")
        write(stage, "hpc-missing", folder="images-in-use")
        stage.repository.commit("one that is not there")
        eventually("Flux fails at once", lambda: stage.flux_verdict("images-in-use") == "Failed")
        require(condition(stage.image_of("hpc-missing", NAMESPACE), "Reconciling")[0] == "True", "which by itself would wait two hours")
        stage.aws.patch(images=[image("hpc-missing")])
        await_verdict(stage, "images-in-use", "Current", 30)


@proof("a commit that corrects a mistaken image id ends the wait for it")
def corrected(stage):
    write(stage, "hpc-mistaken", folder="corrected")
    stage.repository.commit("a mistake")
    with stage.cost("Flux"):
        kustomize(stage, "corrected", "./corrected")
        await_health_check(stage, "corrected")
        (stage.repository.folder / "corrected/hpc-mistaken.yaml").unlink()
        write(stage, "hpc-1-again", "hpc-1", folder="corrected")
        commit = stage.repository.commit("the correction")
        eventually("Flux is Ready with it", lambda: stage.flux_verdict("corrected", commit) == "Current")
    names = [each["metadata"]["name"] for each in stage.kubectl.get("customimages", "-n", NAMESPACE)]
    require("hpc-mistaken" not in names and "hpc-1-again" in names, "the one is pruned, the other there", names)
