"""The hot loops of a hierarchy: new weights, tables, one to all.

A weight packs a time and a length into one int64, time above: the smaller of two is the faster
way and, of equally fast ones, the shorter.  A label is such a weight or a time alone (int32).
Nodes are ranks; an arc is told by its lower end and the depth of its upper end in the
elimination tree.  Whoever walks the tree in preorder or postorder needs one row of labels per
depth only, so that the rows in use stay in the fastest memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel, kernel_part
from geo.hierarchy_lanes import LANE_BYTES, TURNED, copy, lower, pull, push, shift, turn
from geo.types import UNREACHABLE_S

Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]
Labels: TypeAlias = NDArray[Any]

LENGTH_BITS = 32
LENGTH_MASK = (1 << LENGTH_BITS) - 1
FAR = UNREACHABLE_S << LENGTH_BITS  # twice this still fits an int64
PACKED_BYTES = 8
MEMORY_LINE = 64  # bytes
# Together with a way's two offsets, no length outgrows an int32.
LINKS_LENGTH_LIMIT_DM = 1_900_000_000
OFFSET_LENGTH_LIMIT_DM = 100_000_000
SOUND, FAULTY_START, FAULTY_NODE, FAULTY_OFFSET = range(4)


class Tree(NamedTuple):
    """The elimination tree, by rank."""

    parent: Ints  # (N,) -1 at roots
    depth: Ints  # (N,) 0 at roots
    deepest: int


class Arcs(NamedTuple):
    """The arcs of one direction, each with its lower node."""

    start: Ints  # (N + 1,)
    depth: Ints  # (A,) of the upper end; deepest first within a node
    weight: Labels  # (A,)


class Climbers(NamedTuple):
    """The places of a table that climb, in blocks of as many as a row has lanes."""

    line: Longs  # (n,) of the table
    block_start: Longs  # (blocks + 1,)
    rank: Ints  # (k,) of a seed; highest first within a block
    lane: Longs  # (k,)
    offset: Labels  # (k,)


class Goals(NamedTuple):
    """The places of a table that are swept to."""

    swept: Ints  # all seeds' nodes and their ancestors, highest rank first
    rank: Ints  # (k,) of a seed; highest first
    offset: Labels  # (k,)
    column_start: Longs  # (m + 1,)
    column_goal: Longs  # (k,) the seeds of each column


class Tables(NamedTuple):
    """Where answers go."""

    time_ds: NDArray[np.int32]  # (n, m)
    length_dm: NDArray[np.int32]  # (n, m), or (0, 0) if labels are times
    across: bool  # the lines are the tables' columns


@kernel
def first_fault(
    start: Longs, node: Ints, time_ds: Ints, length_dm: Ints, node_count: int
) -> tuple[int, int]:
    """Tell what is wrong with seeds, and where; SOUND if nothing is."""
    if len(start) == 0 or start[0] != 0 or start[-1] != len(node):
        return FAULTY_START, 0
    for i in range(len(start) - 1):
        if start[i] > start[i + 1]:
            return FAULTY_START, i
    for i in range(len(node)):
        if node[i] < 0 or node[i] >= node_count:
            return FAULTY_NODE, i
        if time_ds[i] < 0 or time_ds[i] >= UNREACHABLE_S:
            return FAULTY_OFFSET, i
        if length_dm[i] < 0 or length_dm[i] > OFFSET_LENGTH_LIMIT_DM:
            return FAULTY_OFFSET, i
    return SOUND, 0


@kernel
def load_weights(time_ds: Ints, length_dm: Ints, slot: Ints, link: Longs, weight: Longs) -> int:
    """Pack the links' weights and lay them on their arcs; give the first bad link or -1.

    The number of links stands for too great a length of all together.
    """
    for arc in range(len(weight)):
        weight[arc] = FAR
    total = 0
    for i in range(len(slot)):
        if time_ds[i] < 0 or length_dm[i] < 0:
            return i
        total += length_dm[i]
        link[i] = FAR
        if time_ds[i] < UNREACHABLE_S:
            link[i] = (np.int64(time_ds[i]) << LENGTH_BITS) + length_dm[i]
        if slot[i] < len(weight):
            weight[slot[i]] = min(weight[slot[i]], link[i])
    return -1 if total <= LINKS_LENGTH_LIMIT_DM else len(slot)


@kernel
def relax(triangles: NDArray[np.int32], weight: Longs, time_ds: Ints) -> None:
    """Make every arc as short as the ways over lower nodes."""
    for k in range(len(triangles)):
        way = weight[triangles[k, 1]] + weight[triangles[k, 2]]
        weight[triangles[k, 0]] = min(weight[triangles[k, 0]], way)
    for slot in range(len(weight)):
        time_ds[slot] = weight[slot] >> LENGTH_BITS


@kernel
def ancestors(seed_rank: Ints, tree: Tree) -> Ints:
    """Give the seeds and all their ancestors, highest rank first; the seeds come so sorted."""
    chain = np.empty(tree.deepest + 1, np.int32)
    for d in range(tree.deepest + 1):
        chain[d] = -1
    found = np.empty(len(tree.parent), np.int32)
    count = 0
    for seed in seed_rank:
        node = seed
        size = 0
        while node >= 0 and chain[tree.depth[node]] != node:
            node = tree.parent[node]
            size += 1
        node = seed
        for i in range(count + size - 1, count - 1, -1):
            chain[tree.depth[node]] = node
            found[i] = node
            node = tree.parent[node]
        count += size
    return found[:count]


@kernel
def _rows(count: int, like: Labels) -> Labels:
    """Give room for rows of labels, each where one of the processor's lines of memory begins."""
    width = LANE_BYTES // like.itemsize
    room = np.empty((count + 1) * width, like.dtype)
    skipped = (-room.ctypes.data % MEMORY_LINE) // like.itemsize
    return room[skipped : skipped + count * width]


