"""Stores and doors from OpenStreetMap's features.

People at doors follow our own rule of thumb, stated here because no figure of the map gives them:
people = footprint x storeys / 40 m2 of floor per head x share of the building that is lived in.
40 m2 is about the dwelling area per person in Finland (Statistics Finland, Dwellings and housing
conditions).  Offices, shops and schools count little, but not nothing: people order there as well.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.errors import GeoError
from geo.hours import check_opening_hours
from geo.network import E7, M_PER_DEGREE, RoadNetwork
from geo.osm import Feature, Tags
from geo.types import LonLat, Mode

SHOP_KINDS: Final = ("supermarket", "convenience")
FLOOR_M2_PER_PERSON: Final = 40.0
PEOPLE_WITHOUT_BUILDING: Final = 2.0
"""For an address that lies in no building on the map: one small household."""

LEAST_PEOPLE: Final = 0.1
LEAST_BUILDING_M2: Final = 20.0
MOST_STOREYS: Final = 60.0
ENTRANCE_REACH_M: Final = 5.0
"""An address this near to a building is one of its entrances."""

SAME_SHOP_M: Final = 40.0
"""A point and an area of the same name and kind this near are one shop, mapped twice."""

STREET_DOOR_EVERY_M: Final = 40.0
PEOPLE_PER_STREET_DOOR: Final = 2.0
_STREETS_WITH_DOORS: Final = frozenset(
    {"residential", "living_street", "unclassified", "tertiary", "pedestrian", "road"}
)

_LIVED_IN: Final = {
    "apartments": (1.0, 4.0),
    "residential": (1.0, 3.0),
    "dormitory": (1.0, 4.0),
    "house": (1.0, 1.5),
    "detached": (1.0, 1.5),
    "semidetached_house": (1.0, 1.5),
    "terrace": (1.0, 2.0),
    "bungalow": (1.0, 1.0),
    "farm": (0.5, 1.5),
    "cabin": (0.2, 1.0),
    "houseboat": (1.0, 1.0),
    "static_caravan": (1.0, 1.0),
    "block": (0.5, 4.0),
    "yes": (0.5, 2.0),
    "hotel": (0.2, 3.0),
    "office": (0.1, 3.0),
    "commercial": (0.1, 2.0),
    "retail": (0.05, 1.0),
}
"""Share lived in and storeys where none are tagged, by `building=*`."""

_OTHER_BUILDING: Final = (0.02, 1.0)
_NOT_FOR_PEOPLE: Final = frozenset(
    {
        "no",
        "roof",
        "garage",
        "garages",
        "carport",
        "shed",
        "greenhouse",
        "ruins",
        "collapsed",
        "construction",
        "service",
        "transformer_tower",
        "storage_tank",
        "silo",
        "barn",
        "stable",
        "sty",
        "cowshed",
        "entrance",
        "toilets",
        "bridge",
        "tower",
        "bunker",
    }
)

NUMBER_FIRST: Final = frozenset(
    {"US", "CA", "GB", "IE", "AU", "NZ", "ZA", "FR", "LU", "MC", "IN", "SG", "MY", "IL", "TH"}
)
"""Countries that write the number before the street: OpenStreetMap wiki, "Addresses" by country."""


Near = Callable[[Sequence[LonLat]], NDArray[np.bool_]]
"""Tells which of some places are near enough to a street."""


DRIVE_LEFT: Final = frozenset(
    {
        *("AG", "AI", "AU", "BB", "BD", "BM", "BN", "BS", "BT", "BW", "CC", "CK", "CX", "CY"),
        *("DM", "FJ", "FK", "GB", "GD", "GG", "GY", "HK", "ID", "IE", "IM", "IN", "JE", "JM"),
        *("JP", "KE", "KI", "KN", "KY", "LC", "LK", "LS", "MO", "MS", "MT", "MU", "MV", "MW"),
        *("MY", "MZ", "NA", "NF", "NP", "NR", "NU", "NZ", "PG", "PK", "PN", "SB", "SC", "SG"),
        *("SH", "SR", "SZ", "TC", "TH", "TK", "TL", "TO", "TT", "TV", "TZ", "UG", "VC", "VG"),
        *("VI", "WS", "ZA", "ZM", "ZW"),
    }
)
"""Countries and territories that drive on the left, ISO 3166-1: OpenStreetMap wiki,
"Key:driving_side"."""


class StoreRow(NamedTuple):
    """A store as it goes to disk."""

    store_id: str
    name: str
    kind: str
    location: LonLat
    opening_hours: str
    address: str
    source: str


class DoorRow(NamedTuple):
    """A door as it goes to disk."""

    location: LonLat
    people: float
    address: str


def stores(
    features: Iterable[Feature],
    can_be_reached: Near,
    *,
    number_first: bool,
    left: Counter[str],
) -> tuple[StoreRow, ...]:
    """Return the supermarkets and convenience stores, ascending by id.

    Parameters
    ----------
    features
        Those with other tags are passed over.
    can_be_reached
        Which places are near enough to the streets of any mode.
    number_first
        How addresses are written.
    left
        Counts what was left out.

    Notes
    -----
    Opening hours that are not in the grammar are dropped (the store counts as always open) and
    counted.
    """
    shops = [feature for feature in features if feature.tags.get("shop") in SHOP_KINDS]
    if not shops:
        return ()
    rows = [_store(feature, number_first=number_first, left=left) for feature in shops]
    near = can_be_reached([row.location for row in rows])
    if not near.all():
        left["stores without a street near them"] += int((~near).sum())
    found = [
        (row, feature.element == "node")
        for row, feature, reached in zip(rows, shops, near, strict=True)
        if reached
    ]
    areas = [row for row, is_point in found if not is_point]
    kept = []
    for row, is_point in found:
        if is_point and any(_same_shop(row, area) for area in areas):
            left["stores mapped twice"] += 1
            continue
        kept.append(row)
    return tuple(sorted(kept))


def _store(feature: Feature, *, number_first: bool, left: Counter[str]) -> StoreRow:
    tags = feature.tags
    kind = tags["shop"]
    fallback = "Supermarket" if kind == "supermarket" else "Convenience store"
    name = next((n for key in ("name", "brand", "operator") if (n := _clean(tags.get(key)))), "")
    hours = _clean(tags.get("opening_hours"))
    try:
        check_opening_hours(hours)
    except GeoError:
        left["opening hours that cannot be read"] += 1
        hours = ""
    source = f"{feature.element}/{feature.osm_id}"
    return StoreRow(
        store_id(source),
        name or fallback,
        kind,
        _inner_point(feature.geometry),
        hours,
        _clean(tags.get("address")) or _address(tags, number_first=number_first),
        source,
    )


def store_id(source: str) -> str:
    """Return the opaque id of a store, the same in every build of the same OSM element."""
    digest = hashlib.sha256(source.encode()).digest()
    return "sto_" + base64.b32encode(digest).decode().lower()[:10]


def _same_shop(point: StoreRow, area: StoreRow) -> bool:
    return (point.name, point.kind) == (area.name, area.kind) and _metres(
        point.location, area.location
    ) <= SAME_SHOP_M


def doors(
    features: Sequence[Feature],
    network: RoadNetwork,
    can_walk_to: Near,
    *,
    number_first: bool,
    left: Counter[str],
) -> tuple[DoorRow, ...]:
    """Return where people live or work, ascending by address and place.

    An address becomes a door; those in the same building share its people.  A building without
    an address becomes one door named by the nearest street.  A map with neither has doors along
    its residential streets.

    Parameters
    ----------
    features
        All of them; those that are neither buildings nor addresses are passed over.
    network
        Gives street names, and the streets themselves where nothing else is on the map.
    can_walk_to
        Which places are near enough to the streets; doors that are not are left out and counted.
    number_first
        How addresses are written.
    left
        Counts what was left out.
    """
    buildings = [f for f in features if _people(f) > 0]
    tree = shapely.STRtree([building.geometry for building in buildings])
    inside: dict[int, dict[str, LonLat]] = {}
    alone: dict[str, LonLat] = {}
    for feature in features:
        address = _address(feature.tags, number_first=number_first)
        if not address:
            continue
        place = _inner_point(feature.geometry)
        home = _building_of(place, buildings, tree)
        # An entrance says more about where to go than the middle of a building does.
        known = alone if home is None else inside.setdefault(home, {})
        if feature.element == "node" or address not in known:
            known[address] = place
    names = StreetNames(network)
    rows = [DoorRow(place, PEOPLE_WITHOUT_BUILDING, address) for address, place in alone.items()]
    for index, building in enumerate(buildings):
        own = inside.get(index)
        if own is None:
            place = _inner_point(building.geometry)
            own = {names.nearest(place): place}
        share = max(_people(building) / len(own), LEAST_PEOPLE)
        rows += [DoorRow(place, round(share, 2), address) for address, place in own.items()]
    if not rows:
        left["no buildings or addresses: doors were placed along the streets"] += 1
        rows = list(_street_doors(network))
    near = can_walk_to([row.location for row in rows])
    if not near.all():
        left["doors without a street near them"] += int((~near).sum())
    kept = (row for row, reached in zip(rows, near, strict=True) if reached)
    return tuple(sorted(kept, key=lambda row: (row.address, row.location)))


def _people(feature: Feature) -> float:
    """Return how many people a building stands for; 0.0 for what is none."""
    kind = feature.tags.get("building")
    if kind is None or kind in _NOT_FOR_PEOPLE or feature.geometry.area == 0:
        return 0.0
    area = _area_m2(feature.geometry)
    if area < LEAST_BUILDING_M2:
        return 0.0
    share, storeys = _LIVED_IN.get(kind, _OTHER_BUILDING)
    tagged = re.match(r"\s*(\d+(?:\.\d+)?)", feature.tags.get("building:levels", ""))
    if tagged and float(tagged[1]) >= 1:
        storeys = min(float(tagged[1]), MOST_STOREYS)
    return max(area * storeys / FLOOR_M2_PER_PERSON * share, LEAST_PEOPLE)


def _building_of(place: LonLat, buildings: Sequence[Feature], tree: shapely.STRtree) -> int | None:
    point = shapely.Point(place)
    reach = ENTRANCE_REACH_M / M_PER_DEGREE
    near = tree.query(point, predicate="dwithin", distance=reach)
    if not len(near):
        return None
    distance = shapely.distance(point, [buildings[i].geometry for i in near])
    return int(near[np.lexsort((near, distance))[0]])


class StreetNames:
    """Finds the street that a place without an address belongs to."""

    def __init__(self, network: RoadNetwork) -> None:
        self._network = network
        self._edges = np.flatnonzero(np.asarray(network.arrays.edge_name) > 0)
        self._tree = shapely.STRtree(edge_lines(network, self._edges))

    def nearest(self, place: LonLat) -> str:
        """Return the name of the nearest street; where there is none, the place itself."""
        if len(self._edges):
            found = int(self._tree.nearest(shapely.Point(place)))
            return self._network.name(int(self._edges[found]))
        return f"{place.lat:.5f}, {place.lon:.5f}"


def edge_lines(network: RoadNetwork, edges: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the lines of some edges as drawn, in degrees."""
    start = np.asarray(network.arrays.point_start, dtype=np.int64)
    count = start[edges + 1] - start[edges]
    owner = np.repeat(np.arange(len(edges)), count)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    points = network.arrays.point_e7[start[edges][owner] + nth] / E7
    lines: NDArray[np.object_] = shapely.linestrings(points, indices=owner)
    return lines


