"""A plan that chooses exactly from the routes it met is sound, repeatable, and no worse."""

from __future__ import annotations

from dataclasses import replace

from street import NOW, Street

from dispatch.check import check
from dispatch.model import Snapshot
from dispatch.planning.plan import plan, plans

ROUNDS = 300


def rush(**policy: object) -> Snapshot:
    """Two dozen orders for six couriers between four stores."""
    street = Street(improve_rounds=ROUNDS, **policy)
    for index, name in enumerate(("north", "east", "south", "west")):
        street.store(name, 500 * index)
    for index in range(24):
        # Spread over the street without a pattern that one courier could follow.
        door = (index * 733) % 2000
        street.order(f"{index:02d}", door, due_s=1500 + 60 * (index % 7), created_at=NOW - 60)
    for index in range(6):
        street.courier(f"{index}", (index * 911) % 2000)
    return street.snapshot()


def test_the_exact_choice_is_never_worse_than_what_it_chose_from() -> None:
    chosen = plan(rush(selection_neighbourhoods=4))
    snapshot = rush(selection_neighbourhoods=4)
    assert check(chosen, snapshot) == []
    steps = [found.objective.total for found in plans(snapshot)]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == chosen.objective.total
    assert steps[-1] < steps[0]


def test_the_same_choice_is_made_again() -> None:
    snapshot = rush(selection_neighbourhoods=4)
    assert plan(snapshot) == plan(replace(snapshot, orders=snapshot.orders[::-1]))


def test_a_limit_that_is_spent_ends_it_after_the_step_it_is_in() -> None:
    answers = iter((True, False))
    found = list(plans(rush(selection_neighbourhoods=4), lambda: next(answers, False)))
    assert len(found) == 2
