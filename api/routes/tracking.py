"""What the customer sees: the tracking link, its page and what may be answered there.

A link carries a token that nobody can guess; whoever has it needs no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api import assets, tracking_views
from api.bootstrap import Service, of_request, of_token
from api.order_schemas import TrackedAnswerIn, TrackedHereIn, TrackedNoteIn
from api.problems import Problem
from api.rights import Ruled, Scope, needs, open_to_all
from api.schemas import Id, Sku
from api.shapes import orders, tracked
from api.shapes.declaring import answers
from api.tokens import LINK_LIFE_S
from dispatch.commands import AmendOrder, AnswerSubstitution, ArriveToCollect
from dispatch.errors import UnknownIdError
from dispatch.state import OrderState, family

router = APIRouter(tags=["tracking"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
Customers = Annotated[Service, Depends(of_token)]
Token = Annotated[str, Path(max_length=200)]
Json = dict[str, Any]

_SHOWN_S: Final = 86_400
"""A link works so long after the last parcel came to its end."""

_CUSTOMER: Final = "customer"


@router.get("/v1/orders/{order_id}/tracking", summary="The customer's link and PIN")
@needs(Scope.TRACKING_READ)
@answers(orders.TrackingLink)
async def get_tracking(
    order_id: Annotated[Id, Path()], request: Request, service: Here
) -> JSONResponse:
    """Return what the shop tells its customer: the link, and the PIN for door or counter."""
    live, base = service.live, str(request.base_url)

    def job() -> orders.TrackingLink:
        found = live.engine.state.order(order_id)
        whole = found.order.part_of or order_id
        ordered_at = live.engine.state.order(whole).order.created_at
        token = service.tokens.tracking(whole, ordered_at)
        return {"token": token, "url": f"{base}t/{token}", "pin": service.tokens.pin(whole)}

    return _private(await live.run(job))


@router.get("/v1/track/{token}", summary="An order as its customer sees it")
@open_to_all
@answers(tracked.Tracking)
async def track(token: Token, service: Customers) -> JSONResponse:
    """Return where an order is and when to expect it, until a day after it came."""
    live = service.live
    return _private(await live.run(lambda: _shown(service, token)))


@router.patch("/v1/track/{token}", summary="Tell the courier how to find the door")
@open_to_all
@answers(tracked.Tracking)
async def instruct(token: Token, asked: TrackedNoteIn, service: Customers) -> JSONResponse:
    """Change the note for the courier; until the goods are delivered."""
    live = service.live

    def job() -> tracked.Tracking:
        parts = _tracked(service, token)
        now = live.clock.now()
        live.handle(AmendOrder(parts[0].order_id, now, _CUSTOMER, note=asked.note))
        return _shown(service, token)

    return _private(await live.run(job))


@router.post(
    "/v1/track/{token}/substitutions/{sku:path}", summary="Take what is offered, or leave it"
)
@open_to_all
@answers(tracked.Tracking)
async def answer(
    token: Token, sku: Annotated[Sku, Path()], asked: TrackedAnswerIn, service: Customers
) -> JSONResponse:
    """Answer what was offered for a missing article."""
    live = service.live

    def job() -> tracked.Tracking:
        parts = _tracked(service, token)
        part = next(
            (one for one in parts if any(offered.sku == sku for offered in one.substitutions)),
            None,
        )
        if part is None:
            raise UnknownIdError(f"nothing was offered for {sku}")
        now = live.clock.now()
        live.handle(AnswerSubstitution(part.order_id, sku, asked.accepted, now))
        return _shown(service, token)

    return _private(await live.run(job))


@router.post("/v1/track/{token}/here", summary="I'm here")
@open_to_all
@answers(tracked.Tracking)
async def arrive(token: Token, asked: TrackedHereIn, service: Customers) -> JSONResponse:
    """Tell the store that the customer is here to collect; at the kerb, in which bay."""
    live = service.live

    def job() -> tracked.Tracking:
        parts = _tracked(service, token)
        live.handle(ArriveToCollect(parts[0].order_id, asked.bay.strip(), live.clock.now()))
        return _shown(service, token)

    return _private(await live.run(job))


@router.get("/t/{token}", include_in_schema=False)
@open_to_all
async def page(token: Token, request: Request) -> Response:
    """Return the customer's page; it says itself when its link is wrong or over."""
    found = assets.find("track.html")
    if found is None:
        raise HTTPException(404)
    said = assets.answer(request, found)
    try:
        await of_token(token, request)
    except Problem:
        said.status_code = 404
    return said


def _tracked(service: Service, token: str) -> tuple[OrderState, ...]:
    """Return the parts of the order that a token is for.

    Raises
    ------
    Problem
        `link_expired` a day after the order came to its end, and when the link itself is over.
    """
    state, now = service.live.engine.state, service.live.clock.now()
    named = state.order(service.tokens.order_of(token) or "")
    expires_at = service.tokens.expiry_of(token) or named.order.created_at + LINK_LIFE_S
    if now > expires_at:
        raise Problem("link_expired", "The order was placed too long ago.")
    parts = family(state, named)
    ends = [part.closed_at for part in parts]
    closed = [at for at in ends if at is not None]
    if len(closed) == len(parts) and now > max(closed) + _SHOWN_S:
        raise Problem("link_expired", "The order came to its end more than a day ago.")
    return parts


def _shown(service: Service, token: str) -> tracked.Tracking:
    return tracking_views.tracking(service.live, service.tokens, _tracked(service, token))


def _private(body: Mapping[str, Any]) -> JSONResponse:
    """Return an answer that nobody between may keep."""
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
