"""Evenings on which everything goes wrong at once, with the engine in charge."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest
from lived import TOP_SPEED_M_S, check_endings
from quiet_town import MINUTE_S, metres

from dispatch import events as e
from dispatch.model import Mode, Pause, Policy
from geo.city import City, load_city
from geo.travel import NetworkTravelTimes
from geo.types import LonLat
from simulations.loop import Simulation
from simulations.scenarios.settings import ClosureSettings, MishapSettings, Scenario, Surge
from simulations.worlds.courier_trips import Trip
from simulations.worlds.couriers import Agent
from simulations.worlds.world import World

HOUR_S = 3600

QUICK = Policy(routing_min_orders=1_000_000, improve_rounds=5)

STEP_S = 2


def noisy(scenario: Scenario, city: City) -> Scenario:
    """Return the scenario with all mishaps, rain, rush hour and a closed street."""

    def after(minutes: int) -> dt.datetime:
        return scenario.starts_at + dt.timedelta(minutes=minutes)

    middle = city.stores[3].location
    wet = {Mode.BIKE: 1.4, Mode.CARGO_BIKE: 1.5, Mode.WALK: 1.1, Mode.SCOOTER: 1.2}
    return replace(
        scenario,
        customers=replace(scenario.customers, cancel_share=0.15, nobody_home_share=0.15),
        travel=replace(
            scenario.travel,
            decline_share=0.05,
            per_hour=tuple(1.6 if 16 <= hour < 18 else 1.0 for hour in range(24)),
            foreseen=0.5,
        ),
        couriers=tuple(
            replace(
                courier,
                takes_offers=index % 2 == 0,
                accept_share=0.8,
                ignore_share=0.1,
                break_after_s=5700 + 300 * index,
                break_s=300,
            )
            for index, courier in enumerate(scenario.couriers)
        ),
        mishaps=MishapSettings(
            absent_share=0.15,
            late_share=0.3,
            breakdowns_per_hour=1.2,
            repair_s=(300, 900),
            lost_share=0.3,
            signal_losses_per_hour=6.0,
        ),
        surges=(Surge("rain", after(4), after(10), pace=wet, foreseen=0.5),),
        closures=(ClosureSettings("market", after(3), after(12), middle, 150, told_after_s=120),),
    )


@pytest.fixture(scope="module")
def unlucky(friday: Scenario, helsinki: City) -> Scenario:
    return noisy(friday, helsinki)


@pytest.fixture(scope="module")
def evening(unlucky: Scenario, helsinki: City) -> Simulation:
    """Return twelve minutes of orders, and everything after it until all are home."""
    simulation = Simulation(unlucky, helsinki, policy=QUICK)
    start = simulation.world.starts_at
    simulation.world.end_demand(start + 12 * MINUTE_S)
    simulation.drain(start + 4 * HOUR_S)
    return simulation


def test_every_order_ends_exactly_once_whatever_goes_wrong(evening: Simulation) -> None:
    check_endings(evening)


def test_everything_that_can_go_wrong_did(evening: Simulation) -> None:
    kinds = Counter(type(recorded.event) for recorded in evening.log.events)
    for kind in (
        e.OfferAccepted,
        e.OfferLapsed,
        e.StopDeclined,
        e.BreakStarted,
        e.CourierStranded,
        e.CourierRecovered,
        e.WorkTakenIn,
        e.DeliveryFailed,
        e.StreetClosed,
        e.StreetReopened,
    ):
        assert kinds[kind] > 0, kind
    stranded = [r.event for r in evening.log.events if isinstance(r.event, e.CourierStranded)]
    assert any(event.order_ids for event in stranded)


def test_breaks_begin_by_themselves_when_they_are_due_and_nobody_carries_anything(
    evening: Simulation,
) -> None:
    planned: dict[str, Pause | None] = {}
    bags: dict[str, set[str]] = {}
    begun: list[int] = []
    for recorded in evening.log.events:
        match recorded.event:
            case e.ShiftStarted(courier_id=who, pause=pause):
                planned[who] = pause
            case e.ParcelPickedUp(courier_id=who, order_id=order_id):
                bags.setdefault(who, set()).add(order_id)
            case (
                e.OrderDelivered(courier_id=who, order_id=order_id)
                | e.ParcelReturned(courier_id=who, order_id=order_id)
            ):
                bags[who].discard(order_id)
            case e.CourierStranded(courier_id=who):
                bags[who] = set()
            case e.BreakStarted(courier_id=who, occurred_at=at, ends_at=ends_at):
                pause = planned.pop(who)
                assert pause is not None
                assert at >= pause.earliest
                assert ends_at - at == pause.duration_s
                assert not bags.get(who)
                begun.append(at)
            case _:
                pass
    assert len(begun) > 3
    # One after the other, not all at once.
    assert len(set(begun)) > len(begun) / 2


def test_every_stranded_courier_works_again(evening: Simulation) -> None:
    for courier in evening.engine.state.couriers.values():
        assert courier.stranded is None or courier.courier.courier_id in _still_broken(evening)
        assert courier.on_board == ()


def _still_broken(simulation: Simulation) -> set[str]:
    agents = simulation.world._fleet._agents
    return {key for key, agent in agents.items() if agent.broken is not None}


def test_the_engine_refuses_only_what_came_too_late(evening: Simulation) -> None:
    # A courier without signal takes an offer, or a customer cancels, after all is decided.
    assert set(evening.world.refusals) <= {
        "AcceptOffer offer_expired",
        "CancelOrder wrong_state",
    }


def test_a_world_that_hears_the_log_again_is_the_same_world(
    unlucky: Scenario, helsinki: City
) -> None:
    simulation = Simulation(unlucky, helsinki, policy=QUICK)
    start = simulation.world.starts_at
    for after_s in (305, 433, 561, 689, 817):
        simulation.run(start + after_s)
        again = World(unlucky, helsinki, NetworkTravelTimes(helsinki.network))
        again.catch_up(simulation.log.events, simulation.now)
        assert again.describe() == simulation.world.describe()
        assert again.next_at() == simulation.world.next_at()
        now = [s for s in simulation.world.positions(simulation.now) if s.at == simulation.now]
        assert again.positions(simulation.now) == now


def test_the_same_seed_gives_the_same_log_bit_for_bit(unlucky: Scenario, helsinki: City) -> None:
    runs = []
    for _ in range(2):
        simulation = Simulation(unlucky, helsinki, policy=QUICK)
        simulation.run(simulation.world.starts_at + 7 * MINUTE_S)
        runs.append(repr(simulation.log.events))
    assert runs[0] == runs[1]


def test_two_policies_face_the_same_mishaps(unlucky: Scenario, helsinki: City) -> None:
    hasty = replace(QUICK, name="hasty", departure_lead_s=300, waiting_cost=5.0)
    worlds = []
    for policy in (QUICK, hasty):
        simulation = Simulation(unlucky, helsinki, policy=policy)
        start = simulation.world.starts_at
        before = {key: agent.breakdowns for key, agent in _agents(simulation, start + 1).items()}
        simulation.run(start + 6 * MINUTE_S)
        agents = _agents(simulation, simulation.now)
        gaps = {key: (agent.shift, agent.gaps) for key, agent in agents.items()}
        streets = simulation.world._around.streets
        paces = [streets.at(start + 60 * minute).version for minute in range(20)]
        worlds.append((before, gaps, paces))
        assert any(one for one, _ in gaps.values())
    assert worlds[0] == worlds[1]


def _agents(simulation: Simulation, until: int) -> dict[str, Agent]:
    simulation.run(until)
    return simulation.world._fleet.describe()


def check_moves(simulation: Simulation, for_s: int) -> int:
    """Run on and hold that nobody leaps; returns how many ways were gone.

    Of every courier, seen or not: from one moment to the next no farther than the mode's top
    speed takes them, and along each way no farther than the way is long.
    """
    agents = simulation.world._fleet._agents
    until = simulation.now + for_s
    last: dict[str, tuple[LonLat, Trip | None]] = {}
    gone_m: Counter[tuple[str, int]] = Counter()
    ways: dict[tuple[str, int], Trip] = {}
    while simulation.now < until:
        simulation.run(simulation.now + STEP_S)
        for courier_id, agent in agents.items():
            here, trip = agent.place_at(simulation.now), agent.trip
            if not agent.is_out(simulation.now):
                last.pop(courier_id, None)
                continue
            if courier_id not in last:
                assert here == agent.courier.home
            before, on = last.get(courier_id, (here, None))
            step_m = metres(before, here)
            # Points of a way have whole seconds: one of them may be rounded either way.
            assert step_m <= (STEP_S + 1) * TOP_SPEED_M_S[agent.courier.mode]
            if trip is not None and trip is on:
                key = (courier_id, id(trip))
                ways[key] = trip
                gone_m[key] += step_m
            last[courier_id] = (here, trip)
    for key, trip in ways.items():
        assert gone_m[key] <= 1.02 * trip.road.length_m + 20
        fastest = 1 / TOP_SPEED_M_S[agents[key[0]].courier.mode]
        assert trip.arrive_at - trip.started_at >= trip.road.length_m * fastest - 1
    return len(ways)


def test_couriers_never_leap_whatever_goes_wrong(unlucky: Scenario, helsinki: City) -> None:
    simulation = Simulation(unlucky, helsinki, policy=QUICK)
    assert check_moves(simulation, 14 * MINUTE_S) > 8


@pytest.mark.soak
@pytest.mark.parametrize("name", ["helsinki", "la-serena"])
def test_a_whole_hour_of_mishaps_in_both_cities(name: str, friday: Scenario) -> None:
    city = load_city(name)
    scenario = replace(noisy(friday, city), city=name)
    # Orders that every courier on shift has had and lost wait for the next day's couriers.
    mishaps = replace(scenario.mishaps, breakdowns_per_hour=0.3)
    scenario = replace(scenario, mishaps=mishaps)
    if name == "la-serena":
        scenario = replace(
            scenario,
            stores=dict.fromkeys({s.kind for s in city.stores}, friday.stores["supermarket"]),
        )
    simulation = Simulation(scenario, city, policy=QUICK)
    assert check_moves(simulation, HOUR_S) > 40
    simulation.world.end_demand(simulation.now)
    simulation.drain(simulation.now + 4 * HOUR_S)
    check_endings(simulation)
