"""An evening on which everything that a scenario can say happens often, through the engine."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dispatch import events as e
from dispatch.codec import to_rfc3339
from dispatch.model import Policy
from geo.city import City
from geo.travel import NetworkTravelTimes
from simulations.client import Client, http_client
from simulations.live import LiveWorld
from simulations.loop import Simulation
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import Scenario, StoreClosure, Surge, Tier
from simulations.service import ServiceOptions, ServiceProcess
from simulations.worlds.demand import Demand
from simulations.worlds.world import World

MINUTE_S = 60
HOUR_S = 3600
QUICK = Policy(improve_rounds=5, routing_min_orders=1_000_000)
OTHER = replace(QUICK, name="other", waiting_cost=0.0, promise_margin_s=1200, replan_every_s=60)
CLICKS_S = 20 * MINUTE_S
FIRE = "Lidl"
FIRE_AFTER_S = 10 * MINUTE_S
IN_A_STORE = (e.PickStarted, e.PickCompleted, e.OrderCollected, e.ParcelPickedUp)
HAPPENINGS = (
    "QuoteGiven",
    "OrderRefused",
    "LineShort",
    "SubstitutionOffered",
    "SubstitutionAnswered",
    "CustomerArrived",
    "OrderCollected",
    "OrderNotCollected",
    "StorePaused",
    "OrderCancelled",
)


@pytest.fixture(scope="module")
def unruly() -> Scenario:
    """Return a Tuesday on which a store burns, and everybody does what people do, often."""
    tuesday = load_scenario("helsinki-tuesday")
    starts_at = tuesday.starts_at
    return replace(
        tuesday,
        demand=replace(
            tuesday.demand,
            tiers=(Tier("15m", 0.3), Tier("30m", 0.3), Tier("60m", 0.2), Tier(None, 0.2)),
            collection_share=0.2,
            curbside_share=0.15,
            quote_share=0.5,
            quote_leave_share=0.3,
        ),
        customers=replace(
            tuesday.customers,
            cancel_share=0.08,
            nobody_home_share=0.1,
            no_show_share=0.2,
            collect_after_s=(60, 600),
            given_up_after_s=900,
        ),
        picking=replace(tuesday.picking, short_share=0.1),
        mishaps=replace(tuesday.mishaps, absent_share=0.0, breakdowns_per_hour=0.3),
        surges=(Surge("rain", starts_at, starts_at + dt.timedelta(minutes=20), demand=1.4),),
        store_closures=(
            StoreClosure(
                FIRE,
                starts_at + dt.timedelta(seconds=FIRE_AFTER_S),
                starts_at + dt.timedelta(hours=14),
                told_after_s=180,
                loses_stock=True,
            ),
        ),
    )


def begun(scenario: Scenario, city: City, policy: Policy) -> Simulation:
    return Simulation(
        scenario, city, policy=policy, travel=NetworkTravelTimes(city.network), seed=2
    )


def drained(simulation: Simulation) -> Simulation:
    """Return some minutes of orders, and everything after them until all have ended."""
    start = simulation.world.starts_at
    simulation.world.end_demand(start + CLICKS_S)
    simulation.drain(start + 4 * HOUR_S)
    return simulation


@dataclass(frozen=True)
class Middle:
    """What a world was in the middle of an evening, and what it had heard."""

    now: int
    heard: list[e.Recorded]
    world: dict[str, object]


@pytest.fixture(scope="module")
def both(unruly: Scenario, helsinki: City) -> tuple[Middle, Simulation]:
    """Return an evening four minutes into the fire, of which operations know, and at its end."""
    simulation = begun(unruly, helsinki, QUICK)
    simulation.run(simulation.world.starts_at + FIRE_AFTER_S + 4 * MINUTE_S)
    heard = list(simulation.log.events)
    middle = Middle(simulation.now, heard, deepcopy(simulation.world.describe()))
    return middle, drained(simulation)


@pytest.fixture(scope="module")
def evening(both: tuple[Middle, Simulation]) -> Simulation:
    return both[1]


def test_hearing_the_log_again_in_the_middle_brings_everybody_back(
    both: tuple[Middle, Simulation], unruly: Scenario, helsinki: City
) -> None:
    middle, _ = both
    again = World(unruly, helsinki, NetworkTravelTimes(helsinki.network), seed=2)
    again.catch_up(middle.heard, middle.now)
    assert again.describe() == middle.world


def kinds(simulation: Simulation) -> Counter[str]:
    return Counter(type(recorded.event).__name__ for recorded in simulation.log.events)


def test_whatever_happens_every_order_ends_exactly_once(evening: Simulation) -> None:
    ends: Counter[str] = Counter()
    received: set[str] = set()
    failed: set[str] = set()
    for recorded in evening.log.events:
        match recorded.event:
            case e.OrderReceived(order=order):
                received.add(order.order_id)
            case e.DeliveryFailed(order_id=order_id):
                failed.add(order_id)
            case (
                e.OrderDelivered(order_id=order_id)
                | e.OrderCollected(order_id=order_id)
                | e.OrderNotCollected(order_id=order_id)
                | e.OrderCancelled(order_id=order_id)
            ):
                ends[order_id] += 1
            case e.ParcelReturned(order_id=order_id) if order_id in failed:
                ends[order_id] += 1
            case _:
                pass
    assert len(received) > 25
    assert set(ends) == received
    assert set(ends.values()) == {1}
    assert not evening.engine.state.orders
    assert not evening.world.is_clicking
    assert not evening.world.lost_clicks


def test_everything_that_can_happen_did(evening: Simulation) -> None:
    found = kinds(evening)
    for event in HAPPENINGS:
        assert found[event] > 0, event


def test_stores_and_counters_ask_nothing_that_the_engine_must_refuse(evening: Simulation) -> None:
    refused = {refusal.split(" ")[0] for refusal in evening.world.refusals}
    assert refused <= {"RequestQuote", "CancelOrder", "AnswerSubstitution", "AcceptOffer"}


def test_nobody_picks_or_hands_over_in_the_burning_store(
    evening: Simulation, helsinki: City
) -> None:
    (burning,) = [store.store_id for store in helsinki.stores if store.name == FIRE]
    shut_at = evening.world.starts_at + FIRE_AFTER_S
    before = 0
    for recorded in evening.log.events:
        event = recorded.event
        if isinstance(event, IN_A_STORE) and event.store_id == burning:
            assert event.occurred_at <= shut_at
            before += 1
    assert before > 0


def wanted(simulation: Simulation) -> dict[str, tuple[object, ...]]:
    """Return the door and basket of each customer who was promised something."""
    return {
        str(recorded.event.order.external_id): (
            recorded.event.order.door,
            recorded.event.order.lines,
            recorded.event.order.weight_g,
            recorded.event.order.fulfilment,
        )
        for recorded in simulation.log.events
        if isinstance(recorded.event, e.OrderReceived) and recorded.event.order.part_of is None
    }


def picks(simulation: Simulation) -> dict[tuple[str, str], int]:
    """Return how long the pick of each customer's order took in which store."""
    customers: dict[str, str] = {}
    began: dict[str, int] = {}
    took: dict[tuple[str, str], int] = {}
    for recorded in simulation.log.events:
        match recorded.event:
            case e.OrderReceived(order=order):
                customers[order.order_id] = str(order.external_id)
            case e.PickStarted(order_id=order_id, occurred_at=at):
                began[order_id] = at
            case e.SubstitutionOffered(order_id=order_id):
                # Then it depends on what that store had on its shelves at that moment.
                began.pop(order_id, None)
            case e.PickCompleted(order_id=order_id, store_id=store_id, occurred_at=at):
                if order_id in began:
                    took[customers[order_id], store_id] = at - began[order_id]
            case _:
                pass
    return took


