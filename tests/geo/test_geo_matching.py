"""Matching tracks: on towns drawn by hand, and on noisy tracks through Helsinki."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from drawn_town import at, roads, turn
from driven_track import agreement, drive, line_of, random_way

from geo.city import load_city
from geo.errors import ObservationError, UnknownModeError
from geo.matching import Match, Matcher, Passage
from geo.network import RoadNetwork
from geo.observations import Track, TrackPoint
from geo.types import LonLat, Mode

CAR, BIKE, WALK = Mode.CAR, Mode.BIKE, Mode.WALK
START = 1_800_000_000.0


def blocks() -> RoadNetwork:
    """A grid of streets: crossings every 200 m, from (0, 0) to (800, 600)."""
    nodes = {10 * y + x: (200.0 * x, 200.0 * y) for x in range(5) for y in range(4)}
    across = [tuple(10 * y + x for x in range(5)) for y in range(4)]
    upward = [tuple(10 * y + x for y in range(4)) for x in range(5)]
    return roads(nodes, [(line, {"name": f"Street {i}"}) for i, line in enumerate(across + upward)])


@pytest.fixture(scope="module")
def grid() -> RoadNetwork:
    return blocks()


def between(network: RoadNetwork, one: tuple[float, float], other: tuple[float, float]) -> int:
    """Return the arc from one corner of the grid to the next."""
    edge = int(network.snap(at((one[0] + other[0]) / 2, (one[1] + other[1]) / 2), CAR).edge)
    first = line_of(network, 2 * edge)[0]
    far = np.abs(first - np.array(at(*other))).sum() < np.abs(first - np.array(at(*one))).sum()
    return 2 * edge + int(far)


def way(network: RoadNetwork, *corners: tuple[float, float]) -> tuple[int, ...]:
    return tuple(between(network, one, other) for one, other in pairwise(corners))


def arcs(match: Match) -> list[int]:
    return [one.arc for piece in match.pieces for one in piece]


def passages(match: Match) -> list[Passage]:
    return [one for piece in match.pieces for one in piece]


LOOP = ((0, 0), (200, 0), (400, 0), (400, 200), (400, 400), (600, 400), (800, 400))


# --- the way -------------------------------------------------------------------------------------


@pytest.mark.parametrize("every_s", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_way_round_corners_is_found_street_by_street(
    grid: RoadNetwork, every_s: float, seed: int
) -> None:
    true = way(grid, *LOOP)
    driven = drive(grid, CAR, true, np.random.default_rng(seed), every_s=every_s, sigma_m=4.0)
    match = Matcher(grid).match(driven.track)
    assert len(match.pieces) == 1
    found = [one.arc for one in passages(match) if one.length_m > 40]
    assert found == list(true)


def test_entering_and_leaving_follow_one_another(grid: RoadNetwork) -> None:
    driven = drive(grid, CAR, way(grid, *LOOP), np.random.default_rng(1), sigma_m=4.0)
    match = Matcher(grid).match(driven.track)
    for one, other in pairwise(passages(match)):
        assert one.left_at == other.entered_at
        assert one.stop == 1.0
        assert other.start == 0.0
    times = [point.at for point in driven.track.points]
    assert passages(match)[0].entered_at == times[0]
    assert passages(match)[-1].left_at == times[-1]


def test_streets_take_the_time_they_took(grid: RoadNetwork) -> None:
    true = way(grid, *LOOP)
    driven = drive(grid, CAR, true, np.random.default_rng(1), pace=2.5, every_s=2.0, sigma_m=3.0)
    match = Matcher(grid).match(driven.track)
    free = np.asarray(grid.times_ds(CAR)).T.reshape(-1)
    told = [one for one in passages(match) if one.tells_speed]
    assert {one.arc for one in told} >= set(true[1:-1])
    for one in told:
        expected_s = free[one.arc] / 10 * 2.5 * (one.stop - one.start)
        assert one.left_at - one.entered_at == pytest.approx(expected_s, rel=0.15)


def test_points_out_of_order_and_twice_are_put_right(grid: RoadNetwork) -> None:
    driven = drive(grid, CAR, way(grid, *LOOP), np.random.default_rng(1))
    points = driven.track.points
    mixed = [*points, points[7], points[3]]
    np.random.default_rng(2).shuffle(mixed)  # type: ignore[arg-type]
    matcher = Matcher(grid)
    again = matcher.match(Track(tuple(TrackPoint(*point) for point in mixed), CAR))
    assert again.pieces == matcher.match(driven.track).pieces


def test_of_two_points_at_once_the_more_accurate_counts(grid: RoadNetwork) -> None:
    driven = drive(grid, CAR, way(grid, *LOOP), np.random.default_rng(1), accuracy=True)
    wrong = [
        TrackPoint(point.at, LonLat(point.place.lon, point.place.lat + 0.003), 400.0)
        for point in driven.track.points
    ]
    matcher = Matcher(grid)
    match = matcher.match(Track((*wrong, *driven.track.points), CAR))
    assert match.pieces == matcher.match(driven.track).pieces


def test_an_inaccurate_point_is_believed_less(grid: RoadNetwork) -> None:
    true = way(grid, (0, 200), (200, 200), (400, 200), (600, 200))
    driven = drive(grid, CAR, true, np.random.default_rng(1), sigma_m=2.0, accuracy=True)
    points = list(driven.track.points)
    middle = len(points) // 2
    # A hundred metres off, halfway to the next street; the phone says that it may be.
    at_s, place, _ = points[middle]
    points[middle] = TrackPoint(at_s, LonLat(place.lon, place.lat + 0.0009), 150.0)
    assert arcs(Matcher(grid).match(Track(tuple(points), CAR))) == list(true)


def test_a_wild_point_is_left_out(grid: RoadNetwork) -> None:
    true = way(grid, *LOOP)
    driven = drive(grid, CAR, true, np.random.default_rng(1), every_s=2.0)
    points = list(driven.track.points)
    # Four hundred metres off for one moment, beside another street.
    middle = len(points) // 4
    points[middle] = points[middle]._replace(place=at(0, 600))
    match = Matcher(grid).match(Track(tuple(points), CAR))
    assert match.strayed == 1
    assert len(match.pieces) == 1
    assert agreement(grid, true, arcs(match))[1] > 0.95


def test_a_jump_for_good_begins_a_new_piece(grid: RoadNetwork) -> None:
    rng = np.random.default_rng(1)
    one = drive(grid, BIKE, way(grid, (0, 0), (200, 0), (400, 0)), rng)
    last = one.track.points[-1].at
    other = drive(
        grid, BIKE, way(grid, (400, 600), (600, 600), (800, 600)), rng, start_at=last + 5.0
    )
    match = Matcher(grid).match(Track(one.track.points + other.track.points, BIKE))
    assert len(match.pieces) == 2
    first, second = ({p.arc for p in piece if p.length_m > 20} for piece in match.pieces)
    assert first == set(one.arcs)
    assert second == set(other.arcs)


def test_one_way_streets_are_driven_the_right_way() -> None:
    """Two carriageways 12 m apart: noise alone would put a driver on the wrong one."""
    nodes = {1: (0.0, 0.0), 2: (900.0, 0.0), 3: (900.0, 12.0), 4: (0.0, 12.0)}
    network = roads(
        nodes,
        [
            ((1, 2), {"oneway": "yes", "name": "East"}),
            ((3, 4), {"oneway": "yes", "name": "West"}),
            ((2, 3), {}),
            ((4, 1), {}),
        ],
    )
    matcher = Matcher(network)
    for y_m, name in ((0.0, "East"), (12.0, "West")):
        arc = between(network, (200, y_m), (700, y_m))
        true = arc if network.times_ds(CAR)[arc & 1, arc >> 1] else arc ^ 1
        driven = drive(network, CAR, [true], np.random.default_rng(4), every_s=3.0, sigma_m=8.0)
        match = matcher.match(driven.track)
        assert {network.name(one.arc >> 1) for one in passages(match) if one.length_m > 50} == {
            name
        }


def test_a_parallel_street_is_not_mistaken_for_the_one_driven() -> None:
    nodes = {
        1: (0.0, 0.0), 2: (300.0, 0.0), 3: (600.0, 0.0),
        4: (0.0, 25.0), 5: (300.0, 25.0), 6: (600.0, 25.0),
    }  # fmt: skip
    network = roads(
        nodes,
        [
            ((1, 2, 3), {"name": "South"}),
            ((4, 5, 6), {"name": "North"}),
            ((1, 4), {}), ((2, 5), {}), ((3, 6), {}),
        ],
    )  # fmt: skip
    matcher = Matcher(network)
    for seed in range(5):
        true = way(network, (0, 25), (300, 25), (600, 25))
        driven = drive(network, CAR, true, np.random.default_rng(seed), every_s=3.0, sigma_m=8.0)
        found = [one.arc for one in passages(matcher.match(driven.track)) if one.length_m > 30]
        assert found == list(true)


def test_a_turn_that_is_forbidden_is_not_taken() -> None:
    """From the west one may not turn right at the crossing, so the driver went round the block."""
    nodes = {
        1: (-300.0, 0.0), 2: (0.0, 0.0), 3: (100.0, 0.0),
        4: (0.0, -300.0), 5: (100.0, -100.0), 6: (0.0, -100.0),
    }  # fmt: skip
    network = roads(
        nodes,
        [
            ((1, 2), {"name": "In"}),
            ((2, 3), {"name": "On"}),
            ((3, 5), {"name": "Round"}),
            ((5, 6), {"name": "Back"}),
            ((2, 6), {"name": "Down"}),
            ((6, 4), {"name": "Out"}),
        ],
        restrictions=[turn("no_right_turn", 1, 2, 5)],
    )
    true = way(network, (-300, 0), (0, 0), (100, 0), (100, -100), (0, -100), (0, -300))
    driven = drive(network, CAR, true, np.random.default_rng(3), every_s=4.0, sigma_m=4.0)
    found = [network.name(a >> 1) for a in arcs(Matcher(network).match(driven.track))]
    assert found == ["In", "On", "Round", "Back", "Out"]


def test_turning_round_in_the_street_is_seen(grid: RoadNetwork) -> None:
    arc = between(grid, (200, 200), (400, 200))
    rng = np.random.default_rng(1)
    there = drive(grid, CAR, [between(grid, (0, 200), (200, 200)), arc], rng, every_s=2.0)
    half = there.track.points[: len(there.track.points) * 3 // 4]
    back = tuple(
        TrackPoint(2 * half[-1].at - point.at + 4.0, point.place) for point in reversed(half)
    )
    match = Matcher(grid).match(Track(half + back, CAR))
    found = arcs(match)
    assert found == [found[0], arc, arc ^ 1, found[0] ^ 1]
    # A street that was turned round in was not passed whole: it tells no speed.
    assert not any(one.tells_speed for one in passages(match) if one.arc >> 1 == arc >> 1)


# --- silence and stops ---------------------------------------------------------------------------


def test_a_tunnel_without_signal_is_bridged_but_tells_no_speed(grid: RoadNetwork) -> None:
    true = way(grid, *((200.0 * x, 0.0) for x in range(5)))
    rng = np.random.default_rng(1)
    driven = drive(grid, WALK, true, rng, every_s=5.0, silences=[(0.3, 0.7)])
    match = Matcher(grid).match(driven.track)
    assert arcs(match) == list(true)
    silent = [one for one in passages(match) if one.silence_s > 60]
    assert {one.arc for one in silent} >= set(true[1:3])
    assert not any(one.tells_speed for one in silent)


def test_after_a_long_silence_the_track_begins_anew(grid: RoadNetwork) -> None:
    rng = np.random.default_rng(1)
    true = way(grid, *((200.0 * x, 0.0) for x in range(5)))
    driven = drive(grid, WALK, true, rng, every_s=5.0, silences=[(0.15, 0.85)])
    assert len(Matcher(grid).match(driven.track).pieces) == 2


@pytest.mark.parametrize("every_s", [1.0, 5.0, 30.0])
def test_standing_at_a_door_is_no_slow_traffic(grid: RoadNetwork, every_s: float) -> None:
    true = way(grid, *((200.0 * x, 0.0) for x in range(5)))
    door = true[1]
    driven = drive(
        grid,
        BIKE,
        true,
        np.random.default_rng(1),
        every_s=every_s,
        sigma_m=4.0,
        waits={door: 180.0},
    )
    match = Matcher(grid).match(driven.track)
    assert match.stood >= 150 / every_s
    assert len(match.pieces) == 2
    assert not any(one.tells_speed for one in passages(match) if one.arc == door)
    free = np.asarray(grid.times_ds(BIKE)).T.reshape(-1)
    for one in passages(match):
        if one.tells_speed:
            assert one.left_at - one.entered_at < 1.5 * free[one.arc] / 10


def test_a_stop_that_is_known_counts_however_short(grid: RoadNetwork) -> None:
    true = way(grid, *((200.0 * x, 0.0) for x in range(5)))
    door = true[1]
    driven = drive(grid, BIKE, true, np.random.default_rng(1), every_s=2.0, waits={door: 60.0})
    begin = driven.entered_at[1] + (driven.entered_at[2] - driven.entered_at[1] - 60.0) / 2
    matcher = Matcher(grid)
    unknown = matcher.match(driven.track)
    known = matcher.match(Track(driven.track.points, BIKE, stops=((begin, begin + 60.0),)))
    assert [len(match.pieces) for match in (unknown, known)] == [1, 2]
    assert door in {one.arc for one in passages(unknown) if one.tells_speed}
    assert door not in {one.arc for one in passages(known) if one.tells_speed}


def test_a_red_light_is_traffic(grid: RoadNetwork) -> None:
    true = way(grid, *((200.0 * x, 0.0) for x in range(5)))
    driven = drive(grid, CAR, true, np.random.default_rng(1), every_s=2.0, waits={true[2]: 60.0})
    match = Matcher(grid).match(driven.track)
    assert len(match.pieces) == 1
    slow = next(one for one in passages(match) if one.arc == true[2])
    free_s = grid.times_ds(CAR)[true[2] & 1, true[2] >> 1] / 10
    assert slow.left_at - slow.entered_at == pytest.approx(free_s + 60.0, rel=0.1)
    assert slow.tells_speed


def test_standing_all_the_time_is_no_way_at_all(grid: RoadNetwork) -> None:
    rng = np.random.default_rng(1)
    points = tuple(
        TrackPoint(START + 5 * i, at(*(np.array([200.0, 0.0]) + rng.normal(0, 4, 2)).tolist()))
        for i in range(100)
    )
    match = Matcher(grid).match(Track(points, CAR))
    assert match.stood == 100
    assert match.pieces == ()


def test_far_from_every_street_nothing_is_found(grid: RoadNetwork) -> None:
    points = tuple(TrackPoint(START + 10 * i, at(100.0 * i, 2000.0)) for i in range(8))
    match = Matcher(grid).match(Track(points, CAR))
    assert match.pieces == ()
    assert match.strayed == 8


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ((), "has 0 points"),
        ((TrackPoint(START, at(0, 0)),), "has 1 points"),
        ((TrackPoint(START, at(0, 0)), TrackPoint(float("nan"), at(0, 0))), "point 1 .* time nan"),
        ((TrackPoint(START, LonLat(200.0, 0.0)),) * 2, "point 0 .* no place on Earth"),
        ((TrackPoint(START, LonLat(24.9, float("nan"))),) * 2, "no place on Earth"),
        ((TrackPoint(START, at(0, 0), -1.0),) * 2, "accuracy -1"),
    ],
)
def test_a_track_that_is_none_is_refused(points: tuple[TrackPoint, ...], said: str) -> None:
    with pytest.raises(ObservationError, match=said):
        Track(points, CAR)


def test_two_points_at_the_same_moment_are_no_way(grid: RoadNetwork) -> None:
    match = Matcher(grid).match(Track((TrackPoint(START, at(0, 0)),) * 2, CAR))
    assert match.pieces == ()


def test_a_mode_without_roads_is_named() -> None:
    paths = roads({1: (0, 0), 2: (100, 0)}, [((1, 2), {"highway": "footway"})])
    with pytest.raises(UnknownModeError, match="car"):
        Matcher(paths).match(Track((TrackPoint(START, at(0, 0)), TrackPoint(START, at(9, 0))), CAR))


# --- Helsinki ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "every_s", "sigma_m", "least"),
    [
        (CAR, 1.0, 4.0, 0.95),
        (CAR, 5.0, 5.0, 0.95),
        (BIKE, 1.0, 4.0, 0.95),
        (BIKE, 5.0, 5.0, 0.92),
        (WALK, 1.0, 4.0, 0.92),
        (WALK, 5.0, 5.0, 0.90),
    ],
)
def test_noisy_tracks_through_helsinki_are_recovered(
    mode: Mode, every_s: float, sigma_m: float, least: float
) -> None:
    """Of the true way, by length, and of the way found; mean of twelve ways of 600 m and more."""
    network = load_city("helsinki").network
    matcher = Matcher(network)
    rng = np.random.default_rng(2026)
    shares, driven_s, free_s = [], 0.0, 0.0
    free = np.asarray(network.times_ds(mode)).T.reshape(-1)
    for _ in range(12):
        true = random_way(network, mode, rng, 600)
        driven = drive(network, mode, true, rng, pace=1.3, every_s=every_s, sigma_m=sigma_m)
        match = matcher.match(driven.track)
        shares.append(agreement(network, true, arcs(match)))
        told = [one for one in passages(match) if one.tells_speed]
        driven_s += sum(one.left_at - one.entered_at for one in told)
        free_s += sum(free[one.arc] / 10 * (one.stop - one.start) for one in told)
    assert np.mean(shares, axis=0).min() >= least
    # The pace driven is found as well.
    assert driven_s / free_s == pytest.approx(1.3, rel=0.08)
