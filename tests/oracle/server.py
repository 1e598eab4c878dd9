"""The official program's own API server, on a free port of the loopback interface. Prints the port.

It reads AWS at the endpoint that the header X-Endpoint of each request names, so that one server serves many tests. It answers
one request after the other, because the official program keeps region and endpoint in the environment. It ends when
standard input ends.
"""

import os
import sys
import threading

from pcluster.api import flask_app
from werkzeug.serving import make_server

# It looks for Node.js, which only the creation of clusters needs.
flask_app.assert_valid_node_js = lambda: None
application = flask_app.ParallelClusterFlaskApp().flask_app


def at_its_endpoint(environ, start_response):
    os.environ["AWS_ENDPOINT_URL"] = environ["HTTP_X_ENDPOINT"]
    return application(environ, start_response)


def end_with_the_parent():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_the_parent, daemon=True).start()
server = make_server("127.0.0.1", 0, at_its_endpoint)
print(server.port, flush=True)
server.serve_forever()
