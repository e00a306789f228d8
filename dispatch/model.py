"""The words of the decision as frozen types: what a decision knows (`Snapshot`) and says (`Plan`).

Times are UTC epoch seconds, durations seconds, lengths metres, weights grams, money minor units.
Nothing here reads a clock, draws a number or touches the outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dispatch.errors import InvalidValueError
from dispatch.fields import MOST, check_least, check_tables, check_types, refusal
from dispatch.policy import Policy
from geo.service_area import ServiceArea
from geo.types import UNREACHABLE_S, EpochS, LonLat, Mode

__all__ = [
    "UNREACHABLE_S",
    "AreaInPlay",
    "Cited",
    "Courier",
    "CourierInPlay",
    "DeliveryStatus",
    "Fare",
    "Fulfilment",
    "LonLat",
    "Mode",
    "Objective",
    "Order",
    "OrderInPlay",
    "OrderLine",
    "OrderStatus",
    "Pause",
    "Plan",
    "Policy",
    "Promise",
    "Quote",
    "Reason",
    "Refusal",
    "Route",
    "ServiceArea",
    "Snapshot",
    "Spread",
    "Standby",
    "Stop",
    "StopKind",
    "Store",
    "StoreDemand",
    "StoreInPlay",
    "TravelTable",
    "Unassigned",
    "Visit",
    "Window",
]


class Fulfilment(StrEnum):
    """How the customer gets the goods."""

    DELIVERY = "delivery"
    COLLECTION = "collection"
    CURBSIDE = "curbside"


class OrderStatus(StrEnum):
    """The goods' own line, apart from the delivery."""

    RECEIVED = "received"
    SOURCED = "sourced"
    PICKING = "picking"
    SUBSTITUTING = "substituting"
    READY = "ready"
    COLLECTED = "collected"
    CANCELLED = "cancelled"


class DeliveryStatus(StrEnum):
    """Where a delivery stands, as published on the wire."""

    CREATED = "created"
    CONFIRMED = "confirmed"
    OFFERED = "offered"
    ASSIGNED = "assigned"
    ENROUTE_TO_PICKUP = "enroute_to_pickup"
    ARRIVED_AT_PICKUP = "arrived_at_pickup"
    PICKED_UP = "picked_up"
    ENROUTE_TO_DROPOFF = "enroute_to_dropoff"
    ARRIVED_AT_DROPOFF = "arrived_at_dropoff"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNING = "returning"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class StopKind(StrEnum):
    """What happens at a stop."""

    PICKUP = "pickup"
    DROPOFF = "dropoff"
    RETURN = "return"
    BREAK = "break"


class Reason(StrEnum):
    """Why an order was refused or is not on a route; stable, on the wire."""

    OUTSIDE_RADIUS = "outside_radius"
    NO_STOCK = "no_stock"
    STORE_CLOSED = "store_closed"
    STORE_PAUSED = "store_paused"
    NO_COURIER_BEFORE_DEADLINE = "no_courier_before_deadline"
    QUOTE_EXPIRED = "quote_expired"
    TOO_HEAVY = "too_heavy"
    TOO_LARGE = "too_large"
    NO_CHILLED_BAG = "no_chilled_bag"
    UNREACHABLE = "unreachable"
    NO_COURIER_ON_SHIFT = "no_courier_on_shift"
    STORE_EXCLUDED = "store_excluded"
    BELOW_MINIMUM_BASKET = "below_minimum_basket"
    THROTTLED = "throttled"
    HELD = "held"
    STACKING_LIMIT = "stacking_limit"


_LON_MAX = 180.0
_LAT_MAX = 90.0
_NUMBERS = frozenset({int, float, np.float64})


