"""What OR-Tools' routing model adds to long routes, by the rounds of ruin and recreate before it.

Draws towns of four stores, three couriers with breaks and chilled bags, and 24 orders of which a
third has no store yet; prints how many models were built, answered and kept, what they saved of
the cost of the plan, and the milliseconds of a model.

    python scripts/long_routes.py [TOWNS]
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np

from dispatch.model import (
    Courier,
    CourierInPlay,
    DeliveryStatus,
    LonLat,
    Mode,
    Order,
    OrderInPlay,
    OrderLine,
    OrderStatus,
    Pause,
    Policy,
    Promise,
    Snapshot,
    Store,
    StoreInPlay,
    TravelTable,
)
from dispatch.planning.improve import Search
from dispatch.planning.problem import pose
from dispatch.planning.routing import improve_routes
from dispatch.planning.situation import read

NOW = 1_763_650_800
HOUR_S = 3600
STORES, ORDERS, COURIERS = 4, 24, 3
COLD_SHARE = 0.7
HERE = LonLat(25.0, 60.0)


def town(seed: int) -> Snapshot:
    """Return a town of streets at right angles, fifteen minutes across."""
    draw = np.random.default_rng(seed)
    count = STORES + ORDERS + COURIERS
    corners = draw.integers(0, 900, (count, 2))
    way_s = np.abs(corners[:, None] - corners[None]).sum(axis=2).astype(np.int32)
    stores = tuple(
        StoreInPlay(
            Store(f"sto_{place}", f"Store {place}", HERE, pickers=3, reach_s=3000),
            place,
            {"milk": 100},
            ((NOW - HOUR_S, NOW + 9 * HOUR_S),),
        )
        for place in range(STORES)
    )
    couriers = tuple(
        CourierInPlay(
            Courier(f"cou_{n}", f"Courier {n}", Mode.CARGO_BIKE, HERE, 60_000, 8, chilled_bags=4),
            STORES + ORDERS + n,
            available_at=NOW,
            shift_start=NOW,
            shift_end=NOW + 4 * HOUR_S,
            pause=Pause(due, due + 600, 900),
        )
        for n, due in enumerate((NOW + draw.integers(600, HOUR_S, COURIERS)).tolist())
    )
    return Snapshot(
        zone_id="town",
        now=NOW,
        seq=1,
        places=(HERE,) * count,
        travel=TravelTable({Mode.CARGO_BIKE: way_s}, {Mode.CARGO_BIKE: 5 * way_s}, "drawn"),
        orders=tuple(_order(draw, number) for number in range(ORDERS)),
        stores=stores,
        couriers=couriers,
        policy=Policy(),
    )


def _order(draw: np.random.Generator, number: int) -> OrderInPlay:
    order = Order(
        f"ord_{number:02}",
        NOW,
        HERE,
        "a door",
        (OrderLine("milk", 1),),
        1000,
        120,
        chilled=bool(draw.random() < COLD_SHARE),
        volume_ml=int(draw.integers(1000, 12_000)),
    )
    due = NOW + HOUR_S * int(draw.integers(1, 4))
    return OrderInPlay(
        order,
        STORES + number,
        Promise(NOW, due, NOW),
        OrderStatus.SOURCED,
        DeliveryStatus.CONFIRMED,
        store_id=f"sto_{draw.integers(STORES)}" if draw.random() < 2 / 3 else None,
    )


def main(towns: int) -> None:
    """Print a line for each number of rounds."""
    print(f"{towns} towns; rounds: models, answered, kept; cost saved on the average; ms a model")
    for rounds in (0, 50, 200):
        models = answered = kept = 0
        taken_s, saved = 0.0, []
        for seed in range(towns):
            snapshot = town(seed)
            posed = pose(read(replace(snapshot, seed=seed)))
            search = Search(posed.problem, posed.routes, seed)
            search.settle()
            search.fill()
            if rounds:
                search.improve(rounds)
            before, began = search.cost(), time.process_time()
            outcome = improve_routes(posed, search, lambda: True)
            taken_s += time.process_time() - began
            saved.append(1 - search.cost() / before)
            models += outcome.models
            answered += outcome.answered
            kept += outcome.gains
        print(
            f"{rounds:6}: {models:4} {answered:4} {kept:4}; {100 * np.mean(saved):5.2f} %; "
            f"{1000 * taken_s / max(1, models):4.0f} ms"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
