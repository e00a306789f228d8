"""The report of a comparison: the verdict first, then every figure, where and for whom."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from geo.city import City
from simulations.reports.head import evening_of, foot, policy_of
from simulations.reports.hurt import ROWS_OF_TABLE, Cell, gather, radius, tenths
from simulations.reports.map import Paper, paper, town
from simulations.reports.markup import Content, Markup, tag
from simulations.reports.orders import Orders, deliveries, orders_of
from simulations.reports.pairs import change_plot, change_rows, pair, worst_changed
from simulations.reports.parts import (
    Interval,
    Mood,
    Sample,
    Section,
    empty,
    fold,
    interval_plot,
    page,
    section,
    table,
    text,
    verdict,
)
from simulations.reports.study import ENDINGS, minutes
from simulations.reports.symbols import MapLayer, Symbol, symbol_map
from simulations.reports.words import (
    NONE,
    ONE_EVENING,
    between,
    difference,
    evenings,
    number,
    scaled,
    seeds,
    titled,
    unit_of,
    with_unit,
)
from simulations.studies.measures import FIGURES
from simulations.studies.study import Comparison, Difference, StoreCard, Study
from simulations.studies.verdict import is_better

SCRIPTS: Final = ("report.js", "maps.js")

_LATE_MIN: Final = (0.25, 1.5)
"""Minutes late per delivery by which a place must differ to be drawn as changed, and as much so."""

_REFUSED: Final = (0.02, 0.10)
_FEW: Final = 0.001
_CHANGED: Final = ("much-better", "better", "none", "worse", "much-worse")


def comparison_page(comparison: Comparison, city: City) -> str:
    """Return the whole page."""
    first, second = comparison.first, comparison.second
    zone = ZoneInfo(first.time_zone)
    a, b = (_orders(study, comparison.seeds) for study in (first, second))
    stores = first.load_playback().stores
    places = [
        *(each.location for each in stores),
        *(place for orders in (a, b) for place in orders.places),
    ]
    on = paper(city, places)
    sections = [
        _verdict(comparison),
        _differences(comparison),
        _distributions(comparison, a, b),
        _map(a, b, stores, on, comparison),
        _customers(a, b, comparison),
        _evenings(comparison),
        _grounds(comparison),
    ]
    return page(
        f"A or B? {first.scenario.title}",
        sections,
        lead=comparison.verdict[0] if comparison.verdict else "",
        facts=_facts(comparison, zone),
        foot=foot(first, f"studies {first.digest[:12]} and {second.digest[:12]}"),
        scripts=SCRIPTS,
        styles=("views.css",),
        blocks=[town(city, on)],
    )


def _orders(study: Study, common: tuple[int, ...]) -> Orders:
    """Return the orders of the evenings that both studies have."""
    return orders_of(study.load_orders()).of(common)


def _facts(comparison: Comparison, zone: dt.tzinfo) -> list[tuple[str, str]]:
    first, second = comparison.first, comparison.second
    return [
        ("A", first.variant),
        ("B", second.variant),
        ("Policy of A", policy_of(first)),
        ("Policy of B", policy_of(second)),
        ("City", first.city_title),
        ("Evening", evening_of(first.replications[0], zone)),
        ("Common seeds", f"{seeds(comparison.seeds)} ({evenings(len(comparison.seeds))})"),
        ("Compared", "evening by evening: both face the same customers under the same seed"),
    ]


# --- the verdict ---------------------------------------------------------------------------------


def mood(comparison: Comparison) -> Mood:
    """Return whether B is clearly better, clearly worse, or neither."""
    if comparison.first.breaches or comparison.second.breaches:
        return "bad"
    clear = [one for name, one in comparison.differences.items() if _counts(name, one)]
    better = [one for one in clear if is_better(one)]
    if better and len(better) == len(clear):
        return "good"
    return "bad" if clear and not better else "open"


def _counts(name: str, one: Difference) -> bool:
    return FIGURES[name].is_headline and one.is_clear and bool(one.mean)


def _verdict(comparison: Comparison) -> Section:
    found = comparison.verdict
    rest = tag("ul", *(tag("li", each) for each in found[1:]), class_="sentences")
    plots = _plots(comparison, [name for name in FIGURES if FIGURES[name].is_headline])
    return section(
        "Verdict",
        verdict(found[0], mood(comparison)) if found else None,
        rest if len(found) > 1 else None,
        tag("h3", "Headlines: B less A, with 95 % intervals"),
        tag("div", *plots, class_="stack"),
        _plot_note(comparison),
        key="verdict",
    )


def _plot_note(comparison: Comparison) -> Markup:
    if len(comparison.seeds) < 2:  # noqa: PLR2004  an interval needs two
        return text(f"A difference of one evening: {ONE_EVENING}.")
    return text(
        "A filled square: the interval leaves 0 out. A ring: the evenings do not tell A from B."
    )


def _plots(comparison: Comparison, names: Sequence[str]) -> list[Markup]:
    """Return a plot for each unit: figures of one unit share an axis."""
    by_unit: dict[str, list[str]] = {}
    for name in names:
        if comparison.differences[name].mean is not None:
            by_unit.setdefault(FIGURES[name].unit, []).append(name)
    return [
        interval_plot(
            [_interval(comparison.differences[name]) for name in group],
            _caption(group),
            unit=unit_of(unit),
        )
        for unit, group in by_unit.items()
    ]


def _caption(names: Sequence[str]) -> str:
    better = {FIGURES[name].better for name in names}
    if better == {"more"}:
        return "Right of 0, B is better"
    if better == {"less"}:
        return "Left of 0, B is better"
    return "Difference, B less A"


def _interval(one: Difference) -> Interval:
    measure = FIGURES[one.name]

    def at(value: float | None) -> float | None:
        return None if value is None else scaled(value, measure.unit)

    mean = at(one.mean) or 0.0
    return Interval(measure.title, mean, at(one.low), at(one.high), difference(one))


# --- every figure --------------------------------------------------------------------------------


def _differences(comparison: Comparison) -> Section:
    header = ("Figure", "A", "B", "B less A", "95 % interval", "p", "Clear?", "Would show")
    rows = [_row(one) for one in comparison.differences.values()]
    others = [name for name in FIGURES if not FIGURES[name].is_headline]
    meanings = table(
        ("Figure", "Meaning"),
        [(measure.title, measure.meaning) for measure in FIGURES.values()],
        "What is counted",
    )
    return section(
        "All differences",
        table(
            header,
            rows,
            f"Means of {evenings(len(comparison.seeds))}, and paired differences",
            numbers=(1, 2, 3, 4, 5, 7),
        ),
        fold("What each figure counts", meanings),
        fold("All of them drawn", tag("div", *_plots(comparison, others), class_="stack")),
        text(
            "p is two-sided, of a paired t test; of the headlines after Holm's correction for "
            "being several. Would show: the least difference that so many evenings show with a "
            "chance of 80 %."
        ),
        key="differences",
    )


def _row(one: Difference) -> tuple[Content, ...]:
    measure = FIGURES[one.name]
    return (
        measure.title,
        with_unit(one.first, measure.unit),
        with_unit(one.second, measure.unit),
        number(one.mean, measure.unit),
        between(one.low, one.high, measure.unit),
        _chance(one.p_that_counts),
        _clear(one),
        number(one.smallest or None, measure.unit),
    )


def _chance(p_value: float | None) -> str:
    if p_value is None:
        return NONE
    return "< 0.001" if p_value < _FEW else f"{p_value:.3f}"


def _clear(one: Difference) -> Content:
    if not one.is_clear or not one.mean:
        return "no"
    better = FIGURES[one.name].better
    if better is None:
        return "yes"
    told = "better" if is_better(one) else "worse"
    return tag("strong", f"yes, {told}", class_=told)


def _distributions(comparison: Comparison, a: Orders, b: Orders) -> Section:
    charts = [
        minutes(
            [Sample("A", a.runs(a.click_to_door_min)), Sample("B", b.runs(b.click_to_door_min))],
            "From the click to the door",
        ),
        minutes([Sample("A", a.late_runs), Sample("B", b.late_runs)], "Late deliveries, how late"),
        minutes(
            [Sample("A", a.runs(a.pick_wait_min)), Sample("B", b.runs(b.pick_wait_min))],
            "Wait for a picker",
        ),
    ]
    lead = (
        "A filled, B as a line; whiskers show two standard errors, from evening to evening."
        if len(comparison.seeds) > 1
        else f"A filled, B as a line; {ONE_EVENING}."
    )
    return section(
        "Distributions", tag("div", *charts, class_="pair"), key="distributions", lead=lead
    )


# --- where ---------------------------------------------------------------------------------------


def _map(
    a: Orders, b: Orders, stores: Sequence[StoreCard], on: Paper, comparison: Comparison
) -> Section:
    mine, theirs = gather(deliveries(a), on), gather(deliveries(b), on)
    both = [(mine[place], theirs[place]) for place in sorted(mine.keys() & theirs.keys())]
    if not both:
        return section("Where it differs", empty("No delivery was asked for in both."), key="map")
    shown = symbol_map(
        on,
        [
            _layer("late", "Minutes late", "min late a delivery", both, on, comparison),
            _layer("refused", "Refused", "of 100 refused", both, on, comparison),
        ],
        stores,
        f"Map of {comparison.first.city_title}, {len(both)} places; the table has their numbers",
    )
    ranked = sorted(
        both, key=lambda two: (-abs(_late_by(two) or 0.0) * two[0].delivered, two[0].around)
    )
    rows = [
        (
            one.around,
            one.asked,
            tenths(one.late_min),
            tenths(two.late_min),
            one.refused,
            two.refused,
        )
        for one, two in ranked[:ROWS_OF_TABLE]
    ]
    header = ("Around", "Asked", "Late in A", "Late in B", "Refused in A", "Refused in B")
    listed = table(
        header,
        rows,
        "Where it differs most, all deliveries together; late: minutes a delivery",
        numbers=range(1, len(header)),
    )
    return section(
        "Where it differs",
        tag("div", shown, listed, class_="map-and-table"),
        key="map",
        lead="A symbol stands for the doors around it: the larger, the more orders.",
    )


def _layer(
    name: str,
    title: str,
    unit: str,
    both: Sequence[tuple[Cell, Cell]],
    on: Paper,
    comparison: Comparison,
) -> MapLayer:
    steps = _LATE_MIN if name == "late" else _REFUSED
    shown = steps if name == "late" else tuple(100 * each for each in steps)
    most = max(one.asked for one, _ in both)
    symbols = []
    for two in both:
        value = _late_by(two) if name == "late" else two[1].refused_share - two[0].refused_share
        if value is not None:
            kind = _CHANGED[_grade(value, steps)]
            size = radius(two[0].asked, most, on)
            told = _told(two, len(comparison.seeds))
            symbols.append(Symbol(two[0].x, two[0].y, size, kind, told))
    little, much = (f"{each:g}" for each in shown)
    legend = [
        ("much-better", f"B better by more than {much} {unit}"),
        ("better", f"by more than {little}"),
        ("none", "about the same"),
        ("worse", f"B worse by more than {little}"),
        ("much-worse", f"by more than {much}"),
    ]
    return MapLayer(name, title, symbols, legend)


def _grade(value: float, steps: Sequence[float]) -> int:
    size = sum(abs(value) > step for step in steps)
    return 2 + size if value > 0 else 2 - size


def _late_by(two: tuple[Cell, Cell]) -> float | None:
    change = two[1].late_min - two[0].late_min
    return change if math.isfinite(change) else None


def _told(two: tuple[Cell, Cell], count: int) -> str:
    a, b = two
    return (
        f"Around {a.around}, {a.asked} orders in {evenings(count)}: late a delivery "
        f"{tenths(a.late_min)} min in A, {tenths(b.late_min)} in B; refused {a.refused} in A, "
        f"{b.refused} in B"
    )


# --- for whom ------------------------------------------------------------------------------------


def _customers(a: Orders, b: Orders, comparison: Comparison) -> Section:
    pairs = pair(a, b)
    changes = worst_changed(pairs)
    names = (comparison.first.variant, comparison.second.variant)
    ended = change_rows(pairs, ENDINGS)
    both = len(pairs.brought)
    later = sum(each.change_min > 1 for each in pairs.brought)
    sooner = sum(each.change_min < -1 for each in pairs.brought)
    said = (
        f"{both} orders came to the door in both: {sooner} more than a minute sooner in B, {later} "
        "more than a minute later."
    )
    if pairs.alone:
        said += f" {pairs.alone} clicks are in one of the two only."
    return section(
        "For whom",
        text(said),
        change_plot(changes, names) if changes else empty("For nobody did anything change."),
        table(
            ("In A", "In B", "Orders"),
            ended,
            "Orders that ended otherwise",
            numbers=(2,),
        )
        if ended
        else empty("Every order ended the same way in both."),
        key="customers",
        lead="The same customers, who click at the same moment for the same goods in both.",
    )


# --- evening by evening --------------------------------------------------------------------------


def _evenings(comparison: Comparison) -> Section:
    names = [name for name in FIGURES if FIGURES[name].is_headline]
    a, b = (
        {one.seed: one for one in s.replications} for s in (comparison.first, comparison.second)
    )
    header: list[Content] = ["Seed"]
    for name in names:
        header += [f"A: {titled(name)}", "B"]
    rows: list[list[Content]] = []
    for seed in comparison.seeds:
        row: list[Content] = [seed]
        for name in names:
            unit = FIGURES[name].unit
            row += [number(one.figures.get(name), unit) for one in (a[seed], b[seed])]
        rows.append(row)
    return section(
        "Evening by evening",
        table(header, rows, "Headlines of each evening", numbers=range(1, len(header))),
        key="evenings",
    )


def _grounds(comparison: Comparison) -> Section:
    found = [
        (name, seed, what)
        for name, study in (("A", comparison.first), ("B", comparison.second))
        for seed, what in study.breaches
    ]
    audit = (
        tag("ul", *(tag("li", f"{name}, seed {seed}: {what}") for name, seed, what in found))
        if found
        else text("An independent audit read every log of both and found nothing wrong.")
    )
    return section("What it rests on", audit, key="grounds")
