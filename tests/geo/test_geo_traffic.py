"""The traffic: what was seen, what is closed, what follows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drawn_town import at, roads
from driven_track import drive
from ladder_town import (
    BIKE,
    CAR,
    NOW,
    WALK,
    ZONE,
    arc_east,
    closure,
    free_ds,
    ladder,
    moment,
    speed,
    time_ds,
)

from geo.closures import ClosureShape
from geo.errors import (
    ObservationError,
    ProfileError,
    TrafficError,
    UnknownModeError,
    UnknownTimeZoneError,
)
from geo.learning import LearnedSpeeds
from geo.network import RoadNetwork
from geo.observations import (
    TOP_KMH,
    Direction,
    EdgeSpeed,
    Observation,
    StretchSpeed,
    Track,
    TrackPoint,
    WaySpeed,
)
from geo.osm_access import MODES
from geo.profiles import SpeedProfile
from geo.traffic import LIVE_HALF_LIFE_S, Traffic
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode


@pytest.fixture(scope="module")
def network() -> RoadNetwork:
    return ladder()


@pytest.fixture
def traffic(network: RoadNetwork) -> Traffic:
    return Traffic(network, ZONE)


# --- nothing known -------------------------------------------------------------------------------


def test_without_news_times_are_the_networks_own(traffic: Traffic, network: RoadNetwork) -> None:
    weights = traffic.weights(NOW)
    assert weights.version == network.version
    assert weights.period(NOW) == weights.period(NOW + 86_400)
    for mode in MODES:
        assert (weights.times_ds(mode, weights.period(NOW)) == network.times_ds(mode)).all()
        assert (weights.access_ds(mode, weights.period(NOW)) == network.times_ds(mode)).all()


def test_a_time_zone_that_does_not_exist_is_refused(network: RoadNetwork) -> None:
    with pytest.raises(UnknownTimeZoneError, match="Europe/Atlantis"):
        Traffic(network, "Europe/Atlantis")


def test_a_profile_of_another_city_is_refused(network: RoadNetwork) -> None:
    with pytest.raises(ProfileError, match="other classes"):
        Traffic(network, ZONE, SpeedProfile.flat(["lane"]))
    with pytest.raises(ProfileError, match="other classes"):
        Traffic(network, ZONE, learned=LearnedSpeeds(["lane"]))


# --- what was seen -------------------------------------------------------------------------------


def test_a_speed_holds_at_once_and_only_where_it_was_seen(
    traffic: Traffic, network: RoadNetwork
) -> None:
    arc = arc_east(network, 250, 0)
    traffic.observe([speed(arc, 10.0)], NOW)
    # 500 m at 10 km/h are 180 s.
    assert time_ds(traffic, arc) == 1800
    assert time_ds(traffic, arc ^ 1) == free_ds(network, arc ^ 1)
    assert time_ds(traffic, arc, Mode.SCOOTER) == free_ds(network, arc, Mode.SCOOTER)
    weights = traffic.weights(NOW)
    changed = weights.times_ds(CAR, weights.period(NOW)) != network.times_ds(CAR)
    assert np.count_nonzero(changed) == 1


def test_a_speed_fades_by_half_with_each_half_life(traffic: Traffic, network: RoadNetwork) -> None:
    arc = arc_east(network, 250, 0)
    free = free_ds(network, arc)
    traffic.observe([speed(arc, 10.0)], NOW)
    for lives in (1, 2, 3):
        expected = free + (1800 - free) * 0.5**lives
        seen = time_ds(traffic, arc, now=NOW + lives * LIVE_HALF_LIFE_S)
        assert seen == pytest.approx(expected, abs=1)


def test_an_old_speed_is_forgotten(traffic: Traffic, network: RoadNetwork) -> None:
    arc = arc_east(network, 250, 0)
    traffic.observe([speed(arc, 10.0)], NOW)
    # 0.05 is left after 4.32 half-lives.
    assert traffic.weights(NOW + int(4.3 * LIVE_HALF_LIFE_S)).version != network.version
    assert traffic.weights(NOW + int(4.4 * LIVE_HALF_LIFE_S)).version == network.version


def test_several_speeds_on_one_street_combine_in_any_order(network: RoadNetwork) -> None:
    arc = arc_east(network, 250, 0)
    seen = [speed(arc, 10.0, NOW), speed(arc, 20.0, NOW - LIVE_HALF_LIFE_S)]
    times = []
    for order in (seen, seen[::-1]):
        traffic = Traffic(network, ZONE)
        traffic.observe(order, NOW)
        times.append(time_ds(traffic, arc))
    # 1,800 ds counts whole, 900 ds half: (1800 + 450) / 1.5.
    assert times == [1500, 1500]


def test_in_a_later_hour_a_speed_has_faded_to_its_beginning(
    traffic: Traffic, network: RoadNetwork
) -> None:
    arc = arc_east(network, 250, 0)
    free = free_ds(network, arc)
    traffic.observe([speed(arc, 10.0)], NOW)
    weights = traffic.weights(NOW)
    # It is 16:30: until 17:00 the speed holds, from 17:00 on with what half an hour leaves.
    assert weights.period(NOW + 29 * 60) == weights.period(NOW)
    left = 0.5 ** (1800 / LIVE_HALF_LIFE_S)
    expected = free + (1800 - free) * left
    assert time_ds(traffic, arc, later_s=1800) == pytest.approx(expected, abs=1)
    assert weights.period(NOW + 1800) == weights.period(NOW + 1800 + 3599)
    assert time_ds(traffic, arc, later_s=3 * 3600) == free


def test_a_way_is_seen_in_the_direction_said(traffic: Traffic, network: RoadNetwork) -> None:
    taken = traffic.observe([WaySpeed(1, Direction.BOTH, 10.0, NOW, (CAR, BIKE))], NOW)
    # Way 1 is cut into four edges, in two directions, for two modes.
    assert taken[0].arcs == 16
    other = Traffic(network, ZONE)
    assert other.observe([WaySpeed(1, Direction.ALONG, 10.0, NOW, (CAR,))], NOW)[0].arcs == 4
    arc = arc_east(network, 250, 0)
    assert time_ds(other, arc) == 1800
    assert time_ds(other, arc ^ 1) == free_ds(network, arc ^ 1)


def test_a_stretch_drawn_is_seen_along_the_street_in_its_direction(
    traffic: Traffic, network: RoadNetwork
) -> None:
    feature = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [at(5, 3), at(500, -4), at(990, 2)]},
        "properties": {"speed_kmh": 12, "observed_at": "2026-05-08T13:29:00Z", "mode": "car"},
    }
    taken = traffic.observe([StretchSpeed.of_geojson(feature)], NOW)
    assert taken[0].arcs == 2
    for x in (250, 750):
        arc = arc_east(network, x, 0)
        assert time_ds(traffic, arc) > 2 * free_ds(network, arc)
        assert time_ds(traffic, arc ^ 1) == free_ds(network, arc ^ 1)


def test_a_short_stretch_counts_for_the_street_it_lies_on(
    traffic: Traffic, network: RoadNetwork
) -> None:
    stretch = StretchSpeed((at(200, 1), at(260, 1)), 12.0, NOW, (CAR,))
    assert traffic.observe([stretch], NOW)[0].arcs == 1
    assert time_ds(traffic, arc_east(network, 250, 0)) == 1500


def test_no_street_is_ever_faster_than_its_mode(traffic: Traffic, network: RoadNetwork) -> None:
    arc = arc_east(network, 250, 0)
    traffic.observe([speed(arc, TOP_KMH[CAR])], NOW)
    assert time_ds(traffic, arc) == pytest.approx(500 * 36 / TOP_KMH[CAR], abs=1)
    factors = np.full((len(MODES), len(network.classes), 168), 2.0)
    fast = Traffic(network, ZONE, SpeedProfile(factors, network.classes)).weights(NOW)
    # Walking at 10 km/h still can be, riding a scooter at 80 cannot.
    assert (fast.times_ds(WALK, fast.period(NOW)) < network.times_ds(WALK)).any()
    least = network.arrays.edge_length_dm * 3.6 / TOP_KMH[Mode.SCOOTER]
    times = fast.times_ds(Mode.SCOOTER, fast.period(NOW))
    assert ((times >= least) | (times == 0)).all()


@pytest.mark.parametrize("kmh", [0.0, -5.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(kmh: float) -> None:
    with pytest.raises(ObservationError, match=r"edge 0 is .* km/h; give one above 0"):
        EdgeSpeed(0, False, kmh, NOW, (CAR,))


def test_a_crawl_is_a_closure() -> None:
    with pytest.raises(ObservationError, match=r"0\.3 km/h.*close the street"):
        WaySpeed(7, Direction.BOTH, 0.3, NOW, (CAR,))


def test_a_speed_beyond_a_mode_is_refused_by_name() -> None:
    with pytest.raises(ObservationError, match=r"way 7 is 60 km/h, but mode 'bike'.*45"):
        WaySpeed(7, Direction.BOTH, 60.0, NOW, (CAR, BIKE))


@pytest.mark.parametrize("at_s", [-2 * 3600, 600])
def test_a_speed_too_old_or_of_the_future_is_refused(
    traffic: Traffic, network: RoadNetwork, at_s: int
) -> None:
    with pytest.raises(ObservationError, match=f"observed at {NOW + at_s}"):
        traffic.observe([speed(0, 10.0, NOW + at_s)], NOW)


def test_a_clock_a_little_ahead_is_taken_as_now(traffic: Traffic, network: RoadNetwork) -> None:
    arc = arc_east(network, 250, 0)
    traffic.observe([speed(arc, 10.0, NOW + 60)], NOW)
    assert time_ds(traffic, arc) == 1800


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (EdgeSpeed(10_000, False, 10.0, NOW, (CAR,)), "no edge 10000"),
        (WaySpeed(999, Direction.BOTH, 10.0, NOW, (CAR,)), "way 999 is not in this city"),
        (WaySpeed(3, Direction.AGAINST, 10.0, NOW, (CAR,)), "'car' may not use way 3 that way"),
        (StretchSpeed((at(0, 900), at(99, 900)), 10.0, NOW, (CAR,)), "follows no street"),
        (StretchSpeed((at(0, 0), at(0, 0)), 10.0, NOW, (CAR,)), "no length"),
    ],
)
def test_what_is_on_no_street_is_refused(traffic: Traffic, seen: Observation, said: str) -> None:
    with pytest.raises(ObservationError, match=said):
        traffic.observe([seen], NOW)


def test_of_several_observations_all_are_taken_or_none(
    traffic: Traffic, network: RoadNetwork
) -> None:
    good = speed(arc_east(network, 250, 0), 10.0)
    with pytest.raises(ObservationError):
        traffic.observe([good, EdgeSpeed(10_000, False, 10.0, NOW, (CAR,))], NOW)
    assert traffic.weights(NOW).version == network.version


def test_a_mode_without_roads_is_named() -> None:
    paths = roads({1: (0, 0), 2: (100, 0)}, [((1, 2), {"highway": "footway"})])
    with pytest.raises(UnknownModeError, match="car"):
        Traffic(paths, ZONE).observe([EdgeSpeed(0, False, 10.0, NOW, (CAR,))], NOW)


FEATURE = {
    "geometry": {"type": "LineString", "coordinates": [[24.9, 60.1], [24.8, 60.1]]},
    "properties": {"speed_kmh": 12, "observed_at": NOW, "modes": ["car", "bike"]},
}


def test_a_feature_is_read() -> None:
    seen = StretchSpeed.of_geojson(FEATURE)
    assert seen == StretchSpeed((LonLat(24.9, 60.1), LonLat(24.8, 60.1)), 12.0, NOW, (CAR, BIKE))


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("geometry", {"type": "Point"}, "LineString"),
        ("geometry", {"coordinates": [[24.9, 60.1]]}, "has 1 points"),
        ("geometry", {"coordinates": [[24.9, 60.1], ["24.8", 60.1]]}, r"coordinates\[1\]"),
        ("geometry", {"coordinates": [[24.9, 60.1], [24.9, 91.0]]}, "no place on Earth"),
        ("geometry", {"coordinates": None}, "has 0 points"),
        ("properties", {"speed_kmh": "12"}, "speed_kmh must be a number"),
        ("properties", {"speed_kmh": True}, "speed_kmh must be a number"),
        ("properties", {"observed_at": "noon"}, "observed_at is 'noon'"),
        ("properties", {"observed_at": "2026-05-08T13:29:00"}, "with an offset"),
        ("properties", {"modes": "car"}, "modes must be a list"),
        ("properties", {"modes": ["tram"]}, "mode is 'tram'"),
        ("properties", {"modes": []}, "names no mode"),
    ],
)
def test_a_feature_with_a_fault_is_refused(part: str, change: dict[str, object], said: str) -> None:
    feature = {**FEATURE, part: {**FEATURE[part], **change}}  # type: ignore[dict-item]
    with pytest.raises(ObservationError, match=said):
        StretchSpeed.of_geojson(feature)


# --- versions ------------------------------------------------------------------------------------


def test_a_version_is_another_only_when_something_has_changed(
    traffic: Traffic, network: RoadNetwork
) -> None:
    traffic.close(closure(), NOW)
    first = traffic.weights(NOW)
    assert first.version.startswith(f"{network.version}+t")
    assert traffic.weights(NOW + 7200) is first
    traffic.close(closure(closure_id="more", points=(at(750, 0),)), NOW)
    second = traffic.weights(NOW)
    assert second.version != first.version
    traffic.reopen("more")
    assert traffic.weights(NOW).version == first.version
    traffic.observe([speed(arc_east(network, 250, 200), 10.0)], NOW)
    third = traffic.weights(NOW)
    assert third.version != first.version
    assert traffic.weights(NOW + 5) is third
    # What was seen has faded a little by then.
    assert traffic.weights(NOW + 300).version != third.version


def test_weights_handed_out_do_not_change_any_more(traffic: Traffic, network: RoadNetwork) -> None:
    arc = arc_east(network, 250, 0)
    traffic.observe([speed(arc, 10.0)], NOW)
    weights = traffic.weights(NOW)
    traffic.observe([speed(arc, 40.0)], NOW)
    traffic.close(closure(), NOW)
    times = weights.times_ds(CAR, weights.period(NOW))
    assert times[arc & 1, arc >> 1] == 1800
    with pytest.raises(ValueError, match="read-only"):
        times[0, 0] = 1


def test_a_period_of_somebody_elses_weights_is_refused(traffic: Traffic) -> None:
    with pytest.raises(TypeError, match="no period of these weights"):
        traffic.weights(NOW).times_ds(CAR, "always")


# --- by the hour ---------------------------------------------------------------------------------


def test_a_profile_slows_its_hour_class_and_mode(network: RoadNetwork) -> None:
    factors = np.ones((len(MODES), len(network.classes), 168))
    rush = 4 * 24 + 17
    factors[MODES.index(CAR), network.classes.index("tertiary"), rush] = 0.5
    traffic = Traffic(network, ZONE, SpeedProfile(factors, network.classes))
    front, back = arc_east(network, 250, 0), arc_east(network, 250, 200)
    assert time_ds(traffic, front) == free_ds(network, front)
    assert time_ds(traffic, front, later_s=1800) == 2 * free_ds(network, front)
    assert time_ds(traffic, back, later_s=1800) == free_ds(network, back)
    assert time_ds(traffic, front, BIKE, later_s=1800) == free_ds(network, front, BIKE)
    weights = traffic.weights(NOW)
    assert weights.version == traffic.weights(NOW + 86_400).version != network.version
    # A speed seen fades towards what is usual at the hour.
    traffic.observe([speed(front, 10.0)], NOW)
    usual, left = 2 * free_ds(network, front), 0.5 ** (1800 / LIVE_HALF_LIFE_S)
    expected = usual + (1800 - usual) * left
    assert time_ds(traffic, front, later_s=1800) == pytest.approx(expected, abs=1)


# --- tracks --------------------------------------------------------------------------------------


def front_street(network: RoadNetwork) -> tuple[int, ...]:
    return tuple(arc_east(network, x, 0) for x in (-100, 250, 750, 1100))


def test_one_track_is_believed_half_two_wholly(traffic: Traffic, network: RoadNetwork) -> None:
    arcs = front_street(network)
    free = free_ds(network, arcs[1])
    times = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        start = NOW - 600
        driven = drive(network, CAR, arcs, rng, start_at=start, pace=3.0, every_s=3.0)
        observed = traffic.observe([driven.track], NOW)[0]
        # From the first corner to the last but one: the ends are not passed whole.
        assert observed.match is not None
        assert observed.arcs >= 2
        assert observed.learned_m >= 1000
        times.append(time_ds(traffic, arcs[1], now=NOW - 540))
    assert times[0] == pytest.approx(2 * free, rel=0.1)
    assert times[1] == pytest.approx(3 * free, rel=0.1)


def test_an_old_track_teaches_but_says_nothing_of_today(
    traffic: Traffic, network: RoadNetwork
) -> None:
    rng = np.random.default_rng(1)
    driven = drive(network, CAR, front_street(network), rng, start_at=NOW - 86_400, pace=2.0)
    observed = traffic.observe([driven.track], NOW)[0]
    assert observed.learned_m >= 1000
    assert traffic.weights(NOW).version == network.version


def test_learning_alone_leaves_today_as_it_is(traffic: Traffic, network: RoadNetwork) -> None:
    rng = np.random.default_rng(1)
    driven = drive(network, CAR, front_street(network), rng, start_at=NOW - 600, pace=2.0)
    assert traffic.learn(driven.track, NOW) >= 1000
    assert traffic.reading_count == 0
    assert traffic.learned.driven_km >= 1


@pytest.mark.parametrize("at_s", [-31 * 86_400, 3600])
def test_a_track_too_old_or_of_the_future_is_refused(traffic: Traffic, at_s: int) -> None:
    points = tuple(TrackPoint(NOW + at_s + i, at(i, 0)) for i in range(3))
    with pytest.raises(ObservationError, match="check the device's clock"):
        traffic.observe([Track(points, CAR)], NOW)


def test_tracks_teach_an_hour_until_the_route_changes(network: RoadNetwork) -> None:
    """Weeks of tracks on Front Street at five on Fridays, three times as slow as free flow."""
    traffic = Traffic(network, ZONE)
    travel = NetworkTravelTimes(network)
    start, goal = at(-100, 0), at(1100, 0)
    rush = NOW + 1800
    assert travel.route(start, goal, CAR, rush).streets == ("Front Street",)
    for week in range(8):
        for trip in range(3):
            rng = np.random.default_rng(100 * week + trip)
            then = rush - 7 * 86_400 * week - 86_400 * 7 + 600 * trip
            driven = drive(
                network, CAR, front_street(network), rng, start_at=then, pace=3.0, every_s=4.0
            )
            traffic.observe([driven.track], then + 600)
    later = rush + 1
    traffic.apply_learned()
    travel.use(traffic.weights(later), later)
    assert "Back Lane" in travel.route(start, goal, CAR, later).streets
    # On Sunday morning nothing keeps anybody off Front Street.
    sunday = moment("2026-05-10T06:00")
    assert travel.route(start, goal, CAR, sunday).streets == ("Front Street",)
    factor = traffic.learned.profile().factor
    cars, road = MODES.index(CAR), network.classes.index("tertiary")
    assert 1 / factor[cars, road, 4 * 24 + 17] == pytest.approx(3.0, rel=0.25)
    assert (factor[MODES.index(BIKE)] == 1.0).all()


# --- kept between runs ---------------------------------------------------------------------------


def test_readings_and_closures_come_back_after_a_restart(
    traffic: Traffic, network: RoadNetwork
) -> None:
    traffic.observe([speed(arc_east(network, 250, 0), 10.0)], NOW)
    traffic.observe([WaySpeed(2, Direction.BOTH, 8.0, NOW - 60, (BIKE, CAR))], NOW)
    traffic.close(closure(until=NOW + 900, reason="concert", modes=(CAR,)), NOW)
    traffic.close(closure(closure_id="w", shape=ClosureShape.WAYS, points=(), way_ids=(3,)), NOW)
    state = json.loads(json.dumps(traffic.state()))
    again = Traffic(network, ZONE)
    assert again.restore(state, NOW) == ()
    assert again.closures == traffic.closures
    assert again.weights(NOW).version == traffic.weights(NOW).version
    assert again.state() == traffic.state()


def test_what_cannot_be_taken_over_is_told(traffic: Traffic, network: RoadNetwork) -> None:
    traffic.observe([speed(arc_east(network, 250, 0), 10.0)], NOW)
    traffic.close(closure(until=NOW + 900), NOW)
    state = {**traffic.state(), "network": "town-0"}
    again = Traffic(network, ZONE)
    left_out = again.restore(state, NOW + 1800)
    assert "1 readings are of town-0" in left_out[0]
    assert "'works' was over" in left_out[1]
    assert again.weights(NOW).version == network.version


@pytest.mark.parametrize(
    "change",
    [
        {"format": "recipe"},
        {"format_version": 2},
        {"readings": [["car"]]},
        {"closures": [{}]},
        {"readings": [["car", 10**6, NOW, 1.0, 1.0]]},
    ],
)
def test_a_state_that_is_none_is_refused(traffic: Traffic, change: dict[str, object]) -> None:
    with pytest.raises(TrafficError, match="start without it"):
        traffic.restore({**traffic.state(), **change}, NOW)
