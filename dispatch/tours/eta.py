"""Plan mode: tours are given, only their times are chosen, and what they break is told.

Windows are soft here: what is too early or too late is least in all, then the tour is over as
early, and begins as late, as that allows.  Times that a step asks for itself are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from ortools.sat.python import cp_model

from dispatch.tours.errors import TourError
from dispatch.tours.model import (
    NEVER,
    NO_WAY,
    Answer,
    Break,
    Cause,
    Kind,
    Problem,
    Step,
    StepRef,
    Task,
    Tour,
    Unserved,
    Vehicle,
    Violation,
    Why,
    Window,
)
from dispatch.tours.timing import Entry, Legs, Timed, action_of, is_within, outside, written

_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class _Given:
    """A step of a given tour."""

    item: Task | Break
    request: int | None
    ref: StepRef


def choose_times(problem: Problem, limit_s: float) -> Answer:
    """Return the tours that vehicles come with, in time, and what they break.

    Parameters
    ----------
    limit_s
        Wall time for one tour, at most.

    Raises
    ------
    TourError
        A step is not known or is done twice, a way is missing, or times that steps ask for
        contradict each other.
    """
    known = {
        (task.kind, task.task_id): (row, task)
        for row, request in enumerate(problem.requests)
        for task in (*request.pickups, request.task)
    }
    done: set[tuple[Kind, int]] = set()
    tours: list[Tour] = []
    for number, vehicle in enumerate(problem.vehicles):
        given = _given(number, vehicle, known, done)
        if given:
            timed = _Times(problem, number, given, limit_s).solve()
            tours.append(_judged(problem, written(problem, number, timed)))
    served = {known[key][0] for key in done}
    unserved = tuple(
        Unserved(row, Why.NOT_GIVEN, "no vehicle's steps have it")
        for row in range(len(problem.requests))
        if row not in served
    )
    return Answer(tuple(tours), unserved)


def _given(
    number: int,
    vehicle: Vehicle,
    known: dict[tuple[Kind, int], tuple[int, Task]],
    done: set[tuple[Kind, int]],
) -> list[_Given]:
    given: list[_Given] = []
    breaks = {pause.break_id: pause for pause in vehicle.breaks}
    for index, step in enumerate(vehicle.steps):
        pointer = f"/vehicles/{number}/steps/{index}"
        if step.kind in {Kind.START, Kind.END} or step.step_id is None:
            continue
        if step.kind is Kind.BREAK:
            pause = breaks.pop(step.step_id, None)
            if pause is None:
                raise TourError(pointer, f"there is no break {step.step_id}, or no second one")
            given.append(_Given(pause, None, step))
            continue
        key = (step.kind, step.step_id)
        if key not in known:
            raise TourError(pointer, f"there is no {step.kind} {step.step_id}; correct its id")
        if key in done:
            raise TourError(pointer, f"{step.kind} {step.step_id} is in a tour already")
        done.add(key)
        row, task = known[key]
        given.append(_Given(task, row, step))
    return given


class _Times:
    """The times of one tour as a model of CP-SAT."""

    def __init__(self, problem: Problem, vehicle: int, given: list[_Given], limit_s: float) -> None:
        self.number = vehicle
        self.vehicle = problem.vehicles[vehicle]
        self.given = given
        self.limit_s = limit_s
        self.legs = Legs(problem, vehicle)
        self.model = cp_model.CpModel()
        self.horizon = self._horizon()
        self.off: list[Any] = []
        self.start = self._time()
        self.begins = [self._time() for _ in given]
        self.end = self._time()

    def solve(self) -> Timed:
        """Return the times."""
        self._add_legs()
        self._add_windows()
        self._add_wishes()
        model = self.model
        goals = [sum(self.off), self.end, -self.start, sum(self.begins)]
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = _SEED
        solver.parameters.max_time_in_seconds = self.limit_s
        for goal in goals:
            model.minimize(goal)
            status = solver.solve(model)
            if status != cp_model.OPTIMAL:
                pointer = f"/vehicles/{self.number}/steps"
                raise TourError(pointer, "the times that steps ask for cannot be kept together")
            model.add(goal <= round(solver.objective_value))
        entries = tuple(
            Entry(step.item, step.request, solver.value(begin))
            for step, begin in zip(self.given, self.begins, strict=True)
        )
        return Timed(solver.value(self.start), entries, solver.value(self.end), 0.0)

    def _time(self) -> Any:
        return self.model.new_int_var(0, self.horizon, "")

    def _horizon(self) -> int:
        """Return a time by which everything can be over."""
        windows: list[Window] = [self.vehicle.window]
        for step in self.given:
            windows += step.item.windows
        known = [time for window in windows for time in window if time < NEVER]
        for ref in self.vehicle.steps:
            known += [time for time in (ref.at, ref.after, ref.before) if time is not None]
        places = self._places()
        ways = sum(self._way(one, other) for one, other in pairwise(places))
        return max(known, default=0) + ways + sum(self._actions()) + 1

    def _places(self) -> list[int]:
        tasks = [step.item.place for step in self.given if isinstance(step.item, Task)]
        return [self.vehicle.start, *tasks, self.vehicle.end]

    def _way(self, origin: int, goal: int) -> int:
        way = self.legs.seconds(origin, goal)
        if way >= NO_WAY:
            raise TourError(f"/vehicles/{self.number}/steps", "there is no way between two of them")
        return way

    def _actions(self) -> list[int]:
        actions, here = [], self.vehicle.start
        for step in self.given:
            if isinstance(step.item, Break):
                actions.append(step.item.service_s)
            else:
                actions.append(sum(action_of(self.vehicle, step.item, here)))
                here = step.item.place
        return actions

    def _add_legs(self) -> None:
        """Let steps follow each other, with the time of each leg between its two ends."""
        places = self._places()
        left_at, paused = self.start, 0
        over: Any = self.start
        leg = 0
        for step, begin, action in zip(self.given, self.begins, self._actions(), strict=True):
            self.model.add(begin >= over)
            over = begin + action
            if isinstance(step.item, Break):
                paused += action
                continue
            self.model.add(begin - left_at >= self._way(places[leg], places[leg + 1]) + paused)
            left_at, paused, leg = over, 0, leg + 1
        self.model.add(self.end >= over)
        self.model.add(self.end - left_at >= self._way(places[leg], places[leg + 1]) + paused)

    def _add_windows(self) -> None:
        self._keep(self.start, [(self.vehicle.window[0], NEVER)])
        self._keep(self.end, [(0, self.vehicle.window[1])])
        for step, begin in zip(self.given, self.begins, strict=True):
            if step.item.windows:
                self._keep(begin, step.item.windows)

    def _keep(self, time: Any, windows: Any) -> None:
        """Count how far a time is from the window that it is nearest to."""
        off = self.model.new_int_var(0, self.horizon, "")
        chosen = [self.model.new_bool_var("") for _ in windows]
        self.model.add_exactly_one(chosen)
        for (opens, closes), one in zip(windows, chosen, strict=True):
            if opens > 0:
                self.model.add(off >= opens - time).only_enforce_if(one)
            if closes < NEVER:
                self.model.add(off >= time - closes).only_enforce_if(one)
        self.off.append(off)

    def _add_wishes(self) -> None:
        begins = iter(self.begins)
        for step in self.vehicle.steps:
            time = {Kind.START: self.start, Kind.END: self.end}.get(step.kind)
            time = next(begins) if time is None else time
            if step.at is not None:
                self.model.add(time == step.at)
            if step.after is not None:
                self.model.add(time >= step.after)
            if step.before is not None:
                self.model.add(time <= step.before)


# --- what is broken -------------------------------------------------------------------------------


def _judged(problem: Problem, tour: Tour) -> Tour:
    """Return a tour with everything that it breaks."""
    vehicle = problem.vehicles[tour.vehicle]
    steps = [_judged_step(problem, vehicle, tour, step) for step in tour.steps]
    ready, back = vehicle.window
    if steps[0].arrival < ready:
        early = Violation(Cause.LEAD_TIME, ready - steps[0].arrival)
        steps[0] = replace(steps[0], violations=(*steps[0].violations, early))
    if steps[-1].over > back:
        late = Violation(Cause.DELAY, steps[-1].over - back)
        steps[-1] = replace(steps[-1], violations=(*steps[-1].violations, late))
    taken = {step.step_id for step in steps if step.kind is Kind.BREAK}
    tasks = [step for step in steps if step.request is not None]
    found = [
        (any(pause.break_id not in taken for pause in vehicle.breaks), Cause.MISSING_BREAK),
        (len(tasks) > vehicle.max_tasks, Cause.MAX_TASKS),
        (steps[-1].travel_s > vehicle.max_travel_s, Cause.MAX_TRAVEL_TIME),
        (steps[-1].length_m > vehicle.max_distance_m, Cause.MAX_DISTANCE),
    ]
    return replace(
        tour,
        steps=tuple(steps),
        violations=tuple(Violation(cause) for is_broken, cause in found if is_broken),
    )


def _judged_step(problem: Problem, vehicle: Vehicle, tour: Tour, step: Step) -> Step:
    violations: list[Violation] = []
    if not is_within(step.load, vehicle.capacity):
        violations.append(Violation(Cause.LOAD))
    if step.kind is Kind.BREAK:
        pause = next(one for one in vehicle.breaks if one.break_id == step.step_id)
        violations += _in_time(pause.windows, step.begin)
        if pause.max_load is not None and not is_within(step.load, pause.max_load):
            violations.append(Violation(Cause.MAX_LOAD))
    elif step.request is not None:
        request = problem.requests[step.request]
        tasks = (*request.pickups, request.task)
        task = next(t for t in tasks if (t.kind, t.task_id) == (step.kind, step.step_id))
        violations += _in_time(task.windows, step.begin)
        if not request.skills <= vehicle.skills:
            violations.append(Violation(Cause.SKILLS))
        if not _is_in_order(tour, step) and request.pickups:
            violations.append(Violation(Cause.PRECEDENCE))
    return replace(step, violations=tuple(violations))


def _in_time(windows: tuple[Window, ...], begin: int) -> list[Violation]:
    found = outside(windows, begin)
    return [] if found is None else [found]


def _is_in_order(tour: Tour, step: Step) -> bool:
    """Tell whether a pickup's delivery comes after it, a delivery's pickup before it."""
    at = tour.steps.index(step)
    others = tour.steps[at + 1 :] if step.kind is Kind.PICKUP else tour.steps[:at]
    wanted = Kind.DELIVERY if step.kind is Kind.PICKUP else Kind.PICKUP
    return any(one.request == step.request and one.kind is wanted for one in others)
