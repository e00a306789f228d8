"""Everybody's plans for one snapshot over time, priced by one judge."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Final

from dispatch.check import check
from dispatch.model import Plan, Snapshot
from dispatch.planning.plan import plan, plans
from simulations.benchmarks.tick_case import Question, question
from simulations.benchmarks.tick_peers import PEERS, Answer, ask
from simulations.benchmarks.tick_price import Known, objective, ready_times

OURS: Final = "samehour"
PINNED: Final = "samehour, same stores"

_LEAST_ROUNDS: Final = 25
_MORE_SOON, _MORE_LATER = 2, 4
_SOON_S: Final = 1.0
"""Efforts are doubled up to here, then taken four times."""
_LAST_SHARE: Final = 0.9
_SAME: Final = 1e-6
"""Sums of floats in another order differ by less than this share."""


class UnsoundPlanError(Exception):
    """A contestant's plan breaks a rule, or costs something else than it says."""


@dataclass(frozen=True, slots=True)
class Point:
    """A plan's price, and after how many seconds of work it was there."""

    after_s: float
    price: float


@dataclass(frozen=True, slots=True)
class Run:
    """What a contestant came to on one snapshot.

    Attributes
    ----------
    points
        By time, each cheaper than the one before; empty where there was no answer.
    unrouted
        Orders that its last plan has on no route.
    note
        How it ended, where that is not as usual.
    """

    name: str
    points: tuple[Point, ...]
    unrouted: int = 0
    note: str = ""

    def at(self, after_s: float) -> float | None:
        """Return the best price up to some time."""
        return min((p.price for p in self.points if p.after_s <= after_s), default=None)

    def reaches(self, level: float) -> float | None:
        """Return after how many seconds a price is reached."""
        return next((p.after_s for p in self.points if p.price <= level), None)

    @property
    def best(self) -> float | None:
        """The best price of all."""
        return self.at(math.inf)


@dataclass(frozen=True, slots=True)
class Contest:
    """All runs on one snapshot.

    Attributes
    ----------
    to_route
        How many orders are in nobody's bag and on nobody's errand yet.
    """

    city: str
    orders: int
    to_route: int
    couriers: int
    stores: int
    seconds: float
    runs: tuple[Run, ...]

    @property
    def best(self) -> float:
        """The best price that anybody found."""
        return min(run.best for run in self.runs if run.best is not None)

    def run(self, name: str) -> Run | None:
        """Return the run of a contestant."""
        return next((run for run in self.runs if run.name == name), None)


def contest(snapshot: Snapshot, seconds: float, hopeless: frozenset[str] = frozenset()) -> Contest:
    """Let everybody plan a snapshot, one after the other.

    Parameters
    ----------
    seconds
        For each of them, and for each of VROOM's calls.
    hopeless
        Who is not asked again, having had no answer for fewer orders.

    Raises
    ------
    UnsoundPlanError
        A plan breaks a rule of `dispatch.check`, has another forecast than the judge, or ours
        says another price than the judge.
    """
    asked = question(snapshot)
    runs = [ours(OURS, snapshot, seconds), ours(PINNED, pinned(snapshot, asked), seconds)]
    for peer in PEERS:
        if peer.name in hopeless:
            runs.append(Run(peer.name, (), note="no answer for fewer orders; not asked again"))
        else:
            runs.append(theirs(asked, ask(peer, asked.case, seconds)))
    return Contest(
        city=snapshot.zone_id,
        orders=len(snapshot.orders),
        to_route=sum(task.vehicle < 0 for task in asked.case.tasks),
        couriers=len(snapshot.couriers),
        stores=len(snapshot.stores),
        seconds=seconds,
        runs=tuple(runs),
    )


def pinned(snapshot: Snapshot, asked: Question) -> Snapshot:
    """Return a snapshot in which every order keeps the store that peers are given for it."""
    return replace(
        snapshot,
        orders=tuple(
            replace(order, store_id=asked.sourcing[order.order_id], store_fixed=True)
            if order.order_id in asked.sourcing
            else order
            for order in snapshot.orders
        ),
    )


def ours(name: str, snapshot: Snapshot, seconds: float) -> Run:
    """Return what our planner came to, each plan priced by the judge."""
    known = Known.of(snapshot)
    found = efforts(snapshot, seconds)
    for _, answer in found:
        expected = objective(answer, known).total
        said = answer.objective.total
        if abs(said - expected) > _SAME * max(1.0, expected):
            raise UnsoundPlanError(
                f"{name} says a plan costs {said:.3f}, the judge says {expected:.3f}"
            )
    return _priced(name, known, found)


def efforts(snapshot: Snapshot, seconds: float) -> list[tuple[float, Plan]]:
    """Return plans of ever more effort, with the time each of them took by itself.

    The first is the one that `plans` has at once; then come calls of `plan` with ever more rounds
    of ruin and recreate, for the rounds cool down towards the effort they are given.  The last
    has so many rounds as by the one before it ought to take the whole time.
    """
    began = time.perf_counter()
    first = next(iter(plans(snapshot, lambda: False)))
    found = [(time.perf_counter() - began, first)]
    rounds, took_s = _LEAST_ROUNDS, 0.0
    while True:
        took_s, answer = _planned(snapshot, rounds)
        found.append((took_s, answer))
        more = _MORE_SOON if took_s < _SOON_S else _MORE_LATER
        if took_s * more > seconds:
            break
        rounds *= more
    if took_s < seconds * _LAST_SHARE:
        found.append(_planned(snapshot, int(rounds * _LAST_SHARE * seconds / took_s)))
    return sorted(found, key=lambda entry: entry[0])


def _planned(snapshot: Snapshot, rounds: int) -> tuple[float, Plan]:
    """Return how long a plan with so many rounds takes, and the plan."""
    asked = replace(snapshot, policy=replace(snapshot.policy, improve_rounds=rounds))
    began = time.perf_counter()
    found = plan(asked)
    return time.perf_counter() - began, found


def theirs(asked: Question, answer: Answer) -> Run:
    """Return what a peer came to."""
    answers = sorted(answer.found, key=lambda found: found.after_s)
    plans_of = [(f.after_s, asked.plan(f.sequences, answer.name)) for f in answers]
    run = _priced(answer.name, asked.known, plans_of)
    if answer.build_s is None:
        return replace(run, note="its model did not stand in time")
    if answer.end != "done":
        return replace(run, note=f"{answer.end} after its time")
    return run


def _priced(name: str, known: Known, found: list[tuple[float, Plan]]) -> Run:
    points: list[Point] = []
    unrouted = 0
    for after_s, answer in found:
        wrong = [f"{v.kind} of {v.subject}: {v.detail}" for v in check(answer, known.snapshot)]
        forecast = ready_times(known, answer.sourcing)
        wrong += [
            f"{key} is forecast for {at}, by the judge for {forecast[key]}"
            for key, at in sorted(answer.ready_at.items())
            if not known.orders[key].on_board and forecast[key] != at
        ]
        if wrong:
            raise UnsoundPlanError(f"a plan of {name} breaks {len(wrong)} rules: {wrong[0]}")
        cost = objective(answer, known).total
        if not points or cost < points[-1].price:
            points.append(Point(after_s, cost))
            unrouted = len(answer.unassigned)
    return Run(name, tuple(points), unrouted)
