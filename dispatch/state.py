"""State of one zone: what its log says, as frozen types, and the one transition table.

`TRANSITIONS` says what a delivery may become.  Only `dispatch.apply` makes new states; the rules
ask the table before anything is recorded, and `apply` holds to it when it reads a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Final

from dispatch.errors import UnknownIdError, WrongStateError
from dispatch.events import PlanPublished
from dispatch.model import (
    Cited,
    Courier,
    DeliveryStatus,
    Order,
    OrderStatus,
    Pause,
    Promise,
    Quote,
    Route,
    Stop,
    StopKind,
    Store,
    Visit,
)
from dispatch.records import (
    Action,
    Article,
    Carriage,
    Control,
    Hold,
    ItemScan,
    OrderLock,
    ParcelScan,
    Proof,
    RouteLock,
    StoreRule,
    Substitution,
)
from geo.closures import Closure
from geo.types import LonLat

_D = DeliveryStatus

TRANSITIONS: Final[Mapping[DeliveryStatus, tuple[DeliveryStatus, ...]]] = MappingProxyType(
    {
        _D.CREATED: (_D.CONFIRMED, _D.CANCELLED),
        _D.CONFIRMED: (_D.OFFERED, _D.ASSIGNED, _D.ENROUTE_TO_PICKUP, _D.CANCELLED),
        _D.OFFERED: (_D.CONFIRMED, _D.ASSIGNED, _D.CANCELLED),
        _D.ASSIGNED: (_D.CONFIRMED, _D.ENROUTE_TO_PICKUP, _D.CANCELLED),
        _D.ENROUTE_TO_PICKUP: (_D.CONFIRMED, _D.ARRIVED_AT_PICKUP, _D.CANCELLED),
        _D.ARRIVED_AT_PICKUP: (_D.CONFIRMED, _D.PICKED_UP, _D.CANCELLED),
        # Back to confirmed: the courier stranded, and somebody else fetches the goods there.
        _D.PICKED_UP: (_D.ENROUTE_TO_DROPOFF, _D.RETURNING, _D.CONFIRMED),
        _D.ENROUTE_TO_DROPOFF: (_D.ARRIVED_AT_DROPOFF, _D.RETURNING, _D.CONFIRMED),
        _D.ARRIVED_AT_DROPOFF: (_D.DELIVERED, _D.FAILED, _D.RETURNING, _D.CONFIRMED),
        # A second try goes from failed to the door again.
        _D.FAILED: (_D.RETURNING, _D.ENROUTE_TO_DROPOFF, _D.CONFIRMED),
        _D.RETURNING: (_D.RETURNED, _D.CONFIRMED, _D.ENROUTE_TO_DROPOFF),
        _D.DELIVERED: (),
        _D.RETURNED: (),
        _D.CANCELLED: (),
    }
)
"""What each delivery status may become next."""

CLOSED: Final = frozenset(status for status, nexts in TRANSITIONS.items() if not nexts)
"""Statuses nothing follows."""

UNPICKED: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.SOURCED})
"""Goods still on the shelf: the store may change."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the first plan that had a route for an order expected of it; None what it did not say.

    Attributes
    ----------
    pickup_at, done_at
        When the goods would be in the bag, and handed over.
    """

    start_at: int | None
    ready_at: int | None
    pickup_at: int | None
    done_at: int


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order and all that happened to it.

    Attributes
    ----------
    courier_id
        Who is committed to it or carries it (who brought it, once it is closed).
    eta
        Forecast arrival at the door by the plan in force, None without a route.
    ready_forecast
        When the plan in force expects the goods to be ready.
    timeline
        (when, name of the event), in the order recorded.
    origin_store_id
        The store the goods belong to, while `store_id` is a point where they wait.
    pin, exclusions
        Where it must, and must not, come from; `pinned_store_id` and `excluded_stores` are the ids.
    hold, lock
        What a person decided for a while.
    carriage
        The outside company that carries it, or did.
    promises
        Windows given before the present one.
    substitutions, items, scans, proofs
        What was offered instead, picked, scanned and shown.
    tries
        How often a delivery failed.
    bay, here_at
        Of a customer who came to collect.
    returned
        Quantity by SKU that came back after the hand-over; `refund_cents` of what was paid.
    conflicts
        What was reported afterwards against what was decided meanwhile, in words.
    settled_at
        When the goods that an errand brought back were looked at, None before.
    cited
        What became of the quote it rests on, None without one.
    start_by
        When its picking should begin: as the first plan since it came to its store expected.
    pick_at
        Until when the plan in force lets its picking wait; None where it had better begin.
    stuck_at, stuck_for
        When it should last have moved to another store and could not, and why it should have.
    heard
        Reports taken in afterwards: courier, stop id, outcome, device time.
    foreseen
        What was expected of it at first, to hold against how it went.
    """

    order: Order
    promise: Promise
    store_id: str
    status: OrderStatus = OrderStatus.SOURCED
    delivery: DeliveryStatus = DeliveryStatus.CONFIRMED
    courier_id: str | None = None
    on_board: bool = False
    returning: bool = False
    pick_at: int | None = None
    pick_started_at: int | None = None
    ready_at: int | None = None
    picked_up_at: int | None = None
    closed_at: int | None = None
    declined_by: frozenset[str] = frozenset()
    eta: int | None = None
    ready_forecast: int | None = None
    note: str = ""
    timeline: tuple[tuple[int, str], ...] = ()
    origin_store_id: str | None = None
    pin: StoreRule | None = None
    exclusions: tuple[StoreRule, ...] = ()
    hold: Hold | None = None
    lock: OrderLock | None = None
    carriage: Carriage | None = None
    promises: tuple[Promise, ...] = ()
    substitutions: tuple[Substitution, ...] = ()
    items: tuple[ItemScan, ...] = ()
    scans: tuple[ParcelScan, ...] = ()
    proofs: tuple[tuple[Stop, Proof], ...] = ()
    tries: int = 0
    bay: str = ""
    here_at: int | None = None
    returned: Mapping[str, int] = field(default_factory=dict)
    refund_cents: int = 0
    conflicts: tuple[str, ...] = ()
    settled_at: int | None = None
    start_by: int | None = None
    stuck_at: int | None = None
    stuck_for: str = ""
    heard: frozenset[tuple[str, str, str, int]] = frozenset()
    foreseen: Foreseen | None = None
    cited: Cited | None = None

    @property
    def order_id(self) -> str:
        """Id of the order."""
        return self.order.order_id

    @property
    def pinned_store_id(self) -> str | None:
        """The one store that it must come from, None for any."""
        return None if self.pin is None else self.pin.store_id

    @property
    def excluded_stores(self) -> frozenset[str]:
        """The stores that it must not come from."""
        return frozenset(rule.store_id for rule in self.exclusions)

    def exclusions_but(self, store_id: str | None) -> tuple[StoreRule, ...]:
        """Return what rules other stores out."""
        return tuple(rule for rule in self.exclusions if rule.store_id != store_id)

    @property
    def is_closed(self) -> bool:
        """Nothing more is to be done for it."""
        return self.closed_at is not None

    @property
    def is_carried_outside(self) -> bool:
        """An outside company has it."""
        return self.carriage is not None and not self.carriage.ended

    @property
    def waits_at_point(self) -> bool:
        """Its goods wait to be fetched where no store is."""
        return self.origin_store_id is not None and not self.on_board

    @property
    def shelf_store_id(self) -> str:
        """The store whose shelf the goods come from."""
        return self.store_id if self.origin_store_id is None else self.origin_store_id

    @property
    def parcel_id(self) -> str:
        """What the label of its parcel says."""
        return f"pcl_{self.order_id.removeprefix('ord_')}"

    @property
    def revision(self) -> int:
        """Counts what happened to it: an edit made for another one is stale."""
        return len(self.timeline)


