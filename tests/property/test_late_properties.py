"""Whatever couriers say afterwards, and however wrong: nothing breaks, nothing is done twice."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import DispatchError
from dispatch.model import OrderLine, OrderStatus, StopKind
from dispatch.planning.plan import plan_by_insertion
from dispatch.records import Proof, ProofKind, StopOutcome, WorkReport
from dispatch.state import OrderState, State

COURIERS = ("cou_anna", "cou_ben")
ENDS = {"OrderDelivered", "ParcelReturned", "OrderCancelled"}
blocks = st.integers(min_value=-3, max_value=23)
outcomes = st.sampled_from(list(StopOutcome))
proofs = st.sampled_from([(), (Proof(ProofKind.PIN),), (Proof(ProofKind.QR, "pcl_x"),)])


class Blackout(RuleBasedStateMachine):
    """A town at work whose couriers tell of anything, at any time, long after."""

    @initialize()
    def open_the_town(self) -> None:
        self.town = Town()
        self.orders: list[str] = []
        for x, y in ((3, 0), (5, 2), (16, 1)):
            self.somebody_orders(x, y)
        for order_id in self.orders[:2]:
            self.town.picked(order_id)
        self.town.engine.replan(plan_by_insertion)

    @property
    def now(self) -> int:
        return self.town.clock.now()

    def attempt(self, command: c.Command) -> None:
        try:
            self.town.give(command)
        except DispatchError:
            return

    @rule(x=blocks, y=blocks)
    def another_order_comes(self, x: int, y: int) -> None:
        self.somebody_orders(x, y)

    def somebody_orders(self, x: int, y: int) -> None:
        line = OrderLine("milk", 1)
        events = self.town.give(c.PlaceOrder(at(x, y), "Corner", (line,), 500, self.now))
        self.orders += [v.order.order_id for v in events if isinstance(v, e.OrderReceived)]

    @rule(seconds=st.integers(1, 400), data=st.data())
    def time_passes(self, seconds: int, data: st.DataObject) -> None:
        self.town.clock.time += seconds
        self.town.engine.replan(plan_by_insertion)

    @rule(data=st.data())
    def a_picker_works(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from([c.StartPick, c.CompletePick]))
        self.attempt(kind(self.some_order(data), self.now))

    @rule(data=st.data(), courier_id=st.sampled_from(COURIERS), outcome=outcomes)
    def a_courier_reports_live(
        self, data: st.DataObject, courier_id: str, outcome: StopOutcome
    ) -> None:
        commitment = self.town.engine.state.courier(courier_id).commitment
        if commitment is None:
            return
        stop_id = commitment.stop.stop_id
        self.attempt(
            {
                StopOutcome.ARRIVED: c.ArriveAtStop(courier_id, stop_id, self.now),
                StopOutcome.COMPLETED: c.CompleteStop(courier_id, stop_id, self.now),
                StopOutcome.FAILED: c.FailStop(courier_id, stop_id, "nobody home", self.now),
                StopOutcome.DECLINED: c.DeclineStop(courier_id, stop_id, "flat tyre", self.now),
            }[outcome]
        )

    @rule(data=st.data(), courier_id=st.sampled_from(COURIERS))
    def somebody_decides(self, data: st.DataObject, courier_id: str) -> None:
        order_id = self.some_order(data)
        commands: list[c.Command] = [
            c.CancelOrder(order_id, "changed my mind", self.now),
            c.StrandCourier(courier_id, at(4, 4), "flat tyre", self.now),
            c.RecoverCourier(courier_id, self.now),
            c.RetryDelivery(order_id, "ops:maria", "they are at home now", self.now),
            c.BookCarriage(order_id, "swift", f"job-{order_id}", 700, None, "ops:maria", "late"),
        ]
        self.attempt(data.draw(st.sampled_from(commands)))

    @rule(data=st.data(), courier_id=st.sampled_from(COURIERS))
    def work_is_heard_of_afterwards(self, data: st.DataObject, courier_id: str) -> None:
        engine = self.town.engine
        batch = tuple(
            WorkReport(
                self.some_stop(data),
                data.draw(outcomes),
                data.draw(st.integers(NOW - 600, self.now + 60)),
                "nobody home",
                data.draw(proofs),
            )
            for _ in range(data.draw(st.integers(1, 8)))
        )
        command = c.TakeInWork(courier_id, batch)
        self.town.give(command)
        once = engine.state
        # The whole of it again, and each part of it alone, is no news.
        assert self.town.give(command) == []
        for report in batch:
            assert self.town.give(c.TakeInWork(courier_id, (report,))) == []
        assert engine.state == once
        engine.commit_due()

    def some_order(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self.orders)) if self.orders else "ord_none"

    def some_stop(self, data: st.DataObject) -> str:
        letter = data.draw(st.sampled_from(["p", "p", "d", "d", "r"]))
        return f"stp_{self.some_order(data).removeprefix('ord_')}_{letter}"

    # --- what always holds ---------------------------------------------------------------------

    @invariant()
    def folding_the_log_again_gives_the_same_state(self) -> None:
        assert self.town.restarted().state == self.town.engine.state

    @invariant()
    def a_parcel_is_in_one_bag_at_most(self) -> None:
        state = self.town.engine.state
        bags = [order_id for courier in state.couriers.values() for order_id in courier.on_board]
        assert len(bags) == len(set(bags))
        carried = {
            key for key, o in state.orders.items() if o.on_board and not o.is_carried_outside
        }
        assert set(bags) == carried
        for courier_id, courier in state.couriers.items():
            assert all(state.order(key).courier_id == courier_id for key in courier.on_board)

    @invariant()
    def every_order_is_open_or_closed_and_ends_once(self) -> None:
        state = self.town.engine.state
        assert not set(state.orders) & set(state.closed)
        assert set(state.orders) | set(state.closed) == set(self.orders)
        for order in state.closed.values():
            assert ends(order) == 1
        for order in state.orders.values():
            assert ends(order) == 0

    @invariant()
    def who_was_told_a_stop_has_it_to_do(self) -> None:
        state = self.town.engine.state
        told = [c.commitment.stop for c in state.couriers.values() if c.commitment is not None]
        assert len({stop.order_id for stop in told}) == len(told)
        for courier_id, courier in state.couriers.items():
            if courier.commitment is None:
                continue
            stop = courier.commitment.stop
            order = state.orders[stop.order_id]
            assert order.courier_id == courier_id
            assert order.on_board == (stop.kind is not StopKind.PICKUP)
            assert order.returning == (stop.kind is StopKind.RETURN)
        for order in state.orders.values():
            if order.courier_id is not None and not order.on_board:
                assert any(stop.order_id == order.order_id for stop in told)

    @invariant()
    def who_cannot_go_on_has_nothing_that_is_to_be_brought(self) -> None:
        state = self.town.engine.state
        for courier in state.couriers.values():
            if courier.stranded is not None:
                assert courier.commitment is None
                assert all(state.order(key).returning for key in courier.on_board)

    @invariant()
    def no_piece_is_made_or_lost(self) -> None:
        state = self.town.engine.state
        for store in state.stores.values():
            assert store.on_hand.get("milk", 0) >= 0
            assert store.reserved.get("milk", 0) == reserved_at(state, store.store.store_id)

    @invariant()
    def plans_pass_the_verifier(self) -> None:
        for recorded in self.town.log.entries[-3:]:
            if isinstance(recorded.event, e.PlanPublished):
                assert recorded.event.violations == ()


def ends(order: OrderState) -> int:
    """Return how often an order ended, less how often it turned out not to have."""
    count = 0
    for _, name in order.timeline:
        if name in {"OrderDelivered", "ParcelReturned"}:
            count += 1
    closed_by_cancelling = order.status is OrderStatus.CANCELLED and not order.on_board
    returned = order.delivery.value == "returned"
    return count + int(closed_by_cancelling and not returned and order.is_closed)


def reserved_at(state: State, store_id: str) -> int:
    return sum(
        line.quantity
        for order in state.orders.values()
        if order.store_id == store_id and order.status is not OrderStatus.READY
        for line in order.order.lines
        if order.ready_at is None
    )


TestBlackout = Blackout.TestCase
TestBlackout.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
