"""Answers in OSRM's form, from the city's roads and the engine's travel times.

Times and lengths are those of the engine, the walks between places and road included, which
`samehour.counts_access` says; OSRM itself counts from road to road.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from itertools import pairwise
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic_core import to_json

from api.osrm_options import Osrm, OsrmProblem
from api.osrm_query import Geometries, NearestAsked, Overview, RouteAsked, TableAsked
from geo.errors import (
    GeoError,
    NoRouteError,
    QuestionError,
    TooFarFromRoadError,
    TravelServerError,
    UnknownModeError,
)
from geo.nearby import Streets
from geo.network import FLAG_AVOID_SNAP, RoadNetwork
from geo.plane import M_PER_DEGREE, flat_length_m
from geo.polyline import POLYLINE, POLYLINE6, encode
from geo.snapping import FOUND, SNAP_LIMIT_M, UNDERPASS_PENALTY_M
from geo.types import UNREACHABLE_S, LonLat, Mode, RoadRoute, RoadStep, TravelTimes

Json = dict[str, Any]

_DIGITS: Final = 6
_SCREEN: Final = 1000
"""A simplified line is off by no more than this part of its size: a pixel on a screen."""

_MODES: Final = {Mode.WALK: "walking", Mode.BIKE: "cycling", Mode.CARGO_BIKE: "cycling"}
_DRIVING: Final = "driving"
_MAJOR: Final = 2
_HALF_CIRCLE: Final = 180
_CIRCLE: Final = 360


class Cells(NamedTuple):
    """A table's figures, float64 (n, m), and which of them there are none for, bool (n, m)."""

    values: NDArray[np.float64]
    missing: NDArray[np.bool_]

    def json(self) -> bytes:
        """Return the rows; one by one, so that other threads get their turn meanwhile."""
        return b"[" + b",".join(map(_row, self.values, self.missing)) + b"]"


def as_json(answer: Json) -> bytes:
    """Return an answer on the wire."""
    parts = (
        to_json(name) + b":" + (value.json() if isinstance(value, Cells) else to_json(value))
        for name, value in answer.items()
    )
    return b"{" + b",".join(parts) + b"}"


