"""`samehour explain`: an order of a ledger, as of a moment of its day, in words and as data."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import recorded_evening, write_ledger

import samehour
from api.storage.reading import read_recording
from dispatch.events import OrderDelivered, OrderReceived, ParcelPickedUp
from dispatch.model import Policy
from geo.city import find_city, load_city
from simulations.replays.explaining import Past, decided_before
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import PlanningSettings

POLICY = Policy(improve_rounds=2, replan_every_s=60, travel_spread=0.2)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    seldom = replace(load_scenario("helsinki-friday"), planning=PlanningSettings(pause_s=60))
    evening = recorded_evening(seldom, load_city(find_city("helsinki")), POLICY, 1200)
    path = tmp_path_factory.mktemp("explain") / "ledger.db"
    write_ledger(evening, path)
    return path


def delivered(ledger: Path) -> str:
    events = read_recording(str(ledger)).events
    return next(e.event.order_id for e in events if isinstance(e.event, OrderDelivered))


def test_a_closed_order_is_told_as_it_was_decided_and_as_it_went(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert samehour.main(["explain", str(ledger), delivered(ledger)]) == 0
    told = capsys.readouterr().out
    for part in ("As of 2026", "will fetch it at", "What it costs, in courier-seconds", "Stores"):
        assert part in told
    assert "the promise ends (chance " in told
    assert "How it went" in told
    assert "the way to the door: " in told
    assert all(len(line) <= 100 for line in told.splitlines())


def test_the_moment_is_the_last_before_its_courier_was_told(ledger: Path) -> None:
    recording, city = read_recording(str(ledger)), load_city(find_city("helsinki"))
    order_id = delivered(ledger)
    seq = decided_before(recording.events, order_id)
    then = Past(recording, city, seq, recording.events[seq].at).engine.state
    after = Past(recording, city, seq + 1, recording.events[seq].at).engine.state
    assert then.orders[order_id].courier_id is None
    assert after.couriers[recording.events[seq].event.courier_id].commitment is not None  # type: ignore[union-attr]


def test_the_same_is_there_as_data_and_as_of_any_time(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = read_recording(str(ledger)).events
    order_id = delivered(ledger)
    fetched = next(
        e.at for e in events if isinstance(e.event, ParcelPickedUp) and e.event.order_id == order_id
    )
    assert samehour.main(["explain", str(ledger), order_id, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["order_id"] == order_id
    assert not whole["explanation"]["held"]
    assert whole["explanation"]["terms"]
    assert whole["went"]["stretches"]
    when = dt.datetime.fromtimestamp(fetched, dt.UTC).isoformat()
    assert samehour.main(["explain", str(ledger), order_id, "--at", when, "--json"]) == 0
    then = json.loads(capsys.readouterr().out)
    assert then["at"] == fetched
    assert then["explanation"]["held"]
    assert then["went"] is None


def test_what_is_not_there_is_named(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert samehour.main(["explain", str(ledger), "ord_nowhere"]) == 2
    assert "has no order ord_nowhere; it has" in capsys.readouterr().err
    early = ["explain", str(ledger), delivered(ledger), "--at", "2020-01-01T00:00"]
    assert samehour.main(early) == 2
    assert "after --at; name a later time" in capsys.readouterr().err
    assert samehour.main(["explain", "nothing.db", "ord_a"]) == 2


def test_every_order_of_the_ledger_can_be_explained_as_of_its_end(ledger: Path) -> None:
    recording, city = read_recording(str(ledger)), load_city(find_city("helsinki"))
    past = Past(recording, city, len(recording.events), recording.events[-1].at)
    known = [e.event.order.order_id for e in recording.events if isinstance(e.event, OrderReceived)]
    assert len(known) > 5
    for order_id in known:
        assert past.engine.explain(order_id).sentence.endswith(".")
