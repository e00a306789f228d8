"""Times, loads, feasibility and cost along one courier's route.

A `Tour` is a route being worked on: its steps, and for each the state in which the courier
leaves it, so that a change is priced from where it begins and only as far as it is felt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dispatch.model import (
    UNREACHABLE_S,
    CourierInPlay,
    OrderInPlay,
    Policy,
    Route,
    Stop,
    StopKind,
    StoreInPlay,
    Visit,
)
from dispatch.planning.situation import Situation

_NEVER = 1 << 60
"""Later than any promise ends."""

_NO_LIMIT = float("inf")

_GAIN = 1e-6
"""Costs nearer than this are the same: sums of floats in another order differ in the last bit."""


@dataclass(slots=True, eq=False)
class Step:
    """A stop as the search sees it.

    Attributes
    ----------
    place
        Index in the travel table.
    earliest
        The service cannot begin sooner: when the goods are ready.
    windows
        Opening times in which a pickup must begin, unless it is committed.
    """

    stop: Stop
    job: Job
    place: int
    service_s: int
    picks_up: bool
    earliest: int = 0
    windows: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True, eq=False)
class Job:
    """An order as the search sees it.

    Attributes
    ----------
    weight_g
        Of the parcel.
    counts_from, latest
        Waiting counts from the one, lateness from the other; goods that go back are never late.
    end
        The step that ends it: a drop-off or a return.
    pickups
        A pickup step for each store it may come from.
    store_id
        The store chosen at present.
    allowed
        Ids of the couriers who may take it.
    in_bag
        It needs no pickup any more, or the pickup is committed: it stays with its courier.
    tour
        Who has it in the present draft.
    """

    order: OrderInPlay
    weight_g: int
    counts_from: int
    latest: int
    end: Step = field(init=False)
    pickups: dict[str, Step] = field(default_factory=dict)
    store_id: str | None = None
    candidates: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()
    in_bag: bool = False
    tour: str | None = None

    @property
    def order_id(self) -> str:
        """Id of the order."""
        return self.order.order_id


@dataclass(frozen=True, slots=True)
class Insertion:
    """Where an order goes into a tour, and what that adds to the cost.

    `pickup_at` and `end_at` are positions in the tour as it is before the insertion.
    """

    added: float
    courier_id: str
    pickup_at: int
    end_at: int
    store_id: str | None


class Prices:
    """The policy's costs, ready for the inner loop."""

    __slots__ = ("buffer_s", "late", "per_buffer_s", "per_waiting_s", "square", "whole_buffer")

    def __init__(self, policy: Policy) -> None:
        self.per_waiting_s = policy.waiting_cost
        self.per_buffer_s = policy.buffer_cost
        self.buffer_s = policy.buffer_s
        self.whole_buffer = policy.buffer_cost * policy.buffer_s
        self.late = policy.late_cost
        self.square = policy.late_square_cost

    def waiting(self, job: Job, done_at: int) -> float:
        """Return the price of the time from click to hand-over."""
        return self.per_waiting_s * (done_at - job.counts_from)

    def lateness(self, job: Job, done_at: int) -> float:
        """Return the price of a hand-over near or after the promise's end; convex."""
        late = done_at - job.latest
        if late > 0:
            return self.whole_buffer + late * (self.late + self.square * late)
        short = late + self.buffer_s
        return self.per_buffer_s * short if short > 0 else 0.0

    def hand_over(self, job: Job, done_at: int) -> float:
        """Return all that the time of a hand-over costs."""
        cost = self.per_waiting_s * (done_at - job.counts_from)
        late = done_at - job.latest
        if late > 0:
            return cost + self.whole_buffer + late * (self.late + self.square * late)
        if late > -self.buffer_s:
            cost += self.per_buffer_s * (late + self.buffer_s)
        return cost


