"""How the figures of `simulations.studies.measures` are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final, TypeVar

from dispatch import events as e
from dispatch.churn import ChurnFold, News
from dispatch.model import Route
from simulations.studies.measures import FIGURES
from simulations.studies.outcome import CourierSpan, Ending, OrderRow
from simulations.studies.rows_couriers import BUSY, CourierFold
from simulations.studies.rows_orders import (
    is_in_time,
    is_ready_in_time,
    is_taken,
    taken_deliveries,
)

Window = tuple[int, int]
_N = TypeVar("_N", int, float)
_HOUR_S: Final = 3600
_MINUTE_S: Final = 60
_KM_M: Final = 1000


class PlanFold:
    """Counts plans, and knows how long the legs were that couriers were told."""

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}
        self.plans = 0
        self.violations = 0
        self.legs: list[tuple[int, int]] = []
        """When a courier was told to leave for a stop, and how many metres it was."""

    def add(self, recorded: e.Recorded) -> None:
        """Take one more event."""
        match recorded.event:
            case e.PlanPublished() as event:
                self._publish(event)
            case e.StopCommitted(courier_id=courier_id, stop=stop, occurred_at=at):
                route = self._routes.get(courier_id)
                visits = () if route is None else route.visits
                length_m = next((v.length_m for v in visits if v.stop == stop), None)
                if length_m is not None:
                    self.legs.append((at, length_m))
            case _:
                pass

    def _publish(self, event: e.PlanPublished) -> None:
        self.plans += 1
        self.violations += len(event.violations)
        for route in event.routes:
            self._routes[route.courier_id] = route


class StoreFold:
    """Knows how many pickers there were when."""

    def __init__(self) -> None:
        self._changes: dict[str, list[tuple[int, int]]] = {}

    def add(self, recorded: e.Recorded) -> None:
        """Take one more event."""
        if isinstance(recorded.event, e.StoreRegistered):
            store = recorded.event.store
            self._changes.setdefault(store.store_id, []).append((recorded.at, store.pickers))

    def picker_s(self, window: Window) -> int:
        """Return the seconds that pickers were there in a window, all stores together."""
        total = 0
        for changes in self._changes.values():
            ends = [at for at, _ in changes[1:]] + [window[1]]
            for (at, pickers), end in zip(changes, ends, strict=True):
                total += pickers * _overlap((at, end), window)
        return total


def figures_of(
    rows: Sequence[OrderRow],
    spans: Sequence[CourierSpan],
    *,
    couriers: CourierFold,
    plans: PlanFold,
    stores: StoreFold,
    churn: ChurnFold,
    window: Window,
    ends_at: int,
) -> dict[str, float | None]:
    """Return every figure by its name, None where there is nothing to measure."""
    measured = [row for row in rows if row.is_measured]
    ids = {row.order_id for row in measured}
    figures: dict[str, float | None] = {
        **_orders(measured, ends_at),
        **_waits(measured),
        **_work(rows, spans, plans, stores, window),
    }
    brought = len(taken_deliveries(measured))
    taken = int(figures["orders_taken"] or 0)
    told = Counter(change.news for change in churn.changes if change.order_id in ids)
    figures |= {
        "courier_changes_per_100_orders": _per_100(told[News.COURIER], brought),
        "sequence_changes_per_100_orders": _per_100(told[News.SEQUENCE], brought),
        "fetch_changes_per_100_orders": _per_100(told[News.FETCH], brought),
        "pick_changes_per_100_orders": _per_100(told[News.PICK], taken),
        "store_changes_per_100_orders": _per_100(told[News.STORE], taken),
        "eta_changes_per_100_orders": _per_100(told[News.ETA], brought),
        "promise_changes": told[News.PROMISE],
        "declined": sum(window[0] <= at < window[1] for at in couriers.declined),
        "plans": plans.plans,
        "violations": plans.violations,
    }
    return {name: figures[name] for name in FIGURES}


def quantile(values: Sequence[_N], share: float) -> _N | None:
    """Return the smallest value that at least `share` of them do not exceed, None without any."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def waits_for_pickers(rows: Iterable[OrderRow]) -> list[int]:
    """Return how long orders waited for a picker once they could be picked, seconds."""
    return [
        max(0, row.pick_started_at - max(row.asked_at, row.released_at or 0))
        for row in rows
        if row.pick_started_at is not None
    ]


def waits_at_stores(rows: Iterable[OrderRow]) -> list[int]:
    """Return how long customers waited at a store until they had their goods, seconds."""
    return [
        max(0, row.ended_at - row.here_at)
        for row in rows
        if row.ending is Ending.COLLECTED and row.here_at is not None and row.ended_at is not None
    ]


def late_by(row: OrderRow, ends_at: int) -> int:
    """Return how late a delivery is, one that is still open up to the end of the run."""
    if row.ending is Ending.OPEN and row.promise_latest is not None:
        return max(0, ends_at - row.promise_latest)
    return row.lateness_s or 0


