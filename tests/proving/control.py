"""A client of the simulator's control interface, to change the simulated AWS and to read its calls."""

import json
import urllib.request


class Control:
    """The interface at `url`. `handlers` are those of urllib, such as one for HTTPS. It never uses a proxy."""

    def __init__(self, url, *handlers):
        self.url = f"{url}/_simulator"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)

    def __call__(self, method, what, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{what}", data=data, method=method)
        with self.opener.open(request, timeout=10) as reply:
            return json.loads(reply.read() or b"null")

    def patch(self, **changes):
        self("POST", "patch", changes)
