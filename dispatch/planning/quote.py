"""Can you, and when?  A new order is put at its cheapest place in the plan in force."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dispatch.model import (
    OrderInPlay,
    Policy,
    Promise,
    Reason,
    Refusal,
    Snapshot,
)
from dispatch.planning import arrays as a
from dispatch.planning.improve import Search
from dispatch.planning.problem import pose
from dispatch.planning.situation import read
from dispatch.planning.sourcing import minutes
from dispatch.planning.writing import done_at, why_unrouted
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
    key = asked.order_id
    posed = pose(situation, settled=True, last=key)
    row = posed.rows.get(key)
    if row is None:
        return posed.left_out.get(key) or Refusal(
            Reason.OUTSIDE_RADIUS, f"{key} is not to be delivered, so no courier is needed"
        )
    search = Search(posed.problem, posed.routes, snapshot.seed)
    search.settle()
    unrouted = [job for job in np.flatnonzero(search.owner < 0).tolist() if job != row]
    if unrouted:
        search.fill(unrouted)
    search.fill([row])
    courier = int(search.owner[row])
    if courier < 0:
        return why_unrouted(posed, search, row)
    eta = done_at(search, row)
    promise = promised(policy, asked_at, snapshot.now, eta)
    if promise.latest > asked_at + policy.promise_max_s:
        return Refusal(
            Reason.NO_COURIER_BEFORE_DEADLINE,
            f"the earliest safe promise ends {minutes(promise.latest - asked_at)} after the "
            f"order, later than the {minutes(policy.promise_max_s)} allowed",
        )
    store_id = posed.store_of(int(search.routes.chosen[row]))
    mode = posed.problem.couriers[courier, a.COURIER_MODE]
    counter, door = situation.stores[store_id].place, asked.place
    length_m = int(posed.problem.length_m[mode, counter, door])
    fare = fare_cents(policy, length_m)
    return Offer(eta, promise, store_id, posed.courier_ids[courier], fare)


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
