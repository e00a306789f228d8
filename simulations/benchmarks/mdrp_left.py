"""Why an order was not delivered: nobody ever could, nobody could any more, or it was given up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from simulations.benchmarks.mdrp_files import Assignment, Solution
from simulations.benchmarks.mdrp_instance import ON_LOCATION, Instance, MealCourier
from simulations.benchmarks.mdrp_measures import earliest_pickup


class Why(StrEnum):
    """How much of it was a choice."""

    IMPOSSIBLE = "impossible"
    """No courier of the day could have fetched it, even had all been known the day before."""
    TOO_LATE = "too late when known"
    """When it was placed, what couriers had begun left none of them the time."""
    GIVEN_UP = "given up"
    """A courier could have fetched it then, and did something else."""


@dataclass(frozen=True, slots=True)
class Left:
    """An order that was not delivered, and why."""

    policy: str
    instance: str
    order_id: str
    why: Why
    detail: str


def explained(
    policy: str, instance: Instance, solution: Solution, order_id: str, said: str
) -> Left:
    """Return why an order was left.

    Parameters
    ----------
    said
        What the policy's last plan said about it.
    """
    order = instance.orders[order_id]
    placed = f"placed at {order.placed_min}, ready at {order.ready_min} at {order.restaurant_id}"
    if earliest_pickup(instance, order_id) is None:
        last = max(courier.off_min for courier in instance.couriers.values())
        detail = f"{placed}: no shift of the day allows it, the last ends at {last}"
        return Left(policy, instance.name, order_id, Why.IMPOSSIBLE, detail)
    options = [
        (_earliest(instance, solution, courier, order_id), courier)
        for courier in instance.couriers.values()
    ]
    able = [(at, courier) for at, courier in options if at <= courier.off_min]
    if not able:
        at, courier = min(options, key=lambda o: (o[0] - o[1].off_min, o[1].courier_id))
        detail = (
            f"{placed}: the nearest to it, {courier.courier_id}, would pick up at {at}, "
            f"off at {courier.off_min}"
        )
        return Left(policy, instance.name, order_id, Why.TOO_LATE, detail)
    at, courier = min(able, key=lambda o: (o[0], o[1].courier_id))
    trip = _next_trip(solution, courier.courier_id, order.placed_min)
    did = (
        f"went for {' '.join(trip.order_ids)} at {trip.assigned_min}"
        if trip
        else "did nothing more"
    )
    detail = f"{placed}: {courier.courier_id} could pick up at {at} and {did}; {said}"
    return Left(policy, instance.name, order_id, Why.GIVEN_UP, detail)


def _earliest(instance: Instance, solution: Solution, courier: MealCourier, order_id: str) -> int:
    """Return when a courier can pick an order up after all that was begun before it was known."""
    order = instance.orders[order_id]
    dropped = {delivery.order_id: delivery.dropped_min for delivery in solution.deliveries}
    begun = [
        trip
        for trip in solution.assignments
        if trip.courier_id == courier.courier_id and trip.assigned_min < order.placed_min
    ]
    place, free_min = ON_LOCATION, courier.on_min
    if begun:
        place = max(begun, key=lambda trip: trip.picked_min).order_ids[-1]
        free_min = dropped[place] + instance.parameters.half_dropoff_min
    for move in solution.moves:
        if move.courier_id != courier.courier_id or move.left_min < free_min:
            continue
        if move.left_min < order.placed_min and move.destination in instance.counters:
            # A standby, or the way to a counter: no further work was begun on it yet.
            way_min = _way_min(instance, courier, move.origin, move.destination)
            place, free_min = move.destination, move.left_min + way_min
    leave_min = max(free_min, order.placed_min, courier.on_min)
    way_min = _way_min(instance, courier, place, order.restaurant_id)
    there = leave_min + way_min + instance.parameters.half_pickup_min
    return max(there, order.ready_min)


def _way_min(instance: Instance, courier: MealCourier, origin: str, destination: str) -> int:
    start = instance.place(courier.courier_id, origin)
    return int(instance.travel_min[start, instance.place(courier.courier_id, destination)])


def _next_trip(solution: Solution, courier_id: str, minute: int) -> Assignment | None:
    own = [
        trip
        for trip in solution.assignments
        if trip.courier_id == courier_id and trip.assigned_min >= minute
    ]
    return min(own, key=lambda trip: trip.assigned_min, default=None)
