"""Where there is no signal: spans in which a courier's device can neither tell nor be told."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, TypeAlias

from simulations.rng import Streams
from simulations.scenarios.settings import MishapSettings

HOUR_S: Final = 3600

Gaps: TypeAlias = tuple[tuple[int, int], ...]
"""Without signal from the one on and before the other, ascending and apart."""


def signal_gaps(
    streams: Streams, settings: MishapSettings, courier_id: str, begins_at: int, ends_at: int
) -> Gaps:
    """Return the gaps that begin within a shift, those that touch made one.

    They are drawn for each courier and hour of the clock alone: Poisson in number, even in time.
    """
    found: list[tuple[int, int]] = []
    rate = settings.signal_losses_per_hour
    if rate <= 0:
        return ()
    low, high = settings.signal_loss_s
    for hour in range(begins_at // HOUR_S, -(-ends_at // HOUR_S)):
        draw = streams.stream("signal", f"{courier_id} {hour}")
        count = int(draw.poisson(rate))
        since = hour * HOUR_S + draw.integers(0, HOUR_S, count)
        lasts = draw.integers(low, high + 1, count)
        found += [(int(at), int(at + span)) for at, span in zip(since, lasts, strict=True)]
    gaps: list[tuple[int, int]] = []
    for since_at, until in sorted(found):
        if not begins_at < since_at < ends_at:
            continue
        if gaps and since_at <= gaps[-1][1]:
            gaps[-1] = (gaps[-1][0], max(gaps[-1][1], until))
        else:
            gaps.append((since_at, until))
    return tuple(gaps)


def gap_end(gaps: Gaps, at: int) -> int | None:
    """Return when the gap ends that a moment lies in, None for a moment with signal."""
    if not gaps:
        return None
    place = bisect_right(gaps, (at, at + 1_000_000_000)) - 1
    return gaps[place][1] if place >= 0 and at < gaps[place][1] else None
