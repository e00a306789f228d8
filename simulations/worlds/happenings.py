"""What was forecast and what happened, side by side, folded from a log: live, replayed, simulated.

Times are UTC epoch seconds.  A forecast is what the engine said when it mattered: of a pick when it
began, of a way when the courier was told to leave, of the goods and of the hand-over when the first
plan had a place for the order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from dispatch import events as e
from dispatch.model import Fulfilment, Mode, Order, Promise, Route, StopKind, Store


class Picked(NamedTuple):
    """A pick from its beginning to its end.

    Attributes
    ----------
    lines
        Lines of the order when it was begun.
    base_s, line_s
        What the store was taken to need; `expected_s` is the shop's own figure where it gave one.
    """

    order_id: str
    store_id: str
    lines: int
    base_s: int
    line_s: int
    expected_s: int
    is_stated: bool
    started_at: int
    took_s: int


class Gone(NamedTuple):
    """A way that a courier was told to go.

    Attributes
    ----------
    expected_s
        To the forecast arrival; who is told a little before it is time has more than `way_s`.
    way_s
        The way itself by the travel times of the plan; None where no plan had it.
    """

    order_id: str
    courier_id: str
    mode: Mode
    kind: StopKind
    store_id: str
    left_at: int
    expected_s: int
    took_s: int
    way_s: int | None


class HandedOver(NamedTuple):
    """A stop from when it could begin (there, and the goods ready) to its end.

    Attributes
    ----------
    failed
        Nobody took it.
    """

    order_id: str
    courier_id: str
    mode: Mode
    kind: StopKind
    store_id: str
    begun_at: int
    expected_s: int
    took_s: int
    failed: bool


class Ready(NamedTuple):
    """When goods were expected to be ready, as of `told_at`, and when they were."""

    order_id: str
    store_id: str
    told_at: int
    expected_at: int
    ready_at: int


class Promised(NamedTuple):
    """A delivery that was promised by a time.

    Attributes
    ----------
    eta
        When the first plan with a route for it expected the hand-over to be done; None without.
    delivered_at
        None when it was not; `is_open` says that it still may be.
    mode
        Of whoever brought it.
    """

    order_id: str
    store_id: str
    mode: Mode | None
    made_at: int
    latest: int
    eta: int | None
    delivered_at: int | None
    is_open: bool


@dataclass(slots=True)
class Happenings:
    """All of a log."""

    picks: list[Picked] = field(default_factory=list)
    ways: list[Gone] = field(default_factory=list)
    handovers: list[HandedOver] = field(default_factory=list)
    readies: list[Ready] = field(default_factory=list)
    promises: list[Promised] = field(default_factory=list)
    stores: dict[str, Store] = field(default_factory=dict)
    modes: dict[str, Mode] = field(default_factory=dict)
    begins_at: int = 0
    ends_at: int = 0


@dataclass(slots=True)
class _Order:
    order: Order
    promise: Promise
    store_id: str
    started_at: int | None = None
    ready_at: int | None = None
    expected_ready: tuple[int, int] | None = None
    eta: int | None = None
    delivered_at: int | None = None
    mode: Mode | None = None
    ended: bool = False


@dataclass(slots=True)
class _Stop:
    order_id: str
    kind: StopKind
    store_id: str
    left_at: int
    due_at: int
    way_s: int | None
    arrived_at: int | None = None


class HappeningsFold:
    """Takes a log event by event; `done` is what has come of it."""

    def __init__(self) -> None:
        self._found = Happenings()
        self._orders: dict[str, _Order] = {}
        self._stops: dict[str, _Stop] = {}
        self._routes: dict[str, Route] = {}

    def add(self, recorded: e.Recorded) -> None:  # noqa: C901, PLR0912 - a table
        """Take one more event."""
        found, at = self._found, recorded.at
        found.begins_at = found.begins_at or at
        found.ends_at = max(found.ends_at, at)
        match recorded.event:
            case e.StoreRegistered(store=store):
                found.stores[store.store_id] = store
            case e.CourierRegistered(courier=courier):
                found.modes[courier.courier_id] = courier.mode
            case e.OrderReceived(order=order, promise=promise, store_id=store_id):
                if order.return_of is None:
                    self._orders[order.order_id] = _Order(order, promise, store_id)
            case e.OrderAmended(order=order):
                if (known := self._orders.get(order.order_id)) is not None:
                    known.order = order
            case e.OrderResourced(order_id=order_id, to_store_id=to_store_id):
                if (known := self._orders.get(order_id)) is not None:
                    known.store_id = to_store_id
                    known.expected_ready = None
            case e.PickStarted(order_id=order_id, occurred_at=when):
                if (known := self._orders.get(order_id)) is not None:
                    known.started_at = when
            case e.PickCompleted(order_id=order_id, occurred_at=when):
                self._picked(order_id, when)
            case e.PlanPublished() as event:
                self._expect(event, at)
            case e.StopCommitted() as event:
                self._told(event)
            case e.StopArrived(courier_id=courier_id, stop=stop, occurred_at=when):
                self._arrived(courier_id, stop.order_id, when)
            case e.ParcelPickedUp(courier_id=courier_id, order_id=order_id, occurred_at=when):
                self._left(courier_id, order_id, when)
            case e.OrderDelivered(courier_id=courier_id, order_id=order_id, occurred_at=when):
                self._left(courier_id, order_id, when)
                if (known := self._orders.get(order_id)) is not None:
                    known.delivered_at, known.mode = when, found.modes.get(courier_id)
                    known.ended = True
            case e.DeliveryFailed(courier_id=courier_id, order_id=order_id, occurred_at=when):
                self._left(courier_id, order_id, when, failed=True)
            case e.ParcelReturned(courier_id=courier_id, order_id=order_id, occurred_at=when):
                self._left(courier_id, order_id, when)
                self._end(order_id)
            case e.StopReleased(courier_id=courier_id) | e.StopDeclined(courier_id=courier_id):
                self._stops.pop(courier_id, None)
            case e.CourierStranded(courier_id=courier_id):
                self._stops.pop(courier_id, None)
            case e.OrderCancelled(order_id=order_id):
                self._end(order_id)
            case _:
                pass

    def done(self) -> Happenings:
        """Return all of it; promises last, once it is known which were kept."""
        self._found.promises = [
            Promised(
                order_id=key,
                store_id=known.store_id,
                mode=known.mode,
                made_at=known.promise.made_at,
                latest=known.promise.latest,
                eta=known.eta,
                delivered_at=known.delivered_at,
                is_open=not known.ended,
            )
            for key, known in self._orders.items()
            if known.order.fulfilment is Fulfilment.DELIVERY
        ]
        return self._found

    # --- the parts -----------------------------------------------------------------------------

    def _end(self, order_id: str) -> None:
        if (known := self._orders.get(order_id)) is not None:
            known.ended = True

    def _picked(self, order_id: str, at: int) -> None:
        known = self._orders.get(order_id)
        if known is None:
            return
        known.ready_at = at
        if known.expected_ready is not None:
            told_at, expected_at = known.expected_ready
            self._found.readies.append(Ready(order_id, known.store_id, told_at, expected_at, at))
        store = self._found.stores.get(known.store_id)
        if known.started_at is None or store is None:
            return
        lines, stated = len(known.order.lines), known.order.pick_s
        usual_s = store.pick_base_s + store.pick_line_s * lines
        self._found.picks.append(
            Picked(
                order_id=order_id,
                store_id=known.store_id,
                lines=lines,
                base_s=store.pick_base_s,
                line_s=store.pick_line_s,
                expected_s=usual_s if stated is None else stated,
                is_stated=stated is not None,
                started_at=known.started_at,
                took_s=max(0, at - known.started_at),
            )
        )

    def _told(self, event: e.StopCommitted) -> None:
        stop, route = event.stop, self._routes.get(event.courier_id)
        visits = () if route is None else route.visits
        self._stops[event.courier_id] = _Stop(
            order_id=stop.order_id,
            kind=stop.kind,
            store_id=stop.store_id,
            left_at=event.occurred_at,
            due_at=event.expected_at,
            way_s=next((visit.travel_s for visit in visits if visit.stop == stop), None),
        )

    def _expect(self, event: e.PlanPublished, at: int) -> None:
        for order_id, ready_at in event.ready_at.items():
            known = self._orders.get(order_id)
            if known is not None and known.ready_at is None and known.expected_ready is None:
                known.expected_ready = (at, ready_at)
        for route in event.routes:
            self._routes[route.courier_id] = route
            for visit in route.visits:
                if visit.stop.kind is StopKind.DROPOFF:
                    known = self._orders.get(visit.stop.order_id)
                    if known is not None and known.eta is None:
                        known.eta = visit.depart_at

    def _arrived(self, courier_id: str, order_id: str, at: int) -> None:
        stop = self._stops.get(courier_id)
        mode = self._found.modes.get(courier_id)
        if stop is None or mode is None or stop.order_id != order_id or stop.arrived_at is not None:
            return
        stop.arrived_at = at
        self._found.ways.append(
            Gone(
                order_id=order_id,
                courier_id=courier_id,
                mode=mode,
                kind=stop.kind,
                store_id=stop.store_id,
                left_at=stop.left_at,
                expected_s=stop.due_at - stop.left_at,
                took_s=at - stop.left_at,
                way_s=stop.way_s,
            )
        )

    def _left(self, courier_id: str, order_id: str, at: int, *, failed: bool = False) -> None:
        stop = self._stops.pop(courier_id, None)
        mode = self._found.modes.get(courier_id)
        if stop is None or stop.arrived_at is None or mode is None or stop.order_id != order_id:
            return
        known = self._orders.get(order_id)
        store = self._found.stores.get(stop.store_id)
        begun_at = stop.arrived_at
        expected_s = 0 if store is None else store.pickup_service_s
        if stop.kind is StopKind.PICKUP and known is not None:
            begun_at = max(begun_at, begun_at if known.ready_at is None else known.ready_at)
        elif stop.kind is StopKind.DROPOFF and known is not None:
            expected_s = known.order.service_s
        self._found.handovers.append(
            HandedOver(
                order_id=order_id,
                courier_id=courier_id,
                mode=mode,
                kind=stop.kind,
                store_id=stop.store_id,
                begun_at=begun_at,
                expected_s=expected_s,
                took_s=max(0, at - begun_at),
                failed=failed,
            )
        )


def happenings_of(log: Iterable[e.Recorded]) -> Happenings:
    """Return forecasts and truths of a log, from its beginning."""
    fold = HappeningsFold()
    for recorded in log:
        fold.add(recorded)
    return fold.done()
