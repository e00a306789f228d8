"""The dispatcher's desk: decisions in force, the audit, surge controls, outside companies."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from typing_extensions import TypedDict

from api.shapes.couriers import RouteLock
from api.shapes.orders import Promise
from api.shapes.wire import shape_of, written
from api.shapes.words import Moment, one_of
from dispatch.control_preview import AtStore, Sample, TurnedAway
from dispatch.explanation import Explanation
from dispatch.model import DeliveryStatus, OrderStatus, Reason
from dispatch.records import ControlKind


class Hold(TypedDict):
    """Why an order is neither picked nor routed for now, and until when."""

    owner: str
    reason: str
    until: Moment | None


class OrderLock(TypedDict):
    """Who alone may bring an order."""

    courier_id: str
    owner: str
    reason: str
    expires_at: Moment


class MayUndo(TypedDict):
    """Whether an action can be taken back now, and why not."""

    possible: bool
    why_not: str | None


class Action(TypedDict):
    """What a person did."""

    id: str
    kind: str
    subject: str
    owner: str
    reason: str
    at: Moment
    undone_by: str | None
    undo: MayUndo


class UndoneAction(Action):
    """An action that was taken back, and the types of the events it took."""

    events: list[str]


class ActionPage(TypedDict):
    """A page of actions; `next` is the cursor of the following page, null on the last."""

    data: list[Action]
    next: str | None


class OrderDesk(TypedDict):
    """What people decided about an order, and what they may still do."""

    order_id: str
    version: str
    status: Annotated[str, one_of(OrderStatus)]
    delivery_status: Annotated[str, one_of(DeliveryStatus)]
    courier_id: str | None
    hold: Hold | None
    lock: OrderLock | None
    pinned_store_id: str | None
    excluded_stores: list[str]
    moves: list[str]
    actions: list[Action]


class DecidedOrder(OrderDesk):
    """An order after a decision; `action_id` takes it back."""

    action_id: str


class RouteDesk(TypedDict):
    """The stops a courier has ahead, and who fixed their order."""

    courier_id: str
    version: int
    stop_ids: list[str]
    lock: RouteLock | None


class DecidedRoute(RouteDesk):
    """A courier's stops after a decision; `action_id` takes it back."""

    action_id: str


EXPLANATION: Final[Any] = shape_of(Explanation)
"""Why the plan treats an order as it does, or how it went."""


# --- surge controls ----------------------------------------------------------------------------


class PlannedControl(TypedDict):
    """A surge control that is not in force."""

    kind: Annotated[str, one_of(ControlKind)]
    value: int
    store_ids: list[str]
    owner: str
    reason: str
    expires_at: Moment


class Control(PlannedControl):
    """A surge control."""

    id: str
    starts_at: Moment


class Controls(TypedDict):
    """The surge controls in force, the first set first."""

    data: list[Control]


class ControlPreview(TypedDict):
    """What a surge control would have done with the orders of the last hour, and would do."""

    control: PlannedControl
    since: Moment
    until: Moment
    orders: int
    turned_away: Annotated[Any, written(tuple[TurnedAway, ...])]
    lost: int
    lost_basket_cents: int
    promised_later: int
    later_s: int
    late: int
    late_under: int
    unstated: int
    open_orders: int
    stores: Annotated[Any, written(tuple[AtStore, ...])]
    sample: Annotated[Any, written(Sample | None)]
    notes: list[str]


# --- outside companies -------------------------------------------------------------------------


class Carriage(TypedDict):
    """What was agreed on with an outside company, and how far it is."""

    order_id: str
    carrier: str
    reference: str
    cost_cents: int
    booked_at: Moment
    status: str
    eta: Moment | None
    ended: bool


class CarriedDelivery(TypedDict):
    """How a delivery stands that an outside company has."""

    status: Annotated[str, one_of(DeliveryStatus)]
    eta: Moment | None


class CarriageReport(TypedDict):
    """What the news of an outside company did, by the types of its events."""

    order_id: str
    delivery: CarriedDelivery
    events: list[str]


class Bid(TypedDict):
    """What a company asks to bring an order, and when it would be there."""

    carrier: str
    cost_cents: int
    pickup_at: Moment
    dropoff_at: Moment
    in_time: bool


class Bookable(TypedDict):
    """An order that could be given away, with the bids for it."""

    order_id: str
    why: Literal["at_risk", "unassigned"]
    reason: Annotated[str, one_of(Reason)] | None
    detail: str | None
    store_id: str
    promise: Promise
    eta: Moment | None
    bids: list[Bid]


class FailedCompany(TypedDict):
    """A company that gave no bids, and why."""

    carrier: str
    detail: str


class Bookables(TypedDict):
    """Orders without a courier or at risk, the most pressing first."""

    data: list[Bookable]
    failed: list[FailedCompany]
