"""Small meal-delivery instances, and the published evaluator's way of looking at a solution."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from simulations.benchmarks.mdrp_files import Move, Solution
from simulations.benchmarks.mdrp_instance import (
    Instance,
    MealCourier,
    MealOrder,
    Parameters,
    Restaurant,
    assembled,
)

PARAMETERS = Parameters(100.0, 4, 4, 40, 90, 10.0, 15.0)
"""100 metres a minute; both services 4 minutes, so 2 and 2."""

FILES = {
    "orders.txt": [
        "order x y placement_time restaurant ready_time",
        "o1 500 0 10 r1 20",
        "o2 700 0 11 r1 21",
        "o3 0 1000 60 r2 70",
        "o4 9000 0 200 r1 210",
    ],
    "restaurants.txt": ["restaurant x y", "r1 0 0", "r2 0 600"],
    "couriers.txt": ["courier x y on_time off_time", "c1 300 0 0 120", "c2 0 900 30 150"],
    "instance_parameters.txt": [
        (
            "meters_per_minute|pickup service minutes|dropoff service minutes|"
            "target click-to-door|maximum click-to-door|pay per order|guaranteed pay per hour"
        ),
        "100 4 4 40 90 10 15",
    ],
}
"""Four orders, two restaurants, two couriers; the last order comes when nobody is there."""


def write_instance(folder: Path, **changes: list[str]) -> Path:
    """Write the small instance, with some files' lines changed, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in FILES.items():
        shown = changes.get(name.removesuffix(".txt"), lines)
        head = shown[0].split("|") if "|" in shown[0] else shown[0].split()
        rows = ["\t".join(head), *("\t".join(line.split()) for line in shown[1:])]
        (folder / name).write_text("\n".join(rows) + "\n")
    return folder


def meals(
    orders: Sequence[tuple[int, int, int, str, int]],
    restaurants: Sequence[tuple[int, int]],
    couriers: Sequence[tuple[int, int, int, int]],
) -> Instance:
    """Return an instance; orders as (x, y, placed, restaurant, ready), couriers (x, y, on, off)."""
    return assembled(
        "drawn",
        {f"o{i}": MealOrder(f"o{i}", *order) for i, order in enumerate(orders)},
        {f"r{i}": Restaurant(f"r{i}", *place) for i, place in enumerate(restaurants)},
        {f"c{i}": MealCourier(f"c{i}", *courier) for i, courier in enumerate(couriers)},
        PARAMETERS,
    )


def evaluated(solution: Solution, instance: Instance) -> list[str]:
    """Return what the published evaluator looks at and would not accept.

    Its checks by its own means (a courier is where the last time before says), and none of ours.
    """
    wrong = [*_bundles(solution, instance)]
    timeline = {}
    for key in instance.couriers:
        moves = [move for move in solution.moves if move.courier_id == key]
        timeline[key] = times, places = _timeline(key, moves, instance)
        if sorted(times) != times:
            wrong.append(f"departure before arrival of {key}")
        if [move.origin for move in moves] != [*places[0:1], *places[2:-1:2]][: len(moves)]:
            wrong.append(f"discontinuity of {key}")

    def where(key: str, at: int) -> str:
        times, places = timeline[key]
        return places[bisect_left(times, at) - 1]

    wrong += [
        f"{a.courier_id} not at the restaurant at {a.picked_min}"
        for a in solution.assignments
        if where(a.courier_id, a.picked_min) != instance.orders[a.order_ids[0]].restaurant_id
    ]
    wrong += [
        f"{d.courier_id} not at the door at {d.dropped_min}"
        for d in solution.deliveries
        if where(d.courier_id, d.dropped_min) != d.order_id
    ]
    return wrong


def _timeline(key: str, moves: list[Move], instance: Instance) -> tuple[list[int], list[str]]:
    times, places = [instance.couriers[key].on_min], ["0"]
    for move in moves:
        start, end = instance.place(key, move.origin), instance.place(key, move.destination)
        times += [move.left_min, move.left_min + int(instance.travel_min[start, end])]
        places += ["", move.destination]
    return times, places


def _bundles(solution: Solution, instance: Instance) -> Iterator[str]:
    dropped = {delivery.order_id: delivery.dropped_min for delivery in solution.deliveries}
    service_min = instance.parameters.dropoff_service_min
    seen: set[str] = set()
    for a in solution.assignments:
        orders = [instance.orders[key] for key in a.order_ids]
        ends = [dropped[key] for key in a.order_ids]
        for broken, said in (
            (seen & set(a.order_ids), "order in more than one assignment"),
            (any(a.assigned_min < o.placed_min for o in orders), "assignment before placement"),
            (instance.couriers[a.courier_id].off_min < a.picked_min, "pickup after off-time"),
            (any(o.ready_min > a.picked_min for o in orders), "pickup before ready"),
            (any(y < x + service_min for x, y in pairwise(ends)), "drop-offs out of sequence"),
        ):
            if broken:
                yield said
        seen |= set(a.order_ids)
