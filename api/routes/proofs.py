"""Proof of stops: pictures sent before the report that names them, and what an order has."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from api.bootstrap import Service, of_request
from api.courier_views import proofs
from api.problems import Problem
from api.proofs import picture
from api.rights import Ruled, Scope, needs
from api.schemas import Id
from api.shapes import couriers
from api.shapes.declaring import answers

router = APIRouter(prefix="/v1", tags=["proofs"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
Json = dict[str, Any]

_ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_PICTURES: Final[Json] = {
    kind: {"schema": {"type": "string", "format": "binary"}} for kind in _ENDINGS
}
_BODY: Final[Json] = {"requestBody": {"required": True, "content": _PICTURES}}
_ANSWER: Final[dict[int | str, Json]] = {
    200: {"description": "The picture", "content": _PICTURES},
}


@router.post("/proofs", status_code=201, summary="Send a picture", openapi_extra=_BODY)
@needs(Scope.PROOFS_WRITE, narrowed=True)
@answers(couriers.KeptPicture)
async def keep_picture(request: Request, service: Here) -> couriers.KeptPicture:
    """Keep a JPEG, PNG or WebP picture of 3 MB at most; the same one twice has the same id."""
    found = picture(await request.body(), request.headers.get("content-type", ""))
    live = service.live
    await asyncio.to_thread(live.ledger.keep_blob, live.zone_id, found, live.clock.now())
    return {
        "blob_id": found.blob_id,
        "content_type": found.content_type,
        "size_bytes": len(found.body),
    }


@router.get("/proofs/{blob_id}", summary="A picture", responses=_ANSWER, response_class=Response)
@needs(Scope.PROOFS_READ)
async def get_picture(blob_id: Annotated[Id, Path()], service: Here) -> Response:
    """Return a picture as it was sent."""
    live = service.live
    found = await asyncio.to_thread(live.ledger.blob, live.zone_id, blob_id)
    if found is None:
        raise Problem("unknown_id", f"There is no picture {blob_id}.")
    name = f"{blob_id}.{_ENDINGS[found.content_type]}"
    return Response(
        found.body,
        media_type=found.content_type,
        headers={
            # Shown by a page of ours, saved when opened by itself: never run.
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=31536000, immutable",
        },
    )


@router.get("/orders/{order_id}/proofs", summary="What was shown at an order's stops")
@needs(Scope.PROOFS_READ)
@answers(couriers.Proofs)
async def get_proofs(order_id: str, service: Here) -> couriers.Proofs:
    """Return the proofs of an order, in the order they were taken; a PIN itself is in none."""
    live = service.live
    return await live.run(lambda: {"data": proofs(live.engine.state.order(order_id))})
