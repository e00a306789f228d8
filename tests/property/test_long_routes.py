"""What holds for every plan that the routing model had a hand in, whatever the snapshot."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from snapshots import contradictory_snapshots, snapshots

from dispatch.check import check
from dispatch.model import Snapshot
from dispatch.planning.plan import plan


def with_long_routes(snapshot: Snapshot, rounds: int) -> Snapshot:
    """Return a snapshot in which any route of two stops is a long one."""
    policy = replace(
        snapshot.policy,
        routing_min_stops=2,
        routing_min_orders=1,
        one_store_per_trip=False,
        assign_nearest=False,
        improve_rounds=rounds,
    )
    return replace(snapshot, policy=policy)


rounds = st.sampled_from([0, 0, 20])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(snapshots(), rounds)
def test_plans_of_long_routes_pass_the_check(snapshot: Snapshot, rounds: int) -> None:
    asked = with_long_routes(snapshot, rounds)
    assert check(plan(asked), asked) == []


@settings(max_examples=300, deadline=None, derandomize=True)
@given(contradictory_snapshots(), rounds)
def test_a_contradictory_snapshot_neither_ends_the_model_nor_spoils_the_plan(
    snapshot: Snapshot, rounds: int
) -> None:
    asked = with_long_routes(snapshot, rounds)
    assert check(plan(asked), asked) == []
