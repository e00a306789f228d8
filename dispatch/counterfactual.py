"""What would have to be otherwise for an order to come sooner, or at all: worked out, not guessed.

Each case is the same snapshot with one thing changed.  The order is taken out of the plan in force
and put at its cheapest place again, all else as it is; what comes of it is told in minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from dispatch.explanation import Change, StoreOption
from dispatch.model import (
    UNREACHABLE_S,
    Courier,
    CourierInPlay,
    LonLat,
    OrderInPlay,
    OrderStatus,
    Plan,
    Reason,
    Snapshot,
    Stop,
    StopKind,
    StoreInPlay,
)
from dispatch.planning import arrays as a
from dispatch.planning.improve import Search
from dispatch.planning.picking import pick_s
from dispatch.planning.problem import is_fixed, pose
from dispatch.planning.situation import read
from dispatch.planning.sourcing import minutes, wanted
from dispatch.planning.writing import done_at

ONE_MORE: Final = "cou_one_more"
"""Id of a courier who is only imagined."""

WORTH_S: Final = 60
"""What saves less is not told."""

MOST_CHANGES: Final = 5
_NEAREST_STORES: Final = 2
_LONGER_SHIFT_S: Final = 3600
_DAY_S: Final = 86_400
_UNPICKED: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.SOURCED})


@dataclass(frozen=True, slots=True)
class Ties:
    """What people tied an order with, which the snapshot has in another form.

    Attributes
    ----------
    locked_to
        Name of the one courier who may have it, None for no lock.
    declined_by
        Who declined it themselves, whatever the lock says.
    pinned
        It is pinned to its store.
    fixed_for
        Id of the courier whose stops, this order's among them, were put in an order by hand; None
        for nobody.
    under_way
        How many of that courier's committed stops are so because they are under way.
    """

    locked_to: str | None = None
    declined_by: frozenset[str] = frozenset()
    pinned: bool = False
    fixed_for: str | None = None
    under_way: int = 0


@dataclass(frozen=True, slots=True)
class _Case:
    """One thing that might be otherwise."""

    what: str
    detail: str
    change: Callable[[Snapshot], Snapshot]


def arrival(snapshot: Snapshot, plan: Plan, order_id: str) -> int | None:
    """Return when an order would be handed over, all else of a plan as it is.

    An order that somebody holds stays where it is; any other is put at its cheapest place anew.
    None where there is none.
    """
    posed = pose(read(snapshot), sourcing=plan.sourcing, routes=plan.routes)
    row = posed.rows.get(order_id)
    if row is None:
        return None
    search = Search(posed.problem, posed.routes, snapshot.seed)
    search.settle()
    if posed.problem.jobs[row, a.JOB_BAG] < 0:
        search.remove(row)
        place = search.best_of_all(row)
        if place is None or not search.insert(row, place):
            return None
    return done_at(search, row) if search.owner[row] >= 0 else None


def sooner(
    snapshot: Snapshot,
    plan: Plan,
    order: OrderInPlay,
    stores: tuple[StoreOption, ...],
    ties: Ties,
    planned_at: int,
) -> tuple[Change, ...]:
    """Return what would bring an order that is on a route sooner, what helps most first.

    Parameters
    ----------
    stores
        As weighed for it, the chosen one first.
    planned_at
        When it will be handed over by the plan.
    """
    as_it_is = arrival(snapshot, plan, order.order_id)
    base = planned_at if as_it_is is None else min(planned_at, as_it_is)
    found: list[Change] = []
    for case in _cases(snapshot, order, stores, ties):
        at = arrival(case.change(snapshot), plan, order.order_id)
        if at is not None and base - at >= WORTH_S:
            saved_s = base - at
            effect = f"it would arrive {saved_s // 60} min sooner"
            found.append(Change(case.what, effect, case.detail, saved_s, at))
    found.sort(key=lambda change: -(change.saved_s or 0))
    return tuple(found[:MOST_CHANGES])


def freeing(
    snapshot: Snapshot,
    plan: Plan,
    order: OrderInPlay,
    stores: tuple[StoreOption, ...],
    ties: Ties,
) -> tuple[Change, ...]:
    """Return what would give an order without a route one, the smallest change first.

    Where no single thing is enough, one more courier together with each of the others is tried.
    """
    cases = list(_cases(snapshot, order, stores, ties, freeing=True))
    found = _freed(snapshot, plan, order, cases)
    if found:
        return found
    courier = next((case for case in cases if case.what == "courier_at_store"), None)
    if courier is None:
        return ()
    pairs = [_both(case, courier) for case in cases if case is not courier]
    return _freed(snapshot, plan, order, pairs)


def _both(first: _Case, second: _Case) -> _Case:
    return _Case(
        f"{first.what}_and_{second.what}",
        f"{first.detail}, and {second.detail}",
        lambda snap: second.change(first.change(snap)),
    )


def _freed(
    snapshot: Snapshot, plan: Plan, order: OrderInPlay, cases: list[_Case]
) -> tuple[Change, ...]:
    found: list[Change] = []
    for case in cases:
        at = arrival(case.change(snapshot), plan, order.order_id)
        if at is not None:
            late_s = at - order.promise.latest
            when = f"it would arrive in {minutes(at - snapshot.now)}"
            effect = f"{when}, {minutes(late_s)} late" if late_s > 0 else f"{when}, in time"
            found.append(Change(case.what, effect, case.detail, None, at))
        if len(found) == MOST_CHANGES:
            break
    return tuple(found)


def released(snapshot: Snapshot, plan: Plan, order: OrderInPlay) -> tuple[Change, ...]:
    """Return what releasing a held order would do.

    Parameters
    ----------
    snapshot
        With the order in play, as if it were not held.
    """
    at = arrival(snapshot, plan, order.order_id)
    if at is None:
        effect = "it would wait for a courier"
        return (Change("released", effect, "the hold were released now", None, None),)
    late_s = at - order.promise.latest
    when = f"it would arrive in {minutes(at - snapshot.now)}"
    effect = f"{when}, {minutes(late_s)} late" if late_s > 0 else f"{when}, in time"
    return (Change("released", effect, "the hold were released now", None, at),)


# --- what might be otherwise -------------------------------------------------------------------


def _cases(
    snapshot: Snapshot,
    order: OrderInPlay,
    stores: tuple[StoreOption, ...],
    ties: Ties,
    *,
    freeing: bool = False,
) -> Iterator[_Case]:
    """Yield what might be otherwise, the smaller changes first."""
    key = order.order_id
    yield from _in_any_order(snapshot, ties)
    if order.on_board:
        yield from _next_in_bag(snapshot, order)
        return
    if ties.locked_to is not None and order.courier_id is None:
        yield _Case(
            "unlocked",
            f"others than {ties.locked_to} might bring it too",
            lambda snap: _with_order(snap, key, declined_by=ties.declined_by),
        )
    if ties.pinned and order.status in _UNPICKED and order.courier_id is None:
        yield _Case(
            "unpinned",
            "it might come from any store",
            lambda snap: _with_order(snap, key, store_fixed=False),
        )
    if order.status in _UNPICKED and order.store_id is not None and not freeing:
        name = _name(snapshot, order.store_id)
        yield _Case("picked_first", f"{name} picked it now, before all others", _picked_first(key))
    yield from _with_one_more(snapshot, order, stores)
    if not is_fixed(order) and order.courier_id is None:
        yield from _with_stores(snapshot, order, stores)
    if freeing:
        yield _Case(
            "longer_shift",
            "shifts ended an hour later",
            lambda snap: replace(
                snap,
                couriers=tuple(
                    replace(each, shift_end=max(each.shift_end, snap.now) + _LONGER_SHIFT_S)
                    for each in snap.couriers
                ),
            ),
        )


def _in_any_order(snapshot: Snapshot, ties: Ties) -> Iterator[_Case]:
    """Yield the case that the order of a courier's stops, fixed by hand, is free again."""
    courier = next((each for each in snapshot.couriers if each.courier_id == ties.fixed_for), None)
    if courier is not None:
        free = replace(courier, committed=courier.committed[: ties.under_way])
        yield _Case(
            "route_freed",
            f"the stops of {courier.courier.name} might be done in any order",
            lambda snap: _with_courier(snap, free),
        )


