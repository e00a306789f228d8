"""What makes the plan in force worth another thought at once."""

from __future__ import annotations

from typing import Final

from dispatch import events as e

REPLAN_FOR: Final = (
    e.OrderReceived,
    e.OrderCancelled,
    e.PickCompleted,
    e.ParcelPickedUp,
    e.OrderDelivered,
    e.DeliveryFailed,
    e.ParcelReturned,
    e.StopDeclined,
    e.StopReleased,
    e.ShiftStarted,
    e.ShiftEnded,
    e.StorePaused,
    e.StoreResumed,
    e.StreetClosed,
    e.StreetReopened,
    e.OrderAmended,
    e.OrderResourced,
    e.StorePinned,
    e.StoreExcluded,
    e.PromiseSuperseded,
    e.CarriageBooked,
    e.CarriageEnded,
    e.LineShort,
    e.SubstitutionAnswered,
    e.BreakWanted,
    e.BreakStarted,
    e.BreakEnded,
    e.CourierStranded,
    e.BagHandedOver,
    e.CourierRecovered,
    e.OfferLapsed,
    e.RetryGranted,
    e.OrderRevived,
    e.OrderHeld,
    e.HoldReleased,
    e.OrderLocked,
    e.OrderUnlocked,
    e.RouteLocked,
    e.RouteUnlocked,
)
"""Events after which a plan is asked for at once, under any clock."""
