"""Scans of parcels and articles: what follows from each, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_picking_rules import BEER_GTIN, picking, short, taken, town
from town import NOW, Town

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import (
    ConflictError,
    InvalidValueError,
    UnknownIdError,
    WrongArticleError,
    WrongParcelError,
    WrongStateError,
)
from dispatch.model import Policy
from dispatch.records import ScanStep
from dispatch.rules import RULES
from dispatch.rules.custody import same_barcode


def scan(made: Town, order_id: str, step: ScanStep, by: str, **more: str) -> list[e.Event]:
    parcel_id = made.engine.state.order(order_id).parcel_id
    command = c.ScanParcel(parcel_id, step, by, made.clock.now(), **more)
    return made.give(command)


def with_courier(made: Town, order_id: str) -> str:
    """Have an order picked and told to a courier; returns the courier."""
    made.give(c.CompletePick(order_id, made.clock.now()))
    return made.wait_for_commitment()[0]


def test_a_parcel_goes_from_hand_to_hand_to_the_door() -> None:
    made = town()
    order_id = picking(made, milk=1)
    scan(made, order_id, ScanStep.PICK, "emp_7")
    scan(made, order_id, ScanStep.PACK, "emp_8")
    courier_id = with_courier(made, order_id)
    scan(made, order_id, ScanStep.HANDOVER, courier_id)
    commitment = made.engine.state.courier(courier_id).commitment
    assert commitment is not None
    made.do(courier_id, commitment.stop.stop_id)
    made.wait_for_commitment()
    scan(made, order_id, ScanStep.DOOR, courier_id)
    order = made.engine.state.order(order_id)
    assert [(known.step.value, known.by) for known in order.scans] == [
        ("pick", "emp_7"),
        ("pack", "emp_8"),
        ("handover", courier_id),
        ("door", courier_id),
    ]
    times = [known.occurred_at for known in order.scans]
    assert times == sorted(times)


def test_a_second_scan_by_the_same_hand_is_nothing_new_and_by_another_a_conflict() -> None:
    made = town()
    order_id = picking(made, milk=1)
    assert len(scan(made, order_id, ScanStep.PICK, "emp_7")) == 1
    assert scan(made, order_id, ScanStep.PICK, "emp_7") == []
    with pytest.raises(ConflictError, match="scanned at pick by emp_7 already"):
        scan(made, order_id, ScanStep.PICK, "emp_8")


def test_a_step_may_be_forgotten_but_not_made_up_for() -> None:
    made = town()
    order_id = picking(made, milk=1)
    scan(made, order_id, ScanStep.PACK, "emp_7")
    with pytest.raises(WrongStateError) as caught:
        scan(made, order_id, ScanStep.PICK, "emp_7")
    assert (caught.value.state, caught.value.allowed) == ("pack", ("handover", "door"))


def test_only_the_courier_who_has_a_parcel_scans_it() -> None:
    made = town()
    order_id = picking(made, milk=1)
    with pytest.raises(ConflictError, match="with nobody yet"):
        scan(made, order_id, ScanStep.HANDOVER, "cou_anna")
    courier_id = with_courier(made, order_id)
    other = "cou_ben" if courier_id == "cou_anna" else "cou_anna"
    with pytest.raises(ConflictError, match=f"is with {courier_id}, not {other}"):
        scan(made, order_id, ScanStep.HANDOVER, other)
    with pytest.raises(UnknownIdError):
        scan(made, order_id, ScanStep.HANDOVER, "cou_nobody")


def test_a_parcel_at_the_wrong_door_is_refused_with_the_one_that_belongs_there() -> None:
    made = Town(Policy(departure_lead_s=3600))
    first, second = taken(made, milk=1), taken(made, milk=1)
    for order_id in (first, second):
        made.picked(order_id)
    made.give(c.EndShift("cou_ben", NOW))
    seen: set[str] = set()
    while len(made.engine.state.courier("cou_anna").on_board) < 2:
        _, stop_id = made.wait_for_commitment()
        assert stop_id not in seen
        seen.add(stop_id)
        made.do("cou_anna", stop_id)
    made.wait_for_commitment()
    commitment = made.engine.state.courier("cou_anna").commitment
    assert commitment is not None
    meant = commitment.stop.order_id
    wrong = second if meant == first else first
    before = made.engine.state
    for more in ({}, {"stop_id": commitment.stop.stop_id}):
        with pytest.raises(WrongParcelError) as caught:
            scan(made, wrong, ScanStep.DOOR, "cou_anna", **more)
        assert caught.value.expected == before.order(meant).parcel_id
    assert made.engine.state is before
    assert len(scan(made, meant, ScanStep.DOOR, "cou_anna")) == 1
    with pytest.raises(UnknownIdError, match="no dropoff stop stp_x_d"):
        scan(made, wrong, ScanStep.DOOR, "cou_anna", stop_id="stp_x_d")


def test_nobody_scans_what_is_not_there() -> None:
    made = town()
    order_id = taken(made, milk=1)
    with pytest.raises(WrongStateError) as caught:
        scan(made, order_id, ScanStep.PICK, "emp_7")
    assert caught.value.allowed == ("picking",)
    with pytest.raises(UnknownIdError, match="there is no parcel"):
        made.give(c.ScanParcel("pcl_none", ScanStep.PICK, "emp_7", NOW))
    with pytest.raises(UnknownIdError, match="there is no parcel"):
        made.give(c.ScanParcel(order_id, ScanStep.PICK, "emp_7", NOW))
    made.give(c.CancelOrder(order_id, "over", NOW))
    with pytest.raises(WrongStateError) as caught:
        scan(made, order_id, ScanStep.PICK, "emp_7")
    assert caught.value.state == "cancelled"


def item(order_id: str, barcode: str, **more: str) -> c.ScanItem:
    return c.ScanItem(order_id, barcode, NOW, **more)


def test_an_article_is_known_by_its_barcode_with_or_without_leading_zeros() -> None:
    made = town()
    order_id = picking(made, beer=2, milk=1)
    made.give(item(order_id, BEER_GTIN, batch="L42"))
    (picked,) = made.give(item(order_id, f"0{BEER_GTIN}", batch="L43", best_before="2025-11-20"))
    assert isinstance(picked, e.ItemPicked)
    assert picked.scan.sku == "beer"
    scans = made.engine.state.order(order_id).items
    assert [known.batch for known in scans] == ["L42", "L43"]
    assert same_barcode("00123", "123")
    assert not same_barcode("", "")
    assert not same_barcode("00", "")
    assert not same_barcode("0012A", "12A")


@pytest.mark.parametrize(
    ("barcode", "sentence"),
    [
        ("6411200000025", r"is bread \(Rye bread\), which order .* does not have"),
        ("4006381333931", "the catalogue has no article with the barcode"),
    ],
)
def test_an_article_of_another_order_is_refused(barcode: str, sentence: str) -> None:
    made = town()
    order_id = picking(made, milk=1)
    before = made.engine.state
    with pytest.raises(WrongArticleError, match=sentence):
        made.give(item(order_id, barcode))
    assert made.engine.state is before


def test_no_more_is_scanned_than_was_ordered() -> None:
    made = town()
    order_id = picking(made, milk=1)
    made.give(item(order_id, "6408430000012"))
    with pytest.raises(WrongArticleError, match="has 1 of milk, and all are scanned"):
        made.give(item(order_id, "6408430000012"))


def test_an_accepted_substitute_may_be_scanned() -> None:
    made = town()
    order_id = picking(made, milk=1, bread=1)
    oat = item(order_id, "7394376616038")
    made.give(short(order_id, "milk", 1, oat=1))
    with pytest.raises(WrongArticleError):
        made.give(oat)
    made.give(c.AnswerSubstitution(order_id, "milk", True, NOW))
    assert len(made.give(oat)) == 1


@pytest.mark.parametrize("best_before", ["2025-11-19", "soon", "2025-02-30"])
def test_what_is_past_its_day_stays_out(best_before: str) -> None:
    made = town()
    order_id = picking(made, milk=1)
    with pytest.raises(InvalidValueError) as caught:
        made.give(item(order_id, "6408430000012", best_before=best_before))
    assert caught.value.field == "best_before"


def test_the_day_is_the_city_s_own() -> None:
    made = town()
    order_id = picking(made, milk=1)
    made.clock.time = NOW + 7 * 3600 + 600  # 22:10 UTC is ten past midnight in Helsinki
    with pytest.raises(InvalidValueError, match="today is 2025-11-21"):
        made.give(item(order_id, "6408430000012", best_before="2025-11-20"))


def test_a_courier_who_takes_a_bag_over_begins_the_chain_anew() -> None:
    made = town()
    order_id = picking(made, milk=1)
    first = with_courier(made, order_id)
    scan(made, order_id, ScanStep.HANDOVER, first)
    scan(made, order_id, ScanStep.DOOR, first)
    state = made.engine.state
    order = state.order(order_id)
    second = "cou_ben" if first == "cou_anna" else "cou_anna"
    # As after a breakdown: the goods are with somebody else now.
    taken_over = replace(state, orders={order_id: replace(order, courier_id=second)})
    scans = [
        c.ScanParcel(order.parcel_id, step, second, made.clock.now())
        for step in (ScanStep.HANDOVER, ScanStep.DOOR)
    ]
    context = made.engine._context()
    for command in scans:
        (event,) = RULES[c.ScanParcel](taken_over, command, context)
        assert isinstance(event, e.ParcelScanned)
        assert (event.scan.step, event.scan.by) == (command.step, second)
    with pytest.raises(WrongStateError, match="is door and cannot become pack"):
        scan(made, order_id, ScanStep.PACK, "emp_7")
