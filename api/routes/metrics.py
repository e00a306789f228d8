"""Figures for whoever watches over the service."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api import metrics
from api.bootstrap import Service, of_request
from api.courier_views import activity
from api.live import HOUR_S
from dispatch.snapshot import latest_place

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def read_metrics(service: Annotated[Service, Depends(of_request)]) -> Response:
    """Return counters, histograms and gauges in Prometheus' text form."""
    live = service.live

    def job() -> metrics.ZoneFigures:
        now, state = live.clock.now(), live.engine.state
        crew = [courier for courier in state.couriers.values() if courier.on_shift(now)]
        ages = [
            now - latest_place(courier, live.engine.positions).at
            for courier in crew
            if courier.busy
        ]
        return metrics.ZoneFigures(
            zone=live.zone_id,
            seq=state.seq,
            kpis=live.kpis.figures(now, now - HOUR_S),
            couriers=dict(Counter(activity(courier, now) for courier in crew)),
            oldest_position_s=max(ages, default=None),
        )

    text = metrics.exposition([await live.run(job)])
    return Response(text, media_type=metrics.CONTENT_TYPE)
