"""Orders: taken, read, changed and given up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api import order_views
from api.bootstrap import Service, of_all, of_request
from api.cursors import cursor_after, no_cursor, read_cursor
from api.idempotency import Answer, RetryKey
from api.order_schemas import AmendIn, CancelIn, OrderIn, QuoteDropoffIn, model_lines
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.routes.times import device_time
from api.shapes import orders
from api.shapes.declaring import answers
from api.versions import IfMatch, check_match, order_etag, tagged
from dispatch.commands import CancelOrder
from dispatch.errors import ExternalIdTakenError
from dispatch.events import OrderAmended, OrderReceived, OrderRefused
from dispatch.model import DeliveryStatus, Fulfilment, LonLat, OrderStatus
from dispatch.places import apart_m
from dispatch.rules.placing import BESIDE_M
from dispatch.state import OrderState, State, family

router = APIRouter(prefix="/v1", tags=["orders"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
Json = dict[str, Any]


class Shown(StrEnum):
    """Which orders to list."""

    OPEN = "open"
    DELIVERED = "delivered"
    COLLECTED = "collected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    ALL = "all"


_LISTED: Final[Mapping[Shown, Callable[[OrderState], bool]]] = {
    Shown.DELIVERED: lambda order: order.delivery is DeliveryStatus.DELIVERED,
    Shown.COLLECTED: lambda order: (
        order.status is OrderStatus.COLLECTED and order.delivery is not DeliveryStatus.DELIVERED
    ),
    Shown.CANCELLED: lambda order: (
        order.status is OrderStatus.CANCELLED and order.delivery is not DeliveryStatus.RETURNED
    ),
    Shown.FAILED: lambda order: order.delivery in {DeliveryStatus.FAILED, DeliveryStatus.RETURNED},
}


@router.post("/orders", status_code=201, summary="Order")
@needs(Scope.ORDERS_WRITE)
@answers(orders.PlacedOrder, 200)
async def place_order(
    asked: OrderIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Take an order, or refuse it with the reason; safe to retry with an Idempotency-Key.

    The answer says what became of the quote that was cited, and where the customer can follow the
    order.
    """
    base = str(request.base_url)
    zones = await of_all(request)
    theirs = zones.of_tenant(service.tenant)
    with zones.external_ids.held(service, theirs, asked.external_id):
        return await service.idempotency.once(
            request, key, asked, lambda: _place(service, asked, base)
        )


def _place(service: Service, asked: OrderIn, base: str) -> Answer:
    live = service.live
    at = device_time(live, asked.created_at, "created_at")
    door, address = where(live.engine.state, asked.fulfilment, asked.store_id, asked.dropoff)
    try:
        recorded = live.handle(asked.command(at, door, address))
    except ExternalIdTakenError as error:
        known = live.engine.state.order(error.order_id)
        if not _same(asked, family(live.engine.state, known)):
            raise
        return _answer(service, 200, known.order_id, base)
    fact = recorded[0].event
    if isinstance(fact, OrderRefused):
        raise Problem(str(fact.reason), fact.detail)
    if not isinstance(fact, OrderReceived):
        raise TypeError(f"an order recorded {type(fact).__name__}")
    return _answer(service, 201, fact.order.order_id, base)


def _answer(service: Service, status: int, order_id: str, base: str) -> Answer:
    found = service.live.engine.state.order(order_id)
    body = {
        **order_views.order_of(service.live, found),
        "tracking_url": f"{base}t/{service.tokens.tracking(order_id, found.order.created_at)}",
        "warnings": _warnings(found),
    }
    return Answer(status, body, {"ETag": order_etag(found)})


def where(
    state: State, fulfilment: Fulfilment, store_id: str | None, given: QuoteDropoffIn | None
) -> tuple[LonLat, str]:
    """Return the place and address that stand in where none is given: those of the store.

    Raises
    ------
    Problem
        Without a store, or for a delivery, somebody must say where.
    """
    if given is not None:
        return given.door(), given.address
    if fulfilment is Fulfilment.DELIVERY or store_id is None:
        raise Problem(
            "invalid_request",
            "/dropoff: Field required; only what is collected at a store_id does without.",
            {"pointer": "/dropoff"},
        )
    store = state.stores.get(store_id)
    if store is None:
        raise Problem(
            "invalid_value",
            f"store_id is {store_id}, which is no store of this zone.",
            {"pointer": "/store_id"},
        )
    return store.store.location, store.store.name


def _warnings(found: OrderState) -> list[Json]:
    """Return what somebody should look at, though the order is taken."""
    address_place, door = found.order.address_place, found.order.door
    if address_place is None or apart_m(address_place, door) <= BESIDE_M:
        return []
    metres = round(apart_m(address_place, door))
    return [
        {
            "code": "pin_far_from_address",
            "detail": f"The pin is {metres} m from the address; the courier goes to the pin.",
            "pointer": "/dropoff/pin",
        }
    ]


