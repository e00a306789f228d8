"""Courier after courier, what goes wrong with them and what comes of it; no engine needed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from quiet_town import MINUTE_S, Town, carried, metres

from dispatch import events as e
from dispatch.commands import (
    AcceptOffer,
    ArriveAtStop,
    Command,
    CompleteStop,
    DeclineStop,
    RecoverCourier,
    StartShift,
    StrandCourier,
    TakeBreak,
    TakeInWork,
)
from dispatch.model import Pause, Stop, StopKind, Store
from dispatch.records import StopOutcome
from geo.city import City
from geo.travel import NetworkTravelTimes
from geo.types import LonLat
from simulations.rng import Streams
from simulations.scenarios.settings import MishapSettings, Scenario
from simulations.worlds.closing import Shut, ShutStores
from simulations.worlds.courier_mishaps import Breakdown, is_absent
from simulations.worlds.signal import HOUR_S, gap_end, signal_gaps
from simulations.worlds.world import World

AINO = "cou_aino"
WITHOUT_SIGNAL_S = (5, 605)
"""Of the shift, where a test takes the signal away."""

Make = Callable[..., Town]


@pytest.fixture
def make(friday: Scenario, helsinki: City) -> Make:
    """Return a maker of towns where nothing goes wrong but what a test wants."""

    def maker(courier: dict[str, Any] | None = None, **mishaps: Any) -> Town:
        scenario = replace(
            friday,
            customers=replace(friday.customers, cancel_share=0, nobody_home_share=0),
            travel=replace(friday.travel, decline_share=0),
            couriers=tuple(replace(one, **courier or {}) for one in friday.couriers),
            mishaps=MishapSettings(**mishaps),
        )
        town = Town(scenario, helsinki, NetworkTravelTimes(helsinki.network))
        town.open_up()
        return town

    return maker


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take Aino's signal away for ten minutes, soon after the shift began."""

    def gaps(_s: Any, _m: Any, courier_id: str, begins_at: int, _e: int) -> Any:
        since, until = WITHOUT_SIGNAL_S
        return ((begins_at + since, begins_at + until),) if courier_id == AINO else ()

    monkeypatch.setattr("simulations.worlds.fleet.signal_gaps", gaps)


def break_at(monkeypatch: pytest.MonkeyPatch, after_s: int, repair_s: int = 900) -> None:
    """Let Aino's bicycle break so long after the shift began."""

    def found(_s: Any, _m: Any, courier_id: str, begins_at: int, _e: int) -> Any:
        one = Breakdown(begins_at + after_s, 0.5, repair_s)
        return (one,) if courier_id == AINO else ()

    monkeypatch.setattr("simulations.worlds.fleet.breakdowns", found)


def asked(town: Town, for_s: int, kind: type[Any]) -> list[Any]:
    return [command for command in town.act(for_s) if isinstance(command, kind)]


def rebuilt(town: Town) -> World:
    """Return a world that has heard all that the town has."""
    city = town.city
    again = World(town.world.scenario, city, NetworkTravelTimes(city.network), seed=1)
    again.catch_up(town.log, town.now)
    return again


# --- who comes to work -------------------------------------------------------------------------


def test_whoever_is_absent_never_begins_that_shift(make: Make) -> None:
    town = make(absent_share=1.0)
    assert town.world.positions(town.now) == []
    assert asked(town, 24 * HOUR_S, StartShift) == []


def test_the_absent_are_a_share_of_all_and_others_another_day(make: Make) -> None:
    whole, half = make(), make(absent_share=0.5)
    usual = {seen.courier_id for seen in whole.world.positions(whole.now)}
    today = {seen.courier_id for seen in half.world.positions(half.now)}
    assert today < usual
    assert today
    # Who is there in spite of it is drawn for courier and day, not for the evening.
    settings, streams = half.world.scenario.mishaps, half.world.streams
    days = [dt.date(2026, 11, day) for day in (20, 21)]
    absent = [{key for key in usual if is_absent(streams, settings, key, day)} for day in days]
    assert absent[0] == usual - today
    assert absent[1] != absent[0]


