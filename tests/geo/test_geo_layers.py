"""Land and sea from coastlines, and what is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely
from drawn_town import at, town

from geo.errors import CityError
from geo.layers import LAYERS, Box, Layer, land_and_sea, load_layers, map_layers, save_layers
from geo.osm import Feature
from geo.types import LonLat

BOX: Box = (0.0, 0.0, 10.0, 10.0)


def line(*points: tuple[float, float]) -> list[LonLat]:
    return [LonLat(*point) for point in points]


def areas(lines: list[list[LonLat]], box: Box = BOX) -> tuple[float, float]:
    land, sea = land_and_sea(lines, box)
    assert shapely.union_all([*land, *sea]).area == pytest.approx(100.0)
    return sum(s.area for s in land), sum(s.area for s in sea)


def test_the_land_lies_on_the_left_of_the_coastline() -> None:
    northward = line((4, -1), (4, 11))
    assert areas([northward]) == pytest.approx((40.0, 60.0))
    assert areas([northward[::-1]]) == pytest.approx((60.0, 40.0))


def test_an_island_is_land_in_the_sea_and_a_bay_ring_is_sea_in_the_land() -> None:
    ring = line((4, 4), (6, 4), (6, 6), (4, 6), (4, 4))
    assert areas([ring]) == pytest.approx((4.0, 96.0))
    assert areas([ring[::-1]]) == pytest.approx((96.0, 4.0))


def test_a_coast_in_several_pieces_and_an_island_before_it_fit_together() -> None:
    coast = [line((5, 12), (5, 6)), line((5, 6), (5, -2))]  # land in the east
    island = line((1, 1), (2, 1), (2, 2), (1, 2), (1, 1))
    assert areas([*coast, island]) == pytest.approx((51.0, 49.0))


def test_a_coastline_cut_short_of_the_frame_is_led_to_its_nearest_side() -> None:
    assert areas([line((4, 0.2), (4, 9.9))]) == pytest.approx((40.0, 60.0))


def test_a_coast_that_leaves_and_comes_back_leaves_the_corner_as_it_is() -> None:
    # two pieces of the same shore: sea in the middle strip only
    west, east = line((3, 0), (3, 10)), line((7, 10), (7, 0))
    assert areas([west, east]) == pytest.approx((60.0, 40.0))


def test_without_a_coastline_in_the_frame_all_is_land() -> None:
    assert areas([]) == pytest.approx((100.0, 0.0))
    assert areas([line((20, 0), (20, 10))]) == pytest.approx((100.0, 0.0))


def square(x_m: float, y_m: float, side_m: float = 20) -> shapely.Polygon:
    corners = [(x_m, y_m), (x_m + side_m, y_m), (x_m + side_m, y_m + side_m), (x_m, y_m + side_m)]
    return shapely.Polygon([at(*corner) for corner in corners])


def drawn_town_map() -> dict[str, Layer]:
    features = [
        Feature("way", 1, {"building": "yes", "name": "Hall"}, square(10, 10)),
        Feature("way", 2, {"natural": "water"}, square(50, 10)),
        Feature("way", 3, {"leisure": "park"}, square(90, 10)),
        Feature("way", 4, {"railway": "tram"}, shapely.LineString([at(0, 50), at(100, 50)])),
        Feature("way", 5, {"waterway": "stream"}, shapely.LineString([at(0, 60), at(9, 60)])),
        Feature(
            "way",
            6,
            {"railway": "subway", "tunnel": "yes"},
            shapely.LineString([at(0, 5), at(9, 5)]),
        ),
        Feature("node", 7, {"shop": "supermarket"}, shapely.Point(at(5, 5))),
        Feature("way", 8, {"building": "no"}, square(10, 80)),
        Feature("way", 9, {"landuse": "forest"}, square(90, 90, 100)),
    ]
    osm = town(
        {1: (0, 0), 2: (100, 0), 3: (50, 200)},
        [
            ([1, 2], {"name": "Katu"}),
            ([1, 3], {"highway": "footway"}),
            ([2, 3, 2], {"area": "yes"}),
        ],
        features=features,
    )
    west, south = at(-10, -10)
    east, north = at(120, 120)
    return map_layers(osm, (west, south, east, north))


def test_every_feature_is_drawn_in_its_layer_and_cut_to_the_frame() -> None:
    layers = drawn_town_map()
    sizes = {name: len(layers[name].shapes) for name in LAYERS}
    assert sizes == {
        "land": 1,
        "green": 2,
        "water": 1,
        "waterways": 1,
        "buildings": 1,
        "streets": 2,
        "rail": 1,
    }
    assert layers["buildings"].names == ("Hall",)
    assert layers["streets"].classes == ("footway", "residential")
    forest = layers["green"].shapes[layers["green"].classes.index("forest")]
    assert forest.bounds[2:] == pytest.approx(at(120, 120), abs=2e-7)


def test_layers_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    layers = drawn_town_map()
    save_layers(layers, tmp_path)
    again = load_layers(tmp_path)
    for name, layer in layers.items():
        assert again[name].classes == layer.classes
        assert again[name].names == layer.names
        assert shapely.equals_exact(again[name].shapes, layer.shapes, tolerance=0).all()


def test_a_damaged_map_is_named(tmp_path: Path) -> None:
    save_layers(drawn_town_map(), tmp_path)
    (tmp_path / "green.npy").write_bytes(b"\x00" * 10)
    with pytest.raises(CityError, match=r"map in .* cannot be read"):
        load_layers(tmp_path)
