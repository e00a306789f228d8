"""The skeleton of a hierarchy: which shortcuts an order of contraction makes possible.

Contracting a node joins all its remaining neighbours; the first of them is its parent in the
elimination tree, and all of them are its ancestors there (Dibbelt, Strasser and Wagner 2016,
"Customizable Contraction Hierarchies", doi:10.1145/2886843).  So an arc is told by its lower
end and the depth of its upper end in the tree.  Upward and downward arcs are kept apart, and
those that no weights could ever make finite are left out: one-way streets make many of them.

Everything here is by rank: node 0 is contracted first, the roots of the tree last.  Ranks run in
postorder of the tree, so a node's descendants come right before it.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel, kernel_part

Ints: TypeAlias = NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]


class Wedges(NamedTuple):
    """Pairs of arcs over a lower node that may stand for arcs of a node; see find_wedges."""

    start: Ints  # (N + 1,)
    arc: Ints  # (W,) of the other direction, between the node and the lower one
    first: Ints  # (W,) the lower node's arcs of the same direction that lead higher
    last: Ints  # (W,)


@kernel_part
def _place(head: Ints, first: int, last: int, wanted: int) -> int:
    """Give where a node stands among a node's upper ends, which rise."""
    while first < last:
        middle = (first + last) // 2
        if head[middle] < wanted:
            first = middle + 1
        else:
            last = middle
    return first


@kernel_part
def _put_sorted(found: Ints, into: Ints) -> None:
    """Sort some few nodes: each slides to its place."""
    for i in range(len(found)):
        at = i
        while at > 0 and into[at - 1] > found[i]:
            into[at] = into[at - 1]
            at -= 1
        into[at] = found[i]


@kernel
def eliminate(start: Ints, neighbour: Ints) -> tuple[Ints, Ints, Ints]:
    """Contract nodes 0, 1, ... of an undirected graph.

    Returns
    -------
    up_start : int32 (N + 1,)
    up_head : int32 (M,)
        Each node's higher neighbours when it is contracted, lowest first.
    parent : int32 (N,)
        The lowest of them; -1 at a root.
    """
    count = len(start) - 1
    up_start = np.zeros(count + 1, np.int32)
    up_head = np.empty(2 * len(neighbour) + count, np.int32)
    parent = np.full(count, -1, np.int32)
    first_child = np.full(count, -1, np.int32)
    sibling = np.full(count, -1, np.int32)
    mark = np.full(count, -1, np.int32)
    found = np.empty(count, np.int32)
    for node in range(count):
        size = 0
        for e in range(start[node], start[node + 1]):
            other = neighbour[e]
            if other > node and mark[other] != node:
                mark[other] = node
                found[size] = other
                size += 1
        child = first_child[node]
        while child >= 0:
            for j in range(up_start[child] + 1, up_start[child + 1]):
                other = up_head[j]
                if mark[other] != node:
                    mark[other] = node
                    found[size] = other
                    size += 1
            child = sibling[child]
        begin = up_start[node]
        if begin + size > len(up_head):
            larger = np.empty(2 * len(up_head) + size, np.int32)
            larger[:begin] = up_head[:begin]
            up_head = larger
        _put_sorted(found[:size], up_head[begin : begin + size])
        up_start[node + 1] = begin + size
        if size > 0:
            above = up_head[begin]
            parent[node] = above
            sibling[node] = first_child[above]
            first_child[above] = node
    return up_start, up_head[: up_start[count]].copy(), parent


@kernel
def postorder(parent: Ints) -> Ints:
    """Give each node's place when the tree is walked children first, in order of their ids."""
    count = len(parent)
    size = np.ones(count, np.int32)
    for node in range(count):
        if parent[node] >= 0:
            size[parent[node]] += size[node]
    # Where the next child's subtree begins; parents have higher ids, so they are placed first.
    place = np.empty(count, np.int32)
    free_from = np.empty(count, np.int32)
    roots_end = count
    for node in range(count - 1, -1, -1):
        above = parent[node]
        if above < 0:
            end = roots_end
            roots_end -= size[node]
        else:
            end = free_from[above]
            free_from[above] -= size[node]
        place[node] = end - 1
        free_from[node] = end - 1
    return place


@kernel
def depths(parent: Ints) -> Ints:
    """Give each node's number of ancestors."""
    depth = np.zeros(len(parent), np.int32)
    for node in range(len(parent) - 1, -1, -1):
        if parent[node] >= 0:
            depth[node] = depth[parent[node]] + 1
    return depth


@kernel
def _arcs_from_below(up_start: Ints, up_head: Ints) -> tuple[Ints, Ints, Ints]:
    """Sort arcs by upper end; give starts, arcs, and where the arcs of an arc's owner end."""
    count = len(up_start) - 1
    below_start = np.zeros(count + 1, np.int32)
    for high in up_head:
        below_start[high + 1] += 1
    for node in range(count):
        below_start[node + 1] += below_start[node]
    below = np.empty(len(up_head), np.int32)
    below_last = np.empty(len(up_head), np.int32)
    fill = below_start[:-1].copy()
    for low in range(count):
        for arc in range(up_start[low], up_start[low + 1]):
            high = up_head[arc]
            below[fill[high]] = arc
            below_last[fill[high]] = up_start[low + 1]
            fill[high] += 1
    return below_start, below, below_last


