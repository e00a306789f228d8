"""What may be asked about couriers: who they are and whether they can work."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import Courier, LonLat, Pause
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class RegisterCourier:
    """Add a courier, or change what is known of one."""

    courier: Courier


@dataclass(frozen=True, slots=True)
class StartShift:
    """Put a courier on shift until `ends_at`; `pause` is the break planned in it."""

    courier_id: str
    starts_at: EpochS
    ends_at: EpochS
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class EndShift:
    """Take a courier off shift; what is in the bag is still delivered."""

    courier_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class SignOn:
    """Say who acts for a courier: a person at the page, or a simulation."""

    courier_id: str
    operator: str


@dataclass(frozen=True, slots=True)
class TakeBreak:
    """Rest for a while, as soon as nothing is left in the bag."""

    courier_id: str
    duration_s: int
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class EndBreak:
    """Come back from a break, or do without the one asked for."""

    courier_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class AcknowledgeRoute:
    """Say which version of the route the courier has seen."""

    courier_id: str
    version: int
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StrandCourier:
    """A courier cannot go on; what is in the bag waits at `place` for another courier."""

    courier_id: str
    place: LonLat
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class HandOverBag:
    """Give some orders in a bag to another courier, who fetches them at `place`."""

    courier_id: str
    to_courier_id: str
    order_ids: tuple[str, ...]
    place: LonLat
    owner: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class RecoverCourier:
    """A stranded courier can work again."""

    courier_id: str
    occurred_at: EpochS
