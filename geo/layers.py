"""The map behind the pages: land, water, green, buildings, streets and rails as shapes.

Where the sea is follows from the coastline, which OpenStreetMap draws with the land on its left
(OpenStreetMap wiki, "Tag:natural=coastline").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from geo.errors import CityError
from geo.graph import street_pieces
from geo.network import E7
from geo.osm import Feature, OsmMap, Tags
from geo.types import LonLat

LAYERS: Final = ("land", "green", "water", "waterways", "buildings", "streets", "rail")
"""From the bottom of the map to its top."""

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

_GREEN: Final = {
    "leisure": {"park", "garden", "golf_course", "nature_reserve", "pitch", "playground"},
    "landuse": {
        "grass",
        "forest",
        "meadow",
        "recreation_ground",
        "village_green",
        "cemetery",
        "allotments",
        "orchard",
        "vineyard",
    },
    "natural": {"wood", "scrub", "heath", "grassland", "wetland"},
}
_WATER: Final = {
    "natural": {"water"},
    "waterway": {"riverbank", "dock"},
    "landuse": {"reservoir", "basin"},
}
_WATERWAYS: Final = {"waterway": {"river", "stream", "canal"}}
_RAILS: Final = {"railway": {"rail", "light_rail", "tram", "subway", "narrow_gauge"}}
_NOT_DRAWN: Final = {"no", "entrance"}
_SIDE_DEGREES: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Shapes of one kind, float64 degrees, with the class and name of each; same length."""

    shapes: NDArray[np.object_]
    classes: tuple[str, ...]
    names: tuple[str, ...]


def map_layers(osm: OsmMap, box: Box) -> dict[str, Layer]:
    """Return the layers named in `LAYERS`, cut to a box.

    Parameters
    ----------
    osm
        Ways and features; coastlines may stand among either.
    box
        Everything outside is left out.
    """
    rows: dict[str, list[tuple[BaseGeometry, str, str]]] = {name: [] for name in LAYERS}
    land, sea = land_and_sea(coastlines(osm), box)
    rows["land"] += [(shape, "land", "") for shape in land]
    rows["water"] += [(shape, "sea", "") for shape in sea]
    for feature in osm.features:
        layer_class = _layer_of(feature)
        if layer_class is not None:
            layer, kind = layer_class
            shape = _flat(feature.geometry) if layer in _AREAS else feature.geometry
            rows[layer].append((shape, kind, feature.tags.get("name", "")))
    rows["streets"] += _streets(osm)
    return {name: _layer(rows[name], box) for name in LAYERS}


def _streets(osm: OsmMap) -> Iterator[tuple[BaseGeometry, str, str]]:
    """Yield streets as long as their class and name last, so that a name has room to stand."""
    pieces: dict[tuple[str, str], list[BaseGeometry]] = {}
    for way, line in street_pieces(osm):
        if way.tags.get("area") != "yes":
            key = (way.tags["highway"], way.tags.get("name", ""))
            pieces.setdefault(key, []).append(shapely.LineString(line))
    for (kind, name), lines in sorted(pieces.items()):
        yield shapely.line_merge(shapely.MultiLineString(lines)), kind, name


_AREAS: Final = frozenset({"land", "green", "water", "buildings"})


def _layer_of(feature: Feature) -> tuple[str, str] | None:
    tags = feature.tags
    layer, kind = "", ""
    if feature.geometry.area > 0:
        if tags.get("building", "no") not in _NOT_DRAWN:
            layer, kind = "buildings", tags["building"]
        elif kind := _value(tags, _WATER):
            layer = "water"
        elif kind := _value(tags, _GREEN):
            layer = "green"
    elif feature.geometry.length > 0 and tags.get("tunnel", "no") == "no":
        if kind := _value(tags, _WATERWAYS):
            layer = "waterways"
        elif kind := _value(tags, _RAILS):
            layer = "rail"
    return (layer, kind) if layer else None


def _value(tags: Tags, wanted: dict[str, set[str]]) -> str:
    return next((tags[key] for key, values in wanted.items() if tags.get(key) in values), "")


def _flat(shape: BaseGeometry) -> BaseGeometry:
    return shape if shape.is_valid else shapely.make_valid(shape)


def _layer(rows: Iterable[tuple[BaseGeometry, str, str]], box: Box) -> Layer:
    """Return shapes cut to a box, in whole 1e-7 degrees, in an order that the shapes give."""
    listed = list(rows)
    shapes = np.empty(len(listed), dtype=object)
    shapes[:] = [shape for shape, _, _ in listed]
    frame = shapely.box(*box)
    shapely.prepare(frame)
    beyond = np.flatnonzero(~shapely.covers(frame, shapes))
    dimension = shapely.get_dimensions(shapes)
    shapes[beyond] = shapely.intersection(shapes[beyond], frame)
    pieces, owner = shapely.get_parts(shapes, return_index=True)
    # Cutting leaves points and lines of areas that only touch the frame.
    whole = shapely.get_dimensions(pieces) == dimension[owner]
    pieces, owner = pieces[whole], owner[whole]
    pieces = shapely.transform(pieces, lambda degrees: np.rint(degrees * E7) / E7)
    filled = ~shapely.is_empty(pieces)
    pieces, owner = pieces[filled], owner[filled]
    classes = [listed[row][1] for row in owner.tolist()]
    names = [" ".join(listed[row][2].split()) for row in owner.tolist()]
    content = shapely.to_wkb(pieces, byte_order=1)
    order = sorted(range(len(pieces)), key=lambda row: (classes[row], names[row], content[row]))
    return Layer(
        pieces[order], tuple(classes[row] for row in order), tuple(names[row] for row in order)
    )


