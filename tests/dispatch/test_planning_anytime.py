"""Plans that get better: a valid one at once, then others until somebody says stop."""

from __future__ import annotations

from itertools import islice, pairwise
from random import Random

import pytest
from street import HOUR_S, NOW, Street

from dispatch.check import check
from dispatch.model import Plan, Snapshot
from dispatch.planning.plan import CHUNK, plan, plans
from dispatch.planning.writing import just_in_time


def busy(orders: int = 16, **policy: object) -> Snapshot:
    """Return a street with more to do than the first plan gets right."""
    random = Random(3)  # noqa: S311
    street = Street(**policy)
    stores = [street.store(name, at=at) for name, at in (("west", 0), ("mid", 700), ("east", 1500))]
    for number in range(orders):
        street.order(
            f"{number:02}",
            at=random.randint(0, 1500),
            store_id=random.choice(stores),
            due_s=random.randint(900, 2700),
        )
    for number in range(4):
        street.courier(f"c{number}", at=random.randint(0, 1500))
    return street.snapshot()


def worth(found: Plan) -> tuple[int, float]:
    return len(found.unassigned), found.objective.total


def test_every_plan_is_valid_and_none_is_worse_than_the_one_before() -> None:
    snapshot = busy(improve_rounds=4 * CHUNK)
    found = list(plans(snapshot))
    assert all(check(one, snapshot) == [] for one in found)
    assert len(found) >= 5
    for before, after in pairwise(found):
        assert worth(after) <= (worth(before)[0], worth(before)[1] + 1e-6)
    assert worth(found[-1]) < worth(found[0])


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_it_stops_when_told_and_what_was_said_last_stands(asked: int) -> None:
    snapshot = busy(improve_rounds=4 * CHUNK)
    answers = iter([True] * asked + [False] * 100)
    found = list(plans(snapshot, lambda: next(answers)))
    assert len(found) == asked + 1
    assert found == list(islice(plans(snapshot), asked + 1))


def test_without_effort_there_is_a_plan_all_the_same() -> None:
    snapshot = busy(improve_rounds=0, routing_min_orders=1000)
    (only,) = plans(snapshot)
    assert only.method == "insertion"
    assert only.unassigned == ()


# --- leaving just in time ----------------------------------------------------------------------

OPEN = ((NOW - HOUR_S, NOW + HOUR_S),)


def left(
    legs: list[int], ready: list[int], windows: list[tuple[tuple[int, int], ...]] | None = None
) -> tuple[int, list[int]]:
    """Return start and beginnings of a block of pickups of a minute each, seconds from now."""
    begin: list[int] = []
    at = NOW
    for leg_s, ready_s in zip(legs, ready, strict=True):
        begin.append(max(at + leg_s, NOW + ready_s))
        at = begin[-1] + 60
    hours = windows or [OPEN] * len(legs)
    ready_at = [NOW + ready_s for ready_s in ready]
    leave_at, begins = just_in_time(NOW, legs, begin, [60] * len(legs), ready_at, hours)
    return leave_at - NOW, [at - NOW for at in begins]


def test_waiting_at_the_last_of_several_pickups_is_a_later_start() -> None:
    # Without it: there at 100, until 160, at the second at 200, which is ready at 500.
    assert left([100, 40], [0, 500]) == (300, [400, 500])


def test_who_need_not_wait_leaves_at_once() -> None:
    assert left([100, 40], [0, 150]) == (0, [100, 200])


def test_waiting_at_the_first_pickup_is_a_later_start_too() -> None:
    assert left([100], [180]) == (80, [180])
    # The second is ready when the first is done: only the first wait is saved.
    assert left([100, 40], [180, 0]) == (80, [180, 280])


def test_a_pickup_is_not_pushed_behind_the_closing_of_its_store() -> None:
    # Begun at 219 at the latest: one waits 181 s at the second instead of all of 300.
    closes = ((NOW - HOUR_S, NOW + 220),)
    assert left([100, 40], [0, 500], [closes, OPEN]) == (119, [219, 500])


def test_a_break_of_the_store_is_not_begun_in() -> None:
    hours = ((NOW - HOUR_S, NOW + 300), (NOW + 450, NOW + HOUR_S))
    # 400 lies in the break, so the pickup begins in the last second before it.
    assert left([100, 40], [0, 500], [hours, OPEN]) == (199, [299, 500])


def test_nothing_to_fetch_is_nothing_to_wait_for() -> None:
    assert just_in_time(NOW, [], [], [], [], []) == (NOW, [])


def test_two_stores_on_the_way_are_left_for_as_late_as_the_doors_allow() -> None:
    street = Street()
    street.store("west", at=400)
    street.store("east", at=500)
    street.order("a", at=600, store_id="sto_west", ready_at=NOW)
    street.order("b", at=610, store_id="sto_east", pick_started_at=NOW - 0, store_fixed=True)
    street.courier("ida", at=400)
    snapshot = street.snapshot()
    found = plan(snapshot)
    assert check(found, snapshot) == []
    (route,) = found.routes
    assert route.leave_at >= NOW
    pickups = [visit for visit in route.visits if visit.stop.kind == "pickup"]
    if route.visits[1].stop.kind == "pickup":
        assert pickups[1].begin_at == pickups[1].arrive_at
