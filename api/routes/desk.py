"""The dispatcher's desk: hold, lock, reorder, undo, audit."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["desk"])
