"""What goes wrong with couriers before and during a shift, drawn for courier and day or hour."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from simulations.rng import Streams
from simulations.scenarios.settings import MishapSettings
from simulations.worlds.signal import HOUR_S


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Something that is about to break.

    Attributes
    ----------
    at
        From this moment on; it gives way when the courier is under way.
    share
        How far on the way, of whoever was not under way then.
    repair_s
        How long until they work again.
    """

    at: int
    share: float
    repair_s: int


def is_absent(streams: Streams, settings: MishapSettings, courier_id: str, day: dt.date) -> bool:
    """Tell whether a courier does not come to work on a day."""
    return streams.chance("absent", f"{courier_id} {day}", settings.absent_share)


def late_s(streams: Streams, settings: MishapSettings, courier_id: str, day: dt.date) -> int:
    """Return how late a courier begins the shift of a day."""
    entity = f"{courier_id} {day}"
    if not streams.chance("late", entity, settings.late_share):
        return 0
    low, high = settings.late_s
    return int(streams.stream("late_s", entity).integers(low, high + 1))


def breakdowns(
    streams: Streams, settings: MishapSettings, courier_id: str, begins_at: int, ends_at: int
) -> tuple[Breakdown, ...]:
    """Return what breaks during a shift: Poisson in each hour of the clock, even in time."""
    rate = settings.breakdowns_per_hour
    if rate <= 0:
        return ()
    low, high = settings.repair_s
    found: list[Breakdown] = []
    for hour in range(begins_at // HOUR_S, -(-ends_at // HOUR_S)):
        draw = streams.stream("breakdown", f"{courier_id} {hour}")
        for _ in range(int(draw.poisson(rate))):
            at = hour * HOUR_S + int(draw.integers(0, HOUR_S))
            found.append(Breakdown(at, float(draw.random()), int(draw.integers(low, high + 1))))
    inside = [one for one in found if begins_at <= one.at < ends_at]
    return tuple(sorted(inside, key=lambda one: (one.at, one.share)))
