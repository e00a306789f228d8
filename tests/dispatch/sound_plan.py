"""A plan in which nothing is wrong, written by hand, for tests that plant a fault in it.

North (500) and South (560) are stores on the street.  Ida has b in the bag, was told to fetch c
and fetches a with it; Ole brings e and k, told in this order, and takes r back; Una fetches f as
soon as it is picked; Zoe is far away and goes to South to wait; g is fetched by the customer, h is
too heavy for anybody.  A trip is one store, then its doors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from street import HAND_OVER_S, HOUR_S, NOW, PICK_S, Street

from dispatch.check import Kind, cost_of
from dispatch.model import (
    Fulfilment,
    Objective,
    Plan,
    Reason,
    Route,
    Snapshot,
    Standby,
    Stop,
    StopKind,
    Unassigned,
    Visit,
)

LATER = NOW + HOUR_S

Case = tuple[Snapshot, Plan]
Fault = Callable[[], Case]

PLANTED: defaultdict[Kind, list[Fault]] = defaultdict(list)
"""Plans with one fault, by what they must be found as."""


def plants(kind: Kind) -> Callable[[Fault], Fault]:
    """Put a fault among those that must be found as `kind`."""

    def keep(fault: Fault) -> Fault:
        PLANTED[kind].append(fault)
        return fault

    return keep


NORTH, SOUTH = "sto_north", "sto_south"
STORES = {"f": SOUTH}
ROUTES = {
    "cou_ida": ("pickup c", "pickup a", "dropoff b", "dropoff a", "dropoff c"),
    "cou_ole": ("dropoff e", "dropoff k", "return r"),
    "cou_una": ("pickup f", "dropoff f"),
}
LEAVES = {"cou_ida": NOW, "cou_ole": NOW, "cou_una": NOW + PICK_S - 20}
"""Una is 20 s from South, where f is ready after `PICK_S`."""


def stop(short: str, store_id: str | None = None) -> Stop:
    """Return a stop written in short: `pickup a`."""
    kind, name = short.split()
    return Stop(StopKind(kind), f"ord_{name}", store_id or STORES.get(name, NORTH))


def day() -> Snapshot:
    street = Street(one_store_per_trip=True, standby_horizon_s=1800)
    street.store("north", at=500)
    street.store("south", at=560)
    ready = {"store_id": NORTH, "ready_at": NOW - 10}
    street.order("a", at=700, **ready)
    street.order("b", at=650, courier_id="cou_ida", on_board=True, **ready)
    street.order("c", at=800, courier_id="cou_ida", **ready)
    street.order("e", at=350, courier_id="cou_ole", on_board=True, **ready)
    street.order("f", at=600, store_id=SOUTH)
    street.order("g", at=0, store_id=NORTH, fulfilment=Fulfilment.COLLECTION)
    street.order("h", at=700, store_id=NORTH, weight_g=50_000)
    street.order("k", at=400, courier_id="cou_ole", on_board=True, **ready)
    street.order("r", at=300, courier_id="cou_ole", on_board=True, returning=True, **ready)
    street.courier("ida", at=480, on_board=("ord_b",), committed=(stop("pickup c"),))
    street.courier("ole", at=300, on_board=("ord_e", "ord_k", "ord_r"))
    street.courier("una", at=540)
    street.courier("zoe", at=5000)
    told = [Visit(stop(short), NOW, NOW, NOW, 0, 0) for short in ROUTES["cou_ole"]]
    street.routes = (Route("cou_ole", tuple(told), NOW, version=1),)
    return street.snapshot()


def sound() -> Case:
    """Return the day with its plan."""
    snapshot = day()
    routes = tuple(route(snapshot, key, stops, LEAVES[key]) for key, stops in ROUTES.items())
    plan = Plan(
        plan_id="pln_sound",
        snapshot_seq=snapshot.seq,
        made_at=NOW,
        routes=routes,
        sourcing={order.order_id: order.store_id or "" for order in snapshot.orders},
        ready_at={
            **{o.order_id: o.ready_at for o in snapshot.orders if o.ready_at is not None},
            # North has two pickers, South has nothing else to pick.
            "ord_f": NOW + PICK_S,
            "ord_g": NOW + PICK_S,
            "ord_h": NOW + PICK_S,
        },
        unassigned=(Unassigned("ord_h", Reason.TOO_HEAVY, "it weighs 50 kg"),),
        objective=Objective(),
        method="by hand",
        travel_version=snapshot.travel.version,
        # 4,440 s from 5000 to 560, five metres each.
        standbys=(Standby("cou_zoe", SOUTH, NOW + 4440, 4440, 22_200, gain=10.0),),
    )
    return snapshot, priced(snapshot, plan)


def priced(snapshot: Snapshot, plan: Plan) -> Plan:
    return replace(plan, objective=cost_of(plan, snapshot))


def route(
    snapshot: Snapshot, courier_id: str, stops: Sequence[str | Stop], leave_at: int = NOW
) -> Route:
    """Return a route without any waiting but for what is being picked."""
    courier = next(c for c in snapshot.couriers if c.courier_id == courier_id)
    orders = {order.order_id: order for order in snapshot.orders}
    stores = {store.store_id: store for store in snapshot.stores}
    seconds = snapshot.travel.duration_s[courier.courier.mode]
    metres = snapshot.travel.length_m[courier.courier.mode]
    place, at = courier.place, leave_at
    visits = []
    for item in stops:
        one = item if isinstance(item, Stop) else stop(item)
        is_door = one.kind is StopKind.DROPOFF
        here = orders[one.order_id].place if is_door else stores[one.store_id].place
        travel_s, length_m = int(seconds[place, here]), int(metres[place, here])
        begin_at = at + travel_s
        if one.kind is StopKind.PICKUP and orders[one.order_id].ready_at is None:
            begin_at = max(begin_at, NOW + PICK_S)
        visits.append(
            Visit(one, at + travel_s, begin_at, begin_at + HAND_OVER_S, travel_s, length_m)
        )
        place, at = here, begin_at + HAND_OVER_S
    return Route(courier_id, tuple(visits), leave_at)


# --- changes -----------------------------------------------------------------------------------


def order(snapshot: Snapshot, order_id: str, **changes: object) -> Snapshot:
    """Change what the snapshot says of an order, after the plan was made."""
    orders = tuple(replace(o, **changes) if o.order_id == order_id else o for o in snapshot.orders)
    return replace(snapshot, orders=orders)


def courier(snapshot: Snapshot, courier_id: str, **changes: object) -> Snapshot:
    of_courier = {
        key: changes.pop(key)
        for key in ("capacity_g", "capacity_ml", "capacity_parcels", "chilled_bags")
        if key in changes
    }
    couriers = tuple(
        replace(c, courier=replace(c.courier, **of_courier), **changes)
        if c.courier_id == courier_id
        else c
        for c in snapshot.couriers
    )
    return replace(snapshot, couriers=couriers)


def store(snapshot: Snapshot, store_id: str, **changes: object) -> Snapshot:
    of_store = {
        key: changes.pop(key) for key in ("pickers", "reach_s", "access_s") if key in changes
    }
    stores = tuple(
        replace(s, store=replace(s.store, **of_store), **changes) if s.store_id == store_id else s
        for s in snapshot.stores
    )
    return replace(snapshot, stores=stores)


def no_way(snapshot: Snapshot, here: int, there: int) -> Snapshot:
    tables = {mode: table.copy() for mode, table in snapshot.travel.duration_s.items()}
    for table in tables.values():
        table[here, there] = 1_000_000_000
    return replace(snapshot, travel=replace(snapshot.travel, duration_s=tables))


def place_of(snapshot: Snapshot, key: str) -> int:
    things = {c.courier_id: c.place for c in snapshot.couriers}
    things |= {s.store_id: s.place for s in snapshot.stores}
    return (things | {o.order_id: o.place for o in snapshot.orders})[key]


def rerouted(case: Case, courier_id: str, *stops: str | Stop, leave_at: int | None = None) -> Case:
    """Give a courier another route, timed as it should be."""
    snapshot, plan = case
    leave_at = LEAVES.get(courier_id, NOW) if leave_at is None else leave_at
    others = [r for r in plan.routes if r.courier_id != courier_id]
    routes = (*others, route(snapshot, courier_id, stops, leave_at))
    return snapshot, replace(plan, routes=routes)


def with_visit(plan: Plan, courier_id: str, index: int, **by: int) -> Plan:
    """Add to the figures of one visit."""
    routes = []
    for one in plan.routes:
        visits = list(one.visits)
        if one.courier_id == courier_id:
            changes = {name: getattr(visits[index], name) + more for name, more in by.items()}
            visits[index] = replace(visits[index], **changes)
        routes.append(replace(one, visits=tuple(visits)))
    return replace(plan, routes=tuple(routes))


def mapped(plan: Plan, name: str, order_id: str, value: object) -> Plan:
    """Set one entry of `sourcing` or `ready_at`; None takes it out."""
    entries = {key: at for key, at in getattr(plan, name).items() if key != order_id}
    if value is not None:
        entries[order_id] = value
    return replace(plan, **{name: entries})


def standby(plan: Plan, **changes: object) -> Plan:
    return replace(plan, standbys=(replace(plan.standbys[0], **changes),))
