"""Compiling ahead: what a machine compiles once, it compiles before the first decision.

Compiling takes the better part of a minute on a new machine, loading what was compiled a second;
neither may fall into the time of somebody who waits for a quote, or of a plan with a limit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from dispatch.model import (
    Courier,
    CourierInPlay,
    DeliveryStatus,
    LonLat,
    Mode,
    Order,
    OrderInPlay,
    OrderLine,
    OrderStatus,
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
from dispatch.planning.improve import Search
from dispatch.planning.picking import work_order
from dispatch.planning.plan import plan, plan_by_insertion
from dispatch.planning.problem import pose
from dispatch.planning.quote import quote
from dispatch.planning.situation import read
from dispatch.planning.standing import Door, Standing, Ways
from geo.caching import in_turn

_NOW: Final = 1_000_000_000
_HOURS: Final = 4 * 3600
_LEG_S: Final = 240

# Places: two stores, then the doors of four orders, then two couriers.
_STORES: Final = 2
_DOORS: Final = 4
_PLACES: Final = _STORES + _DOORS + 2


def warm_up() -> None:
    """Compile, or load from disk, all that decisions need.

    Every kind of question is asked of a town of two stores and two couriers: a plan, with one
    courier under way and with both at leisure; a quote; an order's price at every other place,
    which is what an explanation asks.  Of several processes that begin at the same time one
    compiles, and the others load what it has compiled.
    """
    with in_turn("decisions"):
        busy = _town()
        chosen_from = replace(busy.policy, improve_rounds=2, selection_neighbourhoods=1)
        for policy in (busy.policy, chosen_from):
            plan(replace(busy, policy=policy))
        plan(replace(busy, orders=(), couriers=_at_leisure(busy), routes=()))
        _ask_the_rest(busy)


def warm_up_answers() -> None:
    """Do the same for who leaves plans to another process: no solver is imported.

    What is left is a plan by insertion, for when that process fails, and all other questions.
    """
    with in_turn("decisions"):
        busy = _town()
        plan_by_insertion(busy)
        plan_by_insertion(replace(busy, orders=(), couriers=_at_leisure(busy), routes=()))
        _ask_the_rest(busy)


def _ask_the_rest(busy: Snapshot) -> None:
    *others, asked = busy.orders
    without = replace(busy, orders=tuple(others))
    quote(without, asked)
    Standing(without).quote(asked, _door(busy, asked.place))
    work_order(busy, "sto_0")
    _ask_for_prices(busy)


def _door(snapshot: Snapshot, place: int) -> Door:
    """Return a door at a place, for which somebody asks anew."""
    travel = snapshot.travel
    ways = {
        mode: Ways(duration_s[:, place], length_m[:, place], duration_s[place], length_m[place])
        for mode, duration_s in travel.duration_s.items()
        for length_m in (travel.length_m[mode],)
    }
    return Door(ways, frozenset())


def _ask_for_prices(snapshot: Snapshot) -> None:
    """Take an order out of a plan and weigh it elsewhere, as explanations do."""
    posed = pose(read(snapshot))
    search = Search(posed.problem, posed.routes, snapshot.seed, pool=8)
    search.settle()
    search.fill()
    search.improve(1)
    before = search.mark()
    for row in range(posed.problem.job_count):
        search.remove(row)
        for candidate in posed.candidates(row):
            search.ready_from(row, candidate)
        for courier in range(len(posed.courier_ids)):
            place = search.best(row, courier)
            if place is not None:
                search.insert(row, place)
                search.remove(row)
        search.back_to(before)
    steps = {courier: search.steps(courier) for courier in range(len(posed.courier_ids))}
    search.adopt(steps, {})
    for courier in range(len(posed.courier_ids)):
        search.start_later(courier, snapshot.now + _LEG_S)
    search.start_as_posed()


def _town() -> Snapshot:
    """Return a town where one courier is under way with a parcel and three orders wait."""
    at = [LonLat(0.001 * place, 0.0) for place in range(_PLACES)]
    gap = np.abs(np.arange(_PLACES)[:, np.newaxis] - np.arange(_PLACES)).astype(np.int32)
    duration_s, length_m = _LEG_S * gap, 1000 * gap
    stores = tuple(
        StoreInPlay(
            store=Store(f"sto_{place}", f"Store {place}", at[place], pickers=1, access_s=30),
            place=place,
            available={"a": 9},
            open_windows=((_NOW, _NOW + _HOURS),),
        )
        for place in range(_STORES)
    )
    carried = _order(0, at[_STORES], status=OrderStatus.READY, store_id="sto_0", on_board=True)
    fetched = _order(1, at[_STORES + 1], status=OrderStatus.PICKING, store_id="sto_0")
    free = [_order(number, at[_STORES + number]) for number in (2, 3)]
    stop = Stop(StopKind.PICKUP, fetched.order_id, "sto_0")
    first, second = (
        CourierInPlay(
            Courier(f"cou_{number}", f"Courier {number}", Mode.BIKE, at[place]),
            place=place,
            available_at=_NOW,
            shift_start=_NOW,
            shift_end=_NOW + _HOURS,
        )
        for number, place in enumerate((_PLACES - 2, _PLACES - 1))
    )
    return Snapshot(
        zone_id="warming",
        now=_NOW,
        seq=1,
        places=tuple(at),
        travel=TravelTable({Mode.BIKE: duration_s}, {Mode.BIKE: length_m}, "warming"),
        orders=(carried, replace(fetched, courier_id="cou_0", store_fixed=True), *free),
        stores=stores,
        couriers=(replace(first, committed=(stop,), on_board=(carried.order_id,)), second),
        policy=Policy(standby_horizon_s=3600, hold_match=0.3, waiting_cost=1.0, travel_cost=0.1),
        demand=tuple(StoreDemand(store.store_id, 60.0, (0, 60)) for store in stores),
    )


def _order(
    number: int,
    door: LonLat,
    *,
    status: OrderStatus = OrderStatus.SOURCED,
    store_id: str | None = None,
    on_board: bool = False,
) -> OrderInPlay:
    return OrderInPlay(
        order=Order(
            order_id=f"ord_{number}",
            created_at=_NOW,
            door=door,
            address=f"Door {number}",
            lines=(OrderLine("a", 1),),
            weight_g=100,
            service_s=60,
        ),
        place=_STORES + number,
        promise=Promise(_NOW, _NOW + 3600, _NOW),
        status=status,
        delivery=DeliveryStatus.PICKED_UP if on_board else DeliveryStatus.CONFIRMED,
        store_id=store_id,
        courier_id="cou_0" if on_board else None,
        store_fixed=store_id is not None,
        ready_at=_NOW if status is OrderStatus.READY else None,
        pick_started_at=None if status is OrderStatus.SOURCED else _NOW - 60,
        on_board=on_board,
    )


def _at_leisure(snapshot: Snapshot) -> tuple[CourierInPlay, ...]:
    return tuple(replace(courier, committed=(), on_board=()) for courier in snapshot.couriers)
