"""Every figure, from events alone.

`KpiFold` takes events one by one, so that a live page need not read the log again; `kpis` folds
a whole log.  Definitions: click-to-door is delivery minus click; on time is delivered no later
than the end of the first promise; at risk is open with a forecast arrival inside the policy's
buffer before that end, or past it, or with no route at all when the buffer has begun.

Each part of a split order is brought like an order of its own, but asked for once; goods that a
courier brings back from a door are nobody's order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, inf
from typing import TypeVar

from dispatch.churn import ChurnFold, News
from dispatch.events import (
    CarriageReported,
    DeliveryFailed,
    Event,
    OrderCancelled,
    OrderCollected,
    OrderDelivered,
    OrderNotCollected,
    OrderReceived,
    OrderRefused,
    OrderRevived,
    PlanPublished,
    Recorded,
    RetryGranted,
    StopCommitted,
)
from dispatch.model import DeliveryStatus, Fulfilment, Policy, StopKind

_N = TypeVar("_N", int, float)


@dataclass(frozen=True, slots=True)
class Kpis:
    """Figures over a stretch of the log; None where nothing has been measured yet.

    Attributes
    ----------
    orders
        Everything asked for: taken or refused.
    rejected
        Refused for want of a store, stock or courier.
    collected
        Fetched by the customer at a store.
    failed
        Tries at a door that failed; an order that a second try brings is delivered as well.
    violations
        What `check` found wrong with plans as they came from the planner.
    replans_cut_short
        Plans whose planner ran into its wall limit.
    courier_changes, sequence_changes, fetch_changes, pick_changes, store_changes
        What couriers and stores were told anew, see `dispatch.churn.News`.
    eta_changes, promise_changes
        What customers were.
    """

    orders: int
    open: int
    at_risk: int
    delivered: int
    rejected: int
    cancelled: int
    failed: int
    collected: int
    on_time_share: float | None
    click_to_door_p50_s: int | None
    click_to_door_p90_s: int | None
    violations: int
    replans: int
    replan_p95_ms: float | None
    replans_cut_short: int
    courier_changes: int
    sequence_changes: int
    fetch_changes: int
    pick_changes: int
    store_changes: int
    eta_changes: int
    promise_changes: int


@dataclass(slots=True)
class _Open:
    created_at: int
    latest: int
    eta: int | None = None
    is_brought: bool = True


@dataclass(slots=True)
class KpiFold:
    """Counts events as they come.

    Parameters
    ----------
    policy
        For the buffer that makes an order "at risk".
    """

    policy: Policy = field(default_factory=Policy)
    _asked_at: list[int] = field(default_factory=list)
    _refused_at: dict[str, int] = field(default_factory=dict)
    _cancelled_at: list[int] = field(default_factory=list)
    _failed_at: list[int] = field(default_factory=list)
    _delivered: list[tuple[int, int, bool]] = field(default_factory=list)
    _replans: list[tuple[int, float, int, bool]] = field(default_factory=list)
    _collected_at: list[int] = field(default_factory=list)
    _open: dict[str, _Open] = field(default_factory=dict)
    _given_up: dict[str, _Open] = field(default_factory=dict)
    _churn: ChurnFold = field(default_factory=ChurnFold)

    def add(self, recorded: Recorded) -> None:  # noqa: C901, PLR0912  a table
        """Take one more event."""
        self._churn.add(recorded)
        event: Event = recorded.event
        match event:
            case OrderReceived():
                self._receive(event)
            case OrderRefused():
                # Who is refused one window and takes another has asked for one order.
                key = event.external_id or f"#{recorded.seq}"
                if key not in self._refused_at:
                    self._asked_at.append(event.occurred_at)
                    self._refused_at[key] = event.occurred_at
            case OrderCancelled() | OrderNotCollected():
                self._give_up(event.order_id, event.occurred_at, self._cancelled_at)
            case DeliveryFailed():
                self._give_up(event.order_id, event.occurred_at, self._failed_at)
            case RetryGranted() | OrderRevived(returning=False):
                self._take_up(event.order_id)
            case OrderDelivered():
                self._deliver(event.order_id, event.occurred_at)
            case OrderCollected():
                if self._open.pop(event.order_id, None) is not None:
                    self._collected_at.append(event.occurred_at)
            case CarriageReported():
                self._carry(event)
            case StopCommitted() if event.stop.kind is StopKind.DROPOFF:
                found = self._open.get(event.stop.order_id)
                if found is not None:
                    found.eta = event.expected_at
            case PlanPublished():
                self._publish(recorded.at, event)
            case _:
                pass

    def _receive(self, event: OrderReceived) -> None:
        order = event.order
        if order.return_of is not None:
            return
        if order.part_of is None and self._refused_at.pop(order.external_id or "", None) is None:
            self._asked_at.append(order.created_at)
        self._open[order.order_id] = _Open(
            order.created_at,
            event.promise.latest,
            is_brought=order.fulfilment is Fulfilment.DELIVERY,
        )

    def _give_up(self, order_id: str, at: int, times: list[int]) -> None:
        order = self._open.pop(order_id, None)
        if order is not None:
            self._given_up[order_id] = order
            times.append(at)

    def _take_up(self, order_id: str) -> None:
        order = self._given_up.pop(order_id, None)
        if order is not None:
            self._open[order_id] = order

    def _deliver(self, order_id: str, at: int) -> None:
        order = self._open.pop(order_id, None)
        if order is not None:
            self._delivered.append((at, at - order.created_at, at <= order.latest))

    def _carry(self, event: CarriageReported) -> None:
        """Take in how far an outside company is."""
        order = self._open.get(event.order_id)
        if order is not None and event.eta is not None:
            order.eta = event.eta
        if event.status == DeliveryStatus.DELIVERED:
            self._deliver(event.order_id, event.occurred_at)
        elif event.status == DeliveryStatus.FAILED:
            self._give_up(event.order_id, event.occurred_at, self._failed_at)

    def _publish(self, at: int, event: PlanPublished) -> None:
        self._replans.append((at, event.solve_ms, len(event.violations), event.cut_short))
        for route in event.routes:
            for visit in route.visits:
                order = self._open.get(visit.stop.order_id)
                if order is not None and visit.stop.kind is StopKind.DROPOFF:
                    order.eta = visit.arrive_at
        for unassigned in event.unassigned:
            order = self._open.get(unassigned.order_id)
            if order is not None:
                order.eta = None

    def at_risk(self, now: int) -> frozenset[str]:
        """Return the open orders whose promise is in danger at `now`."""
        return frozenset(key for key in self._open if self.is_at_risk(key, now))

    def is_at_risk(self, order_id: str, now: int) -> bool:
        """Tell whether an order is open and its promise in danger at `now`."""
        order = self._open.get(order_id)
        if order is None or not order.is_brought:
            return False
        there_at = now if order.eta is None else max(now, order.eta)
        return there_at > order.latest - self.policy.buffer_s

    def figures(self, now: int, since: int | None = None, until: int | None = None) -> Kpis:
        """Return the figures at `now`, of what happened after `since`, up to `until`.

        None is from the beginning, and up to now; what is open and at risk is so at `now`.
        """
        start = since if since is not None else -1
        end = until if until is not None else inf

        def count(times: Iterable[int]) -> int:
            return sum(start < at <= end for at in times)

        delivered = [d for d in self._delivered if start < d[0] <= end]
        times = sorted(d[1] for d in delivered)
        replans = [r for r in self._replans if start < r[0] <= end]
        solve_ms = sorted(r[1] for r in replans)
        told = self._churn.count(start, end)
        return Kpis(
            orders=count(self._asked_at),
            open=len(self._open),
            at_risk=len(self.at_risk(now)),
            delivered=len(delivered),
            rejected=count(self._refused_at.values()),
            cancelled=count(self._cancelled_at),
            failed=count(self._failed_at),
            collected=count(self._collected_at),
            on_time_share=(
                round(sum(d[2] for d in delivered) / len(delivered), 4) if delivered else None
            ),
            click_to_door_p50_s=_quantile(times, 0.5),
            click_to_door_p90_s=_quantile(times, 0.9),
            violations=sum(r[2] for r in replans),
            replans=len(replans),
            replan_p95_ms=_quantile(solve_ms, 0.95),
            replans_cut_short=sum(r[3] for r in replans),
            courier_changes=told[News.COURIER],
            sequence_changes=told[News.SEQUENCE],
            fetch_changes=told[News.FETCH],
            pick_changes=told[News.PICK],
            store_changes=told[News.STORE],
            eta_changes=told[News.ETA],
            promise_changes=told[News.PROMISE],
        )


def kpis(log: Iterable[Recorded], now: int, policy: Policy | None = None) -> Kpis:
    """Return the figures of a whole log at `now`."""
    fold = KpiFold(policy or Policy())
    for recorded in log:
        fold.add(recorded)
    return fold.figures(now)


def _quantile(ascending: list[_N], share: float) -> _N | None:
    """Return the smallest value that at least `share` of them do not exceed."""
    if not ascending:
        return None
    return ascending[max(0, ceil(share * len(ascending)) - 1)]
