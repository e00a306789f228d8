"""A recorded day as a world can live it under other decisions: who came, and how long things took.

What the engine decided is left out, and so is what people decided about its decisions (holds,
locks, outside couriers): both would be otherwise under another policy.  What is left out is
counted.  Orders are named by the shop's own id, or by the one they had that day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Final, NamedTuple

from dispatch import commands as c
from dispatch import events as e
from dispatch.journal import Asked, Handled, Noted, Published, StreetsChanged
from dispatch.model import Fulfilment, Order, Policy, StopKind
from dispatch.recording import Recording
from geo.city import City
from simulations.errors import ReplayError
from simulations.replays.learn import LEAST_WAY_S, learn
from simulations.replays.learned import Learned
from simulations.scenarios.settings import PlanningSettings
from simulations.worlds.happenings import Happenings

_AS_IT_WAS: Final = (
    c.RegisterStore,
    c.SetStock,
    c.PauseStore,
    c.ResumeStore,
    c.SetCatalogue,
    c.SetShelves,
    c.CorrectStock,
    c.RegisterCourier,
    c.StartShift,
    c.EndShift,
    c.TakeBreak,
    c.EndBreak,
    c.StrandCourier,
    c.RecoverCourier,
    c.CloseStreet,
    c.ReopenStreet,
    c.PlaceOrder,
    c.AcceptOrder,
    c.CancelOrder,
    c.AmendOrder,
)
"""Said again at the same time by whoever said it."""

_AGENTS_OWN: Final = (
    c.StartPick,
    c.CompletePick,
    c.ArriveAtStop,
    c.CompleteStop,
    c.FailStop,
    c.DeclineStop,
    c.AcceptOffer,
    c.TakeInWork,
    c.ArriveToCollect,
    c.CollectOrder,
    c.SignOn,
    c.AcknowledgeRoute,
)
"""What pickers, couriers and customers of the world say by themselves."""

_QUIET_PAUSE_S: Final = 5
_MOST_PAUSE_S: Final = 60


class Scripted(NamedTuple):
    """A command that is given at a time, with the ids of that day."""

    at: int
    command: c.Command


@dataclass(slots=True)
class Truth:
    """How long things took that day, in seconds, by the name of the order.

    Attributes
    ----------
    trips
        True by network times of a way, its courier's own pace taken out.
    absent
        How long a courier stood before a door that nobody opened.
    declined
        After how long a courier said that they will not do a pickup: by courier and order.
    came_at, collected
        When the customer came to collect it, and how long that took.
    """

    picks: dict[str, int] = field(default_factory=dict)
    trips: dict[tuple[str, StopKind], float] = field(default_factory=dict)
    handovers: dict[tuple[str, StopKind], int] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)
    declined: dict[tuple[str, str], int] = field(default_factory=dict)
    came_at: dict[str, int] = field(default_factory=dict)
    collected: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Day:
    """All that a world needs to live the day again.

    Attributes
    ----------
    streets
        When which version of the travel times came into force; empty without a journal.
    left_out
        Commands that are not given again, by name.
    """

    zone: str
    time_zone: str
    starts_at: int
    ends_at: int
    policy: Policy
    seed: int
    script: tuple[Scripted, ...]
    truth: Truth
    learned: Learned
    planning: PlanningSettings
    streets: tuple[tuple[int, str], ...]
    left_out: Mapping[str, int]
    orders: int
    names: Names


class Names:
    """The names of a log's orders: what the randomness and the truths about them hang on."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def hear(self, event: e.Event) -> None:
        """Learn the name of an order."""
        if isinstance(event, e.OrderReceived):
            self._names[event.order.order_id] = self._name(event.order)

    def of(self, order_id: str) -> str:
        """Return an order's name; one never heard of is called by its id."""
        return self._names.get(order_id, order_id)

    def _name(self, order: Order) -> str:
        if order.part_of is not None:
            number = order.order_id.rpartition(".")[2]
            return f"{self.of(order.part_of)}.{number}"
        return order.external_id or order.order_id


