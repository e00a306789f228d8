"""The couriers' day: one row each, a table so that it breaks between rows and can be sorted."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Final

from geo.types import Mode
from simulations.reports.markup import Markup, joined, tag
from simulations.reports.scale import clock, percent, round_times
from simulations.studies.outcome import Activity, CourierSpan, Ending, OrderRow
from simulations.studies.rows_couriers import BUSY
from simulations.studies.study import CourierCard

MODES: Final[Mapping[Mode, str]] = {
    Mode.WALK: "on foot",
    Mode.BIKE: "bike",
    Mode.CARGO_BIKE: "cargo bike",
    Mode.SCOOTER: "scooter",
    Mode.CAR: "car",
}
NAMES: Final[Mapping[Activity, str]] = {
    Activity.TO_STORE: "to a store",
    Activity.AT_STORE: "at a store",
    Activity.TO_DOOR: "to a door",
    Activity.AT_DOOR: "at a door",
    Activity.RETURNING: "bringing goods back",
    Activity.STANDBY: "standby",
    Activity.IDLE: "idle",
    Activity.BREAK: "break",
    Activity.STRANDED: "broken down",
}

_HIGH: Final = 18
_STRIPES: Final[Mapping[Activity, Sequence[tuple[int, int]]]] = {
    Activity.TO_STORE: ((9, 7),),
    Activity.AT_STORE: ((2, 3), (7, 4), (13, 3)),
    Activity.TO_DOOR: ((2, 7),),
    Activity.AT_DOOR: ((2, 14),),
    Activity.RETURNING: ((4, 3), (11, 3)),
    Activity.STANDBY: ((12, 2),),
    Activity.IDLE: ((15, 1),),
    Activity.BREAK: ((2, 1), (15, 1)),
    Activity.STRANDED: ((2, 2), (5, 2), (8, 2), (11, 2), (14, 2)),
}
"""Top and height of the stripes of an activity in a row 18 high: shape doubles colour."""

_MOST_TICKS: Final = 10


def gantt(
    spans: Sequence[CourierSpan],
    orders: Sequence[OrderRow],
    couriers: Sequence[CourierCard],
    begins_at: int,
    ends_at: int,
    zone: dt.tzinfo,
) -> Markup:
    """Return the rows of those who worked, by name."""
    days: dict[str, list[CourierSpan]] = {}
    for span in spans:
        days.setdefault(span.courier_id, []).append(span)
    brought: dict[str, int] = {}
    for row in orders:
        if row.ending is Ending.DELIVERED and row.courier_id is not None:
            brought[row.courier_id] = brought.get(row.courier_id, 0) + 1
    ticks = round_times(begins_at, ends_at, _MOST_TICKS, zone)
    cards = {each.courier_id: each for each in couriers}
    known = sorted(
        (each.courier_id for each in couriers if each.courier_id in days),
        key=lambda key: natural(cards[key].name),
    )
    rows = [
        _row(cards[key], days[key], brought.get(key, 0), ticks, begins_at, ends_at) for key in known
    ]
    head = tag(
        "tr",
        tag("th", "Courier", scope="col"),
        tag("th", _axis(ticks, begins_at, ends_at, zone), scope="col", class_="bar-head"),
        tag("th", "Busy", scope="col", class_="number"),
        tag("th", "Brought", scope="col", class_="number"),
    )
    whole = tag(
        "table",
        tag("caption", f"What {len(known)} couriers did"),
        tag("thead", head),
        tag("tbody", *rows),
        class_="gantt",
    )
    return tag("div", whole, class_="scroll")


def natural(name: str) -> list[tuple[int, str]]:
    """Return what names are sorted by: `Car 2` before `Car 10`."""
    pieces = re.split(r"(\d+)", name)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]


def sort_buttons() -> Markup:
    """Return the buttons to sort the rows by."""
    buttons = (("fleet", "By name"), ("busiest", "Busiest first"), ("idlest", "Idlest first"))
    return tag(
        "div",
        *(
            tag(
                "button",
                told,
                type="button",
                data_sort=what,
                aria_pressed="true" if what == "fleet" else "false",
            )
            for what, told in buttons
        ),
        class_="choice screen",
        role="group",
        aria_label="Order of the couriers",
    )


def gantt_key() -> Markup:
    """Return what the stripes mean."""
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag(
                    "svg",
                    tag("path", class_=f"act {activity.value}", d=_stripes(activity, 0, 26)),
                    viewBox=f"0 0 26 {_HIGH}",
                    width=26,
                    height=_HIGH,
                    aria_hidden="true",
                ),
                name,
            )
            for activity, name in NAMES.items()
        ),
        class_="key",
    )


def busy_share(spans: Sequence[CourierSpan]) -> float:
    """Return the share of a courier's time that is work for an order."""
    whole_s = sum(span.ends_at - span.begins_at for span in spans)
    busy_s = sum(span.ends_at - span.begins_at for span in spans if span.activity in BUSY)
    return busy_s / whole_s if whole_s else 0.0


def _row(
    card: CourierCard,
    spans: Sequence[CourierSpan],
    brought: int,
    ticks: Sequence[int],
    begins_at: int,
    ends_at: int,
) -> Markup:
    whole_s = ends_at - begins_at
    paths: dict[Activity, list[str]] = {}
    took: dict[Activity, int] = {}
    for span in spans:
        begin = max(span.begins_at, begins_at) - begins_at
        long = min(span.ends_at, ends_at) - begins_at - begin
        if long > 0:
            paths.setdefault(span.activity, []).append(_stripes(span.activity, begin, long))
            took[span.activity] = took.get(span.activity, 0) + long
    grid = "".join(f"M{at - begins_at} 0v{_HIGH}" for at in ticks)
    drawn = [tag("path", class_="grid", d=grid)]
    drawn += [tag("path", class_=f"act {each.value}", d="".join(d)) for each, d in paths.items()]
    bar = tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {whole_s} {_HIGH}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    busy = busy_share(spans)
    said = ", ".join(f"{NAMES[each]} {took[each] // 60} min" for each in NAMES if each in took)
    cell = tag(
        "div",
        bar,
        class_="day",
        tabindex=0,
        role="img",
        aria_label=f"{card.name}: {said}",
        data_courier=card.courier_id,
    )
    return tag(
        "tr",
        tag("th", card.name, tag("small", MODES[card.mode]), scope="row"),
        tag("td", cell),
        tag("td", percent(busy), class_="number"),
        tag("td", brought, class_="number"),
        data_busy=f"{busy:.4f}",
    )


def _stripes(activity: Activity, begin: int, long: int) -> str:
    return "".join(f"M{begin} {top}h{long}v{high}h-{long}z" for top, high in _STRIPES[activity])


def _axis(ticks: Sequence[int], begins_at: int, ends_at: int, zone: dt.tzinfo) -> Markup:
    whole_s = ends_at - begins_at
    return tag(
        "div",
        joined(
            tag("span", clock(at, zone), style=f"left:{100 * (at - begins_at) / whole_s:.2f}%")
            for at in ticks
            if (at - begins_at) <= 0.97 * whole_s
        ),
        class_="times",
    )