# --- what exists -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A quantity of one SKU."""

    sku: str
    quantity: int

    def __post_init__(self) -> None:
        check_types(self)
        if not self.sku:
            raise InvalidValueError("lines.sku", "is empty; name the article")
        if self.quantity < 1:
            raise InvalidValueError("lines.quantity", f"is {self.quantity}; it must be 1 or more")


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer bought; an amendment makes another one of the same id.

    Attributes
    ----------
    created_at
        When the customer clicked.
    door, address
        Where it goes; `address` is what a courier reads.
    address_place
        Where the address itself is, if the customer dropped a pin elsewhere; `door` is the pin.
    weight_g, volume_ml
        Of the whole parcel; a volume of 0 is one that nobody knows.
    chilled
        It must be kept cold: it takes one of a courier's chilled bags.
    service_s
        Time needed at the door to hand it over.
    pick_s
        Expected picking time as the shop states it; None for the store's own estimate.
    basket_cents, fare_cents, tip_cents, paid_cents
        Worth of the goods, price of the delivery, tip for the courier, and what was paid so far.
    age_limit
        Years whoever takes it must have lived; 0 for everybody.
    pin_required
        It is handed over against the customer's PIN only.
    part_of
        The order it is a part of, if that was split over several stores.
    return_of
        The order whose goods it brings back: fetched at a door, brought to a store.
    """

    order_id: str
    created_at: EpochS
    door: LonLat
    address: str
    lines: tuple[OrderLine, ...]
    weight_g: int
    service_s: int
    basket_cents: int = 0
    fare_cents: int = 0
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    priority: int = 0
    external_id: str | None = None
    note: str = ""
    pick_s: int | None = None
    phone: str = ""
    tip_cents: int = 0
    paid_cents: int = 0
    age_limit: int = 0
    pin_required: bool = False
    chilled: bool = False
    address_place: LonLat | None = None
    part_of: str | None = None
    return_of: str | None = None
    volume_ml: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        if not self.lines:
            raise InvalidValueError("lines", f"of {self.order_id} are empty; an order needs one")
        check_least(
            self, 0, "weight_g", "volume_ml", "service_s", "basket_cents", "fare_cents", "pick_s"
        )
        check_least(self, 0, "tip_cents", "paid_cents", "age_limit")
        check_least(self, -MOST, "created_at", "priority")
        _check_place("door", self.door)


@dataclass(frozen=True, slots=True)
class Promise:
    """The window we gave; superseded, never edited.  `earliest <= latest`, UTC seconds."""

    earliest: EpochS
    latest: EpochS
    made_at: EpochS

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, -MOST, "earliest", "latest", "made_at")
        if self.earliest > self.latest:
            raise InvalidValueError("promise", f"ends ({self.latest}) before it starts")


@dataclass(frozen=True, slots=True)
class Store:
    """A supermarket that acts as a micro-warehouse.

    Attributes
    ----------
    opening_hours
        In the OpenStreetMap grammar, local time of the zone; empty means always open.
    pickers
        How many orders can be picked at the same time.
    pick_base_s, pick_line_s
        Expected picking time: `pick_base_s + pick_line_s * lines`.
    access_s
        Between street and counter, on foot: taken once when a courier comes to the counter and
        once when leaving it, however many parcels are fetched between.
    pickup_service_s
        A courier's time at the counter for one parcel.
    reach_s
        The longest one-way trip to a door by the fastest mode of the fleet.
    service_area
        Where it delivers to, besides `reach_s`; None for every door it can reach.
    safety_stock
        So many of each SKU are never promised online, unless the SKU has its own figure.
    is_point
        No shop: a place where goods wait to be fetched, a stranded courier's bag or a return at
        a customer's door.
    """

    store_id: str
    name: str
    location: LonLat
    opening_hours: str = ""
    pickers: int = 2
    pick_base_s: int = 120
    pick_line_s: int = 25
    pickup_service_s: int = 60
    reach_s: int = 1200
    service_area: ServiceArea | None = None
    access_s: int = 0
    safety_stock: int = 0
    is_point: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        _check_place("location", self.location)
        check_least(
            self,
            0,
            "pickers",
            "safety_stock",
            "pick_base_s",
            "pick_line_s",
            "pickup_service_s",
            "reach_s",
            "access_s",
        )


@dataclass(frozen=True, slots=True)
class Courier:
    """A person with a mode and a capacity.

    Attributes
    ----------
    home
        Where the courier starts, and would like to be when the shift is over.
    capacity_g, capacity_ml, capacity_parcels
        Most in the bag at a time: weight, volume, parcels.
    chilled_bags
        Most chilled parcels in the bag at a time.
    phone
        For text messages, in E.164 (`+358401234567`); empty for none.
    takes_offers
        Pickups are offered and may be declined, instead of being told.
    """

    courier_id: str
    name: str
    mode: Mode
    home: LonLat
    capacity_g: int = 15_000
    capacity_parcels: int = 4
    phone: str = ""
    takes_offers: bool = False
    capacity_ml: int = 100_000
    chilled_bags: int = 4

    def __post_init__(self) -> None:
        check_types(self)
        _check_place("home", self.home)
        check_least(self, 1, "capacity_g", "capacity_ml", "capacity_parcels")
        check_least(self, 0, "chilled_bags")


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing to do at one place; at most one stop of a kind per order.

    The place follows from the kind: a pickup or return is at the store, a drop-off at the door.
    """

    kind: StopKind
    order_id: str
    store_id: str

    def __post_init__(self) -> None:
        check_types(self)

    @property
    def stop_id(self) -> str:
        """Opaque id, the same in every plan."""
        return f"stp_{self.order_id.removeprefix('ord_')}_{self.kind[0]}"


