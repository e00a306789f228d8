"""What only the right person can know: tracking links, door PINs and collection codes.

All are made from the ledger's own secret and an order's id, so that nothing secret is in the log
and nothing can be guessed from an id.  The functions are HMAC-SHA-256 (RFC 2104).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

_TOKEN_BYTES: Final = 15
_PIN_DIGITS: Final = 4


class Tokens:
    """Tokens of one ledger.

    Parameters
    ----------
    secret
        Known to nobody outside.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def tracking(self, order_id: str) -> str:
        """Return the token of an order's tracking link, safe in a URL."""
        digest = self._digest("track", order_id)[:_TOKEN_BYTES]
        return f"{order_id}.{base64.urlsafe_b64encode(digest).decode()}"

    def tracked(self, token: str) -> str | None:
        """Return the order whose tracking link has this token, None for a wrong one."""
        order_id = token.rpartition(".")[0]
        same = hmac.compare_digest(self.tracking(order_id).encode(), token.encode())
        return order_id if same else None

    def pin(self, order_id: str) -> str:
        """Return the PIN a customer tells at the door or at the counter, four digits."""
        number = int.from_bytes(self._digest("pin", order_id)[:8], "big")
        return f"{number % 10**_PIN_DIGITS:0{_PIN_DIGITS}d}"

    def is_pin(self, order_id: str, said: str) -> bool:
        """Tell whether somebody said the right PIN, in a time that does not depend on it."""
        return hmac.compare_digest(self.pin(order_id).encode(), said.strip().encode())

    def _digest(self, purpose: str, order_id: str) -> bytes:
        return hmac.digest(self._secret, f"{purpose}:{order_id}".encode(), hashlib.sha256)
