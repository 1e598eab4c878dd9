"""DescribeImages, called with boto3."""

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, OTHER_ACCOUNT, REGION


def ids(reply):
    return [image["ImageId"] for image in reply["Images"]]


def code(error):
    return error.value.response["Error"]["Code"]


def tagged(ami_id, image_id, **more):
    tags = [["parallelcluster:image_id", image_id], ["parallelcluster:build_status", "available"]]
    return {"ami_id": ami_id, "tags": tags, **more}


def test_every_field_is_returned_and_an_absent_one_is_not(simulator):
    simulator.load(
        images=[
            {
                "ami_id": "ami-0001",
                "name": "a <name> & \"more\"",
                "description": "",
                "creation_date": "2021-04-12T10:00:00.987Z",
                "architecture": "arm64",
                "state_reason": {"code": "Client.X", "message": "why"},
                "block_devices": [{"device_name": "/dev/xvda", "snapshot_id": "snap-1", "volume_size": 35}],
                "tags": [{"key": "b", "value": ""}, ["a", "ü"]],
            },
            {"ami_id": "ami-0002", "architecture": None, "creation_date": None, "state": "quite-new"},
        ]
    )
    first, second = simulator.client("ec2").describe_images(Owners=["self"])["Images"]
    assert first["Name"] == 'a <name> & "more"'
    assert first["Description"] == ""
    assert first["CreationDate"] == "2021-04-12T10:00:00.987Z"
    assert (first["Architecture"], first["State"], first["OwnerId"]) == ("arm64", "available", ACCOUNT)
    assert first["StateReason"] == {"Code": "Client.X", "Message": "why"}
    assert first["BlockDeviceMappings"][0]["Ebs"] == {"SnapshotId": "snap-1", "VolumeSize": 35}
    assert first["Tags"] == [{"Key": "b", "Value": ""}, {"Key": "a", "Value": "ü"}]
    assert (first["Public"], first["EnaSupport"], first["ImageType"]) == (False, True, "machine")
    assert second["State"] == "quite-new"
    assert not {"Name", "Description", "Architecture", "CreationDate", "Tags", "StateReason"} & second.keys()


def test_filters_owners_and_ids_select(simulator):
    simulator.load(
        images=[
            tagged("ami-0001", "one"),
            tagged("ami-0002", "two", name="build-2"),
            {"ami_id": "ami-0003", "tags": [["parallelcluster:image_id", "one"]]},
            tagged("ami-0004", "one", account=OTHER_ACCOUNT),
            tagged("ami-0005", "one", region="us-west-2"),
            tagged("ami-0006", "one", state="disabled"),
            {"ami_id": "ami-0007", "account": OTHER_ACCOUNT, "is_public": True, "owner_alias": "amazon"},
        ]
    )
    ec2 = simulator.client("ec2")

    def found(owners=("self",), **arguments):
        filters = [{"Name": name, "Values": values} for name, values in arguments.pop("where", {}).items()]
        return ids(ec2.describe_images(Owners=list(owners), Filters=filters, **arguments))

    available = {"tag:parallelcluster:build_status": ["available"]}
    assert found(where={"tag:parallelcluster:image_id": ["one"], **available}) == ["ami-0001"]
    assert found(where={"tag:parallelcluster:image_id": ["one", "two"], **available}) == ["ami-0001", "ami-0002"]
    assert found(where={"tag:parallelcluster:image_id": ["o*"]}) == ["ami-0001", "ami-0003"]
    assert found(where={"tag:parallelcluster:image_id": ["?wo"]}) == ["ami-0002"]
    assert found(where={"tag-key": ["*build_status"]}) == ["ami-0001", "ami-0002"]
    assert found(where={"name": ["build-?"]}) == ["ami-0002"]
    assert found(where={"state": ["disabled"]}, IncludeDisabled=True) == ["ami-0006"]
    assert found(where={"state": ["disabled"]}) == []
    assert found(owners=["amazon"]) == ["ami-0007"]
    assert found(owners=[OTHER_ACCOUNT]) == ["ami-0007"]
    assert found(where={"is-public": ["true"]}, owners=[]) == ["ami-0007"]
    assert found(ImageIds=["ami-0002"]) == ["ami-0002"]


