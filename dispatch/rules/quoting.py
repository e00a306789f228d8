"""What an order would get, and the command that asks for it.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import InvalidValueError, RefusedError
from dispatch.goods import Goods, shares, worth_cents
from dispatch.model import Fulfilment, Order, Promise, Quote, QuotedParcel, Reason, Refusal
from dispatch.planning.later import Later
from dispatch.planning.quote import NotNow, Offer
from dispatch.rules.context import Context, Rule
from dispatch.snapshot import asked_in_play
from dispatch.splitting import Share, shelves, splits
from dispatch.state import State
from dispatch.windows import price, windows

_SPLIT_FOR: Final = frozenset({Reason.NO_STOCK, Reason.STORE_PAUSED, Reason.STORE_CLOSED})
"""Where no store has everything, or none of those that have is open, several may."""

_SPLITS_TRIED: Final = 8


@dataclass(frozen=True, slots=True)
class Part:
    """What one store hands over for an order, and when it would be there."""

    order: Order
    offer: Offer


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order would get.

    Attributes
    ----------
    said
        Of the whole order: that of the slowest part, or why there is no usual promise.
    parts
        One for each store; empty where there is nothing now.
    """

    said: Offer | Refusal
    parts: tuple[Part, ...] = ()

    @property
    def offer(self) -> Offer | None:
        """What there is, be it later than may be promised; None where there is nothing now."""
        if isinstance(self.said, Offer):
            return self.said
        return self.said.offer if isinstance(self.said, NotNow) else None


def check_store(state: State, store_id: str | None) -> None:
    """Refuse a store that is none; raises `InvalidValueError`."""
    if store_id is None:
        return
    store = state.stores.get(store_id)
    if store is None or store.store.is_point:
        raise InvalidValueError("store_id", f"is {store_id}, which is no store of this zone")


def crowd(state: State, now: int) -> float | None:
    """Return the open orders, and one more, per courier on shift; None when nobody is."""
    crew = sum([one.on_shift(now) and one.stranded is None for one in state.couriers.values()])
    return (len(state.orders) + 1) / crew if crew else None


def terms(
    asked: Order,
    goods: Goods,
    context: Context,
    *,
    store_id: str | None,
    may_split: bool,
) -> Terms:
    """Return what an order would get, from one store or in parts from several.

    Parameters
    ----------
    goods
        Of the order, for the weight and volume of its parts.
    store_id
        The only store it may come from; None for any.
    """
    said = context.offer(asked, None if store_id is None else (store_id,))
    if isinstance(said, Offer):
        return Terms(said, (Part(asked, said),))
    whole = Terms(said)
    if isinstance(said, NotNow) and said.offer is not None:
        whole = Terms(said, (Part(asked, said.offer),))
    if (
        said.reason not in _SPLIT_FOR
        or not may_split
        or store_id is not None
        or asked.fulfilment is not Fulfilment.DELIVERY
        or not isinstance(said, NotNow)
        # Later there may be a store that has everything.
        or (said.reason is not Reason.NO_STOCK and said.later.stores)
    ):
        return whole
    return _split(asked, goods, context) or whole


def _split(asked: Order, goods: Goods, context: Context) -> Terms | None:
    """Return the best split of which every part has an offer, None without one."""
    made_for = context.snapshot(asked)
    placeholder = Promise(asked.created_at, asked.created_at, asked.created_at)
    candidate = asked_in_play(asked, made_for, placeholder)
    for tried, shared in enumerate(splits(asked.lines, shelves(made_for, candidate))):
        if tried == _SPLITS_TRIED:
            return None
        parts: list[Part] = []
        for order, share in zip(_parts_of(asked, goods, shared), shared, strict=True):
            # A minimum is for what the customer buys, not for what one store hands over.
            offer = context.offer(
                replace(order, basket_cents=asked.basket_cents), (share.store_id,)
            )
            if isinstance(offer, Refusal):
                break
            parts.append(Part(order, offer))
        if len(parts) == len(shared):
            slowest = max((part.offer for part in parts), key=lambda offer: offer.promise.latest)
            no = Refusal(Reason.NO_STOCK, "no store has everything, so it comes as it can now")
            said = replace(
                slowest,
                eta=max(part.offer.eta for part in parts),
                length_m=max(part.offer.length_m for part in parts),
                later=Later((), no),
            )
            return Terms(said, tuple(parts))
    return None


