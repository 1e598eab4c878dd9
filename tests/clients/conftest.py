"""The servers that clients read from. BIN has the built programs, and CLIENTS is the directory that tests/clients/install prints."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from servers import desk, simulated_aws  # noqa: E402


@pytest.fixture(scope="session")
def aws():
    with simulated_aws() as aws:
        yield aws


@pytest.fixture(scope="session")
def server(aws, tmp_path_factory):
    """A server, by the name of how it is served. Each test of this folder runs against it."""
    with desk(aws, tmp_path_factory.mktemp("serve") / "log") as server:
        yield server
