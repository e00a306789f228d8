"""A street closed for a while: plain data, as it stands in the log and on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from geo.types import EpochS, LonLat, Mode


class ClosureShape(StrEnum):
    """What a closure's points mean."""

    POINT = "point"
    LINE = "line"
    POLYGON = "polygon"
    WAYS = "ways"


@dataclass(frozen=True, slots=True)
class Closure:
    """A street, a stretch of it or an area that some modes may not pass through.

    Places on a closed street can still be reached on foot from its ends.

    Attributes
    ----------
    shape, points
        A point closes the street next to it, a line the streets it runs along, a polygon (its
        ring, the last point need not repeat the first) every street that touches it.
    way_ids
        Numbers of OpenStreetMap ways, for the shape `ways`; then there are no points.
    modes
        Who may not pass.
    reason
        For people to read.
    until
        When it opens by itself, None until somebody opens it.
    """

    closure_id: str
    shape: ClosureShape
    points: tuple[LonLat, ...] = ()
    way_ids: tuple[int, ...] = ()
    modes: tuple[Mode, ...] = tuple(Mode)
    reason: str = ""
    until: EpochS | None = None