class Tour:
    """A courier's route being worked on.

    Attributes
    ----------
    steps
        In order; the first `locked` are committed and stay where they are.
    version
        Changes whenever the steps or their times do.
    feasible
        Whether every leg has a way and every limit is kept; if not, `cost` means nothing.
    """

    def __init__(self, courier: CourierInPlay, situation: Situation, prices: Prices) -> None:
        mode = courier.courier.mode
        self.courier = courier
        self.courier_id = courier.courier_id
        self.now = situation.now
        self.prices = prices
        self.duration_s = situation.duration_s[mode]
        self.edge_cost = situation.edge_cost[mode]
        self.length_m = situation.length_m[mode]
        self.start_at = courier.available_at
        self.capacity_g = courier.courier.capacity_g
        self.capacity_parcels = courier.courier.capacity_parcels
        self.shift_end = courier.shift_end
        self.bag_g = 0
        self.bag_parcels = 0
        self.arrived = False
        self.locked = 0
        self.steps: list[Step] = []
        self.version = 0
        self.feasible = True
        self.cost = 0.0
        # State on leaving step i - 1 (index 0: the start), one longer than the steps.
        self.place: list[int] = [courier.place]
        self.depart: list[int] = [self.start_at]
        self.load_g: list[int] = [0]
        self.load_parcels: list[int] = [0]
        # Per step; and the cost of everything from step i on, with and without the leg to it,
        # one longer than the steps.
        self.begin: list[int] = []
        self.after: list[float] = [0.0]
        self.rest: list[float] = [0.0]

    def seat(self, committed: list[Step], bag: Sequence[Job], *, arrived: bool) -> bool:
        """Begin the tour with its committed steps and its bag; returns whether it is feasible."""
        self.locked = len(committed)
        self.arrived = arrived
        self.bag_g = sum(job.weight_g for job in bag)
        self.bag_parcels = len(bag)
        self.start_at = self.courier.available_at
        if not committed:
            # Whoever is on the way may have left before now; whoever is free has not.
            self.start_at = max(self.start_at, self.now)
            if not bag:
                self.start_at = max(self.start_at, self.courier.shift_start)
        return self.refresh(committed)

    def refresh(self, steps: list[Step] | None = None) -> bool:
        """Work out all times, loads and costs again; new steps are kept, never changed."""
        if steps is not None:
            self.steps = steps
        self.version += 1
        self.place = [self.courier.place]
        self.depart = [self.start_at]
        self.load_g = [self.bag_g]
        self.load_parcels = [self.bag_parcels]
        self.begin = []
        costs: list[float] = []
        self.feasible = True
        place, at = self.courier.place, self.start_at
        load_g, parcels = self.bag_g, self.bag_parcels
        for index, step in enumerate(self.steps):
            standing = index == 0 and self.arrived
            leg_s = 0 if standing else self.duration_s[place][step.place]
            committed = index < self.locked
            begin: int | None = max(at + leg_s, step.earliest)
            if step.picks_up and not committed:
                begin = self._pickup_at(step, at + leg_s)
            if leg_s >= UNREACHABLE_S or begin is None:
                self.feasible = False
                begin = at if begin is None else begin
            cost = 0.0 if standing else self.edge_cost[place][step.place]
            # Whoever is overdue at a stop ends it now at the earliest.
            at = max(begin + step.service_s, self.now)
            place = step.place
            if step.picks_up:
                load_g += step.job.weight_g
                parcels += 1
                if not committed and (load_g > self.capacity_g or parcels > self.capacity_parcels):
                    self.feasible = False
            else:
                load_g -= step.job.weight_g
                parcels -= 1
                cost += self.prices.hand_over(step.job, at)
            self.place.append(place)
            self.depart.append(at)
            self.load_g.append(load_g)
            self.load_parcels.append(parcels)
            self.begin.append(begin)
            costs.append(cost)
        total = 0.0
        after = [0.0]
        for cost in reversed(costs):
            total += cost
            after.append(total)
        after.reverse()
        self.after = after
        self.rest = [
            later - self.edge_cost[here][step.place]
            for later, here, step in zip(after, self.place, self.steps, strict=False)
        ]
        self.rest.append(0.0)
        self.cost = total
        return self.feasible

    def _pickup_at(self, step: Step, arrive: int) -> int | None:
        """Return when a pickup begins: the goods ready, the store open, the shift not over."""
        begin = max(step.earliest, arrive)
        for start, end in step.windows:
            if begin < end:
                begin = max(start, begin)
                return begin if begin <= self.shift_end else None
        return None

    def best_end(self, job: Job) -> Insertion | None:
        """Return the cheapest place for the drop-off or return of what is in the bag by then."""
        first = max(self.locked, self._step_after_pickup(job))
        best = _NO_LIMIT
        where: int | None = None
        for index in range(first, len(self.steps) + 1):
            place = self.place[index]
            leg_s = self.duration_s[place][job.end.place]
            if leg_s >= UNREACHABLE_S:
                continue
            done = self.depart[index] + leg_s + job.end.service_s
            added = self.edge_cost[place][job.end.place] + self.prices.hand_over(job, done)
            added += self._tail(index, job.end.place, done) - self.after[index]
            if added < best - _GAIN:
                best = added
                where = index
        if where is None:
            return None
        return Insertion(best, self.courier_id, where, where, job.store_id)

    def best_pair(
        self, job: Job, pickup: Step, extra: float = 0.0, limit: float = _NO_LIMIT
    ) -> Insertion | None:
        """Return the cheapest places for an order's pickup and drop-off, None if it has none.

        `extra` is added to the cost; nothing that costs `limit` or more is looked for.  Of
        places that cost the same the earliest is taken.
        """
        duration_s = self.duration_s
        ride_s = duration_s[pickup.place][job.end.place]
        if job.weight_g > self.capacity_g or ride_s >= UNREACHABLE_S:
            return None
        soonest_s = pickup.service_s + ride_s + job.end.service_s
        best = limit - extra
        where: tuple[int, int] | None = None
        for first in range(self.locked, len(self.steps) + 1):
            place = self.place[first]
            leg_s = duration_s[place][pickup.place]
            if leg_s >= UNREACHABLE_S or not self._has_room(first, job):
                continue
            begin = self._pickup_at(pickup, self.depart[first] + leg_s)
            if begin is None:
                continue
            # Saved by not going on as before; what is saved later can only be less.
            cost = self.edge_cost[place][pickup.place] - self.after[first]
            least = cost + self.prices.hand_over(job, begin + soonest_s) + self.rest[first]
            if least >= best:
                continue
            at = begin + pickup.service_s
            found, last = self._best_drop(job, first, pickup.place, at, cost, best)
            if last is not None:
                best = found
                where = (first, last)
        if where is None:
            return None
        return Insertion(best + extra, self.courier_id, *where, pickup.stop.store_id)

    def _best_drop(
        self, job: Job, first: int, place: int, at: int, cost: float, best: float
    ) -> tuple[float, int | None]:
        """Return the best cost and place of a drop-off after a pickup before step `first`.

        `place`, `at` and `cost` are the state after the pickup; None if nothing beats `best`.
        """
        duration_s, edge, steps = self.duration_s, self.edge_cost, self.steps
        hand_over = self.prices.hand_over
        end_place, end_service_s = job.end.place, job.end.service_s
        where: int | None = None
        for last in range(first, len(steps) + 1):
            leg_s = duration_s[place][end_place]
            if leg_s < UNREACHABLE_S:
                done = at + leg_s + end_service_s
                here = cost + edge[place][end_place] + hand_over(job, done)
                # The rest costs at least what it did before, but for the leg to it.
                if here + self.rest[last] < best:
                    here += self._tail(last, end_place, done)
                    if here < best - _GAIN:
                        best = here
                        where = last
            if last == len(steps):
                break
            step = steps[last]
            leg_s = duration_s[place][step.place]
            if leg_s >= UNREACHABLE_S or (step.picks_up and not self._has_room(last + 1, job)):
                break
            cost += edge[place][step.place]
            place = step.place
            if step.picks_up:
                begin = self._pickup_at(step, at + leg_s)
                if begin is None:
                    break
                at = begin + step.service_s
            else:
                at += leg_s + step.service_s
                cost += hand_over(step.job, at)
        return best, where

    def _has_room(self, index: int, job: Job) -> bool:
        return (
            self.load_g[index] + job.weight_g <= self.capacity_g
            and self.load_parcels[index] < self.capacity_parcels
        )

    def _step_after_pickup(self, job: Job) -> int:
        for index, step in enumerate(self.steps):
            if step.job is job and step.picks_up:
                return index + 1
        return 0

    def _tail(self, index: int, place: int, at: int) -> float:
        """Return the cost of going on from a place with step `index`; infinite if it fails."""
        duration_s, edge, steps, begins = self.duration_s, self.edge_cost, self.steps, self.begin
        buffer_s, price = self.prices.buffer_s, self.prices
        cost = 0.0
        for later in range(index, len(steps)):
            step = steps[later]
            leg_s = duration_s[place][step.place]
            if leg_s >= UNREACHABLE_S:
                return _NO_LIMIT
            begin = at + leg_s
            if step.picks_up:
                opened = self._pickup_at(step, begin)
                if opened is None:
                    return _NO_LIMIT
                begin = opened
            cost += edge[place][step.place]
            place = step.place
            if begin == begins[later]:
                # The delay is absorbed here: the rest is as it was.
                return cost + self.after[later] - edge[self.place[later]][place]
            at = begin + step.service_s
            if not step.picks_up:
                # As in Prices.hand_over, written out: this is the innermost loop.
                job = step.job
                cost += price.per_waiting_s * (at - job.counts_from)
                late = at - job.latest
                if late > 0:
                    cost += price.whole_buffer + late * (price.late + price.square * late)
                elif late > -buffer_s:
                    cost += price.per_buffer_s * (late + buffer_s)
        return cost

    def insert(self, job: Job, place: Insertion) -> bool:
        """Put an order in; returns whether the tour is feasible."""
        steps = list(self.steps)
        steps.insert(place.end_at, job.end)
        if not job.in_bag and place.store_id is not None:
            steps.insert(place.pickup_at, job.pickups[place.store_id])
        job.tour = self.courier_id
        return self.refresh(steps)

    def without(self, job: Job) -> list[Step]:
        """Return the steps without those of an order."""
        return [step for step in self.steps if step.job is not job]

    def route(self) -> Route | None:
        """Return the route with its times, leaving just in time; None if there is nothing to do.

        Only waiting at the first stop is turned into a later start, and only where the courier
        was not already told to go.
        """
        if not self.steps:
            return None
        visits: list[Visit] = []
        for index, step in enumerate(self.steps):
            standing = index == 0 and self.arrived
            here = self.place[index]
            leg_s = 0 if standing else self.duration_s[here][step.place]
            visits.append(
                Visit(
                    stop=step.stop,
                    arrive_at=self.depart[index] + leg_s,
                    begin_at=self.begin[index],
                    depart_at=self.depart[index + 1],
                    travel_s=leg_s,
                    length_m=0 if standing else self.length_m[here][step.place],
                )
            )
        leave_at = self.start_at
        first = visits[0]
        if self.locked == 0:
            leave_at += first.begin_at - first.arrive_at
            visits[0] = Visit(
                first.stop,
                first.begin_at,
                first.begin_at,
                first.depart_at,
                first.travel_s,
                first.length_m,
            )
        return Route(self.courier_id, tuple(visits), leave_at)


def make_job(situation: Situation, order: OrderInPlay) -> Job:
    """Return an order as a job, with its last step; pickups are added store by store."""
    returning = order.returning
    job = Job(
        order=order,
        weight_g=order.order.weight_g,
        counts_from=situation.now if returning else order.order.created_at,
        latest=_NEVER if returning else order.promise.latest,
        store_id=order.store_id,
    )
    store_id = order.store_id or ""
    if returning:
        store = situation.stores[store_id]
        stop = Stop(StopKind.RETURN, order.order_id, store_id)
        job.end = Step(stop, job, store.place, store.store.pickup_service_s, picks_up=False)
    else:
        stop = Stop(StopKind.DROPOFF, order.order_id, store_id)
        job.end = Step(stop, job, order.place, order.order.service_s, picks_up=False)
    return job


def pickup_step(job: Job, store: StoreInPlay, ready_at: int) -> Step:
    """Return the step that fetches an order at a store."""
    return Step(
        stop=Stop(StopKind.PICKUP, job.order_id, store.store_id),
        job=job,
        place=store.place,
        service_s=store.store.pickup_service_s,
        picks_up=True,
        earliest=ready_at,
        windows=store.open_windows,
    )
