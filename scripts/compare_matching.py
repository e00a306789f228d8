"""Our map matcher beside Leuven.MapMatching on the same simulated tracks through Helsinki.

    pip install --target /tmp/peer --no-deps leuvenmapmatching==1.1.4 rtree
    PYTHONPATH=/tmp/peer:tests/geo:. python scripts/compare_matching.py

For each mode and sampling: the share of the true way found and the share of the way found that
is true (by length, means over the tracks), and the median time per track.  The peer is given a
map in metres (its fastest kind) with an edge for every straight piece and an index over them,
Newson & Krumm's noise, and the settings of its documentation; once the raw track, and once the
track thinned by our own preparation.
"""

from __future__ import annotations

import itertools
import time

import numpy as np
from driven_track import Driven, agreement, drive, random_way
from leuvenmapmatching.map.inmem import InMemMap
from leuvenmapmatching.matcher.distance import DistanceMatcher

from geo.city import load_city
from geo.matching import Matcher
from geo.nearby import Streets
from geo.network import RoadNetwork
from geo.plane import E7
from geo.tracks import ordered, thinned
from geo.types import Mode

TRACKS = 8
SEED = 2026  # not the one that the constants were tried on
LEAST_M = 600
MOST_RAW = 700  # the peer takes half a minute for a raw track longer than this
SAMPLINGS = ((1.0, 4.0), (5.0, 5.0), (15.0, 5.0))


class Peer:
    """Leuven.MapMatching over the streets of one mode."""

    def __init__(self, network: RoadNetwork, streets: Streets, mode: Mode) -> None:
        arrays = network.arrays
        self.map = InMemMap("city", use_latlon=False, use_rtree=True, index_edges=True)
        self.arcs: dict[tuple[int, int], int] = {}
        along, against = network.times_ds(mode)
        place = streets.plane(arrays.point_e7 / E7)
        corners = streets.plane(arrays.node_e7 / E7)
        for node, (x, y) in enumerate(corners.tolist()):
            self.map.add_node(node, (y, x))
        for edge, (first, last) in enumerate(arrays.edge_nodes.tolist()):
            begin, end = arrays.point_start[edge : edge + 2].tolist()
            between = [network.node_count + point for point in range(begin + 1, end - 1)]
            for point, label in zip(range(begin + 1, end - 1), between, strict=True):
                self.map.add_node(label, tuple(place[point, ::-1].tolist()))
            line = [first, *between, last]
            for usable, arc, labels in (
                (along[edge], 2 * edge, line),
                (against[edge], 2 * edge + 1, line[::-1]),
            ):
                for one, other in itertools.pairwise(labels) if usable else ():
                    self.map.add_edge(one, other)
                    self.arcs[one, other] = arc
        self.map.purge()

    def match(self, path: list[tuple[float, float]], sigma_m: float) -> list[int]:
        """Return the arcs of a track."""
        matcher = DistanceMatcher(
            self.map,
            max_dist=8 * sigma_m,
            max_dist_init=8 * sigma_m,
            obs_noise=sigma_m,
            obs_noise_ne=2 * sigma_m,
            dist_noise=2 * sigma_m,
            min_prob_norm=0.001,
            non_emitting_states=True,
            max_lattice_width=12,
        )
        matcher.match(path)
        states = [one.edge_m for one in matcher.lattice_best or ()]
        found = [self.arcs[state.l1, state.l2] for state in states]
        return [arc for arc, before in zip(found, [-1, *found], strict=False) if arc != before]


def report(name: str, shares: list[tuple[float, float]], took_s: list[float]) -> str:
    """Return one line of the table."""
    found, true = np.mean(shares, axis=0)
    return f"  {name:<24} {found:6.3f} {true:6.3f} {1000 * float(np.median(took_s)):9.1f} ms"


def main() -> None:
    """Print the table."""
    network = load_city("helsinki").network
    streets = Streets(network)
    matcher = Matcher(network, streets)
    for mode in (Mode.CAR, Mode.BIKE, Mode.WALK):
        peer = Peer(network, streets, mode)
        rng = np.random.default_rng(0)
        matcher.match(drive(network, mode, random_way(network, mode, rng, LEAST_M), rng).track)
        for every_s, sigma_m in SAMPLINGS:
            rng = np.random.default_rng(SEED)
            tracks: list[Driven] = []
            for _ in range(TRACKS):
                way = random_way(network, mode, rng, LEAST_M)
                tracks.append(
                    drive(network, mode, way, rng, pace=1.3, every_s=every_s, sigma_m=sigma_m)
                )
            points = int(np.mean([len(driven.track.points) for driven in tracks]))
            print(f"{mode}, every {every_s:.0f} s, noise {sigma_m:.0f} m, {points} points")
            rows: dict[str, tuple[list[tuple[float, float]], list[float]]] = {}
            for driven in tracks:
                begin = time.perf_counter()
                match = matcher.match(driven.track)
                took_s = time.perf_counter() - begin
                found = [one.arc for piece in match.pieces for one in piece]
                raw = ordered(driven.track.points, streets)
                answers = [("ours", found, took_s)]
                given = [("leuven", raw), ("leuven, thinned", thinned(raw))]
                for name, seen in given if len(raw.at) <= MOST_RAW else given[1:]:
                    path = [(y, x) for x, y in seen.place.tolist()]
                    begin = time.perf_counter()
                    found = peer.match(path, sigma_m)
                    answers.append((name, found, time.perf_counter() - begin))
                for name, found, took_s in answers:
                    shares, times = rows.setdefault(name, ([], []))
                    shares.append(agreement(network, driven.arcs, found))
                    times.append(took_s)
            for name, (shares, times) in rows.items():
                print(report(name, shares, times))


if __name__ == "__main__":
    main()
