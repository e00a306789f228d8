"""A world without an engine, and with a courier who has an order in the bag."""

from __future__ import annotations

from math import cos, hypot, radians
from typing import Any

from dispatch import events as e
from dispatch.commands import (
    ArriveAtStop,
    Command,
    CompletePick,
    CompleteStop,
    PlaceOrder,
    RegisterCourier,
    RegisterStore,
    SetStock,
    StartShift,
)
from dispatch.model import Order, OrderLine, Promise, Stop, StopKind
from geo.city import City
from geo.travel import NetworkTravelTimes
from geo.types import LonLat
from simulations.scenarios.settings import Scenario
from simulations.worlds.world import World

MINUTE_S = 60


class Town:
    """A world without an engine: the test says what happens."""

    def __init__(self, scenario: Scenario, city: City, roads: NetworkTravelTimes) -> None:
        self.city = city
        self.world = World(scenario, city, roads, seed=1)
        self.now = self.world.starts_at
        self.log: list[e.Recorded] = []

    def tell(self, event: e.Event) -> None:
        recorded = e.Recorded("helsinki", len(self.log) + 1, self.now, event)
        self.log.append(recorded)
        self.world.hear(recorded)

    def act(self, for_s: int) -> list[Command]:
        """Let the world act for a while, clicks aside; nobody answers."""
        acted: list[Command] = []
        until = self.now + for_s
        while (at := self.world.next_at()) is not None and at <= until:
            self.now = max(self.now, at)
            acted += [c for c in self.world.act(self.now) if not isinstance(c, PlaceOrder)]
        self.now = until
        return acted

    def open_up(self) -> None:
        for command in self.act(0):
            match command:
                case RegisterStore(store=store):
                    self.tell(e.StoreRegistered(store))
                case SetStock(store_id=store_id, on_hand=on_hand):
                    self.tell(e.StockSet(store_id, on_hand))
                case RegisterCourier(courier=courier):
                    self.tell(e.CourierRegistered(courier))
        for command in self.act(0):
            if isinstance(command, StartShift):
                begun = (command.courier_id, command.starts_at, command.ends_at, command.pause)
                self.tell(e.ShiftStarted(*begun))

    def order(self, number: int = 1, latest_s: int = 1800, door: int = 100) -> Order:
        order = Order(
            order_id=f"ord_{number}",
            created_at=self.now,
            door=self.city.doors.location(door),
            address=self.city.doors.address[door],
            lines=(OrderLine("milk-1l", 1),),
            weight_g=1040,
            service_s=90,
        )
        promise = Promise(self.now, self.now + latest_s, self.now)
        self.tell(e.OrderReceived(order, promise, self.store_id))
        return order

    @property
    def store_id(self) -> str:
        return self.city.stores[0].store_id

    def pick(self, order: Order) -> None:
        self.tell(e.PickStarted(order.order_id, self.store_id, self.now))
        done = self.only(CompletePick)
        self.tell(e.PickCompleted(done.order_id, self.store_id, done.occurred_at))

    def commit(self, order: Order, kind: StopKind, courier_id: str = "cou_aino") -> Stop:
        stop = Stop(kind, order.order_id, self.store_id)
        self.tell(e.StopCommitted(courier_id, stop, self.now + 300, self.now))
        return stop

    def only(self, kind: type[Any], for_s: int = 30 * MINUTE_S) -> Any:
        """Let the world act until it has asked for one command of a kind, and return it."""
        until = self.now + for_s
        while (at := self.world.next_at()) is not None and at <= until:
            self.now = max(self.now, at)
            found = [c for c in self.world.act(self.now) if isinstance(c, kind)]
            if found:
                assert len(found) == 1
                return found[0]
        raise AssertionError(f"nobody asked for {kind.__name__}")

    def seen(self, courier_id: str = "cou_aino") -> Any:
        return {s.courier_id: s.place for s in self.world.positions(self.now)}.get(courier_id)


def carried(town: Town) -> Order:
    """Return an order in Aino's bag."""
    order = town.order()
    town.pick(order)
    stop = town.commit(order, StopKind.PICKUP)
    arrival = town.only(ArriveAtStop)
    town.tell(e.StopArrived("cou_aino", stop, arrival.occurred_at))
    done = town.only(CompleteStop)
    town.tell(e.ParcelPickedUp("cou_aino", order.order_id, town.store_id, done.occurred_at))
    return order


def metres(a: LonLat, b: LonLat) -> float:
    """Return the distance of two near places, by the equirectangular projection."""
    x = (b.lon - a.lon) * cos(radians((a.lat + b.lat) / 2))
    return 111_195 * hypot(x, b.lat - a.lat)
