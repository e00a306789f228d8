"""Can you, and when?  A new order is put at its cheapest place in the plan in force."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dispatch.model import (
    OrderInPlay,
    Policy,
    Promise,
    Reason,
    Refusal,
    Snapshot,
)
from dispatch.planning import improve
from dispatch.planning.draft import Draft
from dispatch.planning.plan import why_unrouted
from dispatch.planning.situation import read
from dispatch.planning.sourcing import minutes
from geo.types import EpochS

_MINUTE_S = 60
_KILOMETRE_M = 1000


@dataclass(frozen=True, slots=True)
class Offer:
    """What an order would get.

    Attributes
    ----------
    eta
        When it would be handed over, as things stand.
    promise
        The window to give: from the ETA a margin is kept for what forecasts get wrong.
    store_id, courier_id
        Where the goods would come from and who would bring them; only the store is reserved.
    fare_cents
        Base plus started kilometres of the way by road from store to door.
    """

    eta: EpochS
    promise: Promise
    store_id: str
    courier_id: str
    fare_cents: int


def quote(snapshot: Snapshot, candidate: OrderInPlay) -> Offer | Refusal:
    """Return what can be promised for an order that is not in the snapshot yet.

    Parameters
    ----------
    candidate
        Its `place` is an index of the snapshot's places.  Its promise is a placeholder: it is
        weighed as if promised at the latest moment that the policy allows.

    Notes
    -----
    Routes and stores of the orders there are stay as they are; those without a route yet are
    inserted first, since they were promised first.
    """
    policy = snapshot.policy
    asked_at = candidate.order.created_at
    latest = asked_at + max(0, policy.promise_max_s - policy.promise_margin_s)
    asked = replace(candidate, promise=Promise(asked_at, latest, snapshot.now), store_id=None)
    others = tuple(order for order in snapshot.orders if order.order_id != asked.order_id)
    situation = read(replace(snapshot, orders=(*others, asked)))
    draft = Draft(situation, settled=True)
    key = asked.order_id
    job = draft.jobs.get(key)
    if job is None:
        return draft.left_out.get(key) or Refusal(
            Reason.OUTSIDE_RADIUS, f"{key} is not to be delivered, so no courier is needed"
        )
    improve.warm_start(draft, snapshot.routes)
    improve.fill(draft, [j for j in draft.free if j.tour is None and j is not job])
    improve.fill(draft, [job])
    if job.tour is None or job.store_id is None:
        no = why_unrouted(draft, job)
        return Refusal(no.reason, no.detail)
    tour = draft.tours[job.tour]
    eta = tour.depart[tour.steps.index(job.end) + 1]
    promise = promised(policy, asked_at, snapshot.now, eta)
    if promise.latest > asked_at + policy.promise_max_s:
        return Refusal(
            Reason.NO_COURIER_BEFORE_DEADLINE,
            f"the earliest safe promise ends {minutes(promise.latest - asked_at)} after the "
            f"order, later than the {minutes(policy.promise_max_s)} allowed",
        )
    length_m = tour.length_m[situation.stores[job.store_id].place][job.end.place]
    return Offer(eta, promise, job.store_id, tour.courier_id, fare_cents(policy, length_m))


def promised(policy: Policy, asked_at: int, now: int, eta: int) -> Promise:
    """Return the window to promise for an order that would be handed over at `eta`.

    Its end is a full minute, so that it reads the same on every screen.
    """
    latest = max(asked_at + policy.promise_min_s, eta + policy.promise_margin_s)
    latest = -(-latest // _MINUTE_S) * _MINUTE_S
    earliest = min(latest, max(now, latest - policy.promise_window_s))
    return Promise(earliest, latest, now)


def fare_cents(policy: Policy, length_m: int) -> int:
    """Return the price of a delivery whose way from store to door is `length_m` by road."""
    return policy.fare_base_cents + policy.fare_km_cents * -(-length_m // _KILOMETRE_M)
