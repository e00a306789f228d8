"""`samehour bench solve`: the same problems for everybody, judged by one checker."""

from __future__ import annotations

import json

import pytest

import samehour
from dispatch.tours.model import Effort
from dispatch.tours.solve import solve
from simulations.benchmarks.solve import Row, judged, ratio
from simulations.benchmarks.solve_cases import KINDS
from simulations.benchmarks.solve_peers import SOLVERS, Budget, Found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_everybody_s_tours_are_sound(kind: str, solver: str) -> None:
    problem = KINDS[kind](16, 3)
    found = SOLVERS[solver](problem, Budget(0.3, 1))
    answer, broken = judged(problem, found)
    assert broken == []
    assert answer.unserved == ()


def test_a_tour_that_misses_its_windows_is_told() -> None:
    problem = KINDS["windows"](8, 1)
    everything = [(row, request.task) for row, request in enumerate(problem.requests)]
    late = sorted(everything, key=lambda one: -one[1].windows[0][0])
    _, broken = judged(problem, Found({0: late}, 0.0))
    assert broken


def test_a_made_problem_is_the_same_again() -> None:
    for make in KINDS.values():
        one, again = (solve(make(12, 5), seed=1, effort=Effort(20)) for _ in range(2))
        assert one == again


def test_a_ratio_compares_what_serves_as_much() -> None:
    def row(problem: str, solver: str, cost: float, unserved: int = 0) -> Row:
        return Row(problem, solver, unserved, 1, cost, 0.0, ())

    rows = [
        *(row("a", "ours", 50.0), row("a", "VROOM", 100.0)),
        *(row("b", "ours", 200.0), row("b", "VROOM", 100.0)),
        *(row("c", "ours", 1.0), row("c", "VROOM", 100.0, unserved=1)),
    ]
    assert ratio(rows, "VROOM") == (pytest.approx(1.0), 2)  # the mean of a half and twice


def test_the_command_prints_a_line_for_each_problem(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "solve", "--tasks", "12", "--instances", "1", "--seconds", "0.1", "--json"]
    assert samehour.main(command) == 0
    printed = capsys.readouterr().out
    figures = json.loads(printed.splitlines()[-1])
    assert {row["problem"] for row in figures["problems"]} == {f"{kind}-1" for kind in KINDS}
    assert set(figures["ratios"]) == {"VROOM", "OR-Tools"}
