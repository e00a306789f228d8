"""Overflow: orders an outside courier company carries."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["carriage"])
