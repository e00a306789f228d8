from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy import stats

from dispatch.model import Fulfilment
from geo.city import City, load_city
from geo.types import LonLat
from simulations.rng import Streams
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import Scenario, Surge, Tier
from simulations.worlds.around import metres_from
from simulations.worlds.demand import Ask, Demand

HOUR_S = 3600


@pytest.fixture(scope="module")
def five(friday: Scenario) -> int:
    return friday.start("Europe/Helsinki")


def demand(scenario: Scenario, city: City, seed: int = 1) -> Demand:
    return Demand(scenario, city.doors, city.time_zone, Streams(seed))


@pytest.mark.parametrize("per_hour", [0.0, 1e-9])
def test_where_nobody_ever_orders_nobody_is_waited_for(
    friday: Scenario, helsinki: City, five: int, per_hour: float
) -> None:
    still = replace(friday, demand=replace(friday.demand, per_hour=(per_hour,) * 24))
    assert list(demand(still, helsinki).between(five)) == []


def test_after_a_quiet_while_people_are_waited_for_again(
    friday: Scenario, helsinki: City, five: int
) -> None:
    # From a Friday on, only Wednesdays have customers.
    seldom = replace(friday.demand, weekday_factor=(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0))
    first = next(demand(replace(friday, demand=seldom), helsinki).between(five))
    zone = ZoneInfo(helsinki.time_zone)
    assert dt.datetime.fromtimestamp(first.at, zone).date() == dt.date(2026, 11, 25)


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


# --- a Poisson process, thinned ------------------------------------------------------------------

QUIET = 90.0
"""Clicks an hour."""


@pytest.fixture(scope="module")
def steady(friday: Scenario) -> Scenario:
    """Return a scenario in which as many click in every hour of every day."""
    habits = replace(friday.demand, per_hour=(QUIET,) * 24, weekday_factor=(1.0,) * 7)
    return replace(friday, demand=habits)


def surge(scenario: Scenario, **how: Any) -> Scenario:
    """Return it with a surge from half past five to half past six."""
    begins = scenario.starts_at + dt.timedelta(minutes=30)
    one = Surge("x", begins, begins + dt.timedelta(hours=1), **how)
    return replace(scenario, surges=(*scenario.surges, one))


def asked(scenario: Scenario, city: City, five: int, hours: float = 2, seed: int = 1) -> list[Ask]:
    return list(demand(scenario, city, seed).between(five, five + int(hours * HOUR_S)))


