"""Doors and store sites where no map has them: drawn from zones whose population is known.

Nothing here is surveyed, and nothing is random: the same zones and streets give the same doors.
Jitter is a Weyl sequence, the multiples of the golden ratio less their whole part (Weyl 1916,
doi:10.1007/BF01475864), so it needs no generator whose numbers change with its version.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geo.network import E7, FLAG_AVOID_SNAP, M_PER_DEGREE, RoadNetwork, flat_length_m
from geo.places import DoorRow, StoreRow, StreetNames, as_e7, edge_lines, rounded, store_id
from geo.types import LonLat

PEOPLE_PER_DOOR: Final = 40.0
"""Our own choice: a short row of houses or a stairway; it makes some ten thousand doors of half a
million people, as many as a city of that size needs to look like itself."""

LEAST_M_PER_DOOR: Final = 5.0
"""A zone with less street than this for each door takes busier streets, then those around it."""

PROVISIONAL_SITES: Final = 40
"""How many, unless told otherwise: in a city of half a million, one store for ten thousand."""

BESIDE_STREET_M: Final = 6.0
SITE_HOURS: Final = "Mo-Su 09:00-21:00"
SITE_KIND: Final = "supermarket"
WIDEN_M: Final = (250.0, 500.0, 1000.0, 2000.0, 4000.0)

_STREETS_WITH_DOORS: Final = (
    frozenset({"residential", "living_street", "unclassified", "tertiary", "pedestrian", "road"}),
    frozenset({"secondary", "primary", "service"}),
)
"""Where people live first, and the streets to take besides where there is too little of these."""

_GOLDEN: Final = (math.sqrt(5) - 1) / 2
_ROUNDS: Final = 100
_STEP: Final = 0.01
_HUNDREDTHS: Final = 100
_HILBERT_BITS: Final = 16


class Zone(NamedTuple):
    """A part of the city whose inhabitants are counted; `area` in degrees."""

    zone_id: int
    people: float
    area: BaseGeometry


class _Streets(NamedTuple):
    """The streets that doors may stand on; `level` 0 where people live first."""

    edges: NDArray[np.int64]
    lines: NDArray[np.object_]
    level: NDArray[np.int64]
    tree: shapely.STRtree


class _Pieces(NamedTuple):
    """The stretches, in a zone, of some streets."""

    street: NDArray[np.int64]
    lines: NDArray[np.object_]
    length_m: NDArray[np.float64]


class _Drawn(NamedTuple):
    """A door before it has an address."""

    edge: int
    along: float
    place: LonLat
    people: float


def zone_doors(
    zones: Sequence[Zone], network: RoadNetwork, left: Counter[str]
) -> tuple[DoorRow, ...]:
    """Draw doors along the streets of each zone, one for every `PEOPLE_PER_DOOR` of its people.

    Parameters
    ----------
    zones
        Those with less than a hundredth of a person are passed over.
    network
        Doors stand beside streets that every mode of it can use.
    left
        Counts zones whose doors had to be drawn outside them, and those without any street.

    Returns
    -------
    tuple of DoorRow
        Ascending by address and place.  The people of a zone's doors add up to the zone's, to the
        hundredth; doors of one zone differ by a hundredth at most.

    Notes
    -----
    A zone's streets are cut into as many pieces of equal length as it has doors, in order of their
    edges; in each piece stands one door, somewhere along it, to the left or the right by turns.
    """
    streets = _streets(network)
    drawn: list[_Drawn] = []
    for zone in zones:
        hundredths = round(zone.people * _HUNDREDTHS)
        if hundredths < 1:
            continue
        shapely.prepare(zone.area)
        count = min(max(round(zone.people / PEOPLE_PER_DOOR), 1), hundredths)
        pieces, inside = _zone_streets(zone.area, streets, count)
        if not len(pieces.lines):
            left["zones without a street near them"] += 1
            continue
        if not inside:
            left["zones with too few streets: doors were drawn along those around them"] += 1
        area = zone.area if inside else None
        drawn += _draw(pieces, streets, area, count, hundredths)
    return _with_addresses(drawn, network)


def _streets(network: RoadNetwork) -> _Streets:
    arrays = network.arrays
    by_all = np.ones(network.edge_count, dtype=bool)
    for mode in network.modes:
        by_all &= (network.times_ds(mode) > 0).any(axis=0)
    by_all &= (arrays.edge_flags & FLAG_AVOID_SNAP) == 0
    level_of_class = np.array(
        [
            next((n for n, some in enumerate(_STREETS_WITH_DOORS) if name in some), -1)
            for name in network.classes
        ]
    )
    level = level_of_class[arrays.edge_class]
    edges = np.flatnonzero(by_all & (level >= 0))
    lines = edge_lines(network, edges)
    return _Streets(edges, lines, level[edges], shapely.STRtree(lines))


def _zone_streets(area: BaseGeometry, streets: _Streets, doors: int) -> tuple[_Pieces, bool]:
    """Return where the doors of a zone may stand, and whether that is inside it."""
    pieces = _pieces(area, streets, np.zeros(0, dtype=np.int64))
    for wider_m in (0.0, *WIDEN_M):
        around = area.buffer(wider_m / M_PER_DEGREE) if wider_m else area
        hits = np.sort(streets.tree.query(around, predicate="intersects"))
        for level in range(len(_STREETS_WITH_DOORS)):
            pieces = _pieces(around, streets, hits[streets.level[hits] <= level])
            if pieces.length_m.sum() >= doors * LEAST_M_PER_DOOR:
                return pieces, not wider_m
    return pieces, False


def _pieces(area: BaseGeometry, streets: _Streets, chosen: NDArray[np.int64]) -> _Pieces:
    clipped = shapely.intersection(streets.lines[chosen], area)
    lines, owner = shapely.get_parts(clipped, return_index=True)
    long = shapely.length(lines) > 0  # a street that only touches the zone leaves points
    lines, owner = lines[long], owner[long]
    points, line = shapely.get_coordinates(lines, return_index=True)
    step_m = flat_length_m(points[:-1], points[1:]) * (line[1:] == line[:-1])
    length_m = np.bincount(line[1:], weights=step_m, minlength=len(lines)).astype(np.float64)
    return _Pieces(chosen[owner], lines, length_m)


def _draw(
    pieces: _Pieces, streets: _Streets, area: BaseGeometry | None, count: int, hundredths: int
) -> Iterator[_Drawn]:
    ends = np.cumsum(pieces.length_m)
    number = np.arange(count)
    at_m = (number + (number + 1) * _GOLDEN % 1.0) / count * ends[-1]
    piece = np.minimum(np.searchsorted(ends, at_m, side="right"), len(ends) - 1)
    along = np.clip(1.0 - (ends[piece] - at_m) / pieces.length_m[piece], 0.0, 1.0)
    places = _beside(pieces.lines[piece], along, np.where(number % 2, 1.0, -1.0), area)
    street = pieces.street[piece]
    on_street = shapely.line_locate_point(
        streets.lines[street], shapely.points(places), normalized=True
    )
    share, rest = divmod(hundredths, count)
    people = (share + (number < rest)) / _HUNDREDTHS
    edges = streets.edges[street]
    for row in range(count):
        place = rounded(*places[row].tolist())
        yield _Drawn(int(edges[row]), float(on_street[row]), place, float(people[row]))


def _beside(
    lines: NDArray[np.object_],
    along: NDArray[np.float64],
    side: NDArray[np.float64],
    area: BaseGeometry | None,
) -> NDArray[np.float64]:
    """Return places a few metres beside lines, on the other side or on them if need be.

    Parameters
    ----------
    lines, along
        n lines, and how far along them, 0.0 to 1.0.
    side
        1.0 to the left of the line, -1.0 to its right.
    area
        What the places must lie in, if anything.

    Returns
    -------
    float64 (n, 2), degrees
    """

    def place(share: NDArray[np.float64]) -> NDArray[np.float64]:
        points = shapely.line_interpolate_point(lines, share, normalized=True)
        return np.asarray(shapely.get_coordinates(points))

    on_line = place(along)
    step = place(np.minimum(along + _STEP, 1.0)) - place(np.maximum(along - _STEP, 0.0))
    scale = np.stack([np.cos(np.radians(on_line[:, 1])), np.ones(len(lines))], axis=1)
    step *= scale
    length = np.hypot(*step.T)[:, None]
    aside = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.where(length > 0, length, 1.0)
    aside *= BESIDE_STREET_M / M_PER_DEGREE / scale
    found = on_line
    for turn in (-side, side):  # the side wanted has the last word
        there = on_line + aside * turn[:, None]
        inside = np.ones(len(lines), dtype=bool)
        if area is not None:
            inside = shapely.contains_xy(area, there)
        found = np.where(inside[:, None], there, found)
    return found


def _with_addresses(drawn: Sequence[_Drawn], network: RoadNetwork) -> tuple[DoorRow, ...]:
    """Return the doors of each street numbered, in the order of its edges."""
    names = StreetNames(network)
    doors: Counter[str] = Counter()
    rows = []
    for door in sorted(drawn, key=lambda door: (door.edge, door.along, door.place)):
        name = network.name(door.edge) or names.nearest(door.place)
        doors[name] += 1
        rows.append(DoorRow(door.place, door.people, f"{name}, door {doors[name]}"))
    return tuple(sorted(rows, key=lambda row: (row.address, row.location)))


# --- sites ---------------------------------------------------------------------------------------


def provisional_sites(
    doors: Sequence[DoorRow], network: RoadNetwork, count: int, city: str
) -> tuple[StoreRow, ...]:
    """Place stores among people, until somebody chooses their sites with more care.

    Parameters
    ----------
    doors
        Where people live.
    network
        A site stands where the street is nearest to the door in the middle of those it is for.
    count
        How many; no more than there are doors.
    city
        Short name of the city, for the sites' ids.

    Returns
    -------
    tuple of StoreRow
        Named `Provisional site 01` and so on, the one with most people around it first.

    Notes
    -----
    The k-means of Lloyd 1982 (doi:10.1109/TIT.1982.1056489) on the plane, weighted by people,
    from runs of equal population along a Hilbert curve; O(doors x log count) a round.
    """
    count = min(count, len(doors))
    degrees = as_e7([door.location for door in doors]) / E7
    shrink = math.cos(math.radians(float(degrees[:, 1].mean())))
    plane = degrees * np.array([shrink, 1.0]) * M_PER_DEGREE
    weight = np.array([door.people for door in doors])
    middles = _first_middles(plane, weight, count)
    nearest = np.zeros(len(doors), dtype=np.int64)
    for _ in range(_ROUNDS):
        before = nearest
        nearest = np.asarray(cKDTree(middles).query(plane)[1], dtype=np.int64)
        if (before == nearest).all():
            break
        middles = _means(plane, weight, nearest, middles)
    served = np.bincount(nearest, weights=weight, minlength=count)
    chosen = cKDTree(plane).query(middles)[1]
    streets = _streets(network)
    rows = []
    for number, site in enumerate(np.lexsort((np.arange(count), -served)).tolist(), start=1):
        door = doors[int(chosen[site])]
        source = f"provisional/{city}/{number}"
        rows.append(
            StoreRow(
                store_id(source),
                f"Provisional site {number:02}",
                SITE_KIND,
                _on_street(door.location, streets),
                SITE_HOURS,
                door.address.rpartition(", door ")[0],
                source,
            )
        )
    return tuple(sorted(rows))


def _first_middles(
    plane: NDArray[np.float64], weight: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Return the middles of runs of equal population along a Hilbert curve."""
    order = np.argsort(_hilbert(plane), kind="stable")
    upto = np.cumsum(weight[order])
    run = np.minimum((upto - weight[order] / 2) / upto[-1] * count, count - 1).astype(np.int64)
    nearest = np.empty(len(order), dtype=np.int64)
    nearest[order] = run
    return _means(plane, weight, nearest, np.tile(plane.mean(axis=0), (count, 1)))