@dataclass(frozen=True, slots=True)
class Commitment:
    """A stop the courier was told to do now, and how far it is.

    `offered_until` is set while the courier is only asked whether they will do it.
    """

    stop: Stop
    committed_at: int
    expected_at: int
    arrived_at: int | None = None
    offered_until: int | None = None

    @property
    def is_on_the_way(self) -> bool:
        """Whether the courier is on the way to the stop: neither there yet nor just asked."""
        return self.arrived_at is None and self.offered_until is None


@dataclass(frozen=True, slots=True)
class StandbyState:
    """Where a courier without work was told to wait."""

    store_id: str
    given_at: int
    expected_at: int


@dataclass(frozen=True, slots=True)
class CourierState:
    """A courier, what they do and what they were told.

    `place` and `place_at` come from stop events; fresher positions are kept outside the log.

    Attributes
    ----------
    counter
        Store at whose counter the courier picked up last, until the next stop elsewhere.
    standby
        Where to wait for work; None when there is work, or nowhere in particular.
    pause
        The break of this shift that is still to come.
    break_wanted_s, break_until
        A break asked for, and the end of the one that runs.
    stranded
        Why the courier cannot go on; None for whoever can.
    acknowledged
        The version of the route that the courier has seen.
    route_lock
        The order of stops a person fixed.
    """

    courier: Courier
    place: LonLat
    place_at: int
    shift_start: int | None = None
    shift_end: int | None = None
    operator: str = "simulation"
    commitment: Commitment | None = None
    on_board: tuple[str, ...] = ()
    route: Route | None = None
    route_version: int = 0
    counter: str | None = None
    standby: StandbyState | None = None
    pause: Pause | None = None
    break_wanted_s: int | None = None
    break_until: int | None = None
    stranded: str | None = None
    acknowledged: int = 0
    route_lock: RouteLock | None = None

    def on_shift(self, now: int) -> bool:
        """Tell whether the courier is on shift at `now`."""
        return (
            self.shift_start is not None
            and self.shift_end is not None
            and self.shift_start <= now < self.shift_end
        )

    @property
    def busy(self) -> bool:
        """Under way, at a stop, or with goods in the bag."""
        return self.commitment is not None or bool(self.on_board)

    @property
    def rests(self) -> bool:
        """On a break, about to have one, or unable to go on: nothing new comes to them."""
        return (
            self.break_until is not None
            or self.break_wanted_s is not None
            or self.stranded is not None
        )


