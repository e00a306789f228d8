"""A receiver of webhooks: checks every message, takes each once, and drops what is stale.

Run it, and have the service call it:

    python examples/webhook_receiver.py --port 9418 --secret-file secret
    samehour serve --webhook-allow 127.0.0.1:9418

The secret is read from the file for every message, so it may come later than the receiver.  What a
real one keeps in its database is kept in memory here.  Nothing but Python is needed; packages for
Standard Webhooks, of which there is one in most languages, do what `is_ours` does.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOLERANCE_S = 300


def is_ours(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Tell whether a message was signed with the secret, and only just now."""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdecimal() or abs(now - int(sent_at)) > TOLERANCE_S:
        return False
    signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = hmac.digest(key, signed, hashlib.sha256)
    # While a secret is being replaced there are several signatures; one of them is enough.
    for each in headers.get("webhook-signature", "").split():
        version, _, text = each.partition(",")
        try:
            if version == "v1" and hmac.compare_digest(base64.b64decode(text), wanted):
                return True
        except binascii.Error:
            continue
    return False


class Inbox:
    """What was heard so far."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.latest: dict[tuple[str, str | None], int] = {}

    def take(self, message_id: str, message: dict[str, Any]) -> str:
        """Take a message in; returns what became of it."""
        event = message["data"]
        about = (event["object"]["type"], event["object"]["id"])
        if message_id in self.seen:
            return "again"
        self.seen.add(message_id)
        if event["seq"] < self.latest.get(about, 0):
            return "stale"
        self.latest[about] = event["seq"]
        return "taken"


class Handler(BaseHTTPRequestHandler):
    """Answers the service."""

    inbox: Inbox
    secret_file: Path

    def do_GET(self) -> None:
        """Say that the receiver is there."""
        self._answer(200)

    def do_POST(self) -> None:
        """Take a message in: 401 when it is not ours, 204 once it is safe."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        secret = self.secret_file.read_text(encoding="utf-8").strip()
        if not is_ours(secret, headers, body, time.time()):
            self._answer(401)
            return
        message = json.loads(body)
        became = self.inbox.take(headers["webhook-id"], message)
        event = message["data"]
        sys.stdout.write(f"{became} {event['type']} {event['object']['id']}\n")
        sys.stdout.flush()
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests: what was taken is said."""


def main() -> None:
    """Receive until somebody stops it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=9418)
    parser.add_argument("--secret-file", type=Path, required=True)
    told = parser.parse_args()
    Handler.inbox, Handler.secret_file = Inbox(), told.secret_file
    ThreadingHTTPServer(("127.0.0.1", told.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
