"""What an explanation is made of: data, with sentences on top."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import Reason
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class StoreOption:
    """A store that was weighed: chosen, possible, or ruled out for a reason.

    `trip_s` is the way to the door by the fleet's fastest mode; None where there is none.
    """

    store_id: str
    name: str
    chosen: bool
    trip_s: int | None
    ready_at: EpochS | None
    reason: Reason | None
    detail: str


@dataclass(frozen=True, slots=True)
class CourierOption:
    """Another courier who could have it.

    Attributes
    ----------
    extra_cost
        Courier-seconds by which the whole plan would cost more.
    done_at
        When the goods would be handed over.
    """

    courier_id: str
    name: str
    extra_cost: float
    done_at: EpochS


@dataclass(frozen=True, slots=True)
class Change:
    """Something that would have to be otherwise, and what would come of it.

    Attributes
    ----------
    what
        A stable name: `courier_at_store`, `picked_first`, `stock`, `released`, `unlocked`, ...
    effect
        In words: `it would arrive 6 min sooner`.
    detail
        What exactly is meant, in words that follow an "if": `one more courier stood at Lidl now`.
    saved_s
        By how much the goods would be there sooner; None for an order that has no arrival now.
    done_at
        When they would be handed over, worked out in the plan itself.
    """

    what: str
    effect: str
    detail: str
    saved_s: int | None
    done_at: EpochS | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided that holds now: who, why, until when.

    `kind` is `hold`, `lock`, `route_lock`, `pin`, `exclusion` or `carriage`.
    """

    kind: str
    owner: str
    reason: str
    until: EpochS | None
    detail: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a closed order's life.

    Attributes
    ----------
    foreseen_s
        What the first plan expected it to take; None where it did not say.
    longest
        No other stretch took longer.
    """

    name: str
    began_at: EpochS
    ended_at: EpochS
    took_s: int
    foreseen_s: int | None
    longest: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that changed an order's course; `owner` and `reason` where a person decided it."""

    at: EpochS
    event: str
    detail: str
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What an order cost.

    Attributes
    ----------
    fare_cents, tip_cents
        What the customer paid for the delivery.
    refund_cents, carriage_cents
        Given back, and paid to an outside company.
    courier_s
        From being told to fetch it to its end, trips shared with other orders counted whole;
        None if no courier had it.
    """

    fare_cents: int
    tip_cents: int
    refund_cents: int
    carriage_cents: int
    courier_s: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the plan treats an order as it does, or how it went.

    Attributes
    ----------
    held
        The courier is committed to it or carries it: it is not moved any more.
    slack_s
        From the planned hand-over to the end of the promise; negative when late.
    reason, remedy
        For an order without a route: why, and what would free it.
    why_not_store, why_not_courier
        Why not the nearest store, and the nearest courier; empty where the question is settled.
    changes
        What would have to change for it to come sooner (or at all), what helps most first.
    decisions
        What people decided that holds for it now.
    stretches, turns, spent
        Of a closed order: how long what took, what changed its course, what it cost.
    """

    order_id: str
    sentence: str
    plan_id: str
    store_id: str | None
    courier_id: str | None
    held: bool
    ready_at: EpochS | None
    leave_at: EpochS | None
    pickup_at: EpochS | None
    done_at: EpochS | None
    slack_s: int | None
    reason: Reason | None
    remedy: str
    stores: tuple[StoreOption, ...]
    couriers: tuple[CourierOption, ...]
    why_not_store: str = ""
    why_not_courier: str = ""
    changes: tuple[Change, ...] = ()
    decisions: tuple[Decision, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    turns: tuple[Turn, ...] = ()
    spent: Spent | None = None