@kernel
def _climb(
    climbing: Ints, rows: Labels, nothing: int, up: Arcs, tree: Tree, climbers: Climbers, block: int
) -> None:
    """Label the ancestors of a block's seeds, lowest first; their rows go behind `nothing`."""
    width = LANE_BYTES // rows.itemsize
    first = climbers.block_start[block]
    at_seed = climbers.block_start[block + 1] - 1
    for c in range(len(climbing) - 1, -1, -1):
        node = climbing[c]
        row = tree.depth[node] * width
        while at_seed >= first and climbers.rank[at_seed] == node:
            k = row + climbers.lane[at_seed]
            rows[k] = min(rows[k], climbers.offset[at_seed])
            at_seed -= 1
        push(rows, row, up.depth, up.weight, up.start[node], up.start[node + 1])
        copy(rows, (nothing + 1 + c) * width, row)
        copy(rows, row, nothing * width)


@kernel
def _fall(
    climbing: Ints,
    rows: Labels,
    nothing: int,
    down: Arcs,
    tree: Tree,
    goals: Goals,
    far: Any,
    found: Labels,
) -> None:
    """Label the goals' ancestors, highest first, and the goals."""
    width = LANE_BYTES // rows.itemsize
    at_goal = 0
    at_climb = 0
    for node in goals.swept:
        begin = nothing
        while at_climb < len(climbing) and climbing[at_climb] > node:
            at_climb += 1
        if at_climb < len(climbing) and climbing[at_climb] == node:
            begin += 1 + at_climb
        row = tree.depth[node] * width
        first, last = down.start[node], down.start[node + 1]
        pull(rows, row, begin * width, down.depth, down.weight, first, last)
        while at_goal < len(goals.rank) and goals.rank[at_goal] == node:
            shift(found, at_goal * width, rows, row, goals.offset[at_goal], far)
            at_goal += 1


@kernel
def _write(found: Labels, place: Longs, lines: Longs, columns: int, tables: Tables) -> None:
    """Write the goals' rows into the tables, a square of labels at a time."""
    tile = np.empty(TURNED * TURNED, found.dtype)
    for k in range(0, len(lines), TURNED):
        height = min(TURNED, len(lines) - k)
        for t in range(0, columns, TURNED):
            turn(found, place, t, k, tile)
            _write_tile(tile, lines[k : k + height], t, min(TURNED, columns - t), tables)


