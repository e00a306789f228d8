"""From state to `Snapshot`: everything a decision may know, and nothing it may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dispatch.model import (
    AreaInPlay,
    CourierInPlay,
    DeliveryStatus,
    Fulfilment,
    Objective,
    Order,
    OrderInPlay,
    OrderStatus,
    Plan,
    Policy,
    Promise,
    Snapshot,
    Stop,
    StopKind,
    Store,
    StoreDemand,
    StoreInPlay,
    TravelTable,
)
from dispatch.state import UNPICKED, CourierState, OrderState, State, StoreState
from geo.areas import ServedDoors
from geo.errors import TooFarFromRoadError
from geo.hours import open_windows
from geo.service_area import Site
from geo.travel import MATRIX_CELL_LIMIT
from geo.types import UNREACHABLE_S, LonLat, Mode, TravelTimes

SHIFT_AHEAD_S = 1800
"""Couriers whose shift starts within this time are planned for already."""

_HORIZON_S = 26 * 3600
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Position:
    """Where a courier was last seen, and when."""

    place: LonLat
    at: int


@lru_cache(maxsize=4096)
def _windows(opening_hours: str, time_zone: str, hour: int) -> tuple[tuple[int, int], ...]:
    start = hour * _HOUR_S
    return open_windows(opening_hours, time_zone, start, start + _HORIZON_S)


def store_windows(opening_hours: str, time_zone: str, now: int) -> tuple[tuple[int, int], ...]:
    """Return opening times of the coming day as (from, to), those already over left out."""
    return tuple(w for w in _windows(opening_hours, time_zone, now // _HOUR_S) if w[1] > now)


class StoreViews:
    """Stores as decisions see them, made anew only when something about them changed."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[StoreState, tuple[str, ...], StoreInPlay]] = {}

    def of(
        self,
        store: StoreState,
        place: int,
        skus: tuple[str, ...],
        windows: tuple[tuple[int, int], ...],
        area: AreaInPlay | None,
    ) -> StoreInPlay:
        """Return a store at a place, with its free stock of some SKUs."""
        key = store.store.store_id
        known = self._made.get(key)
        if known is not None:
            state, told, made = known
            if (
                state is store
                and told == skus
                and made.place == place
                and made.open_windows == windows
                and made.area == area
            ):
                return made
        made = StoreInPlay(
            store=_without_area(store.store),
            place=place,
            available={sku: store.available(sku) for sku in skus},
            open_windows=windows,
            paused=store.paused is not None,
            area=area,
        )
        self._made[key] = (store, skus, made)
        return made


def snapshot(
    state: State,
    now: int,
    *,
    travel: TravelTimes,
    positions: Mapping[str, Position],
    policy: Policy,
    time_zone: str,
    served: ServedDoors,
    seed: int = 0,
    asked: Order | None = None,
    demand: tuple[StoreDemand, ...] = (),
    views: StoreViews | None = None,
) -> Snapshot:
    """Return what a decision at `now` may know.

    Parameters
    ----------
    positions
        Latest position by courier, where one was reported.
    served
        Says which doors lie in a store's service area.
    asked
        An order that somebody asks a quote for: its door and SKUs are added, itself is not.
    demand
        What stores are expected to be asked for.
    views
        What was made of the stores before, so that only what changed is made anew.

    Notes
    -----
    Couriers' positions are origins only, so the travel table has no way *to* them; this keeps
    the doors and stores, which do not move, the only places that need a search.
    """
    open_orders = [order for _, order in sorted(state.orders.items()) if _is_in_play(order)]
    waited_at = {order.store_id for order in open_orders}
    stores = [
        store
        for key, store in sorted(state.stores.items())
        if not store.store.is_point or key in waited_at
    ]
    couriers = [
        courier
        for _, courier in sorted(state.couriers.items())
        if courier.stranded is None and (courier.busy or _counts(courier, now))
    ]
    crew = frozenset(courier.courier.courier_id for courier in couriers)
    fixed = [store.store.location for store in stores]
    fixed += [order.order.door for order in open_orders]
    if asked is not None:
        fixed.append(asked.door)
    seen = [_start(state, courier, positions, policy, now) for courier in couriers]
    places = (*fixed, *(position.place for position in seen))
    modes = sorted({courier.courier.mode for courier in couriers} & travel.modes)
    known = {store.store.store_id for store in stores}
    counters = [_counter(courier, seen[index]) for index, courier in enumerate(couriers)]
    # A point where nothing waits any more is no counter.
    counters = [key if key in known else None for key in counters]
    table = _with_access(
        travel_table(travel, places, len(fixed), modes, now), [s.store for s in stores], counters
    )

    areas = _areas(served, stores, fixed[len(stores) :], travel, now)
    wanted = {line.sku for order in open_orders for line in order.order.lines}
    if asked is not None:
        wanted |= {line.sku for line in asked.lines}
    views = StoreViews() if views is None else views
    skus = tuple(sorted(wanted))
    stores_in_play = tuple(
        views.of(
            store,
            index,
            skus,
            store_windows(store.store.opening_hours, time_zone, now),
            areas.get(store.store.store_id),
        )
        for index, store in enumerate(stores)
    )
    place_of = {store.store.store_id: index for index, store in enumerate(stores)}
    orders_in_play = tuple(
        _order_in_play(order, len(stores) + index, policy, crew, now)
        for index, order in enumerate(open_orders)
    )
    for order in orders_in_play:
        place_of[order.order_id] = order.place
    couriers_in_play = tuple(
        _courier_in_play(
            state,
            courier,
            seen[index],
            len(fixed) + index,
            now,
            table,
            place_of,
            policy,
            counters[index],
        )
        for index, courier in enumerate(couriers)
    )
    return Snapshot(
        zone_id=state.zone_id,
        now=now,
        seq=state.seq,
        places=places,
        travel=table,
        orders=orders_in_play,
        stores=stores_in_play,
        couriers=couriers_in_play,
        routes=tuple(
            courier.route for courier in couriers if courier.route and courier.route.visits
        ),
        policy=policy,
        seed=seed,
        demand=demand,
    )