def _next_in_bag(snapshot: Snapshot, order: OrderInPlay) -> Iterator[_Case]:
    """Yield the case that a courier brings it before all else in the bag."""
    courier = next((each for each in snapshot.couriers if order.order_id in each.on_board), None)
    if courier is None or len(courier.on_board) < 2 or order.returning:  # noqa: PLR2004  a pair
        return
    end = Stop(StopKind.DROPOFF, order.order_id, order.store_id or "")
    if end in courier.committed:
        return
    yield _Case(
        "brought_next",
        f"{courier.courier.name} went to this door before the others in the bag",
        lambda snap: _with_courier(snap, replace(courier, committed=(*courier.committed, end))),
    )


def _with_one_more(
    snapshot: Snapshot, order: OrderInPlay, stores: tuple[StoreOption, ...]
) -> Iterator[_Case]:
    """Yield the case of one more courier at the store, free now."""
    at = order.store_id if is_fixed(order) or order.courier_id is not None else None
    chosen = next((option for option in stores if option.chosen), None)
    if at is None and chosen is not None and chosen.reason is None:
        at = chosen.store_id
    if at is None:
        at = next((option.store_id for option in stores if option.reason is None), order.store_id)
    if at is None:
        known = [option for option in stores if option.trip_s is not None]
        nearest = min(known, key=lambda option: option.trip_s or 0, default=None)
        at = nearest.store_id if nearest is not None else None
    store = next((each for each in snapshot.stores if each.store_id == at), None)
    if store is None or order.courier_id == ONE_MORE:
        return
    name = store.store.name
    one_more = _one_more(snapshot, order, store)
    if one_more is None:
        return
    if order.courier_id is None:
        yield _Case(
            "courier_at_store",
            f"one more courier stood at {name} now",
            lambda snap: replace(snap, couriers=(*snap.couriers, one_more)),
        )
        return
    names = {each.courier_id: each.courier.name for each in snapshot.couriers}
    holder = names.get(order.courier_id, order.courier_id)

    def given(snap: Snapshot) -> Snapshot:
        freed = _taken_back(snap, order)
        return replace(freed, couriers=(*freed.couriers, one_more))

    yield _Case(
        "reassigned", f"{holder} gave it to one more courier who stood at {name} now", given
    )


