"""HTML and SVG that cannot be broken into: whatever is put into an element is escaped.

Built on MarkupSafe: a `str` is a text and is escaped, a `Markup` is markup and is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from markupsafe import Markup, escape

__all__ = ["NOTHING", "Content", "Markup", "joined", "tag"]

Content = str | Markup | int | float
"""What may stand in an element; numbers as they are written in Python."""

NOTHING: Final = Markup()

_EMPTY_IN_HTML: Final = frozenset({"br", "col", "hr", "input", "meta"})
_EMPTY_IN_SVG: Final = frozenset({"circle", "line", "path", "polygon", "polyline", "rect", "use"})


def tag(name: str, *content: Content | None, **attributes: Content | bool | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    name
        Of the element; a literal, never a text from outside.
    content
        What stands in it, None for nothing.
    attributes
        `class_` and `for_` lose their last underscore, any other underscore becomes a hyphen.
        None and False leave one out, True gives it no value, a float is written in tenths.
    """
    opened = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.removesuffix("_").replace("_", "-")
        opened.append(attribute if value is True else f'{attribute}="{escape(_told(value))}"')
    head = " ".join(opened)
    if name in _EMPTY_IN_HTML:
        return _as_markup(f"<{head}>")
    if name in _EMPTY_IN_SVG and not content:
        return _as_markup(f"<{head}/>")
    return _as_markup(f"<{head}>{joined(content)}</{name}>")


def joined(content: Iterable[Content | None]) -> Markup:
    """Return one after the other, texts escaped."""
    return NOTHING.join(escape(each) for each in content if each is not None)


def _told(value: Content) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value)


def _as_markup(escaped: str) -> Markup:
    return Markup(escaped)  # noqa: S704  every part of it was escaped above
