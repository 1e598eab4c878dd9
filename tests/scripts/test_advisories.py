"""Advisories stop the tests where their database can be fetched, and are left out in one line where it cannot."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

URL = "https://github.com/RustSec/advisory-db"
ADVISORY = """```toml
[advisory]
id = "RUSTSEC-2026-9999"
package = "{package}"
date = "2026-01-01"
[versions]
patched = [">= 99.0.0"]
```

# A pretended hole

Nothing is wrong with it.
"""


@pytest.fixture
def advisories(machine, tmp_path):
    """Runs tests/advisories with the real cargo-deny, and with another address of the database."""
    [program] = subprocess.run([ROOT / "tests/deny"], text=True, check=True, stdout=subprocess.PIPE).stdout.split()
    (machine.cache / "customimage-operator/tools/bin").mkdir(parents=True)
    (machine.cache / "customimage-operator/tools/bin/cargo-deny").symlink_to(program)
    # The crates are those of this machine, and the database is not.
    home = tmp_path / "cargo"
    home.mkdir()
    (home / "registry").symlink_to(Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "registry")

    def run(address, **environment):
        git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{address}.insteadOf", "GIT_CONFIG_VALUE_0": URL}
        return machine.run("tests/advisories", CARGO_HOME=str(home), **git, **environment)

    return run


@pytest.fixture
def database(tmp_path):
    """Makes a database with one advisory, about a package."""

    def make(package):
        folder = tmp_path / "advisory-db"
        (folder / "crates" / package).mkdir(parents=True)
        (folder / "crates" / package / "RUSTSEC-2026-9999.md").write_text(ADVISORY.format(package=package))
        for command in ("init -qb main .", "add .", "-c user.name=test -c user.email=test@example.com commit -qm one"):
            subprocess.run(["git", *command.split()], cwd=folder, check=True)
        return folder.as_uri()

    return make


def test_an_advisory_about_a_dependency_is_a_failure_that_names_it(advisories, database):
    done = advisories(database("tokio"))
    assert done.returncode != 0
    assert "RUSTSEC-2026-9999" in done.stderr and "tokio" in done.stderr


def test_an_advisory_about_another_crate_is_none(advisories, database):
    done = advisories(database("nobodys-crate"))
    assert done.returncode == 0, done.stderr
    assert "advisories ok" in done.stdout + done.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "file:///nowhere"])
def test_a_database_that_cannot_be_reached_is_one_line_and_no_failure(advisories, address):
    done = advisories(address)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"advisories: not checked, {URL} cannot be reached\n"


def test_a_database_that_never_answers_is_given_up(advisories):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = advisories(f"http://127.0.0.1:{silent.getsockname()[1]}/", ADVISORIES_SECONDS="0.5")
    assert (done.returncode, done.stderr) == (0, f"advisories: not checked, {URL} cannot be reached\n")


def test_offline_fetches_nothing(advisories, database):
    done = advisories(database("tokio"), OFFLINE="1")
    assert (done.returncode, done.stderr) == (0, "advisories: not checked, OFFLINE=1 forbids to fetch them\n")
