"""What is otherwise when a recorded day is lived again: another fleet, a wider radius.

The couriers' grammar, one entry or several divided by commas, or one a line in a file:

    +2 bike                 two more on bicycles, from the first shift's beginning to the last's end
    +1 car@17:00-21:00      one more by car, from five to nine
    -cou_aino               without this one
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from dispatch import commands as c
from dispatch.model import Courier, Mode
from simulations.errors import ReplayError
from simulations.replays.day import Day, Scripted
from simulations.scenarios.settings import DAY_S
from simulations.scenarios.writing import clock
from simulations.worlds.couriers import moment

SYNTAX: Final = "+N MODE[@HH:MM-HH:MM] or -COURIER_ID"
_MORE: Final = re.compile(
    r"\+(?P<count>\d{1,3}) +(?P<mode>[a-z_]+)"
    r"(?:@(?P<from>\d{1,2}:\d{2})-(?P<to>\d{1,2}:\d{2}))?"
)
_LESS: Final = re.compile(r"-(?P<courier_id>[\w.:-]+)")
_HOURS: Final = 24
_MINUTES: Final = 60


@dataclass(frozen=True, slots=True)
class More:
    """Couriers who were not there; `shift` in seconds after local midnight, None for all day."""

    count: int
    mode: Mode
    shift: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Fleet:
    """Another fleet."""

    more: tuple[More, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """As it is written."""
        added = [f"+{one.count} {one.mode}{_clocks(one.shift)}" for one in self.more]
        return ", ".join([*added, *(f"-{courier_id}" for courier_id in self.without)])


def parse_fleet(texts: Sequence[str]) -> Fleet:
    """Read entries, or files of them.

    Raises
    ------
    ReplayError
        With everything that cannot be read.
    """
    more: list[More] = []
    without: list[str] = []
    problems: list[str] = []
    for entry, where in _entries(texts, problems):
        added, taken = _MORE.fullmatch(entry), _LESS.fullmatch(entry)
        if taken is not None:
            without.append(taken["courier_id"])
        elif added is None:
            problems.append(f"{where}{entry!r} says nothing; write {SYNTAX}")
        else:
            found = _more(added, f"{where}{entry!r}", problems)
            if found is not None:
                more.append(found)
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ReplayError(f"--couriers cannot be used:{listed}")
    return Fleet(tuple(more), tuple(without))


def changed(day: Day, fleet: Fleet, reach_s: int | None) -> Day:
    """Return the day with another fleet and stores of another reach.

    Parameters
    ----------
    reach_s
        Of all stores, from the store to the door; None for what it was.

    Raises
    ------
    ReplayError
        It cannot be: no such courier, no such mode.
    """
    couriers = {
        one.command.courier.courier_id: one.command.courier
        for one in day.script
        if isinstance(one.command, c.RegisterCourier)
    }
    problems = [
        f"-{courier_id}: there was no such courier; there were {', '.join(sorted(couriers))}"
        for courier_id in fleet.without
        if courier_id not in couriers
    ]
    known = {courier.mode for courier in couriers.values()}
    problems += [
        f"+{one.count} {one.mode}: nobody went by {one.mode} that day, so no pace is known; "
        f"choose {', '.join(sorted(known))}"
        for one in fleet.more
        if one.mode not in known
    ]
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ReplayError(f"--couriers cannot be used:{listed}")
    script = [
        Scripted(one.at, _with_reach(one.command, reach_s))
        for one in day.script
        if getattr(one.command, "courier_id", None) not in fleet.without
        and not (
            isinstance(one.command, c.RegisterCourier)
            and one.command.courier.courier_id in fleet.without
        )
    ]
    added = list(_added(day, fleet, list(couriers.values())))
    return replace(day, script=tuple(sorted([*script, *added], key=lambda one: one.at)))


def _with_reach(command: c.Command, reach_s: int | None) -> c.Command:
    if reach_s is None or not isinstance(command, c.RegisterStore):
        return command
    return c.RegisterStore(replace(command.store, reach_s=reach_s))


def _added(day: Day, fleet: Fleet, couriers: Sequence[Courier]) -> Iterable[Scripted]:
    """Yield the registrations and shifts of those who were not there.

    They start where the others do, in turn, and carry what others of their mode carry.
    """
    shifts = [one.command for one in day.script if isinstance(one.command, c.StartShift)]
    begins = min((shift.starts_at for shift in shifts), default=day.starts_at)
    ends = max((shift.ends_at for shift in shifts), default=day.ends_at)
    homes = [home for home, _ in Counter(courier.home for courier in couriers).most_common()]
    number = 0
    for one in fleet.more:
        like = sorted(
            (courier for courier in couriers if courier.mode is one.mode),
            key=lambda courier: (courier.capacity_parcels, courier.courier_id),
        )
        model = like[len(like) // 2]
        for _ in range(one.count):
            number += 1
            courier_id = f"cou_more-{number}"
            at, until = (begins, ends)
            if one.shift is not None:
                at, until = _moments(one.shift, day)
            yield Scripted(
                day.starts_at,
                c.RegisterCourier(
                    replace(
                        model,
                        courier_id=courier_id,
                        name=f"More {number}",
                        home=homes[(number - 1) % len(homes)],
                    )
                ),
            )
            starts_at = max(at, day.starts_at)
            yield Scripted(starts_at, c.StartShift(courier_id, starts_at, until))


def _moments(shift: tuple[int, int], day: Day) -> tuple[int, int]:
    """Return a shift in UTC, on the local day on which the day begins."""
    zone = ZoneInfo(day.time_zone)
    date = dt.datetime.fromtimestamp(day.starts_at, zone).date()
    return moment(date, shift[0], zone), moment(date, shift[1], zone)


def _entries(texts: Sequence[str], problems: list[str]) -> Iterable[tuple[str, str]]:
    for text in texts:
        if text[:1] in {"+", "-"}:
            yield from ((entry, "") for entry in _split(text))
            continue
        try:
            lines = Path(text).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is no text"
            problems.append(f"{text!r} is no entry ({SYNTAX}), and as a file: {said}")
            continue
        for number, line in enumerate(lines, start=1):
            yield from (
                (entry, f"{text} line {number}: ") for entry in _split(line.partition("#")[0])
            )


def _split(text: str) -> Iterable[str]:
    return (entry for part in text.split(",") if (entry := part.strip()))


def _more(found: re.Match[str], where: str, problems: list[str]) -> More | None:
    if found["mode"] not in set(Mode):
        problems.append(f"{where}: {found['mode']!r} is none of {', '.join(Mode)}")
        return None
    shift = None
    if found["from"] is not None:
        begin, end = (_clock(found[name]) for name in ("from", "to"))
        if begin is None or end is None or begin == end:
            problems.append(f"{where}: write a shift as 17:00-21:00")
            return None
        shift = (begin, end if end > begin else end + DAY_S)
    if int(found["count"]) == 0:
        problems.append(f"{where}: adds nobody")
        return None
    return More(int(found["count"]), Mode(found["mode"]), shift)


def _clock(text: str) -> int | None:
    hours, minutes = (int(part) for part in text.split(":"))
    is_time = hours < _HOURS and minutes < _MINUTES
    return (hours * _MINUTES + minutes) * _MINUTES if is_time else None


def _clocks(shift: tuple[int, int] | None) -> str:
    if shift is None:
        return ""
    begin_s, end_s = (second % DAY_S for second in shift)
    return f"@{clock(begin_s)}-{clock(end_s)}"
