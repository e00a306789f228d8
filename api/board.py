"""The operations page's one document: made at most a few times a second, however many look."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from api import desk_views, views
from api.legs import place
from api.live import HOUR_S, Live
from api.news import short
from api.shapes import board
from api.standby import standby_line
from api.ways import Line
from dispatch.codec import to_rfc3339
from dispatch.controls import in_force
from dispatch.kpis import Kpis
from dispatch.model import StopKind, Visit
from dispatch.snapshot import latest_place
from dispatch.state import CourierState, OrderState, State
from geo.errors import GeoError

Json = dict[str, Any]

_FRESH_S: Final = 0.25
"""Wall seconds a document serves for."""

_SHOWN_AFTER_S: Final = 300
"""Service seconds a finished order stays on the board."""

_STALE_POSITION_S: Final = 120
"""Service seconds without a position after which a courier under way needs a look."""

_MINUTE_S: Final = 60


class Board:
    """Makes the document; its methods run on the engine's thread."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._made_at = 0.0
        self._document = b""

    def document(self) -> bytes:
        """Return the board as JSON text, no older than a quarter of a second."""
        if time.monotonic() - self._made_at >= _FRESH_S:
            self._document = json.dumps(self._make(), separators=(",", ":")).encode()
            self._made_at = time.monotonic()
        return self._document

    def _make(self) -> board.Board:
        live = self._live
        state = live.engine.state
        now = live.clock.now()
        at_risk = live.kpis.at_risk(now)
        shown = [
            *state.orders.values(),
            *(o for o in _recently(state.closed, now - _SHOWN_AFTER_S)),
        ]
        return {
            "now": to_rfc3339(now),
            "speed": live.clock.speed,
            "seq": state.seq,
            "zone": views.zone(live),
            "kpis": figures(live.kpis.figures(now, now - HOUR_S)),
            "history": [
                {
                    "at": to_rfc3339(sample.at),
                    "open": sample.kpis.open,
                    "at_risk": sample.kpis.at_risk,
                    "on_time_share": sample.kpis.on_time_share,
                    "click_to_door_p50_s": sample.kpis.click_to_door_p50_s,
                    "couriers_busy": sample.couriers_busy,
                }
                for sample in live.samples
            ],
            "stores": [
                views.store_in_short(live, found)
                for _, found in sorted(state.stores.items())
                if not found.store.is_point
            ],
            "couriers": [self._courier(found) for _, found in sorted(state.couriers.items())],
            "orders": [self._order(found, now, at_risk) for found in shown],
            "controls": [
                desk_views.control(found) for found in in_force(state.controls.values(), now)
            ],
            "closures": [views.closure(live, found) for _, found in sorted(state.closures.items())],
            "attention": self._attention(now, at_risk),
            "feed": [
                {"at": to_rfc3339(news.at), "text": news.text} for news in live.headlines.latest()
            ],
        }

    def _courier(self, found: CourierState) -> board.BoardCourier:
        live = self._live
        state = live.engine.state
        visits = views.upcoming(found)
        late_s = max(
            (
                visit.arrive_at - state.order(visit.stop.order_id).promise.latest
                for visit in visits
                if visit.stop.kind is StopKind.DROPOFF
            ),
            default=0,
        )
        return {
            **views.courier(live, found),
            "line": self._line(found),
            "next_stop": _next_stop(state, visits[0]) if visits else None,
            "late_s": max(0, late_s),
        }

    def _line(self, found: CourierState) -> Line:
        """Return the way still ahead to the committed stop, or to where a courier waits."""
        live = self._live
        if found.commitment is None:
            return standby_line(live, found)
        if found.commitment.arrived_at is not None:
            return []
        here = latest_place(found, live.engine.positions).place
        there = live.engine.state.place_of(found.commitment.stop)
        try:
            return live.ways.ahead(found.courier.courier_id, here, there, found.courier.mode)
        except GeoError:
            return []  # no way to draw; the plan says that the stop cannot be reached

    def _order(self, found: OrderState, now: int, at_risk: frozenset[str]) -> board.BoardOrder:
        delivered = views.phase(found) == "delivered"
        return {
            "id": found.order_id,
            "short": short(found.order_id),
            "status": views.combined_status(found),
            "store_id": found.store_id,
            "courier_id": found.courier_id,
            "location": place(found.order.door),
            "address": found.order.address,
            "created_at": to_rfc3339(found.order.created_at),
            "promise": views.promise(found.promise),
            "eta": views.moment(found.eta),
            "at_risk": found.order_id in at_risk,
            "late": _late_s(found, now) > 0,
            "held": found.hold is not None,
            "phase": views.phase(found),
            "delivered_at": views.moment(found.closed_at) if delivered else None,
        }

    def _attention(self, now: int, at_risk: frozenset[str]) -> list[board.Attention]:
        """Return what needs a person, the worst first."""
        live = self._live
        state = live.engine.state
        late: list[tuple[int, board.Attention]] = []
        risk: list[tuple[int, board.Attention]] = []
        unassigned = {left.order_id: left for left in state.plan.unassigned} if state.plan else {}
        left_out: list[tuple[int, board.Attention]] = []
        for order_id, found in state.orders.items():
            if found.returning:
                continue
            name = f"Order {short(order_id)} to {found.order.address}"
            late_s = _late_s(found, now)
            if late_s > 0:
                text = f"{name} is {_minutes(late_s)} late"
                late.append((-late_s, {"order_id": order_id, "level": "late", "text": text}))
            elif order_id in unassigned and found.courier_id is None:
                text = f"{name} has no courier: {unassigned[order_id].detail}"
                left_out.append(
                    (
                        found.promise.latest,
                        {"order_id": order_id, "level": "unassigned", "text": text},
                    )
                )
            elif order_id in at_risk:
                spare_s = found.promise.latest - max(now, found.eta or now)
                text = f"{name} has {_minutes(spare_s)} to spare"
                risk.append((spare_s, {"order_id": order_id, "level": "risk", "text": text}))
        ranked = [row for rows in (late, left_out, risk) for _, row in sorted(rows, key=_rank)]
        for store_id, store in sorted(state.stores.items()):
            if store.paused is not None:
                text = f"{store.store.name} is paused: {store.paused}"
                ranked.append({"store_id": store_id, "level": "risk", "text": text})
        return [*ranked, *self._couriers_in_need(now)]

    def _couriers_in_need(self, now: int) -> Iterator[board.Attention]:
        """Yield the couriers who cannot go on, and those who should be heard of and are not."""
        live = self._live
        for courier_id, courier in sorted(live.engine.state.couriers.items()):
            name = courier.courier.name
            silent_s = now - latest_place(courier, live.engine.positions).at
            if courier.stranded is not None:
                text = f"{name} cannot go on: {courier.stranded}"
            elif courier.busy and silent_s > _STALE_POSITION_S:
                text = f"{name} has not been heard of for {_minutes(silent_s)}"
            else:
                continue
            yield {"courier_id": courier_id, "level": "risk", "text": text}


