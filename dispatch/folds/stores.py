"""State after facts about stores, articles and stock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import Fold, counted, with_store
from dispatch.state import State, StoreState


def _store_registered(state: State, event: e.StoreRegistered, _at: int) -> State:
    known = state.stores.get(event.store.store_id)
    store = replace(known, store=event.store) if known else StoreState(event.store)
    return with_store(state, store)


def _stock_set(state: State, event: e.StockSet, _at: int) -> State:
    return counted(state, event.store_id, event.on_hand)


def _store_paused(state: State, event: e.StorePaused, _at: int) -> State:
    return with_store(state, replace(state.store(event.store_id), paused=event.reason))


def _store_resumed(state: State, event: e.StoreResumed, _at: int) -> State:
    return with_store(state, replace(state.store(event.store_id), paused=None))


def _catalogue_set(state: State, event: e.CatalogueSet, _at: int) -> State:
    known = {article.sku: article for article in event.articles}
    return replace(state, catalogue={**state.catalogue, **known})


def _shelves_set(state: State, event: e.ShelvesSet, _at: int) -> State:
    store = state.store(event.store_id)
    return with_store(
        state,
        replace(
            store,
            shelves={**store.shelves, **event.shelves},
            safety_stock={**store.safety_stock, **event.safety_stock},
        ),
    )


def _stock_corrected(state: State, event: e.StockCorrected, _at: int) -> State:
    shelf = state.store(event.store_id).on_hand
    found = {sku: max(0, shelf.get(sku, 0) + change) for sku, change in event.changes.items()}
    return counted(state, event.store_id, found)


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.StoreRegistered: _store_registered,
        e.StockSet: _stock_set,
        e.StorePaused: _store_paused,
        e.StoreResumed: _store_resumed,
        e.CatalogueSet: _catalogue_set,
        e.ShelvesSet: _shelves_set,
        e.StockCorrected: _stock_corrected,
    }
)
"""What each event does to the state."""
