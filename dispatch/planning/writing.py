"""From the arrays of a search to a `Plan`: routes with times, stores, reasons, cost by term."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.bags import why_too_much
from dispatch.model import (
    UNREACHABLE_S,
    Objective,
    OrderInPlay,
    Plan,
    Reason,
    Refusal,
    Route,
    Snapshot,
    Stop,
    StopKind,
    Unassigned,
    Visit,
)
from dispatch.planning import arrays as a
from dispatch.planning import sourcing
from dispatch.planning.arrays import NEVER
from dispatch.planning.improve import Search
from dispatch.planning.picking import awaited
from dispatch.planning.positioning import standbys
from dispatch.planning.problem import Posed
from dispatch.planning.schedule import (
    ACCOUNT_CHILLED,
    ACCOUNT_DUTY,
    ACCOUNT_ENDING,
    ACCOUNT_LATE,
    ACCOUNT_STACKING,
    ACCOUNT_TOLD,
    ACCOUNT_TRAVEL,
    ACCOUNT_WAITING,
)
from dispatch.planning.sequences import resequenced
from dispatch.planning.sharing import why_not_shared
from dispatch.planning.situation import opening
from dispatch.planning.timing import pick_at


class Steps(NamedTuple):
    """All steps of all routes, one route after another; arrays of shape (steps,).

    Attributes
    ----------
    courier, position
        Whose, and which of the route.
    job, ends
        The order, and whether it is its end or its pickup.
    store
        Of a pickup; -1 for the end of an order.
    leg_s, leg_m
        Of the way that leads to it.
    depart, begin, over
        When the courier leaves for it, and when it begins and is over.
    """

    courier: NDArray[np.int64]
    position: NDArray[np.int64]
    job: NDArray[np.int64]
    ends: NDArray[np.bool_]
    store: NDArray[np.int64]
    leg_s: NDArray[np.int64]
    leg_m: NDArray[np.int64]
    depart: NDArray[np.int64]
    begin: NDArray[np.int64]
    over: NDArray[np.int64]


def steps_of(posed: Posed, search: Search) -> Steps:
    """Return the steps of a search's routes."""
    problem, routes = posed.problem, search.routes
    in_use = np.arange(routes.steps.shape[1]) < routes.count[:, np.newaxis]
    courier, index = np.nonzero(in_use)
    step = routes.steps[courier, index]
    job, ends = (step >> 1).astype(np.int64), step & 1 == 1
    store = np.where(ends, -1, _columns(posed, search)[job])
    place = problem.jobs[job, a.JOB_PLACE]
    place[~ends] = problem.stores[store[~ends], a.STORE_PLACE]
    start = problem.couriers[courier, a.COURIER_PLACE]
    before = np.where(index > 0, np.roll(place, 1), start)
    mode = problem.couriers[courier, a.COURIER_MODE]
    standing = (index == 0) & (problem.couriers[courier, a.COURIER_STANDING] > 0)
    return Steps(
        courier=courier,
        position=index,
        job=job,
        ends=ends,
        store=store,
        leg_s=np.where(standing, 0, problem.duration_s[mode, before, place]),
        leg_m=np.where(standing, 0, problem.length_m[mode, before, place]),
        depart=search.depart[courier, index],
        begin=search.begin[courier, index],
        over=search.over[courier, index],
    )


def write(posed: Posed, search: Search, method: str) -> Plan:
    """Return a search's present solution as a plan."""
    situation = posed.situation
    snapshot = situation.snapshot
    steps = steps_of(posed, search)
    unassigned = [Unassigned(key, no.reason, no.detail) for key, no in posed.left_out.items()]
    unrouted = np.ones(posed.problem.job_count, dtype=bool)
    unrouted[steps.job[steps.ends]] = False
    for row in np.flatnonzero(unrouted).tolist():
        no = why_unrouted(posed, search, row)
        unassigned.append(Unassigned(posed.entries[row].order_id, no.reason, no.detail))
    sourced, ready_at = _sources(posed, search)
    routes = tuple(_routes(posed, search, steps))
    waits = pick_at(posed, search, routes)
    ready_at |= {order_id: wait.ready_at for order_id, wait in waits.items()}
    return Plan(
        plan_id=_plan_id(snapshot),
        snapshot_seq=snapshot.seq,
        made_at=snapshot.now,
        routes=routes,
        sourcing=sourced,
        ready_at=ready_at,
        unassigned=tuple(sorted(unassigned, key=lambda entry: entry.order_id)),
        objective=_objective(posed, search, steps, routes, len(unassigned)),
        method=method,
        travel_version=snapshot.travel.version,
        standbys=standbys(snapshot, search, posed.store_ids, posed.courier_ids),
        pick_at={order_id: wait.begin_at for order_id, wait in waits.items()},
    )


