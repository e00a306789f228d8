"""Orders that an outside company carries: never backwards, and ours again when it gives up."""

from __future__ import annotations

import itertools

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch.errors import ConflictError, InvalidValueError, UnknownIdError, WrongStateError
from dispatch.model import DeliveryStatus, OrderStatus
from dispatch.rules.carriage import STATUSES
from dispatch.state import OrderState

WAY = (
    "assigned",
    "enroute_to_pickup",
    "arrived_at_pickup",
    "picked_up",
    "enroute_to_dropoff",
    "arrived_at_dropoff",
    "delivered",
)


def booked(town: Town) -> str:
    order_id = town.order(at(3, 0))
    town.picked(order_id)
    town.give(c.BookCarriage(order_id, "swift", "J1", 700, NOW + 900, "ops:maria", "no courier"))
    return order_id


def said(town: Town, order_id: str, status: str, eta: int | None = None, after_s: int = 0) -> int:
    now = town.clock.now() + after_s
    return len(town.give(c.ReportCarriage(order_id, "swift", "J1", status, now, "", eta)))


def state(town: Town, order_id: str) -> OrderState:
    return town.engine.state.order(order_id)


def test_a_booked_order_is_not_for_our_couriers() -> None:
    town = Town()
    order_id = booked(town)
    order = state(town, order_id)
    assert (order.delivery, order.eta) == (DeliveryStatus.ASSIGNED, NOW + 900)
    for _ in range(20):
        town.engine.replan()
        town.clock.time += 30
    assert all(who.commitment is None for who in town.engine.state.couriers.values())
    action = next(iter(town.engine.state.actions.values()))
    assert (action.kind, action.owner, action.reason) == ("BookCarriage", "ops:maria", "no courier")


def test_a_company_brings_it_step_by_step() -> None:
    town = Town()
    order_id = booked(town)
    for status in WAY:
        assert said(town, order_id, status) == 1
        assert state(town, order_id).delivery.value == status
        assert said(town, order_id, status) == 0
    order = state(town, order_id)
    assert (order.status, order.is_closed, order.on_board) == (OrderStatus.COLLECTED, True, False)


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(WAY, 2)))
def test_news_out_of_order_never_goes_backwards(first: str, second: str) -> None:
    town = Town()
    order_id = booked(town)
    said(town, order_id, first)
    said(town, order_id, second)
    assert state(town, order_id).delivery.value == max(first, second, key=WAY.index)
    assert town.restarted().state == town.engine.state


def test_what_is_left_out_is_made_up_for() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    town.give(c.BookCarriage(order_id, "swift", "J1", 700, None, "ops:maria", "no courier"))
    said(town, order_id, "delivered")
    names = [name for _, name in state(town, order_id).timeline]
    assert names[-4:] == ["PickStarted", "PickCompleted", "CarriageReported", "CarriageReported"]
    shelf = [store.on_hand["milk"] for store in town.engine.state.stores.values()]
    assert sorted(shelf) == [9, 10]


def test_another_forecast_is_news_and_an_older_one_is_not() -> None:
    town = Town()
    order_id = booked(town)
    said(town, order_id, "enroute_to_pickup", NOW + 1000)
    assert state(town, order_id).eta == NOW + 1000
    assert said(town, order_id, "enroute_to_pickup", NOW + 1200, after_s=60) == 1
    assert said(town, order_id, "enroute_to_pickup", NOW + 1000, after_s=30) == 0
    assert said(town, order_id, "assigned", NOW + 5000, after_s=90) == 0
    assert state(town, order_id).eta == NOW + 1200


@pytest.mark.parametrize("status", ["cancelled", "failed", "returned"])
def test_what_they_give_up_before_the_pickup_is_ours_again(status: str) -> None:
    town = Town()
    order_id = booked(town)
    said(town, order_id, "enroute_to_pickup")
    said(town, order_id, status)
    order = state(town, order_id)
    assert (order.delivery, order.is_carried_outside) == (DeliveryStatus.CONFIRMED, False)
    who, stop_id = town.wait_for_commitment()
    town.do(who, stop_id)
    assert town.engine.state.courier(who).on_board == (order_id,)
    # What they say of it now is nobody's news.
    assert said(town, order_id, "delivered") == 0


def test_goods_they_cannot_deliver_come_back() -> None:
    town = Town()
    order_id = booked(town)
    said(town, order_id, "arrived_at_dropoff")
    said(town, order_id, "failed")
    assert state(town, order_id).returning
    said(town, order_id, "returned")
    order = state(town, order_id)
    assert (order.delivery, order.is_closed) == (DeliveryStatus.RETURNED, True)
    assert {store.on_hand["milk"] for store in town.engine.state.stores.values()} == {10}


def test_whoever_gives_up_with_the_goods_in_hand_brings_them_back() -> None:
    town = Town()
    order_id = booked(town)
    said(town, order_id, "picked_up")
    said(town, order_id, "cancelled")
    assert state(town, order_id).delivery is DeliveryStatus.RETURNING
    said(town, order_id, "delivered")
    assert state(town, order_id).delivery is DeliveryStatus.DELIVERED


def test_an_order_taken_back_is_planned_for_our_couriers() -> None:
    town = Town()
    order_id = booked(town)
    town.give(c.EndCarriage(order_id, "a courier is free", NOW, "ops:maria"))
    assert state(town, order_id).delivery is DeliveryStatus.CONFIRMED
    assert town.wait_for_commitment()[1].endswith("_p")
    with pytest.raises(WrongStateError):
        town.give(c.EndCarriage(order_id, "again", NOW, "ops:maria"))


def test_what_they_have_in_hand_cannot_be_taken_back() -> None:
    town = Town()
    order_id = booked(town)
    said(town, order_id, "picked_up")
    with pytest.raises(WrongStateError):
        town.give(c.EndCarriage(order_id, "changed my mind", NOW, "ops:maria"))


def test_only_an_order_nobody_has_is_given_away() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    town.picked(order_id)
    who, stop_id = town.wait_for_commitment()
    book = c.BookCarriage(order_id, "swift", "J1", 700, None, "ops:maria", "late")
    for _ in range(2):
        with pytest.raises(WrongStateError) as refused:
            town.give(book)
        assert refused.value.allowed == ("confirmed",)
        town.do(who, stop_id)
    town.wait_for_commitment()
    town.do(who, f"{stop_id[:-1]}d")
    with pytest.raises(WrongStateError):
        town.give(book)
    held = town.order(at(3, 0))
    town.give(c.HoldOrder(held, "ops:maria", "asked to wait"))
    with pytest.raises(ConflictError):
        town.give(c.BookCarriage(held, "swift", "J2", 700, None, "ops:maria", "late"))


def test_a_strange_status_or_reference_is_refused() -> None:
    town = Town()
    order_id = booked(town)
    with pytest.raises(InvalidValueError):
        said(town, order_id, "eaten")
    with pytest.raises(UnknownIdError):
        town.give(c.ReportCarriage(order_id, "swift", "J2", "delivered", NOW))
    with pytest.raises(UnknownIdError):
        town.give(c.ReportCarriage(order_id, "slow", "J1", "delivered", NOW))
    assert {status.value for status in DeliveryStatus} - STATUSES == {
        "created",
        "confirmed",
        "offered",
    }