@kernel_part
def _write_tile(tile: Labels, lines: Longs, first: int, count: int, tables: Tables) -> None:
    packed = tile.itemsize == PACKED_BYTES
    for k in range(len(lines)):
        for i in range(count):
            label = tile[k * TURNED + i]
            a = first + i if tables.across else lines[k]
            b = lines[k] if tables.across else first + i
            if packed:
                near = label < FAR
                tables.time_ds[a, b] = label >> LENGTH_BITS if near else UNREACHABLE_S
                tables.length_dm[a, b] = label & LENGTH_MASK if near else UNREACHABLE_S
            else:
                tables.time_ds[a, b] = label


@kernel
def sweep(
    up: Arcs,
    down: Arcs,
    tree: Tree,
    climbers: Climbers,
    goals: Goals,
    far: Any,
    tables: Tables,
    first_block: int,
    block_step: int,
) -> None:
    """Fill tables, every `block_step`-th block of climbing places."""
    width = LANE_BYTES // up.weight.itemsize
    columns = len(goals.column_start) - 1
    # Rows: one per depth, one of nothing but `far`, one per node that the block's places climb.
    nothing = tree.deepest + 1
    rows = _rows(2 * nothing + 1, up.weight)
    # Below the goals' rows, one more of nothing but `far` for places without seeds.
    found = _rows(len(goals.rank) + 1, up.weight)
    for k in range(len(goals.rank) * width, len(found)):
        found[k] = far
    place = np.full(columns + TURNED, len(goals.rank) * width, np.int64)
    for t in range(columns):
        if goals.column_start[t] < goals.column_start[t + 1]:
            place[t] = goals.column_goal[goals.column_start[t]] * width
    for block in range(first_block, len(climbers.block_start) - 1, block_step):
        seeds = climbers.rank[climbers.block_start[block] : climbers.block_start[block + 1]]
        climbing = ancestors(seeds, tree)
        if len(rows) < (nothing + 1 + len(climbing)) * width:
            rows = _rows(nothing + 1 + 2 * len(climbing), up.weight)
        for k in range((nothing + 1) * width):
            rows[k] = far
        _climb(climbing, rows, nothing, up, tree, climbers, block)
        _fall(climbing, rows, nothing, down, tree, goals, far, found)
        for t in range(columns):
            for g in range(goals.column_start[t] + 1, goals.column_start[t + 1]):
                lower(found, place[t], goals.column_goal[g] * width)
        lines = climbers.line[block * width : (block + 1) * width]
        _write(found, place, lines, columns, tables)


@kernel
def sweep_all(
    up: Arcs,
    down: Arcs,
    tree: Tree,
    order: Ints,
    seed_rank: Ints,
    seed_weight: Longs,
    limit: int,
    time_ds: Ints,
    length_dm: Ints,
) -> None:
    """Label every node from one place's seeds (highest rank first), below a packed limit."""
    climbing = ancestors(seed_rank, tree)
    label = np.full(tree.deepest + 1, FAR, np.int64)
    saved = np.empty(len(climbing), np.int64)
    at_seed = len(seed_rank) - 1
    for c in range(len(climbing) - 1, -1, -1):
        node = climbing[c]
        best = label[tree.depth[node]]
        label[tree.depth[node]] = FAR
        while at_seed >= 0 and seed_rank[at_seed] == node:
            best = min(best, seed_weight[at_seed])
            at_seed -= 1
        saved[c] = best
        for j in range(up.start[node], up.start[node + 1]):
            label[up.depth[j]] = min(label[up.depth[j]], best + up.weight[j])
    at_climb = 0
    for node in range(len(order) - 1, -1, -1):
        best = FAR
        if at_climb < len(climbing) and climbing[at_climb] == node:
            best = saved[at_climb]
            at_climb += 1
        for j in range(down.start[node], down.start[node + 1]):
            best = min(best, label[down.depth[j]] + down.weight[j])
        label[tree.depth[node]] = best
        near = best < limit
        time_ds[order[node]] = best >> LENGTH_BITS if near else UNREACHABLE_S
        length_dm[order[node]] = best & LENGTH_MASK if near else UNREACHABLE_S
