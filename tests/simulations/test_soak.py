"""A whole evening and night with the default policy: minutes long, run by `make soak`."""

from __future__ import annotations

from collections import Counter

import pytest

from dispatch import events as e
from geo.city import City
from geo.travel import NetworkTravelTimes
from simulations.loop import Simulation
from simulations.scenarios.settings import Scenario

HOUR_S = 3600
ENDS = (e.OrderDelivered, e.OrderCancelled, e.ParcelReturned)


@pytest.mark.soak
def test_an_evening_over_midnight_ends_with_every_order_at_an_end(
    friday: Scenario, helsinki: City, roads: NetworkTravelTimes
) -> None:
    simulation = Simulation(friday, helsinki, travel=roads)
    start = simulation.world.starts_at
    simulation.world.end_demand(start + 9 * HOUR_S)
    simulation.drain(start + 12 * HOUR_S)
    received: set[str] = set()
    ended = Counter[str]()
    cancelled: set[str] = set()
    for recorded in simulation.log.events:
        event = recorded.event
        if isinstance(event, e.OrderReceived):
            received.add(event.order.order_id)
        elif isinstance(event, e.PlanPublished):
            assert event.violations == ()
        elif isinstance(event, e.OrderCancelled):
            cancelled.add(event.order_id)
            ended[event.order_id] += 1
        elif isinstance(event, ENDS) and event.order_id not in cancelled:
            ended[event.order_id] += 1
    assert len(received) > 300
    assert set(ended) == received
    assert set(ended.values()) == {1}
    assert simulation.engine.state.orders == {}
    assert simulation.world.refusals.total() == 0
