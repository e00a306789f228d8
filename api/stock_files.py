"""Files of a whole shop: CSV as spreadsheets write it, or JSON; all of it or nothing.

Everything here works on bytes and may take a second: it is run off the event loop.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api import strict_json
from api.problems import Problem
from api.stock_schemas import (
    BARCODE,
    MOST_AGE,
    MOST_LINES,
    MOST_NAME,
    MOST_ON_HAND,
    MOST_PRICE_CENTS,
    MOST_SHELF,
    MOST_VOLUME_ML,
    MOST_WEIGHT_G,
    CatalogueIn,
    StockIn,
)
from dispatch.records import Article

_Model = TypeVar("_Model", bound=BaseModel)

_MOST_TOLD: Final = 100
"""Errors told of one file; the rest is only counted."""

_SKU: Final = re.compile(r"[!-~]{1,64}")
_BARCODE: Final = re.compile(BARCODE)
_WHOLE: Final = re.compile(r"[0-9]{1,12}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")
_YES_NO: Final = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}
_UTF8: Final = frozenset({"", "utf-8", "utf8", "us-ascii"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: what it is called, whether it must be there, how a cell is read.

    `read` raises `ValueError` with what is wrong.  An empty cell of a column that need not be
    there is left out.
    """

    name: str
    read: Callable[[str], Any]
    needed: bool = False


@dataclass(slots=True)
class Complaints:
    """What is wrong with a file, line by line; lines count from 1, the header's."""

    code: str
    items: str
    told: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0

    def add(self, line: int, column: str | None, index: int | None, detail: str) -> None:
        """Note what is wrong in a line; `index` is of the item it would have been."""
        self.total += 1
        if len(self.told) < _MOST_TOLD:
            pointer = "" if index is None else f"/{self.items}/{index}"
            pointer += f"/{column}" if index is not None and column is not None else ""
            told = {"line": line, "column": column, "pointer": pointer, "detail": detail}
            self.told.append(told)

    def refuse(self) -> None:
        """Raise the problem, if there is anything to complain of."""
        if not self.total:
            return
        first = self.told[0]
        where = f", {first['column']}" if first["column"] else ""
        more = f" There are {self.total - 1} more problems." if self.total > 1 else ""
        raise Problem(
            self.code,
            f"Line {first['line']}{where}: {first['detail']}. Nothing was taken.{more}",
            {"pointer": first["pointer"], "errors": self.told, "errors_total": self.total},
        )


@dataclass(frozen=True, slots=True)
class StockFile:
    """Stock as a file has it; `lines` says where each SKU stands in a CSV file."""

    on_hand: dict[str, int]
    safety_stock: dict[str, int]
    shelves: dict[str, str]
    is_csv: bool


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """Articles as a file has them, and the line of each; no lines in JSON."""

    articles: tuple[Article, ...]
    lines: tuple[int, ...]


def read_stock(content_type: str, body: bytes) -> StockFile:
    """Read a stock file.

    Raises
    ------
    Problem
        Something in it cannot be meant; names the lines, or the fields.
    """
    if _is_csv(content_type):
        complaints = Complaints("stock_file_refused", "items")
        rows = [row for _, row in _rows(body, _STOCK, complaints)]
    else:
        items = _from_json(StockIn, body).items
        _refuse_repeated("items", [item.sku for item in items])
        rows = [item.model_dump(exclude_none=True) for item in items]
    return StockFile(
        {row["sku"]: row["on_hand"] for row in rows},
        {row["sku"]: row["safety_stock"] for row in rows if "safety_stock" in row},
        {row["sku"]: row["shelf"] for row in rows if "shelf" in row},
        _is_csv(content_type),
    )


def read_catalogue(content_type: str, body: bytes) -> CatalogueFile:
    """Read a catalogue file; raises as `read_stock`."""
    if _is_csv(content_type):
        complaints = Complaints("catalogue_file_refused", "articles")
        rows = _rows(body, _CATALOGUE, complaints)
        return CatalogueFile(
            tuple(Article(**row) for _, row in rows), tuple(line for line, _ in rows)
        )
    articles = _from_json(CatalogueIn, body).articles
    _refuse_repeated("articles", [article.sku for article in articles])
    return CatalogueFile(tuple(article.article() for article in articles), ())


def _is_csv(content_type: str) -> bool:
    """Tell CSV from JSON by the `Content-Type`; raises `Problem` for anything else."""
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    if kind == "text/csv":
        charset = re.search(r"charset=\"?([^\s\";]*)", parameters)
        if charset is not None and charset[1] not in _UTF8:
            raise Problem("invalid_request", f"The file is said to be in {charset[1]}; send UTF-8.")
        return True
    if kind in {"", "application/json"} or kind.endswith("+json"):
        return False
    raise Problem(
        "invalid_request", f"Content-Type is {kind[:80]!r}; send text/csv or application/json."
    )


# --- JSON --------------------------------------------------------------------------------------


def _from_json(model: type[_Model], body: bytes) -> _Model:
    try:
        said = strict_json.loads(body)
    except json.JSONDecodeError as error:
        raise Problem("malformed_body", f"The body is not JSON: {error.msg}.") from error
    try:
        return model.model_validate(said)
    except ValidationError as error:
        found = error.errors(include_url=False)[:_MOST_TOLD]
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in found]
        ) from error


def _refuse_repeated(items: str, skus: Sequence[str]) -> None:
    seen: set[str] = set()
    for index, sku in enumerate(skus):
        if sku in seen:
            raise Problem(
                "invalid_request",
                f"{sku} is in the list more than once; say one thing of it.",
                {"pointer": f"/{items}/{index}/sku"},
            )
        seen.add(sku)


# --- CSV ---------------------------------------------------------------------------------------


