"""A scenario's catalogue: a CSV file beside it, or its own list of articles."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from simulations.scenarios.box import box
from simulations.scenarios.settings import Article
from simulations.scenarios.sheet import Place
from simulations.scenarios.text import Problems, Section, repeated

_COLUMNS: Final = ("sku", "name", "weight_g", "price_cents", "popularity")
_GROUP: Final = "group"
_IF_YOU_LIKE: Final = (_GROUP, "volume_ml", "chilled")
_TRUTH: Final = {"": False, "false": False, "true": True}
_LAST: Final = 99
"""Problems of a catalogue are told after those of the scenario's own files."""


def read_catalogue(root: Section, problems: Problems) -> tuple[Article, ...]:
    """Return the articles that `catalogue` names, or that `articles` lists."""
    if root.has("articles"):
        return _listed(root)
    root.allow("articles")
    name = root.text("catalogue")
    if not name:
        return ()
    beside = root.place("catalogue").path.parent
    found = next(
        (folder / name for folder in (beside, *box("scenarios")) if (folder / name).is_file()), None
    )
    if found is None:
        root.problem("catalogue", f"is {name!r}, but there is no such file beside the scenario")
        return ()
    return _from_csv(found, problems)


def _listed(root: Section) -> tuple[Article, ...]:
    articles: list[Article] = []
    root.text("catalogue", default="")
    for section in root.sections("articles"):
        articles.append(
            Article(
                sku=section.text("sku"),
                name=section.text("name"),
                weight_g=section.integer("weight_g", low=1),
                price_cents=section.integer("price_cents", low=1),
                popularity=section.integer("popularity", low=1),
                group=section.text("group", default=""),
                volume_ml=section.integer("volume_ml", low=0, default=0),
                chilled=section.truth("chilled", default=False),
            )
        )
        section.end()
    for sku in repeated([article.sku for article in articles]):
        root.problem("articles", f"list {sku!r} twice; each article once")
    return tuple(articles)


def _from_csv(path: Path, problems: Problems) -> tuple[Article, ...]:
    def problem(line: int, text: str) -> None:
        problems.add_at(Place(_LAST, line, path.name, path), text)

    articles: list[tuple[int, Article]] = []
    broken = False
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns = tuple(reader.fieldnames or ())
            further = columns[len(_COLUMNS) :]
            if columns[: len(_COLUMNS)] != _COLUMNS or not _is_in_order(further):
                problem(
                    1,
                    f"the columns must be {','.join(_COLUMNS)}, and of {','.join(_IF_YOU_LIKE)} "
                    "those you like, in this order",
                )
                return ()
            for row in reader:
                found = _article(row, columns)
                if isinstance(found, Article):
                    articles.append((reader.line_num, found))
                else:
                    broken = True
                    for text in found:
                        problem(reader.line_num, text)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem(0, f"cannot be read as CSV in UTF-8: {error}")
        return ()
    seen: set[str] = set()
    for line, article in articles:
        if article.sku in seen:
            problem(line, f"{article.sku!r} is listed twice; each article once")
        seen.add(article.sku)
    if not articles and not broken:
        problem(1, "lists no article; an order needs one")
    return tuple(article for _, article in articles)


def _article(row: Mapping[str | None, str | None], columns: tuple[str, ...]) -> Article | list[str]:
    cells = {column: (row.get(column) or "").strip() for column in columns}
    problems: list[str] = []
    if None in row:
        problems.append(f"has more than {len(columns)} cells")
    problems += [f"{column} is empty" for column in ("sku", "name") if not cells[column]]
    figures: dict[str, int] = {}
    for column in ("weight_g", "price_cents", "popularity"):
        if not (cells[column].isascii() and cells[column].isdigit() and int(cells[column]) > 0):
            problems.append(f"{column} is {cells[column]!r}; it must be a whole number, 1 or more")
        else:
            figures[column] = int(cells[column])
    volume = cells.get("volume_ml") or "0"
    if not (volume.isascii() and volume.isdigit()):
        problems.append(f"volume_ml is {volume!r}; it must be a whole number, 0 or more")
    chilled = _TRUTH.get(cells.get("chilled", ""))
    if chilled is None:
        problems.append(f"chilled is {cells['chilled']!r}; it must be true or false")
    if problems:
        return problems
    return Article(
        sku=cells["sku"],
        name=cells["name"],
        weight_g=figures["weight_g"],
        price_cents=figures["price_cents"],
        popularity=figures["popularity"],
        group=cells.get(_GROUP, ""),
        volume_ml=int(volume),
        chilled=bool(chilled),
    )


def _is_in_order(further: tuple[str, ...]) -> bool:
    """Tell whether columns are some of those one may have, in their order and once each."""
    return further == tuple(column for column in _IF_YOU_LIKE if column in further)
