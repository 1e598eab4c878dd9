"""A Git server on loopback, with Git's own smart HTTP, from which Flux pulls."""

import http.server
import os
import subprocess
import threading
from pathlib import Path

from shell import run

ENVIRONMENT = {**os.environ, "GIT_AUTHOR_NAME": "gitops", "GIT_AUTHOR_EMAIL": "gitops@example.com", "GIT_COMMITTER_NAME": "gitops",
               "GIT_COMMITTER_EMAIL": "gitops@example.com", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


class Backend(http.server.BaseHTTPRequestHandler):
    """Hands each request to `git http-backend`, as a web server would."""

    root = None

    def answer(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = {**ENVIRONMENT, "GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
                       "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                       "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        answer = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True).stdout
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class Repository:
    """A working copy. The server serves its commits."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def git(self, *arguments):
        return run("git", "-C", self.folder, *arguments, env=ENVIRONMENT).strip()

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")


class GitServer:
    """Serves every repository below a folder."""

    def __init__(self, root):
        self.root = Path(root)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Backend,), {"root": self.root}))
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def repository(self, name):
        folder = self.root / name
        folder.mkdir(parents=True)
        repository = Repository(folder)
        repository.git("init", "-q", "-b", "main")
        return repository

    def url(self, name):
        return f"http://127.0.0.1:{self.http.server_port}/{name}/.git"

    def stop(self):
        self.http.shutdown()
