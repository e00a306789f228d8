"""Li and Lim's problems: read with every fault named, solved, and checked by other code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import samehour
from simulations.benchmarks import lilim_solvers
from simulations.benchmarks.lilim import Row, measure, missed, summarise
from simulations.benchmarks.lilim_check import distance, violations
from simulations.benchmarks.lilim_files import Best, instance_files, read_best, read_instance
from simulations.benchmarks.lilim_solvers import OURS, Budget, or_tools, ours, ways_of
from simulations.benchmarks.mdrp_instance import InstanceError

# Two pairs, one to the east and one to the west; each alone is there and back.
TINY = """\
3	10	1
0	0	0	0	0	100	0	0	0
1	3	4	6	0	50	2	0	2
2	6	8	-6	5	60	2	1	0
3	-3	4	6	0	50	2	0	4
4	-6	8	-6	5	60	2	3	0
"""
BEST = {"tiny": {"solved_with_vehicles": 1, "best_known_cost": 34.85}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.txt").write_text(TINY)
    (tmp_path / "BKS.json").write_text(json.dumps(BEST))
    return tmp_path


def broken(tmp_path: Path, text: str) -> str:
    path = tmp_path / "wrong.txt"
    path.write_text(text)
    with pytest.raises(InstanceError) as error:
        read_instance(path)
    return str(error.value)


def test_a_file_is_read_as_it_stands(folder: Path) -> None:
    found = read_instance(folder / "tiny.txt")
    assert (found.name, found.vehicles, found.capacity) == ("tiny", 3, 10)
    assert found.pairs == [(1, 2), (3, 4)]
    assert found.nodes[2].demand == -6
    assert (found.nodes[2].earliest, found.nodes[2].latest, found.nodes[2].service) == (5, 60, 2)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("3\t10\t1\n", "3\t10\n", "wrong.txt:1: 2 values; write 3: vehicles capacity speed"),
        ("3\t10\t1\n", "3\t-1\t1\n", "wrong.txt:1: 3 vehicles of capacity -1"),
        ("3\t10\t1\n", "0\t10\t1\n", "wrong.txt:1: 0 vehicles"),
        ("1\t3\t4\t6", "1\tx\t4\t6", "wrong.txt:3: x is 'x'; write a number"),
        ("1\t3\t4\t6", "1\t3\t4\t6.5", "wrong.txt:3: demand is '6.5'; write a whole number"),
        ("1\t3\t4\t6", "1\tnan\t4\t6", "wrong.txt:3: x is 'nan'"),
        ("\t2\t0\t2\n", "\t2\t0\n", "wrong.txt:3: 8 values; write 9: task x y demand"),
        ("2\t6\t8", "1\t6\t8", "wrong.txt:4: task 1 is there twice"),
        ("5\t60\t2\t1", "70\t60\t2\t1", "wrong.txt:4: task 2 may begin from 70 to 60"),
        ("50\t2\t0\t2", "50\t-2\t0\t2", "wrong.txt:3: task 1 takes -2"),
        ("50\t2\t0\t2", "50\t2\t0\t4", "wrong.txt:3: task 1 names 4, which does not name it"),
        ("50\t2\t0\t2", "50\t2\t0\t0", "wrong.txt:3: task 1 is to have a task before it or one"),
        ("-6\t5\t60\t2\t1", "-5\t5\t60\t2\t1", "wrong.txt:4: task 2 has demand -5"),
        ("0\t0\t0\t0\t0\t100", "9\t0\t0\t0\t0\t100", "there is no task 0"),
    ],
)
def test_a_malformed_file_is_refused_by_its_line(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    assert before in TINY
    assert says in broken(tmp_path, TINY.replace(before, after, 1))


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    said = broken(tmp_path, TINY.replace("1\t3\t4", "1\tx\t4").replace("3\t-3\t4", "3\ty\t4"))
    assert "2 problems" in said
    assert "wrong.txt:3" in said
    assert "wrong.txt:5" in said


def test_an_empty_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    assert "wrong.txt:1: it is empty" in broken(tmp_path, "")
    with pytest.raises(InstanceError, match="name a readable file"):
        read_instance(tmp_path / "none.txt")


def test_without_best_known_solutions_the_remedy_is_named(folder: Path) -> None:
    (folder / "BKS.json").unlink()
    with pytest.raises(InstanceError, match=r"no BKS.json in it or above it.*solved_with_vehicles"):
        read_best(folder, ["tiny"])
    (folder / "BKS.json").write_text("{}")
    with pytest.raises(InstanceError, match="nothing usable on tiny"):
        read_best(folder, ["tiny"])
    (folder / "BKS.json").write_text("{")
    with pytest.raises(InstanceError, match=r"BKS.json: "):
        read_best(folder, ["tiny"])


def test_files_are_found_below_a_folder_and_by_name(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "tiny.txt").rename(folder / "set" / "tiny.txt")
    assert instance_files(folder, []) == [folder / "set" / "tiny.txt"]
    assert read_best(folder / "set", ["tiny"])["tiny"].vehicles == 1
    with pytest.raises(InstanceError, match=r"no other.txt"):
        instance_files(folder, ["other"])
    (folder / "set" / "tiny.txt").unlink()
    with pytest.raises(InstanceError, match="name the folder of the instances"):
        instance_files(folder, [])


# --- the verifier -------------------------------------------------------------------------------


def test_a_sound_solution_breaks_nothing_and_is_as_long_as_its_ways(folder: Path) -> None:
    tiny = read_instance(folder / "tiny.txt")
    # 0 -> (3, 4) -> (6, 8) -> 0 is 5 + 5 + 10.
    assert violations(tiny, [[1, 2], [3, 4]]) == []
    assert distance(tiny, [[1, 2], [3, 4]]) == pytest.approx(40.0)


@pytest.mark.parametrize(
    ("tours", "says"),
    [
        ([[1, 2]], "task 3 is visited 0 times"),
        ([[1, 2, 1, 2], [3, 4]], "task 1 is visited 2 times"),
        ([[2, 1], [3, 4]], "brings task 2 without fetching task 1 before"),
        ([[1, 4], [3, 2]], "fetches task 1 without bringing task 2 afterwards"),
        ([[1, 3, 2, 4]], "carries 12 after task 3, more than 10"),
        ([[1, 2], [3, 4], [9]], "vehicle 3 visits what is no task"),
        ([[1, 2], [3, 0, 4]], "vehicle 2 visits what is no task"),
    ],
)
def test_planted_faults_are_found(folder: Path, tours: list[list[int]], says: str) -> None:
    assert any(says in what for what in violations(read_instance(folder / "tiny.txt"), tours))


def test_late_tasks_late_returns_and_too_many_vehicles_are_found(folder: Path) -> None:
    # Task 2 is reached at 5 + 2 + 5 = 12; the depot again at 12 + 2 + 10 = 24.
    def found(before: str, after: str) -> list[str]:
        (folder / "tiny.txt").write_text(TINY.replace(before, after, 1))
        return violations(read_instance(folder / "tiny.txt"), [[1, 2], [3, 4]])

    assert found("5\t60", "5\t12") == []
    assert found("5\t60", "5\t11") == ["vehicle 1 begins task 2 at 12.000, after 11"]
    assert found("0\t100", "0\t24") == []
    assert len([what for what in found("0\t100", "0\t23") if "is back at 24.000" in what]) == 2
    assert found("3\t10\t1", "1\t10\t1") == ["2 vehicles of 1"]


# --- solving ------------------------------------------------------------------------------------


def test_the_tiny_problem_is_solved_to_its_optimum_and_always_the_same(folder: Path) -> None:
    tiny = read_instance(folder / "tiny.txt")
    budget = Budget(seconds=60.0, seed=1, rounds=300)
    answer = ours(tiny, budget)
    # One vehicle, out on one side and back on the other: 5 + 5 + |(6, 8) - (-3, 4)| + 5 + 10.
    assert [len(tour) for tour in answer.tours] == [4]
    assert distance(tiny, answer.tours) == pytest.approx(25.0 + 97**0.5)
    assert violations(tiny, answer.tours) == []
    assert ours(tiny, budget).tours == answer.tours
    assert answer.rounds == 300


def test_or_tools_answers_the_same_question(folder: Path) -> None:
    tiny = read_instance(folder / "tiny.txt")
    answer = or_tools(tiny, Budget(seconds=0.5, seed=1))
    assert violations(tiny, answer.tours) == []


def test_ways_are_rounded_up_and_whole_ones_stay(folder: Path) -> None:
    ways = ways_of(read_instance(folder / "tiny.txt"), 1000)
    assert ways[0].tolist() == [0, 5000, 10000, 5000, 10000]
    assert ways[2, 3] == 9849  # the root of 97 is 9.84886


def row(**other: object) -> Row:
    base = {
        "instance": "one",
        "solver": OURS,
        "vehicles": 3,
        "distance": 101.0,
        "best_vehicles": 3,
        "best_distance": 100.0,
        "unserved": 0,
        "broken": (),
        "wall_s": 1.0,
        "rounds": 1,
    }
    return Row(**{**base, **other})  # type: ignore[arg-type]


def test_targets_are_judged_over_all_instances() -> None:
    assert missed([row(), row(distance=102.0, vehicles=4)]) == []
    assert missed([row(vehicles=5)]) == ["one: 5 vehicles, best known 3"]
    assert missed([row(distance=103.0)]) == ["mean gap in distance 3.00%, target below 2%"]
    assert missed([row(unserved=2)]) == ["one: 2 tasks are not served"]
    assert missed([row(broken=("vehicle 1 is late",))]) == ["one: vehicle 1 is late"]


def test_a_summary_counts_sound_solutions_only() -> None:
    found = summarise(OURS, [row(), row(vehicles=4, distance=98.0), row(unserved=2)])
    assert (found.instances, found.feasible, found.as_few) == (3, 2, 1)
    assert (found.more, found.most_more) == (1, 1)
    assert found.mean_gap == pytest.approx(-0.005)
    assert found.mean_gap_alike == pytest.approx(0.01)


def test_what_is_left_out_is_counted_apart_from_what_is_broken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = read_instance(folder / "tiny.txt")
    answer = lilim_solvers.Answer([[1, 2]], 0.1)
    monkeypatch.setitem(lilim_solvers.SOLVERS, OURS, lambda *_: answer)
    found = measure(tiny, Best(1, 40.0), OURS, Budget(1.0, 1))
    assert (found.unserved, found.broken, found.is_feasible) == (2, (), False)


def test_the_command_prints_a_row_for_each_and_ends_in_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["bench", "lilim", str(folder), "--rounds", "200", "--no-peers", "--json"]
    assert samehour.main(command) == 0
    *told, last = capsys.readouterr().out.strip().splitlines()
    assert any(line.startswith("tiny") for line in told)
    figures = json.loads(last)
    assert figures["missed"] == []
    assert figures["instances"][0]["vehicles"] == 1


def test_a_missed_target_is_said_and_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = {"tiny": {"solved_with_vehicles": 1, "best_known_cost": 20.0}}
    (folder / "BKS.json").write_text(json.dumps(best))
    command = ["bench", "lilim", str(folder), "--rounds", "50", "--no-peers"]
    assert samehour.main(command) == 1
    assert "missed: mean gap in distance" in capsys.readouterr().out


def test_wrong_input_is_refused_with_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tiny.txt").write_text("3\t10\n")
    assert samehour.main(["bench", "lilim", str(folder)]) == 2
    assert "tiny.txt:1" in capsys.readouterr().err
