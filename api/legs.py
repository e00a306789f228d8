"""Ways on the wire: the line along the streets, and what to do on it."""

from __future__ import annotations

import numpy as np

from api.live import Live
from api.shapes import ways, words
from api.ways import as_line
from geo.errors import GeoError
from geo.types import LonLat, Mode, RoadStep


def place(where: LonLat) -> words.Place:
    """Return a place."""
    return {"lat": where.lat, "lng": where.lon}


def leg(live: Live, mode: Mode, origin: LonLat, destination: LonLat) -> ways.Leg | None:
    """Return the way from a place to another, None where there is none to draw."""
    try:
        way = live.ways.between(origin, destination, mode)
    except GeoError:
        # The planner counts such a stop as unreachable and says so.
        return None
    return {
        "duration_s": way.duration_s,
        "length_m": way.length_m,
        "streets": list(way.streets),
        "line": as_line(np.array(way.points)),
        "steps": [_step(step) for step in way.steps],
    }


def _step(found: RoadStep) -> ways.Step:
    """Return what to do on a leg; `point` is the index of its place in the leg's line."""
    return {
        "maneuver": found.maneuver,
        "modifier": found.modifier,
        "street": found.street,
        "length_m": found.length_m,
        "duration_s": found.duration_s,
        "location": place(found.location),
        "point": found.point,
    }
