"""Runs the scripts of build and test in an environment that has only the tools of this machine."""

import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
UNSET = re.compile("OFFLINE|KEEP|CARGO_TARGET_DIR|KUBEBUILDER_ASSETS|COMPONENTS|DOWNLOAD_.*|.*_(URL|SUMS|NEEDED)|MEMINFO|.*_proxy", re.IGNORECASE)
# A fake go command: it is new enough, and builds every program at once.
GO = """#!/bin/bash
echo "$*" >> "{log}"
case "$*" in *"env GOVERSION"*) echo go1.26.0; exit ;; esac
while [ $# -gt 0 ]; do if [ "$1" = -o ]; then program=$2; fi; shift; done
if [ -z "$program" ]; then mkdir -p "$GOBIN"; program=$GOBIN/helm; fi
echo "built from Go modules" > "$program"; chmod +x "$program"
"""


# The tools that a test may hide or replace.
HIDDEN = {"cargo", "rustc", "rustfmt", "clippy-driver", "cc", "make", "git", "go", "python3", "promtool", "apt-get", "zsh", "fish"}


@pytest.fixture(scope="session")
def others(tmp_path_factory):
    """A folder with every other tool on PATH."""
    folder = tmp_path_factory.mktemp("others")
    for tool in {tool.name: tool for tool in reversed(list(on_path()))}.values():
        if tool.name not in HIDDEN:
            (folder / tool.name).symlink_to(tool)
    return folder


def on_path():
    for folder in map(Path, os.environ["PATH"].split(os.pathsep)):
        if folder.is_dir():
            yield from folder.iterdir()


class Machine:
    """A PATH with all tools and a fake `go`, an empty cache, and enough memory and disk."""

    def __init__(self, folder, others):
        self.tools, self.cache, self.go_log = folder / "tools", folder / "cache", folder / "go.log"
        self.tools.mkdir()
        for name in HIDDEN - {"go", "python3"}:
            if found := shutil.which(name):
                (self.tools / name).symlink_to(found)
        # The python3 on PATH may be a slow script that looks for the real one.
        (self.tools / "python3").symlink_to(sys._base_executable)
        self.stub("go", GO.format(log=self.go_log))
        (folder / "meminfo").write_text(f"MemAvailable: {16 << 20} kB\n")
        inherited = {name: value for name, value in os.environ.items() if not UNSET.fullmatch(name)}
        self.environment = {
            **inherited, "PATH": f"{self.tools}:{others}", "XDG_CACHE_HOME": str(self.cache), "TMPDIR": str(folder),
            "MEMINFO": str(folder / "meminfo"), "DISK_NEEDED": "0",
        }  # fmt: skip

    def hide(self, tool):
        (self.tools / tool).unlink(missing_ok=True)

    def stub(self, tool, text):
        self.hide(tool)
        (self.tools / tool).write_text(text)
        (self.tools / tool).chmod(0o755)

    def run(self, *command, **environment):
        """Runs COMMAND, a script of the project with its arguments. Returns its output and exit code."""
        environment = {**self.environment, **environment}
        return subprocess.run(
            [ROOT / command[0], *command[1:]], cwd=ROOT, env=environment, text=True, capture_output=True, timeout=60
        )

    def built(self):
        """How often the go command built something."""
        log = self.go_log.read_text() if self.go_log.exists() else ""
        return len([line for line in log.splitlines() if "GOVERSION" not in line])


@pytest.fixture
def machine(tmp_path, others):
    return Machine(tmp_path, others)


class Upstream(ThreadingHTTPServer):
    """A server on loopback: `answers` maps a path to its body, or to a function that answers the request as it likes."""

    def __init__(self):
        self.answers, self.asked = {}, []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path)
        if callable(answer):
            answer(self)
        elif answer is None:
            self.send_error(404)
        else:
            self.begin(len(answer))
            self.wfile.write(answer)

    do_HEAD = do_POST = do_GET

    def begin(self, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def upstream():
    with Upstream() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
