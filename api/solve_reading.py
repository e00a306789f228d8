"""From VROOM's JSON to a problem, or to one refusal that names its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from api import strict_json
from api.osrm_query import PROFILES
from api.solve_refusal import SolveRefusal, of_invalid, refuse
from api.solve_schemas import (
    MatricesIn,
    ShipmentIn,
    SolveIn,
    TaskIn,
    VehicleIn,
)
from dispatch.tours.errors import TourError
from dispatch.tours.model import (
    HOUR_S,
    NEVER,
    NO_WAY,
    NOWHERE,
    UNLIMITED,
    Amount,
    Break,
    Costs,
    Due,
    Kind,
    Problem,
    Request,
    StepRef,
    Tables,
    Task,
    Vehicle,
    Window,
)
from geo.types import UNREACHABLE_S, LonLat, Mode

MODES: Final = {
    **PROFILES,
    "driving-car": Mode.CAR,
    "cycling-regular": Mode.BIKE,
    "cycling-road": Mode.BIKE,
    "foot-walking": Mode.WALK,
}
"""Names of our modes: OSRM's and openrouteservice's clients' as well."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a problem may be, and how long it may take."""

    tasks: int
    vehicles: int
    places: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RoadTable:
    """Legs on our own network, shape (places, places)."""

    duration_s: NDArray[np.int32]
    length_m: NDArray[np.int32]


AskRoads = Callable[[Mode, Sequence[LonLat]], RoadTable]
"""Where legs on our own network come from; raises `SolveRefusal` for a place off the road."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A problem and what belongs to its answer.

    Attributes
    ----------
    locations
        Of places that were given as coordinates.
    on_network
        Whether places are coordinates on our own network, not rows of the tables given.
    """

    body: SolveIn
    problem: Problem
    locations: dict[int, LonLat]
    on_network: bool
    has_lengths: bool


def read(raw: bytes, limits: Limits, ask_roads: AskRoads) -> Asked:
    """Return what a body asks for; raises `SolveRefusal` with everything that is wrong."""
    try:
        strict_json.loads(raw)
    except json.JSONDecodeError as error:
        raise SolveRefusal("malformed_body", f"The body is not JSON: {error.msg}.") from error
    try:
        body = SolveIn.model_validate_json(raw)
    except ValidationError as error:
        raise of_invalid(error) from error
    _check_size(body, limits)
    return _Reader(body, limits, ask_roads).read()


def _check_size(body: SolveIn, limits: Limits) -> None:
    tasks = len(body.jobs) + sum(2 + len(one.samehour.pickups) for one in body.shipments)
    for pointer, count, most in (
        ("/jobs", tasks, limits.tasks),
        ("/vehicles", len(body.vehicles), limits.vehicles),
    ):
        if count > most:
            what = "tasks" if pointer == "/jobs" else "vehicles"
            raise refuse(pointer, f"{count} {what} are more than {most}; split the problem")


