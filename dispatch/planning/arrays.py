"""The decision as arrays: what the compiled search reads and writes.

Everything is numbered: orders, stores, couriers by ascending id; candidates (an order at a store
it may come from) by order.  Times are UTC epoch seconds as int64, durations int32 seconds.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

NEVER: Final = 1 << 60
"""Later than anything: goods that no picker will pick, goods that are never late."""

# --- columns of `Problem.jobs` ------------------------------------------------------------------

JOB_PLACE: Final = 0
"""Place of its last stop: the door, or the store for what goes back."""
JOB_SERVICE_S: Final = 1
"""Service at the last stop."""
JOB_WEIGHT_G: Final = 2
JOB_COUNTS_FROM: Final = 3
"""Waiting counts from here."""
JOB_LATEST: Final = 4
"""End of the promise; `NEVER` for what goes back."""
JOB_BAG: Final = 5
"""Courier who has it in the bag, or whose committed pickup it is; -1 while it is free."""
JOB_SHOWN: Final = 6
"""Courier it was last shown to; -1 for none.  Another one costs churn."""
JOB_HOME: Final = 7
"""Candidate that is its present store; -1 for none yet.  Another one costs churn."""
JOB_RANK: Final = 8
"""Place in the order of (created_at, order_id): settles ties in pick queues."""
JOB_AWAITED: Final = 9
"""1 when a courier already comes for it: picked first, and whatever the hours say."""
JOB_FIRST: Final = 10
JOB_LAST: Final = 11
"""Its candidates are rows `[JOB_FIRST, JOB_LAST)` of `Problem.candidates`."""
JOB_VOLUME_ML: Final = 12
JOB_CHILLED: Final = 13
"""Chilled bags it takes; 0 for what keeps by itself."""
JOB_EARLIEST: Final = 14
"""The hand-over begins no sooner: whoever is there before waits."""
JOB_CLOSES: Final = 15
"""The hand-over must begin by then, as a limit; `NEVER` where being late has a price only."""
JOB_DOUBT_S2: Final = 16
"""Variance of the hand-over of what is in a bag that does not hang on how far ahead it is."""
JOB_FETCHED: Final = 17
"""When it left the store, for what is in a bag; `NEVER` for what is still to be fetched."""
JOB_DIRECT_S: Final = 18
"""Straight ride from store to door of what is in a bag."""
JOB_RIDES: Final = 19
"""1 where time in the bag has a price: not for what goes back."""
JOB_TOLD_BY: Final = 20
"""A hand-over after this is news to the customer; `NEVER` where nothing was told."""
JOB_FETCH_BY: Final = 21
"""A pickup over after this is news to store and courier; `NEVER` where nothing was told."""
JOB_COLUMNS: Final = 22

# --- columns of `Problem.candidates` ------------------------------------------------------------

CAND_STORE: Final = 0
CAND_NEED: Final = 1
"""When the goods must be ready there to keep the promise, without slack."""
CAND_PICK_S: Final = 2
CAND_READY: Final = 3
"""When they are ready, where that does not hang on the queue (picked, or being picked); else -1."""
CAND_DOUBT_S2: Final = 4
"""Variance of a hand-over from there that does not hang on how far ahead it is."""
CAND_COLUMNS: Final = 5

# --- columns of `Problem.stores` ----------------------------------------------------------------

STORE_PLACE: Final = 0
STORE_SERVICE_S: Final = 1
STORE_WINDOW_FIRST: Final = 2
STORE_WINDOW_LAST: Final = 3
"""Opening times are rows of `Problem.windows`."""
STORE_PICKER_FIRST: Final = 4
STORE_PICKER_LAST: Final = 5
"""When its pickers are free of what they pick now: entries of `Problem.pickers`."""
STORE_COLUMNS: Final = 6

# --- columns of `Problem.couriers` --------------------------------------------------------------

COURIER_MODE: Final = 0
"""First index of the travel tables."""
COURIER_PLACE: Final = 1
COURIER_START: Final = 2
"""Earliest time of leaving the place; of beginning the first stop for one who stands there."""
COURIER_SHIFT_END: Final = 3
COURIER_CAPACITY_G: Final = 4
COURIER_CAPACITY_PARCELS: Final = 5
COURIER_BAG_G: Final = 6
COURIER_BAG_PARCELS: Final = 7
COURIER_LOCKED: Final = 8
"""How many steps at the beginning of the route stay what and where they are."""
COURIER_STANDING: Final = 9
"""1 when already at the first stop: no leg leads to it."""
COURIER_AT_STORE: Final = 10
"""Store at whose counter the courier stands; -1 elsewhere."""
COURIER_CAPACITY_ML: Final = 11
COURIER_CAPACITY_CHILLED: Final = 12
COURIER_BAG_ML: Final = 13
COURIER_BAG_CHILLED: Final = 14
COURIER_BREAK_FROM: Final = 15
"""The break begins when the bag is first empty from then on; `NEVER` for none."""
COURIER_BREAK_UNTIL: Final = 16
COURIER_BREAK_S: Final = 17
COURIER_COLUMNS: Final = 18

# --- entries of `Problem.prices` ----------------------------------------------------------------

PRICE_UNROUTED: Final = 0
"""For an order without a route; more than any lateness costs."""
PRICE_LATE: Final = 1
PRICE_SQUARE: Final = 2
PRICE_BUFFER_S: Final = 3
PRICE_BUFFER: Final = 4
PRICE_WAITING: Final = 5
PRICE_TRAVEL: Final = 6
PRICE_LENGTH: Final = 7
PRICE_CHURN: Final = 8
PRICE_CHURN_CUSTOMER: Final = 9
PRICE_LATE_ONCE: Final = 10
"""Of being late at all."""
PRICE_OVERTIME: Final = 11
PRICE_BREAK_LATE: Final = 12
PRICE_CHILLED: Final = 13
PRICE_STACK: Final = 14
"""Per second in the bag beyond a limit."""
PRICE_DETOUR_MAX_S: Final = 15
PRICE_BAG_MAX_S: Final = 16
PRICE_STACK_LATE: Final = 17
"""Per second of lateness that a straight ride would not have had."""
PRICE_RIDES: Final = 18
"""1 where any price hangs on the time in the bag."""
PRICE_CHURN_STORE: Final = 19
PRICE_DETOUR_LIMIT_S: Final = 20
PRICE_BAG_LIMIT_S: Final = 21
PRICE_LATE_LIMIT_S: Final = 22
"""Limits that no order put into a bag may break for any; `NEVER` for none."""
PRICE_COLUMNS: Final = 23


UNENDING: Final = np.zeros((0, 0), dtype=np.int64)
"""For `Problem.end_by` where no route has a time to be over by."""


class Problem(NamedTuple):
    """What is to be decided; never written to.

    Attributes
    ----------
    jobs : int64 (entries, JOB_COLUMNS)
        The first `job_count` rows are to be routed; the others only stand in pick queues.
    job_count
        How many are to be routed.
    candidates : int64 (candidates, CAND_COLUMNS)
    stores : int64 (stores, STORE_COLUMNS)
    windows : int64 (windows, 2)
        Opening times `[from, to)`, ascending within a store.
    pickers : int64 (pickers,)
        When each is free.
    couriers : int64 (couriers, COURIER_COLUMNS)
    allowed : uint8 (job_count, couriers)
        1 where a courier may take an order.
    duration_s, length_m : int32 (modes, places, places)
        `UNREACHABLE_S` for no way.
    prices : float64 (PRICE_COLUMNS,)
    doubts : float64 (modes,)
        Variance of travel by mode, per square second that a hand-over is ahead.
    duty : float64 (couriers,)
        Price of giving a courier one more order.
    launch : float64 (couriers,)
        Price of giving a courier anything to do at all.
    ends : float64 (couriers, places)
        Price of ending a route at a place, or of staying there with none; (0, 0) where it is free.
    now
        Time of the decision.
    one_store
        Whether a trip is one store, then its doors.
    end_by : int64 (couriers, places)
        A route that ends at a place must be over there by then, as a limit; (0, 0) for none.
    """

    jobs: NDArray[np.int64]
    job_count: int
    candidates: NDArray[np.int64]
    stores: NDArray[np.int64]
    windows: NDArray[np.int64]
    pickers: NDArray[np.int64]
    couriers: NDArray[np.int64]
    allowed: NDArray[np.uint8]
    duration_s: NDArray[np.int32]
    length_m: NDArray[np.int32]
    prices: NDArray[np.float64]
    doubts: NDArray[np.float64]
    duty: NDArray[np.float64]
    launch: NDArray[np.float64]
    ends: NDArray[np.float64]
    now: int
    one_store: bool
    end_by: NDArray[np.int64] = UNENDING


class Routes(NamedTuple):
    """A solution; what a search starts from and ends with.

    Attributes
    ----------
    steps : int32 (couriers, most steps)
        `2 * job` fetches an order at its chosen store, `2 * job + 1` ends it.
    count : int32 (couriers,)
        Steps in use.
    chosen : int32 (entries,)
        Candidate chosen for each order; -1 for one that needs no store any more (in a bag).
    """

    steps: NDArray[np.int32]
    count: NDArray[np.int32]  # type: ignore[assignment]  # a tuple counts its items
    chosen: NDArray[np.int32]
