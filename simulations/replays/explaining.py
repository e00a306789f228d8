"""What `samehour explain` does: an order of a ledger, explained as of a moment of its day."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dispatch.codec import WIRE
from dispatch.engine import Engine
from dispatch.events import Event, OfferMade, OrderReceived, OrderRefused, Recorded, StopCommitted
from dispatch.explanation import Explanation
from dispatch.journal import Began, Reported, StreetsChanged
from dispatch.model import Order, Policy, StopKind
from dispatch.recording import Recording, RecordingError
from dispatch.state import OrderState
from dispatch.views import Position
from geo.city import City
from geo.errors import GeoError
from geo.progress import shown, stage
from geo.travel import NetworkTravelTimes
from simulations.compiling import compile_all
from simulations.errors import ReplayError, SimulationError
from simulations.replays.asked import city_of, moment
from simulations.replays.cli import ReadLedger
from simulations.replays.explained import told
from simulations.replays.streets import RecordedStreets


@dataclass(frozen=True, slots=True)
class Explained:
    """An order explained.

    Attributes
    ----------
    at, order, explanation
        As of a moment; None where it was closed by then.
    went
        How it went; None while it was open.
    names
        Of couriers, by id.
    notes
        What is not as it was that day.
    """

    placed: Order
    at: int | None
    order: OrderState
    explanation: Explanation | None
    went: Explanation | None
    names: dict[str, str]
    notes: tuple[str, ...]
    time_zone: str


def run(arguments: argparse.Namespace, read_ledger: ReadLedger) -> int:
    """Explain and print; returns 0, 2 for wrong input."""
    try:
        with shown():
            found = _run(arguments, read_ledger)
    except (SimulationError, RecordingError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if arguments.json:
        body = {
            "order_id": found.placed.order_id,
            "at": found.at,
            "explanation": WIRE.unstructure(found.explanation),
            "went": WIRE.unstructure(found.went),
            "notes": list(found.notes),
        }
        sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(told(found))
    return 0


def _run(arguments: argparse.Namespace, read_ledger: ReadLedger) -> Explained:
    with stage("reading the ledger"):
        recording = read_ledger(arguments.ledger, arguments.zone)
    city = city_of(arguments.city, recording)
    at = moment(arguments.at, "--at", city.time_zone)
    placed = placed_order(recording, arguments.order)
    compile_all(sys.stderr)
    return explained(recording, city, placed, at)


def explained(
    recording: Recording, city: City, placed: OrderReceived, at: int | None = None
) -> Explained:
    """Explain an order as of a time, or as `samehour explain` does without one.

    Raises
    ------
    ReplayError
        There was no such order at that time, or its streets cannot be had.
    """
    order = placed.order
    events = recording.events
    if at is not None:
        seq = bisect_right(events, at, key=lambda entry: entry.at)
        past = Past(recording, city, seq, at)
        known = past.engine.state
        if order.order_id not in {*known.orders, *known.closed}:
            when = _clock(order.created_at, city)
            raise ReplayError(
                f"{order.order_id} was clicked at {when}, after --at; name a later time"
            )
    else:
        past = Past(recording, city, len(events), events[-1].at)
    state = past.engine.state
    found = past.engine.explain(order.order_id)
    went = found if order.order_id in state.closed else None
    explanation = None if went is not None else found
    moment_at: int | None = past.at
    if went is not None:
        moment_at = None
        if at is None:
            seq = decided_before(events, order.order_id)
            then = Past(recording, city, seq, events[seq].at)
            moment_at, explanation = then.at, then.engine.explain(order.order_id)
            state = then.engine.state
    return Explained(
        placed=order,
        at=moment_at,
        order=state.order(order.order_id),
        explanation=explanation,
        went=went,
        names={key: one.courier.name for key, one in state.couriers.items()},
        notes=past.notes,
        time_zone=city.time_zone,
    )


def placed_order(recording: Recording, name: str) -> OrderReceived:
    """Return how an order came in, by its id or the shop's own; raises `ReplayError`."""
    known: list[str] = []
    for entry in recording.events:
        event = entry.event
        if isinstance(event, OrderReceived):
            if name in {event.order.order_id, event.order.external_id}:
                return event
            known.append(event.order.order_id)
        elif isinstance(event, OrderRefused) and name == event.external_id:
            raise ReplayError(f"{name} was refused: {event.detail}. No order came of it")
    such = f", such as {known[-1]}" if known else ""
    raise ReplayError(f"{recording.where} has no order {name}; it has {len(known)}{such}")


