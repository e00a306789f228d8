"""Answers in OSRM's form where there is no way, and where too many ask at once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Hashable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from api.osrm import OsrmDesk
from api.osrm_answer import OsrmAnswers, as_json
from api.osrm_options import OsrmProblem
from api.osrm_query import route_asked, table_asked
from geo.city import find_city, load_city
from geo.travel import NetworkTravelTimes
from geo.types import UNREACHABLE_S, Mode
from geo.weights import FreeFlow

PLACES = "24.9362,60.1685;24.9450,60.1700;24.9410,60.1655"
NETWORK = load_city(find_city("helsinki")).network


class Closed(FreeFlow):
    """Every street is closed; what stands on one is reached on foot along it."""

    version = "closed"

    def times_ds(self, mode: Mode, period: Hashable) -> NDArray[np.int32]:
        open_ds = super().times_ds(mode, period)
        return np.where(open_ds > 0, UNREACHABLE_S, 0).astype(np.int32)


@pytest.fixture(scope="module")
def closed() -> NetworkTravelTimes:
    return NetworkTravelTimes(NETWORK, Closed(NETWORK))


@pytest.fixture(scope="module")
def answers() -> OsrmAnswers:
    return OsrmAnswers(NETWORK)


def table(answers: OsrmAnswers, travel: NetworkTravelTimes, query: str) -> Any:
    asked = table_asked("car", PLACES, query)
    return json.loads(as_json(answers.table(asked, travel, 0)))


def test_pairs_without_a_way_are_null(answers: OsrmAnswers, closed: NetworkTravelTimes) -> None:
    told = table(answers, closed, "annotations=duration,distance&sources=0;1")
    assert told["durations"] == told["distances"] == [[0, None, None], [None, 0, None]]
    assert "fallback_speed_cells" not in told
    assert told["data_version"] == "closed"


def test_a_fallback_speed_fills_them_as_the_crow_flies(
    answers: OsrmAnswers, closed: NetworkTravelTimes
) -> None:
    query = "annotations=duration,distance&sources=0&fallback_speed=10"
    told = table(answers, closed, f"{query}&scale_factor=3")
    # 0.0088 degrees of longitude at 60.17 N are 486.8 m, 0.0015 of latitude 166.8 m: 514.6 m
    assert told["distances"] == [[0, pytest.approx(514.6, abs=0.2), pytest.approx(427, abs=1)]]
    assert told["durations"][0][1] == pytest.approx(3 * 51.46, abs=0.2)
    assert told["fallback_speed_cells"] == [[0, 1], [0, 2]]
    snapped = table(answers, closed, f"{query}&fallback_coordinate=snapped")
    assert snapped["distances"][0][1] != told["distances"][0][1]
    assert snapped["distances"][0][1] == pytest.approx(514.6, abs=60)


def test_a_route_without_a_way_is_none(answers: OsrmAnswers, closed: NetworkTravelTimes) -> None:
    with pytest.raises(OsrmProblem, match="Impossible route between points") as caught:
        answers.route(route_asked("car", PLACES, ""), closed, 0)
    assert caught.value.code == "NoRoute"


def test_who_comes_when_too_many_wait_is_told_to_come_again() -> None:
    desk, go_on = OsrmDesk(NETWORK), threading.Event()

    def patient(_: OsrmAnswers) -> dict[str, Any]:
        go_on.wait()
        return {"code": "Ok"}

    async def crowd() -> None:
        waiting = [asyncio.create_task(desk.answer(patient)) for _ in range(64)]
        await asyncio.sleep(0)
        with pytest.raises(OsrmProblem, match="64 questions wait already") as caught:
            await desk.answer(patient)
        assert caught.value.status == 503
        go_on.set()
        assert await asyncio.gather(*waiting) == [b'{"code":"Ok"}'] * 64
        assert await desk.answer(patient) == b'{"code":"Ok"}'

    try:
        asyncio.run(crowd())
    finally:
        go_on.set()
        desk.close()
