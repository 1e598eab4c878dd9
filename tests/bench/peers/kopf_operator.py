"""A simple CustomImage operator with kopf. It calls the official library per object, at creation and by a timer."""

import json
import os
from datetime import datetime, timezone

import kopf
from pcluster.api.controllers.image_operations_controller import describe_image
from pcluster.api.encoder import JSONEncoder
from pcluster.api.errors import NotFoundException
from pcluster.aws.aws_api import AWSApi
from pcluster.aws.common import Cache

INTERVAL = float(os.environ.get("INTERVAL", "60"))
KIND = ("parallelcluster.dev", "v1", "customimages")


@kopf.on.startup()
def make_clients(**_):
    """Creates boto3's clients here, because handlers run in threads, which may use clients but not create them."""
    api = AWSApi.instance()
    for client in ("ec2", "cfn", "imagebuilder", "s3", "sts"):
        getattr(api, client)


@kopf.on.create(*KIND)
@kopf.on.resume(*KIND)
@kopf.timer(*KIND, interval=INTERVAL, initial_delay=INTERVAL)
def mirror(spec, status, patch, **_):
    Cache.clear_all()  # as the library's own server does before each request
    try:
        answer = describe_image(image_id=spec["imageId"], region=spec["region"])
    except NotFoundException as error:
        patch.status["conditions"] = conditions(status, "False", "NotFound", error.content.message)
        return
    patch.status.update(json.loads(json.dumps(answer, cls=JSONEncoder)))
    is_there = patch.status["imageBuildStatus"] == "BUILD_COMPLETE"
    patch.status["conditions"] = conditions(status, str(is_there), "ImageAvailable" if is_there else "ImageNotAvailable", "")


def conditions(status, verdict, reason, message):
    """The condition Ready. Its lastTransitionTime changes only with its status."""
    before = next(iter(status.get("conditions", [])), {})
    since = before["lastTransitionTime"] if before.get("status") == verdict else datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [{"type": "Ready", "status": verdict, "reason": reason, "message": message, "lastTransitionTime": since}]
