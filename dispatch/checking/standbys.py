"""Moves of couriers who have nothing to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dispatch.checking.facts import Facts
from dispatch.checking.violation import Kind, Violation
from dispatch.model import UNREACHABLE_S, CourierInPlay, Plan, Standby, StoreInPlay


def standbys(plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold that only couriers who are idle and on shift are sent off, to a store, in true time.

    Whoever waits does so on the street: of the travel table's leg, which ends at the counter,
    the store's `access_s` is not walked.
    """
    for courier_id, times in Counter(standby.courier_id for standby in plan.standbys).items():
        if times > 1:
            detail = f"is sent to {times} standbys"
            yield Violation(Kind.DUPLICATE_STANDBY, courier_id, detail)
    if plan.standbys and facts.snapshot.policy.standby_horizon_s == 0:
        detail = f"moves {len(plan.standbys)} couriers, by the policy they wait where they are"
        yield Violation(Kind.STANDBY_OFF, plan.plan_id, detail)
    for standby in plan.standbys:
        courier, store = facts.couriers.get(standby.courier_id), facts.stores.get(standby.store_id)
        if courier is None:
            yield Violation(Kind.UNKNOWN_COURIER, standby.courier_id, "is not in the snapshot")
        elif store is None:
            detail = f"is sent to {standby.store_id}, not in the snapshot"
            yield Violation(Kind.UNKNOWN_STORE, standby.courier_id, detail)
        else:
            yield from _courier(standby, courier, facts)
            yield from _way(standby, courier, store, facts)


def _courier(standby: Standby, courier: CourierInPlay, facts: Facts) -> Iterator[Violation]:
    key, now = standby.courier_id, facts.snapshot.now
    if key in facts.routes or facts.is_bound(key):
        yield Violation(Kind.STANDBY_BUSY, key, "has something to do and needs no standby")
    if courier.under_way:
        detail = f"is on the way to {courier.standby} and gets there first"
        yield Violation(Kind.STANDBY_UNDER_WAY, key, detail)
    if not courier.shift_start <= now < courier.shift_end:
        detail = f"is on shift from {courier.shift_start} to {courier.shift_end}, not at {now}"
        yield Violation(Kind.STANDBY_SHIFT, key, detail)


def _way(
    standby: Standby, courier: CourierInPlay, store: StoreInPlay, facts: Facts
) -> Iterator[Violation]:
    key, mode = standby.courier_id, courier.courier.mode
    travel = facts.snapshot.travel
    leg_s = travel.duration_s[mode].item(courier.place, store.place)
    leg_m = travel.length_m[mode].item(courier.place, store.place)
    if leg_s >= UNREACHABLE_S:
        yield Violation(Kind.UNREACHABLE, key, f"there is no way to {standby.store_id}")
        return
    street_s = max(0, leg_s - store.store.access_s)
    arrive_at = max(facts.snapshot.now, courier.available_at) + street_s
    if street_s == 0:
        yield Violation(Kind.STANDBY_THERE, key, f"is at {standby.store_id} already")
    if (standby.travel_s, standby.length_m, standby.arrive_at) != (street_s, leg_m, arrive_at):
        detail = f"is at {standby.store_id} at {arrive_at}, after {street_s} s and {leg_m} m"
        yield Violation(Kind.STANDBY_TIMES, key, detail)