@dataclass(frozen=True, slots=True)
class Pause:
    """A break of a shift: it begins when the bag is first empty from `earliest` on.

    Attributes
    ----------
    latest
        Beginning it later has a price.
    """

    earliest: EpochS
    latest: EpochS
    duration_s: int

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, -MOST, "earliest", "latest")
        check_least(self, 1, "duration_s")
        if self.latest < self.earliest:
            raise InvalidValueError(
                "pause", "must begin at the latest after it may at the earliest"
            )


@dataclass(frozen=True, slots=True)
class Spread:
    """How far forecasts are off, as standard deviations; all zero where they are taken as certain.

    Attributes
    ----------
    pick
        Of picking times, as a share of them, by store; `""` for stores that are not named.
    travel
        Of the time ahead until a hand-over, as a share of it, by mode.
    counter_s, door_s
        Of the time at the counter and at the door.
    kept
        How many of them a promise keeps between the forecast and its end.
    """

    pick: Mapping[str, float] = field(default_factory=dict)
    travel: Mapping[Mode, float] = field(default_factory=dict)
    counter_s: float = 0.0
    door_s: float = 0.0
    kept: float = 0.0

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, 0, "counter_s", "door_s", "kept")
        for name in ("pick", "travel"):
            shares = getattr(self, name)
            if min(shares.values(), default=0.0) < 0:
                raise refusal(self, name, shares, "0 or more each")


# --- what a decision knows ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderInPlay:
    """An open order as the decision sees it.

    Attributes
    ----------
    place
        Index of the door in `Snapshot.places`.
    store_id
        The sourced store, None before sourcing.
    store_fixed
        Picking has begun, or a person pinned the store: it must not change.
    pick_started_at, ready_at
        Facts, None until they happened.
    courier_id
        Who is committed to it or carries it; None while it may go to anyone.
    on_board
        It is in the courier's bag.
    returning
        It goes back to its store: a `return` stop instead of a drop-off.
    declined_by
        Couriers who must not be given it: they declined it, or a person locked it to another.
    excluded_stores
        Stores it must not come from.
    picked_up_at
        When it came into the bag.
    not_before
        The hand-over begins no sooner; None where sooner is welcome.
    told_eta
        The latest forecast of the hand-over that the customer was told; None where nothing was.
    """

    order: Order
    place: int
    promise: Promise
    status: OrderStatus
    delivery: DeliveryStatus
    store_id: str | None = None
    store_fixed: bool = False
    pick_started_at: EpochS | None = None
    ready_at: EpochS | None = None
    courier_id: str | None = None
    on_board: bool = False
    returning: bool = False
    declined_by: frozenset[str] = frozenset()
    excluded_stores: frozenset[str] = frozenset()
    picked_up_at: EpochS | None = None
    not_before: EpochS | None = None
    told_eta: EpochS | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, -MOST, "place", "pick_started_at", "ready_at")
        check_least(self, -MOST, "picked_up_at", "not_before", "told_eta")

    @property
    def order_id(self) -> str:
        """Id of the order."""
        return self.order.order_id


