"""Tracks as a phone would record them: drive a way through the streets, with noise and silence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geo import hierarchy
from geo.network import RoadNetwork
from geo.observations import Track, TrackPoint
from geo.plane import M_PER_DEGREE
from geo.types import LonLat, Mode


class Driven(NamedTuple):
    """A track and the truth behind it."""

    track: Track
    arcs: tuple[int, ...]
    entered_at: tuple[float, ...]


def random_way(
    network: RoadNetwork, mode: Mode, rng: np.random.Generator, least_m: float
) -> tuple[int, ...]:
    """Return the arcs of the fastest way between two corners drawn at random."""
    graph, topology = network.graph(mode), network.topology(mode)
    time_ds = np.asarray(network.times_ds(mode)).T.reshape(-1)[graph.link_arc]
    length_dm = np.asarray(network.arrays.edge_length_dm)[graph.link_arc >> 1]
    metric = hierarchy.customize(topology, time_ds + graph.link_turn_ds, length_dm)
    while True:
        one, other = rng.integers(0, len(graph.state_node), 2).tolist()
        found = hierarchy.path(
            metric, hierarchy.Seeds.of_nodes([one]), hierarchy.Seeds.of_nodes([other])
        )
        if found is not None and found.length_dm >= least_m * 10:
            return tuple(graph.link_arc[found.links].tolist())


def line_of(network: RoadNetwork, arc: int) -> np.ndarray:
    """Return the line of an arc in the direction of travel, degrees."""
    line = network.line(arc >> 1)
    return line[::-1] if arc & 1 else line


def drive(
    network: RoadNetwork,
    mode: Mode,
    arcs: Sequence[int],
    rng: np.random.Generator,
    *,
    start_at: float = 1_800_000_000.0,
    pace: float = 1.0,
    every_s: float = 5.0,
    sigma_m: float = 5.0,
    waits: dict[int, float] | None = None,
    silences: Sequence[tuple[float, float]] = (),
    accuracy: bool = False,
) -> Driven:
    """Drive along arcs at free flow times `pace`; `waits` are seconds stood halfway on an arc.

    `silences` are shares of the whole time without a signal.
    """
    free_ds = np.asarray(network.times_ds(mode)).T.reshape(-1)
    places: list[np.ndarray] = []
    moments: list[float] = []
    entered: list[float] = []
    now = start_at
    for arc in arcs:
        entered.append(now)
        line = line_of(network, arc)
        shrink = math.cos(math.radians(line[0, 1]))
        steps = np.hypot(*(np.diff(line, axis=0) * [shrink, 1.0]).T)
        share = np.concatenate([[0.0], np.cumsum(steps)]) / max(steps.sum(), 1e-12)
        took_s = float(free_ds[arc]) / 10 * pace
        places += [*line]
        moments += (now + share * took_s).tolist()
        now += took_s
        if waits and (wait := waits.get(arc)):
            half = entered[-1] + took_s / 2
            middle = [np.interp(0.5, share, line[:, axis]) for axis in (0, 1)]
            keep = [i for i, at in enumerate(moments) if at <= half]
            later = [(at + wait, p) for at, p in zip(moments, places, strict=True) if at > half]
            moments = [moments[i] for i in keep] + [half, half + wait] + [at for at, _ in later]
            places = [places[i] for i in keep] + [np.array(middle)] * 2 + [p for _, p in later]
            now += wait
    at = np.arange(start_at, now, every_s)
    for begin, end in silences:
        whole = now - start_at
        at = at[(at < start_at + begin * whole) | (at > start_at + end * whole)]
    true = np.stack([np.interp(at, moments, np.array(places)[:, axis]) for axis in (0, 1)], axis=1)
    shrink = math.cos(math.radians(true[0, 1]))
    noise = rng.normal(0.0, sigma_m, true.shape) / M_PER_DEGREE / [shrink, 1.0]
    seen = true + noise
    points = tuple(
        TrackPoint(float(t), LonLat(*place), sigma_m * 1.515 if accuracy else None)
        for t, place in zip(at, seen.tolist(), strict=True)
    )
    return Driven(Track(points, mode), tuple(arcs), tuple(entered))


def agreement(
    network: RoadNetwork, true: Sequence[int], found: Sequence[int]
) -> tuple[float, float]:
    """Return which share of the true way was found, and of the found way is true, by length."""
    length = np.asarray(network.arrays.edge_length_dm)
    both = set(true) & set(found)
    shared = sum(int(length[arc >> 1]) for arc in both)
    return (
        shared / sum(int(length[arc >> 1]) for arc in set(true)),
        shared / max(sum(int(length[arc >> 1]) for arc in set(found)), 1),
    )
