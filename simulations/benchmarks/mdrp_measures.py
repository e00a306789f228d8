"""What a solution of a meal-delivery instance is worth: the published measures and the excess.

The excess is mean click-to-door less what no solution can avoid: preparation, travel from the
restaurant to the door, and the two halves of the services around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulations.benchmarks.mdrp_files import Solution
from simulations.benchmarks.mdrp_instance import Instance

_MINUTES_PER_H: Final = 60


@dataclass(frozen=True, slots=True)
class Figures:
    """The measures of one instance under one policy; times in minutes, shares in percent.

    Attributes
    ----------
    delivered_pct, over_target_pct, over_most_pct
        Of all orders; one that was not delivered counts as over.
    overage_min
        Mean of what click-to-door has beyond the target.
    pay
        Of all couriers: per order, or what is guaranteed for the shift.
    utilisation_pct
        Driving and both services, of all shifts.
    bound_min, excess_min
        Of the delivered orders: what is unavoidable, and what click-to-door has beyond it.
    late_beyond_pct
        Orders over the target, less those whose bound is over it already.
    impossible
        Of the undelivered: no courier of the day could have fetched them.
    tick_p50_ms, tick_p95_ms, replan_p50_ms, replan_p95_ms
        Wall time of the plan alone, and of all that the engine does with it.
    engine_ms
        Wall time of a simulated minute besides the plan.
    """

    instance: str
    policy: str
    orders: int
    undelivered: int
    impossible: int
    delivered_pct: float
    click_to_door_min: float
    click_to_door_p50_min: float
    click_to_door_p95_min: float
    over_target_pct: float
    over_most_pct: float
    overage_min: float
    ready_to_door_min: float
    ready_to_pickup_min: float
    pay: float
    utilisation_pct: float
    driving_min: float
    orders_per_trip: float
    bound_min: float
    excess_min: float
    late_beyond_pct: float
    tick_p50_ms: float
    tick_p95_ms: float
    replan_p50_ms: float
    replan_p95_ms: float
    engine_ms: float
    breaches: int


@dataclass(frozen=True, slots=True)
class Clocked:
    """Wall times of a day, in milliseconds, and its simulated minutes."""

    plan_ms: tuple[float, ...]
    replan_ms: tuple[float, ...]
    wall_ms: float
    minutes: int


def measure(
    policy: str, solution: Solution, instance: Instance, clocked: Clocked, breaches: int
) -> Figures:
    """Return the measures of a solution; of no delivery at all, times are NaN."""
    parameters = instance.parameters
    orders = instance.orders
    done = solution.deliveries
    to_door = np.array([d.dropped_min - orders[d.order_id].placed_min for d in done], float)
    bound = np.array([instance.bound_min(orders[d.order_id]) for d in done], float)
    every_bound = np.array([instance.bound_min(order) for order in orders.values()], float)
    undelivered = len(orders) - len(done)
    target = parameters.target_min
    over_target = _percent(int((to_door > target).sum()) + undelivered, len(orders))
    served = {delivery.order_id for delivery in done}
    driving = _driving_min(solution, instance)
    shifts = sum(courier.off_min - courier.on_min for courier in instance.couriers.values())
    service = parameters.pickup_service_min * len(solution.assignments)
    service += parameters.dropoff_service_min * len(done)
    sizes = [len(assignment.order_ids) for assignment in solution.assignments]
    plan_ms = _array(clocked.plan_ms)
    return Figures(
        instance=instance.name,
        policy=policy,
        orders=len(orders),
        undelivered=undelivered,
        impossible=sum(
            earliest_pickup(instance, key) is None for key in orders if key not in served
        ),
        delivered_pct=_percent(len(done), len(orders)),
        click_to_door_min=_mean(to_door),
        click_to_door_p50_min=_quantile(to_door, 50),
        click_to_door_p95_min=_quantile(to_door, 95),
        over_target_pct=over_target,
        over_most_pct=_percent(
            int((to_door > parameters.most_min).sum()) + undelivered, len(orders)
        ),
        overage_min=_mean(np.maximum(to_door - target, 0)),
        ready_to_door_min=_mean(
            np.array([d.dropped_min - orders[d.order_id].ready_min for d in done], float)
        ),
        ready_to_pickup_min=_mean(
            np.array([d.picked_min - orders[d.order_id].ready_min for d in done], float)
        ),
        pay=_pay(solution, instance),
        utilisation_pct=100 * (driving + service) / shifts,
        driving_min=driving / len(done) if done else float("nan"),
        orders_per_trip=_mean(_array(sizes)),
        bound_min=_mean(bound),
        excess_min=_mean(to_door - bound),
        late_beyond_pct=over_target - _percent(int((every_bound > target).sum()), len(orders)),
        tick_p50_ms=_quantile(plan_ms, 50),
        tick_p95_ms=_quantile(plan_ms, 95),
        replan_p50_ms=_quantile(_array(clocked.replan_ms), 50),
        replan_p95_ms=_quantile(_array(clocked.replan_ms), 95),
        engine_ms=(clocked.wall_ms - float(plan_ms.sum())) / max(1, clocked.minutes),
        breaches=breaches,
    )


def earliest_pickup(instance: Instance, order_id: str) -> int | None:
    """Return when any courier could pick an order up at the earliest, None if nobody ever could.

    As if everything had been known since yesterday: each courier goes there first of all, and
    nothing may be picked up after the shift.
    """
    order = instance.orders[order_id]
    counter = instance.counters[order.restaurant_id]
    half = instance.parameters.half_pickup_min
    found: int | None = None
    for key, courier in instance.couriers.items():
        there = courier.on_min + int(instance.travel_min[instance.homes[key], counter]) + half
        at = max(there, order.ready_min)
        if at <= courier.off_min and (found is None or at < found):
            found = at
    return found


def means(rows: Sequence[Figures]) -> dict[str, float]:
    """Return the mean of instances of every measure; counts are added up."""
    counts = {"orders", "undelivered", "impossible", "breaches"}
    found: dict[str, float] = {}
    for column in fields(Figures):
        if column.name in {"instance", "policy"}:
            continue
        values = _array([getattr(row, column.name) for row in rows])
        whole = column.name in counts
        known = values[~np.isnan(values)]
        found[column.name] = float(known.sum()) if whole else _mean(known)
    found["worst_tick_p95_ms"] = max((row.tick_p95_ms for row in rows), default=float("nan"))
    return found


def ratio(mine: Mapping[str, float], others: Sequence[Mapping[str, float]], of: str) -> float:
    """Return a measure as a ratio to the least of others'; NaN where there are none."""
    least = min((other[of] for other in others), default=float("nan"))
    return mine[of] / least if least else float("nan")


# --- arithmetic --------------------------------------------------------------------------------


def _array(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _quantile(values: NDArray[np.float64], percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else float("nan")


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole


def _driving_min(solution: Solution, instance: Instance) -> int:
    return sum(
        int(
            instance.travel_min[
                instance.place(move.courier_id, move.origin),
                instance.place(move.courier_id, move.destination),
            ]
        )
        for move in solution.moves
    )


def _pay(solution: Solution, instance: Instance) -> float:
    parameters = instance.parameters
    served = Counter(delivery.courier_id for delivery in solution.deliveries)
    return sum(
        max(
            parameters.pay_per_order * served[key],
            parameters.pay_per_h * (courier.off_min - courier.on_min) / _MINUTES_PER_H,
        )
        for key, courier in instance.couriers.items()
    )
