"""How a closed order went: every stretch against its forecast, what moved it, what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from dispatch.explain_words import ended, span
from dispatch.explanation import Explanation, Spent, StoreOption, Stretch, Turn
from dispatch.model import DeliveryStatus, Fulfilment, OrderStatus
from dispatch.records import Action, SubstitutionAnswer
from dispatch.state import OrderState, State

_MINUTE_S: Final = 60

_TURNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "OrderResourced": "moved to another store",
        "OrderNotMoved": "not moved to another store when it should have been",
        "OrderAmended": "changed by the customer or the shop",
        "PromiseSuperseded": "given another promise",
        "StorePinned": "pinned to a store, or freed of its pin",
        "StoreExcluded": "kept from a store",
        "StopDeclined": "declined by its courier",
        "OfferLapsed": "offered to a courier who did not answer",
        "CourierStranded": "stranded with its courier",
        "BagHandedOver": "handed over to another courier",
        "LineShort": "found short of goods",
        "SubstitutionOffered": "waiting for the customer's word on a substitute",
        "SubstitutionAnswered": "picked on, the substitute settled",
        "OrderHeld": "held",
        "HoldReleased": "released",
        "OrderLocked": "locked to one courier",
        "OrderUnlocked": "free for all couriers again",
        "CarriageBooked": "given to an outside company",
        "CarriageEnded": "taken back from the outside company",
        "DeliveryFailed": "not handed over at the door",
        "RetryGranted": "tried again",
        "ConflictNoted": "reported otherwise afterwards",
        "OrderRevived": "carried after all",
    }
)
"""What changes an order's course, by the name of the event, in words."""

_ACTIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "OrderHeld": frozenset({"HoldOrder"}),
        "HoldReleased": frozenset({"ReleaseHold"}),
        "OrderLocked": frozenset({"LockOrder"}),
        "OrderUnlocked": frozenset({"UnlockOrder"}),
        "StorePinned": frozenset({"PinStore"}),
        "StoreExcluded": frozenset({"ExcludeStore"}),
        "CarriageBooked": frozenset({"BookCarriage"}),
        "CarriageEnded": frozenset({"EndCarriage"}),
        "RetryGranted": frozenset({"RetryDelivery"}),
    }
)
"""By which action of a person an event came about, where it was one."""


def recount(order: OrderState, state: State) -> Explanation:
    """Explain a closed order by what happened."""
    store = state.stores.get(order.shelf_store_id)
    place = store.store.name if store is not None else order.shelf_store_id
    done_at = order.closed_at
    slack_s = order.promise.latest - done_at if done_at is not None else None
    option = StoreOption(
        store_id=order.shelf_store_id,
        name=place,
        chosen=True,
        trip_s=None,
        ready_at=order.ready_at,
        reason=None,
        detail="",
    )
    found = Explanation(
        order_id=order.order_id,
        sentence="",
        plan_id=state.plan.plan_id if state.plan is not None else "",
        store_id=order.shelf_store_id,
        courier_id=order.courier_id,
        held=True,
        ready_at=order.ready_at,
        leave_at=None,
        pickup_at=order.picked_up_at,
        done_at=done_at,
        slack_s=slack_s,
        reason=None,
        remedy="",
        stores=(option,),
        couriers=(),
        stretches=stretches(order),
        turns=tuple(_turns(order, state)),
        spent=_spent(order),
    )
    return replace(found, sentence=_sentence(found, order, _who(order, state), place))


def stretches(order: OrderState) -> tuple[Stretch, ...]:
    """Return the stretches of an order's life so far, one after the other, without gaps."""
    marks = sorted(_marks(order), key=lambda mark: mark[0])
    foreseen = _foreseen(order)
    before, last = order.order.created_at, "click"
    found: list[Stretch] = []
    for at, key, name in marks:
        at = max(at, before)  # noqa: PLW2901  two clocks may disagree
        expected = None
        if key in foreseen and last in foreseen:
            expected = max(0, foreseen[key] - foreseen[last])
        found.append(Stretch(name, before, at, at - before, expected, longest=False))
        before, last = at, key
    longest_s = max((stretch.took_s for stretch in found), default=0)
    return tuple(
        replace(stretch, longest=stretch.took_s == longest_s and longest_s > 0) for stretch in found
    )


