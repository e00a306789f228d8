"""Can you, and when?  A new order is put at its cheapest place in the plan in force."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from dispatch.model import (
    Fulfilment,
    OrderInPlay,
    Policy,
    Promise,
    Reason,
    Refusal,
    Snapshot,
)
from dispatch.planning import arrays as a
from dispatch.planning.ending import doubt_s2, pick_share
from dispatch.planning.improve import Search
from dispatch.planning.later import Later, collectable, later
from dispatch.planning.nearest import append_to_nearest
from dispatch.planning.picking import pick_s
from dispatch.planning.problem import Posed, pose
from dispatch.planning.situation import Situation, read
from dispatch.planning.sourcing import minutes
from dispatch.planning.writing import done_at, why_unrouted
from dispatch.pricing import fare_cents
from geo.types import EpochS

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Offer:
    """What an order would get.

    Attributes
    ----------
    eta
        When it would be handed over, as things stand; when it would be ready, if the customer
        collects it.
    promise
        The window to give: from the ETA a margin is kept for what forecasts get wrong.
    store_id, courier_id
        Where the goods would come from and who would bring them, empty for a collection; only
        the store is reserved.
    fare_cents
        Base plus started kilometres of the way by road from store to door; 0 for a collection.
    length_m
        Of that way.
    margin_s, extra_s
        What was kept for what forecasts get wrong; how much of it is `Policy.promise_extra_s`.
    later
        Where the order could come from later in the day.
    """

    eta: EpochS
    promise: Promise
    store_id: str
    courier_id: str
    fare_cents: int
    length_m: int = 0
    margin_s: int = 0
    extra_s: int = 0
    later: Later = field(default_factory=Later)


@dataclass(frozen=True, slots=True)
class NotNow(Refusal):
    """No usual promise, though perhaps a later slot.

    Attributes
    ----------
    offer
        What there is all the same, but later than may be promised; None where there is nothing.
    """

    offer: Offer | None = None
    later: Later = field(default_factory=Later)


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
    inserted first, since they were promised first.  What the customer collects needs no courier.
    """
    asked = as_weighed(snapshot, candidate)
    others = tuple(order for order in snapshot.orders if order.order_id != asked.order_id)
    situation = read(replace(snapshot, orders=(*others, asked)))
    if asked.order.fulfilment is not Fulfilment.DELIVERY:
        return _collected(situation, asked)
    key = asked.order_id
    posed = pose(situation, settled=True, last=key)
    slots = later(situation, asked)
    row = posed.rows.get(key)
    if row is None:
        no = posed.left_out.get(key) or Refusal(
            Reason.UNREACHABLE, f"{key} is a contradiction and no route can serve it"
        )
        return NotNow(no.reason, no.detail, None, slots)
    chosen = posed.routes.chosen
    comes = posed.problem.jobs[row, a.JOB_BAG] < 0 and not _is_routed(posed, row)
    candidate_row = int(chosen[row])
    if comes:
        # It stands in no queue before all others are where they belong.
        chosen[row] = -1
    search = Search(posed.problem, posed.routes, snapshot.seed)
    give_way(search, snapshot.policy, row)
    if comes:
        come(search, snapshot.policy, row, candidate_row)
    return answer(posed, search, row, slots)


def _is_routed(posed: Posed, row: int) -> bool:
    """Tell whether an order is on a route already."""
    steps, count = posed.routes.steps, posed.routes.count
    return bool(((steps >> 1 == row) & (np.arange(steps.shape[1]) < count[:, np.newaxis])).any())


def as_weighed(snapshot: Snapshot, candidate: OrderInPlay) -> OrderInPlay:
    """Return a candidate without a store, as if promised at the latest moment allowed."""
    policy, asked_at = snapshot.policy, candidate.order.created_at
    latest = asked_at + (
        policy.promise_fixed_s
        or max(0, policy.promise_max_s - policy.promise_margin_s - policy.promise_extra_s)
    )
    return replace(candidate, promise=Promise(asked_at, latest, snapshot.now), store_id=None)


def give_way(search: Search, policy: Policy, row: int) -> None:
    """Put every order but the one asked for where it belongs."""
    search.settle()
    others = [job for job in np.flatnonzero(search.owner < 0).tolist() if job != row]
    if policy.assign_nearest:
        append_to_nearest(search, others)
        return
    search.relate(others)
    if others:
        search.fill(others)


