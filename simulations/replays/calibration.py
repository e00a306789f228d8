"""Do forecasts hold?  Each forecast of a log against what happened, with the uncertainty stated.

The engine states no probability today: it forecasts a moment and promises it with a margin.  What
confidence a margin amounts to is read off the errors of the past: of the errors of the earlier part
of the log, the share that stays within the margin.  The later part then says whether promises made
with that confidence held as often.  The two parts never mix, so nothing is measured by itself.

Shares have Wilson intervals (Wilson 1927, doi:10.1080/01621459.1927.10502953).  A PIT histogram
(Dawid 1984, doi:10.2307/2981683) is flat when the later errors are spread like the earlier ones.
Orders of one evening are not independent of one another, so the intervals are rather too narrow.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dispatch.model import StopKind
from simulations.studies.statistics import CONFIDENCE, mean_interval
from simulations.worlds.happenings import Happenings, Promised

NOMINAL: Final = (0.5, 0.8, 0.9, 0.95)
"""Confidences whose promises are looked at."""

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
PIT_BINS: Final = 10
LEAST: Final = 20
"""With fewer cases than this in either part nothing is said of confidence."""

_BINS: Final = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_T = TypeVar("_T")
_MOST_GROUPS: Final = 60


class Share(NamedTuple):
    """How many of `count` were so: `held`, with a 95 % Wilson interval."""

    held: float
    low: float
    high: float
    cases: int


class Coverage(NamedTuple):
    """Forecasts given with a confidence, and how many of them held.

    Attributes
    ----------
    margin_s
        The margin that confidence needs, by the earlier part; of a group, the mean of those given.
    """

    confidence: float
    margin_s: float
    share: Share


class Group(NamedTuple):
    """The errors of one store, mode or hour, in seconds; late is positive."""

    by: str
    name: str
    cases: int
    bias_s: float
    low_s: float | None
    high_s: float | None
    mae_s: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """One kind of forecast against the truth.

    Attributes
    ----------
    bias_s, low_s, high_s
        Mean error with its 95 % Student t interval: above 0, things take longer than forecast.
    quantiles_s
        Of the errors, at `QUANTILES`.
    coverage
        At `NOMINAL`: learned on the earlier part, counted on the later.
    pit
        How many of the later errors fall in each tenth of the earlier ones.
    learned_from, tested_on
        Cases in either part.
    """

    name: str
    meaning: str
    cases: int
    bias_s: float | None
    low_s: float | None
    high_s: float | None
    mae_s: float | None
    quantiles_s: tuple[float, ...]
    coverage: tuple[Coverage, ...]
    pit: tuple[int, ...]
    learned_from: int
    tested_on: int
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Promises:
    """What became of the promises.

    Attributes
    ----------
    kept
        Of those whose end had come, delivered or not.
    unforeseen
        Promises of orders that no plan ever had a route for: they have no forecast.
    margin_s
        Mean of what was promised beyond the first forecast.
    implied
        Promises of the later part by the confidence that their own margin amounted to, by the
        errors of the earlier part.
    errors
        The forecast that promises rest on, against the hand-over.
    """

    kept: Share | None
    undelivered: int
    unforeseen: int
    margin_s: float | None
    implied: tuple[Coverage, ...]
    errors: Calibration


@dataclass(frozen=True, slots=True)
class Report:
    """All forecasts of a log."""

    promises: Promises
    forecasts: tuple[Calibration, ...]


class _Case(NamedTuple):
    """A forecast: when it was made, and by how much the truth came later."""

    at: int
    error_s: float
    groups: tuple[tuple[str, str], ...]


def calibrate(found: Happenings, time_zone: str) -> Report:
    """Return how every forecast of a log held.

    Parameters
    ----------
    time_zone
        IANA name, for the hour of the day.
    """
    hour = _hours(time_zone)
    names = {key: store.name for key, store in found.stores.items()}

    def store(store_id: str) -> tuple[str, str]:
        return "store", names.get(store_id, store_id)

    picks = [
        _Case(p.started_at, p.took_s - p.expected_s, (store(p.store_id), hour(p.started_at)))
        for p in found.picks
    ]
    readies = [
        _Case(r.told_at, r.ready_at - r.expected_at, (store(r.store_id), hour(r.told_at)))
        for r in found.readies
    ]
    ways = {
        kind: [
            _Case(
                w.left_at,
                w.took_s - w.expected_s,
                (store(w.store_id), ("mode", w.mode.value), hour(w.left_at)),
            )
            for w in found.ways
            if w.kind is kind
        ]
        for kind in StopKind
    }
    handed = {
        kind: [
            _Case(
                h.begun_at,
                h.took_s - h.expected_s,
                (store(h.store_id), ("mode", h.mode.value), hour(h.begun_at)),
            )
            for h in found.handovers
            if h.kind is kind and not h.failed
        ]
        for kind in StopKind
    }
    return Report(
        promises=_promises(found, store, hour),
        forecasts=(
            _calibration("picking", "From the start of a pick to its end.", picks),
            _calibration(
                "goods ready",
                "When the first plan with the order expected its goods to be ready.",
                readies,
            ),
            _calibration(
                "way to the store", "From the word to leave to the store.", ways[StopKind.PICKUP]
            ),
            _calibration(
                "way to the door", "From the word to leave to the door.", ways[StopKind.DROPOFF]
            ),
            _calibration(
                "hand-over at the store",
                "From when courier and goods were there to the bag.",
                handed[StopKind.PICKUP],
            ),
            _calibration(
                "hand-over at the door", "From the door to the next way.", handed[StopKind.DROPOFF]
            ),
        ),
    )


def wilson(held: int, count: int) -> Share:
    """Return a share with its 95 % Wilson interval; of nothing, with the widest there is."""
    if not count:
        return Share(0.0, 0.0, 1.0, 0)
    found = stats.binomtest(held, count).proportion_ci(CONFIDENCE, method="wilson")
    return Share(held / count, float(found.low), float(found.high), count)


# --- promises ------------------------------------------------------------------------------------


def _promises(
    found: Happenings,
    store: Callable[[str], tuple[str, str]],
    hour: Callable[[int], tuple[str, str]],
) -> Promises:
    due = [one for one in found.promises if not one.is_open or one.latest < found.ends_at]
    judged = [one for one in due if one.delivered_at is not None or one.is_open]
    kept = sum(one.delivered_at is not None and one.delivered_at <= one.latest for one in judged)
    foreseen = sorted(
        (one for one in found.promises if one.eta is not None and one.delivered_at is not None),
        key=lambda one: (one.made_at, one.order_id),
    )
    cases = [
        _Case(
            one.made_at,
            _error_s(one),
            (store(one.store_id), ("mode", one.mode.value if one.mode else "-"), hour(one.made_at)),
        )
        for one in foreseen
    ]
    margins = [one.latest - (one.eta or 0) for one in foreseen]
    return Promises(
        kept=wilson(kept, len(judged)) if judged else None,
        undelivered=sum(one.delivered_at is None for one in due),
        unforeseen=sum(one.eta is None for one in found.promises),
        margin_s=float(np.mean(margins)) if margins else None,
        implied=_implied(foreseen),
        errors=_calibration(
            "hand-over at the door, as first foreseen",
            "When the first plan with a route for the order expected it to be handed over.",
            cases,
        ),
    )


def _error_s(one: Promised) -> float:
    return float((one.delivered_at or 0) - (one.eta or 0))


def _implied(foreseen: Sequence[Promised]) -> tuple[Coverage, ...]:
    """Return the later promises by the confidence their margins amount to."""
    earlier, later = _parts(foreseen)
    if min(len(earlier), len(later)) < LEAST:
        return ()
    errors = np.sort([_error_s(one) for one in earlier])
    margins = np.array([one.latest - (one.eta or 0) for one in later], dtype=np.float64)
    kept = np.array([_error_s(one) for one in later]) <= margins
    confidence = np.searchsorted(errors, margins, side="right") / len(errors)
    rows = []
    for low, high in pairwise(_BINS):
        inside = (confidence >= low) & ((confidence < high) | (high == _BINS[-1]))
        count = int(inside.sum())
        if count:
            rows.append(
                Coverage(
                    float(confidence[inside].mean()),
                    float(margins[inside].mean()),
                    wilson(int(kept[inside].sum()), count),
                )
            )
    return tuple(rows)


# --- any forecast --------------------------------------------------------------------------------


def _calibration(name: str, meaning: str, cases: Iterable[_Case]) -> Calibration:
    ordered = sorted(cases, key=lambda case: case.at)
    errors = np.array([case.error_s for case in ordered], dtype=np.float64)
    if not len(errors):
        return Calibration(name, meaning, 0, None, None, None, None, (), (), (), 0, 0, ())
    earlier, later = (
        np.array([case.error_s for case in part], dtype=np.float64) for part in _parts(ordered)
    )
    coverage: tuple[Coverage, ...] = ()
    pit: tuple[int, ...] = ()
    if min(len(earlier), len(later)) >= LEAST:
        coverage = tuple(_covered(confidence, earlier, later) for confidence in NOMINAL)
        pit = _pit(earlier, later)
    low_s, high_s = mean_interval(errors)
    return Calibration(
        name=name,
        meaning=meaning,
        cases=len(errors),
        bias_s=float(errors.mean()),
        low_s=low_s,
        high_s=high_s,
        mae_s=float(np.abs(errors).mean()),
        quantiles_s=tuple(float(q) for q in np.quantile(errors, QUANTILES)),
        coverage=coverage,
        pit=pit,
        learned_from=len(earlier),
        tested_on=len(later),
        groups=_grouped(ordered),
    )


def _parts(ordered: Sequence[_T]) -> tuple[Sequence[_T], Sequence[_T]]:
    """Return the earlier and the later half."""
    middle = len(ordered) // 2
    return ordered[:middle], ordered[middle:]


def _covered(
    confidence: float, earlier: NDArray[np.float64], later: NDArray[np.float64]
) -> Coverage:
    """Return how many later errors are within the margin that covers a share of the earlier.

    Of n errors, that is the `ceil((n + 1) * share)`-th smallest: if the parts are alike it covers
    at least the share on average (split conformal: Vovk, Gammerman & Shafer 2005,
    doi:10.1007/b106715).
    """
    ascending = np.sort(earlier)
    rank = min(len(ascending), int(np.ceil((len(ascending) + 1) * confidence)))
    margin_s = float(ascending[rank - 1])
    return Coverage(confidence, margin_s, wilson(int((later <= margin_s).sum()), len(later)))


def _pit(earlier: NDArray[np.float64], later: NDArray[np.float64]) -> tuple[int, ...]:
    """Return how many later errors fall in each tenth of the earlier ones; ties to their middle."""
    ascending = np.sort(earlier)
    below = np.searchsorted(ascending, later, side="left")
    upto = np.searchsorted(ascending, later, side="right")
    place = (below + upto) / (2 * len(ascending))
    counts, _ = np.histogram(np.clip(place, 0, 1), bins=PIT_BINS, range=(0, 1))
    return tuple(int(count) for count in counts)


def _grouped(cases: Sequence[_Case]) -> tuple[Group, ...]:
    errors: dict[tuple[str, str], list[float]] = {}
    for case in cases:
        for group in case.groups:
            errors.setdefault(group, []).append(case.error_s)
    rows = []
    for (by, name), values in sorted(errors.items())[:_MOST_GROUPS]:
        array = np.array(values)
        low_s, high_s = mean_interval(array)
        rows.append(
            Group(
                by,
                name,
                len(array),
                float(array.mean()),
                low_s,
                high_s,
                float(np.abs(array).mean()),
            )
        )
    return tuple(rows)


def _hours(time_zone: str) -> Callable[[int], tuple[str, str]]:
    zone = ZoneInfo(time_zone)

    def hour(at: int) -> tuple[str, str]:
        begin = dt.datetime.fromtimestamp(at, zone).hour
        return "hour", f"{begin:02d}-{(begin + 1) % 24:02d}"

    return hour
