"""What is asked and what is answered: tasks, vehicles, tours.

The words are VROOM's: a job is one task, a shipment two (its pickup, its delivery).  Times are
whole seconds of any clock, the same everywhere; places are rows of the tables; amounts have as
many dimensions as the problem says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

NO_WAY: Final = 2**31 - 1
"""Duration of a leg that cannot be driven."""

NEVER: Final = 1 << 60
"""Later than anything."""

UNLIMITED: Final = 1 << 60
"""A limit that nothing reaches."""

NOWHERE: Final = -1
"""Place of a vehicle that starts with its first task, or ends with its last: no leg leads there."""

HOUR_S: Final = 3600
KM_M: Final = 1000
MINUTE_S: Final = 60

Window = tuple[int, int]
"""From, to: both included."""

Amount = tuple[int, ...]


class Kind(StrEnum):
    """What a step is."""

    START = "start"
    JOB = "job"
    PICKUP = "pickup"
    DELIVERY = "delivery"
    BREAK = "break"
    END = "end"


class Cause(StrEnum):
    """What a step or a tour breaks; VROOM's names."""

    DELAY = "delay"
    LEAD_TIME = "lead_time"
    LOAD = "load"
    MAX_TASKS = "max_tasks"
    SKILLS = "skills"
    PRECEDENCE = "precedence"
    MISSING_BREAK = "missing_break"
    MAX_TRAVEL_TIME = "max_travel_time"
    MAX_DISTANCE = "max_distance"
    MAX_LOAD = "max_load"


class Why(StrEnum):
    """Why a request has no tour."""

    SKILLS = "skills"
    LOAD = "load"
    MAX_TASKS = "max_tasks"
    NO_WAY = "no_way"
    TIME = "time"
    MAX_TRAVEL_TIME = "max_travel_time"
    MAX_DISTANCE = "max_distance"
    NO_ROOM = "no_room"
    NOT_GIVEN = "not_given"


@dataclass(frozen=True, slots=True)
class Due:
    """A time that may be missed at a price."""

    by: int
    cost_per_min: float


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do at one place.

    Attributes
    ----------
    windows
        It begins in one of them; none for at any time.
    setup_s
        Needed on arrival only: not by who was at the place already.
    setup_per_type, service_per_type
        Instead of the two, for vehicles of a type.
    """

    kind: Kind
    task_id: int
    place: int
    windows: tuple[Window, ...] = ()
    setup_s: int = 0
    service_s: int = 0
    setup_per_type: Mapping[str, int] = field(default_factory=dict)
    service_per_type: Mapping[str, int] = field(default_factory=dict)
    due: Due | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A job, or a shipment: served as a whole by one vehicle, or not at all.

    Attributes
    ----------
    task
        The job, or the shipment's delivery.
    pickups
        Where a shipment may be fetched, at one of them; none for a job and for goods on board.
    delivery, pickup
        Of a job: loaded at the vehicle's start; taken along to its end.  Of a shipment the
        amount is its `delivery`.
    on_board
        Vehicle that has the shipment already: only it can deliver, and it is loaded anyhow.
    """

    task: Task
    pickups: tuple[Task, ...] = ()
    delivery: Amount = ()
    pickup: Amount = ()
    skills: frozenset[int] = frozenset()
    priority: int = 0
    on_board: int | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """A pause; it may interrupt a leg.

    Attributes
    ----------
    max_load
        It is taken with no more than this on board; None for any load.
    """

    break_id: int
    windows: tuple[Window, ...] = ()
    service_s: int = 0
    max_load: Amount | None = None


@dataclass(frozen=True, slots=True)
class Costs:
    """What a vehicle costs: once, per hour under way, per hour of setup and service, per km."""

    fixed: int = 0
    per_hour: int = HOUR_S
    per_task_hour: int = 0
    per_km: int = 0


@dataclass(frozen=True, slots=True)
class StepRef:
    """A step that is given by its kind and id.

    Attributes
    ----------
    at, after, before
        Of its beginning, in plan mode.
    """

    kind: Kind
    step_id: int | None = None
    at: int | None = None
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Who may be sent.

    Attributes
    ----------
    profile
        Key of the tables.
    start, end
        Places, or `NOWHERE`.
    steps
        The tour to begin the search with; in plan mode, the tour.
    frozen
        How many of its steps stay where they are, at the beginning.
    """

    vehicle_id: int
    profile: str
    start: int = NOWHERE
    end: int = NOWHERE
    capacity: Amount = ()
    skills: frozenset[int] = frozenset()
    window: Window = (0, NEVER)
    breaks: tuple[Break, ...] = ()
    speed_factor: float = 1.0
    vehicle_type: str = ""
    costs: Costs = field(default_factory=Costs)
    max_tasks: int = UNLIMITED
    max_travel_s: int = UNLIMITED
    max_distance_m: int = UNLIMITED
    steps: tuple[StepRef, ...] = ()
    frozen: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Legs between all places.

    Attributes
    ----------
    duration_s : int32 (places, places)
        `NO_WAY` where there is none.
    length_m : int32 (places, places)
        None where nobody asks for lengths.
    cost : int32 (places, places)
        What legs cost instead of their time and length; None for these.
    """

    duration_s: NDArray[np.int32]
    length_m: NDArray[np.int32] | None = None
    cost: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be solved."""

    requests: tuple[Request, ...]
    vehicles: tuple[Vehicle, ...]
    tables: Mapping[str, Tables]
    dimensions: int = 0


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that is broken; `duration_s` for what is too early or too late."""

    cause: Cause
    duration_s: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step as planned: arrival, waiting, setup and service, in that order.

    Attributes
    ----------
    request
        Row of its request; None for start, end and breaks.
    travel_s, length_m
        From the tour's start.
    load
        After it.
    late_s
        After the task's due time.
    """

    kind: Kind
    step_id: int | None
    place: int
    arrival: int
    waiting_s: int = 0
    setup_s: int = 0
    service_s: int = 0
    travel_s: int = 0
    length_m: int = 0
    load: Amount = ()
    request: int | None = None
    late_s: int = 0
    violations: tuple[Violation, ...] = ()

    @property
    def begin(self) -> int:
        """When setup and service begin."""
        return self.arrival + self.waiting_s

    @property
    def over(self) -> int:
        """When the vehicle may leave."""
        return self.begin + self.setup_s + self.service_s


@dataclass(frozen=True, slots=True)
class Tour:
    """The steps of a vehicle that is used, and what they cost."""

    vehicle: int
    steps: tuple[Step, ...]
    cost: float
    late_cost: float = 0.0
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Unserved:
    """A request without a tour, and why, in a word and in words."""

    request: int
    why: Why
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Tours, and what has none.

    Attributes
    ----------
    rounds
        Ruins it took.
    cut_short
        A limit of time ended the search before its effort was spent.
    """

    tours: tuple[Tour, ...]
    unserved: tuple[Unserved, ...]
    rounds: int = 0
    cut_short: bool = False

    @property
    def cost(self) -> float:
        """Cost of all tours."""
        return sum(tour.cost for tour in self.tours)


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to go on.

    Attributes
    ----------
    rounds
        Ruins, at most: counted so, an answer is the same wherever it is worked out.
    spent
        Share of another limit (of wall time) that is used up, which ends the search at 1; None
        for none.
    """

    rounds: int
    spent: Callable[[], float] | None = None