def test_late_couriers_begin_later_by_what_the_scenario_says(make: Make) -> None:
    usual = {c.courier_id: c.starts_at for c in asked(make(), 24 * HOUR_S, StartShift)}
    town = make(late_share=1.0, late_s=(600, 1200))
    late = {c.courier_id: c.starts_at for c in asked(town, 24 * HOUR_S, StartShift)}
    # Those whose shift began long before the scenario are at work by now, however late.
    assert len(late) > 15
    for courier_id, starts_at in late.items():
        assert 600 <= starts_at - usual[courier_id] <= 1200
    assert len({starts_at - usual[key] for key, starts_at in late.items()}) > 5


# --- offers ------------------------------------------------------------------------------------


def offered(town: Town, order_id: str) -> Stop:
    stop = Stop(StopKind.PICKUP, order_id, town.store_id)
    town.tell(e.OfferMade(AINO, stop, town.now + 300, town.now + 45, town.now))
    return stop


def answers(make: Make, accept: float, ignore: float) -> list[Command]:
    town = make({"takes_offers": True, "accept_share": accept, "ignore_share": ignore})
    offered(town, town.order().order_id)
    return asked(town, 60, AcceptOffer | DeclineStop)  # type: ignore[arg-type]


def test_an_offer_is_taken_refused_or_left_to_lapse(make: Make) -> None:
    [yes] = answers(make, 1, 0)
    assert isinstance(yes, AcceptOffer)
    [no] = answers(make, 0, 0)
    assert isinstance(no, DeclineStop)
    assert answers(make, 0, 1) == []


def test_a_courier_thinks_before_answering(make: Make) -> None:
    town = make({"takes_offers": True, "answer_s": (12, 12)})
    offered(town, town.order().order_id)
    assert town.only(AcceptOffer).occurred_at == town.log[-1].at + 12


def test_how_a_courier_answers_hangs_on_courier_and_order_alone(make: Make) -> None:
    choices = []
    for others in (0, 3):
        town = make({"takes_offers": True, "accept_share": 0.5})
        for number in range(2, 2 + others):
            town.order(number)
            town.now += 7
        offered(town, town.order().order_id)
        choices.append(type(town.only(AcceptOffer | DeclineStop)))  # type: ignore[arg-type]
    assert choices[0] is choices[1]


def test_an_offer_that_is_gone_is_not_asked_for_again(make: Make) -> None:
    town = make({"takes_offers": True})
    offered(town, town.order().order_id)
    town.world.refused(town.only(AcceptOffer), "offer_expired")
    assert asked(town, 30 * MINUTE_S, AcceptOffer) == []
    assert town.world.refusals == {"AcceptOffer offer_expired": 1}


def test_whoever_has_said_yes_does_not_decline(make: Make, friday: Scenario) -> None:
    town = make({"takes_offers": True})
    town.world.scenario = replace(
        town.world.scenario, travel=replace(friday.travel, decline_share=1)
    )
    town.world._around.scenario = town.world.scenario
    order = town.order()
    stop = offered(town, order.order_id)
    town.only(AcceptOffer)
    town.tell(e.OfferAccepted(AINO, order.order_id, town.now))
    town.commit(order, StopKind.PICKUP)
    assert town.only(ArriveAtStop).stop_id == stop.stop_id


# --- breaks ------------------------------------------------------------------------------------


def pauses(make: Make, **courier: Any) -> dict[str, Pause | None]:
    """Return the breaks with which shifts began."""
    begun = [r.event for r in make(courier).log if isinstance(r.event, e.ShiftStarted)]
    return {event.courier_id: event.pause for event in begun}


def test_a_break_is_known_from_the_beginning_of_the_shift(make: Make) -> None:
    # Aino's shift began at half past three, an hour and a half before the scenario.
    town = make({"break_after_s": 2 * HOUR_S, "break_s": 600})
    due = town.now + HOUR_S // 2
    assert pauses(make, break_after_s=2 * HOUR_S, break_s=600)[AINO] == Pause(due, due + 900, 600)
    assert asked(town, 2 * HOUR_S, TakeBreak) == []


def test_a_courier_on_a_break_stands_still_and_goes_on_after_it(make: Make) -> None:
    town = make({"break_after_s": 2 * HOUR_S, "break_s": 600})
    order = town.order()
    town.tell(e.StandbyGiven(AINO, town.city.stores[3].store_id, town.now + 600, town.now))
    town.act(60)
    town.tell(e.BreakStarted(AINO, town.now + 600, town.now))
    here = town.seen()
    town.act(120)
    assert town.seen() == here
    town.tell(e.BreakEnded(AINO, town.now))
    town.commit(order, StopKind.PICKUP)
    assert town.only(ArriveAtStop).courier_id == AINO


