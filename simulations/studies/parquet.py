"""Rows of evenings as Parquet tables and back; every column says its unit in the schema.

Times are UTC epoch seconds as 64-bit integers, as in the log; empty cells are "never" or
"nobody".  `META[column]` is written into the file as field metadata under `meaning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from simulations.errors import SimulationError
from simulations.folders import whole
from simulations.studies.measures import FIGURES
from simulations.studies.outcome import Activity, CourierSpan, Ending, Minute, OrderRow
from simulations.studies.study import Table

_Row = TypeVar("_Row", OrderRow, CourierSpan, Minute)

_TIME: Final = "UTC epoch seconds"

ORDERS: Final[Mapping[str, tuple[pa.DataType, str]]] = MappingProxyType(
    {
        "order_id": (pa.string(), "id in the log; refused-<external id> for a refused one"),
        "external_id": (pa.string(), "the click's id, the same under every policy"),
        "is_measured": (pa.bool_(), "asked for in the measured time"),
        "ending": (pa.string(), "how it ended: " + ", ".join(Ending)),
        "code": (pa.string(), "why it was refused or cancelled"),
        "fulfilment": (pa.string(), "delivery, collection, curbside"),
        "tier": (pa.string(), "window it was taken with: 15m, 30m, 60m, later, any"),
        "part_of": (pa.string(), "order this is a part of, for a split one"),
        "asked_at": (pa.int64(), f"click, {_TIME}"),
        "ended_at": (pa.int64(), _TIME),
        "lng": (pa.float64(), "degrees; of the door"),
        "lat": (pa.float64(), "degrees; of the door"),
        "address": (pa.string(), "what a courier reads"),
        "store_id": (pa.string(), "store the goods came from"),
        "courier_id": (pa.string(), "who brought it, or had it last"),
        "promise_earliest": (pa.int64(), f"begin of the first promise, {_TIME}"),
        "promise_latest": (pa.int64(), f"end of the first promise, {_TIME}"),
        "first_eta": (pa.int64(), f"first forecast of the arrival, {_TIME}"),
        "pick_started_at": (pa.int64(), _TIME),
        "ready_at": (pa.int64(), f"goods picked, {_TIME}"),
        "expected_ready_at": (pa.int64(), f"first forecast of it, {_TIME}"),
        "picked_up_at": (pa.int64(), f"in a bag, {_TIME}"),
        "arrived_at": (pa.int64(), f"courier at the door (the last time), {_TIME}"),
        "delivered_at": (pa.int64(), _TIME),
        "lateness_s": (pa.int64(), "s past the end of the first promise; deliveries only"),
        "click_to_door_s": (pa.int64(), "s; deliveries only"),
        "travel_s": (pa.int64(), "s to the door, as it was"),
        "expected_travel_s": (pa.int64(), "s to the door, forecast when it was begun"),
        "pick_s": (pa.int64(), "s of picking, as it was"),
        "expected_pick_s": (pa.int64(), "s of picking, as expected when it began"),
        "fare_cents": (pa.int64(), "price of the delivery, minor units"),
        "basket_cents": (pa.int64(), "worth of the goods, minor units"),
        "tries": (pa.int64(), "times a courier stood at the door in vain"),
        "first_tier": (pa.string(), "window asked for at first"),
        "released_at": (pa.int64(), f"end of the last hold, {_TIME}"),
        "here_at": (pa.int64(), f"customer at the store, {_TIME}"),
    }
)
"""Columns of `orders.parquet`."""

COURIERS: Final[Mapping[str, tuple[pa.DataType, str]]] = MappingProxyType(
    {
        "courier_id": (pa.string(), "id in the log"),
        "activity": (pa.string(), ", ".join(Activity)),
        "begins_at": (pa.int64(), _TIME),
        "ends_at": (pa.int64(), f"{_TIME}; the next begins here"),
        "order_id": (pa.string(), "what it was for"),
        "store_id": (pa.string(), "where it was"),
    }
)
"""Columns of `couriers.parquet`."""

MINUTES: Final[Mapping[str, tuple[pa.DataType, str]]] = MappingProxyType(
    {
        "at": (pa.int64(), f"full minute, {_TIME}"),
        "open_orders": (pa.int64(), "parcels taken and not ended"),
        "waiting_to_be_picked": (pa.int64(), "parcels"),
        "ready_and_waiting": (pa.int64(), "parcels picked and not in a bag"),
        "on_the_way": (pa.int64(), "parcels in a bag"),
        "late_open": (pa.int64(), "deliveries past their first promise and not there"),
        "couriers_on_shift": (pa.int64(), "people, breaks included"),
        "couriers_busy": (pa.int64(), "people"),
        "pickers_busy": (pa.int64(), "people"),
    }
)
"""Columns of `minutes.parquet`."""

FIGURE_COLUMNS: Final[Mapping[str, tuple[pa.DataType, str]]] = MappingProxyType(
    {name: (pa.float64(), f"{m.unit}: {m.meaning}") for name, m in FIGURES.items()}
)
"""Columns of `figures.parquet`."""

_REPLICATION: Final[Mapping[str, tuple[pa.DataType, str]]] = MappingProxyType(
    {
        "replication": (pa.int32(), "0, 1, 2, ..."),
        "seed": (pa.int64(), "seed of the evening"),
    }
)


Columns = Mapping[str, tuple[pa.DataType, str]]


def table_of(rows: Iterable[OrderRow | CourierSpan | Minute], columns: Columns) -> Table:
    """Return rows of one kind as a table."""
    rows = list(rows)
    arrays = [
        pa.array([_cell(getattr(row, name)) for row in rows], kind)
        for name, (kind, _) in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=schema_of(columns))


def schema_of(columns: Columns) -> pa.Schema:
    """Return the schema of some columns, with the meaning of each."""
    return pa.schema(
        [
            pa.field(name, kind, metadata={"meaning": meaning})
            for name, (kind, meaning) in columns.items()
        ]
    )


def rows_of(table: Table, kind: type[_Row]) -> tuple[_Row, ...]:
    """Return the rows that a table was made from."""
    rows: list[Any] = table.select(list(kind.__dataclass_fields__)).to_pylist()
    if kind is OrderRow:
        rows = [{**row, "ending": Ending(row["ending"])} for row in rows]
    elif kind is CourierSpan:
        rows = [{**row, "activity": Activity(row["activity"])} for row in rows]
    return tuple(kind(**row) for row in rows)


def figures_table(figures: Sequence[Mapping[str, float | None]], seeds: Sequence[int]) -> Table:
    """Return the figures of evenings, one row for each."""
    arrays = [
        pa.array([None if (v := one[name]) is None else float(v) for one in figures], kind)
        for name, (kind, _) in FIGURE_COLUMNS.items()
    ]
    table = pa.Table.from_arrays(arrays, schema=schema_of(FIGURE_COLUMNS))
    return _numbered(table, list(range(len(seeds))), list(seeds))


def merged(tables: Sequence[Table], seeds: Sequence[int]) -> Table:
    """Return tables of several evenings as one, with the number and the seed of the evening."""
    return pa.concat_tables(
        _numbered(table, [number] * table.num_rows, [seed] * table.num_rows)
        for number, (table, seed) in enumerate(zip(tables, seeds, strict=True))
    )


def _numbered(table: Table, numbers: list[int], seeds: list[int]) -> Table:
    schema = schema_of({**_REPLICATION})
    columns = [pa.array(numbers, pa.int32()), pa.array(seeds, pa.int64()), *table.columns]
    fields = [*schema, *table.schema]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def write(table: Table, path: Path) -> None:
    """Write a table, all or nothing."""
    with whole(path) as draft:
        pq.write_table(table, draft, compression="zstd")


def read(path: Path, columns: Sequence[str] | None = None) -> Table:
    """Read a table; raises `SimulationError` when there is none, or a damaged one."""
    try:
        return pq.read_table(path, columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowInvalid) as error:
        raise SimulationError(
            f"{path} is missing or damaged ({str(error).splitlines()[0]}); run it anew with --fresh"
        ) from error


def _cell(value: object) -> object:
    return value.value if isinstance(value, StrEnum) else value
