"""Travel times kept as bytes are the very same travel times another day."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ladder_town import BIKE, CAR, NOW, ZONE, arc_east, closure, ladder, speed

from geo.errors import TrafficError
from geo.network import RoadNetwork
from geo.osm_access import MODES
from geo.profiles import SpeedProfile
from geo.traffic import Traffic
from geo.traffic_record import base_of, pack, unpack
from geo.traffic_weights import TrafficWeights
from geo.weights import FreeFlow


@pytest.fixture(scope="module")
def network() -> RoadNetwork:
    return ladder()


def same(a: TrafficWeights, b: TrafficWeights) -> bool:
    """Tell whether two versions agree now, in an hour and tomorrow, on every edge."""
    return a.version == b.version and all(
        np.array_equal(a.times_ds(mode, a.period(at)), b.times_ds(mode, b.period(at)))
        and np.array_equal(a.access_ds(mode, a.period(at)), b.access_ds(mode, b.period(at)))
        for mode in (CAR, BIKE)
        for at in (NOW, NOW + 900, NOW + 3600, NOW + 86_400)
    )


def rush(network: RoadNetwork) -> SpeedProfile:
    factor = SpeedProfile.flat(network.classes).factor.copy()
    factor[MODES.index(CAR), :, 3:50] = 0.6
    return SpeedProfile(factor, network.classes)


def test_free_flow_comes_back_as_free_flow(network: RoadNetwork) -> None:
    data = pack(FreeFlow(network))
    assert isinstance(unpack(data, network), FreeFlow)


def test_readings_closures_and_habits_come_back(network: RoadNetwork) -> None:
    traffic = Traffic(network, ZONE, rush(network))
    west, east = arc_east(network, 250, 0), arc_east(network, 750, 0)
    traffic.observe([speed(west, 9.0), speed(east, 12.0)], NOW)
    traffic.close(closure(until=NOW + 1200), NOW)
    weights = traffic.weights(NOW)
    data = pack(weights)
    assert base_of(data) is None
    again = unpack(data, network)
    assert isinstance(again, TrafficWeights)
    assert same(again, weights)


def test_a_minute_later_only_the_difference_is_kept(network: RoadNetwork) -> None:
    traffic = Traffic(network, ZONE, rush(network))
    west, east = arc_east(network, 250, 0), arc_east(network, 750, 0)
    traffic.observe([speed(west, 9.0), speed(east, 12.0)], NOW)
    traffic.close(closure(until=NOW + 1200), NOW)
    first = traffic.weights(NOW)
    traffic.observe([speed(arc_east(network, 250, 0), 30.0, at=NOW + 60)], NOW + 60)
    traffic.reopen(closure().closure_id)
    second = traffic.weights(NOW + 60)
    data = pack(second, first)
    assert base_of(data) == first.version
    assert len(data) < len(pack(second))
    assert same(unpack(data, network, first), second)
    much_later = traffic.weights(NOW + 5000)  # the first street's reading alone is still believed
    assert same(unpack(pack(much_later, second), network, second), much_later)


def test_another_city_is_found_out(network: RoadNetwork) -> None:
    traffic = Traffic(network, ZONE)
    traffic.observe([speed(arc_east(network, 250, 0), 9.0)], NOW)
    data = pack(traffic.weights(NOW))
    other = ladder()
    other.version = "town-2"
    with pytest.raises(TrafficError, match="built anew"):
        unpack(data, other)


def test_damaged_bytes_are_named(network: RoadNetwork) -> None:
    data = pack(Traffic(network, ZONE, rush(network)).weights(NOW))
    for torn in (data[: len(data) // 2], b"", json.dumps({}).encode()):
        with pytest.raises(TrafficError, match="damaged"):
            unpack(torn, network)


def test_not_one_changed_byte_goes_unnoticed(network: RoadNetwork) -> None:
    traffic = Traffic(network, ZONE, rush(network))
    traffic.observe([speed(arc_east(network, 250, 0), 9.0)], NOW)
    weights = traffic.weights(NOW)
    data = pack(weights)
    for index in range(0, len(data), 7):
        torn = bytearray(data)
        torn[index] ^= 0xFF
        try:
            again = unpack(bytes(torn), network)
        except TrafficError:
            continue
        # Where no content lies, as in a date of the archive, nothing is lost.
        assert isinstance(again, TrafficWeights)
        assert same(again, weights)
