"""What exports read of a ledger, page by page: no transaction lasts as long as a reader does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Engine, select, tuple_

from api.storage import tables
from dispatch import events as e
from dispatch.codec import event_from_json
from dispatch.events import Recorded

_PAGE: Final = 5_000

_OF_STOPS: Final = tuple(
    kind.__name__
    for kind in (
        e.StopCommitted,
        e.StopArrived,
        e.ParcelPickedUp,
        e.OrderDelivered,
        e.ParcelReturned,
        e.DeliveryFailed,
        e.StopDeclined,
        e.StopReleased,
    )
)


def stop_events(engine: Engine, zone: str, begins: int, last_seq: int) -> Iterator[Recorded]:
    """Yield the facts about stops recorded from a moment on, up to a number, in order."""
    t = tables.events
    query = (
        select(t.c.seq, t.c.at, t.c.type, t.c.data)
        .where(t.c.zone == zone, t.c.seq <= last_seq, t.c.at >= begins, t.c.type.in_(_OF_STOPS))
        .order_by(t.c.seq)
        .limit(_PAGE)
    )
    seq = 0
    while True:
        with engine.connect() as connection:
            page = connection.execute(query.where(t.c.seq > seq)).all()
        for number, at, kind, data in page:
            yield Recorded(zone, number, at, event_from_json(kind, data))
        if len(page) < _PAGE:
            return
        seq = page[-1].seq


def track_points(
    engine: Engine, zone: str, courier_id: str, begins: int, ends: int
) -> Iterator[tuple[int, float, float]]:
    """Yield a courier's positions: moment and degrees, in the order in which they were there."""
    t = tables.tracks
    query = (
        select(t.c.at, t.c.id, t.c.lng, t.c.lat)
        .where(t.c.zone == zone, t.c.courier_id == courier_id, t.c.at >= begins, t.c.at < ends)
        .order_by(t.c.at, t.c.id)
        .limit(_PAGE)
    )
    last = (begins, -1)
    while True:
        with engine.connect() as connection:
            page = connection.execute(query.where(tuple_(t.c.at, t.c.id) > last)).all()
        for at, _, lng, lat in page:
            yield at, lng, lat
        if len(page) < _PAGE:
            return
        last = (page[-1].at, page[-1].id)