def test_accounts_and_regions_are_separate(simulator):
    simulator.load(
        images=[
            tagged("ami-0001", "one"),
            tagged("ami-0002", "one", account=OTHER_ACCOUNT),
            tagged("ami-0003", "one", region="cn-north-1"),
        ],
        credentials=[{"access_key": "AKIAMAPPED", "account": OTHER_ACCOUNT}],
    )
    assert ids(simulator.client("ec2").describe_images()) == ["ami-0001"]
    assert ids(simulator.client("ec2", key=f"AKIA{OTHER_ACCOUNT}EXAMPLE").describe_images()) == ["ami-0002"]
    assert ids(simulator.client("ec2", key="AKIAMAPPED").describe_images()) == ["ami-0002"]
    assert ids(simulator.client("ec2", region="cn-north-1").describe_images()) == ["ami-0003"]


@pytest.mark.parametrize("answers", [{"image_page_size": 7}, {"image_page_size": 7, "empty_pages": True}])
def test_pages_cover_all_images_once(simulator, answers):
    simulator.load(images=[{"ami_id": f"ami-{n:04x}"} for n in range(40)], answers={"shuffle": True, **answers})
    pages = list(simulator.client("ec2").get_paginator("describe_images").paginate(PaginationConfig={"PageSize": 500}))
    found = [ami for page in pages for ami in ids(page)]
    assert sorted(found) == [f"ami-{n:04x}" for n in range(40)] != found
    assert [len(page["Images"]) for page in pages][:2] == ([0, 7] if "empty_pages" in answers else [7, 7])


def test_max_results_bounds_a_page(simulator):
    simulator.load(images=[{"ami_id": f"ami-{n:04x}"} for n in range(12)])
    ec2 = simulator.client("ec2")
    first = ec2.describe_images(MaxResults=5)
    assert len(first["Images"]) == 5
    assert ids(ec2.describe_images(MaxResults=10, NextToken=first["NextToken"])) == [f"ami-{n:04x}" for n in range(5, 12)]
    for wrong in (1, 4, 1001):
        with pytest.raises(ClientError) as error:
            ec2.describe_images(MaxResults=wrong)
        assert code(error) == "InvalidParameterValue"


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ({"ImageIds": ["ami-0bad"]}, "InvalidAMIID.NotFound"),
        ({"ImageIds": ["image-1"]}, "InvalidAMIID.Malformed"),
        ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue"),
        ({"Filters": [{"Name": "name", "Values": [str(n) for n in range(201)]}]}, "FilterLimitExceeded"),
        ({"Filters": [{"Name": f"tag:{n}", "Values": ["x"]} for n in range(51)]}, "FilterLimitExceeded"),
        ({"NextToken": "nonsense"}, "InvalidParameterValue"),
    ],
)
def test_invalid_parameters_give_ec2s_errors(simulator, arguments, expected):
    with pytest.raises(ClientError) as error:
        simulator.client("ec2").describe_images(**arguments)
    assert code(error) == expected
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_200_values_are_allowed_and_counted(simulator):
    simulator.load(images=[tagged(f"ami-{n:04x}", f"image-{n}") for n in range(300)])
    values = [f"image-{n}" for n in range(200)]
    reply = simulator.client("ec2").describe_images(Filters=[{"Name": "tag:parallelcluster:image_id", "Values": values}])
    assert len(reply["Images"]) == 200
    assert simulator.calls()["max_filter_values"] == 200


def test_an_unknown_action_is_invalid(simulator):
    with pytest.raises(ClientError) as error:
        simulator.client("ec2").describe_instances()
    assert code(error) == "InvalidAction"
    with pytest.raises(ClientError):
        simulator.client("ec2").create_tags(Resources=["ami-1"], Tags=[{"Key": "k", "Value": "v"}])
    assert simulator.calls()["writes"] == 1


def test_calls_are_recorded(simulator):
    simulator.client("ec2", user_agent="validation/1").describe_images()
    call = simulator.calls()["calls"][0]
    assert (call["service"], call["operation"], call["region"], call["account"], call["status"]) == (
        "ec2", "DescribeImages", REGION, ACCOUNT, 200,
    )
    assert call["user_agent"].startswith("validation/1")
    assert simulator.calls()["writes"] == 0
