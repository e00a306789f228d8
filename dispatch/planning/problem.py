"""A situation posed as a problem in numbers, and the plan in force as its first solution."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import is_
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.fields import revised
from dispatch.model import (
    CourierInPlay,
    Fulfilment,
    OrderInPlay,
    OrderStatus,
    Policy,
    Reason,
    Refusal,
    Route,
    Snapshot,
    Stop,
)
from dispatch.planning import arrays as a
from dispatch.planning.arrays import NEVER, Problem, Routes
from dispatch.planning.candidates import (
    Asking,
    Shortlists,
    StoreTable,
    restocked,
    shortlist,
    store_table,
)
from dispatch.planning.ending import door_doubt_s2, doubt_s2, duty, ends
from dispatch.planning.picking import awaited, begun, has_begun, queues
from dispatch.planning.seating import Seat, seat_all
from dispatch.planning.situation import Situation, told_fetches
from dispatch.planning.warm import first_routes

_UNPICKED: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.SOURCED})

_DAY_S: Final = 86_400
"""Nothing planned now ends later than this after now; nobody waits for what is later than this."""

_UNROUTED: Final = 1e9
"""Least price of an order without a route: however late, it is worth delivering."""


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A problem, where to start, and the way back to names.

    Attributes
    ----------
    entries
        The orders of `problem.jobs`, row by row.
    rows
        Row of each order to be routed, by id.
    store_ids, courier_ids
        Names of the rows of stores and couriers.
    told
        Committed stops by row of the courier, where there are any.
    seats
        What couriers hold already, by courier.
    left_out
        Orders that no route can serve, with the reason; they are not to be routed.
    table, shortlists
        Where the candidates came from.
    """

    situation: Situation
    problem: Problem
    routes: Routes
    entries: list[OrderInPlay]
    rows: dict[str, int]
    store_ids: list[str]
    courier_ids: list[str]
    told: dict[int, tuple[Stop, ...]]
    seats: dict[str, Seat]
    left_out: dict[str, Refusal]
    table: StoreTable
    shortlists: Shortlists

    def store_of(self, candidate: int) -> str:
        """Return the store of a candidate."""
        return self.store_ids[int(self.problem.candidates[candidate, a.CAND_STORE])]

    def windows(self, store: int) -> tuple[tuple[int, int], ...]:
        """Return the opening times of a store."""
        return self.situation.stores[self.store_ids[store]].open_windows

    def candidates(self, row: int) -> range:
        """Return the candidates of an entry."""
        first, last = self.problem.jobs[row, [a.JOB_FIRST, a.JOB_LAST]].tolist()
        return range(first, last)


@dataclass(slots=True)
class _Job:
    """An order on its way to being a row: stores, couriers by number, -1 for none.

    Attributes
    ----------
    home, chosen
        Its present store, and the one to start from.
    held_by
        Who has it in the bag or is committed to fetch it.
    only
        The one courier who may take it.
    """

    order: OrderInPlay
    stores: list[int] = field(default_factory=list)
    home: int = -1
    chosen: int = -1
    held_by: int = -1
    only: int = -1


def pose(
    situation: Situation,
    *,
    settled: bool = False,
    last: str | None = None,
    sourcing: Mapping[str, str] | None = None,
    routes: Iterable[Route] | None = None,
) -> Posed:
    """Return a situation as a problem.

    Parameters
    ----------
    settled
        Orders keep the store they have, if it can serve.
    last
        An order that comes after all others when goods run short.
    sourcing
        Stores to start from, by order; others start at their own store or the best one.
    routes
        Routes to start from; those in force if None.
    """
    seats, left_out = seat_all(situation)
    held = {key: who for who, seat in seats.items() for key in seat.held}
    queue = _queues(situation, seats)
    table = store_table(situation, queue)
    jobs = _held_jobs(situation, seats)
    asking = _asking(situation, held, left_out, settled=settled)
    taken = [
        (situation.orders[key], store_id)
        for seat in seats.values()
        for key, store_id in seat.fetched.items()
        if situation.orders[key].store_id is None
    ]
    found = shortlist(situation, asking, table, taken, last)
    left_out |= found.refusals
    for asked, stores in zip(asking, found.stores, strict=True):
        if not stores:
            continue
        if not situation.couriers:
            left_out[asked.order.order_id] = Refusal(
                Reason.NO_COURIER_ON_SHIFT, "no courier is on shift or starts soon"
            )
            continue
        jobs[asked.order.order_id] = _free_job(situation, asked.order, stores, sourcing or {})
    jobs = dict(sorted(jobs.items()))
    waiting = sorted(
        (order.order_id, store_id)
        for store_id, orders in queue.items()
        for order in orders
        if order.order_id not in jobs
    )
    rows = list(jobs.values())
    for order_id, store_id in waiting:
        at = situation.store_rows[store_id]
        rows.append(_Job(situation.orders[order_id], [at], at, at))
    problem, chosen = _numbered(situation, table, seats, rows, len(jobs))
    row_of = {key: row for row, key in enumerate(jobs)}
    in_force = situation.snapshot.routes if routes is None else routes
    return Posed(
        situation=situation,
        problem=problem,
        routes=first_routes(situation, problem, chosen, row_of, seats, in_force),
        entries=[job.order for job in rows],
        rows=row_of,
        store_ids=list(situation.stores),
        courier_ids=list(situation.couriers),
        told={situation.courier_rows[key]: seat.told for key, seat in seats.items() if seat.told},
        seats=seats,
        left_out=left_out,
        table=table,
        shortlists=found,
    )


