"""Whatever people do with stock and orders, nothing is promised that is not there."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from town import Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.apply import apply
from dispatch.errors import DispatchError
from dispatch.folds.pieces import amounts
from dispatch.model import OrderLine, OrderStatus, Store
from dispatch.planning.plan import plan_by_insertion
from dispatch.records import SubstitutionAnswer
from dispatch.state import UNPICKED, State

STORES = ("sto_west", "sto_east", "sto_north")
SKUS = ("milk", "bread", "eggs")
RESERVING = UNPICKED | {OrderStatus.PICKING, OrderStatus.SUBSTITUTING}
skus = st.sampled_from(SKUS)
stores = st.sampled_from(STORES)
counts = st.dictionaries(skus, st.integers(0, 12), min_size=1)
kept_back = st.dictionaries(skus, st.integers(0, 2))


class Shops(RuleBasedStateMachine):
    """Customers, shops, pickers and dispatchers do anything at any time, sensible or not."""

    @initialize()
    def open_the_town(self) -> None:
        self.town = Town()
        self.town.give(c.RegisterStore(Store("sto_north", "North", at(8, 6))))
        self.checked = State("town")
        self.taken_off: Counter[tuple[str, str]] = Counter()

    @property
    def now(self) -> int:
        return self.town.clock.now()

    def attempt(self, command: c.Command) -> None:
        """Ask, and do what follows; a refusal must leave the log as it was."""
        before = len(self.town.log.entries)
        try:
            self.town.give(command)
        except DispatchError:
            assert len(self.town.log.entries) == before
        self.town.engine.commit_due()

    def some_order(self, data: st.DataObject, *statuses: OrderStatus) -> str:
        orders = self.town.engine.state.orders
        known = sorted(k for k, o in orders.items() if not statuses or o.status in statuses)
        return data.draw(st.sampled_from(known)) if known else "ord_none"

    # --- what people do ------------------------------------------------------------------------

    @rule(
        x=st.integers(0, 20),
        wants=st.dictionaries(skus, st.integers(1, 3), min_size=1),
        people=st.integers(1, 3),
    )
    def people_order(self, x: int, wants: dict[str, int], people: int) -> None:
        lines = tuple(OrderLine(sku, quantity) for sku, quantity in wants.items())
        for _ in range(people):
            self.attempt(c.PlaceOrder(at(x, 0), "Corner", lines, 500, self.now))

    @rule(data=st.data())
    def a_customer_cancels(self, data: st.DataObject) -> None:
        self.attempt(c.CancelOrder(self.some_order(data), "changed my mind", self.now))

    @rule(store_id=stores, on_hand=counts, replaces=st.booleans(), kept=kept_back)
    def a_store_sets_its_stock(
        self, store_id: str, on_hand: dict[str, int], replaces: bool, kept: dict[str, int]
    ) -> None:
        self.attempt(c.SetStock(store_id, on_hand, replaces, {}, kept))

    @rule(store_id=stores, changes=st.dictionaries(skus, st.integers(-4, 4), min_size=1))
    def somebody_counts(self, store_id: str, changes: dict[str, int]) -> None:
        self.attempt(c.CorrectStock(store_id, changes, "counted", "Maija", self.now))

    @rule(data=st.data())
    def a_picker_begins(self, data: st.DataObject) -> None:
        self.attempt(c.StartPick(self.some_order(data), self.now))

    @rule(data=st.data())
    def a_picker_is_done(self, data: st.DataObject) -> None:
        self.attempt(c.CompletePick(self.some_order(data, OrderStatus.PICKING), self.now))

    @rule(data=st.data(), sku=skus, instead=st.none() | skus)
    def a_picker_finds_too_few(self, data: st.DataObject, sku: str, instead: str | None) -> None:
        order_id = self.some_order(data, OrderStatus.PICKING)
        quantity = 0 if instead is None else 1
        self.attempt(c.ReportShort(order_id, sku, 1, self.now, instead, quantity))

    @rule(data=st.data(), store_id=stores, takes_off=st.booleans())
    def a_dispatcher_pins(self, data: st.DataObject, store_id: str, takes_off: bool) -> None:
        wanted = None if takes_off else store_id
        self.attempt(c.PinStore(self.some_order(data), wanted, "Leo", "asked"))

    @rule(data=st.data(), store_id=stores)
    def a_dispatcher_rules_a_store_out(self, data: st.DataObject, store_id: str) -> None:
        self.attempt(c.ExcludeStore(self.some_order(data), store_id, "Leo", "asked"))

    @rule(store_id=stores, closes=st.booleans())
    def a_store_pauses_or_opens(self, store_id: str, closes: bool) -> None:
        if closes:
            self.attempt(c.PauseStore(store_id, "flood", "Maija", moves_orders=True))
        else:
            self.attempt(c.ResumeStore(store_id, "Maija"))

    @rule(seconds=st.integers(1, 500), decides=st.booleans())
    def time_passes(self, seconds: int, decides: bool) -> None:
        self.town.clock.time += seconds
        if decides:
            self.town.engine.replan(plan_by_insertion)
        self.town.engine.commit_due()

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def no_order_is_promised_or_moved_to_what_is_not_there(self) -> None:
        state = self.checked
        for recorded in self.town.log.entries[state.seq :]:
            event = recorded.event
            before, state = state, apply(state, recorded)
            match event:
                case e.OrderReceived(order=order, store_id=store_id):
                    self.had(before, store_id, amounts(order.lines))
                case e.OrderResourced(order_id=order_id, to_store_id=store_id):
                    moved = before.order(order_id)
                    assert moved.status in UNPICKED
                    assert moved.courier_id is None
                    assert store_id not in moved.excluded_stores
                    self.had(before, store_id, amounts(moved.order.lines))
                case e.StockSet() | e.StockCorrected() | e.LineShort():
                    self.note_what_was_taken_off(before, state, event.store_id)
                case _:
                    pass
        self.checked = state
        assert state == self.town.engine.state

    def had(self, before: State, store_id: str, wants: dict[str, int]) -> None:
        for sku, quantity in wants.items():
            assert before.store(store_id).available(sku) >= quantity

    def note_what_was_taken_off(self, before: State, after: State, store_id: str) -> None:
        old, new = before.store(store_id), after.store(store_id)
        for sku in SKUS:
            gone = old.on_hand.get(sku, 0) - new.on_hand.get(sku, 0)
            self.taken_off[store_id, sku] += max(0, gone)

    @invariant()
    def what_is_promised_is_there_but_for_what_a_count_took_off(self) -> None:
        for store_id in STORES:
            store = self.town.engine.state.store(store_id)
            for sku in SKUS:
                there, promised = store.on_hand.get(sku, 0), store.reserved.get(sku, 0)
                assert there >= 0
                assert promised <= there + self.taken_off[store_id, sku]

    @invariant()
    def what_is_reserved_is_what_open_orders_still_need(self) -> None:
        state = self.town.engine.state
        needed: Counter[tuple[str, str]] = Counter()
        for order in state.orders.values():
            if order.status not in RESERVING:
                continue
            for sku, quantity in amounts(order.order.lines).items():
                needed[order.store_id, sku] += quantity
            for offered in order.substitutions:
                if offered.answer is SubstitutionAnswer.PENDING:
                    # What was not found is on the order until the customer has answered.
                    needed[order.store_id, offered.sku] -= offered.quantity
                    needed[order.store_id, offered.substitute_sku] += offered.substitute_quantity
        for store_id in STORES:
            for sku in SKUS:
                reserved = state.store(store_id).reserved.get(sku, 0)
                assert reserved == needed[store_id, sku], (store_id, sku)

    @invariant()
    def what_was_due_is_not_due_again(self) -> None:
        self.town.engine.commit_due()
        assert self.town.engine.commit_due() == ()


TestShops = Shops.TestCase
TestShops.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
