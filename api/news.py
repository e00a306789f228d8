"""Headlines for the operations page: the events a person would want to be told of."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from dispatch import events as e
from dispatch.model import StopKind
from dispatch.records import SLOT
from dispatch.state import State

_KEPT: Final = 20
_SHORT_LENGTH: Final = 4


@dataclass(frozen=True, slots=True)
class Headline:
    """One line of news."""

    at: int
    text: str


def short(order_id: str) -> str:
    """Return the end of an order's id, as people say it."""
    return order_id[-_SHORT_LENGTH:].upper()


@dataclass(slots=True)
class Headlines:
    """The last headlines of one zone."""

    _kept: deque[Headline] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._kept = deque(self._kept, _KEPT)

    def add(self, recorded: e.Recorded, state: State) -> None:
        """Take one more event; `state` gives the names."""
        text = _text(recorded.event, state)
        if text is not None:
            self._kept.append(Headline(recorded.at, text))

    def latest(self) -> list[Headline]:
        """Return the headlines, newest first."""
        return list(reversed(self._kept))


def _text(event: e.Event, state: State) -> str | None:  # noqa: C901, PLR0911, PLR0912, PLR0915  a table
    match event:
        case e.OrderReceived() if event.order.return_of is not None:
            whose = short(event.order.return_of)
            return f"Goods of order {whose} are to be fetched back to {event.order.address}"
        case e.OrderReceived():
            return f"Order {short(event.order.order_id)} for {event.order.address}"
        case e.OrderRefused():
            return f"Order refused: {event.detail}"
        case e.OrderResourced():
            return f"Order {short(event.order_id)} moved to {_store(state, event.to_store_id)}"
        case e.OrderNotMoved():
            where = _store(state, event.store_id)
            return f"Order {short(event.order_id)} should leave {where}: {event.detail}"
        case e.PickCompleted():
            return f"Order {short(event.order_id)} ready at {_store(state, event.store_id)}"
        case e.LineShort():
            return f"Order {short(event.order_id)} lacks {event.missing} of {event.sku}"
        case e.CustomerArrived():
            where = f" in bay {event.bay}" if event.bay else ""
            return f"The customer of order {short(event.order_id)} is here{where}"
        case e.OrderCollected():
            return f"Order {short(event.order_id)} collected at {_store(state, event.store_id)}"
        case e.OrderNotCollected():
            return f"Order {short(event.order_id)} was not collected: {event.reason}"
        case e.ReturnSettled():
            where = _store(state, event.store_id)
            return f"Goods of order {short(event.order_id)} came back to {where}: {event.reason}"
        case e.ParcelPickedUp():
            return f"{_courier(state, event.courier_id)} has order {short(event.order_id)}"
        case e.OrderDelivered():
            return f"{_courier(state, event.courier_id)} delivered order {short(event.order_id)}"
        case e.DeliveryFailed():
            return f"Order {short(event.order_id)} could not be delivered: {event.reason}"
        case e.ParcelReturned():
            return f"Order {short(event.order_id)} is back at {_store(state, event.store_id)}"
        case e.StopDeclined():
            who = _courier(state, event.courier_id)
            return f"{who} declined order {short(event.order_id)}: {event.reason}"
        case e.CourierStranded():
            who = _courier(state, event.courier_id)
            left = f"; {len(event.order_ids)} to be fetched there" if event.order_ids else ""
            return f"{who} cannot go on: {event.reason}{left}"
        case e.CourierRecovered():
            return f"{_courier(state, event.courier_id)} can go on again"
        case e.BagHandedOver():
            giver, taker = (_courier(state, i) for i in (event.courier_id, event.to_courier_id))
            return f"{taker} takes over {len(event.order_ids)} of {giver}: {event.reason}"
        case e.BreakStarted():
            return f"{_courier(state, event.courier_id)} has a break"
        case e.OfferLapsed():
            who = _courier(state, event.courier_id)
            return f"{who} did not answer for order {short(event.order_id)}"
        case e.RetryGranted():
            return f"Order {short(event.order_id)} is tried again: {event.reason}"
        case e.OrderCancelled():
            return f"Order {short(event.order_id)} cancelled: {event.reason}"
        case e.OrderLocked(lock=lock):
            return f"Order {short(event.order_id)} is for {_courier(state, lock.courier_id)} only"
        case e.RouteLocked(lock=lock):
            return f"The stops of {_courier(state, event.courier_id)} were put in order by hand"
        case e.StorePaused():
            return f"{_store(state, event.store_id)} paused: {event.reason}"
        case e.StoreResumed():
            return f"{_store(state, event.store_id)} takes orders again"
        case e.StreetClosed(closure=closure):
            return (
                f"A street was closed: {closure.reason}"
                if closure.reason
                else "A street was closed"
            )
        case e.StreetReopened():
            return "A street was opened again"
        case e.ShiftStarted():
            return f"{_courier(state, event.courier_id)} is on shift"
        case e.ShiftEnded():
            return f"{_courier(state, event.courier_id)} went off shift"
        case e.ConflictNoted():
            return f"Order {short(event.order_id)}: {event.outcome}"
        case e.SubstitutionOffered():
            return f"Order {short(event.order_id)} waits for an answer on a substitution"
        case e.CarriageBooked():
            return f"{event.carriage.carrier} carries order {short(event.order_id)}"
        case e.CarriageEnded():
            return f"{event.carrier} does not bring order {short(event.order_id)}: {event.reason}"
        case e.OrderHeld() if event.hold.owner != SLOT:
            return f"Order {short(event.order_id)} held: {event.hold.reason}"
        case e.HoldReleased():
            return f"Order {short(event.order_id)} goes on"
        case e.ControlSet():
            return f"{event.control.kind.value.replace('_', ' ').capitalize()} control is on"
        case e.ControlEnded():
            return f"A surge control ended: {event.reason}"
        case e.StopCommitted() if event.stop.kind is StopKind.RETURN:
            who = _courier(state, event.courier_id)
            return f"{who} brings order {short(event.stop.order_id)} back"
        case _:
            return None


def _store(state: State, store_id: str) -> str:
    return state.store(store_id).store.name


def _courier(state: State, courier_id: str) -> str:
    return state.courier(courier_id).courier.name
