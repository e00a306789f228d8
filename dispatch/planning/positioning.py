"""Where couriers without work should wait: near the orders that are likely to come.

An order whose goods are ready sooner than the first courier can be there is late by the difference.
What that costs in the time to come is expected over the demand of every store, its lead times, and
the first three couriers who could be there, the second and third for when the first is taken (the
idea of expected coverage, Daskin 1983, doi:10.1287/trsc.17.1.48).  A courier moves where that falls
by more than the way there costs, the best move first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.model import Snapshot, Standby, StoreDemand
from dispatch.planning.arrays import (
    COURIER_BAG_PARCELS,
    COURIER_MODE,
    COURIER_SHIFT_END,
    COURIER_START,
    STORE_PLACE,
)
from dispatch.planning.improve import Search
from dispatch.planning.schedule import DEPART, PLACE
from geo.compiled import kernel, kernel_part

_STEP_S: Final = 60
_STEPS: Final = 41
"""Lateness is tabled for responses of 0 to 40 minutes; beyond, every second is a second late."""

_BUSY: Final = 0.3
"""Chance that the first courier is taken when the order comes; the second's likewise."""

_FIRST: Final = 3
"""Couriers weighed per store."""

_NOBODY_S: Final = 1500
"""Response where nobody comes to mind."""

_LEAST_S, _MOST_S = 120, 900
"""Shorter ways are not worth the word, longer ones not the risk."""

_LEFT_S: Final = 1200
"""Whose shift ends within this time stays."""

_SOON_S: Final = 600
"""Whose shift begins within this time counts already."""

_BLIND_S: Final = 600
"""A move takes the courier out for a while: half of it, weighed by this window."""

_MOVES: Final = 6
"""Moves in one plan, at most."""

_LEADS_SHARED: Final = 5.0
"""Every store's lead times are mixed with so many of all stores'."""


def standbys(
    snapshot: Snapshot, search: Search, store_ids: Sequence[str], courier_ids: Sequence[str]
) -> tuple[Standby, ...]:
    """Return the moves worth making now, ascending by courier id.

    Parameters
    ----------
    search
        The plan as it will be written: whoever has a route there stays out of it.
    store_ids, courier_ids
        Names of the rows of the search's problem.
    """
    policy, problem, now = snapshot.policy, search.problem, snapshot.now
    demand = {entry.store_id: entry for entry in snapshot.demand}
    known = [index for index, key in enumerate(store_ids) if key in demand]
    if policy.standby_horizon_s == 0 or not known:
        return ()
    crew = problem.couriers
    # Of two with the same id the first counts.
    in_play = {courier.courier_id: courier for courier in reversed(snapshot.couriers)}
    waiting_at = np.array(
        [_index_of(store_ids, in_play[key].standby) for key in courier_ids], dtype=np.int64
    )
    present = (crew[:, COURIER_SHIFT_END] > now + _LEFT_S) & (crew[:, COURIER_START] <= now)
    unused = (search.board.count == 0) & (crew[:, COURIER_BAG_PARCELS] == 0)
    # Who is on the way to a standby gets there first.
    under_way = np.array([in_play[key].under_way for key in courier_ids], dtype=np.bool_)
    idle = np.flatnonzero(present & unused & ~under_way)
    counted = (crew[:, COURIER_SHIFT_END] > now + _LEFT_S) & (
        crew[:, COURIER_START] <= now + _SOON_S
    )
    counted[idle] = False
    if not len(idle):
        return ()
    stores = problem.stores[known, STORE_PLACE]
    access_s = _access(snapshot, [store_ids[index] for index in known])
    response = np.full((len(crew), len(known)), _NOBODY_S, dtype=np.float64)
    for row in np.flatnonzero(counted | np.isin(np.arange(len(crew)), idle)):
        mode, last = crew[row, COURIER_MODE], search.board.count[row]
        place, free_at = search.board.state[row, last, PLACE], search.board.state[row, last, DEPART]
        if under_way[row] and waiting_at[row] >= 0 and last == 0:
            # Counted as there already, the way still to go.
            there = problem.stores[waiting_at[row], STORE_PLACE]
            free_at = now + problem.duration_s[mode, place, there]
            place = there
        legs = problem.duration_s[mode, place, stores].astype(np.float64)
        response[row] = max(0, free_at - now) + legs
    to_stores = problem.duration_s[:, stores][:, :, stores]
    # Whoever waits in the street has not the way out of the counter, but the way in.
    between = to_stores - access_s[np.newaxis, :, np.newaxis].astype(np.int32)
    index = np.arange(len(known))
    between[:, index, index] = access_s
    moves = _cover(
        idle.astype(np.int64),
        crew[idle, COURIER_MODE].astype(np.int64),
        response,
        counted,
        between.astype(np.float64),
        np.array([demand[store_ids[i]].orders_per_h for i in known])
        * (policy.standby_horizon_s / 3600),
        _lateness([demand[store_ids[i]] for i in known]),
        access_s.astype(np.float64),
        policy.waiting_cost,
        policy.travel_cost,
    )
    found = []
    for courier, target, gain in moves:
        mode = crew[courier, COURIER_MODE]
        place = search.board.state[courier, 0, PLACE]
        travel_s = int(problem.duration_s[mode, place, stores[target]] - access_s[target])
        found.append(
            Standby(
                courier_id=courier_ids[courier],
                store_id=store_ids[known[target]],
                arrive_at=now + travel_s,
                travel_s=travel_s,
                length_m=int(problem.length_m[mode, place, stores[target]]),
                gain=round(float(gain), 1),
            )
        )
    return tuple(sorted(found, key=lambda standby: standby.courier_id))


