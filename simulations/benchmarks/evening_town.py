"""The evening that speed is measured on: La Serena, all its stores, as many orders as asked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from dispatch.model import Policy
from geo.city import City, load_city
from geo.types import Mode
from simulations.rng import Streams
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import (
    CourierSettings,
    DemandSettings,
    PlanningSettings,
    Scenario,
    StoreSettings,
)
from simulations.worlds.demand import Demand

CITY: Final = "la-serena"
BASIS: Final = "helsinki-friday"
"""Whose catalogue, baskets, customers, picks and ways the evening has."""

REPLAN_EVERY_S: Final = 15
_OPENING_HOURS: Final = "Mo-Su 09:00-23:00"
"""The sites in the city's data are provisional; those that close at nine would end the evening."""

_STARTS_AT: Final = dt.datetime(2026, 11, 20, 17)  # noqa: DTZ001 - local time of the city
_SHIFT: Final = (15 * 3600, 26 * 3600)
_HOURS: Final = 24
_WEEKDAYS: Final = 7
_SCOOTER_EVERY: Final = 3
_PICKERS: Final = 4


@dataclass(frozen=True, slots=True)
class Setting:
    """An evening to be run.

    Attributes
    ----------
    ends_at
        Nobody clicks from then on: by then `orders` were clicked.
    clicks
        When, UTC epoch seconds, ascending.
    """

    scenario: Scenario
    city: City
    policy: Policy
    orders: int
    couriers: int
    starts_at: int
    ends_at: int
    clicks: tuple[int, ...]


def evening(orders: int, couriers: int, per_hour: float, seed: int) -> Setting:
    """Return an evening that ends when so many orders have been clicked.

    Two in three couriers have a car, the others a scooter.  Everything else is as on a Friday in
    Helsinki; customers click where people live.

    Raises
    ------
    GeoError, ScenarioError
        A file of the city or of the scenario cannot be used.
    """
    scenario = scenario_of(couriers, per_hour)
    city = load_city(CITY)
    city = replace(
        city, stores=tuple(replace(shop, opening_hours=_OPENING_HOURS) for shop in city.stores)
    )
    starts_at = scenario.start(city.time_zone)
    coming = Demand(scenario, city.doors, city.time_zone, Streams(seed)).between(starts_at)
    clicks = tuple(ask.at for ask in islice(coming, orders + 1))
    policy = replace(Policy(), replan_every_s=REPLAN_EVERY_S)
    return Setting(scenario, city, policy, orders, couriers, starts_at, clicks[-1], clicks[:-1])


def scenario_of(couriers: int, per_hour: float) -> Scenario:
    """Return the scenario of such an evening; it goes on day and night."""
    basis = load_scenario(BASIS)
    return replace(
        basis,
        name="evening",
        title="An evening in La Serena",
        city=CITY,
        starts_at=_STARTS_AT,
        demand=DemandSettings(per_hour=(per_hour,) * _HOURS, weekday_factor=(1.0,) * _WEEKDAYS),
        stores={
            "supermarket": StoreSettings(
                pickers=(_PICKERS,) * _HOURS,
                pick_base_s=120,
                pick_line_s=25,
                reach_s=1200,
                assortment=0.95,
                stock_mean=400.0,
                sold_out_share=0.02,
            )
        },
        couriers=tuple(_courier(number) for number in range(couriers)),
        planning=PlanningSettings(pause_s=REPLAN_EVERY_S),
    )


def _courier(number: int) -> CourierSettings:
    by_car = number % _SCOOTER_EVERY > 0
    return CourierSettings(
        courier_id=f"cou_{number:04d}",
        name=f"Courier {number}",
        mode=Mode.CAR if by_car else Mode.SCOOTER,
        shift=_SHIFT,
        capacity_g=120_000 if by_car else 20_000,
        capacity_parcels=8 if by_car else 3,
    )
