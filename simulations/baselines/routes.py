"""Sequences of stops turned into routes with times, and routes into a plan."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from dispatch.bags import load_of, room_of, why_too_much
from dispatch.check import cost_of
from dispatch.model import (
    UNREACHABLE_S,
    Objective,
    Plan,
    Reason,
    Route,
    Snapshot,
    Stop,
    StopKind,
    Unassigned,
    Visit,
)
from dispatch.planning.situation import opening
from simulations.baselines.scene import Hand, Scene


def timed(
    scene: Scene, hand: Hand, stops: Sequence[Stop], *, just_in_time: bool = False
) -> Route | None:
    """Return a courier's route with times, or None where it breaks a limit.

    Parameters
    ----------
    stops
        The committed stops first; each after a pickup of the same order or of one in the bag.
    just_in_time
        Leave as late as the first pickup allows; else leave at once.  Whoever holds anything
        has left already.

    Returns
    -------
    Route or None
        None if there are no stops, or if a stop that is not committed has no way to it, is a
        pickup after the shift or at a closed store, or makes the bag too heavy or too full.
    """
    if not stops or not _is_carried(scene, hand, stops):
        return None
    courier = hand.courier
    duration_s = scene.duration_s(courier)
    length_m = scene.situation.snapshot.travel.length_m[courier.courier.mode]
    visits: list[Visit] = []
    place, at = courier.place, scene.earliest(hand)
    parcels, break_at = len(hand.in_bag), None
    rest_s = 0 if courier.pause is None else courier.pause.duration_s
    if _rests(hand, parcels, 0, at):
        break_at, at = at, at + rest_s
    leave_at = at
    for index, stop in enumerate(stops):
        here = scene.place(stop)
        stands = index == 0 and courier.arrived and courier.committed[:1] == (stop,)
        travel_s = 0 if stands else int(duration_s[place, here])
        travelled_m = 0 if stands else int(length_m[place, here])
        if travel_s >= UNREACHABLE_S:
            return None
        committed = index < len(hand.committed)
        begin = _begin(scene, hand, stop, at + travel_s, committed=committed)
        if begin is None:
            return None
        depart = max(begin + scene.service_s(stop), scene.now)
        visits.append(Visit(stop, at + travel_s, begin, depart, travel_s, travelled_m))
        place, at = here, depart
        parcels += 1 if stop.kind is StopKind.PICKUP else -1
        is_last = index + 1 == len(stops)
        if break_at is None and not is_last and _rests(hand, parcels, index + 1, at):
            break_at, at = at, at + rest_s
    if just_in_time and not hand.stops:
        spare_s = visits[0].begin_at - visits[0].arrive_at
        leave_at += spare_s
        visits[0] = replace(visits[0], arrive_at=visits[0].begin_at)
    return Route(courier.courier_id, tuple(visits), leave_at, break_at=break_at)


def _rests(hand: Hand, parcels: int, done: int, at: int) -> bool:
    """Return whether a courier's break begins now, with so many stops done."""
    pause = hand.courier.pause
    return (
        pause is not None and not parcels and done >= len(hand.committed) and at >= pause.earliest
    )


def _is_carried(scene: Scene, hand: Hand, stops: Sequence[Stop]) -> bool:
    """Return whether the courier can carry what the stops fetch, the committed ones aside."""
    orders = scene.situation.orders
    person = hand.courier.courier
    bag = list(hand.in_bag)
    for index, stop in enumerate(stops):
        if stop.kind is not StopKind.PICKUP:
            bag = [key for key in bag if key != stop.order_id]
            continue
        bag.append(stop.order_id)
        full = not load_of(orders[key].order for key in bag).fits(room_of(person))
        if full and index >= len(hand.committed):
            return False
    return True


def _begin(scene: Scene, hand: Hand, stop: Stop, arrive: int, *, committed: bool) -> int | None:
    if stop.kind is StopKind.DROPOFF:
        not_before = scene.situation.orders[stop.order_id].not_before
        return arrive if not_before is None else max(arrive, not_before)
    if stop.kind is not StopKind.PICKUP:
        return arrive
    begin = max(arrive, scene.ready_at[stop.order_id])
    if committed:
        return begin
    opened = opening(begin, scene.situation.stores[stop.store_id].open_windows)
    late = opened is None or opened > hand.courier.shift_end
    return None if late else opened


def written(
    scene: Scene, routes: Mapping[str, Route], method: str, left: Mapping[str, str]
) -> Plan:
    """Return the plan of some routes.

    Parameters
    ----------
    routes
        By courier; whoever holds something and is missing goes on with what is held.
    method
        Name of the baseline.
    left
        For free orders on no route, what the baseline has to say about it.
    """
    snapshot = scene.situation.snapshot
    all_routes: list[Route] = []
    for courier_id, hand in scene.hands.items():
        route = routes.get(courier_id) or timed(scene, hand, hand.stops)
        if route is not None:
            all_routes.append(route)
    routed = {visit.stop.order_id for route in all_routes for visit in route.visits}
    unassigned = [
        *scene.left_out.values(),
        *(
            _why(scene, order_id, left.get(order_id, "no courier is free for it now"))
            for order_id in scene.free
            if order_id not in routed
        ),
    ]
    sourcing = {
        key: order.store_id
        for key, order in scene.situation.orders.items()
        if order.store_id is not None and order.store_id in scene.situation.stores
    }
    for visit in (visit for route in all_routes for visit in route.visits):
        if visit.stop.kind is StopKind.PICKUP:
            sourcing[visit.stop.order_id] = visit.stop.store_id
    unassigned.sort(key=lambda entry: entry.order_id)
    plan = Plan(
        plan_id=_plan_id(snapshot, method),
        snapshot_seq=snapshot.seq,
        made_at=snapshot.now,
        routes=tuple(all_routes),
        sourcing=sourcing,
        ready_at=scene.ready_at,
        unassigned=tuple(unassigned),
        objective=Objective(),
        method=method,
        travel_version=snapshot.travel.version,
    )
    # No baseline looks at what a plan costs; the judge of them all says it.
    return replace(plan, objective=cost_of(plan, snapshot))


def _why(scene: Scene, order_id: str, detail: str) -> Unassigned:
    order = scene.free[order_id]
    able = [
        hand.courier.courier
        for key, hand in scene.hands.items()
        if key not in order.declined_by and hand.courier.shift_end >= scene.now
    ]
    if not able:
        return Unassigned(
            order_id, Reason.NO_COURIER_ON_SHIFT, "no courier on shift has not declined it"
        )
    no = why_too_much(order.order, able, "courier")
    if no is not None:
        return Unassigned(order_id, no.reason, no.detail)
    return Unassigned(order_id, Reason.NO_COURIER_BEFORE_DEADLINE, detail)


def _plan_id(snapshot: Snapshot, method: str) -> str:
    name = f"{snapshot.zone_id}/{snapshot.seq}/{snapshot.now}/{method}"
    digest = sha256(name.encode()).digest()
    return "pln_" + b32encode(digest).decode().lower()[:16]
