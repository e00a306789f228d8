"""A meal-delivery day under the engine: the instance as events, couriers who do as they are told.

The engine is the one of the live service; only clock, log and travel times differ.  How the
published rules are written in the engine's words:

* A restaurant is a store that is always open, with half a pickup service between street and
  counter (`access_s`) and no time at the counter; its only goods are meals.
* An order is taken with its restaurant, is being picked from the minute of its placement, and its
  picking time leads to its ready time.  The hand-over at the door takes the whole drop-off
  service; the published drop-off is in its middle, so the promise ends half a service after the
  target.
* A courier starts at the on-location, has no limit of load, and is known from the beginning;
  decisions see it from half an hour before the shift (`dispatch.snapshot.SHIFT_AHEAD_S`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, TypeAlias

from dispatch import commands as c
from dispatch import events as e
from dispatch.engine import Engine
from dispatch.model import (
    Courier,
    LonLat,
    Mode,
    OrderLine,
    Plan,
    Policy,
    Promise,
    Snapshot,
    Stop,
    StopKind,
    Store,
    Unassigned,
)
from simulations.benchmarks.mdrp_files import Solution
from simulations.benchmarks.mdrp_instance import Instance, MealOrder
from simulations.benchmarks.mdrp_rider import Diary
from simulations.benchmarks.mdrp_travel import MINUTE_S, PlaneTravelTimes
from simulations.loop import MemoryLog, SimClock

Solver: TypeAlias = Callable[[Snapshot], Plan]

EPOCH_S: Final = 1_514_764_800
"""Minute 0 of every instance: 2018-01-01 00:00 UTC; any whole minute would do."""

MEAL: Final = "meal"
_PLENTY: Final = 1_000_000
_FAR_S: Final = 100_000_000

_PLACED, _READY, _ARRIVED, _DONE = range(4)
"""What happens within one minute, in this order."""


def epoch(minute: int) -> int:
    """Return the engine's time of an instance's minute."""
    return EPOCH_S + MINUTE_S * minute


def minute_of(at: int) -> int:
    """Return the instance's minute of an engine's time.

    Raises
    ------
    ValueError
        If it is not a whole minute.
    """
    minute, rest = divmod(at - EPOCH_S, MINUTE_S)
    if rest:
        raise ValueError(f"{at} is {rest} s after a whole minute; the instance knows none between")
    return minute


@dataclass(frozen=True, slots=True)
class Tick:
    """Wall time of one decision: of the plan alone, and of all the engine did with it."""

    plan_ms: float
    replan_ms: float


@dataclass(frozen=True, slots=True)
class Day:
    """What came of a day.

    Attributes
    ----------
    minutes
        How many minutes were looked at.
    left
        For each order that was not delivered, what the last plan said about it.
    breaches
        What the engine told couriers against the rules, and plans that its own check refused.
    """

    solution: Solution
    ticks: tuple[Tick, ...]
    minutes: int
    wall_s: float
    left: Mapping[str, str]
    breaches: tuple[str, ...]


def store_of(instance: Instance, restaurant_id: str, place: LonLat) -> Store:
    """Return a restaurant as a store."""
    return Store(
        restaurant_id,
        restaurant_id,
        place,
        pickers=1,
        pick_base_s=0,
        pick_line_s=0,
        pickup_service_s=0,
        reach_s=_FAR_S,
        access_s=MINUTE_S * instance.parameters.half_pickup_min,
    )


def courier_of(courier_id: str, place: LonLat) -> Courier:
    """Return a courier of an instance as one of the engine."""
    return Courier(
        courier_id, courier_id, Mode.CAR, place, capacity_g=_PLENTY, capacity_parcels=_PLENTY
    )


def promise_of(instance: Instance, order: MealOrder) -> Promise:
    """Return the target of an order as a promise for the end of its hand-over."""
    parameters = instance.parameters
    placed = epoch(order.placed_min)
    latest = placed + MINUTE_S * (parameters.target_min + parameters.half_dropoff_min)
    return Promise(placed, latest, placed)


@dataclass(slots=True)
class World:
    """One instance, its engine, and what is under way.

    Parameters
    ----------
    every_min
        A decision is taken at every so many minutes, counted from the first.
    stopwatch
        Returns seconds of wall time.
    keeps_watch
        Decide even while no order is open, because idle couriers may be moved.
    ahead_min
        Every order is known so many minutes before its placement: what not knowing costs.
    is_peer
        The solver weighs by other costs than the policy's: what its plans say of theirs is
        nothing to be held against it.
    """

    instance: Instance
    policy: Policy
    solve: Solver
    every_min: int
    stopwatch: Callable[[], float]
    seed: int = 0
    keeps_watch: bool = False
    ahead_min: int = 0
    is_peer: bool = False
    engine: Engine = field(init=False)
    diary: Diary = field(init=False)
    _clock: SimClock = field(init=False)
    _agenda: list[tuple[int, int, int, str, str]] = field(default_factory=list)
    _number: int = 0
    _names: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)
    _arrived: dict[str, int] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)
    _ticks: list[Tick] = field(default_factory=list)
    _breaches: list[str] = field(default_factory=list)
    _first_min: int = 0

    def __post_init__(self) -> None:
        instance = self.instance
        self._first_min = min(
            *(courier.on_min for courier in instance.couriers.values()),
            *(order.placed_min for order in instance.orders.values()),
        )
        travel = PlaneTravelTimes(instance)
        self._clock = SimClock(epoch(self._first_min))
        log = MemoryLog(instance.name)
        self.engine = Engine(
            instance.name, self._clock, travel, log, self.policy, "UTC", seed=self.seed
        )
        self.diary = Diary(instance)
        for key, place in instance.counters.items():
            store = store_of(instance, key, travel.places[place])
            self.engine.handle(c.RegisterStore(store))
            self.engine.handle(c.SetStock(key, {MEAL: _PLENTY}))
        for key, courier in instance.couriers.items():
            place = instance.homes[key]
            self.engine.handle(c.RegisterCourier(courier_of(key, travel.places[place])))
            shift = c.StartShift(key, epoch(courier.on_min), epoch(courier.off_min))
            self.engine.handle(shift)
        for order in instance.orders.values():
            told_min = max(self._first_min, order.placed_min - self.ahead_min)
            self._put(told_min, _PLACED, order.order_id, "")

    def run(self) -> Day:
        """Let the day pass until nothing can be delivered any more."""
        began = self.stopwatch()
        last_off = max(courier.off_min for courier in self.instance.couriers.values())
        minute, minutes = self._first_min, 0
        while minute <= last_off or self._is_anybody_busy():
            self._clock.advance(epoch(minute))
            minutes += 1
            self._pass(minute)
            if not self.engine.state.orders and not self.keeps_watch:
                if not self._agenda:
                    break
                minute = max(minute + 1, self._agenda[0][0])
            else:
                minute += 1
        solution = self.diary.solution(foreseen=self.ahead_min > 0)
        delivered = {delivery.order_id for delivery in solution.deliveries}
        return Day(
            solution=solution,
            ticks=tuple(self._ticks),
            minutes=minutes,
            wall_s=self.stopwatch() - began,
            left={
                key: self._said.get(key, "it was placed after the last shift")
                for key in self.instance.orders
                if key not in delivered
            },
            breaches=(*self._breaches, *self.diary.breaches),
        )

    def _is_anybody_busy(self) -> bool:
        return any(courier.busy for courier in self.engine.state.couriers.values())

    # --- one minute ----------------------------------------------------------------------------

    def _pass(self, minute: int) -> None:
        self._feed(minute)
        decides = (minute - self._first_min) % self.every_min == 0
        if decides and (self.engine.state.orders or self.keeps_watch):
            self._hear(self._decide())
        else:
            self._hear(self.engine.commit_due())
        while self._feed(minute):
            self._hear(self.engine.commit_due())

    def _decide(self) -> Sequence[e.Recorded]:
        plan_s = 0.0

        def timed(snapshot: Snapshot) -> Plan:
            nonlocal plan_s
            began = self.stopwatch()
            plan = self.solve(snapshot)
            plan_s = self.stopwatch() - began
            return plan

        began = self.stopwatch()
        recorded = self.engine.replan(timed)
        replan_s = self.stopwatch() - began
        self._ticks.append(Tick(plan_s * 1000, replan_s * 1000))
        return recorded

    def _put(self, minute: int, kind: int, subject: str, stop_id: str) -> None:
        self._number += 1
        heappush(self._agenda, (minute, kind, self._number, subject, stop_id))

    def _feed(self, minute: int) -> bool:
        """Tell the engine all that has happened up to a minute; returns whether anything has."""
        happened = False
        while self._agenda and self._agenda[0][0] <= minute:
            at, kind, _, subject, stop_id = heappop(self._agenda)
            happened = True
            if kind == _PLACED:
                self._place(self.instance.orders[subject], at)
            elif kind == _READY:
                self.engine.handle(c.CompletePick(self._ids[subject], epoch(at)))
            elif kind == _ARRIVED:
                self.engine.handle(c.ArriveAtStop(subject, stop_id, epoch(at)))
            else:
                self._finish(subject, stop_id, at)
        return happened

    def _place(self, order: MealOrder, minute: int) -> None:
        parameters = self.instance.parameters
        place = self.engine.travel
        if not isinstance(place, PlaneTravelTimes):
            raise TypeError(f"{type(place).__name__} has no places of an instance")
        told = epoch(minute)
        recorded = self.engine.handle(
            c.AcceptOrder(
                door=place.places[self.instance.doors[order.order_id]],
                address=order.order_id,
                lines=(OrderLine(MEAL, 1),),
                weight_g=1,
                created_at=told,
                store_id=order.restaurant_id,
                promise=promise_of(self.instance, order),
                service_s=MINUTE_S * parameters.dropoff_service_min,
                pick_s=MINUTE_S * (order.ready_min - minute),
                external_id=order.order_id,
            )
        )
        received = recorded[0].event
        if not isinstance(received, e.OrderReceived):
            raise TypeError(f"an order was answered by {type(received).__name__}")
        order_id = received.order.order_id
        self._ids[order.order_id], self._names[order_id] = order_id, order.order_id
        self.engine.handle(c.StartPick(order_id, told))
        self._put(order.ready_min, _READY, order.order_id, "")

    def _finish(self, courier_id: str, stop_id: str, minute: int) -> None:
        commitment = self.engine.state.couriers[courier_id].commitment
        if commitment is None or commitment.stop.stop_id != stop_id:
            raise ValueError(f"courier {courier_id} does not do {stop_id} at minute {minute}")
        self.engine.handle(c.CompleteStop(courier_id, stop_id, epoch(minute)))
        rider, name = self.diary.riders[courier_id], self._names[commitment.stop.order_id]
        if commitment.stop.kind is StopKind.PICKUP:
            rider.fetched(name, minute)
        else:
            rider.brought(name, minute - self.instance.parameters.dropoff_service_min)

    # --- what the engine says ------------------------------------------------------------------

    def _hear(self, recorded: Sequence[e.Recorded]) -> None:
        for record in recorded:
            event = record.event
            if isinstance(event, e.StopCommitted):
                self._go(event.courier_id, event.stop, minute_of(event.occurred_at))
            elif isinstance(event, e.StandbyGiven):
                rider = self.diary.riders[event.courier_id]
                rider.told_to_stand_by(event.store_id, minute_of(event.occurred_at))
            elif isinstance(event, e.PlanPublished):
                self._breaches += (
                    said
                    for said in event.violations
                    if not (self.is_peer and said.startswith("objective:"))
                )
                self._note(event.unassigned, minute_of(event.made_at))

    def _go(self, courier_id: str, stop: Stop, minute: int) -> None:
        rider, name = self.diary.riders[courier_id], self._names[stop.order_id]
        parameters = self.instance.parameters
        if stop.kind is StopKind.PICKUP:
            arrive_min = rider.told_to_fetch(name, minute)
            done_min = max(arrive_min, self.instance.orders[name].ready_min)
        else:
            arrive_min = rider.told_to_bring(name, minute, self._doors(courier_id))
            done_min = arrive_min + parameters.dropoff_service_min
        self._put(arrive_min, _ARRIVED, courier_id, stop.stop_id)
        self._put(done_min, _DONE, courier_id, stop.stop_id)

    def _doors(self, courier_id: str) -> tuple[str, ...]:
        """Return what a courier has in the bag, in the sequence of the plan in force."""
        courier = self.engine.state.couriers[courier_id]
        visits = courier.route.visits if courier.route is not None else ()
        return tuple(
            self._names[visit.stop.order_id]
            for visit in visits
            if visit.stop.kind is StopKind.DROPOFF and visit.stop.order_id in courier.on_board
        )

    def _note(self, unassigned: Sequence[Unassigned], minute: int) -> None:
        for entry in unassigned:
            name = self._names[entry.order_id]
            self._said[name] = f"at {minute}: {entry.reason.value}, {entry.detail}"
