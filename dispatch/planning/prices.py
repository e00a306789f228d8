"""What everything costs, in compiled pieces: lateness, shared bags, news, ends of routes.

All prices are those of a `Policy`, in courier-seconds.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    COURIER_BREAK_FROM,
    COURIER_BREAK_S,
    COURIER_BREAK_UNTIL,
    COURIER_SHIFT_END,
    JOB_BAG,
    JOB_CHILLED,
    JOB_COUNTS_FROM,
    JOB_EARLIEST,
    JOB_FETCH_BY,
    JOB_HOME,
    JOB_LATEST,
    JOB_RIDES,
    JOB_SERVICE_S,
    JOB_SHOWN,
    JOB_TOLD_BY,
    NEVER,
    PRICE_BAG_LIMIT_S,
    PRICE_BAG_MAX_S,
    PRICE_BREAK_LATE,
    PRICE_BUFFER,
    PRICE_BUFFER_S,
    PRICE_CHILLED,
    PRICE_CHURN,
    PRICE_CHURN_CUSTOMER,
    PRICE_CHURN_STORE,
    PRICE_DETOUR_LIMIT_S,
    PRICE_DETOUR_MAX_S,
    PRICE_LATE,
    PRICE_LATE_LIMIT_S,
    PRICE_LATE_ONCE,
    PRICE_LENGTH,
    PRICE_OVERTIME,
    PRICE_RIDES,
    PRICE_SQUARE,
    PRICE_STACK,
    PRICE_STACK_LATE,
    PRICE_TRAVEL,
    PRICE_UNROUTED,
    PRICE_WAITING,
    Problem,
)
from geo.compiled import kernel_part

CERTAIN: Final = 5.0
"""Standard deviations beyond which nobody doubts any more."""

_ROOT_HALF: Final = math.sqrt(0.5)
_ROOT_TAU: Final = 1.0 / math.sqrt(2.0 * math.pi)


@kernel_part
def lateness(prices: NDArray[np.float64], late_s: float, doubt_s2: float) -> float:
    """Return the price expected of a hand-over that is forecast so long after the promise's end.

    Parameters
    ----------
    late_s
        Negative for one in time.
    doubt_s2
        Variance of the forecast, which is taken as normal.

    Notes
    -----
    For X ~ N(m, s^2) and z = m / s: P(X > 0) = F(z), E[X+] = m F(z) + s f(z) and
    E[(X+)^2] = (m^2 + s^2) F(z) + m s f(z).
    """
    if doubt_s2 <= 0:
        if late_s <= 0:
            return 0.0
        return prices[PRICE_LATE_ONCE] + late_s * (
            prices[PRICE_LATE] + prices[PRICE_SQUARE] * late_s
        )
    doubt_s = math.sqrt(doubt_s2)
    z = late_s / doubt_s
    if z < -CERTAIN:
        return 0.0
    chance = 0.5 * math.erfc(-z * _ROOT_HALF)
    density = doubt_s * math.exp(-0.5 * z * z) * _ROOT_TAU
    return (
        prices[PRICE_LATE_ONCE] * chance
        + prices[PRICE_LATE] * (late_s * chance + density)
        + prices[PRICE_SQUARE] * ((late_s * late_s + doubt_s2) * chance + late_s * density)
    )


@kernel_part
def slack(prices: NDArray[np.float64], late_s: int) -> float:
    """Return the price of slack that is used up by a hand-over so long after the promise's end."""
    used_s = min(late_s + prices[PRICE_BUFFER_S], prices[PRICE_BUFFER_S])
    return prices[PRICE_BUFFER] * max(0.0, used_s)


@kernel_part
def stacking(prices: NDArray[np.float64], ride_s: int, direct_s: int, late_s: int) -> float:
    """Return the price of what sharing a bag does to one order: beyond limits, and late by it."""
    detour_s = max(0, ride_s - direct_s)
    over_s = max(0.0, detour_s - prices[PRICE_DETOUR_MAX_S])
    over_s += max(0.0, ride_s - prices[PRICE_BAG_MAX_S])
    cost = prices[PRICE_STACK] * over_s
    if late_s > 0:
        cost += prices[PRICE_STACK_LATE] * min(detour_s, late_s)
    return cost


@kernel_part
def breaks_limit(
    prices: NDArray[np.float64], ride_s: int, direct_s: int, late_s: int, waited: bool
) -> bool:
    """Return whether what shares a bag with an order does more to it than may be.

    Whoever rides straight, or `waited` at the door, lost nothing to others.
    """
    detour_s = ride_s - direct_s
    if detour_s <= 0 or waited:
        return False
    return bool(
        detour_s > prices[PRICE_DETOUR_LIMIT_S]
        or ride_s > prices[PRICE_BAG_LIMIT_S]
        or min(detour_s, late_s) > prices[PRICE_LATE_LIMIT_S]
    )


