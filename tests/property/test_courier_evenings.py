"""Whatever couriers do of an evening, rest, break down, take offers or not, nothing is lost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from test_apply import COURIERS, Evening
from town import at

from dispatch import commands as c
from dispatch.model import OrderLine, Pause, StopKind
from dispatch.planning.plan import plan_by_insertion

couriers = st.sampled_from(COURIERS)
blocks = st.integers(min_value=-3, max_value=23)


class CourierEvening(Evening):
    """An evening of couriers who are asked, rest, break down and hand over."""

    @initialize()
    def open_the_town(self) -> None:
        super().open_the_town()
        known = self.town.engine.state.courier("cou_ben").courier
        self.town.give(c.RegisterCourier(replace(known, takes_offers=True)))

    @rule(x=blocks, y=blocks)
    def somebody_fetches_an_order(self, x: int, y: int) -> None:
        """Bring an order as far as a bag, if anybody can: most of what follows needs one."""
        line = OrderLine("milk", 1)
        self.attempt(c.PlaceOrder(at(x, y), "Corner", (line,), 500, self.now))
        for order_id in sorted(self.town.engine.state.orders):
            self.attempt(c.StartPick(order_id, self.now))
            self.attempt(c.CompletePick(order_id, self.now))
        self.town.engine.replan(plan_by_insertion)
        for courier_id in COURIERS:
            commitment = self.town.engine.state.courier(courier_id).commitment
            if commitment is not None and commitment.stop.kind is StopKind.PICKUP:
                stop_id = commitment.stop.stop_id
                self.attempt(c.AcceptOffer(courier_id, stop_id, self.now))
                self.attempt(c.CompleteStop(courier_id, stop_id, self.now))

    @rule(courier_id=couriers, ends=st.booleans(), duration_s=st.integers(1, 1200))
    def a_courier_rests(self, courier_id: str, ends: bool, duration_s: int) -> None:
        if ends:
            self.attempt(c.EndBreak(courier_id, self.now))
        else:
            self.attempt(c.TakeBreak(courier_id, duration_s, self.now))

    @rule(courier_id=couriers)
    def a_courier_says_yes(self, courier_id: str) -> None:
        commitment = self.town.engine.state.courier(courier_id).commitment
        stop_id = commitment.stop.stop_id if commitment else "stp_none_p"
        self.attempt(c.AcceptOffer(courier_id, stop_id, self.now))

    @rule(courier_id=couriers, x=blocks, y=blocks)
    def a_courier_breaks_down(self, courier_id: str, x: int, y: int) -> None:
        self.attempt(c.StrandCourier(courier_id, at(x, y), "the chain broke", self.now))

    @rule(courier_id=couriers)
    def a_courier_goes_on(self, courier_id: str) -> None:
        self.attempt(c.RecoverCourier(courier_id, self.now))

    @rule(courier_id=couriers, data=st.data(), x=blocks)
    def a_bag_is_handed_over(self, courier_id: str, data: st.DataObject, x: int) -> None:
        (other,) = set(COURIERS) - {courier_id}
        orders = (self.some_order(data),)
        self.attempt(
            c.HandOverBag(courier_id, other, orders, at(x, 0), "ops:maria", "a lift", self.now)
        )

    @rule(data=st.data())
    def a_dispatcher_grants_a_second_try(self, data: st.DataObject) -> None:
        self.attempt(c.RetryDelivery(self.some_order(data), "ops:maria", "they called", self.now))

    @rule(courier_id=couriers, due_s=st.integers(0, 3600), duration_s=st.integers(1, 1200))
    def a_shift_begins_with_a_break(self, courier_id: str, due_s: int, duration_s: int) -> None:
        due = self.now + due_s
        pause = Pause(due, due + 900, duration_s)
        self.attempt(c.StartShift(courier_id, self.now, self.now + 7200, pause))

    @rule()
    def everybody_comes_back(self) -> None:
        for courier_id in COURIERS:
            self.attempt(c.RecoverCourier(courier_id, self.now))
            self.attempt(c.StartShift(courier_id, self.now, self.now + 7200))

    @invariant()
    def points_are_there_as_long_as_something_waits_at_them(self) -> None:
        state = self.town.engine.state
        points = {key for key, store in state.stores.items() if store.store.is_point}
        assert points == {
            order.store_id for order in state.orders.values() if order.origin_store_id is not None
        }

    @invariant()
    def whoever_rests_has_nothing_under_way(self) -> None:
        for courier in self.town.engine.state.couriers.values():
            if courier.break_until is not None:
                assert not courier.on_board
            if courier.stranded is not None:
                assert courier.commitment is None

    @invariant()
    def the_clock_is_never_stuck(self) -> None:
        due_at = self.town.engine.next_commit_at()
        if due_at is not None and due_at <= self.now:
            self.town.engine.commit_due()
            due_at = self.town.engine.next_commit_at()
            assert due_at is None or due_at > self.now


TestCourierEvening = CourierEvening.TestCase
TestCourierEvening.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
