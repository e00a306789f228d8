"""What each event speaks of, for whoever must tell the newer of two messages about one thing."""

from __future__ import annotations

from dataclasses import fields

import pytest

from api.event_objects import _BY_TYPE, EventObject, object_of
from dispatch.events import (
    EVENT_TYPES,
    CatalogueSet,
    OrderDelivered,
    OrderRefused,
    PickStarted,
    StopArrived,
    StorePaused,
    StreetReopened,
)
from dispatch.model import Stop, StopKind

OF_THE_ZONE = {"CatalogueSet", "OrderRefused"}
AT = 1_763_650_800


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_event_speaks_of_something_or_of_the_whole_zone(name: str) -> None:
    assert (_BY_TYPE[EVENT_TYPES[name]] is None) == (name in OF_THE_ZONE)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_what_names_an_order_speaks_of_the_order(name: str) -> None:
    names = {field.name for field in fields(EVENT_TYPES[name])}
    way = _BY_TYPE[EVENT_TYPES[name]]
    if names & {"order_id", "order", "stop"}:
        assert way is not None
        assert way[0] == "order"


def test_what_couriers_and_stores_do_for_an_order_is_the_order_s() -> None:
    whole = EventObject("order", "ord_1")
    assert object_of(OrderDelivered("cou_1", "ord_1", AT)) == whole
    assert object_of(PickStarted("ord_1", "sto_1", AT)) == whole
    stop = Stop(StopKind.PICKUP, "ord_1", "sto_1")
    assert object_of(StopArrived("cou_1", stop, AT)) == whole


def test_things_of_their_own_are_named_and_the_zone_has_no_id() -> None:
    assert object_of(StorePaused("sto_1", "flood")) == EventObject("store", "sto_1")
    assert object_of(StreetReopened("clo_1")) == EventObject("closure", "clo_1")
    assert object_of(CatalogueSet(())) == EventObject("zone")
    assert object_of(OrderRefused(AT, "no_stock", "nothing left")) == EventObject("zone")
