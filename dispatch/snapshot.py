"""From state to `Snapshot`: everything a decision may know, and nothing it may not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.experience import ExperienceFold
from dispatch.model import (
    AreaInPlay,
    CourierInPlay,
    DeliveryStatus,
    Objective,
    Order,
    OrderInPlay,
    OrderStatus,
    Plan,
    Policy,
    Promise,
    Snapshot,
    StopKind,
    StoreDemand,
    TravelTable,
)
from dispatch.planning.standing import Door, Ways
from dispatch.state import CourierState, OrderState, State, StoreState
from dispatch.views import Position, Spot, Views
from geo.areas import ServedDoors
from geo.hours import open_windows
from geo.service_area import Site
from geo.square_tables import SquareTables
from geo.travel import PinnedTravelTimes
from geo.types import UNREACHABLE_S, LonLat, Mode, TravelTimes

SHIFT_AHEAD_S = 1800
"""Couriers whose shift starts within this time are planned for already."""

_HORIZON_S = 26 * 3600
_HOUR_S = 3600


@lru_cache(maxsize=4096)
def _windows(opening_hours: str, time_zone: str, hour: int) -> tuple[tuple[int, int], ...]:
    start = hour * _HOUR_S
    return open_windows(opening_hours, time_zone, start, start + _HORIZON_S)


def store_windows(opening_hours: str, time_zone: str, now: int) -> tuple[tuple[int, int], ...]:
    """Return opening times of the coming day as (from, to), those already over left out."""
    return tuple(w for w in _windows(opening_hours, time_zone, now // _HOUR_S) if w[1] > now)


class Grounds(NamedTuple):
    """What the ways to and from one more door hang on, besides the travel times.

    Attributes
    ----------
    led_to
        So many of the places come first and are led to.
    different, goals
        The same with no place twice: the places, and how many are led to.
    number : int64 (places,)
        Which of the different places each one is.
    access_s : int32 (places,)
        Way between street and counter, of stores.
    standing
        Places of couriers at a counter, and that of its store.
    sites
        Stores with a service area.
    """

    led_to: int
    different: Sequence[LonLat]
    goals: int
    number: NDArray[np.int64]
    access_s: NDArray[np.int32]
    standing: tuple[tuple[int, int], ...]
    sites: Mapping[str, Site]


def taken(
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
    experience: ExperienceFold | None = None,
    views: Views | None = None,
    tables: SquareTables | None = None,
    spare: Collection[Mode] = (),
    roomy: bool = False,
) -> tuple[Snapshot, Grounds]:
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
    experience
        What forecasts and offers are worth; by the policy's priors without.
    views
        What was made of stores, orders and couriers before, so that only what changed is made
        anew.
    tables
        What made the travel tables before, so that only new ways are asked for.
    spare
        Modes to have travel tables for where no courier is in play.
    roomy
        Travel tables have room for one more place, and stores say of any article what they have.

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
    homes: dict[str, int] = {}
    for courier in couriers:
        if _goes_home(courier, policy, now):
            homes[courier.courier.courier_id] = len(fixed)
            fixed.append(courier.courier.home)
    seen = [_start(state, courier, positions, policy, now) for courier in couriers]
    places = (*fixed, *(position.place for position in seen))
    modes = sorted(({courier.courier.mode for courier in couriers} or {*spare}) & travel.modes)
    known = {store.store.store_id for store in stores}
    counters = [_counter(courier, seen[index]) for index, courier in enumerate(couriers)]
    # A point where nothing waits any more is no counter.
    counters = [key if key in known else None for key in counters]
    table = travel_table(travel, places, len(fixed), modes, now, tables, int(roomy))
    grounds = _grounds(stores, places, len(fixed), counters)
    _put_in_access(table, grounds)
    areas = _areas(served, grounds.sites, len(stores), fixed[len(stores) :], travel, now)
    skus: tuple[str, ...] | None = None
    if not roomy:
        wanted = {line.sku for order in open_orders for line in order.order.lines}
        if asked is not None:
            wanted |= {line.sku for line in asked.lines}
        skus = tuple(sorted(wanted))
    views = Views() if views is None else views
    known_of = ExperienceFold(policy) if experience is None else experience
    stores_in_play = tuple(
        views.store(
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
        views.order(order, len(stores) + index, policy, crew, now)
        for index, order in enumerate(open_orders)
    )
    for order in orders_in_play:
        place_of[order.order_id] = order.place
    couriers_in_play: list[CourierInPlay] = []
    for index, courier in enumerate(couriers):
        place = len(fixed) + index
        who = courier.courier.courier_id
        spot = Spot(
            place,
            seen[index],
            counters[index],
            _way_s(courier, place, table, place_of),
            homes.get(who),
            known_of.worked_s(who),
            known_of.acceptance(who) if courier.courier.takes_offers else 1.0,
        )
        couriers_in_play.append(views.courier(state, courier, spot, policy, now))
    views.keep(state.orders, state.couriers)
    made = Snapshot(
        zone_id=state.zone_id,
        now=now,
        seq=state.seq,
        places=places,
        travel=table,
        orders=orders_in_play,
        stores=stores_in_play,
        couriers=tuple(couriers_in_play),
        routes=tuple(
            courier.route for courier in couriers if courier.route and courier.route.visits
        ),
        policy=policy,
        seed=seed,
        demand=demand,
        spread=known_of.spread(),
    )
    return made, grounds


def door_of(
    place: LonLat,
    made: Snapshot,
    grounds: Grounds,
    *,
    travel: PinnedTravelTimes,
    served: ServedDoors,
    tables: SquareTables,
) -> Door:
    """Return a door that somebody asks from, as it would be among the places of a snapshot.

    Parameters
    ----------
    tables
        Those that made the snapshot's.
    """
    modes = list(made.travel.duration_s)
    found = tables.door(travel, place, grounds.different, grounds.goals, modes, made.now)
    ways: dict[Mode, Ways] = {}
    for mode, known in zip(modes, found, strict=True):
        ends = Ways(*(values[grounds.number] for values in known))
        # No way leads to couriers, wherever they are.
        ends.from_s[grounds.led_to :] = ends.from_m[grounds.led_to :] = UNREACHABLE_S
        for seconds in (ends.to_s, ends.from_s):
            near = seconds < UNREACHABLE_S
            seconds[near] += grounds.access_s[near]
        for row, store in grounds.standing:
            ends.to_s[row], ends.to_m[row] = ends.to_s[store], ends.to_m[store]
        ways[mode] = ends
    serving = served.serves(grounds.sites, [place], travel, made.now)
    return Door(ways, frozenset(key for key, doors in serving.items() if doors))


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


def _way_s(
    courier: CourierState, place: int, table: TravelTable, place_of: Mapping[str, int]
) -> int:
    """Return how long it is from a place to the stop a courier is on the way to; 0 without one."""
    commitment, mode = courier.commitment, courier.courier.mode
    # A log from elsewhere may know modes that this city lacks.
    if commitment is None or not commitment.is_on_the_way or mode not in table.duration_s:
        return 0
    stop = commitment.stop
    goal = stop.order_id if stop.kind is StopKind.DROPOFF else stop.store_id
    return table.duration_s[mode].item(place, place_of[goal])


def _grounds(
    stores: Sequence[StoreState],
    places: Sequence[LonLat],
    goals: int,
    counters: Sequence[str | None],
) -> Grounds:
    """Return what ways hang on: the stores are the first places, the couriers the last."""
    index_of = {store.store.store_id: index for index, store in enumerate(stores)}
    access_s = np.zeros(goals + len(counters), dtype=np.int32)
    access_s[: len(stores)] = [store.store.access_s for store in stores]
    number_of: dict[LonLat, int] = {}
    number = [number_of.setdefault(place, len(number_of)) for place in places]
    return Grounds(
        goals,
        tuple(number_of),
        1 + max(number[:goals], default=-1),
        np.array(number, dtype=np.int64),
        access_s,
        tuple((goals + row, index_of[key]) for row, key in enumerate(counters) if key),
        {
            store.store.store_id: Site(store.store.location, store.store.service_area)
            for store in stores
            if store.store.service_area is not None
        },
    )


def _put_in_access(table: TravelTable, grounds: Grounds) -> None:
    """Put the ways between street and counter in every leg of a table, in place.

    Whoever stands at a counter starts from there.
    """
    for mode, duration in table.duration_s.items():
        length = table.length_m[mode]
        if grounds.access_s.any():
            reached = duration < UNREACHABLE_S
            np.fill_diagonal(reached, val=False)
            walk_s = np.zeros(len(duration), dtype=np.int32)
            walk_s[: len(grounds.access_s)] = grounds.access_s
            both_s = walk_s[:, np.newaxis] + walk_s
            duration[reached] += both_s[reached]
        for row, store in grounds.standing:
            own = duration[row, row]
            duration[row], length[row] = duration[store], length[store]
            duration[row, row] = own


def _areas(
    served: ServedDoors,
    sites: Mapping[str, Site],
    stores: int,
    doors: Sequence[LonLat],
    travel: TravelTimes,
    now: int,
) -> dict[str, AreaInPlay]:
    """Return what came of each service area; the doors are the places that follow the stores."""
    return {
        key: AreaInPlay(sites[key].area.describe(), frozenset(stores + door for door in found))
        for key, found in served.serves(sites, doors, travel, now).items()
    }


def _goes_home(courier: CourierState, policy: Policy, now: int) -> bool:
    """Tell whether the way home has a price already."""
    return (
        policy.home_cost > 0
        and courier.shift_end is not None
        and courier.shift_end - now <= policy.home_ahead_s
    )


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


def travel_table(
    travel: TravelTimes,
    places: Sequence[LonLat],
    fixed: int,
    modes: Sequence[Mode],
    now: int,
    tables: SquareTables | None = None,
    room: int = 0,
) -> TravelTable:
    """Return travel from all places to the first `fixed` of them; to the others no way leads.

    `tables` made those before, if there were any.  There is `room` for so many places more.
    """
    made = SquareTables() if tables is None else tables
    # One piece of memory for all modes: the planner takes it as it is.
    duration_s, length_m = made.tables(travel, places, fixed, modes, now, room)
    return TravelTable(
        dict(zip(modes, duration_s, strict=True)),
        dict(zip(modes, length_m, strict=True)),
        travel.version,
    )


def asked_in_play(asked: Order, snap: Snapshot, promise: Promise) -> OrderInPlay:
    """Return a candidate for `planning.quote`: the order asked for, at its place in `snap`."""
    return OrderInPlay(
        order=asked,
        place=len(snap.stores) + len(snap.orders),
        promise=promise,
        status=OrderStatus.RECEIVED,
        delivery=DeliveryStatus.CREATED,
    )
