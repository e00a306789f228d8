"""Stock, shelves and articles: what a count changes, and what it may not."""

from __future__ import annotations

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.amounts import Amounts
from dispatch.errors import InvalidValueError, UnknownIdError
from dispatch.model import OrderLine, OrderStatus, Reason, Store
from dispatch.records import Article
from dispatch.state import StoreState

WEST = "sto_west"


def west(town: Town) -> StoreState:
    return town.engine.state.store(WEST)


def count(town: Town, **changes: int) -> list[e.Event]:
    now = town.clock.now()
    return town.give(c.CorrectStock(WEST, changes, "counted", "Maija", now))


# --- setting -----------------------------------------------------------------------------------


def test_only_what_a_file_changes_is_put_in_the_log() -> None:
    town = Town()
    found = town.give(c.SetStock(WEST, {"milk": 10, "bread": 4, "eggs": 0}))
    assert found == [e.StockSet(WEST, {"bread": 4, "eggs": 0})]
    assert west(town).on_hand == {"milk": 10, "bread": 4, "eggs": 0}
    assert town.restarted().state == town.engine.state


def test_a_count_that_changes_nothing_is_known_to_have_been_made() -> None:
    town = Town()
    assert town.give(c.SetStock(WEST, {"milk": 10})) == [e.StockSet(WEST, {})]


def test_a_file_that_replaces_leaves_nothing_of_what_it_does_not_name() -> None:
    town = Town()
    found = town.give(c.SetStock(WEST, {"milk": 3}, replaces=True))
    assert found == [e.StockSet(WEST, {"milk": 3, "bread": 0})]
    assert west(town).available("bread") == 0


def test_stock_below_nothing_is_refused_and_nothing_of_the_file_is_taken() -> None:
    town = Town()
    before = town.engine.state
    with pytest.raises(InvalidValueError, match=r"items\.eggs\.on_hand is -1; 0 is the least"):
        town.give(c.SetStock(WEST, {"milk": 3, "eggs": -1}))
    with pytest.raises(InvalidValueError, match=r"items\.eggs\.safety_stock"):
        town.give(c.SetStock(WEST, {"milk": 3}, safety_stock={"eggs": -1}))
    assert town.engine.state is before


def test_a_point_where_goods_wait_is_no_shop() -> None:
    town = Town()
    town.give(c.RegisterStore(Store("sto_point", "Bag", at(3, 0), is_point=True)))
    for command in (
        c.SetStock("sto_point", {"milk": 1}),
        c.SetShelves("sto_point", {"milk": "A1"}, {}),
        c.CorrectStock("sto_point", {"milk": 1}, "counted", "Maija", NOW),
        c.PauseStore("sto_point", "flood"),
        c.ResumeStore("sto_point"),
        c.RegisterStore(Store("sto_point", "Shop", at(3, 0))),
    ):
        with pytest.raises(UnknownIdError, match="no store sto_point"):
            town.give(command)


# --- what is kept back -------------------------------------------------------------------------


def test_what_a_store_keeps_back_is_never_promised() -> None:
    town = Town()
    town.give(c.SetStock(WEST, {"milk": 10, "bread": 10}, safety_stock={"bread": 0}))
    town.give(c.RegisterStore(Store(WEST, "West", at(0, 0), safety_stock=9)))
    assert (west(town).available("milk"), west(town).available("bread")) == (1, 10)
    # West has 1 left of each order's 2; East is farther and keeps nothing back.
    order_id = town.give(
        c.PlaceOrder(at(2, 0), "Corner", (OrderLine("milk", 2),), 500, town.clock.now())
    )[0].order.order_id  # type: ignore[union-attr]
    assert town.engine.state.order(order_id).store_id == "sto_east"


def test_shelves_are_told_once_and_kept() -> None:
    town = Town()
    told = town.give(c.SetShelves(WEST, {"milk": "A03-2"}, {"milk": 2}))
    assert told == [e.ShelvesSet(WEST, {"milk": "A03-2"}, {"milk": 2})]
    assert town.give(c.SetShelves(WEST, {"milk": "A03-2"}, {"milk": 2})) == []
    assert west(town).available("milk") == 8
    assert town.restarted().state == town.engine.state


# --- corrections -------------------------------------------------------------------------------


def test_a_correction_says_who_counted_and_why() -> None:
    town = Town()
    action, corrected = count(town, milk=-3, bread=2)
    assert isinstance(action, e.ActionTaken)
    assert (action.action.kind, action.action.owner) == ("CorrectStock", "Maija")
    assert corrected == e.StockCorrected(WEST, {"milk": -3, "bread": 2}, "counted", "Maija", NOW)
    assert west(town).on_hand == {"milk": 7, "bread": 12}


