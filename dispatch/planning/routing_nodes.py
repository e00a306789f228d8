"""What the routing model is about: things to do, when they may begin, and what a bag holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatch.planning import arrays as a
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed

DAY_S: Final = 86_400
"""Nothing planned now happens later than this after now."""

HORIZON_S: Final = 2 * DAY_S
"""The solver's clocks end so long after now."""

_STORES: Final = 3
"""Stores that an order may come from in a model: its own, and those that have it there first."""

BAGS: Final = (
    ("weight", a.JOB_WEIGHT_G, a.COURIER_CAPACITY_G, a.COURIER_BAG_G),
    ("volume", a.JOB_VOLUME_ML, a.COURIER_CAPACITY_ML, a.COURIER_BAG_ML),
    ("chilled", a.JOB_CHILLED, a.COURIER_CAPACITY_CHILLED, a.COURIER_BAG_CHILLED),
    ("parcels", None, a.COURIER_CAPACITY_PARCELS, a.COURIER_BAG_PARCELS),
)
"""What fills a bag: columns of an order, of what the bag holds and of what is in it; each order is
one parcel."""

Span = tuple[int, int]
"""First and last second of something, counted from now."""


@dataclass(frozen=True, slots=True)
class Node:
    """Something to do: a step, for a pickup from one of its candidates; when it may begin."""

    step: int
    candidate: int
    place: int
    service_s: int
    span: Span

    @property
    def is_pickup(self) -> bool:
        """Whether goods are fetched here; else they are handed over."""
        return not self.step & 1

    @property
    def is_possible(self) -> bool:
        """Whether there is any time for it."""
        return self.span[0] <= self.span[1] <= HORIZON_S


def first_loads(posed: Posed, search: Search, courier: int) -> list[int] | None:
    """Return what is in a bag after the locked steps, as `BAGS`; None if it was ever too full."""
    crew, jobs = posed.problem.couriers[courier], posed.problem.jobs
    most = [int(crew[holds]) for _, _, holds, _ in BAGS]
    loads = [int(crew[has]) for _, _, _, has in BAGS]
    too_full = any(load > limit for load, limit in zip(loads, most, strict=True))
    for step in search.steps(courier)[: int(crew[a.COURIER_LOCKED])]:
        sign = -1 if step & 1 else 1
        for index, (_, takes, _, _) in enumerate(BAGS):
            loads[index] += sign * (1 if takes is None else int(jobs[step >> 1, takes]))
        too_full = too_full or any(load > limit for load, limit in zip(loads, most, strict=True))
    return None if too_full else loads


def pickups_of(posed: Posed, search: Search, job: int) -> list[Node]:
    """Return the pickups that an order may have, that of its present store before the others."""
    problem = posed.problem
    own = int(search.routes.chosen[job])
    ready = {own: int(search.ready[job])}
    others = [candidate for candidate in posed.candidates(job) if candidate != own]
    ready |= {candidate: search.ready_from(job, candidate) for candidate in others}
    # How long before its need an order is ready says how soon it could be at the door.
    others.sort(key=lambda one: (ready[one] - int(problem.candidates[one, a.CAND_NEED]), one))
    found: list[Node] = []
    for candidate in (own, *others):
        store = int(problem.candidates[candidate, a.CAND_STORE])
        place, service_s = problem.stores[store, [a.STORE_PLACE, a.STORE_SERVICE_S]].tolist()
        span = _opening(posed, search, job, candidate, ready[candidate])
        node = Node(2 * job, candidate, place, service_s, span)
        if node.is_possible and len(found) < _STORES:
            found.append(node)
    return found


def _opening(posed: Posed, search: Search, job: int, candidate: int, ready_at: int) -> Span:
    """Return when a pickup may begin: within one opening, of now or the first; (1, 0) for never."""
    problem = posed.problem
    at = ready_at
    courier = int(search.owner[job])
    if courier >= 0 and candidate == search.routes.chosen[job]:
        at = int(search.begin[courier, search.steps(courier).index(2 * job)])
    store = int(problem.candidates[candidate, a.CAND_STORE])
    for start, end in posed.windows(store):
        if at < end:
            first_s = max(0, start - problem.now, ready_at - problem.now)
            return first_s, min(end - 1 - problem.now, HORIZON_S)
    return 1, 0


def end_of(posed: Posed, step: int) -> Node:
    """Return the end of an order: no sooner than it is wanted, no later than it can be had."""
    job = posed.problem.jobs[step >> 1]
    earliest_s, closes_s = (job[[a.JOB_EARLIEST, a.JOB_CLOSES]] - posed.problem.now).tolist()
    span = max(0, earliest_s), min(closes_s, HORIZON_S)
    return Node(step, -1, int(job[a.JOB_PLACE]), int(job[a.JOB_SERVICE_S]), span)
