"""Read Li & Lim's pickup-and-delivery problems and what is best known of them.

Li & Lim (2001), "A metaheuristic for the pickup and delivery problem with time windows",
doi:10.1109/ICTAI.2001.974461; files at
https://www.sintef.no/projectweb/top/pdptw/li-lim-benchmark/.  A file has the number of vehicles,
their capacity and their speed in its first line (nobody uses the speed: some files say 0), then a
task a line: number, x, y, demand, earliest and latest begin, service, the task to visit before and
the one to visit after.  Task 0 is the depot; distances and times are Euclidean.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulations.benchmarks.mdrp_instance import InstanceError

BEST_KNOWN: Final = "BKS.json"

_HEAD: Final = ("vehicles", "capacity", "speed")
_COLUMNS: Final = ("task", "x", "y", "demand", "earliest", "latest", "service", "before", "after")
_WHOLE: Final = frozenset({"vehicles", "capacity", "task", "demand", "before", "after"})


@dataclass(frozen=True, slots=True)
class Node:
    """A task, or the depot: `before` is its pickup, `after` its delivery, 0 for none."""

    number: int
    x: float
    y: float
    demand: int
    earliest: float
    latest: float
    service: float
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem; `nodes` by number, the depot is 0."""

    name: str
    vehicles: int
    capacity: int
    nodes: Mapping[int, Node]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Each pickup with its delivery, ascending."""
        return sorted((node.number, node.after) for node in self.nodes.values() if node.after)


@dataclass(frozen=True, slots=True)
class Best:
    """The best solution known of an instance: fewer vehicles before less distance."""

    vehicles: int
    distance: float


def read_instance(path: Path) -> Instance:
    """Return an instance; raises `InstanceError` with every problem, its file and its line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InstanceError(str(path), [f"{path.name}: {error}; name a readable file"]) from error
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, words) for number, words in lines if words]
    problems: list[str] = []
    head: list[float] | None = None
    if lines:
        head = _numbers(path, *lines[0], _HEAD, problems)
    else:
        problems.append(f"{path.name}:1: it is empty; write {' '.join(_HEAD)}, then a task a line")
    nodes: dict[int, Node] = {}
    written_at: dict[int, int] = {}
    for number, words in lines[1:]:
        found = _numbers(path, number, words, _COLUMNS, problems)
        if found is None:
            continue
        key, demand, before, after = (int(found[column]) for column in (0, 3, 7, 8))
        earliest, latest, service = found[4:7]
        node = Node(key, found[1], found[2], demand, earliest, latest, service, before, after)
        if node.number in nodes:
            problems.append(f"{path.name}:{number}: task {node.number} is there twice")
            continue
        nodes[node.number], written_at[node.number] = node, number
    if not problems:
        problems += _inconsistent(path, nodes, written_at)
    if head is not None and not problems and (head[0] < 1 or head[1] < 0):
        problems.append(
            f"{path.name}:{lines[0][0]}: {head[0]:g} vehicles of capacity {head[1]:g}; write one "
            "vehicle or more, and a capacity of 0 or more"
        )
    if problems or head is None:
        raise InstanceError(str(path), problems)
    return Instance(path.stem, int(head[0]), int(head[1]), nodes)


def _numbers(
    path: Path, number: int, words: Sequence[str], names: Sequence[str], problems: list[str]
) -> list[float] | None:
    """Return a line's numbers; None, with its problem told, if they are others."""
    if len(words) != len(names):
        problems.append(
            f"{path.name}:{number}: {len(words)} values; write {len(names)}: {' '.join(names)}"
        )
        return None
    found: list[float] = []
    for name, word in zip(names, words, strict=True):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (name in _WHOLE and value != int(value)):
            wanted = "a whole number" if name in _WHOLE else "a number"
            problems.append(f"{path.name}:{number}: {name} is {word!r}; write {wanted}")
            return None
        found.append(value)
    return found


def _inconsistent(
    path: Path, nodes: Mapping[int, Node], written_at: Mapping[int, int]
) -> list[str]:
    """Return what is wrong between tasks."""
    problems: list[str] = []
    if 0 not in nodes:
        return [f"{path.name}: there is no task 0; the depot is the first task"]
    for key, node in nodes.items():
        where = f"{path.name}:{written_at[key]}: task {key}"
        if node.latest < node.earliest:
            problems.append(f"{where} may begin from {node.earliest:g} to {node.latest:g}")
        if node.service < 0:
            problems.append(f"{where} takes {node.service:g}; write a service of 0 or more")
        if key == 0:
            continue
        if (node.before > 0) == (node.after > 0):
            problems.append(f"{where} is to have a task before it or one after it, the other 0")
            continue
        other = nodes.get(node.before or node.after)
        if other is None or (other.after if node.before else other.before) != key:
            problems.append(f"{where} names {node.before or node.after}, which does not name it")
        elif node.demand != -other.demand or (node.demand < 0) != (node.before > 0):
            problems.append(
                f"{where} has demand {node.demand}; what a pickup adds its delivery takes away"
            )
    return problems


def instance_files(folder: Path, only: Sequence[str]) -> list[Path]:
    """Return the files of a folder and the folders in it, by name.

    Raises
    ------
    InstanceError
        There is none, or not all of those named.
    """
    found = {path.stem: path for path in sorted(folder.rglob("*.txt"))}
    if not found:
        raise InstanceError(
            str(folder), [f"{folder}: no *.txt in it; name the folder of the instances"]
        )
    missing = [name for name in only if name not in found]
    if missing:
        raise InstanceError(
            str(folder), [f"{folder}: no {name}.txt in it; see --only" for name in missing]
        )
    return [found[name] for name in (only or sorted(found))]


def read_best(folder: Path, names: Sequence[str]) -> dict[str, Best]:
    """Return the best known solutions of some instances, from a folder or the one above.

    Raises
    ------
    InstanceError
        There is no such file, it cannot be read, or it lacks an instance.
    """
    shape = '{"lr101": {"solved_with_vehicles": 19, "best_known_cost": 1650.8}, ...}'
    path = folder / BEST_KNOWN
    if not path.is_file():
        path = folder.resolve().parent / BEST_KNOWN
    if not path.is_file():
        raise InstanceError(
            str(folder),
            [f"{folder}: no {BEST_KNOWN} in it or above it to compare with; write one: {shape}"],
        )
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InstanceError(str(path), [f"{path.name}: {error}; write {shape}"]) from error
    best: dict[str, Best] = {}
    problems: list[str] = []
    for name in names:
        row = table.get(name) if isinstance(table, dict) else None
        vehicles = row.get("solved_with_vehicles") if isinstance(row, dict) else None
        distance = row.get("best_known_cost") if isinstance(row, dict) else None
        if not (isinstance(vehicles, int) and isinstance(distance, int | float) and distance > 0):
            problems.append(f"{path.name}: nothing usable on {name}; write {shape}")
            continue
        best[name] = Best(vehicles, float(distance))
    if problems:
        raise InstanceError(str(path), problems)
    return best
