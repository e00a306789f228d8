"""solve"""

from __future__ import annotations

from typing import Final

import numpy as np

from dispatch.planning import arrays as a
from dispatch.solving.model import Effort, Route, Solution, Stop, Task
from dispatch.solving.partition import partition
from dispatch.solving.pose import pose
from dispatch.solving.searching import Mark, Searching

P = dict(fhot=0.3,columns=20000, warm=0.0, chunk=200, size=10.0, hot=0.3, cold=0.005, fleet=0.3, parts=(0.6, 0.85, 0.97))


def solve(task: Task, *, seed: int, effort: Effort, log=None) -> Solution:
    problem = pose(task)
    search = Searching(problem, seed)
    say = log or (lambda *_: None)
    if problem.job_count and len(problem.couriers):
        _construct(search)
        say("first", search.absent, len(search.in_use), search.cost, search.rounds, effort.share(search.rounds))
        if P["warm"]:
            _shorter(search, effort, say, P["warm"], ())
        _fewer(search, effort, say)
        say("fewer", search.absent, len(search.in_use), search.cost, search.rounds, effort.share(search.rounds))
        _shorter(search, effort, say, 1.0, P['parts'])
        say("end", search.absent, len(search.in_use), search.cost, search.rounds, effort.share(search.rounds))
    return _solution(task, search)


def _unit(search: Searching) -> float:
    ways = search.cost - search.problem.launch[search.in_use].sum()
    ways -= search.absent * search.problem.prices[a.PRICE_UNROUTED]
    idle = np.setdiff1d(np.arange(len(search.board.count)), search.in_use)
    ways -= sum(search.problem.ends[i, search.problem.couriers[i, a.COURIER_PLACE]] for i in idle)
    return max(1e-9, ways / max(1, search.problem.job_count - search.absent))


def _construct(search):
    search.pull(P["chunk"], P["size"], 1.0, 1.0, fewer=True)
    u = _unit(search)
    search.pull(P["chunk"], P["size"], u * P["hot"], u * P["cold"], fewer=False)


def _fewer(search, effort, say):
    """Give up route after route."""
    start = effort.share(search.rounds)
    while True:
        share = effort.share(search.rounds)
        if share >= P["fleet"]:
            return
        used = search.in_use
        if len(used) <= 1 and search.absent == 0:
            return
        saved = search.mark()
        if search.absent == 0:
            weight = [
                sum(search.strings.absences[s >> 1] for s in search.steps(c) if not s & 1) for c in used
            ]
            for c in range(len(search.board.count)):
                if not search.board.count[c]:
                    search.strings.open[c] = 0
            search.give_up(int(used[int(np.argmin(weight))]))
        u = _unit(search)
        while search.absent and (share := effort.share(search.rounds)) < P["fleet"]:
            search.pull(P["chunk"], P["size"], u * P["fhot"], u * P["fhot"], fewer=True)
        if search.absent:
            search.back_to(saved)
            return
        say("  with", len(search.in_use), search.rounds, effort.share(search.rounds))


def _shorter(search, effort, say, to, parts):
    u = _unit(search)
    begin = effort.share(search.rounds)
    parts = list(parts)
    hot, cold = P["hot"], P["cold"]
    share = begin
    rate = 0.0
    while share < to:
        x = (share - begin) / (to - begin)
        t0 = u * hot * (cold / hot) ** x
        x1 = min(1.0, x + rate)
        t1 = u * hot * (cold / hot) ** x1
        search.pull(P["chunk"], P["size"], t0, t1, fewer=False)
        now = effort.share(search.rounds)
        rate = (now - share) / (to - begin)
        share = now
        if parts and share >= parts[0]:
            parts.pop(0)
            c = search.cost
            search.to_best()
            b = search.cost
            out = partition(search, columns=P['columns'], deterministic_limit=0.5)
            say("  part", c, b, search.cost, out, search.rounds, effort.share(search.rounds))
            share = effort.share(search.rounds)
    search.to_best()


def _solution(task: Task, search: Searching) -> Solution:
    routes = []
    for courier in search.in_use.tolist():
        stops = tuple(
            Stop(task.shipments[step >> 1].shipment_id, not step & 1, *times)
            for step, times in zip(search.steps(courier), search.times(courier), strict=True)
        )
        routes.append(Route(task.vehicles[courier].vehicle_id, stops))
    owner = search.board.owner
    return Solution(
        tuple(routes),
        tuple(task.shipments[j].shipment_id for j in np.flatnonzero(owner < 0).tolist()),
        search.cost,
        search.rounds,
    )
