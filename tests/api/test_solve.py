"""VROOM's JSON: what its documentation shows, what VROOM itself answers, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from straight_roads import StraightRoads

from api.solve_reading import Limits
from api.solve_refusal import SolveRefusal
from api.solver import Job, answer_to

LIMITS = Limits(tasks=500, vehicles=50, places=500, seconds=60.0)
TABLE = [[0, 100, 200, 300], [100, 0, 150, 250], [200, 150, 0, 100], [300, 250, 100, 0]]
TABLES = {"car": {"durations": TABLE}}
PARIS = [2.35044, 48.71764]


def solve(problem: dict[str, Any], limits: Limits = LIMITS) -> Any:
    problem = {"samehour": {"rounds": 300}, **problem}
    return json.loads(answer_to(Job(json.dumps(problem).encode(), limits), StraightRoads()))


def refused(problem: dict[str, Any], limits: Limits = LIMITS) -> SolveRefusal:
    with pytest.raises(SolveRefusal) as caught:
        solve(problem, limits)
    return caught.value


def vroom(problem: dict[str, Any], folder: Path, *flags: str) -> Any:
    """Return what VROOM answers."""
    path = folder / "problem.json"
    path.write_text(json.dumps(problem))
    run = "import sys, vroom; vroom.main(sys.argv)"
    done = subprocess.run(
        [sys.executable, "-c", run, "-i", str(path), *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout or done.stderr)


def steps(answer: Any, route: int = 0) -> list[tuple[str, int | None, int]]:
    told = answer["routes"][route]["steps"]
    return [(step["type"], step.get("id"), step["arrival"]) for step in told]


def job(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "location_index": number, **more}


def vehicle(**more: Any) -> dict[str, Any]:
    return {"id": 7, "start_index": 0, "end_index": 0, **more}


# --- the examples of VROOM's documentation -------------------------------------------------------


def on_roads() -> dict[str, Any]:
    """Two vehicles, four jobs and a shipment, with skills, breaks and coordinates."""

    def one(number: int) -> dict[str, Any]:
        pause = {"id": number, "service": 300, "time_windows": [[36000, 37800]]}
        return {
            "id": number,
            "start": PARIS,
            "end": PARIS,
            "capacity": [4],
            "skills": [number, 14],
            "time_window": [28800, 43200],
            "breaks": [pause],
        }

    def visit(number: int, lon: float, lat: float, **more: Any) -> dict[str, Any]:
        return {"id": number, "service": 300, "location": [lon, lat], **more}

    return {
        "vehicles": [one(1), one(2)],
        "jobs": [
            visit(1, 1.98935, 48.701, delivery=[1], skills=[1], time_windows=[[32400, 36000]]),
            visit(2, 2.03655, 48.61128, delivery=[1], skills=[1]),
            visit(5, 2.28325, 48.5958, delivery=[1], skills=[14]),
            visit(6, 2.89357, 48.90736, delivery=[1], skills=[14]),
        ],
        "shipments": [
            {
                "amount": [1],
                "skills": [2],
                "pickup": visit(4, 2.41808, 49.22619),
                "delivery": visit(3, 2.39719, 49.07611),
            }
        ],
    }


def test_the_example_on_roads_is_served_whole() -> None:
    answer = solve(on_roads())
    assert answer["code"] == 0
    assert answer["unassigned"] == []
    assert answer["summary"]["delivery"] == [5]
    assert answer["summary"]["pickup"] == [1]
    assert answer["summary"]["service"] == 2400  # six tasks and two breaks of five minutes
    done = {route["vehicle"]: [s.get("id") for s in route["steps"]] for route in answer["routes"]}
    assert {1, 2} <= set(done[1])
    assert done[2].index(4) < done[2].index(3)


def test_the_example_of_own_tables_costs_what_vroom_says(tmp_path: Path) -> None:
    table = [
        [0, 2104, 197, 1299],
        [2103, 0, 2255, 3152],
        [197, 2256, 0, 1102],
        [1299, 3153, 1102, 0],
    ]
    example = {
        "vehicles": [{"id": 0, "start_index": 0, "end_index": 3}],
        "jobs": [{"id": 1414, "location_index": 1}, {"id": 1515, "location_index": 2}],
        "matrices": {"car": {"durations": table}},
    }
    answer = solve(example)
    assert answer["summary"]["cost"] == vroom(example, tmp_path)["summary"]["cost"] == 5461
    assert steps(answer) == [
        ("start", None, 0),
        ("job", 1414, 2104),
        ("job", 1515, 4359),
        ("end", None, 5461),
    ]
    old = {**example, "matrix": table}
    del old["matrices"]
    assert solve(old)["routes"] == answer["routes"]


def test_the_example_of_given_routes_is_timed_and_its_violations_told() -> None:
    window = [1600416000, 1600426800]
    by_noon = [[1600416000, 1600423200]]

    def one(number: int, tasks: list[int], **start: int) -> dict[str, Any]:
        ways = [{"type": "job", "id": task} for task in tasks]
        return {
            "id": number,
            "start": PARIS,
            "end": PARIS,
            "capacity": [4],
            "time_window": window,
            "steps": [{"type": "start", **start}, *ways, {"type": "end"}],
        }

    def visit(number: int, amount: int, lon: float, lat: float, **more: Any) -> dict[str, Any]:
        place = {"location": [lon, lat], "service": 300}
        return {"id": number, "delivery": [amount], **place, **more}

    answer = solve(
        {
            "vehicles": [one(1, [1, 2, 5]), one(2, [6, 4, 3], service_after=1600415200)],
            "jobs": [
                visit(1, 2, 1.98935, 48.701),
                visit(2, 2, 2.03655, 48.61128),
                visit(3, 1, 2.39719, 49.07611, time_windows=by_noon),
                visit(4, 1, 2.41808, 49.22619, time_windows=by_noon),
                visit(5, 3, 2.28325, 48.5958),
                visit(6, 1, 2.89357, 48.90736, time_windows=by_noon),
            ],
            "options": {"c": True},
        }
    )
    first, second = answer["routes"]
    assert first["violations"] == [{"cause": "load"}]
    assert [s["load"] for s in first["steps"]] == [[7], [5], [3], [0], [0]]
    assert [s["violations"] for s in first["steps"]][:2] == [[{"cause": "load"}]] * 2
    causes = {one["cause"] for one in second["violations"]}
    assert causes <= {"lead_time", "delay"}
    assert causes


# --- beside VROOM itself -------------------------------------------------------------------------

BESIDE: dict[str, dict[str, Any]] = {
    "the start waits until nobody else has to": {
        "vehicles": [vehicle(end_index=3)],
        "jobs": [job(1, time_windows=[[1000, 2000]]), job(2, time_windows=[[1500, 2000]])],
    },
    "setup is for those who were not there": {
        "vehicles": [vehicle(start_index=1)],
        "jobs": [job(1, setup=10), {"id": 9, "location_index": 2, "setup": 20}],
    },
    "a shipment is two tasks": {
        "vehicles": [vehicle(max_tasks=1)],
        "shipments": [{"pickup": job(1), "delivery": job(2)}],
    },
    "who starts nowhere starts with the first task": {
        "vehicles": [{"id": 1, "end_index": 3}],
        "jobs": [job(1, setup=10), job(2)],
    },
    "a break waits until the bag is light": {
        "vehicles": [
            vehicle(
                capacity=[4],
                breaks=[{"id": 1, "service": 50, "max_load": [1], "time_windows": [[0, 2000]]}],
            )
        ],
        "jobs": [job(1, pickup=[2], priority=3), job(2, delivery=[3])],
        "shipments": [{"amount": [2], "pickup": job(1), "delivery": job(3)}],
    },
    "the dear vehicle stays at home": {
        "vehicles": [
            vehicle(costs={"fixed": 1000}),
            {"id": 8, "start_index": 3, "costs": {"per_hour": 7200}},
        ],
        "jobs": [job(1), job(2)],
    },
    "a vehicle travels no longer than it may": {
        "vehicles": [vehicle(max_travel_time=350)],
        "jobs": [job(1), job(2, priority=5)],
    },
    "the second window is as good as the first": {
        "vehicles": [vehicle()],
        "jobs": [job(1, time_windows=[[0, 50], [400, 450]]), job(2, time_windows=[[600, 700]])],
    },
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_small_problem_costs_what_vroom_says(name: str, tmp_path: Path) -> None:
    problem = {**BESIDE[name], "matrices": TABLES}
    ours, theirs = solve(problem)["summary"], vroom(problem, tmp_path)["summary"]
    for figure in (
        "cost",
        "unassigned",
        "setup",
        "service",
        "duration",
        "waiting_time",
        "priority",
    ):
        assert ours[figure] == theirs[figure], figure


def test_a_given_route_is_off_no_more_than_vroom_s(tmp_path: Path) -> None:
    ways = [{"type": "job", "id": 1}, {"type": "job", "id": 2, "service_at": 600}]
    problem = {
        "vehicles": [
            vehicle(
                breaks=[{"id": 5, "time_windows": [[150, 180]], "service": 30}],
                steps=[{"type": "start"}, *ways, {"type": "end"}],
            )
        ],
        "jobs": [
            job(1, time_windows=[[500, 600]], service=50),
            job(2, time_windows=[[0, 650]], service=50),
        ],
        "matrices": TABLES,
    }
    theirs = vroom(problem, tmp_path, "-c")
    ours = solve({**problem, "options": {"c": True}})
    assert steps(ours) == steps(theirs)
    told, known = ours["summary"]["violations"], theirs["summary"]["violations"]
    assert sorted(map(str, told)) == sorted(str({"cause": one["cause"], **one}) for one in known)


# --- what VROOM cannot say -----------------------------------------------------------------------


def test_a_shipment_is_fetched_where_that_is_shortest() -> None:
    shipment = {"pickup": job(3), "delivery": job(1), "samehour": {"pickups": [job(2)]}}
    answer = solve({"vehicles": [vehicle()], "shipments": [shipment], "matrices": TABLES})
    # 0-2-1-0 takes 200 + 150 + 100, by way of 3 it would be 300 + 250 + 100.
    assert answer["summary"]["cost"] == 450
    assert steps(answer)[1] == ("pickup", 2, 200)


def test_being_late_costs_what_was_said() -> None:
    soft = {"due_s": 30, "late_cost_per_min": 6}
    answer = solve({"vehicles": [vehicle()], "jobs": [job(1, samehour=soft)], "matrices": TABLES})
    assert answer["routes"][0]["steps"][1]["samehour"] == {"late_s": 70}
    assert answer["summary"]["samehour"]["late_cost"] == 7.0
    assert answer["summary"]["cost"] == 207


def test_what_is_dear_to_be_late_for_comes_first() -> None:
    soft = {"due_s": 300, "late_cost_per_min": 1000}
    jobs = [job(1), job(3, samehour=soft)]
    answer = solve({"vehicles": [vehicle(end_index=3)], "jobs": jobs, "matrices": TABLES})
    assert [step[1] for step in steps(answer)][1:3] == [3, 1]


def test_frozen_steps_stay_where_they_are() -> None:
    ways = [{"type": "job", "id": 3}, {"type": "job", "id": 1}]
    jobs = [job(1), job(2), job(3)]
    free = solve({"vehicles": [vehicle(end_index=3)], "jobs": jobs, "matrices": TABLES})
    assert [step[1] for step in steps(free)] == [None, 1, 2, 3, None]
    held = vehicle(end_index=3, steps=ways, samehour={"frozen": 1})
    answer = solve({"vehicles": [held], "jobs": jobs, "matrices": TABLES})
    assert [step[1] for step in steps(answer)][1] == 3
    assert answer["unassigned"] == []


def test_a_shipment_fetched_by_a_frozen_step_is_brought() -> None:
    held = vehicle(steps=[{"type": "pickup", "id": 3}], samehour={"frozen": 1}, capacity=[1])
    answer = solve(
        {
            "vehicles": [held, {**vehicle(), "id": 8, "capacity": [1]}],
            "shipments": [{"amount": [1], "pickup": job(3), "delivery": job(2)}],
            "matrices": TABLES,
        }
    )
    assert [step[:2] for step in steps(answer)][1:3] == [("pickup", 3), ("delivery", 2)]
    assert answer["routes"][0]["vehicle"] == 7


def test_goods_on_board_are_brought_by_who_has_them() -> None:
    near = {"id": 8, "start_index": 2, "capacity": [5]}
    answer = solve(
        {
            "vehicles": [near, vehicle(capacity=[3])],
            "jobs": [job(1, pickup=[2])],
            "shipments": [{"amount": [2], "delivery": job(2), "samehour": {"on_board": 7}}],
            "matrices": TABLES,
        }
    )
    bringing = next(route for route in answer["routes"] if route["vehicle"] == 7)
    assert bringing["steps"][0]["load"] == [2]
    assert ("delivery", 2) in [(s["type"], s.get("id")) for s in bringing["steps"]]
    assert max(step["load"][0] for step in bringing["steps"]) <= 3


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        ({"vehicles": [vehicle()], "jobs": [job(1, skills=[5])]}, "skills"),
        ({"vehicles": [vehicle(capacity=[1])], "jobs": [job(1, pickup=[2])]}, "load"),
        ({"vehicles": [vehicle()], "jobs": [job(1, time_windows=[[0, 99]])]}, "time"),
        ({"vehicles": [vehicle(max_travel_time=199)], "jobs": [job(1)]}, "max_travel_time"),
        (
            {
                "vehicles": [vehicle(capacity=[1])],
                "jobs": [job(1, delivery=[1]), job(2, delivery=[1])],
            },
            "no_room",
        ),
    ],
)
def test_what_is_left_out_says_why(problem: dict[str, Any], reason: str) -> None:
    answer = solve({**problem, "matrices": TABLES})
    assert [one["samehour"]["reason"] for one in answer["unassigned"]] == [reason]
    assert answer["summary"]["unassigned"] == 1


# --- refusals ------------------------------------------------------------------------------------

SOUND = {"vehicles": [vehicle()], "jobs": [job(1)], "matrices": TABLES}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"vehicles": [vehicle(colour="red")]}, "/vehicles/0/colour"),
        ({"jobs": [job(1, amount=[1], pickup=[1])]}, "/jobs/0"),
        ({"jobs": [job(1, priority=101)]}, "/jobs/0/priority"),
        ({"jobs": [job(1, service="5")]}, "/jobs/0/service"),
        ({"jobs": [job(1), job(1)]}, "/jobs/1/id"),
        ({"jobs": [job(4)]}, "/jobs/0"),
        ({"jobs": [{"id": 1}]}, "/jobs/0/location"),
        ({"jobs": []}, ""),
        ({"jobs": [job(1, time_windows=[[5, 2]])]}, "/jobs/0"),
        ({"jobs": [job(1, time_windows=[[0, 5], [5, 9]])]}, "/jobs/0"),
        ({"vehicles": [{"id": 1}]}, "/vehicles/0"),
        ({"vehicles": [vehicle(profile="bike")]}, "/vehicles/0/profile"),
        ({"vehicles": [vehicle(speed_factor=0)]}, "/vehicles/0/speed_factor"),
        ({"vehicles": [vehicle(costs={"per_km": 3})]}, "/matrices/car"),
        ({"vehicles": [vehicle(capacity=[1, 2])], "jobs": [job(1, pickup=[1])]}, "/jobs/0/pickup"),
        ({"vehicles": [vehicle(steps=[{"type": "job", "id": 9}])]}, "/vehicles/0/steps/0"),
        ({"vehicles": [vehicle(samehour={"frozen": 1})]}, "/vehicles/0/samehour/frozen"),
        ({"matrices": {"car": {"durations": [[0, 1]]}}}, "/matrices/car/durations"),
        ({"options": {"p": 1}}, "/options/p"),
        ({"options": {"g": True}}, "/matrices/car"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(change: dict[str, Any], pointer: str) -> None:
    refusal = refused({**SOUND, **change})
    assert refusal.extra["pointer"] == pointer, refusal.detail


def test_a_problem_that_is_too_large_is_refused_by_its_size() -> None:
    small = Limits(tasks=1, vehicles=1, places=2, seconds=1.0)
    assert "2 tasks are more than 1" in refused({**SOUND, "jobs": [job(1), job(2)]}, small).detail
    assert "4 places" in refused(SOUND, small).detail


def test_costs_of_one_s_own_are_what_a_route_costs() -> None:
    cheap = [[0, 1, 1, 9], [1, 0, 9, 9], [1, 9, 0, 9], [9, 9, 9, 0]]
    tables = {"car": {"durations": TABLE, "costs": cheap}}
    assert solve({**SOUND, "matrices": tables})["summary"]["cost"] == 2
    dear = {**SOUND, "vehicles": [vehicle(costs={"per_hour": 7200})], "matrices": tables}
    assert refused(dear).extra["pointer"] == "/vehicles/0/costs"


def test_the_same_seed_and_rounds_give_the_same_answer() -> None:
    def told(seed: int) -> Any:
        answer = solve({**on_roads(), "samehour": {"seed": seed, "rounds": 200}})
        del answer["summary"]["computing_times"]
        return answer

    assert told(3) == told(3)
    effort = {"seed": 3, "rounds": 200, "cut_short": False, "late_cost": 0}
    assert told(3)["summary"]["samehour"] == effort
