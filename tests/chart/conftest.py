"""A real control plane for the tests that need one."""

import os
import subprocess
from pathlib import Path

import pytest
from helm import ROOT


@pytest.fixture(scope="session")
def kubectl(tmp_path_factory):
    """kubectl as the administrator of a real control plane, which ends with the tests."""
    kubeconfig = tmp_path_factory.mktemp("cluster") / "kubeconfig"
    program = subprocess.run([ROOT / "tests/cluster/kubectl"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    command = [Path(os.environ["BIN"]) / "local-cluster", "--stdin-lifeline", "--kubeconfig-out", kubeconfig]

    def run(*arguments, given="", check=True):
        done = subprocess.run([program, "--kubeconfig", kubeconfig, *map(str, arguments)], input=given, text=True, capture_output=True)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if check else done

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        try:
            assert any(line.startswith("server=") for line in cluster.stdout), "the control plane did not start"
            yield run
        finally:
            cluster.stdin.close()
