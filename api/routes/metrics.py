"""Figures for whoever watches over the service."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import metrics
from api.bootstrap import Service, of_all
from api.courier_views import activity
from api.live import HOUR_S
from api.rights import Ruled, Scope, needs, principal_of
from api.zones import Zones
from dispatch.snapshot import latest_place

router = APIRouter(tags=["health"], route_class=Ruled)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
@needs(Scope.METRICS_READ)
async def read_metrics(request: Request, zones: Annotated[Zones, Depends(of_all)]) -> Response:
    """Return counters, histograms and gauges in Prometheus' text form, of the tenant's zones."""
    tenant = principal_of(request).tenant
    theirs = zones.of_tenant(tenant)
    figures = [await _figures(each) for each in theirs]
    text = metrics.exposition(figures, {each.live.zone_id for each in theirs})
    return Response(text, media_type=metrics.CONTENT_TYPE)


async def _figures(service: Service) -> metrics.ZoneFigures:
    live = service.live
    webhooks = tuple(
        metrics.WebhookFigures(
            each.endpoint.endpoint_id, each.behind, each.waiting, each.state == "parked"
        )
        for each in service.webhooks.figures()
    )

    solving, solves_waiting = service.solving.under_way()

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
            solving=solving,
            solves_waiting=solves_waiting,
            webhooks=webhooks,
        )

    return await live.run(job)
