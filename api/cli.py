"""`samehour serve` and `samehour doctor`; what is heavy is imported when one of them runs."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from api.garbage import without_collections
from api.ledger_cli import add_ledger


def add_parser(commands: Any) -> None:
    """Add `serve`, `doctor` and `ledger` to the command line."""
    add_ledger(commands)
    parser: argparse.ArgumentParser = commands.add_parser(
        "serve",
        help="serve a city over HTTP",
        description="Serve a city over HTTP. Every option is also read from the environment: "
        "--clock-start is SAMEHOUR_CLOCK_START.",
    )
    _add_options(parser)
    parser.set_defaults(handler=run)
    doctor: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        help="say what would keep the service from starting or running well, and what to do",
        description="Look at everything that `samehour serve` with the same options stands on: "
        "program, settings, city, ledger, clock, servers outside. Changes nothing, and may be run "
        "beside a service. Exit code 1 when something must be mended.",
    )
    _add_options(doctor)
    doctor.add_argument("--json", action="store_true", help="print a JSON object")
    doctor.set_defaults(handler=examine)


def _add_options(parser: argparse.ArgumentParser) -> None:
    """Add what a service is told."""
    parser.add_argument(
        "--settings",
        metavar="FILE",
        help="settings in TOML, with a table for each of several zones; what is said here or in "
        "the environment wins",
    )
    parser.add_argument("--city", help="a city in the box, or its path (helsinki)")
    parser.add_argument(
        "--ledger",
        metavar="FILE|URL",
        help="where everything that happens is kept (.samehour/ledger.db)",
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", help="port to listen on; 0 is any free one (8080)")
    parser.add_argument("--port-file", metavar="FILE", help="write the port there once serving")
    parser.add_argument(
        "--stop-with-stdin",
        action="store_const",
        const=True,
        help="end when standard input does, as that of a program that started it",
    )
    parser.add_argument(
        "--clock-start", metavar="TIME", help="begin at this moment, as 2026-11-20T16:30:00Z"
    )
    parser.add_argument("--speed", metavar="N", help="service seconds per second (1)")
    parser.add_argument("--policy", metavar="FILE", help="a policy in TOML")
    parser.add_argument(
        "--speed-profile", metavar="FILE", help="usual speeds by hour of the week, in TOML"
    )
    for name, what in (
        ("tasks", "tasks in a problem of POST /v1/solve (2000)"),
        ("vehicles", "vehicles in such a problem (200)"),
        ("places", "places in such a problem (2000)"),
        ("limit-s", "seconds after which the best tours found are its answer (10)"),
        ("waiting", "such problems that may wait for one another (8)"),
    ):
        parser.add_argument(f"--solve-{name}", metavar="N", help=what)
    parser.add_argument(
        "--plan-limit-ms",
        metavar="N",
        help="milliseconds after which no better plan is looked for (1000)",
    )
    parser.add_argument("--seed", metavar="N", help="of whatever the planner draws (0)")
    parser.add_argument("--log-format", metavar="FORM", help="text or json (text)")
    parser.add_argument(
        "--log-level",
        metavar="LEVEL",
        help="the least that is said: DEBUG, which is every request, INFO, WARNING or ERROR (INFO)",
    )
    parser.add_argument(
        "--travel-server",
        dest="travel_servers",
        action="append",
        metavar="MODE=KIND+URL",
        help="ask a routing server for a mode, as car=osrm+http://127.0.0.1:5000 or "
        "bike=valhalla+http://127.0.0.1:8002; our own network answers when it fails; may be "
        "given once for each mode",
    )
    parser.add_argument(
        "--courier-company",
        dest="courier_companies",
        action="append",
        metavar="NAME=URL",
        help="an outside company that orders can be given to, as "
        "swift=http://127.0.0.1:9090; may be given several times",
    )
    parser.add_argument(
        "--webhook-allow",
        action="append",
        metavar="HOST[:PORT]",
        help="a host that webhooks may call although its address is not public, and over http; "
        "may be given several times",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve; returns 0 done, 1 failed, 2 what it was told cannot be."""
    with without_collections():
        from api.settings import SettingsError, load  # noqa: PLC0415
        from api.storage.errors import LedgerError  # noqa: PLC0415
        from geo.errors import GeoError  # noqa: PLC0415

    try:
        settings = load(vars(arguments), os.environ)
        # After the settings, so that wrong ones are said at once; the planners get ready while
        # the rest is imported.
        from api.planner import planners  # noqa: PLC0415

        told = settings.for_zones().items()
        with planners({name: zone.plan_limit_ms for name, (_, zone) in told}) as started:
            with without_collections():
                from api.main import serve  # noqa: PLC0415

            return serve(settings, started)
    except (SettingsError, LedgerError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 0


def examine(arguments: argparse.Namespace) -> int:
    """Look at everything a service stands on; returns 0 well, 1 when something must be mended."""
    from api.doctor import run as examined  # noqa: PLC0415

    given = {name: value for name, value in vars(arguments).items() if name != "json"}
    return examined(given, os.environ, sys.stdout, arguments.json)
