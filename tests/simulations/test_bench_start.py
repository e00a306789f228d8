"""The benchmark of starts on a short log; how long they take is for the benchmark itself to say."""

from __future__ import annotations

import json
from itertools import islice

import pytest

import samehour
from dispatch.apply import apply
from dispatch.events import OrderReceived
from dispatch.kpis import kpis
from dispatch.state import State
from simulations.benchmarks.start import days, evening_of
from simulations.scenarios.scenario import load_scenario

SCENARIO = "helsinki-rush"
DAY_S = 86_400


def test_an_evening_lived_again_is_a_log_that_goes_on() -> None:
    evening = evening_of(load_scenario(SCENARIO), 700)
    events = list(islice(days(evening), 2 * len(evening)))
    state = State(evening[0].zone_id)
    for one in events:
        state = apply(state, one)
    assert state.seq == len(events)
    first, second = (
        [one.event.order for one in part if isinstance(one.event, OrderReceived)]
        for part in (events[: len(evening)], events[len(evening) :])
    )
    assert len(first) > 10
    assert [order.created_at + DAY_S for order in first] == [order.created_at for order in second]
    assert not {order.order_id for order in first} & {order.order_id for order in second}
    assert kpis(events, DAY_S).delivered == 2 * kpis(evening, DAY_S).delivered


@pytest.mark.long
def test_starts_are_timed_on_nothing_on_a_log_and_with_a_checkpoint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["bench", "start", "--events", "200", "--rounds", "1", "--json"]
    ledgers = ["--ledger", "sqlite", "--ledger", "postgresql"]
    assert samehour.main([*command, *ledgers, "--scenario", SCENARIO]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["events"] == 200
    assert [(one["database"], one["ledger"]) for one in found["starts"]] == [
        (database, ledger)
        for database in ("sqlite", "postgresql")
        for ledger in ("nothing", "200 events", "200 events and a checkpoint")
    ]
    for one in found["starts"]:
        assert all(took > 0 for took in one["all_s"])
        assert all(0 < busy < 60 for busy in one["processor_s"])


def test_an_evening_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert samehour.main(["bench", "start", "--scenario", "atlantis"]) == 2
    assert "atlantis" in capsys.readouterr().err
