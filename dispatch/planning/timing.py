"""When picking should begin, so that goods wait neither on the shelf nor for the courier.

A store picks in the order of need; from the last order to the first each is begun as late as it
still is ready for its courier, and leaves the pickers to those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dispatch.model import Route, StopKind
from dispatch.planning.arrays import (
    CAND_PICK_S,
    JOB_AWAITED,
    NEVER,
    STORE_PICKER_FIRST,
    STORE_PICKER_LAST,
)
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed
from dispatch.planning.situation import opening


class Wait(NamedTuple):
    """When the picking of an order should begin that had better wait, and when it is over."""

    begin_at: int
    ready_at: int


def pick_at(posed: Posed, search: Search, routes: Sequence[Route]) -> dict[str, Wait]:
    """Return the orders whose picking had better wait.

    Nothing where `Policy.pick_ahead_s` is 0: then whoever is free begins.
    """
    policy, now = posed.situation.policy, posed.situation.now
    if policy.pick_ahead_s == 0:
        return {}
    fetched = {
        visit.stop.order_id: visit.begin_at - policy.pick_ahead_s
        for route in routes
        for visit in route.visits
        if visit.stop.kind is StopKind.PICKUP
    }
    found: dict[str, Wait] = {}
    board, problem = search.board, posed.problem
    for store in range(len(problem.stores)):
        windows = posed.windows(store)
        for entries in _by_picker(posed, search, store):
            free_until = NEVER
            for entry in reversed(entries):
                ready_at = int(board.ready[entry])
                pick_s = int(problem.candidates[board.chosen[entry], CAND_PICK_S])
                order_id = posed.entries[entry].order_id
                waits = order_id in fetched and not problem.jobs[entry, JOB_AWAITED]
                wanted = fetched[order_id] if waits else ready_at
                begin = max(ready_at, min(wanted, free_until)) - pick_s
                if begin > max(now, ready_at - pick_s) and opening(begin, windows) == begin:
                    found[order_id] = Wait(begin, begin + pick_s)
                else:
                    begin = ready_at - pick_s
                free_until = begin
    return found


def _by_picker(posed: Posed, search: Search, store: int) -> list[list[int]]:
    """Return what each picker of a store picks, in order, as the forecast has it."""
    board, problem = search.board, posed.problem
    first, last = problem.stores[store, [STORE_PICKER_FIRST, STORE_PICKER_LAST]].tolist()
    free_at = problem.pickers[first:last].tolist()
    found: list[list[int]] = [[] for _ in free_at]
    for entry in board.queue[store, : board.queued[store]].tolist():
        ready_at = int(board.ready[entry])
        if free_at and ready_at < NEVER:
            who = min(range(len(free_at)), key=free_at.__getitem__)
            free_at[who] = max(free_at[who], ready_at)
            found[who].append(entry)
    return found
