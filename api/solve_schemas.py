"""VROOM's JSON as it may come in: `POST /v1/solve`.

Field by field what VROOM's API documentation says, and one `samehour` object for what it cannot
say.  Nothing else is taken: a field that is not here is refused by name, never dropped.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.field_words import Described

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


class Exact(Described, BaseModel):
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
    """Pairs of begin and end in seconds; one of them must hold the beginning. At any time when left
    out.
    """

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
    """Beginning later than this second has a price."""
    late_cost_per_min: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    """What each minute later than `due_s` costs, in the answer's unit of cost."""


class TaskIn(WindowOwner):
    """What a job and a step of a shipment have in common."""

    id: Id
    """Your number, told in the answer; unique among its kind."""
    description: Text | None = None
    """Your words, told again in the answer."""
    location: LonLatIn | None = None
    """Longitude and latitude; not needed with matrices."""
    location_index: Whole | None = None
    """Row of the place in the matrices."""
    setup: Whole = 0
    """Seconds before the service, once for tasks at one place that follow each other."""
    service: Whole = 0
    """Seconds that the task takes."""
    setup_per_type: PerType = {}
    """Seconds of setup by type of vehicle, where they differ from `setup`."""
    service_per_type: PerType = {}
    """Seconds of service by type of vehicle, where they differ from `service`."""
    samehour: SoftTime | None = None
    """A soft due time, which VROOM cannot say."""


class JobIn(TaskIn):
    """A job."""

    delivery: Amount | None = None
    """What is brought from the vehicle's start, a number for each dimension."""
    pickup: Amount | None = None
    """What is fetched and stays until the vehicle's end, a number for each dimension."""
    amount: Amount | None = None
    """The old name of `delivery`; give only one of them."""
    skills: Skills = []
    """Skills that the vehicle must have, by your numbers."""
    priority: Annotated[int, Field(ge=0, le=MAX_PRIORITY)] = 0
    """0 to 100: more goes first when not everything can be done."""

    @model_validator(mode="after")
    def _check_amount(self) -> Self:
        if self.amount is not None and (self.delivery is not None or self.pickup is not None):
            raise ValueError("amount is the old name of delivery; give only one of them")
        return self


class ShipmentMore(Exact):
    """What VROOM cannot say of a shipment."""

    pickups: Annotated[list[TaskIn], Field(max_length=MAX_ALTERNATIVES)] = []
    """Further pickups: it is fetched at one of all, whichever is cheapest."""
    on_board: Id | None = None
    """Id of the vehicle that has it already; `pickup` is left out then."""


class ShipmentIn(Exact):
    """A shipment."""

    pickup: TaskIn | None = None
    """Where it is fetched; left out only for what is on board."""
    delivery: TaskIn
    """Where it is brought to."""
    amount: Amount | None = None
    """What is carried, a number for each dimension."""
    skills: Skills = []
    """Skills that the vehicle must have, by your numbers."""
    priority: Annotated[int, Field(ge=0, le=MAX_PRIORITY)] = 0
    """0 to 100: more goes first when not everything can be done."""
    samehour: ShipmentMore = ShipmentMore()
    """What VROOM cannot say of a shipment."""

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
    """Your number, told in the answer; unique within the vehicle."""
    service: Whole = 0
    """Length of the break in seconds."""
    description: Text | None = None
    """Your words, told again in the answer."""
    max_load: Amount | None = None
    """Most that is in the vehicle during the break, a number for each dimension."""


class CostsIn(Exact):
    """What a vehicle costs."""

    fixed: Whole = 0
    """What using the vehicle costs at all."""
    per_hour: Whole = 3600
    """What an hour of travel costs."""
    per_task_hour: Whole = 0
    """What an hour of setup and service costs."""
    per_km: Whole = 0
    """What a kilometre costs; it needs lengths."""


class StepIn(Exact):
    """A step of a given route."""

    type: Literal["start", "job", "pickup", "delivery", "break", "end"]
    """What is done at this step."""
    id: Id | None = None
    """Of the job, the shipment's end or the break; none for start and end."""
    service_at: Moment | None = None
    """Its service begins at this second."""
    service_after: Moment | None = None
    """Its service begins no sooner than this second."""
    service_before: Moment | None = None
    """Its service begins no later than this second."""

    @model_validator(mode="after")
    def _check_id(self) -> Self:
        if (self.id is None) != (self.type in {"start", "end"}):
            raise ValueError("give an id for tasks and breaks, and none for start and end")
        return self


