"""Waiting on purpose: a courier lets goods wait for an order that could share the trip.

While a courier waits, orders come to the store at some rate, and one in so many can share the trip;
it then saves a trip there and back.  As long as what that saves by the second is more than what a
second costs all who wait, and no promise comes to be at risk, the courier waits.  Orders come
without memory, so the question is the same at every tick, and is asked anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dispatch.model import Policy, Snapshot
from dispatch.planning.arrays import (
    COURIER_BAG_PARCELS,
    COURIER_BREAK_FROM,
    COURIER_CAPACITY_PARCELS,
    COURIER_LOCKED,
    COURIER_MODE,
    JOB_LATEST,
    NEVER,
    STORE_PLACE,
    STORE_SERVICE_S,
)
from dispatch.planning.improve import Search
from dispatch.planning.schedule import BEGIN, DEPART, PLACE, STORE

_HOUR_S: Final = 3600


def hold(snapshot: Snapshot, search: Search, store_ids: Sequence[str]) -> int:
    """Let couriers who would leave for one store now leave later; returns how many.

    Parameters
    ----------
    search
        Its problem's couriers start later where that is worth it; all times follow.
    store_ids
        Names of the rows of the search's stores.
    """
    policy = snapshot.policy
    if policy.hold_match == 0.0:
        return 0
    per_s = {entry.store_id: entry.orders_per_h / _HOUR_S for entry in snapshot.demand}
    held = 0
    for courier in range(len(search.problem.couriers)):
        until = _until(search, courier, policy, store_ids, per_s)
        if until is not None and search.start_later(courier, until):
            held += 1
    return held


def _until(
    search: Search,
    courier: int,
    policy: Policy,
    store_ids: Sequence[str],
    per_s: dict[str, float],
) -> int | None:
    """Return when a courier should leave instead, None for as planned."""
    problem, board = search.problem, search.board
    crew, state = problem.couriers[courier], board.state[courier]
    count = int(board.count[courier])
    store = int(state[0, STORE])
    if crew[COURIER_BREAK_FROM] < NEVER:
        return None
    if count == 0 or crew[COURIER_LOCKED] or crew[COURIER_BAG_PARCELS] or store < 0:
        return None
    fetched = 0
    while fetched < count and state[fetched, STORE] == store:
        fetched += 1
    if fetched >= crew[COURIER_CAPACITY_PARCELS]:
        return None
    steps = board.steps[courier, :count].tolist()
    ends = [index for index, step in enumerate(steps) if step & 1]
    mode, source = int(crew[COURIER_MODE]), int(problem.stores[store, STORE_PLACE])
    trip_s = int(problem.duration_s[mode, source, state[ends[0] + 1, PLACE]])
    expected = per_s.get(store_ids[store], 0.0) * policy.hold_match
    if expected * 2 * trip_s * policy.travel_cost <= policy.waiting_cost * len(ends):
        return None
    slack_s = min(
        int(problem.jobs[steps[index] >> 1, JOB_LATEST] - state[index + 1, DEPART])
        for index in ends
    )
    begin = int(state[fetched - 1, BEGIN])
    waited_s = begin - max(int(board.ready[step >> 1]) for step in steps[:fetched])
    hold_s = min(slack_s - policy.buffer_s, policy.hold_max_s - waited_s)
    if hold_s <= 0:
        return None
    # Waiting at the counter comes to be waiting before the start.
    way_s = int(problem.duration_s[mode, state[0, PLACE], source])
    served_s = (fetched - 1) * int(problem.stores[store, STORE_SERVICE_S])
    return begin - served_s - way_s + hold_s