@dataclass(frozen=True, slots=True)
class StoreState:
    """A store with its stock: on the shelf (`on_hand`) and of that promised to orders.

    `safety_stock` and `shelves` are by SKU, of those that have their own.  `lacking` are SKUs of
    which, when last counted, fewer were there than promised to orders.
    """

    store: Store
    on_hand: Mapping[str, int] = field(default_factory=dict)
    reserved: Mapping[str, int] = field(default_factory=dict)
    paused: str | None = None
    safety_stock: Mapping[str, int] = field(default_factory=dict)
    shelves: Mapping[str, str] = field(default_factory=dict)
    lacking: frozenset[str] = frozenset()

    def kept(self, sku: str) -> int:
        """Return how many of a SKU are never promised online."""
        return self.safety_stock.get(sku, self.store.safety_stock)

    def available(self, sku: str) -> int:
        """Return how many of a SKU can still be promised; below 0 when too many were."""
        return self.on_hand.get(sku, 0) - self.reserved.get(sku, 0) - self.kept(sku)


@dataclass(frozen=True, slots=True)
class State:
    """Everything the log of one zone says, at one sequence number.

    Attributes
    ----------
    orders, closed
        Open orders, and finished ones, by order id.
    external_ids
        Order id by the shop's own id.
    closures, street_closed_at
        Streets closed now, by closure id; and when one was closed last, None before the first.
    catalogue
        What is known of articles, by SKU.
    controls
        Surge controls in force, by id.
    actions
        What people did at the desk, by id, in order.
    plan
        The last plan published, None before the first.
    """

    zone_id: str
    seq: int = 0
    at: int = 0
    orders: Mapping[str, OrderState] = field(default_factory=dict)
    closed: Mapping[str, OrderState] = field(default_factory=dict)
    stores: Mapping[str, StoreState] = field(default_factory=dict)
    couriers: Mapping[str, CourierState] = field(default_factory=dict)
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    external_ids: Mapping[str, str] = field(default_factory=dict)
    closures: Mapping[str, Closure] = field(default_factory=dict)
    street_closed_at: int | None = None
    catalogue: Mapping[str, Article] = field(default_factory=dict)
    controls: Mapping[str, Control] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    plan: PlanPublished | None = None

    def is_as(self, other: State) -> bool:
        """Tell whether nothing but quotes was given since the other, or before it.

        What changed is another object; `seq` and `at` do not count.
        """
        return all(getattr(self, part) is getattr(other, part) for part in _STANDING)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Routes in force, ascending by courier id; those without a stop left out."""
        found = (courier.route for _, courier in sorted(self.couriers.items()))
        return tuple(route for route in found if route is not None and route.visits)

    def order(self, order_id: str) -> OrderState:
        """Return an order, open or closed; raises `UnknownIdError`."""
        found = self.orders.get(order_id) or self.closed.get(order_id)
        if found is None:
            raise UnknownIdError(f"there is no order {order_id}")
        return found

    def store(self, store_id: str) -> StoreState:
        """Return a store; raises `UnknownIdError`."""
        found = self.stores.get(store_id)
        if found is None:
            raise UnknownIdError(f"there is no store {store_id}")
        return found

    def courier(self, courier_id: str) -> CourierState:
        """Return a courier; raises `UnknownIdError`."""
        found = self.couriers.get(courier_id)
        if found is None:
            raise UnknownIdError(f"there is no courier {courier_id}")
        return found

    def closure(self, closure_id: str) -> Closure:
        """Return a closure in force; raises `UnknownIdError`."""
        found = self.closures.get(closure_id)
        if found is None:
            raise UnknownIdError(f"no closure {closure_id} is in force")
        return found

    def place_of(self, stop: Stop) -> LonLat:
        """Return where a stop is."""
        if stop.kind is StopKind.DROPOFF:
            return self.order(stop.order_id).order.door
        return self.store(stop.store_id).store.location


_STANDING: Final = tuple(
    part.name for part in fields(State) if part.name not in {"seq", "at", "quotes"}
)
"""Parts of a state that no quote changes."""


def knows(state: State, order_id: str) -> bool:
    """Tell whether there is, or was, an order of this id."""
    return order_id in state.orders or order_id in state.closed


def family(state: State, order: OrderState) -> tuple[OrderState, ...]:
    """Return all parts of the order that an order is or is a part of, the first one first."""
    first = order.order.part_of or order.order_id
    found: list[OrderState] = []
    part: OrderState | None = state.orders.get(first) or state.closed.get(first) or order
    while part is not None:
        found.append(part)
        # Parts are numbered without gaps, from the second one on.
        key = f"{first}.{len(found) + 1}"
        part = state.orders.get(key) or state.closed.get(key)
    return tuple(found)


def moved(order: OrderState, to: DeliveryStatus) -> OrderState:
    """Return the order with another delivery status, if the table allows it."""
    allowed = TRANSITIONS[order.delivery]
    if to not in allowed:
        raise WrongStateError(
            f"order {order.order_id}", order.delivery.value, to.value, tuple(allowed)
        )
    return replace(order, delivery=to)


def leave_at(visits: tuple[Visit, ...], otherwise: int) -> int:
    """Return when to leave for the first of some visits; `otherwise` when there is none."""
    return visits[0].arrive_at - visits[0].travel_s if visits else otherwise