def standing_plan(state: State, now: int) -> Plan:
    """Return the plan in force as one whole, put together from what the events carried.

    Before the first plan it has no routes, and nothing is unassigned.
    """
    last = state.plan
    return Plan(
        plan_id=last.plan_id if last is not None else "",
        snapshot_seq=last.snapshot_seq if last is not None else 0,
        made_at=now,
        routes=state.routes,
        sourcing={key: order.store_id for key, order in sorted(state.orders.items())},
        ready_at={
            key: ready_at
            for key, order in sorted(state.orders.items())
            if (ready_at := order.ready_at or order.ready_forecast) is not None
        },
        unassigned=tuple(
            entry
            for entry in (last.unassigned if last is not None else ())
            if entry.order_id in state.orders
        ),
        objective=last.objective if last is not None else Objective(),
        method=last.method if last is not None else "none",
        travel_version=last.travel_version if last is not None else "",
    )


def latest_place(courier: CourierState, positions: Mapping[str, Position]) -> Position:
    """Return the freshest place known: a reported position or the last stop."""
    reported = positions.get(courier.courier.courier_id)
    if reported is not None and reported.at >= courier.place_at:
        return reported
    return Position(courier.place, courier.place_at)


def _start(
    state: State,
    courier: CourierState,
    positions: Mapping[str, Position],
    policy: Policy,
    now: int,
) -> Position:
    """Return from where, and from when on, a courier can be sent elsewhere.

    Whoever was sent to a standby and not heard of since is there once the way is over; if the
    policy does not divert them, they count as there, from then on, as soon as they were sent.
    """
    seen = latest_place(courier, positions)
    standby = courier.standby
    if standby is None or seen.at >= standby.expected_at:
        return seen
    heard = seen.at > standby.given_at
    if policy.standby_diverts and (heard or now < standby.expected_at):
        return seen
    return Position(state.store(standby.store_id).store.location, standby.expected_at)


def _counter(courier: CourierState, seen: Position) -> str | None:
    """Return the store at whose counter a courier stands, None elsewhere."""
    commitment = courier.commitment
    if courier.counter is None or commitment is None or seen.at <= courier.place_at:
        return courier.counter
    stays = commitment.stop.kind is StopKind.PICKUP and commitment.stop.store_id == courier.counter
    return courier.counter if stays else None


def _with_access(
    table: TravelTable, stores: Sequence[Store], counters: Sequence[str | None]
) -> TravelTable:
    """Return the table with the ways between street and counter in every leg.

    The stores are the first places, the couriers the last; whoever stands at a counter starts
    from there.
    """
    index_of = {store.store_id: index for index, store in enumerate(stores)}
    standing = [(index - len(counters), index_of[key]) for index, key in enumerate(counters) if key]
    access_s = np.array([store.access_s for store in stores], dtype=np.int32)
    if not standing and not access_s.any():
        return table
    duration_s = dict(table.duration_s)
    length_m = dict(table.length_m)
    for mode, raw in table.duration_s.items():
        duration, length = raw.copy(), length_m[mode].copy()
        reached = duration < UNREACHABLE_S
        np.fill_diagonal(reached, val=False)
        walk_s = np.zeros(len(duration), dtype=np.int32)
        walk_s[: len(stores)] = access_s
        both_s = walk_s[:, np.newaxis] + walk_s
        duration[reached] += both_s[reached]
        for row, store in standing:
            own = duration[row, row]
            duration[row], length[row] = duration[store], length[store]
            duration[row, row] = own
        duration_s[mode], length_m[mode] = duration, length
    return replace(table, duration_s=duration_s, length_m=length_m)


