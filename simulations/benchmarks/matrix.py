"""`samehour bench matrix`: our travel times beside their peers, in one process and one run.

Every answer is compared with the peer's before anything is timed.  Ours and a peer's are timed in
turn, round after round, and the medians are divided: what else the machine does meets both.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.city import find_city, load_city
from geo.errors import GeoError
from geo.hierarchy import Seeds, customize, table, times
from geo.network import E7, RoadNetwork
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode
from geo.warming import warm_up as warm_up_kernels
from simulations.benchmarks.osrm import OsrmError, table_ms
from simulations.benchmarks.peers import Links, RoutingKit, Scipy, Tree, graphml_loader
from simulations.benchmarks.tiling import tiled

_SIDE: Final = 1000
_STORES: Final = 20
_LIMIT_S: Final = 1200
_SNAPS: Final = 10_000
_ROUTES: Final = 100
_FEW_ROWS: Final = 50
_LOADS: Final = 7
_BIG: Final = 100_000
"""From this many junctions on, slow peers answer fewer rows and are said to."""

_MISSED: Final = 1
_WRONG_INPUT: Final = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    ratio, gate
        How many times faster than the peer, and at least how many it must be; None where nothing
        is asked.
    """

    what: str
    ours_ms: float
    peer: str = ""
    peer_ms: float | None = None
    gate: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times faster than the peer."""
        return None if self.peer_ms is None else self.peer_ms / self.ours_ms

    @property
    def is_missed(self) -> bool:
        """Whether the gate is missed."""
        return self.gate is not None and (self.ratio is None or self.ratio < self.gate)


class DifferentAnswerError(Exception):
    """A peer says something else: no figure is worth anything then."""


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; returns 0, 1 when an answer differs or a gate is missed, 2 wrong input."""
    try:
        path = find_city(arguments.city)
        city = load_city(path)
        network = city.network
        network.check_mode(Mode(arguments.mode))
    except GeoError as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _WRONG_INPUT
    began = time.perf_counter()
    warm_up_kernels()
    warm_s = time.perf_counter() - began
    if arguments.tiles > 1:
        with _saying(f"laying {city.title} out {arguments.tiles} times"):
            network = tiled(network, arguments.tiles, network.classes.index("tertiary"))
    bench = _Bench(network, path, arguments)
    try:
        rows = list(bench.rows())
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"samehour: a benchmark beside its peers needs {error.name}, which is not installed; "
            "install it: pip install 'samehour[city,dev]'\n"
        )
        return _WRONG_INPUT
    except (DifferentAnswerError, OsrmError) as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _MISSED
    facts = {**bench.facts(), "warm_up_s": round(warm_s, 3)}
    _print(city.title, facts, rows)
    if arguments.json:
        figures = [{**asdict(row), "ratio": row.ratio} for row in rows]
        sys.stdout.write(json.dumps({"facts": facts, "rows": figures}) + "\n")
    return _MISSED if any(row.is_missed for row in rows) else 0


