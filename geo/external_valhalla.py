"""Valhalla servers: tables, routes and isochrones by Valhalla's HTTP interface.

https://valhalla.github.io/valhalla/api/ describes it.  Routes are asked for in OSRM's words, which
Valhalla speaks when told `format: osrm`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Literal, NoReturn

import numpy as np
import shapely
from pydantic import BaseModel, Field, TypeAdapter

from geo.errors import TooFarFromRoadError, TravelServerError
from geo.external import ServedTravelTimes, Table, Way, check_near
from geo.external_http import Answer, Deadline, Remembered, ServerHttp, ServerLimits
from geo.external_osrm import blocks, figures, no_way, refuse, say, whole
from geo.external_route import ROUTE, Figure, Place, road_route, walking_s
from geo.plane import flat_length_m
from geo.reach import BESIDE_M, HOLE_M2, Reach
from geo.types import LonLat, Matrix, Mode, Seconds, TravelTimes

TABLE_CELLS: Final = 2_500
"""Pairs per request that Valhalla takes as installed: `max_matrix_location_pairs`."""

COSTINGS: Final[Mapping[Mode, str]] = MappingProxyType(
    {
        Mode.WALK: "pedestrian",
        Mode.BIKE: "bicycle",
        Mode.CARGO_BIKE: "bicycle",
        Mode.SCOOTER: "motor_scooter",
        Mode.CAR: "auto",
    }
)
"""Valhalla's own word for a mode; it knows no cargo bicycle, so give one a server of its own."""

_M_PER_KM: Final = 1000
_S_PER_MIN: Final = 60
_NO_EDGES: Final = 171  # "No suitable edges near location"
_NO_PATH: Final = 442  # "No path could be found for input"


class _Cell(BaseModel):
    time: Figure | None
    distance: Figure | None


class _TableAnswer(BaseModel):
    sources_to_targets: list[list[_Cell]]


class _Correlated(BaseModel):
    correlated_lon: Annotated[float, Field(ge=-180, le=180)]
    correlated_lat: Annotated[float, Field(ge=-90, le=90)]


class _Located(BaseModel):
    edges: list[_Correlated] | None


class _Status(BaseModel):
    tileset_last_modified: int


class _Area(BaseModel):
    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[list[Place]] | list[list[list[Place]]]


class _Feature(BaseModel):
    geometry: _Area


class _Isochrone(BaseModel):
    features: Annotated[list[_Feature], Field(min_length=1)]


class _Error(BaseModel):
    error_code: int
    error: str


_TABLE: Final = TypeAdapter(_TableAnswer)
_LOCATED: Final = TypeAdapter(list[_Located])
_STATUS: Final = TypeAdapter(_Status)
_ISOCHRONE: Final = TypeAdapter(_Isochrone)
_ERROR: Final = TypeAdapter(_Error)


@dataclass(frozen=True, eq=False)
class ServedReach(Reach):
    """What a server says can be reached: an area, without its junctions and streets.

    Attributes
    ----------
    area
        In degrees.
    """

    area: shapely.MultiPolygon

    @classmethod
    def of(cls, origin: LonLat, seconds: Seconds, area: shapely.MultiPolygon) -> ServedReach:
        """Return what is reached, with no junctions and no streets."""
        none, none_int = np.zeros(0), np.zeros(0, dtype=np.int32)
        return cls(
            origin=origin,
            seconds=seconds,
            lon=none,
            lat=none,
            duration_s=none_int,
            edge=none_int,
            begin=none,
            end=none,
            line_start=np.zeros(1, dtype=np.int64),
            line_e7=np.zeros((0, 2), dtype=np.int32),
            streets=(),
            area=area,
        )

    def polygon(
        self,
        beside_m: float = BESIDE_M,  # noqa: ARG002 - the server drew it already
        hole_m2: float = HOLE_M2,  # noqa: ARG002 - likewise
    ) -> shapely.MultiPolygon:
        """Return the area as the server drew it, in degrees."""
        return self.area


