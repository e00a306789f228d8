"""Picking on the wire: the work queue, substitutions, and what is known of a parcel's way.

Everything here reads; all of it runs on the engine's thread.
"""

from __future__ import annotations

from api.live import Live
from api.news import short
from api.order_views import moment
from api.shapes import picking
from dispatch.codec import to_rfc3339
from dispatch.errors import UnknownIdError
from dispatch.model import Fulfilment, OrderLine, OrderStatus
from dispatch.planning.picking import Pick
from dispatch.records import Article, ItemScan, ScanStep, Substitution, SubstitutionAnswer
from dispatch.rules.custody import STEPS, parcel, same_barcode, steps_of
from dispatch.rules.picking import BEING_PICKED
from dispatch.state import UNPICKED, OrderState, State, StoreState


def queue(live: Live, found: StoreState) -> list[picking.TimedPick]:
    """Return what a store has to pick, in the order of work.

    First what is begun, then whose customer waits outside, then by when it must be ready.  What
    cannot be forecast (no picker, never open) comes last: it must not be forgotten.  What a person
    holds is left out until it is released or begun.
    """
    state, store_id = live.engine.state, found.store.store_id
    rows = [
        (pick, state.orders[pick.order_id])
        for pick in live.engine.work_order(store_id)
        if _is_to_do(state.orders[pick.order_id])
    ]
    listed = {pick.order_id for pick, _ in rows}
    left = [
        order
        for order in state.orders.values()
        if order.store_id == store_id and _is_to_do(order) and order.order_id not in listed
    ]
    now = live.clock.now()
    for order in sorted(left, key=lambda order: (order.promise.latest, order.order_id)):
        need = order.promise.latest
        pick = Pick(order.order_id, now, now, need, running=order.status in BEING_PICKED)
        rows.append((pick, order))
    rows.sort(key=lambda row: (row[1].status in UNPICKED, row[1].here_at is None))
    return [
        {
            **pick_row(state, order),
            "start_by": to_rfc3339(max(pick.start_at, order.pick_at or pick.start_at)),
            "ready_by": to_rfc3339(pick.ready_at),
            "needed_by": to_rfc3339(pick.needed_by),
        }
        for pick, order in rows
    ]


def _is_to_do(order: OrderState) -> bool:
    if order.status in BEING_PICKED:
        return True
    return order.status in UNPICKED and order.hold is None


def pick_row(state: State, found: OrderState) -> picking.Pick:
    """Return an order as its picker sees it: lines as one walks along the shelves."""
    store = state.stores.get(found.shelf_store_id)
    rows = [_line(state, store, found, line) for line in found.order.lines]
    rows.sort(key=lambda row: (not row["shelf"], row["shelf"] or "", row["sku"]))
    return {
        "order_id": found.order_id,
        "short": short(found.order_id),
        "parcel_id": found.parcel_id,
        "status": found.status.value,
        "fulfilment": found.order.fulfilment.value,
        "customer": customer(found),
        "chilled": found.order.chilled or any(row["chilled"] for row in rows),
        "age_limit": max((row["age_limit"] for row in rows), default=found.order.age_limit),
        "hold": found.hold.reason if found.hold is not None else None,
        "lines": rows,
        "substitutions": [substitution(known) for known in found.substitutions],
        "refund_cents": found.refund_cents,
    }


def customer(found: OrderState) -> picking.WaitingCustomer | None:
    """Return who comes for an order and where they wait; None for a delivery."""
    if found.order.fulfilment is Fulfilment.DELIVERY:
        return None
    return {"here_since": moment(found.here_at), "bay": found.bay or None}


def _line(
    state: State, store: StoreState | None, found: OrderState, line: OrderLine
) -> picking.PickLine:
    known = state.catalogue.get(line.sku) or Article(line.sku)
    offered = [each for each in found.substitutions if each.sku == line.sku]
    replaced = [
        each.sku
        for each in found.substitutions
        if each.substitute_sku == line.sku and each.accepted
    ]
    shelf = store.shelves.get(line.sku) if store is not None else None
    return {
        "sku": line.sku,
        "quantity": line.quantity,
        "name": known.name or None,
        "shelf": shelf or known.shelf or None,
        "barcode": known.barcode or None,
        "chilled": known.chilled,
        "age_limit": known.age_limit,
        "scanned": sum(scan.sku == line.sku for scan in found.items),
        "substitution": substitution(offered[-1]) if offered else None,
        "instead_of": replaced[-1] if replaced else None,
    }


