"""The quotes' benchmark at a small moment, and what quotes may hang on: the state and the time."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from itertools import islice

import pytest

from dispatch import commands as c
from dispatch.engine import Engine
from dispatch.errors import DispatchError, RefusedError
from dispatch.events import Event, QuoteGiven
from dispatch.model import Reason
from dispatch.records import ControlKind
from simulations.benchmarks import quote_cli
from simulations.benchmarks.evening_town import Setting, evening
from simulations.benchmarks.quote import TooFewOrdersError, busy, measured, run
from simulations.loop import MemoryLog, SimClock, Simulation
from simulations.rng import Streams
from simulations.worlds.demand import Ask, Demand

ORDERS = 15
SETTING = (150, 12, 500.0, 1)


@pytest.fixture(scope="module")
def setting() -> Setting:
    return evening(*SETTING)


def asks(setting: Setting, simulation: Simulation, count: int) -> list[Ask]:
    demand = Demand(setting.scenario, setting.city.doors, setting.city.time_zone, Streams(9))
    return list(islice(demand.between(simulation.now), count))


def question(ask: Ask) -> c.RequestQuote:
    return c.RequestQuote(
        door=ask.door, address=ask.address, lines=ask.lines, weight_g=ask.weight_g
    )


def never_asked(engine: Engine, simulation: Simulation) -> Engine:
    """Return an engine that knows the same and was not asked anything yet."""
    clock = SimClock(engine.clock.now())
    log = MemoryLog(engine.state.zone_id, simulation.log.events)
    zone_id, zone = engine.state.zone_id, engine.time_zone
    twin = Engine(zone_id, clock, engine.travel, log, engine.policy, zone, engine.seed)
    twin.positions.update(engine.positions)
    return twin


def said(engine: Engine, ask: Ask) -> Event | str:
    try:
        return engine.handle(question(ask))[0].event
    except DispatchError as error:
        return str(error)


def test_what_a_quote_says_hangs_on_the_present_alone(setting: Setting) -> None:
    simulation = busy(setting, ORDERS, seed=1)
    engine, clock = simulation.engine, simulation.clock
    wanted = iter(asks(setting, simulation, 60))
    first = next(wanted)
    stores = sorted(engine.state.stores)

    def place() -> None:
        given = said(engine, first)
        assert isinstance(given, QuoteGiven)
        ask = next(wanted)
        engine.handle(
            c.PlaceOrder(
                external_id="one-more",
                door=ask.door,
                address=ask.address,
                lines=ask.lines,
                weight_g=ask.weight_g,
                occurred_at=clock.now(),
            )
        )

    def sell_out() -> None:
        given = said(engine, first)
        assert isinstance(given, QuoteGiven)
        assert given.quote.store_id is not None
        engine.handle(c.SetStock(given.quote.store_id, {first.lines[0].sku: 0}))

    def see() -> None:
        for number, courier in enumerate(sorted(engine.state.couriers)):
            door = setting.city.stores[number].location
            engine.report_position(courier, door, clock.now() + 60)

    def control(kind: ControlKind, minutes: int, store_ids: tuple[str, ...]) -> None:
        until = clock.now() + 3600
        engine.handle(c.SetControl(kind, 60 * minutes, store_ids, "ida", "rain", until))

    changes: list[Callable[[], object]] = [
        lambda: None,
        see,
        lambda: clock.advance(clock.now() + 1),
        sell_out,
        place,
        lambda: [engine.handle(c.PauseStore(key, "full")) for key in stores[:20]],
        engine.replan,
        lambda: clock.advance(clock.now() + 240),
        lambda: control(ControlKind.PROMISE, 10, tuple(stores[:30])),
        lambda: control(ControlKind.RADIUS, 7, ()),
    ]
    answers: set[str] = set()
    for change in changes:
        change()
        for ask in (first, next(wanted), next(wanted), first):
            twin = never_asked(engine, simulation)
            found = said(engine, ask)
            assert found == said(twin, ask)
            answers.add(repr(found))
    # The changes did change something.
    assert len(answers) > 2 * len(changes)


def test_what_was_sold_out_a_moment_ago_is_not_promised(setting: Setting) -> None:
    simulation = busy(setting, ORDERS, seed=1)
    engine = simulation.engine
    ask = asks(setting, simulation, 1)[0]
    assert isinstance(said(engine, ask), QuoteGiven)
    for store_id in engine.state.stores:
        engine.handle(c.SetStock(store_id, {ask.lines[0].sku: 0}))
    with pytest.raises(RefusedError) as refused:
        engine.handle(question(ask))
    assert refused.value.reason is Reason.NO_STOCK


def test_quotes_are_timed_beside_two_peers_and_are_the_same() -> None:
    found = measured(ORDERS, 12, 500.0, quotes=6, seed=1, plan_s=0.0)
    assert found.orders >= ORDERS
    assert (found.couriers, found.stores) == (12, 40)
    assert [kind.count for kind in found.kinds] == [6] * 4
    assert all(0 < kind.p50_ms <= kind.p90_ms <= kind.p99_ms for kind in found.kinds)
    assert found.different == 0
    assert found.promised > 0.5


def test_figures_are_printed_and_a_plan_is_priced(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    quote_cli.add_quote(parser.add_subparsers())
    given = f"--orders {ORDERS} --couriers 12 --per-hour 500 --quotes 2 --plan-seconds 0.3 --json"
    assert run(parser.parse_args(["quote", *given.split()])) == 0
    out = capsys.readouterr().out
    figures = json.loads(out.splitlines()[-1])
    assert figures["plan"]["gap"] >= 0
    assert figures["plan"]["best"]["cost"] <= figures["plan"]["soon"]["cost"]
    for name in ("nothing changed", "changed before each", "without a standing plan", "nearest"):
        assert name in out


def test_an_evening_that_is_never_so_busy_is_refused() -> None:
    with pytest.raises(TooFewOrdersError, match="never has 9 open orders"):
        busy(evening(8, 12, 500.0, 1), 9, seed=1)