def test_another_policy_and_a_smaller_fleet_face_the_same_evening(
    evening: Simulation, unruly: Scenario, helsinki: City
) -> None:
    fewer = replace(unruly, couriers=unruly.couriers[:6])
    other = drained(begun(fewer, helsinki, OTHER))
    first, second = wanted(evening), wanted(other)
    both = set(first) & set(second)
    assert len(both) > 20
    assert all(first[customer] == second[customer] for customer in both)
    world = evening.world
    demand = Demand(unruly, helsinki.doors, helsinki.time_zone, world.streams)
    clicks = demand.between(world.starts_at, world.starts_at + CLICKS_S)
    assert set(first) | set(second) <= {ask.external_id for ask in clicks}
    first_picks, second_picks = picks(evening), picks(other)
    alike = set(first_picks) & set(second_picks)
    assert len(alike) > 10
    assert all(first_picks[key] == second_picks[key] for key in alike)


async def _live(scenario: Scenario, city: City, folder: Path) -> tuple[Counter[str], World]:
    """Let the same evening happen on a service; returns what happened, and the world."""
    starts_at = scenario.start(city.time_zone)
    options = ServiceOptions("helsinki", folder, 0, to_rfc3339(starts_at - 60), 60, 1)
    service = ServiceProcess(options)
    try:
        address = await service.ready(lambda: False, None)
        assert address is not None
        async with http_client(address) as http:
            world = World(scenario, city, NetworkTravelTimes(city.network), seed=2)
            client = Client(http)
            live = LiveWorld(world, client, "helsinki")
            await live.join()
            world.end_demand(starts_at + CLICKS_S)
            ends_at = starts_at + 2 * HOUR_S
            async with asyncio.timeout(240):
                await live.run(lambda: live.clock.now() > ends_at)
            events: Counter[str] = Counter()
            while page := await client.events("helsinki", sum(events.values()), 0):
                events.update(type(recorded.event).__name__ for recorded in page)
            return events, world
    finally:
        service.stop()


@pytest.mark.soak
def test_everything_happens_over_http_too(unruly: Scenario, helsinki: City, tmp_path: Path) -> None:
    events, world = asyncio.run(_live(unruly, helsinki, tmp_path))
    for event in HAPPENINGS:
        assert events[event] > 0, event
    refused = {refusal.split(" ")[0] for refusal in world.refusals}
    assert not refused & {
        "ReportShort",
        "CollectOrder",
        "ArriveToCollect",
        "PauseStore",
        "SetStock",
    }
