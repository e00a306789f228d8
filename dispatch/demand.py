"""What stores will be asked for next, by the log so far.

Orders per hour fade over half an hour, each store's share of them over hours, so that the forecast
follows the day and still knows who is large.  A store that was asked for little is drawn towards
the others.  How soon goods are ready after the click is remembered as it was.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import exp
from typing import Final

from dispatch import events as e
from dispatch.model import StoreDemand

RATE_FADES_S: Final = 1800.0
"""In this time what was counted for the rate of orders fades to 1/e."""

SHARE_FADES_S: Final = 4 * 3600.0
"""In this time what was counted for a store's share fades to 1/e."""

SHARE_PRIOR: Final = 0.3
"""Orders that every store is credited with before it has any."""

LEADS_KEPT: Final = 60
"""Of each store the latest times from click to ready are kept."""

_HOUR_S: Final = 3600


@dataclass(slots=True)
class _Store:
    """One store's orders, faded to a time, and its latest leads."""

    share: float = 0.0
    at: int = 0
    lead_s: deque[int] = field(default_factory=deque)
    ascending: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.lead_s = deque(self.lead_s, LEADS_KEPT)

    def remember(self, lead_s: int) -> None:
        """Take in one more lead."""
        self.lead_s.append(lead_s)
        self.ascending = tuple(sorted(self.lead_s))


@dataclass(slots=True)
class DemandFold:
    """Folds the log into a forecast of demand; the same log gives the same forecast."""

    _stores: dict[str, _Store] = field(default_factory=dict)
    _per_s: float = 0.0
    _at: int = 0
    _clicked: dict[str, int] = field(default_factory=dict)

    def add(self, recorded: e.Recorded) -> None:
        """Take in one more event, in the order of the log."""
        event = recorded.event
        match event:
            case e.StoreRegistered(store=store) if not store.is_point:
                self._stores.setdefault(store.store_id, _Store(at=recorded.at))
            case e.OrderReceived(order=order) if order.return_of is None:
                self._count(event, recorded.at)
            case e.PickCompleted(order_id=order_id, store_id=store_id):
                clicked_at = self._clicked.pop(order_id, None)
                if clicked_at is not None and store_id in self._stores:
                    self._stores[store_id].remember(max(0, event.occurred_at - clicked_at))
            case e.OrderCancelled(order_id=order_id):
                self._clicked.pop(order_id, None)

    def _count(self, event: e.OrderReceived, at: int) -> None:
        self._per_s = _faded(self._per_s, at - self._at, RATE_FADES_S) + 1.0 / RATE_FADES_S
        self._at = at
        store = self._stores[event.store_id]
        store.share = _faded(store.share, at - store.at, SHARE_FADES_S) + 1.0
        store.at = at
        if event.order.pick_s is not None:
            store.remember(event.order.pick_s)
        else:
            self._clicked[event.order.order_id] = event.order.created_at

    def at(self, now: int) -> tuple[StoreDemand, ...]:
        """Return the forecast at a time, by ascending store id; empty before the first order."""
        per_h = _faded(self._per_s, now - self._at, RATE_FADES_S) * _HOUR_S
        if per_h <= 0.0:
            return ()
        shares = {
            key: SHARE_PRIOR + _faded(store.share, now - store.at, SHARE_FADES_S)
            for key, store in sorted(self._stores.items())
        }
        whole = sum(shares.values())
        return tuple(
            StoreDemand(key, per_h * share / whole, self._stores[key].ascending)
            for key, share in shares.items()
        )


def _faded(value: float, after_s: int, fades_s: float) -> float:
    return value * exp(-max(0, after_s) / fades_s)
