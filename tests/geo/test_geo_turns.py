"""Turns: what they cost, and that a search over states knows it."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise

import numpy as np
import pytest
from drawn_town import network_of, roads, town, turn
from driven_town import Drawn, arc, drive, searched
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.arrays import FLAG_FREE_AGAINST, FLAG_FREE_ALONG, NODE_SIGNALS, NetworkArrays
from geo.graph import build_graph
from geo.network import RoadNetwork
from geo.osm import OsmMap
from geo.osm_access import CLASSES, MODES
from geo.turns import BUSY_CLASSES, TURN_COSTS, bearings, mode_graph
from geo.types import Mode

# --- what it costs -------------------------------------------------------------------------------

CROSS = {1: (0, 0), 2: (300, 0), 3: (600, 0), 4: (300, 300), 5: (300, -300)}


def crossroads(busy: str, **tags: str) -> RoadNetwork:
    """Return a crossing with dead ends, its streets all of one kind."""
    arms = [([1, 2], "West"), ([2, 3], "East"), ([2, 4], "North"), ([2, 5], "South")]
    return roads(
        CROSS,
        [(line, {"name": name, "highway": busy, "maxspeed": "50"}) for line, name in arms],
        node_tags={2: tags} if tags else {},
    )


def crossed_in(network: RoadNetwork, mode: Mode, *, drive_left: bool = False) -> list[int]:
    """Return the cost in tenths of going straight on, left, right and back from the west."""
    graph = mode_graph(network.arrays, mode, CLASSES, drive_left=drive_left)
    start = arc(network, CROSS[1], CROSS[2])
    cost = {
        int(graph.link_arc[link]): int(graph.link_turn_ds[link])
        for link in np.flatnonzero(graph.link_tail == graph.arc_state[start])
    }
    return [cost[arc(network, CROSS[2], CROSS[end])] for end in (3, 4, 5, 1)]


def test_a_turn_across_a_busy_street_costs_more_than_one_to_the_near_side() -> None:
    tertiary = crossroads("tertiary")
    # OSRM's profiles at a right angle: 5.4 s and 2.1 s by car, 8.4 s and 4.3 s by bicycle
    for mode in (Mode.CAR, Mode.SCOOTER):
        assert crossed_in(tertiary, mode) == [0, 54, 21, 600]
    for mode in (Mode.BIKE, Mode.CARGO_BIKE):
        assert crossed_in(tertiary, mode) == [0, 84, 43, 200]
    assert crossed_in(tertiary, Mode.WALK) == [0, 0, 0, 0]
    assert crossed_in(crossroads("residential"), Mode.CAR) == [0, 0, 0, 0]


def test_turning_round_costs_a_car_more_where_it_could_go_on_than_at_a_dead_end() -> None:
    # 10 m behind the junction, so near that turning round there would save the turn across
    ends = {**CROSS, 3: (310, 0)}
    arms: Drawn = [([1, 2], {}), ([2, 3], {}), ([2, 4], {}), ([2, 5], {})]
    network = roads(ends, [(line, {**tags, "highway": "tertiary"}) for line, tags in arms])
    for mode, at_end in ((Mode.CAR, 200), (Mode.BIKE, 200)):
        graph = mode_graph(network.arrays, mode, CLASSES)
        state = graph.arc_state[arc(network, ends[2], ends[3])]
        assert graph.link_turn_ds[graph.link_tail == state].tolist() == [at_end]
    assert crossed_in(crossroads("tertiary"), Mode.CAR)[3] == 600
    assert crossed_in(crossroads("tertiary"), Mode.BIKE)[3] == 200


def test_driving_on_the_left_mirrors_the_costs() -> None:
    tertiary = crossroads("tertiary")
    assert crossed_in(tertiary, Mode.CAR, drive_left=True) == [0, 21, 54, 600]
    assert crossed_in(tertiary, Mode.BIKE, drive_left=True) == [0, 43, 84, 200]


def test_a_bend_is_no_junction_and_a_slight_turn_costs_little() -> None:
    nodes = {1: (0, 0), 2: (300, 0), 3: (600, 80), 4: (300, -300)}
    arms: Drawn = [([1, 2], {}), ([2, 3], {"name": "On"}), ([2, 4], {})]
    busy: Drawn = [(line, {**tags, "highway": "secondary"}) for line, tags in arms]
    network = roads(nodes, busy)
    bend = roads(nodes, busy[:2])
    for drawn, expected in ((network, 1), (bend, 0)):
        graph = mode_graph(drawn.arrays, Mode.CAR, CLASSES)
        on = arc(drawn, nodes[2], nodes[3])
        before = graph.arc_state[arc(drawn, nodes[1], nodes[2])]
        link = np.flatnonzero((graph.link_arc == on) & (graph.link_tail == before))
        # atan(80 / 300) = 15 degrees to the left: 5.4 s x (15 / 90)^2 = 0.15 s
        assert graph.link_turn_ds[link] == [expected]


def test_the_angle_is_that_of_the_street_and_not_of_the_kerb() -> None:
    nodes = {1: (0, 0), 2: (300, 0), 3: (301, 1), 4: (600, 1), 5: (300, -300)}
    network = roads(nodes, [([1, 2], {}), ([2, 3, 4], {"name": "On"}), ([2, 5], {})])
    on = bearings(network.arrays)[arc(network, nodes[2], nodes[4])]
    assert 80 < on < 90


def test_signals_are_waited_for_once_whichever_way_one_goes_on() -> None:
    dark, lit = crossroads("tertiary"), crossroads("tertiary", highway="traffic_signals")
    for mode in Mode:
        expected = [cost + 20 for cost in crossed_in(dark, mode)]
        assert crossed_in(lit, mode) == expected
    start = arc(lit, CROSS[1], CROSS[2])
    without, waited = (drive(n, Mode.CAR, start, CROSS[3]).time_ds for n in (dark, lit))
    assert waited == without + 20
    # who arrives at the signals and stays does not wait
    outside = arc(lit, CROSS[2], CROSS[1])
    assert drive(lit, Mode.CAR, outside, CROSS[2]) == drive(dark, Mode.CAR, outside, CROSS[2])


MID = {1: (0, 0), 2: (200, 0), 3: (400, 0), 4: (400, 300), 5: (0, 300)}
RING: Drawn = [([1, 2, 3], {"name": "Street"}), ([3, 4, 5, 1], {"name": "Round"})]


def wait_ds(network: RoadNetwork, mode: Mode, *places: tuple[float, float]) -> int:
    """Return the waiting for signals along a way from place to place."""
    graph = mode_graph(network.arrays, mode, CLASSES)
    driven = [arc(network, a, b) for a, b in pairwise(places)]
    total = 0
    for before, after in pairwise(driven):
        links = slice(*graph.entry_start[after : after + 2])
        found = graph.link_tail[links] == graph.arc_state[before]
        total += int(graph.link_turn_ds[links][found].item())
    return total


@pytest.mark.parametrize(
    ("tags", "forward_ds", "backward_ds"),
    [
        ({"highway": "traffic_signals"}, 20, 20),
        ({"highway": "traffic_signals", "traffic_signals:direction": "both"}, 20, 20),
        ({"highway": "traffic_signals", "traffic_signals:direction": "forward"}, 20, 0),
        ({"highway": "traffic_signals", "traffic_signals:direction": "backward"}, 0, 20),
        ({"highway": "crossing", "crossing": "traffic_signals"}, 20, 20),
        ({"highway": "crossing", "crossing:signals": "yes"}, 20, 20),
    ],
)
@pytest.mark.parametrize("drawn_back", [False, True])
def test_signals_in_the_middle_of_a_street_are_waited_for(
    tags: dict[str, str], forward_ds: int, backward_ds: int, drawn_back: bool
) -> None:
    drawn = [([3, 2, 1] if drawn_back else [1, 2, 3], {"name": "Street"}), *RING[1:]]
    network = roads(MID, drawn, node_tags={2: tags})
    assert network.edge_count == 3
    waits = [
        wait_ds(network, Mode.CAR, *(MID[one] for one in way)) for way in ((1, 2, 3), (3, 2, 1))
    ]
    assert (waits[::-1] if drawn_back else waits) == [forward_ds, backward_ds]


def test_a_crossing_without_signals_is_no_stop() -> None:
    network = roads(MID, RING, node_tags={2: {"highway": "crossing", "crossing": "uncontrolled"}})
    assert network.edge_count == 2


def test_at_a_junction_with_signals_only_who_crosses_waits_at_the_crossing() -> None:
    nodes = {1: (0, 0), 2: (200, 0), 3: (215, 0), 4: (400, 0), 5: (200, 200), 6: (215, 50)}
    nodes |= {7: (215, -50)}
    path = {"highway": "footway"}
    drawn: Drawn = [
        ([1, 2, 3, 4], {"name": "Street"}),
        ([2, 5], {"name": "Side"}),
        ([6, 3, 7], {**path, "name": "Over"}),
        ([6, 5], path),
        ([7, 1], path),
    ]
    lights = {
        2: {"highway": "traffic_signals"},
        3: {"highway": "crossing", "crossing": "traffic_signals"},
    }
    network = roads(nodes, drawn, node_tags=lights)
    street, path_over = [nodes[one] for one in (1, 2, 3, 4)], [nodes[one] for one in (6, 3, 7)]
    assert wait_ds(network, Mode.CAR, *street) == 20
    assert wait_ds(network, Mode.WALK, *path_over) == 20


# --- against a search over pairs of arcs ---------------------------------------------------------


class Plain:
    """A search over pairs of an arc and the one before; the rules written down as they are read."""

    def __init__(self, arrays: NetworkArrays, mode: Mode) -> None:
        row = MODES.index(mode)
        count = 2 * len(arrays.edge_nodes)
        self.arrays, self.costs, self.bearing = arrays, TURN_COSTS[mode], bearings(arrays)
        self.time = [int(arrays.time_ds[row, one & 1, one >> 1]) for one in range(count)]
        self.tail = [int(arrays.edge_nodes[one >> 1, one & 1]) for one in range(count)]
        self.head = [int(arrays.edge_nodes[one >> 1, 1 - (one & 1)]) for one in range(count)]
        self.usable = [one for one in range(count) if self.time[one]]
        rows = zip(
            arrays.turn_from, arrays.turn_via, arrays.turn_to, arrays.turn_modes, strict=True
        )
        self.forbidden = {
            (int(origin), int(over), int(to))
            for origin, over, to, modes in rows
            if modes >> row & 1
            if self.time[origin] and self.time[to] and (over < 0 or self.time[over])
        }
        restricted = {self.head[one] for rule in self.forbidden for one in rule[:2] if one >= 0}
        self.busy = self.busy_junctions() if self.costs.across_s else set()
        self.charged = self.near(restricted, 600) | self.near(self.busy, self.costs.across_s * 5)

    def busy_junctions(self) -> set[int]:
        arms: dict[int, set[int]] = {}
        busy = set()
        for one in self.usable:
            for end in (self.tail[one], self.head[one]):
                arms.setdefault(end, set()).add(one >> 1)
                if CLASSES[self.arrays.edge_class[one >> 1]] in BUSY_CLASSES:
                    busy.add(end)
        return {end for end in busy if len(arms[end]) >= 3}

    def near(self, nodes: set[int], limit_ds: float) -> set[int]:
        reached = dict.fromkeys(nodes, 0)
        for _ in range(len(self.arrays.node_e7)):
            for one in self.usable:
                if self.tail[one] in reached:
                    there = reached[self.tail[one]] + self.time[one]
                    reached[self.head[one]] = min(there, reached.get(self.head[one], there))
        return {end for end, there in reached.items() if there < limit_ds or end in nodes}

    def ways_on(self, earlier: int, before: int) -> list[int]:
        return [
            one
            for one in self.usable
            if self.tail[one] == self.head[before]
            if not {(before, -1, one), (earlier, before, one)} & self.forbidden
        ]

    def turn_ds(self, before: int, one: int, ways: int) -> int:
        seconds, here = 0.0, self.tail[one]
        if one == before ^ 1 and here in self.charged:
            seconds = self.costs.turn_back_s if ways > 1 else self.costs.u_turn_s
        elif one == before ^ 1:
            pass
        elif here in self.busy:
            angle = (self.bearing[one] - self.bearing[before ^ 1]) % 360 - 180
            side_s = self.costs.near_s if angle > 0 else self.costs.across_s
            seconds = side_s * min(abs(angle) / 90, 1) ** 2
        free = FLAG_FREE_AGAINST if one & 1 else FLAG_FREE_ALONG
        lit = self.arrays.node_flags[here] & NODE_SIGNALS
        if lit and not self.arrays.edge_flags[one >> 1] & free:
            seconds += self.costs.signal_s
        return round(seconds * 10)

    def entered(self, start: int) -> dict[int, int]:
        """Return the time from the end of one arc to the end of each."""
        best, found = {(-1, start): 0}, dict[int, int]()
        queue = [(0, -1, start)]
        while queue:
            now, earlier, before = heapq.heappop(queue)
            if now > best[earlier, before]:
                continue
            ways = self.ways_on(earlier, before)
            for one in ways:
                then = now + self.turn_ds(before, one, len(ways)) + self.time[one]
                found[one] = min(then, found.get(one, then))
                if then < best.get((before, one), math.inf):
                    best[before, one] = then
                    heapq.heappush(queue, (then, before, one))
        return found


@st.composite
def towns(draw: st.DrawFn) -> OsmMap:
    """Draw a crooked grid of streets with one-ways, signals and restrictions all over it."""
    width, height = draw(st.integers(2, 4)), draw(st.integers(2, 3))
    shift = st.integers(-20, 20)
    nodes = {
        y * width + x + 1: (x * 90 + draw(shift), y * 70 + draw(shift))
        for y in range(height)
        for x in range(width)
    }
    pairs = [(a, a + 1) for a in nodes if a % width] + [
        (a, a + width) for a in nodes if a + width in nodes
    ]
    kinds = st.sampled_from(["residential", "residential", "tertiary", "cycleway", "service"])
    ways = [
        (
            [a, b],
            {
                "highway": draw(kinds),
                "name": f"{a}-{b}",
                "oneway": draw(st.sampled_from(["no", "no", "no", "yes", "-1"])),
            },
        )
        for a, b in pairs
    ]
    lit = draw(st.sets(st.sampled_from(sorted(nodes)), max_size=3))
    number = st.integers(1, len(ways))
    at_node = st.builds(
        turn,
        st.sampled_from(["no_left_turn", "no_u_turn", "only_straight_on"]),
        number,
        st.sampled_from(sorted(nodes)),
        number,
    )
    meeting = [
        turn(kind, a + 1, via, b + 1, **extra)
        for kind, extra in (
            ("no_left_turn", {}),
            ("only_straight_on", {"except": "bicycle"}),
            ("no_right_turn", {"key": "restriction:foot"}),
        )
        for via in nodes
        for a in range(len(ways))
        for b in range(len(ways))
        if via in pairs[a] and via in pairs[b]
    ]
    over = [
        turn(kind, a + 1, via + 1, b + 1, over="way")
        for kind in ("no_u_turn", "only_left_turn")
        for via in range(len(ways))
        for a in range(len(ways))
        for b in range(len(ways))
        if via not in (a, b) and pairs[via][0] in pairs[a] and pairs[via][1] in pairs[b]
    ]
    chosen = draw(st.lists(st.sampled_from(meeting), max_size=5))
    chosen += draw(st.lists(st.sampled_from(over), max_size=4))
    chosen += draw(st.lists(at_node, max_size=1))
    return town(
        nodes,
        ways,
        node_tags={one: {"highway": "traffic_signals"} for one in lit},
        restrictions=chosen,
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(osm=towns(), mode=st.sampled_from([Mode.CAR, Mode.BIKE, Mode.WALK]))
def test_a_search_over_states_equals_one_over_pairs_of_arcs(osm: OsmMap, mode: Mode) -> None:
    network = network_of(build_graph(osm))
    if mode not in network.modes:
        return
    times = network.times_ds(mode)
    graph = mode_graph(network.arrays, mode, CLASSES)
    plain = Plain(network.arrays, mode)
    usable = np.flatnonzero(times.T.reshape(-1))
    for start in usable:
        entered, _ = searched(graph, times, int(start))
        assert entered == plain.entered(int(start))
        # turns counted, every street is reached from every other
        assert set(entered) >= set(usable.tolist()) - {int(start)}


@settings(max_examples=20, deadline=None, derandomize=True)
@given(osm=towns())
def test_links_are_sorted_by_arc_and_lead_where_the_arcs_do(osm: OsmMap) -> None:
    arrays = build_graph(osm).arrays
    for mode in MODES:
        graph = mode_graph(arrays, mode, CLASSES)
        again = mode_graph(arrays, mode, CLASSES)
        assert all(np.array_equal(a, b) for a, b in zip(graph, again, strict=True))
        ends = arrays.edge_nodes.reshape(-1)
        assert np.array_equal(graph.state_node[graph.link_tail], ends[graph.link_arc])
        assert np.array_equal(graph.state_node[graph.link_head], ends[graph.link_arc ^ 1])
        expected = np.searchsorted(graph.link_arc, np.arange(len(ends) + 1))
        assert np.array_equal(graph.entry_start, expected)
        usable = arrays.time_ds[MODES.index(mode)].T.reshape(-1) > 0
        assert np.array_equal(graph.arc_state >= 0, usable)
