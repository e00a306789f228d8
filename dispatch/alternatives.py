"""What else could be done with an order, and what that would cost: other couriers, other stores.

The order is taken out of the plan and put at its cheapest place with every courier, and from every
store, in turn; the rest of the plan stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from dispatch.explain_words import bringing
from dispatch.explanation import CourierOption, Refused, StoreOption
from dispatch.model import CourierInPlay, OrderInPlay
from dispatch.otherwise import Ties
from dispatch.planning.improve import Insertion, Search
from dispatch.planning.problem import Posed
from dispatch.planning.terms import Account, Ledger, less, told
from dispatch.planning.writing import done_at

MOST_COURIERS: Final = 5
"""Alternative couriers told, the best ones."""

MOST_REFUSED: Final = 3
"""Couriers told who cannot have it, the nearest ones."""


@dataclass(frozen=True, slots=True)
class Price:
    """What an order adds to the plan in one place, and when it is handed over there.

    Attributes
    ----------
    added
        Courier-seconds.
    terms
        The same, by term.
    others
        What of it falls on other orders' hand-overs.
    """

    added: float
    terms: Mapping[str, float]
    others: float
    done_at: int
    courier_id: str
    store_id: str


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Prices of an order: where it is, with each courier, and from each store."""

    present: Price | None
    couriers: Mapping[str, Price]
    stores: Mapping[str, Price]


def alternatives(posed: Posed, search: Search, row: int) -> Alternatives:
    """Price every place an order could have; the search comes back as it was."""
    mark = search.mark()
    ledger = Ledger(posed, search)
    ledger.routes()
    mine, is_routed = None, search.owner[row] >= 0
    there = ledger.routes() if is_routed else {}
    search.remove(row)
    without = ledger.routes()
    if is_routed:
        search.back_to(mark)
        mine = _price(posed, search, row, less(there, without))
        search.remove(row)
    bare = search.mark()

    def priced(place: Insertion | None) -> Price | None:
        found = None
        if place is not None and search.insert(row, place):
            found = _price(posed, search, row, less(ledger.routes(), without))
        if place is not None:
            search.back_to(bare)
        return found

    by_courier = {key: priced(search.best(row, at)) for at, key in enumerate(posed.courier_ids)}
    by_store = {
        posed.store_of(candidate): priced(search.best_from(row, candidate))
        for candidate in posed.candidates(row)
    }
    search.back_to(mark)
    return Alternatives(
        mine,
        {key: price for key, price in by_courier.items() if price is not None},
        {key: price for key, price in by_store.items() if price is not None},
    )


def _price(posed: Posed, search: Search, row: int, more: Account) -> Price:
    others = sum(sum(t.values()) for job, t in more.hand_overs.items() if job != row)
    return Price(
        more.total,
        more.terms,
        others,
        done_at(search, row),
        posed.courier_ids[int(search.owner[row])],
        posed.store_of(int(search.routes.chosen[row])),
    )


def courier_options(
    posed: Posed, found: Alternatives, mine: str | None
) -> tuple[CourierOption, ...]:
    """Return the other couriers who could have it, the cheapest first."""
    others = sorted(
        ((price, key) for key, price in found.couriers.items() if key != mine),
        key=lambda pair: (pair[0].added, pair[1]),
    )
    base = found.present or (others[0][0] if others else None)
    names = posed.situation.couriers
    options: list[CourierOption] = []
    for price, key in others[:MOST_COURIERS]:
        if base is None:
            break
        terms = more(price, base)
        extra = round(price.added - base.added, 1)
        options.append(
            CourierOption(
                key,
                names[key].courier.name,
                extra,
                price.done_at,
                price.store_id,
                terms,
                f"would {bringing(price.done_at, base.done_at, extra, terms)}",
            )
        )
    return tuple(options)


def more(price: Price, base: Price) -> dict[str, float]:
    """Return what one place costs more than another, by term."""
    names = price.terms.keys() | base.terms.keys()
    return told({n: price.terms.get(n, 0.0) - base.terms.get(n, 0.0) for n in names})


def priced_stores(stores: tuple[StoreOption, ...], found: Alternatives) -> tuple[StoreOption, ...]:
    """Return stores as weighed, with what each would cost more than the place it has."""
    base = found.present
    if base is None:
        return stores
    options: list[StoreOption] = []
    for store in stores:
        price = found.stores.get(store.store_id)
        if price is None or store.chosen or store.reason is not None:
            options.append(store)
            continue
        extra = round(price.added - base.added, 1)
        options.append(
            replace(store, extra_cost=extra, done_at=price.done_at, terms=more(price, base))
        )
    return tuple(options)


def refused(
    posed: Posed, found: Alternatives, order: OrderInPlay, store_id: str | None, ties: Ties
) -> tuple[Refused, ...]:
    """Return the couriers nearest to the store who cannot have it, and why."""
    cannot = [each for each in by_way(posed, store_id) if each[1] not in found.couriers]
    names = posed.situation.couriers
    return tuple(
        Refused(key, names[key].courier.name, why_unable(names[key], order, ties, posed))
        for _, key in cannot[:MOST_REFUSED]
    )


def by_way(posed: Posed, store_id: str | None) -> list[tuple[int, str]]:
    """Return how far each courier is from a store, the nearest first."""
    store = posed.situation.stores.get(store_id or "")
    if store is None:
        return []
    travel = posed.situation.snapshot.travel.duration_s
    return sorted(
        (int(travel[each.courier.mode][each.place, store.place]), key)
        for key, each in posed.situation.couriers.items()
    )


def why_unable(courier: CourierInPlay, order: OrderInPlay, ties: Ties, posed: Posed) -> str:
    """Return what keeps a courier from an order that no place in the route takes."""
    return unable(courier, order, ties, posed.situation.now) or (
        "cannot take it: the break, the shift or the stops under way leave no room"
        if courier.pause is not None
        else "cannot take it: the bag, the shift or the stops under way leave no room"
    )


def unable(courier: CourierInPlay, order: OrderInPlay, ties: Ties, now: int) -> str:
    """Return what keeps a courier from an order at all, nothing if nothing does."""
    who, bought = courier.courier, order.order
    if who.courier_id in order.declined_by:
        locked = ties.locked_to is not None and who.courier_id not in ties.declined_by
        return f"it is locked to {ties.locked_to}" if locked else "declined it"
    if bought.weight_g > who.capacity_g:
        return f"carries {who.capacity_g} g at most"
    if bought.volume_ml > who.capacity_ml:
        return f"has room for {who.capacity_ml} ml at most"
    if bought.chilled and not who.chilled_bags:
        return "has no chilled bag"
    if courier.shift_end <= now:
        return "takes nothing new before the end of the shift, a break or an overdue stop"
    return ""
