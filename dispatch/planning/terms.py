"""What a search's routes cost, term by term and order by order.

The compiled search adds prices up as it goes; here they are told apart, for whoever asks why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from dispatch.planning import arrays as a
from dispatch.planning import prices, schedule
from dispatch.planning.arrays import NEVER
from dispatch.planning.ending import homeward
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed

_LEAST: Final = 1e-9


def _plain(part: Callable[..., float]) -> Callable[..., float]:
    """Return a part of a kernel as it is written: nothing is compiled for one explanation."""
    plain: Callable[..., float] = getattr(part, "py_func", part)
    return plain


_lateness = _plain(prices.lateness)
_slack = _plain(prices.slack)
_stacking = _plain(prices.stacking)
_breaks_limit = _plain(prices.breaks_limit)
_leg_cost = _plain(prices.leg_cost)


@dataclass(slots=True)
class Account:
    """Prices by term, in courier-seconds.

    Attributes
    ----------
    terms
        `lateness` (expected), `slack`, `waiting`, `told_customer`, `stacking` and `chilled` of
        hand-overs; `travel`; `told_courier` and `told_store` of telling them anew; `duty`;
        `overtime`, `home`, `future` and `late_break` of where and when routes end.
    hand_overs
        Of them those of each order's hand-over alone, by row.
    """

    terms: dict[str, float] = field(default_factory=dict)
    hand_overs: dict[int, dict[str, float]] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Sum of all terms."""
        return sum(self.terms.values())


class Ledger:
    """What each route of a search costs now; what did not change is not worked out again."""

    def __init__(self, posed: Posed, search: Search) -> None:
        self._posed = posed
        self._search = search
        self._known: dict[int, tuple[tuple[Any, ...], Account]] = {}

    def routes(self) -> dict[int, Account]:
        """Return what each route costs, by row of its courier."""
        return {courier: self.route(courier) for courier in range(len(self._search.board.count))}

    def route(self, courier: int) -> Account:
        """Return what a route costs; one of a courier without work may cost something too."""
        key = self._key(courier)
        known = self._known.get(courier)
        if known is None or known[0] != key:
            known = (key, _account(self._posed, self._search, courier))
            self._known[courier] = known
        return known[1]

    def _key(self, courier: int) -> tuple[Any, ...]:
        board = self._search.board
        count = int(board.count[courier])
        steps = board.steps[courier, :count]
        jobs = steps >> 1
        return (
            board.state[courier, : count + 1].tobytes(),
            steps.tobytes(),
            board.chosen[jobs].tobytes(),
        )


def less(after: Mapping[int, Account], before: Mapping[int, Account]) -> Account:
    """Return what some routes cost more than others, route by route."""
    found = Account()
    for courier, account in after.items():
        base = before[courier]
        if account is base:
            continue
        _add(found.terms, account.terms)
        _add(found.terms, base.terms, -1)
        for row, terms in account.hand_overs.items():
            _add(found.hand_overs.setdefault(row, {}), terms)
        for row, terms in base.hand_overs.items():
            _add(found.hand_overs.setdefault(row, {}), terms, -1)
    return found


def _add(to: dict[str, float], terms: Mapping[str, float], times: int = 1) -> None:
    for name, price in terms.items():
        to[name] = to.get(name, 0.0) + times * price


def told(terms: Mapping[str, float]) -> dict[str, float]:
    """Return the terms that are worth telling, the largest first, to a tenth."""
    kept = {name: round(price, 1) for name, price in terms.items() if abs(price) > _LEAST}
    ordered = sorted(kept.items(), key=lambda item: (-abs(item[1]), item[0]))
    return {name: price for name, price in ordered if price}


def hand_over_terms(posed: Posed, search: Search, row: int) -> dict[str, float]:
    """Return what the hand-over of an order on a route costs, by term."""
    courier = int(search.owner[row])
    index = _end(search, courier, row)
    return _hand_over(posed, search, courier, index, row)


def chance_in_time(posed: Posed, search: Search, row: int, at: int | None = None) -> float | None:
    """Return the chance that an order on a route is there by the end of its promise.

    Parameters
    ----------
    at
        When it is handed over; None for what the search says.

    Returns
    -------
    float or None
        None where forecasts are taken as certain.
    """
    doubt_s = _doubt_s(posed, search, row, at)
    if doubt_s is None:
        return None
    at, doubt = doubt_s
    late_s = at - posed.entries[row].promise.latest
    return 0.5 * math.erfc(late_s / doubt * math.sqrt(0.5))


def _doubt_s(posed: Posed, search: Search, row: int, at: int | None) -> tuple[int, float] | None:
    problem = posed.problem
    courier = int(search.owner[row])
    if courier < 0 or problem.jobs[row, a.JOB_LATEST] >= NEVER:
        return None
    if at is None:
        at = int(search.over[courier, _end(search, courier, row)])
    ahead_s = max(0, at - problem.now)
    mode = int(problem.couriers[courier, a.COURIER_MODE])
    doubt_s2 = float(search.board.doubt_s2[row]) + float(problem.doubts[mode]) * ahead_s**2
    return (at, math.sqrt(doubt_s2)) if doubt_s2 > 0 else None


