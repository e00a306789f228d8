"""Travel drawn on a city's own map, as one SVG file that needs nothing else.

The map is quiet, what travels is not: routes take the colours of Okabe & Ito ("Color Universal
Design", 2008), numbered at both ends, a circle where they start and a square where they end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo import drawing_town as quiet
from geo.city import City
from geo.layers import Box
from geo.plane import E7, M_PER_DEGREE
from geo.reach import Reach
from geo.svg import ROUND, Frame, along, fill, lines, path, rings, stroke, triangle, words
from geo.types import LonLat, Mode, RoadRoute

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe & Ito's palette without its yellow, which a pale map swallows."""

LONGEST_SIDE_PX: Final = 1400.0
LEAST_FRAME_M: Final = 250.0
"""However short what is drawn, so much of the town is shown around it."""

_MARGIN: Final = 0.06
_ROUTE_PX: Final = 4.2
_NESTED_PX: Final = 0.7
"""Each route is so much narrower than the one below: both show where they share a street."""

_HALO_PX: Final = 2.4
_ARROWS_APART_PX: Final = 85.0
_MARK_PX: Final = 9.0
_BEFORE: Final = 'stroke-dasharray="3 7"'
_WALKED: Final = 'stroke-dasharray="0.1 4.5"'
_TAPE: Final = 'stroke-dasharray="6 6"'
_LINE_POINTS: Final = 2

_SCALES_M: Final = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
_SCALE_PX: Final = 160.0
_M_PER_KM: Final = 1_000
_S_PER_MIN: Final = 60

_KEY_PX: Final = 400.0
_PAD_PX: Final = 20.0
_LINE_PX: Final = 21.0
_INDENT_PX: Final = 50.0
_CHAR_PX: Final = 6.6
_TITLE_CHAR_PX: Final = 8.4

_PAPER, _INK, _SOFT, _CLOSED = "#ffffff", "#18222c", "#4c5864", "#c4161c"
_ON_COLOUR: Final = f'fill="{_PAPER}" text-anchor="middle"'
_FONT: Final = "-apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
_NAMES: Final[Mapping[Mode, str]] = {
    Mode.WALK: "walker",
    Mode.BIKE: "bicycle",
    Mode.CARGO_BIKE: "cargo bike",
    Mode.SCOOTER: "scooter",
    Mode.CAR: "car",
}


