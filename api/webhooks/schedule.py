"""When a message is sent again: soon at first, then over hours, never for all at one moment."""

from __future__ import annotations

from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3600

PAUSES_S: Final = (
    5,
    30,
    2 * MINUTE_S,
    10 * MINUTE_S,
    30 * MINUTE_S,
    HOUR_S,
    2 * HOUR_S,
    4 * HOUR_S,
    8 * HOUR_S,
    8 * HOUR_S,
)
"""Wall seconds after each failed attempt, before the next one; `docs/webhooks.md` has the table."""

JITTER: Final = 0.1
"""A pause is longer or shorter by up to this share, so that receivers are not called in step."""

MOST_RETRY_AFTER_S: Final = HOUR_S
"""As long as a receiver may put us off at most."""

FAILING_AFTER: Final = 3
"""So many messages in a row without a success, and the endpoint as a whole is failing."""

MOST_FAILING_PAUSE_S: Final = MINUTE_S
"""Between two attempts at an endpoint that is failing, at most, while there is something due."""


def pause_s(failures: int, draw: float) -> float | None:
    """Return the pause after a message's n-th failed attempt, None after the last one.

    Parameters
    ----------
    failures
        1, 2, 3, ...
    draw
        From 0 to 1, at random.
    """
    if failures > len(PAUSES_S):
        return None
    return PAUSES_S[failures - 1] * (1 + JITTER * (2 * draw - 1))


def failing_pause_s(rounds: int) -> float:
    """Return how long an endpoint is left alone after its n-th failure in a row as a whole."""
    return min(PAUSES_S[min(rounds, len(PAUSES_S)) - 1], MOST_FAILING_PAUSE_S)
