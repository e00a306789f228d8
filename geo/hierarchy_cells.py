"""The order within a cell of some hundred nodes: fewest neighbours first.

Neighbours are kept as rows of bits, so that contracting a node, which joins all its neighbours,
is a few words of "or" for each of them.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel
from geo.hierarchy_cuts import Graph, Scratch

Ints: TypeAlias = NDArray[np.int32]
Bits: TypeAlias = NDArray[np.uint64]

WORD_BITS = 64


@kernel
def _count_bits(word: np.uint64) -> int:
    """Count the ones of a word, in ever wider fields side by side."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _set_bit(row: Bits, i: int) -> None:
    row[i // WORD_BITS] |= np.uint64(1) << np.uint64(i % WORD_BITS)


@kernel
def _clear_bit(row: Bits, i: int) -> None:
    row[i // WORD_BITS] &= ~(np.uint64(1) << np.uint64(i % WORD_BITS))


@kernel
def _list_members(nodes: Ints, cell: int, graph: Graph, members: Ints, place: Ints) -> int:
    """List a cell's nodes, then their neighbours outside; give how many, and each one's place."""
    size = len(nodes)
    for i in range(size):
        members[i] = nodes[i]
        place[nodes[i]] = i
    for node in nodes:
        for e in range(graph.start[node], graph.start[node + 1]):
            other = graph.neighbour[e]
            at = place[other]  # of whatever cell came before, so look whether it is true
            if graph.label[other] != cell and not (0 <= at < size and members[at] == other):
                members[size] = other
                place[other] = size
                size += 1
    return size


@kernel
def _contract(pick: int, count: int, joined: Bits, degree: Ints) -> None:
    """Join a node's neighbours and take the node away; degrees of the first `count` only."""
    words = joined.shape[1]
    one = np.uint64(1)
    for q in range(words):
        left = joined[pick, q]
        while left != 0:
            lowest = left & (~left + one)
            left ^= lowest
            i = q * WORD_BITS + _count_bits(lowest - one)
            row = joined[i]
            total = 0
            for p in range(words):
                row[p] |= joined[pick, p]
            _clear_bit(row, pick)
            _clear_bit(row, i)
            if i < count:
                for p in range(words):
                    total += _count_bits(row[p])
                degree[i] = total


@kernel
def fewest_neighbours_first(
    nodes: Ints, cell: int, graph: Graph, room: Scratch, order: Ints
) -> None:
    """Order a cell's nodes by minimum degree; neighbours outside the cell count, but stay."""
    count = len(nodes)
    members = room.trail
    place = room.queue
    size = _list_members(nodes, cell, graph, members, place)
    joined = np.zeros((size, (size + WORD_BITS - 1) // WORD_BITS), np.uint64)
    degree = np.zeros(count, np.int32)
    for i in range(count):
        for e in range(graph.start[nodes[i]], graph.start[nodes[i] + 1]):
            k = place[graph.neighbour[e]]
            _set_bit(joined[i], k)
            _set_bit(joined[k], i)
            degree[i] += 1
    done = np.zeros(count, np.bool_)
    for r in range(count):
        pick = -1
        for i in range(count):
            if not done[i] and (pick < 0 or degree[i] < degree[pick]):
                pick = i
        done[pick] = True
        order[r] = members[pick]
        _contract(pick, count, joined, degree)
