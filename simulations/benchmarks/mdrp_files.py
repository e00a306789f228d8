"""The three exchange files that the published evaluator of the Grubhub instances reads.

Space-separated, one header line, whole minutes.  The evaluator is
`MDRP_code/compute_performance_summary.py` of https://github.com/grubhub/mdrplib.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulations.benchmarks.mdrp_instance import InstanceError

ASSIGNMENTS: Final = "solution_info_assignments.txt"
ORDERS: Final = "solution_info_orders.txt"
COURIERS: Final = "solution_info_couriers.txt"

_HEADERS: Final = {
    ASSIGNMENTS: "assignment_time pickup_time courier order",
    ORDERS: "order placement_time ready_time pickup_time dropoff_time courier",
    COURIERS: "courier departure_time origin destination",
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """One pickup at one restaurant, then its drop-offs in this order."""

    assigned_min: int
    picked_min: int
    courier_id: str
    order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An order that was delivered."""

    order_id: str
    placed_min: int
    ready_min: int
    picked_min: int
    dropped_min: int
    courier_id: str


@dataclass(frozen=True, slots=True)
class Move:
    """A courier leaves a place for another; `0` is the on-location, others orders, restaurants."""

    courier_id: str
    left_min: int
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class Solution:
    """What was done in one instance; a courier's moves stand together and in order."""

    assignments: tuple[Assignment, ...]
    deliveries: tuple[Delivery, ...]
    moves: tuple[Move, ...]


def write_solution(solution: Solution, folder: Path) -> None:
    """Write the three files into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[tuple[object, ...]]] = {
        ASSIGNMENTS: [
            (a.assigned_min, a.picked_min, a.courier_id, *a.order_ids) for a in solution.assignments
        ],
        ORDERS: [
            (d.order_id, d.placed_min, d.ready_min, d.picked_min, d.dropped_min, d.courier_id)
            for d in solution.deliveries
        ],
        COURIERS: [(m.courier_id, m.left_min, m.origin, m.destination) for m in solution.moves],
    }
    for name, rows in lines.items():
        text = "\n".join([_HEADERS[name], *(" ".join(map(str, row)) for row in rows)])
        (folder / name).write_text(text + "\n", encoding="utf-8")


def read_solution(folder: Path) -> Solution:
    """Return what the three files of a folder say.

    Raises
    ------
    InstanceError
        Naming every line that is not as the format wants it.
    """
    problems: list[str] = []
    assignments = tuple(
        Assignment(times[0], times[1], words[2], tuple(words[3:]))
        for words, times in _lines(folder / ASSIGNMENTS, 4, (0, 1), problems)
    )
    deliveries = tuple(
        Delivery(words[0], times[0], times[1], times[2], times[3], words[5])
        for words, times in _lines(folder / ORDERS, 6, (1, 2, 3, 4), problems)
    )
    moves = tuple(
        Move(words[0], times[0], words[2], words[3])
        for words, times in _lines(folder / COURIERS, 4, (1,), problems)
    )
    if problems:
        raise InstanceError(str(folder), problems)
    return Solution(assignments, deliveries, moves)


def _lines(
    path: Path, least: int, times: Sequence[int], problems: list[str]
) -> Iterator[tuple[list[str], list[int]]]:
    """Yield the words of each line after the first, and those among them that are times."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        problems.append(f"{path.name}: {error.strerror}")
        return
    for number, line in enumerate(lines[1:], start=2):
        words = line.split()
        if len(words) < least or (len(words) > least and path.name != ASSIGNMENTS):
            problems.append(f"{path.name}:{number}: has {len(words)} words; write {least}")
            continue
        try:
            yield words, [int(words[column]) for column in times]
        except ValueError:
            problems.append(f"{path.name}:{number}: times must be whole minutes")
