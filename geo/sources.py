"""What the readers have in common: rows of any library become our own plain elements."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.errors import GEOSException
from shapely.geometry import shape as shape_of

from geo.errors import CityError
from geo.osm import Feature, Member, Restriction, Way
from geo.places import SHOP_KINDS
from geo.plane import LAT_LIMIT, LON_LIMIT
from geo.types import LonLat

FEATURE_TAGS: Final[Mapping[str, bool | list[str]]] = {
    "shop": list(SHOP_KINDS),
    "building": True,
    "addr:housenumber": True,
    "natural": ["water", "coastline", "wood", "scrub", "heath", "grassland", "wetland"],
    "waterway": ["riverbank", "dock", "river", "stream", "canal"],
    "leisure": ["park", "garden", "golf_course", "nature_reserve", "pitch", "playground"],
    "landuse": [
        "reservoir",
        "basin",
        "grass",
        "forest",
        "meadow",
        "recreation_ground",
        "village_green",
        "cemetery",
        "allotments",
        "orchard",
        "vineyard",
    ],
    "railway": ["rail", "light_rail", "tram", "subway", "narrow_gauge"],
}
"""What is asked of a source besides its ways."""

_STORE_COLUMNS: Final = ("name", "lat", "lon")
_ID_BYTES: Final = 6


def text_tags(row: Mapping[str, Any], skip: frozenset[str]) -> dict[str, str]:
    """Return the tags of a table's row: texts that are there, one `;`-separated text for lists."""
    tags: dict[str, str] = {}
    for key, value in row.items():
        if key in skip:
            continue
        if isinstance(value, (list, tuple, set)):
            tags[key] = ";".join(str(part) for part in value)
        elif isinstance(value, str) and value:
            tags[key] = value
    return tags


def sorted_features(features: Iterable[Feature]) -> tuple[Feature, ...]:
    """Return features that have a shape, in an order that does not depend on the reader."""
    whole = (f for f in features if f.geometry is not None and not f.geometry.is_empty)
    return tuple(sorted(whole, key=lambda f: (f.element, f.osm_id)))


# --- turn restrictions ---------------------------------------------------------------------------


def restrictions_of_answer(
    answer: Mapping[str, Any],
) -> tuple[tuple[Restriction, ...], dict[str, int]]:
    """Return the turn restrictions in a map server's answer, and what was missing, counted.

    Parameters
    ----------
    answer
        As JSON of the Overpass API: `elements`, and a `remark` where the server gave up.
    """
    elements = answer.get("elements")
    whole = [one for one in elements or () if _is_relation(one)]
    unread: dict[str, int] = {}
    if elements is None or "remark" in answer:
        unread["answers of the map server without all turn restrictions"] = 1
    if broken := len(elements or ()) - len(whole):
        unread["turn restrictions that cannot be read"] = broken
    found = {
        one["id"]: Restriction(
            one["id"],
            {str(key): str(value) for key, value in one["tags"].items()},
            tuple(Member(m["type"], m["ref"], m["role"]) for m in one["members"]),
        )
        for one in whole
    }
    return tuple(found[number] for number in sorted(found)), unread


def _is_relation(element: Any) -> bool:
    return (
        isinstance(element, dict)
        and element.get("type") == "relation"
        and isinstance(element.get("id"), int)
        and isinstance(element.get("tags"), dict)
        and isinstance(element.get("members"), list)
        and all(
            isinstance(one, dict)
            and isinstance(one.get("ref"), int)
            and {"type", "role"} <= set(one)
            for one in element["members"]
        )
    )


# --- an OSMnx graph ------------------------------------------------------------------------------


def ways_of_graph(
    nodes: Mapping[int, LonLat], edges: Iterable[tuple[int, int, Mapping[str, Any]]]
) -> tuple[tuple[Way, ...], dict[int, LonLat]]:
    """Turn the edges of an OSMnx graph, simplified or not, into ways of our own.

    Parameters
    ----------
    nodes
        Positions in degrees.
    edges
        From, to, and attributes.  OSMnx writes a two-way street as two edges, and turns a street
        that is one-way against its drawing round; with its setting `all_oneway` there is one edge
        per street and the tag `oneway` is kept as it was.

    Returns
    -------
    ways, positions
        Inner points of simplified edges get numbers below 0.
    """
    positions = dict(nodes)
    seen: set[tuple[int, int, tuple[str, ...], tuple[int, int]]] = set()
    ways: list[Way] = []
    invented = 0
    for begin, end, attributes in edges:
        tags = _first_of_lists(attributes)
        oneway = tags.pop("oneway", "").lower()
        if oneway in ("-1", "reverse", "t", "true"):
            tags["oneway"] = "yes"
        elif oneway not in ("", "false"):
            tags["oneway"] = oneway
        line = _inner_line(attributes.get("geometry"))
        if oneway == "false":
            key = (min(begin, end), max(begin, end), _ids(attributes.get("osmid")), _middle(line))
            if key in seen:
                continue
            seen.add(key)
        chain = [begin]
        for point in line[1:-1]:
            invented -= 1
            positions[invented] = point
            chain.append(invented)
        ids = _ids(attributes.get("osmid"))
        number = int(ids[0]) if ids and ids[0].lstrip("-").isdigit() else 0
        ways.append(Way(number, (*chain, end), tags))
    return tuple(ways), positions


