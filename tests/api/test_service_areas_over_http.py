"""Service areas over the wire: set, shown, taken off, and what a door outside them is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Town, until

# A block in the middle of Helsinki, and a street corner outside it.
BLOCK = {
    "type": "Polygon",
    "coordinates": [
        [[24.938, 60.164], [24.942, 60.164], [24.942, 60.167], [24.938, 60.167], [24.938, 60.164]]
    ],
}
BOW = {"type": "Polygon", "coordinates": [[[24, 60], [25, 61], [25, 60], [24, 61], [24, 60]]]}
INSIDE, OUTSIDE = {"lat": 60.1655, "lng": 24.9400}, {"lat": 60.1655, "lng": 24.9440}
AREA = {"kind": "polygon", "shape": BLOCK}
BY_TIME = {"kind": "road_time", "duration_s": 300, "mode": "bike"}


@pytest.fixture
def block(town: Town) -> Iterator[Town]:
    """Every store delivers to one block only, until the test is over."""
    for store in town.get("/v1/stores")["data"]:
        town.put(f"/v1/stores/{store['id']}/service-area", AREA)
    yield town
    for store in town.get("/v1/stores")["data"]:
        town.http.delete(f"/v1/stores/{store['id']}/service-area").raise_for_status()


def to(town: Town, place: dict[str, float]) -> dict[str, Any]:
    return town.basket(dropoff={"location": place, "address": "Testikatu 1"})


def test_a_door_outside_every_area_is_refused_with_its_reason(block: Town) -> None:
    asked = {key: to(block, OUTSIDE)[key] for key in ("dropoff", "lines", "weight_g")}
    for problem in (
        block.post("/v1/quotes", asked, 422),
        block.post("/v1/orders", to(block, OUTSIDE), 422),
    ):
        assert problem["code"] == "outside_radius"
        assert "outside the service area of" in problem["detail"]
        assert "a drawn polygon" in problem["detail"]
    assert block.post("/v1/orders", to(block, INSIDE), 201)["delivery"]["status"] == "confirmed"


def test_an_area_is_set_shown_and_taken_off(town: Town) -> None:
    store = town.get("/v1/stores")["data"][0]
    assert store["service_area"] is None
    path = f"/v1/stores/{store['id']}"
    area = {**BY_TIME, "exclusions": [BLOCK]}
    assert town.put(f"{path}/service-area", area)["service_area"] == area
    assert town.get(path)["service_area"] == area

    def told() -> Any:
        areas = [
            event["data"]["store"]["service_area"]
            for event in town.events()
            if event["type"] == "StoreRegistered"
            and event["data"]["store"]["store_id"] == store["id"]
        ]
        return areas[-1]

    # Events are told once they are durable.
    until(lambda: told() == area, "the area is in the log", 10)
    whole = {key: store[key] for key in ("name", "location", "opening_hours", "pickers")}
    assert town.put(path, {**whole, "service_area": AREA})["service_area"] == AREA
    town.http.delete(f"{path}/service-area").raise_for_status()
    assert town.get(path)["service_area"] is None


@pytest.mark.parametrize(
    ("area", "pointer", "words"),
    [
        ({}, "/kind", "choose one of"),
        ({**BY_TIME, "duration_s": -1}, "/duration_s", "give 1 to"),
        ({**BY_TIME, "mode": "horse"}, "/mode", "'horse'; choose one of walk"),
        ({"kind": "polygon", "shape": BOW}, "/shape", "Self-intersection"),
        ({"kind": "polygon", "shape": BLOCK, "exclusions": [BLOCK]}, "/exclusions", "nothing"),
    ],
)
def test_an_area_that_cannot_be_is_pointed_at(
    town: Town, area: dict[str, Any], pointer: str, words: str
) -> None:
    store = town.get("/v1/stores")["data"][0]
    path = f"/v1/stores/{store['id']}"
    problem = town.put(f"{path}/service-area", area, 422)
    assert (problem["code"], problem["pointer"]) == ("area_unusable", pointer)
    assert words in problem["detail"]
    whole = {"name": store["name"], "location": store["location"], "service_area": area}
    problem = town.put(path, whole, 422)
    assert (problem["code"], problem["pointer"]) == ("area_unusable", f"/service_area{pointer}")
    assert town.get(path)["service_area"] is None


def test_what_is_no_area_or_no_store_is_refused(town: Town) -> None:
    store = town.get("/v1/stores")["data"][0]
    path = f"/v1/stores/{store['id']}/service-area"
    assert town.put(path, [1], 422)["code"] == "invalid_request"
    assert town.put("/v1/stores/sto_nowhere/service-area", AREA, 404)["code"] == "unknown_id"
