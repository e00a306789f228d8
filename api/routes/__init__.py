"""Thin HTTP, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from api.routes import (
    couriers,
    events,
    health,
    operations,
    orders,
    osrm,
    pages,
    stores,
    traffic,
    zones,
)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    zones.router,
    orders.router,
    stores.router,
    couriers.router,
    events.router,
    operations.router,
    traffic.router,
    osrm.router,
    pages.router,
)
"""Every router, in the order of the API document."""