def done_at(search: Search, row: int) -> int:
    """Return when an order that has a route is handed over."""
    courier = int(search.owner[row])
    steps = search.routes.steps[courier, : search.routes.count[courier]]
    return int(search.over[courier, int(np.argmax(steps == 2 * row + 1))])


def begun_at(search: Search, row: int) -> int | None:
    """Return when the pickup of an order that has a route begins; None for what is in a bag."""
    courier = int(search.owner[row])
    (found,) = np.nonzero(search.routes.steps[courier, : search.routes.count[courier]] == 2 * row)
    return int(search.begin[courier, found[0]]) if len(found) else None


def _plan_id(snapshot: Snapshot) -> str:
    name = f"{snapshot.zone_id}/{snapshot.seq}/{snapshot.now}"
    digest = sha256(name.encode()).digest()
    return "pln_" + b32encode(digest).decode().lower()[:16]


def _sources(posed: Posed, search: Search) -> tuple[dict[str, str], dict[str, int]]:
    """Return the store of every order that has one, and when its goods are ready there."""
    orders, known = posed.situation.orders, posed.situation.stores
    stores = {key: order.store_id for key, order in orders.items()}
    forecast: dict[str, int] = {}
    found = zip(posed.entries, _stores(posed, search), search.ready.tolist(), strict=True)
    for order, store_id, at in found:
        if store_id is not None:
            stores[order.order_id] = store_id
            forecast[order.order_id] = at
    sourced = {key: at for key, at in stores.items() if at in known and at is not None}
    ready_at: dict[str, int] = {}
    for key in sourced:
        fact = orders[key].ready_at
        at = forecast.get(key, NEVER) if fact is None else fact
        if at < NEVER:
            ready_at[key] = at
    return sourced, ready_at


def _columns(posed: Posed, search: Search) -> NDArray[np.int64]:
    """Return the store chosen for each entry by number, -1 for what needs none any more."""
    chosen = search.routes.chosen
    column = np.full(len(chosen), -1, dtype=np.int64)
    sourced = np.flatnonzero(chosen >= 0)
    column[sourced] = posed.problem.candidates[chosen[sourced], a.CAND_STORE]
    return column


def _stores(posed: Posed, search: Search) -> list[str | None]:
    """Return the store chosen for each entry, None for what needs none any more."""
    names = [*posed.store_ids, None]
    return [names[number] for number in _columns(posed, search).tolist()]


def _objective(
    posed: Posed, search: Search, steps: Steps, routes: Sequence[Route], unassigned: int
) -> Objective:
    """Return the cost by term; what a search cannot change, such as a store that closed, counts."""
    problem, policy = posed.problem, posed.situation.policy
    rows = posed.situation.store_rows
    orders = posed.entries[: problem.job_count]
    promised = [NEVER if order.returning else order.promise.latest for order in orders]
    # A store that is gone is left too; who had none leaves none.
    home = [-1 if o.store_id is None else rows.get(o.store_id, len(rows)) for o in orders]
    job = steps.job[steps.ends]
    shown, given = problem.jobs[job, a.JOB_SHOWN], np.array(home, dtype=np.int64)[job]
    told_other = (shown >= 0) & (shown != steps.courier[steps.ends])
    left_store = (given >= 0) & (given != _columns(posed, search)[job])
    changes = (told_other.astype(np.int64) + left_store)[problem.jobs[job, a.JOB_BAG] < 0]
    jobs = problem.jobs.copy()
    jobs[: problem.job_count, a.JOB_LATEST] = promised
    fetched = search.board.fetched.copy()
    for route in routes:
        for visit in route.visits:
            if visit.stop.kind is StopKind.PICKUP:
                # Leaving just in time fetches later than leaving at once.
                fetched[posed.rows[visit.stop.order_id]] = visit.depart_at
    # What is as dear as no route only bars the way to new orders.
    prices = problem.prices.copy()
    prices[a.PRICE_UNROUTED] = 0.0
    terms = search.account(problem._replace(jobs=jobs, prices=prices), fetched)
    anew = len(resequenced(posed, search)) if policy.churn_sequence_cost > 0 else 0
    return Objective(
        undelivered=unassigned * policy.undelivered_cost,
        lateness=float(terms[ACCOUNT_LATE]),
        waiting=float(terms[ACCOUNT_WAITING]),
        travel=float(terms[ACCOUNT_TRAVEL]),
        churn=float(
            policy.churn_cost * changes.sum()
            + policy.churn_sequence_cost * anew
            + terms[ACCOUNT_TOLD]
        ),
        stacking=float(terms[ACCOUNT_STACKING]),
        chilled=float(terms[ACCOUNT_CHILLED]),
        duty=float(terms[ACCOUNT_DUTY]),
        ending=float(terms[ACCOUNT_ENDING]),
    )


