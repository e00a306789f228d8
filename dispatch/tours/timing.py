"""When a tour does what: the earliest times that keep all windows, the start as late as they let.

A break may interrupt a leg; what is left of the leg follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.tours.model import (
    HOUR_S,
    KM_M,
    MINUTE_S,
    NEVER,
    NO_WAY,
    NOWHERE,
    Amount,
    Break,
    Cause,
    Kind,
    Problem,
    Request,
    Step,
    Task,
    Tour,
    Vehicle,
    Violation,
    Window,
)

Item = Task | Break


@dataclass(frozen=True, slots=True)
class Entry:
    """Something a tour does, of a request or a break, and when it begins."""

    item: Item
    request: int | None
    begin: int


@dataclass(frozen=True, slots=True)
class Timed:
    """A tour in time: when it starts, what it does when, when it is back."""

    start: int
    entries: tuple[Entry, ...]
    end: int
    late_cost: float


class Legs:
    """Legs of one vehicle at its speed.

    Parameters
    ----------
    vehicle
        Row of the vehicle.
    """

    def __init__(self, problem: Problem, vehicle: int) -> None:
        self.vehicle = problem.vehicles[vehicle]
        self._table = problem.tables[self.vehicle.profile]

    def seconds(self, origin: int, goal: int) -> int:
        """Return the duration of a leg; `NO_WAY` for none."""
        if NOWHERE in {origin, goal}:
            return 0
        usual = int(self._table.duration_s[origin, goal])
        if usual >= NO_WAY or self.vehicle.speed_factor == 1.0:
            return usual
        return min(NO_WAY, int(usual / self.vehicle.speed_factor + 0.5))

    def metres(self, origin: int, goal: int) -> int:
        """Return the length of a leg; 0 where nobody asked for lengths."""
        if NOWHERE in {origin, goal} or self._table.length_m is None:
            return 0
        return int(self._table.length_m[origin, goal])

    def cost(self, origin: int, goal: int) -> float:
        """Return the cost of a leg."""
        if NOWHERE in {origin, goal}:
            return 0.0
        if self._table.cost is not None:
            return float(self._table.cost[origin, goal])
        costs = self.vehicle.costs
        cost = self.seconds(origin, goal) * costs.per_hour / HOUR_S
        return cost + self.metres(origin, goal) * costs.per_km / KM_M


def action_of(vehicle: Vehicle, task: Task, before: int) -> tuple[int, int]:
    """Return setup and service of a task for a vehicle that comes from a place."""
    setup_s = task.setup_per_type.get(vehicle.vehicle_type, task.setup_s)
    service_s = task.service_per_type.get(vehicle.vehicle_type, task.service_s)
    return (0 if before == task.place else setup_s), service_s


def earliest_in(windows: Sequence[Window], at: int) -> int:
    """Return the earliest time from `at` on in a window; `NEVER` for none."""
    if not windows:
        return at
    return min((max(at, opens) for opens, closes in windows if closes >= at), default=NEVER)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a tour came so far: free from then on, what it did, and what lateness cost."""

    free: int
    entries: tuple[Entry, ...]
    late_cost: float


def schedule(
    problem: Problem,
    vehicle: int,
    tour: Sequence[tuple[int, Task]],
    breaks: Sequence[Break],
    loads: Sequence[Amount],
) -> Timed | None:
    """Return a tour in time; None where it cannot keep its windows.

    Parameters
    ----------
    tour
        Requests' rows and tasks, in their order.
    breaks
        In the order in which they are taken.
    loads
        On the legs: before the first task, after it, and so on.
    """
    one = problem.vehicles[vehicle]
    legs = Legs(problem, vehicle)
    first = _run(one, legs, tour, breaks, loads, one.window[0])
    if first is None:
        return None
    # Starting later is kinder as long as it changes neither the end nor what lateness costs.
    low, high, best = one.window[0], first.end, first
    while low < high:
        middle = (low + high + 1) // 2
        found = _run(one, legs, tour, breaks, loads, middle)
        if found is not None and found.end <= first.end and found.late_cost <= first.late_cost:
            low, best = middle, found
        else:
            high = middle - 1
    return best


def _run(
    vehicle: Vehicle,
    legs: Legs,
    tour: Sequence[tuple[int, Task]],
    breaks: Sequence[Break],
    loads: Sequence[Amount],
    start: int,
) -> Timed | None:
    ways: list[_Way | None] = [_Way(start, (), 0.0), *(None for _ in breaks)]
    here = vehicle.start
    for (row, task), load in zip(tour, loads, strict=False):
        arrivals = _drive(ways, legs.seconds(here, task.place), breaks, load)
        action = sum(action_of(vehicle, task, here))
        ways = [_begun(way, row, task, action) for way in arrivals]
        here = task.place
    last = _drive(ways, legs.seconds(here, vehicle.end), breaks, loads[len(tour)])[-1]
    if last is None or last.free > vehicle.window[1]:
        return None
    return Timed(start, last.entries, last.free, last.late_cost)


def _begun(way: _Way | None, row: int, task: Task, action: int) -> _Way | None:
    if way is None:
        return None
    begin = earliest_in(task.windows, way.free)
    if begin >= NEVER:
        return None
    late = late_cost(task, begin)
    return _Way(begin + action, (*way.entries, Entry(task, row, begin)), way.late_cost + late)


def late_cost(task: Task, begin: int) -> float:
    """Return what it costs that a task begins then."""
    if task.due is None:
        return 0.0
    return max(0, begin - task.due.by) * task.due.cost_per_min / MINUTE_S


