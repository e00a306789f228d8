"""What may be asked about quotes and orders."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import Fulfilment, LonLat, OrderLine, Promise
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What the shop says of one line's article; None for what the catalogue says.

    Attributes
    ----------
    weight_g
        Of one piece.
    age_limit
        Years whoever takes it must have lived; 0 for everybody.
    """

    weight_g: int | None = None
    chilled: bool | None = None
    age_limit: int | None = None
    volume_ml: int | None = None


@dataclass(frozen=True, slots=True)
class RequestQuote:
    """Ask whether and when an order could come.

    Attributes
    ----------
    weight_g, volume_ml
        Of the whole parcel; None to add up those of the articles.
    basket_cents
        None when it is not known yet.
    store_id
        Where it is collected, or the only store it may come from; None for the engine's choice.
    may_split
        Goods that no store has all of may come from several.
    facts
        Of each line, in their order; empty for what the catalogue says.
    """

    door: LonLat
    address: str
    lines: tuple[OrderLine, ...]
    weight_g: int | None
    service_s: int = 120
    pick_s: int | None = None
    basket_cents: int | None = None
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    store_id: str | None = None
    may_split: bool = True
    facts: tuple[LineFacts, ...] = ()
    volume_ml: int | None = None


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Order; with the quote it rests on, if there was one.

    Attributes
    ----------
    weight_g, volume_ml
        Of the whole parcel; None to add up those of the articles.
    window_id
        The window that is wanted, of the quote or of this moment; the usual promise if None.
    store_id
        Where it is collected, or the only store it may come from; None for the engine's choice.
    address_place
        Where the address is, when `door` is a pin the customer dropped elsewhere.
    may_split
        Goods that no store has all of may come from several.
    facts
        Of each line, in their order; empty for what the catalogue says.
    """

    door: LonLat
    address: str
    lines: tuple[OrderLine, ...]
    weight_g: int | None
    occurred_at: EpochS
    basket_cents: int = 0
    service_s: int = 120
    external_id: str | None = None
    quote_id: str | None = None
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    priority: int = 0
    note: str = ""
    pick_s: int | None = None
    window_id: str | None = None
    store_id: str | None = None
    phone: str = ""
    tip_cents: int = 0
    paid_cents: int = 0
    age_limit: int = 0
    pin_required: bool = False
    address_place: LonLat | None = None
    may_split: bool = True
    facts: tuple[LineFacts, ...] = ()
    volume_ml: int | None = None


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
    volume_ml: int = 0


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Give an order up; goods in a bag come back to their store."""

    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Change what was ordered before it is picked; None leaves a thing as it is.

    Attributes
    ----------
    address_place
        Where the address itself is, when `door` is a pin dropped elsewhere; counts with `door`.
    weight_g, volume_ml
        Of the whole parcel; None with other lines to add up those of the articles.
    facts
        Of each line, in their order; empty for what the catalogue says.
    """

    order_id: str
    occurred_at: EpochS
    owner: str = "customer"
    door: LonLat | None = None
    address: str | None = None
    note: str | None = None
    phone: str | None = None
    lines: tuple[OrderLine, ...] | None = None
    weight_g: int | None = None
    tip_cents: int | None = None
    address_place: LonLat | None = None
    basket_cents: int | None = None
    paid_cents: int | None = None
    facts: tuple[LineFacts, ...] = ()
    volume_ml: int | None = None


@dataclass(frozen=True, slots=True)
class PinStore:
    """Let an order come from this store only; None takes the pin off."""

    order_id: str
    store_id: str | None
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExcludeStore:
    """Never let an order come from this store; it is moved if it is there."""

    order_id: str
    store_id: str
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class BookCarriage:
    """Give an order to an outside courier company, which has taken it already."""

    order_id: str
    carrier: str
    reference: str
    cost_cents: int
    eta: EpochS | None
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportCarriage:
    """Say how far the outside company is."""

    order_id: str
    carrier: str
    reference: str
    status: str
    occurred_at: EpochS
    detail: str = ""
    eta: EpochS | None = None


@dataclass(frozen=True, slots=True)
class EndCarriage:
    """Take an order back from an outside company."""

    order_id: str
    reason: str
    occurred_at: EpochS
    owner: str = ""