class OsrmAnswers:
    """Answers for one city; safe to use from several threads.

    Parameters
    ----------
    network
        The city's roads, on which places are snapped.
    """

    def __init__(self, network: RoadNetwork) -> None:
        self._network = network
        self._lock = Lock()
        self._streets: Streets | None = None

    def table(self, asked: TableAsked, travel: TravelTimes, at: int) -> Json:
        """Return a table.

        Parameters
        ----------
        travel
            Pinned, so that all figures are of one version.
        at
            Departure, UTC epoch seconds.

        Raises
        ------
        OsrmProblem
            A place is too far from the road, or there is no such mode.
        """
        waypoints, snapped = self._snap(asked.mode, asked.places, asked.radius_m, travel)
        origins = [asked.places[index] for index in asked.sources]
        destinations = [asked.places[index] for index in asked.destinations]
        try:
            found = travel.matrix(origins, destinations, asked.mode, at)
        except GeoError as error:
            raise self._problem(error, asked.places, asked.mode, travel) from error
        answer: Json = {"code": "Ok"}
        missing = found.duration_s >= UNREACHABLE_S
        duration_s, length_m = found.duration_s.astype(np.float64), found.length_m.astype(float)
        if asked.fallback_m_per_s is not None:
            ends = snapped if asked.fallback_snapped else np.array(asked.places)
            crow_m = flat_length_m(
                ends[list(asked.sources)][:, None].repeat(len(destinations), 1).reshape(-1, 2),
                ends[list(asked.destinations)][None].repeat(len(origins), 0).reshape(-1, 2),
            ).reshape(missing.shape)
            duration_s[missing] = np.round(crow_m[missing] / asked.fallback_m_per_s, 1)
            length_m[missing] = np.round(crow_m[missing], 1)
            answer["fallback_speed_cells"] = np.argwhere(missing).tolist()
            missing[:] = False
        if asked.durations:
            answer["durations"] = Cells(np.round(duration_s * asked.scale_factor, 1), missing)
        if asked.distances:
            answer["distances"] = Cells(length_m, missing)
        if asked.waypoints:
            answer["sources"] = [waypoints[index] for index in asked.sources]
            answer["destinations"] = [waypoints[index] for index in asked.destinations]
        return answer | _of(travel)

    def route(self, asked: RouteAsked, travel: TravelTimes, at: int) -> Json:
        """Return a route over all places; raises `OsrmProblem` where there is none."""
        waypoints, _ = self._snap(asked.mode, asked.places, asked.radius_m, travel)
        legs: list[RoadRoute] = []
        for origin, destination in pairwise(asked.places):
            leaves_at = at + sum(leg.duration_s for leg in legs)
            try:
                legs.append(travel.route(origin, destination, asked.mode, leaves_at))
            except GeoError as error:
                raise self._problem(error, asked.places, asked.mode, travel) from error
        duration_s = float(sum(leg.duration_s for leg in legs))
        route: Json = {
            "legs": [_leg(leg, asked, travel) for leg in legs],
            "weight_name": "duration",
            "weight": duration_s,
            "duration": duration_s,
            "distance": float(sum(leg.length_m for leg in legs)),
        }
        if asked.overview is not Overview.NONE:
            # A leg begins where the one before ended.
            line = np.array([legs[0].points[0], *(p for leg in legs for p in leg.points[1:])])
            if asked.overview is Overview.SIMPLIFIED:
                line = simplified(line)
            route["geometry"] = _geometry(line, asked.geometries)
        answer: Json = {"code": "Ok", "routes": [route]}
        if asked.waypoints:
            answer["waypoints"] = waypoints
        return answer | _of(travel)

    def nearest(self, asked: NearestAsked, travel: TravelTimes) -> Json:
        """Return the streets near a place: first the one where a trip would begin."""
        waypoints, _ = self._snap(asked.mode, asked.places, asked.radius_m, travel)
        if asked.number > 1:
            limit_m = min(asked.radius_m[0], SNAP_LIMIT_M)
            waypoints = self._near(asked.places[0], asked.mode, asked.number, limit_m)
        answer: Json = {"code": "Ok"}
        if asked.waypoints:
            answer["waypoints"] = waypoints
        return answer | _of(travel)

    # --- places ----------------------------------------------------------------------------------

    def _snap(
        self,
        mode: Mode,
        places: Sequence[LonLat],
        radius_m: Sequence[float],
        travel: TravelTimes,
    ) -> tuple[list[Json], NDArray[np.float64]]:
        """Return a waypoint for each place, and float64 (n, 2) degrees of where it is."""
        if mode not in travel.modes:
            raise OsrmProblem(
                Osrm.INVALID_OPTIONS,
                f"this city has no roads for mode '{mode}'; it knows "
                f"{', '.join(sorted(travel.modes))}",
            )
        snaps = self._network.snap_points(np.array(places, dtype=np.float64), mode)
        for index, place in enumerate(places):
            if snaps.state[index] != FOUND:
                raise _no_segment(index, place, SNAP_LIMIT_M, mode)
            if snaps.distance_m[index] > radius_m[index]:
                raise _no_segment(index, place, radius_m[index], mode)
        return self._waypoints(snaps.edge, snaps.fraction, snaps.distance_m)

    def _waypoints(
        self,
        edge: NDArray[np.int32],
        fraction: NDArray[np.float64],
        distance_m: NDArray[np.float64],
    ) -> tuple[list[Json], NDArray[np.float64]]:
        degrees = np.array(
            [
                _on_line(self._network.line(number), part)
                for number, part in zip(edge.tolist(), fraction.tolist(), strict=True)
            ]
        )
        waypoints = [
            {"location": location, "name": self._network.name(number), "distance": away_m}
            for location, number, away_m in zip(
                np.round(degrees, _DIGITS).tolist(),
                edge.tolist(),
                np.round(distance_m, _DIGITS).tolist(),
                strict=True,
            )
        ]
        return waypoints, degrees

    def _near(self, place: LonLat, mode: Mode, number: int, limit_m: float) -> list[Json]:
        with self._lock:
            if self._streets is None:
                self._streets = Streets(self._network)
        streets = self._streets
        avoided = self._network.arrays.edge_flags & FLAG_AVOID_SNAP > 0
        at = streets.plane(np.array([place], dtype=np.float64))
        found = streets.near(at, np.array([limit_m]), streets.usable([mode]))
        # In the order of snapping, so that the first is where a trip begins.
        felt_m = found.distance_m + np.where(avoided[found.edge], UNDERPASS_PENALTY_M, 0.0)
        order = np.argsort(felt_m, kind="stable")[:number]
        return self._waypoints(
            found.edge[order].astype(np.int32), found.fraction[order], found.distance_m[order]
        )[0]

    def _problem(
        self, error: GeoError, places: Sequence[LonLat], mode: Mode, travel: TravelTimes
    ) -> Exception:
        """Return what an error of the travel times is in OSRM's words; others are ours."""
        match error:
            case NoRouteError():
                return OsrmProblem(Osrm.NO_ROUTE, f"Impossible route between points: {error}")
            case QuestionError():
                return OsrmProblem(Osrm.TOO_BIG, str(error))
            case UnknownModeError():
                return OsrmProblem(Osrm.INVALID_OPTIONS, str(error))
            case TravelServerError():
                return OsrmProblem(Osrm.UNAVAILABLE, str(error), HTTPStatus.SERVICE_UNAVAILABLE)
            case TooFarFromRoadError():
                # Near our own road, but not near one of the server that answers for the mode.
                for index, place in enumerate(places):
                    try:
                        travel.check_place(place, mode)
                    except TooFarFromRoadError:
                        return _no_segment(index, place, SNAP_LIMIT_M, mode)
        return error


