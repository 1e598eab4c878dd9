"""A small client of the API server: concurrent requests, and a watch that records when each event arrives."""

import base64
import http.client
import json
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from shell import Failure

AT_ONCE = 16


class Api:
    def __init__(self, kubeconfig):
        parts = yaml.safe_load(Path(kubeconfig).read_text())
        cluster, user = parts["clusters"][0]["cluster"], parts["users"][0]["user"]
        files = {}
        for name, data in (("ca", cluster["certificate-authority-data"]), ("crt", user["client-certificate-data"]), ("key", user["client-key-data"])):
            files[name] = Path(kubeconfig).with_suffix(f".{name}")
            files[name].write_bytes(base64.b64decode(data))
        self.host = cluster["server"].removeprefix("https://")
        self.context = ssl.create_default_context(cafile=files["ca"])
        self.context.load_cert_chain(files["crt"], files["key"])
        self.local = threading.local()

    def connection(self):
        return http.client.HTTPSConnection(self.host, context=self.context)

    def __call__(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status >= 300:
            raise Failure(f"{method} {path}: {status} {answer.decode()[:500]}")
        return answer

    def ask(self, method, path, body):
        """Sends a request on this thread's keep-alive connection.

        The server closes a connection that was idle for minutes. Then the request is sent once more.
        """
        for is_last in (False, True):
            if not hasattr(self.local, "connection"):
                self.local.connection = self.connection()
            try:
                self.local.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
                reply = self.local.connection.getresponse()
                return reply.status, reply.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                del self.local.connection
                if is_last:
                    raise

    def create(self, path, objects):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(lambda each: self("POST", path, each), objects):
                pass


class Watch(threading.Thread):
    """Watches a collection: the latest status of each object, and the first time of each of its build statuses."""

    def __init__(self, api, path):
        super().__init__(daemon=True)
        self.latest, self.first_seen = {}, {}
        connection = api.connection()
        connection.request("GET", f"{path}?watch=true&resourceVersion=0&timeoutSeconds=3600")
        self.reply = connection.getresponse()
        self.start()

    def run(self):
        try:
            while line := self.reply.readline():
                self.event(json.loads(line), time.time())
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the control plane has ended; a caller that still waits for an event reports it

    def event(self, event, moment):
        if event["type"] not in ("ADDED", "MODIFIED"):
            return
        name, status = event["object"]["metadata"]["name"], event["object"].get("status", {})
        self.latest[name] = status
        self.first_seen.setdefault((name, status.get("imagebuilderImageStatus")), moment)

    def count(self, is_counted):
        return sum(1 for status in list(self.latest.values()) if is_counted(status))
