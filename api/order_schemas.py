"""What comes in about quotes and orders, with bounds on everything; mapped to commands by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from api.schemas import (
    Address,
    Body,
    HappenedIn,
    Id,
    LineIn,
    Moment,
    Name,
    Note,
    PlaceIn,
    ReasonIn,
    VolumeMl,
    WeightG,
    order_lines,
)
from dispatch.commands import AmendOrder, LineFacts, PlaceOrder, RequestQuote
from dispatch.model import Fulfilment, OrderLine
from geo.types import LonLat

_MAX_LINES: Final = 200
_MAX_CENTS: Final = 100_000_000
_ELDEST: Final = 99

Cents = Annotated[int, Field(ge=0, le=_MAX_CENTS)]
Phone = Annotated[str, StringConstraints(pattern=r"^(\+[1-9][0-9]{6,14})?$")]


class _NeverNull:
    """Says in the API document that what may be left out is never null."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        said = handler(core)
        kinds = [kind for kind in said.pop("anyOf") if kind != {"type": "null"}]
        return {**said, **kinds[0]}


def _given(value: object) -> object:
    if value is None:
        raise ValueError("must be a number; leave it out to add up the articles")
    return value


ParcelG = Annotated[WeightG | None, BeforeValidator(_given), _NeverNull()]
"""Grams of the whole parcel; left out, but never null, to add up the articles."""
ParcelMl = Annotated[VolumeMl | None, BeforeValidator(_given), _NeverNull()]
"""Millilitres of the whole parcel; left out, but never null, to add up the articles."""


def _said(value: object) -> object:
    if value is None:
        raise ValueError("must not be null; leave out what stays as it is")
    return value


NotNull = BeforeValidator(_said)

ServiceS = Annotated[int, Field(ge=0, le=3600)]
PickS = Annotated[int, Field(ge=0, le=7200)]
Wanted = Annotated[Fulfilment, Field(strict=False)]
WindowId = Annotated[str, StringConstraints(pattern=r"^((15|30|60)m|slot-[0-9]{1,12})$")]


class OrderLineIn(LineIn):
    """A quantity of one SKU, and what the shop says of it besides what the catalogue says."""

    weight_g: WeightG | None = None
    """Grams of one piece; left out, what the catalogue says."""
    volume_ml: VolumeMl | None = None
    """Millilitres of one piece; left out, what the catalogue says."""
    chilled: bool | None = None
    """Whether it must be kept cold; left out, what the catalogue says."""
    age_limit: Annotated[int, Field(ge=0, le=_ELDEST)] | None = None
    """Least age of whoever takes it, 0 for everybody; left out, as in the catalogue."""


Lines = Annotated[list[OrderLineIn], Field(min_length=1, max_length=_MAX_LINES)]


def facts_of(lines: Sequence[OrderLineIn]) -> tuple[LineFacts, ...]:
    """Return what the shop says of each line's article; empty when it says nothing."""
    facts = tuple(
        LineFacts(line.weight_g, line.chilled, line.age_limit, line.volume_ml) for line in lines
    )
    return () if all(fact == LineFacts() for fact in facts) else facts


def model_lines(lines: Sequence[OrderLineIn]) -> tuple[OrderLine, ...]:
    """Return the model's lines."""
    return order_lines(list(lines))


class QuoteDropoffIn(Body):
    """Where it would go; `pin` is where the customer dropped one beside the address."""

    location: PlaceIn
    """Where the address is; the courier goes there unless there is a `pin`."""
    address: Address
    """Street and number, as a courier reads it."""
    pin: PlaceIn | None = None
    """Where the customer dropped a pin beside the address; the courier goes there."""

    def door(self) -> LonLat:
        """Return where a courier would go."""
        return (self.pin or self.location).lonlat()

    def address_place(self) -> LonLat | None:
        """Return where the address is, when a pin was dropped elsewhere."""
        return None if self.pin is None else self.location.lonlat()


class DropoffIn(QuoteDropoffIn):
    """Where it goes, and what the courier should know."""

    note: Note = ""
    """What the courier should know at the door, such as a door code."""


