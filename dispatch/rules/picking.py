"""What commands about picking do: events, or a refusal that changes nothing.  Pure.

Between the first article and the last a customer may be asked about another one instead of a
missing one.  What was asked is reserved until they answer; whoever says nothing is answered for
by the policy when their time is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, InvalidValueError, UnknownIdError, WrongStateError
from dispatch.folds.pieces import amounts, changed_by
from dispatch.model import OrderStatus, Policy
from dispatch.records import Substitution, SubstitutionAnswer
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.state import UNPICKED, OrderState, State

BEING_PICKED: Final = frozenset({OrderStatus.PICKING, OrderStatus.SUBSTITUTING})
"""A picker is at it."""

NOTHING_LEFT: Final = "nothing left to deliver"
"""Why an order is cancelled whose last article was not found."""

_PENDING: Final = SubstitutionAnswer.PENDING


def _start_pick(state: State, command: c.StartPick, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "picking")
    if order.status not in UNPICKED:
        raise WrongStateError(f"order {order.order_id}", order.status.value, "picking", ())
    hold = order.hold
    if hold is not None and (hold.until is None or hold.until > context.now):
        raise ConflictError(
            f"order {order.order_id} is held by {hold.owner}: {hold.reason}; "
            "it is picked once the hold is released"
        )
    return [e.PickStarted(order.order_id, order.store_id, command.occurred_at)]


def _complete_pick(state: State, command: c.CompletePick, _context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "ready")
    if order.status is OrderStatus.SUBSTITUTING:
        asked = ", ".join(known.sku for known in order.substitutions if known.answer is _PENDING)
        subject = f"order {order.order_id}, where the customer has not answered about {asked},"
        raise WrongStateError(subject, order.status.value, "ready", ("picking",))
    if order.status is not OrderStatus.PICKING:
        allowed = ("picking",) if order.status in UNPICKED else ()
        raise WrongStateError(f"order {order.order_id}", order.status.value, "ready", allowed)
    at = max(command.occurred_at, order.pick_started_at or 0)
    return [e.PickCompleted(order.order_id, order.store_id, at)]


# --- what is missing ---------------------------------------------------------------------------


def _report_short(state: State, command: c.ReportShort, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "short")
    key, sku, missing = order.order_id, command.sku, command.missing
    if order.status not in BEING_PICKED:
        allowed = ("picking",) if order.status in UNPICKED else ()
        raise WrongStateError(f"order {key}", order.status.value, "short", allowed)
    if pending(order, sku) is not None:
        raise WrongStateError(
            f"the substitution for {sku}", _PENDING.value, "short", ("accepted", "refused")
        )
    ordered = amounts(order.order.lines)
    _check_missing(order, ordered, sku, missing)
    at = max(command.occurred_at, order.pick_started_at or 0)
    if command.substitute_sku is None:
        refund = _worth(state, sku, missing) or 0
        short = e.LineShort(key, order.store_id, sku, missing, False, at, refund)
        left = changed_by(ordered, {sku: -missing})
        return [short] if left else [short, *_nothing_left(state, order, at)]
    _check_substitute(state, order, command)
    offered = Substitution(
        sku,
        missing,
        command.substitute_sku,
        command.substitute_quantity,
        context.now + context.policy.substitution_timeout_s,
    )
    return [
        e.LineShort(key, order.store_id, sku, missing, True, at),
        e.SubstitutionOffered(key, order.store_id, offered, at),
    ]


def pending(order: OrderState, sku: str) -> Substitution | None:
    """Return the substitution offered for an SKU that nobody answered yet."""
    found = (known for known in order.substitutions if known.sku == sku)
    return next((known for known in found if known.answer is _PENDING), None)


def _check_missing(order: OrderState, ordered: Mapping[str, int], sku: str, missing: int) -> None:
    if sku not in ordered:
        known = ", ".join(sorted(ordered))
        raise InvalidValueError("sku", f"{sku} is not on order {order.order_id}; it has {known}")
    if missing < 1:
        raise InvalidValueError("missing", f"is {missing}; say how many were not found")
    if missing > ordered[sku]:
        raise InvalidValueError(
            "missing",
            f"is {missing}, and order {order.order_id} has {ordered[sku]} of {sku} left; "
            "say how many of those were not found",
        )


def _check_substitute(state: State, order: OrderState, command: c.ReportShort) -> None:
    sku, quantity = command.substitute_sku, command.substitute_quantity
    if sku is None:
        return
    if sku == command.sku:
        raise InvalidValueError("substitute.sku", f"{sku} is what is missing; offer another one")
    if quantity < 1:
        raise InvalidValueError("substitute.quantity", f"is {quantity}; offer 1 or more")
    store = state.store(order.store_id)
    free = max(0, store.available(sku))
    if not free:
        raise InvalidValueError("substitute.sku", f"{sku} is not free at {store.store.name}")
    if free < quantity:
        raise InvalidValueError(
            "substitute.quantity",
            f"is {quantity}, and {store.store.name} has {free} of {sku} free",
        )


def _worth(state: State, sku: str, quantity: int) -> int | None:
    """Return what so many of an article cost, None where the catalogue does not say."""
    article = state.catalogue.get(sku)
    if article is None or not article.price_cents:
        return None
    return article.price_cents * quantity


def _nothing_left(state: State, order: OrderState, at: int) -> Iterator[e.Event]:
    """Yield what ends an order whose last line went: couriers turn back, nobody waits for it."""
    for courier_id, courier in sorted(state.couriers.items()):
        commitment = courier.commitment
        if commitment is not None and commitment.stop.order_id == order.order_id:
            yield e.StopReleased(courier_id, order.order_id, NOTHING_LEFT)
    if order.carriage is not None and order.is_carried_outside:
        yield e.CarriageEnded(order.order_id, order.carriage.carrier, NOTHING_LEFT, at)
    yield e.OrderCancelled(order.order_id, NOTHING_LEFT, at)


# --- what comes instead ------------------------------------------------------------------------


def _answer_substitution(
    state: State, command: c.AnswerSubstitution, _context: Context
) -> Sequence[e.Event]:
    said = SubstitutionAnswer.ACCEPTED if command.accepted else SubstitutionAnswer.REFUSED
    order = state.order(command.order_id)
    asked = [known for known in order.substitutions if known.sku == command.sku]
    if not asked:
        raise UnknownIdError(f"nothing was offered for {command.sku} in order {command.order_id}")
    last = asked[-1]
    if last.answer is said:
        return []
    open_order(state, command.order_id, said.value)
    if last.answer is not _PENDING:
        raise WrongStateError(
            f"the substitution for {command.sku}", last.answer.value, said.value, ()
        )
    answered = replace(last, answer=said, accepted=command.accepted)
    return _answered(state, order, [answered], command.occurred_at)


def _answered(
    state: State, order: OrderState, answers: Sequence[Substitution], at: int
) -> list[e.Event]:
    """Return what follows from answers; the order is cancelled if they leave nothing of it."""
    at = max(at, order.pick_started_at or 0)
    left: Mapping[str, int] = amounts(order.order.lines)
    events: list[e.Event] = []
    for answer in answers:
        refund = _refund(state, answer)
        events.append(e.SubstitutionAnswered(order.order_id, order.store_id, answer, at, refund))
        left = changed_by(left, {answer.sku: -answer.quantity})
        if answer.accepted:
            left = changed_by(left, {answer.substitute_sku: answer.substitute_quantity})
    return events if left else [*events, *_nothing_left(state, order, at)]


def _refund(state: State, answer: Substitution) -> int:
    missing = _worth(state, answer.sku, answer.quantity)
    if missing is None:
        return 0
    if not answer.accepted:
        return missing
    instead = _worth(state, answer.substitute_sku, answer.substitute_quantity)
    return 0 if instead is None else max(0, missing - instead)


def _next_silence(state: State, _policy: Policy) -> int | None:
    return min(
        (
            known.expires_at
            for order in state.orders.values()
            if order.status is OrderStatus.SUBSTITUTING
            for known in order.substitutions
            if known.answer is _PENDING
        ),
        default=None,
    )


def _silences(state: State, context: Context) -> Sequence[e.Event]:
    events: list[e.Event] = []
    for _, order in sorted(state.orders.items()):
        silent = [
            replace(
                known,
                answer=SubstitutionAnswer.SILENT,
                accepted=context.policy.silence_accepts,
            )
            for known in order.substitutions
            if known.answer is _PENDING and known.expires_at <= context.now
        ]
        if silent:
            events += _answered(state, order, silent, context.now)
    return events


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.StartPick: _start_pick,
        c.CompletePick: _complete_pick,
        c.ReportShort: _report_short,
        c.AnswerSubstitution: _answer_substitution,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (Timer(_next_silence, _silences),)
"""What happens by itself."""