def come(search: Search, policy: Policy, row: int, candidate_row: int) -> None:
    """Put the order asked for at its cheapest place, if there is one."""
    search.join(row, candidate_row)
    if policy.assign_nearest:
        append_to_nearest(search, [row])
        return
    search.relate([row])
    search.fill([row])


def answer(posed: Posed, search: Search, row: int, slots: Later) -> Offer | Refusal:
    """Return what the place found for an order means to the customer."""
    situation, asked = posed.situation, posed.entries[row]
    snapshot, policy, asked_at = situation.snapshot, situation.policy, asked.order.created_at
    courier = int(search.owner[row])
    if courier < 0:
        no = why_unrouted(posed, search, row)
        return NotNow(no.reason, no.detail, None, slots)
    eta = done_at(search, row)
    store_id = posed.store_of(int(search.routes.chosen[row]))
    mode = posed.problem.couriers[courier, a.COURIER_MODE]
    counter, door = situation.stores[store_id].place, asked.place
    length_m = int(posed.problem.length_m[mode, counter, door])
    growing_s2 = float(posed.problem.doubts[mode]) * (eta - snapshot.now) ** 2
    margin_s = kept_s(snapshot, float(search.board.doubt_s2[row]) + growing_s2)
    offer = Offer(
        eta=eta,
        promise=promised(policy, asked_at, snapshot.now, eta, margin_s),
        store_id=store_id,
        courier_id=posed.courier_ids[courier],
        fare_cents=fare_cents(policy, length_m),
        length_m=length_m,
        margin_s=margin_s,
        extra_s=policy.promise_extra_s,
        later=slots,
    )
    return _in_time(policy, asked_at, offer)


def kept_s(snapshot: Snapshot, doubt_s2: float) -> int:
    """Return what a promise keeps between a forecast of some variance and its end, in seconds."""
    policy = snapshot.policy
    kept = float(policy.promise_margin_s)
    if policy.promise_confidence > 0:
        kept = snapshot.spread.kept * math.sqrt(doubt_s2)
    return round(kept) + policy.promise_extra_s


def promised(policy: Policy, asked_at: int, now: int, eta: int, margin_s: int) -> Promise:
    """Return the window to promise for an order that would be handed over at `eta`.

    Its end is a full minute, so that it reads the same on every screen.
    """
    if policy.promise_fixed_s:
        return ending(policy, now, asked_at + policy.promise_fixed_s + policy.promise_extra_s)
    latest = max(asked_at + policy.promise_min_s, eta + margin_s)
    return ending(policy, now, latest)


def ending(policy: Policy, now: int, latest: int) -> Promise:
    """Return the window of the policy's length that ends at a time, or at the next full minute."""
    latest = -(-latest // _MINUTE_S) * _MINUTE_S
    earliest = min(latest, max(now, latest - policy.promise_window_s))
    return Promise(earliest, latest, now)


def _collected(situation: Situation, asked: OrderInPlay) -> Offer | Refusal:
    """Return when the goods would be ready to be collected, at the nearest store that has them."""
    policy = situation.policy
    found, slots = collectable(situation, asked)
    if isinstance(found, Refusal):
        return NotNow(found.reason, found.detail, None, slots)
    store = situation.stores[found.store_id].store
    share = pick_share(situation, store.store_id)
    margin_s = kept_s(
        situation.snapshot, float(doubt_s2(situation, share, pick_s(store, asked.order)))
    )
    offer = Offer(
        eta=found.ready_at,
        # Nobody has to come: the goods may be promised as soon as they are picked.
        promise=ending(policy, situation.now, found.ready_at + margin_s),
        store_id=found.store_id,
        courier_id="",
        fare_cents=0,
        margin_s=margin_s,
        extra_s=policy.promise_extra_s,
        later=slots,
    )
    return _in_time(policy, asked.order.created_at, offer)


def _in_time(policy: Policy, asked_at: int, offer: Offer) -> Offer | Refusal:
    safe = offer.eta if policy.promise_fixed_s else offer.promise.latest
    if safe <= asked_at + policy.promise_max_s:
        return offer
    return NotNow(
        Reason.NO_COURIER_BEFORE_DEADLINE,
        f"the earliest safe promise ends {minutes(safe - asked_at)} after the "
        f"order, later than the {minutes(policy.promise_max_s)} allowed",
        offer,
        offer.later,
    )
