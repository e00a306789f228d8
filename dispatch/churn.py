"""What couriers, stores and customers were told anew, from events alone.

One definition for the figures of a live service and for those of a simulation.  A told time that
moved by no more than `NEWS_S` is no news here, whatever a policy prices: so evenings under
different policies can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Final

from dispatch import events as e
from dispatch.model import Route, Stop, StopKind

NEWS_S: Final = 300
"""Change of a told time that nobody minds."""


class News(StrEnum):
    """What somebody was told otherwise than before."""

    COURIER = "courier"
    """Couriers: an order that one of them had on the route is now on another's."""
    SEQUENCE = "sequence"
    """Couriers: stops on the route come in another sequence; once for each route."""
    FETCH = "fetch"
    """Couriers and stores: the goods are fetched sooner or later."""
    PICK = "pick"
    """Stores: picking should begin sooner or later."""
    STORE = "store"
    """Stores and customers: the order comes from another store."""
    ETA = "eta"
    """Customers: it comes later."""
    PROMISE = "promise"
    """Customers: another promise; people give these, plans never do."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something told anew; of a sequence the order is that of the first stop that moved."""

    at: int
    order_id: str
    news: News


@dataclass(slots=True)
class ChurnFold:
    """Takes events one by one; `changes` is what was told anew so far."""

    changes: list[Change] = field(default_factory=list)
    _routes: dict[str, Route] = field(default_factory=dict)
    _couriers: dict[str, str] = field(default_factory=dict)
    _fetched_at: dict[str, int] = field(default_factory=dict)
    _picked_at: dict[str, int] = field(default_factory=dict)
    _etas: dict[str, int] = field(default_factory=dict)

    def add(self, recorded: e.Recorded) -> None:
        """Take one more event."""
        at = recorded.at
        match recorded.event:
            case e.PlanPublished() as event:
                self._publish(at, event)
            case e.OrderResourced(order_id=order_id):
                self._note(at, order_id, News.STORE)
            case e.PromiseSuperseded(order_id=order_id):
                self._note(at, order_id, News.PROMISE)
            case e.PickStarted(order_id=order_id):
                self._picked_at.pop(order_id, None)
            case e.CarriageReported(order_id=order_id, eta=eta) if eta is not None:
                self._expect(at, order_id, eta)
            case _:
                pass

    def count(self, since: int = -1, until: float = inf) -> Counter[News]:
        """Return how often each was told anew after a time, up to another."""
        return Counter(change.news for change in self.changes if since < change.at <= until)

    def _note(self, at: int, order_id: str, news: News) -> None:
        self.changes.append(Change(at, order_id, news))

    def _publish(self, at: int, event: e.PlanPublished) -> None:
        for route in event.routes:
            self._drive(at, route)
        for order_id in sorted(self._picked_at.keys() | event.pick_at.keys()):
            # Without a time of its own picking begins as soon as somebody is free.
            begins_at = event.pick_at.get(order_id, at)
            told = self._picked_at.get(order_id, begins_at)
            if order_id not in event.pick_at:
                del self._picked_at[order_id]
                if told > begins_at + NEWS_S:
                    self._note(at, order_id, News.PICK)
            elif self._has_moved(self._picked_at, order_id, begins_at):
                self._note(at, order_id, News.PICK)

    def _drive(self, at: int, route: Route) -> None:
        before = self._routes.get(route.courier_id)
        if before is not None:
            old, new = (tuple(v.stop for v in each.visits) for each in (before, route))
            moved = first_moved(old, new)
            if moved is not None:
                self._note(at, moved.order_id, News.SEQUENCE)
        self._routes[route.courier_id] = route
        for visit in route.visits:
            order_id = visit.stop.order_id
            if visit.stop.kind is StopKind.DROPOFF:
                self._expect(at, order_id, visit.arrive_at)
            elif visit.stop.kind is StopKind.PICKUP:
                if self._couriers.get(order_id, route.courier_id) != route.courier_id:
                    self._note(at, order_id, News.COURIER)
                self._couriers[order_id] = route.courier_id
                if self._has_moved(self._fetched_at, order_id, visit.depart_at):
                    self._note(at, order_id, News.FETCH)

    def _expect(self, at: int, order_id: str, eta: int) -> None:
        told = self._etas.get(order_id, eta)
        if eta > told + NEWS_S:
            self._note(at, order_id, News.ETA)
        if not told <= eta <= told + NEWS_S:
            told = eta
        self._etas[order_id] = told

    @staticmethod
    def _has_moved(known: dict[str, int], order_id: str, at: int) -> bool:
        """Return whether a told time is news, which then is the time known."""
        moved = abs(at - known.setdefault(order_id, at)) > NEWS_S
        if moved:
            known[order_id] = at
        return moved


def first_moved(old: Iterable[Stop], new: Iterable[Stop]) -> Stop | None:
    """Return the first stop of a route that comes in another sequence than it did, if one does.

    What is done, gone or new does not count, nor do the ends of what is fetched at another store.
    """
    before = {_key(stop): stop for stop in old}
    now = {_key(stop): stop for stop in new}
    anew = {
        stop.order_id
        for key, stop in now.items()
        if key not in before and stop.kind is StopKind.PICKUP
    }
    kept = [key for key, stop in before.items() if key in now and stop.order_id not in anew]
    left = [key for key, stop in now.items() if key in before and stop.order_id not in anew]
    return next((now[key] for told, key in zip(kept, left, strict=True) if told != key), None)


def _key(stop: Stop) -> tuple[StopKind, str, str]:
    """Return what makes a stop the same to its courier: a door does not hang on the store."""
    return stop.kind, stop.order_id, stop.store_id if stop.kind is StopKind.PICKUP else ""
