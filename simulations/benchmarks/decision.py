"""`samehour bench decision`: who brings what, decided jointly, beside what others do.

The same evenings (common random numbers), the same promise to everybody and nobody turned away,
so that minutes late mean the same under every rule.  Then the same decision in a world where one
uncertain thing after another is certain: what a better forecast of it would be worth.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dispatch.model import Policy
from geo.errors import GeoError
from geo.progress import shown
from simulations.benchmarks.decision_cli import GROUPS
from simulations.errors import SimulationError
from simulations.scenarios.policies import load_policy
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import Scenario, Tier
from simulations.studies import measures
from simulations.studies.run import FailedError, StoppedError, cores, run_study, wish
from simulations.studies.statistics import differences
from simulations.studies.study import Difference, Study

_NOBODY_REFUSED_S: Final = 4 * 3600
_FEWER: Final = 10
"""In the smaller crew one courier of so many is missing."""

LATE: Final = "late_min_per_100_orders"
FIGURES: Final = (
    LATE,
    "in_time_per_100_orders",
    "click_to_door_p50_s",
    "km_per_delivery",
    "busy_share",
    "pick_utilisation",
    "courier_hours",
)
"""Compared, by their names in `simulations.studies.measures`."""

_SIX: Final = dt.time(18)
_WRONG_INPUT: Final = 2
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600

Change = Callable[[Scenario, Policy], tuple[Scenario, Policy]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A rule, or a world, that is compared with the first.

    Attributes
    ----------
    policy
        By its name in the box.
    change
        What is different in its world, and what of it the policy knows.
    """

    name: str
    policy: str = "balanced"
    change: Change = lambda scenario, policy: (scenario, policy)


def _smaller(scenario: Scenario, policy: Policy) -> tuple[Scenario, Policy]:
    crew = tuple(each for nth, each in enumerate(scenario.couriers) if nth % _FEWER != _FEWER - 1)
    return replace(scenario, couriers=crew), policy


def _picking(scenario: Scenario, policy: Policy) -> tuple[Scenario, Policy]:
    picking = replace(scenario.picking, distribution="fixed", delay_share=0.0, short_share=0.0)
    return replace(scenario, picking=picking), replace(policy, pick_spread=0.0)


def _travel(scenario: Scenario, policy: Policy) -> tuple[Scenario, Policy]:
    scenario = replace(
        scenario,
        travel=replace(scenario.travel, spread=0.0, trip_spread=0.0, foreseen=1.0),
        mishaps=replace(scenario.mishaps, lost_share=0.0),
        surges=tuple(replace(surge, foreseen=1.0) for surge in scenario.surges),
    )
    return scenario, replace(policy, travel_spread=0.0)


def _hand_over(scenario: Scenario, policy: Policy) -> tuple[Scenario, Policy]:
    scenario = replace(
        scenario,
        handover=replace(scenario.handover, spread=0.0),
        customers=replace(scenario.customers, nobody_home_share=0.0),
    )
    return scenario, replace(policy, counter_spread_s=0, door_spread_s=0)


def _couriers(scenario: Scenario, policy: Policy) -> tuple[Scenario, Policy]:
    crew = tuple(replace(one, accept_share=1.0, ignore_share=0.0) for one in scenario.couriers)
    mishaps = replace(
        scenario.mishaps,
        absent_share=0.0,
        late_share=0.0,
        breakdowns_per_hour=0.0,
        signal_losses_per_hour=0.0,
    )
    travel = replace(scenario.travel, decline_share=0.0)
    return replace(scenario, couriers=crew, mishaps=mishaps, travel=travel), policy


def _all(scenario: Scenario, policy: Policy) -> tuple[Scenario, Policy]:
    for change in (_picking, _travel, _hand_over, _couriers):
        scenario, policy = change(scenario, policy)
    return scenario, policy


JOINT: Final = Contender("joint: store and courier together")
PEERS: Final = (
    Contender("nearest store, our routes", "nearest-store"),
    Contender("nearest store, nearest courier", "nearest"),
)
POLICIES: Final = tuple(Contender(f"joint, policy {name}", name) for name in ("fast", "thrifty"))
FEWER: Final = Contender(f"joint, one courier of {_FEWER} fewer", change=_smaller)
CERTAIN: Final = (
    Contender("picking certain", change=_picking),
    Contender("travel certain", change=_travel),
    Contender("hand-over certain", change=_hand_over),
    Contender("couriers certain", change=_couriers),
    Contender("all of that certain", change=_all),
)


@dataclass(frozen=True, slots=True)
class Beside:
    """A contender beside the joint decision."""

    contender: str
    differences: dict[str, Difference]
    breaches: int

    @property
    def saved(self) -> float | None:
        """Share of the contender's minutes late that the joint decision saves; None of none."""
        late = self.differences[LATE]
        if late.first is None or not late.second:
            return None
        return 1.0 - late.first / late.second