def posed_again(before: Posed, snapshot: Snapshot) -> Posed | None:
    """Return what `pose` makes of a snapshot, by what it made of another one.

    Parameters
    ----------
    before
        Posed with orders settled and nothing else given; it is not written to.

    Returns
    -------
    Posed or None
        None where more is other than where couriers are, from when on, and what stores have, or
        where that makes a difference to what couriers hold or orders may choose from.
    """
    if not _is_alike(before.situation, snapshot):
        return None
    crew = {courier.courier_id: courier for courier in reversed(snapshot.couriers)}
    stores = {store.store_id: store for store in reversed(snapshot.stores)}
    situation = replace(
        before.situation,
        snapshot=snapshot,
        couriers={key: crew[key] for key in before.situation.couriers},
        stores={key: stores[key] for key in before.situation.stores},
    )
    seats, _ = seat_all(situation)
    found = restocked(situation, before.shortlists)
    if seats != before.seats or found is None:
        return None
    travel, modes = snapshot.travel, situation.modes
    problem = before.problem._replace(
        couriers=_couriers(situation, seats),
        duration_s=_tables([travel.duration_s[mode] for mode in modes]),
        length_m=_tables([travel.length_m[mode] for mode in modes]),
        ends=ends(situation),
    )
    return replace(before, situation=situation, problem=problem, shortlists=found)


def _is_alike(before: Situation, snapshot: Snapshot) -> bool:
    """Tell whether only the stock of stores, couriers' places and what follows from those differ.

    Orders and routes count as the same only if they are the very same objects.
    """
    known, places = before.snapshot, len(snapshot.places)
    if (
        len(known.places) != places
        or (known.now, known.seed) != (snapshot.now, snapshot.seed)
        or (known.policy, known.demand) != (snapshot.policy, snapshot.demand)
        or known.spread != snapshot.spread
        or known.travel.duration_s.keys() != snapshot.travel.duration_s.keys()
    ):
        return False
    for ours, theirs in ((known.orders, snapshot.orders), (known.routes, snapshot.routes)):
        if len(ours) != len(theirs) or not all(map(is_, ours, theirs)):
            return False
    if len(known.stores) != len(snapshot.stores) or len(known.couriers) != len(snapshot.couriers):
        return False
    for store, its in zip(known.stores, snapshot.stores, strict=True):
        if store is not its and revised(store, available=its.available) != its:
            return False
    for courier, their in zip(known.couriers, snapshot.couriers, strict=True):
        if courier is not their and revised(courier, available_at=their.available_at) != their:
            return False
    # From stores and doors all ways must be the same.
    ends_at = {store.place for store in snapshot.stores}
    ends_at |= {order.place for order in snapshot.orders}
    differs = np.zeros(places, dtype=bool)
    for mode, duration_s in known.travel.duration_s.items():
        other_s = snapshot.travel.duration_s[mode]
        differs |= (duration_s[:places, :places] != other_s[:places, :places]).any(axis=1)
    return ends_at.isdisjoint(np.flatnonzero(differs).tolist())


def is_fixed(order: OrderInPlay) -> bool:
    """Return whether an order must stay at its store."""
    return (
        order.store_fixed
        or order.pick_started_at is not None
        or order.ready_at is not None
        or order.status not in _UNPICKED
    )


