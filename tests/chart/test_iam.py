"""The IAM policies, statement by statement."""

import json

import pytest
from helm import only, render

IMAGES = ("ec2:DescribeImages", "*")
STACKS = (["cloudformation:DescribeStacks", "cloudformation:DescribeStackResource"], "arn:aws:cloudformation:*:*:stack/*")
ALL_STACKS = ("cloudformation:ListStacks", "*")
BUILDS = ("imagebuilder:GetImage", "arn:aws:imagebuilder:*:*:image/parallelclusterimage-*")
BUCKETS = ("s3:ListBucket", ["arn:aws:s3:::parallelcluster-*"])
FILES = ("s3:GetObject", ["arn:aws:s3:::parallelcluster-*/*"])
OURS = [("s3:ListBucket", BUCKETS[1] + ["arn:aws:s3:::ours"]), ("s3:GetObject", FILES[1] + ["arn:aws:s3:::ours/*"])]
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
    ids=["default", "presigned", "another partition", "a bucket of our own", "not presigned", "default named", "an identity for nobody", "identities", "default for nobody", "the same role under another name", "Pod Identity", "Pod Identity alone"],
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