def _areas(
    served: ServedDoors,
    stores: Sequence[StoreState],
    doors: Sequence[LonLat],
    travel: TravelTimes,
    now: int,
) -> dict[str, AreaInPlay]:
    """Return what came of each service area; the doors are the places that follow the stores."""
    sites = {
        store.store.store_id: Site(store.store.location, store.store.service_area)
        for store in stores
        if store.store.service_area is not None
    }
    return {
        key: AreaInPlay(sites[key].area.describe(), frozenset(len(stores) + door for door in found))
        for key, found in served.serves(sites, doors, travel, now).items()
    }


def _counts(courier: CourierState, now: int) -> bool:
    return (
        courier.shift_start is not None
        and courier.shift_end is not None
        and courier.shift_start - SHIFT_AHEAD_S <= now < courier.shift_end
    )


def _is_in_play(order: OrderState) -> bool:
    """Tell whether a decision has to do with an order: not while it is held or elsewhere."""
    if order.is_carried_outside and order.on_board:
        return False
    return order.hold is None or order.courier_id is not None


def _order_in_play(
    order: OrderState, place: int, policy: Policy, crew: frozenset[str], now: int
) -> OrderInPlay:
    bought, promise = order.order, order.promise
    if order.is_carried_outside:
        # To be picked like what the customer collects; somebody else's courier comes for it.
        bought = replace(bought, fulfilment=Fulfilment.COLLECTION)
    if bought.priority > 0:
        latest = max(promise.made_at, promise.latest - policy.priority_lead_s * bought.priority)
        promise = replace(promise, earliest=min(promise.earliest, latest), latest=latest)
    declined_by = order.declined_by
    if order.lock is not None and order.lock.expires_at > now:
        declined_by |= crew - {order.lock.courier_id}
    return OrderInPlay(
        order=bought,
        place=place,
        promise=promise,
        status=order.status,
        delivery=order.delivery,
        store_id=order.store_id,
        store_fixed=(
            order.status not in UNPICKED
            or order.courier_id is not None
            or order.pinned_store_id == order.store_id
        ),
        pick_started_at=order.pick_started_at,
        ready_at=order.ready_at,
        courier_id=order.courier_id,
        on_board=order.on_board,
        returning=order.returning,
        declined_by=declined_by,
        excluded_stores=order.excluded_stores,
    )


def _without_area(store: Store) -> Store:
    return store if store.service_area is None else replace(store, service_area=None)


def _courier_in_play(
    state: State,
    courier: CourierState,
    seen: Position,
    place: int,
    now: int,
    table: TravelTable,
    place_of: Mapping[str, int],
    policy: Policy,
    counter: str | None,
) -> CourierInPlay:
    start = courier.shift_start if courier.shift_start is not None else now
    available_at = max(now, start)
    if courier.commitment is None and courier.standby is not None:
        available_at = max(available_at, seen.at)
    if courier.commitment is None and courier.break_until is not None:
        available_at = max(available_at, courier.break_until)
    shift_end = courier.shift_end if courier.shift_end is not None else now
    commitment = courier.commitment
    if commitment is not None:
        stop = commitment.stop
        due_at = commitment.expected_at
        if commitment.arrived_at is not None:
            # At the stop since then; what is overdue may be over any moment, not in the past.
            service_s = _service_s(state, stop)
            available_at = max(commitment.arrived_at, now - service_s)
            ready_at = state.order(stop.order_id).ready_at
            due_at = max(commitment.arrived_at, now if ready_at is None else ready_at) + service_s
        elif commitment.offered_until is None:
            key = stop.order_id if stop.kind is StopKind.DROPOFF else stop.store_id
            way_s = int(table.duration_s[courier.courier.mode][place, place_of[key]])
            # On the way since the position was seen; one that is overdue arrives any moment.
            available_at = max(seen.at, commitment.committed_at, now - way_s)
        if now > due_at + policy.overdue_after_s:
            # No pickup may begin any more; what is in the bag is still theirs.
            shift_end = min(shift_end, now - 1)
    if courier.break_wanted_s is not None:
        # Nothing new before the break; it begins when the bag is empty.
        shift_end = min(shift_end, now - 1)
    # Whoever is on the way to a door has left the counter.
    stays = commitment is None or commitment.stop.kind is StopKind.PICKUP
    return CourierInPlay(
        courier=courier.courier,
        place=place,
        available_at=available_at,
        shift_start=start,
        shift_end=shift_end,
        committed=told_stops(state, courier),
        arrived=commitment is not None and commitment.arrived_at is not None,
        on_board=courier.on_board,
        at_store=counter if stays else None,
        standby=courier.standby.store_id if courier.standby is not None else None,
        under_way=courier.standby is not None and now < courier.standby.expected_at,
    )