def _marks(order: OrderState) -> Iterator[tuple[int, str, str]]:
    """Yield the ends of an order's stretches: when, which, and what the stretch was."""
    errand = order.order.return_of is not None
    carried = order.order.fulfilment is Fulfilment.DELIVERY
    if order.pick_started_at is not None:
        yield order.pick_started_at, "start", "waiting for a picker"
    if order.ready_at is not None and not errand:
        yield order.ready_at, "ready", "picking"
    if order.here_at is not None:
        yield order.here_at, "here", "waiting for the customer"
    if order.picked_up_at is not None:
        yield order.picked_up_at, "pickup", "waiting for the courier"
        yield from _on_the_way(order, order.picked_up_at)
    if order.closed_at is not None:
        yield order.closed_at, "done", _last_stretch(order, carried=carried)


def _on_the_way(order: OrderState, since: int) -> Iterator[tuple[int, str, str]]:
    """Yield the ends of what happened with the goods in a bag, but for the last."""
    failed = _last(order, "DeliveryFailed", after=since)
    turned = failed if failed is not None else _last(order, "OrderCancelled", after=since)
    arrivals = [at for at, event in order.timeline if event == "StopArrived" and at > since]
    before = [at for at in arrivals if turned is None or at <= turned]
    after = [at for at in arrivals if turned is not None and at > turned]
    if before:
        errand = order.order.return_of is not None
        yield before[-1], "door", "the way to the store" if errand else "the way to the door"
    if failed is not None:
        yield failed, "failed", "the try in vain"
    if after:
        back = order.returning or order.delivery is DeliveryStatus.RETURNED
        yield after[-1], "again", "the way back" if back else "the way to the door again"


def _last_stretch(order: OrderState, *, carried: bool) -> str:
    """Return what the last stretch of a closed order was."""
    arrived = _last(order, "StopArrived", after=order.picked_up_at)
    if order.delivery is DeliveryStatus.RETURNED:
        return "handing it back" if arrived is not None else "bringing it back"
    if order.status is OrderStatus.CANCELLED:
        return "until it was given up"
    if not carried:
        return "handing it over"
    return "the hand-over" if arrived is not None else "the way to the door"


def _last(order: OrderState, name: str, after: int | None = None) -> int | None:
    """Return when an event happened last (after a time), None if it did not."""
    found = [at for at, event in order.timeline if event == name]
    if after is not None:
        found = [at for at in found if at > after]
    return found[-1] if found else None


def _foreseen(order: OrderState) -> dict[str, int]:
    """Return when the first plan expected each mark."""
    plan = order.foreseen
    if plan is None:
        return {}
    arrives_at = plan.done_at - order.order.service_s
    known = {
        "click": order.order.created_at,
        "start": plan.start_at,
        "ready": plan.ready_at,
        "pickup": plan.pickup_at,
        "door": arrives_at,
        "done": plan.done_at,
    }
    return {key: at for key, at in known.items() if at is not None}


def _turns(order: OrderState, state: State) -> Iterator[Turn]:
    about = [taken for taken in state.actions.values() if taken.subject == order.order_id]
    for at, event in order.timeline:
        words = _TURNS.get(event)
        if words is None:
            continue
        action = _action(about, event, at)
        owner, reason = (action.owner, action.reason) if action is not None else ("", "")
        yield Turn(at, event, _detail(order, event, words), owner, reason)


def _action(about: list[Action], event: str, at: int) -> Action | None:
    kinds = _ACTIONS.get(event, frozenset())
    return next((taken for taken in about if taken.kind in kinds and taken.taken_at == at), None)


