"""A kit for reports: each function returns HTML that needs nothing else, no script and no network.

A plain `str` is a text and is escaped; what these functions return is `Markup` and is put in as
it is, so parts go into parts.  In short:

    page(title, sections, lead="", facts=(), foot="", scripts=(), styles=(), blocks=()) -> str
    section(title, *parts, key="", lead="") -> Section          a heading and what stands below it
    figure_strip([Figure(name, value, interval="", runs=()), ...])
    table(header, rows, caption, numbers=(1, 2))                `numbers`: columns set to the right
    text("A sentence.", "Another paragraph.")   verdict("It is better.", "good"|"bad"|"open")
    empty("No order was late.")                 fold("All of them", part, ...)   opened by a click
    line_chart(xs, [Line(name, ys)], caption, zone=None, bands=[Band(name, begins, ends)],
               x_name="", y_name="")            xs are UTC seconds when a `zone` is given
    histogram([Sample(name, runs)], caption, unit="min")        runs: values by run; 2 samples: A, B
    bar_chart([(name, value, told)], caption)
    interval_plot([Interval(name, value, low, high, told)], caption, unit="min")
    calibration_plot([Held(promised, held, low, high, count)], caption)
    percentile_chart([(name, [(share, value)])], caption, unit="ms")
    save(html, path)                                            all or nothing

Everything is legible on a phone, in the dark, on paper and without colour.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from simulations.folders import whole
from simulations.reports.charts import Band, Line, Sample, histogram, key, line_chart
from simulations.reports.markup import Content, Markup, joined, tag
from simulations.reports.plots import (
    Held,
    Interval,
    bar_chart,
    calibration_plot,
    interval_plot,
    percentile_chart,
    small_dots,
)

__all__ = [
    "Band",
    "Content",
    "Figure",
    "Held",
    "Interval",
    "Line",
    "Mood",
    "Sample",
    "Section",
    "bar_chart",
    "calibration_plot",
    "empty",
    "figure_strip",
    "fold",
    "histogram",
    "interval_plot",
    "joined",
    "key",
    "line_chart",
    "page",
    "percentile_chart",
    "save",
    "script",
    "section",
    "table",
    "tag",
    "text",
    "verdict",
]

Mood = Literal["good", "bad", "open"]

_WEB: Final = "web"
_SIGNS: Final[dict[Mood, str]] = {"good": "✓", "bad": "✗", "open": "?"}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page that its table of contents names; `key` is what it is linked by."""

    key: str
    title: str
    body: Markup


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the strip.

    Attributes
    ----------
    value, interval
        In words: `84 %`, `95 %: 81 to 87 %`.
    runs
        The same of each run, drawn as dots.
    """

    name: str
    value: str
    interval: str = ""
    runs: Sequence[float] = ()


def page(
    title: str,
    sections: Iterable[Section],
    *,
    lead: Content = "",
    facts: Sequence[tuple[str, str]] = (),
    foot: Content = "",
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
    blocks: Sequence[Markup] = (),
) -> str:
    """Return a whole HTML file.

    Parameters
    ----------
    lead
        What came out, in a sentence.
    facts
        What it was made from: name and value.
    foot
        Licences, versions.
    scripts
        Names of files in `simulations/reports/web`; they run in this order, after the page is
        there.
    styles
        The same of style sheets, after `report.css` and `charts.css`.
    blocks
        Data for them, from `script`.

    Notes
    -----
    Its content security policy lets nothing be fetched, and only these very scripts run.
    """
    listed = list(sections)
    codes = [_read(name) for name in scripts]
    hashes = " ".join(f"'sha256-{_digest(code)}'" for code in codes) or "'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        *(tag("style", _code(_read(name))) for name in ("report.css", "charts.css", *styles)),
    )
    contents = tag(
        "nav",
        tag("ul", *(tag("li", tag("a", each.title, href=f"#{each.key}")) for each in listed)),
        aria_label="Contents",
    )
    told = tag("dl", *(joined((tag("dt", name), tag("dd", value))) for name, value in facts))
    body = tag(
        "body",
        tag(
            "header",
            tag("h1", title),
            tag("p", lead, class_="lead") if lead else None,
            told if facts else None,
        ),
        contents if len(listed) > 1 else None,
        tag("main", *(_section(each) for each in listed)),
        tag("footer", foot) if foot else None,
        *blocks,
        *(tag("script", _code(code)) for code in codes),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def section(title: str, *parts: Content | None, key: str = "", lead: Content = "") -> Section:
    """Return a section of a page; without a key, its title with hyphens is one."""
    name = key or "-".join(title.lower().split())
    first = tag("p", lead, class_="sub") if lead else None
    return Section(name, title, joined((first, *parts)))


def _section(each: Section) -> Markup:
    heading = tag("h2", each.title, id=f"{each.key}-title")
    return tag("section", heading, each.body, id=each.key, aria_labelledby=f"{each.key}-title")


def text(*paragraphs: Content) -> Markup:
    """Return paragraphs."""
    return joined(tag("p", each) for each in paragraphs)


def empty(sentence: Content) -> Markup:
    """Return why there is nothing to be seen here."""
    return tag("p", sentence, class_="empty")


def verdict(sentence: Content, mood: Mood) -> Markup:
    """Return a sentence that stands out; a sign doubles its colour."""
    sign = tag("span", _SIGNS[mood], class_="sign", aria_hidden="true")
    return tag("p", sign, tag("span", sentence), class_=f"verdict {mood}")


def fold(summary: str, *parts: Content | None) -> Markup:
    """Return parts that a click opens; on paper they are open."""
    return tag("details", tag("summary", summary), *parts)


def figure_strip(figures: Sequence[Figure]) -> Markup:
    """Return figures beside one another, each with its interval and its runs."""
    return tag(
        "dl",
        *(
            tag(
                "div",
                tag("dt", each.name),
                tag("dd", each.value, class_="value"),
                tag("dd", each.interval, class_="interval") if each.interval else None,
                tag("dd", small_dots(each.runs), class_="runs") if len(each.runs) > 1 else None,
            )
            for each in figures
        ),
        class_="strip",
    )


def table(
    header: Sequence[Content],
    rows: Iterable[Sequence[Content]],
    caption: Content,
    *,
    numbers: Sequence[int] = (),
) -> Markup:
    """Return a table; the first cell of a row is its heading.

    Parameters
    ----------
    numbers
        Columns that hold numbers, counted from 0; they stand to the right.
    """
    right = frozenset(numbers)

    def style(column: int) -> str | None:
        return "number" if column in right else None

    top = tag("tr", *(tag("th", c, scope="col", class_=style(n)) for n, c in enumerate(header)))
    body = [
        tag(
            "tr",
            *(
                tag("th", cell, scope="row", class_=style(nth))
                if nth == 0
                else tag("td", cell, class_=style(nth))
                for nth, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    whole = tag("table", tag("caption", caption), tag("thead", top), tag("tbody", *body))
    # What is wider than a phone is scrolled, by keyboard too.
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=caption)


def script(name: str, content: str) -> Markup:
    """Return data for the scripts of a page, as text that they find by its id."""
    return tag("script", _code(content), type="text/plain", id=name)


def save(html: str, path: Path) -> None:
    """Write a page, all or nothing.

    Raises
    ------
    OSError
        It cannot be written; what was there before is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as draft:
        draft.write_text(html, encoding="utf-8", newline="\n")


def _read(name: str) -> str:
    return resources.files("simulations.reports").joinpath(_WEB, name).read_text(encoding="utf-8")


def _digest(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _code(content: str) -> Markup:
    """Return the content of a script or a style sheet, which HTML does not unescape.

    Raises
    ------
    ValueError
        It would end its own element.
    """
    if "</" in content or "<!--" in content:
        raise ValueError("code and data of a page must not hold '</' or '<!--'")
    return Markup(content)
