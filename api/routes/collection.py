"""Collection and curbside: here, code, handed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from api import counter_views
from api.bootstrap import Service, of_request
from api.counter_schemas import CollectIn, HereIn, NoShowIn
from api.idempotency import Answer, RetryKey
from api.live import Live
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.routes.times import device_time
from api.schemas import Id
from api.shapes import picking
from api.shapes.declaring import answers
from dispatch.commands import ArriveToCollect, CollectOrder, Command, GiveUpCollection
from dispatch.rules.counter import ready_to_collect

router = APIRouter(prefix="/v1", tags=["collection"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
OrderId = Annotated[Id, Path()]
Json = dict[str, Any]


@router.get("/stores/{store_id}/counter", summary="Who waits, and what for")
@needs(Scope.PICKING_READ)
@answers(picking.Counter)
async def get_counter(store_id: Annotated[Id, Path()], service: Here) -> picking.Counter:
    """Return who is here, what is ready and until when it is kept, and what is not ready yet."""
    live = service.live

    def job() -> picking.Counter:
        live.engine.state.store(store_id)
        return counter_views.counter(live, store_id)

    return await live.run(job)


@router.post("/orders/{order_id}/here", summary="The customer is here")
@needs(Scope.PICKING_WRITE)
@answers(picking.CollectedOrder)
async def arrive_to_collect(
    order_id: OrderId, service: Here, asked: HereIn | None = None
) -> picking.CollectedOrder:
    """Tell the store that somebody has come for an order; before it is ready, too."""
    told, live = asked if asked is not None else HereIn(), service.live
    return await _do(
        live,
        order_id,
        lambda: ArriveToCollect(order_id, told.bay, device_time(live, told.occurred_at)),
    )


@router.post("/orders/{order_id}/collect", summary="Hand an order over to its customer")
@needs(Scope.PICKING_WRITE)
@answers(picking.CollectedOrder)
async def collect_order(
    order_id: OrderId, asked: CollectIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Hand an order over to whoever says its code; goods with an age limit need a document."""
    live, tries = service.live, service.tries

    def job() -> Answer:
        now, subject = live.clock.now(), f"order {order_id}"
        at = device_time(live, asked.occurred_at)
        # What is not there to be handed over is no try.
        found = ready_to_collect(live.engine.state, order_id, "collected")
        tries.check(subject, now, live.clock.speed)
        # Of a split order the customer knows one code, that of the whole.
        if not service.tokens.is_pin(found.order.part_of or order_id, asked.code):
            left = tries.note(subject, now)
            raise Problem(
                "wrong_code",
                f"That is not the code of order {order_id}; {left} more tries.",
                {"pointer": "/code", "tries_left": left},
            )
        live.handle(CollectOrder(order_id, at, asked.age_checked))
        return Answer(200, counter_views.collection(live, live.engine.state.order(order_id)))

    return await service.idempotency.once(request, key, asked, job)


@router.post("/orders/{order_id}/no-show", summary="Nobody came for an order")
@needs(Scope.PICKING_WRITE)
@answers(picking.CollectedOrder)
async def give_up_collection(
    order_id: OrderId, service: Here, asked: NoShowIn | None = None
) -> picking.CollectedOrder:
    """Put goods that nobody collected back on the shelf."""
    told, live = asked if asked is not None else NoShowIn(), service.live
    return await _do(
        live,
        order_id,
        lambda: GiveUpCollection(order_id, told.reason, device_time(live, told.occurred_at)),
    )


async def _do(live: Live, order_id: str, command: Callable[[], Command]) -> picking.CollectedOrder:
    def job() -> picking.CollectedOrder:
        live.handle(command())
        return counter_views.collection(live, live.engine.state.order(order_id))

    return await live.run(job)
