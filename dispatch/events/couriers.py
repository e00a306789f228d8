"""Facts about couriers: who they are and whether they can work."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import Courier, Pause, Store
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class CourierRegistered:
    courier: Courier


@dataclass(frozen=True, slots=True)
class ShiftStarted:
    """A courier is on shift, with a break planned in it or without."""

    courier_id: str
    starts_at: EpochS
    ends_at: EpochS
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class ShiftEnded:
    courier_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OperatorChanged:
    """Who acts for a courier: `simulation`, or the name of a person's session."""

    courier_id: str
    operator: str


@dataclass(frozen=True, slots=True)
class BreakWanted:
    """A courier asked for a break: it begins as soon as nothing is left in the bag."""

    courier_id: str
    duration_s: int
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class BreakStarted:
    courier_id: str
    ends_at: EpochS
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class BreakEnded:
    courier_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class RouteAcknowledged:
    """The courier has seen a version of the route."""

    courier_id: str
    version: int
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CourierStranded:
    """A courier cannot go on; what was in the bag waits at `point` for somebody else.

    `point` is a place to be fetched from like a store; None with an empty bag.
    """

    courier_id: str
    reason: str
    order_ids: tuple[str, ...]
    point: Store | None
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class BagHandedOver:
    """Some orders of a bag wait at `point` for another courier; whoever had them goes on."""

    courier_id: str
    to_courier_id: str
    order_ids: tuple[str, ...]
    point: Store
    owner: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CourierRecovered:
    """A stranded courier can work again."""

    courier_id: str
    occurred_at: EpochS
