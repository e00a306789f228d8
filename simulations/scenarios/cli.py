"""`samehour scenario`: what the box has, and what a scenario says when all is said."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_scenario(commands: Any) -> None:
    """Add the command to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "scenario",
        help="list the scenarios in the box, or check and print one",
        description="Without a scenario: list those in the box. With one: check it, with all that "
        "it is based on, and print it as one TOML file that says everything; what is wrong is "
        "told all at once.",
    )
    parser.add_argument(
        "variant",
        nargs="?",
        metavar="SCENARIO[@POLICY][,KEY=VALUE...]",
        help="a name in the box or a .toml file, with a policy and keys set differently: "
        "helsinki-tuesday@balanced,couriers.0.count=8",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write it there instead of printing it"
    )
    parser.set_defaults(handler=_run)


def _run(arguments: argparse.Namespace) -> int:
    # Imported when run: the command line starts without the array world.
    from simulations.errors import ScenarioError  # noqa: PLC0415
    from simulations.scenarios.scenario import scenarios_in_the_box  # noqa: PLC0415
    from simulations.scenarios.variant import load_variant  # noqa: PLC0415
    from simulations.scenarios.writing import scenario_to_toml  # noqa: PLC0415

    if arguments.variant is None:
        if arguments.out is not None:
            sys.stderr.write("--out is for one scenario; name it\n")
            return 2
        titles = scenarios_in_the_box()
        width = max((len(name) for name in titles), default=0)
        for name, title in titles.items():
            sys.stdout.write(f"{name:{width}}  {title}\n")
        return 0
    try:
        scenario, _ = load_variant(arguments.variant)
    except ScenarioError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    text = scenario_to_toml(scenario)
    if arguments.out is None:
        sys.stdout.write(text)
        return 0
    try:
        arguments.out.write_text(text, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"{arguments.out} cannot be written: {error.strerror}\n")
        return 2
    return 0
