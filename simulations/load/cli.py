"""`samehour loadtest`: its command line; the rest is imported when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from simulations.arguments import duration_s, number, seed, speed, whole

_SCENARIO: Final = "helsinki-friday"


def add_loadtest(commands: Any) -> None:
    """Add `loadtest` to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "loadtest",
        help="put a scenario as HTTP load on a running service",
        description="Play a scenario as real HTTP traffic against a running service: every request "
        "at the moment it is meant, whatever became of those before. It places real orders: use a "
        "service with a ledger of its own. Ctrl-C stops with a report of what was; the same "
        "command goes on from there. Exit code 0: what was asked of the service is met; 1: it is "
        "not, or the test broke off; 2: wrong use.",
    )
    parser.add_argument("url", metavar="URL", help="a service, as http://localhost:8080")
    parser.add_argument(
        "--scenario",
        default=_SCENARIO,
        metavar="VARIANT",
        help=f"SCENARIO[,KEY=VALUE...]: a name in the box, or a .toml file ({_SCENARIO})",
    )
    parser.add_argument("--seed", type=seed, metavar="N", help="instead of the scenario's own")
    parser.add_argument(
        "--for",
        dest="duration_s",
        type=duration_s,
        default=60,
        metavar="TIME",
        help="how long the load lasts, by the clock on the wall (1m)",
    )
    parser.add_argument(
        "--drain",
        dest="drain_s",
        type=_drain_s,
        default=60,
        metavar="TIME",
        help="go on at most so long without new customers, until no order is open; 0 for not (1m)",
    )
    parser.add_argument(
        "--rate",
        type=number(0, 100_000, "the rate as 10 for ten times the customers"),
        default=1.0,
        metavar="X",
        help="so many times the customers (1)",
    )
    parser.add_argument(
        "--speed",
        type=speed,
        metavar="N",
        help="the customers' evening goes by N times as fast as life (as fast as the service's "
        "clock, which rules everybody else)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where it is kept (.samehour/...)")
    parser.add_argument(
        "--sla",
        action="append",
        default=[],
        metavar="FILE|KEY=VALUE",
        help="what the service is held to: a TOML file, or p99_ms=500, "
        "'POST /v1/orders:p99_ms=300', deliveries.on_time_share=0.9; several times",
    )
    parser.add_argument(
        "--mix",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what clients do beside the scenario, as track_share=0.3 or boards=4; several times",
    )
    parser.add_argument(
        "--connections",
        type=whole(1, 30_000),
        default=2000,
        metavar="N",
        help="requests under way at a time; more than that wait, and are counted (2000)",
    )
    parser.add_argument(
        "--timeout",
        type=number(0, 3600, "seconds"),
        default=30.0,
        metavar="S",
        help="silence after which a request is given up, in seconds (30)",
    )
    parser.add_argument("--api-key", metavar="KEY", help="or in SAMEHOUR_API_KEY")
    parser.add_argument(
        "--zone", metavar="NAME", help="of a service with several in the scenario's city"
    )
    parser.add_argument(
        "--now", action="store_true", help="move the scenario to the service's present"
    )
    parser.add_argument(
        "--into-existing",
        action="store_true",
        help="even where others have open orders: they share couriers with the load",
    )
    parser.add_argument("--fresh", action="store_true", help="begin anew, forget what is in --out")
    parser.add_argument("--json", action="store_true", help="the last line is a JSON object")
    parser.set_defaults(handler=_loadtest)


def _drain_s(text: str) -> int:
    return 0 if text in {"0", "0s"} else duration_s(text)


def _loadtest(arguments: argparse.Namespace) -> int:
    from simulations.load.run import run  # noqa: PLC0415

    return run(arguments)
