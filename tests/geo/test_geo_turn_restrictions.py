"""Turn restrictions: who is bound by them, and what is left out."""

from __future__ import annotations

import pytest
from drawn_town import roads, town, turn
from driven_town import Drawn, arc, drive, streets

from geo.graph import build_graph
from geo.network import RoadNetwork
from geo.osm import Member, Restriction
from geo.osm_access import CLASSES
from geo.turns import mode_graph
from geo.types import Mode

BLOCK = {1: (0, 0), 2: (200, 0), 3: (400, 0), 4: (0, 200), 5: (200, 200), 6: (400, 200)}
STREETS: Drawn = [
    ([1, 2], {"name": "South"}),
    ([2, 3], {"name": "South"}),
    ([2, 5], {"name": "Middle"}),
    ([4, 5], {"name": "North"}),
    ([5, 6], {"name": "North"}),
    ([3, 6], {"name": "East"}),
    ([1, 4], {"name": "West"}),
]
"""Two blocks side by side:

    4 -North- 5 -North- 6
    |         |         |
    West    Middle    East
    |         |         |
    1 -South- 2 -South- 3
"""


def eastward(network: RoadNetwork) -> int:
    return arc(network, BLOCK[1], BLOCK[2])


# --- what is forbidden ---------------------------------------------------------------------------


def test_without_restrictions_a_left_turn_is_made() -> None:
    network = roads(BLOCK, STREETS)
    assert streets(network, drive(network, Mode.CAR, eastward(network), BLOCK[5])) == ["Middle"]
    graph = mode_graph(network.arrays, Mode.CAR, CLASSES)
    assert len(graph.state_node) == 6  # residential streets only: no node is split


def test_no_left_turn_forces_vehicles_round_the_block_and_nobody_else() -> None:
    network = roads(BLOCK, STREETS, restrictions=[turn("no_left_turn", 1, 2, 3)])
    start = eastward(network)
    for mode in (Mode.CAR, Mode.SCOOTER, Mode.BIKE, Mode.CARGO_BIKE):
        way = streets(network, drive(network, mode, start, BLOCK[5]))
        assert way == ["South", "East", "North"]
    assert streets(network, drive(network, Mode.WALK, start, BLOCK[5])) == ["Middle"]
    # from the other side the same street may be turned into
    westward = arc(network, BLOCK[3], BLOCK[2])
    assert streets(network, drive(network, Mode.CAR, westward, BLOCK[5])) == ["Middle"]


def test_only_straight_on_forbids_both_turns_and_turning_round() -> None:
    nodes = {**BLOCK, 7: (200, -200)}
    drawn = [*STREETS, ([2, 7], {"name": "Down"}), ([7, 1], {"name": "Bow"})]
    network = roads(nodes, drawn, restrictions=[turn("only_straight_on", 1, 2, 2)])
    graph = mode_graph(network.arrays, Mode.CAR, CLASSES)
    state = graph.arc_state[eastward(network)]
    ahead = graph.link_arc[graph.link_tail == state]
    assert list(ahead) == [arc(network, BLOCK[2], BLOCK[3])]


def test_no_u_turn_sends_a_car_round_the_block() -> None:
    free = roads(BLOCK, STREETS, restrictions=[turn("no_left_turn", 1, 2, 3)])
    bound = roads(BLOCK, STREETS, restrictions=[turn("no_u_turn", 1, 2, 1)])
    turned = drive(free, Mode.BIKE, eastward(free), BLOCK[1])
    # 200 m at 15 km/h and 20 s for turning round
    assert turned == (480 + 200, (eastward(free) ^ 1,))
    around = drive(bound, Mode.BIKE, eastward(bound), BLOCK[1])
    assert streets(bound, around) == ["Middle", "North", "West"]


def test_bicycles_are_free_of_what_excepts_them() -> None:
    bound = turn("no_left_turn", 1, 2, 3, **{"except": "psv; bicycle"})
    network = roads(BLOCK, STREETS, restrictions=[bound])
    start = eastward(network)
    assert streets(network, drive(network, Mode.BIKE, start, BLOCK[5])) == ["Middle"]
    assert streets(network, drive(network, Mode.CARGO_BIKE, start, BLOCK[5])) == ["Middle"]
    assert len(drive(network, Mode.CAR, start, BLOCK[5]).arcs) == 3