def _inner_line(geometry: Any) -> list[LonLat]:
    if geometry is None:
        return []
    return [LonLat(float(x), float(y)) for x, y, *_ in geometry.coords]


def _middle(line: list[LonLat]) -> tuple[int, int]:
    """Return a point that tells two streets between the same junctions apart, either way round."""
    if not line:
        return (0, 0)
    point = shapely.LineString(line).interpolate(0.5, normalized=True)
    return round(point.x * 1e5), round(point.y * 1e5)


def _ids(osmid: Any) -> tuple[str, ...]:
    many = osmid if isinstance(osmid, (list, tuple)) else [osmid]
    return tuple(sorted(str(one) for one in many))


def _first_of_lists(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of an edge that may stand for several ways: the first value counts.

    Of limits all count (the lowest is taken later); a street one-way in part is one-way.
    """
    tags: dict[str, str] = {}
    for key, value in attributes.items():
        if isinstance(value, bool):
            tags[key] = str(value)
        elif isinstance(value, (list, tuple)):
            texts = [str(one) for one in value]
            if key == "maxspeed":
                tags[key] = ";".join(texts)
            elif key == "oneway" and "True" in texts:
                tags[key] = "True"
            elif texts:
                tags[key] = texts[0]
        elif isinstance(value, str) and value:
            tags[key] = value
    return tags


# --- stores from a file --------------------------------------------------------------------------


def stores_from_file(path: Path) -> tuple[Feature, ...]:
    """Read stores from a CSV or GeoJSON file.

    Parameters
    ----------
    path
        CSV with the columns `name`, `lat`, `lon` and, if wanted, `kind` (`supermarket` or
        `convenience`), `opening_hours` and `address`; or a GeoJSON FeatureCollection whose
        features have the same in their properties (`shop` for `kind`, as on OpenStreetMap).

    Raises
    ------
    CityError
        The file cannot be read; the message names the line or feature.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CityError(f"{path} cannot be read ({error.strerror}); check --stores") from error
    except UnicodeDecodeError as error:
        raise CityError(f"{path} is not UTF-8 text; save it as CSV or GeoJSON") from error
    rows = _geojson_rows(text, path) if text.lstrip().startswith("{") else _csv_rows(text, path)
    features = tuple(_store_feature(row, where) for where, row in rows)
    if not features:
        raise CityError(f"{path} lists no stores; give each a line with name, lat and lon")
    return features


def _csv_rows(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in _STORE_COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise CityError(
            f"{path} lacks the column {', '.join(missing)}; its first line must be "
            "name,lat,lon[,kind,opening_hours,address]"
        )
    for row in reader:
        yield f"{path}, line {reader.line_num}", row


def _geojson_rows(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        features = json.loads(text)["features"]
        for number, feature in enumerate(features, start=1):
            point = shape_of(feature["geometry"]).representative_point()
            properties = feature.get("properties") or {}
            yield (
                f"{path}, feature {number}",
                {**properties, "lat": point.y, "lon": point.x},
            )
    except (ValueError, KeyError, TypeError, AttributeError, GEOSException) as error:
        raise CityError(
            f"{path} is not a GeoJSON FeatureCollection ({error}); export it again"
        ) from error


def _store_feature(row: Mapping[str, Any], where: str) -> Feature:
    name = str(row.get("name") or "").strip()
    try:
        lon, lat = float(row["lon"]), float(row["lat"])
    except (TypeError, ValueError) as error:
        raise CityError(f"{where}: no numbers for lat and lon; write degrees, as 60.17") from error
    if not (abs(lon) <= LON_LIMIT and abs(lat) <= LAT_LIMIT):
        raise CityError(f"{where}: ({lat}, {lon}) is no place on Earth; lat comes before lon")
    kind = row.get("kind") or row.get("shop") or SHOP_KINDS[0]
    if kind not in SHOP_KINDS:
        raise CityError(f"{where}: unknown kind '{kind}'; write {' or '.join(SHOP_KINDS)}")
    tags = {"shop": str(kind), "name": name}
    for key in ("opening_hours", "address"):
        if row.get(key):
            tags[key] = str(row[key])
    for key in ("addr:street", "addr:housenumber", "addr:place", "brand", "operator"):
        if row.get(key):
            tags[key] = str(row[key])
    digest = hashlib.sha256(f"{name}|{lat:.7f}|{lon:.7f}".encode()).digest()
    return Feature("listed", int.from_bytes(digest[:_ID_BYTES]), tags, shapely.Point(lon, lat))
