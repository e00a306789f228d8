"""The way itself: labels up the elimination tree from both ends, and shortcuts taken apart.

A shortcut is either a link of its own weight or two arcs over a lower node whose weights add up
to it, so nothing but the weights has to be kept to find the links of a way.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel, kernel_part
from geo.hierarchy_kernels import FAR, LENGTH_BITS, Arcs, Tree
from geo.hierarchy_symbolic import Wedges

Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]

LINKS_EXPECTED = 256  # room for the links of a way at first


class Ends(NamedTuple):
    """The seeds of one place."""

    node: Ints
    time_ds: Ints
    length_dm: Ints


class Links(NamedTuple):
    """The links that lie on each arc: upward arcs first, then downward."""

    start: Ints  # (U + D + 1,)
    link: Ints
    weight: Longs  # (L,) by link


class Labelled(NamedTuple):
    """The ancestors of each seed, by depth."""

    node: NDArray[np.int32]  # (k, deepest + 1), -1 below the seed
    label: NDArray[np.int64]  # the smallest weight of a way between seed and ancestor
    arc: NDArray[np.int32]  # the last arc of that way, -1 at the seed


@kernel
def _label(ends: Ends, rank: Ints, arcs: Arcs, tree: Tree) -> Labelled:
    """Climb from each seed."""
    count = len(ends.node)
    node = np.full((count, tree.deepest + 1), -1, np.int32)
    label = np.full((count, tree.deepest + 1), FAR, np.int64)
    arc = np.full((count, tree.deepest + 1), -1, np.int32)
    for i in range(count):
        at = rank[ends.node[i]]
        label[i, tree.depth[at]] = (np.int64(ends.time_ds[i]) << LENGTH_BITS) + ends.length_dm[i]
        while at >= 0:
            node[i, tree.depth[at]] = at
            here = label[i, tree.depth[at]]
            if here < FAR:
                for j in range(arcs.start[at], arcs.start[at + 1]):
                    to = arcs.depth[j]
                    if here + arcs.weight[j] < label[i, to]:
                        label[i, to] = here + arcs.weight[j]
                        arc[i, to] = j
            at = tree.parent[at]
    return Labelled(node, label, arc)


@kernel
def _meet(origin: Labelled, destination: Labelled) -> tuple[int, int, int, int]:
    """Give the smallest weight over common ancestors, the two seeds and the ancestor's depth."""
    best = FAR
    best_i = 0
    best_j = 0
    best_d = 0
    for i in range(len(origin.node)):
        for j in range(len(destination.node)):
            for d in range(origin.node.shape[1]):
                if origin.node[i, d] < 0 or origin.node[i, d] != destination.node[j, d]:
                    break
                total = origin.label[i, d] + destination.label[j, d]
                if total < best:
                    best = total
                    best_i = i
                    best_j = j
                    best_d = d
    return best, best_i, best_j, best_d


@kernel_part
def _owner(start: Ints, arc: int) -> int:
    """Give the lower node of an arc."""
    low = 0
    high = len(start) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if start[middle] <= arc:
            low = middle
        else:
            high = middle
    return low


@kernel_part
def _find(depth: Ints, first: int, last: int, wanted: int) -> int:
    """Give the first arc that leads no deeper than wanted; a node's arcs lead ever less deep."""
    while first < last:
        middle = (first + last) // 2
        if depth[middle] > wanted:
            first = middle + 1
        else:
            last = middle
    return first


@kernel_part
def _split(arc: int, arcs: Arcs, wedges: Wedges, side: Longs) -> tuple[int, int]:
    """Find the arc between an arc's lower end and a node below, and the one that goes on."""
    target = arcs.weight[arc]
    node = _owner(arcs.start, arc)
    for k in range(wedges.start[node], wedges.start[node + 1]):
        near = side[wedges.arc[k]]
        if near <= target:
            j = _find(arcs.depth, wedges.first[k], wedges.last[k], arcs.depth[arc])
            same = j < wedges.last[k] and arcs.depth[j] == arcs.depth[arc]
            if same and near + arcs.weight[j] == target:
                return wedges.arc[k], j
    return -1, -1


@kernel_part
def _link(slot: int, target: int, links: Links) -> int:
    """Give a link of a weight that lies on an arc, -1 if there is none."""
    for k in range(links.start[slot], links.start[slot + 1]):
        if links.weight[links.link[k]] == target:
            return int(links.link[k])
    return -1


@kernel
def _unpack(
    stack: Ints,
    held: int,
    up: Arcs,
    down: Arcs,
    up_wedges: Wedges,
    down_wedges: Wedges,
    links: Links,
) -> Ints:
    """Take apart a stack of arcs (downward ones come after all upward), the first on top."""
    ups = len(up.weight)
    found = np.empty(LINKS_EXPECTED, np.int32)
    count = 0
    while held > 0:
        held -= 1
        slot = stack[held]
        target = up.weight[slot] if slot < ups else down.weight[slot - ups]
        link = _link(slot, target, links)
        if link >= 0:
            if count == len(found):
                found = np.concatenate((found, np.empty(count, np.int32)))
            found[count] = link
            count += 1
        elif slot < ups:  # down to the node below, then on upward
            near, far = _split(slot, up, up_wedges, down.weight)
            stack[held] = far
            stack[held + 1] = ups + near
            held += 2
        else:  # down to the node below, then up to the lower end
            near, far = _split(slot - ups, down, down_wedges, up.weight)
            stack[held] = near
            stack[held + 1] = ups + far
            held += 2
    return found[:count].copy()


@kernel
def best_way(
    origin: Ends,
    destination: Ends,
    rank: Ints,
    up: Arcs,
    down: Arcs,
    tree: Tree,
    up_wedges: Wedges,
    down_wedges: Wedges,
    links: Links,
) -> tuple[int, int, int, Ints]:
    """Give the packed weight of the best way, its seeds and its links; FAR if there is none."""
    rising = _label(origin, rank, up, tree)
    falling = _label(destination, rank, down, tree)
    weight, i, j, top = _meet(rising, falling)
    # Each arc that is taken apart leaves two whose lower ends are deeper: a stack of two ways
    # between root and leaf, and one more arc per depth, holds them.
    stack = np.empty(3 * (tree.deepest + 2), np.int32)
    if weight >= FAR:
        return weight, -1, -1, stack[:0]
    count = 0
    depth = top
    while falling.arc[j, depth] >= 0:
        count += 1
        depth = tree.depth[_owner(down.start, falling.arc[j, depth])]
    # The way down is found from its top, but the stack has its end at the bottom.
    depth = top
    for k in range(count - 1, -1, -1):
        stack[k] = len(up.weight) + falling.arc[j, depth]
        depth = tree.depth[_owner(down.start, falling.arc[j, depth])]
    depth = top
    while rising.arc[i, depth] >= 0:
        stack[count] = rising.arc[i, depth]
        depth = tree.depth[_owner(up.start, stack[count])]
        count += 1
    return weight, i, j, _unpack(stack, count, up, down, up_wedges, down_wedges, links)
