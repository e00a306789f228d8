"""`samehour bench evening`: how much faster than life a whole evening runs, and what it costs.

The very engine of the live service, checks and all, under a simulated clock.  Three questions:
how many times real time; whether an order costs the same whatever came before it and however
long the evening is; what it costs where the evening is as long but ten times as dense.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from statistics import median
from time import perf_counter
from typing import Final

from geo.errors import GeoError
from geo.progress import shown, stage
from simulations.benchmarks.evening_peers import Peer, bare_heap, queues
from simulations.benchmarks.evening_run import Timed, run
from simulations.benchmarks.evening_town import evening
from simulations.compiling import compile_all
from simulations.errors import SimulationError

AIM_TIMES: Final = 100.0
GROWTH: Final = (0.1, 0.3)
"""Shares of the evening's orders that smaller evenings have."""

_PAIR: Final = 2
_WARM_UP_ORDERS: Final = 20
_WRONG_INPUT: Final = 2
_BROKEN: Final = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """Evenings side by side, one per core.

    Attributes
    ----------
    wall_s
        From the first one's beginning to the last one's end.
    """

    evenings: tuple[Timed, ...]
    wall_s: float

    @property
    def times_real(self) -> float:
        """Simulated seconds of all of them per second."""
        return sum(one.simulated_s for one in self.evenings) / self.wall_s


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured.

    Attributes
    ----------
    repeats
        The evening, as often as it was run; the one of median wall time is told of.
    longer, denser
        Smaller evenings: at the same density and shorter, and as long and less dense.
    """

    repeats: tuple[Timed, ...]
    longer: tuple[Timed, ...]
    denser: tuple[Timed, ...]
    pair: Pair | None
    peers: tuple[Peer, ...]

    @property
    def whole(self) -> Timed:
        """The evening of median wall time."""
        return sorted(self.repeats, key=lambda one: one.wall_s)[len(self.repeats) // 2]

    @property
    def violations(self) -> int:
        """Of all evenings."""
        return sum(one.violations for one in self._all)

    @property
    def left_open(self) -> int:
        """Orders, of all evenings."""
        return sum(one.open_at_end for one in self._all)

    @property
    def _all(self) -> tuple[Timed, ...]:
        pair = self.pair.evenings if self.pair is not None else ()
        return (*self.repeats, *self.longer, *self.denser, *pair)


def measure(arguments: argparse.Namespace) -> int:
    """Measure and print; returns 0, 1 after a broken rule or an open order, 2 for wrong input."""
    try:
        compile_all(sys.stderr)
        with shown():
            report = _measured(arguments)
    except (GeoError, SimulationError) as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _WRONG_INPUT
    except KeyboardInterrupt:
        sys.stderr.write("stopped before the end; nothing to show\n")
        return _BROKEN
    sys.stdout.write("\n".join(told(report)) + "\n")
    if arguments.json:
        sys.stdout.write(json.dumps(figures(report)) + "\n")
    return _BROKEN if report.violations or report.left_open else 0


def _measured(arguments: argparse.Namespace) -> Report:
    orders, couriers, seed = arguments.orders, arguments.couriers, arguments.seed
    per_hour = arguments.per_hour
    # Compiled code and files are there before anything is measured.
    _run(_WARM_UP_ORDERS, couriers, per_hour, seed)
    repeats = tuple(_run(orders, couriers, per_hour, seed) for _ in range(arguments.repeat))
    longer: list[Timed] = []
    denser: list[Timed] = []
    for share in GROWTH if arguments.growth else ():
        fewer = max(1, round(share * orders))
        longer.append(_run(fewer, couriers, per_hour, seed))
        denser.append(_run(fewer, max(1, round(share * couriers)), share * per_hour, seed))
    pair = _side_by_side(orders, couriers, per_hour, seed) if arguments.pair else None
    setting = evening(orders, couriers, per_hour, seed)
    step_s = repeats[0].simulated_s / max(1, repeats[0].events)
    times = [setting.starts_at + int(number * step_s) for number in range(repeats[0].events)]
    return Report(repeats, tuple(longer), tuple(denser), pair, (bare_heap(times), queues(setting)))


def _run(orders: int, couriers: int, per_hour: float, seed: int) -> Timed:
    title = f"{orders} orders, {couriers} couriers"
    return run(evening(orders, couriers, per_hour, seed), seed, title)


def _side_by_side(orders: int, couriers: int, per_hour: float, seed: int) -> Pair:
    """Run evenings of different seeds at the same time, each in a process of its own."""
    with (
        stage(f"{_PAIR} evenings side by side"),
        ProcessPoolExecutor(_PAIR, mp_context=get_context("spawn")) as pool,
    ):
        # Started and compiled before anything is measured.
        warm = [pool.submit(_run, _WARM_UP_ORDERS, couriers, per_hour, seed) for _ in range(_PAIR)]
        for one in warm:
            one.result()
        began = perf_counter()
        seeds = range(seed, seed + _PAIR)
        asked = [pool.submit(_run, orders, couriers, per_hour, each) for each in seeds]
        evenings = tuple(one.result() for one in asked)
    return Pair(evenings, perf_counter() - began)


# --- in words ----------------------------------------------------------------------------------


def told(report: Report) -> Iterator[str]:
    """Yield the lines of a report."""
    one = report.whole
    yield (
        f"An evening in La Serena: {one.orders} orders, {one.couriers} couriers, "
        f"{one.plans} plans, {one.events} events"
    )
    wall = ", ".join(f"{each.wall_s:.1f}" for each in report.repeats)
    yield (
        f"  {one.simulated_s / 3600:.2f} h in {one.wall_s:.1f} s ({one.processor_s:.1f} s of a "
        f"processor): {one.times_real:.0f} times real time (aim: {AIM_TIMES:.0f}); "
        f"{one.times_real_clicking:.0f} times while customers click"
    )
    if len(report.repeats) > 1:
        yield f"  median of {len(report.repeats)} runs, which took {wall} s"
    on_time = "-" if one.on_time_share is None else f"{one.on_time_share:.1%}"
    yield (
        f"  {one.delivered} delivered, {on_time} on time, {report.left_open} left open, "
        f"{report.violations} violations; at most {one.peak_mb:.0f} MB"
    )
    yield f"  a plan: {one.plan_p50_ms:.0f} ms median, {one.plan_p95_ms:.0f} ms for 95 in 100"
    yield ""
    yield "  where the time goes"
    yield from (f"    {name:<20}{share:>7.1%}" for name, share in one.shares.items())
    yield ""
    yield f"  {'tenth of the orders':<22}{'ms per order':>14}{'open at its end':>18}"
    for number, part in enumerate(one.parts, start=1):
        yield f"  {number:<22}{part.per_order_ms:>14.1f}{part.open_orders:>18}"
    yield from _growth("longer, as dense", (*report.longer, one) if report.longer else ())
    yield from _growth("denser, as long", (*report.denser, one) if report.denser else ())
    if report.pair is not None:
        pair = report.pair
        memory = " and ".join(f"{each.peak_mb:.0f}" for each in pair.evenings)
        yield ""
        yield (
            f"  {len(pair.evenings)} evenings side by side: {pair.wall_s:.1f} s, together "
            f"{pair.times_real:.0f} times real time; {memory} MB"
        )
    yield ""
    yield f"  {'beside':<22}{'events':>10}{'us per event':>14}{'times real time':>18}"
    us = 1e6 * one.wall_s / max(1, one.events)
    yield f"  {'the engine':<22}{one.events:>10}{us:>14.1f}{one.times_real:>18,.0f}"
    for peer in report.peers:
        yield (
            f"  {peer.name:<22}{peer.events:>10}{peer.per_event_us:>14.1f}{peer.times_real:>18,.0f}"
        )
    yield "  (peers decide nothing: no streets, stock, promises, plans or checks)"


def _growth(what: str, evenings: Sequence[Timed]) -> Iterator[str]:
    if not evenings:
        return
    yield ""
    yield f"  {what:<22}{'couriers':>10}{'hours':>8}{'ms per order':>14}{'times real time':>18}"
    for each in evenings:
        yield (
            f"  {f'{each.orders} orders':<22}{each.couriers:>10}"
            f"{each.clicking_s / 3600:>8.2f}{each.per_order_ms:>14.1f}{each.times_real:>18.0f}"
        )


def figures(report: Report) -> dict[str, object]:
    """Return a report as JSON has it."""
    return {
        "evening": _figures(report.whole),
        "repeats_wall_s": [one.wall_s for one in report.repeats],
        "median_wall_s": median(one.wall_s for one in report.repeats),
        "longer": [_figures(one) for one in report.longer],
        "denser": [_figures(one) for one in report.denser],
        "pair": None
        if report.pair is None
        else {
            "wall_s": report.pair.wall_s,
            "times_real": report.pair.times_real,
            "evenings": [_figures(one) for one in report.pair.evenings],
        },
        "peers": [
            {**asdict(peer), "per_event_us": peer.per_event_us, "times_real": peer.times_real}
            for peer in report.peers
        ],
    }


def _figures(one: Timed) -> dict[str, object]:
    parts = [{**asdict(part), "per_order_ms": part.per_order_ms} for part in one.parts]
    return {
        **asdict(one),
        "parts": parts,
        "times_real": one.times_real,
        "times_real_clicking": one.times_real_clicking,
        "per_order_ms": one.per_order_ms,
    }