class ValhallaServer:
    """`geo.external.TravelServer` by one Valhalla server.

    Valhalla counts from road to road; the walks to and from it are added, as on our own network.

    Parameters
    ----------
    url
        Where its paths begin: `http://127.0.0.1:8002`.
    mode
        What it answers for.
    costing
        Valhalla's word for it; that of the mode in `COSTINGS` when not given.
    """

    def __init__(
        self,
        url: str,
        mode: Mode,
        *,
        costing: str | None = None,
        limits: ServerLimits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or ServerLimits()
        self._http = ServerHttp(url, "valhalla", self.limits, sleep=sleep, clock=clock)
        self._mode = mode
        self._costing = costing or COSTINGS[mode]
        self._cells = self.limits.table_cells or TABLE_CELLS
        self._away: Remembered[LonLat, float] = Remembered()

    @property
    def name(self) -> str:
        """Kind, host and port."""
        return self._http.name

    @property
    def tells_reach(self) -> bool:
        """Yes, as an area."""
        return True

    def known_away_m(self, place: LonLat) -> float | None:
        """Return how far a place is from the nearest road, if an answer said so before."""
        return self._away.get(place)

    def away_m(self, place: LonLat) -> float:
        """Return how far a place is from the nearest road; remembered from then on."""
        return self._locate([place], self._http.deadline())[0]

    def table(self, origins: Sequence[LonLat], destinations: Sequence[LonLat]) -> Table:
        """Return times and lengths between all pairs, asked for in parts within the limit.

        Raises
        ------
        TooFarFromRoadError
            A place is farther than `SNAP_LIMIT_M` from every road.
        TravelServerError
            No usable answer, or parts made from two maps.
        """
        deadline = self._http.deadline()
        data = self._data(deadline)
        places = list(dict.fromkeys([*origins, *destinations]))
        away_m = dict(zip(places, self._check(places, deadline), strict=True))
        shape = (len(origins), len(destinations))
        duration_s, length_m = np.empty(shape), np.empty(shape)
        for rows, columns in blocks(*shape, self._cells):
            asked = {
                "sources": _said(origins[rows]),
                "targets": _said(destinations[columns]),
                "costing": self._costing,
                "units": "kilometers",
            }
            answer = self._http.post("sources_to_targets", asked, deadline)
            if not answer.is_ok:
                self._refuse(answer, places)
            cells = answer.read(_TABLE).sources_to_targets
            part = (len(origins[rows]), len(destinations[columns]))
            duration_s[rows, columns] = figures(
                [[cell.time for cell in row] for row in cells], part, answer
            )
            length_m[rows, columns] = _M_PER_KM * figures(
                [[cell.distance for cell in row] for row in cells], part, answer
            )
        if self._data(deadline) != data:
            raise TravelServerError(f"{self.name} changed its map while it was asked for a table")
        begin_m, end_m = (
            np.array([away_m[p] for p in asked_for]) for asked_for in (origins, destinations)
        )
        walk_m = begin_m[:, None] + end_m
        same = np.array([[a == b for b in destinations] for a in origins])
        walk_m[same] = duration_s[same] = length_m[same] = 0.0
        return Table(Matrix(whole(duration_s + walking_s(walk_m)), whole(length_m + walk_m)), data)

    def route(self, origin: LonLat, destination: LonLat) -> Way:
        """Return a way with its line and steps.

        Raises
        ------
        NoRouteError
            There is none.
        TooFarFromRoadError, TravelServerError
            As for `table`.
        """
        deadline = self._http.deadline()
        data = self._data(deadline)
        walk_m = self._check([origin, destination], deadline)
        asked = {
            "locations": _said([origin, destination]),
            "costing": self._costing,
            "units": "kilometers",
            "format": "osrm",
        }
        answer = self._http.post("route", asked, deadline)
        if not answer.is_ok:
            refuse(answer, self.name, self._mode, [origin, destination])
        found = road_route(answer.read(ROUTE), origin, destination, (walk_m[0], walk_m[1]))
        return Way(found, data)

    def reachable(self, origin: LonLat, seconds: Seconds) -> Reach:
        """Return the area that can be reached within a time; raises as `table` does."""
        deadline = self._http.deadline()
        left_s = seconds - walking_s(self._check([origin], deadline)[0])
        if left_s <= 0:
            return ServedReach.of(LonLat(*origin), seconds, shapely.MultiPolygon())
        asked = {
            "locations": _said([origin]),
            "costing": self._costing,
            "contours": [{"time": left_s / _S_PER_MIN}],
            "polygons": True,
        }
        answer = self._http.post("isochrone", asked, deadline)
        if not answer.is_ok:
            self._refuse(answer, [origin])
        parts = [
            shapely.geometry.shape(feature.geometry.model_dump())
            for feature in answer.read(_ISOCHRONE).features
        ]
        area = shapely.union_all([shapely.make_valid(part) for part in parts])
        return ServedReach.of(LonLat(*origin), seconds, _polygons(area))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _check(self, places: Sequence[LonLat], deadline: Deadline) -> list[float]:
        """Return how far places are from the road; none of them too far."""
        found = self._locate(places, deadline)
        for place, away_m in zip(places, found, strict=True):
            check_near(place, away_m, self._mode, self.name)
        return found

    def _locate(self, places: Sequence[LonLat], deadline: Deadline) -> list[float]:
        """Return how far places are from the nearest road, infinity where none was found."""
        unknown = [place for place in places if self._away.get(place) is None]
        found: dict[LonLat, float] = {}
        if unknown:
            asked = {"locations": _said(unknown), "costing": self._costing}
            answer = self._http.post("locate", asked, deadline)
            if not answer.is_ok:
                self._refuse(answer, unknown)
            located = answer.read(_LOCATED)
            if len(located) != len(unknown):
                raise answer.strange(f"{len(located)} places for {len(unknown)}")
            for place, here in zip(unknown, located, strict=True):
                found[place] = _away_m(place, here)
                self._away.keep(place, found[place])
        known = ((place, self._away.get(place)) for place in places)
        return [found[place] if away_m is None else away_m for place, away_m in known]

    def _data(self, deadline: Deadline) -> str:
        """Return when the server's map was made, which is all the name it has."""
        answer = self._http.post("status", {}, deadline)
        if not answer.is_ok:
            self._refuse(answer, [])
        data = str(answer.read(_STATUS).tileset_last_modified)
        self._away.only_for(data)
        return data

    def _refuse(self, answer: Answer, places: Sequence[LonLat]) -> NoReturn:
        said = answer.read(_ERROR)
        if said.error_code == _NO_EDGES:
            raise TooFarFromRoadError(f"{self.name} finds no road near {say(places)}")
        if said.error_code == _NO_PATH:
            raise no_way(self.name, self._mode, places)
        raise TravelServerError(f"{self.name} refused: {said.error_code} {said.error}")


class ValhallaTravelTimes(ServedTravelTimes):
    """Travel times by Valhalla servers.

    Parameters
    ----------
    builtin
        Answers for modes without a server, and when a server fails.
    urls
        A URL for all modes of `builtin`, or one for each mode that has a server.
    costings
        Valhalla's words, where they are not those of `COSTINGS`.

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
        costings: Mapping[Mode, str] | None = None,
        limits: ServerLimits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        by_mode = dict.fromkeys(builtin.modes, urls) if isinstance(urls, str) else urls
        names = costings or {}
        super().__init__(
            builtin,
            {
                mode: ValhallaServer(
                    url, mode, costing=names.get(mode), limits=limits, sleep=sleep, clock=clock
                )
                for mode, url in by_mode.items()
            },
            clock=clock,
        )


def _said(places: Sequence[LonLat]) -> list[dict[str, float]]:
    return [{"lon": lon, "lat": lat} for lon, lat in places]


def _away_m(place: LonLat, found: _Located) -> float:
    if not found.edges:
        return math.inf
    points = np.array([(edge.correlated_lon, edge.correlated_lat) for edge in found.edges])
    return float(flat_length_m(np.array([place]), points).min())


def _polygons(area: shapely.Geometry) -> shapely.MultiPolygon:
    """Return what is area of a shape; lines and points that a repair left are none."""
    parts = [part for part in shapely.get_parts(area) if isinstance(part, shapely.Polygon)]
    return shapely.normalize(shapely.MultiPolygon(parts))
