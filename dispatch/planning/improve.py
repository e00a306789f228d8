"""Find a good plan: keep what is in force, insert what is new, ruin and recreate.

Every order goes where it adds least to the cost of the whole, over all couriers, places in their
routes and stores it may come from; the order whose second choice is worst goes first (regret,
Potvin & Rousseau 1993, doi:10.1016/0377-2217(93)90221-8).  Then a few orders at a time are taken
out and inserted again, kept when that is better (Schrimpf et al. 2000,
doi:10.1006/jcph.1999.6413).  Nothing is drawn and no clock is read: the same draft always comes
to the same end.
"""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.model import UNREACHABLE_S, Route, StopKind
from dispatch.planning.draft import Draft, Options
from dispatch.planning.schedule import Job, Step, Tour

_RUINS = (2, 3)
"""Orders taken out at once, in turn; pairs in a bag are what most gains come from."""

_GAIN = 1e-3
"""A change must save more than this many courier-seconds to be kept."""


def warm_start(draft: Draft, routes: Iterable[Route]) -> None:
    """Take over routes, as far as they still make sense."""
    seen: set[str] = set()
    for route in sorted(routes, key=lambda r: r.courier_id):
        tour = draft.tours.get(route.courier_id)
        if tour is not None and route.courier_id not in seen:
            seen.add(route.courier_id)
            _take_over(draft, tour, route)


def _take_over(draft: Draft, tour: Tour, route: Route) -> None:
    seated = tour.steps
    carried = [step.job for step in seated[tour.locked :]]
    steps, fetched = _still_sound(draft, tour, route)
    while True:
        if tour.refresh(steps) and _bring_all(tour, [j for j in carried if j.end not in steps]):
            break
        if not fetched:
            tour.refresh(seated)
            return
        last = fetched.pop()
        steps = [step for step in steps if step.job is not last]
    for job in fetched:
        job.tour = tour.courier_id


def _still_sound(draft: Draft, tour: Tour, route: Route) -> tuple[list[Step], list[Job]]:
    """Return the steps of a route in force that still make sense, and the orders they fetch."""
    steps = list(tour.steps[: tour.locked])
    fetched: dict[str, Job] = {}
    ended: list[Job] = []
    for visit in route.visits:
        job = draft.jobs.get(visit.stop.order_id)
        if job is None:
            continue
        if visit.stop.kind is not StopKind.PICKUP:
            mine = job.tour == tour.courier_id if job.in_bag else job.order_id in fetched
            if mine and visit.stop.kind is job.end.stop.kind and job.end not in steps:
                steps.append(job.end)
                ended.append(job)
        elif (
            job.tour is None
            and job.order_id not in fetched
            and tour.courier_id in job.allowed
            and visit.stop.store_id == job.store_id
        ):
            steps.append(job.pickups[visit.stop.store_id])
            fetched[job.order_id] = job
    whole = [job for job in ended if job.order_id in fetched]
    return [step for step in steps if step.job.in_bag or step.job in whole], whole


def _bring_all(tour: Tour, carried: list[Job]) -> bool:
    """Insert the drop-offs of what is in the bag; returns whether all have found a place."""
    for job in carried:
        place = tour.best_end(job)
        if place is None or not tour.insert(job, place):
            return False
    return True


def fill(draft: Draft, jobs: Iterable[Job], limit: float = float("inf")) -> None:
    """Insert orders one by one, the one that would regret waiting most first.

    An order whose cheapest place adds `limit` or more is left without one.
    """
    waiting = sorted(jobs, key=lambda job: job.order_id)
    found = {job.order_id: draft.options(job, limit) for job in waiting}
    queues, versions = _versions(draft)
    while waiting:
        job = max(waiting, key=lambda job: _regret(job, found[job.order_id]))
        waiting.remove(job)
        _put_best(draft, job, found[job.order_id], limit)
        queues_now, versions_now = _versions(draft)
        changed = [key for key in versions if versions_now[key] != versions[key]]
        for other in waiting:
            if queues_now != queues:
                found[other.order_id] = draft.options(other, limit)
                continue
            options = found[other.order_id]
            for key in changed:
                place = draft.best_in(other, draft.tours[key], limit)
                if place is None:
                    options.places.pop(key, None)
                else:
                    options.places[key] = place
            if options.second > options.floor and options.floor < limit:
                found[other.order_id] = draft.options(other, limit)
        queues, versions = queues_now, versions_now


def _versions(draft: Draft) -> tuple[int, dict[str, int]]:
    return draft.queues_version, {key: tour.version for key, tour in draft.tours.items()}


def _regret(job: Job, options: Options) -> tuple[float, int, str]:
    """Return a key that is greatest for the order to insert next."""
    if not options.places:
        return float("-inf"), -job.latest, job.order_id
    cheapest = min(place.added for place in options.places.values())
    return options.second - cheapest, -job.latest, job.order_id


