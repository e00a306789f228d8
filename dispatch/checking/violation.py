"""What can be wrong with a plan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A rule that is broken; stable names, they are in the log."""

    SNAPSHOT = "snapshot"
    """The plan was made for another snapshot."""
    OBJECTIVE = "objective"
    """The plan's cost is not what its routes, stores and left-out orders cost."""

    DUPLICATE_STOP = "duplicate_stop"
    DUPLICATE_ROUTE = "duplicate_route"
    DUPLICATE_UNASSIGNED = "duplicate_unassigned"
    DUPLICATE_STANDBY = "duplicate_standby"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_STOP = "unknown_stop"
    UNKNOWN_STORE = "unknown_store"
    UNKNOWN_COURIER = "unknown_courier"
    EMPTY_ROUTE = "empty_route"
    ROUTED_AND_UNASSIGNED = "routed_and_unassigned"
    UNACCOUNTED = "unaccounted"
    """An open delivery is neither on a route nor unassigned."""
    NOT_A_DELIVERY = "not_a_delivery"
    """Somebody else than a courier fetches it."""
    NO_REASON = "no_reason"
    NO_DETAIL = "no_detail"

    COMMITTED = "committed"
    """A route does not begin with what its courier was told to do."""
    ON_BOARD = "on_board"
    """Goods in a bag have no stop on their courier's route."""
    TAKEN = "taken"
    """Another courier holds the order."""
    DECLINED = "declined"
    PICKED_TWICE = "picked_twice"
    NEVER_DROPPED = "never_dropped"
    PRECEDENCE = "precedence"
    DIRECTION = "direction"
    """Goods that go back to the store go to the door, or the other way round."""
    SECOND_STORE = "second_store"
    """With goods in the bag the courier fetches at a counter where they do not stand."""
    BAG_ORDER = "bag_order"
    """The order of the doors, fixed on leaving the store, was changed."""

    STORE = "store"
    """A stop is at another store than the plan (or the order) names."""
    FIXED_STORE = "fixed_store"
    PAUSED_STORE = "paused_store"
    REACH = "reach"
    AREA = "area"
    EXCLUDED_STORE = "excluded_store"
    STOCK = "stock"
    FORECAST = "forecast"
    """Goods are forecast to be ready sooner than they can be, or not when they were."""
    PICK_QUEUE = "pick_queue"
    """A forecast needs more pickers than the store has, or one while it is closed."""

    WEIGHT = "weight"
    PARCELS = "parcels"
    VOLUME = "volume"
    CHILLED = "chilled"
    """More chilled parcels than chilled bags."""
    STACKING = "stacking"
    """What is fetched anew breaks a limit of what sharing a bag may do to an order."""
    LEAVES_EARLY = "leaves_early"
    LEAVES_LATE = "leaves_late"
    TRAVEL = "travel"
    UNREACHABLE = "unreachable"
    BEGIN = "begin"
    SERVICE = "service"
    READY = "ready"
    """A pickup begins before the goods are ready, or nobody says when that is."""
    NOT_BEFORE = "not_before"
    """A hand-over begins sooner than it may."""
    BREAK = "break"
    """A break that nobody has, that is not when it is due, or with goods in the bag."""
    SHIFT_END = "shift_end"
    CLOSED = "closed"

    STANDBY_OFF = "standby_off"
    """The policy lets couriers wait where they are."""
    STANDBY_BUSY = "standby_busy"
    """A courier with something to do is sent to wait for work."""
    STANDBY_SHIFT = "standby_shift"
    STANDBY_UNDER_WAY = "standby_under_way"
    """The courier is on the way to a standby, and gets there first."""
    STANDBY_THERE = "standby_there"
    """The courier is sent to where they are."""
    STANDBY_TIMES = "standby_times"
    """The way to a standby does not take what the plan says."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong.

    Attributes
    ----------
    kind
        The rule that is broken.
    subject
        Id of the order, stop, courier or plan it is about.
    detail
        A sentence with the figures.
    """

    kind: Kind
    subject: str
    detail: str
