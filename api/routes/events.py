"""The event log, to read, to wait for, or to follow as a stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from api import views
from api.bootstrap import Service, of_request
from api.notify import Feed
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.shapes import events
from api.shapes.declaring import answers
from dispatch.events import CatalogueSet, Recorded, ShelvesSet, StockSet

router = APIRouter(prefix="/v1/events", tags=["events"], route_class=Ruled)

_PAGE: Final = 500
_HEARTBEAT_S: Final = 15.0
_MAX_SEQ: Final = 2**53
_MOST_SKUS: Final = 50_000
"""Named by the events of one page, as far as there are several."""


@router.get(
    "",
    summary="Events after a sequence number",
    responses={200: {"content": {"application/json": {}, "text/event-stream": {}}}},
)
@needs(Scope.EVENTS_READ)
@answers(events.EventPage)
async def read_events(
    request: Request,
    service: Annotated[Service, Depends(of_request)],
    after: Annotated[int | None, Query(ge=0, le=_MAX_SEQ)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = _PAGE,
    wait: Annotated[float, Query(ge=0, le=60, allow_inf_nan=False)] = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Return durable events in order; with `Accept: text/event-stream`, go on as they happen.

    A stream without `after` and `Last-Event-ID` begins with what happens next.
    """
    feed = service.live.feed
    if "text/event-stream" in request.headers.get("accept", ""):
        start = _resumed(last_event_id) if last_event_id else after
        return StreamingResponse(
            _stream(feed, feed.seq if start is None else start),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    seq = after or 0
    if wait:
        await feed.wait(seq, wait)
    page = _light(await feed.after(seq, limit))

    def answer() -> JSONResponse:
        return JSONResponse(
            {
                "data": [views.event(recorded) for recorded in page],
                "next": page[-1].seq if page else max(seq, 0),
            }
        )

    return await asyncio.to_thread(answer)


def _light(page: Sequence[Recorded]) -> Sequence[Recorded]:
    """Return a page, cut short where files of whole shops make it heavy; the first event stays."""
    weight = 0
    for index, recorded in enumerate(page):
        match recorded.event:
            case StockSet(on_hand=amounts) | ShelvesSet(safety_stock=amounts):
                weight += len(amounts)
            case CatalogueSet(articles=articles):
                weight += len(articles)
        if weight > _MOST_SKUS and index:
            return page[:index]
    return page


def _resumed(last_event_id: str) -> int:
    if not last_event_id.isdecimal() or int(last_event_id) > _MAX_SEQ:
        raise Problem(
            "invalid_request",
            f"Last-Event-ID is {last_event_id[:40]!r}; send the id of an event of this stream.",
        )
    return int(last_event_id)


async def _stream(feed: Feed, seq: int) -> AsyncIterator[str]:
    # At once, so that the other side knows it is connected.
    yield ": following\n\n"
    while not feed.closing:
        page = _light(await feed.after(seq, _PAGE))
        if page:
            yield await asyncio.to_thread(_as_stream, page)
            seq = page[-1].seq
        elif not await feed.wait(seq, _HEARTBEAT_S) and not feed.closing:
            yield ": still here\n\n"


def _as_stream(page: Sequence[Recorded]) -> str:
    return "".join(
        f"id: {recorded.seq}\nevent: {type(recorded.event).__name__}\n"
        f"data: {json.dumps(views.event(recorded), separators=(',', ':'))}\n\n"
        for recorded in page
    )
