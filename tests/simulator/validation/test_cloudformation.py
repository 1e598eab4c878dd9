"""DescribeStacks, DescribeStackResource and DescribeStackEvents, called with boto3."""

from datetime import datetime, timezone

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION

LIVE = {
    "name": "img",
    "status": "CREATE_FAILED",
    "status_reason": "because <it> failed & \"so\"",
    "creation_time": "2024-05-06T07:08:09.123Z",
    "tags": [["parallelcluster:version", "3.16.1"], ["z", "last"], ["a", "first"]],
    "capabilities": ["CAPABILITY_NAMED_IAM"],
    "parameters": [["Key", "Value"]],
    "outputs": [["Out", "put"]],
    "resources": [{"physical_id": "arn:aws:imagebuilder:eu-west-1:111122223333:image/parallelclusterimage-img/3.16.1/1"}],
}


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_stack_is_described_with_all_fields(simulator):
    simulator.load(stacks=[LIVE])
    (stack,) = simulator.client("cloudformation").describe_stacks(StackName="img")["Stacks"]
    assert stack["StackId"].startswith(f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/img/")
    assert (stack["StackName"], stack["StackStatus"]) == ("img", "CREATE_FAILED")
    assert stack["StackStatusReason"] == 'because <it> failed & "so"'
    assert stack["CreationTime"] == datetime(2024, 5, 6, 7, 8, 9, 123000, timezone.utc)
    assert [tag["Key"] for tag in stack["Tags"]] == ["parallelcluster:version", "z", "a"]
    assert stack["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert stack["Parameters"] == [{"ParameterKey": "Key", "ParameterValue": "Value"}]
    assert stack["Outputs"] == [{"OutputKey": "Out", "OutputValue": "put"}]
    assert stack["DisableRollback"] is False


def test_an_empty_reason_is_returned_and_an_absent_one_is_not(simulator):
    simulator.load(stacks=[{"name": "empty", "status_reason": ""}, {"name": "absent", "status": "NEW_STATUS"}])
    cloudformation = simulator.client("cloudformation")
    assert cloudformation.describe_stacks(StackName="empty")["Stacks"][0]["StackStatusReason"] == ""
    absent = cloudformation.describe_stacks(StackName="absent")["Stacks"][0]
    assert "StackStatusReason" not in absent
    assert (absent["StackStatus"], absent["Tags"]) == ("NEW_STATUS", [])


def test_a_deleted_stack_is_found_only_by_its_arn(simulator):
    arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/gone/0a"
    simulator.load(stacks=[{"name": "gone", "id": arn, "status": "DELETE_COMPLETE", "deletion_time": "2025-01-01T00:00:00Z"}])
    cloudformation = simulator.client("cloudformation")
    assert cloudformation.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    assert refused(cloudformation.describe_stacks, StackName="gone") == (
        "ValidationError",
        "Stack with id gone does not exist",
    )
    assert cloudformation.describe_stacks()["Stacks"] == []


@pytest.mark.parametrize("name, words", [("a" * 129, "length less than or equal to 128"), ("a_b", "regular expression")])
def test_an_invalid_name_is_refused_with_the_constraint(simulator, name, words):
    code, message = refused(simulator.client("cloudformation").describe_stacks, StackName=name)
    assert code == "ValidationError"
    assert message.startswith("1 validation error detected: Value '") and words in message


def test_all_stacks_come_in_pages(simulator):
    simulator.load(stacks=[{"name": f"s{n}"} for n in range(25)], answers={"stack_page_size": 10})
    pages = list(simulator.client("cloudformation").get_paginator("describe_stacks").paginate())
    assert [len(page["Stacks"]) for page in pages] == [10, 10, 5]


def test_a_stack_resource_is_described(simulator):
    simulator.load(stacks=[LIVE, {"name": "young", "resources": [{"logical_id": "ParallelClusterImage"}]}])
    ask = simulator.client("cloudformation").describe_stack_resource
    detail = ask(StackName="img", LogicalResourceId="ParallelClusterImage")["StackResourceDetail"]
    assert detail["PhysicalResourceId"] == LIVE["resources"][0]["physical_id"]
    assert (detail["ResourceType"], detail["StackName"]) == ("AWS::ImageBuilder::Image", "img")
    young = ask(StackName="young", LogicalResourceId="ParallelClusterImage")["StackResourceDetail"]
    assert "PhysicalResourceId" not in young
    assert refused(ask, StackName="img", LogicalResourceId="X") == (
        "ValidationError",
        "Resource X does not exist for stack img",
    )
    assert refused(ask, StackName="none", LogicalResourceId="X") == ("ValidationError", "Stack 'none' does not exist")


def test_stack_events_come_newest_first_in_pages(simulator):
    events = [{"status": "CREATE_IN_PROGRESS"}, {"status": "CREATE_FAILED", "status_reason": "it <failed>", "properties": "{}",
               "client_request_token": "token-1", "timestamp": "2024-05-06T07:08:09.123Z", "physical_id": "arn:image"}]
    simulator.load(stacks=[{"name": "img", "events": events * 3}], answers={"stack_event_page_size": 4})
    cloudformation = simulator.client("cloudformation")
    pages = list(cloudformation.get_paginator("describe_stack_events").paginate(StackName="img"))
    assert [len(page["StackEvents"]) for page in pages] == [4, 2]
    newest, before = pages[0]["StackEvents"][:2]
    assert newest["StackId"] == cloudformation.describe_stacks(StackName="img")["Stacks"][0]["StackId"]
    assert (newest["StackName"], newest["LogicalResourceId"], newest["PhysicalResourceId"]) == ("img", "ParallelClusterImage", "arn:image")
    assert (newest["ResourceType"], newest["ResourceStatus"]) == ("AWS::ImageBuilder::Image", "CREATE_FAILED")
    assert (newest["ResourceStatusReason"], newest["ResourceProperties"]) == ("it <failed>", "{}")
    assert (newest["ClientRequestToken"], newest["Timestamp"]) == ("token-1", datetime(2024, 5, 6, 7, 8, 9, 123000, timezone.utc))
    assert newest["EventId"] == "ParallelClusterImage-CREATE_FAILED-2024-05-06T07:08:09.123Z"
    assert before["PhysicalResourceId"] == "" and "ResourceStatusReason" not in before
    assert refused(cloudformation.describe_stack_events, StackName="none") == ("ValidationError", "Stack [none] does not exist")


def test_the_events_of_a_deleted_stack_are_found_by_its_arn_for_90_days(simulator):
    arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/gone/0a"
    gone = {"name": "gone", "id": arn, "status": "DELETE_COMPLETE", "deletion_time": "2025-01-01T00:00:00Z", "events": [{}]}
    simulator.load(stacks=[gone], clock={"mode": "manual", "start": "2025-03-31T00:00:00Z"})
    ask = simulator.client("cloudformation").describe_stack_events
    assert len(ask(StackName=arn)["StackEvents"]) == 1
    assert refused(ask, StackName="gone") == ("ValidationError", "Stack [gone] does not exist")
    simulator.ask("PUT", "clock", {"set": "2025-04-02T00:00:00Z"})
    assert refused(ask, StackName=arn) == ("ValidationError", f"Stack [{arn}] does not exist")
