"""Cases of couriers: one more, a larger bag, a longer shift, a break later, a declined offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from dispatch.explanation import StoreOption
from dispatch.model import (
    UNREACHABLE_S,
    Courier,
    CourierInPlay,
    LonLat,
    Mode,
    OrderInPlay,
    Snapshot,
    StoreInPlay,
)
from dispatch.otherwise import (
    MINUTE_S,
    Came,
    Case,
    Ties,
    started_minutes,
    taken_back,
    with_courier,
    with_order,
)
from dispatch.planning.problem import is_fixed

ONE_MORE: Final = "cou_one_more"
"""Id of a courier who is only imagined."""

LONGER_SHIFT_S: Final = 3600
"""Nobody is asked to stay longer."""

_COURIERS: Final = 3
_DAY_S: Final = 86_400

_BY: Final = {
    Mode.WALK: "on foot",
    Mode.BIKE: "by bike",
    Mode.CARGO_BIKE: "by cargo bike",
    Mode.SCOOTER: "by scooter",
    Mode.CAR: "by car",
}


def with_one_more(
    snapshot: Snapshot, order: OrderInPlay, stores: tuple[StoreOption, ...]
) -> Iterator[Case]:
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
    by, room = _BY[one_more.courier.mode], _room(snapshot, one_more.courier)
    if order.courier_id is None:
        yield _for_a_while(
            "courier_at_store",
            lambda span: f"one more courier {by}{room} stood at {name} {span}",
            lambda snap, who: replace(snap, couriers=(*snap.couriers, who)),
            snapshot,
            one_more,
        )
        return
    names = {each.courier_id: each.courier.name for each in snapshot.couriers}
    holder = names.get(order.courier_id, order.courier_id)

    def given(snap: Snapshot, who: CourierInPlay) -> Snapshot:
        freed = taken_back(snap, order)
        return replace(freed, couriers=(*freed.couriers, who))

    yield _for_a_while(
        "reassigned",
        lambda span: f"{holder} gave it to one more courier {by}{room} who stood at {name} {span}",
        given,
        snapshot,
        one_more,
    )


def _for_a_while(
    what: str,
    said: Callable[[str], str],
    change: Callable[[Snapshot, CourierInPlay], Snapshot],
    snapshot: Snapshot,
    one_more: CourierInPlay,
) -> Case:
    """Return the case of one more courier, who is needed until the goods are handed over only."""
    case = Case(
        what,
        said("now"),
        lambda snap: change(snap, one_more),
        subject=one_more.at_store or "",
        mode=one_more.courier.mode.value,
    )

    def smaller(came: Came) -> Case | None:
        if came.courier_id != ONE_MORE:
            return None
        needed_min = started_minutes(came.done_at - snapshot.now)
        brief = replace(one_more, shift_end=snapshot.now + needed_min * MINUTE_S)
        return replace(
            case,
            detail=said(f"for the next {needed_min} min"),
            change=lambda snap: change(snap, brief),
            amount=needed_min,
            unit="min",
            smaller=None,
        )

    return replace(case, smaller=smaller)


def _room(snapshot: Snapshot, courier: Courier) -> str:
    """Return what a bag has room for that nobody of this mode has, as it follows the mode."""
    usual = [each.courier for each in snapshot.couriers if each.courier.mode is courier.mode]
    parts = []
    if courier.capacity_g > max((each.capacity_g for each in usual), default=0):
        parts.append(f"room for {courier.capacity_g} g")
    if courier.capacity_ml > max((each.capacity_ml for each in usual), default=0):
        parts.append(f"room for {courier.capacity_ml} ml")
    if courier.chilled_bags > max((each.chilled_bags for each in usual), default=0):
        parts.append("a chilled bag")
    return f" with {' and '.join(parts)}" if parts and usual else ""


def _one_more(snapshot: Snapshot, order: OrderInPlay, store: StoreInPlay) -> CourierInPlay | None:
    """Return a courier who stands at a store's counter, by the mode that is fastest to the door."""
    way_s = {
        mode: int(table[store.place, order.place])
        for mode, table in sorted(snapshot.travel.duration_s.items())
        if min(store.place, order.place) >= 0
        and max(store.place, order.place) < min(len(table), len(snapshot.places))
    }
    if not way_s or min(way_s.values()) >= UNREACHABLE_S:
        return None
    mode = min(way_s, key=lambda each: way_s[each])
    usual = [each.courier for each in snapshot.couriers if each.courier.mode is mode]
    most_g = max((each.capacity_g for each in usual), default=0)
    most_ml = max((each.capacity_ml for each in usual), default=0)
    most_chilled = max((each.chilled_bags for each in usual), default=0)
    courier = Courier(
        ONE_MORE,
        "one more courier",
        mode,
        LonLat(*snapshot.places[store.place]),
        capacity_g=max(1, most_g, order.order.weight_g),
        capacity_ml=max(1, most_ml, order.order.volume_ml),
        chilled_bags=max(most_chilled, int(order.order.chilled)),
    )
    return CourierInPlay(
        courier,
        store.place,
        available_at=snapshot.now,
        shift_start=snapshot.now,
        shift_end=snapshot.now + _DAY_S,
        at_store=store.store_id,
    )


