"""A receiver of webhooks: says on standard output which order it heard of, and when.

    python -m simulations.benchmarks.api_receiver

The first line is its port.  Each further one is of one message: the moment its last byte was there,
by the monotonic clock that all processes of the machine read, and the order's external id.  It ends
when standard input does.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from simulations.load.generator import now


class _Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take a message."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        heard_at = now()
        self.send_response(204)
        self.end_headers()
        order = json.loads(body)["data"]["data"]["order"]
        sys.stdout.write(f"{heard_at!r} {order['external_id']}\n")
        sys.stdout.flush()

    def log_message(self, *_args: object) -> None:
        """Say nothing of each request."""


def main() -> None:
    """Receive on a free port until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
