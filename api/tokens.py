"""What only the right person can know: tracking links, door PINs and collection codes.

All are made from the ledger's own secret and an order's id, so that nothing secret is in the log
and nothing can be guessed from an id.  The functions are HMAC-SHA-256 (RFC 2104).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

LINK_LIFE_S: Final = 30 * 86_400
"""A tracking link works so long after the order was placed, whatever became of it."""

_TOKEN_BYTES: Final = 15
_PIN_DIGITS: Final = 4
_PARTS: Final = 3
"""Of a token: the order, when it expires, and the signature of both."""


class Tokens:
    """Tokens of one ledger.

    Parameters
    ----------
    secret
        Known to nobody outside.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def tracking(self, order_id: str, ordered_at: int) -> str:
        """Return the token of an order's tracking link, safe in a URL.

        It says when it expires, and that is signed, so that nobody can put it off.

        Parameters
        ----------
        ordered_at
            UTC epoch seconds.
        """
        said = f"{order_id}.{ordered_at + LINK_LIFE_S:x}"
        return f"{said}.{self._signature(said)}"

    def order_of(self, token: str) -> str | None:
        """Return the order whose tracking link has this token, None for a wrong one."""
        said, _, signature = token.rpartition(".")
        right = self._signature(said)
        if not hmac.compare_digest(right.encode(), signature.encode()):
            return None
        return said.partition(".")[0]

    @staticmethod
    def expiry_of(token: str) -> int | None:
        """Return when a right token expires; None for links of old, which do not say."""
        parts = token.split(".")
        return int(parts[1], 16) if len(parts) == _PARTS else None

    def pin(self, order_id: str) -> str:
        """Return the PIN a customer tells at the door or at the counter, four digits."""
        number = int.from_bytes(self._digest("pin", order_id)[:8], "big")
        return f"{number % 10**_PIN_DIGITS:0{_PIN_DIGITS}d}"

    def is_pin(self, order_id: str, said: str) -> bool:
        """Tell whether somebody said the right PIN, in a time that does not depend on it."""
        return hmac.compare_digest(self.pin(order_id).encode(), said.strip().encode())

    def _signature(self, said: str) -> str:
        digest = self._digest("track", said)[:_TOKEN_BYTES]
        return base64.urlsafe_b64encode(digest).decode()

    def _digest(self, purpose: str, order_id: str) -> bytes:
        # `hmac.digest` would let go of the interpreter and wait for its next turn with it.
        return hmac.new(self._secret, f"{purpose}:{order_id}".encode(), hashlib.sha256).digest()
