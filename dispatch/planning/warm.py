"""The plan in force as the first solution: as far as it still makes sense."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from dispatch.model import Route, StopKind
from dispatch.planning import arrays as a
from dispatch.planning.arrays import Problem, Routes
from dispatch.planning.seating import Seat
from dispatch.planning.situation import Situation


def first_routes(
    situation: Situation,
    problem: Problem,
    chosen: NDArray[np.int32],
    rows: Mapping[str, int],
    seats: Mapping[str, Seat],
    shown: Iterable[Route],
) -> Routes:
    """Return the routes to start from: committed steps, then what was shown and still makes sense.

    Parameters
    ----------
    chosen
        The candidate that each entry starts from; that of an order without a store is set to
        where it is shown to come from.
    rows
        Row of each order to be routed.
    shown
        The routes in force; a courier's first one counts.
    """
    visits: dict[str, Route] = {}
    for route in shown:
        visits.setdefault(route.courier_id, route)
    telling = _Telling(situation, problem, chosen, rows)
    sequences: list[list[int]] = []
    for courier, key in enumerate(situation.couriers):
        seat = seats.get(key)
        steps: list[int] = []
        if seat is not None:
            steps = [
                2 * rows[stop.order_id] + (stop.kind is not StopKind.PICKUP) for stop in seat.told
            ]
            steps += [2 * rows[order_id] + 1 for order_id in seat.locked]
        if seat is not None and seat.fixed is not None:
            steps += [2 * rows[order_id] + 1 for order_id in seat.fixed]
        elif key in visits:
            steps += telling.go_on(courier, steps, visits[key])
        sequences.append(steps)
    count = np.array([len(steps) for steps in sequences], dtype=np.int32)
    found = np.zeros((len(sequences), int(count.max(initial=0))), dtype=np.int32)
    for courier, steps in enumerate(sequences):
        found[courier, : len(steps)] = steps
    return Routes(found, count, chosen)


class _Telling:
    """Takes over what couriers were told; an order goes to the first one who was told it."""

    def __init__(
        self,
        situation: Situation,
        problem: Problem,
        chosen: NDArray[np.int32],
        rows: Mapping[str, int],
    ) -> None:
        self.situation = situation
        self.problem = problem
        self.chosen = chosen
        self.rows = rows
        # Looked up one by one, lists are quicker than arrays.
        self.holder: list[int] = problem.jobs[: problem.job_count, a.JOB_BAG].tolist()
        self.stores: list[int] = problem.candidates[:, a.CAND_STORE].tolist()
        self.taken: set[int] = set()

    def go_on(self, courier: int, begun: list[int], route: Route) -> list[int]:
        """Return the steps of a shown route that still make sense after those begun with."""
        steps = self._sound(courier, begun, route)
        while (lost := self._lost(courier, begun + steps)) is not None:
            steps = [step for step in steps if step >> 1 != lost]
        self.taken.update(step >> 1 for step in steps)
        return steps

    def _sound(self, courier: int, begun: list[int], route: Route) -> list[int]:
        found: list[int] = []
        there = set(begun)
        for visit in route.visits:
            order_id = visit.stop.order_id
            job = self.rows.get(order_id, -1)
            if job < 0:
                continue
            if visit.stop.kind is StopKind.PICKUP:
                step = 2 * job
                fits = (
                    self.holder[job] < 0
                    and job not in self.taken
                    and bool(self.problem.allowed.item(job, courier))
                    and self._is_shown_at(job, visit.stop.store_id)
                )
            else:
                step = 2 * job + 1
                goes_back = self.situation.orders[order_id].returning
                fits = goes_back == (visit.stop.kind is StopKind.RETURN)
                fits = fits and (self.holder[job] == courier or 2 * job in there)
            if fits and step not in there:
                there.add(step)
                found.append(step)
        return found

    def _is_shown_at(self, job: int, store_id: str) -> bool:
        """Return whether an order may come from where it was shown to; if so it does."""
        store = self.situation.store_rows.get(store_id, -1)
        if self.stores[self.chosen.item(job)] == store:
            return True
        if self.problem.jobs.item(job, a.JOB_HOME) >= 0:
            # It was given to another store since.
            return False
        first, last = self.problem.jobs[job, [a.JOB_FIRST, a.JOB_LAST]].tolist()
        for candidate in range(first, last):
            if self.stores[candidate] == store:
                self.chosen[job] = candidate
                return True
        return False

    def _lost(self, courier: int, steps: list[int]) -> int | None:
        """Return an order that is fetched and never brought, or fetched on another store's trip."""
        ended = {step >> 1 for step in steps if step & 1}
        crew: list[int] = self.problem.couriers[courier].tolist()
        parcels, counter = crew[a.COURIER_BAG_PARCELS], crew[a.COURIER_AT_STORE]
        for index, step in enumerate(steps):
            job = step >> 1
            if step & 1:
                parcels -= 1
                counter = -1
                continue
            store = self.stores[self.chosen.item(job)]
            if self.holder[job] < 0 and job not in ended:
                return job
            locked = index < crew[a.COURIER_LOCKED]
            if self.problem.one_store and not locked and parcels > 0 and counter != store:
                return job
            parcels += 1
            counter = store
        return None
