"""Short picks and substitutions: what follows from each, and what is refused."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import (
    ConflictError,
    DispatchError,
    InvalidValueError,
    UnknownIdError,
    WrongStateError,
)
from dispatch.model import DeliveryStatus, OrderLine, OrderStatus, Policy, Promise
from dispatch.records import Article, SubstitutionAnswer
from dispatch.state import OrderState

BEER_GTIN = "6410405082657"
CATALOGUE = (
    Article("milk", "Milk 1 l", 1030, 120, chilled=True, barcode="6408430000012"),
    Article("bread", "Rye bread", 500, 290, barcode="6411200000025"),
    Article("oat", "Oat drink 1 l", 1050, 219, barcode="7394376616038"),
    Article("beer", "Beer 0.33 l", 350, 180, age_limit=18, barcode=BEER_GTIN),
)


def town(policy: Policy | None = None) -> Town:
    made = Town(policy)
    made.give(c.SetCatalogue(CATALOGUE))
    made.give(c.SetStock("sto_west", {"oat": 5, "beer": 5}))
    return made


def picking(made: Town, **lines: int) -> str:
    """Have an order taken at the west store and its picking begun; returns its id."""
    order_id = taken(made, **lines)
    made.give(c.StartPick(order_id, made.clock.now()))
    return order_id


def taken(made: Town, **lines: int) -> str:
    (received,) = made.give(
        c.AcceptOrder(
            door=at(5, 0),
            address="Corner",
            lines=tuple(OrderLine(sku, quantity) for sku, quantity in lines.items()),
            weight_g=1000,
            created_at=NOW,
            store_id="sto_west",
            promise=Promise(NOW, NOW + 3600, NOW),
        )
    )
    assert isinstance(received, e.OrderReceived)
    return received.order.order_id


def short(order_id: str, sku: str, missing: int, **substitute: int) -> c.ReportShort:
    for name, quantity in substitute.items():
        return c.ReportShort(order_id, sku, missing, NOW, name, quantity)
    return c.ReportShort(order_id, sku, missing, NOW)


def lines(order: OrderState) -> dict[str, int]:
    return {line.sku: line.quantity for line in order.order.lines}


def shelf(made: Town, sku: str) -> tuple[int, int]:
    """Return what is on the shelf of the west store and how many of it are promised."""
    store = made.engine.state.store("sto_west")
    return store.on_hand.get(sku, 0), store.reserved.get(sku, 0)


def test_what_was_not_found_is_off_the_order_off_the_shelf_and_refunded() -> None:
    made = town()
    order_id = picking(made, milk=3, bread=1)
    assert made.give(short(order_id, "milk", 2)) == [
        e.LineShort(order_id, "sto_west", "milk", 2, False, NOW, refund_cents=2 * 120)
    ]
    order = made.engine.state.order(order_id)
    assert lines(order) == {"milk": 1, "bread": 1}
    assert order.status is OrderStatus.PICKING
    assert order.refund_cents == 240
    # One was found; whatever else the figures said of the ten is not promised to anybody.
    assert shelf(made, "milk") == (1, 1)


def test_a_short_pick_takes_nothing_from_another_order() -> None:
    made = town()
    other = taken(made, milk=4)
    order_id = picking(made, milk=3, bread=1)
    made.give(short(order_id, "milk", 3))
    assert shelf(made, "milk") == (4, 4)
    made.give(c.StartPick(other, NOW))
    made.give(c.CompletePick(other, NOW))
    assert lines(made.engine.state.order(other)) == {"milk": 4}
    assert shelf(made, "milk") == (0, 0)
    assert "milk" not in made.engine.state.store("sto_west").lacking


def test_an_order_with_nothing_left_is_cancelled_at_once_and_its_courier_turns_back() -> None:
    made = town()
    order_id = picking(made, milk=2)
    courier_id, _ = made.wait_for_commitment()
    now = made.clock.now()
    events = made.give(c.ReportShort(order_id, "milk", 2, now))
    assert [type(event) for event in events] == [e.LineShort, e.StopReleased, e.OrderCancelled]
    assert events[-1] == e.OrderCancelled(order_id, "nothing left to deliver", now)
    order = made.engine.state.order(order_id)
    assert (order.status, order.delivery) == (OrderStatus.CANCELLED, DeliveryStatus.CANCELLED)
    assert order.refund_cents == order.order.paid_cents
    assert made.engine.state.courier(courier_id).commitment is None
    assert shelf(made, "milk") == (0, 0)
    assert made.restarted().state == made.engine.state


def test_a_substitute_is_reserved_while_the_customer_thinks() -> None:
    made = town()
    order_id = picking(made, milk=2, bread=1)
    events = made.give(short(order_id, "milk", 2, oat=3))
    assert [type(event) for event in events] == [e.LineShort, e.SubstitutionOffered]
    order = made.engine.state.order(order_id)
    assert order.status is OrderStatus.SUBSTITUTING
    assert lines(order) == {"milk": 2, "bread": 1}
    assert order.substitutions[0].expires_at == NOW + made.policy.substitution_timeout_s
    assert shelf(made, "oat") == (5, 3)
    assert shelf(made, "milk") == (0, 0)


def test_an_accepted_substitute_takes_the_place_and_is_never_dearer() -> None:
    made = town()
    order_id = picking(made, milk=2, bread=1)
    made.give(short(order_id, "milk", 2, oat=2))
    (answered,) = made.give(c.AnswerSubstitution(order_id, "milk", True, NOW))
    assert isinstance(answered, e.SubstitutionAnswered)
    assert answered.substitution.answer is SubstitutionAnswer.ACCEPTED
    assert answered.refund_cents == 0  # 438 for oat instead of 240 for milk: on the shop
    order = made.engine.state.order(order_id)
    assert lines(order) == {"bread": 1, "oat": 2}
    assert order.status is OrderStatus.PICKING
    made.give(c.CompletePick(order_id, NOW))
    assert shelf(made, "oat") == (3, 0)
    assert shelf(made, "milk") == (0, 0)


def test_a_cheaper_substitute_refunds_the_difference() -> None:
    made = town()
    order_id = picking(made, oat=2, bread=1)
    made.give(short(order_id, "oat", 2, milk=1))
    made.give(c.AnswerSubstitution(order_id, "oat", True, NOW))
    assert made.engine.state.order(order_id).refund_cents == 2 * 219 - 120


def test_an_accepted_substitute_with_an_age_limit_is_asked_for_at_the_door() -> None:
    made = town()
    order_id = picking(made, bread=1, milk=1)
    made.give(short(order_id, "milk", 1, beer=1))
    made.give(c.AnswerSubstitution(order_id, "milk", True, NOW))
    assert made.engine.state.order(order_id).order.age_limit == 18


def test_a_refused_substitute_is_free_again_and_the_missing_one_refunded() -> None:
    made = town()
    order_id = picking(made, milk=2, bread=1)
    made.give(short(order_id, "milk", 1, oat=1))
    made.give(c.AnswerSubstitution(order_id, "milk", False, NOW))
    order = made.engine.state.order(order_id)
    assert lines(order) == {"milk": 1, "bread": 1}
    assert order.refund_cents == 120
    assert shelf(made, "oat") == (5, 0)
    assert shelf(made, "milk") == (1, 1)
    assert made.give(c.AnswerSubstitution(order_id, "milk", False, NOW)) == []


def test_a_refusal_that_leaves_nothing_cancels_and_leaves_no_reservation() -> None:
    made = town()
    order_id = picking(made, milk=2)
    made.give(short(order_id, "milk", 2, oat=1))
    events = made.give(c.AnswerSubstitution(order_id, "milk", False, NOW))
    assert [type(event) for event in events] == [e.SubstitutionAnswered, e.OrderCancelled]
    assert shelf(made, "milk") == (0, 0)
    assert shelf(made, "oat") == (5, 0)


def test_cancelling_while_the_customer_thinks_leaves_no_reservation() -> None:
    made = town()
    order_id = picking(made, milk=2, bread=1)
    made.give(short(order_id, "milk", 1, oat=1))
    made.give(short(order_id, "bread", 1, oat=2))
    assert shelf(made, "oat") == (5, 3)
    made.give(c.CancelOrder(order_id, "changed my mind", NOW))
    reserved = made.engine.state.store("sto_west").reserved
    assert all(not quantity for quantity in reserved.values())


@pytest.mark.parametrize("accepts", [False, True])
def test_silence_is_answered_by_the_policy_when_its_time_is_over(accepts: bool) -> None:
    made = town(Policy(silence_accepts=accepts))
    order_id = picking(made, milk=1, bread=1)
    made.give(short(order_id, "milk", 1, oat=1))
    assert made.engine.next_commit_at() == NOW + made.policy.substitution_timeout_s
    made.clock.time = NOW + made.policy.substitution_timeout_s - 1
    assert made.engine.commit_due() == ()
    made.clock.time += 1
    (recorded,) = made.engine.commit_due()
    assert isinstance(recorded.event, e.SubstitutionAnswered)
    assert recorded.event.substitution.answer is SubstitutionAnswer.SILENT
    assert recorded.event.substitution.accepted is accepts
    left = {"bread": 1, "oat": 1} if accepts else {"bread": 1}
    assert lines(made.engine.state.order(order_id)) == left
    with pytest.raises(WrongStateError, match="is silent and cannot become accepted"):
        made.give(c.AnswerSubstitution(order_id, "milk", True, made.clock.now()))


def test_two_silences_that_leave_nothing_cancel_once() -> None:
    made = town()
    order_id = picking(made, milk=1, bread=1)
    made.give(short(order_id, "milk", 1, oat=1))
    made.give(short(order_id, "bread", 1, oat=1))
    made.clock.time = NOW + 3600
    events = [recorded.event for recorded in made.engine.commit_due()]
    assert [type(event) for event in events] == [
        e.SubstitutionAnswered,
        e.SubstitutionAnswered,
        e.OrderCancelled,
    ]
    assert shelf(made, "oat") == (5, 0)
    assert made.engine.commit_due() == ()


def test_an_order_is_not_ready_before_the_customer_has_answered() -> None:
    made = town()
    order_id = picking(made, milk=1, bread=1)
    made.give(short(order_id, "milk", 1, oat=1))
    with pytest.raises(WrongStateError, match="has not answered about milk") as caught:
        made.give(c.CompletePick(order_id, NOW))
    assert (caught.value.state, caught.value.allowed) == ("substituting", ("picking",))


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (("bananas", 1, None, 0), "sku"),
        (("milk", 3, None, 0), "missing"),
        (("milk", 0, None, 0), "missing"),
        (("milk", 1, "milk", 1), "substitute.sku"),
        (("milk", 1, "oat", 0), "substitute.quantity"),
        (("milk", 1, "oat", 6), "substitute.quantity"),
        (("milk", 1, "caviar", 1), "substitute.sku"),
    ],
)
def test_a_short_pick_that_cannot_be_meant_changes_nothing(
    command: tuple[str, int, str | None, int], field: str
) -> None:
    made = town()
    order_id = picking(made, milk=2, bread=1)
    before = made.engine.state
    sku, missing, instead, quantity = command
    with pytest.raises(InvalidValueError) as caught:
        made.give(c.ReportShort(order_id, sku, missing, NOW, instead, quantity))
    assert caught.value.field == field
    assert made.engine.state is before


def test_a_short_pick_out_of_turn_is_refused() -> None:
    made = town()
    order_id = taken(made, milk=2, bread=1)
    with pytest.raises(WrongStateError) as caught:
        made.give(short(order_id, "milk", 1))
    assert caught.value.allowed == ("picking",)
    made.give(c.StartPick(order_id, NOW))
    made.give(short(order_id, "milk", 1, oat=1))
    with pytest.raises(WrongStateError, match="the substitution for milk is pending"):
        made.give(short(order_id, "milk", 1))
    with pytest.raises(UnknownIdError, match="nothing was offered for bread"):
        made.give(c.AnswerSubstitution(order_id, "bread", True, NOW))
    made.give(c.AnswerSubstitution(order_id, "milk", True, NOW))
    made.give(c.CompletePick(order_id, NOW))
    with pytest.raises(WrongStateError):
        made.give(short(order_id, "milk", 1))


def test_what_was_reported_short_to_the_last_is_not_on_the_order_any_more() -> None:
    made = town()
    order_id = picking(made, milk=1, bread=1)
    made.give(short(order_id, "milk", 1))
    with pytest.raises(InvalidValueError, match="milk is not on order"):
        made.give(short(order_id, "milk", 1))


def test_a_held_order_is_not_begun() -> None:
    made = town()
    order_id = taken(made, milk=1)
    made.give(c.HoldOrder(order_id, "ops:maria", "address unclear"))
    with pytest.raises(ConflictError, match="held by ops:maria: address unclear"):
        made.give(c.StartPick(order_id, NOW))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["start", "short", "offer", "yes", "no", "ready", "cancel", "wait"]),
        st.integers(0, 2),
        st.sampled_from(["milk", "bread", "oat"]),
        st.integers(1, 3),
    ),
    max_size=25,
)


def done(made: Town, order_id: str, action: str, sku: str, count: int) -> None:
    now = made.clock.now()
    match action:
        case "start":
            made.give(c.StartPick(order_id, now))
        case "short":
            made.give(c.ReportShort(order_id, sku, count, now))
        case "offer":
            instead = {"milk": "oat", "bread": "beer", "oat": "milk"}[sku]
            made.give(c.ReportShort(order_id, sku, count, now, instead, count))
        case "yes" | "no":
            made.give(c.AnswerSubstitution(order_id, sku, action == "yes", now))
        case "ready":
            made.give(c.CompletePick(order_id, now))
        case "cancel":
            made.give(c.CancelOrder(order_id, "changed my mind", now))
        case _:
            made.clock.time += 120
            made.engine.commit_due()


def promised(made: Town) -> Counter[str]:
    """Return what open orders that are not packed have a right to, added up from the orders."""
    total: Counter[str] = Counter()
    for order in made.engine.state.orders.values():
        if order.status is OrderStatus.READY:
            continue
        total.update(lines(order))
        for offered in order.substitutions:
            if offered.answer is SubstitutionAnswer.PENDING:
                total[offered.sku] -= offered.quantity
                total[offered.substitute_sku] += offered.substitute_quantity
    return +total


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_whatever_pickers_do_others_keep_theirs_and_what_is_reserved_is_what_is_promised(
    actions: list[tuple[str, int, str, int]],
) -> None:
    made = town()
    orders = [taken(made, milk=2, bread=1), taken(made, milk=3), taken(made, oat=1, bread=2)]
    for action, which, sku, count in actions:
        before = made.engine.state
        try:
            done(made, orders[which], action, sku, count)
        except DispatchError:
            assert made.engine.state is before
        after = made.engine.state
        if action != "wait":
            for other in {*orders} - {orders[which]}:
                assert after.order(other) is before.order(other)
        store = after.store("sto_west")
        assert {s: n for s, n in store.reserved.items() if n} == promised(made)
        assert min(store.on_hand.values()) >= 0
