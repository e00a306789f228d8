"""Snapshots drawn by hypothesis: a town of random places with whatever state orders can be in.

`snapshots()` draws states that the engine can really be in; `contradictory_snapshots()` breaks
them in ways that must not matter.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from dispatch.model import (
    UNREACHABLE_S,
    AreaInPlay,
    Courier,
    CourierInPlay,
    DeliveryStatus,
    Fulfilment,
    LonLat,
    Mode,
    Order,
    OrderInPlay,
    OrderLine,
    OrderStatus,
    Policy,
    Promise,
    Route,
    Snapshot,
    Stop,
    StopKind,
    Store,
    StoreInPlay,
    TravelTable,
    Visit,
)

NOW = 1_763_650_800
SKUS = ("milk", "bread", "tofu")
SPEED_M_S = {Mode.WALK: 1.4, Mode.BIKE: 4.5, Mode.CAR: 7.0}
MODES = tuple(SPEED_M_S)
AREA_M = 1500


class Town:
    """Draws the parts of a snapshot; what one part says, the others keep to."""

    def __init__(self, random: Random, stores: int, orders: int, couriers: int) -> None:
        self.random = random
        self.points: list[tuple[int, int]] = []
        self.stores = [self.store(f"sto_{i}") for i in range(stores)]
        self.couriers = {f"cou_{i}": self.courier(f"cou_{i}") for i in range(couriers)}
        self.orders = [self.order(f"ord_{i:02}") for i in range(orders)]

    def maybe(self, share: float) -> bool:
        return self.random.random() < share

    def place(self) -> int:
        self.points.append((self.random.randint(0, 2000), self.random.randint(0, 2000)))
        return len(self.points) - 1

    def store(self, store_id: str) -> StoreInPlay:
        windows = self.random.choice(
            [
                *[((NOW - 3600, NOW + 36_000),)] * 8,
                ((NOW - 3600, NOW + 900),),
                ((NOW + 600, NOW + 7200),),
                ((NOW - 3600, NOW + 600), (NOW + 1200, NOW + 7200)),
                (),
            ]
        )
        store = Store(
            store_id,
            f"Store {store_id}",
            LonLat(25.0, 60.0),
            pickers=self.random.choice([0, 1, 1, 2, 2, 3, 3]),
            pick_line_s=self.random.choice([0, 25, 90]),
            reach_s=self.random.choice([300, 1200, 1200, 1200]),
        )
        stock = {sku: self.random.choice([0, 1, 2, 50, 50, 50]) for sku in SKUS}
        area = AreaInPlay("a part of town", frozenset()) if self.maybe(0.2) else None
        return StoreInPlay(store, self.place(), stock, windows, self.maybe(0.15), area)

    def courier(self, courier_id: str) -> CourierInPlay:
        courier = Courier(
            courier_id,
            courier_id,
            self.random.choice(MODES),
            LonLat(25.0, 60.0),
            capacity_g=self.random.choice([3000, 9000, 15_000, 15_000]),
            capacity_parcels=self.random.choice([1, 2, 4]),
        )
        start = NOW + self.random.choice([-3600, -3600, -3600, 600])
        end = NOW + self.random.choice([-60, 900, 1800, 14_400, 14_400, 14_400])
        return CourierInPlay(courier, self.place(), max(NOW, start), start, max(start, end))

    def order(self, order_id: str) -> OrderInPlay:
        age_s = self.random.randint(0, 2400)
        lines = tuple(OrderLine(sku, self.random.randint(1, 2)) for sku in SKUS if self.maybe(0.5))
        order = Order(
            order_id,
            NOW - age_s,
            LonLat(25.0, 60.0),
            "a door",
            lines or (OrderLine("milk", 1),),
            self.random.choice([0, 800, 800, 1500, 2500, 2500, 8000, 20_000]),
            self.random.choice([30, 120]),
            fulfilment=(
                self.random.choice(list(Fulfilment)) if self.maybe(0.1) else Fulfilment.DELIVERY
            ),
        )
        latest = order.created_at + self.random.choice([900, 2400, 3600])
        declined = frozenset(key for key in self.couriers if self.maybe(0.1))
        fresh = OrderInPlay(
            order,
            self.place(),
            Promise(order.created_at, latest, order.created_at),
            OrderStatus.SOURCED,
            DeliveryStatus.CONFIRMED,
            declined_by=declined,
        )
        return self.along(fresh)

    def along(self, order: OrderInPlay) -> OrderInPlay:
        """Take an order some way along its life."""
        if not self.stores or self.maybe(0.1):
            return order
        order = replace(order, store_id=self.random.choice(self.stores).store_id)
        if self.maybe(0.4):
            return order
        started = NOW - self.random.randint(0, 600)
        order = replace(
            order, status=OrderStatus.PICKING, store_fixed=True, pick_started_at=started
        )
        if self.maybe(0.5):
            return order if self.maybe(0.7) else self.committed(order)
        ready = self.random.randint(started, NOW)
        order = replace(order, status=OrderStatus.READY, ready_at=ready)
        if self.maybe(0.5) or order.order.fulfilment is not Fulfilment.DELIVERY:
            return order
        return self.committed(order) if self.maybe(0.5) else self.carried(order)

    def committed(self, order: OrderInPlay) -> OrderInPlay:
        free = [courier for courier in self.couriers.values() if not courier.committed]
        if not free or order.order.fulfilment is not Fulfilment.DELIVERY:
            return order
        courier = self.random.choice(free)
        stop = Stop(StopKind.PICKUP, order.order_id, order.store_id or "")
        self.commit(courier, stop)
        return replace(
            order, courier_id=courier.courier_id, delivery=DeliveryStatus.ENROUTE_TO_PICKUP
        )

    def carried(self, order: OrderInPlay) -> OrderInPlay:
        if not self.couriers:
            return order
        courier = self.random.choice(list(self.couriers.values()))
        courier = replace(courier, on_board=(*courier.on_board, order.order_id))
        self.couriers[courier.courier_id] = courier
        returning = self.maybe(0.3)
        if not courier.committed and self.maybe(0.4):
            kind = StopKind.RETURN if returning else StopKind.DROPOFF
            self.commit(courier, Stop(kind, order.order_id, order.store_id or ""))
        return replace(
            order,
            courier_id=courier.courier_id,
            on_board=True,
            returning=returning,
            status=OrderStatus.CANCELLED if returning else OrderStatus.READY,
            delivery=DeliveryStatus.RETURNING if returning else DeliveryStatus.PICKED_UP,
        )

    def commit(self, courier: CourierInPlay, stop: Stop) -> None:
        self.couriers[courier.courier_id] = replace(
            courier,
            committed=(stop,),
            arrived=self.maybe(0.4),
            available_at=NOW - self.random.randint(0, 120),
        )

    def routes(self) -> tuple[Route, ...]:
        """Return a plan in force that may have little to do with what is there now."""
        found = []
        for courier in self.couriers.values():
            orders = [order for order in self.orders if self.maybe(0.3)]
            visits = [
                Visit(Stop(kind, order.order_id, order.store_id or ""), NOW, NOW, NOW, 0, 0)
                for order in orders
                for kind in (StopKind.PICKUP, StopKind.DROPOFF)
            ]
            if visits and self.maybe(0.5):
                found.append(Route(courier.courier_id, tuple(visits), NOW, version=1))
        return tuple(found)

    @staticmethod
    def near(length_m: np.ndarray) -> frozenset[int]:
        return frozenset(np.flatnonzero(length_m <= AREA_M).tolist())

    def snapshot(self, policy: Policy) -> Snapshot:
        points = np.array(self.points or [(0, 0)])
        metres = np.abs(points[:, None, :] - points[None, :, :]).sum(axis=2)
        # Roads are no grid: one way may be longer than the other, or than over a third place.
        noise = np.random.default_rng(self.random.randint(0, 10**6)).uniform(1, 1.4, metres.shape)
        length_m = (metres * noise).astype(np.int32)
        stores = tuple(
            replace(store, area=replace(store.area, serves=self.near(length_m[store.place])))
            if store.area is not None
            else store
            for store in self.stores
        )
        return Snapshot(
            zone_id="town",
            now=NOW,
            seq=7,
            places=tuple(LonLat(25.0, 60.0) for _ in points),
            travel=TravelTable(
                {mode: (length_m / speed).astype(np.int32) for mode, speed in SPEED_M_S.items()},
                dict.fromkeys(MODES, length_m),
                "drawn",
            ),
            orders=tuple(self.orders),
            stores=stores,
            couriers=tuple(self.couriers.values()),
            routes=self.routes(),
            policy=policy,
        )


POLICIES = (
    Policy(),
    Policy(routing_min_orders=1000),
    Policy(waiting_cost=0.0, churn_cost=0.0, buffer_s=0),
    Policy(length_cost=0.1, sourcing_candidates=1, improve_rounds=5),
)


@st.composite
def snapshots(draw: DrawFn, most_orders: int = 9) -> Snapshot:
    """Draw a state that the engine can be in."""
    town = Town(
        Random(draw(st.integers(0, 2**32))),  # noqa: S311
        stores=draw(st.sampled_from([0, 1, 2, 3, 4, 4])),
        orders=draw(st.integers(0, most_orders)),
        couriers=draw(st.sampled_from([0, 1, 2, 3, 4, 5, 5])),
    )
    return town.snapshot(draw(st.sampled_from(POLICIES)))


@st.composite
def contradictory_snapshots(draw: DrawFn) -> Snapshot:
    """Draw a state that cannot be, broken in several ways at once."""
    snapshot = draw(snapshots())
    for flaw in draw(st.lists(st.sampled_from(FLAWS), min_size=1, max_size=4)):
        snapshot = flaw(snapshot, Random(draw(st.integers(0, 2**32))))  # noqa: S311
    return snapshot


def _no_way(snapshot: Snapshot, random: Random) -> Snapshot:
    """Cut one place off, in one direction or both."""
    place = random.randrange(len(snapshot.places))
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
            {"place": 10_000},
            {"place": -1},
            {"status": OrderStatus.PICKING, "pick_started_at": None, "ready_at": None},
            {"status": OrderStatus.READY, "pick_started_at": None, "ready_at": None},
            {"ready_at": NOW + 3600},
        ]
    )
    return replace(snapshot, orders=_changed(snapshot.orders, random, **fields))


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
            {"on_board": ()},
            {"committed": (stop,)},
            {"committed": (stop, stop), "arrived": True},
            {"arrived": True},
            {"place": 10_000},
            {"available_at": NOW - 7200},
            {"shift_end": NOW - 7200},
        ]
    )
    return replace(snapshot, couriers=_changed(snapshot.couriers, random, **fields))


def _store(snapshot: Snapshot, random: Random) -> Snapshot:
    fields: dict[str, object] = random.choice(
        [{"place": 10_000}, {"available": {}}, {"open_windows": ()}, {"paused": True}]
    )
    return replace(snapshot, stores=_changed(snapshot.stores, random, **fields))


def _twice(snapshot: Snapshot, random: Random) -> Snapshot:
    return replace(
        snapshot,
        orders=snapshot.orders + snapshot.orders[:1],
        stores=snapshot.stores[-1:] + snapshot.stores,
        couriers=snapshot.couriers + snapshot.couriers[:1],
    )


def _without(snapshot: Snapshot, random: Random) -> Snapshot:
    """Lose all of one kind."""
    kind = random.choice(["orders", "stores", "couriers"])
    return replace(snapshot, **{kind: ()})


FLAWS = (_no_way, _no_mode, _order, _order, _courier, _courier, _store, _twice, _without)
