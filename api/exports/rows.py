"""Rows of orders, stops, tracks and figures; every column says what it means.

Moments are UTC epoch seconds inside, and RFC 3339 or timestamps in what is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Engine, select

from api.storage import tables
from api.storage.exporting import stop_events, track_points
from dispatch import events as e
from dispatch.events import Recorded
from dispatch.kpis import KpiFold, Kpis
from dispatch.model import DeliveryStatus, LonLat, Stop, StopKind
from dispatch.state import OrderState, State

Row = tuple[Any, ...]


class Kind(StrEnum):
    """What is in a column."""

    TEXT = "text"
    WHOLE = "integer"
    NUMBER = "number"
    MOMENT = "moment"
    YES_NO = "true or false"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; where nothing is known or it does not apply, a cell is empty."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to be written.

    Attributes
    ----------
    line_of
        Column whose equal neighbours make one line on a map; None where each row is a point.
    """

    name: str
    columns: tuple[Column, ...]
    line_of: str | None = None

    @property
    def has_places(self) -> bool:
        """Whether rows can be shown on a map."""
        return any(column.name == "lng" for column in self.columns)


def _columns(*given: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(*one) for one in given)


ORDERS: Final = Sheet(
    "orders",
    _columns(
        ("order_id", Kind.TEXT, "id of the order, or of a part of a split one"),
        ("external_id", Kind.TEXT, "the shop's own id"),
        ("part_of", Kind.TEXT, "order that this is a part of"),
        ("return_of", Kind.TEXT, "order whose goods this errand brings back"),
        ("fulfilment", Kind.TEXT, "delivery, collection or curbside"),
        ("status", Kind.TEXT, "of the goods"),
        ("delivery_status", Kind.TEXT, "of the way to the door"),
        ("created_at", Kind.MOMENT, "click"),
        ("promise_earliest", Kind.MOMENT, "begin of the promise in force"),
        ("promise_latest", Kind.MOMENT, "its end"),
        ("first_promise_latest", Kind.MOMENT, "end of the promise given first"),
        ("eta", Kind.MOMENT, "forecast arrival of an open order with a route"),
        ("pick_started_at", Kind.MOMENT, "picking began"),
        ("ready_at", Kind.MOMENT, "goods picked and packed"),
        ("picked_up_at", Kind.MOMENT, "goods in a bag"),
        ("closed_at", Kind.MOMENT, "nothing more is to be done"),
        ("late_s", Kind.WHOLE, "seconds past the first promise's end; of what was delivered"),
        ("click_to_door_s", Kind.WHOLE, "seconds; of what was delivered"),
        ("store_id", Kind.TEXT, "store the goods come from"),
        ("courier_id", Kind.TEXT, "who brings or brought it"),
        ("carrier", Kind.TEXT, "outside company that carries or carried it"),
        ("tries", Kind.WHOLE, "failed deliveries"),
        ("priority", Kind.WHOLE, "steps above usual"),
        ("lines", Kind.WHOLE, "articles"),
        ("pieces", Kind.WHOLE, "pieces of all articles"),
        ("weight_g", Kind.WHOLE, "grams"),
        ("volume_ml", Kind.WHOLE, "millilitres"),
        ("chilled", Kind.YES_NO, "goods to be kept cold"),
        ("basket_cents", Kind.WHOLE, "goods, minor units"),
        ("fare_cents", Kind.WHOLE, "delivery, minor units"),
        ("tip_cents", Kind.WHOLE, "minor units"),
        ("refund_cents", Kind.WHOLE, "given back, minor units"),
        ("note", Kind.TEXT, "why it was given up, else the customer's note"),
        ("address", Kind.TEXT, "of the door"),
        ("lng", Kind.NUMBER, "degrees, of the door"),
        ("lat", Kind.NUMBER, "degrees, of the door"),
    ),
)
STOPS: Final = Sheet(
    "stops",
    _columns(
        ("stop_id", Kind.TEXT, "id of the stop"),
        ("kind", Kind.TEXT, "pickup, dropoff or return"),
        ("courier_id", Kind.TEXT, "who was told to go"),
        ("order_id", Kind.TEXT, "for which order"),
        ("store_id", Kind.TEXT, "of the goods"),
        ("told_at", Kind.MOMENT, "told to leave"),
        ("expected_at", Kind.MOMENT, "arrival as forecast then"),
        ("arrived_at", Kind.MOMENT, "arrival"),
        ("ended_at", Kind.MOMENT, "done, failed or given back"),
        ("outcome", Kind.TEXT, "done, failed, declined or released; empty while it goes on"),
        ("reason", Kind.TEXT, "of what was not done"),
        ("lng", Kind.NUMBER, "degrees"),
        ("lat", Kind.NUMBER, "degrees"),
    ),
)
TRACKS: Final = Sheet(
    "tracks",
    _columns(
        ("courier_id", Kind.TEXT, "whose position"),
        ("at", Kind.MOMENT, "by the courier's own device"),
        ("lng", Kind.NUMBER, "degrees"),
        ("lat", Kind.NUMBER, "degrees"),
    ),
    line_of="courier_id",
)
_FIGURES: Final = tuple(name for name in Kpis.__slots__ if name not in {"open", "at_risk"})
_SHARES: Final = frozenset({"on_time_share", "replan_p95_ms"})
KPIS: Final = Sheet(
    "kpis",
    _columns(
        ("begins_at", Kind.MOMENT, "begin of the stretch"),
        ("ends_at", Kind.MOMENT, "end of the stretch"),
        *(
            (name, Kind.NUMBER if name in _SHARES else Kind.WHOLE, "as in GET /v1/kpis")
            for name in _FIGURES
        ),
    ),
)
SHEETS: Final = {sheet.name: sheet for sheet in (ORDERS, STOPS, TRACKS, KPIS)}


