"""The orders customers click, by a seed alone: whatever the engine does, the same evening comes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dispatch.commands import LineFacts
from dispatch.model import Fulfilment, OrderLine
from geo.city import Doors
from geo.types import LonLat
from simulations.rng import Streams
from simulations.scenarios.settings import Article, Scenario, Surge
from simulations.worlds.around import metres_from
from simulations.worlds.streets import utc

_HOUR_S: Final = 3600
_BAND: Final = 16.0
"""Orders per hour in a band of the demand; a matter of speed alone."""
_NOT_IN_AN_ID: Final = re.compile(r"[^!-~]+")
_LONGEST_NAME: Final = 80
_QUIET_DAYS: Final = 366
"""After so many days without a single click nobody is waited for any more."""

_MOST_OF_ONE: Final = 6
"""Nobody buys more of one article than this."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a customer is about to order.

    Attributes
    ----------
    external_id
        `<family>-<seed>-<local date>-<number>`; the same customer in every scenario of a family.
    at
        When the customer clicks, UTC epoch seconds.
    service_s
        What the shop expects the hand-over at the door to take.
    window_id
        How soon they want it: `15m`, `30m`, `60m`; None for whatever is promised.
    asks_first
        Whether they ask for a quote and order by it.
    """

    external_id: str
    at: int
    door: LonLat
    address: str
    lines: tuple[OrderLine, ...]
    weight_g: int
    basket_cents: int
    service_s: int
    window_id: str | None = None
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    asks_first: bool = False
    volume_ml: int | None = None
    facts: tuple[LineFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class _Click:
    """Somebody who may order: they do when the demand is above `height`, in orders per hour."""

    at: int
    number: str
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class _Swell:
    """A surge with its times in UTC; `inside` says of each door whether it is, None: all are."""

    surge: Surge
    starts_at: int
    ends_at: int
    inside: NDArray[np.bool_] | None

    def is_on(self, at: int) -> bool:
        return self.starts_at <= at < self.ends_at


class Demand:
    """The stream of orders of a scenario: a Poisson process whose rate changes with time and place.

    Everybody who might ever order is drawn first, by the hour and in bands of 16 orders an hour,
    each with a height that is even within the band: together a Poisson process on the half-plane of
    time and height (Lewis & Shedler 1979, doi:10.1002/nav.3800260304, thin in the same way).  Those
    below the demand of their moment and door click.  So with more demand the same customers come,
    with the same doors and baskets, and others besides; and any span of time can be asked for, in
    any order.
    """

    def __init__(self, scenario: Scenario, doors: Doors, time_zone: str, streams: Streams) -> None:
        self._scenario = scenario
        self._doors = doors
        self._zone = ZoneInfo(time_zone)
        self._streams = streams
        # An id of an order has no blanks, and a file may.
        self._prefix = f"{_NOT_IN_AN_ID.sub('-', scenario.root)[:_LONGEST_NAME]}-{streams.seed}"
        self._people = np.cumsum(np.asarray(doors.people, dtype=np.float64))
        self._popularity: NDArray[np.float64] = np.array(
            [article.popularity for article in scenario.catalogue], dtype=np.float64
        )
        self._swells = tuple(
            _Swell(
                surge,
                utc(surge.starts_at, self._zone),
                utc(surge.ends_at, self._zone),
                None
                if surge.around is None
                else metres_from(surge.around, doors.lon, doors.lat) <= surge.radius_m,
            )
            for surge in scenario.surges
        )

    def between(self, start: int, end: int | None = None) -> Iterator[Ask]:
        """Yield the orders clicked from `start` on and before `end`.

        Without an end they go on for ever, or until nobody has clicked for a year.
        """
        day = dt.datetime.fromtimestamp(start, self._zone).date()
        quiet_days = 0
        while self._midnight(day) < end if end is not None else quiet_days < _QUIET_DAYS:
            quiet_days += 1
            for begin in self._hours(day):
                if begin + _HOUR_S > start and (end is None or begin < end):
                    for ask in self._hour(day, begin):
                        if ask.at >= start and (end is None or ask.at < end):
                            quiet_days = 0
                            yield ask
            day += dt.timedelta(days=1)

    def rate(self, at: int) -> float:
        """Return the orders per hour at a time, without what surges only around a place."""
        everywhere = (s.surge.demand for s in self._swells if s.inside is None and s.is_on(at))
        return self._usual(at) * prod(everywhere)

    def _usual(self, at: int) -> float:
        """Return the orders per hour of an evening without surges."""
        settings = self._scenario.demand
        local = dt.datetime.fromtimestamp(at, self._zone)
        payday = settings.payday_factor if local.day in settings.payday_days else 1.0
        return settings.per_hour[local.hour] * settings.weekday_factor[local.weekday()] * payday

    def _midnight(self, day: dt.date) -> int:
        return int(dt.datetime.combine(day, dt.time(), self._zone).timestamp())

    def _hours(self, day: dt.date) -> range:
        # A day is 23 or 25 hours long when the clocks change: step through real hours.
        return range(self._midnight(day), self._midnight(day + dt.timedelta(days=1)), _HOUR_S)

    # --- who clicks ----------------------------------------------------------------------------

    def _hour(self, day: dt.date, begin: int) -> Iterator[Ask]:
        """Yield the orders of an hour in the order of their clicks."""
        usual = self._usual(begin)
        swells = [s for s in self._swells if s.starts_at < begin + _HOUR_S and s.ends_at > begin]
        most = usual * prod(max(1.0, swell.surge.demand) for swell in swells)
        hour = (begin - self._midnight(day)) // _HOUR_S
        clicks = [
            click
            for band in range(ceil(most / _BAND))
            for click in self._band(begin, f"{hour:02d}", band)
            if click.height < most
        ]
        for click in sorted(clicks, key=lambda one: (one.at, one.number)):
            external_id = f"{self._prefix}-{day.isoformat()}-{click.number}"
            on = [swell for swell in swells if swell.is_on(click.at)]
            draw = self._streams.stream("order", external_id)
            door = int(
                np.searchsorted(self._people, draw.random() * self._people[-1], side="right")
            )
            here = [swell.surge for swell in on if swell.inside is None or swell.inside[door]]
            if click.height < usual * prod(surge.demand for surge in here):
                yield self._ask(external_id, click.at, door, here, draw)

    def _band(self, begin: int, hour: str, band: int) -> Iterator[_Click]:
        draw = self._streams.stream("clicks", f"{self._scenario.root} {begin} {band}")
        count = int(draw.poisson(_BAND))
        seconds = draw.integers(0, _HOUR_S, count)
        heights = (band + draw.random(count)) * _BAND
        for number, (second, height) in enumerate(zip(seconds, heights, strict=True)):
            yield _Click(begin + int(second), f"{hour}{band:02d}{number:02d}", float(height))

    # --- what they want ------------------------------------------------------------------------

    def _ask(
        self, external_id: str, at: int, door: int, surges: list[Surge], draw: np.random.Generator
    ) -> Ask:
        basket = self._basket(draw, surges)
        volume_ml = sum(article.volume_ml * quantity for article, quantity in basket)
        is_cold = any(article.chilled for article, _ in basket)
        settings, streams = self._scenario.demand, self._streams
        return Ask(
            external_id=external_id,
            at=at,
            door=LonLat(float(self._doors.lon[door]), float(self._doors.lat[door])),
            address=self._doors.address[door],
            lines=tuple(OrderLine(article.sku, quantity) for article, quantity in basket),
            weight_g=sum(article.weight_g * quantity for article, quantity in basket),
            basket_cents=sum(article.price_cents * quantity for article, quantity in basket),
            service_s=self._scenario.handover.door_s,
            window_id=self._tier(external_id),
            fulfilment=self._fulfilment(external_id),
            asks_first=streams.chance("asks first", external_id, settings.quote_share),
            volume_ml=volume_ml or None,
            facts=(
                tuple(LineFacts(chilled=article.chilled) for article, _ in basket)
                if is_cold
                else ()
            ),
        )

    def _tier(self, external_id: str) -> str | None:
        draw = float(self._streams.stream("tier", external_id).random())
        tiers = self._scenario.demand.tiers
        for tier in tiers:
            draw -= tier.share
            if draw < 0:
                return tier.window_id
        return tiers[-1].window_id

    def _fulfilment(self, external_id: str) -> Fulfilment:
        settings = self._scenario.demand
        draw = float(self._streams.stream("fulfilment", external_id).random())
        if draw < settings.collection_share:
            return Fulfilment.COLLECTION
        if draw < settings.collection_share + settings.curbside_share:
            return Fulfilment.CURBSIDE
        return Fulfilment.DELIVERY

    def _basket(self, draw: np.random.Generator, surges: list[Surge]) -> list[tuple[Article, int]]:
        """Draw articles without repetition, and how many of each.

        Popular ones come more often (Efraimidis & Spirakis 2006, doi:10.1016/j.ipl.2005.11.003).
        Each article has its own chance and its own quantity, so that a surge of one of them leaves
        the rest of the basket as it was.
        """
        baskets = self._scenario.baskets
        count = min(1 + int(draw.poisson(baskets.lines_mean - 1)), baskets.lines_max)
        keys = np.log(draw.random(len(self._popularity))) / self._popular(surges)
        picked = np.sort(np.argsort(-keys, kind="stable")[:count])
        quantities = np.minimum(
            draw.geometric(1 - baskets.more_share, len(self._popularity)), _MOST_OF_ONE
        )
        catalogue = self._scenario.catalogue
        return [(catalogue[int(index)], int(quantities[index])) for index in picked]

    def _popular(self, surges: list[Surge]) -> NDArray[np.float64]:
        weights = self._popularity
        for surge in surges:
            if surge.popularity:
                factors = [
                    surge.popularity.get(article.sku, 1.0)
                    * surge.popularity.get(article.group, 1.0)
                    for article in self._scenario.catalogue
                ]
                # An article that nobody wants at all still has a place in the order.
                weights = np.maximum(weights * np.array(factors), np.finfo(np.float64).tiny)
        return weights


def hurried(asks: Iterator[Ask], start: int, pace: float) -> Iterator[Ask]:
    """Return customers who all click earlier: what took an hour from `start` takes `1 / pace`."""
    if pace == 1:
        return asks
    return (replace(ask, at=start + int((ask.at - start) / pace)) for ask in asks)
