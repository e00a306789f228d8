"""Streets with routes of many stops, drawn: what the routing model is for."""

from __future__ import annotations

from random import Random

from street import HOUR_S, NOW, Street

from dispatch.model import Pause, Snapshot

_LONG_M = 1500


def long_routes(seed: int, *, orders: int = 10, rounds: int = 0, **policy: object) -> Snapshot:
    """Return a street of three stores and two couriers whose routes have many stops.

    Whatever can be picked anywhere has no store yet.  Couriers have breaks to come, bags that few
    parcels fill, and cold ones for half of what is chilled.
    """
    draw = Random(seed)  # noqa: S311
    street = Street(improve_rounds=rounds, **policy)
    stores = [street.store(f"s{number}", at=draw.randrange(_LONG_M)) for number in range(3)]
    for number in range(orders):
        street.order(
            f"{number:02}",
            at=draw.randrange(_LONG_M),
            store_id=draw.choice([*stores, None]),
            due_s=draw.choice([1, 2, 3]) * HOUR_S,
            volume_ml=draw.randrange(5_000, 25_000),
            chilled=draw.random() < 0.5,
        )
    for number in range(2):
        due = NOW + draw.randrange(HOUR_S)
        street.courier(
            f"c{number}",
            at=draw.randrange(_LONG_M),
            capacity_parcels=6,
            capacity_ml=60_000,
            chilled_bags=2,
            pause=Pause(due, due + 600, 900),
        )
    return street.snapshot()
