"""`samehour simulate`: its command line; the rest is imported when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from simulations.arguments import duration_s, seed, whole

VARIANT: Final = "SCENARIO[@POLICY][,KEY=VALUE...]"


def add_simulate(commands: Any) -> None:
    """Add `simulate` to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "simulate",
        help="run a scenario as fast as it goes, without a service",
        description="Run a scenario with the same engine under a simulated clock, on several "
        "evenings if asked to. The same seed gives the same events, bit for bit. Ctrl-C stops; "
        "the same command goes on from there. Exit code 0: done; 1: stopped or failed; 2: wrong "
        "use.",
    )
    parser.add_argument(
        "variant",
        metavar=VARIANT,
        help="a name in the box or a .toml file, with a policy and keys set differently: "
        "helsinki-friday@balanced,couriers.0.count=8",
    )
    add_running(parser, replications=1)
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="a policy in TOML, or the name of one"
    )
    parser.add_argument(
        "--learned",
        type=Path,
        metavar="FILE",
        help="let the engine forecast with what samehour replay --learn wrote; the world stays",
    )
    parser.set_defaults(handler=_run)


def add_running(parser: argparse.ArgumentParser, replications: int) -> None:
    """Add what says how evenings are run, and where they are kept; see `add_evenings`."""
    add_evenings(parser, replications)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep it there (in .samehour, by what it is)"
    )
    parser.add_argument(
        "--no-report", dest="report", action="store_false", help="write no report.html"
    )


def add_evenings(parser: argparse.ArgumentParser, replications: int) -> None:
    """Add what says how evenings are run.

    Parameters
    ----------
    replications
        How many, unless said otherwise.
    """
    parser.add_argument(
        "--replications",
        type=whole(1, 10_000),
        default=replications,
        metavar="N",
        help=f"so many evenings, each with a seed of its own, ascending ({replications})",
    )
    parser.add_argument(
        "--seed", type=seed, metavar="N", help="of the first, instead of the scenario's own"
    )
    parser.add_argument(
        "--for",
        dest="duration_s",
        type=duration_s,
        metavar="TIME",
        help="count the orders of so long, as 60m or 1h30m (what the scenario says); the evening "
        "goes on until they have ended",
    )
    parser.add_argument(
        "--jobs", type=whole(1, 1024), metavar="N", help="processes at a time (one for each core)"
    )
    parser.add_argument("--fresh", action="store_true", help="begin anew, forget what is there")
    parser.add_argument("--json", action="store_true", help="the last line is a JSON object")


def _run(arguments: argparse.Namespace) -> int:
    from simulations.run import simulate  # noqa: PLC0415

    return simulate(arguments)
