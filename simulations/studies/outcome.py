"""What came of an evening, as plain rows: the same from a simulation, a live ledger and a replay.

Every row is worked out from the log alone.  Times are UTC epoch seconds; None is "never".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    """How an order ended; each ends in exactly one way."""

    DELIVERED = "delivered"
    COLLECTED = "collected"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    RETURNED = "returned"
    """Brought back to a store after nobody took it."""
    NOT_COLLECTED = "not_collected"
    OPEN = "open"
    """Not ended when the run was."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order (a part of a split one is a row of its own).

    Attributes
    ----------
    is_measured
        Asked for inside the measured time, neither while warming up nor while cooling down.
    tier
        `15m`, `30m`, `60m`, `later` or `any`.
    code
        Why it was refused or cancelled, None otherwise.
    promise_earliest, promise_latest
        The first promise.
    first_eta
        What the engine expected when it first told the customer.
    lateness_s
        Past the end of the first promise, 0 when on time; None when it was not brought.
    travel_s, expected_travel_s
        Of the way to the door, as it was and as forecast when it was begun.
    pick_s, expected_pick_s
        Of the picking.
    first_tier
        What was asked for at first; `tier` is what it was taken (or refused) with at last.
    released_at
        When the last hold ended: work on it could begin.
    here_at
        When the customer came to collect it.
    """

    order_id: str
    external_id: str | None
    is_measured: bool
    ending: Ending
    code: str | None
    fulfilment: str
    tier: str
    part_of: str | None
    asked_at: int
    ended_at: int | None
    lng: float
    lat: float
    address: str
    store_id: str | None = None
    courier_id: str | None = None
    promise_earliest: int | None = None
    promise_latest: int | None = None
    first_eta: int | None = None
    pick_started_at: int | None = None
    ready_at: int | None = None
    expected_ready_at: int | None = None
    picked_up_at: int | None = None
    arrived_at: int | None = None
    delivered_at: int | None = None
    lateness_s: int | None = None
    click_to_door_s: int | None = None
    travel_s: int | None = None
    expected_travel_s: int | None = None
    pick_s: int | None = None
    expected_pick_s: int | None = None
    fare_cents: int = 0
    basket_cents: int = 0
    tries: int = 0
    first_tier: str = "any"
    released_at: int | None = None
    here_at: int | None = None


class Activity(StrEnum):
    """What a courier does."""

    TO_STORE = "to_store"
    AT_STORE = "at_store"
    """Waiting for goods and being handed them."""
    TO_DOOR = "to_door"
    AT_DOOR = "at_door"
    RETURNING = "returning"
    STANDBY = "standby"
    """On the way to, or at, a place to wait."""
    IDLE = "idle"
    BREAK = "break"
    STRANDED = "stranded"


@dataclass(frozen=True, slots=True)
class CourierSpan:
    """A courier at something from `begins_at` on and before `ends_at`; without gaps in a shift."""

    courier_id: str
    activity: Activity
    begins_at: int
    ends_at: int
    order_id: str | None
    store_id: str | None


@dataclass(frozen=True, slots=True)
class Minute:
    """The state of things at a full minute."""

    at: int
    open_orders: int
    waiting_to_be_picked: int
    ready_and_waiting: int
    on_the_way: int
    late_open: int
    couriers_on_shift: int
    couriers_busy: int
    pickers_busy: int


@dataclass(frozen=True, slots=True)
class Evening:
    """One replication.

    Attributes
    ----------
    figures
        By name (`simulations.studies.measures.FIGURES`), each with its unit in the name.
    refused_commands
        How often the engine refused which command of the world, by `<command> <code>`.
    breaches
        What the independent audit of the log found wrong; empty when all is well.
    """

    seed: int
    starts_at: int
    measured_from: int
    measured_until: int
    ends_at: int
    orders: tuple[OrderRow, ...]
    spans: tuple[CourierSpan, ...]
    minutes: tuple[Minute, ...]
    figures: dict[str, float | None]
    refused_commands: dict[str, int]
    breaches: tuple[str, ...]
