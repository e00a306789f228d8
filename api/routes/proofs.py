"""Proofs: what a courier shows that a stop was done."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["couriers"])