def day_of(
    recording: Recording,
    found: Happenings,
    city: City,
    policy: Policy | None = None,
    *,
    learned: Learned | None = None,
    since: int | None = None,
    until: int | None = None,
) -> Day:
    """Return a recorded day.

    Parameters
    ----------
    found
        What was forecast and what happened, by the whole log.
    policy
        What was in force, for a log that does not say.
    learned
        What the whole log teaches; None to learn it here.
    since, until
        Of the orders clicked in this span only; what was set up before is set up at its beginning.

    Raises
    ------
    ReplayError
        Nobody ordered anything in it.
    """
    names = Names()
    for recorded in recording.events:
        names.hear(recorded.event)
    left_out: Counter[str] = Counter()
    if recording.has_journal:
        told = _of_journal(recording, left_out)
    else:
        told = _Told(list(_of_events(recording.events, left_out)), PlanningSettings(), ())
    learned = learn(found, recording.where) if learned is None else learned
    begun = recording.beginnings
    starts_at, ends_at = _span(recording.events, since, until)
    script = tuple(_within(told.script, starts_at, ends_at))
    orders = sum(isinstance(one.command, c.PlaceOrder | c.AcceptOrder) for one in script)
    if not orders:
        raise ReplayError(f"nobody ordered anything in {recording.where} in that time")
    return Day(
        zone=recording.zone,
        time_zone=city.time_zone,
        starts_at=starts_at,
        ends_at=ends_at,
        policy=begun[-1].policy if begun else policy or Policy(),
        seed=begun[-1].seed if begun else 0,
        script=script,
        truth=_truth(recording.events, found, names, learned),
        learned=learned,
        planning=told.planning,
        streets=told.streets,
        left_out=dict(sorted(left_out.items())),
        orders=orders,
        names=names,
    )


# --- what was said -------------------------------------------------------------------------------


class _Told(NamedTuple):
    """What was said that day, how long plans took, and when the travel times changed to what."""

    script: list[Scripted]
    planning: PlanningSettings
    streets: tuple[tuple[int, str], ...]


def _of_journal(recording: Recording, left_out: Counter[str]) -> _Told:
    script: list[Scripted] = []
    streets: list[tuple[int, str]] = []
    took_s: list[int] = []
    pauses_s: list[int] = []
    asked_at: int | None = None
    # Once, for all that is wanted of it: a journal is long, and is read from disk.
    for noted in recording.inputs.after(0):
        match noted.entry:
            case Handled():
                script.extend(_of_command(noted, noted.entry, recording.events, left_out))
            case StreetsChanged(at=at, version=version):
                streets.append((at, version))
            case Asked(at=at):
                if asked_at is not None:
                    pauses_s.append(at - asked_at)
                asked_at = at
            case Published(at=at) if asked_at is not None:
                took_s.append(at - asked_at)
            case _:
                pass
    planning = PlanningSettings(
        base_s=float(max(1, median(took_s))) if took_s else 1.0,
        pause_s=min(_MOST_PAUSE_S, max(1, min(pauses_s, default=_QUIET_PAUSE_S))),
    )
    return _Told(script, planning, tuple(streets))


def _of_command(
    noted: Noted, handled: Handled, events: Sequence[e.Recorded], left_out: Counter[str]
) -> Iterator[Scripted]:
    command = handled.command
    if isinstance(command, c.PlaceOrder):
        name = command.external_id or _first_id(events, noted.after)
        # A quote of that day is none of today's; the window is what was wanted.
        yield Scripted(handled.at, replace(command, external_id=name, quote_id=None))
    elif isinstance(command, c.AcceptOrder):
        name = command.external_id or _first_id(events, noted.after)
        yield Scripted(handled.at, replace(command, external_id=name))
    elif isinstance(command, _AS_IT_WAS):
        yield Scripted(handled.at, command)
    elif not isinstance(command, _AGENTS_OWN):
        left_out[type(command).__name__] += 1


def _first_id(events: Sequence[e.Recorded], after: int) -> str:
    event = events[after].event if after < len(events) else None
    return event.order.order_id if isinstance(event, e.OrderReceived) else f"refused-{after + 1}"


def _of_events(log: Iterable[e.Recorded], left_out: Counter[str]) -> Iterator[Scripted]:  # noqa: C901, PLR0912 - a table
    """Return what must have been said, by what came of it."""
    parts: dict[str, list[Order]] = {}
    received: list[tuple[e.Recorded, e.OrderReceived]] = []
    for recorded in log:
        event, at = recorded.event, recorded.at
        match event:
            case e.StoreRegistered(store=store) if not store.is_point:
                yield Scripted(at, c.RegisterStore(store))
            case e.StockSet(store_id=store_id, on_hand=on_hand):
                yield Scripted(at, c.SetStock(store_id, on_hand))
            case e.StorePaused(store_id=store_id, reason=reason, owner=owner):
                yield Scripted(at, c.PauseStore(store_id, reason, owner))
            case e.StoreResumed(store_id=store_id, owner=owner):
                yield Scripted(at, c.ResumeStore(store_id, owner))
            case e.CatalogueSet(articles=articles):
                yield Scripted(at, c.SetCatalogue(articles))
            case e.CourierRegistered(courier=courier):
                yield Scripted(at, c.RegisterCourier(courier))
            case e.ShiftStarted():
                shift = (event.courier_id, event.starts_at, event.ends_at, event.pause)
                yield Scripted(at, c.StartShift(*shift))
            case e.BreakWanted(courier_id=courier_id, duration_s=length_s, occurred_at=when):
                yield Scripted(at, c.TakeBreak(courier_id, length_s, when))
            case e.StreetClosed(closure=closure):
                yield Scripted(at, c.CloseStreet(closure))
            case e.StreetReopened(closure_id=closure_id):
                yield Scripted(at, c.ReopenStreet(closure_id))
            case e.OrderCancelled(order_id=order_id, reason=reason, occurred_at=when):
                yield Scripted(at, c.CancelOrder(order_id, reason, when))
            case e.OrderReceived(order=order) if order.return_of is None:
                parts.setdefault(order.part_of or order.order_id, []).append(order)
                if order.part_of is None:
                    received.append((recorded, event))
            case e.OrderRefused():
                left_out["refused orders, whose baskets are not in the log"] += 1
            case e.ActionTaken() | e.CarriageBooked():
                left_out[type(event).__name__] += 1
            case _:
                pass
    for recorded, taken in received:
        yield Scripted(recorded.at, _placed(taken, parts[taken.order.order_id]))


