"""Places and the road next to them: by hand, and against looking at every street."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_town import at, roads
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.city import load_city
from geo.errors import TooFarFromRoadError
from geo.network import FLAG_AVOID_SNAP, RoadNetwork
from geo.plane import E7, LAT_LIMIT, LON_LIMIT, M_PER_DEGREE
from geo.snapping import (
    FOUND,
    NOT_ON_EARTH,
    SNAP_LIMIT_M,
    TOO_FAR,
    UNDERPASS_PENALTY_M,
    build_grid,
    nearest,
)
from geo.types import LonLat, Mode


def by_looking(network: RoadNetwork, place: LonLat, mode: Mode) -> tuple[int, float, float] | None:
    """Return (edge, fraction, distance) of the nearest edge, all of them looked at."""
    scale = np.array([math.cos(math.radians(place[1])), 1.0]) * M_PER_DEGREE
    best: tuple[float, int, float, float] | None = None
    for edge in np.flatnonzero(network.times_ds(mode).any(axis=0)).tolist():
        line = (network.line(edge) - np.array(place)) * scale
        pieces = np.hypot(*np.diff(line, axis=0).T)
        behind_m = 0.0
        for start, end, length in zip(line[:-1], line[1:], pieces, strict=True):
            step = end - start
            share = np.clip(-(start @ step) / (step @ step), 0.0, 1.0) if length else 0.0
            distance = float(np.hypot(*(start + share * step)))
            felt = distance
            if network.arrays.edge_flags[edge] & FLAG_AVOID_SNAP:
                felt += UNDERPASS_PENALTY_M
            if distance <= SNAP_LIMIT_M and (best is None or felt < best[0] - 1e-9):
                best = (felt, edge, (behind_m + share * length) / pieces.sum(), distance)
            behind_m += length
    return best[1:] if best else None


@pytest.mark.parametrize("mode", [Mode.CAR, Mode.WALK])
def test_in_helsinki_the_grid_finds_what_looking_everywhere_finds(mode: Mode) -> None:
    network = load_city("helsinki").network
    rng = np.random.default_rng(3)
    low, high = (side(network.arrays.node_e7 / E7, axis=0) for side in (np.min, np.max))
    places = rng.uniform(low - 0.004, high + 0.004, (10, 2))
    found = network.snap_points(places, mode)
    for nth, place in enumerate(places.tolist()):
        expected = by_looking(network, LonLat(*place), mode)
        if expected is None:
            assert found.state[nth] == TOO_FAR
            continue
        assert found.state[nth] == FOUND
        assert found.distance_m[nth] == pytest.approx(expected[2], abs=1e-6)
        # Where two edges meet either may be nearest, to a rounding error.
        if found.edge[nth] == expected[0]:
            assert found.fraction[nth] == pytest.approx(expected[1], abs=1e-5)
        assert found.access_dm[nth] == round(found.distance_m[nth] * 10)
        assert found.access_ds[nth] == round(found.distance_m[nth] * 7.2)  # 5 km/h


lines = st.lists(
    st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900)), min_size=2, max_size=4),
    min_size=1,
    max_size=8,
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    drawn=lines,
    spots=st.lists(
        st.tuples(st.integers(-1300, 1300), st.integers(-1300, 1300)), min_size=1, max_size=6
    ),
)
def test_the_grid_misses_nothing(
    drawn: list[list[tuple[int, int]]], spots: list[tuple[int, int]]
) -> None:
    """Long pieces across many cells, pieces of no length, places outside the grid."""
    points = np.array([at(*point) for line in drawn for point in line])
    start = np.cumsum([0] + [len(line) for line in drawn])
    every = np.ones(len(drawn), dtype=bool)
    grid = build_grid(start, points, every, ~every)
    places = np.array([at(*spot) for spot in spots])
    found = nearest(grid, places)
    for nth, place in enumerate(places):
        scale = np.array([math.cos(math.radians(place[1])), 1.0]) * M_PER_DEGREE
        away = []
        for edge in range(len(drawn)):
            line = (points[start[edge] : start[edge + 1]] - place) * scale
            step = np.diff(line, axis=0)
            square = np.maximum((step**2).sum(axis=1), 1e-12)
            share = np.clip(-(line[:-1] * step).sum(axis=1) / square, 0, 1)
            away.append(np.hypot(*(line[:-1] + share[:, None] * step).T).min())
        if min(away) > SNAP_LIMIT_M:
            assert found.state[nth] == TOO_FAR
        else:
            assert found.distance_m[nth] == pytest.approx(min(away), abs=1e-6)
            assert away[found.edge[nth]] == pytest.approx(min(away), abs=1e-6)
            assert 0.0 <= found.fraction[nth] <= 1.0


def test_a_place_is_met_where_it_is_nearest_to_the_street() -> None:
    network = roads({1: (0, 0), 2: (300, 0), 3: (300, 100)}, [([1, 2, 3], {})])
    snap = network.snap(at(310, 60), Mode.CAR)
    # 300 m and 60 m of 400 m; 10 m away, 7.2 s on foot
    assert snap.fraction == pytest.approx(0.9, abs=1e-4)
    assert (snap.access_dm, snap.access_ds) == (100, 72)


def test_of_streets_as_near_the_first_is_taken() -> None:
    network = roads(
        {1: (0, 0), 2: (100, 0), 3: (0, 40), 4: (100, 40)},
        [([1, 2], {"name": "A"}), ([3, 4], {"name": "B"}), ([1, 3], {}), ([2, 4], {})],
    )
    both = {network.name(network.snap(at(50, y), Mode.CAR).edge) for y in (19, 21)}
    assert both == {"A", "B"}
    assert network.snap(at(0, 0), Mode.CAR).edge == 0


def test_a_tunnel_under_a_house_is_not_where_its_door_is() -> None:
    network = roads(
        {1: (0, 0), 2: (200, 0), 3: (0, 20), 4: (200, 20)},
        [
            ([1, 2], {"name": "Tunnel", "tunnel": "yes"}),
            ([3, 4], {"name": "Street"}),
            ([1, 3], {"name": "Ramp"}),
        ],
    )
    assert network.name(network.snap(at(100, 5), Mode.CAR).edge) == "Street"


def test_a_tunnel_is_met_when_every_street_is_much_farther() -> None:
    # 50 m to the tunnel, 70 m to the street: 20 m more is not enough; 100 m is.
    for away, expected in ((120, "Street"), (170, "Tunnel")):
        network = roads(
            {1: (0, 0), 2: (200, 0), 3: (0, away), 4: (200, away)},
            [
                ([1, 2], {"name": "Tunnel", "tunnel": "yes"}),
                ([3, 4], {"name": "Street"}),
                ([1, 3], {"name": "Ramp"}),
            ],
        )
        assert network.name(network.snap(at(100, 50), Mode.CAR).edge) == expected


def test_a_bicycle_is_left_at_the_street_rather_than_pushed_along_the_pavement() -> None:
    # 1 m to the pavement, 20 m or 40 m from there to the street
    for away, expected in ((21, "Street"), (41, "Pavement")):
        network = roads(
            {1: (0, 0), 2: (200, 0), 3: (0, away), 4: (200, away)},
            [
                ([1, 2], {"name": "Pavement", "highway": "footway", "bicycle": "no"}),
                ([3, 4], {"name": "Street"}),
                ([1, 3], {"name": "Kerb", "highway": "footway"}),
            ],
        )
        door = at(100, 1)
        assert network.name(network.snap(door, Mode.BIKE).edge) == expected
        assert network.name(network.snap(door, Mode.WALK).edge) == "Pavement"


def test_only_streets_of_the_mode_count() -> None:
    network = roads(
        {1: (0, 0), 2: (200, 0), 3: (0, 20), 4: (200, 20)},
        [
            ([1, 2], {"name": "Path", "highway": "footway"}),
            ([3, 4], {"name": "Street"}),
            ([1, 3], {"name": "Steps", "highway": "steps"}),
        ],
    )
    assert network.name(network.snap(at(100, 5), Mode.WALK).edge) == "Path"
    assert network.name(network.snap(at(100, 5), Mode.CAR).edge) == "Street"


def test_the_limit_is_exact_and_the_distance_told() -> None:
    network = roads({1: (0, 0), 2: (100, 0)}, [([1, 2], {})])
    assert network.snap(at(50, 249.9), Mode.CAR).access_dm == 2499
    with pytest.raises(TooFarFromRoadError, match=r"more than 250 m .*nearest is 250 m away"):
        network.snap(at(50, 250.2), Mode.CAR)
    with pytest.raises(TooFarFromRoadError, match=r"nearest is \d{8} m away"):
        network.snap(LonLat(-71.3, -29.9), Mode.CAR)


@pytest.mark.parametrize(
    "place",
    [(math.nan, 60), (25, math.nan), (math.inf, 60), (LON_LIMIT + 1, 0), (0, -LAT_LIMIT - 1)],
)
def test_what_is_not_on_earth_says_so(place: tuple[float, float]) -> None:
    network = roads({1: (0, 0), 2: (100, 0)}, [([1, 2], {})])
    found = network.snap_points(np.array([place, at(50, 0)]), Mode.CAR)
    assert found.state.tolist() == [NOT_ON_EARTH, FOUND]
    assert (found.edge[0], found.edge[1]) == (-1, 0)
    with pytest.raises(TooFarFromRoadError, match="no place on Earth"):
        network.snap(LonLat(*place), Mode.CAR)


@pytest.mark.parametrize("lat", [90.0, -90.0])
def test_at_a_pole_nothing_breaks(lat: float) -> None:
    network = roads({1: (0, 0), 2: (100, 0)}, [([1, 2], {})])
    assert network.snap_points(np.array([[0.0, lat]]), Mode.CAR).state[0] == TOO_FAR
