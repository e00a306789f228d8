"""Write the ledger of a simulated rush hour, the same one every time.

A service beside a city (`samehour demo`) lives by the wall clock, so no two of its ledgers are
alike.  This one is simulated, with the journal a service would keep, for pages that quote it:

    python scripts/rush_hour.py rush.db
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from api.storage.ledger import Ledger
from api.storage.records import Batch, Position
from dispatch import commands as c
from dispatch.journal import Began, Input, Noted, Reported
from dispatch.model import OrderLine, Policy
from geo.city import find_city, load_city
from geo.types import TravelTimes
from simulations.arguments import duration_s
from simulations.loop import Simulation
from simulations.scenarios.scenario import load_scenario

SCENARIO = "helsinki-rainy-friday"
POLICY = Policy(
    name="priced",
    pick_spread=0.3,
    travel_spread=0.2,
    counter_spread_s=30,
    door_spread_s=60,
    late_once_cost=120.0,
    chilled_cost=0.05,
    stack_cost=0.5,
    stack_late_cost=2.0,
    overtime_cost=1.0,
    break_late_cost=0.5,
    home_cost=0.2,
    fairness_cost=30.0,
    decline_cost=60.0,
    churn_customer_cost=120.0,
    churn_store_cost=0.0,
    churn_sequence_cost=0.0,
)
"""The policy in the box, with a price for what it leaves free."""

OFFICE = "Office party, Kaisaniemenkatu 2"
OFFICE_WEIGHT_G = 42_000
STAGED_AFTER_S = 75 * 60
WAITS_S = 120


class Journal:
    """What the engine was told, in memory."""

    def __init__(self) -> None:
        self.entries: list[Noted] = []
        self.travel: dict[str, TravelTimes] = {}

    def note(self, after: int, entry: Input) -> None:
        """Keep an input."""
        self.entries.append(Noted(len(self.entries) + 1, after, entry))

    def keep(self, travel: TravelTimes) -> None:
        """Keep travel times."""
        self.travel[travel.version] = travel


def stage(simulation: Simulation) -> None:
    """Let an office order what one courier only can carry, and let that one go home ill."""
    engine = simulation.engine
    state, now = engine.state, simulation.now
    stock = {key: store for key, store in state.stores.items() if not store.store.is_point}
    sku, store_id = max(
        (available, sku, key)
        for key, store in stock.items()
        for sku in store.on_hand
        if (available := store.available(sku)) > 0
    )[1:]
    door = stock[store_id].store.location
    place = c.PlaceOrder(door, OFFICE, (OrderLine(sku, 1),), OFFICE_WEIGHT_G, now)
    engine.handle(place)
    strongest = max(state.couriers.values(), key=lambda each: each.courier.capacity_g)
    engine.handle(c.EndShift(strongest.courier.courier_id, now))


def write(path: Path, lasts_s: int, seed: int) -> None:
    """Simulate for a while and keep it as a service would have."""
    scenario = replace(load_scenario(SCENARIO), seed=seed)
    city = load_city(find_city(scenario.city))
    journal = Journal()
    simulation = Simulation(scenario, city, policy=POLICY, journal=journal)
    journal.note(
        0,
        Began(
            simulation.now,
            city.name,
            city.checksum,
            city.time_zone,
            POLICY,
            simulation.engine.seed,
            "simulated",
        ),
    )
    begins_at = simulation.now
    if lasts_s > STAGED_AFTER_S:
        simulation.run(begins_at + STAGED_AFTER_S)
        stage(simulation)
    simulation.run(begins_at + lasts_s)
    seen = [noted.entry for noted in journal.entries if isinstance(noted.entry, Reported)]
    batch = Batch(
        simulation.engine.state.zone_id,
        events=tuple(simulation.log.events),
        positions=tuple(Position(at.courier_id, at.place, at.seen_at, at.at) for at in seen),
        inputs=tuple(journal.entries),
        travel=tuple(travel.weights for travel in journal.travel.values()),  # type: ignore[attr-defined]
    )
    with Ledger(path) as ledger:
        ledger.submit(batch).result(timeout=WAITS_S)


def main(argv: Sequence[str] | None = None) -> int:
    """Write a ledger; returns 0, 2 for one that is there already."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ledger", type=Path, help="the file to write")
    parser.add_argument("--for", dest="lasts_s", type=duration_s, default=9000, metavar="TIME")
    parser.add_argument("--seed", type=int, default=2)
    arguments = parser.parse_args(argv)
    if arguments.ledger.exists():
        sys.stderr.write(f"{arguments.ledger} is there already; name another file\n")
        return 2
    write(arguments.ledger, arguments.lasts_s, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
