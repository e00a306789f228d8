"""Shortest ways on networks of some thousand nodes, beside scipy and RoutingKit."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.hierarchy import (
    _THERE_AND_BACK,
    Metric,
    Path,
    Seeds,
    Topology,
    build_topology,
    customize,
    path,
    reach,
    table,
    times,
    warm_up,
)
from geo.types import UNREACHABLE_S

Ints = NDArray[np.int32]
# Time * BIG + length is exact in float64 for the figures here: below 2**53.
BIG = 2.0**27


class Town(NamedTuple):
    """A grid of streets: one-ways, gaps, fast avenues, split junctions, an island."""

    node_count: int
    tail: Ints
    head: Ints
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    time_ds: Ints
    length_dm: Ints


def town(side: int, seed: int = 1) -> Town:
    rng = np.random.default_rng(seed)
    node = np.arange(side * side).reshape(side, side)
    a = np.concatenate((node[:, :-1].ravel(), node[:-1].ravel()))
    b = np.concatenate((node[:, 1:].ravel(), node[1:].ravel()))
    kept = rng.random(len(a)) < 0.85
    a, b = a[kept], b[kept]
    both = rng.random(len(a)) < 0.6
    tail, head = np.concatenate((a, b[both])), np.concatenate((b, a[both]))
    # Every tenth node stands twice at one place, joined by links that cost nothing.
    split = np.arange(0, side * side, 10)
    twin = side * side + np.arange(len(split))
    moved = np.isin(tail, split) & (rng.random(len(tail)) < 0.5)
    tail = np.where(moved, side * side + tail // 10, tail)
    tail, head = np.concatenate((tail, split)), np.concatenate((head, twin))
    length_dm = rng.integers(300, 1500, len(tail)).astype(np.int32)
    time_ds = (length_dm // rng.choice([3, 5, 9], len(tail))).astype(np.int32)
    time_ds[-len(split) :] = length_dm[-len(split) :] = 0
    y, x = np.divmod(np.concatenate((np.arange(side * side), split)), side)
    return Town(
        len(x), tail.astype(np.int32), head.astype(np.int32), x / 1e3, y / 1e3, time_ds, length_dm
    )


@pytest.fixture(scope="module")
def grid() -> Town:
    return town(60)  # 3,960 nodes: more than one cell of the order


@pytest.fixture(scope="module")
def topology(grid: Town) -> Topology:
    return build_topology(grid.node_count, grid.tail, grid.head, grid.lon, grid.lat)


def scipy_labels(grid: Town, time_ds: Ints, origins: NDArray[np.int64]) -> NDArray[np.float64]:
    weight = time_ds * BIG + grid.length_dm
    usable = time_ds < UNREACHABLE_S
    tail, head, weight = grid.tail[usable], grid.head[usable], weight[usable]
    best = np.lexsort((weight, head, tail))
    first = np.ones(len(best), bool)
    first[1:] = (np.diff(tail[best]) != 0) | (np.diff(head[best]) != 0)
    best = best[first]
    shape = (grid.node_count, grid.node_count)
    label = dijkstra(csr_array((weight[best], (tail[best], head[best])), shape), indices=origins)
    return np.where(np.isinf(label), UNREACHABLE_S * BIG + UNREACHABLE_S, label)


def with_traffic(grid: Town, seed: int) -> Ints:
    """Slow some links down, speed some up, close some."""
    rng = np.random.default_rng(seed)
    changed = (grid.time_ds * rng.uniform(0.5, 3, len(grid.tail))).astype(np.int32)
    changed[rng.random(len(changed)) < 0.05] = UNREACHABLE_S
    return changed


@pytest.mark.parametrize("update", [0, 1, 2])
def test_tables_equal_scipy_in_time_and_length(grid: Town, topology: Topology, update: int) -> None:
    time_ds = with_traffic(grid, update) if update else grid.time_ds
    metric = customize(topology, time_ds, grid.length_dm)
    rng = np.random.default_rng(update)
    origins, destinations = (rng.integers(0, grid.node_count, n) for n in (150, 203))
    expected = scipy_labels(grid, time_ds, origins)[:, destinations]
    got_ds, got_dm = table(metric, Seeds.of_nodes(origins), Seeds.of_nodes(destinations))
    assert np.array_equal(got_ds * BIG + got_dm, expected)
    # Asked the other way round, the other side climbs.
    few = Seeds.of_nodes(destinations[:9])
    time_few, length_few = table(metric, Seeds.of_nodes(origins), few)
    assert np.array_equal(time_few, got_ds[:, :9])
    assert np.array_equal(length_few, got_dm[:, :9])
    assert np.array_equal(times(metric, Seeds.of_nodes(origins), few), got_ds[:, :9])


@pytest.mark.parametrize("update", [0, 1])
def test_times_equal_routingkit(grid: Town, topology: Topology, update: int) -> None:
    routingkit = pytest.importorskip("routingkit_cch")
    time_ds = with_traffic(grid, update) if update else grid.time_ds
    tail, head = grid.tail.tolist(), grid.head.tolist()
    order = routingkit.compute_order_inertial(
        grid.node_count, tail, head, grid.lat.tolist(), grid.lon.tolist()
    )
    closed = 2**31 - 1
    peer_weights = np.where(time_ds < UNREACHABLE_S, time_ds, closed).tolist()
    peer = routingkit.CCHMetric(routingkit.CCH(order, tail, head, False), peer_weights)
    nodes = np.random.default_rng(5).integers(0, grid.node_count, 100)
    one_to_many = routingkit.CCHOneToMany(peer, nodes.tolist())
    expected = [
        [UNREACHABLE_S if time is None else time for time in one_to_many.distances_from(node)]
        for node in nodes.tolist()
    ]
    metric = customize(topology, time_ds, grid.length_dm)
    places = Seeds.of_nodes(nodes)
    assert times(metric, places, places).tolist() == expected


def test_ways_are_driven_link_by_link(grid: Town, topology: Topology) -> None:
    time_ds = with_traffic(grid, 3)
    metric = customize(topology, time_ds, grid.length_dm)
    nodes = np.random.default_rng(7).integers(0, grid.node_count, (200, 2))
    places = [Seeds.of_nodes([node]) for node in nodes.ravel()]
    found = 0
    for origin, destination in zip(places[::2], places[1::2], strict=True):
        way = path(metric, origin, destination)
        entry = tuple(int(part[0, 0]) for part in table(metric, origin, destination))
        if way is None:
            assert entry == (UNREACHABLE_S, UNREACHABLE_S)
            continue
        found += 1
        assert (way.time_ds, way.length_dm) == entry
        assert (time_ds[way.links].sum(), grid.length_dm[way.links].sum()) == entry
        assert np.array_equal(grid.head[way.links[:-1]], grid.tail[way.links[1:]])
    assert found > 150


def test_one_to_all_equals_scipy(grid: Town, topology: Topology) -> None:
    metric = customize(topology, grid.time_ds, grid.length_dm)
    expected = scipy_labels(grid, grid.time_ds, np.array([17]))[0]
    time_ds, length_dm = reach(metric, Seeds.of_nodes([17]), UNREACHABLE_S)
    assert np.array_equal(time_ds * BIG + length_dm, expected)


def test_more_threads_answer_the_same(grid: Town, topology: Topology) -> None:
    metric = customize(topology, grid.time_ds, grid.length_dm)
    nodes = Seeds.of_nodes(np.arange(0, grid.node_count, 11))
    alone = table(metric, nodes, nodes)
    together = table(metric, nodes, nodes, threads=3)
    assert np.array_equal(alone[0], together[0])
    assert np.array_equal(alone[1], together[1])


def test_readers_see_one_version_whole_while_weights_change(grid: Town, topology: Topology) -> None:
    versions = [with_traffic(grid, seed) for seed in range(6)]
    nodes = Seeds.of_nodes(np.arange(0, grid.node_count, 97))
    pair = (Seeds.of_nodes([5]), Seeds.of_nodes([grid.node_count - 5]))

    def answers(metric: Metric) -> tuple[bytes, Path | None]:
        way = path(metric, *pair)
        return times(metric, nodes, nodes).tobytes(), way and way._replace(links=bytes(way.links))

    expected = [answers(customize(topology, each, grid.length_dm)) for each in versions]
    current = [customize(topology, versions[0], grid.length_dm)]
    stop = threading.Event()
    seen: list[tuple[bytes, Path | None]] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(answers(current[0]))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in versions * 5:
        current[0] = customize(topology, version, grid.length_dm)
    stop.set()
    for reader in readers:
        reader.join()
    assert seen
    assert all(answer in expected for answer in seen)


def test_equal_places_of_all_nodes_do_not_harm() -> None:
    grid = town(12)
    nowhere = np.zeros(grid.node_count)
    topology = build_topology(grid.node_count, grid.tail, grid.head, nowhere, nowhere)
    metric = customize(topology, grid.time_ds, grid.length_dm)
    nodes = np.arange(grid.node_count)
    time_ds, length_dm = table(metric, Seeds.of_nodes(nodes), Seeds.of_nodes(nodes))
    assert np.array_equal(time_ds * BIG + length_dm, scipy_labels(grid, grid.time_ds, nodes))


def test_one_way_streets_make_no_arcs_against_them() -> None:
    # 0 -> 1 -> 2 -> 3, never back: three arcs, or more if a middle node is contracted early, but
    # none of them is there in both directions.
    topology = build_topology(4, [0, 1, 2], [1, 2, 3], [0.0, 1.0, 2.0, 3.0], [0.0] * 4)
    ups, downs = np.diff(topology.up_start), np.diff(topology.down_start)
    assert ups.sum() + downs.sum() <= 5
    metric = customize(topology, np.array([1, 2, 4], np.int32), np.zeros(3, np.int32))
    nodes = Seeds.of_nodes(range(4))
    far = UNREACHABLE_S
    assert times(metric, nodes, nodes).tolist() == [
        [0, 1, 3, 7],
        [far, 0, 2, 6],
        [far, far, 0, 4],
        [far, far, far, 0],
    ]


def test_of_equally_fast_ways_the_shortest_counts() -> None:
    # 0 -> 1 twice, both taking 5: one is 9 long, the other 3.  0 -> 2 -> 1 takes 2 + 3 as well
    # and is 1 + 1 long.
    topology = build_topology(3, [0, 0, 0, 2], [1, 1, 2, 1], [0.0, 1.0, 2.0], [0.0] * 3)
    metric = customize(topology, np.array([5, 5, 2, 3], np.int32), np.array([9, 3, 1, 1], np.int32))
    way = path(metric, Seeds.of_nodes([0]), Seeds.of_nodes([1]))
    assert way is not None
    assert (way.time_ds, way.length_dm, way.links.tolist()) == (5, 2, [2, 3])


def test_a_place_without_nodes_is_nowhere() -> None:
    topology = build_topology(2, [0], [1], [0.0, 1.0], [0.0, 0.0])
    metric = customize(topology, np.ones(1, np.int32), np.ones(1, np.int32))
    nowhere = Seeds(np.zeros(2, np.int64), *(np.zeros(0, np.int32) for _ in range(3)))
    assert times(metric, nowhere, Seeds.of_nodes([0, 1])).tolist() == [[UNREACHABLE_S] * 2]
    assert times(metric, Seeds.of_nodes([0, 1]), nowhere).tolist() == [[UNREACHABLE_S]] * 2
    assert path(metric, nowhere, Seeds.of_nodes([1])) is None
    assert reach(metric, nowhere, 9)[0].tolist() == [UNREACHABLE_S] * 2


def test_no_places_make_an_empty_table() -> None:
    topology = build_topology(2, [0], [1], [0.0, 1.0], [0.0, 0.0])
    metric = customize(topology, np.ones(1, np.int32), np.ones(1, np.int32))
    time_ds, length_dm = table(metric, Seeds.of_nodes([]), Seeds.of_nodes([1]))
    assert time_ds.shape == length_dm.shape == (0, 1)


def test_a_network_without_nodes_or_links_is_one() -> None:
    empty = build_topology(0, [], [], [], [])
    customize(empty, np.zeros(0, np.int32), np.zeros(0, np.int32))
    alone = build_topology(2, [], [], [0.0, 1.0], [0.0, 0.0])
    metric = customize(alone, np.zeros(0, np.int32), np.zeros(0, np.int32))
    nodes = Seeds.of_nodes([0, 1])
    assert times(metric, nodes, nodes).tolist() == [[0, UNREACHABLE_S], [UNREACHABLE_S, 0]]


def test_progress_rises_to_one(grid: Town) -> None:
    told: list[float] = []
    build_topology(grid.node_count, grid.tail, grid.head, grid.lon, grid.lat, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_town_for_warming_up_is_as_it_would_be_built() -> None:
    built = build_topology(2, [0, 1], [1, 0], [0.0, 1.0], [0.0, 0.0])
    typed = {name: array.tolist() for name, array in built.arrays().items()}
    assert typed == _THERE_AND_BACK


def test_kernels_come_from_disk_in_another_process() -> None:
    counted = (
        "import numba.core.event as event\n"
        "with event.install_recorder('numba:compile') as compiled:\n"
        "    from geo.hierarchy import warm_up\n"
        "    warm_up()\n"
        "print(len(compiled.buffer))\n"
    )
    warm_up()
    answer = subprocess.run(
        [sys.executable, "-c", counted], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "0"


BROKEN_SEEDS = {
    "node 2 is outside": Seeds.of_nodes([0, 2]),
    "node -1 is outside": Seeds.of_nodes([-1]),
    "start must rise": Seeds(np.array([0, 2]), *(np.zeros(1, np.int32) for _ in range(3))),
    "start is int32": Seeds(*(np.zeros(1, np.int32) for _ in range(4))),  # type: ignore[arg-type]
    "node is int64": Seeds(np.arange(2), np.arange(1), *(np.zeros(1, np.int32) for _ in range(2))),  # type: ignore[arg-type]
    r"time_ds is int32 \(2,\)": Seeds(np.arange(2), *(np.zeros(k, np.int32) for k in (1, 2, 1))),
    "they must be": Seeds(np.arange(2), *(np.full(1, k, np.int32) for k in (0, -3, 0))),
}


@pytest.mark.parametrize("message", BROKEN_SEEDS)
def test_malformed_places_are_refused(message: str) -> None:
    topology = build_topology(2, [0], [1], [0.0, 1.0], [0.0, 0.0])
    metric = customize(topology, np.ones(1, np.int32), np.ones(1, np.int32))
    broken, sound = BROKEN_SEEDS[message], Seeds.of_nodes([0])
    with pytest.raises(ValueError, match=message):
        table(metric, broken, sound)
    with pytest.raises(ValueError, match=message):
        times(metric, sound, broken)


def test_one_place_means_one() -> None:
    topology = build_topology(2, [0], [1], [0.0, 1.0], [0.0, 0.0])
    metric = customize(topology, np.ones(1, np.int32), np.ones(1, np.int32))
    with pytest.raises(ValueError, match="holds 2 places"):
        path(metric, Seeds.of_nodes([0, 1]), Seeds.of_nodes([0]))
    with pytest.raises(ValueError, match="holds 0 places"):
        reach(metric, Seeds.of_nodes([]), 1)


@pytest.mark.parametrize(
    ("time_ds", "length_dm", "message"),
    [
        ([1, -1], [1, 1], "link 1 has time_ds -1"),
        ([1, 1], [-7, 1], "link 0 has time_ds 1 and length_dm -7"),
        ([1], [1, 1], "time_ds is int32 \\(1,\\)"),
        ([1, 1], [1, 1, 1], "length_dm is int32 \\(3,\\)"),
        ([1, 1], [2**31 - 1] * 2, "add up"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    time_ds: list[int], length_dm: list[int], message: str
) -> None:
    topology = build_topology(2, [0, 1], [1, 0], [0.0, 1.0], [0.0, 0.0])
    with pytest.raises(ValueError, match=message):
        customize(topology, np.array(time_ds, np.int32), np.array(length_dm, np.int32))


@pytest.mark.parametrize(
    ("tail", "head", "lon", "message"),
    [
        ([0, 2], [1, 1], [0.0, 1.0], "link_tail runs from 0 to 2"),
        ([0, 0], [1, -1], [0.0, 1.0], "link_head runs from -1 to 1"),
        ([0], [1, 1], [0.0, 1.0], "1 link tails but 2 heads"),
        ([0.5], [1], [0.0, 1.0], "link_tail must be one row of integers"),
        ([0], [1], [0.0], "one value per node"),
        ([0], [1], [0.0, float("nan")], "finite"),
    ],
)
def test_networks_that_do_not_fit_are_refused(
    tail: list[int], head: list[int], lon: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build_topology(2, tail, head, lon, [0.0, 0.0])


def test_arrays_that_do_not_belong_together_are_refused(topology: Topology) -> None:
    arrays = topology.arrays()
    for name, array in arrays.items():
        with pytest.raises(ValueError, match="build it again"):
            Topology.of_arrays({**arrays, name: array[:-1]})
        with pytest.raises(ValueError, match=f"{name} is missing"):
            Topology.of_arrays({key: value for key, value in arrays.items() if key != name})
    with pytest.raises(ValueError, match="int64"):
        Topology.of_arrays({**arrays, "rank": arrays["rank"].astype(np.int64)})
