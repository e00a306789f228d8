"""The compiled search: what it says a change costs is what it costs, and nothing breaks a limit."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import NOW, problem

from dispatch.planning.arrays import (
    CAND_STORE,
    COURIER_CAPACITY_G,
    COURIER_CAPACITY_PARCELS,
    COURIER_SHIFT_END,
    JOB_BAG,
    JOB_FIRST,
    JOB_LAST,
    JOB_PLACE,
    STORE_PLACE,
    STORE_WINDOW_FIRST,
    STORE_WINDOW_LAST,
    Problem,
)
from dispatch.planning.improve import Insertion, Search

SEEDS = range(6)


def started(
    seed: int, *, orders: int = 14, one_store: bool = False, pool: int = 0, lived: bool = False
) -> Search:
    found, routes = problem(orders, 5, 4, seed=seed, one_store=one_store, lived=lived)
    search = Search(found, routes, seed, pool=pool)
    search.settle()
    search.fill()
    return search


def everywhere(search: Search, job: int) -> list[tuple[float, Insertion]]:
    """Try every place for an order, by the cost of the whole before and after."""
    found = []
    before, unsound = search.cost(), search.board.total[1]
    mark = search.mark()
    jobs = search.problem.jobs
    for courier in range(len(search.problem.couriers)):
        if not search.problem.allowed[job, courier]:
            continue
        for candidate in range(jobs[job, JOB_FIRST], jobs[job, JOB_LAST]):
            for first in range(search.board.count[courier] + 1):
                for last in range(first, search.board.count[courier] + 1):
                    place = Insertion(0.0, courier, first, last, candidate)
                    search.insert(job, place)
                    fits = search.board.total[1] <= unsound and keeps_trips(search, courier)
                    added = search.cost() - before + search.problem.prices[0]
                    if fits:
                        found.append((added, place))
                    search.back_to(mark)
    return found


def keeps_trips(search: Search, courier: int) -> bool:
    """Return whether a route is one store, then its doors, again and again."""
    if not search.problem.one_store:
        return True
    bag = int(search.problem.couriers[courier, 7])
    before = -1
    for step in search.board.steps[courier, : search.board.count[courier]].tolist():
        if step & 1:
            bag, before = bag - 1, -1
            continue
        store = int(search.problem.candidates[search.board.chosen[step >> 1], CAND_STORE])
        if bag > 0 and before != store:
            return False
        bag, before = bag + 1, store
    return True


def assert_sound(search: Search) -> None:
    """Hold every limit, worked out anew from the arrays of the problem."""
    asked: Problem = search.problem
    seen: list[int] = []
    for courier in range(len(asked.couriers)):
        crew = asked.couriers[courier]
        place, at, load_g, parcels = crew[1], crew[2], crew[6], crew[7]
        held = {job for job in range(asked.job_count) if asked.jobs[job, JOB_BAG] == courier}
        for index in range(search.board.count[courier]):
            step = int(search.board.steps[courier, index])
            job = step >> 1
            if step & 1:
                assert job in held, "dropped before it was fetched"
                held.remove(job)
                seen.append(job)
                there = asked.jobs[job, JOB_PLACE]
                begin = at + asked.duration_s[crew[0], place, there]
                at = begin + asked.jobs[job, 1]
                load_g, parcels = load_g - asked.jobs[job, 2], parcels - 1
            else:
                store = asked.candidates[search.board.chosen[job], CAND_STORE]
                there = asked.stores[store, STORE_PLACE]
                begin = max(at + asked.duration_s[crew[0], place, there], search.ready[job])
                rows = slice(
                    asked.stores[store, STORE_WINDOW_FIRST], asked.stores[store, STORE_WINDOW_LAST]
                )
                openings = [max(begin, a) for a, b in asked.windows[rows].tolist() if begin < b]
                begin = openings[0]
                assert begin <= crew[COURIER_SHIFT_END]
                assert asked.allowed[job, courier]
                at = begin + 60
                held.add(job)
                load_g, parcels = load_g + asked.jobs[job, 2], parcels + 1
                assert load_g <= crew[COURIER_CAPACITY_G]
                assert parcels <= crew[COURIER_CAPACITY_PARCELS]
            assert search.begin[courier, index] == begin
            assert search.over[courier, index] == at
            place = there
        assert not held, "never dropped"
        assert keeps_trips(search, courier)
    assert len(seen) == len(set(seen))
    assert sorted(seen) == np.flatnonzero(search.owner >= 0).tolist()


@pytest.mark.parametrize("lived", [False, True])
@pytest.mark.parametrize("one_store", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_cheapest_place_is_the_best_of_all_places(
    seed: int, one_store: bool, lived: bool
) -> None:
    search = started(seed, orders=9, one_store=one_store, lived=lived)
    for job in range(search.problem.job_count):
        if search.problem.jobs[job, JOB_BAG] >= 0 or search.owner[job] < 0:
            continue
        search.remove(job)
        mark = search.mark()
        # Other orders of a queue may become later by a change of store; insertion prices
        # its own order only, so the oracle looks at the present store.
        present = int(search.board.chosen[job])
        tried = [entry for entry in everywhere(search, job) if entry[1].candidate == present]
        found = search.best_of_all(job)
        if not tried:
            assert found is None or found.candidate != present
        else:
            assert found is not None
            assert found.added <= min(added for added, _ in tried) + 1e-3
            if found.candidate == present:
                before = search.cost()
                assert search.insert(job, found)
                added = search.cost() - before + search.problem.prices[0]
                assert added == pytest.approx(found.added, abs=1e-3)
        search.back_to(mark)


@pytest.mark.parametrize("one_store", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_solution_keeps_every_limit(seed: int, one_store: bool) -> None:
    search = started(seed, orders=30, one_store=one_store)
    assert_sound(search)
    for _ in range(3):
        before = search.cost()
        search.improve(60)
        assert search.cost() <= before + 1e-3
        assert_sound(search)


@pytest.mark.parametrize("seed", SEEDS)
def test_costs_kept_along_the_way_are_those_worked_out_anew(seed: int) -> None:
    search = started(seed, orders=30)
    search.improve(150)
    kept, ready = search.cost(), search.ready.copy()
    search.back_to(search.mark())
    assert search.cost() == pytest.approx(kept, abs=1e-3)
    assert (search.ready == ready).all()


def test_the_same_seed_comes_to_the_same_end() -> None:
    one, two = started(1, orders=30), started(1, orders=30)
    for search in (one, two):
        search.improve(100)
    assert (one.board.steps == two.board.steps).all()
    assert one.cost() == two.cost()


def test_more_rounds_find_a_better_plan() -> None:
    search = started(3, orders=40)
    first = search.cost()
    search.improve(400)
    assert search.cost() < first


def test_pooled_routes_are_priced_as_they_are() -> None:
    search = started(2, orders=30, pool=500)
    search.improve(40)
    pool = search.pool
    assert len(pool.courier) > 0
    for index in range(0, len(pool.courier), 7):
        courier, count = int(pool.courier[index]), int(pool.count[index])
        steps = pool.steps[index, :count].tolist()
        assert len({step for step in steps if step & 1}) == sum(step & 1 for step in steps)
        stores = {
            step >> 1: int(candidate)
            for step, candidate in zip(steps, pool.candidate[index], strict=False)
            if not step & 1
        }
        assert all(candidate >= 0 for candidate in stores.values())
        assert pool.cost[index] > 0
        assert courier < len(search.problem.couriers)


def test_what_cannot_be_served_stays_without_a_route() -> None:
    found, routes = problem(6, 3, 2, seed=4)
    found.couriers[:, COURIER_SHIFT_END] = NOW - 1
    search = Search(found, routes, 0)
    search.settle()
    search.fill()
    search.improve(20)
    free = found.jobs[:, JOB_BAG] < 0
    assert (search.owner[free] == -1).all()
    assert (search.owner[~free] >= 0).all()
    assert search.unrouted == int(free.sum())


def test_a_plan_that_breaks_a_limit_is_not_adopted() -> None:
    search = started(5)
    before, cost = search.board.steps.copy(), search.cost()
    heavy = [
        job for job in range(search.problem.job_count) if search.problem.jobs[job, JOB_BAG] < 0
    ]
    everything = [2 * job for job in heavy] + [2 * job + 1 for job in heavy]
    assert not search.adopt({0: everything[: search.board.steps.shape[1]]}, {})
    assert (search.board.steps == before).all()
    assert search.cost() == pytest.approx(cost)