def _hilbert(plane: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where points stand on a Hilbert curve over their square (Hilbert 1891)."""
    low = plane.min(axis=0)
    size = max(float((plane.max(axis=0) - low).max()), 1.0)
    side = 1 << _HILBERT_BITS
    x, y = np.minimum((plane - low) / size * side, side - 1).astype(np.int64).T
    found = np.zeros(len(plane), dtype=np.int64)
    step = side >> 1
    while step:
        right, up = (x & step) > 0, (y & step) > 0
        found += step * step * ((3 * right) ^ up)
        turned = right & ~up
        x, y = np.where(turned, side - 1 - x, x), np.where(turned, side - 1 - y, y)
        x, y = np.where(up, x, y), np.where(up, y, x)
        step >>= 1
    return found


def _means(
    plane: NDArray[np.float64],
    weight: NDArray[np.float64],
    nearest: NDArray[np.int64],
    before: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the middle of each group; where a group is empty, the one from before."""
    whole = np.bincount(nearest, weights=weight, minlength=len(before))
    middles = before.copy()
    some = whole > 0
    for axis in (0, 1):
        total = np.bincount(nearest, weights=weight * plane[:, axis], minlength=len(before))
        middles[some, axis] = total[some] / whole[some]
    return middles


def _on_street(place: LonLat, streets: _Streets) -> LonLat:
    """Return the nearest point of a street that every mode can use."""
    line = streets.lines[int(streets.tree.nearest(shapely.Point(place)))]
    point = line.interpolate(line.project(shapely.Point(place)))
    return rounded(point.x, point.y)
