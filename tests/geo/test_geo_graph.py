"""From ways to the arrays of a network."""

from __future__ import annotations

import numpy as np
from drawn_town import at, network_of, roads, town

from geo.graph import build_graph
from geo.network import RoadNetwork
from geo.types import Mode

CROSS = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, 100), 5: (100, -100)}
"""A crossing at node 2; streets end in the four others."""


def directions(network: RoadNetwork, mode: Mode, name: str) -> tuple[bool, bool]:
    along, against = network.times_ds(mode)
    edges = [e for e in range(network.edge_count) if network.name(e) == name]
    return any(along[e] > 0 for e in edges), any(against[e] > 0 for e in edges)


def test_bends_become_geometry_and_crossings_become_nodes() -> None:
    nodes = {**CROSS, 6: (50, 10)}
    network = roads(nodes, [([1, 6, 2, 3], {"name": "A"}), ([4, 2, 5], {"name": "B"})])

    assert network.node_count == 5
    assert network.edge_count == 4
    lines = [len(network.line(edge)) for edge in range(4)]
    assert sorted(lines) == [2, 2, 2, 3]


def test_a_street_split_in_the_middle_is_one_edge_again_when_both_parts_mean_the_same() -> None:
    network = roads({1: (0, 0), 2: (100, 0), 3: (200, 0)}, [([1, 2], {}), ([3, 2], {})])
    assert network.edge_count == 1
    assert network.arrays.edge_length_dm[0] == 2000

    named = roads({1: (0, 0), 2: (100, 0), 3: (200, 0)}, [([1, 2], {"name": "A"}), ([3, 2], {})])
    assert named.edge_count == 2


def test_joining_keeps_the_direction_of_a_one_way_drawn_in_two_senses() -> None:
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, 100)}
    network = roads(
        nodes,
        [
            ([1, 2], {"oneway": "yes", "name": "A"}),
            ([3, 2], {"oneway": "-1", "name": "A"}),
            ([3, 4, 1], {"name": "B"}),
        ],
    )
    edge = next(e for e in range(network.edge_count) if network.name(e) == "A")
    along, against = network.times_ds(Mode.CAR)[:, edge]
    first = network.arrays.node_e7[network.arrays.edge_nodes[edge, 0]]
    # from west to east it may be driven, whichever way round the edge is stored
    eastward = along if first[0] == network.arrays.node_e7[:, 0].min() else against
    westward = against if eastward is along else along
    assert eastward > 0
    assert westward == 0


def test_time_is_length_over_speed() -> None:
    network = roads({1: (0, 0), 2: (1000, 0)}, [([1, 2], {"maxspeed": "50"})])
    walk, bike, car = (network.times_ds(mode)[0, 0] for mode in (Mode.WALK, Mode.BIKE, Mode.CAR))
    # 1000 m at 5 km/h = 720 s; at 15 km/h = 240 s; at 0.8 x 50 km/h = 90 s
    assert (walk, bike, car) == (7200, 2400, 900)


def test_the_largest_part_from_which_every_node_is_reached_and_left_is_kept_and_counted() -> None:
    nodes = {**CROSS, 6: (300, 0), 7: (1000, 0), 8: (1100, 0)}
    graph = build_graph(
        town(
            nodes,
            [
                ([1, 2, 3], {"name": "Main"}),
                ([4, 2, 5], {"name": "Side"}),
                ([3, 6], {"name": "Trap", "oneway": "yes"}),
                ([7, 8], {"name": "Island"}),
            ],
        )
    )
    network = network_of(graph)

    assert directions(network, Mode.CAR, "Main") == (True, True)
    assert directions(network, Mode.CAR, "Trap") == (False, False)
    assert max(directions(network, Mode.WALK, "Trap")) is True
    assert not any(network.name(e) == "Island" for e in range(network.edge_count))
    car, walk = graph.counts[Mode.CAR], graph.counts[Mode.WALK]
    assert (car.edges, car.left_out_edges, car.nodes, car.left_out_nodes) == (4, 2, 5, 3)
    assert (walk.edges, walk.left_out_edges) == (5, 1)
    assert walk.left_out_length_m == 100


def test_every_mode_has_its_own_network() -> None:
    network = roads(
        CROSS,
        [
            ([1, 2, 3], {"name": "Road"}),
            ([4, 2, 5], {"name": "Stairs", "highway": "steps"}),
        ],
    )
    assert directions(network, Mode.WALK, "Stairs") == (True, True)
    assert directions(network, Mode.BIKE, "Stairs") == (False, False)
    assert directions(network, Mode.CARGO_BIKE, "Road") == (True, True)
    assert network.modes == frozenset(Mode)


