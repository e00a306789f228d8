"""Any open order explained: planned, held, collected, or carried by somebody else.

What people decided about it is said with who, why and until when.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dispatch.cases import picked_first_at
from dispatch.counterfactual import WORTH_S, released
from dispatch.explain import explain
from dispatch.explain_words import REMEDIES, decided, ended, if_so, soon, span
from dispatch.explanation import Change, Decision, Explanation, StoreOption
from dispatch.model import Fulfilment, OrderInPlay, Plan, Reason, Snapshot
from dispatch.moving import ENGINE
from dispatch.otherwise import Ties
from dispatch.records import SLOT
from dispatch.state import CourierState, OrderState, State, family
from dispatch.views import fixed_stops

_MINUTE_S: Final = 60


def explain_open(order: OrderState, state: State, snapshot: Snapshot, plan: Plan) -> Explanation:
    """Explain any open order: planned, held, collected, or carried by somebody else.

    Parameters
    ----------
    snapshot
        With a held order in play, as if it were not held.
    """
    decisions = decisions_of(order, state)
    in_play = next((o for o in snapshot.orders if o.order_id == order.order_id), None)
    if in_play is None:
        found = _bare(order, state)
    else:
        found = explain(snapshot, plan, order.order_id, _ties(order, state))
    special = _special(order, in_play, found, snapshot, plan)
    if special is not None:
        found = special
    said = [found.sentence]
    said += [decided(each, snapshot.now) for each in decisions if each.kind != "carriage"]
    said += _left_out(order, state)
    said += [_parts(order, state)]
    text = " ".join(part for part in said if part)
    return replace(found, sentence=text, decisions=decisions)


def _special(
    order: OrderState,
    in_play: OrderInPlay | None,
    found: Explanation,
    snapshot: Snapshot,
    plan: Plan,
) -> Explanation | None:
    """Return the explanation of an order that the plan has nothing to decide about."""
    place = next((option.name for option in found.stores if option.chosen), found.store_id or "")
    if order.hold is not None and order.courier_id is None and not order.is_carried_outside:
        changes = () if in_play is None else released(snapshot, plan, in_play)
        if order.order.fulfilment is not Fulfilment.DELIVERY:
            changes = ()
        said = "It is neither picked nor brought for now."
        if changes:
            said += f" {if_so(changes[0])}"
        return replace(
            found, sentence=said, reason=Reason.HELD, remedy=REMEDIES[Reason.HELD], changes=changes
        )
    if order.is_carried_outside and order.carriage is not None:
        carrier = order.carriage.carrier
        said = f"{carrier} carries it ({order.carriage.status.replace('_', ' ')})."
        if not order.on_board:
            said = f"{carrier} comes to {place} for it; no courier of ours does."
        if order.eta is not None:
            said += f" It is expected {soon(order.eta - snapshot.now)}."
        return replace(
            found, sentence=said, courier_id=None, reason=None, remedy="", held=True, changes=()
        )
    if order.order.fulfilment is not Fulfilment.DELIVERY:
        return _collected(order, in_play, found, snapshot, place)
    if order.order.return_of is not None and not order.on_board and found.reason is None:
        said = f"{found.sentence} It brings goods of order {order.order.return_of} back."
        return replace(found, sentence=said)
    return None


def _collected(
    order: OrderState,
    in_play: OrderInPlay | None,
    found: Explanation,
    snapshot: Snapshot,
    place: str,
) -> Explanation:
    """Return the explanation of an order that the customer fetches."""
    if order.here_at is not None:
        at = f" (bay {order.bay.removeprefix('bay ')})" if order.bay else ""
        waits = span(max(0, snapshot.now - order.here_at))
        said = f"The customer has waited at {place}{at} for {waits}."
    elif order.ready_at is not None:
        said = f"It waits at {place} for the customer; no courier is needed."
    elif found.ready_at is not None:
        when = soon(found.ready_at - snapshot.now)
        said = f"The customer collects it at {place}; it should be ready {when}."
    else:
        said = f"The customer collects it at {place}; the next plan says when it is ready."
    changes: tuple[Change, ...] = ()
    at_once = picked_first_at(snapshot, in_play) if in_play is not None else None
    if at_once is not None and found.ready_at is not None and found.ready_at - at_once >= WORTH_S:
        saved_s = found.ready_at - at_once
        changes = (
            Change(
                "picked_first",
                f"it would be ready {saved_s // _MINUTE_S} min sooner",
                f"{place} picked it now, before all others",
                saved_s,
                None,
            ),
        )
    return replace(found, sentence=said, courier_id=None, reason=None, remedy="", changes=changes)


def _bare(order: OrderState, state: State) -> Explanation:
    """Return what can be said of an order that is not in play."""
    store = state.stores.get(order.store_id)
    name = store.store.name if store is not None else order.store_id
    option = StoreOption(order.store_id, name, True, None, order.ready_at, None, "")
    return Explanation(
        order_id=order.order_id,
        sentence=f"Nothing is planned for it at {name}.",
        plan_id=state.plan.plan_id if state.plan is not None else "",
        store_id=order.store_id,
        courier_id=order.courier_id,
        held=order.courier_id is not None or order.on_board,
        ready_at=order.ready_at or order.ready_forecast,
        leave_at=None,
        pickup_at=order.picked_up_at,
        done_at=None,
        slack_s=None,
        reason=None,
        remedy="",
        stores=(option,),
        couriers=(),
    )


def _ties(order: OrderState, state: State) -> Ties:
    lock = order.lock
    locked_to = None
    if lock is not None:
        courier = state.couriers.get(lock.courier_id)
        locked_to = courier.courier.name if courier is not None else lock.courier_id
    pinned = order.pinned_store_id is not None
    fixed = next((each for each in state.couriers.values() if _fixes(state, each, order)), None)
    ties = Ties(locked_to, order.declined_by, pinned, ruled_out=_ruled_out(order, state))
    if fixed is None:
        return ties
    under_way = int(fixed.commitment is not None)
    return replace(ties, fixed_for=fixed.courier.courier_id, under_way=under_way)


def _ruled_out(order: OrderState, state: State) -> dict[str, str]:
    """Return who ruled each excluded store out, and why."""
    found: dict[str, str] = {}
    for rule in order.exclusions:
        how = "left out by the engine" if rule.owner == ENGINE else f"ruled out by {rule.owner}"
        said = ended(f"{_store_name(state, rule.store_id)} was {how}", rule.reason)
        found[rule.store_id] = said.removesuffix(".")
    return found


def _left_out(order: OrderState, state: State) -> list[str]:
    """Return which stores nobody ruled out by hand, and why the engine leaves them out."""
    return [
        ended(f"The engine left {_store_name(state, rule.store_id)} out", rule.reason)
        for rule in order.exclusions
        if rule.owner == ENGINE
    ]


def _fixes(state: State, courier: CourierState, order: OrderState) -> bool:
    """Tell whether a courier's stops are in an order fixed by hand, this order's among them."""
    return any(stop.order_id == order.order_id for stop in fixed_stops(state, courier))


def decisions_of(order: OrderState, state: State) -> tuple[Decision, ...]:
    """Return what people decided about an order that holds now."""
    found: list[Decision] = []
    hold, lock = order.hold, order.lock
    if hold is not None:
        words = "It waits for its slot" if hold.owner == SLOT else "Held"
        found.append(Decision("hold", hold.owner, hold.reason, hold.until, words))
    if lock is not None:
        name = _ties(order, state).locked_to
        detail = f"Locked to {name}"
        found.append(Decision("lock", lock.owner, lock.reason, lock.expires_at, detail))
    pin = order.pin
    if pin is not None:
        detail = f"Pinned to {_store_name(state, pin.store_id)}"
        found.append(Decision("pin", pin.owner, pin.reason, None, detail))
    for rule in order.exclusions:
        if rule.owner != ENGINE:
            detail = f"Kept from {_store_name(state, rule.store_id)}"
            found.append(Decision("exclusion", rule.owner, rule.reason, None, detail))
    for courier in state.couriers.values():
        fixed = courier.route_lock
        if fixed is not None and _fixes(state, courier, order):
            detail = f"The order of the stops of {courier.courier.name} is fixed"
            found.append(
                Decision("route_lock", fixed.owner, fixed.reason, fixed.expires_at, detail)
            )
    if order.is_carried_outside and order.carriage is not None:
        owner, reason = _by(order, state, "BookCarriage")
        detail = f"Carried by {order.carriage.carrier}"
        found.append(Decision("carriage", owner, reason, None, detail))
    return tuple(found)


def _by(order: OrderState, state: State, kind: str) -> tuple[str, str]:
    """Return who did something about an order last, and why; empty where it is not on record."""
    for action in reversed(tuple(state.actions.values())):
        if action.subject == order.order_id and action.kind == kind and action.undone_by is None:
            return action.owner, action.reason
    return "", ""


def _store_name(state: State, store_id: str) -> str:
    store = state.stores.get(store_id)
    return store.store.name if store is not None else store_id


def _parts(order: OrderState, state: State) -> str:
    parts = family(state, order)
    if len(parts) < 2:  # noqa: PLR2004  alone
        return ""
    others = [part.order_id for part in parts if part.order_id != order.order_id]
    rest = "the others are" if len(others) > 1 else "the other is"
    return (
        f"It is one of {len(parts)} parts, as no store had everything; {rest} {', '.join(others)}."
    )
