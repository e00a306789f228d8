"""One row for each order of a log, whatever became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import nan
from typing import Final

from dispatch import events as e
from dispatch.model import DeliveryStatus, Fulfilment, Order, Promise, StopKind, Store
from simulations.studies.outcome import Ending, OrderRow

LATER: Final = "later"
ANY: Final = "any"
_SLOT: Final = "slot-"


@dataclass(slots=True)
class _Life:
    """What is known of an order so far."""

    order: Order
    tier: str
    asked_at: int
    first_tier: str
    promise: Promise
    store_id: str
    first_eta: int | None
    ending: Ending = Ending.OPEN
    code: str | None = None
    ended_at: int | None = None
    courier_id: str | None = None
    released_at: int | None = None
    pick_started_at: int | None = None
    expected_pick_s: int | None = None
    ready_at: int | None = None
    expected_ready_at: int | None = None
    here_at: int | None = None
    picked_up_at: int | None = None
    left_at: int | None = None
    due_at: int | None = None
    arrived_at: int | None = None
    travel_s: int | None = None
    expected_travel_s: int | None = None
    delivered_at: int | None = None
    tries: int = 0

    def end(self, ending: Ending, at: int, code: str | None = None) -> None:
        """Note how it ended; the first ending stands until it is taken back."""
        if self.ending is Ending.OPEN:
            self.ending, self.ended_at, self.code = ending, at, code


def tier_of(window_id: str | None) -> str:
    """Return `15m`, `30m`, `60m`, `later` or `any` for the window that was wanted."""
    if window_id is None:
        return ANY
    return LATER if window_id.startswith(_SLOT) else window_id


class OrderFold:
    """Takes events one by one; `rows` are what has come of the orders so far.

    Goods that a courier brings back from a customer's door are nobody's order and have no row.
    A customer who was refused a window and took another one is one order, asked for once.
    """

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}
        self._refused: dict[str, e.OrderRefused] = {}
        self._first_asks: dict[str, tuple[int, str]] = {}
        self._stores: dict[str, Store] = {}
        self._quoted: dict[str, int | None] = {}

    def add(self, recorded: e.Recorded) -> None:  # noqa: C901  a table
        """Take one more event."""
        match recorded.event:
            case e.StoreRegistered(store=store):
                self._stores[store.store_id] = store
            case e.QuoteGiven(quote=quote):
                self._quoted[quote.quote_id] = quote.eta
            case e.OrderReceived() as event:
                self._receive(event)
            case e.OrderRefused() as event:
                self._refuse(recorded.seq, event)
            case e.PlanPublished() as event:
                self._expect(event)
            case e.StopCommitted() | e.StopArrived() as event:
                self._move(event)
            case e.CarriageReported() as event:
                self._carry(event)
            case e.OrderAmended(order=order):
                if (life := self._lives.get(order.order_id)) is not None:
                    life.order = order
            case _:
                life = self._lives.get(getattr(recorded.event, "order_id", ""))
                if life is not None:
                    self._change(life, recorded.event)

    def _receive(self, event: e.OrderReceived) -> None:
        order = event.order
        if order.return_of is not None:
            return
        window_id = event.window_id
        if window_id is None and event.cited is not None:
            window_id = event.cited.window_id
        tier = tier_of(window_id)
        asked_at, first_tier = order.created_at, tier
        if order.external_id is not None and order.part_of is None:
            asked_at, first_tier = self._first_asks.get(order.external_id, (asked_at, tier))
            self._refused.pop(order.external_id, None)
        if order.part_of in self._lives:
            whole = self._lives[order.part_of]
            asked_at, first_tier = whole.asked_at, whole.first_tier
        self._lives[order.order_id] = _Life(
            order,
            tier,
            asked_at,
            first_tier,
            event.promise,
            event.store_id,
            self._quoted.get(event.quote_id or ""),
        )

    def _refuse(self, seq: int, event: e.OrderRefused) -> None:
        key = event.external_id if event.external_id is not None else f"{seq}"
        self._first_asks.setdefault(key, (event.occurred_at, tier_of(event.window_id)))
        self._refused.pop(key, None)
        self._refused[key] = event

    def _expect(self, event: e.PlanPublished) -> None:
        for order_id, ready_at in event.ready_at.items():
            life = self._lives.get(order_id)
            if life is not None and life.expected_ready_at is None and life.ready_at is None:
                life.expected_ready_at = ready_at
        for route in event.routes:
            for visit in route.visits:
                if visit.stop.kind is StopKind.DROPOFF:
                    life = self._lives.get(visit.stop.order_id)
                    if life is not None and life.first_eta is None:
                        life.first_eta = visit.arrive_at

    def _move(self, event: e.StopCommitted | e.StopArrived) -> None:
        life = self._lives.get(event.stop.order_id)
        if life is None or event.stop.kind is not StopKind.DROPOFF:
            return
        if isinstance(event, e.StopCommitted):
            life.left_at, life.due_at = event.occurred_at, event.expected_at
            return
        life.arrived_at = event.occurred_at
        if life.left_at is not None and life.due_at is not None:
            life.travel_s = event.occurred_at - life.left_at
            life.expected_travel_s = life.due_at - life.left_at

    def _change(self, life: _Life, event: e.Event) -> None:  # noqa: C901, PLR0912  a table
        match event:
            case e.OrderResourced(to_store_id=to_store_id):
                life.store_id = to_store_id
            case e.HoldReleased(occurred_at=at):
                life.released_at = at
            case e.PickStarted(occurred_at=at, store_id=store_id):
                life.pick_started_at = at
                life.expected_pick_s = self._pick_s(store_id, life.order)
            case e.PickCompleted(occurred_at=at):
                life.ready_at = at
            case e.CustomerArrived(occurred_at=at):
                life.here_at = at if life.here_at is None else life.here_at
            case e.ParcelPickedUp(occurred_at=at, courier_id=courier_id):
                life.picked_up_at = at if life.picked_up_at is None else life.picked_up_at
                life.courier_id = courier_id
            case e.OrderDelivered(occurred_at=at, courier_id=courier_id):
                life.delivered_at, life.courier_id = at, courier_id
                life.end(Ending.DELIVERED, at)
            case e.DeliveryFailed():
                life.tries += 1
            case e.ParcelReturned(occurred_at=at):
                life.end(Ending.RETURNED, at)
            case e.OrderCollected(occurred_at=at):
                life.end(Ending.COLLECTED, at)
            case e.OrderNotCollected(occurred_at=at, reason=reason):
                life.end(Ending.NOT_COLLECTED, at, reason)
            case e.OrderCancelled(occurred_at=at, reason=reason):
                life.end(Ending.CANCELLED, at, reason)
            case e.OrderRevived(returning=False):
                life.ending, life.ended_at, life.code = Ending.OPEN, None, None
            case _:
                pass

    def _pick_s(self, store_id: str, order: Order) -> int | None:
        if order.pick_s is not None:
            return order.pick_s
        store = self._stores.get(store_id)
        return None if store is None else store.pick_base_s + store.pick_line_s * len(order.lines)

    def _carry(self, event: e.CarriageReported) -> None:
        """Take in how far an outside company is."""
        life = self._lives.get(event.order_id)
        if life is None:
            return
        at = event.occurred_at
        match event.status:
            case DeliveryStatus.PICKED_UP:
                life.picked_up_at = at if life.picked_up_at is None else life.picked_up_at
            case DeliveryStatus.ARRIVED_AT_DROPOFF:
                life.arrived_at = at
            case DeliveryStatus.DELIVERED:
                life.delivered_at = at
                life.end(Ending.DELIVERED, at)
            case DeliveryStatus.FAILED:
                life.tries += 1
            case DeliveryStatus.RETURNED:
                life.end(Ending.RETURNED, at)
            case _:
                pass

    # --- what came of it -----------------------------------------------------------------------

    def rows(self, measured_from: int, measured_until: int) -> tuple[OrderRow, ...]:
        """Return all rows in the order in which they were asked for."""
        rows = [*self._taken(measured_from, measured_until)]
        rows += self._turned_away(measured_from, measured_until)
        return tuple(sorted(rows, key=lambda row: (row.asked_at, row.order_id)))

    def _taken(self, measured_from: int, measured_until: int) -> Iterator[OrderRow]:
        for life in self._lives.values():
            order, delivered_at = life.order, life.delivered_at
            lateness_s = click_to_door_s = pick_s = None
            if life.ending is Ending.DELIVERED and delivered_at is not None:
                lateness_s = max(0, delivered_at - life.promise.latest)
                click_to_door_s = delivered_at - life.asked_at
            if life.pick_started_at is not None and life.ready_at is not None:
                pick_s = life.ready_at - life.pick_started_at
            yield OrderRow(
                order_id=order.order_id,
                external_id=order.external_id,
                is_measured=measured_from <= life.asked_at < measured_until,
                ending=life.ending,
                code=life.code,
                fulfilment=order.fulfilment.value,
                tier=life.tier,
                part_of=order.part_of,
                asked_at=life.asked_at,
                ended_at=life.ended_at,
                lng=order.door.lon,
                lat=order.door.lat,
                address=order.address,
                store_id=life.store_id,
                courier_id=life.courier_id,
                promise_earliest=life.promise.earliest,
                promise_latest=life.promise.latest,
                first_eta=life.first_eta,
                pick_started_at=life.pick_started_at,
                ready_at=life.ready_at,
                expected_ready_at=life.expected_ready_at,
                picked_up_at=life.picked_up_at,
                arrived_at=life.arrived_at,
                delivered_at=delivered_at,
                lateness_s=lateness_s,
                click_to_door_s=click_to_door_s,
                travel_s=life.travel_s,
                expected_travel_s=life.expected_travel_s,
                pick_s=pick_s,
                expected_pick_s=life.expected_pick_s,
                fare_cents=order.fare_cents,
                basket_cents=order.basket_cents,
                tries=life.tries,
                first_tier=life.first_tier,
                released_at=life.released_at,
                here_at=life.here_at,
            )

    def _turned_away(self, measured_from: int, measured_until: int) -> Iterator[OrderRow]:
        for key, event in self._refused.items():
            asked_at, first_tier = self._first_asks[key]
            yield OrderRow(
                order_id=f"refused-{key}",
                external_id=event.external_id,
                is_measured=measured_from <= asked_at < measured_until,
                ending=Ending.REFUSED,
                code=str(event.reason),
                fulfilment=event.fulfilment.value,
                tier=tier_of(event.window_id),
                part_of=None,
                asked_at=asked_at,
                ended_at=event.occurred_at,
                lng=nan if event.door is None else event.door.lon,
                lat=nan if event.door is None else event.door.lat,
                address="",
                basket_cents=event.basket_cents,
                first_tier=first_tier,
            )


def is_taken(row: OrderRow) -> bool:
    """Tell whether an order was promised anything."""
    return row.ending is not Ending.REFUSED


def is_in_time(row: OrderRow) -> bool:
    """Tell whether it was handed over, or ready to be collected, by its first promise's end."""
    if row.ending is Ending.DELIVERED:
        return row.lateness_s == 0
    if row.ending is Ending.COLLECTED:
        return is_ready_in_time(row)
    return False


def is_ready_in_time(row: OrderRow) -> bool:
    """Tell whether goods were ready by the end of the first promise."""
    return (
        row.ready_at is not None
        and row.promise_latest is not None
        and row.ready_at <= row.promise_latest
    )


def taken_deliveries(rows: Iterable[OrderRow]) -> list[OrderRow]:
    """Return the orders to be brought that were promised."""
    return [row for row in rows if is_taken(row) and row.fulfilment == Fulfilment.DELIVERY.value]
