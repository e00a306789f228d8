"""Tables over many places at once, each made from the one before: only what is new is asked.

A decision asks for the ways between all places that matter, a moment later the next one does, and
most places are the same: doors and stores do not move, and of the couriers some.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel
from geo.errors import TooFarFromRoadError
from geo.snapping import FOUND, Snaps
from geo.travel import MATRIX_CELL_LIMIT, PinnedTravelTimes
from geo.types import UNREACHABLE_S, LonLat, Mode, TravelTimes

_Table = NDArray[np.int32]
_Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """What is asked: the ways of a mode from all places to some of them, no place named twice.

    Attributes
    ----------
    at
        Departure, UTC epoch seconds.
    """

    places: Sequence[LonLat]
    goals: Sequence[LonLat]
    mode: Mode
    at: int


@dataclass(frozen=True, slots=True, eq=False)
class _Ways:
    """The ways of one mode between places.

    Attributes
    ----------
    rows, columns
        Number of each place that ways lead from, and to.
    duration_s, length_m
        int32 (rows, columns).
    """

    rows: dict[LonLat, int]
    columns: dict[LonLat, int]
    duration_s: _Table
    length_m: _Table


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """The ways of one mode that the last tables had.

    Attributes
    ----------
    footing
        What they rest on.
    snaps
        Where the rows' places are reached from the road.
    """

    footing: object
    snaps: Snaps
    ways: _Ways


class DoorWays(NamedTuple):
    """The ways of one mode from all places to a door, and from it to the goals among them.

    int32 (places,): seconds and metres, `UNREACHABLE_S` where there is no way.
    """

    to_s: _Table
    to_m: _Table
    from_s: _Table
    from_m: _Table


class SquareTables:
    """Makes tables over places, again and again; for one thread.

    What is remembered is the last table of each mode, and it counts only as long as the travel
    times answer from the very same ground (`PinnedTravelTimes.footing`); other travel times are
    asked for everything each time.
    """

    def __init__(self) -> None:
        self._known: dict[Mode, _Known] = {}

    def tables(
        self,
        travel: TravelTimes,
        places: Sequence[LonLat],
        goals: int,
        modes: Sequence[Mode],
        at: int,
        room: int = 0,
    ) -> tuple[_Table, _Table]:
        """Return times and lengths from all places to the first `goals` of them.

        Parameters
        ----------
        places
            Those too far from a mode's roads have no way in its tables.
        at
            Departure, UTC epoch seconds.
        room
            For so many places more, after all others; no way leads to or from them.

        Returns
        -------
        int32 (modes, places + room, places + room), twice
            Seconds and metres; `UNREACHABLE_S` where there is no way and to the places that are
            no goals; 0 from a place to itself.
        """
        size = len(places)
        shape = (len(modes), size + room, size + room)
        duration_s, length_m = np.empty(shape, np.int32), np.empty(shape, np.int32)
        for table in (duration_s, length_m):
            table[:, size:] = UNREACHABLE_S
            table[:, range(size, size + room), range(size, size + room)] = 0
        different = list(dict.fromkeys(places))
        different_goals = list(dict.fromkeys(places[:goals]))
        for index, mode in enumerate(modes):
            known = self._ways(travel, _Wanted(different, different_goals, mode, at))
            # Two couriers may stand at one place, and some place may have no road: mostly neither.
            if len(known.rows) == size:
                _lay(known.duration_s, duration_s[index])
                _lay(known.length_m, length_m[index])
                continue
            _spread(
                _numbers(known.rows, places),
                _numbers(known.columns, places[:goals]),
                known.duration_s,
                known.length_m,
                duration_s[index],
                length_m[index],
            )
        return duration_s, length_m

    def door(
        self,
        travel: PinnedTravelTimes,
        door: LonLat,
        places: Sequence[LonLat],
        goals: int,
        modes: Sequence[Mode],
        at: int,
    ) -> list[DoorWays]:
        """Return the ways between one more place and those of the last tables, by mode.

        Parameters
        ----------
        places, goals, modes, at
            As they were given for the last tables.
        """
        return [self._door(travel, door, places, goals, mode, at) for mode in modes]

    def _door(
        self,
        travel: PinnedTravelTimes,
        door: LonLat,
        places: Sequence[LonLat],
        goals: int,
        mode: Mode,
        at: int,
    ) -> DoorWays:
        known, size = self._known[mode], len(places)
        found = DoorWays(*(np.full(size, UNREACHABLE_S, np.int32) for _ in DoorWays._fields))
        snap = travel.snaps([door], mode)
        rows = known.ways.rows
        if snap.state[0] != FOUND or not rows:
            return found
        is_each = len(rows) == size
        row = np.arange(size) if is_each else _numbers(rows, places)
        near = row >= 0
        to = travel.between(known.snaps, snap, mode, at)
        found.to_s[near] = to.duration_s[row[near], 0]
        found.to_m[near] = to.length_m[row[near], 0]
        near[goals:] = False
        ends = row[near]
        if len(ends):
            back = travel.between(snap, _some(known.snaps, ends), mode, at)
            found.from_s[near], found.from_m[near] = back.duration_s[0], back.length_m[0]
        return found

    def _ways(self, travel: TravelTimes, wanted: _Wanted) -> _Ways:
        """Return the ways from all usable places to the usable goals."""
        if not isinstance(travel, PinnedTravelTimes):
            return _asked(travel, wanted)
        footing = travel.footing(wanted.mode, wanted.at)
        before = self._known.get(wanted.mode)
        if before is None or before.footing is not footing:
            before = _nothing(travel, footing, wanted.mode)
        known = _moved(travel, wanted, before) or _added(travel, wanted, before)
        self._known[wanted.mode] = known
        return known.ways


def _asked(travel: TravelTimes, wanted: _Wanted) -> _Ways:
    """Return the ways between places, all of them asked for."""
    usable: list[LonLat] = []
    for place in wanted.places:
        try:
            travel.check_place(place, wanted.mode)
        except TooFarFromRoadError:
            continue
        usable.append(place)
    rows = _numbered(usable)
    goals = [goal for goal in wanted.goals if goal in rows]
    columns = _numbered(goals)
    duration_s = np.empty((len(rows), len(columns)), np.int32)
    length_m = np.empty_like(duration_s)
    for block in _blocks(len(rows), len(columns)):
        found = travel.matrix(usable[block], goals, wanted.mode, wanted.at)
        duration_s[block], length_m[block] = found.duration_s, found.length_m
    return _Ways(rows, columns, duration_s, length_m)


def _nothing(travel: PinnedTravelTimes, footing: object, mode: Mode) -> _Known:
    empty = np.empty((0, 0), np.int32)
    return _Known(footing, travel.snaps([], mode), _Ways({}, {}, empty, empty))


def _added(travel: PinnedTravelTimes, wanted: _Wanted, before: _Known) -> _Known:
    """Return the ways between places; those known before are not asked for again."""
    had = before.ways
    usable, snaps = _snapped(travel, wanted, before)
    rows = _numbered(usable)
    goals = [goal for goal in wanted.goals if goal in rows]
    columns = _numbered(goals)
    old_row, old_column = _numbers(had.rows, usable), _numbers(had.columns, goals)
    goal_row = _numbers(rows, goals)
    duration_s = np.empty((len(rows), len(columns)), np.int32)
    length_m = np.empty_like(duration_s)
    _carry_over(old_row, old_column, had.duration_s, had.length_m, duration_s, length_m)
    every_column, new_column = np.arange(len(goals)), np.flatnonzero(old_column < 0)
    for some, to in (
        (np.flatnonzero(old_row < 0), every_column),
        (np.flatnonzero(old_row >= 0), new_column),
    ):
        ends = _some(snaps, goal_row[to])
        for block in _blocks(len(some), len(to)):
            found = travel.between(_some(snaps, some[block]), ends, wanted.mode, wanted.at)
            _put(found.duration_s, found.length_m, some[block], to, duration_s, length_m)
    return _Known(before.footing, snaps, _Ways(rows, columns, duration_s, length_m))


def _moved(travel: PinnedTravelTimes, wanted: _Wanted, before: _Known) -> _Known | None:
    """Return the ways where all that is other than before is where some ways begin, else None.

    That is what happens most: couriers move, and nobody travels to them.
    """
    had, snaps = before.ways, before.snaps
    if len(had.rows) != len(wanted.places) or list(had.columns) != wanted.goals:
        return None
    new = [
        row
        for row, (place, known) in enumerate(zip(wanted.places, had.rows, strict=True))
        if place != known
    ]
    if not new:
        return before
    fresh = travel.snaps([wanted.places[row] for row in new], wanted.mode)
    # Goals come first and are usable, so that the number of each is that of its row.
    goals = np.arange(len(wanted.goals))
    if not len(goals) or new[0] < len(goals) or (fresh.state != FOUND).any():
        return None
    both: tuple[tuple[Any, Any], ...] = tuple(zip(snaps, fresh, strict=True))
    for values, others in (kept := [(known.copy(), some) for known, some in both]):
        values[new] = others
    snaps = Snaps._make(values for values, _ in kept)
    duration_s, length_m = had.duration_s.copy(), had.length_m.copy()
    rows, every = np.array(new), np.arange(len(new))
    for block in _blocks(len(new), len(goals)):
        found = travel.between(
            _some(fresh, every[block]), _some(snaps, goals), wanted.mode, wanted.at
        )
        duration_s[rows[block]], length_m[rows[block]] = found.duration_s, found.length_m
    return _Known(
        before.footing,
        snaps,
        _Ways(_numbered(wanted.places), had.columns, duration_s, length_m),
    )


def _snapped(
    travel: PinnedTravelTimes, wanted: _Wanted, before: _Known
) -> tuple[list[LonLat], Snaps]:
    """Return the places that are near enough to a road, and where they are reached from it."""
    had, known = before.ways.rows, before.snaps
    fresh = travel.snaps([place for place in wanted.places if place not in had], wanted.mode)
    arrays: tuple[tuple[Any, Any], ...] = tuple(zip(known, fresh, strict=True))
    both = Snaps._make(np.concatenate(pair) for pair in arrays)
    taken = _numbers(had, wanted.places)
    taken[taken < 0] = np.arange(len(known.edge), len(both.edge))
    near = both.state[taken] == FOUND
    return list(compress(wanted.places, near.tolist())), _some(both, taken[near])


def _some(snaps: Snaps, rows: _Numbers) -> Snaps:
    return Snaps._make(values[rows] for values in snaps)


def _numbered(places: Sequence[LonLat]) -> dict[LonLat, int]:
    return {place: number for number, place in enumerate(places)}


def _numbers(number_of: dict[LonLat, int], places: Sequence[LonLat]) -> _Numbers:
    """Return the number of each place, -1 for one without."""
    return np.array([number_of.get(place, -1) for place in places], dtype=np.int64)


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    """Yield the rows of a table in pieces that may be asked for at once."""
    size = max(1, MATRIX_CELL_LIMIT // max(1, columns))
    for first in range(0, rows if columns else 0, size):
        yield slice(first, first + size)


@kernel
def _carry_over(
    old_row: _Numbers,
    old_column: _Numbers,
    old_s: _Table,
    old_m: _Table,
    duration_s: _Table,
    length_m: _Table,
) -> None:
    """Copy what is known to where it is wanted; -1 is nowhere."""
    for row in range(len(old_row)):
        known = old_row[row]
        if known < 0:
            continue
        for column in range(len(old_column)):
            if old_column[column] >= 0:
                duration_s[row, column] = old_s[known, old_column[column]]
                length_m[row, column] = old_m[known, old_column[column]]


@kernel
def _put(
    found_s: _Table,
    found_m: _Table,
    rows: _Numbers,
    columns: _Numbers,
    duration_s: _Table,
    length_m: _Table,
) -> None:
    """Write a small table to some rows and columns of a larger one."""
    for row in range(len(rows)):
        for column in range(len(columns)):
            duration_s[rows[row], columns[column]] = found_s[row, column]
            length_m[rows[row], columns[column]] = found_m[row, column]


def _lay(known: _Table, table: _Table) -> None:
    """Copy what is known, place by place, into a table over all places."""
    size, goals = known.shape
    table[:size, :goals] = known
    table[:size, goals:] = UNREACHABLE_S
    table[range(size), range(size)] = 0


@kernel
def _spread(
    row_of: _Numbers,
    column_of: _Numbers,
    known_s: _Table,
    known_m: _Table,
    duration_s: _Table,
    length_m: _Table,
) -> None:
    """Write what is known into tables over all places; the places with columns come first."""
    goals = len(column_of)
    for place in range(len(row_of)):
        row = row_of[place]
        for goal in range(goals):
            column = column_of[goal]
            reached = row >= 0 and column >= 0
            duration_s[place, goal] = known_s[row, column] if reached else UNREACHABLE_S
            length_m[place, goal] = known_m[row, column] if reached else UNREACHABLE_S
        duration_s[place, goals:] = UNREACHABLE_S
        length_m[place, goals:] = UNREACHABLE_S
        duration_s[place, place] = 0
        length_m[place, place] = 0
