"""Travel times: against another implementation, and by hand."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from drawn_town import at, roads
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import NoRouteError, TooFarFromRoadError, UnknownModeError
from geo.network import NetworkArrays, RoadNetwork, flat_length_m
from geo.osm_access import CLASSES, MODES
from geo.travel import NetworkTravelTimes
from geo.types import UNREACHABLE_S, LonLat, Mode

CELL_M = 100.0


def grid(
    edges: list[tuple[int, int, int, int]], size: int
) -> tuple[RoadNetwork, list[tuple[int, int, int, int]]]:
    """Return a network of straight edges (from, to, time along, time against) on a grid.

    Unlike one that was built, it may have islands and dead ends of one-ways.
    """
    points = np.array([at((n % size) * CELL_M, (n // size) * CELL_M) for n in range(size * size)])
    e7 = np.rint(points * 1e7).astype(np.int32)
    ends = np.array([(a, b) for a, b, _, _ in edges], dtype=np.int32).reshape(-1, 2)
    times = np.array([(along, against) for _, _, along, against in edges], dtype=np.int32)
    count = len(edges)
    lines = e7[ends].reshape(-1, 2)
    length = flat_length_m(points[ends[:, 0]], points[ends[:, 1]])
    arrays = NetworkArrays(
        node_e7=e7,
        edge_nodes=ends,
        edge_length_dm=np.rint(length * 10).astype(np.int32),
        edge_class=np.zeros(count, dtype=np.uint8),
        edge_name=np.zeros(count, dtype=np.int32),
        edge_flags=np.zeros(count, dtype=np.uint8),
        edge_way=np.arange(count, dtype=np.int64),
        point_start=np.arange(0, 2 * count + 1, 2, dtype=np.int32),
        point_e7=lines,
        time_ds=np.stack([times.T] * len(MODES)),
    )
    return RoadNetwork(arrays, MODES, CLASSES, [""], version="grid-1"), edges


@st.composite
def grids(draw: Any) -> RoadNetwork:
    size = draw(st.integers(2, 4))
    nodes = range(size * size)
    pairs = [(a, b) for a in nodes for b in nodes if a < b and abs(a - b) in (1, size)]
    pairs = [(a, b) for a, b in pairs if b - a != 1 or a // size == b // size]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True))
    times = st.integers(0, 400)
    edges = []
    for a, b in chosen:
        along, against = draw(times), draw(times)
        edges.append((a, b, along, against if along or against else 7))
    return grid(edges, size)[0]


def is_near_road(travel: NetworkTravelTimes, place: LonLat) -> bool:
    try:
        travel.check_place(place, Mode.CAR)
    except TooFarFromRoadError:
        return False
    return True


def oracle_ds(network: RoadNetwork, origin: LonLat, destination: LonLat) -> float:
    """Return the fastest time by networkx, both places being nodes of their own in the graph."""
    start, goal = network.snap(origin, Mode.CAR), network.snap(destination, Mode.CAR)
    graph = nx.MultiDiGraph()
    for edge, (a, b) in enumerate(network.arrays.edge_nodes.tolist()):
        along, against = network.times_ds(Mode.CAR)[:, edge].tolist()
        inner = [("o", start.fraction)] if start.edge == edge else []
        inner += [("d", goal.fraction)] if goal.edge == edge else []
        chain = [(0.0, a), *((f, mark) for mark, f in sorted(inner, key=lambda i: i[1])), (1.0, b)]
        for (f, u), (g, v) in pairwise(chain):
            if along:
                graph.add_edge(u, v, ds=round(g * along) - round(f * along))
            if against:
                graph.add_edge(v, u, ds=round(g * against) - round(f * against))
            if f == g and {u, v} == {"o", "d"}:
                graph.add_edge(u, v, ds=0)
                graph.add_edge(v, u, ds=0)
    try:
        way = nx.dijkstra_path_length(graph, "o", "d", weight="ds")
    except nx.NetworkXNoPath:
        return math.inf
    return float(way + start.access_ds + goal.access_ds)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    network=grids(),
    places=st.lists(
        st.tuples(st.integers(-10, 310), st.integers(-10, 310)), min_size=2, max_size=4, unique=True
    ),
)
def test_a_matrix_agrees_with_networkx_and_with_its_routes(
    network: RoadNetwork, places: list[tuple[int, int]]
) -> None:
    travel = NetworkTravelTimes(network)
    spots = [at(*place) for place in places]
    spots = [spot for spot in spots if is_near_road(travel, spot)]
    matrix = travel.matrix(spots, spots, Mode.CAR, 0)
    again = travel.matrix(spots, spots, Mode.CAR, 0)
    assert np.array_equal(matrix.duration_s, again.duration_s)
    for row, origin in enumerate(spots):
        for column, destination in enumerate(spots):
            duration_s = int(matrix.duration_s[row, column])
            if row == column:
                assert duration_s == 0
                continue
            expected_ds = oracle_ds(network, origin, destination)
            if math.isinf(expected_ds):
                assert duration_s == UNREACHABLE_S
                assert matrix.length_m[row, column] == UNREACHABLE_S
                with pytest.raises(NoRouteError):
                    travel.route(origin, destination, Mode.CAR, 0)
                continue
            assert duration_s == int(expected_ds + 5) // 10
            route = travel.route(origin, destination, Mode.CAR, 0)
            assert (route.duration_s, route.length_m) == (
                duration_s,
                int(matrix.length_m[row, column]),
            )
            assert (route.points[0], route.points[-1]) == (origin, destination)
            assert len(route.points) == len(route.offset_s) >= 2
            assert list(route.offset_s) == sorted(route.offset_s)
            assert (route.offset_s[0], route.offset_s[-1]) == (0, duration_s)
            drawn = np.array(route.points)
            drawn_m = flat_length_m(drawn[:-1], drawn[1:]).sum()
            assert drawn_m == pytest.approx(route.length_m, abs=1.5)


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


def test_a_tunnel_under_a_house_is_not_where_its_door_is() -> None:
    network = roads(
        {1: (0, 0), 2: (200, 0), 3: (0, 20), 4: (200, 20)},
        [
            ([1, 2], {"name": "Tunnel", "tunnel": "yes"}),
            ([3, 4], {"name": "Street"}),
            ([1, 3], {"name": "Ramp"}),
        ],
    )
    assert network.name(network.snap(at(100, 5), Mode.CAR).edge) == "Street"


def test_no_places_give_an_empty_matrix() -> None:
    assert square().matrix([], [at(0, 0)], Mode.CAR, 0).duration_s.shape == (0, 1)
    assert square().matrix([at(0, 0)], [], Mode.CAR, 0).length_m.shape == (1, 0)


def test_forgetting_trees_changes_no_figure() -> None:
    roomy, cramped = square(oneway="yes"), NetworkTravelTimes(square(oneway="yes")._network, 1)
    spots = [at(x, 0) for x in (20, 150, 340)]
    one = roomy.matrix(spots, spots, Mode.CAR, 0)
    two = cramped.matrix(spots, spots, Mode.CAR, 0)
    assert np.array_equal(one.duration_s, two.duration_s)
    assert np.array_equal(one.length_m, two.length_m)
    assert len(cramped._trees) == 1


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