@kernel_part
def hand_over_terms(
    jobs: NDArray[np.int64],
    prices: NDArray[np.float64],
    doubts: NDArray[np.float64],
    now: int,
    job: int,
    mode: int,
    at: int,
    ride_s: int,
    direct_s: int,
    doubt_s2: int,
) -> tuple[float, float, float, float, float]:
    """Return prices of handing an order over at a time, after so long in the bag.

    `doubt_s2` is the variance of that time but for what grows with the time ahead.
    Waiting, lateness, news to customer and store, stacking, chilled goods in the bag: none is less
    for a later time, the pickup being no sooner, or a longer ride.
    """
    waiting = prices[PRICE_WAITING] * (at - jobs[job, JOB_COUNTS_FROM])
    latest = jobs[job, JOB_LATEST]
    if latest >= NEVER:
        return waiting, 0.0, 0.0, 0.0, 0.0
    late_s = at - latest
    late = slack(prices, late_s)
    late += lateness(prices, late_s, doubt_s2 + doubts[mode] * (at - now) * (at - now))
    told = prices[PRICE_CHURN_CUSTOMER] if at > jobs[job, JOB_TOLD_BY] else 0.0
    begun = at - jobs[job, JOB_SERVICE_S]
    if begun - ride_s > jobs[job, JOB_FETCH_BY]:
        told += prices[PRICE_CHURN_STORE]
    if prices[PRICE_RIDES] <= 0 or jobs[job, JOB_RIDES] <= 0:
        return waiting, late, told, 0.0, 0.0
    chilled = prices[PRICE_CHILLED] * ride_s if jobs[job, JOB_CHILLED] > 0 else 0.0
    stacked = stacking(prices, ride_s, direct_s, late_s)
    if breaks_limit(prices, ride_s, direct_s, late_s, begun <= jobs[job, JOB_EARLIEST]):
        # As dear as no route: nothing new goes where it would break a limit.
        stacked += prices[PRICE_UNROUTED]
    return waiting, late, told, stacked, chilled


@kernel_part
def hand_over(
    jobs: NDArray[np.int64],
    prices: NDArray[np.float64],
    doubts: NDArray[np.float64],
    now: int,
    job: int,
    mode: int,
    at: int,
    ride_s: int,
    direct_s: int,
    doubt_s2: int,
) -> float:
    """Return the price of handing an order over at a time, after so long in the bag."""
    waiting, late, told, stacked, chilled = hand_over_terms(
        jobs, prices, doubts, now, job, mode, at, ride_s, direct_s, doubt_s2
    )
    return waiting + late + told + stacked + chilled


@kernel_part
def telling(problem: Problem, job: int, courier: int, candidate: int) -> float:
    """Return the price of giving an order to a courier from a store, whatever the route.

    Telling somebody else than was told has one, courier and store each, and so has giving this
    courier one more.
    """
    if problem.jobs[job, JOB_BAG] >= 0:
        return 0.0
    cost = problem.duty[courier]
    shown = problem.jobs[job, JOB_SHOWN]
    if shown >= 0 and shown != courier and problem.allowed[job, shown]:
        cost += problem.prices[PRICE_CHURN]
    home = problem.jobs[job, JOB_HOME]
    if home >= 0 and candidate != home:
        cost += problem.prices[PRICE_CHURN]
    return cost


@kernel_part
def leg_cost(
    duration_s: NDArray[np.int32],
    length_m: NDArray[np.int32],
    prices: NDArray[np.float64],
    mode: int,
    here: int,
    there: int,
) -> float:
    """Return the price of a leg: by the second and by the metre."""
    cost = prices[PRICE_TRAVEL] * duration_s[mode, here, there]
    if prices[PRICE_LENGTH] > 0:
        cost += prices[PRICE_LENGTH] * length_m[mode, here, there]
    return cost


@kernel_part
def ending(
    crew: NDArray[np.int64],
    prices: NDArray[np.float64],
    ends: NDArray[np.float64],
    courier: int,
    place: int,
    at: int,
) -> float:
    """Return the price of ending a route at a place and a time."""
    cost = prices[PRICE_OVERTIME] * max(0, at - crew[courier, COURIER_SHIFT_END])
    if len(ends) > 0:
        cost += ends[courier, place]
    return cost


@kernel_part
def ends_late(end_by: NDArray[np.int64], courier: int, place: int, at: int) -> bool:
    """Return whether a route that is over at a place and a time is over too late."""
    return bool(len(end_by) > 0 and at > end_by[courier, place])


@kernel_part
def rest(
    crew: NDArray[np.int64],
    prices: NDArray[np.float64],
    courier: int,
    rested: int,
    parcels: int,
    at: int,
) -> tuple[int, int, float]:
    """Return (when a courier goes on, whether the break was had, its price) with so much to carry.

    A break begins as soon as the bag is empty and it is due; beginning it late has a price.
    """
    if rested > 0 or parcels > 0 or at < crew[courier, COURIER_BREAK_FROM]:
        return at, rested, 0.0
    late_s = max(0, at - crew[courier, COURIER_BREAK_UNTIL])
    return at + crew[courier, COURIER_BREAK_S], 1, prices[PRICE_BREAK_LATE] * late_s
