"""What each courier did, second by second, from the log alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from dispatch import events as e
from dispatch.model import Stop, StopKind
from simulations.studies.outcome import Activity, CourierSpan

BUSY: Final = frozenset(
    {
        Activity.TO_STORE,
        Activity.AT_STORE,
        Activity.TO_DOOR,
        Activity.AT_DOOR,
        Activity.RETURNING,
    }
)
"""At work for an order."""

_ON_THE_WAY: Final = {
    StopKind.PICKUP: Activity.TO_STORE,
    StopKind.DROPOFF: Activity.TO_DOOR,
    StopKind.RETURN: Activity.RETURNING,
}
_THERE: Final = {
    StopKind.PICKUP: Activity.AT_STORE,
    StopKind.DROPOFF: Activity.AT_DOOR,
    StopKind.RETURN: Activity.RETURNING,
}


@dataclass(frozen=True, slots=True)
class _Change:
    """From `at` on a courier does something else."""

    at: int
    activity: Activity
    order_id: str | None = None
    store_id: str | None = None


@dataclass(slots=True)
class _Day:
    """A courier's shifts and changes."""

    changes: list[_Change] = field(default_factory=list)
    shifts: list[tuple[int, int]] = field(default_factory=list)
    doing: Stop | None = None


class CourierFold:
    """Takes events one by one; `spans` are what the couriers have done so far."""

    def __init__(self) -> None:
        self._days: dict[str, _Day] = {}
        self.declined: list[int] = []
        """When a stop was declined, or an offer was left unanswered."""

    def add(self, recorded: e.Recorded) -> None:
        """Take one more event."""
        event = recorded.event
        if isinstance(event, e.RetryGranted | e.OrderCancelled):
            self._leave(event.order_id, event.occurred_at)
            return
        courier_id = getattr(event, "courier_id", None)
        if courier_id is not None:
            self._change(self._days.setdefault(courier_id, _Day()), event, recorded.at)

    def _leave(self, order_id: str, at: int) -> None:
        """Take whoever is doing a stop of an order off it."""
        for day in self._days.values():
            if day.doing is not None and day.doing.order_id == order_id:
                _rest(day, at)

    def _change(self, day: _Day, event: e.Event, heard_at: int) -> None:  # noqa: C901, PLR0912
        match event:
            case e.ShiftStarted(starts_at=starts_at, ends_at=ends_at):
                if day.shifts and day.shifts[-1][1] > starts_at:
                    day.shifts[-1] = (day.shifts[-1][0], starts_at)
                day.shifts.append((starts_at, ends_at))
                if day.doing is None:
                    _rest(day, starts_at)
            case e.ShiftEnded(occurred_at=at) if day.shifts:
                begin, end = day.shifts[-1]
                day.shifts[-1] = (begin, max(begin, min(at, end)))
            case e.StopCommitted(stop=stop, occurred_at=at):
                day.doing = stop
                _put(day, at, _ON_THE_WAY[stop.kind], stop)
            case e.StopArrived(stop=stop, occurred_at=at):
                _put(day, at, _THERE[stop.kind], stop)
            case e.ParcelPickedUp(order_id=order_id, store_id=store_id, occurred_at=at):
                # With goods in the bag and nothing else to do they wait where they are.
                day.doing = None
                day.changes.append(_Change(at, Activity.AT_STORE, order_id, store_id))
            case (
                e.OrderDelivered(occurred_at=at)
                | e.ParcelReturned(occurred_at=at)
                | e.DeliveryFailed(occurred_at=at)
            ):
                _rest(day, at)
            case (
                e.StopDeclined(occurred_at=at, order_id=order_id)
                | e.OfferLapsed(occurred_at=at, order_id=order_id)
            ):
                self.declined.append(at)
                if day.doing is not None and day.doing.order_id == order_id:
                    _rest(day, at)
            case e.StopReleased(order_id=order_id):
                if day.doing is not None and day.doing.order_id == order_id:
                    _rest(day, heard_at)
            case e.BagHandedOver(order_ids=order_ids, occurred_at=at):
                if day.doing is None or day.doing.order_id in order_ids:
                    _rest(day, at)
            case e.StandbyGiven(store_id=store_id, occurred_at=at):
                day.changes.append(_Change(at, Activity.STANDBY, None, store_id))
            case e.BreakStarted(occurred_at=at):
                day.changes.append(_Change(at, Activity.BREAK))
            case e.CourierStranded(occurred_at=at):
                day.doing = None
                day.changes.append(_Change(at, Activity.STRANDED))
            case e.BreakEnded(occurred_at=at) | e.CourierRecovered(occurred_at=at):
                if day.doing is None:
                    _rest(day, at)
            case _:
                pass

    def spans(self, ends_at: int) -> tuple[CourierSpan, ...]:
        """Return what was done before `ends_at`, by courier, then by time."""
        return tuple(
            span
            for courier_id, day in sorted(self._days.items())
            for span in _spans(courier_id, day, ends_at)
        )


def _put(day: _Day, at: int, activity: Activity, stop: Stop) -> None:
    store_id = None if stop.kind is StopKind.DROPOFF else stop.store_id
    day.changes.append(_Change(at, activity, stop.order_id, store_id))


def _rest(day: _Day, at: int) -> None:
    day.doing = None
    day.changes.append(_Change(at, Activity.IDLE))


def _spans(courier_id: str, day: _Day, ends_at: int) -> Iterator[CourierSpan]:
    """Yield a courier's spans; rest outside a shift is none."""
    # What was heard late stands where it happened.
    changes = sorted(day.changes, key=lambda change: change.at)
    last: CourierSpan | None = None
    for now, then in pairwise([*changes, _Change(ends_at, Activity.IDLE)]):
        for begin, end in _stretches(now, min(then.at, ends_at), day.shifts):
            if last is not None and last.ends_at == begin and _is_same(last, now):
                begin = last.begins_at  # noqa: PLW2901  it goes on
            elif last is not None:
                yield last
            last = CourierSpan(courier_id, now.activity, begin, end, now.order_id, now.store_id)
    if last is not None:
        yield last


def _is_same(span: CourierSpan, change: _Change) -> bool:
    return (span.activity, span.order_id, span.store_id) == (
        change.activity,
        change.order_id,
        change.store_id,
    )


def _stretches(
    change: _Change, until: int, shifts: list[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    if change.activity in BUSY:
        if until > change.at:
            yield change.at, until
        return
    for begin, end in shifts:
        since, to = max(begin, change.at), min(end, until)
        if to > since:
            yield since, to