def substitution(found: Substitution) -> picking.PickSubstitution:
    """Return what was offered for a missing article, and what became of it."""
    pending = found.answer is SubstitutionAnswer.PENDING
    return {
        "sku": found.sku,
        "missing": found.quantity,
        "substitute": {"sku": found.substitute_sku, "quantity": found.substitute_quantity},
        "answer": found.answer.value,
        "accepted": None if pending else found.accepted,
        "expires_at": to_rfc3339(found.expires_at),
    }


# --- scans -------------------------------------------------------------------------------------


def items(state: State, found: OrderState) -> picking.Items:
    """Return what was scanned into an order, and how much of each line lacks a scan."""
    scanned: dict[str, int] = {}
    for scan in found.items:
        scanned[scan.sku] = scanned.get(scan.sku, 0) + 1
    return {
        "order_id": found.order_id,
        "parcel_id": found.parcel_id,
        "items": [
            {
                "sku": scan.sku,
                "name": _name(state, scan.sku),
                "barcode": scan.barcode,
                **_package(scan),
                "picked_at": to_rfc3339(scan.occurred_at),
            }
            for scan in found.items
        ],
        "left": [
            {"sku": line.sku, "quantity": line.quantity - scanned.get(line.sku, 0)}
            for line in found.order.lines
            if line.quantity > scanned.get(line.sku, 0)
        ],
    }


def _name(state: State, sku: str) -> str | None:
    article = state.catalogue.get(sku)
    return article.name or None if article is not None else None


def _package(scan: ItemScan) -> picking.Package:
    return {
        "batch": scan.batch or None,
        "origin": scan.origin or None,
        "best_before": scan.best_before or None,
    }


def custody(found: OrderState) -> picking.Custody:
    """Return in whose hands a parcel was, and which steps nobody scanned though they are over."""
    scanned = {scan.step for scan in found.scans}
    reached = max((STEPS.index(step) for step in (*scanned, *_passed(found))), default=-1)
    return {
        "order_id": found.order_id,
        "parcel_id": found.parcel_id,
        "steps": [step.value for step in steps_of(found)],
        "chain": [
            {"step": scan.step.value, "by": scan.by, "at": to_rfc3339(scan.occurred_at)}
            for scan in found.scans
        ],
        "gaps": [
            step.value
            for step in steps_of(found)
            if step not in scanned and STEPS.index(step) <= reached
        ],
    }


def _passed(found: OrderState) -> list[ScanStep]:
    """Return the furthest step an order is past by all that is known besides scans."""
    if found.status is OrderStatus.COLLECTED:
        return [steps_of(found)[-1]]
    if found.picked_up_at is not None:
        return [ScanStep.HANDOVER]
    if found.order.return_of is None and found.ready_at is not None:
        return [ScanStep.PACK]
    return []


def trace(state: State, parcel_id: str, barcode: str) -> picking.Trace:
    """Return where an article of a parcel comes from, for the customer who has it.

    Raises
    ------
    UnknownIdError
        No such parcel, or nothing of that barcode was scanned into it.
    """
    found = parcel(state, parcel_id)
    scans = [scan for scan in found.items if same_barcode(scan.barcode, barcode)]
    if not scans:
        raise UnknownIdError(f"no article with the barcode {barcode} is in parcel {parcel_id}")
    sku = scans[0].sku
    store = state.store(found.shelf_store_id).store
    return {
        "parcel_id": parcel_id,
        "article": {"sku": sku, "name": _name(state, sku), "barcode": scans[0].barcode},
        "store": {"id": store.store_id, "name": store.name},
        "items": [{**_package(scan), "picked_at": to_rfc3339(scan.occurred_at)} for scan in scans],
        # In whose hands is for the shop to know; the customer is told when.
        "custody": [
            {"step": scan.step.value, "at": to_rfc3339(scan.occurred_at)} for scan in found.scans
        ],
    }
