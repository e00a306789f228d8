"""Where couriers without work were told to wait, and their way there."""

from __future__ import annotations

from typing import Final

import numpy as np

from api.legs import leg, place
from api.live import Live
from api.shapes import couriers
from api.ways import Line
from dispatch.codec import to_rfc3339
from dispatch.model import Store
from dispatch.snapshot import latest_place
from dispatch.state import CourierState
from geo.errors import GeoError
from geo.plane import flat_length_m
from geo.types import LonLat

_THERE_M: Final = 60.0
"""Whoever is this near to the store is where they were told to be."""


def standby(live: Live, found: CourierState) -> couriers.Standby | None:
    """Return where a courier was told to wait for work; None with work, or off shift."""
    near = _store(live, found)
    if near is None or found.standby is None:
        return None
    return {
        "store_id": near.store_id,
        "name": near.name,
        "location": place(near.location),
        "expected_at": to_rfc3339(found.standby.expected_at),
    }


def standby_way(live: Live, found: CourierState) -> couriers.StandbyWay:
    """Return where a courier was told to wait, and the leg there; None for what there is not."""
    near, here = _store(live, found), _here(live, found)
    way = None
    if near is not None and not _is_there(here, near):
        way = leg(live, found.courier.mode, here, near.location)
    return {
        "courier_id": found.courier.courier_id,
        "travel_version": live.engine.travel.version,
        "standby": standby(live, found),
        "leg": way,
    }


def standby_line(live: Live, found: CourierState) -> Line:
    """Return the way still ahead to where a courier was told to wait."""
    near, here = _store(live, found), _here(live, found)
    if near is None or _is_there(here, near):
        return []
    try:
        return live.ways.ahead(found.courier.courier_id, here, near.location, found.courier.mode)
    except GeoError:
        return []  # no way to draw


def _store(live: Live, found: CourierState) -> Store | None:
    told = found.standby
    if told is None or found.busy or not found.on_shift(live.clock.now()):
        return None
    return live.engine.state.store(told.store_id).store


def _here(live: Live, found: CourierState) -> LonLat:
    return latest_place(found, live.engine.positions).place


def _is_there(here: LonLat, store: Store) -> bool:
    return bool(flat_length_m(np.array([here]), np.array([store.location]))[0] <= _THERE_M)
