"""The hidden truth: customers, pickers and couriers who live by what the engine tells them.

A world hears events and says commands, nothing else passes between it and the engine; it reads
no clock and does no I/O.  What its agents are is folded from the events, so hearing a log again
brings back the same agents, and everything they draw depends on the seed and on the order or
courier alone.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from dispatch.commands import (
    CancelOrder,
    Command,
    CompletePick,
    PlaceOrder,
    RegisterCourier,
    RegisterStore,
    SetStock,
    StartPick,
)
from dispatch.events import (
    OrderCancelled,
    OrderDelivered,
    OrderReceived,
    ParcelReturned,
    PickCompleted,
    Recorded,
    StockSet,
    StoreRegistered,
)
from dispatch.model import Courier, Order, Store
from dispatch.street_news import StreetNews
from geo.city import City
from geo.errors import TooFarFromRoadError
from geo.traffic import Traffic
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, TravelTimes
from simulations.couriers import Surroundings, moment
from simulations.customers import Customers
from simulations.demand import Demand
from simulations.errors import ScenarioError
from simulations.fleet import Fleet, Seen
from simulations.intents import Intents
from simulations.pickers import Pickers
from simulations.rng import Streams
from simulations.settings import CourierSettings, Scenario


class World:
    """Everybody outside the engine.

    Parameters
    ----------
    travel
        The streets as they are; closures that the world hears of are put in force in it.
    seed
        Instead of the scenario's own.
    demand_until
        No order is clicked from this time on; None for ever.

    Raises
    ------
    ScenarioError
        The scenario does not fit the city: a kind of shop or a mode it says nothing of.
    """

    def __init__(
        self,
        scenario: Scenario,
        city: City,
        travel: NetworkTravelTimes,
        seed: int | None = None,
        demand_until: int | None = None,
    ) -> None:
        _check_fit(scenario, city, travel)
        self.scenario = scenario
        self.city_name = city.name
        self.streams = Streams(scenario.seed if seed is None else seed)
        self.starts_at = scenario.start(city.time_zone)
        self.demand_until = demand_until
        self._zone = ZoneInfo(city.time_zone)
        self._now = 0
        self._intents = Intents()
        self._street_news = StreetNews(travel, Traffic(city.network, city.time_zone))
        self._orders: dict[str, Order] = {}
        self._stores: dict[str, Store] = {}
        self._ready_at: dict[str, int] = {}
        self._around = Surroundings(
            scenario, travel, self.streams, self._orders, self._stores, self._ready_at
        )
        self._fleet = Fleet(self._around, self._zone, self._intents)
        self._pickers = Pickers(
            scenario.picking,
            travel,
            sorted({courier.mode for courier in scenario.couriers}),
            city.time_zone,
            self.streams,
            self._intents,
        )
        demand = Demand(scenario, city.doors, city.time_zone, self.streams)
        self._customers = Customers(
            scenario.customers,
            demand.between(self.starts_at, demand_until),
            self.streams,
            self._intents,
        )
        self._kinds = {shop.store_id: shop.kind for shop in city.stores}
        self._open_up(city)

    # --- in and out ----------------------------------------------------------------------------

    def hear(self, recorded: Recorded) -> None:
        """Let everybody react to an event; in the order of the log, each once."""
        self._now = max(self._now, recorded.at)
        self._street_news.hear(recorded)
        self._learn(recorded)
        self._pickers.hear(recorded)
        self._customers.hear(recorded)
        self._fleet.hear(recorded)
        self._forget(recorded)

    def catch_up(self, history: Iterable[Recorded]) -> None:
        """Hear what happened before anybody acts; quicker than hearing it piece by piece."""
        with self._fleet.replaying():
            for recorded in history:
                self.hear(recorded)

    def next_at(self) -> int | None:
        """Return when somebody will next want something, None if nobody does."""
        return self._intents.next_at()

    def act(self, now: int) -> list[Command]:
        """Return what is asked by now; the times in the commands are when it was due."""
        self._now = max(self._now, now)
        commands: list[Command] = []
        while (command := self._intents.take(now)) is not None:
            if isinstance(command, PlaceOrder):
                self._customers.clicked(command)
                if self._customers.is_gone(command, now):
                    continue
            commands.append(command)
        return commands

    def end_demand(self, at: int) -> None:
        """Let nobody click from a time on."""
        self.demand_until = at
        self._customers.end(at)

    @property
    def is_clicking(self) -> bool:
        """Whether somebody is yet to click before the demand ends."""
        return self._customers.next_at is not None

    def refused(self, command: Command, code: str) -> None:
        """Hear that the engine would not do it; the agent tries again later, a few times."""
        if isinstance(command, PlaceOrder | CancelOrder):
            # Customers do not insist.
            self._intents.turned_down(command, code)
            return
        gave_up = self._intents.refused(command, code, self._now)
        if gave_up and isinstance(command, StartPick | CompletePick):
            self._pickers.gave_up(command, self._now)

    def positions(self, now: int) -> list[Seen]:
        """Return where the couriers we act for are, those at work only."""
        return self._fleet.positions(now)

    def driven_by_people(self) -> tuple[str, ...]:
        """Return the couriers a person acts for."""
        return self._fleet.driven_by_people()

    def lost(self) -> tuple[str, ...]:
        """Return the couriers a person acted for, whose place somebody must tell us."""
        return self._fleet.lost()

    def found(self, courier_id: str, place: LonLat | None, at: int) -> None:
        """Take a courier over where a person left them; without a place, where we think."""
        self._fleet.found(courier_id, place, at)

    @property
    def lost_clicks(self) -> tuple[str, ...]:
        """Clicks that could not be passed on in time, by their external id."""
        return tuple(self._customers.lost)

    @property
    def refusals(self) -> Counter[str]:
        """How often the engine refused which command with which code."""
        return self._intents.refusals

    def describe(self) -> dict[str, object]:
        """Return what the agents are and want, in a form that two worlds can be compared by."""
        return {
            "couriers": self._fleet.describe(),
            "stores": self._pickers.describe(),
            "orders": sorted(self._orders),
            "wants": sorted(f"{command}" for _, command in self._intents.pending()),
        }

    # --- opening -------------------------------------------------------------------------------

    def _open_up(self, city: City) -> None:
        """Want what must be there before the first order: stores, their stock, couriers."""
        for shop in city.stores:
            settings = self.scenario.stores[shop.kind]
            store = Store(
                store_id=shop.store_id,
                name=shop.name,
                location=shop.location,
                opening_hours=shop.opening_hours,
                pickers=max(settings.pickers),
                pick_base_s=settings.pick_base_s,
                pick_line_s=settings.pick_line_s,
                pickup_service_s=self.scenario.handover.pickup_s,
                reach_s=settings.reach_s,
                access_s=settings.access_s,
            )
            self._intents.want(0, RegisterStore(store))
            self._stores[store.store_id] = store
            on_hand = self._stock(store.store_id, "opening")
            self._intents.want(0, SetStock(store.store_id, on_hand))
        for courier in self.scenario.couriers:
            self._intents.want(0, RegisterCourier(self._courier(courier, city)))

    def _courier(self, settings: CourierSettings, city: City) -> Courier:
        return Courier(
            courier_id=settings.courier_id,
            name=settings.name,
            mode=settings.mode,
            home=self._home(settings, city),
            capacity_g=settings.capacity_g,
            capacity_parcels=settings.capacity_parcels,
        )

    def _home(self, settings: CourierSettings, city: City) -> LonLat:
        """Return where a courier waits for the shift to begin: outside a store, as they do."""
        draw = self.streams.stream("home", settings.courier_id)
        places = [city.stores[int(i)].location for i in draw.permutation(len(city.stores))]
        for place in places:
            try:
                self._around.travel.check_place(place, settings.mode)
            except TooFarFromRoadError:
                continue
            return place
        raise ScenarioError(
            self.scenario.name,
            [f"courier {settings.name}: no store of the city is near a road for {settings.mode}"],
        )

    def _stock(self, store_id: str, day: str) -> dict[str, int]:
        """Return what is on a store's shelves after the delivery of a day."""
        settings = self.scenario.stores[self._kinds[store_id]]
        on_hand: dict[str, int] = {}
        shelf = self.streams.stream("assortment", store_id)
        delivery = self.streams.stream("delivery", f"{store_id} {day}")
        for article in self.scenario.catalogue:
            kept = float(shelf.random()) < settings.assortment
            came = float(delivery.random()) >= settings.sold_out_share
            amount = int(delivery.poisson(settings.stock_mean))
            on_hand[article.sku] = amount if kept and came else 0
        return on_hand

    def _restock(self, store_id: str, at: int) -> None:
        """Want the next morning's delivery on the shelves."""
        if store_id not in self._kinds:
            return
        self._intents.forget("stock", store_id)
        day = dt.datetime.fromtimestamp(at, self._zone).date()
        comes_at = moment(day, self.scenario.picking.restock_at[0], self._zone)
        if comes_at <= at:
            day += dt.timedelta(days=1)
            comes_at = moment(day, self.scenario.picking.restock_at[0], self._zone)
        self._intents.want(comes_at, SetStock(store_id, self._stock(store_id, day.isoformat())))

    # --- what everybody knows ------------------------------------------------------------------

    def _learn(self, recorded: Recorded) -> None:
        match recorded.event:
            case StoreRegistered(store=store):
                self._stores[store.store_id] = store
                self._intents.settle(RegisterStore(store))
            case StockSet(store_id=store_id):
                self._restock(store_id, recorded.at)
            case OrderReceived(order=order):
                self._orders[order.order_id] = order
            case PickCompleted(order_id=order_id, occurred_at=occurred_at):
                self._ready_at[order_id] = occurred_at
            case _:
                pass

    def _forget(self, recorded: Recorded) -> None:
        match recorded.event:
            case OrderDelivered(order_id=order_id) | ParcelReturned(order_id=order_id):
                self._close(order_id)
            case OrderCancelled(order_id=order_id):
                if not self._fleet.carries(order_id):
                    self._close(order_id)
            case _:
                pass

    def _close(self, order_id: str) -> None:
        self._orders.pop(order_id, None)
        self._ready_at.pop(order_id, None)


def _check_fit(scenario: Scenario, city: City, travel: TravelTimes) -> None:
    kinds = sorted({shop.kind for shop in city.stores} - set(scenario.stores))
    modes = sorted({courier.mode for courier in scenario.couriers} - travel.modes)
    problems = [
        f"stores.{kind} is missing, and {city.name} has shops of that kind" for kind in kinds
    ]
    problems += [f"couriers: {city.name} has no roads for mode {mode.value!r}" for mode in modes]
    if problems:
        raise ScenarioError(f"scenario {scenario.name} with city {city.name}", problems)