def _placed(taken: e.OrderReceived, parts: Sequence[Order]) -> c.PlaceOrder:
    order = taken.order
    return c.PlaceOrder(
        door=order.door,
        address=order.address,
        lines=tuple(line for part in parts for line in part.lines),
        weight_g=sum(part.weight_g for part in parts),
        volume_ml=sum(part.volume_ml for part in parts),
        occurred_at=order.created_at,
        basket_cents=sum(part.basket_cents for part in parts),
        service_s=order.service_s,
        external_id=order.external_id or order.order_id,
        fulfilment=order.fulfilment,
        priority=order.priority,
        note=order.note,
        pick_s=order.pick_s if len(parts) == 1 else None,
        window_id=taken.window_id,
        store_id=None if order.fulfilment is Fulfilment.DELIVERY else taken.store_id,
        age_limit=order.age_limit,
    )


def _span(events: Sequence[e.Recorded], since: int | None, until: int | None) -> tuple[int, int]:
    first, last = events[0].at, events[-1].at
    return max(first, since or first), min(last, until or last)


def _within(script: Iterable[Scripted], starts_at: int, ends_at: int) -> Iterator[Scripted]:
    """Yield what is said by the end; what was set up before the beginning is said at it."""
    told = sorted(script, key=lambda one: one.at)
    orders = (c.PlaceOrder, c.AcceptOrder, c.CancelOrder, c.AmendOrder)
    for at, command in told:
        if at > ends_at or (at < starts_at and isinstance(command, orders)):
            continue
        yield Scripted(max(at, starts_at), command)


# --- how long it took ----------------------------------------------------------------------------


def _truth(  # noqa: C901, PLR0912 - a table
    log: Iterable[e.Recorded], found: Happenings, names: Names, learned: Learned
) -> Truth:
    truth = Truth()
    for pick in found.picks:
        truth.picks[names.of(pick.order_id)] = pick.took_s
    for way in found.ways:
        if way.way_s is not None and way.way_s >= LEAST_WAY_S and way.took_s > 0:
            courier = learned.couriers.get(way.courier_id)
            pace = learned.pace_of(way.mode) if courier is None else courier.pace.value
            key = (names.of(way.order_id), way.kind)
            truth.trips.setdefault(key, way.took_s / way.way_s / pace)
    for handed in found.handovers:
        if handed.failed:
            truth.absent.setdefault(names.of(handed.order_id), handed.took_s)
        else:
            truth.handovers.setdefault((names.of(handed.order_id), handed.kind), handed.took_s)
    asked: dict[tuple[str, str], int] = {}
    for recorded in log:
        match recorded.event:
            case e.StopCommitted(courier_id=courier_id, stop=stop, occurred_at=at):
                asked[courier_id, stop.order_id] = at
            case e.OfferMade(courier_id=courier_id, stop=stop, occurred_at=at):
                asked[courier_id, stop.order_id] = at
            case e.StopDeclined(courier_id=courier_id, order_id=order_id, occurred_at=at):
                began = asked.get((courier_id, order_id), at)
                truth.declined[courier_id, names.of(order_id)] = max(0, at - began)
            case e.CustomerArrived(order_id=order_id, occurred_at=at):
                truth.came_at.setdefault(names.of(order_id), at)
            case e.OrderCollected(order_id=order_id, occurred_at=at):
                came_at = truth.came_at.setdefault(names.of(order_id), at)
                truth.collected[names.of(order_id)] = max(0, at - came_at)
            case _:
                pass
    return truth


def described(left_out: Mapping[str, int]) -> str:
    """Return what is left out, in words; empty when nothing is."""
    return ", ".join(f"{count} x {name}" for name, count in left_out.items())
