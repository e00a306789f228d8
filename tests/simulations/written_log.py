"""An evening written by hand, so that every figure of it can be worked out in the head.

Two couriers on shift from 0 to 60 minutes, one store with two pickers.  Times are minutes after
`T0`; promises are from the click to thirty minutes after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dispatch import events as e
from dispatch.model import (
    Courier,
    Fulfilment,
    LonLat,
    Mode,
    Objective,
    Order,
    OrderLine,
    Promise,
    Route,
    Stop,
    StopKind,
    Store,
    Visit,
)
from dispatch.records import SLOT, Hold

T0 = 1_795_186_800
STORE = "sto_corner"
SHOP = LonLat(24.94, 60.17)


def minute(count: float) -> int:
    """Return a time so many minutes after the beginning."""
    return T0 + round(60 * count)


def door(number: int) -> LonLat:
    """Return a door some hundred metres from the store."""
    return LonLat(24.94 + 0.002 * number, 60.17)


@dataclass
class WrittenLog:
    """Facts noted one after the other."""

    events: list[e.Recorded] = field(default_factory=list)

    def note(self, at: float, *facts: e.Event) -> None:
        """Note facts that were heard of at a minute."""
        for fact in facts:
            self.events.append(e.Recorded("corner", len(self.events) + 1, minute(at), fact))

    def in_order(self) -> WrittenLog:
        """Return the log in the order of time, whatever the order it was written in."""
        by_time = sorted(self.events, key=lambda entry: entry.at)
        return WrittenLog([replace(entry, seq=n) for n, entry in enumerate(by_time, start=1)])

    def open_up(self, pickers: int = 2, on_hand: int = 20) -> None:
        """Open the store and let both couriers begin."""
        self.note(0, e.StoreRegistered(Store(STORE, "Corner", SHOP, pickers=pickers)))
        self.note(0, e.StockSet(STORE, {"milk": on_hand}))
        for name in ("anna", "ben"):
            courier = Courier(f"cou_{name}", name, Mode.BIKE, SHOP, 10_000, 2)
            self.note(0, e.CourierRegistered(courier))
            self.note(0, e.ShiftStarted(courier.courier_id, minute(0), minute(60)))

    def click(
        self,
        at: float,
        name: str,
        number: int = 1,
        fulfilment: Fulfilment = Fulfilment.DELIVERY,
        part_of: str | None = None,
        window_id: str | None = None,
        quantity: int = 1,
    ) -> str:
        """Take an order, promised within thirty minutes."""
        order = Order(
            order_id=f"ord_{name}",
            created_at=minute(at),
            door=SHOP if fulfilment is not Fulfilment.DELIVERY else door(number),
            address=f"Door {number}",
            lines=(OrderLine("milk", quantity),),
            weight_g=1000,
            service_s=60,
            basket_cents=100,
            fulfilment=fulfilment,
            external_id=f"click-{name}" if part_of is None else None,
            part_of=part_of,
        )
        promise = Promise(minute(at), minute(at + 30), minute(at))
        self.note(at, e.OrderReceived(order, promise, STORE, window_id=window_id))
        return order.order_id

    def refuse(self, at: float, name: str, window_id: str | None = None) -> None:
        """Turn a click away."""
        self.note(
            at,
            e.OrderRefused(
                minute(at), "no_stock", "sold out", f"click-{name}", door(9), window_id=window_id
            ),
        )

    def hold(self, at: float, order_id: str, until: float) -> None:
        """Hold an order for a later slot, and let it go."""
        hold = Hold(SLOT, "for a later slot", minute(until))
        self.note(at, e.OrderHeld(order_id, hold, minute(at)))
        self.note(until, e.HoldReleased(order_id, minute(until)))

    def pick(self, at: float, order_id: str, until: float) -> None:
        """Pick an order."""
        self.note(at, e.PickStarted(order_id, STORE, minute(at)))
        self.note(until, e.PickCompleted(order_id, STORE, minute(until)))

    def plan(self, at: float, courier_id: str, order_id: str, eta: float) -> None:
        """Put an order on a courier's route: half a kilometre to the store, one to the door."""
        visits = (
            Visit(
                Stop(StopKind.PICKUP, order_id, STORE), minute(at), minute(at), minute(at), 1, 500
            ),
            Visit(
                Stop(StopKind.DROPOFF, order_id, STORE),
                minute(eta),
                minute(eta),
                minute(eta),
                1,
                1000,
            ),
        )
        self.note(
            at,
            e.PlanPublished(
                plan_id=f"pln_{len(self.events)}",
                snapshot_seq=len(self.events),
                made_at=minute(at),
                routes=(Route(courier_id, visits, minute(at)),),
                unassigned=(),
                ready_at={order_id: minute(at)},
                dropped=(),
                violations=(),
                objective=Objective(),
                method="insertion",
                travel_version="1",
                solve_ms=0.0,
            ),
        )

    def go(self, at: float, courier_id: str, order_id: str, kind: StopKind, there: float) -> Stop:
        """Tell a courier to go to a stop, and let them arrive."""
        stop = Stop(kind, order_id, STORE)
        self.note(at, e.StopCommitted(courier_id, stop, minute(there), minute(at)))
        self.note(there, e.StopArrived(courier_id, stop, minute(there)))
        return stop

    def fetch(self, at: float, courier_id: str, order_id: str, there: float, done: float) -> None:
        """Let a courier fetch an order."""
        self.go(at, courier_id, order_id, StopKind.PICKUP, there)
        self.note(done, e.ParcelPickedUp(courier_id, order_id, STORE, minute(done)))

    def bring(self, at: float, courier_id: str, order_id: str, there: float, done: float) -> None:
        """Let a courier bring an order."""
        self.go(at, courier_id, order_id, StopKind.DROPOFF, there)
        self.note(done, e.OrderDelivered(courier_id, order_id, minute(done)))


