"""What came of a replay, as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulations.replays.calibration import Calibration, Share
from simulations.replays.day import described
from simulations.replays.found import Found, WhatIf
from simulations.replays.replay import Outcome
from simulations.studies.figures_text import amount
from simulations.studies.measures import FIGURES

NO_POLICY: Final = (
    "The ledger does not say which policy was in force: A is the engine's own, as it is today."
)
_SHOWN: Final = 3
_MINUTE_S: Final = 60


def told(found: Found) -> str:
    """Return all that was found."""
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Found) -> Iterator[str]:
    recording, span_s = found.recording, found.until - found.since
    yield (
        f"{found.city.title}, {recording.where}: {len(recording.events):,} events, "
        f"{span_s / _MINUTE_S:.0f} min"
    )
    if found.exact is None:
        yield f"  not lived again: {found.why_not}"
    else:
        yield from (f"  {line}" for line in exact_lines(found.exact))
    yield from _calibration(found)
    if found.what_if is not None:
        yield from _what_if(found, found.what_if)


def exact_lines(outcome: Outcome) -> Iterator[str]:
    """Yield what the exact replay came to, the verdict first."""
    plans = f"{outcome.plans:,} plans made again"
    if outcome.is_identical and not outcome.compared:
        yield "nothing could be held against the log"
    elif outcome.is_identical:
        yield f"identical: {outcome.compared:,} events, {plans}"
    else:
        count = sum(outcome.differing.values())
        kinds = ", ".join(f"{n} x {kind}" for kind, n in outcome.differing.most_common())
        yield (f"NOT identical: {count:,} of {outcome.compared:,} events differ ({kinds}); {plans}")
        yield from (f"  {difference}" for difference in outcome.differences[:_SHOWN])
    for count, said in (
        (outcome.taken_over, "events before that were taken as they are"),
        (outcome.cut_short, "plans were cut short by the wall limit that day: taken as they are"),
        (outcome.by_insertion, "plans by insertion, for want of a planner that day"),
        (outcome.unasked, "plans asked for before the beginning: taken as they are"),
        (outcome.unkept, "events rest on routing servers of others: taken as they are"),
    ):
        if count:
            yield f"{count:,} {said}"
    starts = f"{outcome.starts} starts of the service, " if outcome.starts > 1 else ""
    yield (
        f"{starts}{outcome.inputs:,} inputs, {outcome.positions:,} positions, "
        f"{outcome.versions} versions of the travel times"
    )


def _calibration(found: Found) -> Iterator[str]:
    promises = found.calibration.promises
    if promises.kept is not None:
        yield f"  promises kept: {share(promises.kept)}"
    if promises.margin_s is not None:
        yield f"  promised on average {promises.margin_s / _MINUTE_S:.1f} min beyond the forecast"
    for group in promises.implied:
        yield (
            f"    of promises that amount to {100 * group.confidence:.0f} % confidence "
            f"{share(group.share)} held"
        )
    rows = [one for one in (promises.errors, *found.calibration.forecasts) if one.cases]
    if rows:
        yield "  forecasts            cases     bias  mean error   90 % of the later half held"
    for one in rows:
        yield f"    {_row(one)}"


def _row(one: Calibration) -> str:
    held = next((c.share for c in one.coverage if round(c.confidence, 2) == 0.9), None)  # noqa: PLR2004
    name = one.name if len(one.name) <= 24 else f"{one.name[:23]}…"  # noqa: PLR2004 - a column
    said = "too few to say" if held is None else share(held)
    figures = f"{one.cases:>4}  {one.bias_s or 0:>+5.0f} s  {one.mae_s or 0:>6.0f} s"
    return f"{name:<24} {figures}      {said}"


def _what_if(found: Found, what_if: WhatIf) -> Iterator[str]:
    yield f"What if {what_if.said} (A: as it was, B: otherwise; {len(what_if.before)} draws)"
    yield from (f"  {sentence}" for sentence in what_if.verdict)
    head = ("", "really", "model A", "model B", "B less A")
    rows = [head]
    for name in FIGURES:
        one = what_if.differences[name]
        if FIGURES[name].is_headline or name in {"delivered", "refused_share", "busy_share"}:
            rows.append(
                (
                    FIGURES[name].title,
                    amount(name, found.was.figures[name]),
                    amount(name, one.first),
                    amount(name, one.second),
                    amount(name, one.mean),
                )
            )
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield f"  {'  '.join(cells).rstrip()}"
    left_out = described(what_if.day.left_out)
    if left_out:
        yield f"  left out of the model: {left_out}"
    if not found.recording.has_journal:
        yield f"  {NO_POLICY}"


def share(one: Share) -> str:
    """Return a share with its interval: `92 % (85 to 96 %) of 140`."""
    return f"{100 * one.held:.0f} % ({100 * one.low:.0f} to {100 * one.high:.0f} %) of {one.cases}"
