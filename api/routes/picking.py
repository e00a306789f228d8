"""Picking: from the shelf to the counter, and in whose hands a parcel is from there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from api import picking_views, views
from api.bootstrap import Service, of_parcel, of_request
from api.idempotency import Answer, RetryKey
from api.picking_schemas import AnswerIn, ItemIn, ScanIn, ShortIn
from api.problems import of_error
from api.rights import Ruled, Scope, needs, open_to_all, principal_of
from api.routes.times import device_time
from api.schemas import Id, PickingIn, Sku
from api.shapes import orders, picking
from api.shapes.declaring import answers
from api.theirs import is_theirs
from dispatch.commands import AnswerSubstitution, CompletePick, StartPick
from dispatch.errors import UnknownIdError, WrongArticleError, WrongStateError
from dispatch.records import SubstitutionAnswer
from dispatch.rules.custody import order_of_parcel, parcel

router = APIRouter(prefix="/v1", tags=["picking"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
StoreId = Annotated[Id, Path()]
OrderId = Annotated[Id, Path()]


@router.get("/stores/{store_id}/picks", summary="What to pick, in the order of work")
@needs(Scope.PICKING_READ)
@answers(picking.Picks)
async def list_picks(store_id: StoreId, service: Here) -> picking.Picks:
    """Return the orders a store is picking or has to pick, by when each must be ready."""
    live = service.live
    return await live.run(
        lambda: {"data": picking_views.queue(live, live.engine.state.store(store_id))}
    )


@router.post("/orders/{order_id}/picking", summary="A picker began or finished")
@needs(Scope.PICKING_WRITE)
@answers(orders.Order)
async def report_picking(order_id: OrderId, asked: PickingIn, service: Here) -> orders.Order:
    """Take in that picking has begun (`started`) or that the order is packed (`ready`)."""
    live = service.live

    def job() -> orders.Order:
        at = device_time(live, asked.occurred_at)
        started = asked.event == "started"
        live.handle(StartPick(order_id, at) if started else CompletePick(order_id, at))
        return views.order_now(live, order_id)

    return await live.run(job)


@router.post("/orders/{order_id}/short", summary="A picker found too few")
@needs(Scope.PICKING_WRITE)
@answers(picking.Pick)
async def report_short(
    order_id: OrderId, asked: ShortIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Take what is missing off an order, or ask the customer about another article instead."""
    live = service.live

    def job() -> Answer:
        command = asked.command(order_id, device_time(live, asked.occurred_at))
        try:
            live.handle(command)
        except WrongStateError as error:
            problem = of_error(error)
            if error.state == SubstitutionAnswer.PENDING:
                problem.extra["pointer"] = "/sku"
            raise problem from error
        state = live.engine.state
        return Answer(200, picking_views.pick_row(state, state.order(order_id)))

    return await service.idempotency.once(request, key, asked, job)


@router.post(
    "/orders/{order_id}/substitutions/{sku:path}", summary="The customer takes it or leaves it"
)
@needs(Scope.PICKING_WRITE)
@answers(picking.Pick)
async def answer_substitution(
    order_id: OrderId, sku: Annotated[Sku, Path()], asked: AnswerIn, service: Here
) -> picking.Pick:
    """Take in the customer's answer to what was offered for a missing article."""
    live = service.live

    def job() -> picking.Pick:
        at = device_time(live, asked.occurred_at)
        live.handle(AnswerSubstitution(order_id, sku, asked.accepted, at))
        state = live.engine.state
        return picking_views.pick_row(state, state.order(order_id))

    return await live.run(job)


# --- scans -------------------------------------------------------------------------------------


@router.post("/orders/{order_id}/items", status_code=201, summary="An article was scanned")
@needs(Scope.PICKING_WRITE)
@answers(picking.Items)
async def scan_item(
    order_id: OrderId, asked: ItemIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Take in which package went into an order, with its batch and origin."""
    live = service.live

    def job() -> Answer:
        command = asked.command(order_id, device_time(live, asked.occurred_at))
        try:
            live.handle(command)
        except WrongArticleError as error:
            problem = of_error(error)
            problem.extra["pointer"] = "/barcode"
            raise problem from error
        state = live.engine.state
        return Answer(201, picking_views.items(state, state.order(order_id)))

    return await service.idempotency.once(request, key, asked, job)


@router.get("/orders/{order_id}/items", summary="What was scanned into an order")
@needs(Scope.PICKING_READ)
@answers(picking.Items)
async def list_items(order_id: OrderId, service: Here) -> picking.Items:
    """Return the packages scanned into an order, and what lacks a scan."""
    live = service.live

    def job() -> picking.Items:
        state = live.engine.state
        return picking_views.items(state, state.order(order_id))

    return await live.run(job)


@router.post("/scans", summary="A parcel was scanned")
@needs(Scope.PICKING_WRITE, narrowed=True)
@answers(picking.Custody)
async def scan_parcel(asked: ScanIn, request: Request, service: Here) -> picking.Custody:
    """Take in that a parcel passed a step of the chain of custody; the same again is no news."""
    live, who = service.live, principal_of(request)

    def job() -> picking.Custody:
        if not is_theirs(live.engine.state, who, order_of_parcel(asked.parcel_id)):
            raise UnknownIdError(f"there is no parcel {asked.parcel_id}")
        live.handle(asked.command(device_time(live, asked.occurred_at)))
        return picking_views.custody(parcel(live.engine.state, asked.parcel_id))

    return await live.run(job)


@router.get("/orders/{order_id}/custody", summary="In whose hands a parcel was")
@needs(Scope.PICKING_READ)
@answers(picking.Custody)
async def get_custody(order_id: OrderId, service: Here) -> picking.Custody:
    """Return the chain of custody, with its gaps named."""
    live = service.live
    return await live.run(lambda: picking_views.custody(live.engine.state.order(order_id)))


@router.get("/trace/{parcel_id}/{barcode}", summary="Where an article comes from")
@open_to_all
@answers(picking.Trace)
async def get_trace(
    parcel_id: Annotated[Id, Path()],
    barcode: Annotated[str, Path(min_length=1, max_length=64)],
    service: Annotated[Service, Depends(of_parcel)],
) -> picking.Trace:
    """Return batch, origin and way of an article that was scanned into a parcel."""
    live = service.live
    return await live.run(lambda: picking_views.trace(live.engine.state, parcel_id, barcode))
