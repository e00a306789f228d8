"""Whatever is asked of the engine, in whatever order, its state stays sound."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from town import Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import DispatchError
from dispatch.model import OrderLine
from dispatch.planning.plan import plan_by_insertion
from dispatch.state import CLOSED, TRANSITIONS, OrderState

COURIERS = ("cou_anna", "cou_ben")
STORES = ("sto_west", "sto_east")
STOCK = {"milk": 10, "bread": 10}
blocks = st.integers(min_value=-3, max_value=23)


class Evening(RuleBasedStateMachine):
    """Customers, pickers and couriers do anything at any time, sensible or not."""

    @initialize()
    def open_the_town(self) -> None:
        self.town = Town()
        self.seen: dict[str, OrderState] = {}

    def attempt(self, command: c.Command) -> None:
        """Ask; a refusal must leave the log as it was."""
        before = len(self.town.log.entries)
        try:
            self.town.give(command)
        except DispatchError:
            assert len(self.town.log.entries) == before

    @rule(x=blocks, y=blocks, sku=st.sampled_from(sorted(STOCK)), quantity=st.integers(1, 4))
    def somebody_orders(self, x: int, y: int, sku: str, quantity: int) -> None:
        line = OrderLine(sku, quantity)
        self.attempt(c.PlaceOrder(at(x, y), "Corner", (line,), 500, self.town.clock.now()))

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.town.clock.time += seconds
        self.town.engine.commit_due()

    @rule()
    def the_engine_decides(self) -> None:
        self.town.engine.replan(plan_by_insertion)

    @rule(data=st.data())
    def a_picker_works(self, data: st.DataObject) -> None:
        order_id = self.some_order(data)
        kind: Any = data.draw(st.sampled_from([c.StartPick, c.CompletePick]))
        self.attempt(kind(order_id, self.town.clock.now()))

    @rule(data=st.data(), courier_id=st.sampled_from(COURIERS))
    def a_courier_reports(self, data: st.DataObject, courier_id: str) -> None:
        commitment = self.town.engine.state.courier(courier_id).commitment
        stop_id = commitment.stop.stop_id if commitment else "stp_none_p"
        now = self.town.clock.now()
        kind = data.draw(st.sampled_from(["arrive", "complete", "fail", "decline"]))
        self.attempt(
            {
                "arrive": c.ArriveAtStop(courier_id, stop_id, now),
                "complete": c.CompleteStop(courier_id, stop_id, now),
                "fail": c.FailStop(courier_id, stop_id, "nobody home", now),
                "decline": c.DeclineStop(courier_id, stop_id, "flat tyre", now),
            }[kind]
        )

    @rule(data=st.data())
    def a_customer_cancels(self, data: st.DataObject) -> None:
        self.attempt(c.CancelOrder(self.some_order(data), "changed my mind", self.now))

    @rule(courier_id=st.sampled_from(COURIERS))
    def a_courier_goes_home(self, courier_id: str) -> None:
        self.attempt(c.EndShift(courier_id, self.now))

    @property
    def now(self) -> int:
        return self.town.clock.now()

    def some_order(self, data: st.DataObject) -> str:
        known = sorted(self.town.engine.state.orders)
        return data.draw(st.sampled_from(known)) if known else "ord_none"

    @invariant()
    def folding_the_log_again_gives_the_same_state(self) -> None:
        assert self.town.restarted().state == self.town.engine.state

    @invariant()
    def no_piece_is_lost_or_sold_twice(self) -> None:
        state = self.town.engine.state
        for sku, total in STOCK.items():
            left = Counter[str]()
            for store in state.stores.values():
                assert store.available(sku) >= 0
                left[sku] += store.on_hand.get(sku, 0)
            for order in (*state.orders.values(), *state.closed.values()):
                taken = sum(line.quantity for line in order.order.lines if line.sku == sku)
                names = {name for _, name in order.timeline}
                given_back = order.delivery in CLOSED and "OrderDelivered" not in names
                if "PickCompleted" in names and not given_back:
                    left[sku] += taken
            assert left[sku] == len(STORES) * total

    @invariant()
    def a_parcel_is_in_one_bag_at_most_and_bags_hold_open_orders(self) -> None:
        state = self.town.engine.state
        bags = [order_id for courier in state.couriers.values() for order_id in courier.on_board]
        assert len(bags) == len(set(bags))
        carried = {order_id for order_id, order in state.orders.items() if order.on_board}
        assert set(bags) == carried

    @invariant()
    def nothing_moves_against_the_table(self) -> None:
        state = self.town.engine.state
        for order_id, order in (*state.orders.items(), *state.closed.items()):
            before = self.seen.get(order_id)
            if before is not None and before.delivery in CLOSED:
                assert order.delivery is before.delivery
            self.seen[order_id] = order
        assert set(self.seen) == set(state.orders) | set(state.closed)

    @invariant()
    def plans_pass_the_verifier(self) -> None:
        for recorded in self.town.log.entries[-3:]:
            if isinstance(recorded.event, e.PlanPublished):
                assert recorded.event.violations == ()


def test_the_table_names_every_status_and_closed_ones_end() -> None:
    assert {after for nexts in TRANSITIONS.values() for after in nexts} <= set(TRANSITIONS)
    assert {status.value for status in CLOSED} == {"delivered", "returned", "cancelled"}


TestEvening = Evening.TestCase
TestEvening.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
