"""A routing server of a few lines over a land without roads, and who asks it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from drawn_town import at, roads
from stand_in import Asked, Reply, StandIn, as_json, stand_in

from geo.external_http import ServerLimits
from geo.external_osrm import OsrmTravelTimes
from geo.plane import M_PER_DEGREE
from geo.travel import NetworkTravelTimes
from geo.types import Mode

WEST, EAST, NORTH = at(20, 0), at(340, 0), at(180, 360)
DOORS = [WEST, EAST, NORTH]
SQUARE = {1: (0, 0), 2: (360, 0), 3: (360, 360), 4: (0, 360)}


@pytest.fixture(name="own", scope="module")
def given_own() -> NetworkTravelTimes:
    """Return a round of four streets, 360 m each."""
    names = ("South", "East", "North", "West")
    lines = ([1, 2], [2, 3], [3, 4], [4, 1])
    streets = [(line, {"name": name}) for line, name in zip(lines, names, strict=True)]
    return NetworkTravelTimes(roads(SQUARE, streets))


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Plane:
    """An OSRM server of a land without roads: 10 m/s as the crow flies.

    Attributes
    ----------
    change
        Applied to every answer before it is sent.
    """

    def __init__(self) -> None:
        self.data = "plane-1"
        self.change: Callable[[dict[str, Any]], Any] = lambda answer: answer
        self.away_m = 0.0

    def __call__(self, asked: Asked) -> Reply:
        parts = urlsplit(asked.path)
        _, service, _, _, coordinates = parts.path.split("/")
        places = [tuple(map(float, pair.split(","))) for pair in coordinates.split(";")]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        waypoints = [{"location": p, "name": "", "distance": self.away_m} for p in places]
        answer: dict[str, Any] = {"code": "Ok", "data_version": self.data}
        if service == "nearest":
            answer["waypoints"] = waypoints
        elif service == "table":
            rows, columns = (
                [int(i) for i in query[name].split(";")] for name in ("sources", "destinations")
            )
            metres = [[crow_m(places[row], places[column]) for column in columns] for row in rows]
            answer |= {
                "distances": metres,
                "durations": [[m / 10 for m in row] for row in metres],
                "sources": [waypoints[row] for row in rows],
                "destinations": [waypoints[column] for column in columns],
            }
        else:
            metres_between = crow_m(*places)
            depart = step("depart", metres_between, "_ibE_ibE_ibE_ibE")
            answer |= {
                "waypoints": waypoints,
                "routes": [
                    {
                        "duration": metres_between / 10,
                        "distance": metres_between,
                        "legs": [{"steps": [depart, step("arrive", 0.0, "_ibE_ibE")]}],
                    }
                ],
            }
        changed = self.change(answer)
        return changed if isinstance(changed, Reply) else as_json(changed)


def step(kind: str, metres: float, line: str) -> dict[str, Any]:
    return {
        "maneuver": {"type": kind, "bearing_before": 0, "bearing_after": 90},
        "name": "Sky",
        "duration": metres / 10,
        "distance": metres,
        "geometry": line,
    }


def crow_m(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    shrink = math.cos(math.radians((a[1] + b[1]) / 2))
    return math.hypot((b[0] - a[0]) * shrink, b[1] - a[1]) * M_PER_DEGREE


@pytest.fixture(name="plane")
def given_plane() -> Plane:
    return Plane()


@pytest.fixture(name="server")
def given_server(plane: Plane) -> Iterator[StandIn]:
    with stand_in(plane) as running:
        yield running


@pytest.fixture(name="clock")
def given_clock() -> Clock:
    return Clock()


@pytest.fixture(name="travel")
def given_travel(
    own: NetworkTravelTimes, server: StandIn, clock: Clock
) -> Iterator[OsrmTravelTimes]:
    """Return cars by the server, all others by our own network."""
    made = by_server(own, server, clock)
    yield made
    made.close()


def by_server(
    own: NetworkTravelTimes, server: StandIn, clock: Clock, **limits: Any
) -> OsrmTravelTimes:
    return OsrmTravelTimes(
        own,
        {Mode.CAR: server.url},
        limits=ServerLimits(**{"failures": 2, "rest_s": 30.0, **limits}),
        sleep=lambda _seconds: None,
        clock=clock,
    )


def seconds(travel: Any, mode: Mode = Mode.CAR) -> list[list[int]]:
    figures: list[list[int]] = travel.matrix(DOORS, DOORS, mode, 0).duration_s.tolist()
    return figures


# west to east 320 m; to the north corner 160 m and 360 m across: 393.95 m, from either
BY_PLANE = [[0, 32, 39], [32, 0, 39], [39, 39, 0]]
