"""What a plan costs, worked out from its visits and the policy alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

from dispatch.checking.facts import Facts, picking_s
from dispatch.checking.violation import Kind, Violation
from dispatch.churn import first_moved
from dispatch.model import (
    CourierInPlay,
    Objective,
    OrderInPlay,
    Plan,
    Policy,
    Route,
    StopKind,
    StoreInPlay,
    Visit,
)

_HOUR_S: Final = 3600
_CERTAIN: Final = 5.0
"""Standard deviations beyond which nobody is taken to doubt any more."""

_ROUNDING: Final = 1e-6
"""Sums of floats in another order differ by less than this share."""


def costs(plan: Plan, facts: Facts) -> Objective:
    """Return the cost of a plan by term.

    A returned order is never late, and its waiting counts from now.  Churn is counted for what is
    fetched and was not committed: once if another courier than last shown has it who could have
    kept it, once if it leaves the store it was given to, and once if it is fetched later than the
    store was told; for what comes later than its customer was told; and for a route whose stops
    come in another sequence than its courier was told.
    """
    policy = facts.snapshot.policy
    told, usual, demand = _told(facts), _usual_share(facts), _demand(facts)
    terms = dict.fromkeys((field.name for field in fields(Objective)), 0.0)
    terms["undelivered"] = len(plan.unassigned) * policy.undelivered_cost
    for courier_id, courier in facts.couriers.items():
        route = facts.routes.get(courier_id)
        visits = () if route is None else route.visits
        terms["ending"] += _ending(courier, visits, demand, facts)
        if route is None:
            continue
        terms["churn"] += policy.churn_cost * _changes(route, told, facts)
        terms["churn"] += policy.churn_store_cost * _fetched_later(route, told, facts)
        if _sequence_changed(route, told):
            terms["churn"] += policy.churn_sequence_cost
        fresh = visits[len(facts.bound.get(courier_id, ())) :]
        given = sum(visit.stop.kind is StopKind.PICKUP for visit in fresh)
        terms["duty"] += given * _duty(courier, usual, facts)
        standing = facts.is_standing(courier)
        fetched = {v.stop.order_id: v for v in visits if v.stop.kind is StopKind.PICKUP}
        for index, visit in enumerate(visits):
            if index or not standing:
                terms["travel"] += policy.travel_cost * visit.travel_s
                terms["travel"] += policy.length_cost * visit.length_m
            order = facts.orders.get(visit.stop.order_id)
            if order is None or visit.stop.kind is StopKind.PICKUP:
                continue
            if visit.stop.kind is StopKind.RETURN:
                terms["waiting"] += policy.waiting_cost * (visit.depart_at - facts.snapshot.now)
                continue
            ride = Ride.of(visit, order, fetched.get(order.order_id), courier, facts)
            for name, cost in ride.costs(facts).items():
                terms[name] += cost
    return Objective(**terms)


@dataclass(frozen=True, slots=True)
class Ride:
    """An order's way to its door.

    Attributes
    ----------
    ride_s, direct_s
        In the bag, and straight from the store.
    doubt_s
        Standard deviation of the hand-over.
    """

    order: OrderInPlay
    done_at: int
    ride_s: int
    direct_s: int
    doubt_s: float

    @classmethod
    def of(
        cls,
        visit: Visit,
        order: OrderInPlay,
        pickup: Visit | None,
        courier: CourierInPlay,
        facts: Facts,
    ) -> Ride:
        """Return the ride that ends with a visit."""
        spread, now = facts.snapshot.spread, facts.snapshot.now
        table = facts.snapshot.travel.duration_s[courier.courier.mode]
        since = order.picked_up_at if order.picked_up_at is not None else now
        source = facts.stores.get(order.store_id or "")
        doubts = [spread.door_s]
        if pickup is not None:
            since = pickup.depart_at
            source = facts.stores.get(pickup.stop.store_id)
        if pickup is not None and source is not None:
            share = spread.pick.get(source.store_id, spread.pick.get("", 0.0))
            picking = 0 if order.ready_at is not None else picking_s(order, source)
            doubts += [spread.counter_s, share * picking]
        fixed = round(sum(doubt**2 for doubt in doubts))
        ahead = spread.travel.get(courier.courier.mode, 0.0) * (visit.depart_at - now)
        direct_s = 0
        if source is not None and facts.on_map(order.place):
            direct_s = table.item((source.place, order.place))
        doubt_s = math.sqrt(fixed + ahead**2)
        return cls(order, visit.depart_at, visit.begin_at - since, direct_s, doubt_s)

    def costs(self, facts: Facts) -> dict[str, float]:
        """Return what the hand-over costs, by term."""
        policy = facts.snapshot.policy
        late_s = self.done_at - self.order.promise.latest
        detour_s = max(0, self.ride_s - self.direct_s)
        over_s = max(0, detour_s - policy.stack_detour_s)
        over_s += max(0, self.ride_s - policy.stack_bag_s)
        told = self.order.told_eta
        is_news = told is not None and self.done_at > told + policy.churn_customer_s
        return {
            "waiting": policy.waiting_cost * (self.done_at - self.order.order.created_at),
            "lateness": _lateness(policy, late_s, self.doubt_s),
            "churn": policy.churn_customer_cost if is_news else 0.0,
            "stacking": policy.stack_cost * over_s
            + policy.stack_late_cost * min(detour_s, max(0, late_s)),
            "chilled": policy.chilled_cost * self.ride_s if self.order.order.chilled else 0.0,
        }


def _usual_share(facts: Facts) -> float:
    """Return what share of its time on shift the crew has worked."""
    now, crew = facts.snapshot.now, facts.couriers.values()
    on_shift_s = sum(max(0, now - one.shift_start) for one in crew)
    return sum(one.worked_s for one in crew) / max(1, on_shift_s)


def _duty(courier: CourierInPlay, usual: float, facts: Facts) -> float:
    """Return the price of giving a courier one more order."""
    policy, now = facts.snapshot.policy, facts.snapshot.now
    more_s = courier.worked_s - usual * max(0, now - courier.shift_start)
    fair = policy.fairness_cost * max(0.0, more_s) / _HOUR_S
    return fair + policy.decline_cost * (1.0 - courier.acceptance)


def _demand(facts: Facts) -> list[tuple[int, float]]:
    """Return the places of stores with the share of the orders to come that each has."""
    rates = {entry.store_id: entry.orders_per_h for entry in facts.snapshot.demand}
    total = sum(rates.get(key, 0.0) for key in facts.stores)
    if total <= 0:
        return []
    return [(store.place, rates.get(key, 0.0) / total) for key, store in facts.stores.items()]


def _ending(
    courier: CourierInPlay,
    visits: Sequence[Visit],
    demand: Sequence[tuple[int, float]],
    facts: Facts,
) -> float:
    """Return the price of where and when a route ends, and of a break that begins late."""
    policy, now = facts.snapshot.policy, facts.snapshot.now
    place, cost = courier.place, 0.0
    if visits:
        last = visits[-1]
        end: OrderInPlay | StoreInPlay | None = facts.stores.get(last.stop.store_id)
        if last.stop.kind is StopKind.DROPOFF:
            end = facts.orders.get(last.stop.order_id)
        # A stop of what nobody knows is a violation of its own.
        place = end.place if end is not None and facts.on_map(end.place) else courier.place
        cost += policy.overtime_cost * max(0, last.depart_at - courier.shift_end)
        cost += _late_break(courier, visits, facts)
    table = facts.snapshot.travel.duration_s[courier.courier.mode]
    home = courier.home_place
    if home is not None and facts.on_map(home) and courier.shift_end - now <= policy.home_ahead_s:
        cost += policy.home_cost * min(_HOUR_S, table.item((place, home)))
    for counter, share in demand:
        cost += policy.future_cost * share * min(_HOUR_S, table.item((place, counter)))
    return cost


def _late_break(courier: CourierInPlay, visits: Sequence[Visit], facts: Facts) -> float:
    """Return the price of a break that begins after a visit, later than it should."""
    first = facts.first_break(courier, visits)
    if first is None or first[0] < 0 or courier.pause is None:
        return 0.0
    return facts.snapshot.policy.break_late_cost * max(0, first[1] - courier.pause.latest)


def objective(plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold that a plan costs what it says, term by term."""
    true = costs(plan, facts)
    for field in fields(Objective):
        said, is_so = getattr(plan.objective, field.name), getattr(true, field.name)
        if not math.isclose(said, is_so, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
            detail = f"says {field.name} is {said:.3f}, it is {is_so:.3f}"
            yield Violation(Kind.OBJECTIVE, plan.plan_id, detail)


def _lateness(policy: Policy, late_s: int, doubt_s: float) -> float:
    """Return the price of slack used up, and of being late as far as it is to be expected."""
    slack_used_s = min(max(late_s + policy.buffer_s, 0), policy.buffer_s)
    if doubt_s > 0:
        z = late_s / doubt_s
        if z < -_CERTAIN:
            return policy.buffer_cost * slack_used_s
        chance = 0.5 * math.erfc(-z / math.sqrt(2))
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        over = late_s * chance + doubt_s * density
        square = (late_s**2 + doubt_s**2) * chance + late_s * doubt_s * density
    else:
        chance = float(late_s > 0)
        over = float(max(late_s, 0))
        square = over**2
    return (
        policy.buffer_cost * slack_used_s
        + policy.late_once_cost * chance
        + policy.late_cost * over
        + policy.late_square_cost * square
    )


class _Told(NamedTuple):
    """What was shown last.

    Attributes
    ----------
    courier, fetch_at
        By order: who was to have it, and when it was to leave its store; of several couriers the
        last by id.
    routes
        By courier.
    """

    courier: dict[str, str]
    fetch_at: dict[str, int]
    routes: dict[str, Route]


def _told(facts: Facts) -> _Told:
    told = _Told({}, {}, {route.courier_id: route for route in facts.snapshot.routes})
    for route in sorted(facts.snapshot.routes, key=lambda route: route.courier_id):
        for visit in route.visits:
            if route.courier_id in facts.couriers:
                told.courier[visit.stop.order_id] = route.courier_id
            if visit.stop.kind is StopKind.PICKUP:
                told.fetch_at[visit.stop.order_id] = visit.depart_at
    return told


def _changes(route: Route, told: _Told, facts: Facts) -> int:
    """Return how many orders another courier was shown, and how many leave their store."""
    committed = len(facts.bound.get(route.courier_id, ()))
    changes = 0
    for visit in route.visits[committed:]:
        stop = visit.stop
        order = facts.orders.get(stop.order_id)
        if stop.kind is not StopKind.PICKUP or order is None:
            continue
        before = told.courier.get(stop.order_id, route.courier_id)
        holder = facts.holders.get(stop.order_id)
        kept = before not in order.declined_by if holder is None else before == holder
        changes += int(before != route.courier_id and kept)
        changes += int(order.store_id not in {None, stop.store_id})
    return changes


def _fetched_later(route: Route, told: _Told, facts: Facts) -> int:
    """Return how many orders leave their store later than it was told, by more than is no news."""
    news_s = facts.snapshot.policy.churn_store_s
    committed = len(facts.bound.get(route.courier_id, ()))
    return sum(
        visit.depart_at > told.fetch_at[visit.stop.order_id] + news_s
        for visit in route.visits[committed:]
        if visit.stop.kind is StopKind.PICKUP and visit.stop.order_id in told.fetch_at
    )


def _sequence_changed(route: Route, told: _Told) -> bool:
    """Return whether stops that a courier was told come in another sequence now."""
    before = told.routes.get(route.courier_id)
    if before is None:
        return False
    old, new = ([visit.stop for visit in each.visits] for each in (before, route))
    return first_moved(old, new) is not None
