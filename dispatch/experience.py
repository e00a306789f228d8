"""How far forecasts are off and who takes offers, by the log so far; priors before there is one.

What is seen is drawn towards what is seen of all, and that towards the policy's prior: a variance
is (w v + sum of squares) / (w + n) with the prior v worth w cases, the posterior mean of a scaled
inverse chi-squared distribution but for a constant (Gelman et al., Bayesian Data Analysis, 3rd ed.
2013, section 2.6).  How much of the spread a promise keeps is steered by how many promises held,
as in adaptive conformal inference (Gibbs and Candes 2021, doi:10.48550/arXiv.2106.00170): one that
was broken widens the next ones, one that held narrows them, so that in the long run as many hold
as were said to, whatever the forecasts are worth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final

from dispatch import events as e
from dispatch.model import Mode, Spread, StopKind
from dispatch.planning.picking import pick_s
from dispatch.policy import Policy
from dispatch.state import State

PRIOR_CASES: Final = 30.0
"""Cases that the policy's prior is worth against all that was seen."""

OWN_CASES: Final = 15.0
"""Cases that all stores (or modes) together are worth against one of them."""

OFFERS_PRIOR: Final = 10.0
"""Offers that what everybody does is worth against one courier."""

ACCEPTANCE_PRIOR: Final = 0.9
"""Share of offers taken before anybody was asked."""

STEP: Final = 0.1
"""How much one promise, kept or broken, moves the share of the spread that the next ones keep."""

LEAST_AHEAD_S: Final = 120
"""A forecast nearer than this says nothing of how errors grow with the time ahead."""

_MOST_SHARE: Final = 2.0
"""One case counts as no more than this: a forgotten scan is no slow picker."""


@dataclass(slots=True)
class _Squares:
    """Squared errors of some kind."""

    count: float = 0.0
    total: float = 0.0

    def add(self, error: float) -> None:
        """Take in one more."""
        self.count += 1
        self.total += min(abs(error), _MOST_SHARE) ** 2

    def variance(self, prior: float, weight: float) -> float:
        """Return the variance, with a prior worth so many cases."""
        return (weight * prior + self.total) / (weight + self.count)


@dataclass(slots=True)
class _Seconds(_Squares):
    """Squared errors in seconds."""

    def add(self, error: float) -> None:
        """Take in one more."""
        self.count += 1
        self.total += error**2


@dataclass(slots=True)
class _Offers:
    """Of one courier, or of all."""

    made: int = 0
    taken: int = 0


@dataclass(slots=True)
class _Arrival:
    """Since when a courier is at a stop."""

    at: int
    kind: StopKind


