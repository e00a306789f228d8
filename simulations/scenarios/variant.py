"""A scenario as it is named on the command line: with another policy, and keys set differently.

`helsinki-rainy-friday@thrifty,couriers.0.count=8,travel.foreseen=0` is the rainy Friday under the
policy `thrifty`, with eight couriers in the first group and rain that no forecast knows of.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dispatch.model import Policy
from simulations.errors import ScenarioError
from simulations.scenarios.policies import load_policy
from simulations.scenarios.scenario import Change, load_scenario
from simulations.scenarios.settings import Scenario

SYNTAX: Final = "SCENARIO[@POLICY][,KEY=VALUE...]"
_BARE: Final = re.compile(r"[^\s\"'\[\]{}=,#]+")


@dataclass(frozen=True, slots=True)
class Variant:
    """A scenario and what is different in it.

    Attributes
    ----------
    text
        As it was written; tells variants of a study apart.
    policy
        Instead of the scenario's own; None for that.
    """

    text: str
    scenario: str
    policy: str | None
    changes: tuple[Change, ...]

    @classmethod
    def parse(cls, text: str) -> Variant:
        """Read `SCENARIO[@POLICY][,KEY=VALUE...]`.

        KEY is a dotted path in the TOML, entries of lists by number from 0; VALUE is a TOML value,
        and a word without quotes is a text.

        Raises
        ------
        ScenarioError
            With everything that cannot be read.
        """
        head, *rest = _split(text.strip())
        scenario, at, policy = head.partition("@")
        problems: list[str] = []
        changes: list[Change] = []
        if not scenario.strip():
            problems.append("there is no scenario before the first comma")
        if at and not policy.strip():
            problems.append("there is no policy after the @")
        for part in rest:
            change = _change(part.strip())
            if isinstance(change, Change):
                changes.append(change)
            else:
                problems.append(change)
        if problems:
            raise ScenarioError(f"variant {text!r}", [*problems, f"it is written {SYNTAX}"])
        return cls(text.strip(), scenario.strip(), policy.strip() or None, tuple(changes))


def load_variant(text: str) -> tuple[Scenario, Policy]:
    """Return a variant's scenario and the policy it is run under.

    Raises
    ------
    ScenarioError
        With everything that is wrong with either.
    """
    variant = Variant.parse(text)
    problems: list[str] = []
    source = ""
    policy = Policy()
    changes = variant.changes
    if variant.policy is not None:
        # The scenario's own is not looked at: it may be what is put right.
        try:
            policy = load_policy(variant.policy)
        except ScenarioError as error:
            source = error.source
            problems += [f"@{variant.policy}: {problem}" for problem in error.problems]
        else:
            changes = (*changes, Change("policy", variant.policy, f"@{variant.policy}"))
    try:
        scenario = load_scenario(variant.scenario, changes)
    except ScenarioError as error:
        raise ScenarioError(error.source, [*error.problems, *problems]) from error
    if problems:
        raise ScenarioError(source, problems)
    return scenario, load_policy(scenario.policy) if variant.policy is None else policy


def _split(text: str) -> Iterator[str]:
    """Yield the parts between commas that are in no brackets and no quotes."""
    part, depth, quote = "", 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == "," and depth == 0:
            yield part
            part = ""
            continue
        part += character
    yield part


def _change(part: str) -> Change | str:
    key, equals, value = (piece.strip() for piece in part.partition("="))
    if not (key and equals):
        return f"{part!r} sets nothing; write KEY=VALUE, for instance couriers.0.count=8"
    try:
        return Change(key, tomllib.loads(f"value = {value}")["value"], part)
    except tomllib.TOMLDecodeError:
        pass
    if _BARE.fullmatch(value):
        return Change(key, value, part)
    return f"{part!r}: {value!r} is no TOML value; texts with blanks or commas are in quotes"