def _index_of(store_ids: Sequence[str], key: str | None) -> int:
    return store_ids.index(key) if key is not None and key in store_ids else -1


def _access(snapshot: Snapshot, store_ids: Sequence[str]) -> NDArray[np.int64]:
    # Of two with the same id the first counts.
    access_s = {store.store_id: store.store.access_s for store in reversed(snapshot.stores)}
    return np.array([access_s[key] for key in store_ids], dtype=np.int64)


def _lateness(demand: Sequence[StoreDemand]) -> NDArray[np.float64]:
    """Return the expected lateness by store and minute of response, shape (stores, _STEPS)."""
    response_s = _STEP_S * np.arange(_STEPS)
    every = np.array([lead for entry in demand for lead in entry.lead_s], dtype=np.float64)
    shared = np.zeros(_STEPS)
    if len(every):
        shared = np.maximum(response_s[:, None] - every, 0).mean(axis=1)
    rows = []
    for entry in demand:
        own = np.array(entry.lead_s, dtype=np.float64)
        late_s = np.maximum(response_s[:, None] - own, 0).sum(axis=1)
        rows.append((late_s + _LEADS_SHARED * shared) / (len(own) + _LEADS_SHARED))
    return np.stack(rows)


@kernel_part
def _late(lateness: NDArray[np.float64], store: int, response_s: float) -> float:
    """Return the expected lateness of a response, between two minutes in proportion."""
    minutes = response_s / _STEP_S
    if minutes >= _STEPS - 1:
        return float(lateness[store, _STEPS - 1]) + response_s - _STEP_S * (_STEPS - 1)
    below = int(minutes)
    share = minutes - below
    return float(lateness[store, below] * (1 - share) + lateness[store, below + 1] * share)


@kernel_part
def _blind(way_s: float) -> float:
    """Return how much later than from there a courier counts as coming, for being on the way."""
    if way_s < _BLIND_S:
        return way_s * way_s / (2 * _BLIND_S)
    return way_s - _BLIND_S / 2


@kernel_part
def _expected(
    lateness: NDArray[np.float64], store: int, first: float, second: float, third: float
) -> float:
    return (
        (1 - _BUSY) * _late(lateness, store, first)
        + _BUSY * (1 - _BUSY) * _late(lateness, store, second)
        + _BUSY * _BUSY * _late(lateness, store, third)
    )


