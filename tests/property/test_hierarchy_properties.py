"""The hierarchy agrees with Dijkstra and with RoutingKit, whatever the streets and the order."""

from __future__ import annotations

import heapq
import io
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching, maximum_flow

from geo.hierarchy import (
    Buffers,
    Metric,
    Seeds,
    Topology,
    build_topology,
    customize,
    path,
    reach,
    reach_backwards,
    table,
    times,
)
from geo.hierarchy_cuts import Graph, cover, max_flow, scratch_of
from geo.hierarchy_topology import topology_of_order
from geo.ordering import dissection_order, neighbours
from geo.types import UNREACHABLE_S

quick = settings(max_examples=150, deadline=None, derandomize=True)

Ints = NDArray[np.int32]
Pair = tuple[int, int]
FAR: Pair = (UNREACHABLE_S, UNREACHABLE_S)


class Streets(NamedTuple):
    node_count: int
    tail: Ints
    head: Ints
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    order: Ints | None  # None: as the builder finds it


class Laid(NamedTuple):
    """Streets with what it takes to drive them."""

    streets: Streets
    time_ds: Ints
    length_dm: Ints


def row(values: list[int]) -> Ints:
    return np.array(values, np.int32)


@st.composite
def streets(draw: st.DrawFn) -> Streets:
    """One-ways and two-ways, parallel streets, loops, islands, nodes that share a place."""
    count = draw(st.integers(1, 14))
    node = st.integers(0, count - 1)
    one_way = draw(st.lists(st.tuples(node, node), max_size=24))
    two_way = draw(st.lists(st.tuples(node, node), max_size=8))
    links = one_way + [link for a, b in two_way for link in ((a, b), (b, a))]
    place = st.integers(0, 3).map(float)
    order = draw(st.none() | st.permutations(range(count)).map(row))
    return Streets(
        count,
        row([a for a, _ in links]),
        row([b for _, b in links]),
        np.array(draw(st.lists(place, min_size=count, max_size=count))),
        np.array(draw(st.lists(place, min_size=count, max_size=count))),
        order,
    )


# Few values, so that ties, zeros and closures meet.
times_ds = st.sampled_from([0, 0, 1, 1, 2, 3, 5, 100, UNREACHABLE_S])
lengths_dm = st.sampled_from([0, 1, 1, 2, 7])


@st.composite
def weights(draw: st.DrawFn, like: Streets) -> Laid:
    count = len(like.tail)
    return Laid(
        like,
        row(draw(st.lists(times_ds, min_size=count, max_size=count))),
        row(draw(st.lists(lengths_dm, min_size=count, max_size=count))),
    )


laid = streets().flatmap(weights)


@st.composite
def places(draw: st.DrawFn, node_count: int, *, most: int = 5) -> Seeds:
    """Places of none to three nodes each."""
    seed = st.tuples(
        st.integers(0, node_count - 1), st.sampled_from([0, 0, 1, 4]), st.sampled_from([0, 1, 3])
    )
    chosen = draw(st.lists(st.lists(seed, max_size=3), max_size=most))
    return seeds_of(chosen)


def seeds_of(chosen: list[list[tuple[int, int, int]]]) -> Seeds:
    start = np.cumsum([0] + [len(seeds) for seeds in chosen], dtype=np.int64)
    flat = [seed for seeds in chosen for seed in seeds]
    return Seeds(start, *(row([seed[part] for seed in flat]) for part in range(3)))


def one(seeds: Seeds, i: int) -> Seeds:
    here = slice(seeds.start[i], seeds.start[i + 1])
    ends = np.array([0, here.stop - here.start], np.int64)
    return Seeds(ends, *(values[here] for values in seeds[1:]))


def topology_of(drawn: Streets) -> Topology:
    if drawn.order is None:
        return build_topology(drawn.node_count, drawn.tail, drawn.head, drawn.lon, drawn.lat)
    return topology_of_order(drawn.order, drawn.tail, drawn.head)


def metric_of(drawn: Laid) -> Metric:
    return customize(topology_of(drawn.streets), drawn.time_ds, drawn.length_dm)


