"""The traffic under random news: what always holds of the times that follow."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from wild_town import at, networks

from geo.closures import Closure, ClosureShape
from geo.errors import TooFarFromRoadError
from geo.learning import Driven, LearnedSpeeds
from geo.network import RoadNetwork
from geo.observations import SLOWEST_KMH, TOP_KMH, EdgeSpeed
from geo.osm_access import MODES
from geo.profiles import SLOWEST_FACTOR, SpeedProfile
from geo.traffic import LIVE_HALF_LIFE_S, Traffic
from geo.travel import NetworkTravelTimes
from geo.types import UNREACHABLE_S, LonLat, Mode

NOW = 1_778_247_000  # 2026-05-08 16:30 in Helsinki
ZONE = "Europe/Helsinki"
fast = settings(max_examples=60, deadline=None, derandomize=True)
some_modes = st.lists(st.sampled_from(MODES), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def speeds(draw: Any, network: RoadNetwork) -> list[EdgeSpeed]:
    """Draw speeds that were seen on arcs that may be used."""
    free = np.asarray(network.times_ds(Mode.CAR))
    usable = [(int(e), bool(d)) for d, e in zip(*np.nonzero(free), strict=True)]
    seen = []
    for edge, against in draw(st.lists(st.sampled_from(usable), min_size=1, max_size=8)):
        modes = draw(some_modes)
        kmh = draw(st.floats(SLOWEST_KMH, min(TOP_KMH[mode] for mode in modes)))
        age_s = draw(st.integers(0, 3 * LIVE_HALF_LIFE_S))
        seen.append(EdgeSpeed(edge, against, kmh, NOW - age_s, modes))
    return seen


@st.composite
def profiles(draw: Any, network: RoadNetwork) -> SpeedProfile:
    """Draw a profile with a few slow or quick hours."""
    factor = np.ones((len(MODES), len(network.classes), 168))
    for _ in range(draw(st.integers(0, 4))):
        mode, hour = draw(st.integers(0, len(MODES) - 1)), draw(st.integers(0, 167))
        factor[mode, :, hour] = draw(st.floats(SLOWEST_FACTOR, 2.0))
    return SpeedProfile(factor, network.classes)


@st.composite
def closures(draw: Any, network: RoadNetwork) -> list[Closure]:
    """Draw closures of ways."""
    ways = st.lists(st.sampled_from(network.arrays.edge_way.tolist()), min_size=1, max_size=3)
    return [
        Closure(
            closure_id=f"c{number}",
            shape=ClosureShape.WAYS,
            way_ids=tuple(draw(ways)),
            modes=draw(some_modes),
            until=draw(st.none() | st.integers(NOW + 1, NOW + 9_000)),
        )
        for number in range(draw(st.integers(1, 3)))
    ]


@fast
@given(data=st.data(), network=networks(), later_s=st.integers(0, 20_000))
def test_every_time_is_one_that_can_be(data: Any, network: RoadNetwork, later_s: int) -> None:
    traffic = Traffic(network, ZONE, data.draw(profiles(network)))
    traffic.observe(data.draw(speeds(network)), NOW)
    for closure in data.draw(closures(network)):
        traffic.close(closure, NOW)
    weights = traffic.weights(NOW)
    period = weights.period(NOW + later_s)
    for mode in MODES:
        free = network.times_ds(mode)
        times, access = weights.times_ds(mode, period), weights.access_ds(mode, period)
        assert times.dtype == access.dtype == np.int32
        assert ((times > 0) == (free > 0)).all()
        assert ((access > 0) == (free > 0)).all()
        closed = times == UNREACHABLE_S
        assert (access[~closed] == times[~closed]).all()
        assert (access < UNREACHABLE_S).all()
        # No faster than the mode's top speed, unless the network itself is.
        least = np.minimum(free, network.arrays.edge_length_dm * 3.6 / TOP_KMH[mode])
        assert (times >= least).all()


@fast
@given(data=st.data(), network=networks())
def test_a_time_lies_between_what_was_seen_and_what_is_usual(
    data: Any, network: RoadNetwork
) -> None:
    seen = data.draw(speeds(network))
    usual = Traffic(network, ZONE, data.draw(profiles(network)))
    traffic = Traffic(network, ZONE, usual.apply_learned())
    traffic.observe(seen, NOW)
    before, after = usual.weights(NOW), traffic.weights(NOW)
    for mode in MODES:
        old = before.times_ds(mode, before.period(NOW))
        new = after.times_ds(mode, after.period(NOW))
        touched = np.zeros(old.shape, dtype=bool)
        low, high = old.astype(float), old.astype(float)
        for one in seen:
            if mode in one.modes:
                cell = (int(one.against), one.edge)
                touched[cell] = True
                took = network.arrays.edge_length_dm[one.edge] * 3.6 / one.speed_kmh
                low[cell], high[cell] = min(low[cell], took), max(high[cell], took)
        assert (new[~touched] == old[~touched]).all()
        assert (new >= np.floor(low)).all()
        assert (new <= np.ceil(high)).all()


@fast
@given(data=st.data(), network=networks(), mode=st.sampled_from(MODES))
def test_closing_never_shortens_anything(data: Any, network: RoadNetwork, mode: Mode) -> None:
    places: list[LonLat] = []
    for x, y in data.draw(
        st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=5)
    ):
        try:
            network.snap(at(x, y), mode)
        except TooFarFromRoadError:
            continue
        places.append(at(x, y))
    if not places:
        return
    traffic = Traffic(network, ZONE)
    traffic.observe(data.draw(speeds(network)), NOW)
    travel = NetworkTravelTimes(network, traffic.weights(NOW))
    former = travel.matrix(places, places, mode, NOW).duration_s
    for closure in data.draw(closures(network)):
        traffic.close(closure, NOW)
        travel.use(traffic.weights(NOW), NOW)
        now = travel.matrix(places, places, mode, NOW).duration_s
        assert (now >= former).all()
        former = now
    for closure in traffic.closures:
        traffic.reopen(closure.closure_id)
    travel.use(traffic.weights(NOW), NOW)
    assert (travel.matrix(places, places, mode, NOW).duration_s <= former).all()


@fast
@given(data=st.data(), network=networks())
def test_the_order_of_news_does_not_matter(data: Any, network: RoadNetwork) -> None:
    seen, shut = data.draw(speeds(network)), data.draw(closures(network))
    one, other = Traffic(network, ZONE), Traffic(network, ZONE)
    one.observe(seen, NOW)
    for closure in shut:
        one.close(closure, NOW)
    for closure in data.draw(st.permutations(shut)):
        other.close(closure, NOW)
    other.observe(data.draw(st.permutations(seen)), NOW)
    first, second = one.weights(NOW), other.weights(NOW)
    for mode in MODES:
        times = first.times_ds(mode, first.period(NOW))
        # Sums of fractions in another order may round the other way.
        difference = times.astype(np.int64) - second.times_ds(mode, second.period(NOW))
        assert np.abs(difference).max() <= 1


@fast
@given(data=st.data(), network=networks(), wait_s=st.integers(0, 8_000))
def test_a_restart_changes_nothing(data: Any, network: RoadNetwork, wait_s: int) -> None:
    traffic = Traffic(network, ZONE)
    traffic.observe(data.draw(speeds(network)), NOW)
    for closure in data.draw(closures(network)):
        traffic.close(closure, NOW)
    again = Traffic(network, ZONE)
    state = json.loads(json.dumps(traffic.state()))
    again.restore(state, NOW + wait_s)
    assert again.weights(NOW + wait_s).version == traffic.weights(NOW + wait_s).version


@fast
@given(data=st.data(), network=networks(), times=st.lists(st.integers(0, 30_000), max_size=6))
def test_moments_of_one_period_have_one_time(
    data: Any, network: RoadNetwork, times: list[int]
) -> None:
    traffic = Traffic(network, ZONE, data.draw(profiles(network)))
    traffic.observe(data.draw(speeds(network)), NOW)
    for closure in data.draw(closures(network)):
        traffic.close(closure, NOW)
    weights = traffic.weights(NOW)
    for later_s in times:
        moment = NOW + later_s
        period = weights.period(moment)
        # The end of a closure is a moment at which times change.
        ended = [c for c in traffic.closures if c.until is not None and c.until <= moment]
        assert period.ended == len(ended)
        assert weights.period(moment) == period
        shut = weights.times_ds(Mode.BIKE, period) == UNREACHABLE_S
        closed = np.zeros(network.edge_count, dtype=bool)
        for closure in traffic.closures:
            if closure not in ended and Mode.BIKE in closure.modes:
                closed |= np.isin(network.arrays.edge_way, closure.way_ids)
        assert (shut == (closed & (network.times_ds(Mode.BIKE) > 0))).all()


@fast
@given(
    km=st.lists(st.floats(0.01, 1e4), min_size=1, max_size=5),
    ratios=st.lists(st.floats(0.6, 8.0), min_size=5, max_size=5),
    hours=st.lists(st.integers(0, 167), min_size=5, max_size=5),
)
def test_what_is_learned_lies_between_what_was_driven_and_what_was_believed(
    km: list[float], ratios: list[float], hours: list[int]
) -> None:
    learned = LearnedSpeeds(("primary",))
    count = len(km)
    free_s = np.array(km) * 100
    learned.add(
        Mode.CAR,
        Driven(
            np.zeros(count, dtype=int),
            np.array(hours[:count]),
            np.array(km) * 1000,
            free_s * ratios[:count],
            free_s,
        ),
        NOW,
    )
    seen = 1 / learned.profile().factor[MODES.index(Mode.CAR)]
    assert (seen >= min(1.0, *ratios[:count]) - 1e-9).all()
    assert (seen <= max(1.0, *ratios[:count]) + 1e-9).all()
