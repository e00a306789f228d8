"""The area around lines: by hand, and against strips joined one by one."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.outline import CELLS_PER_RADIUS, outline

Line = list[tuple[float, float]]


def around(
    lines: list[Line], distance_m: float = 40.0, hole_m2: float = 0.0, tolerance_m: float = 0.0
) -> shapely.MultiPolygon:
    sizes = [len(line) for line in lines]
    places = np.array([place for line in lines for place in line], dtype=np.float64)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return outline(places.reshape(-1, 2), start, distance_m, hole_m2, tolerance_m)


def as_shape(line: Line) -> shapely.Geometry:
    return shapely.LineString(line) if len(set(line)) > 1 else shapely.Point(line[0])


def square(low: float, high: float) -> Line:
    return [(low, low), (high, low), (high, high), (low, high), (low, low)]


def test_a_straight_street_has_straight_sides_and_round_ends() -> None:
    area = around([[(0, 0), (300, 0)]])
    assert area.bounds == pytest.approx((-40, -40, 340, 40), abs=0.5)
    assert area.area == pytest.approx(300 * 80 + math.pi * 40**2, rel=0.01)
    _, south, _, north = area.bounds  # the contour keeps 1/64 cell away from grid points
    assert (south, north) == pytest.approx((-40, 40), abs=0.16)


def test_a_place_is_a_disc() -> None:
    disc = around([[(5, 7)]])
    rim = shapely.distance(shapely.points(shapely.get_coordinates(disc)), shapely.Point(5, 7))
    assert np.abs(rim - 40).max() < 0.5
    assert around([[(5, 7), (5, 7)]]).equals(disc)


def test_nothing_has_no_area() -> None:
    assert around([]).is_empty


def test_small_holes_are_filled_and_large_ones_kept() -> None:
    ring = [square(0, 360)]  # leaves a yard of 280 m a side
    assert len(around(ring, hole_m2=279**2).geoms[0].interiors) == 1
    assert len(around(ring, hole_m2=281**2).geoms[0].interiors) == 0


def test_what_lies_in_a_filled_hole_is_part_of_the_whole() -> None:
    ring, island = square(0, 600), [(300.0, 300.0)]
    kept = around([ring, island])
    assert [len(part.interiors) for part in kept.geoms] == [1, 0]
    filled = around([ring, island], hole_m2=1e6)
    assert [len(part.interiors) for part in filled.geoms] == [0]
    assert filled.covers(shapely.Point(300, 300))


def test_an_island_with_a_yard_in_a_yard_keeps_its_own_hole() -> None:
    area = around([square(0, 900), square(300, 600)])
    assert sorted(len(part.interiors) for part in area.geoms) == [1, 1]
    assert area.is_valid
    assert not area.covers(shapely.Point(450, 450))
    assert not area.covers(shapely.Point(150, 450))


def test_streets_far_apart_are_areas_of_their_own() -> None:
    assert len(around([[(0, 0), (50, 0)], [(131, 0), (200, 0)]]).geoms) == 2
    assert len(around([[(0, 0), (50, 0)], [(129, 0), (200, 0)]]).geoms) == 1


@pytest.mark.parametrize(
    ("distance_m", "tolerance_m"),
    [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (math.inf, 0.0), (40.0, 10.1), (40.0, -1.0)],
)
def test_a_distance_that_is_none_is_refused(distance_m: float, tolerance_m: float) -> None:
    with pytest.raises(ValueError, match="give a distance above 0"):
        around([[(0, 0)]], distance_m, 0.0, tolerance_m)


def lines() -> st.SearchStrategy[list[Line]]:
    """Draw lines whose points often lie on one grid, so that distances are often equal."""
    whole = st.integers(-40, 40).map(lambda tens: tens * 10.0)
    any_place = st.floats(-400, 400, allow_nan=False).map(lambda metres: round(metres, 2))
    place = st.tuples(whole, whole) | st.tuples(any_place, any_place)
    return st.lists(st.lists(place, min_size=1, max_size=4), min_size=1, max_size=8)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(drawn=lines(), distance_m=st.sampled_from([15.0, 40.0, 90.0]))
def test_the_outline_holds_every_line_and_ends_where_it_should(
    drawn: list[Line], distance_m: float
) -> None:
    area = around(drawn, distance_m)
    shapes = [as_shape(line) for line in drawn]
    assert area.is_valid
    assert area.equals(around(drawn, distance_m))
    assert all(area.contains_properly(shape) for shape in shapes)
    # A cell's diagonal: nothing nearer than the distance less this is left out, nothing farther
    # than the distance and this is taken in.
    diagonal_m = math.sqrt(2) * distance_m / CELLS_PER_RADIUS
    everything = shapely.union_all(shapes)
    surely = everything.buffer(distance_m - diagonal_m - 0.1)
    possibly = everything.buffer(distance_m + diagonal_m + 0.1, quad_segs=16)
    assert area.buffer(1e-6).covers(surely)
    assert possibly.covers(area)
    strips = everything.buffer(distance_m, quad_segs=16)
    assert area.symmetric_difference(strips).area < 0.03 * strips.area


@settings(max_examples=30, deadline=None, derandomize=True)
@given(drawn=lines(), part=st.sampled_from([0.05, 0.125, 0.25]))
def test_left_out_points_never_cost_a_line_its_place(drawn: list[Line], part: float) -> None:
    exact, thin = around(drawn), around(drawn, tolerance_m=part * 40.0)
    assert thin.is_valid
    assert all(
        len(a.exterior.coords) >= len(b.exterior.coords)
        for a, b in zip(exact.geoms, thin.geoms, strict=True)
    )
    assert all(thin.contains_properly(as_shape(line)) for line in drawn)
    # The point at which a ring begins may go as well, from a side that was moved before.
    corners = shapely.points(shapely.get_coordinates(exact))
    assert shapely.distance(corners, thin.boundary).max() <= 2 * part * 40.0


def test_a_yard_too_small_to_lose_points_stays_a_hole() -> None:
    sharp = [[(-130.0, 80.0), (20.0, 210.0), (0.0, 0.0)]]
    for tolerance_m in (0.0, 4.0):
        (area,) = around(sharp, tolerance_m=tolerance_m).geoms
        assert len(area.interiors) == 1
        assert area.is_valid


def test_what_it_costs_grows_with_the_streets_and_not_with_the_space_between() -> None:
    far = [[(0.0, 0.0), (100.0, 0.0)], [(2e6, 2e6), (2e6 + 100, 2e6)]]
    assert len(around(far, 400.0).geoms) == 2
    steps = [(x * 500.0, 0.0) for x in range(40)]
    whole = around([steps])
    pieces = around([list(pair) for pair in pairwise(steps)])
    assert whole.equals(pieces)