def _parts_of(asked: Order, goods: Goods, shared: Sequence[Share]) -> list[Order]:
    """Return an order in parts: each with its goods and their share of what they cost."""
    of = [goods.taken(share.lines) for share in shared]
    weights = goods.weights_of(of, asked.weight_g)
    volumes = goods.volumes_of(of, asked.volume_ml)
    worth = [worth_cents(share.lines, goods.catalogue) for share in shared]
    by_worth = weights if any(cents is None for cents in worth) else [cents or 0 for cents in worth]
    baskets = shares(asked.basket_cents, by_worth)
    paid = shares(asked.paid_cents, by_worth)
    return [
        replace(
            asked,
            order_id=asked.order_id if number == 1 else f"{asked.order_id}.{number}",
            part_of=None if number == 1 else asked.order_id,
            external_id=asked.external_id if number == 1 else None,
            tip_cents=asked.tip_cents if number == 1 else 0,
            lines=part.lines,
            weight_g=weight_g,
            volume_ml=volume_ml,
            chilled=part.chilled,
            age_limit=part.age_limit,
            pick_s=None,
            basket_cents=basket_cents,
            paid_cents=paid_cents,
        )
        for number, (part, weight_g, volume_ml, basket_cents, paid_cents) in enumerate(
            zip(of, weights, volumes, baskets, paid, strict=True), start=1
        )
    ]


def _request_quote(state: State, command: c.RequestQuote, context: Context) -> Sequence[e.Event]:
    now, policy = context.now, context.policy
    check_store(state, command.store_id)
    goods = Goods(command.lines, command.facts, state.catalogue)
    quote_id = context.new_id("quo")
    asked = Order(
        order_id=quote_id,
        created_at=now,
        door=command.door,
        address=command.address,
        lines=command.lines,
        weight_g=goods.weight_g(command.weight_g),
        volume_ml=goods.volume_ml(command.volume_ml),
        service_s=command.service_s,
        basket_cents=command.basket_cents or 0,
        fulfilment=command.fulfilment,
        pick_s=command.pick_s,
        age_limit=goods.age_limit,
        chilled=goods.chilled,
    )
    found = terms(asked, goods, context, store_id=command.store_id, may_split=command.may_split)
    book = context.book(state)
    load = book.busyness(now)
    choices = windows(book, asked, found.said, policy, now, context.time_zone, load)
    usual = found.said
    if isinstance(usual, Refusal) and all(window.promise is None for window in choices):
        raise RefusedError(usual.reason, usual.detail)
    quote = Quote(
        quote_id=quote_id,
        promise=None,
        store_id=None,
        eta=None,
        fare_cents=None,
        expires_at=now + policy.quote_valid_s,
        windows=choices,
        fulfilment=command.fulfilment,
        door=command.door,
        lines=command.lines,
        weight_g=asked.weight_g,
        volume_ml=asked.volume_ml,
        crowd=crowd(state, now),
    )
    if isinstance(usual, Offer):
        fare = price(policy, asked, usual.length_m, 0, load)
        quote = replace(
            quote,
            promise=usual.promise,
            store_id=usual.store_id,
            eta=usual.eta,
            fare_cents=fare.total_cents,
            fare=fare,
            length_m=usual.length_m,
            parcels=tuple(
                QuotedParcel(part.offer.store_id, part.order.lines)
                for part in (found.parts if len(found.parts) > 1 else ())
            ),
        )
    return [e.QuoteGiven(quote)]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType({c.RequestQuote: _request_quote})
"""The rule of each command; all raise `DispatchError` when the command does not fit."""