# --- routes ------------------------------------------------------------------------------------


def _routes(posed: Posed, search: Search, steps: Steps) -> Iterator[Route]:
    """Yield the route of every courier who has anything to do, ascending by courier."""
    stops = _stops(posed, search, steps)
    leg_s, leg_m = steps.leg_s.tolist(), steps.leg_m.tolist()
    begin, over, depart = steps.begin.tolist(), steps.over.tolist(), steps.depart.tolist()
    start_at = search.problem.couriers[:, a.COURIER_START].tolist()
    locked = posed.problem.couriers[:, a.COURIER_LOCKED].tolist()
    end = 0
    for courier, count in enumerate(search.routes.count.tolist()):
        if not count:
            continue
        start, end = end, end + count
        leave_at = depart[start]
        break_at = start_at[courier] if leave_at > start_at[courier] else None
        if not locked[courier]:
            pickups = 0
            while stops[start + pickups].kind is StopKind.PICKUP:
                pickups += 1
            block = slice(start, start + pickups)
            ready = search.ready[steps.job[block]].tolist()
            windows = [posed.windows(store) for store in steps.store[block].tolist()]
            service_s = posed.problem.stores[steps.store[block], a.STORE_SERVICE_S].tolist()
            left, begin[block] = just_in_time(
                leave_at, leg_s[block], begin[block], service_s, ready, windows
            )
            if left > leave_at:
                leave_at = left
                over[block] = [at + s for at, s in zip(begin[block], service_s, strict=True)]
                depart[start + 1 : start + pickups] = over[start : start + pickups - 1]
        visits: list[Visit] = []
        depart[start] = leave_at
        for row in range(start, end):
            arrive = depart[row] + leg_s[row]
            visits.append(Visit(stops[row], arrive, begin[row], over[row], leg_s[row], leg_m[row]))
            if row + 1 < end and depart[row + 1] > over[row]:
                break_at = over[row]
        yield Route(posed.courier_ids[courier], tuple(visits), leave_at, break_at=break_at)


def just_in_time(
    leave_at: int,
    leg_s: Sequence[int],
    begin: Sequence[int],
    service_s: Sequence[int],
    ready: Sequence[int],
    windows: Sequence[Sequence[tuple[int, int]]],
) -> tuple[int, list[int]]:
    """Turn waiting at the first pickups into a later start.

    Parameters
    ----------
    leave_at
        The earliest start.
    leg_s, begin, service_s, ready, windows
        Of the pickups before the first drop-off, in order, for the earliest start.

    Returns
    -------
    leave_at
        The latest start with which the last of these pickups begins no later than before.
    begin
        When each of them begins then.
    """
    kept = list(begin)
    if not kept:
        return leave_at, kept
    latest = kept[-1]
    for index in range(len(kept) - 2, -1, -1):
        latest = _last_open(latest - leg_s[index + 1] - service_s[index], windows[index])
    later = latest - leg_s[0]
    if later <= leave_at:
        return leave_at, kept
    at = later
    for index, way_s in enumerate(leg_s):
        opened = opening(max(at + way_s, ready[index]), windows[index])
        kept[index] = kept[index] if opened is None else opened
        at = kept[index] + service_s[index]
    return later, kept


def _last_open(at: int, windows: Sequence[tuple[int, int]]) -> int:
    """Return the last second up to `at` that lies in a window `[from, to)`."""
    return max(min(at, end - 1) for start, end in windows if start <= at)


def _stops(posed: Posed, search: Search, steps: Steps) -> list[Stop]:
    """Return the stop of each step; a committed one as the courier was told."""
    stores = _stores(posed, search)
    names = [
        (order.order_id, store_id or order.store_id or "", order.returning)
        for order, store_id in zip(posed.entries, stores, strict=True)
    ]
    found: list[Stop] = []
    for courier, index, job, ends in zip(
        steps.courier.tolist(),
        steps.position.tolist(),
        steps.job.tolist(),
        steps.ends.tolist(),
        strict=True,
    ):
        told = posed.told.get(courier, ())
        if index < len(told):
            found.append(told[index])
            continue
        order_id, store_id, goes_back = names[job]
        last = StopKind.RETURN if goes_back else StopKind.DROPOFF
        found.append(Stop(last if ends else StopKind.PICKUP, order_id, store_id))
    return found