def test_who_had_the_break_before_the_evening_begins_has_no_other(make: Make) -> None:
    assert pauses(make, break_after_s=HOUR_S)[AINO] is None


def test_no_break_is_planned_that_would_last_longer_than_the_shift(make: Make) -> None:
    assert pauses(make, break_after_s=8 * HOUR_S - 300, break_s=600)[AINO] is None
    # Aino leaves at half past eleven: that late it must begin on time.
    rests = pauses(make, break_after_s=8 * HOUR_S - 600, break_s=600)[AINO]
    assert rests is not None
    assert rests.latest == rests.earliest


# --- breakdowns --------------------------------------------------------------------------------


def test_a_breakdown_stops_the_courier_in_the_street_and_says_where(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(monkeypatch, 30)
    town = make()
    began = town.now
    home = town.seen()
    town.commit(town.order(), StopKind.PICKUP)
    strand = town.only(StrandCourier)
    assert strand.occurred_at == began + 30
    assert strand.place == town.seen()
    assert strand.place != home
    town.tell(e.StopDeclined(AINO, "ord_1", strand.reason, town.now))
    town.tell(e.CourierStranded(AINO, strand.reason, (), None, strand.occurred_at))
    assert rebuilt(town).describe()["couriers"] == town.world.describe()["couriers"]
    recover = town.only(RecoverCourier)
    assert recover.occurred_at == began + 30 + 900
    assert town.seen() == strand.place
    town.tell(e.CourierRecovered(AINO, recover.occurred_at))
    assert asked(town, HOUR_S, RecoverCourier) == []


def test_what_breaks_while_nobody_rides_gives_way_on_the_next_way(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(monkeypatch, 30)
    town = make()
    assert asked(town, 600, StrandCourier) == []
    town.commit(town.order(), StopKind.PICKUP)
    trip = town.world._fleet._agents[AINO].trip
    assert trip is not None
    # Half way, as was drawn.
    begins, ends = trip.rides
    assert town.only(StrandCourier).occurred_at == begins + (ends - begins) // 2


def test_goods_of_a_stranded_courier_are_fetched_where_they_are(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(monkeypatch, 900)
    town = make()
    order = carried(town)
    town.now = town.log[0].at + 890
    town.commit(order, StopKind.DROPOFF)
    strand = town.only(StrandCourier)
    point = Store("pnt_1", "bag of Aino", strand.place, is_point=True, pickers=0)
    town.tell(e.CourierStranded(AINO, strand.reason, (order.order_id,), point, town.now))
    stop = Stop(StopKind.PICKUP, order.order_id, "pnt_1")
    town.tell(e.StopCommitted("cou_eero", stop, town.now + 300, town.now))
    arrival = town.only(ArriveAtStop)
    assert (arrival.courier_id, arrival.stop_id) == ("cou_eero", stop.stop_id)
    town.tell(e.StopArrived("cou_eero", stop, town.now))
    assert town.seen("cou_eero") == strand.place
    done = town.only(CompleteStop)
    town.tell(e.ParcelPickedUp("cou_eero", order.order_id, "pnt_1", done.occurred_at))
    door = Stop(StopKind.DROPOFF, order.order_id, town.store_id)
    town.tell(e.StopCommitted("cou_eero", door, town.now + 300, town.now))
    assert town.only(ArriveAtStop).courier_id == "cou_eero"


def test_whoever_is_refused_to_strand_goes_on_when_it_is_mended(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(monkeypatch, 30, repair_s=300)
    town = make()
    stop = town.commit(town.order(), StopKind.PICKUP)
    town.world.refused(town.only(StrandCourier), "wrong_state")
    said: list[Command] = []
    while not any(isinstance(command, ArriveAtStop) for command in said):
        for command in (some := town.act(30)):
            if isinstance(command, StrandCourier):
                town.world.refused(command, "wrong_state")
        said += some
    [arrival] = [command for command in said if isinstance(command, ArriveAtStop)]
    assert arrival.stop_id == stop.stop_id
    assert arrival.occurred_at > town.log[0].at + 330


# --- getting lost ------------------------------------------------------------------------------


def test_who_goes_wrong_is_seen_elsewhere_and_comes_later(make: Make) -> None:
    ways: list[list[LonLat]] = []
    arrivals: list[int] = []
    for share in (0.0, 1.0):
        town = make(lost_share=share, lost_s=(300, 300))
        order = carried(town)
        left_at = town.now
        town.commit(order, StopKind.DROPOFF)
        trip = town.world._fleet._agents[AINO].trip
        assert trip is not None
        ways.append([trip.place(left_at + s) for s in range(0, 1200, 5)])
        arrivals.append(town.only(ArriveAtStop).occurred_at - left_at)
    right, wrong = ways
    assert arrivals[1] - arrivals[0] == pytest.approx(300, abs=3)
    astray = max(min(metres(here, there) for there in right) for here in wrong)
    assert astray > 100
    assert wrong[-1] == right[-1]
    steps = [metres(a, b) for a, b in pairwise(wrong)]
    assert max(steps) < 5 * 12


def test_at_a_store_that_is_shut_nothing_is_handed_over_until_it_opens(make: Make) -> None:
    town = make()
    order = town.order()
    town.pick(order)
    stop = town.commit(order, StopKind.PICKUP)
    town.tell(e.StopArrived(AINO, stop, town.now))
    alone = town.world._around
    usual_s = alone.next_step(town.world._fleet._agents[AINO])[0] - town.now  # type: ignore[index]
    fire = Shut(town.store_id, town.now + 10, town.now + 610, town.now + 10, loses_stock=False)
    alone._shut = ShutStores([fire])
    done = alone.next_step(town.world._fleet._agents[AINO])
    # Ten seconds of the hand-over, then the fire, then the rest.
    assert done is not None
    assert done[0] - town.now == usual_s + 600


# --- signal ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("silence")
def test_work_without_signal_is_said_when_it_is_over_with_its_true_times(make: Make) -> None:
    town = make()
    began = town.now
    order = town.order()
    town.pick(order)
    town.now = began + 3
    stop = town.commit(order, StopKind.PICKUP)
    quiet = [c for c in town.act(600 - 3) if not isinstance(c, StartShift)]
    assert quiet == []
    batch = town.only(TakeInWork)
    assert town.now == began + WITHOUT_SIGNAL_S[1]
    arrived, fetched = batch.reports
    assert (arrived.stop_id, arrived.outcome) == (stop.stop_id, StopOutcome.ARRIVED)
    assert (fetched.stop_id, fetched.outcome) == (stop.stop_id, StopOutcome.COMPLETED)
    assert began + 5 < arrived.occurred_at < fetched.occurred_at < town.now


@pytest.mark.usefixtures("silence")
def test_without_signal_nobody_is_seen_and_the_track_comes_afterwards(make: Make) -> None:
    town = make()
    began = town.now
    town.now = began + 3
    town.commit(town.order(), StopKind.PICKUP)
    true: list[LonLat] = []
    for after_s in range(10, 600, 10):
        town.act(began + after_s - town.now)
        assert town.seen() is None
        [really] = [s for s in town.world.whereabouts(town.now) if s.courier_id == AINO]
        true.append(really.place)
    town.act(began + 610 - town.now)
    sent = [seen for seen in town.world.positions(town.now) if seen.courier_id == AINO]
    assert [seen.at for seen in sent] == [began + s for s in (*range(10, 600, 10), 610)]
    assert [seen.place for seen in sent[:-1]] == true
    assert len(set(true)) > 3
    assert len([s for s in town.world.positions(town.now) if s.courier_id == AINO]) == 1


@pytest.mark.usefixtures("silence")
def test_what_is_said_to_a_silent_device_is_heard_when_it_has_signal(make: Make) -> None:
    town = make()
    began = town.now
    home = town.seen()
    town.now = began + 50
    order = town.order()
    stop = town.commit(order, StopKind.PICKUP)
    town.act(300)
    assert town.world._fleet._agents[AINO].place_at(town.now) == home
    assert rebuilt(town).describe()["couriers"] == town.world.describe()["couriers"]
    arrival = town.only(ArriveAtStop)
    assert arrival.stop_id == stop.stop_id
    assert arrival.occurred_at > began + WITHOUT_SIGNAL_S[1]


@pytest.mark.usefixtures("silence")
def test_a_release_is_not_heard_on_the_way_and_the_courier_goes_there_in_vain(make: Make) -> None:
    town = make()
    began = town.now
    order = town.order()
    town.now = began + 3
    town.commit(order, StopKind.PICKUP)
    town.now = began + 30
    town.tell(e.StopReleased(AINO, order.order_id, "cancelled"))
    town.tell(e.OrderCancelled(order.order_id, "cancelled", town.now))
    counter = town.city.stores[0].location
    town.act(500)
    assert town.world._fleet._agents[AINO].place_at(town.now) == counter
    batch = town.only(TakeInWork)
    # Nobody hands over at the counter what was cancelled.
    assert [report.outcome for report in batch.reports] == [StopOutcome.ARRIVED]
    town.act(10)
    agent = town.world._fleet._agents[AINO]
    assert agent.doing is None
    assert rebuilt(town).describe()["couriers"] == town.world.describe()["couriers"]


@pytest.mark.usefixtures("silence")
def test_what_was_fetched_before_it_was_cancelled_is_brought_back(make: Make) -> None:
    town = make()
    began = town.now
    order = town.order()
    town.pick(order)
    town.now = began + 3
    stop = town.commit(order, StopKind.PICKUP)
    town.act(560)
    town.tell(e.StopReleased(AINO, order.order_id, "cancelled"))
    town.tell(e.OrderCancelled(order.order_id, "cancelled", town.now))
    batch = town.only(TakeInWork)
    arrived, fetched = batch.reports
    assert fetched.outcome is StopOutcome.COMPLETED
    at = fetched.occurred_at
    town.tell(e.OrderRevived(order.order_id, AINO, at, returning=True))
    town.tell(e.StopCommitted(AINO, stop, at, at))
    town.tell(e.StopArrived(AINO, stop, arrived.occurred_at))
    town.tell(e.ParcelPickedUp(AINO, order.order_id, town.store_id, at))
    back = town.commit(order, StopKind.RETURN)
    arrival = town.only(ArriveAtStop)
    assert arrival.stop_id == back.stop_id
    town.tell(e.StopArrived(AINO, back, arrival.occurred_at))
    assert town.only(CompleteStop).stop_id == back.stop_id
    assert rebuilt(town).describe()["couriers"] == town.world.describe()["couriers"]


@pytest.mark.usefixtures("silence")
def test_what_was_mended_before_anybody_could_hear_of_it_strands_nobody(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(monkeypatch, 30, repair_s=120)
    town = make()
    began = town.now
    town.now += 3
    town.commit(town.order(), StopKind.PICKUP)
    said = [c for c in town.act(1200) if getattr(c, "courier_id", "") == AINO]
    assert [type(command) for command in said] == [TakeInWork]
    # Two minutes late, and nothing else.
    [arrived] = said[0].reports  # type: ignore[attr-defined]
    assert arrived.occurred_at > began + 30 + 120


@pytest.mark.usefixtures("silence")
def test_a_breakdown_without_signal_is_told_when_it_is_over(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(monkeypatch, 30, repair_s=3600)
    town = make()
    began = town.now
    town.now += 3
    town.commit(town.order(), StopKind.PICKUP)
    strand = town.only(StrandCourier)
    assert town.now == began + WITHOUT_SIGNAL_S[1]
    assert strand.occurred_at == began + 30


def test_gaps_are_apart_and_drawn_for_courier_and_hour_alone() -> None:
    streams, settings = Streams(3), MishapSettings(signal_losses_per_hour=6.0)
    morning, evening = 460_000 * HOUR_S, 460_004 * HOUR_S
    whole = signal_gaps(streams, settings, "cou_x", morning, evening)
    assert len(whole) > 12
    assert all(a[1] < b[0] for a, b in pairwise(whole))
    later = signal_gaps(streams, settings, "cou_x", morning + 2 * HOUR_S, evening)
    # A gap that begins before a later shift is none of it.
    assert set(later[1:]) <= set(whole)
    assert signal_gaps(streams, settings, "cou_y", morning, evening) != whole
    since, until = whole[0]
    assert gap_end(whole, since - 1) is None
    assert gap_end(whole, since) == until
    assert gap_end(whole, until - 1) == until
    assert gap_end(whole, until) is None
