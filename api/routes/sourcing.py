"""Sourcing by hand: pin, exclude, move to another store."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["orders"])
