"""A store's counter on the wire: who is here, what waits, what came back.

Everything here reads; all of it runs on the engine's thread.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.legs import place
from api.live import Live
from api.news import short
from api.order_views import moment, promise
from api.shapes import picking
from dispatch.codec import to_rfc3339
from dispatch.model import Fulfilment, Order, OrderStatus
from dispatch.rules.counter import held_until
from dispatch.rules.returns import is_at_the_desk, returnable
from dispatch.state import OrderState, State


def counter(live: Live, store_id: str) -> picking.Counter:
    """Return who waits at a store, what is ready for whom, and what is not ready yet."""
    state, now = live.engine.state, live.clock.now()
    found = [
        order
        for _, order in sorted(state.orders.items())
        if order.store_id == store_id and order.order.fulfilment is not Fulfilment.DELIVERY
    ]
    rows = [_waiting(live, order, now) for order in found]
    here = [row for row in rows if row["here_since"] is not None]
    ready = [row for row in rows if row["status"] == OrderStatus.READY]
    coming = [row for row in rows if row["status"] != OrderStatus.READY]
    return {
        "store_id": store_id,
        "now": to_rfc3339(now),
        "here": sorted(here, key=lambda row: (row["here_since"], row["order_id"])),
        "ready": sorted(ready, key=lambda row: (row["ready_at"], row["order_id"])),
        "not_ready": sorted(coming, key=lambda row: (row["promise"]["latest"], row["order_id"])),
    }


def _waiting(live: Live, found: OrderState, now: int) -> picking.Waiting:
    is_here = found.here_at is not None
    over_at = None if is_here else held_until(found, live.engine.policy)
    return {
        "order_id": found.order_id,
        "short": short(found.order_id),
        "parcel_id": found.parcel_id,
        "fulfilment": found.order.fulfilment.value,
        "status": found.status.value,
        "bay": found.bay or None,
        "here_since": moment(found.here_at),
        "waiting_s": max(0, now - found.here_at) if found.here_at is not None else None,
        "promise": promise(found.promise),
        "ready_at": moment(found.ready_at),
        # Nothing is given up by itself whose customer stands here.
        "expires_at": moment(over_at),
        "age_limit": found.order.age_limit,
        "pieces": sum(line.quantity for line in found.order.lines),
    }


def collection(live: Live, found: OrderState) -> picking.CollectedOrder:
    """Return an order that its customer comes for."""
    return {**_waiting(live, found, live.clock.now()), "store_id": found.store_id}


# --- returns -----------------------------------------------------------------------------------


def returned(state: State, found: OrderState) -> picking.Returned:
    """Return what of an order came back, what still may, and what was given for it."""
    return {
        "order_id": found.order_id,
        "returned": _goods(state, found.returned),
        "returnable": _goods(state, returnable(state, found)),
        "refund_cents": found.refund_cents,
    }


def _goods(state: State, amounts: Mapping[str, int]) -> list[picking.Goods]:
    return [
        {"sku": sku, "quantity": quantity, **_article(state, sku)}
        for sku, quantity in sorted(amounts.items())
        if quantity > 0
    ]


def _article(state: State, sku: str) -> picking.AboutGoods:
    known = state.catalogue.get(sku)
    return {
        "name": known.name or None if known is not None else None,
        "chilled": known.chilled if known is not None else False,
    }


def returns(state: State, store_id: str) -> picking.Errands:
    """Return what couriers have brought back to a store and nobody looked at, and what comes."""
    waiting = [
        errand(state, order)
        for order in state.closed.values()
        if order.store_id == store_id and is_at_the_desk(order)
    ]
    coming = [
        errand(state, order)
        for order in state.orders.values()
        if order.order.return_of is not None and order.shelf_store_id == store_id
    ]
    return {
        "store_id": store_id,
        "waiting": sorted(waiting, key=lambda row: (row["brought_at"], row["return_id"])),
        "coming": sorted(coming, key=lambda row: (row["promise"]["latest"], row["return_id"])),
    }


def errand(state: State, found: OrderState) -> picking.Errand:
    """Return the errand on which a courier brings goods back."""
    bought = state.order(found.order.return_of or found.order_id).order
    return {
        "return_id": found.order_id,
        "short": short(found.order_id),
        "order_id": bought.order_id,
        "parcel_id": found.parcel_id,
        "status": found.delivery.value,
        "courier_id": found.courier_id,
        "pickup": {"location": place(bought.door), "address": bought.address},
        "store_id": found.shelf_store_id,
        "promise": promise(found.promise),
        "eta": moment(found.eta),
        "brought_at": moment(found.closed_at),
        "settled_at": moment(found.settled_at),
        "lines": _lines(state, found.order),
        "reason": found.order.note or None,
    }


def _lines(state: State, order: Order) -> list[picking.Goods]:
    return [
        {"sku": line.sku, "quantity": line.quantity, **_article(state, line.sku)}
        for line in order.lines
    ]