def _row(values: NDArray[np.float64], missing: NDArray[np.bool_]) -> bytes:
    cells: list[float | None] = values.tolist()
    for index in np.flatnonzero(missing).tolist():
        cells[index] = None
    return to_json(cells)


def _on_line(line: NDArray[np.float64], part: float) -> list[float]:
    """Return the point at some part of a line's length."""
    after = np.concatenate([[0.0], np.cumsum(flat_length_m(line[:-1], line[1:]))])
    return [float(np.interp(part * after[-1], after, line[:, axis])) for axis in (0, 1)]


def simplified(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a line with fewer points, off by less than one sees when all of it is on a screen.

    Parameters
    ----------
    line
        float64 (n, 2), degrees; the first and the last point stay.

    Notes
    -----
    Douglas and Peucker 1973, doi:10.3138/FM57-6770-U75U-7727, as OSRM does.
    """
    scale = np.array([np.cos(np.radians(line[:, 1].mean())), 1.0]) * M_PER_DEGREE
    metres = (line - line[0]) * scale
    off_m = float(np.ptp(metres, axis=0).max()) / _SCREEN
    kept = shapely.get_coordinates(shapely.simplify(shapely.linestrings(metres), off_m))
    return np.asarray(kept / scale + line[0])


def _leg(leg: RoadRoute, asked: RouteAsked, travel: TravelTimes) -> Json:
    duration_s = float(leg.duration_s)
    told: Json = {
        "steps": [],
        "summary": "",
        "weight": duration_s,
        "duration": duration_s,
        "distance": float(leg.length_m),
    }
    points = np.array(leg.points)
    if asked.steps:
        told["steps"] = _steps(leg, points, asked)
        told["summary"] = ", ".join(_major_streets(leg.steps))
    if asked.annotations:
        told["annotation"] = _annotation(leg, points, asked.annotations, travel)
    return told


def _steps(leg: RoadRoute, points: NDArray[np.float64], asked: RouteAsked) -> list[Json]:
    ends = [*(step.point for step in leg.steps[1:]), len(points) - 1]
    steps = []
    for step, end in zip(leg.steps, ends, strict=True):
        line = points[step.point : end + 1]
        if len(line) == 1:
            line = line.repeat(2, axis=0)
        location = np.round(step.location, _DIGITS).tolist()
        maneuver: Json = {
            "type": step.maneuver,
            "location": location,
            "bearing_before": step.bearing_before,
            "bearing_after": step.bearing_after,
        }
        if step.modifier:
            maneuver["modifier"] = step.modifier
        steps.append(
            {
                "geometry": _geometry(line, asked.geometries),
                "maneuver": maneuver,
                "mode": _MODES.get(asked.mode, _DRIVING),
                "name": step.street,
                "weight": float(step.duration_s),
                "duration": float(step.duration_s),
                "distance": float(step.length_m),
                "intersections": [_intersection(step, location)],
            }
        )
    return steps


def _intersection(step: RoadStep, location: list[float]) -> Json:
    """Return the ways that are taken at a step's beginning; others are not told."""
    back = (step.bearing_before + _HALF_CIRCLE) % _CIRCLE
    if step.maneuver == "depart":
        return {"location": location, "bearings": [step.bearing_after], "entry": [True], "out": 0}
    if step.maneuver == "arrive":
        return {"location": location, "bearings": [back], "entry": [True], "in": 0}
    return {
        "location": location,
        "bearings": [back, step.bearing_after],
        "entry": [False, True],
        "in": 0,
        "out": 1,
    }


def _major_streets(steps: Sequence[RoadStep]) -> list[str]:
    """Return the names that the most metres go along, in the order of travel."""
    metres: dict[str, int] = {}
    for step in steps:
        if step.street:
            metres[step.street] = metres.get(step.street, 0) + step.length_m
    longest = sorted(metres, key=lambda name: -metres[name])[:_MAJOR]
    return [name for name in metres if name in longest]


def _annotation(
    leg: RoadRoute, points: NDArray[np.float64], wanted: frozenset[str], travel: TravelTimes
) -> Json:
    metres = flat_length_m(points[:-1], points[1:])
    seconds = np.diff(leg.offset_s).astype(np.float64)
    speed = np.divide(metres, seconds, out=np.zeros(len(metres)), where=seconds > 0)
    told: Json = {
        "distance": np.round(metres, 1).tolist(),
        "duration": seconds.tolist(),
        "weight": seconds.tolist(),
        "speed": np.round(speed, 1).tolist(),
        "datasources": [0] * len(metres),
    }
    annotation = {name: values for name, values in told.items() if name in wanted}
    if "datasources" in wanted:
        annotation["metadata"] = {"datasource_names": [travel.version]}
    return annotation


def _geometry(line: NDArray[np.float64], form: Geometries) -> str | Json:
    if form is Geometries.GEOJSON:
        return {"type": "LineString", "coordinates": np.round(line, _DIGITS).tolist()}
    return encode(line, POLYLINE6 if form is Geometries.POLYLINE6 else POLYLINE)


def _of(travel: TravelTimes) -> Json:
    """Return what the figures are made from, known only once they are."""
    return {"data_version": travel.version, "samehour": {"counts_access": True}}


def _no_segment(index: int, place: LonLat, limit_m: float, mode: Mode) -> OsrmProblem:
    return OsrmProblem(
        Osrm.NO_SEGMENT,
        # Clients read the number from these words.
        f"Could not find a matching segment for coordinate {index}: ({place.lat:.5f}, "
        f"{place.lon:.5f}) is more than {limit_m:g} m from every road for mode '{mode}'",
    )
