"""Lines as text: Google's encoded polylines, as OSRM and Valhalla send them.

Each latitude and longitude is written as its difference from the one before, in whole units of
the last digit, in pieces of five bits, least first, each piece as one printable character.
https://developers.google.com/maps/documentation/utilities/polylinealgorithm
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import PolylineError

POLYLINE: Final = 5
"""Digits after the point of a plain `polyline`: about a metre."""

POLYLINE6: Final = 6
"""Digits of `polyline6`, OSRM's and Valhalla's finer form."""

_FIRST: Final = 63  # the character '?', which stands for 0
_BITS: Final = 5
_MORE: Final = 1 << _BITS
_PIECES: Final = 7  # of five bits: a difference of 360 degrees in 1e-6 needs six


def encode(degrees: NDArray[np.float64], digits: int = POLYLINE) -> str:
    """Return a line as text.

    Parameters
    ----------
    degrees
        float64 (n, 2), longitude first.
    digits
        After the point, 5 or 6.
    """
    units = np.rint(degrees[:, ::-1] * 10.0**digits).astype(np.int64)
    steps = np.diff(units, axis=0, prepend=0).reshape(-1)
    rest = np.where(steps < 0, ~(steps << 1), steps << 1)
    pieces = (rest[:, None] >> (_BITS * np.arange(_PIECES))) & (_MORE - 1)
    later = rest[:, None] >> (_BITS * np.arange(1, _PIECES + 1))
    wanted = np.ones_like(pieces, dtype=bool)
    wanted[:, 1:] = later[:, :-1] > 0
    characters = pieces + np.where(later > 0, _MORE, 0) + _FIRST
    return str(characters[wanted].astype(np.uint8).tobytes(), "ascii")


def decode(text: str, digits: int = POLYLINE) -> NDArray[np.float64]:
    """Return the points of a line, float64 (n, 2) in degrees, longitude first.

    Raises
    ------
    PolylineError
        The text ends in the middle of a point, or has a character that no polyline has.
    """
    try:
        values = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64) - _FIRST
    except UnicodeEncodeError as error:
        raise PolylineError("a polyline has ASCII characters only; encode it again") from error
    if not len(values):
        return np.zeros((0, 2))
    if values.min() < 0 or values.max() >= 2 * _MORE:
        raise PolylineError(
            f"character {text[int(np.argmax((values < 0) | (values >= 2 * _MORE)))]!r} is in no "
            "polyline; encode it again"
        )
    last = values < _MORE
    start = np.flatnonzero(np.concatenate([[True], last[:-1]]))
    length = np.diff(start, append=len(values))
    if not last[-1] or len(start) % 2:
        raise PolylineError("the polyline ends in the middle of a point; send the whole of it")
    if length.max() > _PIECES:
        raise PolylineError("the polyline has a step larger than the Earth; encode it again")
    place = np.arange(len(values)) - np.repeat(start, length)
    coded = np.add.reduceat((values & (_MORE - 1)) << (_BITS * place), start)
    steps = np.where(coded & 1, ~(coded >> 1), coded >> 1)
    units = np.cumsum(steps.reshape(-1, 2), axis=0)
    return np.ascontiguousarray(units[:, ::-1] / 10.0**digits)
