"""The plan in force, ready to be asked: for many orders, what `quote` says of each.

Reading a snapshot and posing it as a problem is most of what a quote costs, and none of it hangs
on who asks.  A `Standing` does it once and leaves room for one more order: a row among the orders
to be routed, rows for the stores it may come from, and a place in the travel tables.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.model import (
    Fulfilment,
    Mode,
    OrderInPlay,
    Refusal,
    Snapshot,
    StoreInPlay,
    TravelTable,
)
from dispatch.planning import arrays as a
from dispatch.planning.candidates import most_stores, one_more
from dispatch.planning.ending import ends
from dispatch.planning.improve import Search
from dispatch.planning.later import later
from dispatch.planning.problem import Posed, as_rows, pose, posed_again, prices
from dispatch.planning.quote import NotNow, Offer, answer, as_weighed, come, give_way
from dispatch.planning.situation import Situation, read
from geo.types import UNREACHABLE_S

_SAME_ORDER: Final = 2
"""Ranks are doubled, so that one more fits between any two."""


class Ways(NamedTuple):
    """The ways of one mode to and from a door, int32 (places,): those of a snapshot."""

    to_s: NDArray[np.int32]
    to_m: NDArray[np.int32]
    from_s: NDArray[np.int32]
    from_m: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """A door that somebody asks from.

    Attributes
    ----------
    ways
        By each mode of the snapshot.
    served_by
        Stores with a service area that it lies in.
    """

    ways: Mapping[Mode, Ways]
    served_by: frozenset[str]


class Standing:
    """Everybody where they belong in the plan in force, and room for one more order.

    What it says of an order does not hang on what it was asked before.  For one thread.

    Parameters
    ----------
    snapshot
        With somebody in play.  Where its travel tables have room for one place more than it
        names, it is written to; else they are copied.  Stores know their stock of what is asked.
    before
        That of the moment before: where little is other than it was, the rest is taken over.
    """

    def __init__(self, snapshot: Snapshot, before: Standing | None = None) -> None:
        self.snapshot = _with_room(snapshot)
        self._place = len(snapshot.places)
        known = None if before is None else posed_again(before.as_posed, self.snapshot)
        self.as_posed: Posed = known or pose(read(self.snapshot), settled=True)
        most = most_stores(snapshot.policy)
        posed = _with_spare_row(self.as_posed, self._place, most)
        self._situation = replace(posed.situation, places=self._place + 1)
        self._posed = posed
        self._row = posed.problem.job_count - 1
        self._first = len(posed.problem.candidates) - most
        # By rank: where one more would stand in the order of clicks.
        self._clicks = sorted((entry.order.created_at, entry.order_id) for entry in posed.entries)
        self._search = Search(posed.problem, posed.routes, snapshot.seed)
        give_way(self._search, snapshot.policy, self._row)
        self._kept = self._search.kept()

    def quote(self, candidate: OrderInPlay, door: Door) -> Offer | Refusal | None:
        """Return what `quote` says of a delivery that nobody has heard of yet.

        Parameters
        ----------
        candidate
            Its place does not matter.
        door
            Its own.

        Returns
        -------
        Offer, Refusal or None
            None where goods are so short that this order would change what others may choose
            from: then only `quote` can say.

        Raises
        ------
        ValueError
            The order is no delivery, or it is there already.
        """
        if candidate.order.fulfilment is not Fulfilment.DELIVERY:
            raise ValueError(f"{candidate.order_id} is to be collected: ask `quote`")
        if candidate.order_id in self._situation.orders:
            raise ValueError(f"{candidate.order_id} is among the orders already: ask `quote`")
        asked = as_weighed(self.snapshot, replace(candidate, place=self._place))
        self._lead_to(door)
        situation = self._with(asked, door)
        before = self._posed.shortlists
        stores = one_more(situation, asked, self._posed.table, before)
        if stores is None:
            return None
        slots = later(situation, asked)
        if isinstance(stores, Refusal):
            return NotNow(stores.reason, stores.detail, None, slots)
        chosen = self._write(situation, asked, stores)
        search, row = self._search, self._row
        search.back_as(self._kept)
        come(search, self.snapshot.policy, row, chosen)
        known = self._posed.entries
        posed = replace(
            self._posed, situation=situation, entries=[*known[:row], asked, *known[row:]]
        )
        return answer(posed, search, row, slots)

    def _lead_to(self, door: Door) -> None:
        """Write the ways to and from a door into the tables."""
        place, problem = self._place, self._posed.problem
        travel = self.snapshot.travel
        for mode, ways in door.ways.items():
            tables = [(travel.duration_s[mode], travel.length_m[mode])]
            if mode in self._situation.modes:
                row = self._situation.modes.index(mode)
                tables.append((problem.duration_s[row], problem.length_m[row]))
            for duration_s, length_m in tables:
                duration_s[:place, place], length_m[:place, place] = ways.to_s, ways.to_m
                duration_s[place, :place], length_m[place, :place] = ways.from_s, ways.from_m

    def _with(self, asked: OrderInPlay, door: Door) -> Situation:
        """Return the situation with the order asked for."""
        known, place = self._situation, self._place
        counters = self._posed.table.rows[:, a.STORE_PLACE]
        trip_s = np.full(len(counters), UNREACHABLE_S, dtype=np.int32)
        for mode in known.modes:
            np.minimum(trip_s, self.snapshot.travel.duration_s[mode][counters, place], out=trip_s)
        key = asked.order_id
        return replace(
            known,
            orders={**known.orders, key: asked},
            order_rows={**known.order_rows, key: len(known.orders)},
            stores={name: _serving(one, place, door) for name, one in known.stores.items()},
            trip_s=np.vstack([known.trip_s, trip_s]),
        )

    def _write(self, situation: Situation, asked: OrderInPlay, stores: list[int]) -> int:
        """Write the order asked for into its row; returns the candidate to start from."""
        problem, row, first = self._posed.problem, self._row, self._first
        job, candidates, allowed = as_rows(situation, self._posed.table, asked, stores)
        last = first + len(stores)
        problem.candidates[first:last] = candidates
        problem.jobs[row] = job
        problem.jobs[row, a.JOB_FIRST] = first
        problem.jobs[row, a.JOB_LAST] = last
        click = asked.order.created_at, asked.order_id
        problem.jobs[row, a.JOB_RANK] = _SAME_ORDER * bisect_left(self._clicks, click)
        problem.allowed[row] = allowed
        policy, now = situation.policy, situation.now
        problem.prices[:] = prices(policy, now, problem.jobs[: row + 1])
        if problem.ends.size:
            problem.ends[:] = ends(situation)
        return first


def _serving(store: StoreInPlay, place: int, door: Door) -> StoreInPlay:
    """Return a store whose area serves the place of the door, if it does."""
    if store.area is None or store.store_id not in door.served_by:
        return store
    return replace(store, area=replace(store.area, serves=store.area.serves | {place}))


def _with_room(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot whose travel tables have room for one place more than it names."""
    places = len(snapshot.places)
    travel = snapshot.travel
    tables = [*travel.duration_s.values(), *travel.length_m.values()]
    if all(table.shape == (places + 1, places + 1) for table in tables):
        return snapshot
    roomy = []
    for table in tables:
        known = min(places, *table.shape)
        wide = np.full((places + 1, places + 1), UNREACHABLE_S, dtype=np.int32)
        wide[:known, :known] = table[:known, :known]
        wide[places, places] = 0
        roomy.append(wide)
    modes = len(travel.duration_s)
    return replace(
        snapshot,
        travel=TravelTable(
            dict(zip(travel.duration_s, roomy[:modes], strict=True)),
            dict(zip(travel.length_m, roomy[modes:], strict=True)),
            travel.version,
        ),
    )