@dataclass(frozen=True, slots=True)
class DrawnRoute:
    """A route and what stands beside its number.

    Attributes
    ----------
    label
        From where to where.
    route
        The way.
    before
        The way it took before something changed; drawn dashed.
    """

    label: str
    route: RoadRoute
    before: RoadRoute | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is to be drawn.

    Attributes
    ----------
    city, mode
        The map, and whose streets and one-ways are shown on it.
    title
        What the picture shows, one line.
    routes
        The first is drawn lowest and widest.
    reaches
        What can be reached, the longest time first.
    closed
        Edges that are closed, int64 (k,); None where nothing is.
    """

    city: City
    mode: Mode
    title: str
    routes: tuple[DrawnRoute, ...] = ()
    reaches: tuple[Reach, ...] = ()
    closed: NDArray[np.int64] | None = None


def draw(picture: Picture) -> str:
    """Return the picture as SVG.

    Raises
    ------
    CityError
        The city's map cannot be read.
    UnknownModeError
        The city has no roads for the mode.
    """
    frame = _frame(picture)
    key = list(_key(picture, frame))
    width, height = frame.width + _KEY_PX, max(frame.height, key[-1][0] + _PAD_PX)
    size = f'width="{width:.0f}" height="{height:.0f}"'
    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {size}>',
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(picture.city.attribution)}, {escape(picture.city.licence)}</desc>",
        f"<style>text {{ font-family: {_FONT} }}</style>",
        f'<rect {size} fill="{_PAPER}"/>',
        f'<svg width="{frame.width:.0f}" height="{frame.height:.0f}">',
        *quiet.town(picture.city, frame),
        *quiet.usable(picture.city.network, picture.mode, frame),
        *_in_reach(picture, frame),
        *_shut(picture, frame),
        *_ways(picture, frame),
        *_marks(picture, frame),
        *_scale_bar(frame),
        "</svg>",
        *(line for _, line in key),
        "</svg>",
    ]
    return "\n".join(text) + "\n"


def _frame(picture: Picture) -> Frame:
    west, south, east, north = _around(picture)
    lon_m = M_PER_DEGREE * math.cos(math.radians((south + north) / 2))
    wide_m = max((east - west) * lon_m, LEAST_FRAME_M)
    high_m = max((north - south) * M_PER_DEGREE, LEAST_FRAME_M)
    margin_m = 2 * _MARGIN * max(wide_m, high_m)
    wide_m, high_m = wide_m + margin_m, high_m + margin_m
    x, y = (west + east) / 2, (south + north) / 2
    half_lon, half_lat = wide_m / 2 / lon_m, high_m / 2 / M_PER_DEGREE
    px_per_m = LONGEST_SIDE_PX / max(wide_m, high_m)
    box = (x - half_lon, y - half_lat, x + half_lon, y + half_lat)
    return Frame(box, px_per_m, lon_m, wide_m * px_per_m, high_m * px_per_m)


def _around(picture: Picture) -> Box:
    """Return the box around all that travels; around the city when nothing does."""
    places = [_degrees(way) for one in picture.routes for way in (one.route, one.before)]
    places += [shapely.get_coordinates(reach.polygon()) for reach in picture.reaches]
    places += [np.array([reach.origin]) for reach in picture.reaches]
    found = np.concatenate([np.zeros((0, 2)), *places])
    if not len(found):
        return picture.city.bounds
    (west, south), (east, north) = found.min(axis=0).tolist(), found.max(axis=0).tolist()
    return west, south, east, north


def _degrees(route: RoadRoute | None) -> NDArray[np.float64]:
    return np.array([] if route is None else route.points, dtype=np.float64).reshape(-1, 2)


def _colour(nth: int) -> str:
    return COLOURS[nth % len(COLOURS)]


# --- what travels --------------------------------------------------------------------------------


def _in_reach(picture: Picture, frame: Frame) -> Iterator[str]:
    """Yield areas in reach, the largest lowest, and the streets reached."""
    for nth, reach in enumerate(picture.reaches):
        area = path(rings(np.array([reach.polygon()]), frame), "Z")
        edge = f'stroke="{_colour(nth)}" stroke-width="2" stroke-linejoin="round"'
        yield fill(area, f'fill="{_colour(nth)}" fill-opacity="0.17" {edge}')
    for nth, reach in enumerate(picture.reaches):
        line = np.repeat(np.arange(len(reach.edge)), np.diff(reach.line_start))
        stretches = shapely.linestrings(reach.line_e7 / E7, indices=line)
        yield stroke(path(lines(stretches, frame)), _colour(nth), 1.6)


def _shut(picture: Picture, frame: Frame) -> Iterator[str]:
    """Yield closed streets as barrier tape."""
    if picture.closed is not None:
        line = path(quiet.edge_lines(picture.city.network, picture.closed, frame))
        yield stroke(line, _CLOSED, 15.0)
        yield stroke(line, _PAPER, 12.0, _TAPE)


def _ways(picture: Picture, frame: Frame) -> Iterator[str]:
    """Yield routes, the last on top, then their arrows; what is walked at both ends in dots."""
    arrows = []
    for nth, one in enumerate(picture.routes):
        width_px = _ROUTE_PX + _NESTED_PX * (len(picture.routes) - 1 - nth)
        for way, dash in ((one.before, _BEFORE), (one.route, "")):
            if way is None:
                continue
            walks, driven = _walks_apart(picture, way, frame)
            yield stroke(path([driven]), _PAPER, width_px + _HALO_PX)
            yield stroke(path([driven]), _colour(nth), width_px, f"{ROUND} {dash}")
            yield stroke(path(walks), _colour(nth), 2.2, f"{ROUND} {_WALKED}")
        heads = (triangle(*at, 3.6 + width_px / 3) for at in along(driven, _ARROWS_APART_PX))
        style = f'fill="{_colour(nth)}" stroke="{_PAPER}" stroke-width="1.2"'
        arrows.append(fill(path(heads, "Z"), style))
    yield from arrows


def _walks_apart(
    picture: Picture, route: RoadRoute, frame: Frame
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the walks between places and road, and the way along the road between them."""
    line = frame.px(_degrees(route))
    snaps = picture.city.network.snap_all([route.points[0], route.points[-1]], picture.mode)
    from_place, to_place = (snaps.access_dm > 0).tolist()
    start, stop = int(from_place), len(line) - int(to_place)
    if stop - start < _LINE_POINTS:
        return [line], line[:0]
    walks = [line[:_LINE_POINTS]] * from_place + [line[-_LINE_POINTS:]] * to_place
    return walks, line[start:stop]


