"""Completion in zsh and fish, as somebody who types sees it. `make extra` runs it; bash is in tests/scripts."""

import os
import pty
import shutil
import subprocess
import time
from pathlib import Path

import pytest

PROGRAM = Path(os.environ["BIN"]) / "customimage-operator"
TYPED = [("li", "list"), ("list --out", "--output"), ("list --output na", "name"), ("logs --foll", "--follow")]


def shell(name):
    found = shutil.which(name)
    assert found, f"{name} is not there; next step: apt-get install zsh fish"
    return found


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "customimage-operator").symlink_to(PROGRAM)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb", "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("typed, completed", TYPED)
def test_fish_completes_what_is_typed(typed, completed, environment):
    script = f'customimage-operator completions fish | source; complete --do-complete "customimage-operator {typed}"'
    done = subprocess.run([shell("fish"), "--no-config", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [completed], done.stderr


#: Binds Ctrl-X to what writes the line, as it is typed so far, into a file.
ZSH = """unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u; source <(customimage-operator completions zsh)
tell() { print -r -- "$BUFFER" >~/told && mv ~/told ~/line }; zle -N tell; bindkey '^X' tell; touch ~/ready
"""


def appears(path):
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} never came"
        time.sleep(0.05)
    return path.read_text()


@pytest.mark.parametrize("typed, completed", TYPED)
def test_zsh_completes_what_is_typed(typed, completed, environment, tmp_path):
    terminal, end = pty.openpty()
    process = subprocess.Popen([shell("zsh"), "-f", "-i"], stdin=end, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True)
    try:
        os.write(terminal, ZSH.encode())
        appears(tmp_path / "ready")
        os.write(terminal, f"customimage-operator {typed}\t\x18".encode())
        # zsh adds = to a flag with a value. It disappears when a space is typed.
        assert appears(tmp_path / "line").split()[-1].rstrip("=") == completed
    finally:
        process.kill()
        process.wait()