def told_stops(state: State, courier: CourierState) -> tuple[Stop, ...]:
    """Return what a courier does next for certain: the stop under way, then what a person fixed."""
    under_way = [courier.commitment.stop] if courier.commitment is not None else []
    return (*under_way, *(stop for stop in fixed_stops(state, courier) if stop not in under_way))


def fixed_stops(state: State, courier: CourierState) -> tuple[Stop, ...]:
    """Return the stops whose order a person fixed, as far as they are still to be done."""
    lock, route, commitment = courier.route_lock, courier.route, courier.commitment
    if lock is None or route is None:
        return ()
    planned = {visit.stop.stop_id: visit.stop for visit in route.visits}
    under_way = None if commitment is None else commitment.stop
    bag = set(courier.on_board)
    if under_way is not None:
        bag.add(under_way.order_id)
    fixed: list[Stop] = []
    for stop in (planned[stop_id] for stop_id in lock.stop_ids if stop_id in planned):
        order = state.orders.get(stop.order_id)
        if order is None:
            continue
        if stop.kind is StopKind.PICKUP:
            if stop != under_way and not _may_fetch(order, courier.courier.courier_id, stop):
                continue
            bag.add(stop.order_id)
        elif stop.order_id not in bag or order.returning != (stop.kind is StopKind.RETURN):
            continue
        fixed.append(stop)
    return tuple(fixed)


def _may_fetch(order: OrderState, who: str, stop: Stop) -> bool:
    """Tell whether a pickup that was planned may still be done by this courier, there."""
    free = order.courier_id in {None, who} and not order.on_board and not order.returning
    kept = order.hold is not None or order.is_carried_outside or who in order.declined_by
    others = order.lock is not None and order.lock.courier_id != who
    here = order.store_id == stop.store_id and stop.store_id not in order.excluded_stores
    return free and not kept and not others and here


def _service_s(state: State, stop: Stop) -> int:
    if stop.kind is StopKind.DROPOFF:
        return state.order(stop.order_id).order.service_s
    return state.store(stop.store_id).store.pickup_service_s


def travel_table(
    travel: TravelTimes, places: Sequence[LonLat], fixed: int, modes: Sequence[Mode], now: int
) -> TravelTable:
    """Return travel from all places to the first `fixed` of them; to the others no way leads."""
    duration_s: dict[Mode, NDArray[np.int32]] = {}
    length_m: dict[Mode, NDArray[np.int32]] = {}
    for mode in modes:
        usable = [_usable(travel, place, mode) for place in places]
        rows = [i for i, ok in enumerate(usable) if ok]
        columns = [i for i in rows if i < fixed]
        duration = np.full((len(places), len(places)), UNREACHABLE_S, dtype=np.int32)
        length = duration.copy()
        goals = [places[i] for i in columns]
        for block in _blocks(rows, len(goals)):
            found = travel.matrix([places[i] for i in block], goals, mode, now)
            duration[np.ix_(block, columns)] = found.duration_s
            length[np.ix_(block, columns)] = found.length_m
        np.fill_diagonal(duration, 0)
        np.fill_diagonal(length, 0)
        duration_s[mode] = duration
        length_m[mode] = length
    return TravelTable(duration_s, length_m, travel.version)


def _blocks(rows: Sequence[int], columns: int) -> Iterator[Sequence[int]]:
    """Yield the rows of a table in pieces that may be asked for at once."""
    size = max(1, MATRIX_CELL_LIMIT // max(1, columns))
    for first in range(0, len(rows) if columns else 0, size):
        yield rows[first : first + size]


def _usable(travel: TravelTimes, place: LonLat, mode: Mode) -> bool:
    try:
        travel.check_place(place, mode)
    except TooFarFromRoadError:
        return False
    return True


def asked_in_play(asked: Order, snap: Snapshot, promise: Promise) -> OrderInPlay:
    """Return a candidate for `planning.quote`: the order asked for, at its place in `snap`."""
    return OrderInPlay(
        order=asked,
        place=len(snap.stores) + len(snap.orders),
        promise=promise,
        status=OrderStatus.RECEIVED,
        delivery=DeliveryStatus.CREATED,
    )
