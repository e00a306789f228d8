"""`samehour policy`: the policies in the box, and what every key of one means."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add_policy(commands: Any) -> None:
    """Add the command to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "policy",
        help="list the policies in the box, or check and print one",
        description="Without a policy: list those in the box. With one: check it and print it as "
        "TOML, the unit and the effect of every key beside it; what is wrong is told all at once.",
    )
    parser.add_argument(
        "policy", nargs="?", metavar="NAME|FILE", help="in the box, or a .toml file"
    )
    parser.set_defaults(handler=_run)


def _run(arguments: argparse.Namespace) -> int:
    # Imported when run: the command line starts without the array world.
    from dispatch.policies import policy_to_toml  # noqa: PLC0415
    from simulations.errors import ScenarioError  # noqa: PLC0415
    from simulations.scenarios.policies import (  # noqa: PLC0415
        load_policy,
        policies_in_the_box,
    )

    if arguments.policy is None:
        titles = policies_in_the_box()
        width = max((len(name) for name in titles), default=0)
        for name, title in titles.items():
            sys.stdout.write(f"{name:{width}}  {title}\n")
        return 0
    try:
        policy = load_policy(arguments.policy)
    except ScenarioError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(policy_to_toml(policy))
    return 0
