"""One instance under one policy: run the day, write the files, read them again, judge them."""

from __future__ import annotations

import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

from simulations.benchmarks.mdrp_contenders import Contender
from simulations.benchmarks.mdrp_files import read_solution, write_solution
from simulations.benchmarks.mdrp_instance import Instance, assembled, read_instance
from simulations.benchmarks.mdrp_left import Left, explained
from simulations.benchmarks.mdrp_measures import Clocked, Figures, measure
from simulations.benchmarks.mdrp_perfect import foreseen
from simulations.benchmarks.mdrp_rules import verify
from simulations.benchmarks.mdrp_world import Day, World

_WARM_ORDERS = 12
_WARM_COURIERS = 6
_WARM_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Task:
    """An instance to be run under a policy.

    Attributes
    ----------
    out
        Folder for the exchange files; None to throw them away once they were judged.
    """

    folder: Path
    contender: Contender
    seed: int
    out: Path | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task."""

    figures: Figures
    left: tuple[Left, ...]
    breaches: tuple[str, ...]


def carry_out(task: Task) -> Outcome:
    """Run one instance under one policy and judge what was written."""
    instance = _instance(task.folder)
    try:
        _warm_up(task.contender, task.folder)
        day = _day(instance, task.contender, task.seed)
    except Exception as error:
        error.add_note(f"under {task.contender.name}, on {instance.name}")
        raise
    name = task.contender.name
    where = tempfile.TemporaryDirectory() if task.out is None else nullcontext(task.out / name)
    with where as folder:
        written = Path(folder) / instance.name
        write_solution(day.solution, written)
        solution = read_solution(written)
    breaches = (*day.breaches, *verify(solution, instance))
    clocked = Clocked(
        plan_ms=tuple(tick.plan_ms for tick in day.ticks),
        replan_ms=tuple(tick.replan_ms for tick in day.ticks),
        wall_ms=day.wall_s * 1000,
        minutes=day.minutes,
    )
    left = tuple(
        explained(name, instance, solution, order_id, said) for order_id, said in day.left.items()
    )
    return Outcome(measure(name, solution, instance, clocked, len(breaches)), left, breaches)


def _day(instance: Instance, contender: Contender, seed: int) -> Day:
    if contender.knows_all:
        return foreseen(instance, contender.policy, contender.solver(), time.perf_counter, seed)
    return World(
        instance=instance,
        policy=contender.policy,
        solve=contender.solver(),
        every_min=contender.every_min,
        stopwatch=time.perf_counter,
        seed=seed,
        keeps_watch=contender.policy.standby_horizon_s > 0 and not contender.baseline,
        ahead_min=contender.ahead_min,
        is_peer=bool(contender.baseline),
    ).run()


@lru_cache(maxsize=2)
def _instance(folder: Path) -> Instance:
    return read_instance(folder)


@lru_cache(maxsize=64)
def _warm_up(contender: Contender, folder: Path) -> None:
    """Run a few orders once, so that no measured decision waits for a compiler."""
    whole = _instance(folder)
    first = sorted(whole.orders.values(), key=lambda order: (order.placed_min, order.order_id))
    few = {order.order_id: order for order in first[:_WARM_ORDERS]}
    couriers = dict(islice(whole.couriers.items(), _WARM_COURIERS))
    tiny = assembled(whole.name, few, whole.restaurants, couriers, whole.parameters)
    rounds = min(contender.policy.improve_rounds, _WARM_ROUNDS)
    policy = replace(contender.policy, improve_rounds=rounds)
    _day(tiny, replace(contender, policy=policy), seed=0)
