"""The IAM policies, statement by statement: those of the chart, and those in the documents."""

import json
import re
from fnmatch import fnmatchcase

import pytest
from helm import CHART, ROOT, only, render

IMAGES = ("ec2:DescribeImages", "*")
STACKS = (["cloudformation:DescribeStacks", "cloudformation:DescribeStackResource"], "arn:aws:cloudformation:*:*:stack/*")
ALL_STACKS = ("cloudformation:ListStacks", "*")
BUILDS = ("imagebuilder:GetImage", "arn:aws:imagebuilder:*:*:image/parallelclusterimage-*")
BUCKETS = ("s3:ListBucket", ["arn:aws:s3:::parallelcluster-*"])
FILES = ("s3:GetObject", ["arn:aws:s3:::parallelcluster-*/*/configs/image-config.yaml"])
OURS = [("s3:ListBucket", BUCKETS[1] + ["arn:aws:s3:::ours"]), ("s3:GetObject", FILES[1] + ["arn:aws:s3:::ours/*/configs/image-config.yaml"])]
EVENTS = ("cloudformation:DescribeStackEvents", "arn:aws:cloudformation:*:*:stack/*")
LOGS = (["logs:DescribeLogStreams", "logs:GetLogEvents"], "arn:aws:logs:*:*:log-group:/aws/imagebuilder/ParallelClusterImage-*")
READS = [IMAGES, STACKS, ALL_STACKS, BUILDS]

A, B = "arn:aws:iam::222233334444:role/reader", "arn:aws:iam::333344445555:role/reader"
RESEARCH = {"name": "research", "roleArn": A, "namespaces": ["hpc"]}
AGAIN = {"name": "again", "roleArn": A, "namespaces": ["genomics"]}
OTHER = {"name": "other", "roleArn": B, "namespaces": ["hpc"]}
OWN = {"name": "default", "namespaces": ["hpc"]}
NOBODY = {"name": "default", "namespaces": []}
BORROWED = {"name": "shared", "namespaces": ["hpc"]}


def in_china(statements):
    return json.loads(json.dumps(statements).replace("arn:aws:", "arn:aws-cn:"), object_hook=None)


def policies(values):
    data = only(render(values), "ConfigMap", "iam-policy")["data"]
    return {key: statements(json.loads(text)) for key, text in data.items()}


def statements(document):
    assert document.keys() == {"Version", "Statement"} and document["Version"] == "2012-10-17"
    for one in document["Statement"]:
        assert one.keys() == {"Sid", "Effect", "Action", "Resource"} and one["Effect"] == "Allow"
    return [(one["Action"], one["Resource"]) for one in document["Statement"]]


@pytest.mark.parametrize(
    "values, expected",
    [
        ({}, READS),
        ({"configurationUrl": "presigned"}, READS + [BUCKETS, FILES]),
        ({"buildLogs": {"enabled": True}}, READS + [EVENTS, LOGS]),
        ({"api": {"enabled": True, "certificateSecret": "tls"}}, READS + [EVENTS, LOGS]),
        ({"api": {"enabled": True, "certificateSecret": "tls", "configurationUrl": "presigned"}}, READS + [EVENTS, LOGS, BUCKETS, FILES]),
        ({"api": {"configurationUrl": "presigned"}}, READS),
        ({"aws": {"partition": "aws-cn"}, "configurationUrl": "presigned"}, in_china(READS + [BUCKETS, FILES])),
        ({"configurationUrl": "presigned", "iamPolicy": {"buckets": ["ours"]}}, READS + OURS),
        ({"iamPolicy": {"buckets": ["ours"]}}, READS),
        ({"identities": [OWN]}, READS),
        ({"identities": [{**RESEARCH, "namespaces": []}]}, READS),
        ({"identities": [RESEARCH, AGAIN, OTHER]}, READS + [("sts:AssumeRole", [A, B])]),
        ({"identities": [NOBODY, RESEARCH]}, [("sts:AssumeRole", [A])]),
        ({"identities": [NOBODY, BORROWED]}, READS),
        ({"identities": [RESEARCH], "aws": {"podIdentity": True}}, READS + [(["sts:AssumeRole", "sts:TagSession"], [A])]),
        ({"aws": {"podIdentity": True}}, READS),
    ],
    ids=["default", "presigned", "build logs", "the API", "the API with presigned URLs", "the API off", "another partition", "a bucket of our own", "not presigned", "default named", "an identity for nobody", "identities", "default for nobody", "the same role under another name", "Pod Identity", "Pod Identity alone"],
)
def test_the_policy_of_the_pods_role_has_exactly_these_statements(values, expected):
    assert policies(values)["policy.json"] == [tuple(each) for each in expected]


