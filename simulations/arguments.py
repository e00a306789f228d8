"""What a command line of this room takes as a number, a length of time, a seed: or says why not."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Final

_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def whole(least: int, most: int, what: str = "a whole number") -> Callable[[str], int]:
    """Return what reads a whole number within bounds, both included.

    Parameters
    ----------
    what
        Is to be written: "seconds on the way".
    """

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(
                f"{text!r} will not do; write {what} from {least} to {most}"
            )
        return int(text)

    return read


def number(least: float, most: float, what: str) -> Callable[[str], float]:
    """Return what reads a number within bounds: `most` is one of them, and `least` unless 0."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (least <= value <= most and value > 0):
            bounds = f"{least:g} to {most:g}" if least else f"more than 0, at most {most:g}"
            raise argparse.ArgumentTypeError(f"{text!r} will not do; write {what}, {bounds}")
        return value

    return read


seed: Final = whole(0, 2**31 - 1)
port: Final = whole(0, 65_535, "a port (0 for any)")
speed: Final = number(0, 1000, "the clock's pace as 10 for ten times life")


def duration_s(text: str) -> int:
    """Return seconds from `90s`, `60m`, `1h30m`."""
    match = _DURATION.fullmatch(text)
    parts = match.groups(default="0") if match and text else ("0", "0", "0")
    hours, minutes, seconds = (int(part) for part in parts)
    total = hours * 3600 + minutes * 60 + seconds
    if total == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time; write 60m, 90s or 1h30m")
    return total
