"""What couriers do with what they are told, worked out from coordinates and the published rules.

Nothing here asks the engine when somebody arrives: a diary computes it anew, so that a wrong
forecast shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulations.benchmarks.mdrp_files import Assignment, Delivery, Move, Solution
from simulations.benchmarks.mdrp_instance import ON_LOCATION, Instance


@dataclass(slots=True)
class _Trip:
    """A trip under way: what was fetched, and the doors in the order fixed on leaving."""

    restaurant_id: str
    told_min: int
    picked_min: int
    order_ids: list[str] = field(default_factory=list)
    doors: tuple[str, ...] = ()
    dropped_min: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Rider:
    """One courier of an instance.

    Attributes
    ----------
    place
        As the exchange files name it: where the courier is, or drives to.
    free_min
        Until then a drive, a pickup or a drop-off is under way.
    at_counter
        Inside the restaurant, having picked up there; else on the street.
    breaches
        Rules that what was told would break.
    """

    courier_id: str
    instance: Instance
    free_min: int
    place: str = ON_LOCATION
    at_counter: bool = False
    breaches: list[str] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    trips: list[_Trip] = field(default_factory=list)
    _trip: _Trip | None = None

    def told_to_fetch(self, order_id: str, now_min: int) -> int:
        """Go to an order's counter; returns the minute of arrival there."""
        restaurant_id = self.instance.orders[order_id].restaurant_id
        self._check_free(now_min, f"fetch {order_id}")
        half = self.instance.parameters.half_pickup_min
        if self.at_counter and self.place == restaurant_id:
            arrive_min = now_min
        else:
            arrive_min = self._drive(restaurant_id, now_min) + half
        trip = self._trip
        if trip is None:
            trip = self._trip = _Trip(restaurant_id, now_min, now_min)
        elif trip.doors or trip.restaurant_id != restaurant_id:
            self._say(f"fetches {order_id} at {now_min} with goods of {trip.restaurant_id}")
        trip.told_min = now_min
        self.free_min = arrive_min
        return arrive_min

    def fetched(self, order_id: str, now_min: int) -> None:
        """Put an order in the bag."""
        if self._trip is not None:
            self._trip.order_ids.append(order_id)
            self._trip.picked_min = now_min
        self.at_counter = True
        self.free_min = now_min

    def told_to_bring(self, order_id: str, now_min: int, doors: tuple[str, ...]) -> int:
        """Go to an order's door; returns the minute of arrival there.

        Parameters
        ----------
        doors
            All orders in the bag in the sequence planned now, this one first.  On leaving the
            counter it is fixed.
        """
        self._check_free(now_min, f"bring {order_id}")
        trip = self._trip
        if trip is not None:
            if not trip.doors:
                trip.doors = doors
            if trip.doors[len(trip.dropped_min)] != order_id:
                self._say(f"brings {order_id} at {now_min}, fixed were {' '.join(trip.doors)}")
        arrive_min = self._drive(order_id, now_min)
        self.free_min = arrive_min + self.instance.parameters.dropoff_service_min
        return arrive_min

    def brought(self, order_id: str, arrived_min: int) -> None:
        """Hand an order over, having arrived then."""
        trip = self._trip
        if trip is None:
            return
        trip.dropped_min[order_id] = arrived_min + self.instance.parameters.half_dropoff_min
        if len(trip.dropped_min) == len(trip.order_ids):
            self.trips.append(trip)
            self._trip = None

    def told_to_stand_by(self, restaurant_id: str, now_min: int) -> None:
        """Go and wait in the street before a restaurant."""
        self._check_free(now_min, f"stand by at {restaurant_id}")
        self.free_min = self._drive(restaurant_id, now_min)

    def _drive(self, destination: str, now_min: int) -> int:
        """Leave a place now; returns the minute of arrival in the street of another."""
        half = self.instance.parameters.half_pickup_min
        left_min = now_min + (half if self.at_counter else 0)
        origin, self.place, self.at_counter = self.place, destination, False
        if origin == destination:
            return left_min
        self.moves.append(Move(self.courier_id, left_min, origin, destination))
        start = self.instance.place(self.courier_id, origin)
        return left_min + int(self.instance.travel_min[start, self.instance.place("", destination)])

    def _check_free(self, now_min: int, what: str) -> None:
        if now_min < self.free_min:
            self._say(f"is told at {now_min} to {what}, under way until {self.free_min}")

    def _say(self, breach: str) -> None:
        self.breaches.append(f"{self.courier_id} {breach}")


class Diary:
    """What all couriers did."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.riders = {
            key: Rider(key, instance, courier.on_min) for key, courier in instance.couriers.items()
        }

    @property
    def breaches(self) -> list[str]:
        """Rules broken by what couriers were told."""
        return [breach for rider in self.riders.values() for breach in rider.breaches]

    def solution(self, *, foreseen: bool = False) -> Solution:
        """Return what was done, each trip as one assignment.

        Parameters
        ----------
        foreseen
            Orders were known before their placement.  The exchange format has no such thing, so
            an assignment stands at the last placement of its orders at the earliest.
        """
        assignments: list[Assignment] = []
        deliveries: list[Delivery] = []
        for key, rider in self.riders.items():
            for trip in rider.trips:
                doors = tuple(trip.dropped_min)
                assigned_min = trip.told_min
                if foreseen:
                    placed = [self._instance.orders[order_id].placed_min for order_id in doors]
                    assigned_min = max(assigned_min, *placed)
                assignments.append(Assignment(assigned_min, trip.picked_min, key, doors))
                for order_id, dropped_min in trip.dropped_min.items():
                    order = self._instance.orders[order_id]
                    times = (order.placed_min, order.ready_min, trip.picked_min, dropped_min)
                    deliveries.append(Delivery(order_id, *times, key))
        rank = {key: index for index, key in enumerate(self._instance.orders)}
        return Solution(
            tuple(sorted(assignments, key=lambda a: (a.picked_min, rank[a.order_ids[0]]))),
            tuple(sorted(deliveries, key=lambda delivery: rank[delivery.order_id])),
            tuple(move for rider in self.riders.values() for move in rider.moves),
        )
