"""What would have to be otherwise for an order to come sooner, or at all: worked out, not guessed.

Each case is the same snapshot with one thing changed.  The order is taken out of the plan in force
and put at its cheapest place again, all else as it is; what comes of it is told in minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dispatch.cases import cases, longer_promise
from dispatch.explain_words import span
from dispatch.explanation import Change, StoreOption
from dispatch.model import OrderInPlay, Plan, Snapshot
from dispatch.otherwise import MINUTE_S, Came, Case, Ties, both
from dispatch.planning import arrays as a
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed, pose
from dispatch.planning.situation import read
from dispatch.planning.sourcing import minutes
from dispatch.planning.writing import begun_at, done_at

__all__ = ["WORTH_S", "Outcome", "Ties", "arrival", "freeing", "inserted", "released", "sooner"]

WORTH_S: Final = 60
"""What saves less is not told."""

MOST_CHANGES: Final = 5
_TRIES: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A plan with an order at its cheapest place, and what came of it there."""

    came: Came
    posed: Posed
    search: Search


def inserted(snapshot: Snapshot, plan: Plan, order_id: str) -> Outcome | None:
    """Put an order at its cheapest place anew, all else of a plan as it is.

    An order that somebody holds stays where it is.  None where it has no place.
    """
    posed = pose(read(snapshot), sourcing=plan.sourcing, routes=plan.routes)
    row = posed.rows.get(order_id)
    if row is None:
        return None
    search = Search(posed.problem, posed.routes, snapshot.seed)
    search.settle()
    if posed.problem.jobs[row, a.JOB_BAG] < 0:
        search.remove(row)
        place = search.best_of_all(row)
        if place is None or not search.insert(row, place):
            return None
    courier = int(search.owner[row])
    if courier < 0:
        return None
    pickup_at, candidate = begun_at(search, row), int(search.routes.chosen[row])
    store_id = posed.store_of(candidate) if candidate >= 0 else None
    came = Came(posed.courier_ids[courier], store_id, pickup_at, done_at(search, row))
    return Outcome(came, posed, search)


def arrival(snapshot: Snapshot, plan: Plan, order_id: str) -> int | None:
    """Return when an order would be handed over, put at its cheapest place; None for nowhere."""
    outcome = inserted(snapshot, plan, order_id)
    return None if outcome is None else outcome.came.done_at


def sooner(
    snapshot: Snapshot,
    plan: Plan,
    order: OrderInPlay,
    stores: tuple[StoreOption, ...],
    ties: Ties,
    planned_at: int,
) -> tuple[Change, ...]:
    """Return what would bring an order that is on a route sooner, what helps most first.

    For one that will be late the last is by how much the promise is too short.

    Parameters
    ----------
    stores
        As weighed for it, the chosen one first.
    planned_at
        When it will be handed over by the plan.
    """
    as_it_is = arrival(snapshot, plan, order.order_id)
    base = planned_at if as_it_is is None else min(planned_at, as_it_is)
    found: list[Change] = []
    for case, came in _tried(snapshot, plan, order, list(cases(snapshot, order, stores, ties))):
        saved_s = base - came.done_at
        if saved_s >= WORTH_S:
            effect = f"it would arrive {saved_s // MINUTE_S} min sooner"
            found.append(_change(case, effect, saved_s, came.done_at))
    found.sort(key=lambda change: -(change.saved_s or 0))
    return (*found[:MOST_CHANGES], *_longer(snapshot, plan, order, planned_at))


def _longer(
    snapshot: Snapshot, plan: Plan, order: OrderInPlay, planned_at: int
) -> tuple[Change, ...]:
    """Return by how much the promise of a late order is too short."""
    late_s = planned_at - order.promise.latest
    if late_s <= 0:
        return ()
    more_min = -(-late_s // MINUTE_S)
    for _ in range(_TRIES):
        case = longer_promise(order, more_min)
        at = arrival(case.change(snapshot), plan, order.order_id)
        if at is None:
            return ()
        over_s = at - (order.promise.latest + more_min * MINUTE_S)
        if over_s <= 0:
            return (_change(case, "it would be in time", None, at),)
        # What is promised for later is picked later.
        more_min += -(-over_s // MINUTE_S)
    return ()


def freeing(
    snapshot: Snapshot,
    plan: Plan,
    order: OrderInPlay,
    stores: tuple[StoreOption, ...],
    ties: Ties,
) -> tuple[Change, ...]:
    """Return what would give an order without a route one, the smallest change first.

    Where no single thing is enough, one more courier together with each of the others is tried.
    """
    return tuple(change for _, change in freeing_cases(snapshot, plan, order, stores, ties))


def freeing_cases(
    snapshot: Snapshot,
    plan: Plan,
    order: OrderInPlay,
    stores: tuple[StoreOption, ...],
    ties: Ties,
) -> list[tuple[Case, Change]]:
    """Return what `freeing` does, with the cases, which can be carried out."""
    single = list(cases(snapshot, order, stores, ties, freeing=True))
    found = _freed(snapshot, plan, order, single)
    if found:
        return found
    courier = next((case for case in single if case.what == "courier_at_store"), None)
    if courier is None:
        return []
    pairs = [both(case, courier) for case in single if case is not courier]
    return _freed(snapshot, plan, order, pairs)


def _freed(
    snapshot: Snapshot, plan: Plan, order: OrderInPlay, those: list[Case]
) -> list[tuple[Case, Change]]:
    found: list[tuple[Case, Change]] = []
    for case, came in _tried(snapshot, plan, order, those):
        effect = _arrives(snapshot, order, came.done_at)
        found.append((case, _change(case, effect, None, came.done_at)))
        if len(found) == MOST_CHANGES:
            break
    return found


def _tried(
    snapshot: Snapshot, plan: Plan, order: OrderInPlay, those: list[Case]
) -> Iterator[tuple[Case, Came]]:
    """Yield the cases that give an order a place, each as small as it may be, and what came."""
    for case in those:
        outcome = inserted(case.change(snapshot), plan, order.order_id)
        if outcome is None:
            continue
        smaller = None if case.smaller is None else case.smaller(outcome.came)
        if smaller is not None:
            less = inserted(smaller.change(snapshot), plan, order.order_id)
            if less is not None and less.came.done_at <= outcome.came.done_at:
                yield smaller, less.came
                continue
        yield case, outcome.came


def released(snapshot: Snapshot, plan: Plan, order: OrderInPlay) -> tuple[Change, ...]:
    """Return what releasing a held order would do.

    Parameters
    ----------
    snapshot
        With the order in play, as if it were not held.
    """
    at = arrival(snapshot, plan, order.order_id)
    effect = "it would wait for a courier" if at is None else _arrives(snapshot, order, at)
    return (Change("released", effect, "the hold were released now", None, at),)


def _arrives(snapshot: Snapshot, order: OrderInPlay, at: int) -> str:
    late_s = at - order.promise.latest
    when = f"it would arrive in {minutes(at - snapshot.now)}"
    return f"{when}, {span(late_s)} late" if late_s > 0 else f"{when}, in time"


def _change(case: Case, effect: str, saved_s: int | None, at: int) -> Change:
    return Change(
        case.what,
        effect,
        case.detail,
        saved_s,
        at,
        case.subject,
        case.amount,
        case.unit,
        case.mode,
    )