# --- which orders ------------------------------------------------------------------------------


def _queues(situation: Situation, seats: Mapping[str, Seat]) -> dict[str, list[OrderInPlay]]:
    """Return what is to be picked, is being picked or waits at the counter, by store."""
    found = {key: list(queue.values()) for key, queue in queues(situation).items()}
    for seat in seats.values():
        for order_id, store_id in seat.fetched.items():
            order = situation.orders[order_id]
            if order.store_id is None:
                found[store_id].append(order)
    return found


def _held_jobs(situation: Situation, seats: Mapping[str, Seat]) -> dict[str, _Job]:
    found: dict[str, _Job] = {}
    for key, seat in seats.items():
        row = situation.courier_rows[key]
        for order_id in seat.bag:
            found[order_id] = _Job(situation.orders[order_id], held_by=row, only=row)
        for order_id, store_id in seat.fetched.items():
            at = situation.store_rows[store_id]
            order = situation.orders[order_id]
            found[order_id] = _Job(order, [at], at, at, held_by=row, only=row)
    return found


def _asking(
    situation: Situation,
    held: Mapping[str, str],
    left_out: dict[str, Refusal],
    *,
    settled: bool,
) -> list[Asking]:
    """Return the deliveries that nobody holds yet; what cannot be one is left out."""
    asking: list[Asking] = []
    for order_id, order in situation.orders.items():
        if (
            order_id in held
            or order_id in left_out
            or order.order.fulfilment is not Fulfilment.DELIVERY
        ):
            continue
        holder = situation.holders.get(order_id)
        fixed = is_fixed(order) or holder is not None
        is_known = order.store_id in situation.stores
        if order.returning:
            no = Refusal(
                Reason.UNREACHABLE, "it should go back to its store but is in nobody's bag"
            )
        elif not situation.has_door(order):
            no = Refusal(Reason.UNREACHABLE, "its door is not in the travel table")
        elif holder is not None and holder not in situation.couriers:
            no = Refusal(
                Reason.NO_COURIER_ON_SHIFT,
                f"{holder} is committed to it but is not among the couriers in play",
            )
        elif fixed and order.store_id is not None and not is_known:
            no = Refusal(Reason.STORE_CLOSED, f"its store {order.store_id} is not a store in play")
        else:
            only = order.store_id if is_known and fixed else None
            asking.append(Asking(order, only, settled))
            continue
        left_out[order_id] = no
    return asking


def _free_job(
    situation: Situation, order: OrderInPlay, stores: list[int], sourcing: Mapping[str, str]
) -> _Job:
    home = situation.store_rows.get(order.store_id or "", -1)
    if home not in stores:
        home = -1
    chosen = situation.store_rows.get(sourcing.get(order.order_id, ""), -1)
    if chosen not in stores:
        chosen = home if home >= 0 else stores[0]
    only = situation.courier_rows.get(situation.holders.get(order.order_id, ""), -1)
    return _Job(order, stores, home, chosen, only=only)


