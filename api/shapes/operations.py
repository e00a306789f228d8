"""What operations look at: figures, the plan, the traffic, sales, health."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from typing_extensions import TypedDict

from api.shapes.wire import shape_of
from api.shapes.words import Line, Moment, one_of
from dispatch.kpis import Kpis
from dispatch.model import Reason, StopKind
from geo.external import ServerCondition
from geo.types import Mode

KPIS: Final[Any] = shape_of(Kpis)
"""Figures of the log; null where nothing has been measured yet."""


# --- the plan ----------------------------------------------------------------------------------


class PlannedStop(TypedDict):
    """A stop as the plan has it."""

    id: str
    kind: Annotated[str, one_of(StopKind)]
    order_id: str
    store_id: str
    arrive_at: Moment
    begin_at: Moment
    depart_at: Moment
    travel_s: int
    length_m: int


class PlannedRoute(TypedDict):
    """A courier's route as the plan has it."""

    courier_id: str
    version: int
    leave_at: Moment
    stops: list[PlannedStop]


class Unassigned(TypedDict):
    """An order that is on no route, and why."""

    order_id: str
    reason: Annotated[str, one_of(Reason)]
    detail: str


class Plan(TypedDict):
    """The plan in force; `objective` is its cost by term, in courier-seconds."""

    id: str
    made_at: Moment
    method: str
    objective: dict[str, float]
    routes: list[PlannedRoute]
    unassigned: list[Unassigned]
    dropped: list[str]
    solve_ms: float
    cut_short: bool
    violations: list[str]


# --- the traffic -------------------------------------------------------------------------------


class ClosedStreets(TypedDict):
    """Streets that are closed, or would be, to some modes."""

    streets: list[str]
    length_m: int
    modes: list[Annotated[str, one_of(Mode)]]
    lines: list[Line]


class Closure(ClosedStreets):
    """A closure in force; `until` is null until it is taken back."""

    id: str
    reason: str
    until: Moment | None


class Closures(TypedDict):
    """The closures in force."""

    data: list[Closure]


class ObservationsTaken(TypedDict):
    """How many readings were taken, and the version of the travel times that has them."""

    readings: int
    version: str


class Traffic(TypedDict):
    """What the travel times rest on."""

    version: str
    applied_at: Moment | None
    readings: int
    closures: int
    learned_km: float


# --- sales -------------------------------------------------------------------------------------


class Sales(TypedDict):
    """Figures of some orders."""

    orders: int
    open: int
    delivered: int
    collected: int
    cancelled: int
    returned: int
    basket_cents: int
    paid_cents: int
    tip_cents: int
    fare_cents: int
    refund_cents: int


class StoreSales(Sales):
    """What online orders bring a store."""

    store_id: str
    name: str


_Period = TypedDict("_Period", {"from": Moment, "to": Moment})


class SalesPeriod(_Period):
    """The period that orders were placed in."""


class StoreSalesPeriod(SalesPeriod, StoreSales):
    """What online orders brought a store in a period."""


class AllSales(SalesPeriod):
    """What online orders brought each store in a period, and all of them."""

    data: list[StoreSales]
    total: Sales


# --- health ------------------------------------------------------------------------------------


class Alive(TypedDict):
    """The process serves."""

    status: Literal["ok"]


class TravelServer(TypedDict):
    """How a routing server does."""

    mode: Annotated[str, one_of(Mode)]
    kind: str
    condition: ServerCondition


class Readiness(TypedDict):
    """Whether there may be work, what stands against it, and how long each part took."""

    status: Literal["ready", "degraded"]
    problems: list[str]
    warm_up_s: dict[str, float]
    travel_servers: list[TravelServer]