def _one_more(snapshot: Snapshot, order: OrderInPlay, store: StoreInPlay) -> CourierInPlay | None:
    """Return a courier who stands at a store's counter, by the mode that is fastest to the door."""
    way_s = {
        mode: int(table[store.place, order.place])
        for mode, table in sorted(snapshot.travel.duration_s.items())
        if max(store.place, order.place) < len(table)
    }
    if not way_s or min(way_s.values()) >= UNREACHABLE_S:
        return None
    mode = min(way_s, key=lambda each: way_s[each])
    usual = [each.courier for each in snapshot.couriers if each.courier.mode is mode]
    most_g = max((each.capacity_g for each in usual), default=0)
    most_ml = max((each.capacity_ml for each in usual), default=0)
    most_chilled = max((each.chilled_bags for each in usual), default=0)
    wanted = order.order
    courier = Courier(
        ONE_MORE,
        "one more courier",
        mode,
        LonLat(*snapshot.places[store.place]),
        capacity_g=max(1, most_g, wanted.weight_g),
        capacity_ml=max(1, most_ml, wanted.volume_ml),
        chilled_bags=max(int(wanted.chilled), most_chilled),
    )
    return CourierInPlay(
        courier,
        store.place,
        available_at=snapshot.now,
        shift_start=snapshot.now,
        shift_end=snapshot.now + _DAY_S,
        at_store=store.store_id,
    )


def _with_stores(
    snapshot: Snapshot, order: OrderInPlay, stores: tuple[StoreOption, ...]
) -> Iterator[_Case]:
    """Yield the cases of the nearest stores that something rules out."""
    by_id = {store.store_id: store for store in snapshot.stores}
    chosen = next((option for option in stores if option.chosen and not option.reason), None)
    ruled_out = [
        option
        for option in stores
        if option.reason is not None
        and option.trip_s is not None
        and (chosen is None or chosen.trip_s is None or option.trip_s < chosen.trip_s)
    ]
    ruled_out.sort(key=lambda option: (option.trip_s or 0, option.store_id))
    for option in ruled_out[:_NEAREST_STORES]:
        store = by_id.get(option.store_id)
        case = None if store is None else _allowed(order, store, option)
        if case is not None:
            yield case


