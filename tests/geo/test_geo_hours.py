"""Opening hours, in local time, asked in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InvalidOpeningHoursError, UnknownTimeZoneError
from geo.hours import open_windows

HELSINKI = "Europe/Helsinki"


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def windows(hours: str, start: str, end: str, zone: str = HELSINKI) -> list[tuple[str, str]]:
    found = open_windows(hours, zone, utc(start), utc(end))
    return [
        (
            f"{datetime.fromtimestamp(a, UTC):%m-%d %H:%M}",
            f"{datetime.fromtimestamp(b, UTC):%m-%d %H:%M}",
        )
        for a, b in found
    ]


def test_hours_are_local_and_answers_are_utc() -> None:
    # Helsinki is two hours ahead of UTC in winter, three in summer
    assert windows("Mo-Su 08:00-20:00", "2026-01-12T00:00", "2026-01-13T00:00") == [
        ("01-12 06:00", "01-12 18:00")
    ]
    assert windows("Mo-Su 08:00-20:00", "2026-07-13T00:00", "2026-07-14T00:00") == [
        ("07-13 05:00", "07-13 17:00")
    ]


def test_no_hours_mean_always_open() -> None:
    whole = [("01-12 00:00", "01-15 00:00")]
    assert windows("", "2026-01-12T00:00", "2026-01-15T00:00") == whole
    assert windows("24/7", "2026-01-12T00:00", "2026-01-15T00:00") == whole


def test_windows_are_cut_to_what_was_asked_for() -> None:
    assert windows("08:00-20:00", "2026-01-12T10:00", "2026-01-12T11:00") == [
        ("01-12 10:00", "01-12 11:00")
    ]
    assert windows("08:00-20:00", "2026-01-12T20:00", "2026-01-12T21:00") == []
    assert open_windows("24/7", HELSINKI, 100, 100) == ()


def test_a_night_shop_is_open_over_midnight() -> None:
    assert windows("Fr 22:00-04:00", "2026-01-16T00:00", "2026-01-18T00:00") == [
        ("01-16 20:00", "01-17 02:00")
    ]
    # asked in the middle of the night, the window of the day before still counts
    assert windows("Fr 22:00-04:00", "2026-01-17T00:00", "2026-01-17T12:00") == [
        ("01-17 00:00", "01-17 02:00")
    ]


def test_the_night_of_spring_is_an_hour_shorter_and_that_of_autumn_an_hour_longer() -> None:
    spring = open_windows("22:00-06:00", HELSINKI, utc("2026-03-28T12:00"), utc("2026-03-29T12:00"))
    autumn = open_windows("22:00-06:00", HELSINKI, utc("2026-10-24T12:00"), utc("2026-10-25T12:00"))
    assert [b - a for a, b in spring] == [7 * 3600]
    assert [b - a for a, b in autumn] == [9 * 3600]


def test_breaks_and_days_off_are_kept() -> None:
    hours = "Mo-Fr 08:00-12:00,13:00-18:00; Sa 10:00-14:00; Su off"
    assert windows(hours, "2026-01-16T00:00", "2026-01-19T00:00") == [
        ("01-16 06:00", "01-16 10:00"),
        ("01-16 11:00", "01-16 16:00"),
        ("01-17 08:00", "01-17 12:00"),
    ]


def test_public_holidays_are_those_of_the_zones_country() -> None:
    # 6 December is a holiday in Finland, not in France
    hours = "Mo-Su 08:00-20:00; PH off"
    assert windows(hours, "2026-12-06T00:00", "2026-12-07T00:00") == []
    paris = windows(hours, "2026-12-06T00:00", "2026-12-07T00:00", "Europe/Paris")
    assert paris == [("12-06 07:00", "12-06 19:00")]


@pytest.mark.parametrize("text", ["nonsense", "Mo-Fr 8am to 8pm", "Mo-Fr 99:00-12:00", "08:00-"])
def test_a_text_that_is_no_hours_is_named(text: str) -> None:
    with pytest.raises(InvalidOpeningHoursError, match=text):
        open_windows(text, HELSINKI, 0, 86_400)


def test_an_unknown_time_zone_is_named() -> None:
    for zone in ("Mars/Olympus", "", "../etc"):
        with pytest.raises(UnknownTimeZoneError, match="no time zone"):
            open_windows("24/7", zone, 0, 86_400)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    opens=st.integers(0, 23),
    hours=st.integers(1, 23),
    start=st.integers(utc("2026-01-01T00:00"), utc("2027-01-01T00:00")),
    span_s=st.integers(1, 5 * 86_400),
)
def test_windows_are_ascending_apart_and_inside(
    opens: int, hours: int, start: int, span_s: int
) -> None:
    text = f"{opens:02}:30-{(opens + hours) % 24:02}:30"
    found = open_windows(text, HELSINKI, start, start + span_s)
    edges = [edge for window in found for edge in window]
    assert edges == sorted(set(edges))
    assert all(start <= edge <= start + span_s for edge in edges)
    # asking for two halves gives the same opening time as asking once
    middle = start + span_s // 2
    halves = (
        *open_windows(text, HELSINKI, start, middle),
        *open_windows(text, HELSINKI, middle, start + span_s),
    )
    assert sum(b - a for a, b in halves) == sum(b - a for a, b in found)
