"""GetLogEvents, DescribeLogStreams and DescribeLogGroups, called with boto3."""

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, OTHER_ACCOUNT, REGION

NAME = "/aws/imagebuilder/ParallelClusterImage-img"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{NAME}"
EVENTS = [{"timestamp": 1740830400000 + n, "message": f"line {n}\n<&> \u00fc"} for n in range(5)]
STREAM = {"logGroupName": NAME, "logStreamName": "3.16.1/1"}


@pytest.fixture
def logs(simulator):
    group = {"name": NAME, "streams": [{"name": "3.16.1/1", "events": EVENTS}, {"name": "3.16.1/2"}]}
    simulator.load(log_groups=[group, {"name": NAME + "-2", "region": "us-west-2"}])
    return simulator.client("logs")


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_pages_forward_end_where_the_token_repeats(logs):
    read, token = [], {}
    while True:
        page = logs.get_log_events(**STREAM, startFromHead=True, limit=2, **token)
        read += page["events"]
        if token == {"nextToken": page["nextForwardToken"]}:
            break
        token = {"nextToken": page["nextForwardToken"]}
    assert [(event["timestamp"], event["message"]) for event in read] == [(event["timestamp"], event["message"]) for event in EVENTS]
    assert read[0]["ingestionTime"] == read[0]["timestamp"]


def test_the_last_events_come_first_and_pages_go_backward(logs):
    page = logs.get_log_events(**STREAM, limit=2)
    assert [event["message"][:6] for event in page["events"]] == ["line 3", "line 4"]
    page = logs.get_log_events(**STREAM, limit=9, nextToken=page["nextBackwardToken"])
    assert [event["message"][:6] for event in page["events"]] == ["line 0", "line 1", "line 2"]
    end = logs.get_log_events(**STREAM, nextToken=page["nextBackwardToken"])
    assert (end["events"], end["nextBackwardToken"]) == ([], page["nextBackwardToken"])


def test_a_time_range_includes_its_start_and_not_its_end(logs):
    page = logs.get_log_events(**STREAM, startTime=EVENTS[1]["timestamp"], endTime=EVENTS[3]["timestamp"])
    assert [event["message"][:6] for event in page["events"]] == ["line 1", "line 2"]


def test_streams_are_described(logs):
    first, second = logs.describe_log_streams(logGroupIdentifier=ARN + ":*")["logStreams"]
    assert (first["logStreamName"], first["arn"]) == ("3.16.1/1", f"{ARN}:log-stream:3.16.1/1")
    assert (first["firstEventTimestamp"], first["lastEventTimestamp"]) == (EVENTS[0]["timestamp"], EVENTS[4]["timestamp"])
    assert first["uploadSequenceToken"] and "firstEventTimestamp" not in second
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=NAME, PaginationConfig={"PageSize": 1})
    assert [[stream["logStreamName"] for stream in page["logStreams"]] for page in pages] == [["3.16.1/1"], ["3.16.1/2"]]


def test_groups_are_of_an_account_and_a_region(simulator, logs):
    named = lambda client: [group["logGroupName"] for group in client.describe_log_groups(logGroupNamePrefix=NAME)["logGroups"]]
    assert named(logs) == [NAME]
    assert named(simulator.client("logs", region="us-west-2")) == [NAME + "-2"]
    other = simulator.client("logs", key=f"AKIA{OTHER_ACCOUNT}X")
    assert named(other) == []
    code, message = refused(other.get_log_events, logGroupIdentifier=ARN, logStreamName="3.16.1/1")
    assert code == "AccessDeniedException" and f"is not authorized to perform: logs:GetLogEvents on resource: {ARN}" in message


def test_what_does_not_exist_is_told_in_awss_words(logs):
    code = "ResourceNotFoundException"
    assert refused(logs.get_log_events, **{**STREAM, "logGroupName": "x"}) == (code, "The specified log group does not exist.")
    assert refused(logs.describe_log_streams, logGroupName="x") == (code, "The specified log group does not exist.")
    assert refused(logs.get_log_events, **{**STREAM, "logStreamName": "x"}) == (code, "The specified log stream does not exist.")
    assert refused(logs.get_log_events, **STREAM, nextToken="x") == ("InvalidParameterException", "The specified nextToken is invalid.")
    assert refused(logs.get_log_events, **STREAM, limit=10001)[0] == "InvalidParameterException"
