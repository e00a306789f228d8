"""What couriers say of their stops."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.records import Proof, WorkReport
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class ArriveAtStop:
    """The courier stands at the stop."""

    courier_id: str
    stop_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CompleteStop:
    """The courier has done what the stop is for: picked up, delivered, or returned."""

    courier_id: str
    stop_id: str
    occurred_at: EpochS
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class FailStop:
    """The courier could not deliver; the goods go back."""

    courier_id: str
    stop_id: str
    reason: str
    occurred_at: EpochS
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclineStop:
    """The courier will not do a pickup; it is never offered to them again."""

    courier_id: str
    stop_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """The courier will do the pickup that was offered."""

    courier_id: str
    stop_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class RetryDelivery:
    """Try a failed delivery again instead of bringing the goods back."""

    order_id: str
    owner: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class TakeInWork:
    """Take in what a courier did while nobody could hear it; nothing that happened is refused."""

    courier_id: str
    reports: tuple[WorkReport, ...]
