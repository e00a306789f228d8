"""The plainest dispatcher: each order to the nearest idle courier, one order per trip."""

from __future__ import annotations

from dispatch.model import UNREACHABLE_S, Plan, Route, Snapshot
from simulations.baselines.routes import timed, written
from simulations.baselines.scene import Hand, Scene, look


def nearest(snapshot: Snapshot) -> Plan:
    """Return the plan of the nearest idle courier, oldest order first.

    Couriers leave at once and wait at the counter; busy ones get nothing.
    """
    scene = look(snapshot)
    idle = {key: hand for key, hand in scene.hands.items() if _is_idle(scene, hand)}
    routes: dict[str, Route] = {}
    oldest_first = sorted(
        scene.free.values(), key=lambda order: (order.order.created_at, order.order_id)
    )
    for order in oldest_first:
        found = _sent(scene, idle, order.order_id)
        if found is not None:
            routes[found.courier_id] = found
            del idle[found.courier_id]
    return written(scene, routes, "nearest", {})


def _is_idle(scene: Scene, hand: Hand) -> bool:
    return not hand.stops and scene.earliest(hand) <= scene.now <= hand.courier.shift_end


def _sent(scene: Scene, idle: dict[str, Hand], order_id: str) -> Route | None:
    """Return the route of the nearest idle courier who can do it, None if nobody can."""
    store = scene.store(order_id).place
    by_way = sorted(
        (int(scene.duration_s(hand.courier)[hand.courier.place, store]), key)
        for key, hand in idle.items()
        if key not in scene.free[order_id].declined_by
    )
    for way_s, key in by_way:
        if way_s >= UNREACHABLE_S:
            break
        route = timed(scene, idle[key], scene.trip([order_id]))
        if route is not None:
            return route
    return None
