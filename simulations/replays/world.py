"""The people of a recorded day, who live it again under other decisions.

Customers click at the same times for the same baskets.  What was seen that day is as it was: how
long an order's pick took, how an order's ways compared with the network's, its hand-overs, who was
not at home.  What was not seen (an order that was refused then) is drawn from what was learned, by
the seed and the order alone, so that two policies meet the same people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import exp, log
from statistics import pstdev
from typing import Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.model import Courier, Fulfilment, Order, Stop, StopKind, Store
from geo.errors import GeoError
from geo.hours import open_windows
from geo.types import LonLat, TravelTimes
from simulations.replays.day import Day, Names
from simulations.replays.learned import Learned
from simulations.rng import Streams
from simulations.scenarios.settings import DAY_S
from simulations.worlds.courier_trips import Trip
from simulations.worlds.couriers import Seen
from simulations.worlds.intents import Intents

_WORK: Final = (
    c.StartPick,
    c.CompletePick,
    c.CollectOrder,
    c.ArriveAtStop,
    c.CompleteStop,
    c.FailStop,
    c.DeclineStop,
    c.AcceptOffer,
)
"""What the people want by themselves; all else is scripted."""

_ANSWER_S: Final = 8
"""How long a courier thinks about an offer that nobody answered that day."""

_LEAST_FACTOR: Final = 0.2


@dataclass(slots=True)
class _Waiting:
    order: Order
    latest: int
    is_begun: bool = False
    is_awaited: bool = False


@dataclass(slots=True)
class _Shop:
    store: Store
    queue: dict[str, _Waiting] = field(default_factory=dict)


@dataclass(slots=True)
class _Agent:
    courier: Courier
    place: LonLat
    shift: tuple[int, int] | None = None
    trip: Trip | None = None
    stop: Stop | None = None
    arrived_at: int | None = None
    counter: str | None = None
    bag: int = 0
    is_stranded: bool = False

    def place_at(self, at: int) -> LonLat:
        """Return where they are at a time."""
        return self.place if self.trip is None else self.trip.place(at)

    def is_out(self, at: int) -> bool:
        """Tell whether they are at work."""
        on_shift = self.shift is not None and self.shift[0] <= at < self.shift[1]
        return (on_shift or self.stop is not None or self.bag > 0) and not self.is_stranded


class DayWorld:
    """Everybody outside the engine on a recorded day.

    Parameters
    ----------
    travel
        The streets as they were; those that the engine forecasts with.
    seed
        Of all that was not seen.
    change
        What is otherwise than it was: gets each scripted command, returns it or another one, None
        to leave it out.
    """

    def __init__(
        self,
        day: Day,
        travel: TravelTimes,
        seed: int,
        change: Callable[[c.Command], c.Command | None] = lambda command: command,
    ) -> None:
        self.streams = Streams(seed)
        self._day = day
        self._travel = travel
        self._change = change
        self._script = list(day.script)
        self._next = 0
        self._now = day.starts_at
        self._intents = Intents()
        self.refusals = self._intents.refusals
        self._names = Names()
        self._ids: dict[str, str] = {}
        self._orders: dict[str, Order] = {}
        self._ready_at: dict[str, int] = {}
        self._store_of: dict[str, str] = {}
        self._shops: dict[str, _Shop] = {}
        self._stores: dict[str, Store] = {}
        self._agents: dict[str, _Agent] = {}
        self._apart = _apart(day.learned)

    # --- in and out ----------------------------------------------------------------------------

    def next_at(self) -> int | None:
        """Return when somebody will next want something."""
        scripted = self._script[self._next].at if self._next < len(self._script) else None
        times = (scripted, self._intents.next_at())
        return min((at for at in times if at is not None), default=None)

    def act(self, now: int) -> list[c.Command]:
        """Return what is asked by now."""
        self._now = max(self._now, now)
        commands: list[c.Command] = []
        while self._next < len(self._script) and self._script[self._next].at <= now:
            scripted = self._script[self._next]
            self._next += 1
            told = self._change(scripted.command)
            command = None if told is None else self._of_today(told, now)
            if command is not None:
                commands.append(command)
        while (wanted := self._intents.take(now)) is not None:
            commands.append(wanted)
        return commands

    def refused(self, command: c.Command, code: str) -> None:
        """Hear that the engine would not do it; work is tried again a few times."""
        if isinstance(command, _WORK):
            self._intents.refused(command, code, self._now)
        else:
            self.refusals[f"{type(command).__name__} {code}"] += 1

    def positions(self, now: int) -> list[Seen]:
        """Return where the couriers at work are."""
        return [
            Seen(key, agent.place_at(now), now)
            for key, agent in sorted(self._agents.items())
            if agent.is_out(now)
        ]

    def hear(self, recorded: e.Recorded) -> None:
        """Let everybody react to an event."""
        self._names.hear(recorded.event)
        self._hear_of_stores(recorded.event, recorded.at)
        self._hear_of_orders(recorded.event, recorded.at)
        agent = self._agents.get(getattr(recorded.event, "courier_id", ""))
        if agent is not None:
            self._hear_of_shifts(agent, recorded.event, recorded.at)
            self._hear_of_work(agent, recorded.event, recorded.at)

    def _hear_of_stores(self, event: e.Event, at: int) -> None:
        match event:
            case e.StoreRegistered(store=store):
                self._stores[store.store_id] = store
                shop = self._shops.setdefault(store.store_id, _Shop(store))
                shop.store = store
                self._hand_out(shop, at)
            case e.CourierRegistered(courier=courier):
                known = self._agents.get(courier.courier_id)
                if known is None:
                    self._agents[courier.courier_id] = _Agent(courier, courier.home)
                else:
                    known.courier = courier
            case e.CourierStranded(point=point) if point is not None:
                self._stores[point.store_id] = point
            case _:
                pass

    def _hear_of_orders(self, event: e.Event, at: int) -> None:
        match event:
            case e.OrderReceived() as taken if taken.order.return_of is None:
                self._take(taken, at)
            case e.OrderAmended(order=order):
                self._orders[order.order_id] = order
            case e.OrderResourced(order_id=order_id, to_store_id=store_id):
                self._move(order_id, store_id, at)
            case e.OrderCancelled(order_id=order_id):
                self._drop_pick(order_id, at)
            case e.PickStarted(order_id=order_id, occurred_at=when):
                done_at = when + self._pick_s(order_id)
                self._intents.want(done_at, c.CompletePick(order_id, done_at))
            case e.PickCompleted(order_id=order_id, occurred_at=when):
                self._ready_at[order_id] = when
                self._drop_pick(order_id, at)
                self._be_ready(order_id, when)
            case _:
                pass

    def _hear_of_shifts(self, agent: _Agent, event: e.Event, at: int) -> None:
        match event:
            case e.ShiftStarted(starts_at=starts_at, ends_at=ends_at):
                if not agent.is_out(at):
                    agent.place, agent.trip, agent.counter = agent.courier.home, None, None
                agent.shift = (starts_at, ends_at)
            case e.ShiftEnded(occurred_at=when) if agent.shift is not None:
                agent.shift = (agent.shift[0], when)
            case e.StandbyGiven(store_id=store_id, occurred_at=when):
                agent.place = agent.place_at(when)
                agent.trip = self._trip(agent, self._stores[store_id].location, when, 1.0, None)
            case e.CourierStranded():
                self._intents.forget("stop", agent.courier.courier_id)
                self._leave(agent, -agent.bag, at)
                agent.is_stranded = True
            case e.CourierRecovered():
                agent.is_stranded = False
            case _:
                pass

    def _hear_of_work(self, agent: _Agent, event: e.Event, at: int) -> None:
        match event:
            case e.OfferMade(courier_id=courier_id, stop=stop, occurred_at=when):
                self._answer(courier_id, stop, when)
            case e.StopCommitted(stop=stop, expected_at=due_at, occurred_at=when):
                self._set_out(agent, stop, when, due_at)
            case e.StopArrived(stop=stop, occurred_at=when):
                self._arrive(agent, stop, when)
            case e.ParcelPickedUp():
                self._leave(agent, 1, at)
            case e.OrderDelivered() | e.ParcelReturned():
                self._leave(agent, -1, at)
            case e.DeliveryFailed():
                self._leave(agent, 0, at)
            case e.StopDeclined(order_id=order_id) | e.StopReleased(order_id=order_id):
                self._intents.forget("stop", agent.courier.courier_id)
                if agent.stop is not None and agent.stop.order_id == order_id:
                    self._leave(agent, 0, at)
            case _:
                pass

    # --- what is said again --------------------------------------------------------------------

    def _of_today(self, command: c.Command, now: int) -> c.Command | None:
        """Return a command of that day with the ids of today; None where it is about nothing."""
        if isinstance(command, c.PlaceOrder | c.AcceptOrder):
            # Who was refused then and came again does not, when they were served at once today.
            return None if command.external_id in self._ids else command
        if isinstance(command, c.CancelOrder | c.AmendOrder):
            order_id = self._ids.get(self._day.names.of(command.order_id))
            return None if order_id is None else replace(command, order_id=order_id)
        if isinstance(command, c.StrandCourier):
            agent = self._agents.get(command.courier_id)
            return None if agent is None else replace(command, place=agent.place_at(now))
        return command

    # --- customers and pickers -----------------------------------------------------------------

    def _take(self, taken: e.OrderReceived, at: int) -> None:
        order = taken.order
        self._orders[order.order_id] = order
        self._store_of[order.order_id] = taken.store_id
        if order.external_id is not None:
            self._ids[order.external_id] = order.order_id
        shop = self._shops[taken.store_id]
        shop.queue[order.order_id] = _Waiting(order, taken.promise.latest)
        self._hand_out(shop, at)

    def _move(self, order_id: str, store_id: str, at: int) -> None:
        shop = self._shops[self._store_of[order_id]]
        waiting = shop.queue.pop(order_id, None)
        self._intents.forget("pick", order_id)
        self._hand_out(shop, at)
        self._store_of[order_id] = store_id
        if waiting is not None:
            self._shops[store_id].queue[order_id] = replace(waiting, is_begun=False)
            self._hand_out(self._shops[store_id], at)

    def _drop_pick(self, order_id: str, at: int) -> None:
        shop = self._shops.get(self._store_of.get(order_id, ""))
        if shop is not None and shop.queue.pop(order_id, None) is not None:
            self._intents.forget("pick", order_id)
            self._hand_out(shop, at)

    def _hand_out(self, shop: _Shop, at: int) -> None:
        """Give free pickers the most pressing orders."""
        free = shop.store.pickers - sum(waiting.is_begun for waiting in shop.queue.values())
        queue = sorted(
            (not waiting.is_awaited, waiting.latest, waiting.order.created_at, order_id)
            for order_id, waiting in shop.queue.items()
            if not waiting.is_begun
        )
        for not_awaited, _, _, order_id in queue[: max(0, free)]:
            begins_at: int | None = at
            if not_awaited:
                begins_at = self._opens_at(shop.store, at)
            if begins_at is not None:
                shop.queue[order_id].is_begun = True
                self._intents.want(begins_at, c.StartPick(order_id, begins_at))

    def _opens_at(self, store: Store, at: int) -> int | None:
        windows = open_windows(store.opening_hours, self._day.time_zone, at, at + DAY_S)
        return max(at, windows[0][0]) if windows else None

    def _pick_s(self, order_id: str) -> int:
        name = self._names.of(order_id)
        seen = self._day.truth.picks.get(name)
        if seen is not None:
            return max(1, seen)
        order, learned = self._orders[order_id], self._day.learned
        store_id = self._store_of[order_id]
        store = learned.stores.get(store_id, learned.every_store)
        mean_s = store.pick_base_s.value + store.pick_line_s.value * len(order.lines)
        return max(1, round(mean_s * self._drawn("pick", name, learned.pick_spread)))

    def _be_ready(self, order_id: str, at: int) -> None:
        """Let whoever waits for the goods have them."""
        for key, agent in self._agents.items():
            if agent.stop is not None and agent.stop.order_id == order_id:
                self._serve(key, agent)
        order = self._orders[order_id]
        if order.fulfilment is not Fulfilment.DELIVERY:
            name, truth = self._names.of(order_id), self._day.truth
            if name in truth.came_at:
                takes_s = truth.collected.get(name, 0)
                collects_at = max(truth.came_at[name], at) + takes_s
                aged = order.age_limit > 0
                self._intents.want(
                    collects_at, c.CollectOrder(order_id, collects_at, age_checked=aged)
                )

    # --- couriers ------------------------------------------------------------------------------

    def _answer(self, courier_id: str, stop: Stop, at: int) -> None:
        declined = self._day.truth.declined.get((courier_id, self._names.of(stop.order_id)))
        if declined is not None:
            when = at + declined
            self._intents.want(
                when, c.DeclineStop(courier_id, stop.stop_id, "cannot take it", when)
            )
        else:
            when = at + _ANSWER_S
            self._intents.want(when, c.AcceptOffer(courier_id, stop.stop_id, when))

    def _set_out(self, agent: _Agent, stop: Stop, at: int, due_at: int) -> None:
        key = agent.courier.courier_id
        agent.place = agent.place_at(at)
        agent.stop, agent.arrived_at = stop, None
        if stop.kind is StopKind.PICKUP:
            self._await(stop.order_id, at)
        name = self._names.of(stop.order_id)
        declined = self._day.truth.declined.get((key, name))
        is_pickup = stop.kind is StopKind.PICKUP
        if declined is not None and is_pickup and not agent.courier.takes_offers:
            when = at + declined
            self._intents.want(when, c.DeclineStop(key, stop.stop_id, "cannot take it", when))
            return
        counter = None if stop.kind is StopKind.DROPOFF else stop.store_id
        agent.trip = self._trip(
            agent, self._place_of(stop), at, self._factor(agent, name, stop.kind), counter
        )
        # Without a way by the map they come when they were expected.
        there_at = due_at if agent.trip is None else agent.trip.arrive_at
        self._intents.want(there_at, c.ArriveAtStop(key, stop.stop_id, there_at))

    def _await(self, order_id: str, at: int) -> None:
        shop = self._shops.get(self._store_of.get(order_id, ""))
        if shop is not None and order_id in shop.queue:
            shop.queue[order_id].is_awaited = True
            self._hand_out(shop, at)

    def _trip(
        self, agent: _Agent, to: LonLat, at: int, factor: float, counter: str | None
    ) -> Trip | None:
        try:
            road = self._travel.route(agent.place, to, agent.courier.mode, at)
        except GeoError:
            return None
        stays = counter is not None and counter == agent.counter
        out_s = 0 if stays else self._access_s(agent.counter)
        return Trip(road, at + out_s, factor, 0 if stays else self._access_s(counter))

    def _access_s(self, counter: str | None) -> int:
        return 0 if counter is None else self._stores[counter].access_s

    def _factor(self, agent: _Agent, name: str, kind: StopKind) -> float:
        """Return true by network times of a way."""
        learned, key = self._day.learned, agent.courier.courier_id
        known = learned.couriers.get(key)
        if known is None:
            # Nobody has seen them ride: somebody of their mode, quicker or slower.
            pace = learned.pace_of(agent.courier.mode) * self._drawn("pace", key, self._apart)
        else:
            pace = known.pace.value
        seen = self._day.truth.trips.get((name, kind))
        if seen is None:
            seen = self._drawn(f"trip {kind}", name, learned.trip_spread)
        return max(_LEAST_FACTOR, pace * seen)

    def _place_of(self, stop: Stop) -> LonLat:
        if stop.kind is StopKind.DROPOFF:
            return self._orders[stop.order_id].door
        return self._stores[stop.store_id].location

    def _arrive(self, agent: _Agent, stop: Stop, at: int) -> None:
        agent.place, agent.trip = self._place_of(stop), None
        agent.counter = None if stop.kind is StopKind.DROPOFF else stop.store_id
        agent.stop, agent.arrived_at = stop, at
        self._serve(agent.courier.courier_id, agent)

    def _serve(self, key: str, agent: _Agent) -> None:
        """Want to be done with the stop, once it can be begun."""
        stop, arrived_at = agent.stop, agent.arrived_at
        if stop is None or arrived_at is None:
            return
        name, truth = self._names.of(stop.order_id), self._day.truth
        begin = arrived_at
        if stop.kind is StopKind.PICKUP:
            ready_at = self._ready_at.get(stop.order_id)
            if ready_at is None:
                return
            begin = max(begin, ready_at)
        if stop.kind is StopKind.DROPOFF and name in truth.absent:
            at = begin + truth.absent[name]
            self._intents.want(at, c.FailStop(key, stop.stop_id, "nobody home", at))
            return
        at = begin + self._service_s(stop, name)
        self._intents.want(at, c.CompleteStop(key, stop.stop_id, at))

    def _service_s(self, stop: Stop, name: str) -> int:
        seen = self._day.truth.handovers.get((name, stop.kind))
        if seen is not None:
            return max(1, seen)
        learned = self._day.learned
        if stop.kind is StopKind.PICKUP:
            store = learned.stores.get(stop.store_id, learned.every_store)
            mean_s = store.pickup_service_s.value
        elif stop.kind is StopKind.DROPOFF and learned.door_s.cases:
            mean_s = learned.door_s.value
        elif stop.kind is StopKind.DROPOFF:
            mean_s = float(self._orders[stop.order_id].service_s)
        else:
            mean_s = learned.return_s.value or learned.every_store.pickup_service_s.value
        return max(1, round(mean_s * self._drawn(f"{stop.kind}", name, learned.handover_spread)))

    def _leave(self, agent: _Agent, more: int, at: int) -> None:
        agent.place, agent.trip = agent.place_at(at), None
        agent.stop, agent.arrived_at = None, None
        agent.bag = max(0, agent.bag + more)

    def _drawn(self, what: str, name: str, sigma: float) -> float:
        """Return a factor with mean 1, log-normal."""
        draw = float(self.streams.stream(what, name).standard_normal())
        return exp(sigma * draw - sigma**2 / 2)


def _apart(learned: Learned) -> float:
    """Return how far couriers of a mode are apart: standard deviation of the log of their paces."""
    logs = [
        log(courier.pace.value / learned.pace_of(courier.mode))
        for courier in learned.couriers.values()
        if courier.pace.value > 0
    ]
    return pstdev(logs) if logs else 0.0
