"""The pickers of a world against queueing theory: where theory knows the answer, they give it.

A store with c pickers, customers who click as a Poisson process and exponential picks is an M/M/c
queue (Erlang 1917, "Solution of some problems in the theory of probabilities of significance in
automatic telephone exchanges"); one picker with any other distribution is an M/G/1 queue (Pollaczek
1930, doi:10.1007/BF01194620; Khinchine 1932).  Both formulas as in Kleinrock 1975, "Queueing
Systems", volume I, sections 3.5 and 5.6.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import exp, log, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from dispatch import events as e
from dispatch.commands import CompletePick, StartPick
from dispatch.model import Fulfilment, Order, OrderLine, Policy, Promise, Store
from geo.city import City
from geo.travel import NetworkTravelTimes
from geo.types import LonLat
from simulations.loop import Simulation
from simulations.rng import Streams
from simulations.scenarios.settings import (
    DemandSettings,
    Distribution,
    PickingSettings,
    PlanningSettings,
    Scenario,
    StoreSettings,
)
from simulations.worlds.intents import Intents
from simulations.worlds.pickers import Pickers
from tests.town import Grid

HOUR_S = 3600
PICK_S = 600
PLACE = LonLat(0.0, 0.0)
STORES, WARM_UP = 40, 40
"""Queues side by side, and how many orders of each only fill it."""


# --- theory ------------------------------------------------------------------------------------


def erlang_c(servers: int, load: float) -> float:
    """Return the probability that somebody waits; `load` is arrival rate by mean service."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mmc_wait_s(servers: int, rate: float, service_s: float) -> float:
    """Return the mean wait of all, Wq = C(c, a) / (c mu - lambda)."""
    return erlang_c(servers, rate * service_s) / (servers / service_s - rate)


def mg1_wait_s(rate: float, mean_s: float, second_moment: float) -> float:
    """Return the mean wait of all, Wq = lambda E[S^2] / (2 (1 - lambda E[S]))."""
    return rate * second_moment / (2 * (1 - rate * mean_s))


def test_the_formulas_are_those_of_the_textbook() -> None:
    # One server: P(wait) is the load, and the wait load / (mu - lambda): 0.5 / (2 - 1).
    assert erlang_c(1, 0.5) == pytest.approx(0.5)
    assert mmc_wait_s(1, 1.0, 0.5) == pytest.approx(0.5)
    # Two servers, a = 1: C = (1/2 * 2) / (1 + 1 + 1) = 1/3.
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    # Exponential service has E[S^2] = 2 E[S]^2, and M/G/1 is then M/M/1.
    assert mg1_wait_s(1.0, 0.5, 0.5) == pytest.approx(mmc_wait_s(1, 1.0, 0.5))


# --- the pickers alone -------------------------------------------------------------------------


@dataclass
class Waits:
    """Seconds between click and the beginning of the pick, a row for each queue."""

    waits_s: NDArray[np.float64]

    def mean(self) -> tuple[float, float]:
        """Return the lower and upper end of the 95 % interval of the mean wait, by queues."""
        return interval(self.waits_s.mean(axis=1))

    def share_waiting(self) -> tuple[float, float]:
        return interval((self.waits_s > 0).mean(axis=1))


def interval(means: NDArray[np.float64]) -> tuple[float, float]:
    half = stats.t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / sqrt(len(means))
    return float(means.mean() - half), float(means.mean() + half)


def clicks(rate: float, orders: int, streams: Streams) -> Iterator[tuple[int, str]]:
    """Yield when somebody clicks at which store, all stores together in order of time."""
    times: list[tuple[int, str]] = []
    for store in range(STORES):
        gaps = streams.stream("gaps", str(store)).exponential(1 / rate, orders)
        times += [(int(at), f"sto_{store}") for at in np.cumsum(gaps)]
    return iter(sorted(times))


