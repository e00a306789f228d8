"""Two ways from west to east, and the traffic on them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from drawn_town import at, roads
from driven_track import line_of

from geo.closures import Closure, ClosureShape
from geo.network import RoadNetwork
from geo.observations import EdgeSpeed
from geo.traffic import Traffic
from geo.types import Mode

ZONE = "Europe/Helsinki"
CAR, BIKE, WALK = Mode.CAR, Mode.BIKE, Mode.WALK


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp())


NOW = moment("2026-05-08T16:30")  # a Friday


def ladder() -> RoadNetwork:
    """Two ways from west to east: Front Street, 1,000 m at 40 km/h, and Back Lane around it.

    Way 1 is Front Street, way 2 Back Lane (1,400 m at 25 km/h), way 3 a one-way between the two
    in the middle.
    """
    nodes = {
        1: (0.0, 0.0),
        2: (500.0, 0.0),
        3: (1000.0, 0.0),
        4: (0.0, 200.0),
        5: (500.0, 200.0),
        6: (1000.0, 200.0),
        7: (-200.0, 0.0),
        8: (1200.0, 0.0),
    }
    return roads(
        nodes,
        [
            ((7, 1, 2, 3, 8), {"highway": "tertiary", "name": "Front Street"}),
            ((1, 4, 5, 6, 3), {"name": "Back Lane"}),
            ((5, 2), {"oneway": "yes"}),
        ],
    )


def edge_at(network: RoadNetwork, x_m: float, y_m: float) -> int:
    return int(network.snap(at(x_m, y_m), CAR).edge)


def arc_east(network: RoadNetwork, x_m: float, y_m: float) -> int:
    """Return the arc of an edge that leads east."""
    edge = edge_at(network, x_m, y_m)
    along = line_of(network, 2 * edge)
    return 2 * edge + int(along[-1][0] < along[0][0])


def time_ds(traffic: Traffic, arc: int, mode: Mode = CAR, now: int = NOW, later_s: int = 0) -> int:
    weights = traffic.weights(now)
    return int(weights.times_ds(mode, weights.period(now + later_s))[arc & 1, arc >> 1])


def free_ds(network: RoadNetwork, arc: int, mode: Mode = CAR) -> int:
    return int(network.times_ds(mode)[arc & 1, arc >> 1])


def speed(arc: int, kmh: float, at: int = NOW, modes: tuple[Mode, ...] = (CAR,)) -> EdgeSpeed:
    return EdgeSpeed(arc >> 1, bool(arc & 1), kmh, at, modes)


def closure(**changes: object) -> Closure:
    values = {"closure_id": "works", "shape": ClosureShape.POINT, "points": (at(250, 3),)}
    return Closure(**{**values, **changes})  # type: ignore[arg-type]