@pytest.mark.parametrize(
    ("key", "bound"),
    [
        ("restriction:foot", {Mode.WALK}),
        ("restriction:bicycle", {Mode.BIKE, Mode.CARGO_BIKE}),
        ("restriction:motorcar", {Mode.CAR}),
        ("restriction:moped", {Mode.SCOOTER}),
        ("restriction:motor_vehicle", {Mode.CAR, Mode.SCOOTER}),
        ("restriction:hgv", set()),
        ("restriction", set(Mode) - {Mode.WALK}),
    ],
)
def test_a_restriction_for_some_vehicles_binds_them_only(key: str, bound: set[Mode]) -> None:
    network = roads(BLOCK, STREETS, restrictions=[turn("no_left_turn", 1, 2, 3, key=key)])
    start = eastward(network)
    ways = {mode: drive(network, mode, start, BLOCK[5]).arcs for mode in Mode}
    assert {mode for mode, arcs in ways.items() if len(arcs) > 1} == bound


DUAL = {1: (0, 0), 2: (300, 0), 3: (600, 0), 4: (0, 20), 5: (300, 20), 6: (600, 20)}
DUAL |= {7: (300, -900), 8: (300, 920)}
CARRIAGEWAYS: Drawn = [
    ([1, 2], {"name": "Out", "oneway": "yes"}),
    ([2, 3], {"name": "Out", "oneway": "yes"}),
    ([6, 5], {"name": "Back", "oneway": "yes"}),
    ([5, 4], {"name": "Back", "oneway": "yes"}),
    ([2, 5], {"name": "Gap"}),
    ([7, 2], {"name": "Cross"}),
    ([5, 8], {"name": "Cross"}),
    ([3, 6], {"name": "Far"}),
    ([4, 1], {"name": "Near"}),
]
"""A dual carriageway with a cross street over the gap between 2 and 5."""


def test_a_restriction_over_a_way_forbids_the_whole_movement_only() -> None:
    over = turn("no_u_turn", 1, 5, 4, over="way")
    free, bound = roads(DUAL, CARRIAGEWAYS), roads(DUAL, CARRIAGEWAYS, restrictions=[over])
    out = arc(bound, DUAL[1], DUAL[2])
    assert streets(free, drive(free, Mode.CAR, arc(free, DUAL[1], DUAL[2]), DUAL[4])) == [
        "Gap",
        "Back",
    ]
    # the way back is now over the far end
    assert streets(bound, drive(bound, Mode.CAR, out, DUAL[4])) == ["Out", "Far", "Back", "Back"]
    # over the gap straight on, and from the cross street to the left, it stays free
    assert streets(bound, drive(bound, Mode.CAR, out, DUAL[8])) == ["Gap", "Cross"]
    cross = arc(bound, DUAL[7], DUAL[2])
    assert streets(bound, drive(bound, Mode.CAR, cross, DUAL[4])) == ["Gap", "Back"]
    assert streets(bound, drive(bound, Mode.WALK, out, DUAL[4])) == ["Gap", "Back"]


def test_only_one_way_on_over_a_way_forbids_the_others() -> None:
    over = turn("only_straight_on", 1, 5, 7, over="way")
    network = roads(DUAL, CARRIAGEWAYS, restrictions=[over])
    out = arc(network, DUAL[1], DUAL[2])
    assert streets(network, drive(network, Mode.CAR, out, DUAL[4]))[0] == "Out"
    assert streets(network, drive(network, Mode.CAR, out, DUAL[8])) == ["Gap", "Cross"]


def test_a_junction_is_found_although_the_ways_before_it_are_joined() -> None:
    nodes = {**BLOCK, 7: (60, 0), 8: (120, 0), 9: (200, 90)}
    drawn = [
        ([7, 1], {"name": "South"}),  # drawn towards the west
        ([8, 7], {"name": "South"}),
        ([2, 8], {"name": "South"}),
        ([9, 2], {"name": "Middle"}),
        ([9, 5], {"name": "Middle"}),
        *STREETS[1:2],
        *STREETS[3:],
    ]
    network = roads(nodes, drawn, restrictions=[turn("no_left_turn", 3, 2, 4)])
    assert network.edge_count == 7  # as if the ways had not been cut
    way = drive(network, Mode.CAR, eastward(network), BLOCK[5])
    assert streets(network, way) == ["South", "East", "North"]


def test_streets_stay_cut_at_a_restricted_node_in_the_middle_of_nowhere() -> None:
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, 300)}
    drawn: Drawn = [([1, 2], {}), ([2, 3], {}), ([3, 4, 1], {"name": "Round"})]
    network = roads(nodes, drawn, restrictions=[turn("no_u_turn", 1, 2, 1)])
    graph = mode_graph(network.arrays, Mode.CAR, CLASSES)
    state = graph.arc_state[arc(network, nodes[1], nodes[2])]
    assert list(graph.link_arc[graph.link_tail == state]) == [arc(network, nodes[2], nodes[3])]


