"""One client that runs away leaves the others their service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import until
from hypothesis import given
from hypothesis import strategies as st
from kauppa import Kauppa

from api.pace import Pace
from api.problems import Problem


def allowed(pace: Pace, key_id: str, now: float) -> bool:
    try:
        pace.check(key_id, now)
    except Problem:
        return False
    return True


@given(
    per_s=st.floats(0.5, 50),
    gaps=st.lists(st.floats(0, 1), min_size=1, max_size=200),
)
def test_within_any_span_no_more_pass_than_the_rate_and_the_burst(
    per_s: float, gaps: list[float]
) -> None:
    pace, now, passed = Pace(per_s), 1000.0, []
    for gap in gaps:
        now += gap
        if allowed(pace, "key", now):
            passed.append(now)
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            span_s = passed[last] - begin
            assert last - first + 1 <= per_s * (span_s + 2) + 1e-6


def test_who_keeps_to_the_rate_is_never_refused_and_who_waits_may_ask_again() -> None:
    pace = Pace(4)
    assert all(allowed(pace, "steady", n / 4) for n in range(1000))
    assert [allowed(pace, "hasty", 0.0) for _ in range(10)] == [True] * 8 + [False] * 2
    assert allowed(pace, "other", 0.0)
    assert not allowed(pace, "hasty", 0.2)
    assert allowed(pace, "hasty", 0.3)


def test_without_a_rate_everything_passes() -> None:
    pace = Pace(0)
    assert all(allowed(pace, "key", 0.0) for _ in range(10_000))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kauppa]:
    town = Kauppa(tmp_path_factory.mktemp("pace"))
    town.start(environ={"SAMEHOUR_REQUESTS_PER_S": "0.5"})
    yield town
    assert town.stop() == 0, town.log()


def test_a_key_that_asks_too_often_is_told_when_to_come_again_and_others_are_served(
    town: Kauppa,
) -> None:
    first, second = town.key("ops"), town.key("shop")
    until(lambda: town.http.get("/v1/session").status_code == 401, "the door is closed")
    # One request, at half a request a second with two seconds' worth at once.
    assert town.ask(first, "GET", "/v1/session").status_code == 200
    refused = town.ask(first, "GET", "/v1/session")
    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    assert town.ask(second, "GET", "/v1/session").status_code == 200
    assert town.http.get("/healthz").status_code == 200
    until(lambda: town.ask(first, "GET", "/v1/session").status_code == 200, "it may ask again")