@dataclass(frozen=True, slots=True)
class AreaInPlay:
    """A store's service area as the decision sees it.

    Attributes
    ----------
    description
        What it is, for those who are refused.
    serves
        Indices of the doors in `Snapshot.places` that lie in it.
    """

    description: str
    serves: frozenset[int]


@dataclass(frozen=True, slots=True)
class StoreInPlay:
    """A store as the decision sees it.

    Attributes
    ----------
    available
        Free stock by SKU, of the SKUs that open orders (or a quote) ask for; what the store
        itself has reserved for its own orders is already taken off.
    open_windows
        Opening times as (from, to) that overlap the coming day, ascending.
    area
        What came of its service area, None where it has none.  The area itself is left out of
        `store`: a drawn one may have thousands of points, and no decision looks at them.
    """

    store: Store
    place: int
    available: Mapping[str, int]
    open_windows: tuple[tuple[int, int], ...]
    paused: bool = False
    area: AreaInPlay | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, -MOST, "place")
        if any(not -MOST <= at < MOST for window in self.open_windows for at in window):
            wanted = f"times from {-MOST} to {MOST}"
            raise refusal(self, "open_windows", self.open_windows, wanted)

    @property
    def store_id(self) -> str:
        """Id of the store."""
        return self.store.store_id


@dataclass(frozen=True, slots=True)
class CourierInPlay:
    """A courier as the decision sees it.

    Attributes
    ----------
    place
        Index of the present position in `Snapshot.places`.
    available_at
        Earliest time of leaving that position, or of beginning the first committed stop when
        `arrived` is set.
    shift_end
        No pickup may begin after it; what is in the bag is still delivered.
    committed
        Stops being carried out, in this order; a plan's route begins with exactly these.
    arrived
        The courier already stands at the first committed stop.
    at_store
        Store at whose counter the courier stands, having picked up there; None elsewhere.
    standby, under_way
        Store near which the courier was told to wait, and whether still on the way to it.
    on_board
        Orders in the bag; each must be dropped (or returned) by this courier.
    pause
        The break that is still to come.
    home_place
        Index of `Courier.home` in `Snapshot.places` where that matters, as towards the end of a
        shift; None elsewhere.
    worked_s
        Time of this shift spent on orders.
    acceptance
        Chance that an offer to this courier is taken.
    """

    courier: Courier
    place: int
    available_at: int
    shift_start: int
    shift_end: int
    committed: tuple[Stop, ...] = ()
    arrived: bool = False
    on_board: tuple[str, ...] = ()
    at_store: str | None = None
    standby: str | None = None
    under_way: bool = False
    pause: Pause | None = None
    home_place: int | None = None
    worked_s: int = 0
    acceptance: float = 1.0

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, -MOST, "place", "available_at", "shift_start", "shift_end")
        check_least(self, 0, "worked_s", "acceptance")

    @property
    def courier_id(self) -> str:
        """Id of the courier."""
        return self.courier.courier_id


@dataclass(frozen=True, slots=True, eq=False)
class TravelTable:
    """Travel between all places of a snapshot, for each mode in use.

    Attributes
    ----------
    duration_s, length_m
        For each mode an int32 array of shape (places, places); `UNREACHABLE_S` for no way.
        Durations are from standing at the one to standing at the other, so a store's
        `access_s` is in every leg that leads to or from its counter.
    version
        Of the network and weights the figures come from.
    """

    duration_s: Mapping[Mode, NDArray[np.int32]]
    length_m: Mapping[Mode, NDArray[np.int32]]
    version: str

    def __post_init__(self) -> None:
        check_types(self)
        check_tables(self, "duration_s", "length_m")


