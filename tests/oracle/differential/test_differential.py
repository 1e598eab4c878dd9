"""The official program and `describe` give the same answers for random worlds.

Both run against the same simulator. The official program runs in this process, because each start takes a second.
AWS_SIMULATOR and CUSTOMIMAGE_OPERATOR must name the programs. DIFFERENTIAL_SEED and DIFFERENTIAL_WORLDS choose other
worlds than the fifty of the default.
"""

import json
import logging
import os
import random
import subprocess
import urllib.request

import pytest
import worlds

SEED = int(os.environ.get("DIFFERENTIAL_SEED", "1"))
WORLDS = int(os.environ.get("DIFFERENTIAL_WORLDS", "50"))

# Errors of the reference for which `describe` gives another answer on purpose.
NO_FOLDER = "No artifact directory found"
NO_STACK = ("Unable to get S3 bucket name from image", "Unable to get artifact directory from image")


@pytest.fixture(scope="module")
def endpoint():
    program = subprocess.Popen([os.environ["AWS_SIMULATOR"]], stdout=subprocess.PIPE, text=True)
    try:
        yield program.stdout.readline().strip().removeprefix("listening on ")
    finally:
        program.terminate()
        program.wait()


@pytest.fixture(scope="module")
def environment(endpoint):
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIA111122223333EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        # Keeps the official program from fetching its list of regions.
        "https_proxy": "http://127.0.0.1:9",
    }


@pytest.fixture(scope="module")
def reference(environment):
    os.environ.update(environment)
    import boto3
    import pcluster.cli.model
    from pcluster.aws.aws_api import AWSApi
    from pcluster.aws.common import Cache
    from pcluster.cli import entrypoint
    from pcluster.cli.exceptions import APIOperationException

    logging.disable(logging.CRITICAL)
    model = pcluster.cli.model.load_model(pcluster.cli.model.package_spec())

    def describe(image_id):
        AWSApi.reset()
        Cache.clear_all()
        boto3.DEFAULT_SESSION = None
        try:
            return entrypoint.run(["describe-image", "--image-id", image_id, "--region", worlds.REGION], model)
        except APIOperationException as error:
            return error.data

    return describe


@pytest.fixture(scope="module")
def ours(environment):
    def describe(image_id):
        command = [os.environ["CUSTOMIMAGE_OPERATOR"], "describe", "-i", image_id, "-r", worlds.REGION]
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert done.returncode in (0, 1, 3, 4, 5, 6), done.stderr
        return json.loads(done.stdout)

    return describe


def without_signature(body):
    body = json.loads(json.dumps(body))
    if "imageConfiguration" in body:
        body["imageConfiguration"]["url"] = body["imageConfiguration"]["url"].split("?")[0]
    return body


def differ_on_purpose(ours, reference):
    message = reference.get("message", "")
    if message.startswith(NO_FOLDER) and "ec2AmiInfo" not in ours:
        return ours.get("message", "").startswith("No image or stack associated")
    if message.startswith((NO_FOLDER, *NO_STACK)):
        return ours["imageConfiguration"]["url"] == "NOT_AVAILABLE"
    return False


def test_describe_gives_the_answers_of_the_official_program(endpoint, reference, ours):
    chance = random.Random(SEED)
    for number in range(WORLDS):
        image_id = chance.choice(worlds.IDS)
        world = worlds.world(chance, image_id)
        request = urllib.request.Request(f"{endpoint}/_simulator/world", json.dumps(world).encode(), method="PUT")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
        # Ours first, because the official program may change the world.
        our_answer, their_answer = without_signature(ours(image_id)), without_signature(reference(image_id))
        if our_answer != their_answer and not differ_on_purpose(our_answer, their_answer):
            pytest.fail(f"seed {SEED}, world {number}: {json.dumps(world)}\nours {our_answer}\nreference {their_answer}")