def _drive(
    ways: Sequence[_Way | None], way_s: int, breaks: Sequence[Break], load: Amount
) -> list[_Way | None]:
    """Return how to arrive after a leg with each number of breaks taken, the earliest."""
    found: list[_Way | None] = [None] * len(ways)

    def offer(taken: int, way: _Way) -> None:
        known = found[taken]
        if known is None or (way.free, way.late_cost) < (known.free, known.late_cost):
            found[taken] = way

    for begun, way in enumerate(ways):
        if way is None:
            continue
        now, left, entries = way.free, way_s, way.entries
        offer(begun, _Way(now + left, entries, way.late_cost))
        for taken in range(begun, len(breaks)):
            pause = breaks[taken]
            if pause.max_load is not None and not is_within(load, pause.max_load):
                break
            begin = earliest_in(pause.windows, now)
            if begin >= NEVER:
                break
            left -= min(left, begin - now)
            now = begin + pause.service_s
            entries = (*entries, Entry(pause, None, begin))
            offer(taken + 1, _Way(now + left, entries, way.late_cost))
    return found


def is_within(load: Amount, most: Amount) -> bool:
    """Tell whether a load is no more than a limit, in all dimensions."""
    return all(one <= limit for one, limit in zip(load, most, strict=False))


def loads_along(problem: Problem, vehicle: int, tour: Sequence[tuple[int, Task]]) -> list[Amount]:
    """Return the loads on all legs: jobs' deliveries and goods on board from the start."""
    none = (0,) * problem.dimensions
    now = none
    for request in problem.requests:
        if request.on_board == vehicle:
            now = _plus(now, request.delivery or none)
    for row, task in tour:
        if task.kind is Kind.JOB:
            now = _plus(now, problem.requests[row].delivery or none)
    loads = [now]
    for row, task in tour:
        now = _plus(now, change_of(problem.requests[row], task, none))
        loads.append(now)
    return loads


def change_of(request: Request, task: Task, none: Amount) -> Amount:
    """Return what a task changes on board."""
    if task.kind is Kind.PICKUP:
        return request.delivery or none
    back = tuple(-amount for amount in request.delivery or none)
    return _plus(back, request.pickup or none) if task.kind is Kind.JOB else back


def _plus(one: Amount, other: Amount) -> Amount:
    return tuple(a + b for a, b in zip(one, other, strict=True))


# --- writing it down ------------------------------------------------------------------------------


def written(problem: Problem, vehicle: int, timed: Timed) -> Tour:
    """Return a tour's steps with their times and loads.

    Who starts nowhere does so at the first task's place, and ends, likewise, at the last one's.
    """
    one = problem.vehicles[vehicle]
    legs = Legs(problem, vehicle)
    tasks = [(e.request, e.item) for e in timed.entries if isinstance(e.item, Task)]
    loads = loads_along(problem, vehicle, [(row or 0, task) for row, task in tasks])
    steps: list[Step] = []
    late, cost, action_total = 0.0, float(one.costs.fixed), 0
    travel_s = length_m = done = 0
    here, now = one.start, timed.start
    left_s, left_m = 0, 0
    first, last = (tasks[0][1].place, tasks[-1][1].place) if tasks else (one.start, one.end)
    first = first if one.start == NOWHERE else one.start
    steps.append(Step(Kind.START, None, first, now, load=loads[0]))
    goals = [*(task.place for _, task in tasks), one.end]
    cost += legs.cost(here, goals[0])
    left_s, left_m = legs.seconds(here, goals[0]), legs.metres(here, goals[0])
    for entry in timed.entries:
        item = entry.item
        if isinstance(item, Break):
            driven = max(0, min(left_s, entry.begin - now))
            part_m = left_m * driven // left_s if left_s else 0
            left_s, left_m = left_s - driven, left_m - part_m
            travel_s, length_m = travel_s + driven, length_m + part_m
            arrival = now + driven
            step = Step(
                Kind.BREAK,
                item.break_id,
                NOWHERE,
                arrival,
                waiting_s=entry.begin - arrival,
                service_s=item.service_s,
                travel_s=travel_s,
                length_m=length_m,
                load=loads[done],
            )
        else:
            arrival = now + left_s
            travel_s, length_m = travel_s + left_s, length_m + left_m
            setup_s, service_s = action_of(one, item, here)
            action_total += setup_s + service_s
            late += late_cost(item, entry.begin)
            done += 1
            step = Step(
                item.kind,
                item.task_id,
                item.place,
                arrival,
                waiting_s=entry.begin - arrival,
                setup_s=setup_s,
                service_s=service_s,
                travel_s=travel_s,
                length_m=length_m,
                load=loads[done],
                request=entry.request,
                late_s=0 if item.due is None else max(0, entry.begin - item.due.by),
            )
            here = item.place
            cost += legs.cost(here, goals[done])
            left_s, left_m = legs.seconds(here, goals[done]), legs.metres(here, goals[done])
        steps.append(step)
        now = step.over
    travel_s, length_m = travel_s + left_s, length_m + left_m
    last = last if one.end == NOWHERE else one.end
    arrival = now + left_s
    steps.append(
        Step(
            Kind.END,
            None,
            last,
            arrival,
            travel_s=travel_s,
            length_m=length_m,
            load=loads[-1],
        )
    )
    cost += action_total * one.costs.per_task_hour / HOUR_S + late
    return Tour(vehicle, tuple(steps), cost, late)


def outside(windows: Sequence[Window], at: int) -> Violation | None:
    """Return how far a time is outside of all windows; None for inside of one."""
    if not windows or any(opens <= at <= closes for opens, closes in windows):
        return None
    early = min((opens - at for opens, _ in windows if opens > at), default=NEVER)
    late = min((at - closes for _, closes in windows if closes < at), default=NEVER)
    if late <= early:
        return Violation(Cause.DELAY, late)
    return Violation(Cause.LEAD_TIME, early)
