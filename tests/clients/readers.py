"""The generated clients, behind one face: an operation and its parameters, by the names of the specification. What a client has read comes back as
the JSON that the client itself writes."""

import json
import os
import re
import subprocess
from datetime import datetime
from pathlib import Path

import pcluster_client

CLIENTS = Path(os.environ["CLIENTS"])


class Refused(Exception):
    """A client's own exception: the status, the name of its model for the body, and the message in it. To a client whose specification does not have
    the status, the body is text: then the model is empty."""

    def __init__(self, status, model, message):
        super().__init__(f"{status} {model}: {message}")
        self.status, self.model, self.message = status, model, message


class PythonReader:
    name = "Python"

    def __init__(self, server):
        configuration = pcluster_client.Configuration(host=server.url, ssl_ca_cert=server.ca and str(server.ca))
        header = {"header_name": "Authorization", "header_value": f"Bearer {server.token}"} if server.token else {}
        client = pcluster_client.ApiClient(configuration, **header)
        self.apis = pcluster_client.ImageOperationsApi(client), pcluster_client.ImageLogsApi(client)

    def __call__(self, operation, **parameters):
        method = next(getattr(api, operation) for api in self.apis if hasattr(api, operation))
        in_python = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): value for name, value in parameters.items()}
        try:
            return json.loads(method(**in_python).to_json())
        except pcluster_client.ApiException as error:
            if error.data is not None:
                raise Refused(error.status, type(error.data).__name__, error.data.message) from error
            raise Refused(error.status, "", json.loads(error.body)["message"]) from error


class GoReader:
    name = "Go"

    def __init__(self, server):
        self.where = {"url": server.url, "token": server.token or "", "ca": str(server.ca or "")}

    def __call__(self, operation, **parameters):
        question = json.dumps({**self.where, "operation": operation, **parameters}, default=datetime.isoformat)
        done = subprocess.run([CLIENTS / "reader"], input=question, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"the Go client could not read {operation} {parameters}: {done.stderr}"
        reply = json.loads(done.stdout)
        if refusal := reply.get("refusal"):
            raise Refused(**refusal)
        return reply["answer"]