def figures(kpis: Kpis) -> Json:
    """Return the figures by their names on the wire."""
    return asdict(kpis)


def _next_stop(state: State, visit: Visit) -> board.NextStop:
    return {
        "kind": visit.stop.kind.value,
        "name": views.stop_name(state, visit.stop),
        "arrive_at": to_rfc3339(visit.arrive_at),
        "order_id": visit.stop.order_id,
    }


def _recently(closed: Any, since: int) -> list[OrderState]:
    """Return the finished orders that were closed after `since`, the latest first."""
    found: list[OrderState] = []
    for order in reversed(closed.values()):
        if order.closed_at is not None and order.closed_at >= since:
            found.append(order)
        elif order.closed_at is not None and order.closed_at < since - 10 * _SHOWN_AFTER_S:
            # Closed in the order recorded, device times a little apart: nothing newer follows.
            break
    return found


def _late_s(found: OrderState, now: int) -> int:
    """Return how late an order is or will be, in seconds; negative when it is in time."""
    if found.closed_at is not None:
        return found.closed_at - found.promise.latest
    return max(now, found.eta or now) - found.promise.latest


def _rank(row: tuple[int, board.Attention]) -> int:
    return row[0]


def _minutes(seconds: int) -> str:
    return f"{max(0, seconds) // _MINUTE_S} min" if seconds >= _MINUTE_S else f"{seconds} s"
