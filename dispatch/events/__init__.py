"""What happened, in the past tense: the only truth.  Each has a stable name and a JSON form.

Times named `occurred_at` are when it happened in the world; `Recorded.at` is when we heard of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, get_args

from dispatch.events.counter import (
    CustomerArrived,
    OrderCollected,
    OrderNotCollected,
    ReturnSettled,
)
from dispatch.events.couriers import (
    BagHandedOver,
    BreakEnded,
    BreakStarted,
    BreakWanted,
    CourierRecovered,
    CourierRegistered,
    CourierStranded,
    OperatorChanged,
    RouteAcknowledged,
    ShiftEnded,
    ShiftStarted,
)
from dispatch.events.desk import (
    ActionTaken,
    ActionUndone,
    ControlEnded,
    ControlSet,
    HoldReleased,
    OrderHeld,
    OrderLocked,
    OrderUnlocked,
    RouteLocked,
    RouteUnlocked,
)
from dispatch.events.orders import (
    CarriageBooked,
    CarriageEnded,
    CarriageReported,
    OrderAmended,
    OrderCancelled,
    OrderNotMoved,
    OrderReceived,
    OrderRefused,
    OrderResourced,
    PromiseSuperseded,
    QuoteGiven,
    StoreExcluded,
    StorePinned,
)
from dispatch.events.picking import (
    ItemPicked,
    LineShort,
    ParcelScanned,
    PickCompleted,
    PickStarted,
    SubstitutionAnswered,
    SubstitutionOffered,
)
from dispatch.events.plans import (
    PlanPublished,
)
from dispatch.events.stops import (
    ConflictNoted,
    DeliveryFailed,
    OfferAccepted,
    OfferLapsed,
    OfferMade,
    OrderDelivered,
    OrderRevived,
    ParcelPickedUp,
    ParcelReturned,
    ProofTaken,
    RetryGranted,
    StandbyGiven,
    StopArrived,
    StopCommitted,
    StopDeclined,
    StopReleased,
    WorkTakenIn,
)
from dispatch.events.stores import (
    CatalogueSet,
    ShelvesSet,
    StockCorrected,
    StockSet,
    StorePaused,
    StoreRegistered,
    StoreResumed,
)
from dispatch.events.streets import (
    StreetClosed,
    StreetReopened,
)
from geo.types import EpochS

Event: TypeAlias = (
    StoreRegistered
    | StockSet
    | StorePaused
    | StoreResumed
    | CatalogueSet
    | ShelvesSet
    | StockCorrected
    | CourierRegistered
    | ShiftStarted
    | ShiftEnded
    | OperatorChanged
    | BreakWanted
    | BreakStarted
    | BreakEnded
    | RouteAcknowledged
    | CourierStranded
    | BagHandedOver
    | CourierRecovered
    | QuoteGiven
    | OrderReceived
    | OrderRefused
    | OrderResourced
    | OrderNotMoved
    | OrderCancelled
    | OrderAmended
    | PromiseSuperseded
    | StorePinned
    | StoreExcluded
    | CarriageBooked
    | CarriageReported
    | CarriageEnded
    | PickStarted
    | PickCompleted
    | LineShort
    | SubstitutionOffered
    | SubstitutionAnswered
    | ItemPicked
    | ParcelScanned
    | CustomerArrived
    | OrderCollected
    | OrderNotCollected
    | ReturnSettled
    | StopCommitted
    | StandbyGiven
    | StopArrived
    | ParcelPickedUp
    | OrderDelivered
    | DeliveryFailed
    | ParcelReturned
    | StopDeclined
    | StopReleased
    | OfferMade
    | OfferAccepted
    | OfferLapsed
    | ProofTaken
    | RetryGranted
    | ConflictNoted
    | OrderRevived
    | WorkTakenIn
    | ActionTaken
    | ActionUndone
    | OrderHeld
    | HoldReleased
    | OrderLocked
    | OrderUnlocked
    | RouteLocked
    | RouteUnlocked
    | ControlSet
    | ControlEnded
    | StreetClosed
    | StreetReopened
    | PlanPublished
)

EVENT_TYPES: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""Event classes by the name they have in the log and on the wire."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the log of its zone.

    Attributes
    ----------
    seq
        1, 2, 3, ... without gaps.
    at
        When the engine recorded it.
    """

    zone_id: str
    seq: int
    at: EpochS
    event: Event


__all__ = [
    "EVENT_TYPES",
    "ActionTaken",
    "ActionUndone",
    "BagHandedOver",
    "BreakEnded",
    "BreakStarted",
    "BreakWanted",
    "CarriageBooked",
    "CarriageEnded",
    "CarriageReported",
    "CatalogueSet",
    "ConflictNoted",
    "ControlEnded",
    "ControlSet",
    "CourierRecovered",
    "CourierRegistered",
    "CourierStranded",
    "CustomerArrived",
    "DeliveryFailed",
    "Event",
    "HoldReleased",
    "ItemPicked",
    "LineShort",
    "OfferAccepted",
    "OfferLapsed",
    "OfferMade",
    "OperatorChanged",
    "OrderAmended",
    "OrderCancelled",
    "OrderCollected",
    "OrderDelivered",
    "OrderHeld",
    "OrderLocked",
    "OrderNotCollected",
    "OrderNotMoved",
    "OrderReceived",
    "OrderRefused",
    "OrderResourced",
    "OrderRevived",
    "OrderUnlocked",
    "ParcelPickedUp",
    "ParcelReturned",
    "ParcelScanned",
    "PickCompleted",
    "PickStarted",
    "PlanPublished",
    "PromiseSuperseded",
    "ProofTaken",
    "QuoteGiven",
    "Recorded",
    "RetryGranted",
    "ReturnSettled",
    "RouteAcknowledged",
    "RouteLocked",
    "RouteUnlocked",
    "ShelvesSet",
    "ShiftEnded",
    "ShiftStarted",
    "StandbyGiven",
    "StockCorrected",
    "StockSet",
    "StopArrived",
    "StopCommitted",
    "StopDeclined",
    "StopReleased",
    "StoreExcluded",
    "StorePaused",
    "StorePinned",
    "StoreRegistered",
    "StoreResumed",
    "StreetClosed",
    "StreetReopened",
    "SubstitutionAnswered",
    "SubstitutionOffered",
    "WorkTakenIn",
]
