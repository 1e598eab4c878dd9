"""tests/fresh, and the steps and jobs of tests/steps.sh: everything that they start ends with them."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ROOT


def script(machine, text):
    return subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", text], cwd=ROOT, env=machine.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid):
    end = time.monotonic() + 5
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not runs(pid)


def pid_told(process, before="pid "):
    for line in process.stdout:
        if match := re.search(f"{before}([0-9]+)", line):
            return int(match[1])
    raise AssertionError("the process ended without printing a pid")


SLEEP = "sh -c 'echo pid $$; exec sleep 60'"


def test_a_failing_job_ends_the_step_and_the_script(machine):
    begun = time.monotonic()
    process = script(machine, f". tests/steps.sh; bad() {{ sleep 0.5; echo why; return 3; }}; beside bad bad; run {SLEEP}")
    slept = pid_told(process)
    rest = process.communicate(timeout=10)[0]
    assert "bad: why\n" in rest and "bad: failed" in rest
    assert process.returncode == 1 and time.monotonic() - begun < 5
    assert ends(slept)


def test_a_failing_step_ends_the_jobs(machine):
    process = script(machine, f". tests/steps.sh; step one; beside job {SLEEP}; run sleep 0.5; run sh -c 'exit 7'")
    slept = pid_told(process)
    process.communicate(timeout=10)
    assert process.returncode == 7
    assert ends(slept)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_steps_and_jobs(machine, number):
    process = script(machine, f". tests/steps.sh; beside job {SLEEP}; beside other {SLEEP}; run sleep 60")
    slept = [pid_told(process), pid_told(process)]
    process.send_signal(number)
    rest = process.communicate(timeout=10)[0]
    assert process.returncode == 128 + number and "failed" not in rest
    assert all(ends(pid) for pid in slept)


def test_with_little_memory_a_job_is_a_step(machine, tmp_path):
    (tmp_path / "meminfo").write_text(f"MemAvailable: {11 << 20} kB\n")
    process = script(machine, ". tests/steps.sh; beside first sh -c 'sleep 1.5; echo 1'; step second; echo 2; await_jobs; show_times")
    said = process.communicate(timeout=10)[0]
    assert process.returncode == 0
    assert re.search(r"\[0 s\] first\n1\n\[[1-9]\d* s\] second\n2\ntook:\n +[1-9]\d* s  first\n +[1-9]\d* s  in all\n", said), said


def test_fresh_runs_with_empty_caches_and_removes_them(machine, tmp_path):
    told = "env | grep -E '^(CARGO_HOME|GOMODCACHE|GOCACHE|PIP_CACHE_DIR|npm_config_cache|XDG_CACHE_HOME|CARGO_TARGET_DIR|KEEP)='"
    done = machine.run("tests/fresh", "sh", "-c", f"{told}; mkdir -p $GOMODCACHE/x && chmod a-w $GOMODCACHE/x; exit 3", CARGO_TARGET_DIR="/x")
    assert done.returncode == 3
    caches = re.findall(r"^\d\d:\d\d (\w+)=(.*)$", done.stdout, re.MULTILINE)
    assert len(caches) == 6
    assert all(path.startswith(str(tmp_path / "fresh.")) for _, path in caches)
    assert re.search(r"fresh: exit 3 after \d+ s; the caches have \S+K\n", done.stdout)
    assert not list(tmp_path.glob("fresh.*"))


def test_fresh_keeps_the_toolchain_and_with_keep_also_the_caches(machine, tmp_path):
    done = machine.run("tests/fresh", "cargo", "--version", KEEP="1")
    assert done.returncode == 0 and " cargo 1." in done.stdout
    assert [f"they stay in {path}" in done.stdout for path in tmp_path.glob("fresh.*")] == [True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fresh_removes_its_caches(machine, tmp_path, number):
    process = script(machine, f"exec tests/fresh {SLEEP}")
    slept = pid_told(process)
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert ends(slept) and not list(tmp_path.glob("fresh.*"))


def test_fresh_without_arguments_prints_its_usage(machine):
    done = machine.run("tests/fresh")
    assert done.returncode == 2 and "tests/fresh make demo" in done.stderr
