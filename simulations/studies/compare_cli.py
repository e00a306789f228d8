"""`samehour compare`: its command line; the rest is imported when it runs."""

from __future__ import annotations

import argparse
from typing import Any, Final

from simulations.studies.simulate_cli import VARIANT, add_running

_REPLICATIONS: Final = 10


def add_compare(commands: Any) -> None:
    """Add `compare` to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compare",
        help="tell whether one variant of a scenario is better than another",
        description="Run two variants on the same evenings, and say what differs, by how much, "
        "and how sure that is. Evenings that were run before are not run again. Exit code 0: "
        "done; 1: stopped or failed; 2: wrong use.",
    )
    for name, what in (("first", "A"), ("second", "B")):
        parser.add_argument(
            name,
            metavar=what,
            help=f"{VARIANT}: a name in the box or a .toml file, with a policy and keys set "
            "differently",
        )
    add_running(parser, replications=_REPLICATIONS)
    parser.set_defaults(handler=_run)


def _run(arguments: argparse.Namespace) -> int:
    from simulations.run import compare  # noqa: PLC0415

    return compare(arguments)
