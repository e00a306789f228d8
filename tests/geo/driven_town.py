"""Drives through a drawn town: a plain search over the states of a mode's graph."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from drawn_town import at

from geo.network import RoadNetwork
from geo.plane import E7
from geo.turns import ModeGraph, mode_graph
from geo.types import Mode

Drawn = Sequence[tuple[Sequence[int], Mapping[str, str]]]
"""Ways for `drawn_town.town`."""


class Drive(NamedTuple):
    """Time after the first arc, and the arcs driven then."""

    time_ds: int
    arcs: tuple[int, ...]


def node(network: RoadNetwork, place: tuple[float, float]) -> int:
    away = np.abs(network.arrays.node_e7 / E7 - np.array(at(*place))).sum(axis=1)
    assert away.min() < 1e-6, f"no node at {place}"
    return int(away.argmin())


def arc(network: RoadNetwork, start: tuple[float, float], end: tuple[float, float]) -> int:
    pair = [node(network, start), node(network, end)]
    first = network.arrays.edge_nodes.tolist()
    return 2 * first.index(pair) if pair in first else 2 * first.index(pair[::-1]) + 1


def searched(graph: ModeGraph, times: np.ndarray, start: int) -> tuple[dict[int, int], dict]:
    """Search the states from the end of an arc; return the time at the end of each arc."""
    arc_ds = times.T.reshape(-1)
    leaving: dict[int, list[int]] = {}
    for link, tail in enumerate(graph.link_tail):
        leaving.setdefault(int(tail), []).append(link)
    begin = int(graph.arc_state[start])
    best, by, entered = {begin: 0}, {}, {}
    queue = [(0, begin)]
    while queue:
        time, state = heapq.heappop(queue)
        if time > best[state]:
            continue
        for link in leaving.get(state, ()):
            driven = int(graph.link_arc[link])
            head = int(graph.link_head[link])
            total = time + int(graph.link_turn_ds[link]) + int(arc_ds[driven])
            entered[driven] = min(total, entered.get(driven, total))
            if total < best.get(head, math.inf):
                best[head], by[head] = total, (state, driven)
                heapq.heappush(queue, (total, head))
    return entered, {"best": best, "by": by, "begin": begin}


def drive(
    network: RoadNetwork,
    mode: Mode,
    start: int,
    goal: tuple[float, float],
    *,
    drive_left: bool = False,
) -> Drive:
    """Drive from the end of an arc to a node."""
    graph = mode_graph(network.arrays, mode, network.classes, drive_left=drive_left)
    _, found = searched(graph, network.times_ds(mode), start)
    target = node(network, goal)
    ends = [state for state in found["best"] if graph.state_node[state] == target]
    state = min(ends, key=lambda one: found["best"][one])
    time, arcs = found["best"][state], []
    while state != found["begin"]:
        state, driven = found["by"][state]
        arcs.append(driven)
    return Drive(time, tuple(reversed(arcs)))


def streets(network: RoadNetwork, driven: Drive) -> list[str]:
    return [network.name(one >> 1) for one in driven.arcs]
