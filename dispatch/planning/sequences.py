"""Couriers keep the sequence of stops they were told, unless another one is worth telling."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.model import StopKind
from dispatch.planning.arrays import COURIER_LOCKED
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed


def resequenced(posed: Posed, search: Search) -> tuple[int, ...]:
    """Return the couriers whose stops come in another sequence now than they were told.

    Stops that are gone or new do not count; a stop at another store than was told is a new one.
    """
    return tuple(
        courier
        for courier, told in _told(posed, search).items()
        if _as_told(search.steps(courier), told) is not None
    )


def keep_sequences(posed: Posed, search: Search) -> None:
    """Return routes to the sequence told where another one does not save its price."""
    policy = posed.situation.policy
    # Where a trip is one store and its doors, what was fixed on leaving the store holds anyway.
    if policy.churn_sequence_cost <= 0 or policy.one_store_per_trip:
        return
    for courier, told in _told(posed, search).items():
        steps = search.steps(courier)
        kept = _as_told(steps, told)
        # What is committed, or fixed by a person, stays first.
        locked = int(posed.problem.couriers[courier, COURIER_LOCKED])
        if kept is None or kept[:locked] != steps[:locked]:
            continue
        before, mark = search.cost(), search.mark()
        adopted = search.adopt({courier: kept}, {})
        if adopted and search.cost() > before + policy.churn_sequence_cost:
            search.back_to(mark)


def _as_told(steps: Sequence[int], told: Sequence[int]) -> list[int] | None:
    """Return steps in the sequence told, new ones where they are; None where they are in it."""
    there, known = set(steps), set(told)
    # The end of what is fetched anew hangs on its pickup.
    anew = {step >> 1 for step in steps if not step & 1 and step not in known}
    kept = [step for step in told if step in there and step >> 1 not in anew]
    moved = set(kept)
    if [step for step in steps if step in moved] == kept:
        return None
    following = iter(kept)
    return [next(following) if step in moved else step for step in steps]


def _told(posed: Posed, search: Search) -> dict[int, list[int]]:
    """Return the steps that couriers were told, by row of the courier, as in `Routes`."""
    situation, chosen = posed.situation, search.board.chosen
    found: dict[int, list[int]] = {}
    for route in situation.snapshot.routes:
        courier = situation.courier_rows.get(route.courier_id)
        if courier is None:
            continue
        steps: list[int] = []
        for visit in route.visits:
            stop = visit.stop
            row = posed.rows.get(stop.order_id)
            if row is None or row >= posed.problem.job_count:
                continue
            if stop.kind is not StopKind.PICKUP:
                if (stop.kind is StopKind.RETURN) == posed.entries[row].returning:
                    steps.append(2 * row + 1)
            elif chosen[row] >= 0 and posed.store_of(int(chosen[row])) == stop.store_id:
                steps.append(2 * row)
        found[courier] = list(dict.fromkeys(steps))
    return found
