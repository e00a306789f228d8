"""The steps that vehicles come with, as nodes."""

from __future__ import annotations

from dispatch.tours.errors import TourError
from dispatch.tours.model import Kind, Problem, Task


def nodes_given(
    problem: Problem, node_task: tuple[tuple[int, Task], ...]
) -> tuple[tuple[int, ...], ...]:
    """Return the nodes of the steps that each vehicle comes with.

    Raises
    ------
    TourError
        They name what there is not, or twice, or end a shipment before it begins.
    """
    known = {(task.kind, task.task_id): node for node, (_, task) in enumerate(node_task)}
    taken: dict[int, int] = {}
    tours = []
    for number, vehicle in enumerate(problem.vehicles):
        tour: list[int] = []
        loaded: set[int] = set()
        for index, step in enumerate(vehicle.steps):
            if step.kind in {Kind.START, Kind.END, Kind.BREAK}:
                continue
            pointer = f"/vehicles/{number}/steps/{index}"
            node = known.get((step.kind, step.step_id or 0)) if step.step_id is not None else None
            if node is None:
                raise TourError(pointer, f"there is no {step.kind} {step.step_id}; correct its id")
            row, task = node_task[node]
            if taken.setdefault(row, number) != number or node in tour:
                raise TourError(pointer, f"{step.kind} {step.step_id} has a tour already")
            on_board = problem.requests[row].on_board == number
            _follow(pointer, task, row, loaded, on_board=on_board)
            tour.append(node)
        open_later = [
            node_task[node][1].task_id
            for node in tour[vehicle.frozen :]
            if node_task[node][0] in loaded
        ]
        if open_later:
            raise TourError(
                f"/vehicles/{number}/steps",
                f"pickup {open_later[0]} is never delivered; add its delivery",
            )
        tours.append(tuple(tour))
    return tuple(tours)


def _follow(pointer: str, task: Task, row: int, loaded: set[int], *, on_board: bool) -> None:
    """Keep which shipments were fetched and not brought yet; raises `TourError` out of turn."""
    if task.kind is Kind.PICKUP:
        if row in loaded:
            raise TourError(pointer, f"the shipment of pickup {task.task_id} is fetched twice")
        loaded.add(row)
    elif task.kind is Kind.DELIVERY:
        if row not in loaded and not on_board:
            raise TourError(
                pointer, f"delivery {task.task_id} comes before its pickup; fetch it first"
            )
        loaded.discard(row)
