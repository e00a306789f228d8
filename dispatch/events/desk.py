"""Facts from the dispatcher's desk."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.records import Action, Control, Hold, OrderLock, RouteLock
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class ActionTaken:
    """A person did something at the desk; the facts that follow from it come right after."""

    action: Action


@dataclass(frozen=True, slots=True)
class ActionUndone:
    """What a person did was taken back."""

    action_id: str
    owner: str


@dataclass(frozen=True, slots=True)
class OrderHeld:
    order_id: str
    hold: Hold
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class HoldReleased:
    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OrderLocked:
    """An order is for one courier only."""

    order_id: str
    lock: OrderLock
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OrderUnlocked:
    """A lock was taken off or is over."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RouteLocked:
    """A courier's stops are done in a given order."""

    courier_id: str
    lock: RouteLock
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class RouteUnlocked:
    courier_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ControlSet:
    control: Control


@dataclass(frozen=True, slots=True)
class ControlEnded:
    """A surge control was taken back or is over."""

    control_id: str
    reason: str
