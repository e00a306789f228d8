"""Days of meals under the engine: read, run, written, verified, measured."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meals import evaluated, meals, write_instance

import samehour
from dispatch.model import LonLat, Mode, Plan, Policy, Snapshot, Standby
from geo.errors import PlaceError, QuestionError, UnknownModeError
from simulations.baselines.nearest import nearest
from simulations.benchmarks.mdrp import compared, instance_folders, judged
from simulations.benchmarks.mdrp_contenders import (
    ContenderError,
    ablated,
    contender,
    foreseeing,
    ours,
)
from simulations.benchmarks.mdrp_files import Solution, read_solution, write_solution
from simulations.benchmarks.mdrp_instance import Instance, InstanceError, read_instance
from simulations.benchmarks.mdrp_left import Why, explained
from simulations.benchmarks.mdrp_measures import Clocked, earliest_pickup, measure
from simulations.benchmarks.mdrp_perfect import foreseen
from simulations.benchmarks.mdrp_rider import Diary
from simulations.benchmarks.mdrp_rules import verify
from simulations.benchmarks.mdrp_travel import PlaneTravelTimes
from simulations.benchmarks.mdrp_world import Day, World, epoch, minute_of
from simulations.errors import SimulationError

NO_TIME = Clocked((1.0, 3.0), (2.0, 4.0), 10.0, 4)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return contender("balanced").policy


@pytest.fixture
def small(tmp_path: Path) -> Instance:
    return read_instance(write_instance(tmp_path / "small"))


def day_of(instance: Instance, policy: Policy, every_min: int = 1) -> Day:
    return World(instance, policy, nearest, every_min, time.perf_counter, is_peer=True).run()


# --- reading -----------------------------------------------------------------------------------


def test_travel_takes_the_minutes_begun_of_the_straight_line(small: Instance) -> None:
    table, places = small.travel_min, small
    assert table[places.counters["r1"], places.doors["o1"]] == 5
    # o2 to r2: sqrt(700^2 + 600^2) = 921.95 m at 100 m a minute.
    assert table[places.doors["o2"], places.counters["r2"]] == 10
    assert table.dtype == np.int32


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"orders": ["order x y", "o1 1 2"]}, "orders.txt:1: the header must be order <tab> x"),
        ({"restaurants": ["restaurant x y", "r1 a 0", "r2 0 inf"]}, "restaurants.txt:2: x is 'a'"),
        ({"restaurants": ["restaurant x y", "r1 a 0", "r2 0 inf"]}, "restaurants.txt:3: y is 'in"),
        ({"restaurants": ["restaurant x y", "r1 0 0"]}, "orders.txt:4: restaurant r2 is not in"),
        ({"restaurants": ["restaurant x y", "r1 0 0", "o1 0 0"]}, "o1 is a name already used in o"),
        ({"couriers": ["courier x y on_time off_time", "c1 0 0 9 9"]}, "couriers.txt:2: off_time"),
        ({"couriers": ["courier x y on_time off_time", "0 0 0 0 9"]}, "a name has no spaces and"),
        ({"couriers": ["courier x y on_time off_time", "c 0 0 0.5 9"]}, "write a whole number"),
        ({"couriers": ["courier x y on_time off_time", "c1 0 0"]}, "has 3 fields; write 5"),
        ({"couriers": ["courier x y on_time off_time"]}, "couriers.txt is empty"),
    ],
)
def test_what_cannot_be_read_is_named_with_file_and_line(
    tmp_path: Path, changes: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(InstanceError) as refused:
        read_instance(write_instance(tmp_path / "small", **changes))
    assert said in str(refused.value)


def test_orders_ready_before_they_are_placed_and_odd_services_are_refused(tmp_path: Path) -> None:
    head = "order x y placement_time restaurant ready_time"
    folder = write_instance(tmp_path / "small", orders=[head, "o1 0 0 9 r1 8"])
    with pytest.raises(InstanceError, match="ready_time 8 is before placement_time 9"):
        read_instance(folder)
    parameters = folder / "instance_parameters.txt"
    parameters.write_text(parameters.read_text().replace("100\t4\t4", "0\t3\t4"))
    with pytest.raises(InstanceError, match="an even number can be halved"):
        read_instance(folder)
    parameters.unlink()
    with pytest.raises(InstanceError, match="No such file or directory; an instance has orders"):
        read_instance(folder)


def test_the_plane_answers_for_its_places_only_and_tells_equal_points_apart() -> None:
    instance = meals([(0, 0, 0, "r0", 5)], [(0, 0)], [(300, 400, 0, 60)])
    travel = PlaneTravelTimes(instance)
    assert len(set(travel.places)) == 3
    found = travel.matrix(travel.places, travel.places[:2], Mode.CAR, 0)
    assert found.duration_s.tolist() == [[0, 0], [0, 0], [300, 300]]
    assert found.length_m.tolist() == [[0, 0], [0, 0], [500, 500]]
    assert found.duration_s.dtype == found.length_m.dtype == np.int32
    way = travel.route(travel.places[0], travel.places[2], Mode.CAR, 0)
    assert (way.duration_s, way.length_m) == (300, 500)
    assert travel.pinned() is travel
    with pytest.raises(PlaceError):
        travel.check_place(LonLat(1.0, 1.0), Mode.CAR)
    with pytest.raises(PlaceError):
        travel.matrix([LonLat(1.0, 1.0)], travel.places, Mode.CAR, 0)
    with pytest.raises(UnknownModeError):
        travel.check_place(travel.places[0], Mode.WALK)
    with pytest.raises(QuestionError):
        travel.reachable(travel.places[0], 60, Mode.CAR, 0)


def test_a_minute_that_is_none_is_refused() -> None:
    assert minute_of(epoch(17)) == 17
    with pytest.raises(ValueError, match="30 s after a whole minute"):
        minute_of(epoch(17) + 30)


# --- a day -------------------------------------------------------------------------------------


def test_a_day_goes_by_the_published_clock(small: Instance, policy: Policy) -> None:
    day = day_of(small, policy)
    moves = [(m.courier_id, m.left_min, m.origin, m.destination) for m in day.solution.moves]
    done = {
        d.order_id: (d.picked_min, d.dropped_min, d.courier_id) for d in day.solution.deliveries
    }
    # c1 is told at 10 (o1 placed), 3 min to r1; picks up at 20, leaves at 22, 5 min, +2.
    assert done["o1"] == (20, 29, "c1")
    # Free at 31 at o1; o2 is ready since 21: 5 min back, at the counter 38, out 40, 7 min, +2.
    # c2 on shift from 30 is nearer in time: told at 30, 9 min to r1, counter at 41.
    assert done["o2"][2] in {"c1", "c2"}
    assert ("c1", 10, "0", "r1") in moves
    assert ("c1", 22, "r1", "o1") in moves
    assert list(day.left) == ["o4"]
    assert day.breaches == ()
    assert verify(day.solution, small) == []
    assert evaluated(day.solution, small) == []


def test_what_was_written_is_read_again(small: Instance, policy: Policy, tmp_path: Path) -> None:
    solution = day_of(small, policy).solution
    write_solution(solution, tmp_path / "out")
    assert read_solution(tmp_path / "out") == solution
    text = (tmp_path / "out" / "solution_info_couriers.txt").read_text().splitlines()
    assert text[0] == "courier departure_time origin destination"
    assert text[1] == "c1 10 0 r1"
    (tmp_path / "out" / "solution_info_orders.txt").write_text("order\no1 1 2\no2 a 1 1 1 c\n")
    with pytest.raises(InstanceError) as refused:
        read_solution(tmp_path / "out")
    assert refused.value.problems == (
        "solution_info_orders.txt:2: has 3 words; write 6",
        "solution_info_orders.txt:3: times must be whole minutes",
    )


minutes = st.integers(0, 90)
metres = st.integers(0, 2000)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    orders=st.lists(
        st.tuples(metres, metres, minutes, st.sampled_from(["r0", "r1"]), st.integers(0, 30)),
        min_size=1,
        max_size=8,
    ),
    restaurants=st.tuples(st.tuples(metres, metres), st.tuples(metres, metres)),
    couriers=st.lists(
        st.tuples(metres, metres, minutes, st.integers(1, 90)), min_size=1, max_size=4
    ),
    every_min=st.integers(1, 3),
)
def test_whatever_the_day_its_solution_keeps_all_rules(
    policy: Policy,
    orders: list[tuple[int, int, int, str, int]],
    restaurants: tuple[tuple[int, int], tuple[int, int]],
    couriers: list[tuple[int, int, int, int]],
    every_min: int,
) -> None:
    instance = meals(
        [(x, y, placed, r, placed + prep) for x, y, placed, r, prep in orders],
        restaurants,
        [(x, y, on, on + shift) for x, y, on, shift in couriers],
    )
    day = day_of(instance, policy, every_min=every_min)
    assert day.breaches == ()
    assert verify(day.solution, instance) == []
    assert evaluated(day.solution, instance) == []
    delivered = {delivery.order_id for delivery in day.solution.deliveries}
    assert delivered | day.left.keys() == instance.orders.keys()
    for order_id, said in day.left.items():
        left = explained("nearest", instance, day.solution, order_id, said)
        assert (left.why is Why.IMPOSSIBLE) == (earliest_pickup(instance, order_id) is None)


def test_couriers_go_where_they_are_told_to_stand_by(policy: Policy) -> None:
    # r1 is 10 min from the courier; the order for r0, 10 min from r1, is placed at 30.
    instance = meals(
        [(0, 0, 30, "r0", 40), (0, 0, 0, "r0", 5)], [(0, 0), (1000, 0)], [(2000, 0, 0, 90)]
    )

    def to_r1(snapshot: Snapshot) -> Plan:
        plan = nearest(snapshot)
        idle = snapshot.couriers and not plan.routes
        if not idle or snapshot.now > epoch(0):
            return plan
        arrive = snapshot.now + 600
        return replace(
            plan, routes=(), standbys=(Standby("c0", "r1", arrive, 600, 1000, gain=1.0),)
        )

    waits = replace(
        instance, orders={"o0": instance.orders["o0"]}, doors={"o0": instance.doors["o0"]}
    )
    moving = replace(policy, standby_horizon_s=600)
    world = World(waits, moving, to_r1, 1, time.perf_counter, keeps_watch=True, is_peer=True)
    day = world.run()
    moves = [(m.left_min, m.origin, m.destination) for m in day.solution.moves]
    # From r1's street at 30 without a walk to the counter, 10 min, +2: at the counter at 42.
    assert moves == [(0, "0", "r1"), (30, "r1", "r0"), (44, "r0", "o0")]
    assert [d.picked_min for d in day.solution.deliveries] == [42]
    assert day.breaches == ()
    assert verify(day.solution, waits) == []


def test_what_breaks_the_rules_of_a_trip_is_written_down() -> None:
    instance = meals(
        [(500, 0, 0, "r0", 0), (900, 0, 0, "r0", 0), (0, 0, 0, "r1", 0)],
        [(0, 0), (0, 500)],
        [(0, 0, 0, 90)],
    )
    rider = Diary(instance).riders["c0"]
    assert rider.told_to_fetch("o0", 0) == 2
    rider.fetched("o0", 2)
    assert rider.told_to_fetch("o1", 2) == 2  # at the counter already
    rider.fetched("o1", 2)
    assert rider.told_to_bring("o0", 2, ("o0", "o1")) == 2 + 2 + 5
    assert rider.breaches == []
    rider.told_to_stand_by("r1", 5)
    assert rider.breaches[-1] == "c0 is told at 5 to stand by at r1, under way until 13"
    rider.free_min = 20
    rider.brought("o0", 9)
    rider.told_to_fetch("o2", 20)
    assert rider.breaches[-1] == "c0 fetches o2 at 20 with goods of r0"
    other = Diary(instance).riders["c0"]
    for order_id, now_min in (("o0", 2), ("o1", 4)):
        other.fetched(order_id, other.told_to_fetch(order_id, now_min))
    other.told_to_bring("o1", 4, ("o0", "o1"))
    assert other.breaches == ["c0 brings o1 at 4, fixed were o0 o1"]


def test_who_knows_ahead_is_there_when_the_goods_are_ready(small: Instance) -> None:
    base = contender("balanced")
    ahead, whole_day = foreseeing(base, 30, rounds=20)
    found = World(
        small, ahead.policy, ahead.solver(), 1, time.perf_counter, ahead_min=ahead.ahead_min
    ).run()
    at_once = foreseen(small, whole_day.policy, whole_day.solver(), time.perf_counter, seed=1)
    for day in (found, at_once):
        assert day.breaches == ()
        assert verify(day.solution, small) == []
        assert evaluated(day.solution, small) == []
        assert list(day.left) == ["o4"]
        picked = {d.order_id: d.picked_min - d.ready_min for d in day.solution.deliveries}
        assert picked["o3"] == 0


def test_our_planner_keeps_all_rules_on_a_day(small: Instance, policy: Policy) -> None:
    world = World(small, policy, contender("balanced").solver(), 1, time.perf_counter)
    day = world.run()
    assert day.breaches == ()
    assert verify(day.solution, small) == []
    # o1 and o2 go out together at 21: 5 min to o1, 2 min on to o2, each hand-over 4.
    done = {d.order_id: (d.picked_min, d.dropped_min) for d in day.solution.deliveries}
    assert done["o1"] == (21, 30)
    assert done["o2"] == (21, 36)


# --- rules -------------------------------------------------------------------------------------


def test_every_planted_breach_is_found(small: Instance, policy: Policy) -> None:
    good = day_of(small, policy).solution
    assert verify(good, small) == []
    a, d, m = good.assignments[0], good.deliveries[0], good.moves[0]
    first = {"assignments": good.assignments[1:], "deliveries": good.deliveries[1:]}

    def with_a(**changes: object) -> Solution:
        return replace(good, assignments=(replace(a, **changes), *first["assignments"]))

    def with_d(**changes: object) -> Solution:
        return replace(good, deliveries=(replace(d, **changes), *first["deliveries"]))

    def with_m(**changes: object) -> Solution:
        return replace(good, moves=(replace(m, **changes), *good.moves[1:]))

    planted = {
        "there is no courier c9": with_a(courier_id="c9"),
        "there is no order o9": with_a(order_ids=("o9",)),
        "there is no place r9": with_m(destination="r9"),
        "do not stand together": replace(good, moves=(*good.moves, m)),
        "o1 is in 2 assignments": replace(good, assignments=(a, *good.assignments)),
        "o1 is delivered 2 times": replace(good, deliveries=(d, *good.deliveries)),
        "o1 is assigned but not delivered": replace(good, deliveries=first["deliveries"]),
        "o1 is delivered but not assigned": replace(good, assignments=first["assignments"]),
        "from 2 restaurants": with_a(order_ids=("o1", "o3")),
        "off since 120": with_a(picked_min=130),
        "after the pickup": with_a(assigned_min=21),
        "o1 was placed at 10": with_a(assigned_min=9),
        "o1 was ready at 20": with_a(picked_min=19),
        "o1 was delivered by": with_d(courier_id="c2"),
        "o1 says it was picked up at 22": with_d(picked_min=22),
        "ready time is not the instance's": with_d(ready_min=19),
        "leaves r2 at 10, but is at 0": with_m(origin="r2"),
        "there since 0": with_m(left_min=-1),
        "picks up at 20, arrived at 19 only": with_m(left_min=16),
        "leaves at 22, picked up at 21 only": with_a(picked_min=21),
        "c1 is not at r1": with_a(picked_min=12),
        "o1 is dropped off at 28": with_d(dropped_min=28),
        "to the door of o1 without": replace(
            good, assignments=first["assignments"], deliveries=first["deliveries"]
        ),
    }
    for said, solution in planted.items():
        found = verify(solution, small)
        assert any(said in breach for breach in found), (said, found)


def test_the_published_evaluator_would_refuse_what_it_looks_at(
    small: Instance, policy: Policy
) -> None:
    good = day_of(small, policy).solution
    a, d, m = good.assignments[0], good.deliveries[0], good.moves[0]
    for bad in (
        replace(good, assignments=(replace(a, assigned_min=9), *good.assignments[1:])),
        replace(good, assignments=(replace(a, picked_min=19), *good.assignments[1:])),
        replace(good, moves=(replace(m, left_min=60), *good.moves[1:])),
        replace(good, deliveries=(replace(d, dropped_min=22), *good.deliveries[1:])),
    ):
        assert evaluated(bad, small)
        assert verify(bad, small)


# --- measures ----------------------------------------------------------------------------------


def test_the_measures_of_one_delivery_by_hand(policy: Policy) -> None:
    # 3 min to r0; ready at 20; leaves at 22, 5 min to the door, dropped off at 29.
    instance = meals([(500, 0, 10, "r0", 20)], [(0, 0)], [(300, 0, 0, 120)])
    figures = measure("x", day_of(instance, policy).solution, instance, NO_TIME, 0)
    assert figures.click_to_door_min == 19
    assert figures.bound_min == 10 + 2 + 5 + 2  # ready, out, way, in
    assert figures.excess_min == 0
    assert figures.ready_to_door_min == 9
    assert figures.ready_to_pickup_min == 0
    assert figures.driving_min == 8
    assert figures.utilisation_pct == pytest.approx(100 * (8 + 4 + 4) / 120)
    assert figures.pay == 30  # 15 an hour, more than 10 for the order
    assert figures.delivered_pct == 100
    assert (figures.tick_p50_ms, figures.replan_p50_ms) == (2, 3)
    assert figures.engine_ms == pytest.approx((10 - 4) / 4)


def test_an_undelivered_order_counts_as_late_and_is_explained(
    small: Instance, policy: Policy
) -> None:
    day = day_of(small, policy)
    figures = measure("x", day.solution, small, NO_TIME, 0)
    assert (figures.undelivered, figures.impossible) == (1, 1)
    # o2 took 41 min. o4's way is 90: late whatever one does, so not beyond the unavoidable.
    assert figures.over_target_pct == 50
    assert figures.late_beyond_pct == 25
    left = explained("x", small, day.solution, "o4", day.left["o4"])
    assert left.why is Why.IMPOSSIBLE
    assert "the last ends at 150" in left.detail


def test_orders_that_could_have_been_fetched_name_who_could(policy: Policy) -> None:
    far = meals([(5000, 0, 0, "r0", 5), (0, 0, 1, "r0", 6)], [(0, 0)], [(0, 0, 0, 30)])
    day = day_of(far, policy)
    assert list(day.left) == ["o1"]
    # c0 was told at 0 to fetch o0, so at 1 it was too late: 50 min there, 50 back.
    left = explained("x", far, day.solution, "o1", day.left["o1"])
    assert left.why is Why.TOO_LATE
    assert "c0, would pick up at" in left.detail
    nothing = replace(day.solution, assignments=(), deliveries=(), moves=())
    left = explained("x", far, nothing, "o1", "at 6: nobody")
    assert left.why is Why.GIVEN_UP
    assert "c0 could pick up at 6 and did nothing more; at 6: nobody" in left.detail


def test_ratios_are_to_the_better_reyes_style_policy(small: Instance, policy: Policy) -> None:
    figures = measure("x", day_of(small, policy).solution, small, NO_TIME, 0)
    rows = {
        name: [replace(figures, policy=name, excess_min=excess, driving_min=driving)]
        for name, excess, driving in (
            ("reyes-5", 4.0, 10.0),
            ("reyes-2", 3.0, 20.0),
            ("balanced", 1.5, 10.5),
        )
    }
    table = compared(rows)
    assert table["balanced"]["excess_ratio"] == 0.5
    assert table["balanced"]["driving_ratio"] == 1.05
    gates = {gate.measure: gate for gate in judged(table)}
    assert gates["excess_min"].is_missed
    assert gates["driving_min"].is_missed
    assert judged({"balanced": table["balanced"]}) == []


# --- who takes part, and the command ------------------------------------------------------------


def test_policies_that_break_the_benchmark_s_rules_are_refused(tmp_path: Path) -> None:
    good = contender("balanced").policy
    for change, said in (
        ({"one_store_per_trip": False}, "set one_store_per_trip"),
        ({"standby_diverts": True}, "set standby_diverts = false"),
        ({"replan_every_s": 90}, "write whole minutes"),
    ):
        with pytest.raises(ContenderError, match=said):
            ours("mine", replace(good, **change))
    with pytest.raises(ContenderError, match="there is no policy magic; take one of nearest"):
        contender("magic")
    with pytest.raises(ContenderError, match="cannot be read"):
        contender(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_text("speed = 1")
    with pytest.raises(ContenderError, match="speed is unknown"):
        contender(str(tmp_path / "bad.toml"))


def test_our_policies_take_part_and_each_idea_can_be_switched_off() -> None:
    fast = contender("fast", every_min=2)
    assert fast.every_min == 2
    assert not fast.baseline
    assert contender("reyes-5").every_min == 5
    every_5 = {one.name: one for one in ablated(fast)}["fast, every 5 minutes"]
    assert every_5.every_min == 5


def test_instances_are_found_by_their_names(tmp_path: Path) -> None:
    one, two = (write_instance(tmp_path / name) for name in ("0o50", "1o50"))
    assert instance_folders(tmp_path, "*") == [one, two]
    assert instance_folders(tmp_path, "1*") == [two]
    assert instance_folders(two, "*") == [two]
    with pytest.raises(SimulationError, match=r"no instance 2\* is in"):
        instance_folders(tmp_path, "2*")


def test_the_command_prints_writes_and_is_the_same_for_any_number_of_jobs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        write_instance(tmp_path / "days" / name)
    said = []
    for jobs in ("1", "2"):
        out = tmp_path / f"out{jobs}"
        command = ["bench", "mdrp", str(tmp_path / "days"), "--policy", "nearest", "--jobs", jobs]
        code = samehour.main([*command, "--out", str(out), "--json"])
        shown = capsys.readouterr()
        assert code == 0, shown.out
        figures = json.loads(shown.out.splitlines()[-1])
        mine = figures["policies"]["nearest"]
        said.append({key: value for key, value in mine.items() if not key.endswith("_ms")})
        assert figures["instances"] == 2
        assert mine["excess_ratio"] is None
        files = sorted(path.relative_to(out) for path in out.rglob("*.*"))
        assert len(files) == 2 + 2 * 3
        assert "nearest: 2 undelivered: 2 impossible" in shown.out
    assert said[0] == said[1]
    first, second = (tmp_path / f"out{jobs}" / "nearest" for jobs in "12")
    for path in first.rglob("*.txt"):
        assert path.read_text() == (second / path.relative_to(first)).read_text()


def test_wrong_use_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert samehour.main(["bench", "mdrp", str(tmp_path)]) == 2
    assert "name a folder of folders with an orders.txt" in capsys.readouterr().err
