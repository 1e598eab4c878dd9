"""The life of a release: upgrade, rollback, other configurations, uninstall, reinstall."""

import json
import re

from proof import OWN_NODE, proof
from proofs.identities import RESEARCH, identity
from shell import condition, eventually, require
from stage import NAMESPACE, OTHER_TEAM, RELEASE, TEAM

CRD = "customimages.parallelcluster.dev"


def next_version(chart):
    """Changes a chart: its CRD gets one more column."""
    path = chart / "files/crd.yaml"
    text = path.read_text()
    column = "  - jsonPath: .spec.identity\n    name: Identity\n    type: string\n"
    changed = re.sub(r"( *)- (?:description|jsonPath|name).*", lambda first: "".join(first.group(1) + line[2:] + "\n" for line in column.splitlines()) + first.group(0),
                     text[(at := text.index("additionalPrinterColumns:")):], count=1)
    path.write_text(text[:at] + changed)
    about = chart / "Chart.yaml"
    about.write_text(re.sub(r"^version: .*$", "version: 99.0.0", about.read_text(), flags=re.MULTILINE))


def columns(stage):
    return [column["name"] for column in stage.kubectl.get("crd", CRD)["spec"]["versions"][0]["additionalPrinterColumns"]]


def versions(stage):
    return {(each["metadata"]["namespace"], each["metadata"]["name"]): each["metadata"]["resourceVersion"] for each in stage.kubectl.get("customimages", "-A")}


def settled(stage):
    """The resourceVersions of the objects, after the leader has reconciled all of them."""
    stage.ready_pods()
    for name in ("hpc-base", "hpc-fails", "hpc-absent"):
        stage.answers(name)
    stage.answers("theirs", namespace=OTHER_TEAM)
    return versions(stage)


@proof("helm upgrade installs the new CRD, a rollback the old one, and no CustomImage is written")
def upgrades(stage):
    before = versions(stage)
    values = json.loads(stage.helm("get", "values", RELEASE, "-o", "json"))
    stage.release("upgrade", values, chart=stage.another_chart(next_version))
    require("Identity" in columns(stage), "the new column", columns(stage))
    require("IDENTITY" in stage.kubectl("get", "customimages", "-n", OTHER_TEAM), "kubectl shows it")
    with stage.change():
        stage.helm("rollback", RELEASE, "--wait", "--timeout", "2m")
    require("Identity" not in columns(stage), "the column is gone again", columns(stage))
    require(versions(stage) == before, "no CustomImage was written", versions(stage))


@proof("with a CONNECT proxy every call to AWS goes through it, and none to the API server", needs=OWN_NODE)
def through_a_proxy(stage):
    with stage.proxy() as proxy:
        stage.release("upgrade", stage.values(identities=RESEARCH, proxy={"https": proxy.url}))
        stage.answers("hpc-base")
        hosts, direct = proxy.hosts(), proxy.passed_by()
        require("ec2.eu-west-1.amazonaws.com" in hosts, "EC2 was reached by the proxy", hosts)
        require(all(host.endswith(".amazonaws.com") for host in hosts), "AWS only", hosts)
        require(not direct, "no pod has a connection to AWS of its own", direct)


@proof("with presigned URLs, S3 is called for the bucket, and the URL is one of the bucket")
def presigns(stage):
    stage.release("upgrade", stage.values(identities=RESEARCH, configurationUrl="presigned"))
    eventually("a presigned URL", lambda: "X-Amz-Signature" in stage.image_of("hpc-base")["status"]["imageConfiguration"]["url"])
    url = stage.image_of("hpc-base")["status"]["imageConfiguration"]["url"]
    require(url.startswith(f"{stage.aws.bucket_url}/parallelcluster/3.16.1/images/hpc-base-x1y2/"), "the place", url)


