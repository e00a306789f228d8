"""A world whose stores are what they are, and an engine that was taught otherwise about them.

The engine is told of every store with what was learned of it; the world goes on by its own figures,
which are the truth.
"""

from __future__ import annotations

from dataclasses import replace

from dispatch.commands import Command, RegisterStore
from dispatch.events import Recorded, StoreRegistered
from dispatch.model import Store
from simulations.replays.learned import Learned
from simulations.worlds.couriers import Seen
from simulations.worlds.world import World


class Taught:
    """Stands between a world and an engine."""

    def __init__(self, world: World, learned: Learned) -> None:
        self._world = world
        self._learned = learned
        self._true: dict[str, Store] = {}

    def next_at(self) -> int | None:
        """Return when somebody will next want something."""
        return self._world.next_at()

    def act(self, now: int) -> list[Command]:
        """Return what is asked by now, stores with what was learned of them."""
        return [self._taught(command) for command in self._world.act(now)]

    def refused(self, command: Command, code: str) -> None:
        """Let the world hear that the engine would not do what it asked."""
        if isinstance(command, RegisterStore):
            command = RegisterStore(self._true[command.store.store_id])
        self._world.refused(command, code)

    def positions(self, now: int) -> list[Seen]:
        """Return where couriers are."""
        return self._world.positions(now)

    def hear(self, recorded: Recorded) -> None:
        """Let the world hear an event, stores as they are."""
        event = recorded.event
        if isinstance(event, StoreRegistered) and event.store.store_id in self._true:
            recorded = replace(recorded, event=StoreRegistered(self._true[event.store.store_id]))
        self._world.hear(recorded)

    def _taught(self, command: Command) -> Command:
        if not isinstance(command, RegisterStore):
            return command
        self._true[command.store.store_id] = command.store
        return RegisterStore(self._learned.store(command.store))