class QuoteIn(Body):
    """A question: can you, and when; to collect at a named store it needs no `dropoff`."""

    fulfilment: Wanted = Fulfilment.DELIVERY
    """How the customer gets the goods: brought, at the counter, or at the kerb."""
    store_id: Id | None = None
    """The only store to take the goods from, or to collect them at; any when left out."""
    dropoff: QuoteDropoffIn | None = None
    """Where it would go; may be left out to collect at a named store."""
    lines: Lines
    """The articles that would be bought."""
    weight_g: ParcelG = None
    """Grams of the whole parcel; left out, the lines are added up."""
    volume_ml: ParcelMl = None
    """Millilitres of the whole parcel, packed; left out, the lines are added up."""
    basket_cents: Cents | None = None
    """Worth of the goods in minor units; left out, no smallest basket is asked for."""
    service_s: ServiceS = 120
    """Seconds needed at the door to hand it over."""
    pick_s: PickS | None = None
    """Seconds that picking will take; left out, as the store usually needs."""
    may_split: bool = True
    """Goods that no store has all of may come from several."""

    def command(self, door: LonLat, address: str) -> RequestQuote:
        """Return the command, for a place that stands in where none is given."""
        given = self.dropoff
        return RequestQuote(
            door=door if given is None else given.door(),
            address=address if given is None else given.address,
            lines=model_lines(self.lines),
            weight_g=self.weight_g,
            volume_ml=self.volume_ml,
            service_s=self.service_s,
            pick_s=self.pick_s,
            basket_cents=self.basket_cents,
            fulfilment=self.fulfilment,
            store_id=self.store_id,
            may_split=self.may_split,
            facts=facts_of(self.lines),
        )


class OrderIn(Body):
    """An order; to collect at a named store it needs no `dropoff`."""

    external_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")] | None = None
    """The shop's own id of the order, unique among all of a tenant's."""
    quote_id: Id | None = None
    """The quote whose promise and fare are taken; a new promise is made when left out."""
    window: WindowId | None = None
    """The window of the quote, or one wanted without a quote: `15m`, `30m`, `60m` or
    `slot-<epoch>`; the usual promise when left out.
    """
    fulfilment: Wanted = Fulfilment.DELIVERY
    """How the customer gets the goods: brought, at the counter, or at the kerb."""
    store_id: Id | None = None
    """The only store to take the goods from, or to collect them at; any when left out."""
    dropoff: DropoffIn | None = None
    """Where it goes; may be left out to collect at a named store."""
    phone: Phone = ""
    """The customer's number, as `+358401234567`; empty for none."""
    lines: Lines
    """The articles that are bought; their stock is reserved at once."""
    weight_g: ParcelG = None
    """Grams of the whole parcel; may be left out when the weight of every line is known."""
    volume_ml: ParcelMl = None
    """Millilitres of the whole parcel, packed; left out, the lines are added up."""
    basket_cents: Cents = 0
    """Worth of the goods in minor units."""
    tip_cents: Cents = 0
    """Tip for the courier in minor units."""
    paid_cents: Cents = 0
    """What the customer has paid so far, in minor units; no more is ever given back."""
    priority: Annotated[int, Field(ge=0, le=3)] = 0
    """Planned as if promised so many times `priority_lead_s` (of the policy) sooner."""
    pin_required: bool = False
    """Handed over against the customer's PIN only."""
    may_split: bool = True
    """Goods that no store has all of may come from several."""
    service_s: ServiceS = 120
    """Seconds needed at the door to hand it over."""
    pick_s: PickS | None = None
    """Seconds that picking will take; left out, as the store usually needs."""
    created_at: Moment | None = None
    """When the customer clicked; now when left out."""

    def command(self, occurred_at: int, door: LonLat, address: str) -> PlaceOrder:
        """Return the command, for a place that stands in where none is given."""
        given = self.dropoff
        return PlaceOrder(
            door=door if given is None else given.door(),
            address=address if given is None else given.address,
            address_place=None if given is None else given.address_place(),
            note="" if given is None else given.note,
            lines=model_lines(self.lines),
            weight_g=self.weight_g,
            volume_ml=self.volume_ml,
            occurred_at=occurred_at,
            basket_cents=self.basket_cents,
            service_s=self.service_s,
            external_id=self.external_id,
            quote_id=self.quote_id,
            fulfilment=self.fulfilment,
            priority=self.priority,
            pick_s=self.pick_s,
            window_id=self.window,
            store_id=self.store_id,
            phone=self.phone,
            tip_cents=self.tip_cents,
            paid_cents=self.paid_cents,
            pin_required=self.pin_required,
            may_split=self.may_split,
            facts=facts_of(self.lines),
        )


