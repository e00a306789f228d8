"""What happened, in the past tense: the only truth.  Each has a stable name and a JSON form.

Times named `occurred_at` are when it happened in the world; `Recorded.at` is when we heard of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, get_args

from dispatch.model import (
    Courier,
    Objective,
    Order,
    Promise,
    Quote,
    Route,
    Stop,
    Store,
    Unassigned,
)
from geo.closures import Closure
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class StoreRegistered:
    store: Store


@dataclass(frozen=True, slots=True)
class StockSet:
    store_id: str
    on_hand: dict[str, int]


@dataclass(frozen=True, slots=True)
class StorePaused:
    store_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StoreResumed:
    store_id: str


@dataclass(frozen=True, slots=True)
class CourierRegistered:
    courier: Courier


@dataclass(frozen=True, slots=True)
class ShiftStarted:
    courier_id: str
    starts_at: EpochS
    ends_at: EpochS


@dataclass(frozen=True, slots=True)
class ShiftEnded:
    courier_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OperatorChanged:
    """Who acts for a courier: `simulation`, or the name of a person's session."""

    courier_id: str
    operator: str


@dataclass(frozen=True, slots=True)
class QuoteGiven:
    quote: Quote


@dataclass(frozen=True, slots=True)
class OrderReceived:
    """An order was taken, with its promise and the store whose stock is reserved for it."""

    order: Order
    promise: Promise
    store_id: str
    quote_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """An order could not be promised; the customer was told why."""

    occurred_at: EpochS
    reason: str
    detail: str
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderResourced:
    """The reservation moved to another store while picking had not begun."""

    order_id: str
    from_store_id: str
    to_store_id: str


@dataclass(frozen=True, slots=True)
class PickStarted:
    order_id: str
    store_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class PickCompleted:
    order_id: str
    store_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StopCommitted:
    """A courier was told to leave for a stop now; the engine never takes it back.

    `expected_at` is the forecast arrival.  For a pickup the order becomes `enroute_to_pickup`,
    for a drop-off `enroute_to_dropoff`, for a return `returning`.
    """

    courier_id: str
    stop: Stop
    expected_at: EpochS
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StandbyGiven:
    """A courier without work was told to go to a store and wait there; not a commitment."""

    courier_id: str
    store_id: str
    expected_at: EpochS
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StopArrived:
    courier_id: str
    stop: Stop
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ParcelPickedUp:
    courier_id: str
    order_id: str
    store_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OrderDelivered:
    courier_id: str
    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    courier_id: str
    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ParcelReturned:
    courier_id: str
    order_id: str
    store_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StopDeclined:
    courier_id: str
    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StopReleased:
    """A committed stop has no purpose any more: its order was cancelled before the pickup."""

    courier_id: str
    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StreetClosed:
    closure: Closure


@dataclass(frozen=True, slots=True)
class StreetReopened:
    """A closure was taken back, by a person or because its time was over."""

    closure_id: str


@dataclass(frozen=True, slots=True)
class PlanPublished:
    """A plan came into force; only routes that changed are carried.

    Attributes
    ----------
    routes
        New routes by courier; an empty `visits` clears the courier's route.
    dropped
        Couriers whose planned route no longer fitted the state and was left as it was.
    solve_ms
        Wall time of the decision; for the record only, no decision rests on it.
    violations
        What `check` found wrong with the plan as it came from the planner.
    cut_short
        The planner's wall limit was reached: with more time the plan might have been better.
    """

    plan_id: str
    snapshot_seq: int
    made_at: EpochS
    routes: tuple[Route, ...]
    unassigned: tuple[Unassigned, ...]
    ready_at: dict[str, EpochS]
    dropped: tuple[str, ...]
    violations: tuple[str, ...]
    objective: Objective
    method: str
    travel_version: str
    solve_ms: float
    cut_short: bool = False


Event: TypeAlias = (
    StoreRegistered
    | StockSet
    | StorePaused
    | StoreResumed
    | CourierRegistered
    | ShiftStarted
    | ShiftEnded
    | OperatorChanged
    | QuoteGiven
    | OrderReceived
    | OrderRefused
    | OrderResourced
    | PickStarted
    | PickCompleted
    | StopCommitted
    | StandbyGiven
    | StopArrived
    | ParcelPickedUp
    | OrderDelivered
    | DeliveryFailed
    | ParcelReturned
    | StopDeclined
    | StopReleased
    | OrderCancelled
    | StreetClosed
    | StreetReopened
    | PlanPublished
)

EVENT_TYPES: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""Event classes by the name they have in the log and on the wire."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the log of its zone.

    Attributes
    ----------
    seq
        1, 2, 3, ... without gaps.
    at
        When the engine recorded it.
    """

    zone_id: str
    seq: int
    at: EpochS
    event: Event
