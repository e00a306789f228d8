"""A map on paper: places in pixels, and the few shapes of SVG that a drawing needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.layers import Box
from geo.plane import M_PER_DEGREE

ROUND: Final = 'stroke-linecap="round"'

_FINEST_PX: Final = 0.4
_SHORTEST_ARROW_PX: Final = 9.0


class Frame(NamedTuple):
    """A box of the map on paper.

    Attributes
    ----------
    box
        Degrees.
    px_per_m
        Scale.
    lon_m
        Metres per degree of longitude.
    width, height
        Pixels.
    """

    box: Box
    px_per_m: float
    lon_m: float
    width: float
    height: float

    def px(self, degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places on the paper, float64 (n, 2), for (n, 2) degrees, longitude first."""
        east = (degrees[:, 0] - self.box[0]) * self.lon_m
        south = (self.box[3] - degrees[:, 1]) * M_PER_DEGREE
        return np.stack([east, south], axis=1) * self.px_per_m

    def shows(self, place: NDArray[np.float64]) -> bool:
        """Tell whether a place on the paper, float64 (2,), is within the frame."""
        return bool(0 <= place[0] <= self.width and 0 <= place[1] <= self.height)


def on_paper(shapes: NDArray[np.object_], frame: Frame) -> NDArray[np.object_]:
    """Return what of some shapes in degrees lies in the frame, no finer than half a pixel."""
    drawn = shapely.transform(shapely.clip_by_rect(shapes, *frame.box), frame.px)
    drawn = shapely.simplify(drawn, _FINEST_PX, preserve_topology=False)
    return np.asarray(shapely.get_parts(drawn[~shapely.is_empty(drawn)]))


def lines(shapes: NDArray[np.object_], frame: Frame) -> list[NDArray[np.float64]]:
    """Return lines on the paper, each float64 (n, 2)."""
    return [shapely.get_coordinates(part) for part in on_paper(shapes, frame) if part.length > 0]


def rings(shapes: NDArray[np.object_], frame: Frame) -> list[NDArray[np.float64]]:
    """Return the outlines of areas on the paper, holes included."""
    return [
        shapely.get_coordinates(ring)
        for part in on_paper(shapes, frame)
        if part.area > 0
        for ring in (part.exterior, *part.interiors)
    ]


def along(
    line: NDArray[np.float64], apart_px: float
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield places along a line, its middle if it is short, each with the direction there.

    A line too short for an arrow has none.
    """
    steps = np.diff(line, axis=0)
    sizes = np.hypot(*steps.T)
    ends = np.cumsum(sizes)
    if not len(ends) or ends[-1] < _SHORTEST_ARROW_PX:
        return
    count = max(int(ends[-1] // apart_px), 1)
    for at in ((np.arange(count) + 0.5) / count * ends[-1]).tolist():
        piece = int(np.searchsorted(ends, at))
        if sizes[piece] > 0:
            ahead = steps[piece] / sizes[piece]
            yield line[piece + 1] - (ends[piece] - at) * ahead, ahead


def triangle(
    place: NDArray[np.float64], ahead: NDArray[np.float64], size_px: float
) -> NDArray[np.float64]:
    """Return the corners of an arrow head."""
    aside = np.array([-ahead[1], ahead[0]])
    return np.asarray(place + size_px * np.array([1.4 * ahead, aside - ahead, -aside - ahead]))


def diamond(place: NDArray[np.float64], ahead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the corners of a sign that points both ways."""
    aside = np.array([-ahead[1], ahead[0]])
    return np.asarray(place + np.array([4.5 * ahead, 2 * aside, -4.5 * ahead, -2 * aside]))


def path(drawn: Iterable[NDArray[np.float64]], close: str = "") -> str:
    """Return lines as the data of one SVG path, in tenths of a pixel; with "Z" they are closed."""
    return "".join(
        "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in line.tolist()) + close for line in drawn
    )


def stroke(data: str, colour: str, width_px: float, more: str = ROUND) -> str:
    """Return lines in one colour."""
    return (
        f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="{width_px:.1f}" '
        f'stroke-linejoin="round" {more}/>'
    )


def fill(data: str, style: str) -> str:
    """Return areas; where one lies in another there is a hole."""
    return f'<path d="{data}" {style} fill-rule="evenodd"/>'


def words(x: float, y: float, text: str, style: str, size_px: int = 13) -> str:
    """Return a line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {style} font-size="{size_px}">{escape(text)}</text>'
