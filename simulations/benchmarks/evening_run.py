"""One evening from its first click to its last door, timed."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, ParamSpec, TypeVar

from dispatch.commands import PlaceOrder
from geo.progress import stage
from simulations.benchmarks.evening_town import Setting
from simulations.loop import Simulation, result_of

P = ParamSpec("P")
R = TypeVar("R")

TENTHS: Final = 10
_DRAIN_S: Final = 2 * 3600
_SAY_EVERY_S: Final = 120
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of the evening's orders cost.

    Attributes
    ----------
    wall_s, processor_s
        From the click before its first order to the click of its last one.
    open_orders
        When it ended.
    """

    orders: int
    wall_s: float
    processor_s: float
    open_orders: int

    @property
    def per_order_ms(self) -> float:
        """Processor time per order."""
        return 1000 * self.processor_s / max(1, self.orders)


@dataclass(frozen=True, slots=True)
class Timed:
    """What came of an evening.

    Attributes
    ----------
    simulated_s
        From the first click until the last order was closed; `clicking_s` of it until the last
        click.
    wall_s, processor_s
        What that took; `clicking_wall_s` until the last click.
    shares
        By kind of work, of all of `wall_s`.
    peak_mb
        Largest resident size of the process so far: the city, compiled code and the log with it.
    """

    orders: int
    couriers: int
    seed: int
    simulated_s: int
    clicking_s: int
    wall_s: float
    clicking_wall_s: float
    processor_s: float
    parts: tuple[Part, ...]
    shares: dict[str, float]
    plans: int
    plan_p50_ms: float
    plan_p95_ms: float
    events: int
    delivered: int
    open_at_end: int
    on_time_share: float | None
    violations: int
    peak_mb: float

    @property
    def times_real(self) -> float:
        """Simulated seconds per second, the whole evening."""
        return self.simulated_s / self.wall_s

    @property
    def times_real_clicking(self) -> float:
        """The same until the last click: while the streets are full."""
        return self.clicking_s / self.clicking_wall_s

    @property
    def per_order_ms(self) -> float:
        """Processor time per order."""
        return 1000 * self.processor_s / self.orders


class Shares:
    """Who took how long: time inside somebody called by another counts for the inner one alone."""

    def __init__(self) -> None:
        self.took_s: dict[str, float] = {}
        self._running: list[float] = []

    def timed(self, name: str, function: Callable[P, R]) -> Callable[P, R]:
        """Return a function that counts its time for a name."""

        def timing(*args: P.args, **kwargs: P.kwargs) -> R:
            return self._call(name, function, *args, **kwargs)

        return timing

    def handling(self, handle: Callable[[Any], R]) -> Callable[[Any], R]:
        """Return an engine's `handle` that counts new orders apart from other commands."""

        def timing(command: Any) -> R:
            name = "orders promised" if isinstance(command, PlaceOrder) else "other commands"
            return self._call(name, handle, command)

        return timing

    def _call(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        began = time.perf_counter()
        self._running.append(0.0)
        try:
            return function(*args, **kwargs)
        finally:
            took_s = time.perf_counter() - began
            inner_s = self._running.pop()
            self.took_s[name] = self.took_s.get(name, 0.0) + took_s - inner_s
            if self._running:
                self._running[-1] += took_s

    def watch(self, simulation: Simulation) -> None:
        """Count what a simulation does; its decisions stay what they are."""
        engine, world = simulation.engine, simulation.world
        watched: tuple[tuple[object, str, str], ...] = (
            (engine, "snapshot", "snapshots"),
            (engine, "publish", "check and publish"),
            (engine, "commit_due", "telling couriers"),
            (engine, "next_commit_at", "telling couriers"),
            (engine, "report_position", "positions"),
            (world, "positions", "positions"),
            (world, "hear", "world"),
            (world, "act", "world"),
        )
        for thing, method, name in watched:
            setattr(thing, method, self.timed(name, getattr(thing, method)))
        # By a name that is no constant: to a type checker a method is not to be replaced.
        for method in ("handle",):
            setattr(engine, method, self.handling(engine.handle))


def run(setting: Setting, seed: int, title: str) -> Timed:
    """Run an evening to its end and say what it took."""
    simulation = Simulation(
        setting.scenario,
        setting.city,
        seed=seed,
        policy=setting.policy,
        stopwatch=time.perf_counter,
        demand_until=setting.ends_at,
    )
    shares = Shares()
    shares.watch(simulation)
    began, used = time.perf_counter(), time.process_time()
    with stage(title) as report:
        parts = _clicked(simulation, setting, report)
        clicking_wall_s = time.perf_counter() - began
        simulation.drain(setting.ends_at + _DRAIN_S)
    wall_s, processor_s = time.perf_counter() - began, time.process_time() - used
    found = result_of(simulation)
    plan_ms = found.solve_ms
    took_s = dict(shares.took_s)
    took_s["plans"] = sum(plan_ms) / 1000
    took_s["the loop itself"] = max(0.0, wall_s - sum(took_s.values()))
    return Timed(
        orders=setting.orders,
        couriers=setting.couriers,
        seed=seed,
        simulated_s=simulation.now - setting.starts_at,
        clicking_s=setting.ends_at - setting.starts_at,
        wall_s=wall_s,
        clicking_wall_s=clicking_wall_s,
        processor_s=processor_s,
        parts=parts,
        shares={name: s / wall_s for name, s in sorted(took_s.items(), key=lambda kv: -kv[1])},
        plans=len(plan_ms),
        plan_p50_ms=median(plan_ms) if plan_ms else 0.0,
        plan_p95_ms=found.kpis.replan_p95_ms or 0.0,
        events=len(found.log),
        delivered=found.kpis.delivered,
        open_at_end=found.kpis.open,
        on_time_share=found.kpis.on_time_share,
        violations=found.kpis.violations,
        peak_mb=peak_mb(),
    )


def _clicked(
    simulation: Simulation, setting: Setting, report: Callable[[float], None]
) -> tuple[Part, ...]:
    """Run until the last click; returns what each tenth of the orders took."""
    parts: list[Part] = []
    done = 0
    for tenth in range(1, TENTHS + 1):
        last = setting.orders * tenth // TENTHS
        until = setting.ends_at if tenth == TENTHS else setting.clicks[last]
        wall, used = time.perf_counter(), time.process_time()
        while simulation.now < until:
            simulation.run(min(until, simulation.now + _SAY_EVERY_S))
            passed_s = simulation.now - setting.starts_at
            report(passed_s / max(1, setting.ends_at - setting.starts_at))
        parts.append(
            Part(
                orders=last - done,
                wall_s=time.perf_counter() - wall,
                processor_s=time.process_time() - used,
                open_orders=len(simulation.engine.state.orders),
            )
        )
        done = last
    return tuple(parts)


def peak_mb() -> float:
    """Return the largest resident size of this process so far, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / (_KIB * _KIB) if sys.platform == "darwin" else peak / _KIB
