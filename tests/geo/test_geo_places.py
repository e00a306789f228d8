"""Stores and doors from the map's features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from drawn_town import at, roads
from numpy.typing import NDArray

from geo.osm import Feature
from geo.places import DoorRow, StoreRow, doors, store_id, stores
from geo.types import LonLat


def box(x_m: float, y_m: float, side_m: float) -> shapely.Polygon:
    corners = [(x_m, y_m), (x_m + side_m, y_m), (x_m + side_m, y_m + side_m), (x_m, y_m + side_m)]
    return shapely.Polygon([at(*corner) for corner in corners])


def point(x_m: float, y_m: float) -> shapely.Point:
    return shapely.Point(at(x_m, y_m))


def anywhere(places: Sequence[LonLat]) -> NDArray[np.bool_]:
    return np.ones(len(places), dtype=bool)


def stores_of(
    *features: Feature, number_first: bool = False
) -> tuple[tuple[StoreRow, ...], Counter[str]]:
    left: Counter[str] = Counter()
    return stores(features, anywhere, number_first=number_first, left=left), left


def doors_of(
    *features: Feature, number_first: bool = False
) -> tuple[tuple[DoorRow, ...], Counter[str]]:
    left: Counter[str] = Counter()
    network = roads(
        {1: (0, 0), 2: (400, 0), 3: (400, 400)},
        [([1, 2], {"name": "Etelätie"}), ([2, 3], {"name": "Itätie"})],
    )

    def near(places: Sequence[LonLat]) -> NDArray[np.bool_]:
        return np.array([place.lat < at(0, 600).lat for place in places], dtype=bool)

    return doors(features, network, near, number_first=number_first, left=left), left


def test_a_store_id_depends_on_nothing_but_the_osm_element() -> None:
    plain = Feature("node", 7, {"shop": "supermarket", "name": "A"}, point(0, 0))
    moved = Feature("node", 7, {"shop": "convenience", "name": "B"}, point(9, 9))
    (one,), _ = stores_of(plain)
    (two,), _ = stores_of(moved)
    assert one.store_id == two.store_id == store_id("node/7")
    assert store_id("way/7") != store_id("node/7")


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"name": "Alepa", "brand": "S"}, "Alepa"),
        ({"brand": "Lidl"}, "Lidl"),
        ({"operator": "HOK"}, "HOK"),
        ({"name": "   "}, "Supermarket"),
        ({}, "Supermarket"),
    ],
)
def test_a_store_without_a_name_goes_by_its_brand_or_kind(tags: dict[str, str], name: str) -> None:
    (store,), _ = stores_of(Feature("node", 1, {"shop": "supermarket", **tags}, point(0, 0)))
    assert store.name == name


def test_only_supermarkets_and_convenience_stores_are_stores() -> None:
    kinds = ("supermarket", "convenience", "kiosk", "clothes")
    found, _ = stores_of(
        *(Feature("node", n, {"shop": kind}, point(0, 0)) for n, kind in enumerate(kinds))
    )
    assert sorted(store.kind for store in found) == ["convenience", "supermarket"]


def test_a_shop_mapped_as_point_and_as_area_is_one_store() -> None:
    tags = {"shop": "supermarket", "name": "S-market"}
    area = Feature("way", 1, tags, box(0, 0, 40))
    inside, elsewhere = (
        Feature("node", 2, tags, point(5, 5)),
        Feature("node", 3, tags, point(300, 0)),
    )
    found, left = stores_of(area, inside, elsewhere)
    assert sorted(store.source for store in found) == ["node/3", "way/1"]
    assert left == {"stores mapped twice": 1}


def test_addresses_are_written_as_the_country_does() -> None:
    tags = {"addr:street": "Katu", "addr:housenumber": "12 b"}
    feature = Feature("node", 1, tags, point(5, 5))
    assert [door.address for door in doors_of(feature)[0]] == ["Katu 12 b"]
    assert [door.address for door in doors_of(feature, number_first=True)[0]] == ["12 b Katu"]


def test_people_follow_floor_space_and_use() -> None:
    home = Feature("way", 1, {"building": "apartments", "building:levels": "5"}, box(0, 10, 20))
    office = Feature("way", 2, {"building": "office", "building:levels": "5"}, box(100, 10, 20))
    (one,), _ = doors_of(home)
    (two,), _ = doors_of(office)
    # 20 m x 20 m x 5 storeys / 40 m2 = 50 people; an office counts a tenth
    assert one.people == pytest.approx(50, rel=0.01)
    assert two.people == pytest.approx(5, rel=0.01)


def test_entrances_share_the_people_of_their_building_and_name_it() -> None:
    home = Feature("way", 1, {"building": "apartments", "building:levels": "5"}, box(0, 10, 20))
    entrances = [
        Feature("node", n, {"addr:street": "Katu", "addr:housenumber": str(n)}, point(4 * n, 10))
        for n in (1, 2)
    ]
    shop = Feature("node", 9, {**entrances[0].tags, "shop": "kiosk"}, point(5, 12))
    found, _ = doors_of(home, *entrances, shop)
    assert [door.address for door in found] == ["Katu 1", "Katu 2"]
    assert [door.people for door in found] == pytest.approx([25, 25], rel=0.01)


def test_a_building_without_an_address_is_named_by_its_street() -> None:
    south = Feature("way", 1, {"building": "house"}, box(100, 10, 10))
    east = Feature("way", 2, {"building": "house"}, box(380, 200, 10))
    found, _ = doors_of(south, east)
    assert [door.address for door in found] == ["Etelätie", "Itätie"]


def test_sheds_and_garages_are_nobodys_door() -> None:
    home = Feature("way", 1, {"building": "house"}, box(0, 10, 10))
    garage = Feature("way", 2, {"building": "garage"}, box(20, 10, 10))
    hut = Feature("way", 3, {"building": "yes"}, box(40, 10, 3))
    assert len(doors_of(home, garage, hut)[0]) == 1


def test_a_door_out_of_reach_is_left_out_and_counted() -> None:
    near = Feature("way", 1, {"building": "house"}, box(0, 10, 10))
    far = Feature("way", 2, {"building": "house"}, box(0, 700, 10))
    found, left = doors_of(near, far)
    assert len(found) == 1
    assert left == {"doors without a street near them": 1}


def test_where_the_map_has_no_houses_doors_stand_along_the_streets() -> None:
    found, left = doors_of()
    assert len(found) == 20  # two streets of 400 m, one every 40 m
    assert {door.address for door in found} == {"Etelätie", "Itätie"}
    assert left == {"no buildings or addresses: doors were placed along the streets": 1}


def test_a_crossed_outline_does_not_stop_the_build() -> None:
    bow = shapely.Polygon([at(0, 10), at(30, 40), at(30, 10), at(0, 40), at(0, 10)])
    crossed = Feature("way", 1, {"building": "house"}, bow)
    entrance = Feature("node", 2, {"addr:street": "Katu", "addr:housenumber": "1"}, point(5, 15))
    assert doors_of(crossed, entrance)[0]
