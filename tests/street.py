"""Snapshots for tests of the decision: one long street, so that every sum is done in the head.

A place is a number: seconds by bike from the street's west end, 5 metres each.  Walking takes
three times as long.  Stores pick an order of one line in `PICK_S`; handing over takes a minute.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dispatch.model import (
    Courier,
    CourierInPlay,
    DeliveryStatus,
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
    Spread,
    Stop,
    Store,
    StoreDemand,
    StoreInPlay,
    TravelTable,
)

NOW = 1_763_650_800
PICK_S = 120
HAND_OVER_S = 60
HOUR_S = 3600


class Street:
    """Builds a snapshot piece by piece."""

    def __init__(self, **policy: object) -> None:
        self.policy = replace(Policy(), **policy)
        self.places: list[int] = []
        self.stores: list[StoreInPlay] = []
        self.orders: list[OrderInPlay] = []
        self.couriers: list[CourierInPlay] = []
        self.routes: tuple[Route, ...] = ()
        self.demand: tuple[StoreDemand, ...] = ()
        self.spread = Spread()

    def _place(self, at: int) -> int:
        self.places.append(at)
        return len(self.places) - 1

    def store(self, name: str, at: int, **changes: object) -> str:
        """Add a store with two pickers and plenty of milk, open for ten hours."""
        of_store = {key: changes.pop(key) for key in ("pickers", "reach_s") if key in changes}
        store = Store(
            f"sto_{name}",
            name.title(),
            LonLat(25.0, 60.0),
            pick_base_s=PICK_S,
            pick_line_s=0,
            pickup_service_s=HAND_OVER_S,
        )
        in_play = StoreInPlay(
            replace(store, **of_store),
            self._place(at),
            {"milk": 100},
            ((NOW - HOUR_S, NOW + 9 * HOUR_S),),
        )
        self.stores.append(replace(in_play, **changes))
        return store.store_id

    def order(self, name: str, at: int, **changes: object) -> str:
        """Add an order clicked now, to be there within the hour."""
        of_order = {
            key: changes.pop(key)
            for key in ("weight_g", "volume_ml", "chilled", "lines", "created_at", "fulfilment")
            if key in changes
        }
        due_s = changes.pop("due_s", HOUR_S)
        order = Order(
            f"ord_{name}",
            NOW,
            LonLat(25.0, 60.0),
            f"{at} Long Street",
            (OrderLine("milk", 1),),
            1000,
            HAND_OVER_S,
        )
        assert isinstance(due_s, int)
        in_play = OrderInPlay(
            replace(order, **of_order),
            self._place(at),
            Promise(min(NOW, NOW + due_s), NOW + due_s, NOW),
            OrderStatus.SOURCED,
            DeliveryStatus.CONFIRMED,
        )
        if changes.get("ready_at") is not None:
            changes = {"status": OrderStatus.READY, "store_fixed": True, **changes}
        self.orders.append(replace(in_play, **changes))
        return order.order_id

    def courier(self, name: str, at: int, **changes: object) -> str:
        """Add a cyclist who is free now and stays for four hours."""
        of_courier = {
            key: changes.pop(key)
            for key in (
                *("mode", "capacity_g", "capacity_ml", "capacity_parcels", "chilled_bags"),
                "takes_offers",
            )
            if key in changes
        }
        courier = Courier(f"cou_{name}", name.title(), Mode.BIKE, LonLat(25.0, 60.0))
        in_play = CourierInPlay(
            replace(courier, **of_courier),
            self._place(at),
            available_at=NOW,
            shift_start=NOW - HOUR_S,
            shift_end=NOW + 4 * HOUR_S,
        )
        self.couriers.append(replace(in_play, **changes))
        return courier.courier_id

    def snapshot(self) -> Snapshot:
        at = np.array(self.places or [0], dtype=np.int32)
        seconds = np.abs(at[:, None] - at[None, :])
        return Snapshot(
            zone_id="street",
            now=NOW,
            seq=1,
            places=tuple(LonLat(25.0, 60.0) for _ in at),
            travel=TravelTable(
                {Mode.BIKE: seconds, Mode.WALK: seconds * 3},
                {Mode.BIKE: seconds * 5, Mode.WALK: seconds * 5},
                "street",
            ),
            orders=tuple(self.orders),
            stores=tuple(self.stores),
            couriers=tuple(self.couriers),
            routes=self.routes,
            policy=self.policy,
            demand=self.demand,
            spread=self.spread,
        )


def stops(route: Route) -> list[str]:
    """Return a route's stops in short: `pickup a`."""
    return [short(visit.stop) for visit in route.visits]


def short(stop: Stop) -> str:
    """Return a stop in short."""
    return f"{stop.kind.value} {stop.order_id.removeprefix('ord_')}"
