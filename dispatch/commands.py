"""What may be asked of the engine, in the imperative.

`occurred_at` is the time on the asker's own device; the engine adds the time it heard of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dispatch.model import Courier, Fulfilment, LonLat, OrderLine, Promise, Store
from geo.closures import Closure
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class RegisterStore:
    """Add a store, or change what is known of it."""

    store: Store


@dataclass(frozen=True, slots=True)
class SetStock:
    """Set the stock on the shelf (reserved goods included) of some SKUs of a store."""

    store_id: str
    on_hand: dict[str, int]


@dataclass(frozen=True, slots=True)
class PauseStore:
    """Take no more orders at a store."""

    store_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeStore:
    """Take orders at a store again."""

    store_id: str


@dataclass(frozen=True, slots=True)
class RegisterCourier:
    """Add a courier, or change what is known of one."""

    courier: Courier


@dataclass(frozen=True, slots=True)
class StartShift:
    """Put a courier on shift until `ends_at`."""

    courier_id: str
    starts_at: EpochS
    ends_at: EpochS


@dataclass(frozen=True, slots=True)
class EndShift:
    """Take a courier off shift; what is in the bag is still delivered."""

    courier_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class SignOn:
    """Say who acts for a courier: a person at the page, or a simulation."""

    courier_id: str
    operator: str


@dataclass(frozen=True, slots=True)
class RequestQuote:
    """Ask whether and when an order could come."""

    door: LonLat
    address: str
    lines: tuple[OrderLine, ...]
    weight_g: int
    service_s: int = 120
    pick_s: int | None = None


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Order; with the quote it rests on, if there was one."""

    door: LonLat
    address: str
    lines: tuple[OrderLine, ...]
    weight_g: int
    occurred_at: EpochS
    basket_cents: int = 0
    service_s: int = 120
    external_id: str | None = None
    quote_id: str | None = None
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    priority: int = 0
    note: str = ""
    pick_s: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptOrder:
    """Take an order whose promise the shop has given already, at the store it names.

    Nothing is weighed or refused for time: what was promised elsewhere is only to be kept.

    Attributes
    ----------
    created_at
        When the customer clicked; not after now.
    pick_s
        Expected picking time, as the shop states it.
    """

    door: LonLat
    address: str
    lines: tuple[OrderLine, ...]
    weight_g: int
    created_at: EpochS
    store_id: str
    promise: Promise
    service_s: int = 120
    pick_s: int | None = None
    basket_cents: int = 0
    fare_cents: int = 0
    external_id: str | None = None
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    priority: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Give an order up; goods in a bag come back to their store."""

    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StartPick:
    """A picker begins an order."""

    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CompletePick:
    """An order is picked and packed."""

    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ArriveAtStop:
    """The courier stands at the stop."""

    courier_id: str
    stop_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CompleteStop:
    """The courier has done what the stop is for: picked up, delivered, or returned."""

    courier_id: str
    stop_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class FailStop:
    """The courier could not deliver; the goods go back."""

    courier_id: str
    stop_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class DeclineStop:
    """The courier will not do a pickup; it is never offered to them again."""

    courier_id: str
    stop_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CloseStreet:
    """Close a street to some modes.

    A closure of the same id is replaced; one without an id is given one.
    """

    closure: Closure


@dataclass(frozen=True, slots=True)
class ReopenStreet:
    """Take a closure back."""

    closure_id: str


Command: TypeAlias = (
    RegisterStore
    | SetStock
    | PauseStore
    | ResumeStore
    | RegisterCourier
    | StartShift
    | EndShift
    | SignOn
    | RequestQuote
    | PlaceOrder
    | AcceptOrder
    | CancelOrder
    | StartPick
    | CompletePick
    | ArriveAtStop
    | CompleteStop
    | FailStop
    | DeclineStop
    | CloseStreet
    | ReopenStreet
)
