"""Cases of stores: goods there, hours, pauses, how far they deliver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from dispatch.explanation import StoreOption
from dispatch.model import OrderInPlay, Reason, Snapshot, StoreInPlay
from dispatch.otherwise import MINUTE_S, Came, Case, started_minutes, with_order, with_store
from dispatch.planning.sourcing import minutes, wanted

_NEAREST_STORES: Final = 2
_DAY_S: Final = 86_400


def with_stores(
    snapshot: Snapshot, order: OrderInPlay, stores: tuple[StoreOption, ...]
) -> Iterator[Case]:
    """Yield the cases of the nearest stores that something rules out."""
    by_id = {store.store_id: store for store in snapshot.stores}
    chosen = next((option for option in stores if option.chosen and not option.reason), None)
    ruled_out = [
        option
        for option in stores
        if option.reason is not None
        and option.trip_s is not None
        and (chosen is None or chosen.trip_s is None or option.trip_s < chosen.trip_s)
    ]
    ruled_out.sort(key=lambda option: (option.trip_s or 0, option.store_id))
    for option in ruled_out[:_NEAREST_STORES]:
        store = by_id.get(option.store_id)
        case = None if store is None else _allowed(snapshot.now, order, store, option)
        if case is not None:
            yield case


def _allowed(now: int, order: OrderInPlay, store: StoreInPlay, option: StoreOption) -> Case | None:
    """Return the case that a store could serve."""
    name, key = store.store.name, store.store_id
    match option.reason:
        case Reason.NO_STOCK:
            return _with_stock(order, store)
        case Reason.STORE_PAUSED:
            going = replace(
                store, paused=False, store=replace(store.store, pickers=max(1, store.store.pickers))
            )
            return Case("resumed", f"{name} took orders", lambda snap: with_store(snap, going), key)
        case Reason.STORE_CLOSED:
            return _open(now, store)
        case Reason.STORE_EXCLUDED:
            others = order.excluded_stores - {key}
            return Case(
                "store_allowed",
                f"it might come from {name} again",
                lambda snap: with_order(snap, order.order_id, excluded_stores=others),
                key,
            )
        case Reason.OUTSIDE_RADIUS:
            trip_s = option.trip_s or 0
            wider = replace(store, area=None, store=replace(store.store, reach_s=trip_s))
            return Case(
                "wider_reach",
                f"{name} delivered as far as {minutes(trip_s)}",
                lambda snap: with_store(snap, wider),
                key,
                trip_s,
                "s",
            )
        case _:
            return None


def _with_stock(order: OrderInPlay, store: StoreInPlay) -> Case:
    """Return the case that a store has what it lacks, and no piece more."""
    wants, there = wanted(order.order), store.available
    lacks = {sku: n for sku, n in wants.items() if there.get(sku, 0) < n}
    missing = {sku: n - max(0, there.get(sku, 0)) for sku, n in lacks.items()}
    goods = ", ".join(
        f"{n} more of {sku}" if there.get(sku, 0) > 0 else f"{n} x {sku}"
        for sku, n in sorted(missing.items())
    )
    full = replace(store, available={**there, **lacks})
    return Case(
        "stock",
        f"{store.store.name} had {goods}",
        lambda snap: with_store(snap, full),
        store.store_id,
        sum(missing.values()),
        "pieces",
    )


def _open(now: int, store: StoreInPlay) -> Case:
    """Return the case that a store is open; that it stays open longer, if it is so now."""
    name = store.store.name
    always = replace(store, open_windows=((now, now + _DAY_S),))
    case = Case("open", f"{name} were open", lambda snap: with_store(snap, always), store.store_id)
    present = next((w for w in store.open_windows if w[0] <= now < w[1]), None)
    if present is None:
        return case

    def smaller(came: Came) -> Case | None:
        if came.store_id != store.store_id or came.pickup_at is None:
            return None
        more_min = started_minutes(came.pickup_at + 1 - present[1])
        if more_min <= 0:
            return None
        ends = present[1] + more_min * MINUTE_S
        later = [w for w in store.open_windows if w[0] > ends]
        longer = replace(store, open_windows=((present[0], ends), *later))
        return replace(
            case,
            detail=f"{name} stayed open {more_min} min longer",
            change=lambda snap: with_store(snap, longer),
            amount=more_min,
            unit="min",
        )

    return replace(case, smaller=smaller)