@proof("with a list of namespaces there is a Role in each, no ClusterRole, and CustomImages elsewhere are ignored")
def namespaced(stage):
    stage.release("upgrade", stage.values(identities=[identity(namespaces=[OTHER_TEAM])], watchNamespaces=[TEAM]))
    stage.answers("hpc-base")
    roles = stage.kubectl.get("clusterroles", "-l", "app.kubernetes.io/name=customimage-operator")
    names = [role["metadata"]["name"] for role in roles if not any("aggregate-to" in label for label in role["metadata"]["labels"])]
    require(names == [], "no ClusterRole but the aggregated ones", names)
    stage.create("unwatched", "hpc-base", OTHER_TEAM)
    stage.answers("hpc-base")
    require(stage.image_of("unwatched", OTHER_TEAM)["status"]["observedGeneration"] == -1, "the operator has not reconciled it")
    passed, told = stage.test()
    require(passed and f"list customimages in {TEAM}" in told, "helm test is green", told)
    stage.release("upgrade", stage.values(identities=RESEARCH))
    stage.answers("unwatched", namespace=OTHER_TEAM)
    require(stage.image_of("unwatched", OTHER_TEAM)["status"]["observedGeneration"] == 1, "watched again")


@proof("helm uninstall leaves every CustomImage with its status, the CRD, a Lease without a holder, and nothing else")
def uninstalls(stage):
    before = settled(stage)
    stage.uninstall()
    require(versions(stage) == before, "every CustomImage stays as it was", versions(stage))
    kinds = "deployments,pods,services,serviceaccounts,roles,rolebindings,configmaps,poddisruptionbudgets,clusterroles,clusterrolebindings"
    leases = [lease["metadata"]["name"] for lease in stage.kubectl.get("leases", "-n", NAMESPACE)]
    require(leases == [f"{RELEASE}-customimage-operator"], "the Lease stays, without a holder", leases)

    def left():
        found = stage.kubectl.get(kinds, "-A", "-l", "app.kubernetes.io/name=customimage-operator")
        return [(each["kind"], each["metadata"]["name"]) for each in found]
    eventually("nothing is left", lambda: left() == [], 60)


@proof("a reinstall with Helm 3 continues where it was: no CustomImage is written")
def reinstalls(stage):
    before = versions(stage)
    calls = stage.aws.control("GET", "calls")["total"]
    stage.release("install", stage.values(identities=RESEARCH), major="3")
    eventually("AWS is called again", lambda: stage.aws.control("GET", "calls")["total"] > calls + 20)
    require(versions(stage) == before, "no CustomImage was written", versions(stage))
    stage.uninstall(major="3")


@proof("a reinstall under another name says how to transfer the CRD, and then works with every CustomImage")
def renamed(stage):
    before = versions(stage)
    refused = stage.release("install", stage.values(identities=RESEARCH), name="renamed", check=False)
    told = refused.stdout + refused.stderr
    require(refused.returncode != 0 and "kubectl annotate" in told, "it says how", told)
    commands = re.sub(r"\\\n\s*", "", told)
    for line in re.findall(r"kubectl ((?:label|annotate) --overwrite crd .*)", commands):
        stage.kubectl(*line.split())
    stage.release("install", stage.values(identities=RESEARCH), name="renamed")
    stage.answers("hpc-base")
    require(versions(stage).keys() == before.keys(), "every CustomImage is there")


@proof("a misspelt value, a missing image and a CustomImage that AWS cannot have are refused with the fix")
def refuses(stage):
    misspelt = stage.helm("upgrade", "renamed", stage.chart, "--reuse-values", "--set", "replica=3", check=False)
    require(misspelt.returncode != 0 and "replica" in misspelt.stderr, "the key is named", misspelt.stderr)
    without = stage.helm("template", stage.chart, check=False)
    require(without.returncode != 0 and "make image" in without.stderr, "how to build one", without.stderr)
    bad = json.dumps({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": "bad", "namespace": TEAM}, "spec": {"imageId": "1st"}})
    refused = stage.kubectl("apply", "-f", "-", text_in=bad, check=False)
    require("must start with a letter" in refused.stderr, "the API server says why", refused.stderr)