def served(pickers: int, rate: float, settings: PickingSettings, orders: int, seed: int) -> Waits:
    """Let the pickers of 40 stores work, with a driver that grants whatever they ask."""
    streams, intents = Streams(seed), Intents()
    world = Pickers(settings, Grid(), (), "UTC", streams, intents)
    sequence = 0
    clicked_at: dict[str, tuple[str, int]] = {}
    waits: dict[str, list[int]] = defaultdict(list)

    def tell(event: e.Event, at: int) -> None:
        nonlocal sequence
        sequence += 1
        world.hear(e.Recorded("town", sequence, at, event))

    def grant(until: int) -> None:
        while (due := intents.next_at()) is not None and due <= until:
            command = intents.take(due)
            if isinstance(command, StartPick):
                store_id, at = clicked_at[command.order_id]
                waits[store_id].append(due - at)
                tell(e.PickStarted(command.order_id, store_id, due), due)
            elif isinstance(command, CompletePick):
                store_id, _ = clicked_at[command.order_id]
                tell(e.PickCompleted(command.order_id, store_id, due), due)

    for store in range(STORES):
        tell(
            e.StoreRegistered(
                Store(
                    f"sto_{store}",
                    "Store",
                    PLACE,
                    pickers=pickers,
                    pick_base_s=PICK_S,
                    pick_line_s=0,
                )
            ),
            0,
        )
    for number, (at, store_id) in enumerate(clicks(rate, orders, streams)):
        grant(at)
        order = Order(
            order_id=f"ord_{number}",
            created_at=at,
            door=PLACE,
            address="Corner",
            lines=(OrderLine("milk", 1),),
            weight_g=1000,
            service_s=0,
            fulfilment=Fulfilment.COLLECTION,
        )
        clicked_at[order.order_id] = (store_id, at)
        tell(e.OrderReceived(order, Promise(at, at + HOUR_S, at), store_id), at)
    grant(2**40)
    return Waits(np.array([waits[store_id][WARM_UP:] for store_id in sorted(waits)], dtype=float))


def picking(distribution: Distribution, spread: float = 0.0) -> PickingSettings:
    return PickingSettings(
        spread=spread,
        delay_share=0.0,
        delay_s=(0, 0),
        restock_at=(18_000,),
        distribution=distribution,
    )


