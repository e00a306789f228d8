"""Positions come late and in any order: where a courier is, and was, does not depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from town import NOW, Town, at

from api.positions import Reported, take_positions
from api.storage import tables
from api.storage.ledger import Ledger
from api.storage.records import Batch, Position

COURIERS = ("cou_anna", "cou_ben")

reports = st.lists(
    st.builds(
        lambda who, x, y, age: Reported(who, at(x, y), NOW - age),
        st.sampled_from(COURIERS),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 6),
    ),
    min_size=1,
    max_size=12,
)
zones = count(1)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger(tmp_path_factory.mktemp("tracks") / "ledger.db") as made:
        yield made


def told(batches: Sequence[Sequence[Reported]]) -> tuple[Town, list[Position]]:
    """Tell a new town positions, batch by batch; returns it and what is to be kept."""
    town, kept = Town(), []
    for batch in batches:
        taken = take_positions(town.engine, batch, NOW, kept.append)
        assert (taken["accepted"], taken["ignored"]) == (len(batch), [])
    return town, kept


def track(kept: Sequence[Position]) -> set[tuple[str, float, float, int]]:
    return {(one.courier_id, *one.place, one.at) for one in kept}


@given(batch=reports, data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_order_of_a_batch_changes_nothing(batch: list[Reported], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(batch))
    town, kept = told([batch])
    other, kept_too = told([shuffled])
    assert town.engine.positions == other.engine.positions
    assert kept == kept_too


@given(batch=reports, data=st.data())
@settings(max_examples=40, deadline=None)
def test_nor_does_it_when_they_come_one_by_one(batch: list[Reported], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(batch))
    town, kept = told([batch])
    other, kept_too = told([[one] for one in shuffled])
    assert town.engine.positions == other.engine.positions
    assert track(kept) == track(kept_too)
    assert track(kept) == {(one.courier_id, *one.place, one.at) for one in batch}
    for courier_id, seen in town.engine.positions.items():
        own = [one for one in batch if one.courier_id == courier_id]
        assert (seen.at, seen.place) == max((one.at, one.place) for one in own)


@given(batch=reports, data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_ledger_keeps_the_latest_place_and_the_whole_track(
    ledger: Ledger, batch: list[Reported], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(batch)))
    town, kept = told([part for part in (batch[:cut], batch[cut:]) if part])
    zone = f"zone-{next(zones)}"
    ledger.submit(Batch(zone, positions=kept)).result(timeout=10)
    latest = {one.courier_id: (one.place, one.at) for one in ledger.positions(zone)}
    assert latest == {
        courier_id: (seen.place, seen.at) for courier_id, seen in town.engine.positions.items()
    }
    t = tables.tracks
    with ledger._engine.connect() as connection:
        rows = connection.execute(
            select(t.c.courier_id, t.c.lng, t.c.lat, t.c.at).where(t.c.zone == zone)
        )
        assert {tuple(row) for row in rows} == track(kept)


def test_late_ones_are_counted_and_what_cannot_be_is_named_by_its_place() -> None:
    town, kept = told([[Reported("cou_anna", at(3, 0), NOW)]])
    sent = [
        Reported("cou_anna", at(2, 0), NOW - 60),
        Reported("cou_anna", at(4, 0), NOW + 3600),
        Reported("cou_none", at(4, 0), NOW),
        Reported("cou_ben", at(90, 0), NOW),
        Reported("cou_ben", at(18, 0), NOW - 60),
    ]
    taken = take_positions(town.engine, sent, NOW, kept.append)
    assert (taken["accepted"], taken["late"]) == (2, 1)
    assert [(row["pointer"], row["reason"]) for row in taken["ignored"]] == [
        ("/positions/1/at", "time_in_future"),
        ("/positions/2/courier_id", "unknown_id"),
        ("/positions/3/location", "too_far_from_road"),
    ]
    assert town.engine.positions["cou_anna"].place == at(3, 0)
    assert [(one.courier_id, one.at, one.late) for one in kept[1:]] == [
        ("cou_anna", NOW - 60, True),
        ("cou_ben", NOW - 60, False),
    ]
