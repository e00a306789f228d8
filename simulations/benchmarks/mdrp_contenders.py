"""Who takes part in the meal-delivery benchmark: our policies, the baselines, and ablations."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.planning.plan import plan
from dispatch.policies import policy_from_toml
from simulations.baselines import BASELINES, baseline
from simulations.benchmarks.mdrp_travel import MINUTE_S
from simulations.benchmarks.mdrp_world import Solver
from simulations.errors import SimulationError

OURS: Final = ("balanced", "fast")
"""Our policies for meals; `meals-NAME.toml` among the policies in the box."""

REYES: Final = ("reyes-5", "reyes-2")
"""What others are judged against."""

DEFAULT: Final = ("nearest", *REYES, "insertion", *OURS)

ABLATIONS: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    ("every 5 minutes", {"replan_every_s": 300}),
    ("leaving at once", {"departure_lead_s": 86_400}),
    ("no standby", {"standby_horizon_s": 0}),
    ("no ruin and recreate", {"improve_rounds": 0}),
    ("waiting on purpose", {"hold_match": 0.3}),
    ("the exact choice", {"selection_neighbourhoods": 4}),
)
"""What is switched, one at a time, and the keys of the policy that do it.

The first are off then; the last two, which the policies leave off, are on.
"""


class ContenderError(SimulationError):
    """A policy cannot take part; the message says why."""

    code = "contender_unusable"


@dataclass(frozen=True, slots=True)
class Contender:
    """A policy under test.

    Attributes
    ----------
    baseline
        Name of the baseline that decides; empty for our own `plan`.
    every_min
        Minutes between two decisions.
    knows_all
        All orders are known from the start, and one plan is made for the whole day.
    ahead_min
        Every order is known so many minutes before its placement.
    """

    name: str
    policy: Policy
    every_min: int
    baseline: str = ""
    knows_all: bool = False
    ahead_min: int = 0

    def solver(self) -> Solver:
        """Return what decides."""
        return baseline(self.baseline).solve if self.baseline else plan


def contender(name: str, every_min: int | None = None) -> Contender:
    """Return who is meant by a name, or by the path of a policy.

    Parameters
    ----------
    every_min
        Minutes between two decisions of ours, instead of the policy's own.

    Raises
    ------
    ContenderError
        There is no such name or file, or the policy breaks the benchmark's rules.
    """
    if name in BASELINES:
        found = baseline(name)
        return Contender(name, _policy(_in_the_box("balanced")), found.every_min, name)
    path = _in_the_box(name) if name in OURS else Path(name)
    if path.suffix != ".toml":
        known = ", ".join([*BASELINES, *OURS])
        raise ContenderError(f"there is no policy {name}; take one of {known}, or a .toml file")
    return ours(name if name in OURS else path.stem, _policy(path), every_min)


def ours(name: str, policy: Policy, every_min: int | None = None) -> Contender:
    """Return our planner with a policy, if that keeps the benchmark's rules.

    Raises
    ------
    ContenderError
        A courier would serve two restaurants in one trip or be called off a way, or decisions
        would not fall on whole minutes.
    """
    if not policy.one_store_per_trip:
        raise ContenderError(f"policy {name}: a trip has one restaurant; set one_store_per_trip")
    if policy.standby_diverts:
        raise ContenderError(f"policy {name}: nobody is diverted; set standby_diverts = false")
    if policy.replan_every_s % MINUTE_S:
        raise ContenderError(
            f"policy {name}: replan_every_s is {policy.replan_every_s}; write whole minutes"
        )
    return Contender(name, policy, every_min or max(1, policy.replan_every_s // MINUTE_S))


def ablated(base: Contender) -> list[Contender]:
    """Return a policy with one idea switched at a time."""
    return [
        ours(f"{base.name}, {what}", replace(base.policy, **changes)) for what, changes in ABLATIONS
    ]


def foreseeing(base: Contender, ahead_min: int, rounds: int) -> list[Contender]:
    """Return a policy that knows more than anybody can.

    Parameters
    ----------
    ahead_min
        Of one of them: how long before its placement an order is known; else it decides as ever.
    rounds
        Of the other: effort of the one plan for the whole day.
    """
    long = replace(base.policy, improve_rounds=rounds)
    return [
        replace(base, name=f"known {ahead_min} min ahead", ahead_min=ahead_min),
        Contender("all known", long, base.every_min, knows_all=True),
    ]


def _in_the_box(name: str) -> Path:
    file = f"meals-{name}.toml"
    folders = (
        Path("data/policies"),
        Path(__file__).resolve().parents[2] / "data" / "policies",
        Path(sys.prefix) / "share" / "samehour" / "policies",
    )
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    raise ContenderError(f"{file} is in none of {', '.join(map(str, folders))}; install it anew")


def _policy(path: Path) -> Policy:
    try:
        return policy_from_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ContenderError(f"policy {path} cannot be read: {error}") from error
    except InvalidValueError as error:
        raise ContenderError(f"policy {path}: {error}") from error
