"""`samehour bench tick`: one decision about a rush hour's moment, ours beside its peers.

Everybody gets the same snapshots, one core and the same wall time, and is priced by the same
judge.  Ours counts from the snapshot in hand to the plan in hand; a peer only from the moment
its model stands.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

from dispatch.model import Snapshot
from geo.city import City, load_city
from geo.errors import GeoError
from geo.travel import NetworkTravelTimes
from simulations.benchmarks.tick_contest import Contest, UnsoundPlanError, contest
from simulations.benchmarks.tick_growth import Effort, effort
from simulations.benchmarks.tick_peers import vroom_library
from simulations.benchmarks.tick_plot import plot
from simulations.benchmarks.tick_report import figures, grown, told
from simulations.benchmarks.tick_snapshots import PLAIN, TooFewStoresError, rush_hour, scaled
from simulations.errors import ScenarioError
from simulations.scenarios.scenario import load_scenario

SCENARIO: Final = "helsinki-friday"
_WARM_UP_ORDERS: Final = 20
_WRONG_INPUT: Final = 2
_UNSOUND: Final = 1


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, plot; returns 0, 1 when a plan is unsound, 2 for wrong input."""
    try:
        contests, efforts = _measured(arguments)
    except (GeoError, ScenarioError, TooFewStoresError) as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _WRONG_INPUT
    except UnsoundPlanError as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _UNSOUND
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"samehour: a benchmark beside its peers needs {error.name}, which is not installed; "
            "install it: pip install 'samehour[dev]'\n"
        )
        return _WRONG_INPUT
    sys.stdout.write(grown(efforts))
    if arguments.json:
        said = {
            "contests": [figures(found) for found in contests],
            "growth": [asdict(found) for found in efforts],
        }
        sys.stdout.write(json.dumps(said) + "\n")
    return 0


def _measured(arguments: argparse.Namespace) -> tuple[list[Contest], list[Effort]]:
    # Better missed now than after minutes of work.
    vroom_library()
    scenario = load_scenario(SCENARIO)
    _say(f"simulating {scenario.title} up to its rush hour")
    rush = rush_hour(scenario, load_city(scenario.city))
    contests: list[Contest] = []
    efforts: list[Effort] = []
    for name in arguments.city:
        city = load_city(name)
        roads = NetworkTravelTimes(city.network)

        def drawn(orders: int, city: City = city, roads: NetworkTravelTimes = roads) -> Snapshot:
            return scaled(city, roads, scenario, rush, orders=orders, policy=PLAIN)

        # Compiled code is there before anything is measured.
        effort(drawn(_WARM_UP_ORDERS), 0)
        hopeless: frozenset[str] = frozenset()
        for orders in sorted(arguments.sizes):
            _say(f"drawing {orders} open orders in {city.title}")
            snapshot = drawn(orders)
            _say(f"planning them for {arguments.seconds:g} s each")
            one = contest(snapshot, arguments.seconds, hopeless)
            hopeless |= {run.name for run in one.runs if not run.points}
            contests.append(one)
            efforts.append(effort(snapshot, one.to_route))
            sys.stdout.write(told(one))
            sys.stdout.flush()
            if arguments.out is not None:
                _draw(one, arguments.out)
    return contests, efforts


def _draw(one: Contest, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"tick-{one.city}-{one.orders}.svg").write_text(plot(one), encoding="utf-8")


def _say(what: str) -> None:
    sys.stderr.write(f"{what} ...\n")
