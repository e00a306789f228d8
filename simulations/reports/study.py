"""The report of a study: what came out, how sure, where and when it hurt, and the evening again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from geo.city import City
from simulations.reports import film
from simulations.reports.course import Course, courses, phases_key, worst_list
from simulations.reports.gantt import gantt, gantt_key, sort_buttons
from simulations.reports.head import facts, foot, sentence
from simulations.reports.hurt import HEADER, gather, layers, worst_rows
from simulations.reports.map import Paper, paper, town
from simulations.reports.markup import Content, Markup, joined, tag
from simulations.reports.orders import Orders, deliveries, orders_of
from simulations.reports.parts import (
    Figure,
    Sample,
    Section,
    bar_chart,
    empty,
    figure_strip,
    fold,
    histogram,
    page,
    section,
    table,
    text,
    verdict,
)
from simulations.reports.scale import clock, percent
from simulations.reports.symbols import symbol_map
from simulations.reports.timeline import timeline
from simulations.reports.words import (
    NONE,
    ONE_EVENING,
    between,
    evenings,
    interval,
    number,
    scaled,
    titled,
    with_unit,
)
from simulations.studies.measures import FIGURES
from simulations.studies.outcome import Ending, Evening
from simulations.studies.study import Distribution, Estimate, Playback, Study
from simulations.studies.verdict import distrust

_PAIR_PX: Final = 500
"""Width of charts that stand beside one another."""

STYLES: Final = ("views.css", "film.css")
SCRIPTS: Final = ("report.js", "maps.js", "film_data.js", "film_draw.js", "film.js")
STRIP: Final = (
    "in_time_per_100_orders",
    "on_time_share",
    "late_min_per_100_orders",
    "click_to_door_p50_s",
    "click_to_door_p90_s",
    "refused_share",
    "busy_share",
    "deliveries_per_courier_hour",
    "courier_hours",
    "pick_wait_p90_s",
)
_DISTRIBUTIONS: Final = {
    "click_to_door_s": ("From the click to the door", "Deliveries"),
    "lateness_s": ("Late deliveries, how late", "Late deliveries"),
    "pick_wait_s": ("Wait for a picker", "Orders picked"),
    "collection_wait_s": ("Wait at the store", "Collections"),
}
_QUANTILES: Final = (0.5, 0.9, 0.95, 0.99)
ENDINGS: Final = {
    Ending.DELIVERED: "delivered",
    Ending.COLLECTED: "collected at the store",
    Ending.REFUSED: "refused",
    Ending.CANCELLED: "cancelled",
    Ending.RETURNED: "brought back",
    Ending.NOT_COLLECTED: "never collected",
    Ending.OPEN: "open when the run ended",
}


def study_page(study: Study, city: City) -> str:
    """Return the whole page."""
    zone = ZoneInfo(study.time_zone)
    evening = study.load_evening(study.middle)
    playback = study.load_playback()
    orders = orders_of(study.load_orders())
    on = paper(city, [*orders.places, *(each.location for each in playback.stores)])
    found = courses(evening, study.load_log(), zone)
    sections = [
        _figures(study, orders),
        _distributions(study, orders),
        _map(study, orders, playback, on),
        _evening(study, evening, zone),
        _worst(found),
        _couriers(evening, playback, zone),
        _playback(evening, playback, found, on, zone),
        _all_figures(study),
        _grounds(study),
    ]
    return page(
        study.scenario.title,
        sections,
        lead=sentence(study),
        facts=facts(study, zone),
        foot=foot(study, f"study {study.digest[:12]}"),
        scripts=SCRIPTS,
        styles=STYLES,
        blocks=[town(city, on), *film.blocks(study.scenario, evening, playback, on, zone)],
    )


# --- figures -------------------------------------------------------------------------------------


def _figures(study: Study, orders: Orders) -> Section:
    strip = figure_strip([_figure(study.estimates[name]) for name in STRIP])
    return section(
        "What came out",
        _audit(study),
        strip,
        tag("h3", "How orders ended"),
        _endings(orders),
        key="figures",
        lead=f"Means over {evenings(len(study.replications))}; a dot is an evening."
        if len(study.replications) > 1
        else "One evening, as it came out.",
    )


def _figure(one: Estimate) -> Figure:
    measure = FIGURES[one.name]
    known = [scaled(value, measure.unit) for value in one.values if value is not None]
    return Figure(
        measure.title,
        with_unit(one.mean, measure.unit),
        interval(one),
        known,
    )


def _audit(study: Study) -> Markup:
    if study.failed:
        told = "; ".join(f"seed {seed}: {why}" for seed, why in study.failed.items())
        failed = verdict(f"Not every evening came to its end: {told}.", "bad")
    else:
        failed = Markup()
    breaches = study.breaches
    if not breaches:
        return failed
    listed = tag("ul", *(tag("li", f"Seed {seed}: {what}") for seed, what in breaches))
    warning = verdict(distrust(len(breaches)), "bad")
    return joined((failed, warning, fold("What the audit found", listed)))


def _endings(orders: Orders) -> Markup:
    counted = Counter(orders.ending.tolist())
    whole = len(orders)
    bars = [
        (
            name,
            float(counted[ending.value]),
            f"{counted[ending.value]} ({_share(counted[ending.value], whole)})",
        )
        for ending, name in ENDINGS.items()
        if counted[ending.value]
    ]
    return bar_chart(bars, f"Endings of {whole} measured orders, all evenings together")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _distributions(study: Study, orders: Orders) -> Section:
    late = orders.late_runs
    charts = [
        minutes(
            [Sample("deliveries", orders.runs(orders.click_to_door_min))],
            "From the click to the door",
        ),
        minutes([Sample("late deliveries", late)], "How late the late ones were")
        if any(late)
        else empty("No delivery was late."),
        _pick_wait(orders),
    ]
    several = len(study.replications) > 1
    lead = (
        "Whiskers show two standard errors, from one evening to the other."
        if several
        else f"One evening only: {ONE_EVENING}."
    )
    return section(
        "Distributions",
        tag("div", *charts, class_="pair"),
        quantiles(list(study.distributions.values())),
        key="distributions",
        lead=lead,
    )


def _pick_wait(orders: Orders) -> Markup:
    """Return how long those waited for a picker who had to."""
    runs = orders.runs(orders.pick_wait_min)
    count = sum(len(run) for run in runs)
    waited = [[value for value in run if value > 0] for run in runs]
    if not any(waited):
        return empty("No order waited for a picker.")
    share = _share(sum(len(run) for run in waited), count)
    caption = f"Wait for a picker, of the {share} of orders that waited"
    return minutes([Sample("orders", waited)], caption)


def minutes(samples: Sequence[Sample], caption: str) -> Markup:
    """Return a histogram of minutes that stands beside another."""
    return histogram(samples, caption, unit="min", low=0, width=_PAIR_PX)


def quantiles(found: Sequence[Distribution]) -> Markup:
    """Return a table of what half, nine in ten, ... do not exceed, with intervals."""
    rows: list[tuple[Content, ...]] = []
    for one in found:
        if not one.count:
            continue
        points = {point.share: point for point in one.points}
        cells = []
        for share in _QUANTILES:
            point = points[share]
            told = number(point.value, "s")
            if point.low is not None:
                told += f" ({between(point.low, point.high, 's')})"
            cells.append(told)
        rows.append((_DISTRIBUTIONS[one.name][0], one.count, *cells))
    if not rows:
        return empty("Nothing was measured.")
    header = ("Minutes", "Orders", *map(percent, _QUANTILES))
    caption = (
        "What so many of them do not exceed, in minutes, with 95 % intervals where there are "
        "several evenings"
    )
    return table(header, rows, caption, numbers=range(1, len(header)))


# --- where and when ------------------------------------------------------------------------------


def _map(study: Study, orders: Orders, playback: Playback, on: Paper) -> Section:
    cells = list(gather(deliveries(orders), on).values())
    if not cells:
        return section("Where it hurts", empty("No delivery was asked for."), key="map")
    count = len(study.replications)
    shown = symbol_map(
        on,
        layers(cells, on, count),
        playback.stores,
        f"Map of {study.city_title} with {len(cells)} places; their numbers are in the table",
    )
    listed = table(
        HEADER,
        worst_rows(cells),
        "Where most minutes were late"
        if any(each.late for each in cells)
        else "No delivery was late: where most was refused or asked for",
        numbers=range(1, len(HEADER)),
    )
    return section(
        "Where it hurts",
        tag("div", shown, listed, class_="map-and-table"),
        key="map",
        lead="A symbol stands for the doors around it: the larger, the more orders; shape and "
        "colour say how much it hurt.",
    )


def _evening(study: Study, evening: Evening, zone: dt.tzinfo) -> Section:
    if len(study.replications) > 1:
        lead = (
            f"The evening nearest the middle of all (seed {evening.seed}), from "
            f"{clock(evening.starts_at, zone)} to {clock(evening.ends_at, zone)}."
        )
    else:
        lead = f"From {clock(evening.starts_at, zone)} to {clock(evening.ends_at, zone)}."
    return section(
        "The evening", *timeline(study.scenario, evening, zone), key="evening", lead=lead
    )


def _worst(found: Sequence[Course]) -> Section:
    if not found:
        shown: list[Markup] = [empty("Nothing was to be delivered.")]
    else:
        shown = [phases_key(), worst_list(found, with_film=True)]
        if not any(each.late_s for each in found):
            shown.insert(0, empty("No order was late; these took longest."))
    return section(
        "Worst orders",
        *shown,
        key="worst",
        lead=f"The {len(found)} worst deliveries of that evening, minute by minute."
        if found
        else "",
    )


def _couriers(evening: Evening, playback: Playback, zone: dt.tzinfo) -> Section:
    if not evening.spans:
        return section("Couriers", empty("No courier was on shift."), key="couriers")
    return section(
        "Couriers",
        sort_buttons(),
        gantt_key(),
        gantt(
            evening.spans,
            evening.orders,
            playback.couriers,
            playback.begins_at,
            playback.ends_at,
            zone,
        ),
        tag(
            "p",
            "Point at a bar, or choose it and go through it with the arrow keys.",
            class_="readout screen",
            aria_live="polite",
        ),
        key="couriers",
        lead="What each courier did, second by second.",
    )


def _playback(
    evening: Evening, playback: Playback, found: Sequence[Course], on: Paper, zone: dt.tzinfo
) -> Section:
    shown = film.player(evening, playback, found, on, zone)
    return section(
        "Playback",
        shown,
        tag(
            "p",
            "The playback is for the screen: open this page in a browser from 2023 or later, "
            "with scripts allowed.",
            class_="empty film-missing",
        ),
        key="playback",
        lead=f"The same evening again. Couriers are drawn where they were recorded, every "
        f"{playback.every_s} seconds, and straight between.",
    )


# --- all of it -----------------------------------------------------------------------------------


def _all_figures(study: Study) -> Section:
    rows = []
    for name, one in study.estimates.items():
        measure = FIGURES[name]
        rows.append(
            (
                joined((measure.title, tag("small", measure.meaning))),
                with_unit(one.mean, measure.unit),
                between(one.low, one.high, measure.unit),
                number(one.p10, measure.unit),
                number(one.median, measure.unit),
                number(one.p90, measure.unit),
            )
        )
    header = ("Figure", "Mean", "95 % interval", "1 in 10 below", "Median", "1 in 10 above")
    caption = f"Every figure over {evenings(len(study.replications))}"
    return section(
        "All figures", table(header, rows, caption, numbers=range(1, len(header))), key="all"
    )


def _grounds(study: Study) -> Section:
    names = STRIP[:4]
    header = (
        "Seed",
        *map(titled, names),
        "Refused commands",
        "Breaches",
        "Took, s",
        "Plans, 95 % within ms",
    )
    rows: list[tuple[Content, ...]] = [
        (
            joined((one.seed, tag("small", "in the middle") if one.seed == study.middle else "")),
            *(number(one.figures[name], FIGURES[name].unit) for name in names),
            sum(one.refused_commands.values()),
            len(one.breaches),
            f"{one.took_s:.0f}",
            NONE if one.plan_p95_ms is None else f"{one.plan_p95_ms:.0f}",
        )
        for one in study.replications
    ]
    refused: Counter[str] = Counter()
    for one in study.replications:
        refused.update(one.refused_commands)
    said = (
        text(
            "What the engine refused of the world: "
            + ", ".join(f"{name} {count}" for name, count in refused.most_common())
            + "."
        )
        if refused
        else text("The engine refused nothing that the world asked of it.")
    )
    audit = text(
        "An independent audit read every log: each order ended exactly once, and no courier was "
        "in two places."
        if not study.breaches
        else "An independent audit read every log, and found what is said above."
    )
    return section(
        "What it rests on",
        table(header, rows, "Each evening", numbers=range(1, len(header))),
        audit,
        said,
        key="grounds",
    )
