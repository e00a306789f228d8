"""Facts about couriers at work: what they were told, and what they did."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import Stop
from dispatch.records import Proof, SettledReport, WorkReport
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class StopCommitted:
    """A courier was told to leave for a stop now; the engine never takes it back.

    `expected_at` is the forecast arrival.  For a pickup the order becomes `enroute_to_pickup`,
    for a drop-off `enroute_to_dropoff`, for a return `returning`.
    """

    courier_id: str
    stop: Stop
    expected_at: EpochS
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StandbyGiven:
    """A courier without work was told to go to a store and wait there; not a commitment."""

    courier_id: str
    store_id: str
    expected_at: EpochS
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StopArrived:
    courier_id: str
    stop: Stop
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ParcelPickedUp:
    courier_id: str
    order_id: str
    store_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OrderDelivered:
    courier_id: str
    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    courier_id: str
    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ParcelReturned:
    courier_id: str
    order_id: str
    store_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StopDeclined:
    courier_id: str
    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class StopReleased:
    """A courier is not to do a stop any more: its order was cancelled, or is somebody else's now.

    An order that was not fetched yet is free again.
    """

    courier_id: str
    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OfferMade:
    """A courier was asked whether they will do a pickup; nobody else until `expires_at`."""

    courier_id: str
    stop: Stop
    expected_at: EpochS
    expires_at: EpochS
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    courier_id: str
    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OfferLapsed:
    """Nobody answered in time: as good as declined."""

    courier_id: str
    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ProofTaken:
    """A courier showed that a stop was done."""

    courier_id: str
    stop: Stop
    proof: Proof
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class RetryGranted:
    """A failed delivery is tried again by the same courier."""

    order_id: str
    owner: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ConflictNoted:
    """Work was reported afterwards that does not fit what was decided meanwhile.

    `rule` names the stated rule by which it was settled, `outcome` says what holds now.
    """

    courier_id: str
    order_id: str
    report: WorkReport
    rule: str
    outcome: str


@dataclass(frozen=True, slots=True)
class OrderRevived:
    """A cancelled order turned out to be in a courier's hands, or was brought after all.

    `returning` says that its goods go back to the store; it stays cancelled then.
    """

    order_id: str
    courier_id: str
    occurred_at: EpochS
    returning: bool = False


@dataclass(frozen=True, slots=True)
class WorkTakenIn:
    """What a courier reported afterwards, and the rule by which each report was settled.

    The facts that follow from it come before this one in the log.
    """

    courier_id: str
    reports: tuple[SettledReport, ...]
