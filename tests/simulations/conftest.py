"""What the tests of this room share: the city, its roads and the scenario in the box."""

from __future__ import annotations

import pytest

from geo.city import City, load_city
from geo.travel import NetworkTravelTimes
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import Scenario


@pytest.fixture(scope="session")
def helsinki() -> City:
    return load_city("helsinki")


@pytest.fixture(scope="session")
def roads(helsinki: City) -> NetworkTravelTimes:
    return NetworkTravelTimes(helsinki.network)


@pytest.fixture(scope="session")
def friday() -> Scenario:
    return load_scenario("helsinki-friday")