def _put_best(draft: Draft, job: Job, options: Options, limit: float) -> None:
    """Insert at the cheapest place that leaves every tour feasible, or leave it without one."""
    mark = draft.mark()
    tried: set[str] = set()
    for wider in (False, True):
        for place in options.in_order():
            if place.courier_id in tried:
                continue
            tried.add(place.courier_id)
            if draft.put(job, place):
                return
            # A change of store made the goods of another order ready too late.
            draft.back_to(mark)
        if not wider and options.floor < limit:
            everywhere = (draft.best_in(job, tour, limit) for tour in draft.tours.values())
            options = Options({p.courier_id: p for p in everywhere if p is not None})


def relocate(draft: Draft, rounds: int) -> int:
    """Move single orders to a cheaper place while there is one; returns the rounds left."""
    idle = 0
    free = draft.free
    while free and rounds > 0 and idle < len(free):
        seeds = sorted(free, key=lambda job: (-_badness(draft, job), job.order_id))
        for job in seeds[:rounds]:
            rounds -= 1
            idle = 0 if _moved(draft, job) else idle + 1
            if idle >= len(free):
                break
    return rounds


def _moved(draft: Draft, job: Job) -> bool:
    """Move an order to its cheapest place; returns whether that gained anything."""
    mark = draft.mark()
    count, cost = draft.total()
    draft.take(job)
    saved = cost - draft.total()[1] if mark.tours[job.order_id] is not None else float("inf")
    place = draft.best_place(job, saved - _GAIN)
    if place is not None and draft.put(job, place) and _is_better(draft.total(), (count, cost)):
        return True
    draft.back_to(mark)
    return False


def _is_better(new: tuple[int, float], old: tuple[int, float]) -> bool:
    return (new[0], new[1] + _GAIN) < old


def ruin_and_recreate(draft: Draft, rounds: int) -> None:
    """Take a few related orders out and insert them again; keep what is better.

    Parameters
    ----------
    rounds
        How many times at most; it stops earlier when nothing was gained in a whole turn.
    """
    best = draft.total()
    idle = 0
    seeds: list[Job] = []
    free = draft.free
    for number in range(rounds):
        if idle >= len(free) * len(_RUINS) or len(free) < _RUINS[0]:
            return
        if not seeds:
            seeds = sorted(free, key=lambda job: (_badness(draft, job), job.order_id))
        seed = seeds.pop()
        size = _RUINS[number // len(free) % len(_RUINS)]
        mark = draft.mark()
        ruined = [seed, *related(draft, seed, free)[: size - 1]]
        for job in ruined:
            draft.take(job)
        # Whoever adds more than all of them did cannot be part of a better plan.
        whole = all(mark.tours[job.order_id] is not None for job in ruined)
        fill(draft, ruined, best[1] - draft.total()[1] if whole else float("inf"))
        if _is_better(draft.total(), best):
            best = draft.total()
            idle = 0
        else:
            draft.back_to(mark)
            idle += 1


def _badness(draft: Draft, job: Job) -> float:
    """Return what the time of an order's hand-over costs at present."""
    if job.tour is None:
        return float("inf")
    tour = draft.tours[job.tour]
    return draft.prices.hand_over(job, tour.depart[tour.steps.index(job.end) + 1])


def related(draft: Draft, seed: Job, others: list[Job]) -> list[Job]:
    """Return the other orders, those that could best share a trip first."""
    fastest_s = draft.situation.fastest_s
    stores = draft.situation.stores

    def distance(job: Job) -> tuple[float, str]:
        apart_s = min(fastest_s[seed.end.place][job.end.place], UNREACHABLE_S)
        if seed.store_id and job.store_id:
            apart_s += fastest_s[stores[seed.store_id].place][stores[job.store_id].place]
        hurry_s = abs(seed.latest - job.latest)
        return apart_s + hurry_s / 2, job.order_id

    return sorted((job for job in others if job is not seed), key=distance)


def resettle(draft: Draft) -> None:
    """Move the drop-offs of what is in a bag to their cheapest place in the same tour."""
    for job in draft.jobs.values():
        if not job.in_bag or job.tour is None:
            continue
        tour = draft.tours[job.tour]
        before, cost = tour.steps, tour.cost
        if job.end in before[: tour.locked]:
            continue
        tour.refresh([step for step in before if step is not job.end])
        place = tour.best_end(job)
        if place is None or not tour.insert(job, place) or tour.cost >= cost - _GAIN:
            tour.refresh(before)


def search(draft: Draft) -> None:
    """Bring an empty draft to a good plan: warm start, insertion, ruin and recreate."""
    warm_start(draft, draft.situation.snapshot.routes)
    resettle(draft)
    fill(draft, [job for job in draft.free if job.tour is None])
    rounds = relocate(draft, draft.situation.policy.improve_rounds)
    ruin_and_recreate(draft, rounds)
