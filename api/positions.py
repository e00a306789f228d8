"""Where couriers are and were: what they say now, and what they could not say before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from api.shapes import couriers
from api.storage.records import Position
from dispatch.engine import Engine
from dispatch.errors import InvalidValueError, UnknownIdError
from geo.errors import TooFarFromRoadError
from geo.types import LonLat

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reported:
    """A position as a device sent it; `at` is by the device's own clock."""

    courier_id: str
    place: LonLat
    at: int


def take_positions(
    engine: Engine, sent: Sequence[Reported], now: int, keep: Callable[[Position], None]
) -> couriers.PositionsTaken:
    """Take in positions in the order they were true, however they were sent.

    The latest of a courier is where they are; older ones belong to their track.  What is kept and
    where a courier is does not depend on the order of `sent`.

    Parameters
    ----------
    keep
        Called with each position worth keeping.

    Returns
    -------
    dict
        `accepted` of them, `late` of those older than what was known, and those `ignored` with
        the reason and a pointer.
    """
    accepted = late = 0
    ignored: list[couriers.IgnoredPosition] = []
    seen: set[Reported] = set()
    for index in sorted(range(len(sent)), key=lambda i: _when_and_where(sent[i])):
        one = sent[index]
        known = engine.positions.get(one.courier_id)
        is_repeat = one in seen or (
            known is not None and (known.at, known.place) == (one.at, one.place)
        )
        try:
            is_fresh = engine.report_position(one.courier_id, one.place, one.at)
        except (UnknownIdError, InvalidValueError, TooFarFromRoadError) as error:
            ignored.append(_ignored(index, one, error))
            continue
        accepted += 1
        late += not is_fresh
        seen.add(one)
        if not is_repeat:
            keep(Position(one.courier_id, one.place, one.at, now, late=not is_fresh))
    ignored.sort(key=lambda row: row["index"])
    return {"accepted": accepted, "late": late, "ignored": ignored}


def _when_and_where(one: Reported) -> tuple[int, LonLat, str]:
    return (one.at, one.place, one.courier_id)


def _ignored(
    index: int, one: Reported, error: UnknownIdError | InvalidValueError | TooFarFromRoadError
) -> couriers.IgnoredPosition:
    """Return why a position cannot be used, and which of its fields is to blame."""
    reason, field = error.code, "location"
    if isinstance(error, UnknownIdError):
        field = "courier_id"
    elif isinstance(error, InvalidValueError):
        reason, field = "time_in_future", "at"
    return {
        "index": index,
        "pointer": f"/positions/{index}/{field}",
        "courier_id": one.courier_id,
        "reason": reason,
    }
