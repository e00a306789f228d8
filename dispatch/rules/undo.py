"""Taking back what was done at the desk, where it still makes sense.

An action is taken back as long as it is the last of its kind about its subject and what it did
still stands.  What has gone on in the world since (goods picked up, a courier who left) is never
taken back; then the refusal says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from dispatch import commands as c
from dispatch import events as e
from dispatch.codec import LOG
from dispatch.errors import ConflictError, UnknownIdError
from dispatch.model import StopKind
from dispatch.records import Action, Control, OrderLock, RouteLock
from dispatch.rules.context import Context, Rule
from dispatch.rules.desk import recorded_hold
from dispatch.state import UNPICKED, OrderState, State


@dataclass(frozen=True, slots=True)
class _Case:
    """What is to be taken back, when, and by whom."""

    state: State
    action: Action
    now: int
    owner: str

    def order(self) -> OrderState:
        """Return the order it was about; raises `ConflictError` when that is over."""
        order = self.state.order(self.action.subject)
        if order.is_closed:
            raise ConflictError(f"order {order.order_id} is {order.delivery.value}; it is over")
        return order

    def said(self, name: str) -> Any:
        """Return what there was before, as plain JSON; None for nothing."""
        return json.loads(self.action.before).get(name)

    def recorded(self, name: str, kind: type[Any]) -> Any:
        """Return what there was before as the record that it is; None for nothing."""
        said = self.said(name)
        return None if said is None else LOG.structure(said, kind)


_Undo: TypeAlias = Callable[[_Case], Sequence[e.Event]]


def _undo_action(state: State, command: c.UndoAction, context: Context) -> Sequence[e.Event]:
    action = state.actions.get(command.action_id)
    if action is None:
        raise UnknownIdError(f"there is no action {command.action_id}")
    if action.undone_by is not None:
        raise ConflictError(f"action {action.action_id} was taken back by {action.undone_by}")
    undo = _UNDO.get(action.kind)
    if undo is None or not action.before:
        raise ConflictError(f"what {action.kind} did cannot be taken back")
    later = _later(state, action)
    if later is not None:
        raise ConflictError(
            f"{later.owner} did {later.kind} ({later.action_id}) about {action.subject} since; "
            "take that back first"
        )
    case = _Case(state, action, context.now, command.owner)
    return [e.ActionUndone(action.action_id, command.owner), *undo(case)]


def _later(state: State, action: Action) -> Action | None:
    """Return an action about the same thing that was taken after this one and stands."""
    family = next(kinds for kinds in _FAMILIES if action.kind in kinds)
    for other in reversed(tuple(state.actions.values())):
        if other.action_id == action.action_id:
            return None
        if other.subject == action.subject and other.kind in family and other.undone_by is None:
            return other
    return None


def _refuse_fetched(order: OrderState) -> None:
    if order.on_board:
        raise ConflictError(f"order {order.order_id} is picked up already")
    if order.courier_id is not None:
        raise ConflictError(f"{order.courier_id} is on the way to fetch order {order.order_id}")


# --- holds -------------------------------------------------------------------------------------


def _hold(case: _Case) -> Sequence[e.Event]:
    order, now = case.order(), case.now
    if order.hold is None:
        raise ConflictError(f"order {order.order_id} is not held any more")
    before = recorded_hold(case.action)
    if before is not None and (before.until is None or before.until > now):
        return [e.OrderHeld(order.order_id, before, now)]
    return [e.HoldReleased(order.order_id, now)]


def _release(case: _Case) -> Sequence[e.Event]:
    order, now = case.order(), case.now
    _refuse_fetched(order)
    before = recorded_hold(case.action)
    if before is None or (before.until is not None and before.until <= now):
        raise ConflictError(f"the hold of order {order.order_id} would be over by now")
    return [e.OrderHeld(order.order_id, before, now)]


# --- locks -------------------------------------------------------------------------------------


def _lock(case: _Case) -> Sequence[e.Event]:
    order = case.order()
    if order.lock is None:
        raise ConflictError(f"order {order.order_id} is not locked to a courier any more")
    _refuse_fetched(order)
    before = case.recorded("lock", OrderLock)
    if before is not None and before.expires_at > case.now:
        return [e.OrderLocked(order.order_id, before, case.now)]
    return [e.OrderUnlocked(order.order_id, "taken back")]


def _unlock(case: _Case) -> Sequence[e.Event]:
    order, before = case.order(), case.recorded("lock", OrderLock)
    if before is None or before.expires_at <= case.now:
        raise ConflictError(f"the lock of order {order.order_id} would be over by now")
    if order.courier_id != before.courier_id:
        _refuse_fetched(order)
    if before.courier_id in order.declined_by:
        raise ConflictError(f"{before.courier_id} has declined order {order.order_id} since")
    return [e.OrderLocked(order.order_id, before, case.now)]


def _route(case: _Case) -> Sequence[e.Event]:
    courier = case.state.courier(case.action.subject)
    if courier.route_lock is None:
        raise ConflictError(f"the order of stops of {case.action.subject} is free already")
    before = case.recorded("route_lock", RouteLock)
    if before is not None and before.expires_at > case.now:
        return [e.RouteLocked(case.action.subject, before, case.now)]
    return [e.RouteUnlocked(case.action.subject, "taken back")]


def _free_route(case: _Case) -> Sequence[e.Event]:
    courier, before = (
        case.state.courier(case.action.subject),
        case.recorded("route_lock", RouteLock),
    )
    if before is None or before.expires_at <= case.now:
        raise ConflictError(f"what was fixed for {case.action.subject} would be over by now")
    commitment = courier.commitment
    if commitment is not None and commitment.stop.kind is StopKind.PICKUP:
        first = commitment.stop.stop_id
        if first in before.stop_ids[1:]:
            raise ConflictError(f"{case.action.subject} is under way to {first}, which came later")
    return [e.RouteLocked(case.action.subject, before, case.now)]


# --- controls, stores, pins --------------------------------------------------------------------


def _control(case: _Case) -> Sequence[e.Event]:
    if case.action.subject not in case.state.controls:
        raise ConflictError(f"control {case.action.subject} is over already")
    return [e.ControlEnded(case.action.subject, "taken back")]


def _end_control(case: _Case) -> Sequence[e.Event]:
    before = case.recorded("control", Control)
    if before is None or before.expires_at <= case.now:
        raise ConflictError(f"control {case.action.subject} would be over by now")
    return [e.ControlSet(before)]


def _pause(case: _Case) -> Sequence[e.Event]:
    store = case.state.store(case.action.subject)
    if store.paused is None:
        raise ConflictError(f"store {case.action.subject} takes orders already")
    before = case.said("paused")
    if isinstance(before, str):
        return [e.StorePaused(case.action.subject, before, case.owner)]
    return [e.StoreResumed(case.action.subject, case.owner)]


def _resume(case: _Case) -> Sequence[e.Event]:
    store, before = case.state.store(case.action.subject), case.said("paused")
    if store.paused is not None or not isinstance(before, str):
        raise ConflictError(f"store {case.action.subject} is paused already")
    return [e.StorePaused(case.action.subject, before, case.owner)]


def _pin(case: _Case) -> Sequence[e.Event]:
    order, before = case.order(), case.said("pinned_store_id")
    if order.status not in UNPICKED:
        raise ConflictError(f"order {order.order_id} is {order.status.value}: its goods are taken")
    if before is not None and before != order.store_id:
        raise ConflictError(
            f"order {order.order_id} is at {order.store_id} now; pin it to {before} anew"
        )
    return [e.StorePinned(order.order_id, before, case.owner, "taken back")]


_UNDO: Final[Mapping[str, _Undo]] = MappingProxyType(
    {
        c.HoldOrder.__name__: _hold,
        c.ReleaseHold.__name__: _release,
        c.LockOrder.__name__: _lock,
        c.UnlockOrder.__name__: _unlock,
        c.LockRoute.__name__: _route,
        c.UnlockRoute.__name__: _free_route,
        c.SetControl.__name__: _control,
        c.EndControl.__name__: _end_control,
        c.PauseStore.__name__: _pause,
        c.ResumeStore.__name__: _resume,
        c.PinStore.__name__: _pin,
    }
)
"""How each action is taken back, by the name of its command."""

_FAMILIES: Final = (
    frozenset({c.HoldOrder.__name__, c.ReleaseHold.__name__}),
    frozenset({c.LockOrder.__name__, c.UnlockOrder.__name__}),
    frozenset({c.LockRoute.__name__, c.UnlockRoute.__name__}),
    frozenset({c.SetControl.__name__, c.EndControl.__name__}),
    frozenset({c.PauseStore.__name__, c.ResumeStore.__name__}),
    frozenset({c.PinStore.__name__, c.ExcludeStore.__name__}),
)
"""Actions that undo or replace each other: the last one about a subject counts."""

RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType({c.UndoAction: _undo_action})
"""The rule of each command; all raise `DispatchError` when the command does not fit."""
