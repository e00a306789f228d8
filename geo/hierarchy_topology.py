"""What a hierarchy is made of before any weights: the order, the tree and the arcs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo import hierarchy_symbolic as symbolic
from geo.hierarchy_symbolic import Wedges
from geo.ordering import dissection_order, neighbours

Ints: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Topology:
    """What does not depend on weights.  Nodes are ranks but in `order` and `rank`.

    Upward arcs (`up_*`) leave their lower node, downward arcs (`down_*`) enter it; each belongs
    to its lower node and is told by the depth of its upper end, deepest first.  A slot is an
    upward arc or, after all of these, a downward arc.
    """

    order: Ints  # (N,) node of a rank
    rank: Ints  # (N,) rank of a node
    parent: Ints  # (N,) in the elimination tree; -1 at roots
    depth: Ints  # (N,) 0 at roots
    up_start: Ints  # (N + 1,)
    up_depth: Ints  # (U,)
    down_start: Ints  # (N + 1,)
    down_depth: Ints  # (D,)
    up_wedge_start: Ints  # (N + 1,) see hierarchy_symbolic.find_wedges
    up_wedge_arc: Ints
    up_wedge_first: Ints
    up_wedge_last: Ints
    down_wedge_start: Ints  # (N + 1,)
    down_wedge_arc: Ints
    down_wedge_first: Ints
    down_wedge_last: Ints
    link_slot: Ints  # (L,) U + D for a loop, which no way needs
    slot_start: Ints  # (U + D + 1,)
    slot_link: Ints  # (L,) links by slot
    deepest: int

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return len(self.rank)

    @property
    def link_count(self) -> int:
        """How many links weights are for."""
        return len(self.link_slot)

    @property
    def up_wedges(self) -> Wedges:
        """The wedges that may stand for upward arcs."""
        return Wedges(
            self.up_wedge_start, self.up_wedge_arc, self.up_wedge_first, self.up_wedge_last
        )

    @property
    def down_wedges(self) -> Wedges:
        """The wedges that may stand for downward arcs."""
        return Wedges(
            self.down_wedge_start, self.down_wedge_arc, self.down_wedge_first, self.down_wedge_last
        )

    @cached_property
    def triangles(self) -> NDArray[np.int32]:
        """All wedges written out, int32 (T, 3).

        Several times the room of the wedges and made of them in milliseconds, so not for the
        disk; but weights are laid on several times faster, without loops of two or three turns.
        """
        return symbolic.list_triangles(
            self.up_start,
            self.up_depth,
            self.down_start,
            self.down_depth,
            self.up_wedges,
            self.down_wedges,
            self.deepest,
        )

    def arrays(self) -> dict[str, Ints]:
        """Give all that is needed to make it again."""
        return {name: getattr(self, name) for name in _ARRAYS}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Topology:
        """Take arrays, which may be mapped from disk and are not read through.

        Raises
        ------
        ValueError
            If one is missing or they do not belong together.
        """
        taken = {}
        for name in _ARRAYS:
            if name not in arrays:
                raise ValueError(f"the hierarchy's array {name} is missing; build it again")
            taken[name] = _fixed(arrays[name], name)
        sizes = {name: len(array) for name, array in taken.items()}
        nodes, up, down = sizes["rank"], sizes["up_depth"], sizes["down_depth"]
        expected = {"order": nodes, "parent": nodes, "depth": nodes, "slot_start": up + down + 1}
        for kind in ("up", "down"):
            expected[f"{kind}_start"] = expected[f"{kind}_wedge_start"] = nodes + 1
            if sizes[f"{kind}_start"] == nodes + 1:
                expected[f"{kind}_depth"] = int(taken[f"{kind}_start"][-1])
            if sizes[f"{kind}_wedge_start"] == nodes + 1:
                wedges = int(taken[f"{kind}_wedge_start"][-1])
                for part in ("arc", "first", "last"):
                    expected[f"{kind}_wedge_{part}"] = wedges
        expected["slot_link"] = sizes["link_slot"]
        for name, size in expected.items():
            if sizes[name] != size:
                raise ValueError(
                    f"the hierarchy's array {name} has {sizes[name]} entries instead of {size}; "
                    "build it again"
                )
        deepest = int(taken["depth"].max()) if nodes else 0
        return cls(**taken, deepest=deepest)


_ARRAYS = tuple(field.name for field in fields(Topology) if field.name != "deepest")


def build_topology(
    node_count: int,
    link_tail: ArrayLike,
    link_head: ArrayLike,
    lon: ArrayLike,
    lat: ArrayLike,
    *,
    progress: Callable[[float], None] | None = None,
) -> Topology:
    """Order the nodes and find the arcs that can arise.

    Parameters
    ----------
    node_count : int
        N.
    link_tail, link_head : integers (L,)
        Nodes; links may be parallel or loops.
    lon, lat : floats (N,)
        Degrees; nodes may share a place.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    ValueError
        If a node is outside 0..N-1 or the shapes do not fit.
    """
    tail = _nodes(link_tail, "link_tail", node_count)
    head = _nodes(link_head, "link_head", node_count)
    if tail.shape != head.shape:
        raise ValueError(f"{len(tail)} link tails but {len(head)} heads: give one each per link")
    x, y = (np.ascontiguousarray(values, dtype=np.float64) for values in (lon, lat))
    if x.shape != (node_count,) or y.shape != (node_count,):
        raise ValueError(
            f"lon {x.shape} and lat {y.shape} must have one value per node: {node_count}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("lon and lat must be finite numbers of degrees")
    start, neighbour = neighbours(node_count, tail, head)
    order = dissection_order(start, neighbour, x, y, progress)
    return topology_of_order(order, tail, head)


def topology_of_order(order: Ints, tail: Ints, head: Ints) -> Topology:
    """Find the arcs that can arise when nodes are contracted in an order.

    Parameters
    ----------
    order : int32 (N,)
        Each node once.
    tail, head : int32 (L,)
        The links' nodes.
    """
    node_count = len(order)
    # Once in the order found, to learn the tree; once more in the tree's postorder, to keep.
    for again in (True, False):
        rank = np.empty(node_count, np.int32)
        rank[order] = np.arange(node_count, dtype=np.int32)
        start, neighbour = neighbours(node_count, rank[tail], rank[head])
        arc_start, arc_head, parent = symbolic.eliminate(start, neighbour)
        if again:
            by_place = np.empty(node_count, np.int32)
            by_place[symbolic.postorder(parent)] = order
            order = by_place
    depth = symbolic.depths(parent)
    tail, head = rank[tail], rank[head]
    upward, downward = symbolic.possible(arc_start, arc_head, depth, tail, head)
    up_start, up_head, up_depth = symbolic.select_arcs(arc_start, arc_head, depth, upward)
    down_start, down_head, down_depth = symbolic.select_arcs(arc_start, arc_head, depth, downward)
    slot = symbolic.link_slots(tail, head, up_start, up_head, down_start, down_head)
    by_slot = np.argsort(slot, kind="stable").astype(np.int32)
    slots = np.arange(len(up_head) + len(down_head) + 1)
    arrays = {
        "order": order,
        "rank": rank,
        "parent": parent,
        "depth": depth,
        "up_start": up_start,
        "up_depth": up_depth,
        "down_start": down_start,
        "down_depth": down_depth,
        "link_slot": slot,
        "slot_start": np.searchsorted(slot[by_slot], slots).astype(np.int32),
        "slot_link": by_slot,
    }
    for kind, side, run in (
        ("up", (down_start, down_head), (up_start, up_head)),
        ("down", (up_start, up_head), (down_start, down_head)),
    ):
        wedges = symbolic.find_wedges(*side, *run)
        for name, array in zip(("start", "arc", "first", "last"), wedges, strict=True):
            arrays[f"{kind}_wedge_{name}"] = array
    return Topology.of_arrays(arrays)


def _fixed(array: NDArray[Any], name: str) -> Ints:
    if array.dtype != np.int32 or array.ndim != 1:
        raise ValueError(
            f"the hierarchy's array {name} is {array.dtype} {array.shape} instead of int32 in one "
            "row; build it again"
        )
    return read_only(array)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Give a plain view, so that kernels are compiled once, whether for own or mapped memory."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def _nodes(values: ArrayLike, name: str, node_count: int) -> Ints:
    nodes = np.asarray(values)
    if nodes.size == 0:
        return np.zeros(0, np.int32)
    if nodes.ndim != 1 or nodes.dtype.kind not in "iu":
        raise ValueError(f"{name} must be one row of integers, not {nodes.dtype} {nodes.shape}")
    if nodes.min() < 0 or nodes.max() >= node_count:
        raise ValueError(
            f"{name} runs from {nodes.min()} to {nodes.max()}: nodes are 0 to {node_count - 1}"
        )
    return np.ascontiguousarray(nodes, dtype=np.int32)
