"""A standing plan says of every order what `quote` says, whatever it was asked before."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from property.drawn_zone import NOW, SKUS
from property.snapshots import snapshots

from dispatch.model import (
    DeliveryStatus,
    Order,
    OrderInPlay,
    OrderLine,
    OrderStatus,
    Promise,
    Refusal,
    Snapshot,
)
from dispatch.planning.quote import Offer, quote
from dispatch.planning.standing import Door, Standing, Ways
from geo.types import LonLat

_ASKED = 4


def candidates(snapshot: Snapshot, random: Random) -> list[OrderInPlay]:
    """Draw orders that are asked for one after another, from doors and counters of the town."""
    return [_candidate(snapshot, random, number) for number in range(_ASKED)]


def _candidate(snapshot: Snapshot, random: Random, number: int) -> OrderInPlay:
    # Before, between and after the ids that are there: ties are settled by them.
    key = random.choice(["a", "ord_0", "ord_1", "ord_3", "zzz"]) + f"_{number}"
    skus = random.sample(SKUS, random.randint(1, len(SKUS)))
    order = Order(
        key,
        NOW - random.choice([0, 0, 0, 60, 3600]),
        LonLat(25.0, 60.0),
        "a door",
        tuple(OrderLine(sku, random.choice([1, 1, 2, 40])) for sku in skus),
        random.choice([800, 800, 15_000, 900_000]),
        60,
        volume_ml=random.choice([0, 8000]),
        chilled=random.random() < 0.3,
    )
    stores = [store.store_id for store in snapshot.stores]
    excluded = frozenset(random.sample(stores, random.randint(0, len(stores))))
    return OrderInPlay(
        order,
        random.randrange(len(snapshot.places)),
        Promise(NOW, NOW, NOW),
        OrderStatus.RECEIVED,
        DeliveryStatus.CREATED,
        excluded_stores=excluded if random.random() < 0.2 else frozenset(),
        declined_by=frozenset(one.courier_id for one in snapshot.couriers if random.random() < 0.1),
    )


def door(snapshot: Snapshot, place: int) -> Door:
    """Return a place of a snapshot as a door."""
    travel = snapshot.travel
    return Door(
        {
            mode: Ways(
                travel.duration_s[mode][:, place].copy(),
                travel.length_m[mode][:, place].copy(),
                travel.duration_s[mode][place].copy(),
                travel.length_m[mode][place].copy(),
            )
            for mode in travel.duration_s
        },
        frozenset(
            store.store_id
            for store in snapshot.stores
            if store.area is not None and place in store.area.serves
        ),
    )


def _agree(snapshot: Snapshot, seed: int) -> list[Offer | Refusal | None]:
    standing = Standing(snapshot)
    said: list[Offer | Refusal | None] = []
    for asked in candidates(snapshot, Random(seed)):  # noqa: S311
        found = standing.quote(asked, door(snapshot, asked.place))
        if found is not None:
            assert found == quote(snapshot, asked)
        said.append(found)
    # The first once more, after all the others.
    first = candidates(snapshot, Random(seed))[0]  # noqa: S311
    assert standing.quote(first, door(snapshot, first.place)) == said[0]
    return said


@settings(max_examples=400, deadline=None, derandomize=True)
@given(snapshots(most_orders=25).filter(lambda one: bool(one.couriers)), st.integers(0, 2**32))
def test_a_standing_plan_answers_as_a_quote_of_its_own(snapshot: Snapshot, seed: int) -> None:
    _agree(snapshot, seed)
