"""Offers: pickups a courier may take or leave."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["couriers"])
