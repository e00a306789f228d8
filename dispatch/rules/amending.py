"""What changing an order does: events, or a refusal that changes nothing.  Pure.

Until picking begins everything may change.  After that the goods and the door stand, and the
customer may still say how to find them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, RefusedError, WrongStateError
from dispatch.goods import Goods
from dispatch.model import Fulfilment, Order, OrderStatus, Promise, Reason, Refusal
from dispatch.moving import why_it_stays
from dispatch.planning.quote import NotNow, Offer
from dispatch.records import SLOT, Hold
from dispatch.rules.context import Context, Rule, open_order
from dispatch.state import UNPICKED, OrderState, State, family
from dispatch.windows import Slot, later_slot

ALWAYS: Final = ("note", "phone")
"""What may change until the goods are delivered."""

_WORDS: Final = {
    "door": "location",
    "address": "address",
    "address_place": "address_location",
    "note": "note",
    "phone": "phone",
    "lines": "lines",
    "weight_g": "weight_g",
    "volume_ml": "volume_ml",
    "tip_cents": "tip_cents",
    "basket_cents": "basket_cents",
    "paid_cents": "paid_cents",
}
"""Fields of an order that can be amended, with their names on the wire."""

_OFFERED_ANEW: Final = frozenset({"door", "lines", "weight_g", "volume_ml"})
"""What an order's time depends on."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Where an amended order comes from, and by when."""

    store_id: str
    promise: Promise
    until: int | None = None


def _amend_order(state: State, command: c.AmendOrder, context: Context) -> Sequence[e.Event]:
    named = state.order(command.order_id)
    if named.order.part_of is not None:
        raise ConflictError(
            f"order {named.order_id} is a part of {named.order.part_of}; amend that one"
        )
    parts = [part for part in family(state, named) if not part.is_closed]
    if not parts:
        open_order(state, command.order_id, "amended")
    if command.lines is not None and len(family(state, named)) > 1:
        raise ConflictError(
            f"order {named.order_id} comes from several stores, so its lines stand; "
            "cancel it and order anew"
        )
    return _together(
        parts, [event for part in parts for event in _amended(state, part, command, context)]
    )


def _together(parts: Sequence[OrderState], events: Sequence[e.Event]) -> Sequence[e.Event]:
    """Return the facts with one promise for all parts: the latest of those given anew."""
    given = [event.promise for event in events if isinstance(event, e.PromiseSuperseded)]
    if len(parts) < 2 or not given:  # noqa: PLR2004  two parts make a split order
        return events
    latest = max(given, key=lambda promise: promise.latest)
    reason = next(event.reason for event in events if isinstance(event, e.PromiseSuperseded))
    others = [event for event in events if not isinstance(event, e.PromiseSuperseded)]
    return [*others, *(e.PromiseSuperseded(part.order_id, latest, reason) for part in parts)]


def _amended(
    state: State, known: OrderState, command: c.AmendOrder, context: Context
) -> Iterator[e.Event]:
    """Yield how one order changes; nothing where it is like that already."""
    bought = known.order
    order = _changed(state, bought, command, is_first=bought.part_of is None)
    changed = tuple(name for name in _WORDS if getattr(order, name) != getattr(bought, name))
    if not changed:
        return
    if not set(changed) <= set(ALWAYS):
        _refuse_begun(known)
    if known.status is OrderStatus.CANCELLED:
        raise WrongStateError(f"order {known.order_id}", known.status.value, "amended", ())
    words = tuple(_WORDS[name] for name in changed)
    amended = e.OrderAmended(order, words, command.owner, command.occurred_at)
    if _OFFERED_ANEW.isdisjoint(changed):
        yield amended
        return
    found = _found(state, known, order, context)
    reason = f"amended: {', '.join(words)}"
    if found.store_id != known.store_id:
        yield e.OrderResourced(known.order_id, known.store_id, found.store_id, "lacking")
    yield amended
    if found.promise != known.promise:
        yield e.PromiseSuperseded(known.order_id, found.promise, reason)
    if known.hold is not None and found.until is not None and found.until != known.hold.until:
        hold = Hold(SLOT, known.hold.reason, found.until)
        yield e.OrderHeld(known.order_id, hold, context.now)


