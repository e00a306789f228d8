"""What an answer must keep; knows the problem and the answer alone, and no code that solves."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from dispatch.tours.model import (
    HOUR_S,
    KM_M,
    MINUTE_S,
    NO_WAY,
    NOWHERE,
    Amount,
    Answer,
    Break,
    Kind,
    Problem,
    Step,
    Task,
    Tour,
    Vehicle,
    Window,
)

_NOISE: Final = 1e-6
"""Of sums of floats, as a share of the sum."""

_TASKS: Final = {Kind.JOB, Kind.PICKUP, Kind.DELIVERY}


def check(problem: Problem, answer: Answer) -> list[str]:
    """Return everything that an answer breaks, in words; nothing for a sound one."""
    broken: list[str] = []
    vehicles = [tour.vehicle for tour in answer.tours]
    broken += [f"vehicle {one} has two tours" for one in set(vehicles) if vehicles.count(one) > 1]
    seen: dict[int, int] = {}
    for tour in answer.tours:
        told = f"vehicle {problem.vehicles[tour.vehicle].vehicle_id}"
        broken += [f"{told}: {what}" for what in _tour(problem, tour)]
        for row in {step.request for step in tour.steps if step.request is not None}:
            seen[row] = seen.get(row, 0) + 1
    left = [one.request for one in answer.unserved]
    for row in range(len(problem.requests)):
        times = seen.get(row, 0) + left.count(row)
        if times != 1:
            broken.append(f"request {row} is answered {times} times")
    return broken


def _tour(problem: Problem, tour: Tour) -> list[str]:
    vehicle = problem.vehicles[tour.vehicle]
    broken = _members(problem, tour)
    broken += _order(problem, tour)
    broken += _times(problem, vehicle, tour)
    broken += _loads(problem, tour)
    broken += _breaks(vehicle, tour)
    tasks = [step for step in tour.steps if step.kind in _TASKS]
    if not tasks:
        broken.append("has a tour without tasks")
        return broken
    last = tour.steps[-1]
    if len(tasks) > vehicle.max_tasks:
        broken.append(f"has {len(tasks)} tasks, {vehicle.max_tasks} are allowed")
    if last.travel_s > vehicle.max_travel_s:
        broken.append(f"travels {last.travel_s} s, {vehicle.max_travel_s} are allowed")
    if last.length_m > vehicle.max_distance_m:
        broken.append(f"travels {last.length_m} m, {vehicle.max_distance_m} are allowed")
    cost = _cost(problem, vehicle, tour, tasks)
    if abs(cost - tour.cost) > _NOISE * max(1.0, abs(cost)):
        broken.append(f"is said to cost {tour.cost}, and costs {cost}")
    return broken


def _members(problem: Problem, tour: Tour) -> list[str]:
    """Return what is wrong with who serves what."""
    vehicle = problem.vehicles[tour.vehicle]
    broken = []
    rows = [step.request for step in tour.steps if step.kind in _TASKS]
    for row in dict.fromkeys(rows):
        if row is None:
            broken.append("has a task of no request")
            continue
        request = problem.requests[row]
        steps = [step for step in tour.steps if step.request == row]
        kinds = [step.kind for step in steps]
        wanted = [Kind.PICKUP, Kind.DELIVERY] if request.pickups else [request.task.kind]
        if kinds != wanted:
            broken.append(f"does {', '.join(kinds)} for request {row}, not {', '.join(wanted)}")
        if not request.skills <= vehicle.skills:
            broken.append(f"lacks skills for request {row}")
        if request.on_board not in {None, tour.vehicle}:
            broken.append(f"brings request {row}, which is on another vehicle")
    frozen = [step for step in vehicle.steps if step.kind in _TASKS][: vehicle.frozen]
    done = [(step.kind, step.step_id) for step in tour.steps if step.kind in _TASKS]
    if done[: len(frozen)] != [(step.kind, step.step_id) for step in frozen]:
        broken.append("does not begin with its frozen steps")
    return broken


def _order(problem: Problem, tour: Tour) -> list[str]:
    """Return what is wrong with where a tour begins and ends, and with what its steps are."""
    vehicle = problem.vehicles[tour.vehicle]
    broken = []
    kinds = [step.kind for step in tour.steps]
    places = [step.place for step in tour.steps if step.kind in _TASKS] or [NOWHERE]
    start = places[0] if vehicle.start == NOWHERE else vehicle.start
    end = places[-1] if vehicle.end == NOWHERE else vehicle.end
    if kinds.count(Kind.START) != 1 or (kinds[0], tour.steps[0].place) != (Kind.START, start):
        broken.append("does not begin where it starts")
    if kinds.count(Kind.END) != 1 or (kinds[-1], tour.steps[-1].place) != (Kind.END, end):
        broken.append("does not finish where it ends")
    broken += [
        f"does {step.kind} {step.step_id}, which is not what was asked"
        for step in tour.steps
        if step.kind in _TASKS and _task(problem, step) is None
    ]
    return broken


def _task(problem: Problem, step: Step) -> Task | None:
    """Return the task that a step does."""
    if step.request is None:
        return None
    request = problem.requests[step.request]
    for task in (*request.pickups, request.task):
        if (task.kind, task.task_id, task.place) == (step.kind, step.step_id, step.place):
            return task
    return None


def _times(problem: Problem, vehicle: Vehicle, tour: Tour) -> list[str]:
    broken = []
    first, last = tour.steps[0], tour.steps[-1]
    if first.arrival < vehicle.window[0] or last.over > vehicle.window[1]:
        broken.append(f"is under way from {first.arrival} to {last.over}, not in {vehicle.window}")
    for before, step in pairwise(tour.steps):
        if step.arrival - before.over != step.travel_s - before.travel_s or step.waiting_s < 0:
            broken.append(f"is at step {step.kind} {step.step_id} at another time than it can be")
        if step.travel_s < before.travel_s or step.length_m < before.length_m:
            broken.append(f"goes backwards to step {step.kind} {step.step_id}")
    return broken + _legs(problem, vehicle, tour)


def _legs(problem: Problem, vehicle: Vehicle, tour: Tour) -> list[str]:
    broken = []
    first = tour.steps[0]
    here: Step | None = None
    for step in tour.steps:
        if step.kind is Kind.BREAK:
            continue
        way_s, way_m, _ = _leg(problem, vehicle, here, step)
        begun = here or first
        if way_s >= NO_WAY:
            broken.append(f"takes a way to {step.kind} {step.step_id} that there is not")
        elif here is not None and step.travel_s - begun.travel_s != way_s:
            broken.append(
                f"needs {way_s} s to {step.kind} {step.step_id}, and another time is said"
            )
        elif here is not None and step.length_m - begun.length_m != way_m:
            broken.append(f"goes {way_m} m to {step.kind} {step.step_id}, and others are said")
        task = _task(problem, step)
        if task is not None:
            broken += _action(vehicle, here, step, task)
        here = step
    return broken


def _action(vehicle: Vehicle, before: Step | None, step: Step, task: Task) -> list[str]:
    told = f"{step.kind} {step.step_id}"
    broken = []
    if not _is_inside(task.windows, step.begin):
        broken.append(f"begins {told} at {step.begin}, outside of its windows")
    kind = vehicle.vehicle_type
    setup_s = task.setup_per_type.get(kind, task.setup_s)
    is_start = before is not None and before.kind is Kind.START
    is_nowhere = is_start and vehicle.start == NOWHERE
    if before is not None and before.place == step.place and not is_nowhere:
        setup_s = 0
    if (step.setup_s, step.service_s) != (
        setup_s,
        task.service_per_type.get(kind, task.service_s),
    ):
        broken.append(f"takes another time for {told} than it needs")
    late_s = 0 if task.due is None else max(0, step.begin - task.due.by)
    if step.late_s != late_s:
        broken.append(f"is {late_s} s late at {told}, and {step.late_s} are said")
    return broken


def _is_inside(windows: tuple[Window, ...], at: int) -> bool:
    return not windows or any(opens <= at <= closes for opens, closes in windows)


def _loads(problem: Problem, tour: Tour) -> list[str]:
    if not problem.dimensions:
        return []
    vehicle = problem.vehicles[tour.vehicle]
    load = [0] * problem.dimensions
    for row, request in enumerate(problem.requests):
        is_job = request.task.kind is Kind.JOB
        is_here = any(step.request == row for step in tour.steps)
        if request.on_board == tour.vehicle or (is_job and is_here):
            load = [a + b for a, b in zip(load, _whole(problem, request.delivery), strict=True)]
    broken = []
    for step in tour.steps:
        if step.request is not None:
            request = problem.requests[step.request]
            out, back = _whole(problem, request.delivery), _whole(problem, request.pickup)
            if step.kind is Kind.PICKUP:
                out, back = (0,) * problem.dimensions, out
            load = [a + b - c for a, b, c in zip(load, back, out, strict=True)]
        if list(step.load) != load:
            broken.append(f"carries {load} at {step.kind} {step.step_id}, and others are said")
        most = vehicle.capacity or load
        if any(one > limit for one, limit in zip(load, most, strict=True)):
            broken.append(f"carries {load} at {step.kind} {step.step_id}, too much")
        if min(load) < 0:
            broken.append(f"carries less than nothing at {step.kind} {step.step_id}")
    return broken


def _whole(problem: Problem, amount: Amount) -> Amount:
    return amount or (0,) * problem.dimensions


def _breaks(vehicle: Vehicle, tour: Tour) -> list[str]:
    taken = [step for step in tour.steps if step.kind is Kind.BREAK]
    known: dict[int | None, Break] = {pause.break_id: pause for pause in vehicle.breaks}
    broken = []
    if sorted(str(step.step_id) for step in taken) != sorted(str(one) for one in known):
        broken.append(f"takes the breaks {[step.step_id for step in taken]}, not its own")
    for step in taken:
        pause = known.get(step.step_id)
        if pause is None:
            continue
        if not _is_inside(pause.windows, step.begin) or step.service_s != pause.service_s:
            broken.append(f"takes break {step.step_id} at {step.begin}, not when or as long as due")
        if pause.max_load is not None and any(
            one > most for one, most in zip(step.load, pause.max_load, strict=True)
        ):
            broken.append(f"takes break {step.step_id} with {list(step.load)} on board")
    return broken


def _leg(
    problem: Problem, vehicle: Vehicle, before: Step | None, step: Step
) -> tuple[int, int, float]:
    """Return duration, length and cost of a leg."""
    is_free = (before is None or before.kind is Kind.START) and vehicle.start == NOWHERE
    if before is None or is_free or (step.kind is Kind.END and vehicle.end == NOWHERE):
        return 0, 0, 0.0
    table = problem.tables[vehicle.profile]
    pair = before.place, step.place
    seconds = int(table.duration_s[pair])
    if seconds < NO_WAY:
        seconds = int(seconds / vehicle.speed_factor + 0.5)
    metres = 0 if table.length_m is None else int(table.length_m[pair])
    if table.cost is not None:
        return seconds, metres, float(table.cost[pair])
    costs = vehicle.costs
    return seconds, metres, seconds * costs.per_hour / HOUR_S + metres * costs.per_km / KM_M


def _cost(problem: Problem, vehicle: Vehicle, tour: Tour, tasks: list[Step]) -> float:
    cost = float(vehicle.costs.fixed)
    stations = [step for step in tour.steps if step.kind is not Kind.BREAK]
    cost += sum(_leg(problem, vehicle, *pair)[2] for pair in pairwise(stations))
    for step in tasks:
        cost += (step.setup_s + step.service_s) * vehicle.costs.per_task_hour / HOUR_S
        task = _task(problem, step)
        if task is not None and task.due is not None:
            cost += max(0, step.begin - task.due.by) * task.due.cost_per_min / MINUTE_S
    return cost
