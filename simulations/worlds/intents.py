"""What the agents of a world are about to ask of the engine, asked, and were refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from dispatch.commands import (
    AcceptOffer,
    AnswerSubstitution,
    ArriveAtStop,
    ArriveToCollect,
    CancelOrder,
    CloseStreet,
    CollectOrder,
    Command,
    CompletePick,
    CompleteStop,
    DeclineStop,
    FailStop,
    GiveUpCollection,
    PauseStore,
    PlaceOrder,
    RecoverCourier,
    RegisterCourier,
    RegisterStore,
    ReportShort,
    RequestQuote,
    ResumeStore,
    SetStock,
    StartPick,
    StartShift,
    StrandCourier,
    TakeInWork,
)
from simulations.agenda import Agenda

_FIRST_WAIT_S: Final = 10
_MOST_ATTEMPTS: Final = 6


def cancelling(order_id: str, reason: str) -> str:
    """Return whom a wish to cancel concerns: customers and operations wish apart."""
    return f"{order_id} {reason}"


_INTENTS: Final[dict[type[Command], tuple[int, str, Callable[[Any], str]]]] = {
    RegisterStore: (0, "store", lambda command: str(command.store.store_id)),
    PauseStore: (0, "pause", lambda command: f"{command.store_id} {command.reason}"),
    ResumeStore: (0, "resume", lambda command: str(command.store_id)),
    SetStock: (1, "stock", lambda command: command.store_id + " lost" * command.replaces),
    RegisterCourier: (2, "courier", lambda command: str(command.courier.courier_id)),
    StartShift: (3, "shift", lambda command: str(command.courier_id)),
    PlaceOrder: (4, "order", lambda command: str(command.external_id)),
    RequestQuote: (4, "quote", repr),
    CancelOrder: (5, "cancel", lambda command: cancelling(command.order_id, command.reason)),
    AnswerSubstitution: (5, "answer", lambda command: f"{command.order_id} {command.sku}"),
    StartPick: (6, "pick", lambda command: str(command.order_id)),
    CompletePick: (6, "pick", lambda command: str(command.order_id)),
    ReportShort: (6, "short", lambda command: f"{command.order_id} {command.sku}"),
    ArriveToCollect: (6, "collect", lambda command: str(command.order_id)),
    CollectOrder: (6, "collect", lambda command: str(command.order_id)),
    GiveUpCollection: (6, "collect", lambda command: str(command.order_id)),
    ArriveAtStop: (7, "stop", lambda command: str(command.courier_id)),
    CompleteStop: (7, "stop", lambda command: str(command.courier_id)),
    FailStop: (7, "stop", lambda command: str(command.courier_id)),
    DeclineStop: (7, "stop", lambda command: str(command.courier_id)),
    AcceptOffer: (7, "stop", lambda command: str(command.courier_id)),
    TakeInWork: (7, "stop", lambda command: str(command.courier_id)),
    StrandCourier: (8, "trouble", lambda command: str(command.courier_id)),
    RecoverCourier: (8, "trouble", lambda command: str(command.courier_id)),
    CloseStreet: (10, "street", lambda command: str(command.closure)),
}
"""Priority among what is due at the same time, kind, and whom it concerns."""


def intent_of(command: Command) -> tuple[int, str, str]:
    """Return priority, kind and subject: an agent has one intent of a kind at a time."""
    priority, kind, subject = _INTENTS[type(command)]
    return priority, kind, subject(command)


class Intents:
    """Commands with the time each is due; what was asked is not asked again.

    A refused command is tried again a few times, later and later, then left: the agent goes on
    when it hears of something that makes it want something else.
    """

    def __init__(self) -> None:
        self._agenda = Agenda()
        self._wanted: dict[tuple[str, str], Command] = {}
        self._asked: dict[tuple[str, str], Command] = {}
        self._attempts: dict[tuple[str, str], int] = {}
        self.refusals: Counter[str] = Counter()
        """How often each command was refused, by `<command> <code of the error>`."""

    def want(self, at: int, command: Command) -> None:
        """Ask this at a time, instead of whatever the same agent wanted of the kind before."""
        priority, kind, subject = intent_of(command)
        if self._asked.get((kind, subject)) == command:
            return
        if self._wanted.get((kind, subject)) == command:
            return
        self.forget(kind, subject)
        self._wanted[kind, subject] = command
        self._agenda.put(at, priority, kind, subject)

    def forget(self, kind: str, subject: str) -> None:
        """Want nothing of a kind any more, and wait for nothing."""
        self._agenda.drop(kind, subject)
        self._wanted.pop((kind, subject), None)
        self._asked.pop((kind, subject), None)
        self._attempts.pop((kind, subject), None)

    def settle(self, command: Command) -> None:
        """Forget this very command, wanted or asked: it has been done."""
        _, kind, subject = intent_of(command)
        key = (kind, subject)
        if command in (self._wanted.get(key), self._asked.get(key)):
            self.forget(kind, subject)

    def next_at(self) -> int | None:
        """Return when the next command is due."""
        return self._agenda.next_at()

    def take(self, now: int) -> Command | None:
        """Take the first command that is due; it now counts as asked."""
        due = self._agenda.pop(now)
        if due is None:
            return None
        command = self._wanted.pop((due.kind, due.subject))
        self._asked[due.kind, due.subject] = command
        return command

    def turned_down(self, command: Command, code: str) -> None:
        """Take note of a refusal that nobody argues with."""
        self.refusals[f"{type(command).__name__} {code}"] += 1
        self.settle(command)

    def refused(self, command: Command, code: str, now: int) -> bool:
        """Take note of a refusal; returns True when the command will not be tried again.

        A refusal of something no longer wanted is only counted.
        """
        self.refusals[f"{type(command).__name__} {code}"] += 1
        priority, kind, subject = intent_of(command)
        key = (kind, subject)
        if self._asked.get(key) != command:
            return False
        attempts = self._attempts.get(key, 0) + 1
        self._attempts[key] = attempts
        if attempts >= _MOST_ATTEMPTS:
            return True
        del self._asked[key]
        self._wanted[key] = command
        self._agenda.put(now + _FIRST_WAIT_S * 2 ** (attempts - 1), priority, kind, subject)
        return False

    def pending(self) -> list[tuple[int | None, Command]]:
        """Return what is wanted, without times for what was asked and not answered yet."""
        wanted = [(self._agenda.due_at(*key), command) for key, command in self._wanted.items()]
        asked = [(None, command) for command in self._asked.values()]
        return [*wanted, *asked]
