"""Who serves this door: service areas over the streets and shapes of a city.

`ServiceAreas` answers for many doors at once: a common grid says of most that they are well
inside or outside a shape, only those near an edge are tested against the shape itself.
`ServedDoors` remembers what it answered: a decision asks for the same doors again and again.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.area_shapes import BY_ROAD, Shape, ShapeGrid, check_shapes, drawn
from geo.errors import PlaceError, TooFarFromRoadError
from geo.service_area import AreaKind, Site
from geo.types import UNREACHABLE_S, LonLat, Mode, TravelTimes

CELLS_AT_ONCE: Final = 500_000
"""Pairs of store and door in one question to the travel times."""

MEASURED_FOR_S: Final = 900
"""Ways are measured anew after a quarter of an hour, and at once when the traffic changes."""

DRAWN_FOR_S: Final = 3600
"""An isochrone is drawn anew after an hour, each store's at another moment of it."""

DOORS_REMEMBERED: Final = 50_000
"""Doors remembered for each store."""


# --- many doors at once ------------------------------------------------------------------------


class ServiceAreas:
    """Areas ready to be asked about many doors.

    Parameters
    ----------
    sites
        Stores' places with their areas, A of them; isochrones are drawn here.
    travel
        Of areas by road and isochrones.
    at
        When couriers leave, UTC epoch seconds.

    Raises
    ------
    AreaError
        A shape is no polygon.
    geo.errors.UnknownModeError
        The travel times have no such mode.
    """

    def __init__(self, sites: Sequence[Site], travel: TravelTimes, at: int) -> None:
        self.sites = tuple(sites)
        self._travel = travel
        self._at = at
        for site in self.sites:
            check_shapes(site.area)
        self._shapes = [Shape.of(site, travel, at) for site in self.sites]
        self._drawn = [i for i, site in enumerate(self.sites) if site.area.kind not in BY_ROAD]
        self._by_road = [i for i, site in enumerate(self.sites) if site.area.kind in BY_ROAD]
        self._grid = ShapeGrid([self._shapes[i] for i in self._drawn])

    def outline(self, index: int) -> Any:
        """Return the shape of an area, exclusions taken off, in degrees; None for some by road.

        For `road_time` it is the isochrone of the same time, which doors deep in a block may
        differ from; `road_distance` has none.
        """
        shape, site = self._shapes[index], self.sites[index]
        inside = shape.inside
        if site.area.kind is AreaKind.ROAD_TIME:
            inside = drawn(site, self._travel, self._at)
        if inside is None or shape.outside is None:
            return inside
        return shapely.difference(inside, shape.outside)

    def serves(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which area serves which door.

        Parameters
        ----------
        lon, lat
            float64 (n,), degrees.

        Returns
        -------
        bool (A, n)
            A door too far from every road of an area's mode is not served by road.

        Raises
        ------
        PlaceError
            A door is no place on Earth, or the arrays differ in length.

        Notes
        -----
        Drawn areas: O(n) look-ups in the grid, and O(log v) for each pair of a door and a shape of
        v corners whose edge is in the door's cell.  Areas by road: one table for each mode.
        """
        lon, lat = _doors(lon, lat)
        served = np.zeros((len(self.sites), len(lon)), dtype=np.bool_)
        if self._drawn:
            served[self._drawn] = self._grid.has(lon, lat)
        if self._by_road:
            doors = list(map(LonLat._make, zip(lon.tolist(), lat.tolist(), strict=True)))
            sites = [self.sites[i] for i in self._by_road]
            near = _near_by_road(sites, doors, self._travel, self._at)
            for row, index in enumerate(self._by_road):
                candidates = np.flatnonzero(near[row])
                served[index, candidates] = self._shapes[index].has(
                    lon[candidates], lat[candidates]
                )
        return served


def _doors(lon: Any, lat: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if lon.ndim != 1 or lon.shape != lat.shape:
        raise PlaceError(
            f"doors have longitudes {lon.shape} and latitudes {lat.shape}; give two lists alike"
        )
    wrong = np.flatnonzero(~(np.isfinite(lon) & np.isfinite(lat)))
    if len(wrong):
        door = int(wrong[0])
        raise PlaceError(
            f"door {door} ({lat[door]}, {lon[door]}) is no place on Earth; leave it out"
        )
    return lon, lat


def _near_by_road(
    sites: Sequence[Site], doors: Sequence[LonLat], travel: TravelTimes, at: int
) -> NDArray[np.bool_]:
    """Return which doors are within the distance or time of which sites; bool (sites, doors).

    The way is the delivery's, from store to door.  What is too far from the mode's roads is not
    near; exclusions are not looked at.
    """
    near = np.zeros((len(sites), len(doors)), dtype=np.bool_)
    modes = sorted({site.area.mode for site in sites if site.area.mode is not None})
    for mode in modes:
        rows = [
            row
            for row, site in enumerate(sites)
            if site.area.mode is mode and _has_road(travel, site.place, mode)
        ]
        if not rows:
            continue
        origins = [sites[row].place for row in rows]
        areas = [sites[row].area for row in rows]
        most_s = np.array([[area.duration_s or UNREACHABLE_S - 1] for area in areas])
        most_m = np.array([[area.distance_m or UNREACHABLE_S - 1] for area in areas])
        at_once = max(1, CELLS_AT_ONCE // len(rows))
        for first in range(0, len(doors), at_once):
            part = list(range(first, min(first + at_once, len(doors))))
            try:
                way = travel.matrix(origins, doors[first : first + at_once], mode, at)
            except TooFarFromRoadError:
                part = [i for i in part if _has_road(travel, doors[i], mode)]
                if not part:
                    continue
                way = travel.matrix(origins, [doors[i] for i in part], mode, at)
            near[np.ix_(rows, part)] = (way.duration_s <= most_s) & (way.length_m <= most_m)
    return near


def _has_road(travel: TravelTimes, place: LonLat, mode: Mode) -> bool:
    try:
        travel.check_place(place, mode)
    except TooFarFromRoadError:
        return False
    return True


# --- what areas share --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two areas both serve.

    Attributes
    ----------
    first, second
        Rows of the areas, `first < second`.
    doors, people
        Served by both.
    share_of_first, share_of_second
        Of the people each of the two serves, how many the other serves as well; 0.0 to 1.0.
    """

    first: int
    second: int
    doors: int
    people: float
    share_of_first: float
    share_of_second: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many areas serve a door.

    Attributes
    ----------
    doors, people
        By the number of areas that serve them: `doors[0]` have none, `doors[2]` have two.
    """

    doors: tuple[int, ...]
    people: tuple[float, ...]


def overlaps(served: NDArray[np.bool_], people: NDArray[np.float64]) -> tuple[Overlap, ...]:
    """List the pairs of areas that have doors in common, those with most people first.

    Parameters
    ----------
    served
        bool (A, n), as `ServiceAreas.serves` returned it.
    people
        float64 (n,), behind each door.
    """
    ones = served.astype(np.float64)
    doors = ones @ ones.T
    heads = (ones * people) @ ones.T
    own = np.diag(heads)
    found = []
    for first, second in np.argwhere(np.triu(doors, k=1) > 0).tolist():
        both = float(heads[first, second])
        found.append(
            Overlap(
                first,
                second,
                int(doors[first, second]),
                both,
                both / own[first] if own[first] else 0.0,
                both / own[second] if own[second] else 0.0,
            )
        )
    return tuple(sorted(found, key=lambda pair: (-pair.people, pair.first, pair.second)))


def coverage(served: NDArray[np.bool_], people: NDArray[np.float64]) -> Coverage:
    """Count doors and people by the number of areas that serve them."""
    times = served.sum(axis=0)
    doors = np.bincount(times, minlength=1)
    heads = np.bincount(times, weights=people, minlength=1)
    return Coverage(tuple(doors.tolist()), tuple(heads.tolist()))


# --- the same doors again and again ------------------------------------------------------------


@dataclass(slots=True)
class _Known:
    """What was found out about a store: valid as long as site and epoch are the same."""

    site: Site
    epoch: object
    shape: Shape
    verdicts: dict[LonLat, bool] = field(default_factory=dict)


class ServedDoors:
    """Which doors stores serve, remembered; for one thread.

    A polygon's answer stands; an area by road is measured anew with each version of the travel
    times and each `MEASURED_FOR_S`; an isochrone is drawn anew each `DRAWN_FOR_S`.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def serves(
        self,
        sites: Mapping[str, Site],
        doors: Sequence[LonLat],
        travel: TravelTimes,
        at: int,
    ) -> dict[str, frozenset[int]]:
        """Return for each store the doors it serves, as indices into `doors`.

        Parameters
        ----------
        sites
            By store id; a store without an area has no place here.
        at
            Time of the decision, UTC epoch seconds.

        Raises
        ------
        geo.errors.UnknownModeError
            The travel times lack the mode of an area.
        """
        known = {key: self._current(key, site, travel, at) for key, site in sites.items()}
        by_road: list[_Known] = []
        for entry in known.values():
            if len(entry.verdicts) + len(doors) > DOORS_REMEMBERED:
                entry.verdicts.clear()
            missing = [door for door in doors if door not in entry.verdicts]
            if not missing:
                continue
            if entry.site.area.kind in BY_ROAD:
                by_road.append(entry)
            else:
                _settle(entry, missing, np.ones(len(missing), dtype=np.bool_))
        if by_road:
            # One table for all: what some store knows already costs a look-up more.
            asked = list(
                dict.fromkeys(
                    door for entry in by_road for door in doors if door not in entry.verdicts
                )
            )
            near = _near_by_road([entry.site for entry in by_road], asked, travel, at)
            for row, entry in enumerate(by_road):
                _settle(entry, asked, near[row])
        return {
            key: frozenset(i for i, door in enumerate(doors) if entry.verdicts[door])
            for key, entry in known.items()
        }

    def _current(self, store_id: str, site: Site, travel: TravelTimes, at: int) -> _Known:
        epoch = _epoch(store_id, site.area.kind, travel, at)
        entry = self._known.get(store_id)
        if entry is not None and entry.site == site and entry.epoch == epoch:
            return entry
        entry = _Known(site, epoch, Shape.of(site, travel, at))
        self._known[store_id] = entry
        return entry


def _settle(entry: _Known, doors: Sequence[LonLat], near: NDArray[np.bool_]) -> None:
    candidates = np.flatnonzero(near)
    found = near.copy()
    if len(candidates):
        lon, lat = np.array([doors[i] for i in candidates.tolist()], dtype=np.float64).T
        found[candidates] = entry.shape.has(lon, lat)
    entry.verdicts.update(zip(doors, found.tolist(), strict=True))


def _epoch(store_id: str, kind: AreaKind, travel: TravelTimes, at: int) -> object:
    """Return what an answer rests on besides the site: it stands while this is the same."""
    if kind is AreaKind.POLYGON:
        return None
    if kind is AreaKind.ISOCHRONE:
        # Not all at once: drawing forty isochrones would hold a decision up.
        return (at + zlib.crc32(store_id.encode()) % DRAWN_FOR_S) // DRAWN_FOR_S
    return travel.version, at // MEASURED_FOR_S
