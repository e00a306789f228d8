"""Any problem gets an answer that its own checker accepts, and everything left out has a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.tours.check import check
from dispatch.tours.model import (
    NO_WAY,
    NOWHERE,
    UNLIMITED,
    Answer,
    Break,
    Costs,
    Due,
    Effort,
    Kind,
    Problem,
    Request,
    Tables,
    Task,
    Vehicle,
    Why,
    Window,
)
from dispatch.tours.solve import solve

PLACES = 5
DIMENSIONS = 2

places = st.integers(0, PLACES - 1)
amounts = st.tuples(st.integers(0, 3), st.integers(0, 3))
skills = st.frozensets(st.integers(1, 2), max_size=1)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, ...]:
    """None, or up to two that do not touch."""
    ends = draw(st.lists(st.integers(0, 600), min_size=0, max_size=4, unique=True).map(sorted))
    return tuple(zip(ends[::2], ends[1::2], strict=False))


@st.composite
def tasks(draw: st.DrawFn, kind: Kind, number: int) -> Task:
    due = None
    if draw(st.booleans()) and draw(st.booleans()):
        due = Due(draw(st.integers(0, 300)), draw(st.integers(1, 20)))
    return Task(
        kind,
        number,
        draw(places),
        draw(windows()),
        setup_s=draw(st.integers(0, 20)),
        service_s=draw(st.integers(0, 20)),
        service_per_type=draw(st.sampled_from([{}, {"bike": 3}])),
        due=due,
    )


@st.composite
def requests(draw: st.DrawFn, number: int, vehicles: int) -> Request:
    shared = {
        "skills": draw(skills),
        "priority": draw(st.integers(0, 3)),
        "delivery": draw(amounts),
    }
    kind = draw(st.sampled_from(["job", "shipment", "two stores", "on board"]))
    if kind == "job":
        return Request(draw(tasks(Kind.JOB, number)), pickup=draw(amounts), **shared)
    brought = draw(tasks(Kind.DELIVERY, number))
    if kind == "on board":
        small = {**shared, "delivery": (0, 1), "skills": frozenset()}
        return Request(brought, on_board=draw(st.integers(0, vehicles - 1)), **small)
    numbers = [number] if kind == "shipment" else [number, 100 + number]
    return Request(brought, tuple(draw(tasks(Kind.PICKUP, one)) for one in numbers), **shared)


@st.composite
def vehicles(draw: st.DrawFn, number: int) -> Vehicle:
    limit = st.one_of(st.just(UNLIMITED), st.integers(50, 400))
    pauses = [
        Break(
            pause,
            draw(windows()),
            draw(st.integers(0, 40)),
            draw(st.sampled_from([None, (1, 1)])),
        )
        for pause in range(draw(st.integers(0, 2)))
    ]
    start, end = draw(st.sampled_from([(0, 0), (1, NOWHERE), (NOWHERE, 2), (0, 3)]))
    return Vehicle(
        number,
        "car",
        start,
        end,
        capacity=(draw(st.integers(3, 6)), 7),
        skills=draw(skills),
        window=draw(st.sampled_from([(0, 1 << 60), (30, 700), (0, 350)])),
        breaks=tuple(pauses),
        speed_factor=draw(st.sampled_from([1.0, 0.7, 1.5])),
        vehicle_type=draw(st.sampled_from(["", "bike"])),
        costs=draw(st.sampled_from([Costs(), Costs(50, 1800, 600, 100), Costs(0, 0, 0, 5)])),
        max_tasks=draw(st.sampled_from([UNLIMITED, 3])),
        max_travel_s=draw(limit),
        max_distance_m=draw(limit),
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A handful of everything, legs that know no triangle inequality, some of them missing."""
    crew = draw(st.integers(1, 3))
    legs = st.one_of(st.integers(0, 120), st.integers(0, 120), st.just(NO_WAY))
    cells = draw(st.lists(legs, min_size=PLACES**2, max_size=PLACES**2))
    duration = np.array(cells, np.int32).reshape(PLACES, PLACES)
    np.fill_diagonal(duration, 0)
    length = np.where(duration >= NO_WAY, 0, duration * 2 % 131).astype(np.int32)
    count = draw(st.integers(1, 7))
    return Problem(
        tuple(draw(requests(number, crew)) for number in range(count)),
        tuple(draw(vehicles(number)) for number in range(crew)),
        {"car": Tables(duration, length)},
        DIMENSIONS,
    )


def answered(problem: Problem, rounds: int = 40) -> Answer:
    return solve(problem, seed=1, effort=Effort(rounds))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems())
def test_any_problem_gets_an_answer_that_the_checker_accepts(problem: Problem) -> None:
    answer = answered(problem)
    assert check(problem, answer) == []
    assert all(one.detail and isinstance(one.why, Why) for one in answer.unserved)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems())
def test_more_effort_never_leaves_more_out(problem: Problem) -> None:
    def left(answer: Answer) -> int:
        return sum(problem.requests[one.request].priority for one in answer.unserved)

    little, much = answered(problem, 0), answered(problem, 60)
    assert left(much) <= left(little)
    if left(much) == left(little) and len(much.unserved) == len(little.unserved):
        assert much.cost <= little.cost + 1e-6


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems())
def test_time_that_is_over_at_once_still_has_a_sound_answer(problem: Problem) -> None:
    answer = solve(problem, seed=1, effort=Effort(40, lambda: 1.0))
    assert check(problem, answer) == []
    assert answer.cut_short
    assert len(answer.unserved) == len(problem.requests)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems(), st.integers(0, 2**31 - 1))
def test_the_same_seed_gives_the_same_answer(problem: Problem, seed: int) -> None:
    effort = Effort(30)
    assert solve(problem, seed=seed, effort=effort) == solve(problem, seed=seed, effort=effort)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems(), st.integers(1, 30))
def test_the_checker_sees_a_step_that_is_moved(problem: Problem, by_s: int) -> None:
    answer = answered(problem, 10)
    for number, tour in enumerate(answer.tours):
        step = tour.steps[1]
        moved = replace(step, arrival=step.arrival - by_s)
        steps = (tour.steps[0], moved, *tour.steps[2:])
        tours = list(answer.tours)
        tours[number] = replace(tour, steps=steps)
        assert check(problem, replace(answer, tours=tuple(tours)))