def test_clicks_are_a_poisson_process(steady: Scenario, helsinki: City, five: int) -> None:
    asks = asked(steady, helsinki, five, hours=20)
    # Between the clicks of a Poisson process lie exponential gaps; seconds are whole, so that the
    # distance of the distributions may be a little more than that of exact ones.
    gaps_s = np.diff([ask.at for ask in asks])
    assert stats.kstest(gaps_s + 0.5, "expon", args=(0, HOUR_S / QUIET)).pvalue > 0.05
    # Counts of ten minutes have the variance of their mean, 15: index of dispersion 1.
    counts = np.bincount([(ask.at - five) // 600 for ask in asks], minlength=120)
    dispersion = counts.var(ddof=1) / counts.mean()
    # (n - 1) times it is chi-square with n - 1 degrees of freedom.
    low, high = stats.chi2.ppf([0.005, 0.995], 119) / 119
    assert low < dispersion < high


def test_the_hours_have_the_shape_asked_for(friday: Scenario, helsinki: City, five: int) -> None:
    midnight = five - 17 * HOUR_S
    seeds = 3
    counts = np.zeros(24)
    for seed in range(seeds):
        asks = asked(friday, helsinki, midnight, hours=24, seed=seed)
        counts += np.bincount([(ask.at - midnight) // HOUR_S for ask in asks], minlength=24)
    expected = seeds * np.array(friday.demand.per_hour)
    busy = expected > 0
    assert not counts[~busy].any()
    statistic = float((((counts - expected) ** 2)[busy] / expected[busy]).sum())
    assert statistic < stats.chi2.ppf(0.99, int(busy.sum()))
    # Were the evening one hour later, the same counts would not fit.
    later = np.roll(expected, 1)[busy]
    wrong = float((((counts[busy] - later) ** 2) / np.maximum(later, 1)).sum())
    assert wrong > stats.chi2.ppf(0.99, int(busy.sum()))


def test_with_more_demand_the_same_customers_come_and_others_besides(
    steady: Scenario, helsinki: City, five: int
) -> None:
    usual = asked(steady, helsinki, five)
    habits = replace(steady.demand, payday_days=(20,), payday_factor=1.5)
    payday = asked(replace(steady, demand=habits), helsinki, five)
    assert set(usual) < set(payday)
    assert abs(len(payday) - 1.5 * 2 * QUIET) < 4 * (3 * QUIET) ** 0.5
    calmer = replace(steady, demand=replace(steady.demand, per_hour=(QUIET / 2,) * 24))
    assert set(asked(calmer, helsinki, five)) < set(usual)


def test_a_surge_changes_nothing_before_it_begins_nor_after_it_ends(
    steady: Scenario, helsinki: City, five: int
) -> None:
    usual, rain = asked(steady, helsinki, five), asked(surge(steady, demand=3.0), helsinki, five)
    during = range(five + 1800, five + 5400)
    assert {ask for ask in usual if ask.at not in during} == {
        ask for ask in rain if ask.at not in during
    }
    within = [ask for ask in rain if ask.at in during]
    assert set(within) > {ask for ask in usual if ask.at in during}
    assert abs(len(within) - 3 * QUIET) < 4 * (3 * QUIET) ** 0.5


def test_surges_that_overlap_multiply_and_one_below_one_thins(
    steady: Scenario, helsinki: City, five: int
) -> None:
    mixed = surge(surge(steady, demand=4.0), demand=0.25)
    assert asked(mixed, helsinki, five) == asked(steady, helsinki, five)
    silence = asked(surge(steady, demand=0.0), helsinki, five)
    assert not [ask for ask in silence if five + 1800 <= ask.at < five + 5400]
    assert demand(mixed, helsinki).rate(five + 1800) == QUIET
    assert demand(surge(steady, demand=3.0), helsinki).rate(five + 1800) == 3 * QUIET


def test_a_surge_around_a_place_brings_people_there_and_nobody_elsewhere(
    steady: Scenario, helsinki: City, five: int
) -> None:
    square, radius_m = LonLat(24.9437, 60.1715), 400
    usual = asked(steady, helsinki, five)
    match = asked(surge(steady, demand=5.0, around=square, radius_m=radius_m), helsinki, five)
    assert set(usual) < set(match)
    more = set(match) - set(usual)
    doors = np.array([ask.door for ask in more])
    assert (metres_from(square, doors[:, 0], doors[:, 1]) <= radius_m).all()
    near = metres_from(square, helsinki.doors.lon, helsinki.doors.lat) <= radius_m
    share = helsinki.doors.people[near].sum() / helsinki.doors.people.sum()
    # Four times as many more as usually come from there in that hour.
    expected = 4 * QUIET * share
    assert abs(len(more) - expected) < 4 * expected**0.5


def test_a_surge_of_an_article_leaves_customers_and_the_rest_of_their_baskets(
    steady: Scenario, helsinki: City, five: int
) -> None:
    usual = {ask.external_id: ask for ask in asked(steady, helsinki, five)}
    thirsty = asked(surge(steady, popularity={"drinks": 6.0}), helsinki, five)
    assert [ask.external_id for ask in thirsty] == list(usual)
    drinks = {one.sku for one in steady.catalogue if one.group == "drinks"}

    def drunk(asks: Iterable[Ask]) -> int:
        return sum(line.sku in drinks for ask in asks for line in ask.lines)

    assert drunk(thirsty) > 2 * drunk(usual.values())
    for ask in thirsty:
        before = usual[ask.external_id]
        assert (ask.door, ask.at, len(ask.lines)) == (before.door, before.at, len(before.lines))
        kept = {line.sku: line.quantity for line in before.lines}
        for line in ask.lines:
            # What is still in the basket is there as often as before; only drinks came in.
            assert kept.get(line.sku, line.quantity) == line.quantity
            assert line.sku in kept or line.sku in drinks


def test_scenarios_of_a_family_meet_the_same_customers() -> None:
    tuesday, ill = load_scenario("helsinki-tuesday"), load_scenario("helsinki-half-ill")
    city = load_city("helsinki")
    start = tuesday.start(city.time_zone)
    assert asked(tuesday, city, start) == asked(ill, city, start)


def test_a_name_with_blanks_makes_ids_without(steady: Scenario, helsinki: City, five: int) -> None:
    asks = asked(replace(steady, family="Mein schöner Abend"), helsinki, five, hours=0.2)
    assert asks
    assert all(ask.external_id.startswith("Mein-sch-ner-Abend-1-") for ask in asks)


def test_tiers_ways_of_fetching_and_quotes_have_their_shares(
    steady: Scenario, helsinki: City, five: int
) -> None:
    habits = replace(
        steady.demand,
        tiers=(Tier("15m", 0.1), Tier("30m", 0.3), Tier("60m", 0.4), Tier(None, 0.2)),
        collection_share=0.25,
        curbside_share=0.15,
        quote_share=0.35,
    )
    asks = asked(replace(steady, demand=habits), helsinki, five, hours=12)
    count = len(asks)

    def assert_share(found: int, share: float) -> None:
        assert abs(found - count * share) < 4 * (count * share * (1 - share)) ** 0.5

    for tier in habits.tiers:
        assert_share(sum(ask.window_id == tier.window_id for ask in asks), tier.share)
    assert_share(sum(ask.fulfilment is Fulfilment.COLLECTION for ask in asks), 0.25)
    assert_share(sum(ask.fulfilment is Fulfilment.CURBSIDE for ask in asks), 0.15)
    assert_share(sum(ask.asks_first for ask in asks), 0.35)
    # Who collects is no other person: door and basket are those of a delivery.
    plain = asked(steady, helsinki, five, hours=12)
    assert [(a.door, a.lines) for a in plain] == [(a.door, a.lines) for a in asks]
