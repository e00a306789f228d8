"""Travel times against Dijkstra: random towns, random traffic, all modes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wild_town import Changed, Oracle, at, changes, networks, places

from geo import hierarchy
from geo.city import load_city
from geo.ends import coming, leaving
from geo.errors import NoRouteError, TooFarFromRoadError
from geo.network import RoadNetwork, flat_length_m
from geo.osm_access import MODES
from geo.travel import NetworkTravelTimes
from geo.types import UNREACHABLE_S, LonLat, Mode

CITIES = sorted(
    path.parent.name for path in (Path(__file__).parents[2] / "data").glob("*/city.json")
)
fast = settings(max_examples=100, deadline=None, derandomize=True)
modes = st.sampled_from((Mode.WALK, Mode.BIKE, Mode.CAR))


def near_roads(network: RoadNetwork, spots: list[tuple[int, int]], mode: Mode) -> list[LonLat]:
    """Return the places of the town that are near a road."""
    found = []
    for spot in spots:
        try:
            network.snap(at(*spot), mode)
        except TooFarFromRoadError:
            continue
        found.append(at(*spot))
    return found


def same_as(travel: Any, oracle: Oracle, spots: list[LonLat], mode: Mode) -> None:
    if not spots:
        return
    matrix = travel.matrix(spots, spots, mode, 0)
    duration_s, length_m = oracle.matrix(spots)
    assert matrix.duration_s.tolist() == duration_s
    assert matrix.length_m.tolist() == length_m
    assert matrix.duration_s.dtype == matrix.length_m.dtype == np.int32
    assert travel.durations(spots, spots, mode, 0).tolist() == duration_s


@fast
@given(network=networks(), spots=places, mode=modes)
def test_a_matrix_is_what_dijkstra_finds(
    network: RoadNetwork, spots: list[tuple[int, int]], mode: Mode
) -> None:
    found = near_roads(network, spots, mode)
    same_as(NetworkTravelTimes(network), Oracle(network, mode), found, mode)


@fast
@given(network=networks(), spots=places, mode=modes)
def test_a_route_costs_what_the_matrix_says(
    network: RoadNetwork, spots: list[tuple[int, int]], mode: Mode
) -> None:
    travel, found = NetworkTravelTimes(network), near_roads(network, spots, mode)
    if not found:
        return
    matrix = travel.matrix(found, found, mode, 0)
    for row, origin in enumerate(found):
        for column, destination in enumerate(found):
            duration_s = int(matrix.duration_s[row, column])
            if duration_s == UNREACHABLE_S:
                with pytest.raises(NoRouteError):
                    travel.route(origin, destination, mode, 0)
                continue
            route = travel.route(origin, destination, mode, 0)
            length_m = int(matrix.length_m[row, column])
            assert (route.duration_s, route.length_m) == (duration_s, length_m)
            assert (route.points[0], route.points[-1]) == (origin, destination)
            assert len(route.points) == len(route.offset_s) >= 2
            assert list(route.offset_s) == sorted(route.offset_s)
            assert (route.offset_s[0], route.offset_s[-1]) == (0, duration_s)
            drawn = np.array(route.points)
            drawn_m = flat_length_m(drawn[:-1], drawn[1:]).sum()
            assert drawn_m == pytest.approx(length_m, abs=1.5)
            assert sum(step.duration_s for step in route.steps) == duration_s
            assert sum(step.length_m for step in route.steps) == length_m
            assert [step.maneuver for step in (route.steps[0], route.steps[-1])] == [
                "depart",
                "arrive",
            ]
            for step in route.steps:
                assert step.location == route.points[step.point]


@fast
@given(network=networks(), spots=places, mode=modes)
def test_a_way_is_in_one_piece_and_goes_where_one_may(
    network: RoadNetwork, spots: list[tuple[int, int]], mode: Mode
) -> None:
    found = near_roads(network, spots, mode)
    laid = NetworkTravelTimes(network).pinned()._weigh(mode, 0)
    graph, arrays = network.graph(mode), network.arrays
    times = network.times_ds(mode)
    forbidden = set(
        zip(
            arrays.turn_from.tolist(),
            arrays.turn_via.tolist(),
            arrays.turn_to.tolist(),
            strict=True,
        )
    )
    for origin in found:
        for destination in found:
            start, goal = (network.snap_all([place], mode) for place in (origin, destination))
            out, into = leaving(start, laid.stretches), coming(goal, laid.stretches)
            way = hierarchy.path(laid.metric, out.seeds, into.seeds)
            if way is None:
                continue
            state = out.seeds.node[way.origin_seed]
            arcs = [int(out.arc[way.origin_seed])]
            for link in way.links.tolist():
                assert graph.link_tail[link] == state
                state = graph.link_head[link]
                arcs.append(int(graph.link_arc[link]))
            assert into.seeds.node[way.destination_seed] == state
            arcs.append(int(into.arc[way.destination_seed]))
            ends = [arrays.edge_nodes[arc >> 1][:: -1 if arc & 1 else 1].tolist() for arc in arcs]
            assert all(times[arc & 1, arc >> 1] > 0 for arc in arcs)
            assert all(a[1] == b[0] for a, b in pairwise(ends))
            assert not any((a, -1, b) in forbidden for a, b in pairwise(arcs))
            triples = zip(arcs, arcs[1:], arcs[2:], strict=False)
            assert not any(triple in forbidden for triple in triples)


@fast
@given(data=st.data(), network=networks(), spots=places, mode=modes)
def test_new_traffic_is_what_dijkstra_finds_and_the_old_stays_pinned(
    data: Any, network: RoadNetwork, spots: list[tuple[int, int]], mode: Mode
) -> None:
    found = near_roads(network, spots, mode)
    travel = NetworkTravelTimes(network)
    travel.prepare(mode, 0)
    kept = travel.pinned()
    for version in ("grid-1+1", "grid-1+2"):
        weights = changes(data.draw, network, version)
        travel.use(weights, 0)
        assert travel.version == version
        same_as(travel, Oracle(network, mode, weights), found, mode)
    assert kept.version == "grid-1"
    same_as(kept, Oracle(network, mode), found, mode)


@fast
@given(data=st.data(), network=networks(), spots=places, mode=modes)
def test_closing_a_street_shortens_nothing(
    data: Any, network: RoadNetwork, spots: list[tuple[int, int]], mode: Mode
) -> None:
    found = near_roads(network, spots, mode)
    if not found:
        return
    travel = NetworkTravelTimes(network)
    before = travel.matrix(found, found, mode, 0).duration_s
    closed = sorted(data.draw(st.sets(st.integers(0, network.edge_count - 1), max_size=4)))
    travel.use(Changed(network, "closed", np.full(network.edge_count, 100), closed), 0)
    assert (travel.matrix(found, found, mode, 0).duration_s >= before).all()
    travel.use(Changed(network, "open", np.full(network.edge_count, 100), []), 0)
    assert np.array_equal(travel.matrix(found, found, mode, 0).duration_s, before)


@fast
@given(network=networks(), mode=modes)
def test_no_way_over_a_third_place_is_shorter(network: RoadNetwork, mode: Mode) -> None:
    laid = NetworkTravelTimes(network).pinned()._weigh(mode, 0)
    every = hierarchy.Seeds.of_nodes(np.arange(laid.metric.topology.node_count))
    way = hierarchy.times(laid.metric, every, every).astype(np.int64)
    assert (way[:, None, :] <= way[:, :, None] + way[None, :, :]).all()


@fast
@given(network=networks(), spots=places, mode=modes, seconds=st.integers(0, 200))
def test_what_is_in_reach_takes_no_longer_than_asked(
    network: RoadNetwork, spots: list[tuple[int, int]], mode: Mode, seconds: int
) -> None:
    """Every place on a street is in a reached stretch if and only if it can be reached in time."""
    found = near_roads(network, spots, mode)
    if not found:
        return
    travel, origin = NetworkTravelTimes(network), found[0]
    reached = travel.reachable(origin, seconds, mode, 0)
    stretches = sorted(zip(reached.edge.tolist(), reached.begin, reached.end, strict=True))
    for (edge, _, end), (next_edge, begin, _) in pairwise(stretches):
        assert edge != next_edge or end < begin
    for edge in range(network.edge_count):
        (x, y), (to_x, to_y) = network.line(edge)
        for part in (0.21, 0.5, 0.83):
            spot = LonLat(x + part * (to_x - x), y + part * (to_y - y))
            if spot == origin or network.snap(spot, mode).edge != edge:
                continue
            away_s = int(travel.matrix([origin], [spot], mode, 0).duration_s[0, 0])
            margin = 0.02  # the stretches are not rounded, the matrix is
            inside = [b - margin <= part <= e + margin for i, b, e in stretches if i == edge]
            if away_s <= seconds - 2:
                assert any(inside)
            well = [b + margin <= part <= e - margin for i, b, e in stretches if i == edge]
            if any(well):
                assert away_s <= seconds + 1
    area = reached.polygon()
    assert area.is_valid
    assert area.equals(travel.reachable(origin, seconds, mode, 0).polygon())


def test_who_asks_during_a_change_gets_one_version_or_the_other() -> None:
    network = load_city("helsinki").network
    rng = np.random.default_rng(20251120)
    nodes = network.arrays.node_e7[network.graph(Mode.BIKE).state_node] / 1e7
    spots = [LonLat(*place) for place in nodes[rng.integers(0, len(nodes), 12)].tolist()]
    versions = []
    for number in range(6):
        percent = rng.integers(50, 300, network.edge_count)
        closed = np.flatnonzero(rng.random(network.edge_count) < 0.01).tolist()
        versions.append(Changed(network, f"v{number}", percent, closed))
    expected = {}
    for weights in versions:
        matrix = NetworkTravelTimes(network, weights).matrix(spots, spots, Mode.BIKE, 0)
        expected[weights.version] = matrix
    travel = NetworkTravelTimes(network, versions[0])
    done = threading.Event()

    def ask() -> int:
        asked = 0
        while not done.is_set() or not asked:
            view = travel.pinned()
            known = expected[view.version]
            assert np.array_equal(view.durations(spots, spots, Mode.BIKE, 0), known.duration_s)
            answer = travel.matrix(spots, spots, Mode.BIKE, 0)
            assert any(
                np.array_equal(answer.duration_s, one.duration_s)
                and np.array_equal(answer.length_m, one.length_m)
                for one in expected.values()
            )
            length_m = travel.route(spots[0], spots[1], Mode.BIKE, 0).length_m
            assert length_m in {int(one.length_m[0, 1]) for one in expected.values()}
            asked += 1
        return asked

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            for weights in versions[1:] * 3:
                travel.use(weights, 0)
        finally:
            done.set()
        assert all(one.result() for one in asking)
    assert travel.version == "v5"


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("mode", MODES)
def test_in_a_city_a_matrix_is_what_dijkstra_finds(city: str, mode: Mode) -> None:
    """Times and lengths of a sample of places, before and after the traffic changes."""
    network = load_city(city).network
    if mode not in network.modes:
        return
    rng = np.random.default_rng(7)
    nodes = network.arrays.node_e7[network.graph(mode).state_node] / 1e7
    drawn = nodes[rng.integers(0, len(nodes), 6)] + rng.normal(0, 0.0002, (6, 2))
    spots = [LonLat(*place) for place in drawn.tolist()]
    percent = rng.integers(50, 300, network.edge_count)
    closed = np.flatnonzero(rng.random(network.edge_count) < 0.005).tolist()
    weights = Changed(network, "changed", percent, closed)
    travel = NetworkTravelTimes(network)
    same_as(travel, Oracle(network, mode), spots, mode)
    travel.use(weights, 0)
    same_as(travel, Oracle(network, mode, weights), spots, mode)
