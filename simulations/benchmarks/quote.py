"""`samehour bench quote`: what a quote takes in the engine, beside two peers.

Each round asks four questions in turn of one and the same engine, so that what else the machine
does counts for all of them: after a change, with nothing changed, the same without a standing
plan, and a rule of thumb that looks at no plan at all.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Final, TypeVar

import numpy as np

from dispatch import events as e
from dispatch.asking import candidacy
from dispatch.commands import RequestQuote, SetStock
from dispatch.engine import Engine
from dispatch.errors import DispatchError
from dispatch.goods import Goods
from dispatch.model import Order, Snapshot
from dispatch.planning.quote import Offer
from dispatch.planning.quote import quote as quote_afresh
from dispatch.planning.warming import warm_up
from geo.errors import GeoError
from simulations.benchmarks.evening_town import Setting, evening
from simulations.benchmarks.tick_contest import efforts
from simulations.errors import ScenarioError
from simulations.loop import SimClock, Simulation
from simulations.rng import Streams
from simulations.worlds.demand import Ask, Demand

STANDING: Final = "nothing changed"
CHANGED: Final = "changed before each"
AFRESH: Final = "without a standing plan"
NEAREST: Final = "nearest store, nearest courier"

SOON_S: Final = 0.3
"""What a plan may take between two decisions of a busy zone."""

_Said = TypeVar("_Said")

_ASKING_SEED: Final = 99
_WARM_UP: Final = 10
_STEP_S: Final = 60
_TICK_EVERY: Final = 5
_CLICKED_LONGER: Final = 10
"""So many times more clicks than open orders are drawn at most."""

_WRONG_INPUT: Final = 2
_DIFFERENT: Final = 1


class TooFewOrdersError(Exception):
    """An evening that never has so many open orders."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How long questions of one kind took, in milliseconds: wall time, and the processor's."""

    name: str
    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    processor_p50_ms: float
    processor_p99_ms: float


@dataclass(frozen=True, slots=True)
class Reached:
    """A plan: how long it took, what it costs, and how many orders it has on no route."""

    took_s: float
    cost: float
    unassigned: int


