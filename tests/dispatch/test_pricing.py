"""What a delivery costs: base, distance, tier and surge."""

from __future__ import annotations

import pytest

from dispatch.model import Fare, Policy
from dispatch.pricing import fare, surge_cents, tier_cents

POLICY = Policy(fare_base_cents=300, fare_km_cents=50, fare_15_cents=400, fare_30_cents=200)


def test_a_fare_is_the_sum_of_its_parts() -> None:
    # 1,001 m are two started kilometres.
    found = fare(POLICY, 1001, tier_cents=200, load=0.0)
    assert found == Fare(300, 100, 200, 0)
    assert found.total_cents == 600


def test_a_discount_never_makes_a_fare_negative() -> None:
    assert fare(POLICY, 1, tier_cents=-1000).total_cents == 0


@pytest.mark.parametrize(("minutes", "cents"), [(15, 400), (30, 200), (60, 0)])
def test_a_sooner_promise_costs_more(minutes: int, cents: int) -> None:
    assert tier_cents(POLICY, minutes) == cents


def test_a_window_without_a_price_is_none() -> None:
    with pytest.raises(KeyError):
        tier_cents(POLICY, 20)


@pytest.mark.parametrize(
    ("load", "cents"),
    # From 3 deliveries per courier on; each whole one more is a step of 50, 120 at most.
    [(0.0, 0), (2.9, 0), (3.0, 0), (3.9, 0), (4.0, 50), (5.0, 100), (5.9, 100), (6.0, 120)],
)
def test_a_surge_comes_in_steps_and_ends(load: float, cents: int) -> None:
    policy = Policy(surge_from_load=3.0, surge_step_cents=50, surge_max_cents=120)
    assert surge_cents(policy, load) == cents