def _allowed(order: OrderInPlay, store: StoreInPlay, option: StoreOption) -> _Case | None:
    """Return the case that a store could serve."""
    name, key = store.store.name, store.store_id
    match option.reason:
        case Reason.NO_STOCK:
            wants = wanted(order.order)
            lacks = {sku: n for sku, n in wants.items() if store.available.get(sku, 0) < n}
            goods = ", ".join(f"{n} x {sku}" for sku, n in sorted(lacks.items()))
            full = replace(store, available={**store.available, **lacks})
            return _Case("stock", f"{name} had {goods}", lambda snap: _with_store(snap, full))
        case Reason.STORE_PAUSED:
            going = replace(
                store, paused=False, store=replace(store.store, pickers=max(1, store.store.pickers))
            )
            return _Case("resumed", f"{name} took orders", lambda snap: _with_store(snap, going))
        case Reason.STORE_CLOSED:
            return _Case(
                "open",
                f"{name} were open",
                lambda snap: _with_store(
                    snap, replace(store, open_windows=((snap.now, snap.now + _DAY_S),))
                ),
            )
        case Reason.STORE_EXCLUDED:
            others = order.excluded_stores - {key}
            return _Case(
                "store_allowed",
                f"it might come from {name} again",
                lambda snap: _with_order(snap, order.order_id, excluded_stores=others),
            )
        case Reason.OUTSIDE_RADIUS:
            trip_s = option.trip_s or 0
            wider = replace(store, area=None, store=replace(store.store, reach_s=trip_s))
            return _Case(
                "wider_reach",
                f"{name} delivered as far as {minutes(trip_s)}",
                lambda snap: _with_store(snap, wider),
            )
        case _:
            return None


def picked_first_at(snapshot: Snapshot, order: OrderInPlay) -> int | None:
    """Return when the goods would be ready if picked now, None if they are begun or nowhere."""
    store = next((each for each in snapshot.stores if each.store_id == order.store_id), None)
    if store is None or order.status not in _UNPICKED:
        return None
    return snapshot.now + pick_s(store.store, order.order)


def _picked_first(order_id: str) -> Callable[[Snapshot], Snapshot]:
    return lambda snap: _with_order(
        snap, order_id, status=OrderStatus.PICKING, pick_started_at=snap.now
    )


def _taken_back(snapshot: Snapshot, order: OrderInPlay) -> Snapshot:
    """Return the snapshot with nobody on the way to an order."""
    freed = _with_order(snapshot, order.order_id, courier_id=None)
    couriers = tuple(
        replace(
            courier,
            committed=tuple(s for s in courier.committed if s.order_id != order.order_id),
            arrived=courier.arrived
            and bool(courier.committed)
            and courier.committed[0].order_id != order.order_id,
            available_at=max(courier.available_at, snapshot.now),
        )
        if any(stop.order_id == order.order_id for stop in courier.committed)
        else courier
        for courier in freed.couriers
    )
    return replace(freed, couriers=couriers)


def _with_order(snapshot: Snapshot, order_id: str, **changes: object) -> Snapshot:
    orders = tuple(
        replace(order, **changes) if order.order_id == order_id else order  # type: ignore[arg-type]
        for order in snapshot.orders
    )
    return replace(snapshot, orders=orders)


def _with_store(snapshot: Snapshot, store: StoreInPlay) -> Snapshot:
    stores = tuple(store if each.store_id == store.store_id else each for each in snapshot.stores)
    return replace(snapshot, stores=stores)


def _with_courier(snapshot: Snapshot, courier: CourierInPlay) -> Snapshot:
    couriers = tuple(
        courier if each.courier_id == courier.courier_id else each for each in snapshot.couriers
    )
    return replace(snapshot, couriers=couriers)


def _name(snapshot: Snapshot, store_id: str) -> str:
    return next((s.store.name for s in snapshot.stores if s.store_id == store_id), store_id)
