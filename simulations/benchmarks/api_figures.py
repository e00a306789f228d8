"""What came of the loads of `samehour bench api`, and the table that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulations.load.wire import Answer

_REACHED: Final = 0.95
"""Share of the rate asked for that counts as reached."""

OK: Final = range(200, 300)
_MOST_SAID: Final = 120


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one load; milliseconds from the moment each request was meant.

    Attributes
    ----------
    ledger
        Where the service kept what happened.
    asked_per_s, answered_per_s
        Requests a second that were sent, and that were done with; of positions each carries a
        hundred.
    failures
        Requests without an answer, or with an error, by status and code, with what the first of
        each kind was told.
    sender_p99_ms
        How late our own side sent: what latencies may be too long by.
    """

    name: str
    ledger: str
    asked_per_s: float
    answered_per_s: float
    count: int
    failures: dict[str, int]
    p50_ms: float
    p90_ms: float
    p99_ms: float
    sender_p99_ms: float

    @property
    def failed(self) -> int:
        """How many failed, for whatever reason."""
        return sum(self.failures.values())

    @property
    def is_kept_up_with(self) -> bool:
        """Whether requests were done with as fast as they were sent."""
        return self.answered_per_s >= _REACHED * self.asked_per_s


def load_of(
    name: str,
    ledger: str,
    asked_per_s: float,
    meant: Sequence[float],
    done: Sequence[float],
    *,
    lag_s: Sequence[float],
    failures: dict[str, int],
) -> Load:
    """Return the figures of a load.

    Parameters
    ----------
    meant, done
        When each request was to be sent, and when it was done with; of the same clock.
    lag_s
        How much later than meant each was sent.
    """
    late_s = [end - begin for begin, end in zip(meant, done, strict=True)]
    p50, p90, p99 = 1000 * np.percentile(late_s or [0.0], [50, 90, 99])
    lag_ms = 1000 * float(np.percentile(lag_s or [0.0], 99))
    return Load(
        name,
        ledger,
        asked_per_s,
        _rate(done, asked_per_s),
        len(late_s),
        failures,
        float(p50),
        float(p90),
        float(p99),
        lag_ms,
    )


def failures_of(answers: Sequence[Answer]) -> dict[str, int]:
    """Return how many answers are errors, by what they say."""
    found: Counter[str] = Counter()
    said: dict[str, str] = {}
    for answer in answers:
        if answer.status not in OK:
            kind = f"{answer.status or 'no answer'} {answer.code}".rstrip()
            found[kind] += 1
            said.setdefault(kind, answer.detail[:_MOST_SAID])
    return {f"{kind}: {said[kind]}".rstrip(": "): number for kind, number in found.items()}


HEAD: Final = (
    f"{'latency, ms':34} {'a second':>8} {'answered':>8} {'count':>6} {'failed':>6}  "
    f"{'p50':>7} {'p90':>7} {'p99':>7}   {'sender p99':>10}\n"
)


def lines_of(load: Load) -> str:
    """Return a row of the table, and below it what went wrong."""
    row = (
        f"{load.name:34} {load.asked_per_s:8g} {load.answered_per_s:8.0f} {load.count:6} "
        f"{load.failed:6}  {load.p50_ms:7.1f} {load.p90_ms:7.1f} {load.p99_ms:7.1f}   "
        f"{load.sender_p99_ms:10.1f}"
    )
    said = [row]
    if not load.is_kept_up_with:
        said.append(
            f"  not reached: {load.asked_per_s:g} a second were asked for, "
            f"{load.answered_per_s:.1f} answered"
        )
    said += [f"  failed: {number} x {kind}" for kind, number in load.failures.items()]
    return "\n".join(said) + "\n"


def _rate(done: Sequence[float], otherwise: float) -> float:
    """Return how many a second were done with, from the first to the last of them."""
    if len(done) < 2 or max(done) <= min(done):  # noqa: PLR2004  a rate is of two
        return otherwise
    return (len(done) - 1) / (max(done) - min(done))
