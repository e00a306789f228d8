"""Degrees and metres: the plane that touches the sphere, good for the length of a street."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""

E7: Final = 10_000_000
"""Positions are stored in 1e-7 degrees."""

LON_LIMIT: Final = 180.0
LAT_LIMIT: Final = 90.0
M_PER_DEGREE: Final = math.radians(1) * EARTH_RADIUS_M


def flat_length_m(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths of short straight pieces in metres.

    Parameters
    ----------
    start, end
        float64 (n, 2), degrees, longitude first.

    Notes
    -----
    On the plane that touches the sphere between the two points: for pieces of a street (up to
    some kilometres) the same as the great circle to better than a millimetre per kilometre.
    """
    middle = np.radians((start[:, 1] + end[:, 1]) / 2)
    across = (end[:, 0] - start[:, 0]) * np.cos(middle)
    return np.asarray(np.hypot(across, end[:, 1] - start[:, 1]) * M_PER_DEGREE)
