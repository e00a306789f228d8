"""Couriers: they go where they are told along real streets, each at a pace of their own."""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from dispatch.commands import (
    ArriveAtStop,
    Command,
    CompleteStop,
    DeclineStop,
    FailStop,
)
from dispatch.model import Courier, Order, Stop, StopKind, Store
from geo.errors import GeoError
from geo.types import LonLat, RoadRoute, TravelTimes
from simulations.rng import Streams
from simulations.settings import Scenario

SIMULATION = "simulation"
"""The operator of couriers that a world acts for."""


def moment(day: dt.date, second: int, zone: dt.tzinfo) -> int:
    """Return a time of a local day, given in seconds after midnight, in UTC epoch seconds.

    86,400 and more is on the morrow; on the days the clocks change it is still the time that
    the clock on the wall shows.
    """
    wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=second)
    return int(wall.replace(tzinfo=zone).timestamp())


def next_shift(shift: tuple[int, int], zone: dt.tzinfo, at: int) -> tuple[int, int]:
    """Return the first daily shift that is not over at a time, running ones included."""
    day = dt.datetime.fromtimestamp(at, zone).date() - dt.timedelta(days=1)
    while moment(day, shift[1], zone) <= at:
        day += dt.timedelta(days=1)
    return moment(day, shift[0], zone), moment(day, shift[1], zone)


@dataclass(frozen=True, slots=True)
class Trip:
    """A courier's way along the streets.

    Attributes
    ----------
    started_at
        When they are in the street; until then they walk out from a counter.
    factor
        True duration by the network's.
    walk_in_s
        From the street to the counter at the end.
    """

    road: RoadRoute
    started_at: int
    factor: float
    walk_in_s: int = 0

    @property
    def arrive_at(self) -> int:
        """When it ends."""
        return self.started_at + math.ceil(self.road.duration_s * self.factor) + self.walk_in_s

    def place(self, at: float) -> LonLat:
        """Return where the courier is, between two points of the street's line."""
        offsets, points = self.road.offset_s, self.road.points
        elapsed = (at - self.started_at) / self.factor
        after = bisect_right(offsets, elapsed)
        if after == 0:
            return points[0]
        if after == len(offsets):
            return points[-1]
        a, b = points[after - 1], points[after]
        share = (elapsed - offsets[after - 1]) / (offsets[after] - offsets[after - 1])
        return LonLat(a.lon + share * (b.lon - a.lon), a.lat + share * (b.lat - a.lat))


