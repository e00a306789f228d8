"""The command lines of this room; each command is imported when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from simulations.arguments import duration_s, port, seed, speed
from simulations.benchmarks import cli as benchmarks
from simulations.benchmarks.start_cli import WriteLedger
from simulations.load.cli import add_loadtest
from simulations.replays.cli import ReadLedger, add_explain, add_replay
from simulations.scenarios.cli import add_scenario
from simulations.scenarios.policy_cli import add_policy
from simulations.studies.compare_cli import add_compare
from simulations.studies.simulate_cli import add_simulate

_DEFAULT_SCENARIO: Final = "helsinki-friday"
_DEFAULT_PORT: Final = 8080


def add_parser(commands: Any, read_ledger: ReadLedger, write_ledger: WriteLedger) -> None:
    """Add the commands of this room to the command line.

    Parameters
    ----------
    read_ledger
        Reads the ledger of a service for `replay` and `explain`.
    write_ledger
        Writes one for `bench start`.
    """
    _add_demo(commands)
    add_simulate(commands)
    add_compare(commands)
    add_replay(commands, read_ledger)
    add_explain(commands, read_ledger)
    add_scenario(commands)
    add_policy(commands)
    add_loadtest(commands)
    benchmarks.add_parser(commands, write_ledger)


def _add_demo(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo",
        help="start the service and a simulated city beside it",
        description="Start the service and a simulated city beside it, and say where to look. "
        "Ctrl-C stops both; starting again goes on from there.",
    )
    _add_common(parser)
    parser.add_argument(
        "--headless",
        action="store_true",
        help="no page: run for a while, print the figures as JSON, end",
    )
    parser.add_argument(
        "--for",
        dest="duration_s",
        type=duration_s,
        metavar="TIME",
        help="end after this much of the city's time, as 60m or 1h30m "
        "(headless: 60m; else: go on until stopped)",
    )
    parser.add_argument(
        "--speed",
        type=speed,
        metavar="N",
        help="the city's seconds per second (headless: 120; else: 10)",
    )
    parser.add_argument(
        "--port",
        type=port,
        metavar="N",
        help=f"port of the service; when it is taken, a free one ({_DEFAULT_PORT})",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the ledger is kept (.samehour/demo; headless: nowhere)",
    )
    parser.add_argument("--fresh", action="store_true", help="begin anew, forget the last ledger")
    parser.add_argument(
        "--zone",
        metavar="NAME",
        help="where the city lives, when the settings that SAMEHOUR_SETTINGS names have several",
    )
    parser.set_defaults(handler=_demo)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario",
        default=_DEFAULT_SCENARIO,
        metavar="NAME",
        help=f"a name in the box, or a .toml file ({_DEFAULT_SCENARIO})",
    )
    parser.add_argument("--seed", type=seed, metavar="N", help="instead of the scenario's own")
    parser.add_argument("--json", action="store_true", help="the last line is a JSON object")


def _demo(arguments: argparse.Namespace) -> int:
    from simulations.demo import run  # noqa: PLC0415

    return run(arguments)
