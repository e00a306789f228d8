"""What goes out over the wire: plain JSON objects, made from the state by hand.

Everything here reads; all of it runs on the engine's thread.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.courier_views import activity, courier_details, planned_break, stop_details
from api.event_objects import object_of
from api.legs import leg, place
from api.live import Live
from api.order_views import is_at_risk, line, moment, order, order_now, promise, quote
from api.shapes import board, couriers, events, operations, stores, ways, zones
from api.standby import standby
from dispatch.codec import WIRE, event_to_json, to_rfc3339
from dispatch.events import Recorded
from dispatch.model import (
    DeliveryStatus,
    OrderStatus,
    Route,
    Stop,
    StopKind,
    Visit,
)
from dispatch.snapshot import latest_place, store_windows
from dispatch.state import UNPICKED, Commitment, CourierState, OrderState, State, StoreState
from geo.closures import Closure
from geo.errors import ClosureError
from geo.service_area import as_json as area_as_json

__all__ = ["is_at_risk", "line", "moment", "order", "order_now", "promise", "quote"]
"""What other views share with those of orders; everything below is public besides."""


def closure(live: Live, closed: Closure) -> operations.Closure:
    """Return a closure with its streets; without any when they are not in the city any more."""
    try:
        found = live.streets.describe(closed)
        streets, length_m, lines = list(found.streets), found.length_m, found.lines
    except ClosureError:
        streets, length_m, lines = [], 0, []
    return {
        "id": closed.closure_id,
        "streets": streets,
        "length_m": length_m,
        "modes": [str(mode) for mode in closed.modes],
        "reason": closed.reason,
        "until": moment(closed.until),
        "lines": lines,
    }


def zone(live: Live) -> zones.Zone:
    """Return the zone."""
    city = live.city
    return {
        "id": live.zone_id,
        "city": city.name,
        "title": city.title,
        "now": to_rfc3339(live.clock.now()),
        "speed": live.clock.speed,
        "time_zone": city.time_zone,
        "bounds": list(city.bounds),
        "attribution": city.attribution,
        "policy": WIRE.unstructure(live.engine.policy),
    }


# --- stores ------------------------------------------------------------------------------------


def store(live: Live, found: StoreState) -> stores.Store:
    """Return a store with what its pickers have to do."""
    area = found.store.service_area
    return {**store_in_short(live, found), "service_area": area_as_json(area) if area else None}


def store_in_short(live: Live, found: StoreState) -> stores.StoreInShort:
    """Return a store without its service area, which may be drawn with thousands of points."""
    known = found.store
    now = live.clock.now()
    windows = store_windows(known.opening_hours, live.city.time_zone, now)
    statuses = [
        order.status
        for order in live.engine.state.orders.values()
        if order.store_id == known.store_id
    ]
    return {
        "id": known.store_id,
        "name": known.name,
        "location": place(known.location),
        "address": _addresses(live).get(known.store_id) or None,
        "opening_hours": known.opening_hours,
        "open_now": any(start <= now < end for start, end in windows),
        "paused": found.paused is not None,
        "paused_reason": found.paused,
        "pickers": known.pickers,
        "pick_base_s": known.pick_base_s,
        "pick_line_s": known.pick_line_s,
        "pickup_service_s": known.pickup_service_s,
        "reach_s": known.reach_s,
        "access_s": known.access_s,
        "safety_stock": known.safety_stock,
        "picks_waiting": sum(status in UNPICKED for status in statuses),
        "picks_running": sum(status is OrderStatus.PICKING for status in statuses),
    }


def _addresses(live: Live) -> Mapping[str, str]:
    return {known.store_id: known.address for known in live.city.stores}


# --- couriers ----------------------------------------------------------------------------------


def courier(live: Live, found: CourierState) -> couriers.Courier:
    """Return a courier."""
    known = found.courier
    now = live.clock.now()
    seen = live.engine.positions.get(known.courier_id)
    on_shift = found.on_shift(now)
    has_shift = found.shift_start is not None and (found.shift_end or 0) > now
    return {
        "id": known.courier_id,
        "name": known.name,
        "mode": known.mode.value,
        "home": place(known.home),
        "capacity_g": known.capacity_g,
        "capacity_ml": known.capacity_ml,
        "capacity_parcels": known.capacity_parcels,
        "chilled_bags": known.chilled_bags,
        "on_shift": on_shift,
        "shift": (
            {
                "starts_at": moment(found.shift_start),
                "ends_at": moment(found.shift_end),
                "break": planned_break(found),
            }
            if has_shift
            else None
        ),
        "operator": found.operator,
        "position": (
            None if seen is None else {"location": place(seen.place), "at": to_rfc3339(seen.at)}
        ),
        "activity": activity(found, now),
        "on_board": list(found.on_board),
        "standby": standby(live, found),
        "route_version": found.route_version,
        **courier_details(found),
    }


def upcoming(found: CourierState) -> list[Visit]:
    """Return the visits still ahead, the committed stop first."""
    visits = list(found.route.visits) if found.route is not None else []
    commitment = found.commitment
    if commitment is None or (visits and visits[0].stop == commitment.stop):
        return visits
    # Committed, but gone from the route since: it is still being done.
    at = commitment.arrived_at or commitment.expected_at
    return [Visit(commitment.stop, at, at, at, 0, 0), *visits]


def route(live: Live, found: CourierState) -> couriers.Route:
    """Return a courier's stops and the ways between them, along the streets."""
    state = live.engine.state
    now = live.clock.now()
    known, commitment = found.courier, found.commitment
    visits = upcoming(found)
    stops: list[couriers.Stop] = []
    legs: list[ways.StopLeg] = []
    here = latest_place(found, live.engine.positions).place
    for index, visit in enumerate(visits):
        committed = index == 0 and commitment is not None
        arrived = committed and commitment is not None and commitment.arrived_at is not None
        there = state.place_of(visit.stop)
        stops.append(_stop(live, visit, commitment if committed else None))
        if not arrived:
            way = leg(live, known.mode, here, there)
            if way is not None:
                legs.append({"stop_id": visit.stop.stop_id, **way})
        here = there
    if commitment is not None and commitment.offered_until is None:
        leave_at = commitment.committed_at
    else:
        leave_at = found.route.leave_at if found.route is not None and visits else now
    return {
        "courier_id": known.courier_id,
        "version": found.route_version,
        "acknowledged": found.acknowledged == found.route_version,
        "travel_version": live.engine.travel.version,
        "leave_at": to_rfc3339(leave_at) if visits else None,
        "stops": stops,
        "legs": legs,
    }


