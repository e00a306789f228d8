"""The independent checker: reads an event log, and names whatever cannot have been.

It shares nothing with those who wrote the log but the events' types: no rule, no fold, no world,
no planner.  What it holds the log to:

* the log itself: sequence numbers 1, 2, 3, ..., times that never go back, nothing recorded before
  it happened (`audit.py`);
* orders: each is taken once and ends once, and nothing happens to it after its end but what may;
  goods are picked, then fetched, then brought, by whoever has them; a promise is superseded by a
  later one, never edited (`orders.py`);
* couriers: at one stop at a time, on shift, with no more than they can carry, and nowhere sooner
  than a way takes (`couriers.py`);
* stores: no more picks at a time than pickers, stock never sold twice and never below nothing
  (`stores.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from dispatch import events as e
from simulations.audits.couriers import Couriers, Streets
from simulations.audits.orders import Orders
from simulations.audits.stores import Stores

MOST: Final = 200
"""So many breaches are listed; the others are counted."""

_CLOCKS_APART_S: Final = 120


def audit(
    log: Iterable[e.Recorded], travel: Streets | None = None, *, is_live: bool = False
) -> tuple[str, ...]:
    """Return what is wrong with a log, each with its sequence number; nothing when all is well.

    Parameters
    ----------
    log
        From its beginning.
    travel
        The empty streets, for a closer look at how fast couriers were; without it the straight
        line and the top speed of their mode are all that is held against them.
    is_live
        People's work, not a world's: devices' clocks may be two minutes ahead, shifts begin
        wherever somebody is, and a store may let more people pick than it said.
    """
    log = list(log)
    late = frozenset(
        (recorded.at, recorded.event.courier_id)
        for recorded in log
        if isinstance(recorded.event, e.WorkTakenIn)
    )
    couriers = Couriers(late, travel, from_home=not is_live)
    late_at = frozenset(at for at, _ in late)
    stores = Stores(late_at, counts_pickers=not is_live)
    watches = (_Sequence(_CLOCKS_APART_S if is_live else 0), Orders(late_at), couriers, stores)
    found = [
        (recorded.seq, breach)
        for recorded in log
        for watch in watches
        for breach in watch.see(recorded)
    ]
    found += [*couriers.end()]
    listed = [f"seq {seq}: {breach}" for seq, breach in sorted(found, key=lambda one: one[0])]
    if len(listed) > MOST:
        return (*listed[:MOST], f"and {len(listed) - MOST} more")
    return tuple(listed)


class _Sequence:
    """The log as such; what happened may be up to `ahead_s` later than it was recorded."""

    def __init__(self, ahead_s: int) -> None:
        self._ahead_s = ahead_s
        self._last: e.Recorded | None = None

    def see(self, recorded: e.Recorded) -> Iterator[str]:
        """Yield what is wrong with where an event stands."""
        last, self._last = self._last, recorded
        expected = 1 if last is None else last.seq + 1
        if recorded.seq != expected:
            yield f"comes where seq {expected} must"
        if last is not None and recorded.at < last.at:
            yield f"recorded at {recorded.at}, before the one ahead of it at {last.at}"
        if last is not None and recorded.zone_id != last.zone_id:
            yield f"of zone {recorded.zone_id} in the log of {last.zone_id}"
        at = getattr(recorded.event, "occurred_at", None)
        name = type(recorded.event).__name__
        if at is not None and at > recorded.at + self._ahead_s:
            yield f"{name} at {at} was recorded before it happened, at {recorded.at}"
