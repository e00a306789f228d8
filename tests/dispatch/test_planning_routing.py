"""The routing model knows stores, breaks and bags, and comes to the same end on every machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from long_routes import long_routes
from street import HOUR_S, NOW, Street, stops

from dispatch.check import check
from dispatch.model import Pause, Plan, Snapshot
from dispatch.planning import routing_model, routing_nodes
from dispatch.planning.improve import Search
from dispatch.planning.plan import plan, plan_by_insertion
from dispatch.planning.problem import Posed, pose
from dispatch.planning.routing import improve_routes
from dispatch.planning.routing_model import RoutingModel, search_parameters
from dispatch.planning.routing_nodes import first_loads
from dispatch.planning.situation import read

DAY_S = 86_400


@pytest.mark.parametrize("stores", [False, True])
def test_no_limit_of_the_search_is_one_of_the_clock(*, stores: bool) -> None:
    parameters = search_parameters(40, stores=stores)
    limits_s = {
        field.name: getattr(parameters, field.name).ToSeconds()
        for field in parameters.DESCRIPTOR.fields
        if field.message_type is not None
        and field.message_type.full_name == "google.protobuf.Duration"
        and parameters.HasField(field.name)
    }
    # What is not set does not count.  By OR-Tools' own default a neighbour has 0.1 s.
    assert {name: limit_s for name, limit_s in limits_s.items() if limit_s < DAY_S} == {}
    assert parameters.solution_limit == 40


# --- what the model knows ----------------------------------------------------------------------


def knows_no_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RoutingModel, "_break_begin", lambda self, vehicle: None)


def knows_not(*bags: str) -> Callable[[pytest.MonkeyPatch], None]:
    def forget(monkeypatch: pytest.MonkeyPatch) -> None:
        kept = tuple(bag for bag in routing_nodes.BAGS if bag[0] not in bags)
        for module in (routing_model, routing_nodes):
            monkeypatch.setattr(module, "BAGS", kept)

    return forget


@pytest.mark.parametrize(
    ("seed", "forget"),
    [
        (4, knows_no_breaks),
        (16, knows_not("volume")),
        (8, knows_not("chilled")),
    ],
)
def test_what_the_model_knows_finds_what_it_would_not_find_without(
    monkeypatch: pytest.MonkeyPatch, seed: int, forget: Callable[[pytest.MonkeyPatch], None]
) -> None:
    snapshot = long_routes(seed)
    found = plan(snapshot)
    assert found.method == "routing"
    assert found.objective.total < plan_by_insertion(snapshot).objective.total
    assert check(found, snapshot) == []
    # Whoever does not know it has an answer too, but one that the policy's prices do not like.
    forget(monkeypatch)
    assert plan(snapshot).method == "insertion"


@pytest.mark.parametrize("rounds", [0, 50])
def test_plans_of_long_routes_keep_every_limit(rounds: int) -> None:
    methods = set()
    for seed in range(25):
        snapshot = long_routes(seed, rounds=rounds, orders=12, break_late_cost=2.0)
        found = plan(snapshot)
        assert check(found, snapshot) == []
        methods.add(found.method)
    assert "routing" in methods
    assert "insertion (routing gave none)" not in methods


def test_an_order_moves_to_the_store_that_the_route_passes_anyway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    street = Street(improve_rounds=0, waiting_cost=0.0, churn_cost=0.0)
    street.store("west", at=0)
    east = street.store("east", at=1000)
    # Its promise ends first, so it is put in first: fetched in the west, where Ida is.
    street.order("a", at=450, due_s=2 * HOUR_S)
    for number in range(3):
        street.order(
            f"b{number}", at=1050 + 10 * number, store_id=east, ready_at=NOW, due_s=3 * HOUR_S
        )
    street.courier("ida", at=400)
    snapshot = street.snapshot()
    before, found = plan_by_insertion(snapshot), plan(snapshot)
    assert (before.sourcing["ord_a"], found.sourcing["ord_a"]) == ("sto_west", "sto_east")
    # 400 to the west, 1070 to the last door, against 670 there and 620 back.
    assert (before.objective.travel, found.objective.travel) == (400 + 1070, 670 + 620)
    assert stops(found.routes[0])[-1] == "dropoff a"
    assert check(found, snapshot) == []
    monkeypatch.setattr(routing_nodes, "_STORES", 1)
    assert plan(snapshot).sourcing["ord_a"] == "sto_west"


# --- parts of the model ------------------------------------------------------------------------


def started(snapshot: Snapshot) -> tuple[Posed, Search]:
    posed = pose(read(snapshot))
    search = Search(posed.problem, posed.routes, snapshot.seed)
    search.settle()
    search.fill()
    return posed, search


def answered(snapshot: Snapshot) -> tuple[Posed, Search, routing_model.Answer]:
    posed, search = started(snapshot)
    couriers = list(range(len(posed.courier_ids)))
    model = RoutingModel.of(posed, search, couriers, list(range(posed.problem.job_count)))
    assert model is not None
    found = model.solve(200)
    assert found is not None
    return posed, search, found


def of(posed: Posed, steps: Sequence[int]) -> list[str]:
    return [
        f"{'dropoff' if step & 1 else 'pickup'} {posed.entries[step >> 1].order_id[4:]}"
        for step in steps
    ]


def paused(pause: Pause | None) -> Street:
    """Return a street where fetching b on the way back from a's door is the shortest way."""
    street = Street(improve_rounds=0, late_cost=100.0)
    west, east = street.store("west", at=0), street.store("east", at=700)
    street.order("a", at=600, store_id=west, ready_at=NOW, due_s=900)
    street.order("b", at=500, store_id=east, ready_at=NOW, due_s=1300)
    street.courier("ida", at=0, pause=pause)
    return street


def test_a_courier_who_had_the_break_has_no_other() -> None:
    # Due now, with an empty bag: it is the first thing Ida does, and nothing of it is left over.
    snapshot = paused(Pause(NOW, NOW, 1000)).snapshot()
    posed, search, found = answered(snapshot)
    assert int(search.depart[0, 0]) == NOW + 1000
    assert search.adopt(found.steps, found.chosen)
    assert of(posed, found.steps[0]) == ["pickup a", "dropoff a", "pickup b", "dropoff b"]


def test_a_bag_that_was_fuller_than_it_may_be_is_left_as_it_is() -> None:
    for full in ({"volume_ml": 70_000}, {"chilled": True}):
        street = Street()
        north = street.store("north", at=500)
        told = {"courier_id": "cou_ida", "on_board": True, "store_id": north, "ready_at": NOW}
        street.order("a", at=600, **told, **full)
        street.courier("ida", at=500, on_board=("ord_a",), capacity_ml=60_000, chilled_bags=0)
        posed, search = started(street.snapshot())
        assert first_loads(posed, search, 0) is None


def test_what_has_no_time_in_it_makes_no_model() -> None:
    snapshot = long_routes(2)
    far = tuple(replace(c, available_at=NOW + 10 * DAY_S) for c in snapshot.couriers)
    posed, search = started(replace(snapshot, couriers=far))
    outcome = improve_routes(posed, search, lambda: True)
    assert (outcome.models, outcome.gains) == (0, 0)


def test_the_same_long_routes_get_the_same_plan() -> None:
    def told(found: Plan) -> object:
        return found.method, found.routes, found.sourcing

    for seed in (4, 10, 16):
        assert told(plan(long_routes(seed))) == told(plan(long_routes(seed)))
