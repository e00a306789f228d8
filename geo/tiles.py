"""The map behind the pages as vector tiles, cut from the city itself.

Tiles follow the Mapbox Vector Tile specification 2.1 in the usual Web Mercator scheme (z, x, y from
the north-west), so any map library shows them.  Layers are those of `geo.layers.LAYERS`; every
shape has `class`, and `name` where the map has one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import mapbox_vector_tile
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.city import City
from geo.errors import PlaceError
from geo.layers import LAYERS

MAX_ZOOM: Final = 22
EXTENT: Final = 4096
TILES_REMEMBERED: Final = 1024
_BUFFER: Final = 64
_SIMPLIFY_UNITS: Final = 4.0
_SMALLEST_UNITS2: Final = 64.0
_FROM_ZOOM: Final[Mapping[str, int]] = {"buildings": 13, "waterways": 11, "rail": 11}
_STREETS_FROM_ZOOM: Final[Mapping[str, int]] = {
    **dict.fromkeys(("motorway", "trunk", "primary"), 0),
    **dict.fromkeys(("motorway_link", "trunk_link", "secondary"), 9),
    **dict.fromkeys(("tertiary", "primary_link", "secondary_link"), 10),
    **dict.fromkeys(("residential", "unclassified", "living_street", "tertiary_link", "road"), 11),
}
_OTHER_STREETS_FROM_ZOOM: Final = 13


class _Drawn(NamedTuple):
    """A layer in world coordinates: 0 to 1 from west to east and from north to south."""

    shapes: NDArray[np.object_]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    from_zoom: NDArray[np.int8]
    tree: shapely.STRtree


class Tiles:
    """Tiles of one city; safe to use from several threads.

    Parameters
    ----------
    city
        Its layers are read at the first tile.
    """

    def __init__(self, city: City) -> None:
        self._city = city
        self._drawn: dict[str, _Drawn] | None = None
        self._remembered = lru_cache(maxsize=TILES_REMEMBERED)(self._make)

    def tile(self, z: int, x: int, y: int) -> bytes:
        """Return one tile, not compressed; empty where the city has nothing to show.

        Parameters
        ----------
        z, x, y
            Zoom 0 to `MAX_ZOOM`, column from the west and row from the north, 0 to 2**z - 1.

        Raises
        ------
        PlaceError
            There is no such tile.
        CityError
            The city's map is damaged.
        """
        if not (0 <= z <= MAX_ZOOM and 0 <= x < 1 << z and 0 <= y < 1 << z):
            raise PlaceError(
                f"there is no tile {z}/{x}/{y}; zoom goes from 0 to {MAX_ZOOM}, x and y from 0 to "
                "2**zoom - 1"
            )
        return self._remembered(z, x, y)

    def _make(self, z: int, x: int, y: int) -> bytes:
        if self._drawn is None:
            self._drawn = {name: _draw(self._city, name) for name in LAYERS}
        side = 1.0 / (1 << z)
        layers = []
        for name, drawn in self._drawn.items():
            if z < _FROM_ZOOM.get(name, 0):
                continue
            features = _features(drawn, z, x * side, y * side, side)
            if features:
                layers.append({"name": name, "features": features})
        if not layers:
            return b""
        options = {"extents": EXTENT, "y_coord_down": True, "check_winding_order": False}
        return bytes(mapbox_vector_tile.encode(layers, default_options=options))


def _draw(city: City, name: str) -> _Drawn:
    layer = city.layers[name]
    shapes = shapely.transform(layer.shapes, _to_world)
    zooms = [
        _STREETS_FROM_ZOOM.get(kind, _OTHER_STREETS_FROM_ZOOM) if name == "streets" else 0
        for kind in layer.classes
    ]
    return _Drawn(
        shapes, layer.classes, layer.names, np.array(zooms, dtype=np.int8), shapely.STRtree(shapes)
    )


def _to_world(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project degrees (n, 2) to Web Mercator, 0 to 1 both ways; y grows to the south."""
    x = degrees[:, 0] / 360.0 + 0.5
    sine = np.clip(np.sin(np.radians(degrees[:, 1])), -0.9999, 0.9999)
    y = 0.5 - np.arctanh(sine) / (2 * math.pi)
    return np.stack([x, y], axis=1)


def _features(
    drawn: _Drawn, z: int, west: float, north: float, side: float
) -> list[dict[str, object]]:
    scale = EXTENT / side
    margin = _BUFFER / scale
    frame = (west - margin, north - margin, west + side + margin, north + side + margin)
    hits = np.sort(drawn.tree.query(shapely.box(*frame)))
    hits = hits[drawn.from_zoom[hits] <= z]
    if not len(hits):
        return []
    shapes = shapely.clip_by_rect(drawn.shapes[hits], *frame)
    origin = np.array([west, north])
    shapes = shapely.transform(shapes, lambda world: (world - origin) * scale)
    if z < MAX_ZOOM:
        shapes = shapely.simplify(shapes, _SIMPLIFY_UNITS, preserve_topology=False)
    # Whole units, and valid ones: rounding may make a thin polygon cross itself.
    shapes = shapely.set_precision(shapely.make_valid(shapes), 1.0)
    features: list[dict[str, object]] = []
    for hit, shape in zip(hits.tolist(), shapes, strict=True):
        properties = {"class": drawn.classes[hit]}
        if drawn.names[hit]:
            properties["name"] = drawn.names[hit]
        wanted = shapely.get_dimensions(drawn.shapes[hit])
        for part in shapely.get_parts([shape]):
            if part.is_empty or shapely.get_dimensions(part) != wanted:
                continue
            if part.area and part.area < _SMALLEST_UNITS2:
                continue
            features.append(
                {
                    "geometry": shapely.orient_polygons(part, exterior_cw=False),
                    "properties": properties,
                }
            )
    return features
