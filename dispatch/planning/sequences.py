"""Couriers keep the sequence of stops they were told, unless another one is worth telling."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.model import StopKind
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed


def resequenced(posed: Posed, search: Search) -> dict[int, list[int]]:
    """Return the steps of each route as told, where its stops come in another sequence now.

    Stops that are gone are left out; new ones stay where they are.  A stop at another store than
    was told is a new one.
    """
    found: dict[int, list[int]] = {}
    for courier, told in _told(posed, search).items():
        steps = [int(step) for step in search.routes.steps[courier, : search.routes.count[courier]]]
        kept = _kept(steps, told)
        there = set(kept)
        if [step for step in steps if step in there] == kept:
            continue
        following = iter(kept)
        found[courier] = [next(following) if step in there else step for step in steps]
    return found


def keep_sequences(posed: Posed, search: Search) -> None:
    """Return routes to the sequence told where another one does not save its price."""
    policy = posed.situation.policy
    # Where a trip is one store and its doors, what was fixed on leaving the store holds anyway.
    if policy.churn_sequence_cost <= 0 or policy.one_store_per_trip:
        return
    for courier, steps in resequenced(posed, search).items():
        before, mark = search.cost(), search.mark()
        adopted = search.adopt({courier: steps}, {})
        if adopted and search.cost() > before + policy.churn_sequence_cost:
            search.back_to(mark)


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
        found[courier] = steps
    return found


def _kept(steps: Sequence[int], told: Sequence[int]) -> list[int]:
    """Return what was told and is on the route still, without ends of what is fetched anew."""
    there, known = set(steps), set(told)
    anew = {step >> 1 for step in steps if not step & 1 and step not in known}
    return [step for step in told if step in there and step >> 1 not in anew]