@dataclass(frozen=True, slots=True)
class StoreDemand:
    """What a store is expected to be asked for in the time to come, by the log so far.

    Attributes
    ----------
    orders_per_h
        Expected arrivals.
    lead_s
        How long after the click goods are ready there: recent ones, ascending.
    """

    store_id: str
    orders_per_h: float
    lead_s: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, 0, "orders_per_h")
        if min(self.lead_s, default=0) < 0:
            raise refusal(self, "lead_s", self.lead_s, "0 or more each")


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All that a decision may know.

    Attributes
    ----------
    seq
        Position of the log it was taken at.
    places
        Every place named by index; `travel` has one row and column for each.
    routes
        The plan in force, for a warm start and for counting churn.
    seed
        Of whatever the planner draws.
    demand
        Expected demand, by store; empty where nothing is known yet.
    spread
        How far its forecasts are off.
    """

    zone_id: str
    now: int
    seq: int
    places: tuple[LonLat, ...]
    travel: TravelTable
    orders: tuple[OrderInPlay, ...]
    stores: tuple[StoreInPlay, ...]
    couriers: tuple[CourierInPlay, ...]
    routes: tuple[Route, ...] = ()
    policy: Policy = field(default_factory=Policy)
    seed: int = 0
    demand: tuple[StoreDemand, ...] = ()
    spread: Spread = field(default_factory=Spread)

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, -MOST, "now")


# --- what a decision says ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop with its times: arrive, begin (after waiting for the goods), depart.

    `travel_s` and `length_m` are of the leg that leads to it.
    """

    stop: Stop
    arrive_at: EpochS
    begin_at: EpochS
    depart_at: EpochS
    travel_s: int
    length_m: int


@dataclass(frozen=True, slots=True)
class Route:
    """A courier's visits in order.

    Attributes
    ----------
    leave_at
        When to leave the present position: just in time, not before.
    break_at
        When the courier's break begins on the way; None where it has none.
    version
        Counts what the courier was told; 0 until published.
    """

    courier_id: str
    visits: tuple[Visit, ...]
    leave_at: EpochS
    version: int = 0
    break_at: EpochS | None = None


@dataclass(frozen=True, slots=True)
class Standby:
    """Where a courier with nothing to do should go and wait for work, leaving now.

    Attributes
    ----------
    travel_s, length_m
        Of the way there.
    gain
        What it is expected to save, in courier-seconds, the way there already paid for.
    """

    courier_id: str
    store_id: str
    arrive_at: EpochS
    travel_s: int
    length_m: int
    gain: float


@dataclass(frozen=True, slots=True)
class Unassigned:
    """An order without a route, and why."""

    order_id: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Objective:
    """Cost of a plan by term, in courier-seconds; lower is better.

    Attributes
    ----------
    undelivered
        Orders without a route.
    lateness
        Expected lateness, and slack used up.
    waiting
        From click to door.
    travel
        By the second and by the metre.
    churn
        What couriers, stores and customers must be told anew.
    stacking
        What sharing a bag does to those who share it.
    chilled
        Chilled goods in the bag.
    duty
        An uneven spread of work, and offers that may be declined.
    ending
        Where and when routes end: overtime, the way home, far from the next order; late breaks.
    """

    undelivered: float = 0.0
    lateness: float = 0.0
    waiting: float = 0.0
    travel: float = 0.0
    churn: float = 0.0
    stacking: float = 0.0
    chilled: float = 0.0
    duty: float = 0.0
    ending: float = 0.0

    @property
    def total(self) -> float:
        """Sum of all terms."""
        return float(sum(getattr(self, term.name) for term in fields(self)))


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision for a snapshot.

    Attributes
    ----------
    routes
        One for each courier with anything to do, ascending by courier id.
    sourcing
        The store chosen for every open order that has one.
    ready_at
        When the goods of each sourced order are forecast (or known) to be ready.
    unassigned
        Every open order that is on no route, with its reason, ascending by order id.
    method
        What found it: `insertion` (with ruin and recreate), `selection` or `routing`.
    standbys
        Moves of couriers without work, ascending by courier id.
    pick_at
        When picking should begin, of orders that had better wait.
    """

    plan_id: str
    snapshot_seq: int
    made_at: EpochS
    routes: tuple[Route, ...]
    sourcing: Mapping[str, str]
    ready_at: Mapping[str, int]
    unassigned: tuple[Unassigned, ...]
    objective: Objective
    method: str
    travel_version: str
    standbys: tuple[Standby, ...] = ()
    pick_at: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fare:
    """The parts of a delivery's price; `tier_cents` is negative for a discount."""

    base_cents: int = 0
    distance_cents: int = 0
    tier_cents: int = 0
    surge_cents: int = 0

    @property
    def total_cents(self) -> int:
        """What the customer pays for the delivery; never below 0."""
        parts = self.base_cents + self.distance_cents + self.tier_cents + self.surge_cents
        return max(0, parts)


