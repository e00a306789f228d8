"""Returns: at a desk and by courier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from api import counter_views
from api.bootstrap import Service, of_request
from api.counter_schemas import DeskReturnIn, GoodsIn, PickupIn, SettleIn
from api.idempotency import Answer, RetryKey
from api.problems import Problem, of_error
from api.rights import Ruled, Scope, needs
from api.routes.times import device_time
from api.schemas import Id, order_lines
from api.shapes import picking
from api.shapes.declaring import answers
from dispatch.commands import RequestReturn, ReturnAtDesk, SettleReturn
from dispatch.errors import InvalidValueError
from dispatch.events import OrderReceived

router = APIRouter(prefix="/v1", tags=["returns"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
OrderId = Annotated[Id, Path()]


@router.post("/orders/{order_id}/returns", status_code=201, summary="Goods came back at a desk")
@needs(Scope.PICKING_WRITE)
@answers(picking.Returned)
async def return_at_desk(
    order_id: OrderId, asked: DeskReturnIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Take goods of a delivered or collected order back, into stock or written off."""
    live = service.live

    def job() -> Answer:
        with _pointing(asked):
            live.handle(
                ReturnAtDesk(
                    order_id=order_id,
                    store_id=asked.store_id,
                    restocked=_amounts("restocked", asked.restocked),
                    written_off=_amounts("written_off", asked.written_off),
                    refund_cents=asked.refund_cents,
                    reason=asked.reason,
                    occurred_at=device_time(live, asked.occurred_at),
                )
            )
        state = live.engine.state
        return Answer(201, counter_views.returned(state, state.order(order_id)))

    return await service.idempotency.once(request, key, asked, job)


@router.get("/orders/{order_id}/returns", summary="What of an order came back")
@needs(Scope.PICKING_READ)
@answers(picking.Returned)
async def list_returned(order_id: OrderId, service: Here) -> picking.Returned:
    """Return what of an order came back, and what still may."""
    live = service.live

    def job() -> picking.Returned:
        state = live.engine.state
        return counter_views.returned(state, state.order(order_id))

    return await live.run(job)


@router.post(
    "/orders/{order_id}/return-pickup", status_code=201, summary="Have a courier fetch goods"
)
@needs(Scope.ORDERS_WRITE)
@answers(picking.Errand)
async def request_return(
    order_id: OrderId, asked: PickupIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Let a courier fetch goods of a delivered order at its door, for the store they came from."""
    live = service.live

    def job() -> Answer:
        at = device_time(live, asked.occurred_at)
        lines = order_lines(asked.lines)
        recorded = live.handle(
            RequestReturn(order_id, lines, asked.reason, at, weight_g=asked.weight_g)
        )
        fact = next(entry.event for entry in recorded if isinstance(entry.event, OrderReceived))
        state = live.engine.state
        return Answer(201, counter_views.errand(state, state.order(fact.order.order_id)))

    return await service.idempotency.once(request, key, asked, job)


@router.get("/stores/{store_id}/returns", summary="Returns to look at")
@needs(Scope.PICKING_READ)
@answers(picking.Errands)
async def list_returns(store_id: Annotated[Id, Path()], service: Here) -> picking.Errands:
    """Return what couriers brought back and nobody has looked at, and what is on its way."""
    live = service.live

    def job() -> picking.Errands:
        live.engine.state.store(store_id)
        return counter_views.returns(live.engine.state, store_id)

    return await live.run(job)


@router.post("/returns/{return_id}/settle", summary="What a courier brought back was looked at")
@needs(Scope.PICKING_WRITE)
@answers(picking.Errand)
async def settle_return(
    return_id: Annotated[Id, Path()],
    asked: SettleIn,
    request: Request,
    service: Here,
    key: RetryKey = None,
) -> Response:
    """Put goods that a courier brought back into stock, or write them off."""
    live = service.live

    def job() -> Answer:
        with _pointing(asked):
            live.handle(
                SettleReturn(
                    return_id=return_id,
                    restocked=_amounts("restocked", asked.restocked),
                    written_off=_amounts("written_off", asked.written_off),
                    refund_cents=asked.refund_cents,
                    reason=asked.reason,
                    occurred_at=device_time(live, asked.occurred_at),
                )
            )
        state = live.engine.state
        return Answer(200, counter_views.errand(state, state.order(return_id)))

    return await service.idempotency.once(request, key, asked, job)


def _amounts(field: str, goods: list[GoodsIn]) -> dict[str, int]:
    """Return quantities by SKU; raises `Problem` when one is listed twice."""
    amounts: dict[str, int] = {}
    for index, each in enumerate(goods):
        if each.sku in amounts:
            raise Problem(
                "invalid_request",
                f"{each.sku} is in the list more than once; say one quantity for it.",
                {"pointer": f"/{field}/{index}/sku"},
            )
        amounts[each.sku] = each.quantity
    return amounts


@contextmanager
def _pointing(asked: SettleIn) -> Iterator[None]:
    """Say where in the lists of a body an article is that cannot come back."""
    try:
        yield
    except InvalidValueError as error:
        problem = of_error(error)
        field, _, sku = error.field.partition(".")
        lists = {"restocked": asked.restocked, "written_off": asked.written_off}
        for name in [field] if field in lists else list(lists) if field == "returned" else []:
            skus = [each.sku for each in lists[name]]
            if sku in skus:
                problem.extra["pointer"] = f"/{name}/{skus.index(sku)}/quantity"
                problem.detail = f"{sku} {error.problem}."
                break
        raise problem from error
