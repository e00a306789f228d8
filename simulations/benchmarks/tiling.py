"""A larger city out of a real one: its roads laid out several times, joined at the borders."""

from __future__ import annotations

from dataclasses import fields
from math import ceil, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.network import E7, NetworkArrays, RoadNetwork, flat_length_m
from geo.types import Mode

_GAP: Final = 0.002
"""Degrees between two tiles."""

_JOINS: Final = 12
"""Streets over each border."""

_JOIN_MS: Final = 12.5
"""Metres per second on them."""

_PER_NODE: Final = ("edge_nodes",)
_PER_ARC: Final = ("turn_from", "turn_via", "turn_to")


def tiled(network: RoadNetwork, tiles: int, classes: int) -> RoadNetwork:
    """Return a network of `tiles` copies in a square grid.

    Parameters
    ----------
    network
        What is laid out.
    tiles
        How many copies.
    classes
        Index of the class of the joining streets; every mode may use them both ways.
    """
    one = network.arrays
    columns = ceil(sqrt(tiles))
    low, high = one.node_e7.min(axis=0), one.node_e7.max(axis=0)
    step = (high - low).astype(np.int64) + int(_GAP * E7)
    nodes, edges = len(one.node_e7), len(one.edge_nodes)
    parts = [
        _shifted(one, tile, nodes, edges, step * np.array([tile % columns, tile // columns]))
        for tile in range(tiles)
    ]
    whole = {
        name.name: np.concatenate(
            [getattr(part, name.name) for part in parts], axis=2 if name.name == "time_ds" else 0
        )
        for name in fields(NetworkArrays)
        if name.name != "point_start"
    }
    counts = np.concatenate([np.diff(one.point_start)] * tiles)
    pairs = [
        (tile, tile + offset, axis)
        for tile in range(tiles)
        for offset, axis in ((1, 0), (columns, 1))
        if tile + offset < tiles and (axis or (tile + 1) % columns)
    ]
    used = _used_by_all(network)
    joins = np.concatenate([_joins(whole["node_e7"], nodes, used, *pair) for pair in pairs])
    _append(whole, joins, classes)
    counts = np.concatenate([counts, np.full(len(joins), 2)])
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return RoadNetwork(
        NetworkArrays(point_start=start, **whole),
        tuple(Mode),
        network.classes,
        network.names,
        version=f"{network.version}-x{tiles}",
    )


def _shifted(
    one: NetworkArrays, tile: int, nodes: int, edges: int, by: NDArray[np.int64]
) -> NetworkArrays:
    changed = {name.name: getattr(one, name.name) for name in fields(NetworkArrays)}
    changed["node_e7"] = (one.node_e7 + by).astype(np.int32)
    changed["point_e7"] = (one.point_e7 + by).astype(np.int32)
    for name in _PER_NODE:
        changed[name] = (changed[name] + tile * nodes).astype(np.int32)
    for name in _PER_ARC:
        arcs = changed[name]
        changed[name] = np.where(arcs >= 0, arcs + 2 * tile * edges, arcs).astype(np.int32)
    return NetworkArrays(**changed)


def _used_by_all(network: RoadNetwork) -> NDArray[np.int64]:
    """Return the junctions that every mode of the network can use."""
    usable = np.ones(network.node_count, dtype=bool)
    for mode in network.modes:
        here = np.zeros(network.node_count, dtype=bool)
        here[network.arrays.edge_nodes[network.times_ds(mode).any(axis=0)]] = True
        usable &= here
    return np.flatnonzero(usable)


def _joins(
    node_e7: NDArray[np.int32],
    nodes: int,
    used: NDArray[np.int64],
    one: int,
    other: int,
    axis: int,
) -> NDArray[np.int64]:
    """Return pairs of junctions on both sides of a border, in the order along it."""
    mine, theirs = used + one * nodes, used + other * nodes
    out = mine[np.argsort(-node_e7[mine, axis].astype(np.int64), kind="stable")[:_JOINS]]
    into = theirs[np.argsort(node_e7[theirs, axis], kind="stable")[:_JOINS]]
    along = 1 - axis
    out = out[np.argsort(node_e7[out, along], kind="stable")]
    into = into[np.argsort(node_e7[into, along], kind="stable")]
    return np.stack([out, into], axis=1)


def _append(whole: dict[str, NDArray[Any]], joins: NDArray[np.int64], road: int) -> None:
    ends = whole["node_e7"][joins]
    length_m = flat_length_m(ends[:, 0] / E7, ends[:, 1] / E7)
    modes = whole["time_ds"].shape[0]
    time_ds = np.maximum(np.rint(length_m / _JOIN_MS * 10), 1).astype(np.int32)
    more: dict[str, NDArray[Any]] = {
        "edge_nodes": joins.astype(np.int32),
        "edge_length_dm": np.maximum(np.rint(length_m * 10), 1).astype(np.int32),
        "edge_class": np.full(len(joins), road, dtype=np.uint8),
        "edge_name": np.zeros(len(joins), dtype=np.int32),
        "edge_flags": np.zeros(len(joins), dtype=np.uint8),
        "edge_way": np.zeros(len(joins), dtype=np.int64),
        "point_e7": ends.reshape(-1, 2),
        "time_ds": np.broadcast_to(time_ds, (modes, 2, len(joins))),
    }
    for name, rows in more.items():
        axis = 2 if name == "time_ds" else 0
        whole[name] = np.ascontiguousarray(np.concatenate([whole[name], rows], axis=axis))
