"""Travel times by hand; against Dijkstra they are in `property/test_travel_properties.py`."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from drawn_town import at, roads
from wild_town import Changed, Street, grid

from geo.errors import (
    MatrixTooLargeError,
    NoPlacesError,
    NoRouteError,
    TimeLimitError,
    TooFarFromRoadError,
    UnknownModeError,
)
from geo.travel import MATRIX_CELL_LIMIT, NetworkTravelTimes
from geo.types import UNREACHABLE_S, LonLat, Mode
from geo.weights import FreeFlow

SQUARE = {1: (0, 0), 2: (360, 0), 3: (360, 360), 4: (0, 360)}


def square(**first_side: str) -> NetworkTravelTimes:
    """Return a round of four streets, 360 m each: 86.4 s by bike, 45 s by car at 36 x 0.8 km/h."""
    return NetworkTravelTimes(
        roads(
            SQUARE,
            [
                ([1, 2], {"name": "South", "maxspeed": "36", **first_side}),
                ([2, 3], {"name": "East", "maxspeed": "36"}),
                ([3, 4], {"name": "North", "maxspeed": "36"}),
                ([4, 1], {"name": "West", "maxspeed": "36"}),
            ],
        )
    )


def test_against_a_one_way_a_car_goes_round_and_a_walker_does_not() -> None:
    travel = square(oneway="yes")
    east, west = at(340, 0), at(20, 0)
    # there: 320 m at 8 m/s = 40 s; back: 1440 - 320 = 1120 m, 140 s
    assert travel.matrix([west], [east], Mode.CAR, 0).duration_s[0, 0] == 40
    assert travel.matrix([east], [west], Mode.CAR, 0).duration_s[0, 0] == 140
    # on foot 320 m / (5 / 3.6) m/s = 230.4 s either way
    assert travel.matrix([east], [west], Mode.WALK, 0).duration_s[0, 0] == 230
    assert travel.route(east, west, Mode.CAR, 0).streets == ("South", "East", "North", "West")


def test_contraflow_opens_the_one_way_for_bicycles_only() -> None:
    east, west = at(340, 0), at(20, 0)
    closed, contraflow = square(oneway="yes"), square(oneway="yes", **{"oneway:bicycle": "no"})
    # 320 m at 15 km/h = 76.8 s; round the block 1120 m = 268.8 s
    assert closed.matrix([east], [west], Mode.BIKE, 0).duration_s[0, 0] == 269
    assert contraflow.matrix([east], [west], Mode.BIKE, 0).duration_s[0, 0] == 77
    assert contraflow.matrix([east], [west], Mode.CAR, 0).duration_s[0, 0] == 140


def test_the_walk_between_door_and_street_counts_at_both_ends() -> None:
    travel = square()
    door, other = at(100, -50), at(200, -50)
    matrix = travel.matrix([door], [other], Mode.CAR, 0)
    # 50 m on foot = 36 s, twice; 100 m at 8 m/s = 12.5 s; 84.5 s is told as 85
    assert matrix.duration_s[0, 0] == 85
    assert matrix.length_m[0, 0] == 200
    route = travel.route(door, other, Mode.CAR, 0)
    assert route.offset_s == (0, 36, 49, 85)
    assert len(route.points) == 4


def test_from_a_place_to_itself_takes_no_time() -> None:
    travel, door = square(), at(100, -50)
    assert travel.matrix([door], [door, at(0, 0)], Mode.WALK, 0).duration_s[0, 0] == 0
    route = travel.route(door, door, Mode.WALK, 0)
    assert (route.duration_s, route.length_m, len(route.points)) == (0, 0, 2)


def test_a_place_far_from_every_road_is_named_with_its_distance() -> None:
    travel = square()
    far = at(100, -400)
    with pytest.raises(TooFarFromRoadError, match="400 m away"):
        travel.check_place(far, Mode.CAR)
    with pytest.raises(TooFarFromRoadError, match=r"24\.94.*400 m away"):
        travel.matrix([far], [at(0, 0)], Mode.CAR, 0)
    with pytest.raises(TooFarFromRoadError, match="no place on Earth"):
        travel.matrix([LonLat(math.nan, 60.0)], [at(0, 0)], Mode.CAR, 0)


def test_a_mode_without_roads_is_refused_by_name() -> None:
    travel = NetworkTravelTimes(roads({1: (0, 0), 2: (9, 0)}, [([1, 2], {"highway": "steps"})]))
    assert travel.modes == {Mode.WALK}
    with pytest.raises(UnknownModeError, match=r"'car'.*it knows walk"):
        travel.matrix([at(0, 0)], [at(9, 0)], Mode.CAR, 0)


def test_threads_share_one_travel_time_source() -> None:
    travel = square(oneway="yes")
    spots = [at(x, 0) for x in range(0, 360, 30)]

    def ask(shift: int) -> list[list[int]]:
        mine = spots[shift:] + spots[:shift]
        matrix = travel.matrix(mine, spots, Mode.CAR, 0).duration_s
        rows: list[list[int]] = np.roll(matrix, shift, axis=0).tolist()
        return rows

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(12)))
    assert all(answer == answers[0] for answer in answers)


# --- bad questions -------------------------------------------------------------------------------


def test_a_matrix_without_places_is_refused() -> None:
    with pytest.raises(NoPlacesError, match="0 origins and 1 destinations"):
        square().matrix([], [at(0, 0)], Mode.CAR, 0)
    with pytest.raises(NoPlacesError, match="1 origins and 0 destinations"):
        square().durations([at(0, 0)], [], Mode.CAR, 0)


def test_a_matrix_over_the_limit_is_refused_before_any_work() -> None:
    side = math.isqrt(MATRIX_CELL_LIMIT) + 1
    with pytest.raises(MatrixTooLargeError, match=f"at most {MATRIX_CELL_LIMIT}"):
        square().matrix([at(0, 0)] * side, [at(0, 0)] * side, Mode.CAR, 0)


@pytest.mark.parametrize("mode", ["plane", "", None])
def test_a_mode_that_does_not_exist_is_refused(mode: Mode) -> None:
    travel, spot = square(), at(0, 0)
    for ask in (
        lambda: travel.matrix([spot], [spot], mode, 0),
        lambda: travel.route(spot, spot, mode, 0),
        lambda: travel.reachable(spot, 60, mode, 0),
        lambda: travel.check_place(spot, mode),
    ):
        with pytest.raises(UnknownModeError, match="it knows bike, car, cargo_bike"):
            ask()


@pytest.mark.parametrize("lon", [math.nan, math.inf, 181.0])
def test_a_place_that_is_none_is_refused(lon: float) -> None:
    travel, good, bad = square(), at(0, 0), LonLat(lon, 60.0)
    for ask in (
        lambda: travel.matrix([good], [good, bad], Mode.CAR, 0),
        lambda: travel.route(bad, good, Mode.CAR, 0),
        lambda: travel.reachable(bad, 60, Mode.CAR, 0),
        lambda: travel.check_place(bad, Mode.CAR),
    ):
        with pytest.raises(TooFarFromRoadError, match="no place on Earth"):
            ask()


@pytest.mark.parametrize("seconds", [-1, math.nan, 86_401])
def test_a_time_to_reach_something_in_must_be_one(seconds: int) -> None:
    with pytest.raises(TimeLimitError, match="give 0 to 86400 seconds"):
        square().reachable(at(0, 0), seconds, Mode.CAR, 0)


def test_two_islands_have_no_way_between_them() -> None:
    travel = NetworkTravelTimes(grid([Street(0, 1, 100, 100), Street(2, 3, 100, 100)], 2))
    south, north = at(50, 0), at(50, 100)
    matrix = travel.matrix([south], [south, north], Mode.CAR, 0)
    assert matrix.duration_s.tolist() == [[0, UNREACHABLE_S]]
    assert matrix.length_m.tolist() == [[0, UNREACHABLE_S]]
    with pytest.raises(NoRouteError, match="'car' leads from"):
        travel.route(south, north, Mode.CAR, 0)


# --- traffic -------------------------------------------------------------------------------------


def test_a_closed_street_is_driven_round_and_walked_on() -> None:
    travel = square()
    network = travel._shared.network
    west, east = at(20, 0), at(340, 0)
    south, middle = network.snap(at(180, 0), Mode.CAR).edge, at(180, 0)
    corner = at(0, 360)
    assert travel.matrix([corner], [middle], Mode.CAR, 0).duration_s[0, 0] == 68  # 540 m / 8 m/s
    before = travel.pinned()
    travel.use(Changed(network, "closed", np.full(network.edge_count, 100), [south]), 0)
    # From its middle one walks 180 m to the corner, 129.6 s, and drives 360 m, 45 s.
    assert travel.matrix([middle], [corner], Mode.CAR, 0).duration_s[0, 0] == 175
    assert travel.matrix([corner], [middle], Mode.CAR, 0).duration_s[0, 0] == 175
    # From the one end to the other: walked straight, 320 m; round it is 40 m on foot and 1080 m.
    assert travel.matrix([west], [east], Mode.CAR, 0).duration_s[0, 0] == 164
    assert travel.route(west, east, Mode.CAR, 0).streets == ("South", "West", "North", "East")
    assert before.matrix([west], [east], Mode.CAR, 0).duration_s[0, 0] == 40


class Rush(FreeFlow):
    """Everything takes twice as long from the second hour on; counts what it is asked."""

    def __init__(self, travel: NetworkTravelTimes) -> None:
        super().__init__(travel._shared.network)
        self.asked: list[object] = []

    def period(self, at: int) -> object:
        return at // 3600

    def times_ds(self, mode: Mode, period: object) -> np.ndarray:
        self.asked.append(period)
        return super().times_ds(mode, period) * (2 if period else 1)

    def access_ds(self, mode: Mode, period: object) -> np.ndarray:
        return super().access_ds(mode, period) * (2 if period else 1)


def test_each_hour_has_its_own_times_and_the_last_few_are_kept() -> None:
    travel = square()
    rush = Rush(travel)
    travel.use(rush, 0)
    west, east = at(20, 0), at(340, 0)

    def ask(hour: int) -> int:
        return int(travel.matrix([west], [east], Mode.CAR, hour * 3600).duration_s[0, 0])

    assert [ask(hour) for hour in (0, 1, 0, 1, 2)] == [40, 80, 40, 80, 80]
    assert rush.asked == [0, 1, 2]
    assert ask(3) == 80
    assert ask(0) == 40
    assert rush.asked == [0, 1, 2, 3, 0]


def test_weights_for_another_network_are_refused_and_the_old_stay() -> None:
    travel, other = square(), NetworkTravelTimes(grid([Street(0, 1, 100, 100)], 2))
    travel.prepare(Mode.CAR, 0)
    version = travel.version
    with pytest.raises(ValueError, match="are not for network"):
        travel.use(FreeFlow(other._shared.network), 0)
    assert travel.version == version
    assert travel.matrix([at(20, 0)], [at(340, 0)], Mode.CAR, 0).duration_s[0, 0] == 40


def test_what_did_not_change_is_not_laid_again() -> None:
    travel = square()
    network = travel._shared.network
    travel.prepare(Mode.WALK, 0)
    before = travel.pinned()._weigh(Mode.WALK, 0)
    travel.use(Changed(network, "same", np.full(network.edge_count, 100), []), 0)
    assert travel.pinned()._weigh(Mode.WALK, 0) is before


# --- in reach ------------------------------------------------------------------------------------


def test_in_reach_is_what_can_be_driven_to_in_time() -> None:
    travel = square(oneway="yes")
    # 8 m/s along South to its east end, 260 m; then 100 m up East.
    reached = travel.reachable(at(100, 0), 45, Mode.CAR, 0)
    network = travel._shared.network
    stretches = {
        network.name(edge): (round(begin * 360), round(end * 360))
        for edge, begin, end in zip(reached.edge.tolist(), reached.begin, reached.end, strict=True)
    }
    assert stretches == {"South": (100, 360), "East": (0, 100)}
    assert reached.streets == ("East", "South")
    assert reached.duration_s.tolist() == [33]  # 260 m: 32.5 s
    area = reached.polygon(beside_m=20)
    assert len(area.geoms) == 1
    inside, outside = (
        [at(110, 15), at(375, 50), at(345, 90)],
        [at(60, 0), at(200, 25), at(360, 125)],
    )
    assert all(area.contains(shapely.Point(place)) for place in inside)
    assert not any(area.contains(shapely.Point(place)) for place in outside)


def test_a_small_hole_in_what_is_reached_is_filled_and_a_large_one_is_not() -> None:
    # All 1440 m are reached within two minutes; inside the strips a yard of 320 m a side is left.
    reached = square().reachable(at(0, 0), 120, Mode.CAR, 0)
    yard = shapely.Point(at(180, 180))
    assert not reached.polygon(beside_m=20, hole_m2=300 * 300).contains(yard)
    assert reached.polygon(beside_m=20, hole_m2=330 * 330).contains(yard)


def test_nothing_is_in_reach_before_the_road_is() -> None:
    reached = square().reachable(at(100, -50), 30, Mode.CAR, 0)  # 36 s on foot to the road
    assert (len(reached.edge), len(reached.lon), reached.streets) == (0, 0, ())
    assert reached.polygon().is_empty
