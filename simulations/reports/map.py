"""The city's own map in a report: drawn once, used by every map of the page, light on paper.

Coordinates are whole units, `UNITS` along the longer side, and each point is written as its step
from the one before: a tenth of the size of the degrees.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.city import City
from geo.layers import Box
from geo.plane import M_PER_DEGREE
from geo.svg import Frame, lines, rings
from geo.types import LonLat
from simulations.reports.markup import NOTHING, Markup, tag
from simulations.reports.scale import plain

UNITS: Final = 4000
"""Along the longer side of a map."""

TOWN: Final = "town"
"""Id of the drawing that maps use."""

_MARGIN: Final = 0.05
_LEAST_M: Final = 600.0
_SLIMMEST: Final = 0.62
"""Shorter by longer side: what is slimmer is widened."""

_NEAR: Final = 0.6
"""Units per metre from which houses and the sides of streets can be told apart."""

_MAJOR: Final = frozenset({"motorway", "trunk", "primary", "secondary", "tertiary"})
_PATHS: Final = frozenset(
    {"footway", "cycleway", "path", "steps", "track", "platform", "bridleway"}
)
_WIDTH_M: Final = {"major": 11.0, "minor": 7.0, "path": 2.5}
_LEAST_WIDTH: Final = {"major": 13.0, "minor": 6.0, "path": 3.0}
_SCALES_M: Final = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
_SCALE_UNITS: Final = 900
_M_PER_KM: Final = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Paper:
    """Where degrees lie on the map.

    Attributes
    ----------
    frame
        In units.
    attribution
        Of the map's data.
    """

    frame: Frame
    attribution: str

    @property
    def view_box(self) -> str:
        """For an SVG with this map."""
        return f"0 0 {self.frame.width:.0f} {self.frame.height:.0f}"

    def units(self, place: LonLat) -> tuple[float, float]:
        """Return where a place is, in units from the left and from the top."""
        x, y = self.frame.px(np.array([place], dtype=np.float64))[0].tolist()
        return x, y

    def metres(self, lng: Sequence[float], lat: Sequence[float]) -> NDArray[np.int64]:
        """Return where places are in whole metres from the left and the top, int64 (n, 2)."""
        degrees = np.stack([np.asarray(lng, float), np.asarray(lat, float)], axis=1)
        found: NDArray[np.int64] = np.rint(
            self.frame.px(degrees.reshape(-1, 2)) / self.frame.px_per_m
        ).astype(np.int64)
        return found


def paper(city: City, places: Iterable[LonLat]) -> Paper:
    """Return a map around some places; around the whole city when there is none."""
    found = np.array(list(places), dtype=np.float64).reshape(-1, 2)
    found = found[np.isfinite(found).all(axis=1)]
    west, south, east, north = city.bounds
    if len(found):
        (west, south), (east, north) = found.min(axis=0).tolist(), found.max(axis=0).tolist()
    lon_m = M_PER_DEGREE * math.cos(math.radians((south + north) / 2))
    wide_m = max((east - west) * lon_m, _LEAST_M) * (1 + 2 * _MARGIN)
    high_m = max((north - south) * M_PER_DEGREE, _LEAST_M) * (1 + 2 * _MARGIN)
    wide_m, high_m = max(wide_m, _SLIMMEST * high_m), max(high_m, _SLIMMEST * wide_m)
    x, y = (west + east) / 2, (south + north) / 2
    half_lon, half_lat = wide_m / 2 / lon_m, high_m / 2 / M_PER_DEGREE
    box: Box = (x - half_lon, y - half_lat, x + half_lon, y + half_lat)
    scale = UNITS / max(wide_m, high_m)
    frame = Frame(box, scale, lon_m, wide_m * scale, high_m * scale)
    return Paper(frame, f"{city.attribution}, {city.licence}")


def town(city: City, on: Paper) -> Markup:
    """Return the drawing of the city that `base` puts into maps, unseen by itself.

    Raises
    ------
    CityError
        The city's map cannot be read.
    """
    frame, layers = on.frame, city.layers
    near = frame.px_per_m >= _NEAR
    drawn = [
        tag(
            "rect",
            class_="void",
            width=math.ceil(frame.width),
            height=math.ceil(frame.height),
        )
    ]
    drawn += [_area(name, rings(layers[name].shapes, frame)) for name in ("land", "green", "water")]
    drawn.append(_line("waterway", lines(layers["waterways"].shapes, frame), 8.0))
    if near:
        drawn.append(_area("building", rings(layers["buildings"].shapes, frame)))
    streets = layers["streets"]
    kinds = np.array([_kind(each) for each in streets.classes], dtype=object)
    for kind in ("path", "minor", "major"):
        if kind == "path" and not near:
            continue
        width = max(_WIDTH_M[kind] * frame.px_per_m, _LEAST_WIDTH[kind])
        way = lines(streets.shapes[kinds == kind], frame)
        if near and kind != "path":
            drawn.append(_line(f"{kind} edge", way, width + 5.0))
        drawn.append(_line(f"{kind} {'street' if near else 'far'}", way, width))
    drawn.append(_line("rail", lines(layers["rail"].shapes, frame), 4.0))
    group = tag("g", *drawn, id=TOWN)
    return tag("svg", tag("defs", group), width=0, height=0, class_="defs", aria_hidden="true")


def base() -> Markup:
    """Return the city's map, for the bottom of an SVG."""
    return tag("use", href=f"#{TOWN}")


def scale_bar(on: Paper) -> Markup:
    """Return a bar of round length for the lower left corner of a map."""
    scale, height = on.frame.px_per_m, on.frame.height
    metres = max((m for m in _SCALES_M if m * scale <= _SCALE_UNITS), default=_SCALES_M[0])
    end, y = 60 + metres * scale, height - 60
    told = f"{metres // _M_PER_KM} km" if metres >= _M_PER_KM else f"{plain(metres)} m"
    bar = f"M60 {y - 24:.0f}V{y:.0f}H{end:.0f}V{y - 24:.0f}"
    return tag(
        "g",
        tag("path", d=bar, class_="scale-back"),
        tag("path", d=bar),
        tag("text", told, x=76, y=y - 36),
        class_="scale-bar",
    )


def _kind(street: str) -> str:
    name = street.removesuffix("_link")
    if name in _MAJOR:
        return "major"
    return "path" if name in _PATHS else "minor"


def _area(name: str, outlines: Sequence[NDArray[np.float64]]) -> Markup:
    data = data_of(outlines, close=True)
    return tag("path", class_=name, d=data, fill_rule="evenodd") if data else NOTHING


def _line(name: str, ways: Sequence[NDArray[np.float64]], width: float) -> Markup:
    data = data_of(ways)
    return tag("path", class_=name, d=data, stroke_width=width) if data else NOTHING


def data_of(shapes: Iterable[NDArray[np.float64]], *, close: bool = False) -> str:
    """Return lines as the data of a path, in whole units, each point as a step."""
    pieces = []
    for shape in shapes:
        points = np.rint(shape).astype(np.int64)
        steps = np.diff(points, axis=0)
        steps = steps[(steps != 0).any(axis=1)]
        if not len(steps):
            continue
        told = " ".join(map(str, steps.reshape(-1).tolist())).replace(" -", "-")
        pieces.append(f"M{points[0, 0]} {points[0, 1]}l{told}{'z' * close}")
    return "".join(pieces)
