"""What holds of every simulated evening."""

from __future__ import annotations

from collections import Counter

from dispatch import events as e
from dispatch.model import Mode
from simulations.loop import Simulation

TOP_SPEED_M_S = {
    Mode.WALK: 3.0,
    Mode.BIKE: 12.0,
    Mode.CARGO_BIKE: 12.0,
    Mode.SCOOTER: 25.0,
    Mode.CAR: 35.0,
}
"""No courier is faster than this, however quick by nature and lucky on the way."""


def check_endings(simulation: Simulation) -> int:
    """Hold that every order ended exactly once, and no plan broke a rule; returns how many."""
    received: set[str] = set()
    away: set[str] = set()
    ends: Counter[str] = Counter()
    for recorded in simulation.log.events:
        match recorded.event:
            case e.OrderReceived(order=order):
                received.add(order.order_id)
            case e.ParcelPickedUp(order_id=order_id):
                away.add(order_id)
            case e.OrderDelivered(order_id=order_id) | e.ParcelReturned(order_id=order_id):
                ends[order_id] += 1
            case e.OrderCancelled(order_id=order_id) if order_id not in away:
                ends[order_id] += 1
            case e.OrderRevived(order_id=order_id):
                ends[order_id] -= 1
            case e.PlanPublished(violations=violations):
                assert violations == ()
            case _:
                pass
    assert set(ends) == received
    assert set(ends.values()) == {1}
    assert not simulation.engine.state.orders
    return len(received)
