"""The choice from the pool: the best there is, and nothing lost on the way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import problem

from dispatch.planning.arrays import COURIER_LOCKED, JOB_BAG, PRICE_UNROUTED
from dispatch.planning.columns import (
    PRESENT,
    Columns,
    bound,
    gather,
    price_again,
    restrict,
    shared_out,
)
from dispatch.planning.improve import Search
from dispatch.planning.selection import Selected, choose, select
from dispatch.planning.starts import improve_in_starts

UNROUTED = 1_000.0
SEEDS = range(4)

Route = tuple[int, frozenset[int], int]
"""Courier, orders, cost."""


def columns_of(routes: list[Route], couriers: int) -> Columns:
    ordered = sorted(routes, key=lambda route: (route[0], route[2], sorted(route[1])))
    courier = np.array([route[0] for route in ordered], dtype=np.int64)
    return Columns(
        courier=courier,
        cost=np.array([float(route[2]) for route in ordered]),
        row=np.arange(len(ordered)),
        moves=np.zeros(len(ordered), dtype=bool),
        first=np.cumsum([0, *(len(route[1]) for route in ordered)]),
        jobs=np.array([job for route in ordered for job in sorted(route[1])], dtype=np.int64),
        block=np.searchsorted(courier, np.arange(couriers + 1)),
    )


def inside(columns: Columns, column: int) -> set[int]:
    return set(columns.jobs[columns.first[column] : columns.first[column + 1]].tolist())


def every_choice(columns: Columns, jobs: int) -> list[tuple[float, tuple[int, ...]]]:
    """Try all: one column per courier, no order twice."""
    blocks = [range(a, b) for a, b in itertools.pairwise(columns.block.tolist()) if b > a]
    found = []
    for choice in itertools.product(*blocks):
        had = [job for column in choice for job in inside(columns, column)]
        if len(had) == len(set(had)):
            cost = float(columns.cost[list(choice)].sum()) + UNROUTED * (jobs - len(had))
            found.append((cost, choice))
    return sorted(found)


@st.composite
def pools(draw: st.DrawFn) -> tuple[Columns, int]:
    """Draw up to four couriers, five orders and eight routes each, the empty one among them."""
    couriers, jobs = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    orders = st.frozensets(st.integers(0, jobs - 1), min_size=1, max_size=3)
    routes: list[Route] = []
    for courier in range(couriers):
        own = draw(st.dictionaries(orders, st.integers(1, 900), max_size=7))
        routes += [
            (courier, frozenset(), 0),
            *((courier, some, cost) for some, cost in own.items()),
        ]
    return columns_of(routes, couriers), jobs


def empty_ones(columns: Columns) -> np.ndarray:
    return np.flatnonzero(np.diff(columns.first) == 0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pools())
def test_the_choice_is_the_best_of_all_choices(pool: tuple[Columns, int]) -> None:
    columns, jobs = pool
    present, asked = empty_ones(columns), np.ones(jobs, dtype=bool)
    price = shared_out(columns, present, jobs, UNROUTED)
    choice = choose(columns, present, asked, UNROUTED, price=price, deterministic_limit=1.0)
    least, _ = every_choice(columns, jobs)[0]
    assert choice.proven
    assert UNROUTED * jobs - choice.saved == pytest.approx(least)
    had = [job for column in choice.columns.tolist() for job in inside(columns, column)]
    assert len(had) == len(set(had))
    assert columns.courier[choice.columns].tolist() == columns.courier[present].tolist()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pools(), st.integers(1, 200))
def test_no_choice_is_below_the_bound_or_below_what_its_columns_say(
    pool: tuple[Columns, int], rounds: int
) -> None:
    columns, jobs = pool
    price = shared_out(columns, empty_ones(columns), jobs, UNROUTED)
    asked = np.ones(jobs, dtype=bool)
    limits = bound(columns, price, asked, UNROUTED, UNROUTED * jobs, rounds)
    for cost, choice in every_choice(columns, jobs):
        assert limits.lower + limits.excess[list(choice)].max() <= cost + 1e-6


def test_a_swap_that_no_single_move_finds_is_found() -> None:
    # Each courier has the other's order; either of them alone would have to take both.
    columns = columns_of(
        [
            (0, frozenset(), 0),
            (0, frozenset({0}), 100),
            (0, frozenset({1}), 10),
            (0, frozenset({0, 1}), 300),
            (1, frozenset(), 0),
            (1, frozenset({0}), 10),
            (1, frozenset({1}), 100),
            (1, frozenset({0, 1}), 300),
        ],
        2,
    )
    present = np.array([2, 6])
    assert [inside(columns, column) for column in present] == [{0}, {1}]
    price = shared_out(columns, present, 2, UNROUTED)
    asked = np.ones(2, dtype=bool)
    choice = choose(columns, present, asked, UNROUTED, price=price, deterministic_limit=1.0)
    assert choice.saved == pytest.approx(180.0)
    assert [inside(columns, column) for column in choice.columns] == [{1}, {0}]


def test_prices_alone_prove_a_plan_that_cannot_be_better() -> None:
    columns = columns_of([(0, frozenset(), 0), (0, frozenset({0}), 10), (1, frozenset(), 0)], 2)
    present, asked = np.array([1, 2]), np.ones(1, dtype=bool)
    price = shared_out(columns, present, 1, UNROUTED)
    choice = choose(columns, present, asked, UNROUTED, price=price, deterministic_limit=1.0)
    assert choice.proven
    assert choice.deterministic_time == 0.0
    assert choice.columns.tolist() == [1, 2]


# --- with a search -----------------------------------------------------------------------------


def filled(seed: int, *, one_store: bool = False, orders: int = 24) -> tuple[Search, float]:
    """Return a search at its first plan that has met the routes of much better ones."""
    asked, routes = problem(orders, 8, 5, seed=seed, one_store=one_store)
    search = Search(asked, routes, seed, pool=5_000)
    search.settle()
    search.fill()
    first = search.mark()
    search.improve(300)
    better = search.cost()
    search.back_to(first)
    return search, better


def chosen_from(search: Search) -> Selected:
    return select(search, neighbourhoods=12, routes=1_500, deterministic_limit=1.0)


def solution(search: Search) -> tuple[list[list[int]], list[int]]:
    steps, count, chosen = search.routes
    return [row[:n].tolist() for row, n in zip(steps, count, strict=True)], chosen.tolist()


@pytest.mark.parametrize("one_store", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_pool_leads_back_to_good_plans(seed: int, one_store: bool) -> None:
    search, better = filled(seed, one_store=one_store)
    before, mark = search.cost(), search.mark()
    outcome = chosen_from(search)
    assert outcome.gains > 0
    assert search.cost() == pytest.approx(before - outcome.saved)
    assert before - search.cost() > 0.5 * (before - better)
    # What the board says is what it comes to from the routes alone.
    found, after = search.cost(), search.mark()
    search.back_to(mark)
    search.back_to(after)
    assert search.cost() == pytest.approx(found)


@pytest.mark.parametrize("one_store", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_order_is_lost_doubled_or_taken_out_of_a_bag(seed: int, one_store: bool) -> None:
    search, _ = filled(seed, one_store=one_store)
    routed, unsound = search.problem.job_count - search.unrouted, search.board.total[1]
    chosen_from(search)
    ends = [step >> 1 for route in solution(search)[0] for step in route if step & 1]
    assert len(ends) == len(set(ends)) >= routed
    assert search.board.total[1] <= unsound
    bag = search.problem.jobs[: search.problem.job_count, JOB_BAG]
    assert (search.owner[bag >= 0] == bag[bag >= 0]).all()


def test_the_same_pool_gives_the_same_choice() -> None:
    one, other = filled(3)[0], filled(3)[0]
    assert chosen_from(one) == chosen_from(other)
    assert solution(one) == solution(other)


def test_small_models_come_to_a_good_plan_too() -> None:
    search, _ = filled(1, orders=60)
    before = search.cost()
    outcome = select(search, neighbourhoods=40, routes=60, deterministic_limit=1.0)
    assert outcome.models > 1
    assert outcome.saved == pytest.approx(before - search.cost())
    assert outcome.gains > 0


def test_without_effort_nothing_changes() -> None:
    search, _ = filled(0)
    before = solution(search)
    outcome = select(search, neighbourhoods=4, routes=1_500, deterministic_limit=0.0)
    assert outcome.models <= 1
    assert outcome.solved == 0
    assert solution(search) == before


def test_without_orders_couriers_or_a_pool_there_is_nothing_to_choose() -> None:
    for orders, couriers, pool in ((0, 3, 10), (6, 3, 0)):
        asked, routes = problem(orders, couriers, 3, seed=1)
        search = Search(asked, routes, 1, pool=pool)
        search.settle()
        search.fill()
        assert chosen_from(search).gains == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_routes_with_their_present_stores_cost_what_they_are_priced_at(seed: int) -> None:
    search, _ = filled(seed)
    pool, mark = search.pool, search.mark()
    cost = price_again(search.problem, search.board, pool)
    search.back_to(mark)
    kept = 0
    for row in range(0, len(cost), 7):
        courier, steps = int(pool.courier[row]), pool.steps[row, : pool.count[row]]
        candidate = pool.candidate[row, : pool.count[row]]
        picked = candidate >= 0
        if not (candidate[picked] == search.routes.chosen[steps[picked] >> 1]).all():
            continue
        # Nobody else has anything, so that no order is routed twice.
        search.board.count[:] = 0
        adopted = search.adopt({courier: steps.tolist()}, {})
        assert adopted == bool(np.isfinite(cost[row]))
        if adopted:
            churn = sum(search.telling_of(int(step) >> 1) for step in steps if step & 1)
            assert search.route_cost[courier] + churn == pytest.approx(cost[row])
            kept += 1
        search.back_to(mark)
    assert kept > 0


def test_of_the_same_orders_by_the_same_courier_the_cheapest_route_is_a_column() -> None:
    search, _ = filled(2)
    pool = search.pool
    cost = np.where(np.arange(len(pool.cost)) % 5 == 0, np.inf, pool.cost)
    own = search.route_cost + 1e-3
    columns, present = gather(search.problem, search.routes, own, pool, cost)
    met: dict[tuple[int, frozenset[int]], float] = {}
    for row in np.flatnonzero(np.isfinite(cost)).tolist():
        steps = pool.steps[row, : pool.count[row]]
        key = int(pool.courier[row]), frozenset((steps[steps & 1 == 1] >> 1).tolist())
        met[key] = min(met.get(key, np.inf), float(cost[row]))
    seen: dict[tuple[int, frozenset[int]], float] = {}
    for column in range(len(columns.cost)):
        key = int(columns.courier[column]), frozenset(inside(columns, column))
        seen[key] = min(seen.get(key, np.inf), float(columns.cost[column]))
    assert set(met) <= set(seen)
    assert all(seen[key] <= price for key, price in met.items())
    for courier, column in enumerate(present.tolist()):
        route = solution(search)[0][courier]
        assert inside(columns, column) == {step >> 1 for step in route if step & 1}
        assert columns.cost[column] <= own[courier]


def test_locked_steps_stay_at_the_beginning_of_every_column() -> None:
    search, _ = filled(0)
    courier = int(np.argmax(search.routes.count))
    search.problem.couriers[courier, COURIER_LOCKED] = 2
    columns, _ = gather(
        search.problem, search.routes, search.route_cost, search.pool, search.pool.cost
    )
    of_courier = slice(*columns.block[courier : courier + 2].tolist())
    rows = columns.row[of_courier]
    assert (rows >= PRESENT).all(), "who is under way is not free to do nothing"
    locked = search.routes.steps[courier, :2].tolist()
    assert all(search.pool.steps[row, :2].tolist() == locked for row in rows[rows >= 0].tolist())


def test_leaving_an_order_out_is_never_better() -> None:
    search, _ = filled(1)
    assert search.problem.prices[PRICE_UNROUTED] == 1e9
    unrouted = search.unrouted
    chosen_from(search)
    assert search.unrouted <= unrouted


def test_restricting_columns_keeps_their_orders() -> None:
    search, _ = filled(0)
    columns, _ = gather(
        search.problem, search.routes, search.route_cost, search.pool, search.pool.cost
    )
    kept = np.arange(0, len(columns.cost), 3)
    fewer = restrict(columns, kept)
    assert [inside(fewer, i) for i in range(len(kept))] == [inside(columns, i) for i in kept]
    assert (np.diff(fewer.block) >= 0).all()
    assert fewer.block[-1] == len(kept)


@pytest.mark.parametrize("seed", SEEDS)
def test_starts_joined_by_a_choice_never_get_worse(seed: int) -> None:
    search, _ = filled(seed)
    costs, choices = [search.cost()], 0
    for outcome in improve_in_starts(
        search, 300, starts=2, neighbourhoods=4, routes=1_500, deterministic_limit=1.0
    ):
        costs.append(search.cost())
        choices += outcome is not None
    # Running sums with an order's price of 1e9 in them are exact to a millionth.
    assert all(later <= earlier + 1e-5 for earlier, later in itertools.pairwise(costs))
    assert choices == 2
    ends = [step >> 1 for route in solution(search)[0] for step in route if step & 1]
    assert len(ends) == len(set(ends))


def test_a_trade_that_does_not_pay_does_not_stop_the_others() -> None:
    search, _ = filled(2, orders=40)
    before = search.cost()
    outcome = select(search, neighbourhoods=1, routes=5_000, deterministic_limit=1.0)
    assert outcome.models == 1
    assert outcome.saved > 0
    assert search.cost() == pytest.approx(before - outcome.saved)
