"""How far places of a city are from one of them, as the crow flies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from geo.plane import M_PER_DEGREE
from geo.types import LonLat


def metres_from(
    place: LonLat, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distances of n points from a place, in metres, float64 (n,).

    On the plane that touches the sphere there: right to a thousandth within a city.
    """
    shrink = math.cos(math.radians(place.lat))
    distances: NDArray[np.float64] = M_PER_DEGREE * np.hypot(
        (lon - place.lon) * shrink, lat - place.lat
    )
    return distances