@kernel
def _cover(
    idle: NDArray[np.int64],
    idle_mode: NDArray[np.int64],
    response: NDArray[np.float64],
    counted: NDArray[np.bool_],
    between: NDArray[np.float64],
    weight: NDArray[np.float64],
    lateness: NDArray[np.float64],
    access_s: NDArray[np.float64],
    late_price: float,
    travel_price: float,
) -> list[tuple[int, int, float]]:
    """Return moves as (courier, store, gain), the best first.

    Parameters
    ----------
    idle, idle_mode
        Who may move: rows of `response`, and of `between`.
    response : float64 (couriers, stores)
        Seconds until each could be at each counter.
    counted
        Who else could come.
    between : float64 (modes, stores, stores)
        From waiting in the street at one store to the counter of another.
    weight : float64 (stores,)
        Orders expected.
    """
    stores = len(weight)
    moves: list[tuple[int, int, float]] = []
    moved = np.zeros(len(idle), dtype=np.bool_)
    without = np.empty((stores, _FIRST))
    cost_without = np.empty(stores)
    cost = np.empty(stores)
    best_three = np.empty((stores, _FIRST + 1))
    owners = np.empty((stores, _FIRST + 1), dtype=np.int64)
    gains = np.full(len(idle), -1.0)
    targets = np.zeros(len(idle), dtype=np.int64)
    stale = np.ones(len(idle), dtype=np.bool_)
    for _ in range(_MOVES):
        for store in range(stores):
            # One more than is weighed, for when one of them leaves.
            for rank in range(_FIRST + 1):
                best_three[store, rank] = _NOBODY_S
                owners[store, rank] = -1
        for row in range(len(response)):
            mine = -1
            for index in range(len(idle)):
                if idle[index] == row:
                    mine = index
                    break
            if mine < 0 and not counted[row]:
                continue
            for store in range(stores):
                at = response[row, store]
                if at >= best_three[store, _FIRST]:
                    continue
                rank = _FIRST
                while rank > 0 and best_three[store, rank - 1] > at:
                    best_three[store, rank] = best_three[store, rank - 1]
                    owners[store, rank] = owners[store, rank - 1]
                    rank -= 1
                best_three[store, rank] = at
                owners[store, rank] = row
        for store in range(stores):
            cost[store] = _expected(
                lateness, store, best_three[store, 0], best_three[store, 1], best_three[store, 2]
            )
        for index in range(len(idle)):
            if moved[index] or not stale[index]:
                continue
            stale[index] = False
            row = idle[index]
            loss = 0.0
            for store in range(stores):
                kept = 0
                hit = False
                for rank in range(_FIRST + 1):
                    if owners[store, rank] == row:
                        hit = True
                    elif kept < _FIRST:
                        without[store, kept] = best_three[store, rank]
                        kept += 1
                cost_without[store] = cost[store]
                if hit:
                    cost_without[store] = _expected(
                        lateness, store, without[store, 0], without[store, 1], without[store, 2]
                    )
                    loss += weight[store] * (cost_without[store] - cost[store])
            gains[index] = 0.0
            for target in range(stores):
                way_s = response[row, target] - access_s[target]
                if weight[target] <= 0 or way_s < _LEAST_S or way_s > _MOST_S:
                    continue
                blind_s = _blind(way_s)
                gain = 0.0
                for store in range(stores):
                    at = between[idle_mode[index], target, store] + blind_s
                    if at >= without[store, 2]:
                        continue
                    if at < without[store, 0]:
                        now = _expected(lateness, store, at, without[store, 0], without[store, 1])
                    elif at < without[store, 1]:
                        now = _expected(lateness, store, without[store, 0], at, without[store, 1])
                    else:
                        now = _expected(lateness, store, without[store, 0], without[store, 1], at)
                    gain += weight[store] * (cost_without[store] - now)
                gain = late_price * (gain - loss) - travel_price * way_s
                if gain > gains[index]:
                    gains[index] = gain
                    targets[index] = target
        lead = -1
        for index in range(len(idle)):
            if not moved[index] and gains[index] > 0 and (lead < 0 or gains[index] > gains[lead]):
                lead = index
        if lead < 0:
            break
        row, target = idle[lead], targets[lead]
        way_s = response[row, target] - access_s[target]
        blind_s = _blind(way_s)
        moves.append((row, target, gains[lead]))
        moved[lead] = True
        for store in range(stores):
            response[row, store] = between[idle_mode[lead], target, store] + blind_s
        for index in range(len(idle)):
            stale[index] = True
    return moves