# --- the sea -------------------------------------------------------------------------------------


def coastlines(osm: OsmMap) -> list[list[LonLat]]:
    """Return the pieces of coastline that lie in the extract, in the direction drawn."""
    lines: list[list[LonLat]] = []
    for way in osm.ways:
        if way.tags.get("natural") != "coastline":
            continue
        run: list[LonLat] = []
        for node in way.nodes:
            place = osm.positions.get(node)
            if place is not None:
                run.append(place)
                continue
            lines.append(run)
            run = []
        lines.append(run)
    for feature in osm.features:
        if feature.tags.get("natural") == "coastline":
            boundary = feature.geometry
            if boundary.area > 0:  # a closed way that the reader took for an area: an island
                boundary = shapely.Polygon(boundary.exterior).exterior
            lines += [
                [LonLat(*point) for point in part.coords]
                for part in shapely.get_parts([boundary])
                if part.geom_type in ("LineString", "LinearRing")
            ]
    return [line for line in lines if len(line) > 1]


def land_and_sea(
    lines: Sequence[Sequence[LonLat]], box: Box
) -> tuple[list[BaseGeometry], list[BaseGeometry]]:
    """Divide a box into land and sea.

    Parameters
    ----------
    lines
        Coastlines with the land on their left.  One that ends inside the box (where an extract
        was cut) is led to the nearest side of it.
    box
        Without any coastline in it, all of it is land.

    Returns
    -------
    land, sea
        Polygons.
    """
    frame = shapely.box(*box)
    merged = shapely.line_merge(shapely.MultiLineString(lines), directed=True)
    coast = [
        piece
        for piece in shapely.get_parts([shapely.intersection(merged, frame)])
        if piece.length > 0
    ]
    if not coast:
        return [frame], []
    closing = [stub for line in shapely.get_parts([merged]) for stub in _stubs(line, frame)]
    noded = shapely.union_all([*coast, *closing, frame.exterior])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts([noded])))
    tree = shapely.STRtree(faces)
    votes = np.zeros(len(faces))
    left, right, weight = _sides(lines, frame)
    for points, sign in ((left, 1.0), (right, -1.0)):
        point, face = tree.query(points, predicate="within")
        np.add.at(votes, face, sign * weight[point])
    return list(faces[votes >= 0]), list(faces[votes < 0])


def _stubs(line: BaseGeometry, frame: BaseGeometry) -> list[BaseGeometry]:
    """Return straight lines from the loose ends of a coastline to the side of the frame."""
    if line.is_closed:
        return []
    ends = [shapely.Point(line.coords[0]), shapely.Point(line.coords[-1])]
    return [shapely.shortest_line(end, frame.exterior) for end in ends if frame.contains(end)]


def _sides(
    lines: Sequence[Sequence[LonLat]], frame: BaseGeometry
) -> tuple[NDArray[np.object_], NDArray[np.object_], NDArray[np.float64]]:
    """Return a point just left and just right of every straight piece of coast in a frame.

    The third array has the lengths of the pieces: the weight of what each says.
    """
    points = [np.asarray(line, dtype=np.float64) for line in lines]
    starts = np.concatenate([line[:-1] for line in points])
    ends = np.concatenate([line[1:] for line in points])
    inside = shapely.intersection(shapely.linestrings(np.stack([starts, ends], axis=1)), frame)
    length = shapely.length(inside)
    seen = length > 0
    middle = shapely.get_coordinates(shapely.centroid(inside[seen]))
    along = (ends - starts)[seen]
    along /= np.hypot(*along.T)[:, None]
    aside = np.stack([-along[:, 1], along[:, 0]], axis=1) * _SIDE_DEGREES
    return shapely.points(middle + aside), shapely.points(middle - aside), length[seen]


# --- on disk -------------------------------------------------------------------------------------


def save_layers(layers: dict[str, Layer], folder: Path) -> None:
    """Write each layer as WKB in one array, and classes and names in `layers.json`."""
    index = {}
    for name, layer in layers.items():
        blobs = [bytes(blob) for blob in shapely.to_wkb(layer.shapes, byte_order=1)]
        np.save(folder / f"{name}.npy", np.frombuffer(b"".join(blobs), dtype=np.uint8))
        index[name] = {
            "sizes": [len(blob) for blob in blobs],
            "classes": layer.classes,
            "names": layer.names,
        }
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    (folder / "layers.json").write_text(text + "\n", encoding="utf-8")


def load_layers(folder: Path) -> dict[str, Layer]:
    """Read what `save_layers` wrote.

    Raises
    ------
    CityError
        A file is missing or damaged.
    """
    try:
        index = json.loads((folder / "layers.json").read_text(encoding="utf-8"))
        layers = {}
        for name, entry in index.items():
            blob = np.load(folder / f"{name}.npy", allow_pickle=False).tobytes()
            ends = np.cumsum(entry["sizes"], dtype=np.int64).tolist()
            pieces = [blob[a:b] for a, b in zip([0, *ends], ends, strict=False)]
            shapes = np.empty(len(pieces), dtype=object)
            shapes[:] = shapely.from_wkb(pieces)
            layers[name] = Layer(shapes, tuple(entry["classes"]), tuple(entry["names"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, GEOSException) as error:
        raise CityError(
            f"the map in {folder} cannot be read ({error}); build the city again: "
            "samehour city build"
        ) from error
    return layers
