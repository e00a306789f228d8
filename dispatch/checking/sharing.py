"""Limits of what sharing a bag may do to an order: detour, time in the bag, lateness by it."""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.checking.costs import Ride
from dispatch.checking.facts import Facts
from dispatch.checking.violation import Kind, Violation
from dispatch.model import CourierInPlay, Policy, Route, StopKind, Visit


def limits(facts: Facts) -> Iterator[Violation]:
    """Hold that nothing fetched anew breaks a limit, for itself or for what it rides with.

    What a courier carries or was told to fetch may break one by itself: goods come later than
    they were forecast, and streets are slower.
    """
    policy = facts.snapshot.policy
    if not (policy.stack_detour_max_s or policy.stack_bag_max_s or policy.stack_late_max_s):
        return
    for courier_id, route in facts.routes.items():
        yield from _along(route, facts.couriers[courier_id], facts)


def _along(route: Route, courier: CourierInPlay, facts: Facts) -> Iterator[Violation]:
    committed = len(facts.bound.get(route.courier_id, ()))
    fetched: dict[str, tuple[int, Visit]] = {}
    ended: dict[str, int] = {}
    for index, visit in enumerate(route.visits):
        if visit.stop.kind is StopKind.PICKUP:
            fetched[visit.stop.order_id] = index, visit
        else:
            ended[visit.stop.order_id] = index
    anew = {key for key, (index, _) in fetched.items() if index >= committed}
    for order_id, end in ended.items():
        visit = route.visits[end]
        order = facts.orders.get(order_id)
        if order is None or visit.stop.kind is not StopKind.DROPOFF:
            continue
        since, pickup = fetched.get(order_id, (-1, None))
        rides_with_new = order_id in anew or any(
            fetched[other][0] < end and ended.get(other, len(route.visits)) > since
            for other in anew
        )
        waited = order.not_before is not None and visit.begin_at <= order.not_before
        if not rides_with_new or waited:
            continue
        ride = Ride.of(visit, order, pickup, courier, facts)
        broken = _broken(ride, facts.snapshot.policy)
        if broken:
            yield Violation(Kind.STACKING, order_id, broken)


def _broken(ride: Ride, policy: Policy) -> str:
    """Return which limit a ride breaks, in words; empty for none."""
    detour_s = ride.ride_s - ride.direct_s
    late_s = min(detour_s, ride.done_at - ride.order.promise.latest)
    if detour_s <= 0:
        return ""
    for what, found_s, limit_s in (
        ("makes a detour of", detour_s, policy.stack_detour_max_s),
        ("is in the bag for", ride.ride_s, policy.stack_bag_max_s),
        ("is late for what it shares a bag with by", late_s, policy.stack_late_max_s),
    ):
        if limit_s and found_s > limit_s:
            return f"{what} {found_s} s, not {limit_s} at most"
    return ""
