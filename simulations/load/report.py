"""The report of a load test: the API and the deliveries on one page that needs nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from geo.city import City
from simulations.load.figures import PERCENTILES, Endpoint, Fault, LoadFigures
from simulations.load.folder import DONE, State
from simulations.load.rows import ERROR
from simulations.load.sla import DELIVERIES, Judged
from simulations.load.wanted import Wanted
from simulations.load.words import amount, ms, share
from simulations.reports.parts import (
    Content,
    Figure,
    Line,
    Section,
    empty,
    figure_strip,
    fold,
    joined,
    line_chart,
    page,
    percentile_chart,
    section,
    table,
    tag,
    text,
    verdict,
)
from simulations.studies.measures import FIGURES

FLOOR: Final = "GET /healthz"
_SHOWN: Final = 12
_NAMES: Final = {
    "p50_ms": "50 %",
    "p90_ms": "90 %",
    "p95_ms": "95 %",
    "p99_ms": "99 %",
    "p99_9_ms": "99.9 %",
    "max_ms": "longest",
}


def report_of(
    wanted: Wanted,
    state: State,
    figures: LoadFigures,
    deliveries: Mapping[str, float | None],
    minutes: Sequence[tuple[int, int, int]],
    judged: Sequence[Judged],
    city: City,
) -> str:
    """Return the report as an HTML file.

    Parameters
    ----------
    minutes
        Moment of the service, open orders, and late ones among them.
    """
    sections = [
        _verdicts(judged, figures),
        _latency(figures),
        _over_time(figures),
        _endpoints(figures),
        _faults(figures),
        _deliveries(deliveries, minutes, city),
        _how(wanted, state, figures),
    ]
    total = figures.total
    missed = sum(not each.is_met for each in judged)
    lead = (
        f"{total.count / figures.lasts_s:,.1f} requests a second for {figures.lasts_s:,.0f} s: "
        f"half were answered within {ms(total.latency.ms['p50_ms'])}, 99 in 100 within "
        f"{ms(total.latency.ms['p99_ms'])}; {total.errors:,} of {total.count:,} were errors. "
        + (f"{missed} of {len(judged)} thresholds missed." if missed else "All thresholds met.")
    )
    facts = [
        ("Scenario", f"{wanted.scenario.title} ({wanted.variant}), seed {wanted.seed}"),
        ("Service", f"{wanted.url}, its clock {state.clock:g} times as fast as life"),
        ("Customers", _customers(wanted)),
        ("When", "; ".join(_session(each.began, each.ended) for each in state.sessions)),
    ]
    return page(
        f"Load test: {wanted.scenario.title}",
        sections,
        lead=lead,
        facts=facts,
        foot=f"samehour loadtest. Places and streets: {city.attribution}.",
    )


def _customers(wanted: Wanted) -> str:
    pace = "" if wanted.speed is None else f", their evening {wanted.speed:g} times as fast as life"
    return f"{wanted.rate:g} times the scenario's{pace}"


def _session(began: str, ended: str) -> str:
    at = dt.datetime.fromisoformat(began)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" + ("" if ended == DONE else f" ({ended})")


def _verdicts(judged: Sequence[Judged], figures: LoadFigures) -> Section:
    rows = []
    for each in judged:
        threshold = each.threshold
        unit = threshold.unit
        name = FIGURES[threshold.key].title if threshold.subject == DELIVERIES else threshold.key
        rows.append(
            (
                f"{threshold.subject}: {name}",
                f"{threshold.bound} {amount(threshold.limit, unit)}",
                amount(each.measured, unit) if each.measured is not None else "nothing to measure",
                tag("strong", "met") if each.is_met else tag("strong", "missed"),
            )
        )
    is_met = all(each.is_met for each in judged)
    own = figures.own
    return section(
        "What was asked of it",
        verdict(
            "Everything that was asked of the service is met."
            if is_met
            else "Not everything that was asked of the service is met.",
            "good" if is_met else "bad",
        ),
        table(
            ("Figure", "Asked", "Measured", "Verdict"),
            rows,
            "Thresholds of the API and of the deliveries",
            numbers=(1, 2),
        ),
        verdict(
            f"The figures may be trusted: {own.says}."
            if own.is_trusted
            else f"Read the figures with care: {own.says}.",
            "good" if own.is_trusted else "open",
        ),
        key="sla",
    )


def _latency(figures: LoadFigures) -> Section:
    total = figures.total
    by_kind = (
        ("from when it was meant", total.latency),
        ("from when it was sent", total.service),
        ("our own delay in sending", figures.own.lag),
    )
    strip = [
        Figure("half within", ms(total.latency.ms["p50_ms"])),
        Figure("99 in 100 within", ms(total.latency.ms["p99_ms"])),
        Figure("requests a second", f"{total.count / figures.lasts_s:,.1f}"),
        Figure("errors", share(total.error_share)),
    ]
    return section(
        "How long it takes",
        figure_strip(strip),
        percentile_chart(
            [
                ("from when it was meant", figures.curve),
                ("from when it was sent", figures.service_curve),
            ],
            "Latency that so many of the requests do not exceed",
            unit="ms",
        ),
        table(
            ("Latency", *(_NAMES[name] for name in PERCENTILES)),
            [(name, *_cells(timing.ms)) for name, timing in by_kind],
            "All requests",
            numbers=range(1, len(PERCENTILES) + 1),
        ),
        text(
            "A request is meant at a moment of its own, and is sent then, whether or not others "
            "have been answered. Latency counts from that moment to the last byte, so what a slow "
            "answer makes others wait is in it; where the two lines part, requests about the same "
            "order or courier had to wait for one another, or were sent again. Every percentile is "
            "read from the raw requests."
        ),
        key="latency",
    )


def _over_time(figures: LoadFigures) -> Section:
    moments = [each for each in figures.moments if each.lasts_s > 0]
    xs = [each.begins_s for each in moments]

    def rates(counts: Sequence[int]) -> list[float | None]:
        return [count / each.lasts_s for count, each in zip(counts, moments, strict=True)]

    return section(
        "Over time",
        line_chart(
            xs,
            [
                Line("99 in 100", [each.p99_ms for each in moments]),
                Line("half", [each.p50_ms for each in moments]),
            ],
            "Latency by the moment a request was meant",
            x_name="s of load",
            y_name="ms",
        ),
        line_chart(
            xs,
            [
                Line("meant", rates([each.count for each in moments])),
                Line("of them errors", rates([each.errors for each in moments])),
            ],
            "Requests a second",
            x_name="s of load",
            y_name="per s",
        ),
        key="time",
    )


def _cells(timing: Mapping[str, float | None]) -> list[str]:
    return [ms(timing[name]) for name in PERCENTILES]


def _endpoints(figures: LoadFigures) -> Section:
    ordered = sorted(figures.endpoints, key=lambda each: -each.count)
    count = len(PERCENTILES)

    def row(each: Endpoint) -> tuple[str, ...]:
        return (
            each.name,
            f"{each.count:,}",
            f"{each.refused:,}",
            f"{each.errors:,}",
            *_cells(each.latency.ms),
            ms(each.service.ms["p50_ms"]),
        )

    header = ("Endpoint", "requests", "refused", "errors", *_NAMES.values(), "sent to done, half")
    note = text(
        f"{FLOOR} costs the service nothing: it is the floor under all others, sent among them."
    )
    return section(
        "By endpoint",
        table(
            header,
            [row(each) for each in (figures.total, *ordered)],
            "Latency from the moment each request was meant",
            numbers=range(1, 5 + count),
        ),
        note if any(each.name == FLOOR for each in ordered) else None,
        key="endpoints",
    )


def _faults(figures: LoadFigures) -> Section:
    errors = [each for each in figures.faults if each.outcome == ERROR]
    refused = [each for each in figures.faults if each.outcome != ERROR]
    return section(
        "Errors and refusals",
        _fault_table(errors, "Errors") if errors else empty("There were no errors."),
        fold("What the errors said", *(_examples(each) for each in errors[:_SHOWN]))
        if errors
        else None,
        _fault_table(refused, "Refusals: answers of the business, not errors")
        if refused
        else empty("Nothing was refused."),
        key="errors",
    )


def _fault_table(faults: Sequence[Fault], caption: str) -> Content:
    rows = [
        (
            each.endpoint,
            str(each.status or "none"),
            each.code,
            f"{each.count:,}",
            f"{each.first_s:.1f} s",
            f"{each.last_s:.1f} s",
        )
        for each in faults
    ]
    header = ("Endpoint", "status", "code", "times", "first meant at", "last meant at")
    return table(header, rows, caption, numbers=(3, 4, 5))


def _examples(fault: Fault) -> Content:
    lines = [
        tag(
            "li",
            f"at {at:.1f} s: {detail or 'it said nothing'}",
            f" (trace id {trace})" if trace else None,
        )
        for at, detail, trace in fault.examples
    ]
    return joined(
        [tag("p", tag("strong", f"{fault.endpoint}: {fault.code}")), tag("ul", *lines)],
    )


def _deliveries(
    deliveries: Mapping[str, float | None],
    minutes: Sequence[tuple[int, int, int]],
    city: City,
) -> Section:
    shown = [
        (FIGURES[name].title, amount(value, FIGURES[name].unit), FIGURES[name].meaning)
        for name, value in deliveries.items()
        if name in FIGURES and value is not None
    ]
    if not shown:
        return section("Deliveries", empty("No order was clicked under load."), key="deliveries")
    chart = line_chart(
        [float(at) for at, _, _ in minutes],
        [
            Line("open orders", [float(count) for _, count, _ in minutes]),
            Line("late ones of them", [float(late) for _, _, late in minutes]),
        ],
        "Open orders by the service's clock",
        zone=ZoneInfo(city.time_zone),
    )
    return section(
        "Deliveries",
        chart,
        table(("Figure", "", "What is counted"), shown, "Orders clicked under load", numbers=(1,)),
        key="deliveries",
    )


def _how(wanted: Wanted, state: State, figures: LoadFigures) -> Section:
    mix = wanted.mix
    rows = [
        (
            "courier positions",
            f"every {mix.positions_every_s:g} s, {mix.positions_batch} at a time",
        ),
        ("customers who watch their order", f"{share(mix.track_share)}, {mix.track_every_s:g} s"),
        ("boards of operations", f"{mix.boards}, every {mix.board_every_s:g} s"),
        ("people who only ask for a quote", f"{mix.quotes_per_order:g} for each order"),
        ("requests that cost nothing", f"{mix.healthz_per_s:g} a second of the wall"),
    ]
    own = figures.own
    return section(
        "How it was done",
        text(
            "The scenario's customers, pickers and couriers act as in a simulation, by the clock "
            f"of the service, {state.clock:g} times as fast as life; seconds in this table are its "
            "own. What they do is heard from the service's events. Opening the shops before the "
            "load and bringing orders to their end after it are in requests.parquet, but not in "
            "these figures."
        ),
        table(("Beside the scenario", "how much"), rows, "What clients do beside it"),
        text(
            f"{own.unanswered} requests had no answer within {wanted.timeout_s:g} s or by the end; "
            "their latency counts as long as was waited. Connections that were refused or broke "
            "are errors and have no latency. What failed is sent again and keeps the moment it was "
            "first meant."
        ),
        key="how",
    )
