"""An evening over time: orders, people at work, and what happened meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from simulations.reports.markup import Markup
from simulations.reports.parts import Band, Line, line_chart
from simulations.scenarios.settings import Scenario
from simulations.studies.outcome import Ending, Evening

SLOT_S: Final = 600
"""Clicks are counted by ten minutes."""

_SLOT_MIN: Final = SLOT_S // 60
_WIDE_PX: Final = 880


def timeline(scenario: Scenario, evening: Evening, zone: dt.tzinfo) -> list[Markup]:
    """Return charts of an evening, one above the other on the same axis."""
    at = [float(each.at) for each in evening.minutes]
    if not at:
        return [line_chart([], [], "The evening")]
    happened = bands(scenario, evening, zone)
    slots, asked, refused = _clicks(evening)
    orders = [
        Line("open", [each.open_orders for each in evening.minutes], filled=True),
        Line("past their promise", [each.late_open for each in evening.minutes]),
        Line("wait to be picked", [each.waiting_to_be_picked for each in evening.minutes]),
        Line("ready, wait for a courier", [each.ready_and_waiting for each in evening.minutes]),
        Line("on the way", [each.on_the_way for each in evening.minutes]),
    ]
    people = [
        Line("couriers on shift", [each.couriers_on_shift for each in evening.minutes]),
        Line("couriers busy", [each.couriers_busy for each in evening.minutes]),
        Line("pickers busy", [each.pickers_busy for each in evening.minutes]),
    ]
    clicks = [Line("asked for", asked, filled=True), Line("refused", refused)]
    charts = (
        (at, orders, "Orders, minute by minute", 260),
        (at, people, "People at work, minute by minute", 200),
        (slots, clicks, f"Orders clicked in {_SLOT_MIN} minutes", 160),
    )
    return [
        line_chart(xs, lines, caption, zone=zone, bands=happened, height=height, width=_WIDE_PX)
        for xs, lines, caption, height in charts
    ]


def bands(scenario: Scenario, evening: Evening, zone: dt.tzinfo) -> list[Band]:
    """Return what happened meanwhile, as far as it lies within the evening, as it began."""

    def local(moment: dt.datetime) -> float:
        return moment.replace(tzinfo=zone).timestamp()

    named = [
        *((surge.name, surge.starts_at, surge.ends_at) for surge in scenario.surges),
        *((shut.name, shut.starts_at, shut.ends_at) for shut in scenario.closures),
        *(
            (f"{shut.store} closed", shut.starts_at, shut.ends_at)
            for shut in scenario.store_closures
        ),
    ]
    found = [Band(name, local(begin), local(end)) for name, begin, end in named]
    if evening.measured_from > evening.starts_at:
        found.append(Band("warm-up", evening.starts_at, evening.measured_from, quiet=True))
    if evening.ends_at > evening.measured_until:
        found.append(Band("cool-down", evening.measured_until, evening.ends_at, quiet=True))
    within = [
        replace(
            each,
            begins=max(each.begins, evening.starts_at),
            ends=min(each.ends, evening.ends_at),
        )
        for each in found
    ]
    return sorted(
        (each for each in within if each.begins < each.ends),
        key=lambda each: (each.begins, each.name),
    )


def _clicks(evening: Evening) -> tuple[list[float], Sequence[float], Sequence[float]]:
    """Return the middle of each slot, and how many were asked for and refused in it."""
    count = -(-(evening.ends_at - evening.starts_at) // SLOT_S)
    asked, refused = [0.0] * count, [0.0] * count
    for row in evening.orders:
        slot = (row.asked_at - evening.starts_at) // SLOT_S
        if row.part_of is None and 0 <= slot < count:
            asked[slot] += 1
            refused[slot] += row.ending is Ending.REFUSED
    middles = [evening.starts_at + (slot + 0.5) * SLOT_S for slot in range(count)]
    return middles, asked, refused