class _Bench:
    """A city with everything to be asked of it."""

    def __init__(self, network: RoadNetwork, path: Path, arguments: argparse.Namespace) -> None:
        self.network, self.path, self.mode = network, path, Mode(arguments.mode)
        self.rounds, self.is_tiled = arguments.rounds, arguments.tiles > 1
        self.osrm: Path | None = arguments.osrm
        began = time.perf_counter()
        with _saying("opening the hierarchy" if not self.is_tiled else "building the hierarchy"):
            self.topology = network.topology(self.mode)
        self.build_s = time.perf_counter() - began
        self.links = Links(network, self.mode)
        self.metric = customize(self.topology, self.links.time_ds, self.links.length_dm)
        rng = np.random.default_rng(arguments.seed)
        self.origins = rng.integers(0, self.links.states, _SIDE, dtype=np.int32)
        self.destinations = rng.integers(0, self.links.states, _SIDE, dtype=np.int32)
        self.places = self._places(rng, _SNAPS)
        self.travel = NetworkTravelTimes(network)
        self.slow_rows = _FEW_ROWS if network.node_count > _BIG else _SIDE

    def _places(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """Return places up to some 40 m beside a street of the mode, float64 (count, 2)."""
        usable = np.flatnonzero(self.network.times_ds(self.mode).any(axis=0))
        edge = rng.choice(usable, count)
        start, stop = self.network.arrays.point_start[[edge, edge + 1]]
        point = start + (rng.random(count) * (stop - start)).astype(np.int64)
        beside = rng.normal(scale=2e-4, size=(count, 2))
        return np.asarray(self.network.arrays.point_e7[point] / E7 + beside)

    def rows(self) -> Iterator[Row]:
        """Measure everything, one line after the other."""
        yield from self._tables()
        yield self._update()
        yield from self._few_to_many()
        yield self._snaps()
        yield from self._routes()
        if not self.is_tiled:
            yield from self._loading()
        if self.osrm is not None:
            yield self._osrm(self.osrm)

    def _tables(self) -> Iterator[Row]:
        sources, targets = _single(self.origins), _single(self.destinations)
        scipy = Scipy(self.links)
        few = self.origins[: self.slow_rows]
        expected = scipy.table(few, self.destinations)
        found = times(self.metric, sources, targets)
        _compare(found[: self.slow_rows], expected, scipy.name)
        name = f"table {_SIDE} x {_SIDE}, times"
        ours, theirs = self._pair(
            lambda: times(self.metric, sources, targets),
            lambda: scipy.table(few, self.destinations),
        )
        share = _SIDE / self.slow_rows
        note = "" if share == 1 else f"peer: {self.slow_rows} rows, times {share:.0f}"
        yield Row(name, ours, scipy.name, theirs * share, None if self.is_tiled else 60, note)
        kit = RoutingKit(self.links)
        _compare(found, kit.table(self.origins, self.destinations), kit.name)
        ours, theirs = self._pair(
            lambda: times(self.metric, sources, targets),
            lambda: kit.table_unread(self.origins, self.destinations),
        )
        yield Row(name, ours, kit.name, theirs, None if self.is_tiled else 4)
        self.kit = kit
        _compare(table(self.metric, sources, targets)[0], found, "our own faster table")
        yield Row(
            f"table {_SIDE} x {_SIDE}, times and lengths",
            self._alone(lambda: table(self.metric, sources, targets)),
        )
        spots = [LonLat(*place) for place in self.places[: 2 * _SIDE].tolist()]
        yield Row(
            f"matrix() of {_SIDE} x {_SIDE} places",
            self._alone(lambda: self.travel.matrix(spots[:_SIDE], spots[_SIDE:], self.mode, 0)),
            note="between doors, times and lengths, access on foot",
        )

    def _update(self) -> Row:
        ours, theirs = self._pair(
            lambda: customize(self.topology, self.links.time_ds, self.links.length_dm),
            self.kit.update,
        )
        gate = None if self.is_tiled else 0.5
        return Row("all weights anew", ours, self.kit.name, theirs, gate, "ours with lengths")

    def _few_to_many(self) -> Iterator[Row]:
        stores, doors = self.origins[:_STORES], self.destinations
        scipy = Scipy(self.links)
        limit_ds = _LIMIT_S * 10
        expected = scipy.table(stores, doors, limit_ds)
        found = times(self.metric, _single(stores), _single(doors))
        within = expected <= limit_ds
        _compare(found[within], expected[within], scipy.name)
        if (found[~within] <= limit_ds).any():
            raise DifferentAnswerError(f"{scipy.name} does not reach what we reach in time")
        ours, theirs = self._pair(
            lambda: times(self.metric, _single(stores), _single(doors)),
            lambda: scipy.table(stores, doors, limit_ds),
        )
        gate = None if self.is_tiled else 8
        note = f"peer stops at {_LIMIT_S // 60} min, ours does not need to"
        yield Row(f"{_STORES} stores x {_SIDE} doors", ours, scipy.name, theirs, gate, note)

    def _snaps(self) -> Row:
        tree = Tree(self.network, self.mode)
        ours, theirs = self._pair(
            lambda: self.network.snap_points(self.places, self.mode),
            lambda: tree.snap(self.places),
        )
        return Row(f"{_SNAPS} snaps", ours, tree.name, theirs, None if self.is_tiled else 10)

    def _routes(self) -> Iterator[Row]:
        spots = [LonLat(*place) for place in self.places[: 2 * _ROUTES].tolist()]
        pairs = list(zip(spots[:_ROUTES], spots[_ROUTES:], strict=True))
        each = [
            _ms(partial(self.travel.route, origin, destination, self.mode, 0))
            for origin, destination in pairs * self.rounds
        ]
        yield Row(
            "a route with geometry and steps",
            statistics.median(each),
            gate=None,
            note=f"median of {len(each)}, slowest {max(each):.2f} ms; to stay under 1 ms",
        )
        yield Row(
            "reachable in 10 min",
            self._alone(lambda: self.travel.reachable(spots[0], 600, self.mode, 0)),
        )
        reach = self.travel.reachable(spots[0], 600, self.mode, 0)
        yield Row("its polygon", self._alone(reach.polygon), note="drawn along the streets")

    def _loading(self) -> Iterator[Row]:
        def ours() -> float:
            gc.collect()  # what OSMnx left behind is not to be cleared away on our time
            return statistics.median(_ms(lambda: load_city(self.path)) for _ in range(_LOADS))

        def theirs() -> float:
            gc.collect()
            return _ms(load)

        with tempfile.TemporaryDirectory() as folder:
            with _saying("writing the city's roads as GraphML for OSMnx"):
                load = graphml_loader(self.network, self.mode, Path(folder) / "city.graphml")
            pairs = [(ours(), theirs()) for _ in range(self.rounds)]
        ours_ms, theirs_ms = (statistics.median(times) for times in zip(*pairs, strict=True))
        yield Row(
            "loading the city", ours_ms, "OSMnx, GraphML", theirs_ms, 500, f"theirs: {self.mode}"
        )
        spot = LonLat(*self.places[0].tolist())

        def to_first_answer() -> None:
            travel = NetworkTravelTimes(load_city(self.path).network)
            travel.matrix([spot], [spot], self.mode, 0)

        yield Row("loading and the first answer", self._alone(to_first_answer))

    def _osrm(self, python: Path) -> Row:
        places = self.places[: 2 * _SIDE]
        spots = [LonLat(*place) for place in places.tolist()]
        with _saying("extracting and contracting the city's roads with OSRM"):
            theirs = table_ms(self.network, python, places, self.rounds)
        ours = self._alone(
            lambda: self.travel.durations(spots[:_SIDE], spots[_SIDE:], self.mode, 0)
        )
        note = "car, snapping and turns on both sides; not timed in turn, answers not compared"
        return Row(f"durations() of {_SIDE} x {_SIDE} places", ours, "OSRM, CH", theirs, None, note)

    def _pair(
        self, ours: Callable[[], object], theirs: Callable[[], object]
    ) -> tuple[float, float]:
        """Return the medians in ms of two things done in turn; the first round warms up."""
        pairs = [(_ms(ours), _ms(theirs)) for _ in range(self.rounds + 1)][1:]
        return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)

    def _alone(self, ours: Callable[[], object]) -> float:
        return statistics.median([_ms(ours) for _ in range(self.rounds + 1)][1:])

    def facts(self) -> dict[str, Any]:
        """Return the sizes of what was measured."""
        megabytes = 1e6
        return {
            "mode": str(self.mode),
            "junctions": self.network.node_count,
            "edges": self.network.edge_count,
            "states": self.links.states,
            "links": len(self.links.tail),
            "hierarchy_built_s": round(self.build_s, 2),
            "roads_mb": round(_bytes_in(self.network.arrays) / megabytes, 1),
            "hierarchy_mb": round(_bytes_in(self.topology) / megabytes, 1),
            "weights_mb": round(_bytes_in(self.metric, self.topology) / megabytes, 1),
            "process_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        }


def _single(nodes: NDArray[np.int32]) -> Seeds:
    return Seeds.of_nodes(nodes)


def _compare(found: NDArray[np.int32], expected: NDArray[np.int32], peer: str) -> None:
    different = int((found != expected).sum())
    if different:
        raise DifferentAnswerError(
            f"{different} of {expected.size} times differ from those of {peer}: the figures would "
            "be worth nothing"
        )


def _bytes_in(holder: Any, without: object = None) -> int:
    """Return the bytes of all arrays in a record and in the records it holds, but of one."""
    if isinstance(holder, np.ndarray):
        return holder.nbytes
    if holder is without:
        return 0
    parts = holder if isinstance(holder, tuple) else ()
    if is_dataclass(holder):
        parts = tuple(getattr(holder, field.name) for field in fields(holder))
    return sum(_bytes_in(part, without) for part in parts)


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


@contextmanager
def _saying(what: str) -> Iterator[None]:
    sys.stderr.write(f"{what} ...\n")
    yield


def _print(title: str, facts: dict[str, Any], rows: list[Row]) -> None:
    sys.stdout.write(
        f"{title}, {facts['mode']}: {facts['junctions']} junctions, {facts['edges']} edges; with "
        f"turns {facts['states']} states, {facts['links']} links\n"
        f"memory: roads {facts['roads_mb']} MB, hierarchy {facts['hierarchy_mb']} MB, weights "
        f"{facts['weights_mb']} MB; this process with all peers {facts['process_peak_mb']} MB\n"
        f"compiled code ready in {facts['warm_up_s']} s, hierarchy there in "
        f"{facts['hierarchy_built_s']} s\n\n"
        f"{'':<34} {'ours':>10} {'peer':>11} {'times':>8} {'gate':>6}\n"
    )
    for row in rows:
        peer = "" if row.peer_ms is None else f"{row.peer_ms:.2f} ms"
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
        gate = "" if row.gate is None else f"{row.gate:g}"
        verdict = "  MISSED" if row.is_missed else ""
        beside = "; ".join(part for part in (row.peer, row.note) if part)
        sys.stdout.write(
            f"{row.what:<34} {row.ours_ms:>7.2f} ms {peer:>11} {ratio:>8} {gate:>6}  "
            f"{beside}{verdict}\n"
        )