def golden() -> WrittenLog:
    """Return an evening with an order of each kind.

    prompt     delivered after 12 minutes by Anna, as promised
    late       delivered after 33 minutes by Ben: 3 minutes late, at the second try
    whole      a split order: its first part in time, the second (`part`) 1 minute late
    slot       held until minute 20, delivered in time
    desk       collected; the customer waited 4 minutes
    nobody     ready, and never collected
    back       nobody at home: brought back
    changed    cancelled before it was picked
    turned     refused 15m, taken with 60m: one order, still open
    away       refused for good
    """
    log = WrittenLog()
    log.open_up()
    log.click(1, "prompt", 1)
    log.plan(1, "cou_anna", "ord_prompt", 12)
    log.pick(2, "ord_prompt", 5)
    log.fetch(2, "cou_anna", "ord_prompt", 4, 6)
    log.bring(6, "cou_anna", "ord_prompt", 12, 13)
    log.click(13, "late", 2)
    log.pick(14, "ord_late", 16)
    log.fetch(14, "cou_ben", "ord_late", 15, 17)
    log.go(17, "cou_ben", "ord_late", StopKind.DROPOFF, 22)
    log.note(25, e.DeliveryFailed("cou_ben", "ord_late", "nobody home", minute(25)))
    log.note(25, e.RetryGranted("ord_late", "ops", "called", minute(25)))
    log.click(25, "whole", 3)
    log.click(25, "part", 3, part_of="ord_whole")
    log.click(25, "slot", 4, window_id="slot-1")
    log.click(26, "desk", fulfilment=Fulfilment.COLLECTION)
    log.click(26, "nobody", fulfilment=Fulfilment.CURBSIDE)
    log.pick(26, "ord_whole", 28)
    log.pick(28, "ord_part", 30)
    log.fetch(28, "cou_anna", "ord_whole", 29, 30)
    log.fetch(30, "cou_anna", "ord_part", 30, 31)
    log.go(31, "cou_anna", "ord_whole", StopKind.DROPOFF, 53)
    log.click(32, "changed", 5)
    log.note(33, e.OrderCancelled("ord_changed", "customer changed their mind", minute(33)))
    log.pick(34, "ord_desk", 35)
    log.note(36, e.CustomerArrived("ord_desk", "", minute(36)))
    log.pick(36, "ord_nobody", 37)
    log.note(40, e.OrderCollected("ord_desk", STORE, minute(40)))
    log.bring(40, "cou_ben", "ord_late", 44, 46)
    log.hold(46, "ord_slot", 46)
    log.refuse(47, "turned", "15m")
    log.refuse(47, "away")
    log.click(47, "turned", 6, window_id="60m")
    log.pick(47, "ord_slot", 48)
    log.fetch(47, "cou_ben", "ord_slot", 49, 50)
    log.bring(50, "cou_ben", "ord_slot", 53, 54)
    log.note(55, e.OrderDelivered("cou_anna", "ord_whole", minute(55)))
    log.bring(55, "cou_anna", "ord_part", 55, 56)
    log.note(58, e.OrderNotCollected("ord_nobody", STORE, "nobody came", minute(58)))
    return log.in_order()
