"""GetCallerIdentity and AssumeRole, called with boto3."""

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, OTHER_ACCOUNT

ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/path/reader"


def test_get_caller_identity_returns_the_caller(simulator):
    identity = simulator.client("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/simulated")


def test_a_role_gives_credentials_of_its_account(simulator):
    simulator.load(images=[{"ami_id": "ami-1", "account": OTHER_ACCOUNT}])
    given = simulator.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me", DurationSeconds=900)
    assert given["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/reader/me"
    key, token = given["Credentials"]["AccessKeyId"], given["Credentials"]["SessionToken"]
    assert key.startswith("ASIA")
    assert simulator.client("sts", key=key, token=token).get_caller_identity()["Arn"].endswith("assumed-role/reader/me")
    assert len(simulator.client("ec2", key=key, token=token).describe_images(Owners=["self"])["Images"]) == 1
    simulator.ask("PUT", "clock", {"advance": 901})
    with pytest.raises(ClientError, match="RequestExpired"):
        simulator.client("ec2", key=key, token=token).describe_images()


def test_the_external_id_is_checked(simulator):
    simulator.load(roles=[{"arn": ROLE, "external_id": "ticket-7"}])
    sts = simulator.client("sts")
    assert sts.assume_role(RoleArn=ROLE, RoleSessionName="me", ExternalId="ticket-7")
    for wrong in ({}, {"ExternalId": "ticket-8"}):
        with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
            sts.assume_role(RoleArn=ROLE, RoleSessionName="me", **wrong)
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=ROLE + "2", RoleSessionName="me")


@pytest.mark.parametrize(
    "service, operation, key, code",
    [
        ("sts", "get_caller_identity", "ASIAEXPIRED", "ExpiredToken"),
        ("sts", "get_caller_identity", "AKIAINVALID", "InvalidClientTokenId"),
        ("cloudformation", "describe_stacks", "ASIAEXPIRED", "ExpiredToken"),
        ("cloudformation", "describe_stacks", "AKIAINVALID", "InvalidClientTokenId"),
        ("ec2", "describe_images", "ASIAEXPIRED", "RequestExpired"),
        ("ec2", "describe_images", "AKIAINVALID", "AuthFailure"),
    ],
)
def test_invalid_credentials_give_each_services_own_error(simulator, service, operation, key, code):
    with pytest.raises(ClientError) as error:
        getattr(simulator.client(service, key=key), operation)()
    assert error.value.response["Error"]["Code"] == code