def _with_spare_row(posed: Posed, place: int, most: int) -> Posed:
    """Return what was posed, with the last row of those to be routed left to one more order.

    It is not yet among the entries.
    """
    problem, count = posed.problem, posed.problem.job_count
    spare = np.full((1, a.JOB_COLUMNS), -1, dtype=np.int64)
    candidates = len(problem.candidates)
    # As wide as it may be: whatever is made for the widest order has room for it.
    spare[0, a.JOB_FIRST], spare[0, a.JOB_LAST] = candidates, candidates + most
    spare[0, a.JOB_PLACE] = place
    jobs = np.concatenate([problem.jobs[:count], spare, problem.jobs[count:]])
    jobs[:, a.JOB_RANK] = _SAME_ORDER * jobs[:, a.JOB_RANK] + 1
    width = len(problem.couriers)
    ending = problem.ends
    if ending.size:
        ending = np.hstack([ending, np.zeros((width, 1 + place - ending.shape[1]))])
    chosen = posed.routes.chosen
    return replace(
        posed,
        problem=problem._replace(
            jobs=jobs,
            job_count=count + 1,
            candidates=np.concatenate(
                [problem.candidates, np.zeros((most, a.CAND_COLUMNS), dtype=np.int64)]
            ),
            allowed=np.concatenate([problem.allowed, np.ones((1, width), dtype=np.uint8)]),
            prices=problem.prices.copy(),
            ends=ending,
        ),
        routes=posed.routes._replace(
            chosen=np.concatenate([chosen[:count], np.array([-1], np.int32), chosen[count:]])
        ),
    )