@dataclass(frozen=True, slots=True)
class Planned:
    """What plans of a moment cost.

    Attributes
    ----------
    gap
        In cost of the best plan within `SOON_S` over the best of all, as a share.
    soon, best
        Those two.
    reached
        After ever longer searches.
    """

    gap: float
    soon: Reached
    best: Reached
    reached: tuple[Reached, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """What came of it.

    Attributes
    ----------
    promised
        Share of questions that had an offer.
    different
        Answers of the standing plan that differ from those without one.
    """

    orders: int
    couriers: int
    stores: int
    kinds: tuple[Kind, ...]
    promised: float
    different: int
    plan: Planned | None


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; returns 0, 1 when answers differ, 2 for wrong input."""
    try:
        found = measured(
            arguments.orders,
            arguments.couriers,
            arguments.per_hour,
            arguments.quotes,
            arguments.seed,
            arguments.plan_seconds,
        )
    except (GeoError, ScenarioError, TooFewOrdersError) as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _WRONG_INPUT
    sys.stdout.write(told(found))
    if arguments.json:
        sys.stdout.write(json.dumps(asdict(found)) + "\n")
    return _DIFFERENT if found.different else 0


def measured(
    orders: int, couriers: int, per_hour: float, quotes: int, seed: int, plan_s: float
) -> Quoted:
    """Ask for quotes at a busy moment; raises `TooFewOrdersError` where there is none."""
    warm_up()
    setting = evening(_CLICKED_LONGER * orders, couriers, per_hour, seed)
    simulation = busy(setting, orders, seed)
    engine, clock = simulation.engine, simulation.clock
    made_for = engine.snapshot()
    asks = _asks(setting, clock.now(), _WARM_UP + 2 * quotes)
    asking = _Asking(engine, clock)
    for ask in asks[:_WARM_UP]:
        asking.round(ask, ask)
    asking.took = {name: [] for name in asking.took}
    asking.promised = asking.different = 0
    for first, second in zip(asks[_WARM_UP::2], asks[_WARM_UP + 1 :: 2], strict=True):
        asking.round(first, second)
    return Quoted(
        orders=len(made_for.orders),
        couriers=len(made_for.couriers),
        stores=len(made_for.stores),
        kinds=tuple(_kind(name, took) for name, took in asking.took.items()),
        promised=asking.promised / quotes,
        different=asking.different,
        plan=_planned(made_for, plan_s) if plan_s > 0 else None,
    )


def busy(setting: Setting, orders: int, seed: int) -> Simulation:
    """Return an evening at the moment when so many orders are open."""
    simulation = Simulation(
        setting.scenario,
        setting.city,
        seed=seed,
        policy=setting.policy,
        demand_until=setting.ends_at,
    )
    while len(simulation.engine.state.orders) < orders:
        if simulation.now >= setting.ends_at:
            raise TooFewOrdersError(
                f"the evening never has {orders} open orders: give it more clicks with "
                "--per-hour or fewer couriers with --couriers"
            )
        simulation.run(simulation.now + _STEP_S)
    return simulation


def _asks(setting: Setting, now: int, count: int) -> list[Ask]:
    streams = Streams(_ASKING_SEED)
    demand = Demand(setting.scenario, setting.city.doors, setting.city.time_zone, streams)
    return list(islice(demand.between(now), count))


class _Asking:
    """Asks every kind of question, round by round."""

    def __init__(self, engine: Engine, clock: SimClock) -> None:
        self.took: dict[str, list[tuple[float, float]]] = {
            name: [] for name in (STANDING, CHANGED, AFRESH, NEAREST)
        }
        self.promised = self.different = 0
        self._engine = engine
        self._clock = clock
        self._rounds = 0

    def round(self, first: Ask, second: Ask) -> None:
        """Change something and ask, then ask on, in all ways."""
        self._change(first)
        self._timed(CHANGED, lambda: self._quoted(first))
        said = self._timed(STANDING, lambda: self._quoted(second))
        asked = _order(self._engine, second, said)
        afresh = self._timed(AFRESH, lambda: _afresh(self._engine, asked))
        self._timed(NEAREST, lambda: nearest(self._engine, asked))
        self.promised += said is not None
        offer = afresh if isinstance(afresh, Offer) else None
        mine = None if said is None else (said.quote.eta, said.quote.store_id, said.quote.promise)
        its = None if offer is None else (offer.eta, offer.store_id, offer.promise)
        # What comes in parts, or in a later slot only, is not the planner's to say.
        whole = said is None or not (said.quote.parcels or said.quote.eta is None)
        self.different += whole and mine != its

    def _change(self, ask: Ask) -> None:
        """Let a courier be seen elsewhere, a store count its shelf, and now and then time pass."""
        engine, self._rounds = self._engine, self._rounds + 1
        if self._rounds % _TICK_EVERY == 0:
            self._clock.advance(self._clock.now() + 1)
        state = engine.state
        courier = sorted(state.couriers)[self._rounds % len(state.couriers)]
        engine.report_position(courier, ask.door, self._clock.now() + 1)
        store_id = sorted(state.stores)[self._rounds % len(state.stores)]
        sku, pieces = next(iter(sorted(state.store(store_id).on_hand.items())))
        engine.handle(SetStock(store_id, {sku: pieces + 1}))

    def _quoted(self, ask: Ask) -> e.QuoteGiven | None:
        asked = RequestQuote(
            door=ask.door,
            address=ask.address,
            lines=ask.lines,
            weight_g=ask.weight_g,
            service_s=ask.service_s,
            volume_ml=ask.volume_ml,
            facts=ask.facts,
        )
        try:
            event = self._engine.handle(asked)[0].event
        except DispatchError:
            return None
        return event if isinstance(event, e.QuoteGiven) else None

    def _timed(self, name: str, question: Callable[[], _Said]) -> _Said:
        began, worked = time.perf_counter(), time.thread_time()
        found = question()
        worked_s = time.thread_time() - worked
        self.took[name].append((1000 * (time.perf_counter() - began), 1000 * worked_s))
        return found


def _order(engine: Engine, ask: Ask, said: e.QuoteGiven | None) -> Order:
    """Return the order that a quote was asked for."""
    goods = Goods(ask.lines, ask.facts, engine.state.catalogue)
    return Order(
        order_id="quo_asked" if said is None else said.quote.quote_id,
        created_at=engine.clock.now(),
        door=ask.door,
        address=ask.address,
        lines=ask.lines,
        weight_g=goods.weight_g(ask.weight_g),
        volume_ml=goods.volume_ml(ask.volume_ml),
        service_s=ask.service_s,
        chilled=goods.chilled,
        age_limit=goods.age_limit,
    )


def _afresh(engine: Engine, asked: Order) -> object:
    """Return what is said of an order by a snapshot and a search of its own."""
    made_for, candidate = candidacy(engine.state, engine.snapshot(asked), asked)
    return quote_afresh(made_for, candidate)


def nearest(engine: Engine, asked: Order) -> int | None:
    """Return when the nearest store with the goods and its nearest courier would be there.

    Nobody's plan or pick queue is looked at, and everybody counts as free.
    """
    state, now = engine.state, engine.clock.now()
    travel = engine.travel.pinned()
    stores = [
        store
        for store in state.stores.values()
        if not store.store.is_point
        and all(store.available(line.sku) >= line.quantity for line in asked.lines)
    ]
    crew = [
        (courier.courier.mode, engine.positions[key].place)
        for key, courier in state.couriers.items()
        if courier.on_shift(now) and key in engine.positions
    ]
    soonest: int | None = None
    for mode in sorted({mode for mode, _ in crew}):
        if not stores:
            break
        places = [place for one, place in crew if one == mode]
        counters = [store.store.location for store in stores]
        trip_s = travel.matrix(counters, [asked.door], mode, now).duration_s[:, 0]
        best = int(np.argmin(trip_s))
        come_s = int(travel.matrix(places, [counters[best]], mode, now).duration_s.min())
        store = stores[best].store
        pick_s = store.pick_base_s + store.pick_line_s * len(asked.lines)
        eta = now + max(come_s, pick_s) + int(trip_s[best])
        soonest = eta if soonest is None else min(soonest, eta)
    return soonest


def _planned(made_for: Snapshot, seconds: float) -> Planned:
    """Plan ever longer, twice: as well as it goes within `SOON_S`, and within the time given."""
    soon, late = (
        [
            Reached(took_s, plan.objective.total, len(plan.unassigned))
            for took_s, plan in efforts(made_for, limit_s)
        ]
        for limit_s in (SOON_S, seconds)
    )
    in_time = [one for one in (*soon, *late) if one.took_s <= SOON_S] or soon[:1]
    first, best = (min(found, key=_worth) for found in (in_time, (*soon, *late)))
    return Planned((first.cost - best.cost) / best.cost, first, best, tuple(late))


def _worth(reached: Reached) -> tuple[int, float]:
    return reached.unassigned, reached.cost


def _kind(name: str, took: Sequence[tuple[float, float]]) -> Kind:
    (p50, its_p50), (p90, _), (p99, its_p99) = np.percentile(took, [50, 90, 99], axis=0).tolist()
    return Kind(name, len(took), p50, p90, p99, its_p50, its_p99)


def told(found: Quoted) -> str:
    """Return it as a table."""
    width = max(len(kind.name) for kind in found.kinds)
    lines = [
        f"{found.orders} open orders, {found.couriers} couriers, {found.stores} stores",
        f"{found.kinds[0].count} questions of each kind, {100 * found.promised:.0f} % promised",
        f"{found.different} answered otherwise without a standing plan",
        f"{'ms':{width}}  {'p50':>7} {'p90':>7} {'p99':>7}   {'processor: p50':>14} {'p99':>7}",
        *(
            f"{kind.name:{width}}  {kind.p50_ms:7.2f} {kind.p90_ms:7.2f} {kind.p99_ms:7.2f}   "
            f"{kind.processor_p50_ms:14.2f} {kind.processor_p99_ms:7.2f}"
            for kind in found.kinds
        ),
    ]
    if found.plan is not None:
        lines.append("one plan of that moment, one core")
        plan = found.plan
        lines += [
            f"{one.took_s:8.2f} s  cost {one.cost:12.0f}, {one.unassigned} on no route"
            for one in plan.reached
        ]
        lines.append(
            f"after {plan.soon.took_s:.2f} s {100 * plan.gap:.2f} % dearer than the best of all, "
            f"which took {plan.best.took_s:.1f} s"
        )
    return "\n".join(lines) + "\n"