def decided_before(events: Sequence[Recorded], order_id: str) -> int:
    """Return how many events there were just before an order's courier was told for good.

    Of an order that no courier was told of: just before the last thing that happened to it.
    """
    told_of = [n for n, entry in enumerate(events) if _tells(entry.event, order_id)]
    if len(told_of) > 1 and _asked_first(events[told_of[-2]].event, events[told_of[-1]].event):
        return told_of[-2]
    about = [n for n, entry in enumerate(events) if _is_about(entry.event, order_id)]
    return (told_of or about[1:] or about)[-1]


def _tells(event: Event, order_id: str) -> bool:
    if not isinstance(event, StopCommitted | OfferMade):
        return False
    return event.stop.kind is StopKind.PICKUP and event.stop.order_id == order_id


def _asked_first(before: Event, told: Event) -> bool:
    """Tell whether a courier was asked before being told, so that the choice was made then."""
    if not isinstance(before, OfferMade) or not isinstance(told, StopCommitted):
        return False
    return before.courier_id == told.courier_id


def _is_about(event: Event, order_id: str) -> bool:
    if isinstance(event, OrderReceived):
        return event.order.order_id == order_id
    return getattr(event, "order_id", None) == order_id


class Past:
    """A recorded day as its engine saw it at one moment.

    Parameters
    ----------
    seq
        How many events had happened.
    at
        The moment, UTC epoch seconds.

    Attributes
    ----------
    notes
        What is not as it was then.
    """

    def __init__(self, recording: Recording, city: City, seq: int, at: int) -> None:
        self.at = at
        notes: list[str] = []
        began, version = _in_force(recording, at)
        travel = NetworkTravelTimes(city.network)
        if began is None:
            notes.append("the ledger has no journal: where couriers were seen, and which policy")
        elif began.checksum != city.checksum:
            notes.append(f"{city.name} was built anew since: ways may take other times")
        elif began.travel_servers:
            notes.append("other routing servers were asked that day: ways are those of the city")
        elif version is not None and version != travel.version:
            travel.use(RecordedStreets(recording.travel, city).weights(version), at)
        self.engine = Engine(
            zone_id=recording.zone,
            clock=_Stopped(at),
            travel=travel,
            log=_Known(recording.events[:seq]),
            policy=began.policy if began is not None else Policy(),
            time_zone=began.time_zone if began is not None else city.time_zone,
            seed=began.seed if began is not None else 0,
        )
        self.engine.positions.update(_positions(recording, at))
        self.notes = tuple(notes)


def _in_force(recording: Recording, at: int) -> tuple[Began | None, str | None]:
    """Return which engine had the zone at a time, and on which travel times."""
    begun = [began for began in recording.beginnings if began.at <= at]
    began = begun[-1] if begun else next(iter(recording.beginnings), None)
    version = None
    for noted in recording.inputs.after(0):
        if isinstance(noted.entry, StreetsChanged) and noted.entry.at <= at:
            version = noted.entry.version
    return began, version


def _positions(recording: Recording, at: int) -> dict[str, Position]:
    seen = (noted.entry for noted in recording.inputs.after(0))
    return {
        one.courier_id: Position(one.place, one.seen_at)
        for one in seen
        if isinstance(one, Reported) and one.at <= at
    }


class _Stopped:
    """A clock that stands still."""

    def __init__(self, time: int) -> None:
        self._time = time

    def now(self) -> int:
        return self._time


class _Known:
    """A log that is only read."""

    def __init__(self, events: Sequence[Recorded]) -> None:
        self._events = events

    def append(self, expected_seq: int, at: int, events: Sequence[Event]) -> tuple[Recorded, ...]:
        raise ReplayError(f"{len(events)} events at {at} after {expected_seq}: it is only read")

    def read(self, after: int) -> Sequence[Recorded]:
        return self._events[after:]


def _clock(at: int, city: City) -> str:
    return f"{dt.datetime.fromtimestamp(at, ZoneInfo(city.time_zone)):%Y-%m-%dT%H:%M:%S}"
