"""Random worlds of the simulated AWS: unusual texts, dates, tags and statuses, in random combinations."""

REGION = "eu-west-1"
ACCOUNT = "111122223333"
DEFAULT_BUCKET = "parallelcluster-411a5d24c67e2adf-v1-do-not-delete"
BUILD = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/parallelclusterimage-x/3.16.1/1"

IDS = ["a1", "hpc-x", "A-b-9", "z" * 127, "Q-"]
TEXTS = ["", "x", "é ü", "<a&b>\"'", " lead", "line\nbreak", "t\tab", "0", "null"]
AMI_STATES = ["available", "pending", "failed", "x-y", "Available"]
AMI_DATES = [
    "2024-02-29T23:59:59.999Z",
    "2024-01-01T00:00:00Z",
    "2024-01-01T00:00:00.5Z",
    "2024-01-01T00:00:00.123456Z",
    "2024-06-01T12:00:00+05:30",
    "2024-06-01T12:00:00.000-0800",
    "2024-06-01 12:00:00",
    "2024-06-01",
    "2024-06-01T12:00Z",
    "2024-06-01T12:00:00.000000001Z",
]
STACK_STATUSES = [
    "CREATE_IN_PROGRESS", "CREATE_FAILED", "CREATE_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS",
    "DELETE_FAILED", "DELETE_COMPLETE", "UPDATE_FAILED", "IMPORT_COMPLETE", "NEW_ONE",
]  # fmt: skip
BUILD_STATUSES = ["PENDING", "BUILDING", "AVAILABLE", "FAILED", "ODD"]
TAG_VALUES = {
    "parallelcluster:version": ["3.16.1", "", "x"],
    "parallelcluster:s3_bucket": ["b1", "b1", "", "gone", "denied", DEFAULT_BUCKET],
    "parallelcluster:s3_image_dir": ["d/e", "d é", "", "a//b/", "a+b c"],
    "parallelcluster:build_log": ["arn:l", ""],
    "other": TEXTS,
}


def world(random, image_id):
    """One AWS with at most one AMI, one stack and one image build of `image_id`."""
    marker = {"key": "parallelcluster/.bootstrapped", "body": '{"bootstrapped_features": ["basic", "export-logs"]}'}
    made = {
        "defaults": {"region": REGION, "account": ACCOUNT},
        "buckets": [
            {"name": "b1", "region": REGION},
            {"name": "denied", "region": REGION, "denied": True},
            {"name": DEFAULT_BUCKET, "region": REGION, "account": ACCOUNT, "objects": [marker]},
        ],
    }
    if random.random() < 0.5:
        made["images"] = [_image(random, image_id)]
    if random.random() < 0.6:
        made["stacks"] = [_stack(random, image_id)]
        if random.random() < 0.7:
            build = {"arn": BUILD, "status": _maybe(random, BUILD_STATUSES), "reason": _maybe(random, TEXTS)}
            made["image_build_versions"] = [build]
    return made


def _image(random, image_id):
    own = [["parallelcluster:image_id", image_id], ["parallelcluster:build_status", "available"]]
    return {
        "ami_id": "ami-0123456789abcdef0",
        "name": _maybe(random, TEXTS),
        "description": _maybe(random, TEXTS),
        "state": random.choice(AMI_STATES),
        "architecture": _maybe(random, ["x86_64", "arm64", "riscv"]),
        "creation_date": random.choice(AMI_DATES),
        "tags": _tags(random, own),
    }


def _stack(random, image_id):
    physical_ids = [None, BUILD, BUILD, "not-an-arn", ""]
    resources = [{"physical_id": random.choice(physical_ids)}]
    return {
        "name": image_id,
        "status": random.choice(STACK_STATUSES),
        "status_reason": _maybe(random, TEXTS),
        "creation_time": random.choice(AMI_DATES[:3]),
        "tags": _tags(random, []),
        "resources": random.choice([resources, []]),
    }


def _tags(random, own):
    found = [[key, random.choice(values)] for key, values in TAG_VALUES.items() if random.random() < 0.75]
    tags = own + found
    random.shuffle(tags)
    return tags


def _maybe(random, values):
    return None if random.random() < 0.25 else random.choice(values)
