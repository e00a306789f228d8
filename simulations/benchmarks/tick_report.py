"""What a contest came to, in words and figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from simulations.benchmarks.tick_contest import OURS, PINNED, Contest, Run
from simulations.benchmarks.tick_growth import Effort
from simulations.benchmarks.tick_peers import PEERS

MOMENTS_S: Final = (0.02, 0.1, 1.0, 5.0, 60.0)
"""When everybody's best plan so far is looked at."""
AIM_TIMES: Final = 20.0
"""How many times faster than a peer at equal price."""
AIM_GAP: Final = 0.02
_AIM_WITHIN_S: Final = ((1000, 1.0), (3000, 5.0))
"""Up to so many orders a plan is to be so near to what the whole time gives, by then."""


def told(contest: Contest) -> str:
    """Return a contest as a table."""
    return "\n".join([*_head(contest), *_gaps(contest), "", *_races(contest), "", ""])


def _head(contest: Contest) -> Iterator[str]:
    yield (
        f"{contest.city}: {contest.orders} open orders, {contest.to_route} of them to route, "
        f"{contest.couriers} couriers, {contest.stores} stores; {contest.seconds:g} s each"
    )
    yield ""


def _gaps(contest: Contest) -> Iterator[str]:
    heads = "".join(f"{_moment(at):>10}" for at in MOMENTS_S)
    yield f"{'gap to the best known at':<26}{heads}{'best price':>14}{'unrouted':>10}"
    for run in contest.runs:
        cells = "".join(f"{_gap(run.at(at), contest.best):>10}" for at in MOMENTS_S)
        price = "none" if run.best is None else f"{run.best:,.0f}"
        note = f"  {run.note}" if run.note else ""
        yield f"{run.name:<26}{cells}{price:>14}{run.unrouted:>10}{note}"


def _races(contest: Contest) -> Iterator[str]:
    yield (
        f"{'at equal price':<26}{'peer':>10}{'ours':>10}{'times':>8}   "
        f"{'same stores':>11}{'times':>8}   price reached"
    )
    for name in (peer.name for peer in PEERS):
        peer = contest.run(name)
        if peer is None or not peer.points:
            yield f"{name:<26}{'no plan':>10}"
            continue
        for what, point in (("first", peer.points[0]), ("best", peer.points[-1])):
            cells = f"{f'{name}, its {what}':<26}{_clock(point.after_s):>10}"
            for ours, width in ((OURS, 10), (PINNED, 14)):
                after_s = _reaches(contest, ours, point.price)
                times = "" if after_s is None else f"{point.after_s / after_s:.1f}"
                cells += f"{_clock(after_s):>{width}}{times:>8}"
            yield f"{cells}   {point.price:,.0f}"
    good = verdict(contest)
    if good:
        yield good


def verdict(contest: Contest) -> str:
    """Return a sentence about how soon ours is as good as it gets."""
    run = contest.run(OURS)
    if run is None or run.best is None:
        return ""
    near_s = run.reaches(run.best * (1 + AIM_GAP))
    within = next((s for size, s in _AIM_WITHIN_S if contest.orders <= size), None)
    aim = "" if within is None else f" (aim: {within:g} s)"
    return (
        f"{OURS}: within {AIM_GAP:.0%} of what {contest.seconds:g} s give after "
        f"{_clock(near_s)}{aim}; a first plan after {_clock(run.points[0].after_s)}"
    )


def grown(efforts: Sequence[Effort]) -> str:
    """Return what an order costs at each size, and the exponent of its growth."""
    if not efforts:
        return ""
    lines = [f"{'city':<12}{'orders':>8}{'to route':>10}{'first plan':>12}{'per order':>12}"]
    lines[0] += f"{'1,000 rounds':>14}"
    for effort in efforts:
        per_us = effort.first_s / effort.orders * 1e6
        lines.append(
            f"{effort.city:<12}{effort.orders:>8}{effort.to_route:>10}"
            f"{_clock(effort.first_s):>12}{per_us:>9.1f} us{_clock(effort.rounds_s):>14}"
        )
    for city in dict.fromkeys(effort.city for effort in efforts):
        own = [effort for effort in efforts if effort.city == city]
        if len(own) > 1:
            sizes = [effort.orders for effort in own]
            first = exponent(sizes, [effort.first_s for effort in own])
            rounds = exponent(sizes, [effort.rounds_s for effort in own])
            lines.append(
                f"{city}: the first plan grows with orders to the power of {first:.2f}, "
                f"1,000 rounds to the power of {rounds:.2f}"
            )
    return "\n".join([*lines, ""])


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the slope of time over size, both logarithmic, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def figures(contest: Contest) -> dict[str, Any]:
    """Return a contest as plain values."""
    plain = asdict(contest)
    plain["best"] = contest.best
    plain["gaps"] = {
        run.name: {
            f"{at:g}": None if (p := run.at(at)) is None else p / contest.best - 1
            for at in MOMENTS_S
        }
        for run in contest.runs
    }
    plain["times"] = dict(_times(contest))
    return plain


def _times(contest: Contest) -> Iterator[tuple[str, dict[str, float | None]]]:
    for name in (peer.name for peer in PEERS):
        peer = contest.run(name)
        for ours in (OURS, PINNED):
            if peer is not None and peer.points:
                yield (
                    f"{ours} over {name}",
                    {
                        "first": _ratio(contest, ours, peer, 0),
                        "best": _ratio(contest, ours, peer, -1),
                    },
                )


def _ratio(contest: Contest, ours: str, peer: Run, which: int) -> float | None:
    point = peer.points[which]
    after_s = _reaches(contest, ours, point.price)
    return None if after_s is None else point.after_s / after_s


def _reaches(contest: Contest, name: str, level: float) -> float | None:
    run = contest.run(name)
    return None if run is None else run.reaches(level)


def _gap(price: float | None, best: float) -> str:
    if price is None:
        return "-"
    return f"{(price / best - 1) * 100:.1f} %"


def _clock(seconds: float | None) -> str:
    if seconds is None or math.isinf(seconds):
        return "never"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _moment(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"