def _same(asked: OrderIn, parts: Sequence[OrderState]) -> bool:
    """Tell whether an order says what the first one with its external id said."""
    first = parts[0].order
    given = asked.dropoff
    if given is not None and (
        given.door() != first.door
        or given.address_place() != first.address_place
        or given.address != first.address
        or given.note != first.note
    ):
        return False
    whole = [part.order for part in parts]
    return (
        _amounts(model_lines(asked.lines))
        == _amounts(tuple(line for part in whole for line in part.lines))
        and asked.weight_g in {None, sum(part.weight_g for part in whole)}
        and asked.volume_ml in {None, sum(part.volume_ml for part in whole)}
        and asked.basket_cents == sum(part.basket_cents for part in whole)
        and asked.paid_cents == sum(part.paid_cents for part in whole)
        and asked.tip_cents == first.tip_cents
        and asked.fulfilment is first.fulfilment
        and asked.priority == first.priority
        and asked.phone == first.phone
        and asked.pin_required == first.pin_required
        and asked.service_s == first.service_s
        and (len(parts) > 1 or asked.pick_s == first.pick_s)
        and (asked.created_at is None or asked.created_at == first.created_at)
    )


def _amounts(lines: Sequence[Any]) -> dict[str, int]:
    total: dict[str, int] = {}
    for line in lines:
        total[line.sku] = total.get(line.sku, 0) + line.quantity
    return total


@router.get("/orders", summary="Orders, the newest first")
@needs(Scope.ORDERS_READ)
@answers(orders.OrderPage)
async def list_orders(
    service: Here,
    status: Shown = Shown.OPEN,
    external_id: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> orders.OrderPage:
    """Return a page of orders; `next` is the cursor of the following page, null on the last.

    With `external_id` it is the one order of the zone that the shop gave this id, whatever its
    status.
    """
    live = service.live
    before = None if cursor is None else _read_cursor(cursor)

    def job() -> orders.OrderPage:
        state = live.engine.state
        if external_id is not None:
            order_id = state.external_ids.get(external_id)
            one = [] if order_id is None else [order_views.order_now(live, order_id)]
            return {"data": one, "next": None}
        found: list[OrderState] = []
        if status in (Shown.OPEN, Shown.ALL):
            found += state.orders.values()
        if status is not Shown.OPEN:
            wanted = _LISTED.get(status)
            found += [o for o in state.closed.values() if wanted is None or wanted(o)]
        found.sort(key=_place_in_list, reverse=True)
        if before is not None:
            found = [order for order in found if _place_in_list(order) < before]
        page, more = found[:limit], len(found) > limit
        at_risk = live.kpis.at_risk(live.clock.now())
        return {
            "data": [
                order_views.order(
                    order, at_risk=order.order_id in at_risk, parts=family(state, order)
                )
                for order in page
            ],
            "next": _cursor(page[-1]) if more else None,
        }

    return await live.run(job)


def _place_in_list(found: OrderState) -> tuple[int, str]:
    return (found.order.created_at, found.order_id)


def _cursor(last: OrderState) -> str | None:
    created_at, order_id = _place_in_list(last)
    return cursor_after(f"{created_at}:{order_id}")


def _read_cursor(cursor: str) -> tuple[int, str]:
    created_at, _, order_id = read_cursor(cursor).partition(":")
    try:
        return (int(created_at), order_id)
    except ValueError as error:
        raise no_cursor() from error


@router.get("/orders/{order_id}", summary="One order")
@needs(Scope.ORDERS_READ)
@answers(orders.Order)
async def get_order(order_id: str, service: Here) -> Response:
    """Return an order with all that happened to it; its `ETag` is for `If-Match` of an edit."""
    live = service.live

    def job() -> Response:
        found = live.engine.state.order(order_id)
        return tagged(order_views.order_of(live, found), order_etag(found))

    return await live.run(job)


@router.patch("/orders/{order_id}", summary="Change an order")
@needs(Scope.ORDERS_WRITE)
@answers(orders.AmendedOrder)
async def amend_order(
    order_id: str, asked: AmendIn, service: Here, match: IfMatch = None
) -> Response:
    """Change door, goods or instructions before picking begins; note and phone until delivery.

    Goods are reserved anew, at another store if this one lacks them; the promise stands as long
    as it can be kept, else another one is given.  `If-Match` refuses to change what has changed.
    """
    live = service.live

    def job() -> Response:
        found = live.engine.state.order(order_id)
        check_match(match, order_etag(found))
        if asked.says_nothing():
            raise Problem("invalid_request", "Say what is to change.", {"pointer": ""})
        bought = found.order
        at = device_time(live, asked.occurred_at)
        recorded = live.handle(asked.command(order_id, at, bought.door, bought.address_place))
        changed = {
            word
            for entry in recorded
            if isinstance(entry.event, OrderAmended)
            for word in entry.event.changed
        }
        now = live.engine.state.order(order_id)
        body = {
            **order_views.order_of(live, now),
            "amended": {
                "changed": sorted(changed),
                "promise_kept": now.promise == found.promise,
                "store_kept": now.store_id == found.store_id,
            },
            "warnings": _warnings(now),
        }
        return tagged(body, order_etag(now))

    return await live.run(job)


@router.post("/orders/{order_id}/cancel", summary="Give an order up")
@needs(Scope.ORDERS_WRITE)
@answers(orders.Order)
async def cancel_order(
    order_id: str, asked: CancelIn, service: Here, match: IfMatch = None
) -> Response:
    """Cancel an order with all its parts; goods already in a bag come back to their store."""
    live = service.live

    def job() -> Response:
        check_match(match, order_etag(live.engine.state.order(order_id)))
        at = device_time(live, asked.occurred_at)
        live.handle(CancelOrder(order_id, asked.reason, at))
        now = live.engine.state.order(order_id)
        return tagged(order_views.order_of(live, now), order_etag(now))

    return await live.run(job)