@dataclass(slots=True)
class Doing:
    """The stop a courier was told to do now."""

    stop: Stop
    committed_at: int
    arrived_at: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where a courier without work was told to wait."""

    store_id: str
    given_at: int


@dataclass(slots=True)
class Agent:
    """A courier as they really are.

    Attributes
    ----------
    place, anchor
        Where they stand (or stood before the trip), and the last place known to be on a road.
    shift
        From and until; None before the first.
    left_at, trip
        When they set out for the stop or the standby, and their way; the way is looked up when it
        is needed.
    standby
        Where to wait near, on the way there too; None with work, or nowhere in particular.
    counter
        Store at whose counter they stand; None in the street.
    is_lost
        A person acted for them until now: only the service knows where that left them.
    resumed_at
        When we began to act for them (again).
    """

    courier: Courier
    place: LonLat
    anchor: LonLat
    operator: str = SIMULATION
    shift: tuple[int, int] | None = None
    left_at: int | None = None
    trip: Trip | None = None
    doing: Doing | None = None
    standby: Waiting | None = None
    counter: str | None = None
    bag: set[str] = field(default_factory=set)
    is_lost: bool = False
    resumed_at: int = 0

    @property
    def courier_id(self) -> str:
        """The courier's id."""
        return self.courier.courier_id

    @property
    def is_bound(self) -> bool:
        """Whether there is somewhere to go: a stop not reached yet, or a standby."""
        if self.doing is not None:
            return self.doing.arrived_at is None
        return self.standby is not None

    def place_at(self, at: float) -> LonLat:
        """Return where the courier is at a time."""
        return self.place if self.trip is None else self.trip.place(at)

    def is_out(self, at: int) -> bool:
        """Tell whether the courier is at work: on shift, under way or with goods in the bag."""
        on_shift = self.shift is not None and self.shift[0] <= at < self.shift[1]
        return on_shift or self.doing is not None or bool(self.bag)

    def stop_moving(self, at: int) -> None:
        """Stand still where they are."""
        if self.trip is not None and at > self.trip.started_at:
            self.counter = None
        self.place = self.place_at(at)
        self.trip = None
        self.left_at = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What couriers find in the world, shared with whoever keeps it.

    Attributes
    ----------
    orders, stores
        Open orders and all stores.
    ready_at
        When the goods of an order were ready, for those that are.
    """

    scenario: Scenario
    travel: TravelTimes
    streams: Streams
    orders: Mapping[str, Order]
    stores: Mapping[str, Store]
    ready_at: Mapping[str, int]

    def entity(self, order_id: str) -> str:
        """Return the name that the randomness about an order hangs on."""
        order = self.orders[order_id]
        return order.external_id or order.order_id

    def place_of(self, stop: Stop) -> LonLat:
        """Return where a stop is."""
        if stop.kind is StopKind.DROPOFF:
            return self.orders[stop.order_id].door
        return self.stores[stop.store_id].location

    def way(self, agent: Agent, at: int) -> Trip | None:
        """Return the courier's way to the stop or standby they were told; None without a way.

        A person's device may have left them off the map: then the way starts at the last place
        on it.
        """
        counter: str | None = None
        if agent.doing is not None:
            stop = agent.doing.stop
            to = self.place_of(stop)
            name = f"{agent.courier_id} {self.entity(stop.order_id)} {stop.kind}"
            counter = None if stop.kind is StopKind.DROPOFF else stop.store_id
        elif agent.standby is not None:
            # They wait in the street, where the next way begins.
            to = self.stores[agent.standby.store_id].location
            name = f"{agent.courier_id} {agent.standby.store_id} {agent.standby.given_at}"
        else:
            return None
        mode = agent.courier.mode
        try:
            road = self.travel.route(agent.place, to, mode, at)
        except GeoError:
            try:
                road = self.travel.route(agent.anchor, to, mode, at)
            except GeoError:
                return None
        settings = self.scenario.travel
        factor = self.streams.spread("pace", agent.courier_id, settings.spread)
        factor *= self.streams.spread("trip", name, settings.trip_spread)
        stays = counter == agent.counter
        walk_out_s = 0 if stays else self._access_s(agent.counter)
        return Trip(road, at + walk_out_s, factor, 0 if stays else self._access_s(counter))

    def _access_s(self, counter: str | None) -> int:
        """Return the walk between the street and a counter, none without one."""
        return 0 if counter is None else self.stores[counter].access_s

    def next_step(self, agent: Agent) -> tuple[int, Command] | None:
        """Return what the courier will say next and when; None while they wait to be told."""
        doing = agent.doing
        if doing is None or agent.operator != SIMULATION or agent.is_lost:
            return None
        if doing.arrived_at is None:
            return self._on_the_way(agent, doing)
        return self._at_the_stop(agent, doing.stop, max(doing.arrived_at, agent.resumed_at))

    def _on_the_way(self, agent: Agent, doing: Doing) -> tuple[int, Command] | None:
        courier_id, stop = agent.courier_id, doing.stop
        if self._declines(agent, stop) or (agent.trip is None and stop.kind is StopKind.PICKUP):
            at = doing.committed_at + self.scenario.travel.decline_after_s
            return at, DeclineStop(courier_id, stop.stop_id, "cannot take it", at)
        if agent.trip is None:
            # With goods in the bag and no way on, only a person can help.
            return None
        at = agent.trip.arrive_at
        return at, ArriveAtStop(courier_id, stop.stop_id, at)

    def _at_the_stop(self, agent: Agent, stop: Stop, begin: int) -> tuple[int, Command] | None:
        courier_id = agent.courier_id
        if stop.kind is StopKind.DROPOFF:
            return self._at_the_door(courier_id, stop, begin)
        handover = self.scenario.handover
        expected_s = handover.return_s
        if stop.kind is StopKind.PICKUP:
            ready_at = self.ready_at.get(stop.order_id)
            if ready_at is None:
                return None
            begin = max(begin, ready_at)
            expected_s = handover.pickup_s
        at = begin + self._true_s(stop, expected_s)
        return at, CompleteStop(courier_id, stop.stop_id, at)

    def _at_the_door(self, courier_id: str, stop: Stop, begin: int) -> tuple[int, Command]:
        customers = self.scenario.customers
        entity = self.entity(stop.order_id)
        if self.streams.chance("nobody home", entity, customers.nobody_home_share):
            at = begin + customers.wait_at_door_s
            return at, FailStop(courier_id, stop.stop_id, "nobody home", at)
        at = begin + self._true_s(stop, self.orders[stop.order_id].service_s)
        return at, CompleteStop(courier_id, stop.stop_id, at)

    def _true_s(self, stop: Stop, expected_s: int) -> int:
        entity = self.entity(stop.order_id)
        sigma = self.scenario.handover.spread
        return max(1, round(expected_s * self.streams.spread(f"{stop.kind}", entity, sigma)))

    def _declines(self, agent: Agent, stop: Stop) -> bool:
        if stop.kind is not StopKind.PICKUP:
            return False
        share = self.scenario.travel.decline_share
        entity = f"{agent.courier_id} {self.entity(stop.order_id)}"
        return self.streams.chance("declines", entity, share)
