"""One engine for every clock: takes commands, keeps state, publishes plans, tells couriers.

The live service, a simulation and a replay build the same `Engine` with another clock, log and
travel times.  It is synchronous and owned by one thread.  Commands fail loudly and leave
nothing half-done: what they check comes before the first event they record.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from itertools import count
from typing import Final, NamedTuple

from dispatch import commands as c
from dispatch import events as e
from dispatch.apply import apply
from dispatch.asking import off_the_roads
from dispatch.bags import load_of, room_of
from dispatch.check import Violation, check
from dispatch.control_preview import Preview, preview
from dispatch.demand import DemandFold
from dispatch.errors import DispatchError, InvalidValueError, SequenceError
from dispatch.experience import ExperienceFold
from dispatch.explain_order import explain_open
from dispatch.explanation import Explanation
from dispatch.folded import Folded, copied
from dispatch.journal import Asked, Handled, Journal, Published, Reported, Told
from dispatch.model import (
    Courier,
    Order,
    Plan,
    Policy,
    Quote,
    Refusal,
    Snapshot,
    StopKind,
    Store,
    StoreDemand,
)
from dispatch.planning.picking import Pick, work_order
from dispatch.planning.plan import plan as solve_plan
from dispatch.planning.quote import Offer
from dispatch.ports import Clock, EventLog
from dispatch.present import Present
from dispatch.publishing import publication
from dispatch.records import Control
from dispatch.recount import recount
from dispatch.rules import RULES, TIMERS
from dispatch.rules.context import Context
from dispatch.rules.controls import control_of
from dispatch.snapshot import standing_plan, taken
from dispatch.standings import Known, Standings
from dispatch.state import CourierState, State
from dispatch.timers import Timers
from dispatch.views import Position, Views, fixed_stops
from dispatch.windows import Book
from geo.area_shapes import check_shapes
from geo.areas import ServedDoors
from geo.errors import AreaError
from geo.square_tables import SquareTables
from geo.types import LonLat, Mode, TravelTimes

FUTURE_TOLERANCE_S: Final = 120
"""A device's clock may be this far ahead of ours."""


class _Soonest(NamedTuple):
    """When something is due next, as a state says at a moment."""

    state: State
    now: int
    at: int | None


class _Apart(NamedTuple):
    """What was made for the last plan's snapshot, for the next one."""

    views: Views
    tables: SquareTables
    served: ServedDoors