class _Reader:
    def __init__(self, body: SolveIn, limits: Limits, ask_roads: AskRoads) -> None:
        self.body = body
        self.limits = limits
        self.ask_roads = ask_roads
        matrices = dict(body.matrices or {})
        if body.matrix is not None:
            matrices = {
                vehicle.profile: MatricesIn(durations=body.matrix) for vehicle in body.vehicles
            }
        self.matrices = matrices
        self.places: dict[LonLat, int] = {}
        self.locations: dict[int, LonLat] = {}
        self.dimensions = self._dimensions()

    def read(self) -> Asked:
        self._check_ids()
        size = self._matrix_size()
        requests = tuple(self._requests(size))
        vehicles = tuple(
            self._vehicle(number, vehicle, size)
            for number, vehicle in enumerate(self.body.vehicles)
        )
        wants_lengths = self.body.options.g or any(
            vehicle.costs.per_km or vehicle.max_distance is not None
            for vehicle in self.body.vehicles
        )
        if size is None and len(self.places) > self.limits.places:
            raise refuse(
                "/jobs",
                f"{len(self.places)} places are more than {self.limits.places}; split the problem",
            )
        tables = {
            profile: self._tables(profile, number, size, wants_lengths)
            for number, profile in self._profiles().items()
        }
        problem = Problem(requests, vehicles, tables, self.dimensions)
        has_lengths = all(one.length_m is not None for one in tables.values())
        self._check_on_board(problem)
        return Asked(self.body, problem, self.locations, size is None, has_lengths)

    def _profiles(self) -> dict[int, str]:
        """Return the profiles in use, by the first vehicle that has each."""
        first: dict[str, int] = {}
        for number, vehicle in enumerate(self.body.vehicles):
            first.setdefault(vehicle.profile, number)
        return {number: profile for profile, number in first.items()}

    # --- amounts and ids -------------------------------------------------------------------------

    def _amounts(self) -> Iterator[tuple[str, Sequence[int] | None]]:
        for number, vehicle in enumerate(self.body.vehicles):
            yield f"/vehicles/{number}/capacity", vehicle.capacity
            for index, pause in enumerate(vehicle.breaks):
                yield f"/vehicles/{number}/breaks/{index}/max_load", pause.max_load
        for number, job in enumerate(self.body.jobs):
            yield f"/jobs/{number}/delivery", job.delivery
            yield f"/jobs/{number}/pickup", job.pickup
            yield f"/jobs/{number}/amount", job.amount
        for number, shipment in enumerate(self.body.shipments):
            yield f"/shipments/{number}/amount", shipment.amount

    def _dimensions(self) -> int:
        known: int | None = None
        for pointer, amount in self._amounts():
            if not amount:
                continue
            if known is not None and len(amount) != known:
                raise refuse(
                    pointer, f"has {len(amount)} amounts, where others have {known}; give as many"
                )
            known = len(amount)
        if known is not None:
            # VROOM's rule: an amount that is not given is nothing, capacities included.
            return known
        return 0

    def _check_ids(self) -> None:
        for name, ids in (
            ("/vehicles", [one.id for one in self.body.vehicles]),
            ("/jobs", [one.id for one in self.body.jobs]),
            ("/shipments", [one.delivery.id for one in self.body.shipments]),
            (
                "/shipments",
                [
                    step.id
                    for one in self.body.shipments
                    for step in ([one.pickup] if one.pickup else []) + one.samehour.pickups
                ],
            ),
        ):
            seen: set[int] = set()
            for number, known in enumerate(ids):
                if known in seen:
                    where = f"{name}/{number}/id" if name != "/shipments" else name
                    raise refuse(where, f"id {known} is given twice; give each its own")
                seen.add(known)

    # --- places ----------------------------------------------------------------------------------

    def _matrix_size(self) -> int | None:
        """Return how many places the tables have; None where places are on our own network."""
        if not self.matrices:
            return None
        size: int | None = None
        for profile, tables in self.matrices.items():
            for name in ("durations", "distances", "costs"):
                rows = getattr(tables, name)
                if rows is None:
                    continue
                pointer = f"/matrices/{profile}/{name}" if self.body.matrix is None else "/matrix"
                size = len(rows) if size is None else size
                if not rows or len(rows) != size or any(len(row) != len(rows) for row in rows):
                    raise refuse(
                        pointer, "must be square, not empty, and as large as the other tables"
                    )
                if size > self.limits.places:
                    raise refuse(pointer, f"has {size} places, more than {self.limits.places}")
        return size

    def _place(
        self,
        pointer: str,
        location: tuple[float, float] | None,
        index: int | None,
        size: int | None,
    ) -> int:
        """Return the row of a place."""
        key = "location" if not pointer.startswith("/vehicles") else ""
        if size is not None:
            if index is None:
                raise refuse(
                    pointer + ("/" + key if key else ""),
                    "its index is missing, which tables of one's own need",
                )
            if index >= size:
                raise refuse(pointer, f"index {index} is no row of tables with {size} places")
            if location is not None:
                self.locations[index] = LonLat(*location)
            return index
        if location is None:
            raise refuse(pointer, "its coordinates are missing; give them, or matrices")
        place = LonLat(*location)
        row = self.places.setdefault(place, len(self.places))
        self.locations[row] = place
        return row

    # --- tasks -----------------------------------------------------------------------------------

    def _requests(self, size: int | None) -> Iterator[Request]:
        for number, job in enumerate(self.body.jobs):
            yield Request(
                task=self._task(f"/jobs/{number}", job, Kind.JOB, size),
                delivery=_amount(job.delivery if job.amount is None else job.amount),
                pickup=_amount(job.pickup),
                skills=frozenset(job.skills),
                priority=job.priority,
            )
        for number, shipment in enumerate(self.body.shipments):
            yield self._shipment(f"/shipments/{number}", shipment, size)

    def _shipment(self, pointer: str, shipment: ShipmentIn, size: int | None) -> Request:
        more = shipment.samehour
        pickups = []
        if shipment.pickup is not None:
            pickups.append(self._task(f"{pointer}/pickup", shipment.pickup, Kind.PICKUP, size))
        pickups += [
            self._task(f"{pointer}/samehour/pickups/{index}", one, Kind.PICKUP, size)
            for index, one in enumerate(more.pickups)
        ]
        on_board = None
        if more.on_board is not None:
            ids = [vehicle.id for vehicle in self.body.vehicles]
            if more.on_board not in ids:
                raise refuse(f"{pointer}/samehour/on_board", f"there is no vehicle {more.on_board}")
            on_board = ids.index(more.on_board)
        return Request(
            task=self._task(f"{pointer}/delivery", shipment.delivery, Kind.DELIVERY, size),
            pickups=tuple(pickups),
            delivery=_amount(shipment.amount),
            skills=frozenset(shipment.skills),
            priority=shipment.priority,
            on_board=on_board,
        )

    def _task(self, pointer: str, task: TaskIn, kind: Kind, size: int | None) -> Task:
        due = task.samehour
        return Task(
            kind=kind,
            task_id=task.id,
            place=self._place(pointer, task.location, task.location_index, size),
            windows=_windows(task.time_windows),
            setup_s=task.setup,
            service_s=task.service,
            setup_per_type=task.setup_per_type,
            service_per_type=task.service_per_type,
            due=None if due is None else Due(due.due_s, due.late_cost_per_min),
        )

    # --- vehicles --------------------------------------------------------------------------------

    def _vehicle(self, number: int, vehicle: VehicleIn, size: int | None) -> Vehicle:
        pointer = f"/vehicles/{number}"
        start = end = NOWHERE
        if (vehicle.start if size is None else vehicle.start_index) is not None:
            start = self._place(f"{pointer}/start", vehicle.start, vehicle.start_index, size)
        if (vehicle.end if size is None else vehicle.end_index) is not None:
            end = self._place(f"{pointer}/end", vehicle.end, vehicle.end_index, size)
        if start == end == NOWHERE:
            raise refuse(pointer, "has neither start nor end; give at least one of them")
        tables = self.matrices.get(vehicle.profile)
        if tables is not None and tables.costs is not None:
            costs = vehicle.costs
            if costs.per_hour != HOUR_S or costs.per_km != 0:
                raise refuse(
                    f"{pointer}/costs", "per_hour and per_km do not go with a matrix of costs"
                )
        if self.body.options.c and vehicle.samehour.frozen:
            raise refuse(f"{pointer}/samehour/frozen", "all steps stay where they are with c")
        tasks = [step for step in vehicle.steps if step.type in {"job", "pickup", "delivery"}]
        if vehicle.samehour.frozen > len(tasks):
            raise refuse(
                f"{pointer}/samehour/frozen",
                f"{vehicle.samehour.frozen} are more than the {len(tasks)} tasks in steps",
            )
        none = (0,) * self.dimensions
        return Vehicle(
            vehicle_id=vehicle.id,
            profile=vehicle.profile,
            start=start,
            end=end,
            capacity=_amount(vehicle.capacity) or none,
            skills=frozenset(vehicle.skills),
            window=vehicle.time_window or (0, NEVER),
            breaks=tuple(
                Break(
                    pause.id,
                    _windows(pause.time_windows),
                    pause.service,
                    None if pause.max_load is None else _amount(pause.max_load),
                )
                for pause in vehicle.breaks
            ),
            speed_factor=round(vehicle.speed_factor, 2) or vehicle.speed_factor,
            vehicle_type=vehicle.type,
            costs=Costs(**vehicle.costs.model_dump()),
            max_tasks=_or_unlimited(vehicle.max_tasks),
            max_travel_s=_or_unlimited(vehicle.max_travel_time),
            max_distance_m=_or_unlimited(vehicle.max_distance),
            steps=tuple(
                StepRef(
                    Kind(step.type),
                    step.id,
                    step.service_at,
                    step.service_after,
                    step.service_before,
                )
                for step in vehicle.steps
            ),
            frozen=vehicle.samehour.frozen,
        )

    def _check_on_board(self, problem: Problem) -> None:
        for number, vehicle in enumerate(problem.vehicles):
            load = [0] * problem.dimensions
            for request in problem.requests:
                if request.on_board == number and request.delivery:
                    load = [a + b for a, b in zip(load, request.delivery, strict=True)]
            if any(one > most for one, most in zip(load, vehicle.capacity, strict=True)):
                raise refuse(
                    f"/vehicles/{number}/capacity", f"is less than what is on board, {load}"
                )

    # --- tables ----------------------------------------------------------------------------------

    def _tables(self, profile: str, number: int, size: int | None, wants_lengths: bool) -> Tables:
        pointer = f"/vehicles/{number}/profile"
        if size is not None:
            given = self.matrices.get(profile)
            if given is None or given.durations is None:
                raise refuse(
                    pointer, f"there are no durations for {profile} in matrices; give them"
                )
            lengths = _table(given.distances)
            if lengths is None and wants_lengths:
                lengths = self._own_lengths(profile, pointer, size)
            durations = _table(given.durations)
            assert durations is not None  # noqa: S101  it was given
            return Tables(durations, lengths, _table(given.costs))
        roads = self.ask_roads(self._mode(profile, pointer), list(self.places))
        return Tables(_reachable(roads), roads.length_m if wants_lengths else None)

    def _own_lengths(self, profile: str, pointer: str, size: int) -> NDArray[np.int32]:
        """Return lengths on our own network for tables without them."""
        rows = sorted(self.locations)
        used = {
            task.place
            for request in self._requests(size)
            for task in (*request.pickups, request.task)
        }
        if not used <= set(rows):
            raise refuse(
                f"/matrices/{profile}",
                "distances are needed (g, per_km, max_distance); give them, or all coordinates",
            )
        roads = self.ask_roads(self._mode(profile, pointer), [self.locations[row] for row in rows])
        lengths = np.zeros((size, size), np.int32)
        lengths[np.ix_(rows, rows)] = roads.length_m
        return lengths

    @staticmethod
    def _mode(profile: str, pointer: str) -> Mode:
        mode = MODES.get(profile.lower())
        if mode is None:
            raise refuse(
                pointer,
                f"profile {profile!r} is not known; there are {', '.join(sorted(MODES))}",
                "unknown_mode",
            )
        return mode


def _reachable(roads: RoadTable) -> NDArray[np.int32]:
    durations: NDArray[np.int32] = np.where(
        roads.duration_s >= UNREACHABLE_S, NO_WAY, roads.duration_s
    ).astype(np.int32)
    return durations


def _table(rows: list[list[int]] | None) -> NDArray[np.int32] | None:
    return None if rows is None else np.array(rows, np.int32)


def _windows(windows: Sequence[tuple[int, int]] | None) -> tuple[Window, ...]:
    return tuple(sorted(windows or ()))


def _amount(amount: Sequence[int] | None) -> Amount:
    return tuple(amount or ())


def _or_unlimited(limit: int | None) -> int:
    return UNLIMITED if limit is None else limit


def of_tour_error(error: TourError) -> SolveRefusal:
    """Return what a contradiction is on the wire."""
    return refuse(error.pointer, error.problem)