def stop_name(state: State, stop: Stop) -> str:
    """Return what a stop is called: the address of a door, the name of a store."""
    if stop.kind is StopKind.DROPOFF:
        return state.order(stop.order_id).order.address
    return state.store(stop.store_id).store.name


def _stop(live: Live, visit: Visit, under_way: Commitment | None) -> couriers.Stop:
    state, stop = live.engine.state, visit.stop
    name = stop_name(state, stop)
    address = _stop_address(live, stop)
    order = state.order(stop.order_id)
    details = stop_details(order, stop.kind)
    row: couriers.Stop = {
        "id": stop.stop_id,
        "kind": stop.kind.value,
        "order_id": stop.order_id,
        "store_id": stop.store_id,
        "name": name,
        "address": address,
        "location": place(state.place_of(stop)),
        "status": _stop_status(under_way),
        "offer_expires_at": moment(None if under_way is None else under_way.offered_until),
        "arrive_at": to_rfc3339(visit.arrive_at),
        "begin_at": to_rfc3339(visit.begin_at),
        "depart_at": to_rfc3339(visit.depart_at),
        "note": order.order.note,
        "parcel_ready": order.ready_at is not None,
        "parcel_id": details["parcel_id"],
        "proofs_required": details["proofs_required"],
        "age_limit": details["age_limit"],
    }
    if stop.kind is StopKind.DROPOFF:
        row["promise"] = promise(order.promise)
    return row


