"""VROOM's JSON as it may come in: `POST /v1/solve`.

Field by field what VROOM's API documentation says, and one `samehour` object for what it cannot
say.  Nothing else is taken: a field that is not here is refused by name, never dropped.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_WHOLE: Final = 2**31 - 2
"""Of matrix entries, service times and amounts."""

MAX_TIME: Final = 2**53
MAX_ID: Final = 2**63 - 1
MAX_SPEED_FACTOR: Final = 5.0
MAX_PRIORITY: Final = 100
MAX_DIMENSIONS: Final = 16
MAX_BREAKS: Final = 8
MAX_WINDOWS: Final = 32
MAX_SKILLS: Final = 64
MAX_STEPS: Final = 4_000
MAX_ALTERNATIVES: Final = 32
MAX_ROUNDS: Final = 10_000_000

Id = Annotated[int, Field(ge=0, le=MAX_ID)]
Whole = Annotated[int, Field(ge=0, le=MAX_WHOLE)]
Moment = Annotated[int, Field(ge=0, le=MAX_TIME)]
Amount = Annotated[list[Whole], Field(max_length=MAX_DIMENSIONS)]
Skills = Annotated[list[Id], Field(max_length=MAX_SKILLS)]
Text = Annotated[str, Field(max_length=1_000)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
LonLatIn = Annotated[
    tuple[Lon, Lat], Field(description="Longitude, latitude.", json_schema_extra={"maxItems": 2})
]
TypeName = Annotated[str, Field(min_length=1, max_length=100)]
PerType = Annotated[dict[TypeName, Whole], Field(max_length=64)]


class Exact(BaseModel):
    """No unknown fields, no guessing of types, whole numbers written as such."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _checked(window: tuple[int, int]) -> tuple[int, int]:
    if window[0] > window[1]:
        raise ValueError(f"ends at {window[1]}, before it begins at {window[0]}")
    return window


class WindowOwner(Exact):
    """Whoever has time windows: none may end before it begins, none overlap."""

    time_windows: Annotated[
        list[tuple[Moment, Moment]] | None,
        Field(min_length=1, max_length=MAX_WINDOWS),
    ] = None

    @model_validator(mode="after")
    def _check_windows(self) -> Self:
        windows = sorted(map(_checked, self.time_windows or ()))
        for before, after in pairwise(windows):
            if after[0] <= before[1]:
                raise ValueError(f"time windows {list(before)} and {list(after)} overlap")
        return self


class SoftTime(Exact):
    """A time that may be missed at a price."""

    due_s: Moment
    late_cost_per_min: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class TaskIn(WindowOwner):
    """What a job and a step of a shipment have in common."""

    id: Id
    description: Text | None = None
    location: LonLatIn | None = None
    location_index: Whole | None = None
    setup: Whole = 0
    service: Whole = 0
    setup_per_type: PerType = {}
    service_per_type: PerType = {}
    samehour: SoftTime | None = None


class JobIn(TaskIn):
    """A job."""

    delivery: Amount | None = None
    pickup: Amount | None = None
    amount: Amount | None = None
    skills: Skills = []
    priority: Annotated[int, Field(ge=0, le=MAX_PRIORITY)] = 0

    @model_validator(mode="after")
    def _check_amount(self) -> Self:
        if self.amount is not None and (self.delivery is not None or self.pickup is not None):
            raise ValueError("amount is the old name of delivery; give only one of them")
        return self


class ShipmentMore(Exact):
    """What VROOM cannot say of a shipment."""

    pickups: Annotated[list[TaskIn], Field(max_length=MAX_ALTERNATIVES)] = []
    on_board: Id | None = None


class ShipmentIn(Exact):
    """A shipment."""

    pickup: TaskIn | None = None
    delivery: TaskIn
    amount: Amount | None = None
    skills: Skills = []
    priority: Annotated[int, Field(ge=0, le=MAX_PRIORITY)] = 0
    samehour: ShipmentMore = ShipmentMore()

    @model_validator(mode="after")
    def _check_pickup(self) -> Self:
        if self.samehour.on_board is not None:
            if self.pickup is not None or self.samehour.pickups:
                raise ValueError("what is on board is not picked up; leave the pickup out")
        elif self.pickup is None:
            raise ValueError("pickup is missing; only what is on board (samehour) has none")
        return self


