from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from geo.city import City
from simulations.demand import Ask, Demand
from simulations.rng import Streams
from simulations.settings import Scenario

HOUR_S = 3600


@pytest.fixture(scope="module")
def five(friday: Scenario) -> int:
    return friday.start("Europe/Helsinki")


def demand(scenario: Scenario, city: City, seed: int = 1) -> Demand:
    return Demand(scenario, city.doors, city.time_zone, Streams(seed))


def test_the_same_seed_brings_the_same_orders(friday: Scenario, helsinki: City, five: int) -> None:
    first = list(demand(friday, helsinki).between(five, five + HOUR_S))
    assert first == list(demand(friday, helsinki).between(five, five + HOUR_S))
    assert first != list(demand(friday, helsinki, seed=2).between(five, five + HOUR_S))


def test_an_order_is_the_same_from_whatever_time_one_looks(
    friday: Scenario, helsinki: City, five: int
) -> None:
    whole = list(demand(friday, helsinki).between(five, five + HOUR_S))
    later = list(demand(friday, helsinki).between(five + 1800, five + HOUR_S))
    assert later
    assert later == [ask for ask in whole if ask.at >= five + 1800]


def test_orders_come_in_the_order_of_their_clicks_and_are_numbered_by_day(
    friday: Scenario, helsinki: City, five: int
) -> None:
    asks = list(demand(friday, helsinki).between(five, five + 12 * HOUR_S))
    assert [ask.at for ask in asks] == sorted(ask.at for ask in asks)
    assert len({ask.external_id for ask in asks}) == len(asks)
    zone = ZoneInfo("Europe/Helsinki")
    for ask in asks:
        day = dt.datetime.fromtimestamp(ask.at, zone).date()
        assert ask.external_id.startswith(f"helsinki-friday-1-{day}-")


def test_an_hour_brings_about_as_many_orders_as_the_scenario_says(
    friday: Scenario, helsinki: City, five: int
) -> None:
    # 128 an hour; over 20 seeds 2,560 are expected, and 4 standard deviations are 4 x 51.
    asks = sum(
        1 for seed in range(20) for _ in demand(friday, helsinki, seed).between(five, five + 3600)
    )
    assert abs(asks - 20 * friday.demand.per_hour[17]) < 4 * 51


def test_another_day_of_the_week_has_its_own_factor(
    friday: Scenario, helsinki: City, five: int
) -> None:
    tuesday = five + 4 * 24 * HOUR_S
    expected = 20 * friday.demand.per_hour[17] * friday.demand.weekday_factor[1]
    asks = sum(
        1
        for seed in range(20)
        for _ in demand(friday, helsinki, seed).between(tuesday, tuesday + HOUR_S)
    )
    assert abs(asks - expected) < 4 * expected**0.5


def test_one_hour_does_not_depend_on_the_rate_of_another(
    friday: Scenario, helsinki: City, five: int
) -> None:
    rates = list(friday.demand.per_hour)
    rates[17] *= 3
    busier = replace(friday, demand=replace(friday.demand, per_hour=tuple(rates)))
    six = five + HOUR_S
    clicks = [ask.at for ask in demand(friday, helsinki).between(six, six + HOUR_S)]
    assert clicks == [ask.at for ask in demand(busier, helsinki).between(six, six + HOUR_S)]


@pytest.mark.parametrize(
    ("day", "hours"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)]
)
def test_the_days_on_which_the_clocks_change_have_their_own_length(
    friday: Scenario, helsinki: City, day: dt.date, hours: int
) -> None:
    steady = replace(friday.demand, per_hour=(60.0,) * 24, weekday_factor=(1.0,) * 7)
    zone = ZoneInfo("Europe/Helsinki")
    start = int(dt.datetime.combine(day, dt.time(), zone).timestamp())
    end = int(dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).timestamp())
    assert end - start == hours * HOUR_S
    asks = list(demand(replace(friday, demand=steady), helsinki).between(start, end))
    by_hour = {(ask.at - start) // HOUR_S for ask in asks}
    assert by_hour == set(range(hours))


def test_baskets_are_made_of_articles_of_the_catalogue(
    friday: Scenario, helsinki: City, five: int
) -> None:
    articles = {article.sku: article for article in friday.catalogue}
    for ask in demand(friday, helsinki).between(five, five + 600):
        assert 1 <= len(ask.lines) <= friday.baskets.lines_max
        assert len({line.sku for line in ask.lines}) == len(ask.lines)
        weight_g = sum(line.quantity * articles[line.sku].weight_g for line in ask.lines)
        assert ask.weight_g == weight_g


def test_more_people_behind_a_door_order_more(friday: Scenario, helsinki: City, five: int) -> None:
    people = dict(
        zip(
            zip(helsinki.doors.lon, helsinki.doors.lat, strict=True),
            helsinki.doors.people,
            strict=True,
        )
    )
    asks: list[Ask] = [
        ask
        for seed in range(10)
        for ask in demand(friday, helsinki, seed).between(five, five + HOUR_S)
    ]
    ordered = sum(people[ask.door.lon, ask.door.lat] for ask in asks) / len(asks)
    assert ordered > 1.2 * helsinki.doors.people.mean()
