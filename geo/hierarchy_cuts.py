"""Smallest cuts of a cell of nodes, and the fewest nodes that cover one.

A cell is the nodes of one label.  Edges are undirected and stand in both their nodes' lists;
`reverse` gives an edge's place in the other list.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel

Ints: TypeAlias = NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]

BETWEEN, NEAR_BANK, FAR_BANK = range(3)


class Graph(NamedTuple):
    """Who neighbours whom, and to which cell each node belongs."""

    start: Ints  # (N + 1,)
    neighbour: Ints  # (E,)
    reverse: Ints  # (E,)
    label: Ints  # (N,)


class Scratch(NamedTuple):
    """Room for what searches note at nodes and edges."""

    flow: NDArray[np.int8]  # (E,)
    side: NDArray[np.int8]  # (N,)
    level: Ints  # (N,)
    next_edge: Ints  # (N,)
    queue: Ints  # (N + 1,)
    trail: Ints  # (N + 1,)
    partner: Ints  # (N,)


@kernel
def scratch_of(node_count: int, edge_count: int) -> Scratch:
    """Give room for the searches."""
    return Scratch(
        np.empty(edge_count, np.int8),
        np.empty(node_count, np.int8),
        np.empty(node_count, np.int32),
        np.empty(node_count, np.int32),
        np.empty(node_count + 1, np.int32),
        np.empty(node_count + 1, np.int32),
        np.empty(node_count, np.int32),
    )


@kernel
def _prepare(nodes: Ints, bank: int, graph: Graph, room: Scratch) -> None:
    """Mark the banks and let nothing flow."""
    count = len(nodes)
    for i in range(count):
        node = nodes[i]
        room.side[node] = BETWEEN
        if i < bank:
            room.side[node] = NEAR_BANK
        elif i >= count - bank:
            room.side[node] = FAR_BANK
        for e in range(graph.start[node], graph.start[node + 1]):
            room.flow[e] = 0


@kernel
def _is_far_bank_found(nodes: Ints, bank: int, cell: int, graph: Graph, room: Scratch) -> bool:
    """Count residual steps from the near bank until the far bank is found."""
    for node in nodes:
        room.level[node] = -1
        room.next_edge[node] = graph.start[node]
    begin = 0
    end = bank
    for i in range(bank):
        room.queue[i] = nodes[i]
        room.level[nodes[i]] = 0
    found = False
    while begin < end and not found:
        node = room.queue[begin]
        begin += 1
        for e in range(graph.start[node], graph.start[node + 1]):
            other = graph.neighbour[e]
            if graph.label[other] == cell and room.level[other] < 0 and room.flow[e] < 1:
                room.level[other] = room.level[node] + 1
                found = found or room.side[other] == FAR_BANK
                room.queue[end] = other
                end += 1
    return found


@kernel
def _is_augmented(root: int, cell: int, graph: Graph, room: Scratch) -> bool:
    """Let one more unit flow from a node to the far bank, level by level."""
    node = root
    length = 0
    while room.side[node] != FAR_BANK:
        e = room.next_edge[node]
        if e == graph.start[node + 1]:
            if length == 0:
                return False
            length -= 1
            node = graph.neighbour[graph.reverse[room.trail[length]]]
            room.next_edge[node] += 1
            continue
        other = graph.neighbour[e]
        onward = graph.label[other] == cell and room.level[other] == room.level[node] + 1
        if onward and room.flow[e] < 1:
            room.trail[length] = e
            length += 1
            node = other
        else:
            room.next_edge[node] += 1
    for k in range(length):
        room.flow[room.trail[k]] += 1
        room.flow[graph.reverse[room.trail[k]]] -= 1
    return True


@kernel
def max_flow(nodes: Ints, bank: int, limit: int, cell: int, graph: Graph, room: Scratch) -> int:
    """Give Dinic's maximum flow from the first `bank` nodes of a cell to its last; or the limit.

    Below the limit, the near side of a smallest cut is the nodes with a level of 0 or more.
    """
    _prepare(nodes, bank, graph, room)
    total = 0
    while _is_far_bank_found(nodes, bank, cell, graph, room):
        for i in range(bank):
            while _is_augmented(nodes[i], cell, graph, room):
                total += 1
                if total == limit:
                    return total
    return total


@kernel
def _match(root: int, cell: int, near: Flags, graph: Graph, room: Scratch) -> None:
    """Find a partner for a near node, others changing theirs; every node is seen once per root."""
    seen = room.level
    length = 0
    room.trail[0] = root
    room.next_edge[root] = graph.start[root]
    while length >= 0:
        node = room.trail[length]
        e = room.next_edge[node]
        if e == graph.start[node + 1]:
            length -= 1
            continue
        room.next_edge[node] += 1
        other = graph.neighbour[e]
        if graph.label[other] != cell or near[other] or seen[other] == root:
            continue
        seen[other] = root
        mate = room.partner[other]
        if mate >= 0:
            length += 1
            room.trail[length] = mate
            room.next_edge[mate] = graph.start[mate]
            continue
        while length >= 0:
            node = room.trail[length]
            mate = room.partner[node]
            room.partner[node] = other
            room.partner[other] = node
            other = mate
            length -= 1


@kernel
def _alternate(root: int, cell: int, near: Flags, graph: Graph, room: Scratch) -> None:
    """Mark what alternating paths reach from a near node without a partner."""
    reached = room.side
    reached[root] = 1
    room.trail[0] = root
    length = 1
    while length > 0:
        length -= 1
        node = room.trail[length]
        for e in range(graph.start[node], graph.start[node + 1]):
            other = graph.neighbour[e]
            if graph.label[other] != cell or near[other] or reached[other]:
                continue
            reached[other] = 1
            mate = room.partner[other]
            if not reached[mate]:
                reached[mate] = 1
                room.trail[length] = mate
                length += 1


@kernel
def cover(nodes: Ints, cell: int, near: Flags, chosen: Flags, graph: Graph, room: Scratch) -> int:
    """Choose the fewest nodes that touch every edge between the near side and the rest.

    A largest matching of the cut edges' ends; then, by König's theorem, the near ends that
    alternating paths from near nodes without a partner do not reach, and the far ends that they
    do.

    Returns
    -------
    int
        How many; `chosen` tells which.
    """
    for node in nodes:
        room.partner[node] = -1
        room.level[node] = -1
        room.side[node] = 0
    for node in nodes:
        if near[node]:
            _match(node, cell, near, graph, room)
    for node in nodes:
        if near[node] and room.partner[node] < 0 and not room.side[node]:
            _alternate(node, cell, near, graph, room)
    count = 0
    for node in nodes:
        chosen[node] = room.partner[node] >= 0 and (room.side[node] == 0) == near[node]
        count += chosen[node]
    return count
