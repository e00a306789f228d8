"""Where a replay differs from the log: which event, under which input, in which field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dispatch.codec import event_to_json
from dispatch.events import Event, Recorded
from dispatch.journal import Handled, Noted


@dataclass(frozen=True, slots=True)
class Difference:
    """An event that did not come out as it was recorded.

    Attributes
    ----------
    told
        The input under which it was recorded, and its number in the journal.
    recorded, made
        Name and fields of both sides; None where there is no such event.
    where
        The first field that differs, as `order.weight_g`; empty when the events are of different
        kinds or one is missing.
    """

    seq: int
    at: int
    told: str
    n: int
    recorded: dict[str, Any] | None
    made: dict[str, Any] | None
    where: str
    refusal: str = ""

    def __str__(self) -> str:
        head = f"event {self.seq}, of input {self.n} ({self.told})"
        if self.refusal:
            return f"{head}: recorded {_name(self.recorded)}, but now it is refused: {self.refusal}"
        if self.where and self.recorded is not None and self.made is not None:
            then, now = _at(self.recorded, self.where), _at(self.made, self.where)
            return f"{head}: {_name(self.recorded)}.{self.where} was {then!r}, now {now!r}"
        return f"{head}: recorded {_name(self.recorded)}, now {_name(self.made)}"


def same(then: Event, now: Event) -> bool:
    """Tell whether two events say the same."""
    # Equal after the way through JSON is equal: a log does not tell lists from tuples.
    return then == now or (type(then) is type(now) and event_to_json(then) == event_to_json(now))


def difference(
    seq: int, noted: Noted, then: Recorded | None, now: Event | None, refusal: str
) -> Difference:
    """Return what differs between the event recorded and the one that came of it now."""
    entry = noted.entry
    told = type(entry.command).__name__ if isinstance(entry, Handled) else type(entry).__name__
    recorded = None if then is None else _named(then.event)
    made = None if now is None else _named(now)
    where = ""
    if recorded is not None and made is not None and recorded["event"] == made["event"]:
        where = _first_difference(recorded, made) or "at"
    return Difference(
        seq=seq,
        at=entry.at if then is None else then.at,
        told=told,
        n=noted.n,
        recorded=recorded,
        made=made,
        where=where,
        refusal=refusal,
    )


def _named(event: Event) -> dict[str, Any]:
    return {"event": type(event).__name__, **event_to_json(event)}


def _name(side: dict[str, Any] | None) -> str:
    return "nothing" if side is None else str(side["event"])


def _first_difference(then: Any, now: Any) -> str:
    """Return the path of the first field that differs, empty when none does."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in [*then, *(key for key in now if key not in then)]:
            if key not in then or key not in now:
                return str(key)
            if then[key] != now[key]:
                inside = _first_difference(then[key], now[key])
                return f"{key}.{inside}" if inside else str(key)
    if isinstance(then, list | tuple) and isinstance(now, list | tuple) and len(then) == len(now):
        for index, (a, b) in enumerate(zip(then, now, strict=True)):
            if a != b:
                inside = _first_difference(a, b)
                return f"{index}.{inside}" if inside else str(index)
    return ""


def _at(side: Any, where: str) -> Any:
    for part in where.split("."):
        if isinstance(side, dict) and part in side:
            side = side[part]
        elif isinstance(side, list | tuple) and part.isdigit() and int(part) < len(side):
            side = side[int(part)]
        else:
            return None
    return side
