"""What goes out about the dispatcher's desk: decisions in force, the audit, previews."""

from __future__ import annotations

from typing import Any

from api.live import Live
from api.shapes import couriers, desk
from api.versions import order_etag
from dispatch.codec import WIRE, to_rfc3339
from dispatch.commands import UndoAction
from dispatch.control_preview import Preview
from dispatch.records import Action, Control, Hold, OrderLock, RouteLock
from dispatch.rules.desk import moves
from dispatch.rules.locks import stops_ahead
from dispatch.state import CourierState, OrderState

Json = dict[str, Any]

_RECENT = 20


def hold(found: Hold | None) -> desk.Hold | None:
    """Return a hold."""
    if found is None:
        return None
    until = None if found.until is None else to_rfc3339(found.until)
    return {"owner": found.owner, "reason": found.reason, "until": until}


def order_lock(found: OrderLock | None) -> desk.OrderLock | None:
    """Return who alone may bring an order."""
    if found is None:
        return None
    return {
        "courier_id": found.courier_id,
        "owner": found.owner,
        "reason": found.reason,
        "expires_at": to_rfc3339(found.expires_at),
    }


def route_lock(found: RouteLock | None) -> couriers.RouteLock | None:
    """Return the order of stops that a person fixed."""
    if found is None:
        return None
    return {
        "stop_ids": list(found.stop_ids),
        "owner": found.owner,
        "reason": found.reason,
        "expires_at": to_rfc3339(found.expires_at),
    }


def order_desk(live: Live, found: OrderState) -> desk.OrderDesk:
    """Return what people decided about an order, and what they may still do."""
    about = [
        taken for taken in live.engine.state.actions.values() if taken.subject == found.order_id
    ]
    return {
        "order_id": found.order_id,
        "version": order_etag(found),
        "status": found.status.value,
        "delivery_status": found.delivery.value,
        "courier_id": found.courier_id,
        "hold": hold(found.hold),
        "lock": order_lock(found.lock),
        "pinned_store_id": found.pinned_store_id,
        "excluded_stores": sorted(found.excluded_stores),
        "moves": list(moves(found)),
        "actions": [action(live, taken) for taken in reversed(about[-_RECENT:])],
    }


def route_desk(found: CourierState) -> desk.RouteDesk:
    """Return the stops a courier has ahead, and who fixed their order."""
    return {
        "courier_id": found.courier.courier_id,
        "version": found.route_version,
        "stop_ids": list(stops_ahead(found)),
        "lock": route_lock(found.route_lock),
    }


def action(live: Live, taken: Action) -> desk.Action:
    """Return an action; `undo` says whether it can be taken back now, and why not."""
    why_not = live.engine.refuses(UndoAction(taken.action_id, "desk"))
    return {
        "id": taken.action_id,
        "kind": taken.kind,
        "subject": taken.subject,
        "owner": taken.owner,
        "reason": taken.reason,
        "at": to_rfc3339(taken.taken_at),
        "undone_by": taken.undone_by,
        "undo": {"possible": why_not is None, "why_not": why_not},
    }


def control(found: Control) -> desk.Control:
    """Return a surge control."""
    return {
        "id": found.control_id,
        "starts_at": to_rfc3339(found.starts_at),
        **_planned(found),
    }


def _planned(found: Control) -> desk.PlannedControl:
    """Return a surge control without what it has only in force: an id and a beginning."""
    return {
        "kind": found.kind.value,
        "value": found.value,
        "store_ids": list(found.store_ids),
        "owner": found.owner,
        "reason": found.reason,
        "expires_at": to_rfc3339(found.expires_at),
    }


def preview(found: Preview) -> desk.ControlPreview:
    """Return what a control would do."""
    return {
        "control": _planned(found.control),
        "since": to_rfc3339(found.since),
        "until": to_rfc3339(found.until),
        "orders": found.orders,
        "turned_away": WIRE.unstructure(found.turned_away),
        "lost": found.lost,
        "lost_basket_cents": found.lost_basket_cents,
        "promised_later": found.promised_later,
        "later_s": found.later_s,
        "late": found.late,
        "late_under": found.late_under,
        "unstated": found.unstated,
        "open_orders": found.open_orders,
        "stores": WIRE.unstructure(found.stores),
        "sample": WIRE.unstructure(found.sample),
        "notes": list(found.notes),
    }
