"""What forecasts are worth is read off the log, drawn towards the policy's priors."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest

from dispatch import events as e
from dispatch.apply import apply
from dispatch.experience import OWN_CASES, PRIOR_CASES, STEP, ExperienceFold
from dispatch.model import (
    Courier,
    LonLat,
    Mode,
    Objective,
    Order,
    OrderLine,
    Promise,
    Route,
    Spread,
    Stop,
    StopKind,
    Store,
    Visit,
)
from dispatch.policy import Policy
from dispatch.state import State

NOW = 1_763_650_800
HERE = LonLat(25.0, 60.0)
DOUBTS = Policy(
    pick_spread=0.3,
    travel_spread=0.2,
    counter_spread_s=40,
    door_spread_s=60,
    promise_confidence=0.9,
)


class Day:
    """A log written event by event, with what it teaches."""

    def __init__(self, policy: Policy = DOUBTS) -> None:
        self.state = State("street")
        self.fold = ExperienceFold(policy)
        for name in ("a", "b"):
            store = Store(f"sto_{name}", name, HERE, pick_base_s=100, pick_line_s=0)
            self.add(NOW, e.StoreRegistered(store))
        self.add(NOW, e.CourierRegistered(Courier("cou_ida", "Ida", Mode.BIKE, HERE)))
        self.add(NOW, e.ShiftStarted("cou_ida", NOW, NOW + 14_400))
        self.orders = 0

    def add(self, at: int, event: e.Event) -> None:
        recorded = e.Recorded("street", self.state.seq + 1, at, event)
        self.fold.add(recorded, self.state)
        self.state = apply(self.state, recorded)

    def order(self, at: int, store_id: str = "sto_a", promised_s: int = 2400) -> str:
        self.orders += 1
        key = f"ord_{self.orders}"
        order = Order(key, at, HERE, "1 Street", (OrderLine("milk", 1),), 1000, 60)
        self.add(at, e.OrderReceived(order, Promise(at, at + promised_s, at), store_id))
        return key

    def picked(self, at: int, took_s: int, store_id: str = "sto_a") -> str:
        key = self.order(at, store_id)
        self.add(at, e.PickStarted(key, store_id, at))
        self.add(at + took_s, e.PickCompleted(key, store_id, at + took_s))
        return key

    def delivered(self, at: int, forecast_s: int, took_s: int, promised_s: int = 2400) -> None:
        """Bring an order, forecast at once and handed over after so long."""
        key = self.order(at, promised_s=promised_s)
        pickup = Stop(StopKind.PICKUP, key, "sto_a")
        door = Stop(StopKind.DROPOFF, key, "sto_a")
        done = at + forecast_s
        visits = (
            Visit(pickup, at, at, at + 60, 0, 0),
            Visit(door, done - 60, done - 60, done, 0, 0),
        )
        plan = e.PlanPublished(
            "pln", self.state.seq, at, (Route("cou_ida", visits, at, 1),), (), {}, (), (),
            Objective(), "insertion", "v", 0.0,
        )  # fmt: skip
        self.add(at, plan)
        self.add(at, e.PickStarted(key, "sto_a", at))
        self.add(at, e.PickCompleted(key, "sto_a", at))
        self.add(at, e.StopCommitted("cou_ida", pickup, at, at))
        self.add(at, e.StopArrived("cou_ida", pickup, at))
        self.add(at + 60, e.ParcelPickedUp("cou_ida", key, "sto_a", at + 60))
        self.add(at + 60, e.StopCommitted("cou_ida", door, done - 60, at + 60))
        self.add(at + took_s - 60, e.StopArrived("cou_ida", door, at + took_s - 60))
        self.add(at + took_s, e.OrderDelivered("cou_ida", key, at + took_s))


def test_before_anything_happened_the_priors_hold() -> None:
    spread = Day().fold.spread()
    assert spread.pick == {"": pytest.approx(0.3)}
    assert set(spread.travel) == set(Mode)
    assert all(share == pytest.approx(0.2) for share in spread.travel.values())
    assert (spread.counter_s, spread.door_s) == (pytest.approx(40), pytest.approx(60))
    assert spread.kept == pytest.approx(NormalDist().inv_cdf(0.9))


def test_what_the_policy_takes_as_certain_stays_so() -> None:
    day = Day(Policy(pick_spread=0.0, travel_spread=0.0))
    for n in range(50):
        day.picked(NOW + 600 * n, 300)
    assert day.fold.spread() == Spread()


def test_a_store_s_picks_are_drawn_towards_all_stores_and_those_towards_the_prior() -> None:
    day = Day()
    # Forty picks of a take half as long again as expected; b has one, as expected.
    for n in range(40):
        day.picked(NOW + 600 * n, 150)
    day.picked(NOW, 100, "sto_b")
    pooled = (PRIOR_CASES * 0.3**2 + 40 * 0.5**2) / (PRIOR_CASES + 41)
    own = (OWN_CASES * pooled + 40 * 0.5**2) / (OWN_CASES + 40)
    other = OWN_CASES * pooled / (OWN_CASES + 1)
    found = day.fold.spread().pick
    assert found[""] == pytest.approx(math.sqrt(pooled))
    assert found["sto_a"] == pytest.approx(math.sqrt(own))
    assert found["sto_b"] == pytest.approx(math.sqrt(other))


def test_errors_of_forecasts_count_as_shares_of_the_time_ahead() -> None:
    day = Day()
    for n in range(60):
        # Forecast in 1,000 s, handed over in 1,300.
        day.delivered(NOW + 3600 * n, 1000, 1300)
    pooled = (PRIOR_CASES * 0.2**2 + 60 * 0.3**2) / (PRIOR_CASES + 60)
    bike = (OWN_CASES * pooled + 60 * 0.3**2) / (OWN_CASES + 60)
    spread = day.fold.spread()
    assert spread.travel[Mode.BIKE] == pytest.approx(math.sqrt(bike))
    assert spread.travel[Mode.CAR] == pytest.approx(math.sqrt(pooled))
    # At counter and door everything took just as long as expected.
    assert spread.counter_s == pytest.approx(40 * math.sqrt(PRIOR_CASES / (PRIOR_CASES + 60)))
    assert spread.door_s == pytest.approx(60 * math.sqrt(PRIOR_CASES / (PRIOR_CASES + 60)))


def test_a_broken_promise_widens_the_next_ones_and_one_that_held_narrows_them() -> None:
    day = Day()
    before = day.fold.kept
    day.delivered(NOW, 1000, 2401)
    assert day.fold.kept == pytest.approx(before + STEP * 0.9)
    day.delivered(NOW + 7200, 1000, 2399)
    assert day.fold.kept == pytest.approx(before + STEP * 0.8)


def test_a_promise_that_could_not_end_sooner_teaches_nothing() -> None:
    day = Day()
    before = day.fold.kept
    day.delivered(NOW, 500, 600, promised_s=DOUBTS.promise_min_s)
    assert day.fold.kept == before


def test_nine_in_ten_hold_in_the_long_run_whatever_the_forecasts_are_worth() -> None:
    # Errors three times as large as the priors say, and late by half of that on average.
    day, held = Day(), []
    draw = iter(NormalDist(400, 800).samples(1500, seed=5))
    for n in range(1500):
        kept_s = day.fold.kept * 260.0
        late_s = next(draw)
        promised_s = max(1300, round(1000 + kept_s))
        took_s = max(200, round(1000 + late_s))
        held.append(took_s <= promised_s)
        day.delivered(NOW + 9000 * n, 1000, took_s, promised_s)
    # The bound of Gibbs and Candes, proposition 4.1: from any beginning, over any time.
    widest = 5.5
    assert abs(sum(held) / 1500 - 0.9) <= (widest + STEP) / (STEP * 1500)
    assert sum(held[500:]) / 1000 == pytest.approx(0.9, abs=0.01)


def test_offers_taken_are_drawn_towards_what_everybody_takes() -> None:
    day = Day()
    assert day.fold.acceptance("cou_ida") == pytest.approx(0.9)
    for n in range(10):
        key = day.order(NOW + n)
        stop = Stop(StopKind.PICKUP, key, "sto_a")
        day.fold.add(
            e.Recorded("street", 100 + n, NOW, e.OfferMade("cou_ida", stop, NOW, NOW + 45, NOW)),
            day.state,
        )
    pooled = (PRIOR_CASES * 0.9) / (PRIOR_CASES + 10)
    assert day.fold.acceptance("cou_ida") == pytest.approx(10 * pooled / 20)
    assert day.fold.acceptance("cou_new") == pytest.approx(pooled)


def test_work_is_counted_from_being_told_to_being_done_and_anew_each_shift() -> None:
    day = Day()
    day.delivered(NOW, 1000, 1300)
    assert day.fold.worked_s("cou_ida") == 1300
    day.add(NOW + 20_000, e.ShiftEnded("cou_ida", NOW + 20_000))
    day.add(NOW + 30_000, e.ShiftStarted("cou_ida", NOW + 30_000, NOW + 40_000))
    assert day.fold.worked_s("cou_ida") == 0
