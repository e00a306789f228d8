"""What an evening's events cost without an engine: a bare heap, and SimPy.

The heap passes on as many events as the evening's log has, at the same times, and does nothing
with them.  SimPy runs a queueing model of the same evening: the same clicks, a picker of a
common pool, then the courier of a common pool who has waited longest, each for a fixed time.
Neither knows streets, stock, promises or plans, and nobody there is asked anything.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from simulations.benchmarks.evening_town import Setting

_PICK_S = 225
_ROUND_S = 900


@dataclass(frozen=True, slots=True)
class Peer:
    """What a peer took.

    Attributes
    ----------
    events
        It passed on.
    simulated_s
        Until the last of them.
    """

    name: str
    events: int
    wall_s: float
    simulated_s: int

    @property
    def per_event_us(self) -> float:
        """Wall time per event."""
        return 1e6 * self.wall_s / max(1, self.events)

    @property
    def times_real(self) -> float:
        """Simulated seconds per second."""
        return self.simulated_s / max(1e-9, self.wall_s)


def bare_heap(times: Sequence[int]) -> Peer:
    """Return what a heap of events at such times takes, each put in as the one before comes out."""
    began = time.perf_counter()
    heap = [(at, 0, number) for number, at in enumerate(times[:1])]
    passed = 0
    while heap:
        _, _, number = heapq.heappop(heap)
        passed += 1
        if number + 1 < len(times):
            heapq.heappush(heap, (times[number + 1], 0, number + 1))
    return Peer(
        "a bare heap", passed, time.perf_counter() - began, times[-1] - times[0] if times else 0
    )


def queues(setting: Setting) -> Peer:
    """Return what SimPy takes for the evening as two queues."""
    world = simpy.Environment()
    shops = setting.city.stores
    picking = sum(setting.scenario.stores[shop.kind].pickers[0] for shop in shops)
    pickers, couriers = (simpy.Resource(world, n) for n in (picking, setting.couriers))
    passed = 0

    def customer(at: int) -> Generator[simpy.Event, Any, None]:
        nonlocal passed
        yield world.timeout(at)
        for crew, takes_s in ((pickers, _PICK_S), (couriers, _ROUND_S)):
            with crew.request() as turn:
                yield turn
                yield world.timeout(takes_s)
            # Asked for, begun and ended.
            passed += 3
        passed += 1

    began = time.perf_counter()
    for at in setting.clicks:
        world.process(customer(at - setting.starts_at))
    world.run()
    return Peer("SimPy, two queues", passed, time.perf_counter() - began, int(world.now))