class CancelIn(ReasonIn):
    """Why the order is given up, and when that was."""

    occurred_at: Moment | None = None
    """When it was given up, by the sender's clock; now when left out."""


class AmendDropoffIn(Body):
    """What changes about where it goes; a `pin` of null takes the pin away."""

    location: Annotated[PlaceIn | None, NotNull, _NeverNull()] = None
    """Where the address is; left out, it stays."""
    address: Annotated[Address | None, NotNull, _NeverNull()] = None
    """Street and number, as a courier reads it; left out, it stays."""
    pin: PlaceIn | None = None
    """Where the courier goes instead of the address; null takes the pin away."""
    note: Annotated[Note | None, NotNull, _NeverNull()] = None
    """What the courier should know; may change after picking has begun too."""


class AmendIn(HappenedIn):
    """What changes about an order; what is left out stays as it is."""

    dropoff: Annotated[AmendDropoffIn | None, NotNull, _NeverNull()] = None
    """What changes about the door; left out, nothing."""
    phone: Annotated[Phone | None, NotNull, _NeverNull()] = None
    """The customer's number; may change after picking has begun too."""
    lines: Annotated[Lines | None, NotNull, _NeverNull()] = None
    """All articles as they are to be; they are reserved anew, at another store if need be."""
    weight_g: ParcelG = None
    """Grams of the whole parcel; left out, it stays, or new `lines` are added up."""
    volume_ml: ParcelMl = None
    """Millilitres of the whole parcel; left out, it stays, or new `lines` are added up."""
    basket_cents: Annotated[Cents | None, NotNull, _NeverNull()] = None
    """Worth of the goods in minor units; left out, it stays."""
    tip_cents: Annotated[Cents | None, NotNull, _NeverNull()] = None
    """Tip for the courier in minor units; left out, it stays."""
    paid_cents: Annotated[Cents | None, NotNull, _NeverNull()] = None
    """What has been paid so far, in minor units; left out, it stays."""
    owner: Name = "shop"
    """Who changes it, for the record."""

    def says_nothing(self) -> bool:
        """Return whether nothing is to change."""
        said = self.model_fields_set - {"owner", "occurred_at"}
        if said == {"dropoff"} and self.dropoff is not None:
            return not self.dropoff.model_fields_set
        return not said

    def command(
        self, order_id: str, occurred_at: int, place: LonLat, address_place: LonLat | None
    ) -> AmendOrder:
        """Return the command.

        Parameters
        ----------
        place, address_place
            The door as it is, and where its address is if a pin was dropped elsewhere.
        """
        given = self.dropoff or AmendDropoffIn()
        door: LonLat | None = None
        of_address: LonLat | None = None
        if given.pin is not None:
            door = given.pin.lonlat()
            of_address = address_place or place
            if given.location is not None:
                of_address = given.location.lonlat()
        elif given.location is not None:
            door = given.location.lonlat()
        elif "pin" in given.model_fields_set:
            door = address_place
        return AmendOrder(
            order_id=order_id,
            occurred_at=occurred_at,
            owner=self.owner,
            door=door,
            address=given.address,
            note=given.note,
            phone=self.phone,
            lines=None if self.lines is None else model_lines(self.lines),
            weight_g=self.weight_g,
            volume_ml=self.volume_ml,
            tip_cents=self.tip_cents,
            address_place=of_address,
            basket_cents=self.basket_cents,
            paid_cents=self.paid_cents,
            facts=() if self.lines is None else facts_of(self.lines),
        )


class TrackedNoteIn(Body):
    """What the customer tells the courier."""

    note: Note
    """What the courier should know at the door; it takes the old note's place."""


class TrackedAnswerIn(Body):
    """Whether the customer takes what is offered instead."""

    accepted: bool
    """True when the customer takes the substitute, false to do without."""


class TrackedHereIn(Body):
    """The customer is here to collect; at the kerb, in which bay."""

    bay: Annotated[str, StringConstraints(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    """Where at the kerb the customer stands; needed there, empty inside the store."""
