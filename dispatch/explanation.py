"""What an explanation is made of: data, with sentences on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from dispatch.model import Reason
from geo.types import EpochS

TERMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lateness": "expected lateness",
        "slack": "slack used up",
        "waiting": "waiting",
        "told_customer": "news to customers",
        "told_courier": "news to couriers",
        "told_store": "news to stores",
        "stacking": "sharing a bag",
        "chilled": "chilled goods in the bag",
        "travel": "the way",
        "duty": "an uneven spread of work",
        "overtime": "overtime",
        "home": "the way home",
        "future": "ending far from the next orders",
        "late_break": "a late break",
    }
)
"""Terms of what an order costs, as people say them."""


@dataclass(frozen=True, slots=True)
class StoreOption:
    """A store that was weighed: chosen, possible, or ruled out for a reason.

    Attributes
    ----------
    trip_s
        The way to the door by the fleet's fastest mode; None where there is none.
    extra_cost, terms
        Courier-seconds by which the whole plan would cost more if the goods came from there, and
        by which terms; None where it could not be, or was not weighed.
    done_at
        When the goods would be handed over then.
    """

    store_id: str
    name: str
    chosen: bool
    trip_s: int | None
    ready_at: EpochS | None
    reason: Reason | None
    detail: str
    extra_cost: float | None = None
    done_at: EpochS | None = None
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CourierOption:
    """Another courier who was weighed.

    Attributes
    ----------
    extra_cost, terms
        Courier-seconds by which the whole plan would cost more, and by which terms.
    done_at
        When the goods would be handed over.
    store_id
        Where they would come from.
    why
        Why this courier does not have it, in words that follow the name.
    """

    courier_id: str
    name: str
    extra_cost: float
    done_at: EpochS
    store_id: str = ""
    terms: Mapping[str, float] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A courier near to the store who cannot have it, and why, in words that follow the name."""

    courier_id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch of time ahead in which an order waits, or takes longer than it must.

    Attributes
    ----------
    what
        A stable name: `store_opens`, `pickers`, `picking`, `just_in_time`, `on_purpose`, `shift`,
        `break`, `other_stops`, `busy`, `way`, `together`, `shared_trip`, `window`, `hold`.
    until
        None where nobody knows.
    wait_s
        How long that is; of a shared trip, how much longer than straight to the door.
    why
        In words, as a whole sentence without its end.
    """

    what: str
    since: EpochS
    until: EpochS | None
    wait_s: int
    why: str


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
    subject
        Id of the store or courier it is about; empty where it is about neither.
    amount, unit
        How much of it is enough: `min`, `g`, `ml`, `pieces`, `bags`.
    mode
        Of one more courier.
    """

    what: str
    effect: str
    detail: str
    saved_s: int | None
    done_at: EpochS | None
    subject: str = ""
    amount: int | None = None
    unit: str = ""
    mode: str = ""


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
    chance
        That the promise holds, by how far forecasts are off; None where they are taken as certain.
    terms
        What the order adds to the cost of the plan, in courier-seconds by term (`TERMS`), the
        largest first; of one that is held, what its hand-over costs.
    others_cost
        What of it is due to other orders coming later.
    waits
        What it waits for from now on, in the order of time.
    refused
        Couriers near to the store who cannot have it.
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
    chance: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    others_cost: float = 0.0
    waits: tuple[Wait, ...] = ()
    refused: tuple[Refused, ...] = ()
    decisions: tuple[Decision, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    turns: tuple[Turn, ...] = ()
    spent: Spent | None = None