@dataclass(slots=True)
class ExperienceFold:
    """Folds the log into what forecasts are worth; the same log gives the same experience."""

    policy: Policy
    _picks: dict[str, _Squares] = field(default_factory=dict)
    _ahead: dict[Mode, _Squares] = field(default_factory=dict)
    _counter: _Seconds = field(default_factory=_Seconds)
    _door: _Seconds = field(default_factory=_Seconds)
    _offers: dict[str, _Offers] = field(default_factory=dict)
    _every_offer: _Offers = field(default_factory=_Offers)
    _began: dict[str, int] = field(default_factory=dict)
    _first: dict[str, tuple[int, int]] = field(default_factory=dict)
    _arrived: dict[str, _Arrival] = field(default_factory=dict)
    _told_at: dict[str, int] = field(default_factory=dict)
    _worked_s: dict[str, int] = field(default_factory=dict)
    _kept: float | None = None
    learnt: int = 0
    """From how many events."""

    def add(self, recorded: e.Recorded, before: State) -> None:
        """Take in one more event, in the order of the log; `before` is the state before it."""
        event = recorded.event
        match event:
            case e.PickStarted(order_id=key, occurred_at=at):
                self._began[key] = at
            case e.PickCompleted():
                self._picked(event, before)
            case e.PlanPublished():
                self._planned(event)
            case e.ShiftStarted(courier_id=courier_id):
                self._worked_s[courier_id] = 0
            case e.StopCommitted() | e.StopArrived() | e.ParcelPickedUp():
                self._at_work(event, before)
            case e.OrderDelivered():
                self._delivered(event, before)
            case e.OrderCancelled(order_id=key):
                self._began.pop(key, None)
                self._first.pop(key, None)
            case e.OfferMade(courier_id=courier_id) | e.OfferAccepted(courier_id=courier_id):
                own = self._offers.setdefault(courier_id, _Offers())
                for offers in (own, self._every_offer):
                    offers.made += isinstance(event, e.OfferMade)
                    offers.taken += isinstance(event, e.OfferAccepted)
            case _:
                return
        self.learnt += 1

    def spread(self) -> Spread:
        """Return how far forecasts are off; what the policy takes as certain stays so."""
        policy = self.policy
        if not (policy.pick_spread or policy.travel_spread):
            return Spread()
        all_picks = _together(self._picks.values())
        pooled = all_picks.variance(policy.pick_spread**2, PRIOR_CASES)
        picks = {
            key: math.sqrt(seen.variance(pooled, OWN_CASES)) for key, seen in self._picks.items()
        }
        all_ahead = _together(self._ahead.values())
        travel = all_ahead.variance(policy.travel_spread**2, PRIOR_CASES)
        by_mode = {
            mode: math.sqrt(self._ahead.get(mode, _Squares()).variance(travel, OWN_CASES))
            for mode in Mode
        }
        return Spread(
            pick={"": math.sqrt(pooled), **dict(sorted(picks.items()))},
            travel=by_mode,
            counter_s=math.sqrt(self._counter.variance(policy.counter_spread_s**2, PRIOR_CASES)),
            door_s=math.sqrt(self._door.variance(policy.door_spread_s**2, PRIOR_CASES)),
            kept=self.kept if policy.promise_confidence > 0 else 0.0,
        )

    def worked_s(self, courier_id: str) -> int:
        """Return how long a courier has been on the way to stops, and at them, in this shift."""
        return self._worked_s.get(courier_id, 0)

    def acceptance(self, courier_id: str) -> float:
        """Return the chance that an offer to a courier is taken."""
        every = self._every_offer
        pooled = (PRIOR_CASES * ACCEPTANCE_PRIOR + every.taken) / (PRIOR_CASES + every.made)
        own = self._offers.get(courier_id, _Offers())
        return min(1.0, (OFFERS_PRIOR * pooled + own.taken) / (OFFERS_PRIOR + own.made))

    @property
    def kept(self) -> float:
        """How many standard deviations a promise keeps between the forecast and its end."""
        if self._kept is None:
            return NormalDist().inv_cdf(self.policy.promise_confidence)
        return self._kept

    # --- what is seen --------------------------------------------------------------------------

    def _picked(self, event: e.PickCompleted, before: State) -> None:
        began = self._began.pop(event.order_id, None)
        order = before.orders.get(event.order_id)
        if began is None or order is None:
            return
        expected_s = pick_s(before.store(event.store_id).store, order.order)
        if expected_s > 0:
            error = (event.occurred_at - began) / expected_s - 1.0
            self._picks.setdefault(event.store_id, _Squares()).add(error)

    def _at_work(
        self, event: e.StopCommitted | e.StopArrived | e.ParcelPickedUp, before: State
    ) -> None:
        courier_id, at = event.courier_id, event.occurred_at
        if isinstance(event, e.StopCommitted):
            self._told_at[courier_id] = at
        elif isinstance(event, e.StopArrived):
            self._arrived[courier_id] = _Arrival(at, event.stop.kind)
        else:
            expected_s = before.store(event.store_id).store.pickup_service_s
            self._served(courier_id, StopKind.PICKUP, at, expected_s)

    def _planned(self, event: e.PlanPublished) -> None:
        for route in event.routes:
            for visit in route.visits:
                if visit.stop.kind is StopKind.DROPOFF:
                    forecast = event.made_at, visit.depart_at
                    self._first.setdefault(visit.stop.order_id, forecast)

    def _served(self, courier_id: str, kind: StopKind, at: int, expected_s: int) -> None:
        """Take in how long a stop took; of several parcels at one counter the first counts."""
        told_at = self._told_at.pop(courier_id, None)
        if told_at is not None:
            self._worked_s[courier_id] = self.worked_s(courier_id) + max(0, at - told_at)
        arrived = self._arrived.pop(courier_id, None)
        if arrived is not None and arrived.kind is kind:
            seen = self._counter if kind is StopKind.PICKUP else self._door
            seen.add(max(0, at - arrived.at) - expected_s)

    def _delivered(self, event: e.OrderDelivered, before: State) -> None:
        key, at = event.order_id, event.occurred_at
        first, order = self._first.pop(key, None), before.orders.get(key)
        if order is None:
            return
        self._served(event.courier_id, StopKind.DROPOFF, at, order.order.service_s)
        if first is not None and first[1] - first[0] >= LEAST_AHEAD_S:
            error = (at - first[1]) / (first[1] - first[0])
            mode = before.courier(event.courier_id).courier.mode
            self._ahead.setdefault(mode, _Squares()).add(error)
        promise = order.promises[0] if order.promises else order.promise
        bound = order.order.created_at + self.policy.promise_min_s + _MINUTE_S
        follows = self.policy.promise_confidence > 0 and self.policy.promise_fixed_s == 0
        if follows and promise.latest > bound:
            broken = 1.0 if at > promise.latest else 0.0
            miss = broken - (1.0 - self.policy.promise_confidence)
            self._kept = max(0.0, self.kept + STEP * miss)


def _together(kinds: Iterable[_Squares]) -> _Squares:
    found = _Squares()
    for one in kinds:
        found.count += one.count
        found.total += one.total
    return found


_MINUTE_S: Final = 60
"""Promises end at full minutes: one that ends sooner than this after the least was held by that."""
