"""One judge for all contestants: what a plan costs by its snapshot's policy, worked out anew.

It shares no code with the planner.  Whoever says which courier goes where in which order gets
the same times, the same forecast of the pick queues and the same prices as everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np

from dispatch.model import (
    UNREACHABLE_S,
    CourierInPlay,
    Fulfilment,
    Mode,
    Objective,
    OrderInPlay,
    OrderStatus,
    Plan,
    Policy,
    Reason,
    Route,
    Snapshot,
    Stop,
    StopKind,
    StoreInPlay,
    Unassigned,
    Visit,
)

_UNPICKED: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.SOURCED})


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A sound snapshot by id.

    Attributes
    ----------
    shown
        Which courier an order was last shown to.
    awaited
        Orders with a committed stop.
    """

    snapshot: Snapshot
    orders: Mapping[str, OrderInPlay]
    stores: Mapping[str, StoreInPlay]
    couriers: Mapping[str, CourierInPlay]
    shown: Mapping[str, str]
    awaited: frozenset[str]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Known:
        """Return a snapshot by id."""
        return cls(
            snapshot,
            {order.order_id: order for order in snapshot.orders},
            {store.store_id: store for store in snapshot.stores},
            {courier.courier_id: courier for courier in snapshot.couriers},
            {
                visit.stop.order_id: route.courier_id
                for route in snapshot.routes
                for visit in route.visits
            },
            frozenset(stop.order_id for c in snapshot.couriers for stop in c.committed),
        )

    def place(self, stop: Stop) -> int:
        """Return the index of a stop's place."""
        if stop.kind is StopKind.DROPOFF:
            return self.orders[stop.order_id].place
        return self.stores[stop.store_id].place

    def service_s(self, stop: Stop) -> int:
        """Return how long a stop takes."""
        if stop.kind is StopKind.DROPOFF:
            return self.orders[stop.order_id].order.service_s
        return self.stores[stop.store_id].store.pickup_service_s


def price(plan: Plan, snapshot: Snapshot) -> float:
    """Return the policy's objective of a plan, in courier-seconds."""
    return objective(plan, Known.of(snapshot)).total


def objective(plan: Plan, known: Known) -> Objective:
    """Return the policy's objective of a plan by term.

    Legs are taken from the snapshot's table, hand-overs from the plan's times, which
    `dispatch.check` verifies.
    """
    policy = known.snapshot.policy
    lateness = waiting = travel = churn = 0.0
    routed: set[str] = set()
    for route in plan.routes:
        courier = known.couriers[route.courier_id]
        table_s = known.snapshot.travel.duration_s[courier.courier.mode]
        table_m = known.snapshot.travel.length_m[courier.courier.mode]
        place, stands = courier.place, courier.arrived and bool(courier.committed)
        held = {*courier.on_board, *(stop.order_id for stop in courier.committed)}
        for visit in route.visits:
            here = known.place(visit.stop)
            if not stands:
                travel += policy.travel_cost * float(table_s[place, here])
                travel += policy.length_cost * float(table_m[place, here])
            place, stands = here, False
            if visit.stop.kind is StopKind.PICKUP:
                continue
            order = known.orders[visit.stop.order_id]
            routed.add(order.order_id)
            waiting += policy.waiting_cost * (visit.depart_at - order.order.created_at)
            lateness += _lateness(visit.depart_at - order.promise.latest, policy)
            if order.order_id not in held:
                store_id = plan.sourcing[order.order_id]
                shown = known.shown.get(order.order_id, route.courier_id)
                told = shown != route.courier_id and shown not in order.declined_by
                moved = order.store_id is not None and order.store_id != store_id
                churn += policy.churn_cost * (told + moved)
    left_out = sum(
        order.order.fulfilment is Fulfilment.DELIVERY and key not in routed
        for key, order in known.orders.items()
    )
    return Objective(left_out * policy.undelivered_cost, lateness, waiting, travel, churn)


def _lateness(late_s: int, policy: Policy) -> float:
    if late_s > 0:
        whole_buffer = policy.buffer_cost * policy.buffer_s
        return whole_buffer + late_s * (policy.late_cost + policy.late_square_cost * late_s)
    return policy.buffer_cost * max(0, late_s + policy.buffer_s)


# --- from an order of stops to a plan ----------------------------------------------------------


def nearest_stores(known: Known) -> dict[str, str]:
    """Return a store for every order: its own, or the nearest open one in reach with the goods."""
    now = known.snapshot.now
    free = {key: dict(store.available) for key, store in known.stores.items()}
    found: dict[str, str] = {}
    for key, order in sorted(known.orders.items()):
        if order.store_id is not None:
            found[key] = order.store_id
            continue
        wanted: dict[str, int] = {}
        for line in order.order.lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
        able = [
            (fastest_s(known, store, order), store_id)
            for store_id, store in known.stores.items()
            if not store.paused
            and any(start <= now < end for start, end in store.open_windows)
            and (store.area is None or order.place in store.area.serves)
            and all(free[store_id].get(sku, 0) >= count for sku, count in wanted.items())
        ]
        trip_s, store_id = min(able, default=(UNREACHABLE_S, ""))
        if store_id and trip_s <= known.stores[store_id].store.reach_s:
            found[key] = store_id
            for sku, count in wanted.items():
                free[store_id][sku] -= count
    return found


def fastest_s(known: Known, store: StoreInPlay, order: OrderInPlay) -> int:
    """Return the way from store to door by the fastest mode of the fleet."""
    modes = {courier.courier.mode for courier in known.couriers.values()}
    tables = known.snapshot.travel.duration_s
    return min(int(tables[mode][store.place, order.place]) for mode in modes)