@dataclass(frozen=True, slots=True)
class Window:
    """A window that was weighed for a quote, with its price or the reason why not.

    Attributes
    ----------
    window_id
        What an order cites: `15m`, `30m`, `60m`, or `slot-<epoch seconds>` for a later one.
    promise, fare, store_id
        None where it cannot be had; the store is where the goods would come from.
    reason, detail
        Why it cannot be had; None and empty where it can.
    """

    window_id: str
    promise: Promise | None = None
    fare: Fare | None = None
    reason: Reason | None = None
    detail: str = ""
    store_id: str | None = None


@dataclass(frozen=True, slots=True)
class QuotedParcel:
    """What one store would hand over for an order that comes from several."""

    store_id: str
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """An answer to "can you, and when?" before the order.

    Attributes
    ----------
    promise, eta, fare_cents, store_id
        Of the usual promise; all None when there is none, though some window can be had.
    windows
        The others to choose from.
    fulfilment, door, lines, weight_g, volume_ml
        What was asked: an order holds its quote to this, and is held to it.
    length_m
        Of the way by road from store to door.
    parcels
        What each store would hand over, if no store has everything; empty where one has.
    crowd
        Open orders per courier on shift when it was given, this one among them; None when
        nobody was.
    """

    quote_id: str
    promise: Promise | None
    store_id: str | None
    eta: EpochS | None
    fare_cents: int | None
    expires_at: EpochS
    fare: Fare | None = None
    windows: tuple[Window, ...] = ()
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    door: LonLat | None = None
    lines: tuple[OrderLine, ...] = ()
    weight_g: int = 0
    length_m: int | None = None
    parcels: tuple[QuotedParcel, ...] = ()
    volume_ml: int = 0
    crowd: float | None = None

    def window(self, window_id: str) -> Window | None:
        """Return the window of an id, None when the quote has none such."""
        return next((one for one in self.windows if one.window_id == window_id), None)


@dataclass(frozen=True, slots=True)
class Cited:
    """What became of the quote that an order cited.

    Attributes
    ----------
    window_id
        The window of it that was wanted, None for its usual promise.
    promised, fare_cents
        What the quote said.
    held
        The order has exactly that; else `reason` says why not.
    """

    quote_id: str
    window_id: str | None
    promised: Promise
    fare_cents: int
    held: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, and why."""

    reason: Reason
    detail: str


def _check_place(name: str, place: LonLat) -> None:
    lon, lat = place
    if type(lon) not in _NUMBERS or type(lat) not in _NUMBERS:
        raise InvalidValueError(name, f"{tuple(place)} is not a pair of numbers, (lon, lat)")
    if not (abs(lon) <= _LON_MAX and abs(lat) <= _LAT_MAX):
        raise InvalidValueError(name, f"{tuple(place)} is not a place in degrees, (lon, lat)")
