"""What commands about stores and stock do: events, or a refusal that changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from dispatch import commands as c
from dispatch import events as e
from dispatch.amounts import Amounts
from dispatch.errors import InvalidValueError
from dispatch.moving import CLOSING, ENGINE, Weighing, moved_or_not
from dispatch.rules.context import Context, Rule, Timer
from dispatch.rules.desk import audited
from dispatch.rules.shops import shop
from dispatch.state import UNPICKED, State

_T = TypeVar("_T", int, str)


def _register_store(state: State, command: c.RegisterStore, _context: Context) -> Sequence[e.Event]:
    if command.store.store_id in state.stores:
        shop(state, command.store.store_id)
    return [e.StoreRegistered(command.store)]


# --- articles and stock ------------------------------------------------------------------------


def _set_catalogue(state: State, command: c.SetCatalogue, _context: Context) -> Sequence[e.Event]:
    known = state.catalogue
    given = {article.sku: article for article in command.articles}
    sku_of = {
        article.barcode: sku
        for sku, article in known.items()
        if article.barcode and sku not in given
    }
    for index, article in enumerate(command.articles):
        if not article.barcode:
            continue
        other = sku_of.setdefault(article.barcode, article.sku)
        if other != article.sku:
            problem = f"{article.barcode} is that of {other}; a scan could mean either"
            raise InvalidValueError(f"articles.{index}.barcode", problem)
    changed = tuple(article for article in given.values() if known.get(article.sku) != article)
    return [e.CatalogueSet(changed)] if changed else []


def _set_stock(state: State, command: c.SetStock, _context: Context) -> Sequence[e.Event]:
    store = shop(state, command.store_id)
    for sku, count in command.on_hand.items():
        if count < 0:
            raise InvalidValueError(f"items.{sku}.on_hand", f"is {count}; 0 is the least")
    on_hand = _differing(store.on_hand, command.on_hand)
    if command.replaces:
        known = Amounts.of(store.on_hand).as_dict()
        gone = (sku for sku, n in known.items() if n and sku not in command.on_hand)
        on_hand |= dict.fromkeys(gone, 0)
    shelving = _shelving(state, command.store_id, command.shelves, command.safety_stock)
    # Where nothing changed it is still known that somebody counted.
    return [e.StockSet(command.store_id, on_hand), *shelving]


def _set_shelves(state: State, command: c.SetShelves, _context: Context) -> Sequence[e.Event]:
    shop(state, command.store_id)
    return _shelving(state, command.store_id, command.shelves, command.safety_stock)


def _shelving(
    state: State, store_id: str, shelves: Mapping[str, str], safety_stock: Mapping[str, int]
) -> list[e.Event]:
    for sku, kept in safety_stock.items():
        if kept < 0:
            raise InvalidValueError(f"items.{sku}.safety_stock", f"is {kept}; 0 is the least")
    store = state.store(store_id)
    moved = _differing(store.shelves, shelves)
    kept_now = _differing(store.safety_stock, safety_stock)
    return [e.ShelvesSet(store_id, moved, kept_now)] if moved or kept_now else []


def _differing(known: Mapping[str, _T], given: Mapping[str, _T]) -> dict[str, _T]:
    """Return what is not known yet, or known otherwise."""
    return {sku: value for sku, value in given.items() if known.get(sku) != value}


def _correct_stock(state: State, command: c.CorrectStock, context: Context) -> Sequence[e.Event]:
    store = shop(state, command.store_id)
    for sku, change in command.changes.items():
        there = store.on_hand.get(sku, 0)
        if there + change < 0:
            raise InvalidValueError(
                f"changes.{sku}",
                f"takes {-change} off the shelf of {store.store.name}, where {there} are; "
                "count again, or set the stock",
            )
    return [
        audited(context, command, command.store_id),
        e.StockCorrected(
            command.store_id,
            dict(command.changes),
            command.reason,
            command.owner,
            command.occurred_at,
        ),
    ]


# --- open and closed ---------------------------------------------------------------------------


def _pause_store(state: State, command: c.PauseStore, context: Context) -> Sequence[e.Event]:
    store = shop(state, command.store_id)
    events: list[e.Event] = []
    if command.owner and (store.paused is None or command.moves_orders):
        before = {"paused": None} if store.paused is None else None
        events.append(audited(context, command, command.store_id, before))
    if store.paused is None:
        events.append(e.StorePaused(command.store_id, command.reason, command.owner))
    if not command.moves_orders:
        return events
    here = [
        order
        for order in state.orders.values()
        if order.store_id == command.store_id and order.status in UNPICKED
    ]
    here.sort(key=lambda order: (order.promise.latest, order.order_id))
    owner = command.owner or ENGINE
    reason = f"{store.store.name} closes: {command.reason}"
    weighing = Weighing(state, context.snapshot)
    return [*events, *moved_or_not(weighing, here, CLOSING, reason, owner, context.now)]


def _resume_store(state: State, command: c.ResumeStore, context: Context) -> Sequence[e.Event]:
    paused = shop(state, command.store_id).paused
    if paused is None:
        return []
    resumed = e.StoreResumed(command.store_id, command.owner)
    if not command.owner:
        return [resumed]
    return [audited(context, command, command.store_id, {"paused": paused}), resumed]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.RegisterStore: _register_store,
        c.SetCatalogue: _set_catalogue,
        c.SetStock: _set_stock,
        c.SetShelves: _set_shelves,
        c.CorrectStock: _correct_stock,
        c.PauseStore: _pause_store,
        c.ResumeStore: _resume_store,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
