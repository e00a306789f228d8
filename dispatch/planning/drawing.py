"""Draws in compiled loops: xorshift64*, Marsaglia (2003), doi:10.18637/jss.v008.i14."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel_part


@kernel_part
def draw(random: NDArray[np.uint64]) -> float:
    """Return a number from 0 to below 1."""
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0