def as_rows(
    situation: Situation, table: StoreTable, order: OrderInPlay, stores: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Return an order that nobody was told of as (row, candidates, who may take it).

    Where its candidates are, and its rank, is not in the row.
    """
    job = _free_job(situation, order, stores, {})
    candidates, first = _candidates(situation, table, [job])
    rows = _rows(situation, [job], first, frozenset(), {})
    return rows[0], candidates, _allowed(situation, [job], rows)[0]


# --- as arrays ---------------------------------------------------------------------------------


def _numbered(
    situation: Situation,
    table: StoreTable,
    seats: Mapping[str, Seat],
    jobs: Sequence[_Job],
    count: int,
) -> tuple[Problem, NDArray[np.int32]]:
    """Return the problem, and the candidate that each entry starts from."""
    candidates, first = _candidates(situation, table, jobs)
    rows = _rows(situation, jobs, first, awaited(situation), told_fetches(situation.snapshot))
    chosen = np.full(len(jobs), -1, dtype=np.int32)
    for row, job in enumerate(jobs):
        if job.chosen >= 0:
            chosen[row] = first[row] + job.stores.index(job.chosen)
        if job.home >= 0:
            rows[row, a.JOB_HOME] = first[row] + job.stores.index(job.home)
    modes = situation.modes
    travel = situation.snapshot.travel
    problem = Problem(
        jobs=rows,
        job_count=count,
        candidates=candidates,
        stores=table.rows,
        windows=table.windows,
        pickers=table.pickers,
        couriers=_couriers(situation, seats),
        allowed=_allowed(situation, jobs[:count], rows),
        duration_s=_tables([travel.duration_s[mode] for mode in modes]),
        length_m=_tables([travel.length_m[mode] for mode in modes]),
        prices=prices(situation.policy, situation.now, rows[:count]),
        doubts=np.array([situation.snapshot.spread.travel.get(mode, 0.0) ** 2 for mode in modes]),
        duty=duty(situation),
        launch=np.zeros(len(situation.couriers)),
        ends=ends(situation),
        now=situation.now,
        one_store=situation.policy.one_store_per_trip,
    )
    return problem, chosen


def _candidates(
    situation: Situation, table: StoreTable, jobs: Sequence[_Job]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the candidates of all entries, and where those of each begin (one more than those)."""
    counts = np.array([len(job.stores) for job in jobs], dtype=np.int64)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    entry = np.repeat(np.arange(len(jobs)), counts)
    at = np.array([store for job in jobs for store in job.stores], dtype=np.int64)
    found = np.full((len(at), a.CAND_COLUMNS), -1, dtype=np.int64)
    found[:, a.CAND_STORE] = at
    orders = [job.order.order for job in jobs]
    lines = np.array([len(order.lines) for order in orders], dtype=np.int64)
    stated_s = np.array([-1 if o.pick_s is None else o.pick_s for o in orders], dtype=np.int64)
    usual_s = table.pick_base_s[at] + table.pick_line_s[at] * lines[entry]
    taking_s = np.where(stated_s[entry] < 0, usual_s, stated_s[entry])
    found[:, a.CAND_PICK_S] = taking_s
    found[:, a.CAND_NEED] = _needs(situation, table, jobs, entry, at)
    is_ready = np.array([job.order.ready_at is not None for job in jobs], dtype=bool)
    left_s = np.where(is_ready[entry], 0, taking_s)
    found[:, a.CAND_DOUBT_S2] = doubt_s2(situation, table.pick_share[at], left_s)
    stores = list(situation.stores.values())
    for row, job in enumerate(jobs):
        if not has_begun(job.order):
            continue
        for column in range(first[row], first[row + 1]):
            pick = begun(stores[at[column]].store, job.order, situation.now)
            if pick is not None:
                found[column, a.CAND_READY] = pick.ready_at
    return found, first


def _needs(
    situation: Situation,
    table: StoreTable,
    jobs: Sequence[_Job],
    entry: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return when goods must be ready, as `Situation.needed_by` does, for all candidates."""
    order_rows = np.array(
        [situation.order_rows[job.order.order_id] for job in jobs], dtype=np.int64
    )
    latest = np.array([job.order.promise.latest for job in jobs], dtype=np.int64)
    delivered = [job.order.order.fulfilment is Fulfilment.DELIVERY for job in jobs]
    has_door = np.array([situation.has_door(job.order) for job in jobs], dtype=bool)
    service_s = np.array([job.order.order.service_s for job in jobs], dtype=np.int64)
    trip_s = np.where(has_door[entry], situation.trip_s[order_rows[entry], at], 0)
    way_s = table.rows[at, a.STORE_SERVICE_S] + service_s[entry] + trip_s
    found: NDArray[np.int64] = latest[entry] - np.where(np.array(delivered)[entry], way_s, 0)
    return found


def _rows(
    situation: Situation,
    jobs: Sequence[_Job],
    first: NDArray[np.int64],
    coming: Collection[str],
    fetch_by: Mapping[str, int],
) -> NDArray[np.int64]:
    """Return jobs as rows.

    Parameters
    ----------
    coming
        Orders that a courier comes for already.
    fetch_by
        When pickups are over by what stores and couriers were told, by order.
    """
    rows = np.full((len(jobs), a.JOB_COLUMNS), -1, dtype=np.int64)
    if not jobs:
        return rows
    now = situation.now
    stores = situation.stores
    orders = [job.order for job in jobs]
    created = np.array([order.order.created_at for order in orders], dtype=np.int64)
    # Older promises cost as much as those of yesterday: sums of squares stay exact.
    oldest = now - _DAY_S
    # Those that only stand in pick queues may have a door that nobody knows.
    rows[:, a.JOB_PLACE] = [order.place if situation.has_door(order) else 0 for order in orders]
    rows[:, a.JOB_SERVICE_S] = [order.order.service_s for order in orders]
    rows[:, a.JOB_WEIGHT_G] = [order.order.weight_g for order in orders]
    rows[:, a.JOB_VOLUME_ML] = [order.order.volume_ml for order in orders]
    rows[:, a.JOB_CHILLED] = [order.order.chilled for order in orders]
    rows[:, a.JOB_EARLIEST] = [oldest if o.not_before is None else o.not_before for o in orders]
    rows[:, a.JOB_CLOSES] = NEVER
    rows[:, a.JOB_RIDES] = [not order.returning for order in orders]
    news_s = situation.policy.churn_customer_s
    rows[:, a.JOB_TOLD_BY] = [NEVER if o.told_eta is None else o.told_eta + news_s for o in orders]
    rows[:, a.JOB_FETCH_BY] = NEVER
    rows[:, a.JOB_COUNTS_FROM] = created
    rows[:, a.JOB_LATEST] = [max(oldest, order.promise.latest) for order in orders]
    rows[:, a.JOB_BAG] = [job.held_by for job in jobs]
    order_rows = np.array([situation.order_rows[order.order_id] for order in orders])
    rows[np.lexsort((order_rows, created)), a.JOB_RANK] = np.arange(len(jobs))
    in_bag_s2 = door_doubt_s2(situation)
    crew = list(situation.couriers.values())
    rows[:, a.JOB_AWAITED] = [order.order_id in coming for order in orders]
    rows[:, a.JOB_FIRST] = first[:-1]
    rows[:, a.JOB_LAST] = first[1:]
    for row, job in enumerate(jobs):
        order = job.order
        if order.returning:
            store = stores[order.store_id or ""]
            rows[row, a.JOB_PLACE] = store.place
            rows[row, a.JOB_SERVICE_S] = store.store.pickup_service_s
            rows[row, a.JOB_COUNTS_FROM] = now
            rows[row, a.JOB_LATEST] = NEVER
            rows[row, a.JOB_EARLIEST] = oldest
        elif job.held_by < 0:
            shown = situation.courier_rows.get(situation.shown.get(order.order_id, ""), -1)
            rows[row, a.JOB_SHOWN] = shown
            if order.order_id in fetch_by:
                told_s = fetch_by[order.order_id] + situation.policy.churn_store_s
                rows[row, a.JOB_FETCH_BY] = told_s
        if not job.stores:
            rows[row, a.JOB_DOUBT_S2] = in_bag_s2
            rows[row, a.JOB_FETCHED] = now if order.picked_up_at is None else order.picked_up_at
            rows[row, a.JOB_DIRECT_S] = _direct_s(situation, order, crew[job.held_by])
    return rows


def _direct_s(situation: Situation, order: OrderInPlay, courier: CourierInPlay) -> int:
    """Return the straight ride of what is in a bag, 0 where its store is unknown."""
    store = situation.stores.get(order.store_id or "")
    if store is None or not situation.has_door(order):
        return 0
    table = situation.snapshot.travel.duration_s[courier.courier.mode]
    return int(table[store.place, order.place])


def _couriers(situation: Situation, seats: Mapping[str, Seat]) -> NDArray[np.int64]:
    mode_rows = {mode: row for row, mode in enumerate(situation.modes)}
    rows: list[tuple[int, ...]] = []
    for key, courier in situation.couriers.items():
        seat = seats.get(key)
        start_at = courier.available_at
        if seat is None or not seat.told:
            # Whoever is on the way may have left before now; whoever is free has not.
            start_at = max(start_at, situation.now)
            if seat is None or not seat.bag:
                start_at = max(start_at, courier.shift_start)
        bag = [situation.orders[order_id].order for order_id in seat.bag] if seat else []
        row = (
            mode_rows[courier.courier.mode],
            courier.place,
            start_at,
            courier.shift_end,
            courier.courier.capacity_g,
            courier.courier.capacity_parcels,
            sum(order.weight_g for order in bag),
            len(bag),
            len(seat.told) + len(seat.locked) if seat else 0,
            seat is not None and seat.standing,
            situation.store_rows.get(courier.at_store or "", -1),
            courier.courier.capacity_ml,
            courier.courier.chilled_bags,
            sum(order.volume_ml for order in bag),
            sum(order.chilled for order in bag),
            NEVER if courier.pause is None else courier.pause.earliest,
            NEVER if courier.pause is None else courier.pause.latest,
            0 if courier.pause is None else courier.pause.duration_s,
        )
        rows.append(row)
    return np.array(rows, dtype=np.int64).reshape(-1, a.COURIER_COLUMNS)


def _allowed(
    situation: Situation, jobs: Sequence[_Job], rows: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return who may take what; forgets whom an order was shown to who may not take it."""
    allowed = np.ones((len(jobs), len(situation.couriers)), dtype=np.uint8)
    for row, job in enumerate(jobs):
        if job.only >= 0:
            allowed[row] = 0
            allowed[row, job.only] = 1
        elif job.order.declined_by:
            known = [situation.courier_rows.get(key, -1) for key in job.order.declined_by]
            allowed[row, [column for column in known if column >= 0]] = 0
        shown = rows[row, a.JOB_SHOWN]
        if shown >= 0 and not allowed[row, shown]:
            rows[row, a.JOB_SHOWN] = -1
    return allowed


def _tables(tables: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Return the tables of several modes as one; without a copy where they are one already.

    They may know more places than the situation does: nothing leads there.
    """
    places = min((min(table.shape) for table in tables), default=0)
    if len(tables) == 1:
        return np.ascontiguousarray(tables[0][:places, :places], dtype=np.int32)[np.newaxis]
    whole = tables[0].base if tables else None
    # Tables that came from another process rest on its bytes.
    if isinstance(whole, np.ndarray) and whole.shape == (len(tables), places, places):
        addresses = [table.__array_interface__["data"] for table in tables]
        if addresses == [part.__array_interface__["data"] for part in whole]:
            return whole
    found = np.empty((len(tables), places, places), dtype=np.int32)
    for mode, table in enumerate(tables):
        found[mode] = table[:places, :places]
    return found


def prices(policy: Policy, now: int, jobs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the policy's prices; that of an order without a route is above any lateness."""
    found = np.zeros(a.PRICE_COLUMNS)
    found[a.PRICE_LATE] = policy.late_cost
    found[a.PRICE_SQUARE] = policy.late_square_cost
    found[a.PRICE_BUFFER_S] = policy.buffer_s
    found[a.PRICE_BUFFER] = policy.buffer_cost
    found[a.PRICE_WAITING] = policy.waiting_cost
    found[a.PRICE_TRAVEL] = policy.travel_cost
    found[a.PRICE_LENGTH] = policy.length_cost
    found[a.PRICE_CHURN] = policy.churn_cost
    found[a.PRICE_CHURN_CUSTOMER] = policy.churn_customer_cost
    found[a.PRICE_LATE_ONCE] = policy.late_once_cost
    found[a.PRICE_OVERTIME] = policy.overtime_cost
    found[a.PRICE_BREAK_LATE] = policy.break_late_cost
    found[a.PRICE_CHILLED] = policy.chilled_cost
    found[a.PRICE_STACK] = policy.stack_cost
    found[a.PRICE_DETOUR_MAX_S] = policy.stack_detour_s
    found[a.PRICE_BAG_MAX_S] = policy.stack_bag_s
    found[a.PRICE_STACK_LATE] = policy.stack_late_cost
    found[a.PRICE_CHURN_STORE] = policy.churn_store_cost
    found[a.PRICE_DETOUR_LIMIT_S] = policy.stack_detour_max_s or NEVER
    found[a.PRICE_BAG_LIMIT_S] = policy.stack_bag_max_s or NEVER
    found[a.PRICE_LATE_LIMIT_S] = policy.stack_late_max_s or NEVER
    found[a.PRICE_RIDES] = policy.chilled_cost + policy.stack_cost + policy.stack_late_cost
    found[a.PRICE_RIDES] += policy.stack_detour_max_s + policy.stack_bag_max_s
    found[a.PRICE_RIDES] += policy.stack_late_max_s
    late_s = float(now + _DAY_S - jobs[:, a.JOB_LATEST].min(initial=now))
    waits_s = float(now + _DAY_S - jobs[:, a.JOB_COUNTS_FROM].min(initial=now))
    worst = late_s * (policy.late_cost + policy.late_square_cost * late_s)
    worst += waits_s * policy.waiting_cost
    found[a.PRICE_UNROUTED] = max(_UNROUTED, 2 * worst)
    return found
