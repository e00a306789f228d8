"""Limits of what sharing a bag may do to an order: detour, time in the bag, lateness by it.

The search holds a broken limit as dear as an order without a route, so nothing new goes where it
breaks one.  What happens by itself (goods that are late, a slow street) can still break it.
"""

from __future__ import annotations

import numpy as np

from dispatch.model import Policy, Reason, Refusal
from dispatch.planning import arrays as a
from dispatch.planning import insertion, prices, schedule
from dispatch.planning.arrays import NEVER, Problem
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed

_breaks_limit = getattr(prices.breaks_limit, "py_func", prices.breaks_limit)
_LIMITS = [a.PRICE_DETOUR_LIMIT_S, a.PRICE_BAG_LIMIT_S, a.PRICE_LATE_LIMIT_S]


def keep_limits(search: Search) -> None:
    """Take out what is fetched anew and breaks a limit, for itself or for what it rides with."""
    if (search.problem.prices[_LIMITS] >= NEVER).all():
        return
    for courier in range(len(search.problem.couriers)):
        while (job := _one_too_many(search, courier)) is not None:
            search.remove(job)


def _one_too_many(search: Search, courier: int) -> int | None:
    """Return an order that a courier had better not fetch; None where all limits hold."""
    problem = search.problem
    steps = search.steps(courier)
    locked = int(problem.couriers[courier, a.COURIER_LOCKED])
    at = {step: index for index, step in enumerate(steps)}
    free = [
        step >> 1
        for index, step in enumerate(steps)
        if index >= locked and not step & 1 and problem.jobs[step >> 1, a.JOB_BAG] < 0
    ]
    for step in steps:
        job = step >> 1
        if not step & 1 or not _is_broken(problem, search, courier, at[step], job):
            continue
        if job in free:
            return job
        since = at.get(2 * job, -1)
        riding = [one for one in free if at[2 * one] < at[step] and at[2 * one + 1] > since]
        if riding:
            return riding[-1]
    return None


def _is_broken(problem: Problem, search: Search, courier: int, index: int, job: int) -> bool:
    board, row = search.board, problem.jobs[job]
    if row[a.JOB_RIDES] <= 0 or row[a.JOB_LATEST] >= NEVER:
        return False
    begun = int(board.state[courier, index, schedule.BEGIN])
    over = int(board.state[courier, index + 1, schedule.OVER])
    return bool(
        _breaks_limit(
            problem.prices,
            begun - int(board.fetched[job]),
            int(board.direct_s[job]),
            over - int(row[a.JOB_LATEST]),
            begun <= int(row[a.JOB_EARLIEST]),
        )
    )


def why_not_shared(posed: Posed, search: Search, row: int) -> Refusal | None:
    """Return why an order is on no route if it is only for what sharing a bag would do."""
    problem = search.problem
    if (problem.prices[_LIMITS] >= NEVER).all():
        return None
    lifted = problem.prices.copy()
    lifted[_LIMITS] = NEVER
    couriers = np.arange(len(problem.couriers), dtype=np.int32)
    options = int(problem.jobs[row, a.JOB_LAST] - problem.jobs[row, a.JOB_FIRST])
    _, courier, *_ = insertion.best_of(
        problem._replace(prices=lifted),
        search.board,
        row,
        couriers,
        len(couriers),
        -1,
        np.zeros(options, dtype=np.int64),
    )
    if courier < 0:
        return None
    return Refusal(
        Reason.STACKING_LIMIT,
        "every courier who could fetch it would break a limit of what shares a bag: "
        + limits_in_words(posed.situation.policy),
    )


def limits_in_words(policy: Policy) -> str:
    """Return the limits that a policy sets."""
    said = {
        "a detour of": policy.stack_detour_max_s,
        "time in the bag of": policy.stack_bag_max_s,
        "lateness by it of": policy.stack_late_max_s,
    }
    parts = [f"{name} {limit_s / 60:g} min at most" for name, limit_s in said.items() if limit_s]
    return ", ".join(parts)
