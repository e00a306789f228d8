"""Text messages: all that a courier does, without the app."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["couriers"])