def labels_from(drawn: Laid, origin: Seeds, *, backwards: bool = False) -> list[Pair]:
    """Dijkstra on pairs of whole numbers, from all of a place's seeds."""
    tail, head = drawn.streets.tail.tolist(), drawn.streets.head.tolist()
    if backwards:
        tail, head = head, tail
    links: list[list[tuple[int, int, int]]] = [[] for _ in range(drawn.streets.node_count)]
    costs = zip(drawn.time_ds.tolist(), drawn.length_dm.tolist(), strict=True)
    for a, b, (time_ds, length_dm) in zip(tail, head, costs, strict=True):
        if time_ds < UNREACHABLE_S:
            links[a].append((b, time_ds, length_dm))
    label = [FAR] * drawn.streets.node_count
    queue = [
        (time_ds, length_dm, node)
        for node, time_ds, length_dm in zip(*(part.tolist() for part in origin[1:]), strict=True)
    ]
    heapq.heapify(queue)
    while queue:
        time_ds, length_dm, node = heapq.heappop(queue)
        if (time_ds, length_dm) < label[node]:
            label[node] = (time_ds, length_dm)
            for other, more_ds, more_dm in links[node]:
                heapq.heappush(queue, (time_ds + more_ds, length_dm + more_dm, other))
    return label


def expected_table(drawn: Laid, origins: Seeds, destinations: Seeds) -> list[list[Pair]]:
    answer = []
    for i in range(len(origins.start) - 1):
        label = labels_from(drawn, one(origins, i))
        line = []
        for j in range(len(destinations.start) - 1):
            place = one(destinations, j)
            ways = [
                (label[node][0] + time_ds, label[node][1] + length_dm)
                for node, time_ds, length_dm in zip(*place[1:], strict=True)
                if label[node] != FAR
            ]
            line.append(min(ways, default=FAR))
        answer.append(line)
    return answer


def asked(metric: Metric, origins: Seeds, destinations: Seeds) -> list[list[Pair]]:
    time_ds, length_dm = table(metric, origins, destinations)
    assert np.array_equal(times(metric, origins, destinations), time_ds)
    return [
        list(zip(*lines, strict=True))
        for lines in zip(time_ds.tolist(), length_dm.tolist(), strict=True)
    ]


@quick
@given(st.data(), laid)
def test_tables_equal_dijkstra_before_and_after_updates(data: st.DataObject, drawn: Laid) -> None:
    count = drawn.streets.node_count
    origins, destinations = data.draw(places(count)), data.draw(places(count))
    topology = topology_of(drawn.streets)
    metric = customize(topology, drawn.time_ds, drawn.length_dm)
    assert asked(metric, origins, destinations) == expected_table(drawn, origins, destinations)
    room = Buffers(topology)
    for _ in range(2):
        updated = data.draw(weights(drawn.streets))
        metric = customize(topology, updated.time_ds, updated.length_dm, room)
        expected = expected_table(updated, origins, destinations)
        assert asked(metric, origins, destinations) == expected


@quick
@given(st.data(), laid)
def test_a_way_is_driven_link_by_link_and_costs_its_entry(data: st.DataObject, drawn: Laid) -> None:
    count = drawn.streets.node_count
    origins, destinations = data.draw(places(count, most=3)), data.draw(places(count, most=3))
    metric = metric_of(drawn)
    expected = expected_table(drawn, origins, destinations)
    for i, line in enumerate(expected):
        for j, entry in enumerate(line):
            origin, destination = one(origins, i), one(destinations, j)
            way = path(metric, origin, destination)
            if way is None:
                assert entry == FAR
                continue
            a, b = way.origin_seed, way.destination_seed
            nodes = [origin.node[a], *drawn.streets.head[way.links]]
            assert nodes[:-1] == drawn.streets.tail[way.links].tolist()
            assert nodes[-1] == destination.node[b]
            assert (drawn.time_ds[way.links] < UNREACHABLE_S).all()
            for total, link, column in (
                (way.time_ds, drawn.time_ds, 2),
                (way.length_dm, drawn.length_dm, 3),
            ):
                assert total == link[way.links].sum() + origin[column][a] + destination[column][b]
            assert (way.time_ds, way.length_dm) == entry


@quick
@given(st.data(), laid, st.integers(-1, 12))
def test_what_is_reached_equals_dijkstra(data: st.DataObject, drawn: Laid, limit_ds: int) -> None:
    place = one(data.draw(places(drawn.streets.node_count).filter(lambda s: len(s.start) > 1)), 0)
    metric = metric_of(drawn)
    for ask, backwards in ((reach, False), (reach_backwards, True)):
        time_ds, length_dm = ask(metric, place, limit_ds)
        label = labels_from(drawn, place, backwards=backwards)
        near = [pair if pair[0] <= limit_ds else FAR for pair in label]
        assert list(zip(time_ds.tolist(), length_dm.tolist(), strict=True)) == near


@quick
@given(laid)
def test_times_of_nodes_keep_the_triangle_inequality(drawn: Laid) -> None:
    nodes = Seeds.of_nodes(np.arange(drawn.streets.node_count))
    time_ds = times(metric_of(drawn), nodes, nodes).astype(np.int64)
    assert (np.diag(time_ds) == 0).all()
    assert (time_ds[:, None, :] <= time_ds[:, :, None] + time_ds[None, :, :]).all()


