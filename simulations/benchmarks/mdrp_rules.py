"""Hold a written solution against the published rules, knowing nothing of any engine.

Reads only the instance and the three exchange files.  Everything the published evaluator looks at
is looked at here, and the times between as well: it lets a courier leave before a service is over.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulations.benchmarks.mdrp_files import Assignment, Delivery, Move, Solution
from simulations.benchmarks.mdrp_instance import ON_LOCATION, Instance


@dataclass(frozen=True, slots=True)
class _Stay:
    """A courier is at a place between two moves; `until_min` None for the rest of the day."""

    place: str
    from_min: int
    until_min: int | None


def verify(solution: Solution, instance: Instance) -> list[str]:
    """Return every breach of the rules as a sentence; an empty list means a feasible solution."""
    found = list(_names(solution, instance))
    if found:
        return found
    deliveries = {delivery.order_id: delivery for delivery in solution.deliveries}
    found += _accounts(solution, deliveries)
    for assignment in solution.assignments:
        found += _assignment(assignment, deliveries, instance)
    for delivery in solution.deliveries:
        found += _facts(delivery, instance)
    moves: dict[str, list[Move]] = defaultdict(list)
    for move in solution.moves:
        moves[move.courier_id].append(move)
    trips: dict[str, list[Assignment]] = defaultdict(list)
    for assignment in solution.assignments:
        trips[assignment.courier_id].append(assignment)
    for key in sorted({*moves, *trips}):
        stays, broken = _stays(key, moves[key], instance)
        found += broken
        if not broken:
            own = sorted(trips[key], key=lambda assignment: assignment.picked_min)
            found += _day(own, stays, moves[key], deliveries, instance)
    return found


# --- what stands in the files ------------------------------------------------------------------


def _names(solution: Solution, instance: Instance) -> Iterator[str]:
    """Hold that every name is one of the instance: nothing else can be looked at before."""
    places = instance.doors.keys() | instance.counters.keys()
    couriers = Counter(assignment.courier_id for assignment in solution.assignments)
    couriers += Counter(delivery.courier_id for delivery in solution.deliveries)
    couriers += Counter(move.courier_id for move in solution.moves)
    orders = Counter(key for a in solution.assignments for key in a.order_ids)
    orders += Counter(delivery.order_id for delivery in solution.deliveries)
    ends = Counter(move.destination for move in solution.moves)
    ends += Counter(m.origin for m in solution.moves if m.origin != ON_LOCATION)
    for what, used, known in (
        ("courier", couriers, instance.couriers.keys()),
        ("order", orders, instance.orders.keys()),
        ("place", ends, places),
    ):
        for name in sorted(used.keys() - known):
            yield f"there is no {what} {name} in {instance.name}"
    order = [move.courier_id for move in solution.moves]
    blocks = [key for i, key in enumerate(order) if i == 0 or order[i - 1] != key]
    for key, times in sorted(Counter(blocks).items()):
        if times > 1:
            yield f"the moves of {key} do not stand together"


def _accounts(solution: Solution, deliveries: Mapping[str, Delivery]) -> Iterator[str]:
    """Hold that each order is assigned once, and delivered exactly if it was."""
    assigned = Counter(key for a in solution.assignments for key in a.order_ids)
    delivered = Counter(delivery.order_id for delivery in solution.deliveries)
    for key, times in sorted(assigned.items()):
        if times > 1:
            yield f"{key} is in {times} assignments"
        if key not in deliveries:
            yield f"{key} is assigned but not delivered"
    for key, times in sorted(delivered.items()):
        if times > 1:
            yield f"{key} is delivered {times} times"
        if key not in assigned:
            yield f"{key} is delivered but not assigned"


def _assignment(
    assignment: Assignment, deliveries: Mapping[str, Delivery], instance: Instance
) -> Iterator[str]:
    """Hold what an assignment must keep by itself: knowledge, readiness, shift, one restaurant."""
    who = f"assignment of {' '.join(assignment.order_ids)} to {assignment.courier_id}"
    courier = instance.couriers[assignment.courier_id]
    restaurants = {instance.orders[key].restaurant_id for key in assignment.order_ids}
    if len(restaurants) > 1:
        yield f"{who}: from {len(restaurants)} restaurants, one trip has one"
    if assignment.picked_min > courier.off_min:
        yield f"{who}: picked up at {assignment.picked_min}, off since {courier.off_min}"
    if assignment.assigned_min > assignment.picked_min:
        yield f"{who}: assigned at {assignment.assigned_min}, after the pickup"
    for key in assignment.order_ids:
        order = instance.orders[key]
        if assignment.assigned_min < order.placed_min:
            yield f"{who}: at {assignment.assigned_min}, {key} was placed at {order.placed_min}"
        if assignment.picked_min < order.ready_min:
            yield f"{who}: at {assignment.picked_min}, {key} was ready at {order.ready_min}"
        delivery = deliveries.get(key)
        if delivery is not None and delivery.courier_id != assignment.courier_id:
            yield f"{who}: {key} was delivered by {delivery.courier_id}"
        if delivery is not None and delivery.picked_min != assignment.picked_min:
            yield f"{who}: {key} says it was picked up at {delivery.picked_min}"


def _facts(delivery: Delivery, instance: Instance) -> Iterator[str]:
    order = instance.orders[delivery.order_id]
    if (delivery.placed_min, delivery.ready_min) != (order.placed_min, order.ready_min):
        yield f"delivery of {order.order_id}: placement or ready time is not the instance's"


# --- a courier's day ---------------------------------------------------------------------------


def _stays(key: str, moves: Sequence[Move], instance: Instance) -> tuple[list[_Stay], list[str]]:
    """Return where a courier was between moves, and whatever does not connect."""
    broken: list[str] = []
    stays: list[_Stay] = []
    place, since = ON_LOCATION, instance.couriers[key].on_min
    for move in moves:
        if move.origin != place:
            broken.append(f"{key} leaves {move.origin} at {move.left_min}, but is at {place}")
        if move.left_min < since:
            broken.append(f"{key} leaves {move.origin} at {move.left_min}, there since {since}")
        stays.append(_Stay(place, since, move.left_min))
        start = instance.place(key, move.origin)
        way_min = int(instance.travel_min[start, instance.place(key, move.destination)])
        place, since = move.destination, move.left_min + way_min
    stays.append(_Stay(place, since, None))
    return stays, broken


def _day(
    trips: Sequence[Assignment],
    stays: Sequence[_Stay],
    moves: Sequence[Move],
    deliveries: Mapping[str, Delivery],
    instance: Instance,
) -> Iterator[str]:
    """Hold that a courier was where the work was: one trip after the other, door by door."""
    rest = iter(enumerate(stays))
    visited: set[int] = set()
    for trip in trips:
        restaurant_id = instance.orders[trip.order_ids[0]].restaurant_id
        index = next((i for i, stay in rest if _is_pickup(trip, stay, restaurant_id)), None)
        if index is None:
            yield (
                f"{trip.courier_id} is not at {restaurant_id} from half a service before "
                f"{trip.picked_min} to half a service after"
                if not _was_there(trip, stays, restaurant_id)
                else f"{trip.courier_id} begins the trip of {trip.picked_min} within another"
            )
            return
        yield from _pickup(trip, stays[index], moves, instance)
        for step, order_id in enumerate(trip.order_ids, start=1):
            if index + step >= len(stays) or stays[index + step].place != order_id:
                yield f"{trip.courier_id} does not go to {order_id} after what comes before it"
                return
            yield from _dropoff(stays[index + step], deliveries.get(order_id), instance)
            visited.add(index + step)
            next(rest, None)
    for index, stay in enumerate(stays):
        if stay.place in instance.doors and index not in visited:
            yield f"{moves[0].courier_id} goes to the door of {stay.place} without an order for it"


def _is_pickup(trip: Assignment, stay: _Stay, restaurant_id: str) -> bool:
    at = trip.picked_min
    return (
        stay.place == restaurant_id
        and stay.from_min <= at
        and (stay.until_min is None or at <= stay.until_min)
    )


def _was_there(trip: Assignment, stays: Sequence[_Stay], restaurant_id: str) -> bool:
    return any(_is_pickup(trip, stay, restaurant_id) for stay in stays)


def _pickup(
    trip: Assignment, stay: _Stay, moves: Sequence[Move], instance: Instance
) -> Iterator[str]:
    half = instance.parameters.half_pickup_min
    if trip.picked_min < stay.from_min + half:
        yield f"{trip.courier_id} picks up at {trip.picked_min}, arrived at {stay.from_min} only"
    if stay.until_min is not None and stay.until_min < trip.picked_min + half:
        yield f"{trip.courier_id} leaves at {stay.until_min}, picked up at {trip.picked_min} only"
    for move in moves:
        if trip.assigned_min < move.left_min < trip.picked_min and move.destination != stay.place:
            yield f"{trip.courier_id} is diverted to {move.destination} at {move.left_min}"


def _dropoff(stay: _Stay, delivery: Delivery | None, instance: Instance) -> Iterator[str]:
    if delivery is None:
        return
    half = instance.parameters.half_dropoff_min
    if delivery.dropped_min != stay.from_min + half:
        yield (
            f"{delivery.order_id} is dropped off at {delivery.dropped_min}, "
            f"with the courier at the door since {stay.from_min}"
        )
    if stay.until_min is not None and stay.until_min < delivery.dropped_min + half:
        yield (
            f"{delivery.courier_id} leaves the door of {delivery.order_id} at {stay.until_min}, "
            f"dropped off at {delivery.dropped_min} only"
        )