def test_no_entry_may_come_from_several_streets() -> None:
    members = (
        *(Member("way", way, "from") for way in (1, 2)),
        Member("node", 2, "via"),
        Member("way", 3, "to"),
    )
    tags = {"type": "restriction", "restriction": "no_entry"}
    network = roads(BLOCK, STREETS, restrictions=[Restriction(5, tags, members)])
    for start in (BLOCK[1], BLOCK[3]):
        way = drive(network, Mode.CAR, arc(network, start, BLOCK[2]), BLOCK[5])
        assert len(way.arcs) == 3


LEFT_OUT = {
    "turn restrictions that hold at certain times only": [
        turn("no_left_turn @ (Mo-Fr 07:00-09:00)", 1, 2, 3, key="restriction:conditional"),
        turn("no_left_turn", 1, 2, 3, day_on="Monday", hour_on="07:00"),
    ],
    "turn restrictions of an unknown kind": [turn("no_parking", 1, 2, 3)],
    "turn restrictions for other vehicles": [
        turn("no_left_turn", 1, 2, 3, key="restriction:hgv"),
        turn("no_left_turn", 1, 2, 3, **{"except": "bicycle;motor_vehicle"}),
    ],
    "turn restrictions without one from, via and to each": [
        Restriction(1, {"restriction": "no_left_turn"}, (Member("way", 1, "from"),)),
        Restriction(
            1,
            {"restriction": "only_straight_on"},
            (*turn("", 1, 2, 3).members, Member("way", 2, "from")),
        ),
    ],
    "turn restrictions over several ways": [
        Restriction(
            1,
            {"restriction": "no_u_turn"},
            (*turn("", 1, 2, 5, over="way").members, Member("way", 6, "via")),
        )
    ],
    "turn restrictions of streets that are not on the map": [
        turn("no_left_turn", 99, 2, 3),
        turn("no_left_turn", 1, 99, 3),
        turn("no_u_turn", 1, 99, 4, over="way"),
        turn("no_left_turn", 1, 2, 5),  # which does not end there
        turn("no_left_turn", 1, 4, 2, over="way"),
    ],
    "turn restrictions of turns that no mode could make anyway": [
        turn("no_left_turn", 1, 2, 8),  # against a one-way
        turn("only_straight_on", 2, 3, 6),  # where there is nothing else
    ],
    "turn restrictions at junctions where the streets are not cut": [turn("no_left_turn", 9, 5, 3)],
    "turn restrictions over a way with junctions": [turn("no_u_turn", 7, 9, 6, over="way")],
}


@pytest.mark.parametrize(
    ("reason", "restriction"),
    [(reason, one) for reason, cases in LEFT_OUT.items() for one in cases],
)
def test_what_cannot_be_used_is_left_out_and_counted_by_its_reason(
    reason: str, restriction: Restriction
) -> None:
    nodes = {**BLOCK, 7: (200, -200), 8: (0, 400), 9: (600, 200)}
    drawn = [
        *STREETS[:3],
        ([4, 5, 6], {"name": "North"}),
        ([5, 8], {"name": "Up"}),
        *STREETS[5:],
        ([7, 2], {"name": "Down", "oneway": "yes"}),
        ([4, 5, 6], {"name": "Second level", "layer": "1"}),
        ([3, 7], {"name": "Slope"}),
    ]
    # ways: 1, 2 South; 3 Middle; 4 North; 5 Up; 6 East; 7 West; 8 Down; 9 Second level; 10 Slope
    if reason.endswith("anyway") and restriction.members[0].osm_id == 2:
        drawn[9] = ([2, 7], {"name": "Slope"})
        restriction = turn("only_straight_on", 2, 3, 6, **{"except": "bicycle"})
        drawn[1] = ([2, 3], {"name": "South", "motor_vehicle": "no"})
    graph = build_graph(town(nodes, drawn, restrictions=[restriction]))
    assert (graph.restrictions, dict(graph.left_out)) == (0, {reason: 1})
    assert not len(graph.arrays.turn_from)


def test_roads_that_turns_lock_in_are_left_out() -> None:
    nodes = {**BLOCK, 7: (600, 0), 8: (800, 0)}
    drawn = [*STREETS, ([3, 7], {"name": "Yard", "oneway": "yes"}), ([7, 8], {"name": "Yard end"})]
    # back out of the yard leads one way only, and there turning is forbidden
    drawn += [([7, 6], {"name": "Exit", "oneway": "yes"})]
    ahead = [turn("no_left_turn", 10, 6, 5), turn("no_right_turn", 10, 6, 6)]
    free = build_graph(town(nodes, drawn))
    bound = build_graph(town(nodes, drawn, restrictions=[*ahead, turn("no_u_turn", 10, 6, 10)]))
    assert free.counts[Mode.CAR].left_out_edges == 0
    assert bound.counts[Mode.CAR].left_out_edges == 3
    assert bound.counts[Mode.WALK].left_out_edges == 0
    assert not len(bound.arrays.turn_from)  # nobody comes there any more
