"""Symbols on the city's map in layers that can be switched: what each means stands beside it.

A page script (`maps.js`) lets one choose a layer, look closer and go from symbol to symbol by
keyboard; without it the first layer is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from simulations.reports.map import Paper, base, scale_bar
from simulations.reports.markup import Markup, joined, tag
from simulations.reports.parts import key
from simulations.studies.study import StoreCard

SHAPES: Final = {
    "none": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
    "some": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
    "much": "M0-1.25L1.25 0L0 1.25L-1.25 0z",
    "most": "M-1-1H1V1H-1z",
    "better": "M0 1.15L-1.1-.85H1.1z",
    "much-better": "M0 1.15L-1.1-.85H1.1z",
    "worse": "M0-1.15L1.1 .85H-1.1z",
    "much-worse": "M0-1.15L1.1 .85H-1.1z",
}
"""Outlines of radius 1: shape doubles colour."""

_STORE: Final = 34


@dataclass(frozen=True, slots=True)
class Symbol:
    """A place on the map.

    Attributes
    ----------
    x, y, radius
        In units of the map.
    kind
        One of `SHAPES`.
    told
        Its numbers in words.
    """

    x: float
    y: float
    radius: float
    kind: str
    told: str


@dataclass(frozen=True, slots=True)
class MapLayer:
    """What can be shown on a map, one at a time.

    Attributes
    ----------
    legend
        Kinds and what each means.
    """

    name: str
    title: str
    symbols: Sequence[Symbol]
    legend: Sequence[tuple[str, str]]


def symbol_map(
    on: Paper, layers: Sequence[MapLayer], stores: Iterable[StoreCard], said: str
) -> Markup:
    """Return a map with a choice of layers, legends, and a line that tells numbers.

    Parameters
    ----------
    said
        What somebody who does not see it should know.
    """
    drawing = tag(
        "svg",
        tag("g", base(), class_="town"),
        *(_layer(each, hidden=nth > 0) for nth, each in enumerate(layers)),
        _stores(on, stores),
        scale_bar(on),
        viewBox=on.view_box,
        role="group",
        aria_label=said,
        class_="map",
    )
    return tag(
        "div",
        _choice(layers),
        tag(
            "div",
            drawing,
            zoom_buttons(),
            tag("p", on.attribution, class_="attribution"),
            class_="stage",
        ),
        *(
            tag("div", key(_keys(each)), data_legend=each.name, hidden=nth > 0)
            for nth, each in enumerate(layers)
        ),
        tag(
            "p",
            "Point at a symbol, tap it, or go through them with the arrow keys.",
            class_="readout screen",
            aria_live="polite",
        ),
        class_="symbol-map",
    )


def zoom_buttons() -> Markup:
    """Return the buttons to look closer at a map."""
    return tag(
        "div",
        *(
            tag("button", _icon(path), type="button", data_zoom=what, aria_label=told)
            for path, what, told in (
                ("M-7 0H7M0-7V7", "in", "Look closer"),
                ("M-7 0H7", "out", "Look from further away"),
                ("M-7-3V-7H-3M3-7H7V-3M7 3V7H3M-3 7H-7V3", "all", "Show the whole map"),
            )
        ),
        class_="zoom screen",
    )


def _icon(path: str) -> Markup:
    drawn = tag("path", d=path)
    return tag("svg", drawn, viewBox="-10 -10 20 20", width=20, height=20, aria_hidden="true")


def _choice(layers: Sequence[MapLayer]) -> Markup:
    buttons = (
        tag(
            "button",
            each.title,
            type="button",
            data_layer=each.name,
            aria_pressed="true" if nth == 0 else "false",
        )
        for nth, each in enumerate(layers)
    )
    return tag("div", *buttons, class_="choice screen", role="group", aria_label="What is shown")


def _layer(layer: MapLayer, *, hidden: bool) -> Markup:
    return tag(
        "g",
        *(
            tag(
                "g",
                # The larger one below leaves room for a finger.
                tag("circle", r=max(each.radius, 70.0), class_="reach"),
                tag("path", d=SHAPES[each.kind], transform=f"scale({each.radius:.0f})"),
                class_=f"symbol {each.kind}",
                transform=f"translate({each.x:.0f} {each.y:.0f})",
                aria_label=each.told,
                role="img",
            )
            for each in layer.symbols
        ),
        data_symbols=layer.name,
        hidden=hidden,
    )


def _stores(on: Paper, stores: Iterable[StoreCard]) -> Markup:
    marks = []
    for store in stores:
        x, y = on.units(store.location)
        if 0 <= x <= on.frame.width and 0 <= y <= on.frame.height:
            corner = {"x": x - _STORE / 2, "y": y - _STORE / 2}
            square = tag("rect", **corner, width=_STORE, height=_STORE, rx=6)
            marks.append(tag("g", tag("title", store.name), square))
    return tag("g", joined(marks), class_="stores")


def _keys(layer: MapLayer) -> list[tuple[Markup, str]]:
    shop = tag("rect", x=-4, y=-4, width=8, height=8, rx=1, class_="store-key")
    return [
        *(
            (tag("path", d=SHAPES[kind], transform="scale(4.6)", class_=f"symbol {kind}"), meaning)
            for kind, meaning in layer.legend
        ),
        (shop, "store"),
    ]
