"""OSRM servers: tables, routes and snapping by OSRM's HTTP interface, version 1.

https://project-osrm.org/docs/ describes it.  `samehour serve` speaks it too.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Literal, NoReturn
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, TypeAdapter

from geo.errors import NoRouteError, TooFarFromRoadError, TravelServerError
from geo.external import ServedTravelTimes, Table, Way, check_near
from geo.external_http import Answer, Deadline, Remembered, ServerHttp, ServerLimits
from geo.external_route import (
    REFUSED,
    ROUTE,
    Extras,
    Figure,
    Waypoint,
    road_route,
    rounded,
    walking_s,
)
from geo.reach import Reach
from geo.types import UNREACHABLE_S, LonLat, Matrix, Mode, Seconds, TravelTimes

TABLE_CELLS: Final = 10_000
"""Pairs per request that `osrm-routed` takes as installed: `--max-table-size 100`, squared."""

PROFILES: Final[Mapping[Mode, str]] = MappingProxyType(
    {
        Mode.WALK: "foot",
        Mode.BIKE: "bike",
        Mode.CARGO_BIKE: "cargo_bike",
        Mode.SCOOTER: "scooter",
        Mode.CAR: "car",
    }
)
"""What a mode is called in the path; `osrm-routed` itself has one profile and ignores the name."""

_DIGITS: Final = 7
_NO_SEGMENT: Final = re.compile(r"segment for coordinate (\d+)")


class _TableAnswer(BaseModel):
    code: Literal["Ok"]
    durations: list[list[Figure | None]]
    distances: list[list[Figure | None]]
    sources: list[Waypoint]
    destinations: list[Waypoint]
    data_version: str = ""
    samehour: Extras = Extras()


class _NearestAnswer(BaseModel):
    code: Literal["Ok"]
    waypoints: Annotated[list[Waypoint], Field(min_length=1)]


_TABLE: Final = TypeAdapter(_TableAnswer)
_NEAREST: Final = TypeAdapter(_NearestAnswer)


class OsrmServer:
    """`geo.external.TravelServer` by one OSRM server.

    OSRM counts from road to road; the walks to and from it are added, as on our own network.

    Parameters
    ----------
    url
        Where its paths begin: `http://127.0.0.1:5000`.
    mode
        What it answers for.
    profile
        The name in the path; that of the mode in `PROFILES` when not given.
    """

    def __init__(
        self,
        url: str,
        mode: Mode,
        *,
        profile: str | None = None,
        limits: ServerLimits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or ServerLimits()
        self._http = ServerHttp(url, "osrm", self.limits, sleep=sleep, clock=clock)
        self._mode = mode
        self._profile = quote(profile or PROFILES[mode], safe="")
        self._cells = self.limits.table_cells or TABLE_CELLS
        self._away: Remembered[LonLat, float] = Remembered()

    @property
    def name(self) -> str:
        """Kind, host and port."""
        return self._http.name

    @property
    def tells_reach(self) -> bool:
        """No: OSRM has no such service."""
        return False

    def known_away_m(self, place: LonLat) -> float | None:
        """Return how far a place is from the nearest road, if an answer said so before."""
        return self._away.get(place)

    def away_m(self, place: LonLat) -> float:
        """Return how far a place is from the nearest road; remembered from then on."""
        path = f"nearest/v1/{self._profile}/{_said(place)}"
        answer = self._http.get(path, {}, self._http.deadline())
        if not answer.is_ok:
            refuse(answer, self.name, self._mode, [place])
        away_m = answer.read(_NEAREST).waypoints[0].away_m(place)
        self._away.keep(place, away_m)
        return away_m

    def table(self, origins: Sequence[LonLat], destinations: Sequence[LonLat]) -> Table:
        """Return times and lengths between all pairs, asked for in parts within the limit.

        Raises
        ------
        TooFarFromRoadError
            A place was snapped farther than `SNAP_LIMIT_M`, or not at all.
        TravelServerError
            No usable answer, or parts made from two maps.
        """
        deadline = self._http.deadline()
        shape = (len(origins), len(destinations))
        duration_s, length_m = np.empty(shape, np.int32), np.empty(shape, np.int32)
        data: set[str] = set()
        for rows, columns in blocks(*shape, self._cells):
            part = self._block(origins[rows], destinations[columns], deadline)
            duration_s[rows, columns] = part.matrix.duration_s
            length_m[rows, columns] = part.matrix.length_m
            data.add(part.data)
        if len(data) > 1:
            raise TravelServerError(f"{self.name} changed its map while it was asked for a table")
        return Table(Matrix(duration_s, length_m), data.pop())

    def _block(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], deadline: Deadline
    ) -> Table:
        places = list(dict.fromkeys([*origins, *destinations]))
        index = {place: number for number, place in enumerate(places)}
        answer = self._http.get(
            f"table/v1/{self._profile}/{';'.join(map(_said, places))}",
            {
                "annotations": "duration,distance",
                "sources": ";".join(str(index[place]) for place in origins),
                "destinations": ";".join(str(index[place]) for place in destinations),
                "generate_hints": "false",
            },
            deadline,
        )
        if not answer.is_ok:
            refuse(answer, self.name, self._mode, places)
        found = answer.read(_TABLE)
        shape = (len(origins), len(destinations))
        if (len(found.sources), len(found.destinations)) != shape:
            raise answer.strange(f"{len(found.sources)} sources for {shape[0]} origins")
        self._away.only_for(found.data_version)
        begin_m, end_m = (
            np.array([self._near(*pair) for pair in zip(places, waypoints, strict=True)])
            for places, waypoints in (
                (origins, found.sources),
                (destinations, found.destinations),
            )
        )
        walk_m = begin_m[:, None] + end_m
        if found.samehour.counts_access:
            walk_m = np.zeros(shape)
        # From a place to itself there is nowhere to walk.
        walk_m[np.array([[a == b for b in destinations] for a in origins])] = 0.0
        matrix = Matrix(
            whole(figures(found.durations, shape, answer) + walking_s(walk_m)),
            whole(figures(found.distances, shape, answer) + walk_m),
        )
        return Table(matrix, found.data_version)

    def route(self, origin: LonLat, destination: LonLat) -> Way:
        """Return a way with its line and steps.

        Raises
        ------
        NoRouteError
            There is none.
        TooFarFromRoadError, TravelServerError
            As for `table`.
        """
        answer = self._http.get(
            f"route/v1/{self._profile}/{_said(origin)};{_said(destination)}",
            {
                "alternatives": "false",
                "geometries": "polyline6",
                "overview": "false",
                "steps": "true",
                "generate_hints": "false",
            },
            self._http.deadline(),
        )
        if not answer.is_ok:
            refuse(answer, self.name, self._mode, [origin, destination])
        found = answer.read(ROUTE)
        walk_m = (
            self._near(origin, found.waypoints[0]),
            self._near(destination, found.waypoints[1]),
        )
        if found.samehour.counts_access:
            walk_m = (0.0, 0.0)
        return Way(road_route(found, origin, destination, walk_m), found.data_version)

    def reachable(self, origin: LonLat, seconds: Seconds) -> Reach:
        """Raise `NotImplementedError`: OSRM has no such service."""
        raise NotImplementedError(f"OSRM does not say what is within {seconds} s of {origin}")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _near(self, place: LonLat, waypoint: Waypoint) -> float:
        away_m = waypoint.away_m(place)
        self._away.keep(place, away_m)
        check_near(place, away_m, self._mode, self.name)
        return away_m


class OsrmTravelTimes(ServedTravelTimes):
    """Travel times by OSRM servers.

    Parameters
    ----------
    builtin
        Answers for modes without a server, and when a server fails.
    urls
        A URL for each mode; or one for all modes of `builtin`, of a server that tells profiles
        apart by name, as `samehour serve` and proxies do (`osrm-routed` does not).
    profiles
        Names in the path, where they are not those of `PROFILES`.

    Raises
    ------
    UnknownModeError
        A URL is given for a mode that `builtin` has no roads for.
    """

    def __init__(
        self,
        builtin: TravelTimes,
        urls: str | Mapping[Mode, str],
        *,
        profiles: Mapping[Mode, str] | None = None,
        limits: ServerLimits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        by_mode = dict.fromkeys(builtin.modes, urls) if isinstance(urls, str) else urls
        names = profiles or {}
        super().__init__(
            builtin,
            {
                mode: OsrmServer(
                    url, mode, profile=names.get(mode), limits=limits, sleep=sleep, clock=clock
                )
                for mode, url in by_mode.items()
            },
            clock=clock,
        )


def refuse(answer: Answer, server: str, mode: Mode, places: Sequence[LonLat]) -> NoReturn:
    """Raise what an answer in OSRM's words, with a code other than `Ok`, stands for.

    Raises
    ------
    NoRouteError
        There is no way.
    TooFarFromRoadError
        One of the places is not on the map; names it if the server did.
    TravelServerError
        Anything else.
    """
    said = answer.read(REFUSED)
    if said.code == "NoRoute":
        raise no_way(server, mode, places)
    if said.code == "NoSegment":
        which = _NO_SEGMENT.search(said.message)
        if which is not None and int(which[1]) < len(places):
            check_near(places[int(which[1])], math.inf, mode, server)
        raise TooFarFromRoadError(f"{server} finds no road near {say(places)}")
    raise TravelServerError(f"{server} refused: {said.code} {said.message}")


def no_way(server: str, mode: Mode, places: Sequence[LonLat]) -> NoRouteError:
    """Return the error for places without a way between them."""
    return NoRouteError(f"{server} knows no way for mode '{mode}' between {say(places)}")


def say(places: Sequence[LonLat]) -> str:
    """Return places for an error message, the first and the last of many."""
    ends = [places[0], *places[1:][-1:]] if places else []
    return " and ".join(f"({lat:.5f}, {lon:.5f})" for lon, lat in ends) or "no place"


def blocks(rows: int, columns: int, cells: int) -> Iterator[tuple[slice, slice]]:
    """Cut a table into parts of at most so many cells, nearly square so that URLs stay short."""
    side = max(math.isqrt(cells), 1)
    for row in range(0, rows, side):
        for column in range(0, columns, side):
            yield slice(row, row + side), slice(column, column + side)


def figures(
    rows: Sequence[Sequence[float | None]], shape: tuple[int, int], answer: Answer
) -> NDArray[np.float64]:
    """Return a table's figures, NaN for null.

    Raises
    ------
    TravelServerError
        The table is of another shape.
    """
    if len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
        raise answer.strange(f"no table of {shape[0]} rows and {shape[1]} columns")
    return np.array(rows, dtype=np.float64)


def whole(values: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return figures as whole numbers, `UNREACHABLE_S` for NaN."""
    return np.where(np.isnan(values), UNREACHABLE_S, rounded(np.nan_to_num(values)))


def _said(place: LonLat) -> str:
    return f"{place[0]:.{_DIGITS}f},{place[1]:.{_DIGITS}f}"