@kernel
def possible(
    up_start: Ints, up_head: Ints, depth: Ints, tail: Ints, head: Ints
) -> tuple[Flags, Flags]:
    """Tell of each arc whether it can be driven upward, and downward, over lower nodes alone."""
    count = len(depth)
    upward = np.zeros(len(up_head), np.bool_)
    downward = np.zeros(len(up_head), np.bool_)
    for i in range(len(tail)):
        low = min(tail[i], head[i])
        if tail[i] == head[i]:
            continue
        high = max(tail[i], head[i])
        arc = _place(up_head, up_start[low], up_start[low + 1], high)
        if tail[i] == low:
            upward[arc] = True
        else:
            downward[arc] = True
    below_start, below, below_last = _arcs_from_below(up_start, up_head)
    arc_at = np.zeros(count + 1, np.int32)
    for node in range(count):
        for arc in range(up_start[node], up_start[node + 1]):
            arc_at[depth[up_head[arc]]] = arc
        for k in range(below_start[node], below_start[node + 1]):
            first = below[k]
            for arc in range(first + 1, below_last[k]):
                to = arc_at[depth[up_head[arc]]]
                if downward[first] and upward[arc]:
                    upward[to] = True
                if upward[first] and downward[arc]:
                    downward[to] = True
    return upward, downward


@kernel
def select_arcs(
    up_start: Ints, up_head: Ints, depth: Ints, wanted: Flags
) -> tuple[Ints, Ints, Ints]:
    """Keep the wanted arcs; give their starts, and the rank and the depth of their upper ends."""
    count = len(depth)
    start = np.zeros(count + 1, np.int32)
    size = 0
    for flag in wanted:
        size += flag
    heads = np.empty(size, np.int32)
    head_depth = np.empty(size, np.int32)
    size = 0
    for node in range(count):
        for arc in range(up_start[node], up_start[node + 1]):
            if wanted[arc]:
                heads[size] = up_head[arc]
                head_depth[size] = depth[up_head[arc]]
                size += 1
        start[node + 1] = size
    return start, heads, head_depth


@kernel
def find_wedges(
    side_start: Ints, side_head: Ints, run_start: Ints, run_head: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Pair each arc of one direction with the longer arcs of the other from the same low node."""
    count = len(side_start) - 1
    start = np.zeros(count + 1, np.int32)
    for low in range(count):
        if run_start[low] == run_start[low + 1]:
            continue
        highest = run_head[run_start[low + 1] - 1]
        for j in range(side_start[low], side_start[low + 1]):
            if side_head[j] < highest:
                start[side_head[j] + 1] += 1
    for node in range(count):
        start[node + 1] += start[node]
    fill = start[:-1].copy()
    arc = np.empty(start[count], np.int32)
    first = np.empty(start[count], np.int32)
    last = np.empty(start[count], np.int32)
    for low in range(count):
        run = run_start[low]
        end = run_start[low + 1]
        for j in range(side_start[low], side_start[low + 1]):
            high = side_head[j]
            while run < end and run_head[run] <= high:
                run += 1
            if run == end:
                break
            k = fill[high]
            fill[high] += 1
            arc[k] = j
            first[k] = run
            last[k] = end
    return start, arc, first, last


@kernel_part
def _triangles_of(
    node: int,
    start: Ints,
    depth: Ints,
    slot: int,
    side_slot: int,
    wedges: Wedges,
    slot_at: Ints,
    triangles: NDArray[np.int32],
    count: int,
) -> int:
    """List a node's triangles of one direction; give how many there are by now."""
    for j in range(start[node], start[node + 1]):
        slot_at[depth[j]] = slot + j
    for k in range(wedges.start[node], wedges.start[node + 1]):
        for j in range(wedges.first[k], wedges.last[k]):
            triangles[count, 0] = slot_at[depth[j]]
            triangles[count, 1] = side_slot + wedges.arc[k]
            triangles[count, 2] = slot + j
            count += 1
    return count


@kernel
def list_triangles(
    up_start: Ints,
    up_depth: Ints,
    down_start: Ints,
    down_depth: Ints,
    up_wedges: Wedges,
    down_wedges: Wedges,
    deepest: int,
) -> NDArray[np.int32]:
    """Write out all wedges, in order of rank.

    Returns
    -------
    int32 (T, 3)
        The slot of an arc, and those of the two arcs over a lower node that may stand for it.
    """
    total = 0
    for wedges in (up_wedges, down_wedges):
        for k in range(len(wedges.arc)):
            total += wedges.last[k] - wedges.first[k]
    triangles = np.empty((total, 3), np.int32)
    slot_at = np.empty(deepest + 1, np.int32)
    ups = len(up_depth)
    count = 0
    for node in range(len(up_start) - 1):
        count = _triangles_of(
            node, up_start, up_depth, 0, ups, up_wedges, slot_at, triangles, count
        )
        count = _triangles_of(
            node, down_start, down_depth, ups, 0, down_wedges, slot_at, triangles, count
        )
    return triangles


@kernel
def link_slots(
    tail: Ints, head: Ints, up_start: Ints, up_head: Ints, down_start: Ints, down_head: Ints
) -> Ints:
    """Give the arc on which each link lies: upward arcs first, then downward, then loops."""
    slot = np.empty(len(tail), np.int32)
    for i in range(len(tail)):
        a = tail[i]
        b = head[i]
        if a == b:
            slot[i] = len(up_head) + len(down_head)
        elif a < b:
            slot[i] = _place(up_head, up_start[a], up_start[a + 1], b)
        else:
            slot[i] = len(up_head) + _place(down_head, down_start[b], down_start[b + 1], a)
    return slot
