"""What taking an order does: events, or a refusal that changes nothing.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.controls import in_force
from dispatch.errors import ExternalIdTakenError, InvalidValueError, RefusedError
from dispatch.goods import Goods
from dispatch.model import (
    Cited,
    Fulfilment,
    Order,
    OrderLine,
    Promise,
    Quote,
    Reason,
    Refusal,
    Window,
)
from dispatch.places import apart_m
from dispatch.planning.sourcing import minutes, wanted
from dispatch.pricing import TIER_MINUTES
from dispatch.records import SLOT, Hold
from dispatch.rules.context import Context, Rule
from dispatch.rules.quoting import Terms, check_store, crowd, terms
from dispatch.state import State
from dispatch.windows import Slot, later_slot, near, price, slot_begin, slot_begins

BESIDE_M: Final = 300
"""A door this far from another one is still the same one: a pin dropped beside its address."""

_SHOP: Final = "shop"


@dataclass(frozen=True, slots=True)
class Choice:
    """What an order gets.

    Attributes
    ----------
    store_id
        Of a later slot; None for the stores of the offer.
    work_at
        When the work for a later slot must begin; None to begin at once.
    """

    promise: Promise
    fare_cents: int
    store_id: str | None = None
    work_at: int | None = None


def refuse_taken(state: State, external_id: str | None) -> None:
    """Refuse an external id that is in use; raises `ExternalIdTakenError`."""
    known = state.external_ids.get(external_id) if external_id is not None else None
    if external_id is not None and known is not None:
        raise ExternalIdTakenError(external_id, known)


def _accept_order(state: State, command: c.AcceptOrder, context: Context) -> Sequence[e.Event]:
    refuse_taken(state, command.external_id)
    store = state.store(command.store_id)
    order = Order(
        order_id=context.new_id("ord"),
        created_at=command.created_at,
        door=command.door,
        address=command.address,
        lines=command.lines,
        weight_g=command.weight_g,
        volume_ml=command.volume_ml,
        service_s=command.service_s,
        basket_cents=command.basket_cents,
        fare_cents=command.fare_cents,
        fulfilment=command.fulfilment,
        priority=command.priority,
        external_id=command.external_id,
        note=command.note,
        pick_s=command.pick_s,
    )
    for sku, quantity in sorted(wanted(order).items()):
        free = store.available(sku)
        if free < quantity:
            raise RefusedError(
                Reason.NO_STOCK, f"{store.store.name} has {free} of {sku}, not {quantity}"
            )
    return [e.OrderReceived(order, command.promise, command.store_id)]


# --- placing -----------------------------------------------------------------------------------


def _place_order(state: State, command: c.PlaceOrder, context: Context) -> Sequence[e.Event]:
    refuse_taken(state, command.external_id)
    check_store(state, command.store_id)
    goods = Goods(command.lines, command.facts, state.catalogue)
    asked = _asked(command, goods, context)

    def refused(no: Refusal) -> Sequence[e.Event]:
        return [
            e.OrderRefused(
                asked.created_at,
                no.reason,
                no.detail,
                command.external_id,
                door=asked.door,
                fulfilment=asked.fulfilment,
                window_id=command.window_id,
                basket_cents=asked.basket_cents,
            )
        ]

    quote = None
    if command.quote_id is not None:
        quote = state.quotes.get(command.quote_id)
        if quote is None or quote.expires_at <= context.now:
            return refused(
                Refusal(
                    Reason.QUOTE_EXPIRED,
                    f"quote {command.quote_id} is no longer valid; ask for a new one",
                )
            )
        firm_store_id = _firm_store(state, asked, quote, command, context)
        if firm_store_id is not None:
            promised, fare_cents = _quoted(quote, command.window_id)
            return list(
                _taken(
                    command,
                    [(asked, firm_store_id)],
                    Choice(promised, fare_cents),
                    Cited(quote.quote_id, command.window_id, promised, fare_cents, held=True),
                    context,
                )
            )
    store_id = command.store_id
    if store_id is None and quote is not None and asked.fulfilment is not Fulfilment.DELIVERY:
        # The customer was told where; they go there.
        store_id = _quoted_store(quote, command.window_id)
    found = terms(asked, goods, context, store_id=store_id, may_split=command.may_split)
    cited = None
    if quote is None:
        chosen = _fresh(state, asked, found, command.window_id, context)
    else:
        chosen, cited = _by_quote(state, asked, found, quote, command, context)
    if isinstance(chosen, Refusal):
        return refused(chosen)
    parts = [(part.order, part.offer.store_id) for part in found.parts]
    if chosen.store_id is not None:
        parts = [(asked, chosen.store_id)]
    return list(_taken(command, parts, chosen, cited, context))


def _asked(command: c.PlaceOrder, goods: Goods, context: Context) -> Order:
    return Order(
        order_id=context.new_id("ord"),
        created_at=min(command.occurred_at, context.now),
        door=command.door,
        address=command.address,
        lines=command.lines,
        weight_g=goods.weight_g(command.weight_g),
        volume_ml=goods.volume_ml(command.volume_ml),
        service_s=command.service_s,
        basket_cents=command.basket_cents,
        fulfilment=command.fulfilment,
        priority=command.priority,
        external_id=command.external_id,
        note=command.note,
        pick_s=command.pick_s,
        phone=command.phone,
        tip_cents=command.tip_cents,
        paid_cents=command.paid_cents,
        age_limit=max(command.age_limit, goods.age_limit),
        pin_required=command.pin_required,
        chilled=goods.chilled,
        address_place=command.address_place,
    )


def _taken(
    command: c.PlaceOrder,
    parts: Sequence[tuple[Order, str]],
    chosen: Choice,
    cited: Cited | None,
    context: Context,
) -> Iterator[e.Event]:
    """Yield the facts of an order that was taken, part by part, each with its store."""
    for index, (order, store_id) in enumerate(parts):
        first = index == 0
        yield e.OrderReceived(
            replace(order, fare_cents=chosen.fare_cents) if first else order,
            chosen.promise,
            store_id,
            command.quote_id,
            cited if first else None,
            window_id=command.window_id,
        )
        if command.store_id is not None:
            reason = "the order names the store"
            yield e.StorePinned(order.order_id, command.store_id, _SHOP, reason)
        if chosen.work_at is not None and chosen.work_at > context.now:
            hold = Hold(SLOT, "for a later slot", chosen.work_at)
            yield e.OrderHeld(order.order_id, hold, context.now)


# --- choosing ----------------------------------------------------------------------------------


def _fresh(
    state: State, asked: Order, found: Terms, window_id: str | None, context: Context
) -> Choice | Refusal:
    """Return what an order gets without a quote: its window, or the usual promise."""
    if window_id is None:
        return _usual(state, asked, found, context)
    return _window(state, asked, found, window_id, context)


def _usual(state: State, asked: Order, found: Terms, context: Context) -> Choice | Refusal:
    if isinstance(found.said, Refusal):
        return found.said
    load = context.book(state).busyness(context.now)
    fare = price(context.policy, asked, found.said.length_m, 0, load)
    return Choice(found.said.promise, fare.total_cents)


def _window(
    state: State, asked: Order, found: Terms, window_id: str, context: Context
) -> Choice | Refusal:
    """Return a window as it can be had now; raises `InvalidValueError` for one there is not."""
    policy, now = context.policy, context.now
    begins = slot_begin(window_id)
    if begins is not None:
        if begins not in tuple(slot_begins(policy, now, context.time_zone)):
            raise InvalidValueError("window", f"is {window_id}, which is none of the later slots")
        slot = later_slot(context.book(state), asked, found.said, policy, begins, now)
        return _of_slot(slot)
    within = {f"{window_m}m": window_m for window_m in TIER_MINUTES}.get(window_id)
    if within is None:
        raise InvalidValueError("window", f"is {window_id}; there are {', '.join(_NAMES)}")
    load = context.book(state).busyness(now)
    return _of_window(near(policy, asked, found.said, within, now, load))


_NAMES: Final = (*(f"{window_m}m" for window_m in TIER_MINUTES), "slot-…")


def _of_slot(found: Slot | Window) -> Choice | Refusal:
    if isinstance(found, Window):
        return _of_window(found)
    chosen = _of_window(found.window)
    if isinstance(chosen, Refusal):
        return chosen
    return replace(chosen, store_id=found.store.store_id, work_at=found.work_at)


def _of_window(found: Window) -> Choice | Refusal:
    if found.promise is None or found.fare is None:
        return Refusal(found.reason or Reason.NO_COURIER_BEFORE_DEADLINE, found.detail)
    return Choice(found.promise, found.fare.total_cents)


# --- by a quote --------------------------------------------------------------------------------


def _by_quote(
    state: State,
    asked: Order,
    found: Terms,
    quote: Quote,
    command: c.PlaceOrder,
    context: Context,
) -> tuple[Choice | Refusal, Cited | None]:
    """Return what an order gets that cites a quote, and what became of the quote.

    Raises
    ------
    InvalidValueError
        The quote has no such window, or said that it cannot be had.
    """
    promised, fare_cents = _quoted(quote, command.window_id)
    why_not = _differs(quote, asked, command.store_id)
    begins = slot_begin(command.window_id or "")
    cited = Cited(quote.quote_id, command.window_id, promised, fare_cents, held=True)
    if begins is not None:
        slot = _of_slot(
            later_slot(context.book(state), asked, found.said, context.policy, begins, context.now)
        )
        if isinstance(slot, Choice) and not why_not:
            return replace(slot, promise=promised, fare_cents=fare_cents), cited
        anew: Choice | Refusal = slot
        if isinstance(slot, Refusal):
            why_not = why_not or slot.detail
            anew = _next_slot(state, asked, found, begins, context) or slot
        return anew, replace(cited, held=False, reason=why_not)
    offer = found.offer
    if offer is not None and not why_not:
        if offer.eta <= promised.latest:
            return Choice(promised, fare_cents), cited
        late_s = offer.eta - promised.latest
        why_not = f"it would come {minutes(late_s)} after the end of what was quoted"
    anew = _fresh(state, asked, found, command.window_id, context)
    if isinstance(anew, Refusal) and command.window_id is not None:
        # Not within the time wanted any more; as soon as it can be, then.
        usual = _usual(state, asked, found, context)
        anew = anew if isinstance(usual, Refusal) else usual
    return anew, replace(cited, held=False, reason=why_not)


def _firm_store(
    state: State, asked: Order, quote: Quote, command: c.PlaceOrder, context: Context
) -> str | None:
    """Return the store that a quote named, if what it said stands without being weighed again.

    It does while it is fresh (`Policy.quote_firm_s`), the store still has the goods and takes
    orders, not many more orders are there for each courier, no surge control is in force and no
    street was closed since.  A later slot has only so much room and is weighed each time, and so
    is what comes in parts.

    Raises
    ------
    InvalidValueError
        The quote has no such window, or said that it cannot be had.
    """
    now, policy, window_id = context.now, context.policy, command.window_id
    if quote.parcels or slot_begin(window_id or "") is not None:
        return None
    promised, _ = _quoted(quote, window_id)
    store_id = _quoted_store(quote, window_id)
    store = None if store_id is None else state.stores.get(store_id)
    if store is None or now - promised.made_at >= policy.quote_firm_s:
        return None
    before, crowded = quote.crowd, crowd(state, now)
    stands = (
        store.paused is None
        and all(store.available(sku) >= pieces for sku, pieces in wanted(asked).items())
        and before is not None
        and crowded is not None
        and crowded - before < policy.quote_firm_crowd
        and not in_force(state.controls.values(), now)
        and (state.street_closed_at is None or state.street_closed_at < promised.made_at)
        and not _differs(quote, asked, command.store_id)
        and command.store_id in {None, store_id}
    )
    return store_id if stands else None


def _quoted(quote: Quote, window_id: str | None) -> tuple[Promise, int]:
    """Return what a quote promised, and for how much."""
    if window_id is None:
        if quote.promise is None or quote.fare_cents is None:
            raise InvalidValueError(
                "window", f"is missing; quote {quote.quote_id} has only windows to choose from"
            )
        return quote.promise, quote.fare_cents
    window = quote.window(window_id)
    if window is None:
        raise InvalidValueError(
            "window", f"is {window_id}, which quote {quote.quote_id} does not have"
        )
    if window.promise is None or window.fare is None:
        raise InvalidValueError(
            "window", f"is {window_id}, which could not be had when it was quoted: {window.detail}"
        )
    return window.promise, window.fare.total_cents


def _quoted_store(quote: Quote, window_id: str | None) -> str | None:
    window = None if window_id is None else quote.window(window_id)
    return quote.store_id if window is None else window.store_id


def _differs(quote: Quote, asked: Order, store_id: str | None) -> str:
    """Return what an order asks that its quote did not, nothing when that is the same."""
    if quote.door is None:
        return ""
    delivered = asked.fulfilment is Fulfilment.DELIVERY
    others = {
        f"it was quoted for {quote.fulfilment}": quote.fulfilment is not asked.fulfilment,
        "it was quoted for another door": delivered and apart_m(quote.door, asked.door) > BESIDE_M,
        "it was quoted for another store": (
            not delivered and store_id not in {None, quote.store_id}
        ),
        "it was quoted for other goods": not _is_within(asked.lines, quote.lines),
        "it was quoted for a lighter parcel": asked.weight_g > quote.weight_g,
        "it was quoted for a smaller parcel": 0 < quote.volume_ml < asked.volume_ml,
    }
    return next((what for what, differs in others.items() if differs), "")


def _is_within(ordered: Sequence[OrderLine], quoted: Sequence[OrderLine]) -> bool:
    """Return whether what is ordered is what was quoted, or less of it."""
    left: dict[str, int] = {}
    for line in quoted:
        left[line.sku] = left.get(line.sku, 0) + line.quantity
    for line in ordered:
        left[line.sku] = left.get(line.sku, 0) - line.quantity
    return all(quantity >= 0 for quantity in left.values())


def _next_slot(
    state: State, asked: Order, found: Terms, after: int, context: Context
) -> Choice | None:
    """Return the first slot after another one that can be had now, None without one."""
    policy, now = context.policy, context.now
    for begins in slot_begins(policy, now, context.time_zone):
        if begins > after:
            slot = _of_slot(later_slot(context.book(state), asked, found.said, policy, begins, now))
            if isinstance(slot, Choice):
                return slot
    return None


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.PlaceOrder: _place_order,
        c.AcceptOrder: _accept_order,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""
