"""What a solution of a Li & Lim problem must keep, in floating point, and how long it is.

Knows the instance alone: no scaled times, no code of any solver.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

from simulations.benchmarks.lilim_files import Instance, Node

_NOISE: Final = 1e-6
"""Of sums of floats, against windows in whole numbers."""

Tours = Sequence[Sequence[int]]
"""Numbers of tasks in the order of visit, a tour for each vehicle, without the depot."""


def distance(instance: Instance, tours: Tours) -> float:
    """Return the length of all tours, from the depot and back."""
    total = 0.0
    for tour in tours:
        way = [0, *tour, 0]
        for here, there in itertools.pairwise(way):
            total += _apart(instance.nodes[here], instance.nodes[there])
    return total


def violations(instance: Instance, tours: Tours) -> list[str]:
    """Return every limit that a solution breaks, in words."""
    broken: list[str] = []
    used = [tour for tour in tours if tour]
    if len(used) > instance.vehicles:
        broken.append(f"{len(used)} vehicles of {instance.vehicles}")
    visits: dict[int, int] = {}
    for number, tour in enumerate(used, 1):
        known = [task for task in tour if task in instance.nodes and task != 0]
        if len(known) < len(tour):
            broken.append(f"vehicle {number} visits what is no task")
        for task in known:
            visits[task] = visits.get(task, 0) + 1
        broken += [f"vehicle {number} {what}" for what in _on_the_way(instance, known)]
    for task in sorted(instance.nodes):
        if task != 0 and visits.get(task, 0) != 1:
            broken.append(f"task {task} is visited {visits.get(task, 0)} times")
    return broken


def _on_the_way(instance: Instance, tour: Sequence[int]) -> list[str]:
    """Return what one vehicle breaks."""
    broken: list[str] = []
    depot = instance.nodes[0]
    here, clock, load = depot, depot.earliest, 0
    place = {task: index for index, task in enumerate(tour)}
    for index, task in enumerate(tour):
        node = instance.nodes[task]
        clock = max(clock + _apart(here, node), node.earliest)
        if clock > node.latest + _NOISE:
            broken.append(f"begins task {task} at {clock:.3f}, after {node.latest:g}")
        clock += node.service
        load += node.demand
        if load > instance.capacity:
            broken.append(f"carries {load} after task {task}, more than {instance.capacity}")
        if node.after and place.get(node.after, -1) < index:
            broken.append(f"fetches task {task} without bringing task {node.after} afterwards")
        if node.before and place.get(node.before, len(tour)) > index:
            broken.append(f"brings task {task} without fetching task {node.before} before")
        here = node
    clock += _apart(here, depot)
    if clock > depot.latest + _NOISE:
        broken.append(f"is back at {clock:.3f}, after {depot.latest:g}")
    return broken


def _apart(one: Node, other: Node) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)
