"""What goes out about articles, stock, and where orders come from; made from the state."""

from __future__ import annotations

from collections.abc import Sequence

from api import views
from api.live import Live
from api.shapes import orders, stores
from dispatch import events as e
from dispatch.moving import Weighing, missing_goods, why_it_stays
from dispatch.planning.sourcing import Candidate
from dispatch.records import Article
from dispatch.rules.context import open_order
from dispatch.state import UNPICKED, OrderState, State, StoreState
from geo.types import UNREACHABLE_S


def article(found: Article) -> stores.Article:
    """Return what is known of an article."""
    return {
        "sku": found.sku,
        "name": found.name,
        "weight_g": found.weight_g,
        "volume_ml": found.volume_ml,
        "price_cents": found.price_cents,
        "chilled": found.chilled,
        "age_limit": found.age_limit,
        "barcode": found.barcode,
        "shelf": found.shelf,
    }


def stock_row(state: State, found: StoreState, sku: str) -> stores.Stock:
    """Return the stock of one SKU in a store."""
    known = state.catalogue.get(sku)
    return {
        "sku": sku,
        "on_hand": found.on_hand.get(sku, 0),
        "reserved": found.reserved.get(sku, 0),
        "available": found.available(sku),
        "safety_stock": found.kept(sku),
        "shelf": found.shelves.get(sku) or (known.shelf if known is not None else ""),
    }


def stock_skus(found: StoreState, named: Sequence[str] | None = None) -> set[str]:
    """Return the SKUs of which a store has, or had, anything: all, or of those named."""
    told = (found.on_hand, found.reserved, found.shelves, found.safety_stock)
    if named is None:
        return set().union(*told)
    return {sku for sku in named if any(sku in amounts for amounts in told)}


def below_reserved(found: StoreState) -> list[stores.BelowReserved]:
    """Return the SKUs of which fewer are there than were promised to orders."""
    return [
        {"sku": sku, "on_hand": found.on_hand.get(sku, 0), "reserved": reserved}
        for sku, reserved in sorted(found.reserved.items())
        if found.on_hand.get(sku, 0) < reserved
    ]


def consequences(
    state: State, found: StoreState, recorded: Sequence[e.Recorded]
) -> stores.Consequences:
    """Return what a count means for orders: those that moved elsewhere, and those short now."""
    said = _why_not(recorded)
    return {
        "moved": moved(recorded),
        "short": [
            {
                "order_id": order_id,
                "missing": missing,
                "detail": said.get(order_id) or why_it_stays(state.orders[order_id]) or "",
            }
            for order_id, missing in sorted(missing_goods(state, found).items())
        ],
    }


def _why_not(recorded: Sequence[e.Recorded]) -> dict[str, str]:
    """Return why orders that should have moved did not, by order."""
    return {
        event.order_id: event.detail
        for event in (entry.event for entry in recorded)
        if isinstance(event, e.OrderNotMoved)
    }


def moved(recorded: Sequence[e.Recorded]) -> list[stores.Moved]:
    """Return the orders that changed their store."""
    return [
        {
            "order_id": event.order_id,
            "from_store_id": event.from_store_id,
            "to_store_id": event.to_store_id,
            "reason": event.reason,
        }
        for event in (entry.event for entry in recorded)
        if isinstance(event, e.OrderResourced)
    ]


def left(state: State, store_id: str, recorded: Sequence[e.Recorded]) -> list[stores.Left]:
    """Return the orders that stay at a store, and why."""
    said = _why_not(recorded)
    return [
        {
            "order_id": order_id,
            "status": order.status.value,
            "detail": said.get(order_id) or why_it_stays(order) or "",
        }
        for order_id, order in sorted(state.orders.items())
        if order.store_id == store_id and not order.on_board
    ]


# --- where orders come from --------------------------------------------------------------------


def sourcing(live: Live, order_id: str) -> orders.Order:
    """Return an order with what people said about where it comes from."""
    return {**views.order_now(live, order_id), **_said(live.engine.state.order(order_id))}


def _said(order: OrderState) -> stores.SaidOfStores:
    return {
        "pinned_store_id": order.pinned_store_id,
        "excluded_stores": sorted(order.excluded_stores),
    }


def candidates(live: Live, order_id: str) -> stores.Candidates:
    """Return every store with its verdict for an open order: those that can serve it first.

    Raises
    ------
    UnknownIdError, WrongStateError
        There is no such order; it is closed, or its goods have left the store.
    """
    state = live.engine.state
    order = open_order(state, order_id, "weighed")
    stays = why_it_stays(order, by_hand=True)
    weighed: Sequence[Candidate] = ()
    if order.status in UNPICKED:
        weighed = Weighing(state, live.engine.snapshot).candidates(order)
    return {
        "order_id": order_id,
        "store_id": order.store_id,
        **_said(order),
        "movable": stays is None,
        "detail": stays or "",
        "data": [_candidate(state, order, option) for option in weighed],
    }


def _candidate(state: State, order: OrderState, option: Candidate) -> stores.Candidate:
    return {
        "store_id": option.store_id,
        "name": state.store(option.store_id).store.name,
        "chosen": option.store_id == order.store_id,
        "can_serve": option.reason is None,
        "reason": option.reason.value if option.reason is not None else None,
        "detail": option.detail,
        "trip_s": option.trip_s if option.trip_s < UNREACHABLE_S else None,
        "ready_at": views.moment(option.ready_at),
    }
