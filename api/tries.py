"""Wrong guesses of a code, counted so that nobody can try them all."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Final

from api.problems import Problem

MOST_WRONG: Final = 5
WITHIN_S: Final = 600
_KEPT: Final = 10_000


class Tries:
    """Wrong tries by what was guessed, in memory; used on the engine's thread only.

    Parameters
    ----------
    most, within_s
        So many wrong ones within so many service seconds, and no more is listened to.
    """

    def __init__(self, most: int = MOST_WRONG, within_s: int = WITHIN_S) -> None:
        self._most = most
        self._within_s = within_s
        self._wrong: dict[str, deque[int]] = {}

    def check(self, subject: str, now: int, speed: float = 1.0) -> None:
        """Refuse to listen after too many wrong tries, right or wrong as the next may be.

        Raises
        ------
        Problem
            `too_many_tries`, with `Retry-After` in wall seconds.
        """
        wrong = self._recent(subject, now)
        if len(wrong) < self._most:
            return
        left_s = wrong[0] + self._within_s - now
        raise Problem(
            "too_many_tries",
            f"There were {len(wrong)} wrong codes for {subject}; wait {left_s} s.",
            headers={"Retry-After": str(max(1, ceil(left_s / speed)))},
        )

    def note(self, subject: str, now: int) -> int:
        """Note a wrong try; returns how many are left."""
        if subject not in self._wrong and len(self._wrong) >= _KEPT:
            self._wrong = {
                key: wrong for key, wrong in self._wrong.items() if self._alive(wrong, now)
            }
        self._wrong.setdefault(subject, deque(maxlen=self._most)).append(now)
        return max(0, self._most - len(self._recent(subject, now)))

    def _recent(self, subject: str, now: int) -> deque[int]:
        wrong = self._wrong.get(subject)
        if wrong is None:
            return deque()
        while wrong and wrong[0] <= now - self._within_s:
            wrong.popleft()
        return wrong

    def _alive(self, wrong: deque[int], now: int) -> bool:
        return bool(wrong) and wrong[-1] > now - self._within_s
