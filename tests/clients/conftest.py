"""The servers that clients read from. BIN has the built programs, and CLIENTS is the directory that tests/clients/install prints."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import cluster as in_cluster  # noqa: E402
import servers  # noqa: E402


@pytest.fixture(scope="session")
def aws():
    with servers.simulated_aws() as aws:
        yield aws


@pytest.fixture(scope="session")
def desk(aws, tmp_path_factory):
    with servers.desk(aws, tmp_path_factory.mktemp("desk")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(aws, tmp_path_factory):
    with in_cluster.cluster(aws, tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="session", params=["desk", "cluster"])
def server(request):
    """A server, by the name of how it is served: on a user's machine, and in a cluster to a caller who may read everything there."""
    served = request.getfixturevalue(request.param)
    return served if request.param == "desk" else served.as_account("reader")