def inside(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def test_pickers_with_exponential_picks_are_an_mmc_queue() -> None:
    # Two pickers, each busy 60 % of the time: 2 * 0.6 / 600 clicks a second.
    rate = 2 * 0.6 / PICK_S
    waits = served(2, rate, picking("exponential"), orders=400, seed=0)
    # C(2, 1.2) = 0.45, and Wq = 0.45 / (2 - 1.2) picks = 0.5625 * 600 s = 337.5 s.
    assert mmc_wait_s(2, rate, PICK_S) == pytest.approx(337.5)
    assert inside(mmc_wait_s(2, rate, PICK_S), waits.mean())
    assert inside(erlang_c(2, rate * PICK_S), waits.share_waiting())
    # The run is long enough to tell that from a picker too many, and from picks 5 % longer.
    assert not inside(mmc_wait_s(3, rate, PICK_S), waits.mean())
    assert not inside(mmc_wait_s(2, rate, 1.05 * PICK_S), waits.mean())
    assert not inside(erlang_c(2, rate * 1.05 * PICK_S), waits.share_waiting())


def lognormal_moments(sigma: float) -> tuple[float, float]:
    """Return E[X] and E[X^2] of a log-normal factor of median 1, held between 1/3 and 3."""
    low, high = log(1 / 3) / sigma, log(3) / sigma

    def moment(k: int) -> float:
        between = stats.norm.cdf(high - k * sigma) - stats.norm.cdf(low - k * sigma)
        ends = (1 / 3) ** k * stats.norm.cdf(low) + 3**k * stats.norm.sf(high)
        return float(exp(k * k * sigma * sigma / 2) * between + ends)

    return moment(1), moment(2)


def test_one_picker_with_log_normal_picks_is_an_mg1_queue() -> None:
    sigma = 0.6
    first, second = lognormal_moments(sigma)
    rate = 0.4 / PICK_S
    waits = served(1, rate, picking("lognormal", sigma), orders=300, seed=0)
    expected = mg1_wait_s(rate, first * PICK_S, second * PICK_S**2)
    assert inside(expected, waits.mean())
    # P(wait) of M/G/1 is the load, whatever the distribution.
    assert inside(rate * first * PICK_S, waits.share_waiting())
    # Told from fixed picks of the same mean, from exponential ones, and from 5 % longer ones.
    mean_s = first * PICK_S
    assert not inside(mg1_wait_s(rate, mean_s, mean_s**2), waits.mean())
    assert not inside(mg1_wait_s(rate, mean_s, 2 * mean_s**2), waits.mean())
    assert not inside(mg1_wait_s(rate, 1.05 * mean_s, second * (1.05 * PICK_S) ** 2), waits.mean())


# --- through the whole engine --------------------------------------------------------------------


def collected(
    helsinki: City, friday: Scenario, roads: NetworkTravelTimes, hours: int, seed: int
) -> NDArray[np.float64]:
    """Return the waits of customers of one store with two pickers, who all collect.

    Picks take a minute, and each picker is busy 60 % of the time: 2 * 0.6 * 60 clicks an hour.
    """
    shop = next(one for one in helsinki.stores if one.opening_hours == "24/7")
    scenario = replace(
        friday,
        family="one store",
        demand=DemandSettings(
            per_hour=(72.0,) * 24, weekday_factor=(1.0,) * 7, collection_share=1.0
        ),
        stores={
            shop.kind: StoreSettings(
                pickers=(2,) * 24,
                pick_base_s=60,
                pick_line_s=0,
                reach_s=36_000,
                assortment=1.0,
                stock_mean=1e6,
                sold_out_share=0.0,
            )
        },
        picking=picking("exponential"),
        customers=replace(
            friday.customers, cancel_share=0.0, collect_after_s=(0, 0), given_up_after_s=0
        ),
        couriers=(),
        planning=PlanningSettings(pause_s=HOUR_S),
    )
    policy = Policy(
        promise_max_s=10**6, replan_every_s=HOUR_S, stall_after_s=0, slot_s=0, slots_ahead=0
    )
    simulation = Simulation(
        scenario, replace(helsinki, stores=(shop,)), seed=seed, policy=policy, travel=roads
    )
    start = simulation.world.starts_at
    simulation.world.end_demand(start + hours * HOUR_S)
    simulation.drain(start + (hours + 6) * HOUR_S)
    clicked, begun = {}, {}
    for recorded in simulation.log.events:
        if isinstance(recorded.event, e.OrderReceived):
            clicked[recorded.event.order.order_id] = recorded.event.order.created_at
        elif isinstance(recorded.event, e.PickStarted):
            begun[recorded.event.order_id] = recorded.event.occurred_at
    assert clicked.keys() == begun.keys()
    return np.array([begun[key] - at for key, at in clicked.items()], dtype=float)


def by_batches(waits_s: NDArray[np.float64], batches: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean by batches of orders that follow one another."""
    whole = len(waits_s) // batches * batches
    return interval(waits_s[:whole].reshape(batches, -1).mean(axis=1))


def test_a_store_of_the_whole_engine_is_an_mmc_queue(
    helsinki: City, friday: Scenario, roads: NetworkTravelTimes
) -> None:
    waits_s = collected(helsinki, friday, roads, hours=6, seed=1)
    bounds = by_batches(waits_s, 10)
    # As above, 0.5625 picks of a minute; with three pickers it would be 0.046 of one.
    assert inside(mmc_wait_s(2, 0.02, 60), bounds)
    assert not inside(mmc_wait_s(3, 0.02, 60), bounds)


@pytest.mark.soak
def test_a_store_of_the_whole_engine_is_an_mmc_queue_to_a_tenth(
    helsinki: City, friday: Scenario, roads: NetworkTravelTimes
) -> None:
    runs = [collected(helsinki, friday, roads, hours=12, seed=seed)[40:] for seed in range(20)]
    bounds = interval(np.array([waits_s.mean() for waits_s in runs]))
    assert inside(mmc_wait_s(2, 0.02, 60), bounds)
    assert not inside(mmc_wait_s(2, 0.02, 63), bounds)
