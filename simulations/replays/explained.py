"""An explained order, as people read it on a terminal."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from dispatch.explain_words import decided, margin, percent, rounded
from dispatch.explanation import TERMS, Explanation, StoreOption, Wait
from dispatch.planning.sourcing import minutes

if TYPE_CHECKING:
    from simulations.replays.explaining import Explained

_WIDTH: Final = 100
_MORE: Final = 3
"""Stores told of those that were not priced, the nearest ones."""

_FAR_S: Final = 1 << 30


def told(found: Explained) -> str:
    """Return all that there is to say about an order."""
    return "".join(f"{line.rstrip()}\n" for line in _Teller(found).lines())


class _Teller:
    """Tells one order, in the local time of its city."""

    def __init__(self, found: Explained) -> None:
        self._found = found
        self._zone = ZoneInfo(found.time_zone)

    def lines(self) -> Iterator[str]:
        found, order = self._found, self._found.placed
        promise = found.order.promise
        yield (
            f"Order {order.order_id}, {order.address}: clicked {self._at(order.created_at)}, "
            f"promised {self._at(promise.earliest)} to {self._at(promise.latest)}"
        )
        for note in found.notes:
            yield f"  (not as it was: {note})"
        if found.explanation is not None and found.at is not None:
            day = dt.datetime.fromtimestamp(found.at, self._zone)
            yield ""
            yield f"As of {day:%Y-%m-%d %H:%M:%S}"
            yield from self._explained(found.explanation)
        if found.went is not None:
            yield ""
            yield "How it went"
            yield from _wrapped(found.went.sentence)
            yield from self._stretches(found.went)

    def _explained(self, told: Explanation) -> Iterator[str]:
        yield from _wrapped(told.sentence)
        yield from _part("When", self._times(told))
        yield from _part("What it waits for", (self._wait(wait) for wait in told.waits))
        yield from _part("What it costs, in courier-seconds", _costs(told))
        yield from _part("Stores", self._stores(told))
        yield from _part("Other couriers", self._couriers(told))
        helps = [f"if {change.detail}, {change.effect}" for change in told.changes]
        name = "What would free it" if told.reason is not None else "What would help"
        yield from _part(name, helps)
        now = self._found.at or 0
        yield from _part("Decided", [decided(one, now) for one in told.decisions])

    def _times(self, told: Explanation) -> Iterator[str]:
        name = self._found.names.get(told.courier_id or "", told.courier_id or "the courier")
        now = self._found.at or 0
        ready = "are" if self._found.order.ready_at is None else "were"
        leaves = "left" if told.leave_at is not None and told.leave_at < now else "leaves"
        times = [
            (at, what)
            for at, what in (
                (told.ready_at, f"the goods {ready} ready"),
                (told.leave_at, f"{name} {leaves}"),
                (told.pickup_at, f"{name} fetches them"),
                (told.done_at, f"{name} hands them over{_margin(told)}"),
            )
            if at is not None
        ]
        yield from (f"{self._at(at)}  {what}" for at, what in sorted(times, key=itemgetter(0)))

    def _wait(self, wait: Wait) -> str:
        until = "" if wait.until is None else f" to {self._at(wait.until)}"
        more = "+" if wait.what == "shared_trip" else ""
        return f"{self._at(wait.since)}{until}  {more + minutes(wait.wait_s):>8}  {wait.why}"

    def _stores(self, told: Explanation) -> Iterator[str]:
        first = [one for one in told.stores if one.chosen or one.extra_cost is not None]
        rest = [one for one in told.stores if not one.chosen and one.extra_cost is None]
        rest.sort(key=lambda store: store.trip_s if store.trip_s is not None else _FAR_S)
        yield from (self._store(store) for store in [*first, *rest[:_MORE]])
        if len(rest) > _MORE:
            yield f"  {len(rest) - _MORE} more{_from(rest[_MORE].trip_s)}"

    def _store(self, store: StoreOption) -> str:
        way = "" if store.trip_s is None else f"{minutes(store.trip_s)} to the door"
        mark = "*" if store.chosen else " "
        if store.reason is not None or (store.detail and not store.chosen):
            why = store.detail.removeprefix(f"{store.name} ")
            return f"{mark} {store.name}: {way + ', ' if way else ''}no: {why}"
        ready = "" if store.ready_at is None else f", ready {self._at(store.ready_at)}"
        cost = ""
        if store.extra_cost is not None and store.done_at is not None:
            cost = f"; there {self._at(store.done_at)}, {_extra(store.extra_cost, store.terms)}"
        return f"{mark} {store.name}: {way}{ready}{cost}"

    def _couriers(self, told: Explanation) -> Iterator[str]:
        for one in told.couriers:
            cost = _extra(one.extra_cost, one.terms)
            yield f"{one.name}: there {self._at(one.done_at)}, {cost}"
        for refused in told.refused:
            yield f"{refused.name}: no, {refused.why}"

    def _stretches(self, told: Explanation) -> Iterator[str]:
        for one in told.stretches:
            expected = "" if one.foreseen_s is None else f", foreseen {minutes(one.foreseen_s)}"
            mark = "  the longest" if one.longest else ""
            yield (
                f"  {self._at(one.began_at)} to {self._at(one.ended_at)}  {one.name}: "
                f"{minutes(one.took_s)}{expected}{mark}"
            )
        for turn in told.turns:
            who = f" by {turn.owner}: {turn.reason}" if turn.owner else ""
            yield f"  {self._at(turn.at)}  {turn.detail}{who}"

    def _at(self, at: int) -> str:
        return f"{dt.datetime.fromtimestamp(at, self._zone):%H:%M:%S}"


def _part(title: str, rows: Iterator[str] | list[str]) -> Iterator[str]:
    told = list(rows)
    if told:
        yield f"  {title}"
        for row in told:
            yield from textwrap.wrap(
                row, _WIDTH, initial_indent="    ", subsequent_indent="        "
            )


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")


def _margin(told: Explanation) -> str:
    if told.slack_s is None:
        return ""
    said = f", {margin(told.slack_s)}"
    return said if told.chance is None else f"{said} (chance {percent(told.chance)})"


def _from(trip_s: int | None) -> str:
    """Return how far from the door stores are that are no nearer than one."""
    return "" if trip_s is None else f", {minutes(trip_s)} or more to the door"


def _costs(told: Explanation) -> Iterator[str]:
    if not told.terms:
        return
    whole = f"{sum(told.terms.values()):9.1f}  in all"
    if abs(told.others_cost) >= 1:
        come = "later" if told.others_cost > 0 else "sooner"
        whole += f", {told.others_cost:.1f} of it because other orders come {come}"
    if told.held:
        whole += " for its hand-over; it is not moved any more"
    yield whole
    for name, price in told.terms.items():
        yield f"{price:9.1f}  {TERMS[name]}"


def _extra(extra: float, terms: Mapping[str, float]) -> str:
    parts = [f"{price:+d} {TERMS[name]}" for name, price in rounded(extra, terms).items()]
    named = f" ({', '.join(parts)})" if parts else ""
    return f"{round(extra):+d}{named}"
