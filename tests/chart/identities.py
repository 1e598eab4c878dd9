"""Identities that the operator takes, and those that it refuses."""

from forms import ROLE

GOOD = {"name": "research", "roleArn": ROLE, "namespaces": ["hpc"]}


def without(thing, *keys):
    return {key: value for key, value in thing.items() if key not in keys}


def selecting(requirement):
    return {**without(GOOD, "namespaces"), "namespaceSelector": {"matchExpressions": [requirement]}}


IDENTITIES = [
    GOOD,
    without(GOOD, "roleArn"),
    {**GOOD, "namespaces": []},
    selecting({"key": "a", "operator": "Exists"}),
    selecting({"key": "a", "operator": "NotIn", "values": ["b"]}),
    {**without(GOOD, "namespaces"), "namespaceSelector": {}},
    {**GOOD, "externalId": "x" * 1224, "sessionName": "a+=,.@-_9", "regions": ["eu-west-1", "us-gov-west-1", "eusc-de-east-1"]},
    {**GOOD, "roleArn": "arn:aws-us-gov:iam::222233334444:role/a/path/to+=,.@-_role"},
    {"name": "default"},
    {"name": "default", "regions": ["eu-west-1"], "namespaces": []},
    {"name": "default", "namespaceSelector": {"matchLabels": {"a": "b"}}},
]

REFUSED = [
    {},
    {**GOOD, "name": "Research"},
    {**GOOD, "name": "a" * 64},
    {**GOOD, "roleArn": "arn:aws:iam::2222:role/reader"},
    {**GOOD, "externalId": "x"},
    {**GOOD, "externalId": "x" * 1225},
    {**GOOD, "externalId": "with space"},
    {**GOOD, "sessionName": "a/b"},
    {**GOOD, "sessionName": "x" * 65},
    {**GOOD, "regions": ["Ireland"]},
    {**GOOD, "namespaces": "hpc"},
    {**GOOD, "namespaceSelector": {"matchLabels": {"a": "b"}}},
    selecting({"key": "a", "operator": "Is"}),
    selecting({"key": "a", "operator": "In"}),
    selecting({"key": "a", "operator": "NotIn", "values": []}),
    selecting({"key": "a", "operator": "Exists", "values": ["b"]}),
    without(GOOD, "namespaces"),
    {**without(GOOD, "roleArn"), "externalId": "abc"},
    {**without(GOOD, "roleArn"), "sessionName": "abc"},
    {**GOOD, "name": "default"},
    {"name": "default", "externalId": "abc"},
    {"name": "default", "namespaces": ["hpc"], "namespaceSelector": {"matchLabels": {"a": "b"}}},
]
