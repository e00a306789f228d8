"""What rows are written in: CSV, Parquet, GeoJSON; piece by piece, never as a whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import groupby, islice
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from api.exports.rows import Column, Kind, Row, Sheet
from dispatch.codec import to_rfc3339

_AT_ONCE: Final = 2_000
"""Rows of a piece."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for one: https://owasp.org/www-community/attacks/CSV_Injection."""

_ARROW: Final = {
    Kind.TEXT: pa.string(),
    Kind.WHOLE: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.MOMENT: pa.timestamp("s", tz="UTC"),
    Kind.YES_NO: pa.bool_(),
}


class Form(StrEnum):
    """What a file is."""

    CSV = "csv"
    PARQUET = "parquet"
    GEOJSON = "geojson"

    @property
    def media_type(self) -> str:
        """What it is called on the wire."""
        return _MEDIA_TYPES[self]

    def written(self, sheet: Sheet, rows: Iterable[Row]) -> Iterator[bytes]:
        """Yield a file in pieces."""
        return _WRITERS[self](sheet, rows)


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while piece := list(islice(source, _AT_ONCE)):
        yield piece


# --- CSV ---------------------------------------------------------------------------------------


def _csv(sheet: Sheet, rows: Iterable[Row]) -> Iterator[bytes]:
    """Write RFC 4180 with a header; a text that could be a formula begins with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(column.name for column in sheet.columns)
    for piece in _pieces(rows):
        for row in piece:
            writer.writerow(map(_cell, sheet.columns, row))
        yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _cell(column: Column, value: Any) -> Any:
    match column.kind:
        case _ if value is None:
            return ""
        case Kind.MOMENT:
            return to_rfc3339(value)
        case Kind.YES_NO:
            return "true" if value else "false"
        case Kind.TEXT if value.startswith(_FORMULA):
            return f"'{value}"
    return value


# --- Parquet -----------------------------------------------------------------------------------


def _parquet(sheet: Sheet, rows: Iterable[Row]) -> Iterator[bytes]:
    """Write a row group for each piece; each column's field metadata has its `meaning`."""
    schema = pa.schema(
        [
            pa.field(column.name, _ARROW[column.kind], metadata={"meaning": column.meaning})
            for column in sheet.columns
        ]
    )
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema) as writer:
        for piece in _pieces(rows):
            by_column = [
                pa.array(values, field.type)
                for field, values in zip(schema, zip(*piece, strict=True), strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(by_column, schema=schema))
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file that is given away as it grows."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


# --- GeoJSON -----------------------------------------------------------------------------------


def _geojson(sheet: Sheet, rows: Iterable[Row]) -> Iterator[bytes]:
    """Write RFC 7946: a point for each row, or a line for each run of rows with the same name."""
    features = _points(sheet, rows) if sheet.line_of is None else _lines(sheet, rows)
    before = '{"type":"FeatureCollection","features":['
    while piece := list(islice(features, _AT_ONCE)):
        yield (before + ",\n".join(json.dumps(one, ensure_ascii=False) for one in piece)).encode()
        before = ",\n"
    yield (b"" if before.startswith(",") else before.encode()) + b"]}\n"


def _points(sheet: Sheet, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        told = {
            column.name: _told(column, value)
            for column, value in zip(sheet.columns, row, strict=True)
        }
        place = [told.pop("lng"), told.pop("lat")]
        known = {"type": "Point", "coordinates": place} if None not in place else None
        yield {"type": "Feature", "geometry": known, "properties": told}


def _lines(sheet: Sheet, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    names = [column.name for column in sheet.columns]
    key, at, lng, lat = (names.index(name) for name in (sheet.line_of or "", "at", "lng", "lat"))
    for whose, run in groupby(rows, lambda row: row[key]):
        points = list(run)
        places = [[row[lng], row[lat]] for row in points]
        alone = len(places) == 1
        yield {
            "type": "Feature",
            "geometry": {
                "type": "Point" if alone else "LineString",
                "coordinates": places[0] if alone else places,
            },
            "properties": {names[key]: whose, "at": [to_rfc3339(row[at]) for row in points]},
        }


def _told(column: Column, value: Any) -> Any:
    return to_rfc3339(value) if column.kind is Kind.MOMENT and value is not None else value


_MEDIA_TYPES: Final = {
    Form.CSV: "text/csv; charset=utf-8; header=present",
    Form.PARQUET: "application/vnd.apache.parquet",
    Form.GEOJSON: "application/geo+json",
}
_WRITERS: Final[dict[Form, Callable[[Sheet, Iterable[Row]], Iterator[bytes]]]] = {
    Form.CSV: _csv,
    Form.PARQUET: _parquet,
    Form.GEOJSON: _geojson,
}
