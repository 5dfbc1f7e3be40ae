"""moto, one request at a time: it looks whether a condition holds and then writes, and AWS does both in one step."""

import io
import sys
import threading

from moto.moto_server.threaded_moto_server import MotoRequestHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, run_simple

one_at_a_time = threading.Lock()
backends = DomainDispatcherApplication(create_backend_app)


def serve(environ, start_response):
    # Read first: a request that stalls in its middle must not keep the others waiting.
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length:
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
    with one_at_a_time:
        return [b"".join(backends(environ, start_response))]


# A client may open all its connections at once; more than these wait for a second to be let in.
BaseWSGIServer.request_queue_size = 1024

run_simple("127.0.0.1", int(sys.argv[1]), serve, threaded=True, request_handler=MotoRequestHandler)