class Engine:
    """The dispatcher of one zone.

    Parameters
    ----------
    clock, travel, log
        What differs between live, simulated and replayed runs.
    time_zone
        Of the city, for opening hours; an IANA name.
    seed
        Handed to every plan.
    journal
        Where every input is noted in the order in which it took effect; None keeps none.
    known
        What was folded from the log before; only what came after it is read.

    Notes
    -----
    From its beginning to its end an input sees one moment and one version of the travel times,
    whatever the clock and the traffic do meanwhile.
    """

    def __init__(
        self,
        zone_id: str,
        clock: Clock,
        travel: TravelTimes,
        log: EventLog,
        policy: Policy,
        time_zone: str,
        seed: int = 0,
        journal: Journal | None = None,
        known: Folded | None = None,
    ) -> None:
        self.clock = clock
        self.travel = travel
        self.log = log
        self.policy = policy
        self.time_zone = time_zone
        self.seed = seed
        self.positions: dict[str, Position] = {}
        self._present = Present(clock, journal, lambda: self._state.seq)
        self._served = ServedDoors()
        if known is None:
            known = Folded(State(zone_id), DemandFold(), ExperienceFold(policy))
        self._demand = known.demand
        self._experience = known.experience
        self._timers = Timers()
        self._soonest: _Soonest | None = None
        self._views = Views()
        self._tables = SquareTables()
        # Of its own, for whatever thread takes the snapshots that plans are made for.
        self._apart = _Apart(Views(), SquareTables(), ServedDoors())
        self._standings = Standings(time_zone, seed, self._served)
        state = known.state
        for recorded in log.read(state.seq):
            self._demand.add(recorded)
            self._experience.add(recorded, state)
            state = apply(state, recorded)
        self._state = state
        self._book = Book(state)

    @property
    def state(self) -> State:
        """What the log says so far."""
        return self._state

    def folded(self) -> Folded:
        """Return what was folded from the log; nothing of it changes any more."""
        return Folded(self._state, copied(self._demand), copied(self._experience))

    # --- in ------------------------------------------------------------------------------------

    def handle(self, command: c.Command) -> tuple[e.Recorded, ...]:
        """Carry out one command and return what was recorded.

        Raises
        ------
        DispatchError
            The command does not fit; nothing was recorded.  An order that cannot be promised is
            recorded as `OrderRefused` and returned, not raised.
        """
        with self._present.noted(lambda now: Handled(now, command)):
            occurred_at = getattr(command, "occurred_at", None)
            if occurred_at is not None:
                self._refuse_future("occurred_at", occurred_at)
            return self._record(self._events(command))

    def refuses(self, command: c.Command) -> str | None:
        """Say why a command would be refused now, None if it would not; changes nothing."""
        try:
            with self._present.held():
                self._events(command)
        except DispatchError as error:
            return str(error)
        return None

    def _events(self, command: c.Command) -> Sequence[e.Event]:
        match command:
            case c.RegisterCourier():
                self._check_courier(command.courier)
            case c.RegisterStore():
                self._check_service_area(command.store)
            case c.StrandCourier(courier_id, place) | c.HandOverBag(courier_id, place=place):
                self.travel.check_place(place, self._state.courier(courier_id).courier.mode)
            case c.AcceptOrder(created_at=created_at):
                self._refuse_future("created_at", created_at)
            case c.TakeInWork(reports=reports):
                for index, report in enumerate(reports):
                    self._refuse_future(f"reports.{index}.occurred_at", report.occurred_at)
        return RULES[type(command)](self._state, command, self._context())

    def _context(self) -> Context:
        """Return what rules may know now."""
        numbers = count(1)

        def new_id(prefix: str) -> str:
            # The first id of a kind is the same whatever else the command makes.
            number = next(numbers)
            return self._new_id(prefix if number == 1 else f"{prefix}:{number}")

        return Context(
            now=self._present.now(),
            policy=self.policy,
            new_id=new_id,
            snapshot=self.snapshot,
            offer=self._offer,
            book=self._book_of,
            time_zone=self.time_zone,
        )

    def _check_courier(self, courier: Courier) -> None:
        if courier.mode not in self.travel.modes:
            known = ", ".join(sorted(self.travel.modes))
            raise InvalidValueError("mode", f"{courier.mode} is not in this city; it has {known}")
        self.travel.check_place(courier.home, courier.mode)

    def _check_service_area(self, store: Store) -> None:
        area = store.service_area
        if area is None:
            return
        check_shapes(area)
        if area.mode is not None:
            if area.mode not in self.travel.modes:
                known = ", ".join(sorted(self.travel.modes))
                raise AreaError("/mode", f"is {area.mode}, not in this city; it has {known}")
            self.travel.check_place(store.location, area.mode)

    def quote(self, request: c.RequestQuote) -> Quote:
        """Answer "can you, and when?"; raises `RefusedError` with a reason."""
        given = self.handle(request)[0].event
        if not isinstance(given, e.QuoteGiven):
            raise TypeError(f"a quote request recorded {type(given).__name__}")
        return given.quote

    def report_position(self, courier_id: str, place: LonLat, at: int) -> bool:
        """Take a courier's position; returns False when a fresher one is known.

        Raises
        ------
        UnknownIdError, InvalidValueError
            No such courier; a time in the future.
        geo.errors.TooFarFromRoadError
            Nowhere near a road this courier can use; states the distance.
        """
        courier = self._state.courier(courier_id).courier
        self._refuse_future("at", at)
        self.travel.check_place(place, courier.mode)
        known = self.positions.get(courier_id)
        # Of two at the same time always the same one counts, whichever was heard first.
        if known is not None and (known.at, known.place) > (at, place):
            return False
        seen = Position(place, at)
        if seen != known:
            self.positions[courier_id] = seen
            self._present.note(Reported(self._present.now(), courier_id, place, at))
        return True

    def _refuse_future(self, field: str, at: int) -> None:
        ahead_s = at - self._present.now()
        if ahead_s > FUTURE_TOLERANCE_S:
            raise InvalidValueError(field, f"is {ahead_s} s in the future; set the device's clock")

    # --- deciding ------------------------------------------------------------------------------

    def snapshot(
        self,
        asked: Order | None = None,
        *,
        state: State | None = None,
        spare: Collection[Mode] = (),
    ) -> Snapshot:
        """Return what a decision may know now.

        `state` is for what is not so, but might be; `spare` are modes for when nobody is there.
        """
        now = self._present.now()
        made, _ = taken(
            self._state if state is None else state,
            now,
            travel=self._present.travel(self.travel),
            positions=self.positions,
            policy=self.policy,
            time_zone=self.time_zone,
            served=self._served,
            seed=self.seed,
            asked=asked,
            demand=self._foreseen(asked is not None),
            experience=self._experience,
            views=self._views,
            tables=self._tables,
            spare=spare,
        )
        return made

    def _foreseen(self, for_quote: bool) -> tuple[StoreDemand, ...]:
        """Return what stores are expected to be asked for, where that matters."""
        policy = self.policy
        waits = policy.standby_horizon_s > 0 or policy.hold_match > 0
        foresees = policy.future_cost > 0 or (waits and not for_quote)
        return self._demand.at(self._present.now()) if foresees else ()

    def ask(self) -> Snapshot:
        """Return a snapshot to make the next plan for, which `publish` puts in force."""
        return self.asking()()

    def asking(self) -> Callable[[], Snapshot]:
        """Return what takes the snapshot of `ask` from things as they are now, in any thread.

        One has to be taken before the next is asked for.
        """
        with self._present.held():
            now = self._present.now()
            take = partial(
                taken,
                self._state,
                now,
                travel=self._present.travel(self.travel),
                positions=dict(self.positions),
                policy=self.policy,
                time_zone=self.time_zone,
                seed=self.seed,
                demand=self._foreseen(for_quote=False),
                experience=copied(self._experience),
                served=self._apart.served,
                views=self._apart.views,
                tables=self._apart.tables,
            )
            self._present.note(Asked(now))
        return lambda: take()[0]

    def asked(self, made_for: Snapshot) -> None:
        """Say that the next plan is made for the snapshot just taken."""
        self._present.note(Asked(made_for.now))

    def explain(self, order_id: str) -> Explanation:
        """Say why an order is treated as it is, or how it went; raises `UnknownIdError`."""
        return self.explaining(order_id)()

    def explaining(self, order_id: str) -> Callable[[], Explanation]:
        """Return what works an explanation out from things as they are now, in any thread.

        Raises
        ------
        UnknownIdError
            There is no such order.
        """
        state = self._state
        order = state.order(order_id)
        if order_id not in state.orders:
            return lambda: recount(order, state)
        free = state
        if order.hold is not None:
            free = replace(state, orders={**state.orders, order_id: replace(order, hold=None)})
        registered = {courier.courier.mode for courier in state.couriers.values()}
        with self._present.held():
            made_for = self.snapshot(state=free, spare=registered)
        plan = standing_plan(state, made_for.now)
        return lambda: explain_open(order, state, made_for, plan)

    def work_order(self, store_id: str) -> tuple[Pick, ...]:
        """Return what a store has to pick, in the order of work; raises `UnknownIdError`."""
        return work_order(self.snapshot(), store_id)

    def publish(
        self,
        plan: Plan,
        made_for: Snapshot,
        solve_ms: float,
        *,
        cut_short: bool = False,
        by_worker: bool = True,
        violations: Sequence[Violation] | None = None,
    ) -> tuple[e.Recorded, ...]:
        """Put a plan in force, as far as it still fits, and tell couriers what is due.

        The plan is verified against its own snapshot and then held against the present state,
        which may have moved on while the plan was made; routes in conflict are dropped and
        named in `PlanPublished.dropped`.  `cut_short` (a wall limit ended the search for a better
        one) and `by_worker` (it is not by insertion for want of a planner) are for the record;
        `violations` is what `check` said, where it was asked already.
        """
        if violations is None:
            violations = check(plan, made_for)

        def entry(now: int) -> Published:
            return Published(now, solve_ms, cut_short, by_worker)

        with self._present.noted(entry):
            recorded = self._record(
                publication(
                    plan,
                    made_for,
                    self._state,
                    violations,
                    solve_ms,
                    self._present.now(),
                    cut_short=cut_short,
                )
            )
            return (*recorded, *self._commit_due())

    def replan(self, solve: Callable[[Snapshot], Plan] = solve_plan) -> tuple[e.Recorded, ...]:
        """Decide anew, in this thread; a simulated clock does not see the time it takes."""
        made_for = self.ask()
        return self.publish(solve(made_for), made_for, solve_ms=0.0)

    def commit_due(self) -> tuple[e.Recorded, ...]:
        """Do what the clock asks for.

        What is over ends, and each free courier is told (or asked) to leave for the next stop,
        just in time.
        """
        with self._present.noted(Told):
            return self._commit_due()

    def _commit_due(self) -> tuple[e.Recorded, ...]:
        now, soonest = self._present.now(), self.next_commit_at()
        if soonest is None or soonest > now:
            return ()
        recorded: list[e.Recorded] = []
        for timer in TIMERS:
            due_at = self._timers.next_at(timer, self._state, self.policy)
            if due_at is not None and due_at <= now:
                recorded += self._record(timer.events(self._state, self._context()))
        events: list[e.Event] = []
        for courier_id in sorted(self._state.couriers):
            courier = self._state.couriers[courier_id]
            due_at = self._due_at(courier)
            if due_at is None or due_at > now or courier.route is None:
                continue
            visit = courier.route.visits[0]
            expected_at = max(visit.arrive_at, now + visit.travel_s)
            if visit.stop.kind is StopKind.PICKUP and courier.courier.takes_offers:
                until = now + self.policy.offer_timeout_s
                events.append(e.OfferMade(courier_id, visit.stop, expected_at, until, now))
            else:
                events.append(e.StopCommitted(courier_id, visit.stop, expected_at, now))
        return (*recorded, *self._record(events))

    def next_commit_at(self) -> int | None:
        """Return when `commit_due` next has something to do, None when it has not."""
        state, now = self._state, self._present.now()
        known = self._soonest
        if known is None or known.now != now or not known.state.is_as(state):
            due = [
                self._due_at(courier)
                for courier in state.couriers.values()
                if courier.commitment is None and courier.route
            ]
            due += [self._timers.next_at(timer, state, self.policy) for timer in TIMERS]
            soonest = min((at for at in due if at is not None), default=None)
            self._soonest = known = _Soonest(state, now, soonest)
        return known.at

    def _due_at(self, courier: CourierState) -> int | None:
        if courier.commitment is not None or courier.route is None or not courier.route.visits:
            return None
        if courier.stranded is not None:
            return None
        stop = courier.route.visits[0].stop
        order = self._state.orders.get(stop.order_id)
        fixed = fixed_stops(self._state, courier)
        # A person may have fixed another order of stops; the next plan has it.
        if order is None or (fixed and stop != fixed[0]):
            return None
        if stop.kind is StopKind.PICKUP:
            is_open = order.courier_id is None and order.store_id == stop.store_id
            ends_at = courier.shift_end
            is_over = ends_at is not None and ends_at <= self._present.now()
            rests = courier.break_wanted_s is not None
            # What could not be handed over is still in the bag; the next plan counts with it.
            if not is_open or is_over or rests or not self._has_room(courier, order.order):
                return None
            begins = courier.shift_start if courier.shift_start is not None else 0
            if courier.break_until is not None:
                begins = max(begins, courier.break_until)
            pause, break_at = courier.pause, courier.route.break_at
            if pause is not None and break_at is not None and break_at < courier.route.leave_at:
                # The break comes before the way there.
                begins = max(begins, break_at + pause.duration_s)
            if courier.standby is not None and not self.policy.standby_diverts:
                begins = max(begins, courier.standby.expected_at)
            # Whoever is asked first needs the time to answer.
            ask_s = self.policy.offer_timeout_s if courier.courier.takes_offers else 0
            return max(begins, courier.route.leave_at - self.policy.departure_lead_s - ask_s)
        return courier.route.leave_at - self.policy.departure_lead_s

    def _has_room(self, courier: CourierState, order: Order) -> bool:
        """Tell whether an order goes into the bag besides what is in it now."""
        bag = [self._state.order(order_id).order for order_id in courier.on_board]
        return load_of([*bag, order]).fits(room_of(courier.courier))

    # --- recording -----------------------------------------------------------------------------

    def _record(self, events: Sequence[e.Event]) -> tuple[e.Recorded, ...]:
        if not events:
            return ()
        # Fold first, append after: what cannot be applied must never reach the log.
        now = self._present.now()
        seq = self._state.seq
        states = [self._state]
        for offset, event in enumerate(events, start=1):
            made = e.Recorded(self._state.zone_id, seq + offset, now, event)
            states.append(apply(states[-1], made))
        recorded = self.log.append(seq, now, events)
        if recorded[-1].seq != states[-1].seq:
            raise SequenceError(f"the log ended at {recorded[-1].seq}, expected {states[-1].seq}")
        self._state = states[-1]
        for entry, before in zip(recorded, states, strict=False):
            self._demand.add(entry)
            self._experience.add(entry, before)
        return recorded

    def adopt(self, recorded: Sequence[e.Recorded]) -> None:
        """Take over what another run recorded, without asking any rule.

        Raises
        ------
        SequenceError
            It does not go on where this log ends.
        """
        for entry in recorded:
            if entry.seq != self._state.seq + 1:
                raise SequenceError(f"the log ended at {self._state.seq}, not before {entry.seq}")
            self._demand.add(entry)
            self._experience.add(entry, self._state)
            self._state = apply(self._state, entry)

    def _new_id(self, prefix: str) -> str:
        """Return an opaque id that is the same in every run of the same log."""
        text = f"{self._state.zone_id}:{prefix}:{self._state.seq + 1}"
        digest = blake2b(text.encode(), digest_size=10).digest()
        return f"{prefix.partition(':')[0]}_{b32encode(digest).decode().lower()}"

    # --- quotes and orders ---------------------------------------------------------------------

    def preview(self, command: c.SetControl) -> Preview:
        """Say what a surge control would do; changes nothing.

        Raises
        ------
        InvalidValueError
            No such control can be set.
        """
        with self._present.held():
            now, couriers = self._present.now(), self._state.couriers.values()
            fleet = {courier.courier.mode for courier in couriers if courier.on_shift(now)}
            return preview(
                self._state,
                control_of(self._state, command, "ctl_preview", now),
                now,
                travel=self._present.travel(self.travel),
                modes=sorted((fleet or self.travel.modes) & self.travel.modes),
                offer=lambda asked, also: self._offer(asked, also=also),
            )

    def _book_of(self, state: State) -> Book:
        if not self._book.is_of(state):
            self._book = Book(state)
        return self._book

    def _offer(
        self,
        asked: Order,
        only: Collection[str] | None = None,
        also: Control | None = None,
    ) -> Offer | Refusal:
        state = self._state
        no = off_the_roads(state, self.travel, asked)
        if no is not None:
            return no
        under = state
        if also is not None:
            under = replace(state, controls={**state.controls, also.control_id: also})
        known = Known(
            state,
            self._present.now(),
            self._present.travel(self.travel),
            self.positions,
            self.policy,
            self._experience,
            self._experience.learnt,
            self._foreseen(for_quote=True),
        )
        return self._standings.offer(known, asked, only, under, self.snapshot)
