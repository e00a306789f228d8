"""The orders customers click, by a seed alone: whatever the engine does, the same evening comes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dispatch.model import OrderLine
from geo.city import Doors
from geo.types import LonLat
from simulations.rng import Streams
from simulations.settings import Scenario

_HOUR_S: Final = 3600
_MOST_OF_ONE: Final = 6
"""Nobody buys more of one article than this."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a customer is about to order.

    Attributes
    ----------
    external_id
        `<scenario>-<seed>-<local date>-<number of the day>`.
    at
        When the customer clicks, UTC epoch seconds.
    service_s
        What the shop expects the hand-over at the door to take.
    """

    external_id: str
    at: int
    door: LonLat
    address: str
    lines: tuple[OrderLine, ...]
    weight_g: int
    basket_cents: int
    service_s: int


class Demand:
    """The stream of orders of a scenario: a Poisson process whose rate changes by the hour.

    Each local day and each of its hours has a stream of its own, and so has each order, so any
    span of time can be asked for, in any order, and gives the same orders.
    """

    def __init__(self, scenario: Scenario, doors: Doors, time_zone: str, streams: Streams) -> None:
        self._scenario = scenario
        self._doors = doors
        self._zone = ZoneInfo(time_zone)
        self._streams = streams
        self._people = np.cumsum(np.asarray(doors.people, dtype=np.float64))
        self._popularity: NDArray[np.float64] = np.array(
            [article.popularity for article in scenario.catalogue], dtype=np.float64
        )

    def between(self, start: int, end: int | None = None) -> Iterator[Ask]:
        """Yield the orders clicked from `start` on and before `end` (without end: for ever)."""
        day = dt.datetime.fromtimestamp(start, self._zone).date()
        while end is None or self._midnight(day) < end:
            for number, at in enumerate(self._clicks(day), start=1):
                if at >= start and (end is None or at < end):
                    yield self._ask(day, number, at)
            day += dt.timedelta(days=1)

    def _midnight(self, day: dt.date) -> int:
        return int(dt.datetime.combine(day, dt.time(), self._zone).timestamp())

    def _clicks(self, day: dt.date) -> list[int]:
        """Return the times of the day's clicks, ascending."""
        settings = self._scenario.demand
        factor = settings.weekday_factor[day.weekday()]
        # A day is 23 or 25 hours long when the clocks change: step through real hours.
        hours = range(self._midnight(day), self._midnight(day + dt.timedelta(days=1)), _HOUR_S)
        clicks: list[int] = []
        for begin in hours:
            rate = factor * settings.per_hour[dt.datetime.fromtimestamp(begin, self._zone).hour]
            draw = self._streams.stream("clicks", f"{self._scenario.name} {begin}")
            count = int(draw.poisson(rate))
            clicks.extend(int(second) for second in begin + draw.integers(0, _HOUR_S, count))
        return sorted(clicks)

    def _ask(self, day: dt.date, number: int, at: int) -> Ask:
        external_id = f"{self._scenario.name}-{self._streams.seed}-{day.isoformat()}-{number:04d}"
        draw = self._streams.stream("order", external_id)
        chosen = int(np.searchsorted(self._people, draw.random() * self._people[-1], side="right"))
        lines, weight_g, basket_cents = self._basket(draw)
        return Ask(
            external_id=external_id,
            at=at,
            door=LonLat(float(self._doors.lon[chosen]), float(self._doors.lat[chosen])),
            address=self._doors.address[chosen],
            lines=lines,
            weight_g=weight_g,
            basket_cents=basket_cents,
            service_s=self._scenario.handover.door_s,
        )

    def _basket(self, draw: np.random.Generator) -> tuple[tuple[OrderLine, ...], int, int]:
        """Draw articles without repetition, and how many of each.

        Popular ones come more often (Efraimidis & Spirakis 2006, doi:10.1016/j.ipl.2005.11.003).
        """
        baskets = self._scenario.baskets
        count = min(1 + int(draw.poisson(baskets.lines_mean - 1)), baskets.lines_max)
        keys = np.log(draw.random(len(self._popularity))) / self._popularity
        picked = np.sort(np.argsort(-keys, kind="stable")[:count])
        lines: list[OrderLine] = []
        weight_g = basket_cents = 0
        for index in picked:
            article = self._scenario.catalogue[int(index)]
            quantity = min(int(draw.geometric(1 - baskets.more_share)), _MOST_OF_ONE)
            lines.append(OrderLine(article.sku, quantity))
            weight_g += quantity * article.weight_g
            basket_cents += quantity * article.price_cents
        return tuple(lines), weight_g, basket_cents
