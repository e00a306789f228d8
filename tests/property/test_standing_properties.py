"""A standing plan says of every order what `quote` says, whatever it was asked before."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from property.drawn_zone import NOW, SKUS, Town
from property.snapshots import snapshots

from dispatch.model import (
    DeliveryStatus,
    Order,
    OrderInPlay,
    OrderLine,
    OrderStatus,
    Policy,
    Promise,
    Refusal,
    Snapshot,
)
from dispatch.planning.quote import Offer, quote
from dispatch.planning.standing import Door, Standing, Ways
from geo.types import UNREACHABLE_S, LonLat

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


def _a_moment_later(snapshot: Snapshot, random: Random) -> Snapshot:
    """Have couriers be elsewhere, or seen later, and stores count their shelves."""
    tables = {mode: table.copy() for mode, table in snapshot.travel.duration_s.items()}
    goals = {one.place for one in (*snapshot.stores, *snapshot.orders)}
    couriers = list(snapshot.couriers)
    for index, courier in enumerate(couriers):
        if random.random() < 0.5 and courier.place not in goals:
            couriers[index] = replace(courier, available_at=courier.available_at + 30)
            for table in tables.values():
                table[courier.place] = table[random.randrange(len(snapshot.places))]
                table[courier.place, courier.place] = 0
                if random.random() < 0.5:
                    table[courier.place, random.randrange(len(snapshot.places))] = UNREACHABLE_S
    stores = tuple(
        replace(
            store,
            available={
                sku: max(0, free + random.choice([-2, -1, 0, 0, 1, 30]))
                for sku, free in store.available.items()
            },
        )
        if random.random() < 0.5
        else store
        for store in snapshot.stores
    )
    travel = replace(snapshot.travel, duration_s=tables)
    return replace(snapshot, couriers=tuple(couriers), stores=stores, travel=travel)


def _with_more_changed(snapshot: Snapshot, random: Random) -> Snapshot:
    """Now and then change what most of a plan hangs on."""
    tables = {mode: table.copy() for mode, table in snapshot.travel.duration_s.items()}
    for table in tables.values():
        table[random.randrange(len(table))] += 600
    first, *others = snapshot.couriers
    changes: list[dict[str, object]] = [
        {"travel": replace(snapshot.travel, duration_s=tables)},
        {"orders": snapshot.orders[1:]},
        {"now": snapshot.now + 300},
        {"policy": replace(snapshot.policy, late_cost=100 * snapshot.policy.late_cost)},
        {"couriers": (replace(first, shift_end=NOW), *others)},
        {"stores": tuple(replace(store, paused=not store.paused) for store in snapshot.stores)},
    ]
    return replace(snapshot, **random.choice([*changes, *({} for _ in changes)]))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(snapshots(most_orders=25).filter(lambda one: bool(one.couriers)), st.integers(0, 2**32))
def test_one_that_takes_over_what_did_not_change_answers_as_one_of_its_own(
    snapshot: Snapshot, seed: int
) -> None:
    random = Random(seed)  # noqa: S311
    standing = Standing(snapshot)
    for moment in range(3):
        for asked in candidates(snapshot, Random(seed + moment)):  # noqa: S311
            found = standing.quote(asked, door(snapshot, asked.place))
            assert found is None or found == quote(snapshot, asked)
        snapshot = _with_more_changed(_a_moment_later(snapshot, random), random)
        standing = Standing(snapshot, standing)


def test_little_is_posed_anew_where_couriers_moved_and_shelves_were_counted() -> None:
    town = Town(Random(5), stores=4, orders=12, couriers=5)  # noqa: S311
    snapshot = town.snapshot(Policy())
    before = Standing(snapshot)
    first, *others = snapshot.couriers
    seen = replace(first, available_at=first.available_at + 1)
    shelf = {sku: free + 1 for sku, free in snapshot.stores[0].available.items()}
    counted = replace(snapshot.stores[0], available=shelf)
    after = replace(
        snapshot, couriers=(seen, *others), stores=(counted, *snapshot.stores[1:]), seq=9
    )
    assert Standing(after, before).as_posed.entries is before.as_posed.entries
    later = replace(after, now=after.now + 1)
    assert Standing(later, before).as_posed.entries is not before.as_posed.entries
