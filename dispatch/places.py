"""How far apart places of a town are, as the crow flies.  Pure."""

from __future__ import annotations

from math import cos, hypot, radians
from typing import Final

from geo.types import LonLat

_DEGREE_M: Final = 111_195
"""Metres of a degree of latitude on a sphere of 6,371 km."""


def apart_m(here: LonLat, there: LonLat) -> float:
    """Return the metres between two places, right to a thousandth within a town.

    The plane of degrees shrunk by the cosine of the latitude stands for the sphere.
    """
    east = (there.lon - here.lon) * cos(radians((here.lat + there.lat) / 2))
    return hypot(east, there.lat - here.lat) * _DEGREE_M