class BreakIn(WindowOwner):
    """A break."""

    id: Id
    service: Whole = 0
    description: Text | None = None
    max_load: Amount | None = None


class CostsIn(Exact):
    """What a vehicle costs."""

    fixed: Whole = 0
    per_hour: Whole = 3600
    per_task_hour: Whole = 0
    per_km: Whole = 0


class StepIn(Exact):
    """A step of a given route."""

    type: Literal["start", "job", "pickup", "delivery", "break", "end"]
    id: Id | None = None
    service_at: Moment | None = None
    service_after: Moment | None = None
    service_before: Moment | None = None

    @model_validator(mode="after")
    def _check_id(self) -> Self:
        if (self.id is None) != (self.type in {"start", "end"}):
            raise ValueError("give an id for tasks and breaks, and none for start and end")
        return self


class VehicleMore(Exact):
    """What VROOM cannot say of a vehicle."""

    frozen: Annotated[int, Field(ge=0, le=MAX_STEPS)] = 0


class VehicleIn(Exact):
    """A vehicle."""

    id: Id
    profile: Annotated[str, Field(min_length=1, max_length=100)] = "car"
    description: Text | None = None
    start: LonLatIn | None = None
    start_index: Whole | None = None
    end: LonLatIn | None = None
    end_index: Whole | None = None
    capacity: Amount | None = None
    costs: CostsIn = CostsIn()
    skills: Skills = []
    type: Annotated[str, Field(max_length=100)] = ""
    time_window: tuple[Moment, Moment] | None = None
    breaks: Annotated[list[BreakIn], Field(max_length=MAX_BREAKS)] = []
    speed_factor: Annotated[float, Field(gt=0, le=MAX_SPEED_FACTOR, allow_inf_nan=False)] = 1.0
    max_tasks: Whole | None = None
    max_travel_time: Whole | None = None
    max_distance: Whole | None = None
    steps: Annotated[list[StepIn], Field(max_length=MAX_STEPS)] = []
    samehour: VehicleMore = VehicleMore()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.time_window is not None:
            _checked(self.time_window)
        ids = [pause.id for pause in self.breaks]
        if len(set(ids)) < len(ids):
            raise ValueError("two breaks have the same id")
        if self.steps and {"start", "end"} & {step.type for step in self.steps[1:-1]}:
            raise ValueError("start and end are the first and the last of the steps")
        return self


class MatricesIn(Exact):
    """Tables of one profile."""

    durations: list[list[Whole]] | None = None
    distances: list[list[Whole]] | None = None
    costs: list[list[Whole]] | None = None


class OptionsIn(Exact):
    """What VROOM's command line is told, by `vroom-express` and openrouteservice."""

    g: bool = False
    c: bool = False
    x: Annotated[int, Field(ge=0, le=5)] | None = None
    l: Annotated[float, Field(gt=0)] | None = None  # noqa: E741  VROOM's name
    t: Annotated[int, Field(ge=1)] | None = None


class SolveMore(Exact):
    """How long to search, counted in rounds, and from which seed."""

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    rounds: Annotated[int, Field(ge=0, le=MAX_ROUNDS)] | None = None


class SolveIn(Exact):
    """A problem."""

    vehicles: Annotated[list[VehicleIn], Field(min_length=1)]
    jobs: list[JobIn] = []
    shipments: list[ShipmentIn] = []
    matrices: dict[str, MatricesIn] | None = None
    matrix: list[list[Whole]] | None = None
    options: OptionsIn = OptionsIn()
    samehour: SolveMore = SolveMore()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.jobs and not self.shipments:
            raise ValueError("there is nothing to do; give jobs or shipments")
        if self.matrix is not None and self.matrices is not None:
            raise ValueError("matrix is the old name of matrices; give only one of them")
        return self
