"""Customers: they ask, click, wait and answer, and some change their mind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from dispatch.commands import AnswerSubstitution, CancelOrder, PlaceOrder, RequestQuote
from dispatch.errors import ExternalIdTakenError
from dispatch.events import (
    OrderCancelled,
    OrderCollected,
    OrderNotCollected,
    OrderReceived,
    OrderRefused,
    ParcelPickedUp,
    QuoteGiven,
    Recorded,
    SubstitutionAnswered,
    SubstitutionOffered,
)
from dispatch.model import Order, Quote, Reason
from simulations.rng import Streams
from simulations.scenarios.settings import CustomerSettings, DemandSettings
from simulations.worlds.demand import Ask
from simulations.worlds.intents import Intents, cancelling

PATIENCE_S: Final = 1200
"""A click that could not be passed on for this long is a customer gone elsewhere."""

CHANGED_MIND: Final = "customer changed their mind"
_SLOWER: Final[dict[str | None, str | None]] = {"15m": "30m", "30m": "60m", "60m": None}
"""The tier a customer takes instead of one that cannot be had."""
_THINKS_S: Final = (10, 60)
"""How long customers look at a quote."""
_SHRUGS_S: Final = (4, 15)
"""How long they take to choose another time after a refusal."""

_TOLD_BY_EVENTS: Final = frozenset({*Reason, ExternalIdTakenError.code})
"""Codes of refusals that the log tells of, too."""


class Customers:
    """All customers of a world."""

    def __init__(
        self,
        settings: CustomerSettings,
        habits: DemandSettings,
        demand: Iterator[Ask],
        streams: Streams,
        intents: Intents,
    ) -> None:
        self._settings = settings
        self._habits = habits
        self._demand = demand
        self._streams = streams
        self._intents = intents
        self._undecided: dict[str, Ask] = {}
        self._asking: dict[RequestQuote, str] = {}
        self._entities: dict[str, str] = {}
        self._next: Ask | None = None
        self._now = 0
        self.lost: list[str] = []
        """Clicks that were never passed on in time, by their external id."""
        self.left: list[str] = []
        """Those who asked for a quote and left it at that, by their external id."""
        self._advance()

    def hear(self, recorded: Recorded) -> None:
        """React to an event."""
        self._reach(recorded.at)
        match recorded.event:
            case QuoteGiven(quote=quote):
                self._consider(quote, recorded.at)
            case OrderReceived(order=order) if order.part_of is None and order.return_of is None:
                self._received(order, recorded.at)
            case OrderRefused() as refused:
                self._refused(refused, recorded.at)
            case SubstitutionOffered(order_id=order_id, substitution=offered):
                self._answer(order_id, offered.sku, recorded.at)
            case SubstitutionAnswered(order_id=order_id, substitution=answered):
                self._intents.forget("answer", f"{order_id} {answered.sku}")
            case ParcelPickedUp(order_id=order_id):
                self._stay(order_id)
            case (
                OrderCancelled(order_id=order_id)
                | OrderCollected(order_id=order_id)
                | OrderNotCollected(order_id=order_id)
            ):
                self._stay(order_id)
                self._entities.pop(order_id, None)
            case _:
                pass

    @property
    def is_clicking(self) -> bool:
        """Whether somebody is yet to click or to choose; nobody does so for ever."""
        return any(ask.at + PATIENCE_S > self._now for ask in self._undecided.values())

    def end(self, at: int) -> None:
        """Let nobody click from a time on."""
        self._demand = takewhile(lambda ask: ask.at < at, self._demand)
        if self._next is not None and self._next.at >= at:
            self._give_up(self._next.external_id)
            self._next = None

    def passed_on(self, command: PlaceOrder | RequestQuote, now: int) -> bool:
        """Tell whether a click is made in time; one that comes too late is lost."""
        self._reach(now)
        if isinstance(command, RequestQuote):
            external_id = self._asking.get(command)
            ask = self._undecided.get(external_id) if external_id is not None else None
            at = now if ask is None else ask.at
        else:
            external_id, at = command.external_id, command.occurred_at
        if now - at <= PATIENCE_S:
            return True
        if external_id is not None:
            self.lost.append(external_id)
            self._give_up(external_id)
        return False

    def turned_away(self, command: PlaceOrder | RequestQuote, code: str, now: int) -> None:
        """Hear a refusal that no event tells of."""
        self._intents.turned_down(command, code)
        if isinstance(command, RequestQuote):
            external_id = self._asking.pop(command, None)
            ask = self._undecided.get(external_id) if external_id is not None else None
            if ask is not None:
                # Told that there is nothing; most try all the same, and are refused on record.
                self._order(ask, None, None, now + self._pause_s("shrugs", ask, _SHRUGS_S))
        elif command.external_id in self._undecided and code not in _TOLD_BY_EVENTS:
            ask = self._undecided[command.external_id]
            if command.quote_id is None:
                self.lost.append(ask.external_id)
                self._give_up(ask.external_id)
            else:
                self._order(ask, command.window_id, None, now)

    # --- clicking ------------------------------------------------------------------------------

    def _reach(self, at: int) -> None:
        """Let everybody become known who has clicked by a time."""
        self._now = max(self._now, at)
        while self._next is not None and self._next.at <= at:
            self._advance()

    def _advance(self) -> None:
        self._next = ask = next(self._demand, None)
        if ask is None:
            return
        self._undecided[ask.external_id] = ask
        if ask.asks_first:
            question = RequestQuote(
                door=ask.door,
                address=ask.address,
                lines=ask.lines,
                weight_g=ask.weight_g,
                volume_ml=ask.volume_ml,
                facts=ask.facts,
                service_s=ask.service_s,
                basket_cents=ask.basket_cents,
                fulfilment=ask.fulfilment,
            )
            # Two who ask the very same at once could not tell their answers apart.
            if question not in self._asking:
                self._asking[question] = ask.external_id
                self._intents.want(ask.at, question)
                return
        self._order(ask, ask.window_id, None, ask.at)

    def _order(self, ask: Ask, window_id: str | None, quote_id: str | None, at: int) -> None:
        command = PlaceOrder(
            door=ask.door,
            address=ask.address,
            lines=ask.lines,
            weight_g=ask.weight_g,
            volume_ml=ask.volume_ml,
            facts=ask.facts,
            occurred_at=at,
            basket_cents=ask.basket_cents,
            service_s=ask.service_s,
            external_id=ask.external_id,
            quote_id=quote_id,
            fulfilment=ask.fulfilment,
            window_id=window_id,
        )
        self._intents.want(at, command)

    def _give_up(self, external_id: str) -> Ask | None:
        """Want nothing more for an order; it is taken, refused for good, or left."""
        ask = self._undecided.pop(external_id, None)
        if ask is None:
            return None
        self._intents.forget("order", external_id)
        for question, asker in list(self._asking.items()):
            if asker == external_id:
                del self._asking[question]
                self._intents.settle(question)
        return ask

    # --- choosing ------------------------------------------------------------------------------

    def _consider(self, quote: Quote, at: int) -> None:
        ask = self._asker(quote)
        if ask is None:
            return
        if self._streams.chance("only asks", ask.external_id, self._habits.quote_leave_share):
            self.left.append(ask.external_id)
            self._give_up(ask.external_id)
            return
        orders_at = at + self._pause_s("thinks", ask, _THINKS_S)
        window_id = ask.window_id
        while not _is_offered(quote, window_id):
            if window_id is None or not self._steps_down(ask, window_id):
                # They click what they wanted all the same, and hear no once more.
                self._order(ask, window_id, None, orders_at)
                return
            window_id = _SLOWER[window_id]
        self._order(ask, window_id, quote.quote_id, orders_at)

    def _asker(self, quote: Quote) -> Ask | None:
        """Return who asked for a quote; those who ask the same at once are told apart by nobody."""
        for question, external_id in self._asking.items():
            if (
                question.door == quote.door
                and question.lines == quote.lines
                and question.weight_g == quote.weight_g
                and question.fulfilment == quote.fulfilment
            ):
                del self._asking[question]
                self._intents.settle(question)
                return self._undecided.get(external_id)
        return None

    def _refused(self, refused: OrderRefused, at: int) -> None:
        ask = self._undecided.get(refused.external_id or "")
        if ask is None:
            return
        self._intents.forget("order", ask.external_id)
        window_id = refused.window_id
        at += self._pause_s("shrugs", ask, _SHRUGS_S)
        if refused.reason == Reason.QUOTE_EXPIRED:
            self._order(ask, window_id, None, at)
        elif window_id in _SLOWER and self._steps_down(ask, window_id):
            self._order(ask, _SLOWER[window_id], None, at)
        else:
            self._give_up(ask.external_id)

    def _steps_down(self, ask: Ask, window_id: str | None) -> bool:
        entity = f"{ask.external_id} {window_id}"
        return self._streams.chance("steps down", entity, self._habits.step_down_share)

    def _pause_s(self, name: str, ask: Ask, span: tuple[int, int]) -> int:
        low, high = span
        return int(self._streams.stream(name, ask.external_id).integers(low, high + 1))

    # --- waiting -------------------------------------------------------------------------------

    def _received(self, order: Order, at: int) -> None:
        entity = order.external_id or order.order_id
        self._entities[order.order_id] = entity
        self._give_up(entity)
        if self._streams.chance("cancels", entity, self._settings.cancel_share):
            low, high = self._settings.cancel_within_s
            draw = self._streams.stream("cancels after", entity)
            cancel_at = order.created_at + int(draw.integers(low, high + 1))
            command = CancelOrder(order.order_id, CHANGED_MIND, cancel_at)
            self._intents.want(max(cancel_at, at), command)

    def _stay(self, order_id: str) -> None:
        """Do not cancel any more."""
        self._intents.forget("cancel", cancelling(order_id, CHANGED_MIND))

    def _answer(self, order_id: str, sku: str, offered_at: int) -> None:
        entity = f"{self._entities.get(order_id, order_id)} {sku}"
        says = float(self._streams.stream("answers", entity).random())
        accepts = self._settings.accept_substitute_share
        if accepts <= says < accepts + self._settings.silent_share:
            return
        low, high = self._settings.answer_s
        draw = self._streams.stream("answers after", entity)
        at = offered_at + int(draw.integers(low, high + 1))
        self._intents.want(at, AnswerSubstitution(order_id, sku, says < accepts, at))


def _is_offered(quote: Quote, window_id: str | None) -> bool:
    if window_id is None:
        return quote.promise is not None
    window = quote.window(window_id)
    return window is not None and window.promise is not None