def _marks(picture: Picture, frame: Frame) -> Iterator[str]:
    """Yield circles at starts and squares at ends, beside one another where they would meet."""
    wanted: list[tuple[LonLat, bool, str, str]] = []
    for nth, one in enumerate(picture.routes):
        wanted.append((one.route.points[0], True, str(nth + 1), _colour(nth)))
        wanted.append((one.route.points[-1], False, str(nth + 1), _colour(nth)))
    wanted += [(reach.origin, True, "", _INK) for reach in picture.reaches[:1]]
    taken: list[NDArray[np.float64]] = []
    for place, is_start, number, colour in wanted:
        at = frame.px(np.array([place]))[0]
        beside = at.copy()
        while any(np.hypot(*(beside - other)) < 2 * _MARK_PX for other in taken):
            beside[0] += 2 * _MARK_PX + 1
        taken.append(beside)
        if beside[0] != at[0]:
            yield stroke(path([np.stack([at, beside])]), colour, 1.5)
        yield _mark(beside[0], beside[1], number, colour, is_start=is_start)


def _mark(x: float, y: float, number: str, colour: str, *, is_start: bool) -> str:
    style = f'fill="{colour}" stroke="{_PAPER}" stroke-width="1.5"'
    if is_start:
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_MARK_PX:g}" {style}/>'
    else:
        side = 2 * _MARK_PX
        corner = f'x="{x - _MARK_PX:.1f}" y="{y - _MARK_PX:.1f}"'
        shape = f'<rect {corner} width="{side:g}" height="{side:g}" {style}/>'
    return shape + words(x, y + 4, number, _ON_COLOUR, 12)


def _scale_bar(frame: Frame) -> Iterator[str]:
    fitting = [metres for metres in _SCALES_M if metres * frame.px_per_m <= _SCALE_PX]
    metres = max(fitting, default=_SCALES_M[0])
    length, y = metres * frame.px_per_m, frame.height - 16
    bar = path([np.array([[16, y - 6], [16, y], [16 + length, y], [16 + length, y - 6]])])
    yield stroke(bar, _PAPER, 5.0)
    yield stroke(bar, _INK, 1.5)
    text = f"{metres // _M_PER_KM} km" if metres >= _M_PER_KM else f"{metres} m"
    halo = f'fill="{_INK}" stroke="{_PAPER}" stroke-width="3" paint-order="stroke"'
    yield words(20, y - 8, text, halo, 12)


# --- what it all means ---------------------------------------------------------------------------


