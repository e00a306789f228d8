"""Learn from a log how long picks, hand-overs and ways really take.

A pick is `base + line * lines` for each store, by least squares, drawn towards all stores
(`simulations.replays.shrinking`); so is the hand-over at each counter.  A courier's pace is the
mean logarithm of true by forecast way times, drawn towards the others of the mode; a mode's pace
for forecasts is the ratio of the sums, for what counts there is the mean time and not the middle
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import exp, log, sqrt
from typing import Final, NamedTuple, TypeVar

import numpy as np

from dispatch.model import Mode, StopKind, Store
from simulations.replays.learned import Learned, LearnedCourier, LearnedStore, Value
from simulations.replays.shrinking import Z_95, Cases, Estimated, Shrunk, shrink
from simulations.worlds.happenings import Gone, HandedOver, Happenings

_PACES_APART: Final = 0.15
"""Couriers of a mode are believed to differ by about so much until it is seen."""

LEAST_WAY_S: Final = 60
"""Shorter ways say more of doors and traffic lights than of a pace."""

_T = TypeVar("_T")
_LEAST: Final = 2


def learn(found: Happenings, source: str) -> Learned:
    """Return what a log teaches.

    Parameters
    ----------
    source
        What it is from, in words.
    """
    stores = {key: store for key, store in found.stores.items() if not store.is_point}
    base_s, line_s = _stated(stores)
    lines = float(np.mean([pick.lines for pick in found.picks])) if found.picks else 1.0
    picks = shrink(
        {
            key: Cases(
                np.array([[1.0, pick.lines] for pick in of_store]),
                np.array([float(pick.took_s) for pick in of_store]),
            )
            for key, of_store in _by(found.picks, lambda pick: pick.store_id).items()
        },
        (base_s, line_s),
    )
    handed = [one for one in found.handovers if not one.failed]
    at_store = [one for one in handed if one.kind is StopKind.PICKUP]
    counters = _means(_by(at_store, lambda one: one.store_id), _mean(at_store, "expected_s"))
    paces, couriers, trip_spread = _paces(list(_timed(found.ways)))
    expected = {key: picks.each.get(key, _nothing(picks.every)) for key in stores}

    def counter(store_id: str) -> Estimated:
        return counters.each.get(store_id, _nothing(counters.every))

    return Learned(
        source=source,
        every_store=_store("", picks.every, counters.every, lines),
        pick_spread=_pick_spread(found, expected),
        door_s=_plain([one.took_s for one in handed if one.kind is StopKind.DROPOFF]),
        return_s=_plain([one.took_s for one in handed if one.kind is StopKind.RETURN]),
        handover_spread=_handover_spread(handed),
        trip_spread=trip_spread,
        stores={
            key: _store(store.name, expected[key], counter(key), lines)
            for key, store in sorted(stores.items())
        },
        paces=paces,
        couriers=couriers,
    )


def _store(name: str, pick: Estimated, counter: Estimated, lines: float) -> LearnedStore:
    (base_s, line_s), (base_low, line_low), (base_high, line_high) = pick.value, pick.low, pick.high
    # Nothing takes less than no time: what is cut off one goes to the other, at the usual basket.
    if base_s < 0:
        base_s, line_s = 0.0, max(0.0, line_s + base_s / lines)
    elif line_s < 0:
        base_s, line_s = max(0.0, base_s + line_s * lines), 0.0
    return LearnedStore(
        name,
        Value(base_s, min(base_s, base_low), max(base_s, base_high), pick.cases),
        Value(line_s, min(line_s, line_low), max(line_s, line_high), pick.cases),
        Value(counter.value[0], counter.low[0], counter.high[0], counter.cases),
    )


def _nothing(every: Estimated) -> Estimated:
    """Return what is expected of one never seen."""
    return Estimated(every.value, every.low, every.high, 0)


def _stated(stores: Mapping[str, Store]) -> tuple[float, float]:
    """Return the mean of what the stores were taken to need."""
    if not stores:
        return 0.0, 0.0
    return (
        float(np.mean([store.pick_base_s for store in stores.values()])),
        float(np.mean([store.pick_line_s for store in stores.values()])),
    )


def _means(groups: Mapping[str, Sequence[HandedOver]], prior_s: float) -> Shrunk:
    return shrink(
        {
            key: Cases(np.ones((len(group), 1)), np.array([float(one.took_s) for one in group]))
            for key, group in groups.items()
        },
        (prior_s,),
    )


def _plain(took_s: Sequence[int]) -> Value:
    """Return a mean with its interval; 0 cases where there is nothing to learn from."""
    if not took_s:
        return Value(0.0, 0.0, 0.0, 0)
    array = np.array(took_s, dtype=np.float64)
    mean = float(array.mean())
    half = Z_95 * float(array.std(ddof=1)) / sqrt(len(array)) if len(array) >= _LEAST else 0.0
    return Value(mean, mean - half, mean + half, len(array))


class Timed(NamedTuple):
    """A way that says something of a pace: as it was, and by the travel times of the plan."""

    courier_id: str
    mode: Mode
    way_s: int
    took_s: int


def _timed(ways: Iterable[Gone]) -> Iterator[Timed]:
    for way in ways:
        if way.way_s is not None and way.way_s >= LEAST_WAY_S and way.took_s > 0:
            yield Timed(way.courier_id, way.mode, way.way_s, way.took_s)


def _paces(
    ways: Sequence[Timed],
) -> tuple[dict[Mode, Value], dict[str, LearnedCourier], float]:
    """Return paces by mode and by courier, and the spread between one trip and the next."""
    paces: dict[Mode, Value] = {}
    couriers: dict[str, LearnedCourier] = {}
    noises: list[tuple[float, int]] = []
    for mode, of_mode in sorted(_by(ways, lambda way: way.mode).items()):
        paces[mode] = _ratio(of_mode)
        found = shrink(
            {
                key: Cases(
                    np.ones((len(group), 1)),
                    np.array([log(way.took_s / way.way_s) for way in group]),
                )
                for key, group in _by(of_mode, lambda way: way.courier_id).items()
            },
            (0.0,),
            (_PACES_APART,),
        )
        noises.append((found.noise, len(of_mode)))
        for key, one in found.each.items():
            value, low, high = (exp(x[0]) for x in (one.value, one.low, one.high))
            couriers[key] = LearnedCourier(mode, Value(value, low, high, one.cases))
    total = sum(count for _, count in noises)
    spread = sqrt(sum(noise**2 * count for noise, count in noises) / total) if total else 0.0
    return paces, couriers, spread


def _ratio(ways: Sequence[Timed]) -> Value:
    """Return true by forecast times, in sum, with its interval by the delta method."""
    took = np.array([way.took_s for way in ways], dtype=np.float64)
    expected = np.array([way.way_s for way in ways], dtype=np.float64)
    ratio = float(took.sum() / expected.sum())
    if len(ways) < _LEAST:
        return Value(ratio, ratio, ratio, len(ways))
    residual = took - ratio * expected
    half = Z_95 * float(residual.std(ddof=1)) * sqrt(len(ways)) / float(expected.sum())
    return Value(ratio, ratio - half, ratio + half, len(ways))


def _pick_spread(found: Happenings, expected: Mapping[str, Estimated]) -> float:
    logs = [
        log(pick.took_s / expected_s)
        for pick in found.picks
        if pick.took_s > 0
        and pick.store_id in expected
        and (expected_s := _expected_s(expected[pick.store_id], pick.lines)) > 0
    ]
    return _deviation(logs)


def _expected_s(store: Estimated, lines: int) -> float:
    base_s, line_s = store.value
    return base_s + line_s * lines


def _handover_spread(handed: Sequence[HandedOver]) -> float:
    by_kind = _by([one for one in handed if one.took_s > 0], lambda one: one.kind)
    logs = [
        log(one.took_s) - float(np.mean([log(other.took_s) for other in group]))
        for group in by_kind.values()
        for one in group
    ]
    return _deviation(logs)


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) >= _LEAST else 0.0


def _mean(handed: Sequence[HandedOver], name: str) -> float:
    return float(np.mean([getattr(one, name) for one in handed])) if handed else 0.0


_Key = TypeVar("_Key")


def _by(cases: Iterable[_T], key: Callable[[_T], _Key]) -> dict[_Key, list[_T]]:
    groups: dict[_Key, list[_T]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return groups
