"""GetImage, called with boto3."""

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION

ARN = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/parallelclusterimage-img/3.16.1/1"
CONTEXT = {
    "failedStep": "step-1",
    "componentFailure": {"componentArn": "arn:c", "phase": "build", "step": "Install", "action": "ExecuteBash", "message": "1"},
}


def test_an_image_build_version_is_described_with_all_fields(simulator):
    version = {
        "arn": ARN,
        "status": "FAILED",
        "reason": "it <failed>",
        "failure_context": CONTEXT,
        "version": "3.16.1/1",
        "amis": [{"ami_id": "ami-1", "region": REGION, "account": ACCOUNT}],
        "extra": {"buildType": "USER_INITIATED"},
    }
    simulator.load(image_build_versions=[version])
    image = simulator.client("imagebuilder").get_image(imageBuildVersionArn=ARN)["image"]
    assert (image["arn"], image["version"], image["buildType"]) == (ARN, "3.16.1/1", "USER_INITIATED")
    assert (image["state"]["status"], image["state"]["reason"]) == ("FAILED", "it <failed>")
    assert image["state"]["failureContext"]["failedStep"] == "step-1"
    assert image["outputResources"]["amis"] == [{"image": "ami-1", "region": REGION, "accountId": ACCOUNT}]


def test_without_a_status_the_state_is_left_out(simulator):
    simulator.load(image_build_versions=[{"arn": ARN, "status": None}])
    assert "state" not in simulator.client("imagebuilder").get_image(imageBuildVersionArn=ARN)["image"]


@pytest.mark.parametrize(
    "key, arn, status, code",
    [
        ("AKIA111122223333EXAMPLE", ARN, 404, "ResourceNotFoundException"),
        ("AKIA111122223333EXAMPLE", "arn:nonsense", 400, "InvalidParameterValueException"),
        ("ASIAEXPIRED", ARN, 403, "ExpiredTokenException"),
        ("AKIAINVALID", ARN, 403, "UnrecognizedClientException"),
    ],
)
def test_errors_have_image_builders_codes(simulator, key, arn, status, code):
    with pytest.raises(ClientError) as error:
        simulator.client("imagebuilder", key=key).get_image(imageBuildVersionArn=arn)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["Error"]["Message"]
