"""A recorded evening is lived again, identical; and what is not identical is found and named."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest
from recorded import recorded_evening, with_entries, with_events

from dispatch import journal as j
from dispatch.codec import LOG
from dispatch.events import OrderReceived, StoreRegistered
from dispatch.model import Policy
from dispatch.recording import Recording
from geo.city import City
from simulations.errors import ReplayError
from simulations.replays.replay import Mark, Outcome, Replay
from simulations.scenarios.settings import ClosureSettings, MishapSettings, Scenario

QUICK = Policy(improve_rounds=2, standby_horizon_s=900)
LASTS_S = 480


@pytest.fixture(scope="module")
def lively(friday: Scenario, helsinki: City) -> Scenario:
    """Return an evening with offers, breaks, closed streets and breakdowns."""
    middle = helsinki.stores[0].location
    starts_at = friday.starts_at
    couriers = tuple(
        replace(
            courier,
            takes_offers=number % 2 == 0,
            accept_share=0.8,
            # The shift began an hour and a half before the evening.
            break_after_s=5400 + 120 + 40 * number,
            break_s=120,
        )
        for number, courier in enumerate(friday.couriers)
    )
    works = ClosureSettings(
        name="works",
        starts_at=starts_at + dt.timedelta(minutes=2),
        ends_at=starts_at + dt.timedelta(minutes=6),
        around=middle,
        radius_m=120,
    )
    mishaps = MishapSettings(breakdowns_per_hour=3.0, repair_s=(200, 400))
    return replace(friday, couriers=couriers, closures=(works,), mishaps=mishaps)


@pytest.fixture(scope="module")
def evening(lively: Scenario, helsinki: City) -> Recording:
    return recorded_evening(lively, helsinki, QUICK, LASTS_S)


def lived(recording: Recording, city: City, **how: int | None) -> Outcome:
    return Replay(recording, city, **how).run()  # type: ignore[arg-type]


def entries(recording: Recording) -> list[j.Noted]:
    return list(recording.inputs.after(0))


def test_the_same_inputs_give_the_same_events(evening: Recording, helsinki: City) -> None:
    kinds = Counter(type(noted.entry) for noted in entries(evening))
    assert set(kinds) == {
        j.Began,
        j.Handled,
        j.Told,
        j.Reported,
        j.Asked,
        j.Published,
        j.StreetsChanged,
    }
    assert kinds[j.StreetsChanged] >= 3  # as built, closed, open again
    facts = Counter(type(recorded.event).__name__ for recorded in evening.events)
    assert facts["OfferMade"] > 0
    assert facts["BreakStarted"] >= facts["BreakEnded"] > 2
    assert facts["BreakWanted"] == 0
    outcome = lived(evening, helsinki)
    assert outcome.is_identical, [str(one) for one in outcome.differences]
    assert outcome.compared == outcome.identical == len(evening.events)
    assert outcome.plans == kinds[j.Published] > 10
    assert outcome.positions == kinds[j.Reported] > 100
    assert outcome.taken_over == outcome.cut_short == outcome.unasked == outcome.unkept == 0


def test_another_policy_is_found_out(evening: Recording, helsinki: City) -> None:
    first, *others = entries(evening)
    assert isinstance(first.entry, j.Began)
    other = replace(first.entry, policy=replace(QUICK, promise_margin_s=200))
    outcome = lived(with_entries(evening, [first._replace(entry=other), *others]), helsinki)
    assert not outcome.is_identical
    assert outcome.differing["OrderReceived"] > 5
    assert outcome.differences[0].where.startswith("promise.")
    # What differs is taken over as recorded: stores and shifts are not counted again and again.
    assert outcome.differing["StoreRegistered"] == outcome.differing["ShiftStarted"] == 0
    assert outcome.compared == len(evening.events)


def test_a_tampered_event_is_named_with_both_sides(evening: Recording, helsinki: City) -> None:
    index = next(k for k, r in enumerate(evening.events) if isinstance(r.event, OrderReceived))
    true = evening.events[index].event
    assert isinstance(true, OrderReceived)
    false = replace(true, order=replace(true.order, weight_g=1))
    events = list(evening.events)
    events[index] = replace(events[index], event=false)
    outcome = lived(with_events(evening, events), helsinki)
    first = outcome.differences[0]
    assert (first.seq, first.where) == (index + 1, "order.weight_g")
    assert first.recorded is not None
    assert first.made is not None
    assert first.recorded["order"]["weight_g"] == 1
    assert first.made["order"]["weight_g"] == true.order.weight_g
    assert f"event {index + 1}" in str(first)
    assert f"OrderReceived.order.weight_g was 1, now {true.order.weight_g}" in str(first)


def test_events_that_are_missing_or_too_many_are_found(evening: Recording, helsinki: City) -> None:
    noted = entries(evening)
    told = next(k for k, one in enumerate(noted) if isinstance(one.entry, j.Told))
    without = lived(with_entries(evening, noted[:told] + noted[told + 1 :]), helsinki)
    assert sum(without.differing.values()) >= 1  # what the clock asked for has no input now
    handled = next(k for k, one in enumerate(noted) if isinstance(one.entry, j.Handled))
    twice = [*noted[: handled + 1], noted[handled], *noted[handled + 1 : handled + 40]]
    short = with_events(evening, evening.events[: twice[-1].after])
    more = lived(with_entries(short, twice[:-1]), helsinki)
    assert more.differing == {"StoreRegistered": 1}
    assert isinstance(evening.events[0].event, StoreRegistered)


def test_plans_that_were_cut_short_are_taken_as_they_are(
    evening: Recording, helsinki: City
) -> None:
    noted = entries(evening)
    index = [k for k, one in enumerate(noted) if isinstance(one.entry, j.Published)][3]
    assert isinstance(noted[index].entry, j.Published)
    cut = noted[index]._replace(entry=replace(noted[index].entry, cut_short=True))
    outcome = lived(with_entries(evening, [*noted[:index], cut, *noted[index + 1 :]]), helsinki)
    assert outcome.is_identical
    assert outcome.cut_short == 1
    assert outcome.compared < len(evening.events)


def test_what_servers_of_others_said_is_not_there_to_be_asked_again(
    evening: Recording, helsinki: City
) -> None:
    first, *others = entries(evening)
    assert isinstance(first.entry, j.Began)
    asked = replace(first.entry, travel_servers=("car=osrm:127.0.0.1:5000",))
    outcome = lived(with_entries(evening, [first._replace(entry=asked), *others]), helsinki)
    assert outcome.is_identical
    assert (outcome.compared, outcome.unkept) == (0, len(evening.events))


def test_it_goes_on_where_it_was_interrupted(evening: Recording, helsinki: City) -> None:
    whole = lived(evening, helsinki)
    marks: list[str] = []

    def keep(mark: Mark) -> None:
        marks.append(LOG.unstructure(mark))

    class StopError(Exception):
        pass

    def stop(done: float) -> None:
        if done > 0.5:
            raise StopError

    with pytest.raises(StopError):
        Replay(evening, helsinki).run(stop, keep)
    mark = LOG.structure(marks[-1], Mark)
    assert 0 < mark.n < evening.last
    again = Replay(evening, helsinki, mark=mark)
    assert again.run() == whole
    assert Replay(evening, helsinki, mark=again.mark).run() == whole  # nothing is left


def test_a_part_of_the_day_rests_on_what_came_before(evening: Recording, helsinki: City) -> None:
    since, until = evening.events[0].at + 200, evening.events[0].at + 420
    outcome = lived(evening, helsinki, since=since, until=until)
    assert outcome.is_identical, [str(one) for one in outcome.differences]
    assert outcome.taken_over > 50
    inside = [r for r in evening.events if since <= r.at <= until]
    assert len(inside) - 30 <= outcome.compared <= len(inside)
    assert outcome.plans > 5


def test_without_a_journal_it_is_said_at_once(evening: Recording, helsinki: City) -> None:
    with pytest.raises(ReplayError, match="has no journal"):
        Replay(with_entries(evening, []), helsinki)


def test_another_city_is_said_at_once(evening: Recording, helsinki: City) -> None:
    first, *others = entries(evening)
    assert isinstance(first.entry, j.Began)
    moved = replace(first.entry, checksum="0" * 64)
    with pytest.raises(ReplayError, match="built anew"):
        Replay(with_entries(evening, [first._replace(entry=moved), *others]), helsinki)


def test_travel_times_that_are_not_kept_are_named(evening: Recording, helsinki: City) -> None:
    noted = [
        one._replace(entry=j.StreetsChanged(one.entry.at, "nowhere"))
        if isinstance(one.entry, j.StreetsChanged)
        else one
        for one in entries(evening)
    ]
    with pytest.raises(ReplayError, match="does not hold the travel times nowhere"):
        lived(with_entries(evening, noted), helsinki)
