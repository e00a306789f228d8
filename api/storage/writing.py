"""Batches as rows: events, what led to them, positions, answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from api.storage import tables
from api.storage.records import Batch, Position
from dispatch.codec import event_to_json, input_to_json
from dispatch.journal import Noted, Reported
from geo.traffic_record import pack
from geo.traffic_weights import TrafficWeights
from geo.weights import Weights

_CHAIN: Final = 60
"""So many versions of the travel times in a row are kept as differences; then one is kept whole."""


class TravelKeeper:
    """Knows which versions of the travel times a ledger has, and what the last one was.

    A version is kept once, as its difference from the one before where that is known.
    """

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}
        self._last: dict[str, tuple[TrafficWeights, int]] = {}

    def row(self, connection: Connection, zone: str, weights: Weights) -> dict[str, Any] | None:
        """Return the row for a version, None when it is there already."""
        known = self._known.get(zone)
        if known is None:
            t = tables.travel_times
            found = connection.execute(select(t.c.version).where(t.c.zone == zone))
            known = self._known[zone] = set(found.scalars())
        if weights.version in known:
            return None
        known.add(weights.version)
        base, links = self._last.get(zone, (None, 0))
        if links >= _CHAIN:
            base, links = None, 0
        if isinstance(weights, TrafficWeights):
            self._last[zone] = (weights, links + 1)
        return {"zone": zone, "version": weights.version, "data": pack(weights, base)}


def write(connection: Connection, group: Sequence[Batch], travel: TravelKeeper) -> None:
    """Write batches of any zones, in order."""
    events = [
        {
            "zone": recorded.zone_id,
            "seq": recorded.seq,
            "at": recorded.at,
            "type": type(recorded.event).__name__,
            "data": event_to_json(recorded.event),
        }
        for batch in group
        for recorded in batch.events
    ]
    if events:
        connection.execute(insert(tables.events), events)
    answers = [
        {
            "zone": batch.zone_id,
            "key": kept.key,
            "request_hash": kept.request_hash,
            "status": kept.status,
            "body": kept.body,
            "created_at": kept.created_at,
        }
        for batch in group
        for kept in batch.answers
    ]
    if answers:
        connection.execute(insert(tables.idempotency_keys), answers)
    versions = [
        row
        for batch in group
        for weights in batch.travel
        if (row := travel.row(connection, batch.zone_id, weights)) is not None
    ]
    if versions:
        connection.execute(insert(tables.travel_times), versions)
    told: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []
    for batch in group:
        of_batch = _Sightings(batch)
        seen += of_batch.rows()
        told += of_batch.left()
    if told:
        connection.execute(insert(tables.journal), told)
    if seen:
        connection.execute(insert(tables.tracks), seen)
        _write_latest(connection, group)


class _Sightings:
    """A batch's positions as rows of the track, which carry their place in the journal."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._noted = {
            (noted.entry.courier_id, noted.entry.seen_at, noted.entry.place): noted
            for noted in batch.inputs
            if isinstance(noted.entry, Reported)
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the track."""
        for position in self._batch.positions:
            noted = None
            if not position.late:
                noted = self._noted.pop((position.courier_id, position.at, position.place), None)
            yield {
                **_place_row(self._batch.zone_id, position),
                "n": None if noted is None else noted.n,
                "received_at": position.received_at if noted is None else noted.entry.at,
            }

    def left(self) -> Iterator[dict[str, Any]]:
        """Yield the inputs that no row of the track carries, as rows of the journal."""
        alone = {noted.n for noted in self._noted.values()}
        for noted in self._batch.inputs:
            if not isinstance(noted.entry, Reported) or noted.n in alone:
                yield _input_row(self._batch.zone_id, noted)


def _input_row(zone: str, noted: Noted) -> dict[str, Any]:
    return {
        "zone": zone,
        "n": noted.n,
        "after_seq": noted.after,
        "at": noted.entry.at,
        "kind": type(noted.entry).__name__,
        "data": input_to_json(noted.entry),
    }


def _write_latest(connection: Connection, group: Sequence[Batch]) -> None:
    heard = [(batch.zone_id, position) for batch in group for position in batch.positions]
    latest = {(zone, one.courier_id): one for zone, one in heard if not one.late}
    p = tables.courier_positions
    for zone in {zone for zone, _ in latest}:
        couriers = [courier for of_zone, courier in latest if of_zone == zone]
        connection.execute(delete(p).where(p.c.zone == zone, p.c.courier_id.in_(couriers)))
    if latest:
        rows = [
            {**_place_row(zone, one), "received_at": one.received_at}
            for (zone, _), one in latest.items()
        ]
        connection.execute(insert(p), rows)


def _place_row(zone: str, position: Position) -> dict[str, Any]:
    return {
        "zone": zone,
        "courier_id": position.courier_id,
        "at": position.at,
        "lng": position.place.lon,
        "lat": position.place.lat,
    }