def ready_times(known: Known, sourcing: Mapping[str, str]) -> dict[str, int]:
    """Return when each order's goods are ready at its store, by the queues of all stores.

    A store picks as many orders at a time as it has pickers: those a courier comes for first,
    then in the order in which they must be ready to keep their promise.
    """
    queues: dict[str, list[OrderInPlay]] = {}
    for key, store_id in sourcing.items():
        queues.setdefault(store_id, []).append(known.orders[key])
    found: dict[str, int] = {}
    for store_id, queue in queues.items():
        found |= _picked(known, known.stores[store_id], queue)
    return found


def _picked(known: Known, shop: StoreInPlay, queue: Iterable[OrderInPlay]) -> dict[str, int]:
    now, store = known.snapshot.now, shop.store
    found: dict[str, int] = {}
    ends: list[int] = []
    waiting: list[tuple[bool, int, int, str]] = []
    for order in queue:
        key = order.order_id
        if order.ready_at is not None:
            found[key] = order.ready_at
        elif order.on_board or order.status is OrderStatus.READY:
            found[key] = now
        elif order.status not in _UNPICKED or order.pick_started_at is not None:
            start = now if order.pick_started_at is None else order.pick_started_at
            # An overdue pick lacks at least one more line.
            found[key] = max(start + _pick_s(order, shop), now + store.pick_line_s)
            ends.append(found[key])
        else:
            need = order.promise.latest - store.pickup_service_s - order.order.service_s
            need -= fastest_s(known, shop, order)
            waiting.append((key not in known.awaited, need, order.order.created_at, key))
    ends.sort()
    busy = ends[max(0, len(ends) - store.pickers) :] if store.pickers else []
    free = [now] * (store.pickers - len(busy)) + busy
    heapify(free)
    for _, _, _, key in sorted(waiting):
        start = max(now, heappop(free))
        start = next(max(start, first) for first, end in shop.open_windows if start < end)
        found[key] = start + _pick_s(known.orders[key], shop)
        heappush(free, found[key])
    return found


def _pick_s(order: OrderInPlay, shop: StoreInPlay) -> int:
    if order.order.pick_s is not None:
        return order.order.pick_s
    return shop.store.pick_base_s + shop.store.pick_line_s * len(order.order.lines)


def timed(
    known: Known,
    sourcing: Mapping[str, str],
    ready_at: Mapping[str, int],
    sequences: Mapping[str, Sequence[Stop]],
    method: str,
) -> Plan:
    """Return the plan in which couriers make these stops in this order, each leaving at once.

    Parameters
    ----------
    sequences
        All stops of a courier, the committed ones first.
    """
    snapshot = known.snapshot
    routes = tuple(
        _walked(known, known.couriers[key], ready_at, stops)
        for key, stops in sorted(sequences.items())
        if stops
    )
    routed = {visit.stop.order_id for route in routes for visit in route.visits}
    plan = Plan(
        plan_id=f"pln_{method}",
        snapshot_seq=snapshot.seq,
        made_at=snapshot.now,
        routes=routes,
        sourcing=dict(sourcing),
        ready_at=dict(ready_at),
        unassigned=tuple(
            Unassigned(key, Reason.NO_COURIER_BEFORE_DEADLINE, f"{method} found no courier for it")
            for key, order in sorted(known.orders.items())
            if order.order.fulfilment is Fulfilment.DELIVERY and key not in routed
        ),
        objective=Objective(),
        method=method,
        travel_version=snapshot.travel.version,
    )
    return replace(plan, objective=objective(plan, known))


def start_of(known: Known, courier: CourierInPlay) -> int:
    """Return when a courier can leave, or has left for the committed stop."""
    if courier.committed:
        return courier.available_at
    start = max(courier.available_at, known.snapshot.now)
    return start if courier.on_board else max(start, courier.shift_start)


def _walked(
    known: Known, courier: CourierInPlay, ready_at: Mapping[str, int], stops: Sequence[Stop]
) -> Route:
    table_s = known.snapshot.travel.duration_s[courier.courier.mode]
    table_m = known.snapshot.travel.length_m[courier.courier.mode]
    leave_at = at = start_of(known, courier)
    place = courier.place
    visits: list[Visit] = []
    for index, stop in enumerate(stops):
        here = known.place(stop)
        stands = index == 0 and courier.arrived and bool(courier.committed)
        leg_s = 0 if stands else int(table_s[place, here])
        leg_m = 0 if stands else int(table_m[place, here])
        arrive = begin = at + leg_s
        if stop.kind is StopKind.PICKUP:
            begin = max(begin, ready_at[stop.order_id])
            windows = known.stores[stop.store_id].open_windows
            if index >= len(courier.committed):
                begin = next((max(begin, w[0]) for w in windows if begin < w[1]), begin)
        at = max(begin + known.service_s(stop), known.snapshot.now)
        visits.append(Visit(stop, arrive, begin, at, leg_s, leg_m))
        place = here
    return Route(courier.courier_id, tuple(visits), leave_at)


def leg_cost(snapshot: Snapshot, mode: Mode) -> np.ndarray:
    """Return what each leg costs, float64 (places, places)."""
    policy, travel = snapshot.policy, snapshot.travel
    return np.asarray(
        travel.duration_s[mode] * policy.travel_cost + travel.length_m[mode] * policy.length_cost
    )
