"""The decision: `plan(snapshot)` says which store, which courier, in which order and when.

Pure: the same snapshot gives the same plan in any process.  Nothing in a snapshot makes it fail;
what cannot be planned comes back unassigned, with its reason.
"""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256

from dispatch.model import (
    Objective,
    Plan,
    Reason,
    Snapshot,
    Unassigned,
)
from dispatch.planning import improve, routing
from dispatch.planning.draft import Draft
from dispatch.planning.schedule import Job
from dispatch.planning.situation import read


def plan(snapshot: Snapshot) -> Plan:
    """Return the decision for a snapshot.

    Insertion with ruin and recreate finds stores and routes; from `policy.routing_min_orders`
    movable orders on, OR-Tools' routing model tries to improve the routes, and the better of
    the two is returned.  `Plan.method` says which that was.
    """
    draft = Draft(read(snapshot))
    improve.search(draft)
    method = "insertion"
    if len(draft.free) >= snapshot.policy.routing_min_orders:
        outcome = routing.improve_routes(draft)
        if outcome.gains:
            method = "routing"
        elif outcome.models > outcome.answered:
            method = "insertion (routing gave none)"
    return _written(draft, method)


def plan_by_insertion(snapshot: Snapshot) -> Plan:
    """Return a decision without OR-Tools: the fall-back that never fails."""
    draft = Draft(read(snapshot))
    improve.search(draft)
    return _written(draft, "insertion")


def _written(draft: Draft, method: str) -> Plan:
    situation = draft.situation
    snapshot = situation.snapshot
    unassigned = [
        Unassigned(order_id, no.reason, no.detail) for order_id, no in draft.left_out.items()
    ]
    unassigned += [why_unrouted(draft, job) for job in draft.jobs.values() if job.tour is None]
    sourced: dict[str, str] = {}
    ready_at: dict[str, int] = {}
    for order_id, order in situation.orders.items():
        job = draft.jobs.get(order_id)
        store_id = order.store_id if job is None else job.store_id
        if store_id is None or store_id not in situation.stores:
            continue
        sourced[order_id] = store_id
        pick = draft.picks[store_id].get(order_id)
        if order.ready_at is not None:
            ready_at[order_id] = order.ready_at
        elif pick is not None:
            ready_at[order_id] = pick.ready_at
    routes = [tour.route() for tour in draft.tours.values()]
    return Plan(
        plan_id=_plan_id(snapshot),
        snapshot_seq=snapshot.seq,
        made_at=snapshot.now,
        routes=tuple(route for route in routes if route is not None),
        sourcing=sourced,
        ready_at=ready_at,
        unassigned=tuple(sorted(unassigned, key=lambda u: u.order_id)),
        objective=objective(draft, len(unassigned)),
        method=method,
        travel_version=snapshot.travel.version,
    )


def objective(draft: Draft, unassigned: int) -> Objective:
    """Return a draft's cost by term."""
    lateness = waiting = travel = churn = 0.0
    for tour in draft.tours.values():
        for index, step in enumerate(tour.steps):
            if index > 0 or not tour.arrived:
                travel += tour.edge_cost[tour.place[index]][step.place]
            if not step.picks_up:
                done_at = tour.depart[index + 1]
                lateness += draft.prices.lateness(step.job, done_at)
                waiting += draft.prices.waiting(step.job, done_at)
                if not step.job.in_bag:
                    churn += draft.churn(step.job, tour.courier_id, step.job.store_id)
    undelivered = unassigned * draft.situation.policy.undelivered_cost
    return Objective(undelivered, lateness, waiting, travel, churn)


def why_unrouted(draft: Draft, job: Job) -> Unassigned:
    """Return why an order that a store could serve is on no route."""
    situation = draft.situation
    order = job.order

    def no(reason: Reason, detail: str) -> Unassigned:
        return Unassigned(job.order_id, reason, detail)

    able = [draft.tours[key] for key in sorted(job.allowed)]
    if not able:
        return no(
            Reason.NO_COURIER_ON_SHIFT,
            f"all {len(order.declined_by & draft.tours.keys())} couriers on shift declined it",
        )
    strongest_g = max(tour.capacity_g for tour in able)
    if job.weight_g > strongest_g:
        return no(
            Reason.TOO_HEAVY,
            f"it weighs {job.weight_g} g and no courier it may go to carries "
            f"more than {strongest_g} g",
        )
    names = ", ".join(situation.stores[key].store.name for key in job.candidates)
    if not any(routing.has_way(tour, job) for tour in able):
        return no(Reason.UNREACHABLE, f"no courier on shift has a way over {names} to the door")
    last_end_s = max(tour.shift_end for tour in able) - situation.now
    return no(
        Reason.NO_COURIER_BEFORE_DEADLINE,
        f"no courier can pick it up at {names} before the store closes or the shift ends; "
        f"the last of {len(able)} shifts ends in {max(0, last_end_s) // 60} min",
    )


def _plan_id(snapshot: Snapshot) -> str:
    name = f"{snapshot.zone_id}/{snapshot.seq}/{snapshot.now}"
    digest = sha256(name.encode()).digest()
    return "pln_" + b32encode(digest).decode().lower()[:16]
