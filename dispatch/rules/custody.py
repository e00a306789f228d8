"""What scans do: which article went into which parcel, and in whose hands that was.  Pure.

A parcel goes from hand to hand in the order of `ScanStep`.  A step may be missing, because
somebody forgot it, but none is made up for later; a courier who takes a bag over from another
scans `handover` again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import (
    ConflictError,
    InvalidValueError,
    UnknownIdError,
    WrongArticleError,
    WrongParcelError,
    WrongStateError,
)
from dispatch.folds.pieces import amounts
from dispatch.model import DeliveryStatus, Fulfilment, OrderStatus, Stop, StopKind
from dispatch.records import Article, ItemScan, ParcelScan, ScanStep
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.rules.picking import BEING_PICKED
from dispatch.state import UNPICKED, Commitment, OrderState, State

STEPS: Final = tuple(ScanStep)
"""The chain of custody, in order."""

_BY_COURIER: Final = frozenset({ScanStep.HANDOVER, ScanStep.DOOR})
_STOP_OF: Final = {ScanStep.HANDOVER: StopKind.PICKUP, ScanStep.DOOR: StopKind.DROPOFF}
_LOST: Final = frozenset({DeliveryStatus.CANCELLED, DeliveryStatus.RETURNED})


def steps_of(order: OrderState) -> tuple[ScanStep, ...]:
    """Return the steps that an order's parcel passes."""
    if order.order.return_of is not None:
        return (ScanStep.HANDOVER, ScanStep.DOOR)
    if order.order.fulfilment is not Fulfilment.DELIVERY:
        return (ScanStep.PICK, ScanStep.PACK, ScanStep.HANDOVER)
    return STEPS


def order_of_parcel(parcel_id: str) -> str:
    """Return the id of the order that a parcel with this id would belong to."""
    return f"ord_{parcel_id.removeprefix('pcl_')}"


def parcel(state: State, parcel_id: str) -> OrderState:
    """Return the order that a parcel belongs to; raises `UnknownIdError`."""
    order_id = order_of_parcel(parcel_id)
    found = state.orders.get(order_id) or state.closed.get(order_id)
    if found is None or found.parcel_id != parcel_id:
        raise UnknownIdError(f"there is no parcel {parcel_id}")
    return found


def same_barcode(one: str, other: str) -> bool:
    """Tell whether two barcodes name the same article: a GTIN may have zeros before it."""
    return bool(one) and bool(other) and _gtin(one) == _gtin(other)


def _gtin(barcode: str) -> str:
    return barcode.lstrip("0") if barcode.isdecimal() else barcode


# --- parcels -----------------------------------------------------------------------------------


def _scan_parcel(state: State, command: c.ScanParcel, _context: Context) -> Sequence[e.Event]:
    order, step, by = parcel(state, command.parcel_id), command.step, command.by
    steps = steps_of(order)
    if step not in steps:
        kind = "return" if order.order.return_of is not None else order.order.fulfilment.value
        _refuse(order, kind, step, tuple(known.value for known in steps))
    if step in _BY_COURIER and order.order.fulfilment is Fulfilment.DELIVERY:
        _check_holder(state, order, command)
    _check_goods(order, step)
    scans = _before(order, step, by)
    again = [scan.by for scan in scans if scan.step is step]
    if by in again:
        return []
    if again:
        raise ConflictError(f"parcel {order.parcel_id} was scanned at {step} by {again[0]} already")
    last = scans[-1].step if scans else step
    if STEPS.index(step) < STEPS.index(last):
        later = tuple(known.value for known in steps if STEPS.index(known) > STEPS.index(last))
        _refuse(order, last.value, step, later)
    at = max(command.occurred_at, order.scans[-1].occurred_at if order.scans else 0)
    return [e.ParcelScanned(order.order_id, ParcelScan(command.parcel_id, step, by, at))]


def _before(order: OrderState, step: ScanStep, by: str) -> list[ParcelScan]:
    """Return the scans a new one must follow: a courier who took a bag over begins anew."""
    if step not in _BY_COURIER or order.order.fulfilment is not Fulfilment.DELIVERY:
        return list(order.scans)
    return [scan for scan in order.scans if scan.step not in _BY_COURIER or scan.by == by]


def _refuse(order: OrderState, state: str, step: ScanStep, allowed: tuple[str, ...]) -> None:
    raise WrongStateError(f"parcel {order.parcel_id}", state, step.value, allowed)