def _detail(order: OrderState, event: str, words: str) -> str:
    if event == "SubstitutionOffered" and order.substitutions:
        offered = ", ".join(f"{each.substitute_sku} for {each.sku}" for each in order.substitutions)
        return f"{words}: {offered}"
    if event == "SubstitutionAnswered" and order.substitutions:
        return f"{words}: {', '.join(_answer(each.answer) for each in order.substitutions)}"
    if event == "ConflictNoted" and order.conflicts:
        return f"{words}: {'; '.join(order.conflicts)}"
    if event == "CarriageBooked" and order.carriage is not None:
        return f"{words}, {order.carriage.carrier}"
    return words


def _answer(answer: SubstitutionAnswer) -> str:
    return "no answer" if answer is SubstitutionAnswer.SILENT else answer.value


def _spent(order: OrderState) -> Spent:
    bought = order.order
    told_at = _told_at(order)
    ended_at = order.closed_at
    courier_s = None
    if told_at is not None and ended_at is not None:
        courier_s = max(0, ended_at - told_at)
    return Spent(
        fare_cents=bought.fare_cents,
        tip_cents=bought.tip_cents,
        refund_cents=order.refund_cents,
        carriage_cents=order.carriage.cost_cents if order.carriage is not None else 0,
        courier_s=courier_s,
    )


def _told_at(order: OrderState) -> int | None:
    """Return when the courier who fetched it was told to, None if nobody did."""
    if order.picked_up_at is None:
        return None
    told = [
        at
        for at, event in order.timeline
        if event in {"StopCommitted", "OfferMade"} and at <= order.picked_up_at
    ]
    return told[-1] if told else None


# --- in words ----------------------------------------------------------------------------------


def _who(order: OrderState, state: State) -> str:
    if order.carriage is not None and not order.carriage.ended:
        return order.carriage.carrier
    courier = state.couriers.get(order.courier_id or "")
    return courier.courier.name if courier is not None else "Nobody"


def _sentence(found: Explanation, order: OrderState, who: str, place: str) -> str:
    if order.delivery is DeliveryStatus.CANCELLED or (
        order.order.fulfilment is not Fulfilment.DELIVERY and order.status is OrderStatus.CANCELLED
    ):
        return ended("Cancelled", order.note)
    if order.delivery is DeliveryStatus.RETURNED:
        return ended(f"{who} brought the goods back to {place}", order.note)
    took = span((order.closed_at or 0) - order.order.created_at)
    if order.order.fulfilment is not Fulfilment.DELIVERY:
        first = f"The customer collected it at {place}, {took} after the click."
    elif order.order.return_of is not None:
        first = f"{who} fetched it at the door and brought it to {place}, {took} after the click."
    else:
        first = f"{who} brought it from {place}, {took} after the click."
    parts = [first]
    if found.slack_s is not None and found.slack_s < 0:
        parts.append(f"It was {span(-found.slack_s)} late: {_cause(found)}.")
    elif found.slack_s is not None:
        later = f"{span(found.slack_s)} later" if found.slack_s else "just then"
        parts.append(f"The promise ended {later}.")
    if found.turns:
        whole = list(dict.fromkeys(turn.detail for turn in found.turns))
        parts.append(f"On its way it was {_listed(whole)}.")
    return " ".join(parts)


def _cause(found: Explanation) -> str:
    """Return the longest stretch of an order, with what was expected of it."""
    longest = next((stretch for stretch in found.stretches if stretch.longest), None)
    if longest is None:
        return "its course is not fully known"
    said = f"{longest.name} took {span(longest.took_s)}, the longest stretch"
    over = _most_over(found)
    if over is None:
        return said
    stretch, over_s = over
    if stretch is longest:
        return f"{said}, {over_s // _MINUTE_S} more than foreseen"
    return (
        f"{said}; {stretch.name} took {over_s // _MINUTE_S} min more than foreseen, "
        "more than any other"
    )


def _most_over(found: Explanation) -> tuple[Stretch, int] | None:
    """Return the stretch that went over its forecast most, by a minute at least."""
    over = [
        (stretch, stretch.took_s - stretch.foreseen_s)
        for stretch in found.stretches
        if stretch.foreseen_s is not None
    ]
    if not over:
        return None
    worst = max(over, key=lambda pair: pair[1])
    return worst if worst[1] >= _MINUTE_S else None


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
