"""Opening hours: OpenStreetMap's grammar in local time, answered as windows in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# The library's stub leaves its errors out.
from opening_hours import (  # type: ignore[attr-defined]
    OpeningHours,
    ParserError,
    State,
    UnknownCountryError,
)

from geo.errors import InvalidOpeningHoursError, UnknownTimeZoneError

_DAY: Final = timedelta(days=1)
_ZONE_COLUMNS: Final = 3


def open_windows(
    opening_hours: str, time_zone: str, start: int, end: int
) -> tuple[tuple[int, int], ...]:
    """Return when a place is open between two moments.

    Parameters
    ----------
    opening_hours
        OpenStreetMap's grammar, local time; empty means always open.  Public holidays (`PH`) are
        those of the country that the time zone lies in.  Times said to be unknown count as closed.
    time_zone
        IANA name, such as `Europe/Helsinki`.
    start, end
        UTC epoch seconds.

    Returns
    -------
    tuple of (from, to)
        UTC epoch seconds, ascending, apart from each other, within `start` and `end`.

    Raises
    ------
    InvalidOpeningHoursError
        The text is not in the grammar.
    UnknownTimeZoneError
        There is no such time zone.

    Notes
    -----
    Local times become UTC one by one, so a window is an hour shorter or longer in the nights when
    the clocks change.  A time that does not exist that night is taken an hour later, one that
    exists twice the first time.
    """
    zone = _zone(time_zone)
    if start >= end:
        return ()
    if not opening_hours.strip():
        return ((start, end),)
    hours = _parsed(opening_hours.strip(), country_of(time_zone))
    # A day of margin, so that no change of the clocks cuts off the first or the last window.
    begin_local = (datetime.fromtimestamp(start, zone) - _DAY).replace(tzinfo=None)
    end_local = (datetime.fromtimestamp(end, zone) + _DAY).replace(tzinfo=None)
    windows: list[tuple[int, int]] = []
    for since, until, state, _ in hours.intervals(begin_local, end_local):
        if state != State.OPEN:
            continue
        opens = max(_utc(since, zone), start)
        shuts = min(_utc(min(until, end_local), zone), end)
        if opens >= shuts:
            continue
        if windows and opens <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(shuts, windows[-1][1]))
        else:
            windows.append((opens, shuts))
    return tuple(windows)


def check_opening_hours(opening_hours: str) -> None:
    """Raise `InvalidOpeningHoursError` unless the text is empty or in the grammar."""
    if opening_hours.strip():
        _parsed(opening_hours.strip(), None)


def _utc(local: datetime, zone: ZoneInfo) -> int:
    return int(local.replace(tzinfo=zone).astimezone(UTC).timestamp())


@lru_cache(maxsize=4096)
def _parsed(opening_hours: str, country: str | None) -> OpeningHours:
    try:
        return OpeningHours(opening_hours, country=country)
    except UnknownCountryError:
        return OpeningHours(opening_hours)
    except ParserError as error:
        raise InvalidOpeningHoursError(
            f"opening hours '{opening_hours}' cannot be read; write them as on OpenStreetMap, "
            "for example 'Mo-Sa 08:00-21:00; Su 10:00-18:00'"
        ) from error


@lru_cache(maxsize=64)
def _zone(time_zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZoneError(
            f"there is no time zone '{time_zone}'; use a name such as 'Europe/Helsinki'"
        ) from error


def check_time_zone(time_zone: str) -> None:
    """Raise `UnknownTimeZoneError` unless the time zone database has the name."""
    _zone(time_zone)


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Return the country of each time zone, from the table that the time zone database ships."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows if len(row) >= _ZONE_COLUMNS}


def country_of(time_zone: str) -> str | None:
    """Return the ISO 3166 code of the country that a time zone lies in, if it lies in one."""
    return _countries().get(time_zone)
