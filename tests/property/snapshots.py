"""Snapshots drawn by hypothesis: a town of random places with whatever state orders can be in.

`snapshots()` draws states that the engine can really be in; `contradictory_snapshots()` breaks
them in ways that must not matter.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from property.drawn_zone import MODES, NOW, SKUS, Town

from dispatch.model import (
    UNREACHABLE_S,
    AreaInPlay,
    CourierInPlay,
    OrderInPlay,
    OrderLine,
    OrderStatus,
    Pause,
    Policy,
    Promise,
    Route,
    Snapshot,
    Spread,
    Stop,
    StopKind,
    StoreDemand,
    TravelTable,
    Visit,
)

POLICIES = (
    Policy(),
    Policy(routing_min_orders=1000),
    Policy(waiting_cost=0.0, churn_cost=0.0, buffer_s=0),
    Policy(length_cost=0.1, sourcing_candidates=1, improve_rounds=5),
    Policy(one_store_per_trip=True, standby_horizon_s=1800),
    Policy(standby_horizon_s=3600, waiting_cost=5.0),
    Policy(one_store_per_trip=True, standby_diverts=False, routing_min_orders=1000),
    Policy(sourcing_nearest=True),
    Policy(sourcing_nearest=True, assign_nearest=True),
)
_DEARER: dict[str, object] = {
    "churn_customer_cost": 40.0,
    "churn_customer_s": 60,
    "late_once_cost": 120.0,
    "chilled_cost": 0.5,
    "stack_detour_s": 120,
    "stack_bag_s": 600,
    "stack_cost": 3.0,
    "stack_late_cost": 5.0,
    "stack_detour_max_s": 300,
    "stack_bag_max_s": 900,
    "stack_late_max_s": 120,
    "churn_store_cost": 30.0,
    "churn_store_s": 60,
    "churn_sequence_cost": 25.0,
    "break_late_cost": 2.0,
    "overtime_cost": 1.5,
    "home_cost": 0.4,
    "fairness_cost": 60.0,
    "decline_cost": 100.0,
    "pick_ahead_s": 60,
    "future_cost": 0.7,
}


@st.composite
def snapshots(draw: DrawFn, most_orders: int = 9) -> Snapshot:
    """Draw a state that the engine can be in."""
    town = Town(
        Random(draw(st.integers(0, 2**32))),  # noqa: S311
        stores=draw(st.sampled_from([0, 1, 2, 3, 4, 4])),
        orders=draw(st.integers(0, most_orders)),
        couriers=draw(st.sampled_from([0, 1, 2, 3, 4, 5, 5])),
    )
    snapshot = town.snapshot(draw(st.sampled_from(POLICIES)))
    if draw(st.booleans()):
        return snapshot
    return lived(snapshot, Random(draw(st.integers(0, 2**32))))  # noqa: S311


def lived(snapshot: Snapshot, random: Random) -> Snapshot:
    """Give orders and couriers what a real evening has, and a price for some of it."""
    prices = {key: price for key, price in _DEARER.items() if random.random() < 0.5}
    spread = random.choice(
        [
            Spread(),
            Spread({"": 0.3, "sto_0": 0.6}, {MODES[0]: 0.25}, 40.0, 60.0),
            Spread({}, dict.fromkeys(MODES, 0.1), 0.0, 0.0),
        ]
    )
    return replace(
        snapshot,
        orders=tuple(_lived_order(order, random) for order in snapshot.orders),
        couriers=tuple(
            _lived_courier(courier, random, len(snapshot.stores)) for courier in snapshot.couriers
        ),
        policy=replace(snapshot.policy, **prices),
        spread=spread,
    )


def _lived_order(order: OrderInPlay, random: Random) -> OrderInPlay:
    bought = replace(
        order.order,
        volume_ml=random.choice([0, 8000, 30_000]),
        chilled=random.random() < 0.4,
    )
    return replace(
        order,
        order=bought,
        picked_up_at=NOW - random.randint(0, 900) if order.on_board else None,
        not_before=random.choice([None, None, order.promise.latest - 300]),
        told_eta=random.choice([None, order.promise.latest - random.randint(-600, 900)]),
    )


def _lived_courier(courier: CourierInPlay, random: Random, stores: int) -> CourierInPlay:
    due = NOW + random.randint(-1800, 3600)
    return replace(
        courier,
        courier=replace(
            courier.courier,
            capacity_ml=random.choice([40_000, 100_000]),
            chilled_bags=random.randint(0, 3),
        ),
        pause=random.choice([None, Pause(due, due + 900, 1200)]),
        home_place=random.choice([None, 0]) if stores else None,
        worked_s=random.randint(0, 7200),
        acceptance=random.choice([1.0, 0.8]),
    )


@st.composite
def contradictory_snapshots(draw: DrawFn) -> Snapshot:
    """Draw a state that cannot be, broken in several ways at once."""
    snapshot = draw(snapshots())
    for flaw in draw(st.lists(st.sampled_from(FLAWS), min_size=1, max_size=4)):
        snapshot = flaw(snapshot, Random(draw(st.integers(0, 2**32))))  # noqa: S311
    return snapshot


def _no_way(snapshot: Snapshot, random: Random) -> Snapshot:
    """Cut one place off, in one direction or both."""
    place = random.randrange(len(snapshot.places) or 1)
    tables = {mode: table.copy() for mode, table in snapshot.travel.duration_s.items()}
    for table in tables.values():
        if random.random() < 0.7:
            table[place, :] = UNREACHABLE_S
        if random.random() < 0.7:
            table[:, place] = UNREACHABLE_S
        table[place, place] = 0
    return replace(snapshot, travel=replace(snapshot.travel, duration_s=tables))


def _no_mode(snapshot: Snapshot, random: Random) -> Snapshot:
    kept = [mode for mode in MODES if random.random() < 0.5]
    travel = snapshot.travel
    return replace(
        snapshot,
        travel=TravelTable(
            {mode: travel.duration_s[mode] for mode in kept if mode in travel.duration_s},
            {mode: travel.length_m[mode] for mode in kept if mode in travel.length_m},
            travel.version,
        ),
    )


def _changed(things: tuple, random: Random, **fields: object) -> tuple:
    if not things:
        return things
    index = random.randrange(len(things))
    return (*things[:index], replace(things[index], **fields), *things[index + 1 :])


def _order(snapshot: Snapshot, random: Random) -> Snapshot:
    fields: dict[str, object] = random.choice(
        [
            {"store_id": "sto_nowhere"},
            {"store_id": None, "store_fixed": True},
            {"courier_id": "cou_nobody"},
            {"courier_id": "cou_0"},
            {"on_board": True},
            {"on_board": True, "courier_id": "cou_1"},
            {"returning": True},
            {"returning": True, "on_board": True, "store_id": None},
            {"place": 10_000},
            {"place": -1},
            {"status": OrderStatus.PICKING, "pick_started_at": None, "ready_at": None},
            {"status": OrderStatus.READY, "pick_started_at": None, "ready_at": None},
            {"pick_started_at": NOW + 3600, "status": OrderStatus.PICKING},
            {"pick_started_at": NOW - 10**6, "status": OrderStatus.SOURCED},
            {"ready_at": NOW + 3600},
            {"ready_at": 0},
            {"promise": Promise(0, 0, 0)},
            {"promise": Promise(NOW, NOW + 10**9, NOW)},
            {"declined_by": frozenset(c.courier_id for c in snapshot.couriers)},
            {"declined_by": frozenset({"cou_nobody"})},
            {"picked_up_at": 0},
            {"picked_up_at": NOW + 10**6},
            {"not_before": NOW + 10**6},
            {"not_before": 0},
            {"told_eta": 0},
        ]
    )
    return replace(snapshot, orders=_changed(snapshot.orders, random, **fields))


def _bought(snapshot: Snapshot, random: Random) -> Snapshot:
    """Have somebody order what nobody can, or at a time that cannot be."""
    if not snapshot.orders:
        return snapshot
    index = random.randrange(len(snapshot.orders))
    order = snapshot.orders[index]
    fields: dict[str, object] = random.choice(
        [
            {"created_at": 0},
            {"created_at": NOW + 10**6},
            {"weight_g": 10**11},
            {"weight_g": 0, "service_s": 0},
            {"service_s": 10**6},
            {"volume_ml": 10**11},
            {"chilled": True},
            {"pick_s": 0},
            {"pick_s": 10**6},
            {"lines": (OrderLine("moon", 1),)},
            {"lines": (OrderLine("milk", 10**9),)},
            {"lines": (OrderLine("milk", 1),) * 3},
        ]
    )
    bought = replace(order, order=replace(order.order, **fields))
    return replace(
        snapshot, orders=(*snapshot.orders[:index], bought, *snapshot.orders[index + 1 :])
    )


def _courier(snapshot: Snapshot, random: Random) -> Snapshot:
    orders = [order.order_id for order in snapshot.orders] or ["ord_none"]
    stop = Stop(
        random.choice(list(StopKind)),
        random.choice([*orders, "ord_nowhere"]),
        random.choice(["sto_0", "sto_nowhere"]),
    )
    fields: dict[str, object] = random.choice(
        [
            {"on_board": (random.choice(orders), "ord_nowhere")},
            {"on_board": tuple(orders)},
            {"on_board": (orders[0], orders[0])},
            {"on_board": ()},
            {"committed": (stop,)},
            {"committed": (stop, stop), "arrived": True},
            {"arrived": True},
            {"place": 10_000},
            {"place": -1},
            {"standby": "sto_nowhere", "under_way": True},
            {"standby": "sto_0", "under_way": False},
            {"standby": None, "under_way": True},
            {"at_store": "sto_0"},
            {"at_store": "sto_nowhere"},
            {"at_store": "sto_0", "on_board": (orders[0],)},
            {"available_at": NOW - 7200},
            {"available_at": 0},
            {"available_at": NOW + 10**6},
            {"shift_end": NOW - 7200},
            {"pause": Pause(NOW - 10**6, NOW - 10**6, 10**5)},
            {"pause": Pause(NOW, NOW, 1)},
            {"home_place": 10_000},
            {"home_place": -1},
            {"shift_start": NOW + 10**6},
            {"shift_start": NOW + 7200, "shift_end": NOW - 7200},
        ]
    )
    return replace(snapshot, couriers=_changed(snapshot.couriers, random, **fields))


def _overloaded(snapshot: Snapshot, random: Random) -> Snapshot:
    """Give a courier far less room than is in the bag already."""
    if not snapshot.couriers:
        return snapshot
    index = random.randrange(len(snapshot.couriers))
    courier = snapshot.couriers[index]
    small = replace(courier.courier, capacity_g=1, capacity_parcels=1)
    full = replace(
        courier, courier=small, on_board=tuple(order.order_id for order in snapshot.orders[:3])
    )
    return replace(
        snapshot, couriers=(*snapshot.couriers[:index], full, *snapshot.couriers[index + 1 :])
    )


def _store(snapshot: Snapshot, random: Random) -> Snapshot:
    fields: dict[str, object] = random.choice(
        [
            {"place": 10_000},
            {"place": -1},
            {"available": {}},
            {"available": dict.fromkeys(SKUS, -5)},
            {"open_windows": ()},
            {"open_windows": ((NOW + 600, NOW - 600),)},
            {"open_windows": ((NOW - 600, NOW + 600), (NOW, NOW + 1200))},
            {"paused": True},
            {"area": AreaInPlay("nowhere", frozenset({10_000, -1}))},
        ]
    )
    return replace(snapshot, stores=_changed(snapshot.stores, random, **fields))


def _twice(snapshot: Snapshot, random: Random) -> Snapshot:
    """Have things twice; what the second says is not what the first said."""
    orders = tuple(
        replace(order, place=0, store_id="sto_1", promise=Promise(0, 0, 0))
        for order in snapshot.orders[:2]
    )
    stores = tuple(
        replace(store, store=replace(store.store, access_s=7, pickers=1), place=0, open_windows=())
        for store in snapshot.stores[:2]
    )
    couriers = tuple(
        replace(courier, place=0, shift_end=NOW + 60, committed=(), on_board=(), under_way=True)
        for courier in snapshot.couriers[:2]
    )
    return replace(
        snapshot,
        orders=snapshot.orders + snapshot.orders[:1] + orders,
        stores=snapshot.stores[-1:] + snapshot.stores + stores,
        couriers=snapshot.couriers + snapshot.couriers[:1] + couriers,
        routes=snapshot.routes + snapshot.routes[::-1],
        demand=snapshot.demand * 2,
    )


def _one_id_for_all(snapshot: Snapshot, random: Random) -> Snapshot:
    """Name an order, a store and a courier alike."""
    name = random.choice(["ord_00", "sto_0", "cou_0"])
    orders = tuple(
        replace(order, order=replace(order.order, order_id=name)) for order in snapshot.orders[:1]
    )
    stores = tuple(
        replace(store, store=replace(store.store, store_id=name)) for store in snapshot.stores[:1]
    )
    couriers = tuple(
        replace(courier, courier=replace(courier.courier, courier_id=name))
        for courier in snapshot.couriers[:1]
    )
    return replace(
        snapshot,
        orders=orders + snapshot.orders[1:],
        stores=stores + snapshot.stores[1:],
        couriers=couriers + snapshot.couriers[1:],
    )


def _without(snapshot: Snapshot, random: Random) -> Snapshot:
    """Lose all of one kind, or everything."""
    kinds = ["orders", "stores", "couriers", "routes", "demand", "places"]
    if random.random() < 0.8:
        kinds = [random.choice(kinds)]
    return replace(snapshot, **dict.fromkeys(kinds, ()))


def _told(snapshot: Snapshot, random: Random) -> Snapshot:
    """Put routes in force that nobody can have been told."""
    ghosts = tuple(
        Visit(
            Stop(
                random.choice(list(StopKind)),
                random.choice(["ord_00", "ord_01", "ord_nowhere"]),
                random.choice(["sto_0", "sto_nowhere"]),
            ),
            NOW, 0, -1, -1, 10**6,
        )
        for _ in range(random.randint(0, 4))
    )  # fmt: skip
    courier_id = random.choice(["cou_0", "cou_1", "cou_nowhere"])
    return replace(snapshot, routes=(*snapshot.routes, Route(courier_id, ghosts, 0)))


def _expected(snapshot: Snapshot, random: Random) -> Snapshot:
    """Expect orders where there is no store, and more than anybody could serve."""
    demand = (StoreDemand("sto_nowhere", 5.0), StoreDemand("sto_0", 1e9, (10**9,)))
    return replace(snapshot, demand=(*snapshot.demand, *demand))


def _fewer_places(snapshot: Snapshot, random: Random) -> Snapshot:
    """Lose a place that the table still has."""
    return replace(snapshot, places=snapshot.places[:-1])


FLAWS = (
    _no_way, _no_mode, _order, _order, _bought, _courier, _courier, _overloaded, _store, _twice,
    _one_id_for_all, _without, _told, _expected, _fewer_places,
)  # fmt: skip
