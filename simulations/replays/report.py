"""The report of a replay: was it the same day, did forecasts hold, and what would have changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from simulations.replays.calibration import QUANTILES, Calibration, Coverage, Group
from simulations.replays.day import described
from simulations.replays.found import Found, WhatIf
from simulations.replays.learned import LearnedStore, Value
from simulations.replays.replay import Outcome
from simulations.replays.text import NO_POLICY, exact_lines, share
from simulations.replays.whatif import Change, summed_up
from simulations.reports.markup import Markup, joined
from simulations.reports.parts import (
    Figure,
    Held,
    Interval,
    Mood,
    Section,
    bar_chart,
    calibration_plot,
    empty,
    figure_strip,
    fold,
    interval_plot,
    page,
    save,
    section,
    table,
    text,
    verdict,
)
from simulations.reports.words import day, difference, duration, with_unit
from simulations.studies.measures import FIGURES
from simulations.studies.outcome import OrderRow

_CHANGES_SHOWN: Final = 30
_DIFFERENCES_SHOWN: Final = 20
_MINUTE_S: Final = 60
_STRIP: Final = (
    "in_time_per_100_orders",
    "late_min_per_100_orders",
    "click_to_door_p50_s",
    "click_to_door_p90_s",
    "courier_hours",
)


def write_replay(found: Found, path: Path) -> None:
    """Write the report, all or nothing; raises `OSError` when it cannot be written."""
    save(replay_page(found), path)


def replay_page(found: Found) -> str:
    """Return the whole page."""
    zone = ZoneInfo(found.city.time_zone)
    sections = [_again(found), _promises(found), _forecasts(found)]
    if found.what_if is not None:
        sections += [_what_if(found, found.what_if), _for_whom(found.what_if, zone)]
    sections.append(_learned(found))
    recording = found.recording
    editions = ", ".join(sorted({began.edition for began in recording.beginnings}))
    return page(
        f"{found.city.title} again",
        sections,
        lead=_lead(found),
        facts=[
            ("Ledger", recording.where),
            ("Day", day(found.since, zone)),
            ("From, to", f"{_clock(found.since, zone)} to {_clock(found.until, zone)}"),
            ("Lasted", duration(found.until - found.since)),
            ("Events", f"{len(recording.events):,}"),
            ("Engine that day", editions or "not written down"),
        ],
        foot=text(found.city.attribution, f"Made by samehour replay from {recording.where}."),
    )


def _lead(found: Found) -> str:
    parts = []
    if found.exact is None:
        parts.append("The day could not be lived again exactly.")
    elif found.exact.is_identical:
        parts.append(f"Lived again, {found.exact.compared:,} events came out the same.")
    else:
        count = sum(found.exact.differing.values())
        parts.append(f"Lived again, {count:,} of {found.exact.compared:,} events differ.")
    kept = found.calibration.promises.kept
    if kept is not None:
        parts.append(f"Of the promises {100 * kept.held:.0f} % were kept.")
    if found.what_if is not None:
        parts.append(f"B: {found.what_if.said}. {found.what_if.verdict[0]}")
    return " ".join(parts)


# --- lived again ---------------------------------------------------------------------------------


def _again(found: Found) -> Section:
    exact = found.exact
    if exact is None:
        body = [verdict(f"Not lived again: {found.why_not}.".replace("..", "."), "open")]
        return section("The same day", *body, key="again")
    first, *rest = exact_lines(exact)
    is_good = exact.is_identical and exact.compared > 0
    lines = [line for line in rest if not line.startswith("  ")]
    parts: list[Markup] = [
        verdict(f"{first[:1].upper()}{first[1:]}.", "good" if is_good else "bad"),
        text(". ".join(f"{line[:1].upper()}{line[1:]}" for line in lines) + "."),
    ]
    if exact.differences:
        parts.append(_differences(exact))
    return section(
        "The same day",
        *parts,
        key="again",
        lead="The same engine was told the same things at the same times, on the same travel "
        "times; plans were made anew. Every event is held against the log.",
    )


def _differences(exact: Outcome) -> Markup:
    rows = [
        (f"{one.seq}", one.told, str(one).partition(": ")[2])
        for one in exact.differences[:_DIFFERENCES_SHOWN]
    ]
    return table(("Event", "Told", "What differs"), rows, "The first that differ", numbers=(0,))


# --- do forecasts hold ---------------------------------------------------------------------------


def _promises(found: Found) -> Section:
    promises = found.calibration.promises
    if promises.kept is None:
        return section("Promises", empty("No promise had come to its end."), key="promises")
    margin = promises.margin_s
    strip = figure_strip(
        [
            Figure(
                "promises kept",
                f"{100 * promises.kept.held:.0f} %",
                f"95 %: {100 * promises.kept.low:.0f} to {100 * promises.kept.high:.0f} % "
                f"of {promises.kept.cases}",
            ),
            Figure(
                "promised beyond the forecast",
                "-" if margin is None else f"{margin / _MINUTE_S:.1f} min",
                "mean",
            ),
            Figure("not brought at all", f"{promises.undelivered}", "cancelled, returned, open"),
        ]
    )
    return section(
        "Promises",
        strip,
        calibration_plot(
            [_held(one) for one in promises.implied],
            "Promises of the later half by the confidence their margin amounts to",
        ),
        _coverages(promises.implied, "Promises by the confidence they amount to"),
        key="promises",
        lead="The engine promises a time with a margin and states no probability. What confidence "
        "a margin amounts to is read off the errors of the earlier half of the log; the later "
        "half says whether promises of that confidence held as often. On the diagonal is honest.",
    )


def _held(one: Coverage) -> Held:
    return Held(one.confidence, one.share.held, one.share.low, one.share.high, one.share.cases)


def _coverages(rows: Sequence[Coverage], caption: str) -> Markup:
    if not rows:
        return empty("Too few cases to say anything of confidence.")
    return table(
        ("Confidence", "Margin", "Held"),
        [
            (f"{100 * one.confidence:.0f} %", _seconds(one.margin_s), share(one.share))
            for one in rows
        ],
        caption,
        numbers=(0, 1, 2),
    )


def _forecasts(found: Found) -> Section:
    rows = [
        one
        for one in (found.calibration.promises.errors, *found.calibration.forecasts)
        if one.cases
    ]
    if not rows:
        nothing = empty("Nothing that was forecast has happened.")
        return section("Forecasts", nothing, key="forecasts")
    intervals = [
        Interval(one.name, one.bias_s or 0.0, one.low_s, one.high_s, f"{one.bias_s or 0:+.0f} s")
        for one in rows
    ]
    head = ("Forecast", "Cases", "Bias", "Mean error", *(f"{100 * q:.0f} %" for q in QUANTILES))
    cells = [
        (
            one.name,
            f"{one.cases}",
            _seconds(one.bias_s),
            _seconds(one.mae_s),
            *(_seconds(q) for q in one.quantiles_s),
        )
        for one in rows
    ]
    return section(
        "Forecasts",
        interval_plot(
            intervals, "Mean error with its 95 % interval: to the right, it took longer", unit="s"
        ),
        table(head, cells, "Errors and their quantiles, s", numbers=range(1, len(head))),
        *(_one(one) for one in rows),
        key="forecasts",
        lead="What was forecast when it mattered, against what happened. Orders of one evening "
        "depend on one another, so the intervals are rather too narrow.",
    )


def _one(one: Calibration) -> Markup:
    parts: list[Markup] = [text(one.meaning)]
    if one.coverage:
        parts += [
            calibration_plot(
                [_held(each) for each in one.coverage],
                f"{one.name}: margins of the earlier half, held in the later",
            ),
            _coverages(one.coverage, f"Learned from {one.learned_from}, tested on {one.tested_on}"),
            bar_chart(
                [
                    (f"{10 * k} to {10 * (k + 1)} %", float(count), f"{count}")
                    for k, count in enumerate(one.pit)
                ],
                "Later errors by tenths of the earlier ones (PIT): level is honest",
            ),
        ]
    else:
        parts.append(empty("Of confidence nothing is said: there are too few cases."))
    for by in ("store", "mode", "hour"):
        groups = [group for group in one.groups if group.by == by]
        if groups:
            parts.append(_groups(groups, by))
    return fold(f"{one.name}: {one.cases} cases, bias {_seconds(one.bias_s)}", *parts)


def _groups(groups: Sequence[Group], by: str) -> Markup:
    return table(
        (by.capitalize(), "Cases", "Bias", "95 % interval", "Mean error"),
        [
            (
                one.name,
                f"{one.cases}",
                _seconds(one.bias_s),
                "-"
                if one.low_s is None or one.high_s is None
                else f"{one.low_s:.0f} to {one.high_s:.0f} s",
                _seconds(one.mae_s),
            )
            for one in groups
        ],
        f"By {by}",
        numbers=(1, 2, 3, 4),
    )


# --- what if -------------------------------------------------------------------------------------


def _what_if(found: Found, what_if: WhatIf) -> Section:
    first, *others = what_if.verdict
    clear = any(
        one.is_clear for name, one in what_if.differences.items() if FIGURES[name].is_headline
    )
    worse = first.startswith(("B is worse", "B does no better"))
    mood: Mood = "open" if not clear else "bad" if worse else "good"
    rows = []
    for name in what_if.differences:
        one, unit = what_if.differences[name], FIGURES[name].unit
        really = found.was.figures.get(name)
        if one.first is None and one.second is None and really is None:
            continue
        rows.append(
            (
                FIGURES[name].title,
                with_unit(really, unit),
                with_unit(one.first, unit),
                with_unit(one.second, unit),
                difference(one),
            )
        )
    strip = figure_strip(
        [
            Figure(
                FIGURES[name].title,
                with_unit(what_if.differences[name].second, FIGURES[name].unit),
                difference(what_if.differences[name]),
                tuple(what_if.differences[name].pairs),
            )
            for name in _STRIP
        ]
    )
    left_out = described(what_if.day.left_out)
    return section(
        "What if",
        verdict(f"A: as it was. B: {what_if.said}. {first}", mood),
        text(*others) if others else None,
        strip,
        table(
            ("Figure", "Really", "Model, as it was (A)", "Model, otherwise (B)", "B less A"),
            rows,
            "The day, the day in the model, and the day otherwise",
            numbers=(1, 2, 3, 4),
        ),
        text(f"Left out of the model, because people decided it: {left_out}.")
        if left_out
        else None,
        None if found.recording.has_journal else text(NO_POLICY),
        key="what-if",
        lead="A model of a day is not the day: the first two columns say how far it can be "
        f"believed. The difference is between the model's runs alone, {len(what_if.before)} "
        "pairs, each with its own draw of what nobody saw that day.",
    )


def _for_whom(what_if: WhatIf, zone: dt.tzinfo) -> Section:
    changed = what_if.changed
    if not changed:
        return section("For whom", empty("No order fared otherwise."), key="for-whom")
    counts = [(what, float(n), f"{n}") for what, n in summed_up(changed).items()]
    return section(
        "For whom",
        bar_chart(counts, f"{len(changed)} orders fared otherwise"),
        table(
            ("Order", "What", "Store", "Promised", "Before", "Now", "Earlier by"),
            [_change(one, zone) for one in changed[:_CHANGES_SHOWN]],
            f"The {min(len(changed), _CHANGES_SHOWN)} that changed most, in the first draw",
            numbers=(3, 4, 5, 6),
        ),
        key="for-whom",
    )


def _change(one: Change, zone: dt.tzinfo) -> tuple[str, ...]:
    row = one.after or one.before
    gain = "" if one.gain_s is None else f"{one.gain_s / _MINUTE_S:+.0f} min"
    return (
        one.name,
        one.what,
        (row.store_id if row is not None else None) or "-",
        _clock(row.promise_latest, zone) if row is not None else "-",
        _brought(one.before, zone),
        _brought(one.after, zone),
        gain,
    )


def _brought(row: OrderRow | None, zone: dt.tzinfo) -> str:
    return "-" if row is None else _clock(row.delivered_at, zone)


# --- learned -------------------------------------------------------------------------------------


def _learned(found: Found) -> Section:
    learned = found.learned
    stores = [
        (store.name or key, *_store_cells(store))
        for key, store in learned.stores.items()
        if store.pick_base_s.cases
    ]
    parts: list[Markup] = []
    if stores:
        parts.append(
            table(
                ("Store", "Picks", "A pick", "A line", "At the counter"),
                stores,
                "What picks take, drawn towards all stores where little was seen",
                numbers=(1, 2, 3, 4),
            )
        )
    paces = [
        Interval(
            mode.value, pace.value, pace.low, pace.high, f"{pace.value:.2f}, {pace.cases} ways"
        )
        for mode, pace in learned.paces.items()
        if pace.cases
    ]
    if paces:
        parts.append(
            interval_plot(paces, "Times as long as forecast, by mode", unit="times", zero=False)
        )
    if not parts:
        parts.append(empty("Nothing was picked or carried."))
    return section(
        "Learned",
        joined(parts),
        key="learned",
        lead="With --learn FILE this is written down: samehour simulate --learned FILE forecasts "
        "with it, --push URL tells a running service.",
    )


def _store_cells(store: LearnedStore) -> Iterator[str]:
    yield f"{store.pick_base_s.cases}"
    for value in (store.pick_base_s, store.pick_line_s, store.pickup_service_s):
        yield _value(value)


def _value(value: Value) -> str:
    return f"{value.value:.0f} s ({value.low:.0f} to {value.high:.0f})" if value.cases else "-"


# --- words ---------------------------------------------------------------------------------------


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def _clock(at: int | None, zone: dt.tzinfo) -> str:
    return "-" if at is None else f"{dt.datetime.fromtimestamp(at, zone):%H:%M}"