@quick
@given(st.data(), laid)
def test_closing_a_link_never_shortens(data: st.DataObject, drawn: Laid) -> None:
    nodes = Seeds.of_nodes(np.arange(drawn.streets.node_count))
    topology = topology_of(drawn.streets)
    before = times(customize(topology, drawn.time_ds, drawn.length_dm), nodes, nodes)
    count = len(drawn.time_ds)
    closed = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    after_ds = np.where(np.array(closed, bool), np.int32(UNREACHABLE_S), drawn.time_ds)
    assert (times(customize(topology, after_ds, drawn.length_dm), nodes, nodes) >= before).all()


@quick
@given(laid)
def test_a_topology_comes_back_from_disk_as_it_was(drawn: Laid) -> None:
    topology = topology_of(drawn.streets)
    again = topology_of(drawn.streets)
    stored = {}
    for name, array in topology.arrays().items():
        assert array.tobytes() == again.arrays()[name].tobytes()
        file = io.BytesIO()
        np.save(file, array)
        file.seek(0)
        stored[name] = np.load(file)
    read = Topology.of_arrays(stored)
    nodes = Seeds.of_nodes(np.arange(drawn.streets.node_count))
    tables = [
        table(customize(each, drawn.time_ds, drawn.length_dm), nodes, nodes)
        for each in (topology, read)
    ]
    assert np.array_equal(tables[0], tables[1])


@quick
@given(streets(), st.integers(1, 4))
def test_splitting_to_the_last_nodes_orders_each_once(drawn: Streets, cell_nodes: int) -> None:
    start, neighbour = neighbours(drawn.node_count, drawn.tail, drawn.head)
    order = dissection_order(start, neighbour, drawn.lon, drawn.lat, cell_nodes=cell_nodes)
    assert sorted(order.tolist()) == list(range(drawn.node_count))


def graph_of(drawn: Streets, label: Ints) -> Graph:
    start, neighbour = neighbours(drawn.node_count, drawn.tail, drawn.head)
    ends = [
        (node, int(other))
        for node in range(drawn.node_count)
        for other in neighbour[start[node] : start[node + 1]]
    ]
    reverse = [ends.index((b, a)) for a, b in ends]
    return Graph(start, neighbour, row(reverse), label)


def edges_within(graph: Graph, cell: int) -> list[tuple[int, int]]:
    return [
        (node, int(other))
        for node in range(len(graph.label))
        for other in graph.neighbour[graph.start[node] : graph.start[node + 1]]
        if graph.label[node] == graph.label[other] == cell
    ]


@quick
@given(st.data(), streets())
def test_cuts_and_covers_are_smallest(data: st.DataObject, drawn: Streets) -> None:
    count, cell = drawn.node_count, 7
    labels = st.lists(st.sampled_from([cell, cell, cell, 3]), min_size=count, max_size=count)
    graph = graph_of(drawn, row(data.draw(labels)))
    nodes = row(data.draw(st.permutations(np.flatnonzero(graph.label == cell).tolist())))
    if len(nodes) < 2:
        return
    bank = data.draw(st.integers(1, len(nodes) // 2))
    room = scratch_of(count, len(graph.neighbour))
    edges = edges_within(graph, cell)
    found = max_flow(nodes, bank, 1_000, cell, graph, room)
    # The peer's flow runs from one node before the near bank to one behind the far bank.
    source, sink = count, count + 1
    pipes = [(a, b, 1) for a, b in edges]
    pipes += [(source, int(node), 1_000) for node in nodes[:bank]]
    pipes += [(int(node), sink, 1_000) for node in nodes[-bank:]]
    tail, head, size = np.array(pipes, np.int32).T
    peer = csr_array((size, (tail, head)), (count + 2, count + 2))
    assert found == maximum_flow(peer, source, sink).flow_value
    near = np.zeros(count, np.bool_)
    near[nodes] = room.level[nodes] >= 0
    assert near[nodes[:bank]].all()
    assert not near[nodes[-bank:]].any()
    cut = [(a, b) for a, b in edges if near[a] and not near[b]]
    assert len(cut) == found
    chosen = np.zeros(count, np.bool_)
    covered = cover(nodes, cell, near, chosen, graph, room)
    assert chosen[nodes].sum() == covered
    assert all(chosen[a] or chosen[b] for a, b in cut)
    pairs = np.zeros((count, count), np.int8)
    for a, b in cut:
        pairs[a, b] = 1
    matched = maximum_bipartite_matching(csr_array(pairs), perm_type="column")
    assert covered == (matched >= 0).sum()
