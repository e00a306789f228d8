"""The hidden truth: customers, pickers and couriers who live by what the engine tells them.

A world hears events and says commands, nothing else passes between it and the engine; it reads
no clock and does no I/O.  What its agents are is folded from the events, so hearing a log again
brings back the same agents, and everything they draw depends on the seed and on the order or
courier alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from dispatch.commands import (
    AcceptOffer,
    AnswerSubstitution,
    CancelOrder,
    CloseStreet,
    Command,
    CompletePick,
    PlaceOrder,
    RegisterCourier,
    RegisterStore,
    ReportShort,
    RequestQuote,
    StartPick,
)
from dispatch.errors import InvalidValueError
from dispatch.events import (
    BagHandedOver,
    CourierStranded,
    OrderCancelled,
    OrderCollected,
    OrderDelivered,
    OrderNotCollected,
    OrderReceived,
    ParcelReturned,
    PickCompleted,
    Recorded,
    StoreRegistered,
    StreetClosed,
)
from dispatch.model import Courier, Order, Store
from geo.city import City
from geo.errors import TooFarFromRoadError
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, TravelTimes
from simulations.errors import ScenarioError
from simulations.rng import Streams
from simulations.scenarios.fit import store_named
from simulations.scenarios.settings import CourierSettings, Scenario
from simulations.worlds.closing import Operations, Shut, ShutStores
from simulations.worlds.collecting import Collecting
from simulations.worlds.courier_steps import Surroundings
from simulations.worlds.couriers import Seen
from simulations.worlds.customers import Customers
from simulations.worlds.demand import Demand, hurried
from simulations.worlds.fleet import Fleet
from simulations.worlds.intents import Intents
from simulations.worlds.pickers import Pickers
from simulations.worlds.stock import Shelves
from simulations.worlds.streets import TrueStreets, closure_of, utc

_NOT_INSISTED_ON: Final = (
    CancelOrder,
    AnswerSubstitution,
    AcceptOffer,
    CloseStreet,
    ReportShort,
)
"""What nobody asks for again that was refused once."""


class World:
    """Everybody outside the engine.

    Parameters
    ----------
    travel
        Travel times of the world's own: the streets as they really are are put in force in
        them.
    seed
        Instead of the scenario's own.
    demand_until
        No order is clicked from this time on; None for ever.
    hurry
        How many times as fast as the clock the customers' evening goes by, from its beginning.

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
        hurry: float = 1.0,
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
        self._orders: dict[str, Order] = {}
        self._stores: dict[str, Store] = {}
        self._ready_at: dict[str, int] = {}
        self._cancelled_at: dict[str, int] = {}
        shut = _shut_stores(scenario, city)
        self._around = Surroundings(
            scenario,
            TrueStreets(scenario, city, travel),
            self.streams,
            self._orders,
            self._stores,
            self._ready_at,
            self._cancelled_at,
            shut,
        )
        self._fleet = Fleet(self._around, self._zone, self._intents)
        self._kinds = {shop.store_id: shop.kind for shop in city.stores}
        skus = tuple(article.sku for article in scenario.catalogue)
        self._operations = Operations(shut, self._intents, skus)
        self._shelves = Shelves(
            scenario, self._kinds, self._zone, shut, self.streams, self._intents
        )
        self._pickers = Pickers(
            scenario.picking,
            self._around.streets.usual,
            sorted({courier.mode for courier in scenario.couriers}),
            city.time_zone,
            self.streams,
            self._intents,
            rotas={key: scenario.stores[kind].pickers for key, kind in self._kinds.items()},
            shut=shut,
            shelves=self._shelves,
        )
        demand = Demand(scenario, city.doors, city.time_zone, self.streams)
        self._customers = Customers(
            scenario.customers,
            scenario.demand,
            hurried(demand.between(self.starts_at, demand_until), self.starts_at, hurry),
            self.streams,
            self._intents,
        )
        self._collecting = Collecting(
            scenario.customers, scenario.handover.spread, shut, self.streams, self._intents
        )
        self._open_up(city)

    # --- in and out ----------------------------------------------------------------------------

    def hear(self, recorded: Recorded) -> None:
        """Let everybody react to an event; in the order of the log, each once."""
        self._now = max(self._now, recorded.at)
        # What came about by itself came before the event; a clock may be ahead of the log's.
        occurred_at = getattr(recorded.event, "occurred_at", 0)
        self._fleet.live_until(max(recorded.at, occurred_at))
        self._learn(recorded)
        self._shelves.hear(recorded)
        self._operations.hear(recorded)
        self._pickers.hear(recorded)
        self._customers.hear(recorded)
        self._collecting.hear(recorded)
        self._fleet.hear(recorded)
        self._forget(recorded)

    def catch_up(self, history: Iterable[Recorded], now: int | None = None) -> None:
        """Hear what happened before anybody acts; quicker than hearing it piece by piece.

        `now` is when it is heard, if that is after the last of it.
        """
        with self._fleet.replaying():
            for recorded in history:
                self.hear(recorded)
            self._now = max(self._now, now or 0)
            self._fleet.live_until(self._now)

    def next_at(self) -> int | None:
        """Return when somebody will next want something, None if nobody does."""
        times = (self._intents.next_at(), self._fleet.next_at())
        return min((at for at in times if at is not None), default=None)

    def act(self, now: int) -> list[Command]:
        """Return what is asked by now; the times in the commands are when it was due."""
        self._now = max(self._now, now)
        self._fleet.live_until(now)
        commands: list[Command] = []
        while (command := self._intents.take(now)) is not None:
            if isinstance(command, PlaceOrder | RequestQuote) and not self._customers.passed_on(
                command, now
            ):
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
        return self._customers.is_clicking

    def refused(self, command: Command, code: str) -> None:
        """Hear that the engine would not do it; the agent tries again later, a few times."""
        if isinstance(command, PlaceOrder | RequestQuote):
            self._customers.turned_away(command, code, self._now)
            return
        if isinstance(command, _NOT_INSISTED_ON):
            self._intents.turned_down(command, code)
            if isinstance(command, ReportShort) and code == InvalidValueError.code:
                self._pickers.not_there(command, self._now)
            if isinstance(command, AcceptOffer):
                self._fleet.turned_down(command)
            return
        gave_up = self._intents.refused(command, code, self._now)
        if gave_up and isinstance(command, StartPick | CompletePick):
            self._pickers.gave_up(command, self._now)

    def positions(self, now: int) -> list[Seen]:
        """Return what devices tell now of where the couriers we act for are, and were.

        Those at work only; a device tells the same only once.
        """
        return self._fleet.positions(now)

    def whereabouts(self, now: int) -> list[Seen]:
        """Return where those couriers really are, whatever their devices tell; changes nothing."""
        return self._fleet.whereabouts(now)

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
        hour = self.scenario.starts_at.hour
        for shop in city.stores:
            settings = self.scenario.stores[shop.kind]
            store = Store(
                store_id=shop.store_id,
                name=shop.name,
                location=shop.location,
                opening_hours=shop.opening_hours,
                pickers=settings.pickers[hour],
                pick_base_s=settings.pick_base_s,
                pick_line_s=settings.pick_line_s,
                pickup_service_s=self.scenario.handover.pickup_s,
                reach_s=settings.reach_s,
                access_s=settings.access_s,
            )
            self._intents.want(0, RegisterStore(store))
            self._stores[store.store_id] = store
            self._intents.want(0, self._shelves.opening(store.store_id))
        for courier in self.scenario.couriers:
            self._intents.want(0, RegisterCourier(self._courier(courier, city)))
        for closure in self.scenario.closures:
            told = closure_of(closure, self._zone)
            told_at = utc(closure.starts_at, self._zone) + closure.told_after_s
            if max(told_at, self.starts_at) < utc(closure.ends_at, self._zone):
                self._intents.want(told_at, CloseStreet(told))

    def _courier(self, settings: CourierSettings, city: City) -> Courier:
        return Courier(
            courier_id=settings.courier_id,
            name=settings.name,
            mode=settings.mode,
            home=self._home(settings, city),
            capacity_g=settings.capacity_g,
            capacity_parcels=settings.capacity_parcels,
            capacity_ml=settings.capacity_ml,
            chilled_bags=settings.chilled_bags,
            takes_offers=settings.takes_offers,
        )

    def _home(self, settings: CourierSettings, city: City) -> LonLat:
        """Return where a courier waits for the shift to begin: outside a store, as they do."""
        draw = self.streams.stream("home", settings.courier_id)
        places = [city.stores[int(i)].location for i in draw.permutation(len(city.stores))]
        for place in places:
            try:
                self._around.streets.usual.check_place(place, settings.mode)
            except TooFarFromRoadError:
                continue
            return place
        raise ScenarioError(
            self.scenario.name,
            [f"courier {settings.name}: no store of the city is near a road for {settings.mode}"],
        )

    # --- what everybody knows ------------------------------------------------------------------

    def _learn(self, recorded: Recorded) -> None:
        match recorded.event:
            case StoreRegistered(store=store):
                self._stores[store.store_id] = store
                self._intents.settle(RegisterStore(store))
            case OrderReceived(order=order):
                self._orders[order.order_id] = order
            case PickCompleted(order_id=order_id, occurred_at=occurred_at):
                self._ready_at[order_id] = occurred_at
            case OrderCancelled(order_id=order_id):
                self._cancelled_at[order_id] = recorded.at
            case CourierStranded(point=point) | BagHandedOver(point=point) if point is not None:
                # Others fetch the goods there, as they would in a store.
                self._stores[point.store_id] = point
            case StreetClosed(closure=closure):
                self._intents.settle(CloseStreet(replace(closure, closure_id="")))
            case _:
                pass

    def _forget(self, recorded: Recorded) -> None:
        match recorded.event:
            case (
                OrderDelivered(order_id=order_id)
                | ParcelReturned(order_id=order_id)
                | OrderCollected(order_id=order_id)
                | OrderNotCollected(order_id=order_id)
            ):
                # One that was cancelled may turn out to be in somebody's bag all the same.
                self._orders.pop(order_id, None)
                self._ready_at.pop(order_id, None)
                self._cancelled_at.pop(order_id, None)
            case _:
                pass


def _shut_stores(scenario: Scenario, city: City) -> ShutStores:
    """Return when which store of the city cannot work, in UTC."""
    zone = ZoneInfo(city.time_zone)
    return ShutStores(
        Shut(
            store.store_id,
            utc(closure.starts_at, zone),
            utc(closure.ends_at, zone),
            utc(closure.starts_at, zone) + closure.told_after_s,
            closure.loses_stock,
        )
        for closure in scenario.store_closures
        for store in store_named(city, closure.store)
    )


def _check_fit(scenario: Scenario, city: City, travel: TravelTimes) -> None:
    kinds = sorted({shop.kind for shop in city.stores} - set(scenario.stores))
    modes = sorted({courier.mode for courier in scenario.couriers} - travel.modes)
    problems = [
        f"stores.{kind} is missing, and {city.name} has shops of that kind" for kind in kinds
    ]
    problems += [f"couriers: {city.name} has no roads for mode {mode.value!r}" for mode in modes]
    if problems:
        raise ScenarioError(f"scenario {scenario.name} with city {city.name}", problems)
