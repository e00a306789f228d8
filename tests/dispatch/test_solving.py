"""Shipments without a town: routes within every limit, few vehicles, the shortest ways."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dispatch.planning.arrays import NEVER, Routes
from dispatch.planning.improve import board_of
from dispatch.planning.schedule import set_up
from dispatch.solving.model import Effort, Shipment, Solution, Task, Vehicle, Visit
from dispatch.solving.partition import partition
from dispatch.solving.pose import pose
from dispatch.solving.searching import Searching
from dispatch.solving.solve import solve
from dispatch.solving.warming import warm_up

EFFORT = Effort(rounds=2000)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    warm_up()


def line(*at: int) -> NDArray[np.int32]:
    """Places on a line: a leg takes as long as they are apart."""
    where = np.array(at)
    return np.abs(where[:, np.newaxis] - where).astype(np.int32)


def van(number: int, **other: object) -> Vehicle:
    return replace(Vehicle(f"van_{number}", start=0, end=0), **other)  # type: ignore[arg-type]


def served(solution: Solution) -> list[list[tuple[str, bool]]]:
    return [
        [(stop.shipment_id, stop.is_pickup) for stop in route.stops] for route in solution.routes
    ]


def kept(task: Task, solution: Solution) -> None:
    """Hold a solution to every limit, stop by stop."""
    shipments = {one.shipment_id: one for one in task.shipments}
    vehicles = {one.vehicle_id: one for one in task.vehicles}
    seen: list[tuple[str, bool]] = []
    for route in solution.routes:
        vehicle = vehicles[route.vehicle_id]
        duration_s = task.duration_s[vehicle.mode]
        here, at, load = vehicle.start, vehicle.earliest, 0
        on_board: set[str] = set()
        for stop in route.stops:
            shipment = shipments[stop.shipment_id]
            visit = shipment.pickup if stop.is_pickup else shipment.delivery
            begin = max(at + int(duration_s[here, visit.place]), visit.earliest)
            assert begin <= visit.latest
            assert (stop.begin, stop.over) == (begin, begin + visit.service_s)
            if stop.is_pickup:
                on_board.add(stop.shipment_id)
            else:
                on_board.remove(stop.shipment_id)
            load += shipment.weight_g if stop.is_pickup else -shipment.weight_g
            assert load <= vehicle.capacity_g
            here, at = visit.place, stop.over
            seen.append((stop.shipment_id, stop.is_pickup))
        assert not on_board
        if vehicle.end is not None:
            at += int(duration_s[here, vehicle.end])
        assert at <= vehicle.latest
    assert len(seen) == len(set(seen)) == 2 * (len(shipments) - len(solution.unserved))


def scattered(pairs: int, seed: int, *, slack_s: int = 400) -> Task:
    """A square of 100 by 100; each delivery may begin within `slack_s` of a direct trip."""
    draws = np.random.default_rng(seed)
    at = draws.integers(0, 100, size=(2 * pairs + 1, 2))
    apart = np.abs(at[:, np.newaxis] - at).sum(axis=2).astype(np.int32)
    shipments = []
    for pair in range(pairs):
        fetch, bring = 2 * pair + 1, 2 * pair + 2
        opens = int(draws.integers(200, 600))
        reach = opens + 10 + int(apart[fetch, bring])
        shipments.append(
            Shipment(
                f"shp_{pair}",
                Visit(fetch, opens, opens + slack_s, 10),
                Visit(bring, reach, reach + slack_s, 10),
                weight_g=int(draws.integers(1, 10)),
            )
        )
    crew = tuple(van(number, capacity_g=20, latest=2000, fixed_cost=1e4) for number in range(pairs))
    return Task(tuple(shipments), crew, {"car": apart})


def test_two_pairs_on_one_way_share_a_vehicle_and_go_there_and_back_once() -> None:
    # Depot at 0; fetched at 10 and 20, brought to 30 and 40: out to 40 and back is 80.
    duration_s = line(0, 10, 20, 30, 40)
    shipments = (Shipment("a", Visit(1), Visit(3)), Shipment("b", Visit(2), Visit(4)))
    found = solve(Task(shipments, (van(0), van(1)), {"car": duration_s}), seed=1, effort=Effort(50))
    assert served(found) == [[("a", True), ("b", True), ("a", False), ("b", False)]]
    assert found.cost == pytest.approx(80.0)
    assert not found.unserved


def test_the_best_order_of_four_pairs_is_found_and_is_the_same_each_time() -> None:
    task = scattered(4, seed=5, slack_s=400)
    task = replace(task, vehicles=task.vehicles[:1])
    apart = task.duration_s["car"]

    def length(order: tuple[int, ...]) -> float:
        at, load, way, here = 0, 0, 0, 0
        for step in order:
            shipment = task.shipments[step >> 1]
            visit = shipment.delivery if step & 1 else shipment.pickup
            leg = int(apart[here, visit.place])
            begin = max(at + leg, visit.earliest)
            load += -shipment.weight_g if step & 1 else shipment.weight_g
            if begin > visit.latest or load > task.vehicles[0].capacity_g:
                return float("inf")
            at, way, here = begin + visit.service_s, way + leg, visit.place
        home = int(apart[here, 0])
        return way + home if at + home <= task.vehicles[0].latest else float("inf")

    best = min(
        length(order)
        for order in itertools.permutations(range(8))
        if all(order.index(2 * pair) < order.index(2 * pair + 1) for pair in range(4))
    )
    found = solve(task, seed=3, effort=Effort(300))
    assert best < float("inf")
    assert found.cost - 1e4 == pytest.approx(best)
    assert solve(task, seed=3, effort=Effort(300)) == found
    kept(task, found)


def test_a_way_back_that_ends_too_late_is_no_way() -> None:
    # There at 40, back at 80: a vehicle that must be home by 79 cannot go.
    task = Task(
        (Shipment("a", Visit(1), Visit(2)),), (van(0, latest=80),), {"car": line(0, 10, 40)}
    )
    assert not solve(task, seed=1, effort=EFFORT).unserved
    short = replace(task, vehicles=(van(0, latest=79),))
    assert solve(short, seed=1, effort=EFFORT).unserved == ("a",)
    # The live kernels know the limit too.
    given = Routes(np.array([[0, 1]], np.int32), np.array([2], np.int32), np.zeros(1, np.int32))
    for posed, is_sound in ((pose(task), 1), (pose(short), 0)):
        board = board_of(posed, given)
        set_up(posed, board)
        assert board.sound[0] == is_sound


def test_who_need_not_come_back_pays_no_way_home() -> None:
    task = Task((Shipment("a", Visit(1), Visit(2)),), (van(0, end=None),), {"car": line(0, 10, 40)})
    assert solve(task, seed=1, effort=EFFORT).cost == pytest.approx(40.0)


def test_vehicles_that_cost_are_as_few_as_can_be() -> None:
    task = scattered(12, seed=2)
    dear = solve(task, seed=1, effort=EFFORT)
    cheap = solve(
        replace(task, vehicles=tuple(replace(one, fixed_cost=0.0) for one in task.vehicles)),
        seed=1,
        effort=EFFORT,
    )
    kept(task, dear)
    assert not dear.unserved
    assert len(dear.routes) <= len(cheap.routes)
    # Three loads of at most nine fit into a bag of twenty; no more than a bag is ever full.
    assert len(dear.routes) < 6


@pytest.mark.parametrize("seed", range(6))
def test_routes_keep_windows_loads_and_pairs(seed: int) -> None:
    task = scattered(20, seed=seed, slack_s=60)
    found = solve(task, seed=seed, effort=EFFORT)
    kept(task, found)
    assert not found.unserved


def test_only_allowed_vehicles_take_a_shipment() -> None:
    duration_s = line(0, 10, 20)
    task = Task(
        (Shipment("a", Visit(1), Visit(2), vehicles=frozenset({"van_1"})),),
        (van(0), van(1, fixed_cost=50.0)),
        {"car": duration_s},
    )
    found = solve(task, seed=1, effort=EFFORT)
    assert [route.vehicle_id for route in found.routes] == ["van_1"]
    assert found.cost == pytest.approx(90.0)


def test_what_fits_nowhere_is_unserved_and_the_rest_is_served() -> None:
    task = Task(
        (
            Shipment("heavy", Visit(1), Visit(2), weight_g=9),
            Shipment("light", Visit(1), Visit(2), weight_g=3),
            Shipment("late", Visit(2, latest=5), Visit(1)),
        ),
        (van(0, capacity_g=5),),
        {"car": line(0, 10, 20)},
    )
    found = solve(task, seed=1, effort=Effort(200))
    assert set(found.unserved) == {"heavy", "late"}
    kept(task, found)


def test_nothing_to_do_takes_nobody() -> None:
    task = Task((), (van(0),), {"car": line(0)})
    assert solve(task, seed=1, effort=EFFORT) == Solution((), (), 0.0, 0)


def test_another_limit_ends_the_search_before_its_rounds() -> None:
    looks = itertools.count()
    found = solve(scattered(6, seed=1), seed=1, effort=Effort(10**9, lambda: next(looks) / 20))
    assert 0 < found.rounds < 10**6


def test_the_choice_from_routes_met_joins_what_was_found_apart() -> None:
    task = scattered(12, seed=4)
    search = Searching(pose(task), seed=1)
    search.pull(3000, 10.0, 20.0, 0.5, fewer=False)
    search.to_best()
    best, mark = search.cost, search.mark()
    # One vehicle for each shipment is the worst there is; the album knows better.
    chosen = partition(search, columns=10_000, deterministic_limit=1.0)
    assert chosen.bound <= best + 1e-6
    assert search.cost <= best
    assert search.absent == 0
    search.back_to(mark)
    assert search.cost == pytest.approx(best)


def test_windows_without_an_end_are_never_late() -> None:
    assert Visit(0).latest == Vehicle("v", 0).latest == NEVER