def prepared(
    scenario: Scenario, policy: Policy, contender: Contender, promised_s: int
) -> tuple[Scenario, Policy]:
    """Return what a contender runs: everybody is promised the same, and nobody turned away.

    The streets begin to fill so long before six that from then on orders count.
    """
    six = dt.datetime.combine(scenario.starts_at.date(), _SIX)
    starts_at = six - dt.timedelta(seconds=scenario.measure.warm_up_s)
    habits = replace(scenario.demand, tiers=(Tier(None, 1.0),), quote_share=0.0)
    policy = replace(
        policy, promise_fixed_s=promised_s, promise_max_s=_NOBODY_REFUSED_S, slots_ahead=0
    )
    return contender.change(replace(scenario, starts_at=starts_at, demand=habits), policy)


def measure(arguments: argparse.Namespace) -> int:
    """Run and print it; returns 0, 1 when stopped or failed, or a rule was broken, 2 for input."""
    try:
        with shown():
            return _measure(arguments)
    except (StoppedError, FailedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (SimulationError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_INPUT


def _measure(arguments: argparse.Namespace) -> int:
    groups = dict(zip(GROUPS, (PEERS, (FEWER,), POLICIES, CERTAIN), strict=True))
    others = [one for name, group in groups.items() if name in arguments.beside for one in group]
    found: dict[str, list[Beside]] = {}
    for name in arguments.scenarios:
        scenario = load_scenario(name)
        first = _study(name, scenario, JOINT, arguments)
        found[name] = []
        for contender in others:
            study = _study(name, scenario, contender, arguments)
            found[name].append(beside(contender, first, study))
        sys.stdout.write(table(scenario, first, found[name], arguments.promised_s))
        sys.stdout.flush()
    if arguments.json:
        sys.stdout.write(json.dumps(_as_json(found)) + "\n")
    return 1 if any(one.breaches for rows in found.values() for one in rows) else 0


def _study(
    name: str, scenario: Scenario, contender: Contender, arguments: argparse.Namespace
) -> Study:
    changed, policy = prepared(
        scenario, load_policy(contender.policy), contender, arguments.promised_s
    )
    wanted = wish(
        f"{name}: {contender.name}",
        changed,
        policy,
        replications=arguments.replications,
        seed=arguments.seed,
        lasts_s=arguments.duration_s or _HOUR_S,
    )
    return run_study(wanted, jobs=arguments.jobs or cores(), fresh=arguments.fresh).study


def beside(contender: Contender, first: Study, other: Study) -> Beside:
    """Return a contender's figures beside the joint decision's, on the evenings of both."""
    seeds = sorted(set(first.seeds) & set(other.seeds))
    if not seeds:
        raise SimulationError(f"{first.variant} and {other.variant} have no evening in common")
    values = [
        {name: [by_seed[seed].get(name) for seed in seeds] for name in measures.FIGURES}
        for by_seed in (
            {one.seed: one.figures for one in study.replications} for study in (first, other)
        )
    ]
    breaches = len(first.breaches) + len(other.breaches)
    return Beside(contender.name, dict(differences(*values)), breaches)


def table(scenario: Scenario, first: Study, rows: Sequence[Beside], promised_s: int) -> str:
    """Return the comparison in words and columns."""
    measured = first.replications[0]
    lasts_min = (measured.measured_until - measured.measured_from) // _MINUTE_S
    title = (
        f"{scenario.title}: {len(first.seeds)} evenings, orders of {lasts_min} min from six on, "
        f"everybody promised {promised_s // _MINUTE_S} min, nobody turned away"
    )
    columns = (
        f"  {'':34}{'late min/100 orders':>20}{'more [95 %]':>24}{'saved':>8}{'in time':>9}"
        f"{'click-door':>12}{'km/order':>10}{'busy':>7}{'picking':>9}{'hours':>8}"
    )
    lines = [title, columns]
    if rows:
        lines.append(_line(JOINT.name, rows[0].differences, "first"))
        lines += [_line(one.contender, one.differences, "second", one.saved) for one in rows]
    return "\n".join(lines) + "\n\n"


def _line(name: str, found: dict[str, Difference], side: str, saved: float | None = None) -> str:
    late = found[LATE]
    gap = ""
    if side == "second" and late.low is not None and late.high is not None:
        gap = f"{late.mean:+.0f} [{late.low:+.0f} {late.high:+.0f}]"
    values = [getattr(found[figure], side) for figure in FIGURES]
    shown_saved = "" if saved is None else f"{100 * saved:+.0f} %"
    in_time, door_s, km, busy, picking, hours = (value or 0.0 for value in values[1:])
    return (
        f"  {name:34}{values[0] or 0.0:>20.0f}{gap:>24}{shown_saved:>8}{in_time:>9.1f}"
        f"{door_s / _MINUTE_S:>8.1f} min{km:>10.2f}{100 * busy:>5.0f} %{100 * picking:>7.0f} %"
        f"{hours:>8.1f}"
    )


def _as_json(found: dict[str, list[Beside]]) -> dict[str, object]:
    return {
        scenario: {
            one.contender: {
                "saved": one.saved,
                "breaches": one.breaches,
                **{
                    name: {
                        "joint": each.first,
                        "contender": each.second,
                        "difference": each.mean,
                        "low": each.low,
                        "high": each.high,
                    }
                    for name, each in one.differences.items()
                },
            }
            for one in rows
        }
        for scenario, rows in found.items()
    }
