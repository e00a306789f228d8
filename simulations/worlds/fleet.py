"""The couriers of a world, by what the engine tells them and who acts for them.

What they are is folded from events and from moments of their own: a device has signal again,
something breaks or is mended, a street closes.  Such a moment comes before every event of the
same second, so hearing a log again brings back the same couriers.
"""

from __future__ import annotations

import datetime as dt
from bisect import insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from dispatch.commands import (
    AcceptOffer,
    RegisterCourier,
    StartShift,
)
from dispatch.events import (
    BagHandedOver,
    BreakStarted,
    CourierRecovered,
    CourierRegistered,
    CourierStranded,
    DeliveryFailed,
    Event,
    OfferAccepted,
    OfferLapsed,
    OfferMade,
    OperatorChanged,
    OrderCancelled,
    OrderDelivered,
    ParcelPickedUp,
    ParcelReturned,
    PickCompleted,
    Recorded,
    ShiftEnded,
    ShiftStarted,
    StandbyGiven,
    StopArrived,
    StopCommitted,
    StopDeclined,
    StopReleased,
    StreetClosed,
    StreetReopened,
)
from dispatch.model import Courier, Pause, StopKind
from geo.types import LonLat
from simulations.worlds.courier_mishaps import breakdowns, is_absent, late_s
from simulations.worlds.courier_moves import BREAK, HEAR, STREETS, STRIKE, Moves
from simulations.worlds.courier_steps import BREAKDOWN, Step, Surroundings
from simulations.worlds.couriers import SIMULATION, Agent, Asked, Seen, Waiting, next_shift
from simulations.worlds.intents import Intents
from simulations.worlds.signal import signal_gaps

BREAK_LATER_S: Final = 900
"""A planned break should begin within this time: what is under way may be done first."""

_LONGEST_ABSENCE: Final = 60
"""Days in a row after which nobody is waited for any more."""


