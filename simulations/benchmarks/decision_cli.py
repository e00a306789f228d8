"""`samehour bench decision`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from typing import Any, Final

from simulations.arguments import duration_s
from simulations.studies.simulate_cli import add_evenings

SCENARIOS: Final = ("helsinki-rush", "la-serena-rush")
REPLICATIONS: Final = 20
PROMISED_S: Final = 1800


def add_decision(kinds: Any) -> None:
    """Add `decision` to the kinds of benchmarks."""
    decision = kinds.add_parser(
        "decision",
        help="store and courier decided together, beside nearest store and nearest courier",
        description="Run rush hours with the joint decision, with the nearest store and our "
        "routes, with the nearest store and the nearest courier, and with a smaller crew, on the "
        "same evenings; with --policies also under the policies fast and thrifty, with --certain "
        "also in worlds where one uncertain thing after another is certain. Evenings that were run "
        "before are not run again. Exit code 1 when an evening failed or a rule was broken.",
    )
    decision.add_argument(
        "scenarios",
        metavar="SCENARIO",
        nargs="*",
        default=list(SCENARIOS),
        help=f"a name in the box or a .toml file ({' '.join(SCENARIOS)})",
    )
    decision.add_argument(
        "--certain", action="store_true", help="also with one uncertain thing after another certain"
    )
    decision.add_argument(
        "--policies", action="store_true", help="also under the other policies in the box"
    )
    decision.add_argument(
        "--promise",
        dest="promised_s",
        type=duration_s,
        default=PROMISED_S,
        metavar="TIME",
        help=f"what everybody is promised, as 30m ({PROMISED_S // 60}m)",
    )
    add_evenings(decision, replications=REPLICATIONS)
    decision.set_defaults(handler=_decision)


def _decision(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.decision import measure  # noqa: PLC0415

    return measure(arguments)
