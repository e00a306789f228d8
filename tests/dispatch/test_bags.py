"""What goes into a bag: weight, volume and chilled bags at once, from the basket to the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ordering import amended, asked, order_of, placed, windows
from street import NOW, Street
from town import Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.bags import ROOM, Load, load_of, room_of
from dispatch.errors import InvalidValueError
from dispatch.goods import Goods
from dispatch.model import Courier, Mode, OrderLine, Reason
from dispatch.planning.plan import plan
from dispatch.records import Article

MILK, BREAD = OrderLine("milk", 2), OrderLine("bread", 3)
CATALOGUE = {
    "milk": Article("milk", "Milk", weight_g=1000, chilled=True, volume_ml=1100),
    "bread": Article("bread", "Bread", weight_g=500, volume_ml=2000),
}


def test_a_basket_takes_the_room_that_shop_or_catalogue_say() -> None:
    lines = (MILK, BREAD)
    assert Goods(lines, (), CATALOGUE).volume_ml(None) == 2 * 1100 + 3 * 2000
    said = (c.LineFacts(), c.LineFacts(volume_ml=100))
    assert Goods(lines, said, CATALOGUE).volume_ml(None) == 2 * 1100 + 3 * 100
    assert Goods(lines, said, CATALOGUE).volume_ml(7) == 7
    # What nobody knows takes no room, and is no reason to refuse anything.
    assert Goods((MILK, OrderLine("kite", 1)), (), CATALOGUE).volume_ml(None) == 2200


def test_parts_of_an_order_share_weight_and_volume_by_their_lines() -> None:
    whole = Goods((MILK, BREAD), (), CATALOGUE)
    parts = [whole.taken((MILK,)), whole.taken((BREAD,))]
    # 2000 g of 3500, 2200 ml of 8200.
    assert whole.weights_of(parts, 7000) == [4000, 3000]
    assert whole.volumes_of(parts, 4100) == [1100, 3000]
    # Of one nothing is known, so by pieces: grams and pieces have no common measure.
    odd = Goods((MILK, OrderLine("kite", 3)), (), CATALOGUE)
    assert odd.weights_of([odd.taken((MILK,)), odd.taken((OrderLine("kite", 3),))], 1000) == [
        400,
        600,
    ]


def test_an_order_carries_its_volume_and_an_amendment_changes_it() -> None:
    town = Town()
    town.give(c.SetCatalogue(tuple(CATALOGUE.values())))
    order = order_of(town, lines=(MILK,), weight_g=None).order
    assert (order.weight_g, order.volume_ml, order.chilled) == (2000, 2200, True)
    (changed,) = (
        event
        for event in amended(town, order.order_id, volume_ml=9000)
        if isinstance(event, e.OrderAmended)
    )
    assert (changed.order.volume_ml, changed.changed) == (9000, ("volume_ml",))
    with pytest.raises(Exception, match="it takes 900000 ml"):
        amended(town, order.order_id, volume_ml=900_000)


def test_an_order_that_is_larger_than_quoted_is_promised_anew() -> None:
    town = Town()
    asked = {"door": at(5, 0), "address": "Corner", "lines": (MILK,), "weight_g": 2000}
    quote = town.engine.quote(c.RequestQuote(**asked, volume_ml=4000))
    assert quote.volume_ml == 4000
    order = order_of(town, lines=(MILK,), weight_g=2000, volume_ml=4001, quote_id=quote.quote_id)
    assert order.cited is not None
    assert (order.cited.held, order.cited.reason) == (False, "it was quoted for a smaller parcel")


@pytest.mark.parametrize(
    ("order", "bag", "reason", "detail"),
    [
        ({"volume_ml": 100_001}, {}, Reason.TOO_LARGE, "room for more than 100000 ml"),
        (
            {"facts": (c.LineFacts(chilled=True),)},
            {"chilled_bags": 0},
            Reason.NO_CHILLED_BAG,
            "no courier it may go to with room for it has a chilled bag",
        ),
        (
            {"weight_g": 9_000, "volume_ml": 9_000},
            {"capacity_ml": 8_000},
            Reason.TOO_LARGE,
            "it takes 9000 ml and no courier it may go to has room for more than 8000 ml",
        ),
    ],
)
def test_what_fits_into_no_bag_is_refused_at_the_quote_and_as_an_order(
    order: dict[str, object], bag: dict[str, object], reason: Reason, detail: str
) -> None:
    town = Town()
    for who in ("cou_anna", "cou_ben"):
        town.give(c.RegisterCourier(Courier(who, who, Mode.BIKE, at(1, 0), **bag)))  # type: ignore[arg-type]
    refused = placed(town, **order)[0]
    assert isinstance(refused, e.OrderRefused)
    assert (refused.reason, detail in refused.detail) == (reason, True)
    asked = {"door": at(5, 0), "address": "Corner", "lines": (OrderLine("milk", 1),)}
    with pytest.raises(Exception, match=detail):
        town.engine.quote(c.RequestQuote(**{**asked, "weight_g": 1000, **order}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"volume_ml": 5_001}, Reason.TOO_LARGE),
        ({"facts": (c.LineFacts(chilled=True),)}, Reason.NO_CHILLED_BAG),
    ],
)
def test_a_later_slot_is_only_for_what_goes_into_the_bags_that_are_on_the_way_then(
    order: dict[str, object], reason: Reason
) -> None:
    town = Town()
    small = Courier("cou_anna", "anna", Mode.BIKE, at(1, 0), capacity_ml=5_000, chilled_bags=0)
    town.give(c.RegisterCourier(small))
    # Ben, who has the room, goes home as the first slot begins.
    town.give(c.EndShift("cou_ben", NOW))
    town.give(c.StartShift("cou_ben", NOW, NOW + 3600))
    quote = town.engine.quote(replace(asked(town), **order))
    found = windows(quote)
    assert isinstance(found["60m"], int)
    assert found[f"slot-{NOW + 3600}"] is reason
    plain = windows(town.engine.quote(asked(town)))
    assert isinstance(plain[f"slot-{NOW + 3600}"], int)


def test_an_order_that_two_couriers_could_each_carry_half_of_says_which_half() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, weight_g=9000, volume_ml=9000)
    street.courier("strong", at=500, capacity_g=20_000, capacity_ml=5_000)
    street.courier("roomy", at=500, capacity_g=5_000, capacity_ml=20_000)
    (left,) = plan(street.snapshot()).unassigned
    assert left.reason is Reason.TOO_LARGE
    assert left.detail == (
        "it takes 9000 ml and no courier it may go to who carries its 9000 g has room for more "
        "than 5000 ml"
    )


def test_nobody_is_told_to_fetch_what_does_not_go_into_the_bag_any_more() -> None:
    town = Town()
    town.give(c.EndShift("cou_ben", town.clock.time))
    small = Courier("cou_anna", "anna", Mode.BIKE, at(1, 0), capacity_ml=5_000, chilled_bags=1)
    town.give(c.RegisterCourier(small))
    for key in ("a", "b"):
        order = order_of(town, volume_ml=3_000, external_id=key)
        town.picked(order.order.order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    for _ in range(3):
        (who,) = (one for one in town.engine.state.couriers.values() if one.on_board)
        load = load_of(town.engine.state.order(key).order for key in who.on_board)
        assert load.fits(room_of(who.courier))
        courier_id, stop_id = town.wait_for_commitment()
        town.do(courier_id, stop_id)
        if not town.engine.state.courier(courier_id).on_board:
            break


def test_a_lock_names_what_the_bag_is_too_small_for() -> None:
    town = Town()
    small = Courier("cou_anna", "anna", Mode.BIKE, at(1, 0), capacity_ml=500)
    town.give(c.RegisterCourier(small))
    order = order_of(town, volume_ml=3_000)
    with pytest.raises(InvalidValueError, match="carries 500 ml at most, not 3000"):
        town.give(
            c.LockOrder(order.order.order_id, "cou_anna", "ops", "asked", town.clock.time + 600)
        )


def test_every_mode_has_a_bag_and_more_wheels_carry_more() -> None:
    assert set(ROOM) == set(Mode)
    assert (
        Load(1, 2, 3, 0).too_much_for(Load(1, 1, 2, 0))
        == "1 ml at most, not 2 and 2 parcels at most, not 3"
    )
    sizes = [ROOM[mode] for mode in (Mode.WALK, Mode.BIKE, Mode.SCOOTER, Mode.CARGO_BIKE, Mode.CAR)]
    assert sizes == sorted(sizes)
