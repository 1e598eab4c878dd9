"""The recipes for the AMI id in a pipeline, each run from its file."""

import json
import shutil
import sys

from proof import proof
from proofs.kubectl import example, manifest
from proofs.pipeline import NAMESPACE
from pretended_aws import image
from shell import CHECKOUT, require, run

IMAGE_ID = "hpc-base-2026-11"


@proof("the AMI id reaches a ParallelCluster cluster configuration, which the official program's schema accepts")
def cluster_configuration(stage):
    stage.aws.patch(images=[image(IMAGE_ID)])
    stage.kubectl.apply(manifest("hpc-base", IMAGE_ID))
    rendered = example(stage, "recipes/cluster-configuration/render", "hpc-base", "60", "-n", NAMESPACE)
    check = """import sys, yaml
from pcluster.schemas.cluster_schema import ClusterSchema
config = yaml.safe_load(sys.stdin)
print(config["Region"], ClusterSchema(cluster_name="hpc").load(config).image.custom_ami)"""
    read = run(sys.executable, "-W", "ignore", "-c", check, text_in=rendered, env={"AWS_DEFAULT_REGION": "eu-west-1", "https_proxy": "http://127.0.0.1:9"})
    status = stage.image_of("hpc-base", NAMESPACE)["status"]
    require(read.split() == [status["region"], status["ec2AmiInfo"]["amiId"]], "the image's region and AMI", read)


def build(stage, folder):
    return stage.kubectl("kustomize", folder)


def strictly(stage, text):
    """Validates objects with a dry run at the API server, which has the tool's own CRD. Returns the result."""
    return json.loads(stage.kubectl("apply", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-", text_in=text))


@proof("a Kustomize replacement puts the AMI id into a Karpenter EC2NodeClass, which Karpenter's CRD accepts")
def kustomize_replacement(stage):
    folder = stage.path("replacement")
    shutil.copytree(CHECKOUT / "examples/recipes/kustomize", folder)
    (folder / "customimage.yaml").write_text(stage.kubectl("get", "customimage", "hpc-base", "-n", NAMESPACE, "-o", "yaml"))
    made = strictly(stage, build(stage, folder))
    require(made["kind"] == "EC2NodeClass", "the image itself is not applied", made)
    ami = stage.image_of("hpc-base", NAMESPACE)["status"]["ec2AmiInfo"]["amiId"]
    require(made["spec"]["amiSelectorTerms"] == [{"id": ami}], "the image's AMI", made["spec"])


@proof("an EC2NodeClass selects the AMI by tags that the image's status contains")
def node_class(stage):
    made = strictly(stage, (CHECKOUT / "examples/recipes/karpenter/ec2nodeclass.yaml").read_text())
    [term] = made["spec"]["amiSelectorTerms"]
    status = stage.image_of("hpc-base", NAMESPACE)["status"]
    tags = {tag["key"]: tag["value"] for tag in status["ec2AmiInfo"]["tags"]}
    require(term["tags"].items() <= tags.items() and term["owner"] == "self", "the AMI has these tags", (term, tags))
