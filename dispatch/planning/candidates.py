"""Which stores each order may come from: all orders and stores at once.

What is asked here is cheap and never too strict: a store is ruled out where it could not serve
even if the order were picked first.  How long its queue really is, the search itself finds out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.model import UNREACHABLE_S, OrderInPlay, Policy, Reason, Refusal, StoreInPlay
from dispatch.planning.arrays import (
    NEVER,
    STORE_COLUMNS,
    STORE_PICKER_FIRST,
    STORE_PICKER_LAST,
    STORE_PLACE,
    STORE_SERVICE_S,
    STORE_WINDOW_FIRST,
    STORE_WINDOW_LAST,
)
from dispatch.planning.ending import pick_share
from dispatch.planning.picking import begun, has_begun, pick_s, pickers_free
from dispatch.planning.situation import Situation
from dispatch.planning.sourcing import USEFULNESS, Stock, judged, nobody, told, wanted

_FIT: Final = 0
_NOT_ASKED: Final = -1
_CODES: Final = {reason: code for code, reason in enumerate(USEFULNESS, start=1)}
"""What stands for each reason in arrays."""

_HEAVIER_THAN_STOCK: Final = (
    Reason.STORE_EXCLUDED,
    Reason.OUTSIDE_RADIUS,
    Reason.UNREACHABLE,
)


class StoreTable(NamedTuple):
    """The stores as arrays.

    Attributes
    ----------
    rows : int64 (stores, STORE_COLUMNS), windows : int64 (windows, 2), pickers : int64 (pickers,)
        As in `arrays.Problem`.
    opens, closes : int64 (stores, most windows)
        The same windows, a store's beside one another; missing ones are never open.
    starts : int64 (stores,)
        When a pick that is asked for now could begin; `NEVER` where none can.
    likely_starts : int64 (stores,)
        The same after all that waits to be picked.
    opens_at : int64 (stores,)
        When each is open from now on; `NEVER` where it is not.
    pick_base_s, pick_line_s : int64 (stores,)
        As in `model.Store`.
    pick_share : float64 (stores,)
        By what share of them picking times are off.
    reach_s : int64 (stores,), paused : bool (stores,)
        How far they deliver, and whether they take no more orders.
    """

    rows: NDArray[np.int64]
    windows: NDArray[np.int64]
    pickers: NDArray[np.int64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    starts: NDArray[np.int64]
    likely_starts: NDArray[np.int64]
    opens_at: NDArray[np.int64]
    pick_base_s: NDArray[np.int64]
    pick_line_s: NDArray[np.int64]
    pick_share: NDArray[np.float64]
    reach_s: NDArray[np.int64]
    paused: NDArray[np.bool_]

    def opening(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first second from `at` on at which each store is open, else `NEVER`.

        `at` has shape (stores,) or (orders, stores).
        """
        return _opening(self.opens, self.closes, at)


