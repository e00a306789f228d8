"""Couriers on the move: they set out, are stopped, break down and go on."""

from __future__ import annotations

from typing import Final

from dispatch.model import Stop
from simulations.agenda import Agenda
from simulations.worlds.courier_mishaps import Breakdown
from simulations.worlds.courier_steps import Surroundings
from simulations.worlds.couriers import Agent, Broken, Doing

STREETS, HEAR, BREAK, STRIKE, MEND = "streets", "hear", "break", "strike", "mend"
_ORDER: Final = (STREETS, HEAR, BREAK, STRIKE, MEND)
"""What comes about by itself, first things first within a second."""


class Moves:
    """What moves and stops couriers, and when something comes about by itself."""

    def __init__(self, around: Surroundings) -> None:
        self.is_replaying = False
        """What is heard is past: a way that was gone is looked up only where it was broken off."""
        self.agenda = Agenda()
        self._around = around
        self._doers: dict[str, set[str]] = {}

    def doers(self, order_id: str) -> tuple[str, ...]:
        """Return the couriers who think that they are to do a stop of an order."""
        return tuple(sorted(self._doers.get(order_id, ())))

    def put(self, kind: str, subject: str, at: int | None) -> None:
        """Let something come about by itself at a time, None for not at all."""
        if at is None:
            self.agenda.drop(kind, subject)
        else:
            self.agenda.put(at, _ORDER.index(kind), kind, subject)

    # --- going ---------------------------------------------------------------------------------

    def begin(self, agent: Agent, stop: Stop, at: int) -> None:
        """Let a courier do a stop, instead of whatever they did."""
        self.halt(agent, at)
        self.finish(agent)
        agent.doing, agent.standby = Doing(stop, at), None
        self._doers.setdefault(stop.order_id, set()).add(agent.courier_id)
        self.set_out(agent, at)

    def finish(self, agent: Agent) -> None:
        """Let a courier be done with the stop, whatever came of it."""
        if agent.doing is None:
            return
        order_id = agent.doing.stop.order_id
        doers = self._doers[order_id]
        doers.discard(agent.courier_id)
        if not doers:
            del self._doers[order_id]
        agent.doing = None

    def set_out(self, agent: Agent, at: int) -> None:
        """Let a courier go where they are bound for, if they are."""
        if not agent.is_ours or not agent.is_bound or agent.broken is not None:
            return
        agent.trip, agent.left_at = None, at
        if not self.is_replaying or agent.weak is not None:
            self.look_up(agent)
        trip = agent.trip
        if agent.weak is not None and trip is not None:
            begins, ends = trip.rides
            self.put(STRIKE, agent.courier_id, begins + int(agent.weak.share * (ends - begins)))

    def look_up(self, agent: Agent) -> None:
        """Find the way of a courier under way, unless it is known."""
        if agent.left_at is not None and agent.trip is None:
            agent.trip = self._around.way(agent, agent.left_at)

    def halt(self, agent: Agent, at: int) -> None:
        """Let a courier stand still where they are."""
        self.look_up(agent)
        agent.stop_moving(at)

    def go_round(self, agent: Agent, at: int) -> None:
        """Let a courier under way go on by the streets that are open now."""
        self._break_off(agent, at)
        self.set_out(agent, at)

    def _break_off(self, agent: Agent, at: int) -> None:
        self.halt(agent, at)
        if agent.doing is not None:
            agent.doing.goes_round = True

    # --- breaking down -------------------------------------------------------------------------

    def expect(self, agent: Agent, breakdowns: tuple[Breakdown, ...]) -> None:
        """Let a courier's things break, each at its time."""
        agent.breakdowns = breakdowns
        self.put(BREAK, agent.courier_id, breakdowns[0].at if breakdowns else None)

    def weaken(self, agent: Agent, at: int) -> None:
        """Let the next thing break, or wait for the courier to be under way."""
        due = [one for one in agent.breakdowns if one.at <= at]
        self.expect(agent, agent.breakdowns[len(due) :])
        if not due or agent.weak is not None or agent.broken is not None or agent.is_stranded:
            # Who cannot go on anyway has nothing left to break.
            return
        agent.weak = due[0]
        self.strike(agent, at)

    def strike(self, agent: Agent, at: int) -> None:
        """Let what is about to break give way, if the courier is under way."""
        self.look_up(agent)
        if agent.weak is None or not agent.is_ours or not agent.is_riding(at):
            return
        agent.broken = Broken(at, at + agent.weak.repair_s)
        agent.weak = None
        self._break_off(agent, at)
        self.put(MEND, agent.courier_id, agent.broken.mended_at)

    def mend(self, agent: Agent, at: int) -> None:
        """Let a courier go on, once they were let go on if the engine knows."""
        agent.broken = None
        if agent.is_stranded:
            agent.recovers_at = at
        else:
            self.set_out(agent, at)
