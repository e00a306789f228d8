"""Service areas in the engine: who is served, what is refused, what an area never takes back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cattrs import Converter
from town import Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.codec import LOG, WIRE, event_from_json, event_to_json
from dispatch.errors import RefusedError
from dispatch.model import AreaInPlay, LonLat, OrderLine, Reason
from geo.errors import AreaError, TooFarFromRoadError
from geo.service_area import AreaKind, ServiceArea
from geo.types import Mode

MILK = (OrderLine("milk", 1),)
BY_ROAD = ServiceArea(AreaKind.ROAD_DISTANCE, distance_m=500, mode=Mode.BIKE)


def drawn(west: int, south: int, east: int, north: int) -> ServiceArea:
    """Return an area between two corners of the grid."""
    corners = [at(west, south), at(east, south), at(east, north), at(west, north)]
    return ServiceArea(AreaKind.POLYGON, shape=(((*corners, corners[0]),),))


def set_area(town: Town, store_id: str, area: ServiceArea | None) -> None:
    store = town.engine.state.store(store_id).store
    town.give(c.RegisterStore(replace(store, service_area=area)))


def refused(town: Town, door: LonLat) -> e.OrderRefused:
    (event,) = town.give(c.PlaceOrder(door, "Corner", MILK, 1000, town.clock.now()))
    assert isinstance(event, e.OrderRefused)
    return event


def test_an_order_goes_to_the_store_whose_area_it_is_in() -> None:
    town = Town()
    set_area(town, "sto_west", drawn(-1, -1, 3, 1))
    # Both doors are nearer to the west store.
    inside, outside = town.order(at(3, 0)), town.order(at(4, 0))
    assert town.engine.state.order(inside).store_id == "sto_west"
    assert town.engine.state.order(outside).store_id == "sto_east"


def test_a_door_outside_every_area_is_refused_and_told_the_nearest_area() -> None:
    town = Town()
    set_area(town, "sto_west", BY_ROAD)
    set_area(town, "sto_east", replace(BY_ROAD, distance_m=800))
    event = refused(town, at(11, 0))
    assert event.reason == Reason.OUTSIDE_RADIUS
    assert "service area of East, 0.8 km of road by bike" in event.detail
    with pytest.raises(RefusedError, match="service area of East") as caught:
        town.engine.quote(c.RequestQuote(at(11, 0), "Corner", MILK, 1000))
    assert caught.value.reason == Reason.OUTSIDE_RADIUS
    assert town.order(at(12, 0))


def test_a_store_without_an_area_serves_every_door_it_can_reach() -> None:
    town = Town()
    set_area(town, "sto_west", drawn(-1, -1, 1, 1))
    order_id = town.order(at(2, 0))
    assert town.engine.state.order(order_id).store_id == "sto_east"
    set_area(town, "sto_west", None)
    order_id = town.order(at(2, 0))
    assert town.engine.state.order(order_id).store_id == "sto_west"


def test_an_area_that_shrinks_takes_back_no_order_and_no_promise() -> None:
    town = Town()
    order_id = town.order(at(4, 0))
    promise = town.engine.state.order(order_id).promise
    for store_id in ("sto_west", "sto_east"):
        set_area(town, store_id, drawn(-1, -1, 1, 1))
    assert refused(town, at(4, 0)).reason == Reason.OUTSIDE_RADIUS
    town.engine.replan()
    assert town.engine.state.plan is not None
    assert (town.engine.state.plan.unassigned, town.engine.state.plan.violations) == ((), ())
    order = town.engine.state.order(order_id)
    assert (order.store_id, order.promise) == ("sto_west", promise)
    town.picked(order_id)
    town.do(*town.wait_for_commitment())
    town.do(*town.wait_for_commitment())
    assert order_id in town.engine.state.closed


def test_a_replan_moves_no_order_to_a_store_whose_area_it_is_outside() -> None:
    town = Town()
    set_area(town, "sto_west", drawn(-1, -1, 1, 1))
    order_id = town.order(at(4, 0))
    assert town.engine.state.order(order_id).store_id == "sto_east"
    for _ in range(3):
        town.engine.replan()
        town.clock.time += 30
    assert town.engine.state.order(order_id).store_id == "sto_east"
    option = next(s for s in town.engine.explain(order_id).stores if s.store_id == "sto_west")
    assert option.reason is Reason.OUTSIDE_RADIUS
    assert "West is nearer, but the door is outside the service area of West" in (
        town.engine.explain(order_id).sentence
    )


def test_an_area_that_cannot_be_is_refused_before_it_is_recorded() -> None:
    town = Town()
    before = len(town.log.entries)
    bow = (at(0, 0), at(1, 1), at(1, 0), at(0, 1), at(0, 0))
    with pytest.raises(AreaError, match="Self-intersection"):
        set_area(town, "sto_west", ServiceArea(AreaKind.POLYGON, shape=((bow,),)))
    with pytest.raises(AreaError, match="/mode is car, not in this city; it has bike, walk"):
        set_area(town, "sto_west", replace(BY_ROAD, mode=Mode.CAR))
    store = town.engine.state.store("sto_west").store
    with pytest.raises(TooFarFromRoadError):
        town.give(c.RegisterStore(replace(store, location=at(999, 0), service_area=BY_ROAD)))
    assert len(town.log.entries) == before


def test_a_snapshot_carries_what_came_of_an_area_and_no_shape() -> None:
    town = Town()
    set_area(town, "sto_west", drawn(-1, -1, 3, 1))
    town.order(at(3, 0))
    town.order(at(4, 0))
    # Places are the two stores, then the two doors.
    doors = [place.lon for place in town.engine.snapshot().places[2:4]]
    east, west = town.engine.snapshot().stores
    assert (east.area, west.store.service_area) == (None, None)
    assert west.area == AreaInPlay("a drawn polygon", frozenset({2 + doors.index(at(3, 0).lon)}))


def test_areas_are_there_after_a_restart() -> None:
    town = Town()
    set_area(town, "sto_west", drawn(-1, -1, 3, 1))
    set_area(town, "sto_east", BY_ROAD)
    town.engine = town.restarted()
    assert refused(town, at(4, 0)).reason == Reason.OUTSIDE_RADIUS
    assert town.order(at(3, 0))


@pytest.mark.parametrize("converter", [LOG, WIRE], ids=["log", "wire"])
@pytest.mark.parametrize("area", [None, BY_ROAD, drawn(0, 0, 1, 1)])
def test_an_area_in_an_event_has_its_json_form(
    converter: Converter, area: ServiceArea | None
) -> None:
    town = Town()
    set_area(town, "sto_west", area)
    event = town.log.entries[-1].event
    fields = json.loads(json.dumps(event_to_json(event, converter)))
    assert event_from_json("StoreRegistered", fields, converter) == event
    written = fields["store"]["service_area"]
    assert (written and written["kind"]) == (area and area.kind)


def test_a_log_from_before_there_were_areas_is_read() -> None:
    town = Town()
    fields = event_to_json(town.log.entries[0].event, LOG)
    del fields["store"]["service_area"]
    assert event_from_json("StoreRegistered", fields, LOG) == town.log.entries[0].event
