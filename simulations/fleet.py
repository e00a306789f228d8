"""The couriers of a world, by what the engine tells them and who acts for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from dispatch.commands import RegisterCourier, StartShift
from dispatch.events import (
    CourierRegistered,
    DeliveryFailed,
    Event,
    OperatorChanged,
    OrderDelivered,
    ParcelPickedUp,
    ParcelReturned,
    PickCompleted,
    Recorded,
    ShiftEnded,
    ShiftStarted,
    StandbyGiven,
    StopArrived,
    StopCommitted,
    StopDeclined,
    StopReleased,
    StreetClosed,
    StreetReopened,
)
from dispatch.model import Courier, StopKind
from geo.types import LonLat
from simulations.couriers import SIMULATION, Agent, Doing, Surroundings, Waiting, next_shift
from simulations.intents import Intents


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a courier's device says they are."""

    courier_id: str
    place: LonLat
    at: int


class Fleet:
    """All couriers of a scenario; those of others are none of its business."""

    def __init__(self, around: Surroundings, zone: dt.tzinfo, intents: Intents) -> None:
        self._around = around
        self._zone = zone
        self._intents = intents
        self._agents: dict[str, Agent] = {}
        self._is_replaying = False
        self._settings = {courier.courier_id: courier for courier in around.scenario.couriers}

    def hear(self, recorded: Recorded) -> None:
        """Let the couriers concerned react."""
        event, at = recorded.event, recorded.at
        if isinstance(event, CourierRegistered):
            self._meet(event.courier, at)
        elif isinstance(event, PickCompleted):
            for agent in self._agents.values():
                if agent.doing is not None and agent.doing.stop.order_id == event.order_id:
                    self._step(agent)
        elif isinstance(event, StreetClosed | StreetReopened):
            self._look_for_another_way(at)
        else:
            concerned = self._agents.get(getattr(event, "courier_id", ""))
            if concerned is not None:
                self._manage(concerned, event, at)
                self._tell(concerned, event, at)
                self._step(concerned)

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Hear events of the past: no way that was gone is looked up, nobody acts until the end."""
        self._is_replaying = True
        yield
        self._is_replaying = False
        for agent in self._agents.values():
            self._look_up(agent)
            self._step(agent)

    def positions(self, now: int) -> list[Seen]:
        """Return where the couriers we act for are, those at work only."""
        return [
            Seen(courier_id, agent.place_at(now), now)
            for courier_id, agent in sorted(self._agents.items())
            if agent.operator == SIMULATION and not agent.is_lost and agent.is_out(now)
        ]

    def driven_by_people(self) -> tuple[str, ...]:
        """Return the couriers a person acts for."""
        return tuple(k for k, agent in sorted(self._agents.items()) if agent.operator != SIMULATION)

    def lost(self) -> tuple[str, ...]:
        """Return the couriers a person acted for, whose place somebody must tell us."""
        return tuple(key for key, agent in sorted(self._agents.items()) if agent.is_lost)

    def found(self, courier_id: str, place: LonLat | None, at: int) -> None:
        """Take a courier over where a person left them; without a place, where we think."""
        agent = self._agents[courier_id]
        agent.is_lost = False
        agent.resumed_at = at
        if place is not None and (agent.doing is None or agent.doing.arrived_at is None):
            agent.place = place
        self._set_out(agent, at)
        self._step(agent)

    def carries(self, order_id: str) -> bool:
        """Tell whether the goods of an order are in somebody's bag."""
        return any(order_id in agent.bag for agent in self._agents.values())

    def describe(self) -> dict[str, Agent]:
        """Return copies of all couriers."""
        return {
            key: replace(agent, bag=set(agent.bag)) for key, agent in sorted(self._agents.items())
        }

    # --- the courier's day ---------------------------------------------------------------------

    def _meet(self, courier: Courier, at: int) -> None:
        if courier.courier_id not in self._settings:
            return
        self._intents.settle(RegisterCourier(courier))
        agent = self._agents.get(courier.courier_id)
        if agent is None:
            agent = Agent(courier, courier.home, courier.home)
            self._agents[courier.courier_id] = agent
            self._plan_shift(agent, at)
        agent.courier = courier

    def _manage(self, agent: Agent, event: Event, at: int) -> None:
        """React to what changes who is at work and who acts for them."""
        match event:
            case ShiftStarted(starts_at=starts_at, ends_at=ends_at):
                if not agent.is_out(at):
                    agent.trip = agent.left_at = agent.standby = agent.counter = None
                    agent.place = agent.anchor = agent.courier.home
                agent.shift = (starts_at, ends_at)
                self._plan_shift(agent, ends_at)
            case ShiftEnded(occurred_at=occurred_at) if agent.shift is not None:
                agent.shift = (agent.shift[0], occurred_at)
                if agent.doing is None:
                    self._halt(agent, at)
                    agent.standby = None
            case OperatorChanged(operator=operator):
                was_ours, agent.operator = agent.operator == SIMULATION, operator
                if operator != SIMULATION:
                    self._halt(agent, at)
                    self._intents.forget("shift", agent.courier_id)
                elif not was_ours:
                    agent.is_lost = True
                    agent.resumed_at = at
                    self._plan_shift(agent, max(at, agent.shift[1] if agent.shift else at))
            case _:
                pass

    def _plan_shift(self, agent: Agent, at: int) -> None:
        settings = self._settings[agent.courier_id]
        start, end = next_shift(settings.shift, self._zone, at)
        starts_at = max(start, at)
        self._intents.want(starts_at, StartShift(agent.courier_id, starts_at, end))

    # --- the courier's work --------------------------------------------------------------------

    def _tell(self, agent: Agent, event: Event, at: int) -> None:
        """React to what the engine says of stops, whoever did them."""
        match event:
            case StopCommitted(stop=stop, occurred_at=occurred_at):
                self._halt(agent, occurred_at)
                agent.doing, agent.standby = Doing(stop, occurred_at), None
                self._set_out(agent, occurred_at)
            case StandbyGiven(store_id=store_id, occurred_at=occurred_at):
                self._halt(agent, occurred_at)
                agent.standby = Waiting(store_id, occurred_at)
                self._set_out(agent, occurred_at)
            case StopArrived(stop=stop, occurred_at=occurred_at) if agent.doing is not None:
                agent.trip = agent.left_at = None
                agent.place = agent.anchor = self._around.place_of(stop)
                agent.counter = None if stop.kind is StopKind.DROPOFF else stop.store_id
                agent.doing.arrived_at = occurred_at
                agent.is_lost = False
            case ParcelPickedUp(order_id=order_id):
                agent.bag.add(order_id)
                agent.doing = None
            case OrderDelivered() | ParcelReturned() | DeliveryFailed():
                if not isinstance(event, DeliveryFailed):
                    agent.bag.discard(event.order_id)
                agent.doing = None
            case StopDeclined(order_id=order_id) | StopReleased(order_id=order_id):
                if agent.doing is not None and agent.doing.stop.order_id == order_id:
                    self._halt(agent, at)
                    agent.doing = None
            case _:
                pass

    def _set_out(self, agent: Agent, at: int) -> None:
        if agent.operator != SIMULATION or agent.is_lost or not agent.is_bound:
            return
        agent.trip, agent.left_at = None, at
        if not self._is_replaying:
            self._look_up(agent)

    def _look_up(self, agent: Agent) -> None:
        if agent.left_at is not None and agent.trip is None:
            agent.trip = self._around.way(agent, agent.left_at)

    def _look_for_another_way(self, at: int) -> None:
        """Let everybody under way go on by the streets that are open now."""
        for agent in self._agents.values():
            if agent.left_at is not None:
                self._halt(agent, at)
                self._set_out(agent, at)
                self._step(agent)

    def _halt(self, agent: Agent, at: int) -> None:
        self._look_up(agent)
        agent.stop_moving(at)

    def _step(self, agent: Agent) -> None:
        if self._is_replaying:
            return
        step = self._around.next_step(agent)
        if step is None:
            self._intents.forget("stop", agent.courier_id)
        else:
            self._intents.want(*step)