def _street_doors(network: RoadNetwork) -> Iterable[DoorRow]:
    names = StreetNames(network)
    walkable = (network.times_ds(Mode.WALK) > 0).any(axis=0)
    for edge in np.flatnonzero(walkable):
        road = network.classes[int(network.arrays.edge_class[edge])]
        if road not in _STREETS_WITH_DOORS:
            continue
        length_m = int(network.arrays.edge_length_dm[edge]) / 10
        count = max(int(length_m // STREET_DOOR_EVERY_M), 1)
        line = shapely.LineString(network.line(int(edge)))
        for number in range(count):
            point = line.interpolate((number + 0.5) / count, normalized=True)
            place = rounded(point.x, point.y)
            name = network.name(int(edge)) or names.nearest(place)
            yield DoorRow(place, PEOPLE_PER_STREET_DOOR, name)


def _address(tags: Tags, *, number_first: bool) -> str:
    number = _clean(tags.get("addr:housenumber"))
    street = _clean(tags.get("addr:street")) or _clean(tags.get("addr:place"))
    if not number or not street:
        return ""
    return f"{number} {street}" if number_first else f"{street} {number}"


def _clean(text: str | None) -> str:
    return " ".join((text or "").split())


def _inner_point(geometry: BaseGeometry) -> LonLat:
    point = geometry.representative_point()
    return rounded(point.x, point.y)


def rounded(lon: float, lat: float) -> LonLat:
    """Return a place as it is stored, to the ten-millionth of a degree."""
    return LonLat(round(lon * E7) / E7, round(lat * E7) / E7)


def _area_m2(geometry: BaseGeometry) -> float:
    """Return the area of something small, on the plane that touches the sphere there."""
    shrink = math.cos(math.radians(geometry.centroid.y))
    return float(geometry.area) * M_PER_DEGREE**2 * shrink


def _metres(a: LonLat, b: LonLat) -> float:
    shrink = math.cos(math.radians((a.lat + b.lat) / 2))
    return math.hypot((a.lon - b.lon) * shrink, a.lat - b.lat) * M_PER_DEGREE


def as_e7(places: Sequence[LonLat]) -> NDArray[np.int32]:
    """Return places as int32 (n, 2) in 1e-7 degrees."""
    degrees = np.array(places, dtype=np.float64).reshape(-1, 2)
    return np.rint(degrees * E7).astype(np.int32)
