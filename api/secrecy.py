"""Secrets that everybody knows, or could guess: refused wherever one is given."""

from __future__ import annotations

import re
from typing import Final

MIN_LENGTH: Final = 16
_LEAST_DIFFERENT: Final = 6
_LEAST_LEFT: Final = 6
"""Characters that must be left of a secret without the words below."""

_WELL_KNOWN: Final = (
    *("changeme", "changethis", "changeit", "replaceme", "yourkey", "yoursecret", "yourapikey"),
    *("password", "passwort", "secret", "default", "example", "insecure", "samehour", "letmein"),
    *("apikey", "token", "admin", "root", "demo", "test", "key", "api", "qwerty"),
    *("0123456789", "1234567890", "12345678", "123456", "abcdefgh", "abcdef"),
)
"""What documents, samples and tired people write in the place of a secret."""


def weakness(secret: str) -> str | None:
    """Return what is wrong with a secret, without telling it; None for one that will do."""
    if len(secret) < MIN_LENGTH:
        return f"has {len(secret)} characters and needs {MIN_LENGTH} or more"
    if len(set(secret)) < _LEAST_DIFFERENT:
        return f"has {len(set(secret))} different characters, so it can be guessed"
    left = re.sub(r"[^a-z0-9]", "", secret.lower())
    for word in _WELL_KNOWN:
        left = left.replace(word, "")
    if len(left) < _LEAST_LEFT:
        return "is a well-known one, or made of words that everybody tries"
    return None