class VehicleMore(Exact):
    """What VROOM cannot say of a vehicle."""

    frozen: Annotated[int, Field(ge=0, le=MAX_STEPS)] = 0
    """So many tasks of `steps` stay first, in that order."""


class VehicleIn(Exact):
    """A vehicle."""

    id: Id
    """Your number, told in the answer; unique among the vehicles."""
    profile: Annotated[str, Field(min_length=1, max_length=100)] = "car"
    """How it travels: a mode of ours, or what OSRM's and openrouteservice's clients call it."""
    description: Text | None = None
    """Your words, told again in the answer."""
    start: LonLatIn | None = None
    """Longitude and latitude where it begins; at its first task when left out."""
    start_index: Whole | None = None
    """Row of the start in the matrices."""
    end: LonLatIn | None = None
    """Longitude and latitude where it ends; at its last task when left out."""
    end_index: Whole | None = None
    """Row of the end in the matrices."""
    capacity: Amount | None = None
    """Most that is on board at a time, a number for each dimension."""
    costs: CostsIn = CostsIn()
    """What it costs to use the vehicle."""
    skills: Skills = []
    """What it can do, by your numbers."""
    type: Annotated[str, Field(max_length=100)] = ""
    """Your name for vehicles of a kind, as `service_per_type` uses it."""
    time_window: tuple[Moment, Moment] | None = None
    """Begin and end of its working time in seconds; any time when left out."""
    breaks: Annotated[list[BreakIn], Field(max_length=MAX_BREAKS)] = []
    """Breaks that are to be kept."""
    speed_factor: Annotated[float, Field(gt=0, le=MAX_SPEED_FACTOR, allow_inf_nan=False)] = 1.0
    """Times are divided by it: 2 goes twice as fast."""
    max_tasks: Whole | None = None
    """Most tasks on its route; no limit when left out."""
    max_travel_time: Whole | None = None
    """Most seconds of travel on its route; no limit when left out."""
    max_distance: Whole | None = None
    """Most metres of its route; no limit when left out."""
    steps: Annotated[list[StepIn], Field(max_length=MAX_STEPS)] = []
    """A route to begin from, or with `c` the one to be timed."""
    samehour: VehicleMore = VehicleMore()
    """What VROOM cannot say of a vehicle."""

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
    """Seconds from each row to each column."""
    distances: list[list[Whole]] | None = None
    """Metres from each row to each column."""
    costs: list[list[Whole]] | None = None
    """Costs from each row to each column, instead of those by the hour."""


class OptionsIn(Exact):
    """What VROOM's command line is told, by `vroom-express` and openrouteservice."""

    g: bool = False
    """Tell lengths and encoded lines of the routes."""
    c: bool = False
    """Plan mode: the `steps` of each vehicle are its route, times are chosen."""
    x: Annotated[int, Field(ge=0, le=5)] | None = None
    """How thoroughly to search, 0 to 5; 5 when left out."""
    l: Annotated[float, Field(gt=0)] | None = None  # noqa: E741  VROOM's name
    """Most seconds to search."""
    t: Annotated[int, Field(ge=1)] | None = None
    """Threads that may be used; one is."""


class SolveMore(Exact):
    """How long to search, counted in rounds, and from which seed."""

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    """Of the search's random numbers: the same gives the same answer."""
    rounds: Annotated[int, Field(ge=0, le=MAX_ROUNDS)] | None = None
    """How many rounds to search, instead of `x`."""


class SolveIn(Exact):
    """A problem."""

    vehicles: Annotated[list[VehicleIn], Field(min_length=1)]
    """Who can do it."""
    jobs: list[JobIn] = []
    """Tasks at one place each."""
    shipments: list[ShipmentIn] = []
    """Goods to be fetched at one place and brought to another."""
    matrices: dict[str, MatricesIn] | None = None
    """Tables by profile; left out, times are the engine's own for now."""
    matrix: list[list[Whole]] | None = None
    """The old name of a single table of seconds; give `matrices` instead."""
    options: OptionsIn = OptionsIn()
    """What VROOM's command line is told."""
    samehour: SolveMore = SolveMore()
    """Seed and rounds of the search."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.jobs and not self.shipments:
            raise ValueError("there is nothing to do; give jobs or shipments")
        if self.matrix is not None and self.matrices is not None:
            raise ValueError("matrix is the old name of matrices; give only one of them")
        return self
