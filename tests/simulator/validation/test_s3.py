"""Buckets, objects and presigned URLs, read with boto3 and with plain HTTP."""

import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, OTHER_ACCOUNT, REGION

BUCKET = {"name": "bucket-1", "objects": [{"key": "dir/configs/image-config.yaml", "body": "Build: {}", "content_type": "text/yaml"}]}


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["ResponseMetadata"]["HTTPHeaders"]


def fetched(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_bucket_and_its_region_are_returned(simulator):
    simulator.load(buckets=[BUCKET, {"name": "bucket-us", "region": "us-east-1"}])
    s3 = simulator.client("s3")
    assert s3.head_bucket(Bucket="bucket-1")["BucketRegion"] == REGION
    assert s3.head_bucket(Bucket="bucket-1", ExpectedBucketOwner=ACCOUNT)
    assert s3.get_bucket_location(Bucket="bucket-1")["LocationConstraint"] == REGION
    assert s3.get_bucket_location(Bucket="bucket-us").get("LocationConstraint") is None


def test_a_bucket_without_access_gives_the_right_error(simulator):
    simulator.load(buckets=[BUCKET, {"name": "denied", "denied": True}, {"name": "far", "region": "us-west-2"}])
    head = simulator.client("s3").head_bucket
    assert refused(head, Bucket="none")[:2] == (404, "404")
    status, code, headers = refused(head, Bucket="denied")
    assert (status, code, headers["x-amz-bucket-region"]) == (403, "403", REGION)
    assert refused(head, Bucket="bucket-1", ExpectedBucketOwner=OTHER_ACCOUNT)[:2] == (403, "403")
    stranger = simulator.client("s3", key=f"AKIA{OTHER_ACCOUNT}X")
    assert refused(stranger.head_bucket, Bucket="bucket-1")[:2] == (403, "403")
    assert refused(stranger.get_object, Bucket="bucket-1", Key="x")[:2] == (403, "AccessDenied")


def test_another_regions_bucket_redirects(simulator):
    simulator.load(buckets=[{"name": "far", "region": "us-west-2"}])
    assert fetched_raw(simulator, "HEAD", "/far") == (301, "us-west-2", "")


def fetched_raw(simulator, method, path):
    import http.client

    connection = http.client.HTTPConnection(simulator.endpoint.removeprefix("http://"))
    scope = f"AWS4-HMAC-SHA256 Credential=AKIA{ACCOUNT}X/20250101/{REGION}/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection.request(method, path, headers={"Authorization": scope})
    reply = connection.getresponse()
    return reply.status, reply.getheader("x-amz-bucket-region"), reply.read().decode()


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_objects_are_written_and_read(simulator, style):
    simulator.load(buckets=[BUCKET])
    s3 = simulator.client("s3", s3={"addressing_style": style})
    s3.put_object(Bucket="bucket-1", Key="a b/ü.txt", Body="text".encode())
    got = s3.get_object(Bucket="bucket-1", Key="a b/ü.txt")
    assert got["Body"].read() == b"text"
    assert s3.head_object(Bucket="bucket-1", Key="a b/ü.txt")["ContentLength"] == 4
    assert refused(s3.head_object, Bucket="bucket-1", Key="none")[:2] == (404, "404")
    assert refused(s3.get_object, Bucket="bucket-1", Key="none")[:2] == (404, "NoSuchKey")
    assert refused(s3.get_object, Bucket="none", Key="none")[:2] == (404, "NoSuchBucket")
    assert simulator.calls()["writes"] == 1


def test_virtual_host_addressing_reads_the_bucket_from_the_host(simulator):
    simulator.load(buckets=[BUCKET])
    url = simulator.client("s3", signature_version="s3v4").generate_presigned_url(
        "get_object", Params={"Bucket": "bucket-1", "Key": "dir/configs/image-config.yaml"}
    )
    moved = url.replace("/bucket-1/", "/", 1)
    assert fetched(moved, Host="bucket-1.localhost:4566") == (200, "Build: {}")


def test_a_bucket_is_created_and_configured(simulator):
    s3 = simulator.client("s3")
    s3.create_bucket(Bucket="new-1", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="new-1", VersioningConfiguration={"Status": "Enabled"})
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    s3.put_bucket_encryption(Bucket="new-1", ServerSideEncryptionConfiguration={"Rules": rules})
    s3.put_bucket_policy(Bucket="new-1", Policy="{}")
    assert s3.get_bucket_versioning(Bucket="new-1")["Status"] == "Enabled"
    assert simulator.client("s3", region="us-east-1").create_bucket(Bucket="new-2")
    again = {"Bucket": "new-1", "CreateBucketConfiguration": {"LocationConstraint": REGION}}
    assert refused(s3.create_bucket, **again)[:2] == (409, "BucketAlreadyOwnedByYou")
    assert refused(simulator.client("s3", key=f"AKIA{OTHER_ACCOUNT}X").create_bucket, **again)[:2] == (409, "BucketAlreadyExists")
    new = {bucket["name"]: bucket for bucket in simulator.ask("GET", "world")["buckets"]}
    assert (new["new-1"]["region"], new["new-2"]["region"]) == (REGION, "us-east-1")
    assert (new["new-1"]["versioning"], new["new-1"]["policy"]) == ("Enabled", "{}")
    assert "AES256" in new["new-1"]["encryption"]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_works_until_it_expires(simulator, version):
    simulator.load(buckets=[BUCKET])
    s3 = simulator.client("s3", signature_version=version)

    def presigned(key):
        return s3.generate_presigned_url("get_object", Params={"Bucket": "bucket-1", "Key": key}, ExpiresIn=3600)

    good = presigned("dir/configs/image-config.yaml")
    assert fetched(good) == (200, "Build: {}")
    status, body = fetched(presigned("none"))
    assert status == 404 and "<Code>NoSuchKey</Code>" in body
    simulator.ask("PUT", "clock", {"advance": 3590})
    assert fetched(good)[0] == 200
    simulator.ask("PUT", "clock", {"advance": 20})
    status, body = fetched(good)
    assert status == 403 and "Request has expired" in body


def test_a_presigned_url_of_the_wrong_region_does_not_work(simulator):
    simulator.load(buckets=[{**BUCKET, "region": "us-west-2"}])
    url = simulator.client("s3", signature_version="s3v4").generate_presigned_url(
        "get_object", Params={"Bucket": "bucket-1", "Key": "dir/configs/image-config.yaml"}
    )
    status, body = fetched(url)
    assert status == 400 and "<Region>us-west-2</Region>" in body
