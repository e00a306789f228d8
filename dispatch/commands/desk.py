"""What a dispatcher may ask."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.records import ControlKind
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """Neither pick nor route an order for now; `until` None is until it is released.

    `recall` takes it from a courier who is on the way to fetch it.
    """

    order_id: str
    owner: str
    reason: str
    until: EpochS | None = None
    recall: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Let an order go on."""

    order_id: str
    owner: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LockOrder:
    """Give an order to one courier only, until a time."""

    order_id: str
    courier_id: str
    owner: str
    reason: str
    expires_at: EpochS


@dataclass(frozen=True, slots=True)
class UnlockOrder:
    """Let the engine choose the courier again."""

    order_id: str
    owner: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LockRoute:
    """Let a courier do these stops in this order, until a time."""

    courier_id: str
    stop_ids: tuple[str, ...]
    owner: str
    reason: str
    expires_at: EpochS


@dataclass(frozen=True, slots=True)
class UnlockRoute:
    """Let the engine choose the order of a courier's stops again."""

    courier_id: str
    owner: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SetControl:
    """Put a surge control in force until it expires."""

    kind: ControlKind
    value: int
    store_ids: tuple[str, ...]
    owner: str
    reason: str
    expires_at: EpochS


@dataclass(frozen=True, slots=True)
class EndControl:
    """Take a surge control back."""

    control_id: str
    owner: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UndoAction:
    """Take back what a person did at the desk."""

    action_id: str
    owner: str
