"""Streets closed for a while: which are meant, and what follows."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_town import at, roads
from ladder_town import BIKE, CAR, NOW, ZONE, arc_east, closure, edge_at, free_ds, ladder, time_ds

from geo.closures import ClosureShape
from geo.errors import ClosureError, UnknownClosureError
from geo.network import RoadNetwork
from geo.traffic import Traffic
from geo.travel import NetworkTravelTimes
from geo.types import UNREACHABLE_S, LonLat


@pytest.fixture(scope="module")
def network() -> RoadNetwork:
    return ladder()


@pytest.fixture
def traffic(network: RoadNetwork) -> Traffic:
    return Traffic(network, ZONE)


# --- what is closed ------------------------------------------------------------------------------


def test_a_closed_street_is_walked_to_and_not_driven_through(
    traffic: Traffic, network: RoadNetwork
) -> None:
    edges = traffic.close(closure(modes=(CAR,)), NOW)
    assert edges.tolist() == [edge_at(network, 250, 0)]
    weights = traffic.weights(NOW)
    period = weights.period(NOW)
    assert (weights.times_ds(CAR, period)[:, edges] == UNREACHABLE_S).all()
    # 500 m on foot at 5 km/h are 360 s.
    assert (weights.access_ds(CAR, period)[:, edges] == 3600).all()
    assert (weights.times_ds(BIKE, period) == network.times_ds(BIKE)).all()


def test_a_route_goes_around_what_is_closed(traffic: Traffic, network: RoadNetwork) -> None:
    travel = NetworkTravelTimes(network)
    start, goal = at(-100, 0), at(1100, 0)
    before = travel.route(start, goal, CAR, NOW)
    assert before.streets == ("Front Street",)
    traffic.close(closure(modes=(CAR,)), NOW)
    travel.use(traffic.weights(NOW), NOW)
    around = travel.route(start, goal, CAR, NOW)
    assert "Back Lane" in around.streets
    assert around.duration_s > before.duration_s
    assert travel.route(at(250, 0), goal, CAR, NOW).duration_s > before.duration_s
    traffic.reopen("works")
    travel.use(traffic.weights(NOW), NOW)
    assert travel.route(start, goal, CAR, NOW) == before


def test_a_closure_ends_by_itself(traffic: Traffic, network: RoadNetwork) -> None:
    traffic.close(closure(until=NOW + 600, reason="concert"), NOW)
    arc = arc_east(network, 250, 0)
    weights = traffic.weights(NOW)
    assert time_ds(traffic, arc) == UNREACHABLE_S
    # Whoever leaves after its end is told so today already.
    assert weights.period(NOW + 599) == weights.period(NOW)
    assert weights.period(NOW + 600) != weights.period(NOW)
    assert time_ds(traffic, arc, later_s=600) == free_ds(network, arc)
    assert traffic.weights(NOW + 600).version == network.version
    assert traffic.closures == ()


def test_of_two_closures_each_ends_at_its_own_time(traffic: Traffic, network: RoadNetwork) -> None:
    traffic.close(closure(closure_id="long"), NOW)
    traffic.close(closure(closure_id="a", points=(at(750, 0),), until=NOW + 900), NOW)
    traffic.close(closure(closure_id="b", points=(at(250, 200),), until=NOW + 300), NOW)
    arcs = [arc_east(network, x, y) for x, y in ((250, 0), (750, 0), (250, 200))]
    shut = [
        [time_ds(traffic, arc, later_s=later_s) == UNREACHABLE_S for arc in arcs]
        for later_s in (0, 300, 900)
    ]
    assert shut == [[True, True, True], [True, True, False], [True, False, False]]


def test_a_line_closes_the_streets_it_runs_along(traffic: Traffic, network: RoadNetwork) -> None:
    line = closure(shape=ClosureShape.LINE, points=(at(20, 4), at(500, -3), at(960, 5)))
    assert set(traffic.close(line, NOW).tolist()) == {
        edge_at(network, 250, 0),
        edge_at(network, 750, 0),
    }


def test_a_line_across_a_street_closes_it(traffic: Traffic, network: RoadNetwork) -> None:
    across = closure(shape=ClosureShape.LINE, points=(at(250, -6), at(250, 6)))
    assert traffic.close(across, NOW).tolist() == [edge_at(network, 250, 0)]


def test_a_polygon_closes_every_street_in_it(traffic: Traffic, network: RoadNetwork) -> None:
    ring = (at(450, -20), at(550, -20), at(550, 20), at(450, 20))
    closed = traffic.close(closure(shape=ClosureShape.POLYGON, points=ring), NOW)
    # Both halves of Front Street, and the one-way that comes down to it.
    assert set(closed.tolist()) == {
        edge_at(network, 250, 0),
        edge_at(network, 750, 0),
        edge_at(network, 500, 100),
    }


def test_ways_close_all_their_edges(traffic: Traffic, network: RoadNetwork) -> None:
    closed = traffic.close(closure(shape=ClosureShape.WAYS, points=(), way_ids=(1,)), NOW)
    assert closed.tolist() == np.flatnonzero(network.arrays.edge_way == 1).tolist()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"points": (at(250, 900),)}, "farther than 30 m from every street"),
        ({"points": ()}, "has 0 points; a point needs 1"),
        ({"shape": ClosureShape.LINE}, "has 1 points; a line needs 2"),
        ({"shape": ClosureShape.POLYGON, "points": (at(0, 0), at(9, 0))}, "a polygon needs 3"),
        (
            {"shape": ClosureShape.POLYGON, "points": (at(0, 0), at(9, 9), at(9, 0), at(0, 9))},
            "does not cross itself",
        ),
        (
            {"shape": ClosureShape.POLYGON, "points": (at(0, 50), at(9, 50), at(9, 59))},
            "a polygon without a street",
        ),
        ({"shape": ClosureShape.WAYS, "way_ids": (77,)}, "way 77, which is not in this city"),
        ({"shape": ClosureShape.WAYS, "way_ids": ()}, "names no way"),
        ({"points": (LonLat(24.9, 95.0),)}, "no place on Earth"),
        ({"points": (LonLat(float("nan"), 60.0),)}, "no place on Earth"),
        ({"modes": ()}, "names no mode"),
        ({"until": NOW}, "was over at"),
    ],
)
def test_a_closure_without_a_street_is_refused(
    traffic: Traffic, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ClosureError, match=said) as error:
        traffic.close(closure(**changes), NOW)
    assert "'works'" in str(error.value)
    assert traffic.closures == ()


def test_a_way_that_the_modes_may_not_use_anyway_is_said() -> None:
    paths = roads(
        {1: (0, 0), 2: (100, 0), 3: (200, 0)},
        [((1, 2), {"highway": "footway"}), ((2, 3), {})],
    )
    way = closure(shape=ClosureShape.WAYS, points=(), way_ids=(1,), modes=(CAR,))
    with pytest.raises(ClosureError, match="car may not use anyway"):
        Traffic(paths, ZONE).close(way, NOW)


def test_what_is_not_closed_cannot_be_reopened(traffic: Traffic) -> None:
    traffic.close(closure(), NOW)
    with pytest.raises(UnknownClosureError, match="'concert'; closed are works"):
        traffic.reopen("concert")


def test_a_closure_of_the_same_id_is_replaced(traffic: Traffic, network: RoadNetwork) -> None:
    traffic.close(closure(), NOW)
    traffic.close(closure(points=(at(750, 0),)), NOW)
    assert time_ds(traffic, arc_east(network, 250, 0)) == free_ds(
        network, arc_east(network, 250, 0)
    )
    assert time_ds(traffic, arc_east(network, 750, 0)) == UNREACHABLE_S
