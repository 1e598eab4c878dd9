"""A missing prerequisite gives one clear line within 5 seconds, with the command that installs it."""

import time

import pytest

PYTHON = "#!/bin/bash\ncase $* in {when}) exit 1 ;; esac\n"
MISSING = [
    ("cargo", "Rust 1.", "sh.rustup.rs"),
    ("rustc", "Rust 1.", "sh.rustup.rs"),
    ("rustfmt", "rustfmt or clippy", "rustup component add rustfmt clippy"),
    ("clippy-driver", "rustfmt or clippy", "rustup component add rustfmt clippy"),
    ("cc", "a C compiler", "apt-get install gcc libc6-dev"),
    ("make", "make", "apt-get install make"),
    ("git", "git", "apt-get install git"),
    ("python3", "Python 3.9 or newer", "apt-get install python3 python3-venv"),
]
STUBS = [
    ("rustc", "#!/bin/bash\necho release: 1.70.0\n", "Rust 1.", "rustup update stable"),
    ("rustc", "#!/bin/bash\nexit 1\n", "this is none", "rustup default stable"),
    ("cc", "#!/bin/bash\nexit 1\n", "the C library", "apt-get install libc6-dev"),
    ("python3", PYTHON.format(when="*version_info*"), "Python 3.9 or newer, this is", "apt-get install python3"),
    ("python3", PYTHON.format(when="*ensurepip*"), "Python's venv", "apt-get install python3-venv"),
    ("go", "#!/bin/bash\necho go1.24.4\n", "Go 1.26 or newer, go1.24.4 is too old", "https://go.dev/dl/go1.26"),
]


def one_line(machine, *wanted, what="test", **environment):
    """Asserts that the check fails at once, with one line that contains all of WANTED."""
    begun = time.monotonic()
    done = machine.run("tests/prerequisites", what, **{"OFFLINE": "1", **environment})
    assert time.monotonic() - begun < 5
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("missing: ") and "; next step: " in done.stderr
    for words in wanted:
        assert words in done.stderr


@pytest.mark.parametrize("what", ["demo", "test"])
def test_without_a_missing_prerequisite_nothing_is_printed(machine, what):
    done = machine.run("tests/prerequisites", what, OFFLINE="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("tool", "said", "command"), MISSING, ids=[tool for tool, *_ in MISSING])
def test_a_missing_tool_is_named(machine, tool, said, command):
    machine.hide(tool)
    one_line(machine, said, command)


@pytest.mark.parametrize(("tool", "stub", "said", "command"), STUBS, ids=[said for *_, said, _ in STUBS])
def test_an_unusable_tool_is_named(machine, tool, stub, said, command):
    machine.stub(tool, stub)
    one_line(machine, said, command)


def test_without_promtool_there_must_be_a_way_to_fetch_it(machine):
    machine.hide("promtool")
    machine.hide("apt-get")
    one_line(machine, "promtool", "install Prometheus")


def test_the_longer_proofs_need_shells_to_complete_in(machine):
    machine.hide("zsh")
    machine.hide("fish")
    one_line(machine, "zsh or fish", "apt-get install zsh fish", what="extra")


def test_the_demo_needs_neither_rustfmt_nor_clippy(machine):
    machine.hide("rustfmt")
    machine.hide("clippy-driver")
    assert machine.run("tests/prerequisites", "demo", OFFLINE="1").returncode == 0


def test_offline_go_is_needed_until_its_programs_are_built(machine):
    assert machine.run("tests/cluster/build", OFFLINE="1").returncode == 0
    machine.hide("go")
    assert machine.run("tests/prerequisites", "demo", OFFLINE="1").returncode == 0
    one_line(machine, "Go 1.26 or newer, the go command is not on PATH", "OFFLINE=1 forbids downloads", "https://go.dev/dl/")


def test_go_is_needed_if_upstream_cannot_be_reached(machine, upstream):
    machine.hide("go")
    there = {"ENVTEST_URL": upstream.url, "KUBERNETES_URL": upstream.url, "HELM_URL": upstream.url, "OFFLINE": ""}
    assert machine.run("tests/prerequisites", "test", **there).returncode == 0
    one_line(machine, "these cannot be reached", "https://go.dev/dl/", **{**there, "HELM_URL": "http://127.0.0.1:9"})


def test_go_is_needed_if_upstream_does_not_answer(machine, upstream):
    machine.hide("go")
    upstream.answers["/"] = lambda _request: time.sleep(4)
    one_line(machine, "these cannot be reached", what="demo", ENVTEST_URL=f"{upstream.url}/", OFFLINE="")


def test_little_memory_is_reported_until_the_sdk_is_built(machine, tmp_path):
    (tmp_path / "meminfo").write_text(f"MemAvailable: {4 << 20} kB\n")
    one_line(machine, "8 GiB of free memory", "4 GiB are", "ps -eo rss")
    sdk = machine.cache / "customimage-operator/target/triple/debug/deps/libaws_sdk_ec2-0.rlib"
    sdk.parent.mkdir(parents=True)
    sdk.touch()
    assert machine.run("tests/prerequisites", "test", OFFLINE="1").returncode == 0


def test_little_disk_is_reported(machine):
    one_line(machine, "1000000 GiB of free disk", "XDG_CACHE_HOME", DISK_NEEDED="1000000")