def test_the_account_id_is_put_into_the_arns_that_have_an_account():
    narrow = policies({"aws": {"accountId": "111122223333"}, "identities": [RESEARCH]})
    resources = [resource for _, resource in narrow["policy.json"]]
    assert resources == ["*", STACKS[1].replace(":*:stack", ":111122223333:stack"), "*", BUILDS[1].replace(":*:image", ":111122223333:image"), [A]]
    assert narrow["role-policy.json"] == READS, "the roles are of other accounts"


def test_the_policy_of_an_identitys_role_allows_reads_and_no_assume_role():
    assert policies({"identities": [NOBODY, RESEARCH]})["role-policy.json"] == READS
    assert "role-policy.json" not in policies({"identities": [OWN]})


def opens(pattern, bucket, key):
    """Whether the policy opens the object. IAM's asterisk takes slashes, too, and so does fnmatch's."""
    return fnmatchcase(f"arn:aws:s3:::{bucket}/{key}", pattern)


SOURCES = {path.relative_to(ROOT / "src"): path.read_text() for path in (ROOT / "src").rglob("*.rs")}
DEFAULT_BUCKET = "parallelcluster-411a5d24c67e2adf-v1-do-not-delete"


@pytest.mark.parametrize("folder", ["parallelcluster/3.16.1/images/hpc-base-x1y2", "parallelcluster/customimage-operator-check", ""])
def test_the_policy_opens_the_key_that_the_program_makes_of_a_folder(folder):
    [key] = re.findall(r'fn config_key.*?format!\("\{folder\}([^"]+)"\)', "".join(SOURCES.values()), re.S)
    assert opens(FILES[1][0], DEFAULT_BUCKET, folder + key)
    assert opens(OURS[1][1][1], "ours", folder + key)


@pytest.mark.parametrize(
    "bucket, key",
    [
        (DEFAULT_BUCKET, "parallelcluster/3.16.1/clusters/hpc-x1y2/configs/cluster-config.yaml"),
        (DEFAULT_BUCKET, "parallelcluster/3.16.1/images/hpc-base-x1y2/assets/image-config.yaml"),
        (DEFAULT_BUCKET, "parallelcluster/3.16.1/images/hpc-base-x1y2/configs/image-config.yaml.secret"),
        ("ours", "parallelcluster/3.16.1/images/hpc-base-x1y2/configs/image-config.yaml"),
    ],
)
def test_the_policy_opens_no_other_file_and_no_other_bucket(bucket, key):
    assert not opens(FILES[1][0], bucket, key)


def test_the_program_asks_s3_for_no_key_that_is_made_elsewhere():
    """A key of another kind would be refused by the narrow policy, as `check` would be for its own."""
    aws = [text for path, text in SOURCES.items() if path.parts[0] == "aws" and "tests" not in path.parts]
    asked = re.findall(r"_object\(\)\.bucket\([^)]*\)\.key\(([^;]*?)\)[.;]", "".join(aws))
    assert sorted(asked) == ["&object.key", 'config_key(&format!("parallelcluster/{NOBODYS}"))']
    assert sum(text.count("_object()") for text in aws) == len(asked)


def blocks(path):
    """The JSON documents of a text that are policies."""
    texts = re.findall(r"```json\n(.*?)```", path.read_text(), re.S)
    return [json.loads(text) for text in texts if '"Statement"' in text]


def test_the_policy_in_the_installation_is_the_one_that_the_chart_renders():
    [policy] = blocks(ROOT / "docs/installation.md")
    told = [(one["Action"], one["Resource"]) for one in policy["Statement"]]
    listed = [(action, resource if isinstance(resource, str) else resource[0]) for action, resource in READS + [BUCKETS, FILES]]
    assert told == listed


def test_the_trust_policy_for_pod_identity_names_the_account_and_the_cluster():
    for path in (ROOT / "README.md", CHART / "README.md"):
        text = re.sub(r"\s+", " ", path.read_text())
        [trust] = re.findall(r'\{ ?"Version": "2012-10-17", "Statement": \[\{ "Effect": "Allow", "Principal": \{"Service": "pods.*?\}\] ?\}', text)
        [statement] = json.loads(trust)["Statement"]
        assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        cluster = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        account = statement["Condition"]["StringEquals"]["aws:SourceAccount"]
        assert re.fullmatch(rf"arn:aws:eks:[a-z0-9-]+:{account}:cluster/[A-Z]+", cluster)
