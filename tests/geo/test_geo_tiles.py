"""The city's own map tiles."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import mapbox_vector_tile
import pytest
import shapely
from shapely.geometry import shape

from geo.city import City, load_city
from geo.errors import PlaceError
from geo.tiles import EXTENT, Tiles


@pytest.fixture(scope="module")
def city() -> City:
    return load_city("helsinki")


@pytest.fixture(scope="module")
def tiles(city: City) -> Tiles:
    return Tiles(city)


def tile_at(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    x = (lon + 180) / 360 * 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return z, int(x), int(y)


def test_the_middle_of_town_shows_streets_buildings_and_land(tiles: Tiles) -> None:
    content = mapbox_vector_tile.decode(tiles.tile(*tile_at(24.9428, 60.1690, 15)))
    assert {"land", "buildings", "streets"} <= content.keys()
    names = {f["properties"].get("name") for f in content["streets"]["features"]}
    assert "Aleksanterinkatu" in names
    classes = {f["properties"]["class"] for f in content["streets"]["features"]}
    assert {"footway", "residential"} <= classes


def test_shapes_stand_where_they_are_in_the_world(city: City, tiles: Tiles) -> None:
    store = next(s for s in city.stores if s.name == "K-Supermarket Postitalo")
    z, x, y = tile_at(*store.location, 16)
    content = mapbox_vector_tile.decode(tiles.tile(z, x, y))
    across = ((store.location.lon + 180) / 360 * 2**z - x) * EXTENT
    mercator = (1 - math.asinh(math.tan(math.radians(store.location.lat))) / math.pi) / 2
    down = (mercator * 2**z - y) * EXTENT
    spot = shapely.Point(across, EXTENT - down)  # the decoder turns y upwards
    homes = [shape(f["geometry"]) for f in content["buildings"]["features"]]
    assert any(home.contains(spot) for home in homes)


def test_polygons_are_valid_and_stay_near_their_tile(tiles: Tiles) -> None:
    for z in (13, 14, 16):
        content = mapbox_vector_tile.decode(tiles.tile(*tile_at(24.9428, 60.1690, z)))
        for layer in content.values():
            for feature in layer["features"]:
                west, south, east, north = shape(feature["geometry"]).bounds
                assert min(west, south) >= -64
                assert max(east, north) <= EXTENT + 64
                assert shape(feature["geometry"]).is_valid


def test_far_out_there_are_fewer_things_and_elsewhere_nothing(tiles: Tiles) -> None:
    far = mapbox_vector_tile.decode(tiles.tile(*tile_at(24.9428, 60.1690, 11)))
    assert "buildings" not in far
    assert tiles.tile(*tile_at(-70.0, -33.0, 14)) == b""
    assert len(tiles.tile(0, 0, 0)) < 2000


def test_a_city_of_twenty_kilometres_shows_its_streets_where_it_fits_a_screen() -> None:
    big = Tiles(load_city("la-serena"))
    middle = (-71.2519, -29.9045)
    seen = {}
    for z in (9, 10, 11, 12, 13):
        content = big.tile(*tile_at(*middle, z))
        assert len(content) < 200_000
        streets = mapbox_vector_tile.decode(content)["streets"]["features"]
        seen[z] = {feature["properties"]["class"] for feature in streets}
    assert {"primary", "secondary"} <= seen[9]
    assert "tertiary" in seen[10]
    assert "residential" in seen[11]


@pytest.mark.parametrize("tile", [(-1, 0, 0), (23, 0, 0), (3, 8, 0), (3, 0, 8), (3, -1, 0)])
def test_a_tile_that_cannot_exist_is_refused(tiles: Tiles, tile: tuple[int, int, int]) -> None:
    with pytest.raises(PlaceError, match="there is no tile"):
        tiles.tile(*tile)


def test_threads_get_the_same_tile(city: City) -> None:
    fresh = Tiles(city)
    wanted = tile_at(24.9428, 60.1690, 15)
    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(lambda _: fresh.tile(*wanted), range(8)))
    assert len(answers) == 1