# --- reasons -----------------------------------------------------------------------------------


def why_unrouted(posed: Posed, search: Search, row: int) -> Refusal:
    """Return why an order that a store could serve is on no route."""
    situation, problem = posed.situation, posed.problem
    order = posed.entries[row]
    able = np.flatnonzero(problem.allowed[row])
    if not len(able):
        declined = len(order.declined_by & situation.couriers.keys())
        who = f"none of the {declined} couriers" if declined > 1 else "the one courier"
        may = "may" if declined > 1 else "may not"
        return Refusal(
            Reason.NO_COURIER_ON_SHIFT,
            f"{who} on shift {may} have it: declined, or locked to somebody else",
        )
    # Whoever takes nothing new says nothing about whose bag is large enough.
    fresh = able[problem.couriers[able, a.COURIER_SHIFT_END] > situation.now]
    rows = (fresh if len(fresh) else able).tolist()
    couriers = [situation.couriers[posed.courier_ids[row]].courier for row in rows]
    no = why_too_much(order.order, couriers, "courier it may go to")
    if no is not None:
        return no
    candidates = posed.candidates(row)
    names = ", ".join(
        situation.stores[posed.store_of(candidate)].store.name for candidate in candidates
    )
    if not _has_way(posed, row, able):
        return Refusal(
            Reason.UNREACHABLE, f"no courier on shift has a way over {names} to the door"
        )
    no = _no_store_in_time(posed, search, row)
    if no is not None:
        return no
    no = why_not_shared(posed, search, row)
    if no is not None:
        return no
    last_end_s = int(problem.couriers[able, a.COURIER_SHIFT_END].max()) - situation.now
    last = "the one shift" if len(able) == 1 else f"the last of {len(able)} shifts"
    # Whoever is overdue takes nothing new either, whatever the shift.
    ends = (
        f"{last} ends in {sourcing.minutes(last_end_s)}"
        if last_end_s > 0
        else ("nobody on shift takes anything new")
    )
    return Refusal(
        Reason.NO_COURIER_BEFORE_DEADLINE,
        f"no courier can pick it up at {names} before the store closes or the shift ends; {ends}",
    )


def _has_way(posed: Posed, row: int, able: NDArray[np.int64]) -> bool:
    """Return whether a courier can reach some candidate store of an order and then its door."""
    problem = posed.problem
    mode = problem.couriers[able, a.COURIER_MODE]
    start = problem.couriers[able, a.COURIER_PLACE]
    door = problem.jobs[row, a.JOB_PLACE]
    for candidate in posed.candidates(row):
        counter = problem.stores[problem.candidates[candidate, a.CAND_STORE], a.STORE_PLACE]
        there = problem.duration_s[mode, start, counter] < UNREACHABLE_S
        if (there & (problem.duration_s[mode, counter, door] < UNREACHABLE_S)).any():
            return True
    return False


def _no_store_in_time(posed: Posed, search: Search, row: int) -> Refusal | None:
    """Return why none of an order's stores has the goods ready while it is open, if so."""
    situation = posed.situation
    order = posed.entries[row]
    at, windows = int(search.ready[row]), posed.windows(int(_columns(posed, search)[row]))
    if at < NEVER and opening(at, windows) is not None:
        return None
    queues = queues_of(posed, search)
    coming, stock = awaited(situation), sourcing.Stock(situation)
    found: list[sourcing.Candidate] = []
    for candidate in posed.candidates(row):
        only = posed.store_of(candidate)
        found += sourcing.weigh(situation, order, queues, stock, coming, only)
    if not found or any(verdict.reason is None for verdict in found):
        return None
    return sourcing.refusal(order, tuple(found))


def queues_of(posed: Posed, search: Search) -> dict[str, dict[str, OrderInPlay]]:
    """Return the orders in each store's pick queue as a search has them, by store and order."""
    queues: dict[str, dict[str, OrderInPlay]] = {key: {} for key in posed.store_ids}
    for order, store_id in zip(posed.entries, _stores(posed, search), strict=True):
        if store_id is not None:
            queues[store_id][order.order_id] = order
    return queues
