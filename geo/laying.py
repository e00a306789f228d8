"""One version of the traffic, laid on the roads of one mode."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo import hierarchy
from geo.compiled import kernel
from geo.ends import Stretches, read_only
from geo.network import RoadNetwork
from geo.turns import ModeGraph
from geo.types import UNREACHABLE_S, Mode
from geo.weights import Weights


class Laid(NamedTuple):
    """The weights of one mode in one period, laid on its hierarchy.

    Attributes
    ----------
    graph
        The mode's states and links.
    times_ds, access_ds
        int32 (2, E), as the weights told them.
    link_ds
        int32 (L,): what each link costs, turn and signals included.
    stretches
        What the ends of trips are worked out with.
    metric
        What is searched.
    """

    graph: ModeGraph
    times_ds: NDArray[np.int32]
    access_ds: NDArray[np.int32]
    link_ds: NDArray[np.int32]
    stretches: Stretches
    metric: hierarchy.Metric


def lay(
    network: RoadNetwork, mode: Mode, weights: Weights, period: Hashable, known: Iterable[Laid]
) -> Laid:
    """Lay weights on the roads of a mode.

    Parameters
    ----------
    known
        What was laid before on the same roads: where the times are the same it is taken again.

    Raises
    ------
    UnknownModeError
        The network has no such mode.
    ValueError
        The weights are not for this network.
    """
    shape = network.times_ds(mode).shape
    times_ds = read_only(weights.times_ds(mode, period))
    access_ds = read_only(weights.access_ds(mode, period))
    if times_ds.shape != shape or access_ds.shape != shape:
        raise ValueError(f"weights '{weights.version}' are not for network '{network.version}'")
    for laid in known:
        if np.array_equal(laid.times_ds, times_ds) and np.array_equal(laid.access_ds, access_ds):
            return laid
    graph, topology = network.roads(mode)
    stretches = Stretches.of(graph, access_ds, network.arrays.edge_length_dm)
    link_ds = _link_times(read_only(graph.link_arc), stretches.link_turn_ds, times_ds)
    link_dm = stretches.length_dm[graph.link_arc >> 1]
    metric = hierarchy.customize(topology, link_ds, link_dm)
    return Laid(graph, times_ds, access_ds, link_ds, stretches, metric)


@kernel
def _link_times(
    link_arc: NDArray[np.int32], link_turn_ds: NDArray[np.int32], times_ds: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return what each link costs; `UNREACHABLE_S` where its street is closed."""
    link_ds = np.empty(len(link_arc), np.int32)
    for link in range(len(link_arc)):
        arc = link_arc[link]
        time_ds = times_ds[arc & 1, arc >> 1]
        is_open = 0 < time_ds < UNREACHABLE_S
        link_ds[link] = time_ds + link_turn_ds[link] if is_open else UNREACHABLE_S
    return link_ds