def order_rows(found: Sequence[OrderState]) -> Iterator[Row]:
    """Yield a row for each order, as it is."""
    for one in found:
        order, carriage = one.order, one.carriage
        first = one.promises[0] if one.promises else one.promise
        delivered_at = one.closed_at if one.delivery is DeliveryStatus.DELIVERED else None
        yield (
            order.order_id,
            order.external_id,
            order.part_of,
            order.return_of,
            order.fulfilment.value,
            one.status.value,
            one.delivery.value,
            order.created_at,
            one.promise.earliest,
            one.promise.latest,
            first.latest,
            one.eta if one.closed_at is None else None,
            one.pick_started_at,
            one.ready_at,
            one.picked_up_at,
            one.closed_at,
            None if delivered_at is None else max(0, delivered_at - first.latest),
            None if delivered_at is None else delivered_at - order.created_at,
            one.store_id,
            one.courier_id,
            None if carriage is None else carriage.carrier,
            one.tries,
            order.priority,
            len(order.lines),
            sum(line.quantity for line in order.lines),
            order.weight_g,
            order.volume_ml,
            order.chilled,
            order.basket_cents,
            order.fare_cents,
            order.tip_cents,
            one.refund_cents,
            one.note or order.note,
            order.address,
            order.door.lon,
            order.door.lat,
        )


@dataclass(slots=True)
class _Under:
    """A stop that a courier was told to go to."""

    stop: Stop
    told_at: int
    expected_at: int
    arrived_at: int | None = None


