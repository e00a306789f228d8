"""Signatures by Standard Webhooks: HMAC-SHA-256 over id, timestamp and body (RFC 2104)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a secret that nobody knows yet."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(secret_texts: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of a message: one signature for each secret, the first first.

    Parameters
    ----------
    secret_texts
        As `new_secret` made them; two while one takes over from the other.
    timestamp
        UTC epoch seconds of the machine's clock, when it is sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(_key(text), signed, hashlib.sha256)).decode()
        for text in secret_texts
    )


def _key(text: str) -> bytes:
    return base64.b64decode(text.removeprefix(_PREFIX))