def test_a_bollard_closes_the_street_to_cars_and_leaves_it_open_up_to_there() -> None:
    nodes = {1: (0, 0), 2: (100, 0), 3: (110, 0), 4: (300, 0), 5: (300, 100), 6: (0, 100)}
    network = roads(
        nodes,
        [([1, 2, 3, 4], {"name": "Lane"}), ([1, 6, 5, 4], {"name": "Around"})],
        node_tags={2: {"barrier": "bollard"}},
    )
    car = (network.times_ds(Mode.CAR) > 0).any(axis=0)
    bike = (network.times_ds(Mode.BIKE) > 0).any(axis=0)
    lengths = network.arrays.edge_length_dm
    lane = np.array([network.name(e) == "Lane" for e in range(network.edge_count)])
    assert lengths[lane & bike].sum() == 3000
    assert sorted(lengths[lane & car]) == [1000, 1900]  # the 10 m after the bollard are shut


def test_a_way_that_leaves_the_extract_is_cut_there_and_not_led_straight_on() -> None:
    nodes = {1: (0, 0), 2: (100, 0), 4: (300, 0), 5: (400, 0), 6: (0, 50), 7: (400, 50)}
    osm = town(nodes, [([1, 2, 3, 4, 5], {}), ([1, 6, 7, 5], {})])  # node 3 is not there
    graph = build_graph(osm)
    assert graph.counts[Mode.WALK].length_m == 100 + 50 + 400 + 50 + 100


def test_two_ways_between_the_same_crossings_stay_apart() -> None:
    nodes = {1: (0, 0), 2: (100, 0), 3: (50, 80)}
    network = roads(nodes, [([1, 2], {"name": "Short"}), ([1, 3, 2], {"name": "Long"})])
    assert sorted(network.name(edge) for edge in range(network.edge_count)) == ["Long", "Short"]
    graph = network.graph(Mode.WALK)
    # each may be taken both ways, from one crossing to the other
    assert list(graph.link_arc) == [0, 1, 2, 3]
    assert sorted(zip(graph.link_tail, graph.link_head, strict=True)) == [(0, 1)] * 2 + [(1, 0)] * 2


def test_a_map_without_usable_ways_gives_a_network_without_edges() -> None:
    graph = build_graph(town({1: (0, 0), 2: (10, 0)}, [([1, 2], {"highway": "proposed"})]))
    assert network_of(graph).edge_count == 0
    assert graph.counts[Mode.WALK].edges == 0


def test_the_same_map_gives_the_same_arrays_in_whatever_order_it_comes() -> None:
    ways = [([1, 2, 3], {"name": "A"}), ([4, 2, 5], {"name": "B"})]
    one = build_graph(town(CROSS, ways)).arrays
    two = build_graph(town(dict(reversed(CROSS.items())), ways)).arrays
    assert np.array_equal(one.point_e7, two.point_e7)
    assert np.array_equal(one.time_ds, two.time_ds)
    assert np.array_equal(one.edge_nodes, two.edge_nodes)


def test_a_railway_is_crossed_only_where_a_way_crosses_it() -> None:
    # the street ends on both sides of the rails; the only way over them is in the east
    nodes = {1: (0, 0), 2: (0, 90), 3: (0, 110), 4: (0, 200), 5: (600, 0), 6: (600, 200)}
    nodes |= {7: (600, 100)}
    network = roads(
        nodes,
        [
            ([1, 2], {"name": "South side"}),
            ([3, 4], {"name": "North side"}),
            ([1, 5], {}),
            ([5, 7, 6], {"name": "Level crossing"}),
            ([6, 4], {}),
        ],
        node_tags={7: {"railway": "level_crossing"}},
    )
    for mode in Mode:
        assert directions(network, mode, "Level crossing") == (True, True)
    ends = network.arrays.node_e7[:, 1]
    assert not any(
        ends[a] < at(0, 100).lat * 1e7 < ends[b]
        for edge in range(network.edge_count)
        if network.name(edge) != "Level crossing"
        for a, b in [sorted(network.arrays.edge_nodes[edge], key=lambda node: ends[node])]
    )


def test_a_ferry_is_no_road() -> None:
    nodes = {1: (0, 0), 2: (100, 0), 3: (900, 0), 4: (1000, 0)}
    network = roads(
        nodes,
        [
            ([1, 2], {"name": "Harbour"}),
            ([2, 3], {"name": "Ferry", "route": "ferry", "motor_vehicle": "yes", "foot": "yes"}),
            ([3, 4], {"name": "Island"}),
        ],
    )
    assert {network.name(edge) for edge in range(network.edge_count)} == {"Harbour"}
