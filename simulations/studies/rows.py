"""What came of an evening, from its log alone: a simulated, a replayed or a live one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch import events as e
from dispatch.churn import ChurnFold
from dispatch.model import Fulfilment
from simulations.studies.measuring import PlanFold, StoreFold, figures_of
from simulations.studies.outcome import CourierSpan, Ending, Evening, Minute, OrderRow
from simulations.studies.rows_couriers import BUSY, CourierFold
from simulations.studies.rows_orders import OrderFold, is_taken

MINUTE_S: Final = 60


def evening_of(
    log: Iterable[e.Recorded],
    *,
    seed: int,
    starts_at: int,
    ends_at: int,
    measured_from: int | None = None,
    measured_until: int | None = None,
    refused_commands: Mapping[str, int] | None = None,
    breaches: Sequence[str] = (),
) -> Evening:
    """Return rows and figures of a log.

    Parameters
    ----------
    log
        From its beginning: what is before `starts_at` counts for stores, shifts and open orders.
    seed
        Of the simulation; whatever tells runs apart where there was none.
    starts_at, ends_at
        The run; what was under way is cut there.
    measured_from, measured_until
        Whose clicks count; the whole run if None.
    refused_commands, breaches
        Passed on: the log does not say them.

    Notes
    -----
    Figures about orders count those clicked in the measured time, however long they took; figures
    about people count the measured time, whatever they worked for.
    """
    since = starts_at if measured_from is None else measured_from
    until = ends_at if measured_until is None else measured_until
    orders, couriers = OrderFold(), CourierFold()
    plans, stores, churn = PlanFold(), StoreFold(), ChurnFold()
    for recorded in log:
        orders.add(recorded)
        couriers.add(recorded)
        plans.add(recorded)
        stores.add(recorded)
        churn.add(recorded)
    rows = orders.rows(since, until)
    spans = couriers.spans(ends_at)
    figures = figures_of(
        rows,
        spans,
        couriers=couriers,
        plans=plans,
        stores=stores,
        churn=churn,
        window=(since, until),
        ends_at=ends_at,
    )
    return Evening(
        seed=seed,
        starts_at=starts_at,
        measured_from=since,
        measured_until=until,
        ends_at=ends_at,
        orders=rows,
        spans=spans,
        minutes=minutes_of(rows, spans, starts_at, ends_at),
        figures=figures,
        refused_commands=dict(sorted((refused_commands or {}).items())),
        breaches=tuple(breaches),
    )


def minutes_of(
    rows: Sequence[OrderRow], spans: Sequence[CourierSpan], starts_at: int, ends_at: int
) -> tuple[Minute, ...]:
    """Return the state of things at each full minute of a run, its end left out."""
    first = -(-starts_at // MINUTE_S) * MINUTE_S
    grid = np.arange(first, ends_at, MINUTE_S, dtype=np.int64)
    taken = [row for row in rows if is_taken(row)]
    shifts = ((span.begins_at, span.ends_at) for span in spans)
    work = ((span.begins_at, span.ends_at) for span in spans if span.activity in BUSY)
    columns = [
        _count(grid, stretches)
        for stretches in (
            ((row.asked_at, row.ended_at) for row in taken),
            _waiting(taken),
            _ready(taken),
            ((row.picked_up_at, row.ended_at) for row in taken),
            _late(taken),
            shifts,
            work,
            _picking(taken),
        )
    ]
    return tuple(
        Minute(int(at), *(int(column[index]) for column in columns))
        for index, at in enumerate(grid)
    )


def _count(
    grid: NDArray[np.int64], stretches: Iterable[tuple[int | None, int | None]]
) -> NDArray[np.int64]:
    """Return how many stretches are under way at each time; one without an end goes on.

    A stretch counts from its beginning on and before its end.
    """
    change = np.zeros(len(grid) + 1, dtype=np.int64)
    known = [(a, b) for a, b in stretches if a is not None]
    begins = np.array([a for a, _ in known], dtype=np.int64)
    ends = np.array([b for _, b in known if b is not None], dtype=np.int64)
    np.add.at(change, np.searchsorted(grid, begins), 1)
    np.add.at(change, np.searchsorted(grid, ends), -1)
    return np.cumsum(change)[:-1]


def _waiting(rows: Iterable[OrderRow]) -> Iterator[tuple[int | None, int | None]]:
    for row in rows:
        since = row.asked_at if row.released_at is None else row.released_at
        until = row.pick_started_at if row.pick_started_at is not None else row.ended_at
        if until is None or until > since:
            yield since, until


def _picking(rows: Iterable[OrderRow]) -> Iterator[tuple[int | None, int | None]]:
    for row in rows:
        yield row.pick_started_at, row.ready_at if row.ready_at is not None else row.ended_at


def _ready(rows: Iterable[OrderRow]) -> Iterator[tuple[int | None, int | None]]:
    for row in rows:
        until = row.picked_up_at
        if until is None or row.fulfilment != Fulfilment.DELIVERY.value:
            until = row.ended_at
        if row.ready_at is not None and (until is None or until > row.ready_at):
            yield row.ready_at, until


def _late(rows: Iterable[OrderRow]) -> Iterator[tuple[int | None, int | None]]:
    for row in rows:
        if row.fulfilment != Fulfilment.DELIVERY.value or row.promise_latest is None:
            continue
        if row.ending is Ending.OPEN or (row.ended_at or 0) > row.promise_latest + 1:
            yield row.promise_latest + 1, row.ended_at
