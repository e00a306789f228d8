"""The checker's eye on orders: taken once, ended once, and in whose hands the goods are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from dispatch import events as e
from dispatch.model import DeliveryStatus, Fulfilment, Order, Promise, StopKind

SHELF: Final = "on the shelf"
PICKING: Final = "being picked"
COUNTER: Final = "at the counter"
GONE: Final = "gone"

_AFTER_THE_END: Final = (
    e.StopReleased,
    e.OrderUnlocked,
    e.ConflictNoted,
    e.ReturnSettled,
    e.OrderRevived,
)
"""What may still be said of an order that has ended: its courier is released, a lock runs out, a
late report is noted, goods come back over the desk, or it turns out to be in a bag."""

_PREPARING: Final = (e.LineShort, e.SubstitutionOffered, e.SubstitutionAnswered, e.ItemPicked)


class _Dated(Protocol):
    """A fact with its time."""

    @property
    def occurred_at(self) -> int:
        """When it happened."""


@dataclass(slots=True)
class _Order:
    """An order by what was said of it.

    Attributes
    ----------
    goods
        Where they are: one of the constants, `bag of X` or `point X`.
    end
        How and where in the log it ended; empty while it has not.
    """

    order: Order
    store_id: str
    promise: Promise
    goods: str = SHELF
    end: str = ""
    is_cancelled: bool = False
    carrier: str = ""
    failures: int = 0
    retries: int = 0
    times: dict[str, int] = field(default_factory=dict)


class Orders:
    """All orders of a log.

    Parameters
    ----------
    late_at
        When late reports were taken in: they have the times of other clocks than what was heard
        before, so which of the two was first is not held against them.
    """

    def __init__(self, late_at: frozenset[int]) -> None:
        self._late_at = late_at
        self._is_late = False
        self._orders: dict[str, _Order] = {}
        self._external: dict[str, str] = {}
        self._stores: set[str] = set()

    def see(self, recorded: e.Recorded) -> Iterator[str]:
        """Yield what is wrong with what an event says of orders."""
        event = recorded.event
        self._is_late = recorded.at in self._late_at
        if isinstance(event, e.StoreRegistered):
            self._stores.add(event.store.store_id)
        elif isinstance(event, e.OrderReceived):
            yield from self._received(event, recorded)
        elif isinstance(event, e.PlanPublished):
            yield from self._planned(event)
        elif isinstance(event, e.CourierStranded | e.BagHandedOver):
            yield from self._left_at_point(event)
        elif (order_id := _about(event)) is not None:
            order = self._orders.get(order_id)
            if order is None:
                yield f"{type(event).__name__} about {order_id}, which was never taken"
                return
            if order.end and not isinstance(event, _AFTER_THE_END):
                yield f"{type(event).__name__} about {order_id} after its end ({order.end})"
                return
            yield from self._happened(order, event, recorded)

    # --- taking --------------------------------------------------------------------------------

    def _received(self, event: e.OrderReceived, recorded: e.Recorded) -> Iterator[str]:
        order, order_id = event.order, event.order.order_id
        if order_id in self._orders:
            yield f"{order_id} is taken a second time"
            return
        if order.external_id is not None and order.part_of is None:
            before = self._external.setdefault(order.external_id, order_id)
            if before != order_id:
                yield f"{order_id} and {before} are both the click {order.external_id}"
        if event.store_id not in self._stores:
            yield f"{order_id} is taken for {event.store_id}, which there is not"
        if order.created_at > recorded.at:
            yield f"{order_id} is taken at {recorded.at}, before its click at {order.created_at}"
        if event.promise.made_at > recorded.at:
            yield f"the promise of {order_id} is from {event.promise.made_at}, later than now"
        known = _Order(order, event.store_id, event.promise)
        if order.return_of is not None:
            known.goods = f"point {event.store_id}"
            whole = self._orders.get(order.return_of)
            if whole is None or not whole.end.startswith(("delivered", "collected")):
                yield f"{order_id} fetches goods of {order.return_of}, which nobody was handed"
        self._orders[order_id] = known

    def _planned(self, event: e.PlanPublished) -> Iterator[str]:
        fetching: dict[str, str] = {}
        for route in event.routes:
            for visit in route.visits:
                order_id = visit.stop.order_id
                order = self._orders.get(order_id)
                if order is None or order.end:
                    end = "was never taken" if order is None else f"has ended ({order.end})"
                    yield f"plan {event.plan_id} has {order_id} on a route, which {end}"
                if visit.stop.kind is StopKind.PICKUP:
                    other = fetching.setdefault(order_id, route.courier_id)
                    if other != route.courier_id:
                        yield f"{order_id} is on the routes of {other} and {route.courier_id}"

    # --- living --------------------------------------------------------------------------------

    def _happened(  # noqa: C901  a table
        self, order: _Order, event: e.Event, recorded: e.Recorded
    ) -> Iterator[str]:
        match event:
            case e.PickStarted() | e.PickCompleted() | e.OrderResourced():
                yield from self._prepared(order, event)
            case e.OrderCancelled() | e.OrderRevived():
                yield from self._given_up(order, event, recorded.seq)
            case e.OrderCollected() | e.OrderNotCollected() | e.CustomerArrived():
                yield from self._at_counter(order, event, recorded.seq)
            case e.CarriageBooked() | e.CarriageReported() | e.CarriageEnded():
                yield from self._outside(order, event, recorded.seq)
            case e.PromiseSuperseded(promise=promise):
                yield from _promised_anew(order, promise, recorded.at)
            case e.OrderAmended(order=amended):
                if order.goods != SHELF:
                    yield f"{amended.order_id} is changed while it is {order.goods}"
                order.order = amended
            case e.RetryGranted(order_id=order_id):
                order.retries += 1
                if order.retries > order.failures:
                    yield f"{order_id} is tried again without having failed"
            case _ if isinstance(event, _PREPARING):
                if order.goods != PICKING:
                    name = type(event).__name__
                    yield f"{name} of {order.order.order_id}, which is {order.goods}"
            case _:
                yield from self._carried(order, event, recorded)

    def _prepared(
        self, order: _Order, event: e.PickStarted | e.PickCompleted | e.OrderResourced
    ) -> Iterator[str]:
        order_id = event.order_id
        if order.is_cancelled:
            yield f"{type(event).__name__} of {order_id}, which is cancelled"
        if isinstance(event, e.OrderResourced):
            if order.goods != SHELF:
                yield f"{order_id} moves to another store while it is {order.goods}"
            if event.from_store_id != order.store_id:
                yield f"{order_id} moves from {event.from_store_id}, but it is at {order.store_id}"
            order.store_id = event.to_store_id
            return
        if event.store_id != order.store_id:
            yield f"{order_id} is picked at {event.store_id}, but it is for {order.store_id}"
        if isinstance(event, e.PickStarted):
            if order.goods != SHELF:
                yield f"the picking of {order_id} begins while it is {order.goods}"
            if event.occurred_at < order.order.created_at and not self._is_late:
                yield f"the picking of {order_id} begins before the order was there"
            order.goods = PICKING
        else:
            if order.goods != PICKING:
                yield f"the picking of {order_id} ends while it is {order.goods}"
            yield from self._follows(order, "PickStarted", event)
            order.goods = COUNTER
        order.times[type(event).__name__] = event.occurred_at

    def _given_up(
        self, order: _Order, event: e.OrderCancelled | e.OrderRevived, seq: int
    ) -> Iterator[str]:
        order_id = event.order_id
        in_play = order.goods.startswith(("bag", "point")) and order.order.return_of is None
        if isinstance(event, e.OrderCancelled):
            if order.is_cancelled:
                yield f"{order_id} is cancelled a second time"
            order.is_cancelled = True
            # Goods in a bag, or that wait for one, come back first.
            if not in_play or order.carrier:
                order.goods, order.end = GONE, f"cancelled at seq {seq}"
            return
        if not order.is_cancelled:
            yield f"{order_id} is revived without having been cancelled"
        if order.goods.startswith("bag") and order.goods != f"bag of {event.courier_id}":
            yield f"{order_id} is revived by {event.courier_id}, but is in the {order.goods}"
        order.is_cancelled = event.returning
        order.goods, order.end = f"bag of {event.courier_id}", ""

    def _at_counter(
        self,
        order: _Order,
        event: e.OrderCollected | e.OrderNotCollected | e.CustomerArrived,
        seq: int,
    ) -> Iterator[str]:
        order_id = event.order_id
        if order.order.fulfilment is Fulfilment.DELIVERY:
            yield f"{type(event).__name__} of {order_id}, which is to be brought"
        if isinstance(event, e.CustomerArrived):
            return
        if order.goods != COUNTER:
            yield f"{type(event).__name__} of {order_id}, which is {order.goods}"
        yield from self._follows(order, "PickCompleted", event)
        name = "collected" if isinstance(event, e.OrderCollected) else "not collected"
        order.goods, order.end = GONE, f"{name} at seq {seq}"

    def _outside(
        self,
        order: _Order,
        event: e.CarriageBooked | e.CarriageReported | e.CarriageEnded,
        seq: int,
    ) -> Iterator[str]:
        order_id = event.order_id
        if isinstance(event, e.CarriageBooked):
            if order.carrier or order.goods.startswith("bag"):
                yield f"{order_id} is given to {event.carriage.carrier}, but is {order.goods}"
            order.carrier = event.carriage.carrier
            return
        if order.carrier != event.carrier:
            yield f"{event.carrier} reports on {order_id}, which it does not carry"
        if isinstance(event, e.CarriageEnded):
            order.carrier = ""
        elif event.status == DeliveryStatus.PICKED_UP:
            if order.goods not in {COUNTER, f"bag of {event.carrier}"}:
                yield f"{event.carrier} fetched {order_id}, which is {order.goods}"
            order.goods = f"bag of {event.carrier}"
        elif event.status in {DeliveryStatus.DELIVERED, DeliveryStatus.RETURNED}:
            order.goods, order.end = GONE, f"{event.status} at seq {seq}"

    # --- in bags -------------------------------------------------------------------------------

    def _carried(  # noqa: C901  a table
        self, order: _Order, event: e.Event, recorded: e.Recorded
    ) -> Iterator[str]:
        order_id, seq = order.order.order_id, recorded.seq
        match event:
            case (
                e.StopCommitted(courier_id=who, stop=stop)
                | e.StopArrived(courier_id=who, stop=stop)
            ):
                yield from _fits(order, who, stop.kind, type(event).__name__)
            case e.ParcelPickedUp(courier_id=who, store_id=store_id):
                there = {COUNTER: order.store_id, f"point {store_id}": store_id}.get(order.goods)
                if there is None:
                    yield f"{who} fetched {order_id}, which is {_in(order.goods)}"
                elif there != store_id:
                    yield f"{who} fetched {order_id} at {store_id}, but it is at {there}"
                yield from self._follows(order, "PickCompleted", event)
                order.goods = f"bag of {who}"
                order.times["ParcelPickedUp"] = event.occurred_at
            case e.OrderDelivered(courier_id=who):
                yield from _in_bag(order, who, "delivered")
                yield from self._follows(order, "ParcelPickedUp", event)
                if order.is_cancelled:
                    yield f"{order_id} is delivered, but it was cancelled"
                order.goods, order.end = GONE, f"delivered at seq {seq}"
            case e.DeliveryFailed(courier_id=who):
                order.failures += 1
                yield from _in_bag(order, who, "failed to deliver")
                yield from self._follows(order, "ParcelPickedUp", event)
            case e.ParcelReturned(courier_id=who, store_id=store_id):
                yield from _in_bag(order, who, "returned")
                yield from self._follows(order, "ParcelPickedUp", event)
                if store_id != order.store_id:
                    yield f"{order_id} is returned to {store_id}, but it is {order.store_id}'s"
                order.goods, order.end = GONE, f"returned at seq {seq}"
            case e.StopDeclined(courier_id=who) | e.OfferMade(courier_id=who):
                if order.goods.startswith("bag"):
                    name = type(event).__name__
                    yield f"{name} of {order_id} by {who}, but it is in the {order.goods}"
            case _:
                pass

    def _left_at_point(self, event: e.CourierStranded | e.BagHandedOver) -> Iterator[str]:
        if event.point is None:
            if event.order_ids:
                yield f"{event.courier_id} left goods nowhere: {', '.join(event.order_ids)}"
            return
        self._stores.add(event.point.store_id)
        for order_id in event.order_ids:
            order = self._orders.get(order_id)
            if order is None:
                yield f"{event.courier_id} left {order_id} behind, which was never taken"
                continue
            yield from _in_bag(order, event.courier_id, "left behind")
            order.goods = f"point {event.point.store_id}"

    def _follows(self, order: _Order, before: str, event: _Dated) -> Iterator[str]:
        """Hold that something happened no sooner than what must come before it."""
        since, at = order.times.get(before), event.occurred_at
        if since is not None and at < since and not self._is_late:
            name = type(event).__name__
            yield f"{name} of {order.order.order_id} at {at}, before its {before} at {since}"


# --- pieces ------------------------------------------------------------------------------------


def _about(event: e.Event) -> str | None:
    """Return the order that an event is about, None for none."""
    if isinstance(event, e.OrderAmended):
        return event.order.order_id
    stop = getattr(event, "stop", None)
    if stop is not None:
        return str(stop.order_id)
    order_id = getattr(event, "order_id", None)
    return None if order_id is None else str(order_id)


def _in(goods: str) -> str:
    return f"in the {goods}" if goods.startswith("bag") else goods


def _in_bag(order: _Order, courier_id: str, what: str) -> Iterator[str]:
    if order.goods != f"bag of {courier_id}":
        yield f"{courier_id} {what} {order.order.order_id}, which is {_in(order.goods)}"


def _fits(order: _Order, courier_id: str, kind: StopKind, name: str) -> Iterator[str]:
    """Hold that the goods are where a stop of a kind needs them."""
    in_a_bag = order.goods.startswith("bag")
    if kind is StopKind.PICKUP and in_a_bag:
        what = f"{order.order.order_id}, which is {_in(order.goods)}"
        yield f"{name}: {courier_id} is to fetch {what}"
    elif kind is not StopKind.PICKUP and order.goods != f"bag of {courier_id}":
        where = "to its door" if kind is StopKind.DROPOFF else "back"
        yield (
            f"{name}: {courier_id} is to bring {order.order.order_id} {where}, which is "
            f"{_in(order.goods)}"
        )


def _promised_anew(order: _Order, promise: Promise, now: int) -> Iterator[str]:
    order_id, last = order.order.order_id, order.promise
    if promise.made_at < last.made_at or promise.made_at > now:
        yield (
            f"the promise of {order_id} from {last.made_at} is superseded at {now} by one from "
            f"{promise.made_at}"
        )
    if (promise.earliest, promise.latest) == (last.earliest, last.latest):
        yield f"the promise of {order_id} is superseded by the same one"
    order.promise = promise