def test_nothing_is_taken_off_a_shelf_that_is_not_on_it() -> None:
    town = Town()
    before = town.engine.state
    with pytest.raises(InvalidValueError, match=r"changes\.milk takes 11 off .* where 10 are"):
        count(town, bread=-1, milk=-11)
    with pytest.raises(InvalidValueError, match=r"changes\.caviar takes 1 off .* where 0 are"):
        count(town, caviar=-1)
    assert town.engine.state is before


def test_goods_that_were_picked_were_there_whatever_had_been_counted() -> None:
    town = Town()
    town.give(c.SetStock("sto_east", {"milk": 0}))
    order_id = town.order(at(2, 0))
    count(town, milk=-10)
    town.picked(order_id)
    # 10 - 10 counted away; the picker found the one all the same: the shelf holds 0, not -1.
    assert west(town).on_hand["milk"] == 0
    assert "milk" not in west(town).reserved
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.now()))
    assert west(town).on_hand["milk"] == 1


# --- the catalogue -----------------------------------------------------------------------------


def test_articles_are_told_once_and_the_others_stay() -> None:
    town = Town()
    milk, wine = Article("milk", "Milk 1 l", 1030, 129), Article("wine", age_limit=18)
    assert town.give(c.SetCatalogue((milk, wine))) == [e.CatalogueSet((milk, wine))]
    dearer = Article("milk", "Milk 1 l", 1030, 135)
    assert town.give(c.SetCatalogue((dearer, wine))) == [e.CatalogueSet((dearer,))]
    assert town.give(c.SetCatalogue((wine,))) == []
    assert town.engine.state.catalogue == {"milk": dearer, "wine": wine}
    assert town.restarted().state == town.engine.state


def test_a_barcode_belongs_to_one_article() -> None:
    town = Town()
    town.give(c.SetCatalogue((Article("milk", barcode="6408430011667"),)))
    before = town.engine.state
    eggs = Article("eggs", barcode="6408430011667")
    with pytest.raises(InvalidValueError, match=r"articles\.1\.barcode .* is that of milk"):
        town.give(c.SetCatalogue((Article("bread"), eggs)))
    assert town.engine.state is before
    # Both in one file: the code moves from the one to the other.
    town.give(c.SetCatalogue((eggs, Article("milk"))))
    assert town.engine.state.catalogue["eggs"] == eggs


# --- many articles -----------------------------------------------------------------------------


def test_an_order_does_not_copy_the_stock_of_a_whole_store() -> None:
    town = Town()
    many = {f"sku-{number:05}": 5 for number in range(50_000)}
    town.give(c.SetStock(WEST, many))
    order_id = town.order(at(2, 0), "sku-00007", "sku-49999")
    shared = west(town).on_hand
    assert isinstance(shared, Amounts)
    town.picked(order_id)
    after = west(town).on_hand
    assert isinstance(after, Amounts)
    assert after._bulk is shared._bulk
    assert (after["sku-00007"], after["sku-49999"], after["sku-00008"]) == (4, 4, 5)
    assert len(after) == 50_002


def test_amounts_are_as_a_dict_however_they_came_about() -> None:
    plain = {f"sku-{number}": number for number in range(600)}
    amounts = Amounts.of(plain)
    for number in range(3000):
        change = {f"sku-{number * 7 % 900}": number}
        amounts, plain = amounts.set_to(change), {**plain, **change}
        assert len(amounts) == len(plain)
    assert amounts == plain
    assert plain == amounts
    assert sorted(amounts) == sorted(plain)
    assert dict(amounts.items()) == plain
    assert amounts.get("sku-1") == plain["sku-1"]
    assert amounts.get("none") is None
    assert amounts.get("none", 3) == 3
    assert "none" not in amounts
    with pytest.raises(KeyError):
        amounts["none"]


def test_an_order_that_no_store_has_all_of_is_refused_by_name() -> None:
    town = Town()
    asked = c.PlaceOrder(
        at(2, 0), "Corner", (OrderLine("milk", 11),), 500, town.clock.now(), may_split=False
    )
    refused = town.give(asked)[0]
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.NO_STOCK
    assert "milk" in refused.detail


def test_a_picked_order_has_left_the_shelf_and_the_reservation_alike() -> None:
    town = Town()
    order_id = town.order(at(2, 0))
    assert (west(town).on_hand["milk"], west(town).reserved["milk"]) == (10, 1)
    town.picked(order_id)
    assert (west(town).on_hand["milk"], west(town).reserved.get("milk", 0)) == (9, 0)
    assert town.engine.state.order(order_id).status is OrderStatus.READY
