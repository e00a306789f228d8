"""What happened, as files for spreadsheets, notebooks and maps; streamed, however long they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response, StreamingResponse

from api.bootstrap import Service, of_request
from api.exports import rows
from api.exports.forms import Form
from api.live import HOUR_S
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.routes.times import From, To, period

router = APIRouter(prefix="/v1/exports", tags=["exports"], route_class=Ruled)

_DURABLE_WITHIN_S: Final = 5.0
_MOST_STRETCHES: Final = 10_000


class Exported(StrEnum):
    """What can be had."""

    ORDERS = "orders"
    STOPS = "stops"
    TRACKS = "tracks"
    KPIS = "kpis"


@router.get(
    "/{what}.{form}",
    summary="Orders, stops, tracks or figures as a file",
    response_class=Response,
    responses={200: {"content": {form.media_type: {} for form in Form}}},
)
@needs(Scope.EXPORTS_READ)
async def export(
    what: Annotated[Exported, Path()],
    form: Annotated[Form, Path()],
    service: Annotated[Service, Depends(of_request)],
    begins: From = None,
    ends: To = None,
    every_s: Annotated[int, Query(ge=60, le=31_536_000)] = HOUR_S,
) -> Response:
    """Return what happened from `from` until `to`, the last 24 hours when neither is given.

    Orders count by their click, stops by when a courier was told, positions by their device.
    Figures come in stretches of `every_s` seconds, and have no place on a map.
    """
    sheet = rows.SHEETS[what]
    if form is Form.GEOJSON and not sheet.has_places:
        raise Problem(
            "invalid_request",
            f"{what} have no place on a map; ask for {what}.csv or {what}.parquet.",
            {"pointer": "/form"},
        )
    live = service.live

    def job() -> Iterable[rows.Row]:
        now = live.clock.now()
        start, end = period(now, begins, ends)
        state, zone, database = live.engine.state, live.zone_id, live.ledger.engine
        match what:
            case Exported.ORDERS:
                known: list[Any] = [*state.closed.values(), *state.orders.values()]
                chosen = [one for one in known if start <= one.order.created_at < end]
                chosen.sort(key=lambda one: (one.order.created_at, one.order_id))
                return rows.order_rows(chosen)
            case Exported.STOPS:
                return rows.stop_rows(database, zone, state, start, end, state.seq)
            case Exported.TRACKS:
                return rows.track_rows(database, zone, start, end)
        if (end - start) / every_s > _MOST_STRETCHES:
            raise Problem(
                "invalid_request",
                f"every_s makes more than {_MOST_STRETCHES} stretches; give a longer one.",
                {"pointer": "/every_s"},
            )
        return rows.kpi_rows(live.kpis, now, start, end, every_s)

    found = await live.run(job)
    # The state may be a group of writes ahead of what can be read.
    await live.feed.wait(live.engine.state.seq - 1, _DURABLE_WITHIN_S)
    pieces = form.written(sheet, found)
    # What goes wrong at once has an answer of its own; later the stream can only break off.
    first = await asyncio.to_thread(next, pieces, b"")

    def whole() -> Iterable[bytes]:
        yield first
        yield from pieces

    name = f"{live.zone_id}-{what}.{form}"
    return StreamingResponse(
        whole(),
        media_type=form.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