def _refuse_begun(known: OrderState) -> None:
    """Refuse to change what somebody has in hands; raises `WrongStateError`."""
    if known.status in UNPICKED and not known.is_carried_outside and not known.on_board:
        return
    stands = known.status if known.status not in UNPICKED else known.delivery
    allowed = () if known.status is OrderStatus.CANCELLED else ALWAYS
    raise WrongStateError(f"order {known.order_id}", stands.value, "amended", allowed)


def _changed(state: State, bought: Order, command: c.AmendOrder, *, is_first: bool) -> Order:
    order = bought
    if command.door is not None:
        order = replace(order, door=command.door, address_place=command.address_place)
    for name in ("address", "note", "phone"):
        said = getattr(command, name)
        if said is not None:
            order = replace(order, **{name: said})
    for name in ("tip_cents", "basket_cents", "paid_cents"):
        said = getattr(command, name)
        if said is not None and is_first:
            order = replace(order, **{name: said})
    if command.lines is not None:
        goods = Goods(command.lines, command.facts, state.catalogue)
        order = replace(
            order,
            lines=command.lines,
            weight_g=goods.weight_g(command.weight_g),
            volume_ml=goods.volume_ml(command.volume_ml),
            age_limit=goods.age_limit,
            chilled=goods.chilled,
            # What the shop said of the time to pick was said of other goods.
            pick_s=None,
        )
    else:
        for name in ("weight_g", "volume_ml"):
            said = getattr(command, name)
            if said is not None:
                order = replace(order, **{name: said})
    return order


# --- where from, and when ----------------------------------------------------------------------


def _found(state: State, known: OrderState, order: Order, context: Context) -> _Found:
    """Return the store and the promise of an order as it is to be; raises `RefusedError`.

    The promise stands as long as it can be kept.
    """
    asked = replace(order, created_at=context.now)
    said = context.offer(asked, (known.store_id,))
    found = _settled(state, known, asked, said, context)
    if isinstance(found, Refusal) and why_it_stays(known) is None:
        others = set(state.stores) - {known.store_id}
        said = context.offer(asked, others)
        elsewhere = _settled(state, known, asked, said, context)
        found = found if isinstance(elsewhere, Refusal) else elsewhere
    if isinstance(found, Refusal):
        raise RefusedError(found.reason, found.detail)
    return found


def _settled(
    state: State, known: OrderState, asked: Order, said: Offer | Refusal, context: Context
) -> _Found | Refusal:
    if known.hold is not None and known.hold.owner == SLOT:
        return _in_slot(state, known, asked, said, context)
    offer = said if isinstance(said, Offer) else None
    if isinstance(said, NotNow):
        offer = said.offer
    if offer is not None and offer.eta <= known.promise.latest:
        return _Found(offer.store_id, known.promise)
    if isinstance(said, Offer):
        return _Found(said.store_id, said.promise)
    return said


def _in_slot(
    state: State, known: OrderState, asked: Order, said: Offer | Refusal, context: Context
) -> _Found | Refusal:
    begins = known.promise.earliest
    if asked.fulfilment is not Fulfilment.DELIVERY:
        begins = known.promise.latest
    slot = later_slot(context.book(state), asked, said, context.policy, begins, context.now)
    if not isinstance(slot, Slot):
        return Refusal(slot.reason or Reason.STORE_CLOSED, slot.detail)
    return _Found(slot.store.store_id, known.promise, slot.work_at)


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType({c.AmendOrder: _amend_order})
"""The rule of each command; all raise `DispatchError` when the command does not fit."""
