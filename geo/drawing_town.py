"""The quiet map below what travels: the city's layers, and the streets that a mode may use.

What a mode may use, and which way, is drawn from the network that is searched, not from the map:
a picture shows what a search sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.city import City
from geo.layers import Layer
from geo.network import RoadNetwork
from geo.svg import Frame, along, diamond, fill, lines, path, rings, stroke, triangle
from geo.types import Mode

LAND, VOID, STREET, OPEN_STREET = "#f4f2ed", "#eceae4", "#d9d3c7", "#ffffff"
PEDESTRIAN, PEDESTRIAN_DOTS, STEPS = "#efdccb", "#b98b62", "#a89f8e"
RAIL, RAIL_GAP = "#bcb5a6", "#f4f2ed"
ONEWAY, BOTH_WAYS = "#8b8578", "#a57f4f"
DOTS: Final = 'stroke-dasharray="1.5 4"'
STAIRS: Final = 'stroke-dasharray="1.2 1.6"'
TIES: Final = 'stroke-dasharray="5 5"'

_FAR_OPEN_STREET: Final = "#bdb5a5"
"""From far away a street is a line: there is no room for two sides and the white between."""

_FAR_PX: Final = 2.5
_WATER: Final = "#cfdde3"
_AREAS: Final[Mapping[str, str]] = {
    "land": f'fill="{LAND}"',
    "green": 'fill="#e5eadb"',
    "water": f'fill="{_WATER}"',
    "buildings": 'fill="#e7e3db" stroke="#dad5ca" stroke-width="0.7"',
}
_STREET_M: Final = 6.0
_WIDTH_M: Final[Mapping[str, float]] = {
    **dict.fromkeys(("motorway", "trunk", "primary", "secondary"), 11.0),
    **dict.fromkeys(("tertiary", "pedestrian"), 9.0),
    "service": 4.0,
    **dict.fromkeys(("footway", "path", "platform", "bridleway", "steps"), 2.5),
    **dict.fromkeys(("cycleway", "track"), 2.5),
}
_LEAST_PX: Final = 1.3
_STAIRS_PX: Final = 3.0
_SIDES_PX: Final = 0.9
_ARROW_PX: Final = 3.2
_ARROWS_APART_PX: Final = 85.0
_ARROW_ROOM_PX: Final = 24.0


def town(city: City, frame: Frame) -> Iterator[str]:
    """Yield areas, streets of all kinds and rails."""
    layers = city.layers
    yield f'<rect width="{frame.width:.0f}" height="{frame.height:.0f}" fill="{VOID}"/>'
    for name in ("land", "green", "water"):
        yield fill(path(rings(layers[name].shapes, frame), "Z"), _AREAS[name])
    yield stroke(path(lines(layers["waterways"].shapes, frame)), _WATER, 2.0)
    yield fill(path(rings(layers["buildings"].shapes, frame), "Z"), _AREAS["buildings"])
    yield from _streets(layers["streets"], frame)
    rail = path(lines(layers["rail"].shapes, frame))
    yield stroke(rail, RAIL, 2.4)
    yield stroke(rail, RAIL_GAP, 1.2, TIES)


def _streets(layer: Layer, frame: Frame) -> Iterator[str]:
    """Yield streets whoever may use them; pedestrian streets and steps show by their line."""
    classes = np.array(layer.classes, dtype=object)
    for kind in sorted(set(layer.classes)):
        line = path(lines(layer.shapes[classes == kind], frame))
        width_px = _width_px(kind, frame)
        if kind == "pedestrian":
            yield stroke(line, PEDESTRIAN, width_px)
            yield stroke(line, PEDESTRIAN_DOTS, 1.0, DOTS)
        elif kind == "steps":
            yield stroke(line, STEPS, max(width_px, _STAIRS_PX), STAIRS)
        else:
            yield stroke(line, STREET, width_px)


def usable(network: RoadNetwork, mode: Mode, frame: Frame) -> Iterator[str]:
    """Yield what a mode may use, lighter than the rest, with arrows along its one-ways."""
    forth, back = np.asarray(network.times_ds(mode)) > 0
    classes = network.arrays.edge_class
    for index, kind in enumerate(network.classes):
        edges = np.flatnonzero((forth | back) & (classes == index))
        if len(edges) and kind not in ("pedestrian", "steps"):
            line = path(edge_lines(network, edges, frame))
            width_px = _width_px(kind, frame)
            sides_px = 0.0 if far(frame) else _SIDES_PX
            yield stroke(line, open_street(frame), max(width_px - sides_px, _LEAST_PX))
    oneway = np.flatnonzero(forth != back)
    ways = (
        edge_line(network, edge, frame)[:: 1 if forth[edge] else -1] for edge in oneway.tolist()
    )
    arrows = path((triangle(*at, _ARROW_PX) for at in _apart(ways, frame)), "Z")
    yield fill(arrows, f'fill="{ONEWAY}"')
    both = np.flatnonzero(forth & back & _cars_one_way(network, mode))
    ways = (edge_line(network, edge, frame) for edge in both.tolist())
    yield fill(path((diamond(*at) for at in _apart(ways, frame)), "Z"), f'fill="{BOTH_WAYS}"')


def far(frame: Frame) -> bool:
    """Tell whether the map is so small that a street is a mere line."""
    return _STREET_M * frame.px_per_m < _FAR_PX


def open_street(frame: Frame) -> str:
    """Return the colour of a street that may be used."""
    return _FAR_OPEN_STREET if far(frame) else OPEN_STREET


def edge_line(network: RoadNetwork, edge: int, frame: Frame) -> NDArray[np.float64]:
    """Return an edge on the paper, as drawn."""
    return frame.px(network.line(edge))


def edge_lines(
    network: RoadNetwork, edges: NDArray[np.int64], frame: Frame
) -> list[NDArray[np.float64]]:
    """Return what of some edges lies in the frame."""
    shapes = np.empty(len(edges), dtype=object)
    shapes[:] = [shapely.LineString(network.line(edge)) for edge in edges.tolist()]
    return lines(shapes, frame)


def _width_px(kind: str, frame: Frame) -> float:
    metres = _WIDTH_M.get(kind.removesuffix("_link"), _STREET_M)
    return max(metres * frame.px_per_m, _LEAST_PX)


def _cars_one_way(network: RoadNetwork, mode: Mode) -> NDArray[np.bool_]:
    """Return where cars go one way only, if a bicycle is drawn, bool (E,)."""
    if mode not in (Mode.BIKE, Mode.CARGO_BIKE) or Mode.CAR not in network.modes:
        return np.zeros(network.edge_count, dtype=bool)
    forth, back = np.asarray(network.times_ds(Mode.CAR)) > 0
    return np.asarray(forth != back)


def _apart(
    ways: Iterable[NDArray[np.float64]], frame: Frame
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield places along ways with the directions there, only one in each part of the map."""
    taken = set()
    for way in ways:
        for place, ahead in along(way, _ARROWS_APART_PX):
            room = tuple((place // _ARROW_ROOM_PX).tolist())
            if room not in taken and frame.shows(place):
                taken.add(room)
                yield place, ahead