class _Rounds:
    """What each courier was told last and has not ended yet: one stop at a time.

    Parameters
    ----------
    begins, ends
        Stops count that couriers were told of from the one until the other.
    """

    def __init__(self, state: State, begins: int, ends: int) -> None:
        self._state = state
        self._begins, self._ends = begins, ends
        self._under: dict[str, _Under] = {}

    def told(self, event: e.StopCommitted) -> Row | None:
        """Take in a stop; returns the row of the one before it that was never ended."""
        at = event.occurred_at
        before = self._under.get(event.courier_id)
        row = None
        if before is not None:
            # A bag that changed hands, say: nobody reports those stops.
            row = self.ended(event.courier_id, before.stop.order_id, at, "released", "")
        if self._begins <= at < self._ends:
            self._under[event.courier_id] = _Under(event.stop, at, event.expected_at)
        return row

    def arrived(self, event: e.StopArrived) -> None:
        """Take in an arrival."""
        known = self._under.get(event.courier_id)
        if known is not None and known.stop == event.stop:
            known.arrived_at = event.occurred_at

    def ended(
        self, courier_id: str, order_id: str, at: int | None, outcome: str, reason: str
    ) -> Row | None:
        """Return the row of a stop that came to its end, None for one that does not count."""
        found = self._under.get(courier_id)
        if found is None or found.stop.order_id != order_id:
            return None
        del self._under[courier_id]
        stop, place = found.stop, self._place(found.stop)
        return (
            stop.stop_id,
            stop.kind.value,
            courier_id,
            stop.order_id,
            stop.store_id,
            found.told_at,
            found.expected_at,
            found.arrived_at,
            at,
            outcome,
            reason,
            None if place is None else place.lon,
            None if place is None else place.lat,
        )

    def going_on(self) -> Iterator[Row]:
        """Yield the rows of stops without an end."""
        for courier_id, found in sorted(self._under.items()):
            row = self.ended(courier_id, found.stop.order_id, None, "", "")
            if row is not None:
                yield row

    def _place(self, stop: Stop) -> LonLat | None:
        """Return where a stop is; None for a point where nothing waits any more."""
        if stop.kind is StopKind.DROPOFF:
            return self._state.order(stop.order_id).order.door
        store = self._state.stores.get(stop.store_id)
        return None if store is None else store.store.location


def stop_rows(
    engine: Engine, zone: str, state: State, begins: int, ends: int, last_seq: int
) -> Iterator[Row]:
    """Yield a row for each stop that a courier was told of from `begins` until `ends`.

    In the order in which they ended; those that go on come last.

    Parameters
    ----------
    state
        Of the same zone, for places.
    last_seq
        Nothing that was recorded later is looked at.
    """
    rounds = _Rounds(state, begins, ends)
    for recorded in stop_events(engine, zone, begins, last_seq):
        row = _taken_in(rounds, recorded)
        if row is not None:
            yield row
    yield from rounds.going_on()


def _taken_in(rounds: _Rounds, recorded: Recorded) -> Row | None:
    """Take in a fact about a stop; returns the row of the stop that it ended, if it did."""
    event = recorded.event
    match event:
        case e.StopCommitted():
            return rounds.told(event)
        case e.StopArrived():
            rounds.arrived(event)
        case e.ParcelPickedUp() | e.OrderDelivered() | e.ParcelReturned():
            return rounds.ended(event.courier_id, event.order_id, event.occurred_at, "done", "")
        case e.DeliveryFailed(courier_id, order_id, reason, at):
            return rounds.ended(courier_id, order_id, at, "failed", reason)
        case e.StopDeclined(courier_id, order_id, reason, at):
            return rounds.ended(courier_id, order_id, at, "declined", reason)
        case e.StopReleased(courier_id, order_id, reason):
            return rounds.ended(courier_id, order_id, recorded.at, "released", reason)
    return None


def track_rows(engine: Engine, zone: str, begins: int, ends: int) -> Iterator[Row]:
    """Yield where couriers were from `begins` until `ends`, courier by courier, in time order."""
    t = tables.tracks
    query = select(t.c.courier_id).where(t.c.zone == zone, t.c.at >= begins, t.c.at < ends)
    with engine.connect() as connection:
        couriers = list(connection.execute(query.distinct().order_by(t.c.courier_id)).scalars())
    for courier_id in couriers:
        for at, lng, lat in track_points(engine, zone, courier_id, begins, ends):
            yield courier_id, at, lng, lat


def kpi_rows(fold: KpiFold, now: int, begins: int, ends: int, every_s: int) -> list[Row]:
    """Return a row for each stretch of `every_s` seconds; the last may be shorter."""
    rows: list[Row] = []
    for start in range(begins, ends, every_s):
        end = min(start + every_s, ends)
        # A figure is of what happened after its begin and up to its end, both in whole seconds.
        found = fold.figures(now, start - 1, end - 1)
        rows.append((start, end, *(getattr(found, name) for name in _FIGURES)))
    return rows