def is_kept(row: OrderRow, ends_at: int) -> bool | None:
    """Tell whether a promise was kept; None where it never came due."""
    if row.ending in {Ending.REFUSED, Ending.CANCELLED}:
        return None
    latest = row.promise_latest if row.promise_latest is not None else ends_at
    if row.fulfilment != "delivery":
        is_due = row.ready_at is not None or latest < ends_at
        return is_ready_in_time(row) if is_due else None
    if row.ending is Ending.OPEN:
        return False if latest < ends_at else None
    if row.ending is Ending.RETURNED:
        return row.arrived_at is not None and row.arrived_at <= latest
    return is_in_time(row)


# --- pieces ------------------------------------------------------------------------------------


def _orders(measured: Sequence[OrderRow], ends_at: int) -> dict[str, float | None]:
    wholes: dict[str, list[OrderRow]] = {}
    for row in measured:
        wholes.setdefault(row.part_of or row.order_id, []).append(row)
    asked = len(wholes)
    taken = sum(all(is_taken(row) for row in parts) for parts in wholes.values())
    in_time = sum(all(is_in_time(row) for row in parts) for parts in wholes.values())
    brought = taken_deliveries(measured)
    delivered = [row for row in measured if row.ending is Ending.DELIVERED]
    kept = [said for row in measured if (said := is_kept(row, ends_at)) is not None]
    late_s = sum(late_by(row, ends_at) for row in brought)

    def count(ending: Ending) -> int:
        return sum(row.ending is ending for row in measured)

    return {
        "orders_asked": asked,
        "orders_taken": taken,
        "in_time_per_100_orders": _per_100(in_time, asked),
        "late_min_per_100_orders": _per_100(late_s / _MINUTE_S, len(brought)),
        "refused_share": _share(count(Ending.REFUSED), asked),
        "delivered": len(delivered),
        "collected": count(Ending.COLLECTED),
        "cancelled": count(Ending.CANCELLED),
        "returned": count(Ending.RETURNED),
        "not_collected": count(Ending.NOT_COLLECTED),
        "open_at_end": count(Ending.OPEN),
        "failed_tries": sum(row.tries for row in measured),
        "on_time_share": _share(sum(map(is_in_time, delivered)), len(delivered)),
        "promises_kept_share": _share(sum(kept), len(kept)),
    }


def _waits(measured: Sequence[OrderRow]) -> dict[str, float | None]:
    late = [row.lateness_s for row in measured if row.lateness_s]
    to_door = [row.click_to_door_s for row in measured if row.click_to_door_s is not None]
    at_stores = waits_at_stores(measured)
    picks = waits_for_pickers(measured)
    return {
        "late_p50_s": quantile(late, 0.5),
        "late_p90_s": quantile(late, 0.9),
        "late_p99_s": quantile(late, 0.99),
        "click_to_door_p50_s": quantile(to_door, 0.5),
        "click_to_door_p90_s": quantile(to_door, 0.9),
        "collection_wait_p50_s": quantile(at_stores, 0.5),
        "collection_wait_p90_s": quantile(at_stores, 0.9),
        "pick_wait_p50_s": quantile(picks, 0.5),
        "pick_wait_p90_s": quantile(picks, 0.9),
    }


def _work(
    rows: Sequence[OrderRow],
    spans: Sequence[CourierSpan],
    plans: PlanFold,
    stores: StoreFold,
    window: Window,
) -> dict[str, float | None]:
    shift_s = sum(_overlap((span.begins_at, span.ends_at), window) for span in spans)
    busy_s = sum(
        _overlap((span.begins_at, span.ends_at), window) for span in spans if span.activity in BUSY
    )
    delivered = sum(
        row.delivered_at is not None and window[0] <= row.delivered_at < window[1] for row in rows
    )
    length_m = sum(metres for at, metres in plans.legs if window[0] <= at < window[1])
    picked_s = sum(
        _overlap((row.pick_started_at, _picked_until(row, window[1])), window)
        for row in rows
        if row.pick_started_at is not None
    )
    hours = shift_s / _HOUR_S
    return {
        "courier_hours": hours,
        "busy_share": _share(busy_s, shift_s),
        "deliveries_per_courier_hour": _share(delivered, hours),
        "km_per_delivery": _share(length_m / _KM_M, delivered),
        "pick_utilisation": _share(picked_s, stores.picker_s(window)),
    }


def _picked_until(row: OrderRow, otherwise: int) -> int:
    return next((at for at in (row.ready_at, row.ended_at) if at is not None), otherwise)


def _overlap(stretch: Window, window: Window) -> int:
    return max(0, min(stretch[1], window[1]) - max(stretch[0], window[0]))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _per_100(part: float, whole: int) -> float | None:
    return 100 * part / whole if whole else None