def _key(picture: Picture, frame: Frame) -> Iterator[tuple[float, str]]:
    """Yield the lines of the key beside the map, each with how far down it stands."""
    x, y = frame.width + _PAD_PX, 34.0
    ink, soft = f'fill="{_INK}"', f'fill="{_SOFT}"'
    for line in _wrapped(picture.title, _KEY_PX - 2 * _PAD_PX, _TITLE_CHAR_PX):
        yield y, words(x, y, line, f'{ink} font-weight="600"', 16)
        y += _LINE_PX
    y += 8
    for nth, one in enumerate(picture.routes):
        yield y, _mark(x + 9, y - 4, str(nth + 1), _colour(nth), is_start=True)
        yield y, _mark(x + 31, y - 4, str(nth + 1), _colour(nth), is_start=False)
        for line in _wrapped(one.label, _KEY_PX - 2 * _PAD_PX - _INDENT_PX, _CHAR_PX):
            yield y, words(x + _INDENT_PX, y, line, ink)
            y += _LINE_PX - 3
        yield y, words(x + _INDENT_PX, y, _figures(one), soft)
        y += _LINE_PX + 6
    for nth, reach in enumerate(picture.reaches):
        style = f'fill="{_colour(nth)}" fill-opacity="0.25" stroke="{_colour(nth)}"'
        yield y, f'<rect x="{x:.1f}" y="{y - 12:.1f}" width="38" height="15" {style}/>'
        yield y, words(x + _INDENT_PX, y, _reached(reach), ink)
        y += _LINE_PX + 4
    for symbol, meaning in _symbols(picture, frame):
        yield y, f'<g transform="translate({x:.1f} {y - 4:.1f})">{symbol}</g>'
        yield y, words(x + _INDENT_PX, y, meaning, soft)
        y += _LINE_PX
    y += 10
    for line in (picture.city.title, f"{picture.city.attribution}, {picture.city.licence}"):
        yield y, words(x, y, line, soft, 12)
        y += _LINE_PX


def _symbols(picture: Picture, frame: Frame) -> Iterator[tuple[str, str]]:
    """Yield symbols, drawn around the height 0, and what they mean."""

    def line(colour: str, width_px: float, more: str = "") -> str:
        return stroke("M0,0 H38", colour, width_px, more)

    ground, name = line(quiet.LAND, 17), _NAMES[picture.mode]
    if picture.routes:
        ends = f'<circle cx="9" r="6" fill="{_SOFT}"/>' + fill(
            "M25,-6 h12 v12 h-12 Z", f'fill="{_SOFT}"'
        )
        yield ends, "start and end of a route"
        yield line(_SOFT, 2.2, f"{ROUND} {_WALKED}"), "walk between road and place"
    if any(one.before is not None for one in picture.routes):
        yield line(_colour(0), 4, f"{ROUND} {_BEFORE}"), "the way before the closure"
    if picture.closed is not None:
        yield line(_CLOSED, 12) + line(_PAPER, 9, _TAPE), "closed street"
    street = ground + line(quiet.STREET, 9) + line(quiet.OPEN_STREET, 7)
    if quiet.far(frame):
        street = ground + line(quiet.open_street(frame), 1.5)
    yield street, f"street that a {name} may use"
    yield street + fill("M24,0 l-8,-4 v8 Z", f'fill="{quiet.ONEWAY}"'), "one way only"
    if picture.mode in (Mode.BIKE, Mode.CARGO_BIKE):
        both = fill("M14,0 l5,-3 l5,3 l-5,3 Z", f'fill="{quiet.BOTH_WAYS}"')
        yield street + both, "one way for cars, both ways for bicycles"
    yield ground + line(quiet.STREET, 3), f"way that a {name} may not use"
    dotted = line(quiet.PEDESTRIAN, 8) + line(quiet.PEDESTRIAN_DOTS, 1, quiet.DOTS)
    yield ground + dotted, "pedestrian street"
    yield ground + line(quiet.STEPS, 4, quiet.STAIRS), "steps"
    yield ground + line(quiet.RAIL, 2.4) + line(quiet.RAIL_GAP, 1.2, quiet.TIES), "rails"


def _wrapped(text: str, room_px: float, char_px: float) -> Iterator[str]:
    """Yield a text in lines that fit."""
    line = ""
    for word in text.split():
        if line and (len(line) + 1 + len(word)) * char_px > room_px:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def _figures(one: DrawnRoute) -> str:
    now = f"{_clock(one.route.duration_s)}, {one.route.length_m} m"
    if one.before is None:
        return now
    return f"{now}; before {_clock(one.before.duration_s)}, {one.before.length_m} m"


def _clock(seconds: int) -> str:
    return f"{seconds // _S_PER_MIN} min {seconds % _S_PER_MIN:02d} s"


def _reached(reach: Reach) -> str:
    shrink = math.cos(math.radians(reach.origin[1]))
    km2 = reach.polygon().area * shrink * (M_PER_DEGREE / _M_PER_KM) ** 2
    return f"within {_clock(reach.seconds)}: {len(reach.duration_s)} junctions, {km2:.2f} km²"
