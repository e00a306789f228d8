"""Service areas: what is served, what is refused, and how the JSON form reads."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from drawn_town import at, roads
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.area_shapes import check_shapes
from geo.areas import (
    DOORS_REMEMBERED,
    Coverage,
    Overlap,
    ServedDoors,
    ServiceAreas,
    coverage,
    overlaps,
)
from geo.errors import AreaError, PlaceError, UnknownModeError
from geo.service_area import (
    MOST_DISTANCE_M,
    MOST_DURATION_S,
    MOST_POINTS,
    AreaKind,
    Polygon,
    ServiceArea,
    Site,
    as_json,
    from_json,
)
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode

HERE = LonLat(25.0, 60.0)


def ring(*corners: tuple[float, float]) -> tuple[LonLat, ...]:
    return tuple(LonLat(*corner) for corner in (*corners, corners[0]))


def box(west: float, south: float, east: float, north: float) -> Polygon:
    return (ring((west, south), (east, south), (east, north), (west, north)),)


def drawn(*polygons: Polygon, less: tuple[Polygon, ...] = ()) -> ServiceArea:
    return ServiceArea(AreaKind.POLYGON, shape=polygons, exclusions=less)


@cache
def long_street() -> NetworkTravelTimes:
    """Return a street of 2 km from west to east, one-way for cars, with a way back beside it.

    A bike takes 15 km/h, that is 100 m in 24 s; a walker 72 s.
    """
    return NetworkTravelTimes(
        roads(
            {1: (0, 0), 2: (2000, 0), 3: (2000, 200), 4: (0, 200)},
            [
                ([1, 2], {"name": "There", "oneway": "yes", "oneway:bicycle": "no"}),
                ([2, 3], {"name": "Round"}),
                ([3, 4], {"name": "Back", "oneway": "yes", "oneway:bicycle": "no"}),
                ([4, 1], {"name": "Home"}),
            ],
        )
    )


def serves(areas: list[ServiceArea], doors: list[LonLat], store: LonLat = HERE) -> list[list[bool]]:
    index = ServiceAreas([Site(store, area) for area in areas], long_street(), 0)
    lon, lat = np.array(doors, dtype=np.float64).reshape(-1, 2).T
    found: list[list[bool]] = index.serves(lon, lat).tolist()
    return found


# --- shapes ------------------------------------------------------------------------------------


def test_a_door_on_the_edge_of_a_polygon_is_served_and_on_that_of_an_exclusion_is_not() -> None:
    area = drawn(box(0, 0, 10, 10), less=(box(4, 4, 6, 6),))
    doors = [
        LonLat(*door)
        for door in [(1, 1), (0, 5), (10, 10), (10.001, 5), (5, 5), (4, 5), (6, 6), (3.999, 5)]
    ]
    assert serves([area], doors) == [[True, True, True, False, False, False, False, True]]


def test_a_hole_is_outside_and_its_edge_inside() -> None:
    with_hole = (*box(0, 0, 10, 10), ring((4, 4), (6, 4), (6, 6), (4, 6)))
    doors = [LonLat(5, 5), LonLat(4, 5), LonLat(1, 1)]
    assert serves([drawn(with_hole)], doors) == [[False, True, True]]


def test_several_polygons_are_one_area() -> None:
    area = drawn(box(0, 0, 1, 1), box(5, 0, 6, 1))
    assert serves([area], [LonLat(0.5, 0.5), LonLat(3, 0.5), LonLat(5.5, 0.5)]) == [
        [True, False, True]
    ]


LEAST_AREA = 1e-6
coordinates = st.floats(-1.0, 1.0, width=32)


@st.composite
def polygons(draw: Any) -> Any:
    points = draw(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=12))
    hull = shapely.convex_hull(shapely.MultiPoint(points))
    bite = draw(st.tuples(coordinates, coordinates, st.floats(0.01, 0.7)))
    bitten = shapely.difference(hull, shapely.box(bite[0], bite[1], bite[0] + bite[2], 2.0))
    parts = [shapely.box(-0.5, -0.5, 0.5, 0.5), *shapely.get_parts(hull)[:1]]
    parts += [part for part in shapely.get_parts(bitten) if part.geom_type == "Polygon"]
    return [part for part in parts if part.area > LEAST_AREA and shapely.is_valid(part)][-1]


def rings(shape: Any) -> Polygon:
    lines = [shape.exterior, *shape.interiors]
    return tuple(tuple(LonLat(*point) for point in line.coords) for line in lines)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    shapes=st.lists(st.tuples(polygons(), st.none() | polygons()), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)
def test_the_grid_says_what_the_shapes_say(shapes: list[tuple[Any, Any]], seed: int) -> None:
    areas, expected = [], []
    corners = np.concatenate([shapely.get_coordinates(shape) for shape, _ in shapes])
    rng = np.random.default_rng(seed)
    # Doors anywhere, on corners, on edges, and one far away.
    anywhere = rng.uniform(-1.2, 1.2, (300, 2))
    on_edges = (corners[:-1] + corners[1:]) / 2
    doors = np.concatenate([anywhere, corners, on_edges, [[170.0, -80.0]]])
    for shape, exclusion in shapes:
        less = () if exclusion is None else (rings(exclusion),)
        areas.append(ServiceArea(AreaKind.POLYGON, shape=(rings(shape),), exclusions=less))
        inside = shapely.intersects_xy(shape, *doors.T)
        if exclusion is not None:
            inside &= ~shapely.intersects_xy(exclusion, *doors.T)
        expected.append(inside)
    for area in areas:
        try:
            check_shapes(area)
        except AreaError as error:
            assert "leave nothing" in str(error)  # noqa: PT017  the only way it may fail
            return
    found = ServiceAreas([Site(HERE, area) for area in areas], long_street(), 0)
    assert np.array_equal(found.serves(*doors.T), np.array(expected))


def test_no_areas_and_no_doors_are_fine() -> None:
    nothing = np.empty(0)
    none = ServiceAreas([], long_street(), 0)
    assert none.serves(np.array([25.0]), np.array([60.0])).shape == (0, 1)
    one = ServiceAreas([Site(HERE, drawn(box(0, 0, 1, 1)))], long_street(), 0)
    assert one.serves(nothing, nothing).shape == (1, 0)


def test_doors_that_are_no_places_are_refused() -> None:
    index = ServiceAreas([Site(HERE, drawn(box(0, 0, 1, 1)))], long_street(), 0)
    with pytest.raises(PlaceError, match=r"door 1 .* is no place on Earth"):
        index.serves(np.array([0.5, math.nan]), np.array([0.5, 0.5]))
    with pytest.raises(PlaceError, match="two lists alike"):
        index.serves(np.array([0.5]), np.array([0.5, 0.6]))


# --- by road -----------------------------------------------------------------------------------


def test_a_distance_is_measured_along_the_road_from_store_to_door() -> None:
    store = at(1000, 0)
    doors = [at(1500, 0), at(1501, 0), at(500, 0)]
    by_car = ServiceArea(AreaKind.ROAD_DISTANCE, distance_m=500, mode=Mode.CAR)
    by_bike = replace(by_car, mode=Mode.BIKE)
    # Westwards a car must go round: 1000 + 200 + 2000 + 200 + 500 m.
    assert serves([by_car, by_bike], doors, store) == [[True, False, False], [True, False, True]]
    round_trip = replace(by_car, distance_m=3900)
    assert serves([round_trip], doors, store) == [[True, True, True]]


def test_a_time_is_that_of_the_way_to_the_door() -> None:
    store = at(1000, 0)
    # 500 m by bike at 15 km/h take 120 s, on foot 360 s.
    area = ServiceArea(AreaKind.ROAD_TIME, duration_s=120, mode=Mode.BIKE)
    on_foot = replace(area, mode=Mode.WALK)
    doors = [at(1500, 0), at(1510, 0), at(1160, 0)]
    assert serves([area, on_foot], doors, store) == [[True, False, True], [False, False, True]]


def test_exclusions_are_taken_off_areas_by_road_too() -> None:
    store, door, beyond = at(1000, 0), at(1200, 0), at(1400, 0)
    river = (ring(at(1150, -50), at(1250, -50), at(1250, 50), at(1150, 50)),)
    area = ServiceArea(AreaKind.ROAD_DISTANCE, distance_m=500, mode=Mode.BIKE, exclusions=(river,))
    assert serves([area], [door, beyond], store) == [[False, True]]


def test_a_door_or_store_far_from_every_road_is_not_served() -> None:
    area = ServiceArea(AreaKind.ROAD_DISTANCE, distance_m=5000, mode=Mode.BIKE)
    assert serves([area], [at(1000, 3000), at(1000, 0)], at(500, 0)) == [[False, True]]
    assert serves([area], [at(1000, 0)], at(500, 3000)) == [[False]]


def test_a_mode_that_the_city_lacks_is_refused_by_name() -> None:
    steps = NetworkTravelTimes(roads({1: (0, 0), 2: (90, 0)}, [([1, 2], {"highway": "steps"})]))
    area = ServiceArea(AreaKind.ROAD_TIME, duration_s=60, mode=Mode.CAR)
    index = ServiceAreas([Site(at(0, 0), area)], steps, 0)
    with pytest.raises(UnknownModeError, match="car"):
        index.serves(*np.array([at(50, 0)]).T)


def test_an_isochrone_is_the_shape_reached_in_time() -> None:
    store = at(1000, 0)
    area = ServiceArea(AreaKind.ISOCHRONE, duration_s=120, mode=Mode.BIKE)
    # 500 m of street to each side, and the houses beside it.
    doors = [at(1490, 10), at(510, -10), at(1600, 0), at(400, 0), at(1000, 150)]
    assert serves([area], doors, store) == [[True, True, False, False, False]]


def test_the_outline_of_an_isochrone_lacks_its_exclusions() -> None:
    store = at(1000, 0)
    east = (ring(at(1000, -500), at(3000, -500), at(3000, 500), at(1000, 500)),)
    area = ServiceArea(AreaKind.ISOCHRONE, duration_s=120, mode=Mode.BIKE, exclusions=(east,))
    by_time = replace(area, kind=AreaKind.ROAD_TIME)
    by_distance = ServiceArea(AreaKind.ROAD_DISTANCE, distance_m=500, mode=Mode.BIKE)
    index = ServiceAreas(
        [Site(store, each) for each in (area, by_time, by_distance)], long_street(), 0
    )
    outline = index.outline(0)
    assert outline.bounds[2] == pytest.approx(store.lon)
    assert shapely.intersects_xy(outline, *at(510, 0))
    assert index.outline(1).equals(outline)
    assert index.outline(2) is None


# --- what areas share --------------------------------------------------------------------------


def test_overlaps_are_counted_in_doors_people_and_shares() -> None:
    served = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 1, 0]], dtype=np.bool_)
    people = np.array([5.0, 10.0, 15.0, 20.0, 7.0])
    # First and second share doors 1 and 2: 25 of 30 and of 45 people.
    assert overlaps(served, people) == (
        Overlap(0, 1, 2, 25.0, 25 / 30, 25 / 45),
        Overlap(1, 2, 1, 20.0, 20 / 45, 1.0),
    )
    assert coverage(served, people) == Coverage((1, 1, 3), (7.0, 5.0, 45.0))


def test_without_areas_nobody_is_served() -> None:
    nobody = np.zeros((0, 3), dtype=np.bool_)
    assert overlaps(nobody, np.ones(3)) == ()
    assert coverage(nobody, np.ones(3)) == Coverage((3,), (3.0,))


# --- remembered --------------------------------------------------------------------------------


class Counted:
    """Travel times that say how often they were asked, under a version that can be set."""

    def __init__(self) -> None:
        self.travel = long_street()
        self.version = "one"
        self.modes = self.travel.modes
        self.asked: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.travel, name)

    def matrix(self, origins: Any, destinations: Any, mode: Mode, at: int) -> Any:
        self.asked.append(len(destinations))
        return self.travel.matrix(origins, destinations, mode, at)


def test_what_was_answered_is_remembered_until_the_traffic_changes() -> None:
    served, travel = ServedDoors(), Counted()
    area = ServiceArea(AreaKind.ROAD_DISTANCE, distance_m=500, mode=Mode.BIKE)
    sites = {"west": Site(at(500, 0), area), "east": Site(at(1500, 0), area)}
    doors = [at(300, 0), at(1000, 0), at(1800, 0)]

    def ask(now: int, doors: list[LonLat] = doors) -> dict[str, frozenset[int]]:
        return served.serves(sites, doors, travel, now)  # type: ignore[arg-type]

    assert ask(0) == {"west": frozenset({0, 1}), "east": frozenset({1, 2})}
    assert travel.asked == [3]  # one table for both stores
    ask(100)
    assert travel.asked == [3]
    ask(100, [*doors, at(700, 0)])
    assert travel.asked == [3, 1]
    travel.version = "two"
    ask(100)
    assert travel.asked == [3, 1, 3]
    ask(900)
    assert travel.asked == [3, 1, 3, 3]
    sites["west"] = Site(at(500, 0), replace(area, distance_m=100))
    assert ask(900) == {"west": frozenset(), "east": frozenset({1, 2})}
    assert travel.asked == [3, 1, 3, 3, 3]


def test_a_polygon_is_remembered_whatever_the_traffic() -> None:
    served, travel = ServedDoors(), Counted()
    sites = {"north": Site(HERE, drawn(box(0, 0, 1, 1), less=(box(0, 0, 0.2, 0.2),)))}
    doors = [LonLat(0.5, 0.5), LonLat(2, 2), LonLat(0.1, 0.1)]
    assert served.serves(sites, doors, travel, 0) == {"north": frozenset({0})}  # type: ignore[arg-type]
    known = served._known["north"]
    travel.version = "two"
    assert served.serves(sites, doors, travel, 99_999) == {"north": frozenset({0})}  # type: ignore[arg-type]
    assert served._known["north"] is known
    assert not travel.asked


def test_an_isochrone_is_drawn_anew_each_hour_and_not_all_at_once() -> None:
    served, travel = ServedDoors(), Counted()
    area = ServiceArea(AreaKind.ISOCHRONE, duration_s=120, mode=Mode.BIKE)
    sites = {f"sto_{i}": Site(at(1000, 0), area) for i in range(6)}
    door = at(1400, 0)

    def ask(now: int) -> dict[str, object]:
        found = served.serves(sites, [door], travel, now)  # type: ignore[arg-type]
        assert set(found.values()) == {frozenset({0})}
        return dict(served._known)

    drawn_at = [ask(now) for now in range(0, 3601, 300)]
    assert all(drawn_at[0][key] is not drawn_at[-1][key] for key in sites)
    changes = [
        sum(before[key] is not after[key] for key in sites) for before, after in pairwise(drawn_at)
    ]
    assert sum(changes) == 6
    assert max(changes) < 6


def test_memory_of_doors_is_bounded() -> None:
    served = ServedDoors()
    sites = {"north": Site(HERE, drawn(box(0, 0, 1, 1)))}
    for start in range(0, DOORS_REMEMBERED + 1, 10_000):
        doors = [LonLat((start + i) / 100_000, 0.5) for i in range(10_000)]
        served.serves(sites, doors, long_street(), 0)
    assert len(served._known["north"].verdicts) <= DOORS_REMEMBERED


# --- JSON --------------------------------------------------------------------------------------

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
BOW = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.mark.parametrize(
    "area",
    [
        {"kind": "road_distance", "distance_m": 2000, "mode": "cargo_bike"},
        {"kind": "road_time", "duration_s": 600, "mode": "walk", "exclusions": [SQUARE]},
        {"kind": "isochrone", "duration_s": 600, "mode": "car"},
        {"kind": "polygon", "shape": SQUARE},
        {
            "kind": "polygon",
            "shape": {
                "type": "MultiPolygon",
                "coordinates": [SQUARE["coordinates"], [[[5, 5], [6, 5], [6, 6], [5, 5]]]],
            },
            "exclusions": [SQUARE, SQUARE],
        },
    ],
)
def test_an_area_comes_back_from_its_json_form_equal(area: dict[str, Any]) -> None:
    read = from_json(area)
    assert as_json(read) == area
    assert from_json(json.loads(json.dumps(as_json(read)))) == read
    assert pickle.loads(pickle.dumps(read)) == read  # noqa: S301  our own


@pytest.mark.parametrize(
    ("area", "pointer", "words"),
    [
        ([], "", "give a JSON object"),
        ({}, "/kind", "is missing; choose one of road_distance, road_time"),
        ({"kind": "circle"}, "/kind", "'circle'; choose one of"),
        ({"kind": "polygon", "shape": SQUARE, "color": "red"}, "/color", "is not known"),
        ({"kind": "road_time", "mode": "bike"}, "/duration_s", "is missing"),
        ({"kind": "road_time", "duration_s": 600}, "/mode", "is missing"),
        ({"kind": "road_time", "duration_s": 600, "mode": "ufo"}, "/mode", "'ufo'; choose one of"),
        ({"kind": "polygon"}, "/shape", "is missing"),
        ({"kind": "polygon", "shape": SQUARE, "mode": "bike"}, "/mode", "has no meaning"),
        (
            {"kind": "isochrone", "duration_s": 60, "mode": "bike", "distance_m": 5},
            "/distance_m",
            "has no meaning",
        ),
        ({"kind": "road_time", "duration_s": -5, "mode": "bike"}, "/duration_s", "-5 seconds"),
        ({"kind": "road_time", "duration_s": 0, "mode": "bike"}, "/duration_s", "give 1 to"),
        ({"kind": "road_time", "duration_s": math.nan, "mode": "bike"}, "/duration_s", "is nan"),
        ({"kind": "road_time", "duration_s": 90.5, "mode": "bike"}, "/duration_s", "give whole"),
        ({"kind": "road_time", "duration_s": True, "mode": "bike"}, "/duration_s", "is True"),
        ({"kind": "road_time", "duration_s": "600", "mode": "bike"}, "/duration_s", "'600'"),
        (
            {"kind": "road_time", "duration_s": MOST_DURATION_S + 1, "mode": "bike"},
            "/duration_s",
            f"give 1 to {MOST_DURATION_S}",
        ),
        (
            {"kind": "road_distance", "distance_m": 10**12, "mode": "bike"},
            "/distance_m",
            f"give 1 to {MOST_DISTANCE_M}",
        ),
        ({"kind": "polygon", "shape": "here"}, "/shape", "give a JSON object"),
        ({"kind": "polygon", "shape": {"type": "Feature"}}, "/shape/type", "'Feature'; give a Geo"),
        ({"kind": "polygon", "shape": {"type": {}}}, "/shape/type", "give a GeoJSON"),
        ({"kind": "polygon", "shape": {"type": "Polygon"}}, "/shape/coordinates", "is missing"),
        (
            {"kind": "polygon", "shape": {"type": "Polygon", "coordinates": [[[0, 0], [1, "x"]]]}},
            "/shape/coordinates/0/1",
            "give [lon, lat]",
        ),
        (
            {
                "kind": "polygon",
                "shape": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
            },
            "/shape/coordinates/0",
            "a ring of 3 points",
        ),
        (
            {
                "kind": "polygon",
                "shape": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
            },
            "/shape/coordinates/0",
            "not closed",
        ),
        (
            {
                "kind": "polygon",
                "shape": {
                    "type": "Polygon",
                    "coordinates": [[[0, 0], [1, 0], [1, 95], [0, 1], [0, 0]]],
                },
            },
            "/shape/coordinates/0",
            "off the Earth",
        ),
        (
            {
                "kind": "polygon",
                "shape": {
                    "type": "Polygon",
                    "coordinates": [[[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]],
                },
            },
            "/shape/coordinates/0",
            "crosses the 180th meridian",
        ),
        (
            {"kind": "polygon", "shape": SQUARE, "exclusions": SQUARE},
            "/exclusions",
            "give a list",
        ),
        (
            {"kind": "polygon", "shape": SQUARE, "exclusions": [SQUARE, {"type": "Point"}]},
            "/exclusions/1/type",
            "'Point'",
        ),
    ],
)
def test_a_json_form_that_is_no_area_is_refused_where_it_is_wrong(
    area: Any, pointer: str, words: str
) -> None:
    with pytest.raises(AreaError) as caught:
        from_json(area)
    assert caught.value.pointer == pointer
    assert words in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).pointer == pointer  # noqa: S301  our own


@pytest.mark.parametrize(
    ("area", "pointer", "words"),
    [
        ({"kind": "polygon", "shape": BOW}, "/shape", "Self-intersection"),
        (
            {"kind": "polygon", "shape": SQUARE, "exclusions": [SQUARE, BOW]},
            "/exclusions/1",
            "cross or touch themselves",
        ),
        (
            {"kind": "polygon", "shape": SQUARE, "exclusions": [SQUARE]},
            "/exclusions",
            "leave nothing",
        ),
        (
            {
                "kind": "polygon",
                "shape": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]},
            },
            "/shape",
            "no sound polygon",
        ),
    ],
)
def test_rings_that_are_no_polygon_are_refused(area: Any, pointer: str, words: str) -> None:
    with pytest.raises(AreaError) as caught:
        check_shapes(from_json(area))
    assert caught.value.pointer == pointer
    assert words in str(caught.value)


def test_a_shape_with_too_many_points_is_refused() -> None:
    many = [[math.cos(i / 1000), math.sin(i / 1000)] for i in range(MOST_POINTS)]
    shape = {"type": "Polygon", "coordinates": [[*many, many[0]]]}
    with pytest.raises(AreaError, match=f"{MOST_POINTS + 1} points; simplify"):
        from_json({"kind": "polygon", "shape": shape})


def test_an_area_describes_itself() -> None:
    area = ServiceArea(AreaKind.ROAD_TIME, duration_s=450, mode=Mode.CARGO_BIKE)
    assert area.describe() == "7.5 min by cargo bike"
    less = replace(area, kind=AreaKind.ISOCHRONE, exclusions=(box(0, 0, 1, 1),))
    assert less.describe() == "the 7.5 min isochrone by cargo bike less 1 exclusion"
    by_road = ServiceArea(AreaKind.ROAD_DISTANCE, distance_m=2000, mode=Mode.BIKE)
    assert by_road.describe() == "2 km of road by bike"
    assert drawn(box(0, 0, 1, 1)).describe() == "a drawn polygon"