def _rows(
    body: bytes, columns: Sequence[Column], complaints: Complaints
) -> list[tuple[int, dict[str, Any]]]:
    """Return the lines of a CSV file, each with its number; raises `Problem` for any wrong one."""
    text = _text(body, complaints)
    records = _records(text, complaints)
    header_line, header = next(records, (1, None))
    if header is None:
        complaints.add(header_line, None, None, "the file is empty; begin with a header")
        complaints.refuse()
        return []
    found = _header(header_line, header, columns, complaints)
    complaints.refuse()
    rows: list[tuple[int, dict[str, Any]]] = []
    line_of: dict[str, int] = {}
    for index, (line, cells) in enumerate(records):
        if index == MOST_LINES:
            complaints.add(line, None, None, f"is beyond {MOST_LINES} lines; send several files")
            break
        row = _row(line, index, cells, found, complaints)
        sku = row.get("sku")
        if sku is None:
            continue
        first = line_of.setdefault(sku, line)
        if first != line:
            detail = f"{sku} is on line {first} already; say one thing of it"
            complaints.add(line, "sku", index, detail)
        rows.append((line, row))
    if not rows and not complaints.total:
        complaints.add(header_line, None, None, "has a header and no line after it")
    complaints.refuse()
    return rows


def _text(body: bytes, complaints: Complaints) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        complaints.add(line, None, None, "is not UTF-8; save the file as UTF-8")
        complaints.refuse()
        raise


def _records(text: str, complaints: Complaints) -> Iterator[tuple[int, list[str]]]:
    """Yield the records with the lines they begin on; empty lines are left out."""
    first = text[: text.find("\n")] if "\n" in text else text
    # Spreadsheets part cells by what their country does not use for decimals.
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # What follows cannot be told apart any more.
            complaints.add(line, None, None, f"is not CSV: {error}")
            return
        if any(cell.strip() for cell in record):
            yield line, record
        line = reader.line_num + 1


def _header(
    line: int, cells: Sequence[str], columns: Sequence[Column], complaints: Complaints
) -> list[Column]:
    known = {column.name: column for column in columns}
    names = [cell.strip().lower() for cell in cells]
    for index, name in enumerate(names):
        if name not in known:
            listed = ", ".join(known)
            shown = repr(cells[index].strip()[:40])
            complaints.add(line, name[:40], None, f"{shown} is no column; there are {listed}")
        elif name in names[:index]:
            complaints.add(line, name, None, f"{name} is there twice")
    for column in columns:
        if column.needed and column.name not in names:
            complaints.add(line, column.name, None, f"{column.name} is missing from the header")
    return [known[name] for name in names if name in known]


def _row(
    line: int, index: int, cells: Sequence[str], columns: Sequence[Column], complaints: Complaints
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if len(cells) != len(columns):
        detail = f"has {len(cells)} cells, the header {len(columns)}"
        complaints.add(line, None, index, detail)
        return row
    for column, cell in zip(columns, cells, strict=True):
        text = cell.strip()
        if not text and not column.needed:
            continue
        try:
            row[column.name] = column.read(text)
        except ValueError as error:
            complaints.add(line, column.name, index, str(error))
    return row


def _sku(text: str) -> str:
    if not _SKU.fullmatch(text):
        raise ValueError(
            f"{text[:70]!r} is no SKU: 1 to 64 printable ASCII characters without spaces"
            if text
            else "is empty; name the article"
        )
    return text


def _whole(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or int(text) > most:
            shown = repr(text[:40]) if text else "nothing"
            raise ValueError(f"is {shown}; give a whole number from 0 to {most}")
        return int(text)

    return read


def _words(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > most or _UNPRINTABLE.search(text):
            raise ValueError(f"is {text[:40]!r}; give at most {most} characters on one line")
        return text

    return read


def _barcode(text: str) -> str:
    if not _BARCODE.fullmatch(text):
        raise ValueError(f"is {text[:70]!r}; give at most 64 printable ASCII characters")
    return text


def _yes_no(text: str) -> bool:
    found = _YES_NO.get(text.lower())
    if found is None:
        raise ValueError(f"is {text[:40]!r}; give true or false")
    return found


_STOCK: Final = (
    Column("sku", _sku, needed=True),
    Column("on_hand", _whole(MOST_ON_HAND), needed=True),
    Column("safety_stock", _whole(MOST_ON_HAND)),
    Column("shelf", _words(MOST_SHELF)),
)

_CATALOGUE: Final = (
    Column("sku", _sku, needed=True),
    Column("name", _words(MOST_NAME)),
    Column("weight_g", _whole(MOST_WEIGHT_G)),
    Column("volume_ml", _whole(MOST_VOLUME_ML)),
    Column("price_cents", _whole(MOST_PRICE_CENTS)),
    Column("chilled", _yes_no),
    Column("age_limit", _whole(MOST_AGE)),
    Column("barcode", _barcode),
    Column("shelf", _words(MOST_SHELF)),
)

STOCK_COLUMNS: Final = tuple(column.name for column in _STOCK)
CATALOGUE_COLUMNS: Final = tuple(column.name for column in _CATALOGUE)
"""What the columns of each file are called."""


def at_line(error_index: int, found: CatalogueFile, detail: str, column: str) -> Problem:
    """Return the problem of one article that does not fit those known already."""
    pointer = f"/articles/{error_index}/{column}"
    if not found.lines:
        return Problem("invalid_value", detail, {"pointer": pointer})
    told: Mapping[str, Any] = {
        "line": found.lines[error_index],
        "column": column,
        "pointer": pointer,
        "detail": detail,
    }
    return Problem(
        "catalogue_file_refused",
        f"Line {told['line']}, {column}: {detail} Nothing was taken.",
        {"pointer": pointer, "errors": [told], "errors_total": 1},
    )