def _check_goods(order: OrderState, step: ScanStep) -> None:
    """Hold that the goods are where a scan says they are."""
    if order.order.fulfilment is Fulfilment.DELIVERY:
        lost = order.delivery in _LOST
    else:
        lost = order.status is OrderStatus.CANCELLED
    if lost:
        _refuse(order, "cancelled", step, ())
    if order.returning and step is ScanStep.DOOR:
        _refuse(order, "returning", step, ())
    if order.status in UNPICKED:
        _refuse(order, order.status.value, step, ("picking",))
    if step in _BY_COURIER and order.status in BEING_PICKED:
        _refuse(order, order.status.value, step, ("ready",))


def _check_holder(state: State, order: OrderState, command: c.ScanParcel) -> None:
    """Hold that the courier who scans has this parcel, or comes for it.

    Raises
    ------
    WrongParcelError
        The courier stands where another parcel belongs.
    ConflictError, UnknownIdError
        Somebody else has it; there is no such courier.
    """
    if order.carriage is not None and order.is_carried_outside:
        if command.by != order.carriage.carrier:
            raise ConflictError(f"parcel {order.parcel_id} is carried by {order.carriage.carrier}")
        return
    commitment = state.courier(command.by).commitment
    meant = _meant(state, commitment, command)
    if meant is not None and meant.order_id != order.order_id:
        where = "at this door" if command.step is ScanStep.DOOR else "to this courier now"
        raise WrongParcelError(
            f"parcel {order.parcel_id} does not belong {where}; {meant.parcel_id} does",
            meant.parcel_id,
        )
    if order.courier_id != command.by:
        holder = order.courier_id or f"nobody yet; it is at {order.store_id}"
        raise ConflictError(f"parcel {order.parcel_id} is with {holder}, not {command.by}")


def _meant(state: State, commitment: Commitment | None, command: c.ScanParcel) -> OrderState | None:
    """Return the order whose parcel belongs where the courier stands, None where unknown."""
    wanted = _STOP_OF[command.step]
    if command.stop_id is not None:
        order_id = f"ord_{command.stop_id.removeprefix('stp_').rpartition('_')[0]}"
        meant = state.orders.get(order_id) or state.closed.get(order_id)
        if meant is None or Stop(wanted, order_id, "").stop_id != command.stop_id:
            raise UnknownIdError(f"there is no {wanted} stop {command.stop_id}")
        return meant
    if commitment is None or commitment.stop.kind is not wanted:
        return None
    return state.order(commitment.stop.order_id)


# --- articles ----------------------------------------------------------------------------------


def _scan_item(state: State, command: c.ScanItem, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "picked into")
    if order.status not in BEING_PICKED:
        allowed = ("picking",) if order.status in UNPICKED else ()
        raise WrongStateError(f"order {order.order_id}", order.status.value, "picked into", allowed)
    article = _article(state, order, command.barcode)
    ordered = amounts(order.order.lines)[article.sku]
    picked = sum(scan.sku == article.sku for scan in order.items)
    if picked >= ordered:
        raise WrongArticleError(
            f"order {order.order_id} has {ordered} of {article.sku}, and all are scanned"
        )
    _check_best_before(command.best_before, context)
    scan = ItemScan(
        sku=article.sku,
        barcode=command.barcode,
        batch=command.batch,
        origin=command.origin,
        best_before=command.best_before,
        occurred_at=max(command.occurred_at, order.pick_started_at or 0),
    )
    return [e.ItemPicked(order.order_id, scan)]


def _article(state: State, order: OrderState, barcode: str) -> Article:
    """Return the article of the order that has a barcode; raises `WrongArticleError`."""
    for line in order.order.lines:
        article = state.catalogue.get(line.sku)
        if article is not None and same_barcode(article.barcode, barcode):
            return article
    known = (each for each in state.catalogue.values() if same_barcode(each.barcode, barcode))
    other = next(known, None)
    if other is None:
        raise WrongArticleError(f"the catalogue has no article with the barcode {barcode}")
    named = f"{other.sku} ({other.name})" if other.name else other.sku
    raise WrongArticleError(f"{barcode} is {named}, which order {order.order_id} does not have")


def _check_best_before(text: str, context: Context) -> None:
    if not text:
        return
    try:
        last_day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValueError("best_before", f"{text!r} is no day such as 2026-11-30") from error
    today = datetime.fromtimestamp(context.now, UTC).astimezone(ZoneInfo(context.time_zone)).date()
    if last_day < today:
        raise InvalidValueError(
            "best_before", f"was {text}, and today is {today}; take it off the shelf"
        )


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.ScanParcel: _scan_parcel,
        c.ScanItem: _scan_item,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
