"""What the customer sees: the tracking link."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["tracking"])