def _stop_address(live: Live, stop: Stop) -> str:
    """Return the street address of a stop; of a store it may be unknown."""
    state, order = live.engine.state, live.engine.state.order(stop.order_id)
    if stop.kind is StopKind.DROPOFF:
        if order.order.return_of is None:
            return order.order.address
        return _addresses(live).get(order.shelf_store_id, "")
    store = state.store(stop.store_id).store
    return store.name if store.is_point else _addresses(live).get(stop.store_id, "")


def _stop_status(under_way: Commitment | None) -> couriers.StopStatus:
    if under_way is None:
        return "planned"
    if under_way.offered_until is not None:
        return "offered"
    return "committed" if under_way.arrived_at is None else "arrived"


# --- the log, the plan -------------------------------------------------------------------------


def event(recorded: Recorded) -> events.Event:
    """Return an event in its wire form."""
    about = object_of(recorded.event)
    return {
        "seq": recorded.seq,
        "zone": recorded.zone_id,
        "at": to_rfc3339(recorded.at),
        "type": type(recorded.event).__name__,
        "object": {"type": about.kind, "id": about.object_id},
        "data": event_to_json(recorded.event, WIRE),
    }


def planned_route(found: Route) -> operations.PlannedRoute:
    """Return a route as the plan has it."""
    return {
        "courier_id": found.courier_id,
        "version": found.version,
        "leave_at": to_rfc3339(found.leave_at),
        "stops": [
            {
                "id": visit.stop.stop_id,
                "kind": visit.stop.kind.value,
                "order_id": visit.stop.order_id,
                "store_id": visit.stop.store_id,
                "arrive_at": to_rfc3339(visit.arrive_at),
                "begin_at": to_rfc3339(visit.begin_at),
                "depart_at": to_rfc3339(visit.depart_at),
                "travel_s": visit.travel_s,
                "length_m": visit.length_m,
            }
            for visit in found.visits
        ],
    }


def latest_plan(state: State) -> operations.Plan | None:
    """Return the plan in force, None before the first."""
    last = state.plan
    if last is None:
        return None
    return {
        "id": last.plan_id,
        "made_at": to_rfc3339(last.made_at),
        "method": last.method,
        "objective": {**WIRE.unstructure(last.objective), "total": last.objective.total},
        "routes": [planned_route(route) for route in state.routes],
        "unassigned": [
            {"order_id": left.order_id, "reason": left.reason.value, "detail": left.detail}
            for left in last.unassigned
            if left.order_id in state.orders
        ],
        "dropped": list(last.dropped),
        "solve_ms": last.solve_ms,
        "cut_short": last.cut_short,
        "violations": list(last.violations),
    }


def phase(found: OrderState) -> board.Phase:
    """Return where an order is, in one word for the map."""
    if found.delivery is DeliveryStatus.DELIVERED:
        return "delivered"
    failed = {DeliveryStatus.FAILED, DeliveryStatus.CANCELLED, DeliveryStatus.RETURNED}
    if found.delivery in failed or found.returning:
        return "failed"
    if found.on_board:
        return "carried"
    if found.status is OrderStatus.READY:
        return "ready"
    return "picking" if found.status is OrderStatus.PICKING else "waiting"


def combined_status(found: OrderState) -> str:
    """Return goods and delivery in one word: the delivery's, once a courier is on the way."""
    before = {
        DeliveryStatus.CREATED,
        DeliveryStatus.CONFIRMED,
        DeliveryStatus.OFFERED,
        DeliveryStatus.ASSIGNED,
    }
    if found.delivery in before and found.status not in UNPICKED:
        return found.status.value
    return found.delivery.value
