"""Nothing is compiled while somebody waits for an answer."""

from __future__ import annotations

import numba

import geo.ends
import geo.laying
import geo.reach
import geo.snapping
import geo.travel
import geo.trip
from geo import hierarchy_kernels, hierarchy_paths
from geo.city import load_city
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode
from geo.warming import warm_up

ROOMS = (
    geo.ends,
    geo.laying,
    geo.reach,
    geo.snapping,
    geo.travel,
    geo.trip,
    hierarchy_kernels,
    hierarchy_paths,
)


def compiled() -> dict[str, int]:
    """Return how many versions of each kernel there are."""
    return {
        f"{room.__name__}.{name}": len(kernel.signatures)
        for room in ROOMS
        for name, kernel in vars(room).items()
        if isinstance(kernel, numba.core.registry.CPUDispatcher)
    }


def test_after_warming_up_a_city_needs_no_more_compiling() -> None:
    warm_up()
    before = compiled()
    assert sum(before.values()) > 20
    city = load_city("helsinki")
    travel = NetworkTravelTimes(city.network)
    stores = [store.location for store in city.stores[:4]]
    for mode in (Mode.WALK, Mode.CAR):
        travel.matrix(stores, stores[:2], mode, 0)
        travel.durations(stores[:1], stores, mode, 0)
        travel.route(stores[0], stores[1], mode, 0)
        beside = LonLat(stores[0].lon + 1e-5, stores[0].lat)
        travel.route(stores[0], beside, mode, 0)
        travel.reachable(stores[0], 300, mode, 0).polygon()
    assert compiled() == before