def _end(search: Search, courier: int, row: int) -> int:
    steps = search.routes.steps[courier, : search.routes.count[courier]]
    return int(np.argmax(steps == 2 * row + 1))


def _account(posed: Posed, search: Search, courier: int) -> Account:
    problem, board = posed.problem, search.board
    crew, prices, state = problem.couriers[courier], problem.prices, board.state[courier]
    mode, count = int(crew[a.COURIER_MODE]), int(board.count[courier])
    found = Account()
    terms = found.terms
    for index in range(count):
        if index > 0 or crew[a.COURIER_STANDING] == 0:
            here, there = state[index : index + 2, schedule.PLACE]
            leg = _leg_cost(problem.duration_s, problem.length_m, prices, mode, here, there)
            _add(terms, {"travel": float(leg)})
        row = int(state[index, schedule.JOB])
        if state[index, schedule.STORE] >= 0:
            _add(terms, _telling(posed, search, row, courier))
        else:
            found.hand_overs[row] = _hand_over(posed, search, courier, index, row)
            _add(terms, found.hand_overs[row])
        if state[index + 1, schedule.RESTED] > state[index, schedule.RESTED]:
            due = int(crew[a.COURIER_BREAK_UNTIL])
            late_s = max(0, int(state[index + 1, schedule.OVER]) - due)
            _add(terms, {"late_break": float(prices[a.PRICE_BREAK_LATE]) * late_s})
    place = int(state[count, schedule.PLACE])
    if len(problem.ends):
        who = posed.situation.couriers[posed.courier_ids[courier]]
        home = homeward(posed.situation, who, place)
        _add(terms, {"home": home, "future": float(problem.ends[courier, place]) - home})
    if count:
        late_s = max(0, int(state[count, schedule.OVER]) - int(crew[a.COURIER_SHIFT_END]))
        _add(terms, {"overtime": float(prices[a.PRICE_OVERTIME]) * late_s})
        _add(terms, {"duty": float(problem.launch[courier])})
    return found


def _telling(posed: Posed, search: Search, row: int, courier: int) -> dict[str, float]:
    problem = posed.problem
    job = problem.jobs[row]
    if job[a.JOB_BAG] >= 0:
        return {}
    found = {"duty": float(problem.duty[courier])}
    shown, home = int(job[a.JOB_SHOWN]), int(job[a.JOB_HOME])
    churn = float(problem.prices[a.PRICE_CHURN])
    if shown >= 0 and shown != courier and problem.allowed[row, shown]:
        found["told_courier"] = churn
    if home >= 0 and int(search.board.chosen[row]) != home:
        found["told_store"] = churn
    return found


def _hand_over(
    posed: Posed, search: Search, courier: int, index: int, row: int
) -> dict[str, float]:
    problem, board = posed.problem, search.board
    prices, job = problem.prices, problem.jobs[row]
    at = int(board.state[courier, index + 1, schedule.OVER])
    found = {"waiting": float(prices[a.PRICE_WAITING]) * (at - int(job[a.JOB_COUNTS_FROM]))}
    latest = int(job[a.JOB_LATEST])
    if latest >= NEVER:
        return found
    late_s, ahead_s = at - latest, at - problem.now
    mode = int(problem.couriers[courier, a.COURIER_MODE])
    doubt_s2 = int(board.doubt_s2[row]) + float(problem.doubts[mode]) * ahead_s * ahead_s
    found["lateness"] = float(_lateness(prices, late_s, doubt_s2))
    found["slack"] = float(_slack(prices, late_s))
    if at > job[a.JOB_TOLD_BY]:
        found["told_customer"] = float(prices[a.PRICE_CHURN_CUSTOMER])
    begun = int(board.state[courier, index, schedule.BEGIN])
    if board.fetched[row] > job[a.JOB_FETCH_BY]:
        found["told_store"] = float(prices[a.PRICE_CHURN_STORE])
    if prices[a.PRICE_RIDES] > 0 and job[a.JOB_RIDES] > 0:
        ride_s, direct_s = begun - int(board.fetched[row]), int(board.direct_s[row])
        found["stacking"] = float(_stacking(prices, ride_s, direct_s, late_s))
        waited = begun <= int(job[a.JOB_EARLIEST])
        if _breaks_limit(prices, ride_s, direct_s, late_s, waited):
            found["stacking"] += float(prices[a.PRICE_UNROUTED])
        if job[a.JOB_CHILLED] > 0:
            found["chilled"] = float(prices[a.PRICE_CHILLED]) * ride_s
    return found
