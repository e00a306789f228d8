"""What a command about a ledger is asked for: its city, and a time in it."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from dispatch.recording import Recording
from geo.city import City, find_city, load_city
from geo.errors import CityError
from simulations.errors import ReplayError


def city_of(named: str | None, recording: Recording) -> City:
    """Return the city of a ledger, or the one named; raises `ReplayError`."""
    beginnings = recording.beginnings
    name = named or (beginnings[-1].city if beginnings else recording.zone)
    try:
        return load_city(find_city(name))
    except CityError as error:
        raise ReplayError(f"{error}. Name the city of {recording.where} with --city") from error


def moment(text: str | None, flag: str, time_zone: str) -> int | None:
    """Return a time that was written as local or with an offset; raises `ReplayError`."""
    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ReplayError(
            f"{flag} {text} is no time; write 2026-11-20T17:00 (local), or with Z or an offset"
        ) from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(time_zone))
    return int(found.timestamp())
