"""A snapshot as peers can take it: one store for each order, pairs to fetch and bring, vehicles.

What is committed lies in the past of a peer's vehicle: it begins where its committed stops end.
Times are seconds after the snapshot's now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatch.model import Fulfilment, Mode, Plan, Snapshot, Stop, StopKind
from simulations.benchmarks.tick_price import Known, leg_cost, nearest_stores, ready_times, timed


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A courier after the committed stops.

    Attributes
    ----------
    mode
        Index of the travel tables.
    start_s
        When it leaves `place`.
    shift_end_s
        No pickup may begin later.
    """

    mode: int
    place: int
    start_s: int
    shift_end_s: int
    capacity_g: int
    capacity_parcels: int


@dataclass(frozen=True, slots=True)
class Task:
    """An order to fetch and bring, or only to bring.

    Attributes
    ----------
    vehicle
        Who has it in the bag; -1 for what is still to be fetched by anybody.
    pickup_place, ready_s, pickup_service_s
        Where, from when on and how long it is fetched; of no meaning for what is in a bag.
    latest_s
        End of the promise: the hand-over should be over by then.
    """

    order_id: str
    vehicle: int
    pickup_place: int
    ready_s: int
    pickup_service_s: int
    door_place: int
    door_service_s: int
    weight_g: int
    latest_s: int


@dataclass(frozen=True, slots=True)
class Slopes:
    """What a second costs: from click to door, in the buffer before the promise's end, after it."""

    waiting: float
    buffer: float
    buffer_s: int
    late: float
    late_square: float
    undelivered: float


Sequences = tuple[tuple[int, ...], ...]
"""For each vehicle what it does: `2 * task` fetches, `2 * task + 1` brings."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What a peer is asked; nothing in it but numbers and ids, so it goes to another process.

    Attributes
    ----------
    modes
        Names of the travel tables.
    duration_s
        int32 (modes, places, places).
    cost
        float64 (modes, places, places), of a leg.
    """

    modes: tuple[str, ...]
    duration_s: NDArray[np.int32]
    cost: NDArray[np.float64]
    vehicles: tuple[Vehicle, ...]
    tasks: tuple[Task, ...]
    slopes: Slopes


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A case, and what is needed to read an answer to it.

    Attributes
    ----------
    sourcing, ready_at
        The store that peers are given for each order, and when its goods are ready there.
    """

    case: Case
    known: Known
    sourcing: Mapping[str, str]
    ready_at: Mapping[str, int]

    def plan(self, sequences: Sequence[Sequence[int]], method: str) -> Plan:
        """Return a peer's answer as a plan; what it left in a bag is brought first."""
        tasks = self.case.tasks
        stops: dict[str, list[Stop]] = {}
        bags: list[list[int]] = [[] for _ in sequences]
        for number, task in enumerate(tasks):
            if task.vehicle >= 0:
                bags[task.vehicle].append(2 * number + 1)
        for courier, steps, bag in zip(self.known.snapshot.couriers, sequences, bags, strict=True):
            forgotten = [step for step in bag if step not in steps]
            stops[courier.courier_id] = [
                *courier.committed,
                *(self._stop(step) for step in (*forgotten, *steps)),
            ]
        return timed(self.known, self.sourcing, self.ready_at, stops, method)

    def _stop(self, step: int) -> Stop:
        order_id = self.case.tasks[step >> 1].order_id
        kind = StopKind.DROPOFF if step & 1 else StopKind.PICKUP
        return Stop(kind, order_id, self.sourcing[order_id])


def question(snapshot: Snapshot) -> Question:
    """Return a sound snapshot as a question to peers.

    Orders nobody has a store for are left out.  Goods that go back, couriers who declined and
    trips of one store each are beyond what is asked here.
    """
    known = Known.of(snapshot)
    sourcing = nearest_stores(known)
    ready_at = ready_times(known, sourcing)
    modes = tuple(sorted(snapshot.travel.duration_s))
    ends = _after_committed(known, sourcing, ready_at)
    now = snapshot.now
    vehicles: list[Vehicle] = []
    carrier: dict[str, int] = {}
    done: set[str] = set()
    for number, courier in enumerate(snapshot.couriers):
        place, at = ends[courier.courier_id]
        carrier |= dict.fromkeys(courier.on_board, number)
        for stop in courier.committed:
            if stop.kind is StopKind.PICKUP:
                carrier[stop.order_id] = number
            else:
                done.add(stop.order_id)
        vehicles.append(
            Vehicle(
                mode=modes.index(courier.courier.mode),
                place=place,
                start_s=at - now,
                shift_end_s=courier.shift_end - now,
                capacity_g=courier.courier.capacity_g,
                capacity_parcels=courier.courier.capacity_parcels,
            )
        )
    tasks = [
        _task(known, key, sourcing[key], ready_at[key], carrier.get(key, -1))
        for key, order in sorted(known.orders.items())
        if key in sourcing and key not in done and order.order.fulfilment is Fulfilment.DELIVERY
    ]
    policy = snapshot.policy
    slopes = Slopes(
        waiting=policy.waiting_cost,
        buffer=policy.buffer_cost,
        buffer_s=policy.buffer_s,
        late=policy.late_cost,
        late_square=policy.late_square_cost,
        undelivered=policy.undelivered_cost,
    )
    tables = [snapshot.travel.duration_s[mode] for mode in map(Mode, modes)]
    costs = [leg_cost(snapshot, mode) for mode in map(Mode, modes)]
    case = Case(modes, np.stack(tables), np.stack(costs), tuple(vehicles), tuple(tasks), slopes)
    return Question(case, known, sourcing, ready_at)


def _after_committed(
    known: Known, sourcing: Mapping[str, str], ready_at: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """Return where and when each courier is done with the committed stops."""
    committed = {c.courier_id: c.committed for c in known.snapshot.couriers}
    walked = timed(known, sourcing, ready_at, committed, "committed")
    ends = {
        route.courier_id: (known.place(route.visits[-1].stop), route.visits[-1].depart_at)
        for route in walked.routes
    }
    for courier in known.snapshot.couriers:
        if courier.courier_id not in ends:
            at = max(courier.available_at, known.snapshot.now)
            start = at if courier.on_board else max(at, courier.shift_start)
            ends[courier.courier_id] = (courier.place, start)
    return ends


def _task(known: Known, key: str, store_id: str, ready_at: int, vehicle: int) -> Task:
    order, store, now = known.orders[key], known.stores[store_id], known.snapshot.now
    return Task(
        order_id=key,
        vehicle=vehicle,
        pickup_place=store.place,
        ready_s=max(0, ready_at - now),
        pickup_service_s=store.store.pickup_service_s,
        door_place=order.place,
        door_service_s=order.order.service_s,
        weight_g=order.order.weight_g,
        latest_s=order.promise.latest - now,
    )
