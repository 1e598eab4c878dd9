"""One simulator process for all tests (AWS_SIMULATOR names the program), and boto3 clients for it."""

import json
import os
import subprocess
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

# The user's own settings must have no effect: no profile, no proxy.
for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
    os.environ[name] = "/dev/null"
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
REGION = "eu-west-1"


class Simulator:
    """The simulator's own HTTP interface."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_simulator/{path}", data=data, method=method)
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def refuses(self, method, path, body):
        with pytest.raises(urllib.error.HTTPError) as error:
            self.ask(method, path, body)
        return json.load(error.value)["error"]

    def load(self, **world):
        self.ask("PUT", "world", {"defaults": {"account": ACCOUNT, "region": REGION}, **world})
        self.ask("DELETE", "calls")

    def calls(self):
        return self.ask("GET", "calls")

    def client(self, service, region=REGION, key=f"AKIA{ACCOUNT}EXAMPLE", token=None, **config):
        config.setdefault("retries", {"total_max_attempts": 1})
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key="secret",
            aws_session_token=token,
            config=Config(**config),
        )


@pytest.fixture(scope="session")
def process():
    program = os.environ.get("AWS_SIMULATOR")
    if not program:
        pytest.exit("AWS_SIMULATOR must name the program: cargo build -p simulator, then its target's aws-simulator")
    command = [program, "--stdin-lifeline"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        line = child.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        yield Simulator(line.removeprefix("listening on ").strip())
        child.stdin.close()
        assert child.wait(timeout=5) == 0, "the simulator ends when its standard input does"


@pytest.fixture
def simulator(process):
    process.load()
    return process
