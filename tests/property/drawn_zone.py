"""A town of random places with whatever state orders can be in, drawn part by part."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from dispatch.model import (
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
    StoreDemand,
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
            access_s=self.random.choice([0, 0, 30, 90]),
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
        counter = self.random.choice(self.stores) if self.stores and self.maybe(0.2) else None
        return CourierInPlay(
            courier,
            self.place() if counter is None else counter.place,
            max(NOW, start),
            start,
            max(start, end),
            at_store=None if counter is None else counter.store_id,
        )

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

    def demand(self) -> tuple[StoreDemand, ...]:
        """Return what the stores are expected to be asked for, where anybody knows."""
        return tuple(
            StoreDemand(
                store.store_id,
                self.random.choice([0.0, 2.5, 40.0]),
                self.random.choice([(), (0,), (120, 300, 900)]),
            )
            for store in self.stores
            if self.maybe(0.5)
        )

    def seconds(self, rides: np.ndarray) -> np.ndarray:
        """Return the time from place to place, the ways to and from the counters in it."""
        walk_s = np.zeros(len(rides), dtype=np.int32)
        for store in self.stores:
            walk_s[store.place] = store.store.access_s
        whole = rides.astype(np.int32) + walk_s[:, np.newaxis] + walk_s
        np.fill_diagonal(whole, 0)
        return whole

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
                {mode: self.seconds(length_m / speed) for mode, speed in SPEED_M_S.items()},
                dict.fromkeys(MODES, length_m),
                "drawn",
            ),
            orders=tuple(self.orders),
            stores=stores,
            couriers=tuple(self.couriers.values()),
            routes=self.routes(),
            policy=policy,
            demand=self.demand(),
        )