def store_table(situation: Situation, queues: Mapping[str, Sequence[OrderInPlay]]) -> StoreTable:
    """Return the stores as arrays.

    Parameters
    ----------
    queues
        What is to be picked, is being picked or waits at the counter, by store.
    """
    now = situation.now
    rows: list[list[int]] = []
    windows: list[tuple[int, int]] = []
    pickers: list[int] = []
    first_free: list[int] = []
    backlog_s: list[int] = []
    for key, store in situation.stores.items():
        waits_s = 0
        free = [now] * store.store.pickers
        queue = queues.get(key, ())
        if queue:
            ends: list[int] = []
            for order in queue:
                known = begun(store.store, order, now)
                if known is None:
                    waits_s += pick_s(store.store, order.order)
                elif known.running:
                    ends.append(known.ready_at)
            ends.sort()
            free = pickers_free(store.store, ends, now)
        row = [0] * STORE_COLUMNS
        row[STORE_PLACE] = store.place
        row[STORE_SERVICE_S] = store.store.pickup_service_s
        row[STORE_WINDOW_FIRST] = len(windows)
        row[STORE_PICKER_FIRST] = len(pickers)
        windows.extend(store.open_windows)
        pickers.extend(free)
        row[STORE_WINDOW_LAST] = len(windows)
        row[STORE_PICKER_LAST] = len(pickers)
        rows.append(row)
        first_free.append(max(now, min(free, default=NEVER)))
        backlog_s.append(waits_s // max(1, store.store.pickers))
    stores = list(situation.stores.values())
    opens, closes = _side_by_side(stores)
    starts = _opening(opens, closes, np.array(first_free, dtype=np.int64))
    after = np.minimum(starts + np.array(backlog_s, dtype=np.int64), NEVER)
    return StoreTable(
        rows=np.array(rows, dtype=np.int64).reshape(-1, STORE_COLUMNS),
        windows=np.array(windows, dtype=np.int64).reshape(-1, 2),
        pickers=np.array(pickers, dtype=np.int64),
        opens=opens,
        closes=closes,
        starts=starts,
        likely_starts=_opening(opens, closes, after),
        opens_at=_opening(opens, closes, np.full(len(stores), now, dtype=np.int64)),
        pick_base_s=np.array([one.store.pick_base_s for one in stores], dtype=np.int64),
        pick_line_s=np.array([one.store.pick_line_s for one in stores], dtype=np.int64),
        pick_share=np.array([pick_share(situation, one.store_id) for one in stores]),
        reach_s=np.array([one.store.reach_s for one in stores], dtype=np.int64),
        paused=np.array([one.paused for one in stores], dtype=bool),
    )


def _opening(
    opens: NDArray[np.int64], closes: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.int64]:
    found = np.full(at.shape, NEVER, dtype=np.int64)
    for column in range(opens.shape[1] - 1, -1, -1):
        begins = np.maximum(at, opens[:, column])
        found = np.where(at < closes[:, column], begins, found)
    return found


def _side_by_side(
    stores: Sequence[StoreInPlay],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    most = max((len(store.open_windows) for store in stores), default=0)
    never = (NEVER, -NEVER)
    rows = [(*store.open_windows, *[never] * (most - len(store.open_windows))) for store in stores]
    both = np.array(rows, dtype=np.int64).reshape(len(stores), most, 2)
    return both[:, :, 0], both[:, :, 1]


@dataclass(frozen=True, slots=True)
class Asking:
    """An order that asks for a store.

    Attributes
    ----------
    only
        The store it must come from; None for any.
    settled
        It stays at its own store if that can serve.
    """

    order: OrderInPlay
    only: str | None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Shortlists:
    """What came of it, by order in the order of asking.

    Attributes
    ----------
    demand
        What was asked for.
    stores
        Rows of the stores to consider, best first; empty where none can serve.
    refusals
        Why none can, by order id.
    stock
        What is left after what was taken.
    claims
        Quantity that the orders may take, by row of the store and article, where there is enough
        for all of them; None where it had to be shared out.
    """

    demand: list[_Demand]
    stores: list[list[int]]
    refusals: dict[str, Refusal]
    stock: Stock
    claims: dict[tuple[int, str], int] | None


class _Weighed(NamedTuple):
    """All orders at all stores; arrays of shape (orders, stores).

    Attributes
    ----------
    code : int8
        `_FIT` where the store can serve, `_NOT_ASKED` where it need not, else why it cannot.
    soonest : int64
        When the goods would be ready if they were picked first; `NEVER` if never.
    merit : int64
        Lower is better: time to get ready and to go to the door.
    """

    code: NDArray[np.int8]
    soonest: NDArray[np.int64]
    merit: NDArray[np.int64]


def shortlist(
    situation: Situation,
    asking: Sequence[Asking],
    table: StoreTable,
    taken: Sequence[tuple[OrderInPlay, str]],
    last: str | None = None,
) -> Shortlists:
    """Return the stores each order may come from: the best ones, its own always if it can serve.

    No piece is promised twice: whatever the search chooses among these, every store has enough.
    Where goods run short, first every order without a store of its own gets one, then other
    choices are given while there is something left, by the time of the click and the id.

    Parameters
    ----------
    taken
        Orders that take goods at a store which is not (yet) their own.
    last
        An order that comes after all others when goods run short.
    """
    stock = Stock(situation)
    for order, store_id in taken:
        stock.move(order, None, store_id)
    if not asking:
        return Shortlists([], [], {}, stock, {})
    rows = situation.store_rows
    own = np.array([rows.get(asked.order.store_id or "", -1) for asked in asking])
    weighed = _weighed(situation, asking, table, own)
    most = most_stores(situation.policy)
    demand = [
        _Demand(asked, ranked, home)
        for asked, ranked, home in zip(asking, _ranked(weighed), own.tolist(), strict=True)
    ]
    names = list(rows)
    found = [_best(want, names, stock, most) for want in demand]
    claims = _claims(demand, found)
    is_enough = _is_enough(claims, names, stock)
    if not is_enough:
        found = _share_out(demand, names, stock, most, last)
    refusals: dict[str, Refusal] = {}
    for row, (want, stores) in enumerate(zip(demand, found, strict=True)):
        if not stores:
            _mark_missing(weighed.code[row], want, names, stock)
            refusals[want.order.order_id] = _refusal(situation, want.order, row, weighed, stock)
    return Shortlists(demand, found, refusals, stock, claims if is_enough else None)


def restocked(situation: Situation, before: Shortlists) -> Shortlists | None:
    """Return what comes of the same orders where nothing but stock is other than before.

    None where that would be something else, or might be.
    """
    if before.claims is None or before.refusals:
        return None
    stock = before.stock.at(situation)
    names, most = list(situation.store_rows), most_stores(situation.policy)
    found = [_best(want, names, stock, most) for want in before.demand]
    if found != before.stores or not _is_enough(before.claims, names, stock):
        return None
    return replace(before, stock=stock)


def one_more(
    situation: Situation, order: OrderInPlay, table: StoreTable, before: Shortlists
) -> list[int] | Refusal | None:
    """Return the stores that one more order may come from, or why none can serve it.

    Parameters
    ----------
    order
        It has no store yet and nobody holds it.
    before
        What came of the others.

    Returns
    -------
    list of int, Refusal or None
        What `shortlist` finds if it comes last; None where goods run short, so that with this one
        the others might have other stores to choose from.
    """
    if before.claims is None:
        return None
    asked = Asking(order, None)
    weighed = _weighed(situation, [asked], table, np.array([-1]))
    want = _Demand(asked, _ranked(weighed)[0], -1)
    names = list(situation.store_rows)
    found = _best(want, names, before.stock, most_stores(situation.policy))
    if not found:
        _mark_missing(weighed.code[0], want, names, before.stock)
        # What stores have of any article, and whether they reach the door, is the situation's.
        return _refusal(situation, order, 0, weighed, before.stock)
    for column in found:
        for sku, quantity in want.wants.items():
            claimed = before.claims.get((column, sku), 0)
            if claimed and claimed + quantity > before.stock.free(names[column], sku):
                return None
    return found


def most_stores(policy: Policy) -> int:
    """Return how many stores an order may choose from."""
    return 1 if policy.sourcing_nearest else max(1, policy.sourcing_candidates)


def _weighed(
    situation: Situation,
    asking: Sequence[Asking],
    table: StoreTable,
    own: NDArray[np.int64],
) -> _Weighed:
    """Weigh all stores for all orders; what they have in stock is not looked at here."""
    now = situation.now
    stores = list(situation.stores.values())
    columns = np.arange(len(stores))
    rows = np.array([situation.order_rows[asked.order.order_id] for asked in asking])
    trip_s = situation.trip_s[rows].astype(np.int64)
    at_own = own[:, np.newaxis] == columns
    taking_s = _picking_s(asking, table)
    soonest = np.where(table.starts < NEVER, table.starts + taking_s, NEVER)
    begins = table.likely_starts
    likely = np.where(begins < NEVER, begins + taking_s, soonest)
    _know_begun(situation, asking, stores, soonest, likely)

    # Of several reasons the weightiest is written last.
    code = np.full(trip_s.shape, _FIT, dtype=np.int8)
    outside = (trip_s > table.reach_s) | _outside_areas(asking, stores)
    code[(table.paused & ~at_own) | (soonest >= NEVER)] = _CODES[Reason.STORE_PAUSED]
    code[_is_closed(situation, table, soonest, trip_s, at_own)] = _CODES[Reason.STORE_CLOSED]
    code[outside & ~at_own] = _CODES[Reason.OUTSIDE_RADIUS]
    for row, asked in enumerate(asking):
        for store_id in asked.order.excluded_stores & situation.store_rows.keys():
            if asked.only != store_id:
                code[row, situation.store_rows[store_id]] = _CODES[Reason.STORE_EXCLUDED]
    code[trip_s >= UNREACHABLE_S] = _CODES[Reason.UNREACHABLE]
    only = [-1 if asked.only is None else situation.store_rows[asked.only] for asked in asking]
    bound = np.array(only)[:, np.newaxis]
    code[(bound >= 0) & (bound != columns)] = _NOT_ASKED
    ahead_s = np.where(likely < NEVER, np.maximum(0, likely - now), 0)
    if situation.policy.sourcing_nearest:
        ahead_s = np.zeros_like(ahead_s)
    merit = 2 * (trip_s + ahead_s) - at_own
    return _Weighed(code, soonest, merit)


def _picking_s(asking: Sequence[Asking], table: StoreTable) -> NDArray[np.int64]:
    lines = np.array([len(asked.order.order.lines) for asked in asking], dtype=np.int64)
    taking_s: NDArray[np.int64] = table.pick_base_s + lines[:, np.newaxis] * table.pick_line_s
    for row, asked in enumerate(asking):
        stated_s = asked.order.order.pick_s
        if stated_s is not None:
            taking_s[row] = stated_s
    return taking_s


def _know_begun(
    situation: Situation,
    asking: Sequence[Asking],
    stores: Sequence[StoreInPlay],
    *tables: NDArray[np.int64],
) -> None:
    """Write down when goods are ready that are picked or being picked."""
    rows = situation.store_rows
    for row, asked in enumerate(asking):
        if not has_begun(asked.order):
            continue
        columns = rows.values() if asked.only is None else (rows[asked.only],)
        for column in columns:
            pick = begun(stores[column].store, asked.order, situation.now)
            for table in tables:
                table[row, column] = NEVER if pick is None else pick.ready_at


def _is_closed(
    situation: Situation,
    table: StoreTable,
    soonest: NDArray[np.int64],
    trip_s: NDArray[np.int64],
    at_own: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    now = situation.now
    opens_at = table.opens_at
    pickup_at = table.opening(soonest)
    waits = (opens_at > now) | (pickup_at > soonest)
    too_late = waits & (pickup_at + trip_s > now + situation.policy.promise_max_s) & ~at_own
    has_pickers = table.rows[:, STORE_PICKER_FIRST] < table.rows[:, STORE_PICKER_LAST]
    found: NDArray[np.bool_] = np.where(
        soonest < NEVER, (pickup_at >= NEVER) | too_late, has_pickers
    )
    return found | (opens_at >= NEVER)


def _outside_areas(asking: Sequence[Asking], stores: Sequence[StoreInPlay]) -> NDArray[np.bool_]:
    outside = np.zeros((len(asking), len(stores)), dtype=bool)
    doors = [asked.order.place for asked in asking]
    for column, store in enumerate(stores):
        if store.area is not None:
            serves = store.area.serves
            outside[:, column] = [door not in serves for door in doors]
    return outside


def _ranked(weighed: _Weighed) -> list[list[int]]:
    """Return the stores that can serve each order, best first."""
    fits = weighed.code == _FIT
    order = np.argsort(np.where(fits, weighed.merit, NEVER), axis=1, kind="stable")
    counts = fits.sum(axis=1).tolist()
    return [row[:count] for row, count in zip(order.tolist(), counts, strict=True)]


def _refusal(
    situation: Situation, order: OrderInPlay, row: int, weighed: _Weighed, stock: Stock
) -> Refusal:
    """Return the most useful reason why no store can serve: that of the one nearest to it."""
    stores = list(situation.stores.values())
    codes = weighed.code[row]
    for code in _CODES.values():
        alike = np.flatnonzero(codes == code)
        if not len(alike):
            continue
        nearest = int(alike[np.argmin(weighed.merit[row, alike])])
        soonest = int(weighed.soonest[row, nearest])
        ready_at = None if soonest >= NEVER else soonest
        no = judged(situation, order, stores[nearest], stock, ready_at)
        if no is not None:
            return told(no, len(alike))
    return nobody(order)


# --- stock -------------------------------------------------------------------------------------


class _Demand:
    """An order that looks for stores.

    Attributes
    ----------
    ranked
        Rows of the stores that would do if they had the goods, best first; none but its own if
        that would do and it is settled.
    home
        Row of its own store, where its goods are reserved; -1 for none.
    wants
        Quantity of each article.
    """

    __slots__ = ("home", "order", "ranked", "wants")

    def __init__(self, asked: Asking, ranked: list[int], home: int) -> None:
        self.order = asked.order
        stays = asked.settled and home in ranked
        self.ranked = [home] if stays else ranked
        self.home = home
        # What stays has its goods; of what has no choice nobody asks.
        self.wants = {} if stays or asked.only is not None else wanted(asked.order.order)


def _best(want: _Demand, names: Sequence[str], stock: Stock, most: int) -> list[int]:
    """Return the first few stores that have the goods; an order's own is among them if it can."""
    found: list[int] = []
    for column in want.ranked:
        if len(found) == most:
            break
        if column == want.home or stock.has(names[column], want.wants):
            found.append(column)
    if want.home not in found and want.home in want.ranked:
        found[-1] = want.home
    return found


def _mark_missing(
    codes: NDArray[np.int8], want: _Demand, names: Sequence[str], stock: Stock
) -> None:
    """Mark the stores in reach that lack something; that they are closed as well counts less."""
    heavier = {
        _NOT_ASKED,
        *(_CODES[reason] for reason in _HEAVIER_THAN_STOCK),
    }
    for column, code in enumerate(codes.tolist()):
        if code not in heavier and column != want.home and not stock.has(names[column], want.wants):
            codes[column] = _CODES[Reason.NO_STOCK]


def _claims(demand: Sequence[_Demand], found: Sequence[list[int]]) -> dict[tuple[int, str], int]:
    """Return what would be taken of every store if all orders that consider it came from it."""
    asked: dict[tuple[int, str], int] = {}
    for want, stores in zip(demand, found, strict=True):
        for column in stores:
            if column != want.home:
                for sku, quantity in want.wants.items():
                    asked[column, sku] = asked.get((column, sku), 0) + quantity
    return asked


def _is_enough(claims: Mapping[tuple[int, str], int], names: Sequence[str], stock: Stock) -> bool:
    """Return whether every store has enough for all orders that consider it."""
    return all(
        quantity <= stock.free(names[column], sku) for (column, sku), quantity in claims.items()
    )


def _share_out(
    demand: Sequence[_Demand], names: Sequence[str], stock: Stock, most: int, last: str | None
) -> list[list[int]]:
    """Give what is short to those who come first; returns the stores of each order.

    What is given is taken from `stock`.
    """
    turns = sorted(
        range(len(demand)),
        key=lambda row: (
            demand[row].order.order_id == last,
            demand[row].order.order.created_at,
            demand[row].order.order_id,
        ),
    )
    found: list[list[int]] = [[] for _ in demand]
    for most_now in (1, most):
        for row in turns:
            want, kept = demand[row], found[row]
            if not kept and want.home in want.ranked:
                kept.append(want.home)
            for column in want.ranked:
                if len(kept) >= most_now:
                    break
                if column not in kept and stock.has(names[column], want.wants):
                    stock.move(want.order, None, names[column])
                    kept.append(column)
    for want, kept in zip(demand, found, strict=True):
        kept.sort(key=want.ranked.index)
    return found