class Fleet:
    """All couriers of a scenario; those of others are none of its business."""

    def __init__(self, around: Surroundings, zone: dt.tzinfo, intents: Intents) -> None:
        self._around = around
        self._zone = zone
        self._intents = intents
        self._agents: dict[str, Agent] = {}
        self._ids: list[str] = []
        self._settings = {courier.courier_id: courier for courier in around.scenario.couriers}
        self._moves = Moves(around)
        self._moves.put(STREETS, "", around.streets.next_change(0))
        self._reactions: dict[type[Event], Callable[[Agent, Any, int], None]] = {
            ShiftStarted: self._on_shift_started,
            ShiftEnded: self._on_shift_ended,
            OperatorChanged: self._on_operator_changed,
            BreakStarted: self._on_break_started,
            CourierStranded: self._on_stranded,
            CourierRecovered: self._on_recovered,
            BagHandedOver: self._on_bag_handed_over,
            OfferMade: self._on_offer_made,
            OfferAccepted: self._on_offer_over,
            OfferLapsed: self._on_offer_over,
            StandbyGiven: self._on_standby_given,
            StopCommitted: self._on_stop_committed,
            StopArrived: self._on_stop_arrived,
            StopDeclined: self._on_stop_over,
            StopReleased: self._on_stop_over,
            DeliveryFailed: self._on_stop_over,
            ParcelPickedUp: self._on_picked_up,
            OrderDelivered: self._on_out_of_bag,
            ParcelReturned: self._on_out_of_bag,
        }

    # --- in and out ----------------------------------------------------------------------------

    def hear(self, recorded: Recorded) -> None:
        """Let the couriers concerned react."""
        event, at = recorded.event, recorded.at
        if isinstance(event, CourierRegistered):
            self._meet(event.courier, at)
        elif isinstance(event, PickCompleted | OrderCancelled):
            # Whoever stands at the counter sees it.
            for doer in self._moves.doers(event.order_id):
                self._step(self._agents[doer])
        elif isinstance(event, StreetClosed | StreetReopened):
            if self._around.streets.hear(recorded):
                self._look_for_other_ways(at)
        elif type(event) in self._reactions:
            concerned = self._agents.get(getattr(event, "courier_id", ""))
            if concerned is not None:
                self._let_hear(concerned, recorded)

    def next_at(self) -> int | None:
        """Return when something next comes about by itself, None for never."""
        return self._moves.agenda.next_at()

    def live_until(self, now: int) -> None:
        """Let everything come about that does by itself by now."""
        while (due := self._moves.agenda.pop(now)) is not None:
            if due.kind == STREETS:
                self._look_for_other_ways(due.at)
                self._moves.put(STREETS, "", self._around.streets.next_change(due.at))
                continue
            agent = self._agents[due.subject]
            if due.kind == HEAR:
                self._listen(agent, due.at)
            elif due.kind == BREAK:
                self._moves.weaken(agent, due.at)
            elif due.kind == STRIKE:
                self._moves.strike(agent, due.at)
            else:
                self._moves.mend(agent, due.at)
            self._step(agent)

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Hear events of the past: no way that was gone is looked up, nobody acts until the end."""
        self._moves.is_replaying = True
        yield
        self._moves.is_replaying = False
        for agent in self._agents.values():
            self._moves.look_up(agent)
            self._step(agent)

    def positions(self, now: int) -> list[Seen]:
        """Return where the couriers we act for are, those at work only.

        A device without signal keeps where it was and tells it as soon as it can.
        """
        seen: list[Seen] = []
        for courier_id in self._ids:
            agent = self._agents[courier_id]
            if not agent.is_ours or not agent.is_out(now):
                agent.track.clear()
                continue
            here = Seen(courier_id, agent.place_at(now), now)
            if agent.gaps and agent.silent_until(now) is not None:
                agent.track.append(here)
                continue
            if agent.track:
                seen += agent.track
                agent.track.clear()
            seen.append(here)
        return seen

    def whereabouts(self, now: int) -> list[Seen]:
        """Return where the couriers at work really are; changes nothing."""
        return [
            Seen(courier_id, agent.place_at(now), now)
            for courier_id in self._ids
            if (agent := self._agents[courier_id]).is_ours and agent.is_out(now)
        ]

    def driven_by_people(self) -> tuple[str, ...]:
        """Return the couriers a person acts for."""
        return tuple(k for k in self._ids if self._agents[k].operator != SIMULATION)

    def lost(self) -> tuple[str, ...]:
        """Return the couriers a person acted for, whose place somebody must tell us."""
        return tuple(key for key in self._ids if self._agents[key].is_lost)

    def found(self, courier_id: str, place: LonLat | None, at: int) -> None:
        """Take a courier over where a person left them; without a place, where we think."""
        agent = self._agents[courier_id]
        agent.is_lost = False
        agent.resumed_at = at
        if place is not None and (agent.doing is None or agent.doing.arrived_at is None):
            agent.place = place
        self._moves.set_out(agent, at)
        self._step(agent)

    def turned_down(self, command: AcceptOffer) -> None:
        """Let a courier forget an offer that was gone."""
        agent = self._agents[command.courier_id]
        if agent.asked is not None and agent.asked.stop.stop_id == command.stop_id:
            agent.asked = None
        self._step(agent)

    def describe(self) -> dict[str, Agent]:
        """Return copies of all couriers."""
        return {
            key: replace(
                agent,
                bag=set(agent.bag),
                inbox=list(agent.inbox),
                doing=None if agent.doing is None else replace(agent.doing),
            )
            for key, agent in sorted(self._agents.items())
        }

    # --- the courier's day ---------------------------------------------------------------------

    def _meet(self, courier: Courier, at: int) -> None:
        if courier.courier_id not in self._settings:
            return
        self._intents.settle(RegisterCourier(courier))
        agent = self._agents.get(courier.courier_id)
        if agent is None:
            agent = Agent(courier, courier.home, courier.home)
            self._agents[courier.courier_id] = agent
            insort(self._ids, courier.courier_id)
            self._plan_shift(agent, at)
        agent.courier = courier

    def _plan_shift(self, agent: Agent, at: int) -> None:
        """Want to begin the next shift that the courier comes to at all."""
        streams, mishaps = self._around.streams, self._around.scenario.mishaps
        courier_id = agent.courier_id
        for _ in range(_LONGEST_ABSENCE):
            start, end = next_shift(self._settings[courier_id].shift, self._zone, at)
            day = dt.datetime.fromtimestamp(start, self._zone).date()
            begins = start + late_s(streams, mishaps, courier_id, day)
            if begins < end and not is_absent(streams, mishaps, courier_id, day):
                starts_at = max(begins, at)
                rests = self._pause(courier_id, start, (starts_at, end))
                self._intents.want(starts_at, StartShift(courier_id, starts_at, end, rests))
                return
            at = end

    def _on_shift_started(self, agent: Agent, event: ShiftStarted, at: int) -> None:
        starts_at, ends_at = event.starts_at, event.ends_at
        if not agent.is_out(at):
            agent.trip = agent.left_at = agent.standby = agent.counter = None
            agent.place = agent.anchor = agent.courier.home
        agent.shift = (starts_at, ends_at)
        self._plan_shift(agent, ends_at)
        streams, mishaps = self._around.streams, self._around.scenario.mishaps
        agent.gaps = signal_gaps(streams, mishaps, agent.courier_id, starts_at, ends_at)
        found = breakdowns(streams, mishaps, agent.courier_id, starts_at, ends_at)
        self._moves.expect(agent, tuple(one for one in found if one.at >= at))

    def _pause(self, courier_id: str, begins: int, shift: tuple[int, int]) -> Pause | None:
        """Return the break planned in a shift, None for no break, or none any more.

        Parameters
        ----------
        begins, shift
            When the shift should begin, and from and until when it really is.
        """
        settings = self._settings[courier_id]
        if settings.break_after_s is None:
            return None
        earliest, last = begins + settings.break_after_s, shift[1] - settings.break_s
        # Who is at work already when the world begins may have had their break.
        if not shift[0] <= earliest <= last:
            return None
        return Pause(earliest, min(earliest + BREAK_LATER_S, last), settings.break_s)

    def _on_shift_ended(self, agent: Agent, event: ShiftEnded, at: int) -> None:
        if agent.shift is None:
            return
        agent.shift = (agent.shift[0], event.occurred_at)
        if agent.doing is None:
            self._moves.halt(agent, at)
            agent.standby = None

    def _on_operator_changed(self, agent: Agent, event: OperatorChanged, at: int) -> None:
        was_ours, agent.operator = agent.operator == SIMULATION, event.operator
        if event.operator != SIMULATION:
            self._moves.halt(agent, at)
            self._intents.forget("shift", agent.courier_id)
        elif not was_ours:
            agent.is_lost = True
            agent.resumed_at = at
            self._plan_shift(agent, max(at, agent.shift[1] if agent.shift else at))

    def _on_break_started(self, agent: Agent, _event: BreakStarted, at: int) -> None:
        self._moves.halt(agent, at)
        agent.standby = None

    def _on_stranded(self, agent: Agent, event: CourierStranded, at: int) -> None:
        self._moves.halt(agent, at)
        self._moves.finish(agent)
        agent.standby = agent.asked = None
        agent.bag.difference_update(event.order_ids)
        agent.is_stranded = True
        if agent.broken is None and event.reason == BREAKDOWN:
            # Mended before anybody took note.
            agent.recovers_at = at

    def _on_recovered(self, agent: Agent, _event: CourierRecovered, _at: int) -> None:
        agent.is_stranded, agent.recovers_at = False, None

    # --- hearing -------------------------------------------------------------------------------

    def _let_hear(self, agent: Agent, recorded: Recorded) -> None:
        """Let a courier react to an event, or keep it until their device has signal."""
        silent_until = None
        if agent.gaps and agent.operator == SIMULATION:
            silent_until = agent.silent_until(recorded.at)
        if silent_until is not None and not isinstance(recorded.event, OperatorChanged):
            agent.inbox.append(recorded)
            # What was done meanwhile is said before anything is heard.
            self._moves.put(HEAR, agent.courier_id, silent_until + 1)
            return
        self._listen(agent, recorded.at)
        self._react(agent, recorded.event, recorded.at)
        self._step(agent)

    def _listen(self, agent: Agent, now: int) -> None:
        """Let a courier hear what was said while their device had no signal."""
        if not agent.inbox:
            return
        heard_at = min(agent.silent_until(agent.inbox[-1].at) or now, now)
        events = [kept.event for kept in agent.inbox]
        agent.inbox.clear()
        self._moves.put(HEAR, agent.courier_id, None)
        for event in events:
            self._react(agent, event, heard_at)

    def _react(self, agent: Agent, event: Event, at: int) -> None:
        """React to an event heard of at a time."""
        self._reactions[type(event)](agent, event, at)

    # --- the courier's work --------------------------------------------------------------------

    def _on_offer_made(self, agent: Agent, event: OfferMade, at: int) -> None:
        agent.asked = Asked(event.stop, at, event.expires_at)

    def _on_offer_over(self, agent: Agent, _event: OfferAccepted | OfferLapsed, _at: int) -> None:
        agent.asked = None

    def _on_standby_given(self, agent: Agent, event: StandbyGiven, at: int) -> None:
        self._moves.halt(agent, at)
        agent.standby = Waiting(event.store_id, event.occurred_at)
        self._moves.set_out(agent, at)

    def _on_stop_committed(self, agent: Agent, event: StopCommitted, at: int) -> None:
        agent.asked = None
        # Somebody told the same once more is at it already.
        if agent.doing is None or agent.doing.stop != event.stop:
            self._moves.begin(agent, event.stop, at)

    def _on_stop_arrived(self, agent: Agent, event: StopArrived, _at: int) -> None:
        if agent.doing is None:
            return
        agent.trip = agent.left_at = None
        if self._around.knows(event.stop):
            agent.place = agent.anchor = self._around.place_of(event.stop)
        agent.counter = None if event.stop.kind is StopKind.DROPOFF else event.stop.store_id
        agent.doing.arrived_at = event.occurred_at
        agent.is_lost = False

    def _on_stop_over(
        self, agent: Agent, event: StopDeclined | StopReleased | DeliveryFailed, at: int
    ) -> None:
        self._let_go(agent, event.order_id, at)

    def _on_picked_up(self, agent: Agent, event: ParcelPickedUp, at: int) -> None:
        agent.bag.add(event.order_id)
        self._let_go(agent, event.order_id, at)

    def _on_out_of_bag(self, agent: Agent, event: OrderDelivered | ParcelReturned, at: int) -> None:
        agent.bag.discard(event.order_id)
        self._let_go(agent, event.order_id, at)

    def _on_bag_handed_over(self, agent: Agent, event: BagHandedOver, at: int) -> None:
        agent.bag.difference_update(event.order_ids)
        for order_id in event.order_ids:
            self._let_go(agent, order_id, at)

    def _let_go(self, agent: Agent, order_id: str, at: int) -> None:
        if agent.asked is not None and agent.asked.stop.order_id == order_id:
            agent.asked = None
        if agent.doing is not None and agent.doing.stop.order_id == order_id:
            self._moves.halt(agent, at)
            self._moves.finish(agent)

    def _look_for_other_ways(self, at: int) -> None:
        """Let everybody under way go on by the streets that are open now."""
        for agent in self._agents.values():
            if agent.left_at is not None:
                self._moves.go_round(agent, at)
                self._step(agent)

    def _step(self, agent: Agent) -> None:
        if self._moves.is_replaying:
            return
        self._want("stop", agent, self._around.next_step(agent))
        self._want("trouble", agent, self._around.trouble(agent))

    def _want(self, kind: str, agent: Agent, step: Step | None) -> None:
        if step is None:
            self._intents.forget(kind, agent.courier_id)
        else:
            self._intents.want(*step)
