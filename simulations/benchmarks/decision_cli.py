"""`samehour bench decision`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from typing import Any, Final

from simulations.arguments import duration_s
from simulations.studies.simulate_cli import add_evenings

SCENARIOS: Final = ("helsinki-rush", "la-serena-rush")
REPLICATIONS: Final = 20
PROMISED_S: Final = 1800
GROUPS: Final = ("rules", "crew", "policies", "certain")


def add_decision(kinds: Any) -> None:
    """Add `decision` to the kinds of benchmarks."""
    decision = kinds.add_parser(
        "decision",
        help="store and courier decided together, beside nearest store and nearest courier",
        description="Run rush hours with the joint decision, and the same evenings with: the "
        "rules of the nearest store with our routes and of the nearest store and courier; a "
        "smaller crew; the policies fast and thrifty; one uncertain thing after another certain. "
        "Evenings that were run before are not run again. Exit code 1 when an evening failed or "
        "a rule was broken.",
    )
    decision.add_argument(
        "scenarios",
        metavar="SCENARIO",
        nargs="*",
        default=list(SCENARIOS),
        help=f"a name in the box or a .toml file ({' '.join(SCENARIOS)})",
    )
    decision.add_argument(
        "--beside",
        nargs="+",
        choices=GROUPS,
        default=list(GROUPS[:2]),
        metavar="GROUP",
        help=f"what the joint decision is set beside: {', '.join(GROUPS)} ({' '.join(GROUPS[:2])})",
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
