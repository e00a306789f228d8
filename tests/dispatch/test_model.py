"""Broken types and impossible values are refused where an object is made, by the field's name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import get_args, get_origin, get_type_hints

import numpy as np
import pytest
from street import NOW, Street

from dispatch.errors import InvalidValueError
from dispatch.model import (
    Courier,
    CourierInPlay,
    LonLat,
    Mode,
    Order,
    OrderInPlay,
    OrderLine,
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


def town() -> Snapshot:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, courier_id="cou_ida")
    told = Stop(StopKind.PICKUP, "ord_a", "sto_north")
    street.courier("ida", at=500, committed=(told,))
    return replace(street.snapshot(), demand=(StoreDemand("sto_north", 3.5, (60, 90)),))


def made() -> dict[type, object]:
    """Return a sound object of each type."""
    snapshot = town()
    order, store, courier = snapshot.orders[0], snapshot.stores[0], snapshot.couriers[0]
    things = (
        order.order, order.order.lines[0], order.promise, order, store.store, store,
        courier.courier, courier, courier.committed[0], snapshot, snapshot.policy,
        snapshot.demand[0], snapshot.travel,
    )  # fmt: skip
    return {type(thing): thing for thing in things}


SOUND = made()
FIELDS = [
    pytest.param(kind, field.name, id=f"{kind.__name__}.{field.name}")
    for kind in SOUND
    for field in fields(kind)
]


def test_every_type_of_the_issue_is_looked_at() -> None:
    assert set(SOUND) == {
        Order, OrderLine, Store, Courier, Promise, Stop, OrderInPlay, StoreInPlay,
        CourierInPlay, TravelTable, Snapshot, Policy, StoreDemand,
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_no_field_takes_something_else(kind: type, name: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^{name} of {kind.__name__}") as refused:
        replace(SOUND[kind], **{name: object()})
    assert refused.value.field == name
    assert "; give " in str(refused.value)


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_none_is_refused_where_there_must_be_something(kind: type, name: str) -> None:
    if type(None) in get_args(get_type_hints(kind)[name]):
        replace(SOUND[kind], **{name: None})
    else:
        with pytest.raises(InvalidValueError, match=f"^{name} "):
            replace(SOUND[kind], **{name: None})


def containers() -> list[object]:
    return [
        pytest.param(kind, name, id=f"{kind.__name__}.{name}")
        for kind in SOUND
        for name, hint in get_type_hints(kind).items()
        if get_origin(hint) in {tuple, frozenset}
    ]


@pytest.mark.parametrize(("kind", "name"), containers())
def test_no_item_is_something_else(kind: type, name: str) -> None:
    items = getattr(SOUND[kind], name)
    for broken in (object(), None, True, 0.5):
        with pytest.raises(InvalidValueError, match=f"^{name} of {kind.__name__}.* holds "):
            replace(SOUND[kind], **{name: type(items)([*items, broken])})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Order, "weight_g", True),
        (Order, "weight_g", 800.0),
        (Order, "weight_g", np.int64(800)),
        (Order, "weight_g", -1),
        (Order, "service_s", -1),
        (Order, "pick_s", -1),
        (Order, "basket_cents", -1),
        (Order, "fare_cents", -1),
        (Order, "fulfilment", "delivery"),
        (Order, "lines", ()),
        (Order, "door", (25.0, 60.0)),
        (Order, "door", LonLat(25.0, 95.0)),
        (Order, "door", LonLat(math.nan, 60.0)),
        (Order, "door", LonLat("25", 60.0)),
        (Store, "pickers", -1),
        (Store, "pick_base_s", -1),
        (Store, "pick_line_s", -1),
        (Store, "pickup_service_s", -1),
        (Store, "reach_s", -1),
        (Store, "access_s", -1),
        (Courier, "mode", "bike"),
        (Courier, "capacity_g", 0),
        (Courier, "capacity_parcels", 0),
        (CourierInPlay, "arrived", 1),
        (CourierInPlay, "available_at", float(NOW)),
        (OrderInPlay, "status", "ready"),
        (OrderInPlay, "ready_at", math.inf),
        (OrderInPlay, "declined_by", {"cou_ida"}),
        (StoreInPlay, "available", {"milk": 1.5}),
        (StoreInPlay, "available", {7: 1}),
        (StoreInPlay, "open_windows", ((NOW, NOW, NOW),)),
        (StoreInPlay, "open_windows", ((NOW, None),)),
        (StoreInPlay, "open_windows", ([NOW, NOW],)),
        (StoreDemand, "orders_per_h", math.nan),
        (StoreDemand, "orders_per_h", math.inf),
        (StoreDemand, "orders_per_h", -0.5),
        (StoreDemand, "lead_s", (60, -1)),
        (Stop, "kind", "pickup"),
        (Order, "weight_g", 1 << 40),
        (Order, "created_at", 10**30),
        (Promise, "latest", 10**30),
        (OrderInPlay, "place", 10**30),
        (OrderInPlay, "ready_at", -(10**30)),
        (StoreInPlay, "open_windows", ((NOW, 10**30),)),
        (CourierInPlay, "shift_end", 10**30),
        (Snapshot, "now", 10**30),
        (Policy, "late_cost", math.nan),
        (Policy, "late_cost", math.inf),
        (Policy, "late_cost", -1.0),
        (Policy, "one_store_per_trip", 1),
        (Policy, "improve_rounds", 6.0),
        (Policy, "improve_rounds", -1),
    ],
)
def test_an_impossible_value_is_refused(kind: type, name: str, value: object) -> None:
    with pytest.raises(InvalidValueError) as refused:
        replace(SOUND[kind], **{name: value})
    assert refused.value.field == name


def test_a_whole_number_will_do_for_a_float() -> None:
    assert replace(Policy(), late_cost=20).late_cost == 20


def test_the_words_name_the_field_the_offender_and_the_remedy() -> None:
    order = SOUND[OrderInPlay]
    with pytest.raises(InvalidValueError) as refused:
        replace(order, place="7")
    assert str(refused.value) == "place of OrderInPlay ord_a is '7'; give a whole number"
    with pytest.raises(InvalidValueError) as refused:
        replace(order.order, lines=("milk",))
    assert (
        str(refused.value) == "lines of Order ord_a holds 'milk'; give a tuple, each an OrderLine"
    )


def test_a_promise_does_not_end_before_it_starts() -> None:
    with pytest.raises(InvalidValueError, match="promise"):
        Promise(NOW + 1, NOW, NOW)


# --- travel tables -------------------------------------------------------------------------------


def square(places: int, dtype: type = np.int32) -> np.ndarray:
    return np.zeros((places, places), dtype=dtype)


@pytest.mark.parametrize(
    ("field", "tables"),
    [
        ("duration_s", {Mode.BIKE: square(2, np.int64)}),
        ("duration_s", {Mode.BIKE: square(2, np.float64)}),
        ("duration_s", {Mode.BIKE: np.zeros((2, 3), dtype=np.int32)}),
        ("duration_s", {Mode.BIKE: np.zeros(2, dtype=np.int32)}),
        ("duration_s", {Mode.BIKE: np.int32(0)}),
        ("duration_s", {Mode.BIKE: square(2) - 1}),
        ("duration_s", {Mode.BIKE: [[0, 0], [0, 0]]}),
        ("duration_s", {"bike": square(2)}),
        ("length_m", {Mode.BIKE: square(3)}),
        ("length_m", {Mode.BIKE: square(2), Mode.WALK: square(2)}),
        ("length_m", {}),
    ],
)
def test_a_travel_table_has_a_row_and_a_column_for_each_place(
    field: str, tables: Mapping[Mode, np.ndarray]
) -> None:
    sound = {"duration_s": {Mode.BIKE: square(2)}, "length_m": {Mode.BIKE: square(2)}}
    with pytest.raises(InvalidValueError) as refused:
        TravelTable(**{**sound, field: tables}, version="drawn")
    assert refused.value.field == field


def test_a_travel_table_may_be_for_nobody_and_for_nowhere() -> None:
    TravelTable({}, {}, "drawn")
    TravelTable({Mode.BIKE: square(0)}, {Mode.BIKE: square(0)}, "drawn")


# --- what is the plan's business -----------------------------------------------------------------


def test_a_snapshot_may_contradict_itself() -> None:
    snapshot = town()
    order, courier = snapshot.orders[0], snapshot.couriers[0]
    ghost = Stop(StopKind.RETURN, "ord_ghost", "sto_ghost")
    replace(
        snapshot,
        places=(),
        orders=(order, order, replace(order, place=-7, courier_id="cou_ghost", on_board=True)),
        couriers=(
            replace(courier, shift_end=courier.shift_start - 1, at_store="sto_ghost"),
            replace(courier, committed=(ghost, ghost), on_board=("ord_ghost",), place=10**9),
        ),
        stores=(),
        now=-1,
    )
