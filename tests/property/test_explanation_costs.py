"""What an explanation says an order costs is what the plan says; what would free it does."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from property.snapshots import contradictory_snapshots, snapshots

from dispatch.alternatives import alternatives
from dispatch.check import check
from dispatch.counterfactual import freeing_cases, inserted
from dispatch.explain import explain
from dispatch.explanation import TERMS
from dispatch.model import Plan, Snapshot
from dispatch.otherwise import Ties
from dispatch.planning.arrays import JOB_BAG, PRICE_UNROUTED
from dispatch.planning.improve import Search
from dispatch.planning.plan import plan_by_insertion
from dispatch.planning.problem import Posed, pose
from dispatch.planning.situation import read
from dispatch.planning.terms import Ledger
from dispatch.planning.writing import write

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

OBJECTIVE: Final = {
    "lateness": ("lateness", "slack"),
    "waiting": ("waiting",),
    "travel": ("travel",),
    "churn": ("told_courier", "told_store", "told_customer"),
    "stacking": ("stacking",),
    "chilled": ("chilled",),
    "duty": ("duty",),
    "ending": ("overtime", "home", "future", "late_break"),
}
"""Which terms each figure of a plan's objective is made of."""


def searched(snapshot: Snapshot) -> tuple[Posed, Search, Plan]:
    made = plan_by_insertion(snapshot)
    posed = pose(read(snapshot), sourcing=made.sourcing, routes=made.routes)
    search = Search(posed.problem, posed.routes, snapshot.seed)
    search.settle()
    return posed, search, made


def test_every_term_belongs_to_one_figure_of_the_objective() -> None:
    assert sorted(TERMS) == sorted(name for names in OBJECTIVE.values() for name in names)


@given(snapshots())
@QUICK
def test_the_terms_of_all_routes_are_those_of_the_search(snapshot: Snapshot) -> None:
    posed, search, _ = searched(snapshot)
    ledger = Ledger(posed, search).routes()
    terms: dict[str, float] = {}
    for account in ledger.values():
        for name, price in account.terms.items():
            terms[name] = terms.get(name, 0.0) + price
    left_out = search.unrouted * posed.problem.prices[PRICE_UNROUTED]
    assert sum(terms.values()) == pytest.approx(search.cost() - left_out, abs=1e-3)


@given(snapshots())
@QUICK
def test_the_terms_of_all_routes_are_those_of_the_plan(snapshot: Snapshot) -> None:
    """Leaving just in time shortens rides, which the search does not know: they are left free."""
    free = replace(
        snapshot.policy,
        chilled_cost=0.0,
        stack_cost=0.0,
        stack_late_cost=0.0,
        stack_detour_max_s=0,
        stack_bag_max_s=0,
        stack_late_max_s=0,
    )
    # Nobody moved: what changed since cannot be told from what the search changed.
    posed, search, made = searched(replace(snapshot, policy=free, routes=()))
    assume(all(search.sound))
    assume(all(order.store_id is None for order in snapshot.orders))
    terms: dict[str, float] = {}
    for account in Ledger(posed, search).routes().values():
        for name, price in account.terms.items():
            terms[name] = terms.get(name, 0.0) + price
    for figure, names in OBJECTIVE.items():
        found = sum(terms.get(name, 0.0) for name in names)
        assert found == pytest.approx(getattr(made.objective, figure), abs=1e-3), figure


@given(snapshots(), st.integers(0, 8))
@QUICK
def test_the_price_of_an_order_is_what_the_plan_saves_without_it(
    snapshot: Snapshot, which: int
) -> None:
    posed, search, _ = searched(snapshot)
    free = [row for row in posed.rows.values() if posed.problem.jobs[row, JOB_BAG] < 0]
    free = [row for row in free if search.owner[row] >= 0]
    assume(free)
    row = free[which % len(free)]
    steps = search.routes.steps.copy()
    found = alternatives(posed, search, row)
    assert (search.routes.steps == steps).all()
    whole = search.cost()
    search.remove(row)
    without = search.cost() - posed.problem.prices[PRICE_UNROUTED]
    assert found.present is not None
    assert found.present.added == pytest.approx(whole - without, abs=1e-3)
    assert found.present.added == pytest.approx(sum(found.present.terms.values()), abs=1e-6)
    for key, price in found.couriers.items():
        place = search.best(row, posed.courier_ids.index(key))
        assert place is not None
        # From another store others are picked sooner or later: an insertion does not count that.
        if price.store_id == found.present.store_id:
            assert price.added == pytest.approx(place.added, abs=1e-3)


@given(snapshots())
@QUICK
def test_what_would_free_an_order_frees_it(snapshot: Snapshot) -> None:
    made = plan_by_insertion(snapshot)
    orders = {order.order_id: order for order in snapshot.orders}
    assume(made.unassigned)
    for entry in made.unassigned:
        order = orders[entry.order_id]
        stores = explain(snapshot, made, entry.order_id).stores
        for case, change in freeing_cases(snapshot, made, order, stores, Ties()):
            other = case.change(snapshot)
            outcome = inserted(other, made, entry.order_id)
            assert outcome is not None, change
            assert outcome.came.done_at == change.done_at
            plan = write(outcome.posed, outcome.search, "insertion")
            assert entry.order_id not in {one.order_id for one in plan.unassigned}, change
            # The verifier, which knows nothing of how it was found, finds no fault with it.
            assert not [
                violation for violation in check(plan, other) if violation.subject == entry.order_id
            ], change


@given(st.one_of(snapshots(), contradictory_snapshots()))
@QUICK
def test_every_order_of_any_snapshot_can_be_explained(snapshot: Snapshot) -> None:
    made = plan_by_insertion(snapshot)
    for order_id in {order.order_id for order in snapshot.orders}:
        found = explain(snapshot, made, order_id)
        assert found.sentence.endswith(".")
        assert set(found.terms) <= set(TERMS)
        assert found.chance is None or 0 <= found.chance <= 1
        for wait in found.waits:
            assert wait.wait_s > 0
            assert wait.why
        for option in found.couriers:
            assert option.extra_cost == pytest.approx(sum(option.terms.values()), abs=1)
