"""What may be asked of the engine, in the imperative.

`occurred_at` is the time on the asker's own device; the engine adds the time it heard of it.
`owner` is who asks, in the words of whoever let them in: `ops:maria`, `customer`, `shop:k-market`.
"""

from __future__ import annotations

from typing import TypeAlias, get_args

from dispatch.commands.counter import (
    ArriveToCollect,
    CollectOrder,
    GiveUpCollection,
    RequestReturn,
    ReturnAtDesk,
    SettleReturn,
)
from dispatch.commands.couriers import (
    AcknowledgeRoute,
    EndBreak,
    EndShift,
    HandOverBag,
    RecoverCourier,
    RegisterCourier,
    SignOn,
    StartShift,
    StrandCourier,
    TakeBreak,
)
from dispatch.commands.desk import (
    EndControl,
    HoldOrder,
    LockOrder,
    LockRoute,
    ReleaseHold,
    SetControl,
    UndoAction,
    UnlockOrder,
    UnlockRoute,
)
from dispatch.commands.orders import (
    AcceptOrder,
    AmendOrder,
    BookCarriage,
    CancelOrder,
    EndCarriage,
    ExcludeStore,
    LineFacts,
    PinStore,
    PlaceOrder,
    ReportCarriage,
    RequestQuote,
)
from dispatch.commands.picking import (
    AnswerSubstitution,
    CompletePick,
    ReportShort,
    ScanItem,
    ScanParcel,
    StartPick,
)
from dispatch.commands.stops import (
    AcceptOffer,
    ArriveAtStop,
    CompleteStop,
    DeclineStop,
    FailStop,
    RetryDelivery,
    TakeInWork,
)
from dispatch.commands.stores import (
    CorrectStock,
    PauseStore,
    RegisterStore,
    ResumeStore,
    SetCatalogue,
    SetShelves,
    SetStock,
)
from dispatch.commands.streets import (
    CloseStreet,
    ReopenStreet,
)

Command: TypeAlias = (
    RegisterStore
    | SetStock
    | PauseStore
    | ResumeStore
    | SetCatalogue
    | SetShelves
    | CorrectStock
    | RegisterCourier
    | StartShift
    | EndShift
    | SignOn
    | TakeBreak
    | EndBreak
    | AcknowledgeRoute
    | StrandCourier
    | HandOverBag
    | RecoverCourier
    | RequestQuote
    | PlaceOrder
    | AcceptOrder
    | CancelOrder
    | AmendOrder
    | PinStore
    | ExcludeStore
    | BookCarriage
    | ReportCarriage
    | EndCarriage
    | StartPick
    | CompletePick
    | ReportShort
    | AnswerSubstitution
    | ScanItem
    | ScanParcel
    | ArriveToCollect
    | CollectOrder
    | GiveUpCollection
    | ReturnAtDesk
    | RequestReturn
    | SettleReturn
    | ArriveAtStop
    | CompleteStop
    | FailStop
    | DeclineStop
    | AcceptOffer
    | RetryDelivery
    | TakeInWork
    | HoldOrder
    | ReleaseHold
    | LockOrder
    | UnlockOrder
    | LockRoute
    | UnlockRoute
    | SetControl
    | EndControl
    | UndoAction
    | CloseStreet
    | ReopenStreet
)

COMMAND_TYPES: dict[str, type[Command]] = {kind.__name__: kind for kind in get_args(Command)}
"""Classes of commands by the name they have in a journal."""

__all__ = [
    "COMMAND_TYPES",
    "AcceptOffer",
    "AcceptOrder",
    "AcknowledgeRoute",
    "AmendOrder",
    "AnswerSubstitution",
    "ArriveAtStop",
    "ArriveToCollect",
    "BookCarriage",
    "CancelOrder",
    "CloseStreet",
    "CollectOrder",
    "Command",
    "CompletePick",
    "CompleteStop",
    "CorrectStock",
    "DeclineStop",
    "EndBreak",
    "EndCarriage",
    "EndControl",
    "EndShift",
    "ExcludeStore",
    "FailStop",
    "GiveUpCollection",
    "HandOverBag",
    "HoldOrder",
    "LineFacts",
    "LockOrder",
    "LockRoute",
    "PauseStore",
    "PinStore",
    "PlaceOrder",
    "RecoverCourier",
    "RegisterCourier",
    "RegisterStore",
    "ReleaseHold",
    "ReopenStreet",
    "ReportCarriage",
    "ReportShort",
    "RequestQuote",
    "RequestReturn",
    "ResumeStore",
    "RetryDelivery",
    "ReturnAtDesk",
    "ScanItem",
    "ScanParcel",
    "SetCatalogue",
    "SetControl",
    "SetShelves",
    "SetStock",
    "SettleReturn",
    "SignOn",
    "StartPick",
    "StartShift",
    "StrandCourier",
    "TakeBreak",
    "TakeInWork",
    "UndoAction",
    "UnlockOrder",
    "UnlockRoute",
]