def with_couriers(snapshot: Snapshot, order: OrderInPlay, ties: Ties) -> Iterator[Case]:
    """Yield the cases of those who declined it, and of those whose bag is too small."""
    for courier in snapshot.couriers:
        key, name = courier.courier_id, courier.courier.name
        if key in ties.declined_by and ties.locked_to is None:
            others = order.declined_by - {key}
            yield Case(
                "accepted",
                f"{name} took it after all",
                lambda snap, others=others: with_order(  # type: ignore[misc]
                    snap, order.order_id, declined_by=others
                ),
                key,
            )
    small = [
        (found, each)
        for each in snapshot.couriers
        if each.courier_id not in order.declined_by and each.shift_end > snapshot.now
        if (found := _lacking(order, each.courier))
    ]
    small.sort(key=lambda pair: (len(pair[0]), sum(n for n, _ in pair[0]), pair[1].courier_id))
    for lacks, courier in small[:_COURIERS]:
        yield _larger_bag(order, courier, lacks)


def _lacking(order: OrderInPlay, courier: Courier) -> list[tuple[int, str]]:
    """Return what an empty bag lacks for an order: amounts with their units."""
    bought = order.order
    found = [
        (bought.weight_g - courier.capacity_g, "g"),
        (bought.volume_ml - courier.capacity_ml, "ml"),
        (int(bought.chilled) - courier.chilled_bags, "bags"),
    ]
    return [(amount, unit) for amount, unit in found if amount > 0]


def _larger_bag(order: OrderInPlay, courier: CourierInPlay, lacks: list[tuple[int, str]]) -> Case:
    who, bought = courier.courier, order.order
    able = replace(
        who,
        capacity_g=max(who.capacity_g, bought.weight_g),
        capacity_ml=max(who.capacity_ml, bought.volume_ml),
        chilled_bags=max(who.chilled_bags, int(bought.chilled)),
    )
    said = [
        "a chilled bag" if unit == "bags" else f"room for {amount} {unit} more"
        for amount, unit in lacks
    ]
    amount, unit = lacks[0] if len(lacks) == 1 else (None, "")
    return Case(
        "larger_bag",
        f"{who.name} had {' and '.join(said)}",
        lambda snap: with_courier(snap, replace(courier, courier=able)),
        courier.courier_id,
        amount,
        unit,
    )


def longer_shifts(snapshot: Snapshot) -> Case:
    """Return the case that shifts end later; that of one courier, if that is enough."""

    def longer(courier: CourierInPlay, more_s: int) -> CourierInPlay:
        return replace(courier, shift_end=max(courier.shift_end, snapshot.now) + more_s)

    case = Case(
        "longer_shift",
        f"shifts ended {LONGER_SHIFT_S // MINUTE_S} min later",
        lambda snap: replace(
            snap, couriers=tuple(longer(each, LONGER_SHIFT_S) for each in snap.couriers)
        ),
        amount=LONGER_SHIFT_S // MINUTE_S,
        unit="min",
    )

    def smaller(came: Came) -> Case | None:
        courier = next((c for c in snapshot.couriers if c.courier_id == came.courier_id), None)
        if courier is None or came.pickup_at is None:
            return None
        more_min = started_minutes(came.pickup_at - max(courier.shift_end, snapshot.now))
        if not 0 < more_min * MINUTE_S <= LONGER_SHIFT_S:
            return None
        stays = longer(courier, more_min * MINUTE_S)
        return replace(
            case,
            detail=f"the shift of {courier.courier.name} ended {more_min} min later",
            change=lambda snap: with_courier(snap, stays),
            subject=courier.courier_id,
            amount=more_min,
        )

    return replace(case, smaller=smaller)


def with_breaks(snapshot: Snapshot) -> Iterator[Case]:
    """Yield the cases of the next couriers to have a break, if they had it later."""
    due = [(each.pause.earliest, each.courier_id, each) for each in snapshot.couriers if each.pause]
    for _, key, courier in sorted(due, key=lambda entry: entry[:2])[:_COURIERS]:
        yield Case(
            "later_break",
            f"{courier.courier.name} had the break after it",
            lambda snap, who=courier: with_courier(  # type: ignore[misc]
                snap, replace(who, pause=None)
            ),
            key,
        )
