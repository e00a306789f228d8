"""What a log teaches: planted figures are found again, written down, read back and fed back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dispatch.model import Mode, Policy, StopKind, Store
from geo.city import City
from geo.types import LonLat
from simulations.errors import ReplayError
from simulations.loop import Simulation
from simulations.replays.calibration import calibrate
from simulations.replays.learn import learn
from simulations.replays.learned import (
    Learned,
    LearnedStore,
    Value,
    read_learned,
    speeds_toml,
    to_toml,
)
from simulations.replays.shrinking import Cases, shrink
from simulations.scenarios.settings import PlanningSettings, Scenario
from simulations.worlds.happenings import Gone, HandedOver, Happenings, Picked, happenings_of

STORES = {
    key: Store(key, name, LonLat(24.9, 60.1), pick_base_s=120, pick_line_s=25)
    for key, name in (("sto_a", 'The "A"'), ("sto_b", "B"), ("sto_c", "C"), ("sto_d", "D"))
}


def picks(store_id: str, base_s: float, line_s: float, count: int, seed: int) -> list[Picked]:
    draw = np.random.Generator(np.random.PCG64(seed))
    found = []
    for number in range(count):
        lines = int(draw.integers(1, 9))
        took_s = round(base_s + line_s * lines + float(draw.normal(0, 8)))
        found.append(
            Picked(f"{store_id}-{number}", store_id, lines, 120, 25, 0, False, 1000, took_s)
        )
    return found


def ways(courier_id: str, mode: Mode, pace: float, count: int) -> list[Gone]:
    draw = np.random.Generator(np.random.PCG64(len(courier_id)))
    return [
        Gone(f"ord_{k}", courier_id, mode, StopKind.DROPOFF, "sto_a", 0, 0, round(way * f), way)
        for k, (way, f) in enumerate(
            zip(
                draw.integers(120, 900, count).tolist(),
                (pace * np.exp(draw.normal(0, 0.3, count))).tolist(),
                strict=True,
            )
        )
    ]


@pytest.fixture(scope="module")
def taught() -> Learned:
    found = Happenings(stores=STORES)
    found.picks = [
        *picks("sto_a", 200, 30, 150, 1),
        *picks("sto_b", 100, 20, 150, 2),
        *picks("sto_c", 150, 25, 2, 3),
    ]
    found.ways = [*ways("cou_slow", Mode.BIKE, 1.3, 80), *ways("cou_quick", Mode.BIKE, 0.9, 80)]
    found.ways += ways("cou_new", Mode.BIKE, 2.0, 1)
    door = HandedOver("ord_1", "c", Mode.BIKE, StopKind.DROPOFF, "sto_a", 0, 120, 150, False)
    counter = door._replace(kind=StopKind.PICKUP, took_s=45)
    found.handovers = [door, door, counter, counter, counter]
    return learn(found, "a test")


def test_what_was_planted_is_found_again(taught: Learned) -> None:
    a, b = taught.stores["sto_a"], taught.stores["sto_b"]
    assert a.pick_base_s.value == pytest.approx(200, abs=5)
    assert a.pick_line_s.value == pytest.approx(30, abs=1)
    assert b.pick_base_s.value == pytest.approx(100, abs=5)
    for value, true in ((a.pick_base_s, 200), (a.pick_line_s, 30), (b.pick_line_s, 20)):
        assert abs(value.value - true) <= value.high - value.low
        assert value.high - value.low < 8
    assert a.pickup_service_s.value == pytest.approx(45, abs=1)
    assert taught.door_s == Value(150, 150, 150, 2)


def test_who_was_seen_little_is_drawn_towards_all(taught: Learned) -> None:
    c, d = taught.stores["sto_c"], taught.stores["sto_d"]
    assert c.pick_base_s.cases == 2
    spread = c.pick_base_s.high - c.pick_base_s.low
    assert spread > 3 * (
        taught.stores["sto_a"].pick_base_s.high - taught.stores["sto_a"].pick_base_s.low
    )
    assert (d.pick_base_s.cases, d.pick_base_s.value) == (
        0,
        pytest.approx(taught.every_store.pick_base_s.value),
    )
    # One way at twice the time is a red light, not a slow courier.
    assert taught.couriers["cou_new"].pace.value < 1.6
    assert taught.couriers["cou_slow"].pace.value == pytest.approx(1.3, rel=0.08)
    assert taught.couriers["cou_quick"].pace.value == pytest.approx(0.9, rel=0.08)
    assert taught.paces[Mode.BIKE].value == pytest.approx(1.15, abs=0.1)


def test_nothing_seen_leaves_things_as_they_are() -> None:
    nothing = learn(Happenings(stores=STORES), "nothing")
    assert nothing.store(STORES["sto_a"]) == STORES["sto_a"]
    assert nothing.pace_of(Mode.BIKE) == 1.0
    assert speeds_toml(nothing) is None


def test_shrinking_needs_no_full_rank() -> None:
    one_line = Cases(np.array([[1.0, 4.0]] * 30), np.full(30, 220.0))
    found = shrink({"only": one_line}, (120.0, 25.0)).each["only"]
    assert found.value[0] + 4 * found.value[1] == pytest.approx(220, abs=1)


def test_intervals_hold_and_estimates_beat_each_store_by_itself() -> None:
    draw = np.random.Generator(np.random.PCG64(5))
    held = total = 0
    error = alone = 0.0
    for _ in range(25):
        cases, true = {}, {}
        for name in "abcdefgh":
            theta = np.array([150 + draw.normal(0, 30), 25 + draw.normal(0, 4)])
            count = int(draw.integers(2, 40))
            x = np.column_stack([np.ones(count), draw.integers(1, 12, count)])
            cases[name] = Cases(x, x @ theta + draw.normal(0, 60, count))
            true[name] = theta
        found = shrink(cases, (120.0, 25.0))
        for name, theta in true.items():
            one = found.each[name]
            held += sum(a <= t <= b for a, t, b in zip(one.low, theta, one.high, strict=True))
            total += len(theta)
            error += abs(one.value[0] - theta[0])
            own = np.linalg.lstsq(cases[name].x, cases[name].y, rcond=None)[0]
            alone += abs(float(own[0]) - theta[0])
    assert 0.88 < held / total < 0.99
    assert error < 0.75 * alone


def test_the_file_is_read_back_as_it_was_written(taught: Learned, tmp_path: Path) -> None:
    path = tmp_path / "learned.toml"
    path.write_text(to_toml(taught), encoding="utf-8")
    again = read_learned(path)
    assert to_toml(again) == to_toml(taught)
    assert again.stores["sto_a"].name == 'The "A"'
    assert again.store(STORES["sto_a"]) == taught.store(STORES["sto_a"])
    speeds = speeds_toml(taught)
    assert speeds is not None
    assert 'modes = ["bike"]' in speeds


def test_everything_wrong_with_a_file_is_said_at_once(taught: Learned, tmp_path: Path) -> None:
    path = tmp_path / "learned.toml"
    broken = to_toml(taught).replace('mode = "bike"', 'mode = "balloon"')
    broken = broken.replace("pick = ", "pick = -1 # ", 1).replace("[door]", "[window]")
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(ReplayError) as told:
        read_learned(path)
    said = str(told.value)
    for part in ("balloon", "spread.pick is -1", "window is unknown", "door.service_s is missing"):
        assert part in said
    with pytest.raises(ReplayError, match="cannot be read"):
        read_learned(tmp_path / "nowhere.toml")


def test_what_was_learned_makes_the_next_evening_s_forecasts_better(
    friday: Scenario, helsinki: City
) -> None:
    # The stores are registered as 30 % quicker than they are.
    nothing = Value(0.0, 0.0, 0.0, 0)
    figures = {shop.store_id: friday.stores[shop.kind] for shop in helsinki.stores}
    wrong = Learned(
        "a mistake",
        LearnedStore("", nothing, nothing, nothing),
        *(0.0, nothing, nothing, 0.0, 0.0),
        stores={
            key: LearnedStore(
                "", *(Value(x / 1.3, 0, 0, 1) for x in (one.pick_base_s, one.pick_line_s)), nothing
            )
            for key, one in figures.items()
        },
    )
    calm = replace(
        friday,
        learned=wrong,
        picking=replace(friday.picking, delay_share=0.0, spread=0.1),
        planning=PlanningSettings(pause_s=60),
    )
    policy, lasts_s = Policy(improve_rounds=1, replan_every_s=60), 800

    def evening(scenario: Scenario, seed: int) -> Happenings:
        simulation = Simulation(scenario, helsinki, seed=seed, policy=policy)
        simulation.run(simulation.now + lasts_s)
        return happenings_of(simulation.log.events)

    first = evening(calm, 1)
    taught = learn(first, "the first evening")
    before = calibrate(evening(calm, 2), helsinki.time_zone)
    after = calibrate(evening(replace(calm, learned=taught), 2), helsinki.time_zone)
    for name in ("picking", "goods ready"):
        old, new = (
            next(one for one in found.forecasts if one.name == name) for found in (before, after)
        )
        assert old.cases > 10
        assert old.mae_s is not None
        assert new.mae_s is not None
        assert new.bias_s is not None
        assert old.bias_s is not None
        assert new.mae_s < 0.7 * old.mae_s
        assert abs(new.bias_s) < 0.4 * old.bias_s


def test_a_pick_never_begins_before_it_begins() -> None:
    found = Happenings(stores=STORES)
    found.picks = [one._replace(took_s=one.lines * 30 - 20) for one in picks("sto_a", 1, 1, 60, 2)]
    store = learn(found, "quick hands").stores["sto_a"]
    assert store.pick_base_s.value == 0.0
    usual = sum(pick.took_s for pick in found.picks) / len(found.picks)
    lines = sum(pick.lines for pick in found.picks) / len(found.picks)
    assert store.pick_line_s.value * lines == pytest.approx(usual, rel=0.05)
