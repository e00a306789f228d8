"""Problems for `samehour bench solve`: made from a seed, of the kinds that people send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from dispatch.tours.model import (
    Break,
    Costs,
    Kind,
    Problem,
    Request,
    Tables,
    Task,
    Vehicle,
    Window,
)
from simulations.benchmarks.lilim_files import Instance
from simulations.benchmarks.lilim_solvers import ways_of

_SIDE_S: Final = 1800
_DAY_S: Final = 8 * 3600
_WINDOW_S: Final = 2 * 3600
_SERVICE_S: Final = 180
_CAPACITY: Final = 20
_TASKS_A_VEHICLE: Final = 6
_BREAK: Final = Break(1, ((3 * 3600, 5 * 3600),), 1800)
_SCALE: Final = 100
_VEHICLE: Final = 10
"""Price of a vehicle of Li and Lim's, in longest ways there and back for ten pairs."""


class _Drawn:
    """Places and windows, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def tables(self, places: int) -> dict[str, Tables]:
        """Return straight ways between places in a square, the depot in its middle."""
        at = self.random.integers(0, _SIDE_S, (places, 2))
        at[0] = _SIDE_S // 2
        apart = np.hypot(*(at[:, np.newaxis] - at).transpose(2, 0, 1))
        return {"car": Tables(np.ceil(apart).astype(np.int32))}

    def window(self) -> tuple[Window, ...]:
        """Return two hours of the day."""
        opens = int(self.random.integers(0, _DAY_S - _WINDOW_S))
        return ((opens, opens + _WINDOW_S),)

    def amount(self) -> int:
        """Return a few of something."""
        return int(self.random.integers(1, 5))


def windows(size: int, seed: int) -> Problem:
    """Return jobs with time windows, and one kind of load."""
    drawn = _Drawn(seed)
    jobs = tuple(
        Request(
            Task(Kind.JOB, number, number, drawn.window(), service_s=_SERVICE_S),
            delivery=(drawn.amount(),),
        )
        for number in range(1, size + 1)
    )
    return Problem(jobs, _crew(size, (_CAPACITY,)), drawn.tables(size + 1), 1)


def pairs(size: int, seed: int) -> Problem:
    """Return shipments with windows at both ends."""
    drawn = _Drawn(seed)
    shipments = []
    for number in range(1, size // 2 + 1):
        opens = int(drawn.random.integers(0, _DAY_S - 2 * _WINDOW_S))
        fetch = ((opens, opens + _WINDOW_S),)
        bring = ((opens, opens + 2 * _WINDOW_S),)
        shipments.append(
            Request(
                Task(Kind.DELIVERY, number, 2 * number, bring, service_s=_SERVICE_S),
                (Task(Kind.PICKUP, number, 2 * number - 1, fetch, service_s=_SERVICE_S),),
                delivery=(drawn.amount(),),
            )
        )
    crew = _crew(size, (_CAPACITY,))
    return Problem(tuple(shipments), crew, drawn.tables(2 * (size // 2) + 1), 1)


def skills(size: int, seed: int) -> Problem:
    """Return jobs of which a third needs one skill, a third another."""
    drawn = _Drawn(seed)
    jobs = tuple(
        Request(
            Task(Kind.JOB, number, number, drawn.window(), service_s=_SERVICE_S),
            delivery=(drawn.amount(),),
            skills=frozenset({number % 3}) - {0},
        )
        for number in range(1, size + 1)
    )
    crew = tuple(
        Vehicle(
            one.vehicle_id,
            "car",
            0,
            0,
            capacity=one.capacity,
            window=one.window,
            skills=frozenset({one.vehicle_id % 2 + 1}),
        )
        for one in _crew(size, (_CAPACITY,))
    )
    return Problem(jobs, crew, drawn.tables(size + 1), 1)


def breaks(size: int, seed: int) -> Problem:
    """Return jobs for vehicles with a break of half an hour around noon."""
    problem = windows(size, seed)
    crew = tuple(
        Vehicle(
            one.vehicle_id,
            "car",
            0,
            0,
            capacity=one.capacity,
            window=one.window,
            breaks=(_BREAK,),
        )
        for one in problem.vehicles
    )
    return Problem(problem.requests, crew, problem.tables, 1)


def loads(size: int, seed: int) -> Problem:
    """Return jobs that are brought or fetched, of three kinds of load, for dear vehicles."""
    drawn = _Drawn(seed)
    jobs = []
    for number in range(1, size + 1):
        amount = (drawn.amount(), drawn.amount(), 1)
        task = Task(Kind.JOB, number, number, drawn.window(), service_s=_SERVICE_S)
        is_fetched = number % 2 == 0
        jobs.append(
            Request(
                task,
                delivery=() if is_fetched else amount,
                pickup=amount if is_fetched else (),
            )
        )
    crew = _crew(size, (_CAPACITY, _CAPACITY, 8), Costs(fixed=_SIDE_S))
    return Problem(tuple(jobs), crew, drawn.tables(size + 1), 3)


KINDS: Final[dict[str, Callable[[int, int], Problem]]] = {
    "windows": windows,
    "pairs": pairs,
    "skills": skills,
    "breaks": breaks,
    "loads": loads,
}
"""Kinds of problems: by how many tasks, and from which seed."""


def of_li_lim(instance: Instance) -> Problem:
    """Return a problem of Li and Lim's; vehicles cost more than all ways can save."""
    ways = ways_of(instance, _SCALE)
    rows = {number: row for row, number in enumerate(sorted(instance.nodes))}

    def task(kind: Kind, number: int) -> Task:
        node = instance.nodes[number]
        window = (int(np.ceil(node.earliest * _SCALE)), int(node.latest * _SCALE))
        service_s = round(node.service * _SCALE)
        return Task(kind, number, rows[number], (window,), service_s=service_s)

    shipments = tuple(
        Request(
            task(Kind.DELIVERY, bring),
            (task(Kind.PICKUP, fetch),),
            delivery=(instance.nodes[fetch].demand,),
        )
        for fetch, bring in instance.pairs
    )
    depot = instance.nodes[0]
    fixed = int(_VEHICLE * 2 * int(ways.max(initial=1)) * max(1.0, len(instance.pairs) / 10))
    crew = tuple(
        Vehicle(
            number,
            "car",
            0,
            0,
            capacity=(instance.capacity,),
            window=(int(depot.earliest * _SCALE), int(depot.latest * _SCALE)),
            costs=Costs(fixed=fixed),
        )
        for number in range(instance.vehicles)
    )
    return Problem(shipments, crew, {"car": Tables(ways)}, 1)


def _crew(size: int, capacity: tuple[int, ...], costs: Costs | None = None) -> tuple[Vehicle, ...]:
    return tuple(
        Vehicle(number, "car", 0, 0, capacity=capacity, window=(0, _DAY_S), costs=costs or Costs())
        for number in range(1, size // _TASKS_A_VEHICLE + 2)
    )
