"""Every order can be explained, whatever happened; plans stay sound, whatever the desk decides."""

from __future__ import annotations

import contextlib
import json
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from test_apply import COURIERS, STORES, Evening, blocks
from town import Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.codec import WIRE
from dispatch.errors import DispatchError
from dispatch.explanation import Explanation
from dispatch.model import Fulfilment, OrderLine
from dispatch.planning.plan import plan_by_insertion
from dispatch.records import Carriage, ControlKind
from dispatch.rules.locks import stops_ahead
from dispatch.state import OrderState

WHO, WHY = "ops:maria", "a reason"
waits = st.integers(min_value=-10, max_value=1800)


class Desk(Evening):
    """An evening in which a dispatcher decides about everything, sensibly or not."""

    @initialize(doors=st.lists(st.tuples(blocks, st.integers(0, 3)), min_size=3, max_size=5))
    def open_the_town(self, doors: list[tuple[int, int]]) -> None:
        self.town = Town()
        self.seen = {}
        for x, y in doors:
            line = OrderLine("milk", 1)
            self.attempt(c.PlaceOrder(at(x, y), "Corner", (line,), 500, self.now))
        self.town.engine.replan(plan_by_insertion)

    @rule(data=st.data(), seconds=st.integers(30, 400), rounds=st.integers(1, 6))
    def work_goes_on(self, data: st.DataObject, seconds: int, rounds: int) -> None:
        """Pick something, and let each courier do what they were told."""
        order_id = self.some_order(data)
        self.attempt(c.StartPick(order_id, self.now))
        for _ in range(rounds):
            self.town.clock.time += seconds
            self.attempt(c.CompletePick(order_id, self.now))
            self.town.engine.replan(plan_by_insertion)
            for courier_id in COURIERS:
                commitment = self.town.engine.state.courier(courier_id).commitment
                if commitment is not None:
                    self.attempt(c.CompleteStop(courier_id, commitment.stop.stop_id, self.now))

    @rule(x=blocks, kind=st.sampled_from([Fulfilment.COLLECTION, Fulfilment.CURBSIDE]))
    def somebody_collects(self, x: int, kind: Fulfilment) -> None:
        line = OrderLine("bread", 1)
        self.attempt(c.PlaceOrder(at(x, 0), "Corner", (line,), 500, self.now, fulfilment=kind))

    @rule(data=st.data(), wait_s=st.none() | waits, recall=st.booleans())
    def an_order_is_held(self, data: st.DataObject, wait_s: int | None, recall: bool) -> None:
        until = None if wait_s is None else self.now + wait_s
        self.attempt(c.HoldOrder(self.some_order(data), WHO, WHY, until, recall))

    @rule(data=st.data())
    def an_order_is_released(self, data: st.DataObject) -> None:
        self.attempt(c.ReleaseHold(self.some_order(data), WHO))

    @rule(data=st.data(), courier_id=st.sampled_from(COURIERS), wait_s=waits)
    def an_order_is_assigned(self, data: st.DataObject, courier_id: str, wait_s: int) -> None:
        order_id = self.some_order(data)
        self.attempt(c.LockOrder(order_id, courier_id, WHO, WHY, self.now + wait_s))

    @rule(data=st.data())
    def a_lock_is_taken_off(self, data: st.DataObject) -> None:
        self.attempt(c.UnlockOrder(self.some_order(data), WHO))

    @rule(data=st.data(), courier_id=st.sampled_from(COURIERS), wait_s=waits)
    def stops_are_put_in_another_order(
        self, data: st.DataObject, courier_id: str, wait_s: int
    ) -> None:
        known = list(stops_ahead(self.town.engine.state.courier(courier_id)))
        mixed = data.draw(st.permutations(known)) if known else ["stp_none_p"]
        wanted = tuple(mixed[: data.draw(st.integers(1, len(mixed)))])
        self.attempt(c.LockRoute(courier_id, wanted, WHO, WHY, self.now + wait_s))
        self.town.engine.replan(plan_by_insertion)

    @rule(data=st.data())
    def something_is_taken_back(self, data: st.DataObject) -> None:
        known = list(self.town.engine.state.actions)
        if known:
            self.attempt(c.UndoAction(data.draw(st.sampled_from(known)), "ops:jussi"))

    @rule(kind=st.sampled_from(list(ControlKind)), value=st.integers(0, 600), one=st.booleans())
    def a_control_is_set(self, kind: ControlKind, value: int, one: bool) -> None:
        stores = STORES[:1] if one else ()
        command = c.SetControl(kind, value, stores, WHO, WHY, self.now + 300)
        before = len(self.town.log.entries)
        with contextlib.suppress(DispatchError):
            self.town.engine.preview(command)
        assert len(self.town.log.entries) == before
        self.attempt(command)

    @rule(store_id=st.sampled_from(STORES), pause=st.booleans())
    def a_store_stops_or_goes_on(self, store_id: str, pause: bool) -> None:
        self.attempt(c.PauseStore(store_id, WHY) if pause else c.ResumeStore(store_id))

    @rule(data=st.data())
    def an_outside_company_takes_one(self, data: st.DataObject) -> None:
        order = self.town.engine.state.orders.get(self.some_order(data))
        if order is None or order.courier_id is not None or order.delivery.value != "confirmed":
            return
        carriage = Carriage("Hermes", "h-1", 500, self.now, eta=self.now + 900)
        self.town.engine._record([e.CarriageBooked(order.order_id, carriage)])

    @rule(data=st.data(), courier_id=st.sampled_from(COURIERS))
    def somebody_asks_why(self, data: st.DataObject, courier_id: str) -> None:
        state = self.town.engine.state
        known = sorted([*state.orders, *state.closed])
        if known:
            self.explain(data.draw(st.sampled_from(known)))

    def explain(self, order_id: str) -> None:
        before = len(self.town.log.entries)
        found = self.town.engine.explain(order_id)
        assert len(self.town.log.entries) == before
        order = self.town.engine.state.order(order_id)
        hold_sound(found, order)
        json.dumps(WIRE.unstructure(found))

    def teardown(self) -> None:
        if not hasattr(self, "town"):
            return
        state = self.town.engine.state
        for order_id in (*state.orders, *state.closed):
            self.explain(order_id)


def hold_sound(found: Explanation, order: OrderState) -> None:
    """Hold that an explanation says something and contradicts neither itself nor the order."""
    assert found.order_id == order.order_id
    assert found.sentence.endswith(".")
    for no_words in ("None", " 0 min", "-0 ", "by somebody", "..", "  ", ": ."):
        assert no_words not in found.sentence
    assert sum(option.chosen for option in found.stores) <= 1
    kinds = {decision.kind for decision in found.decisions}
    if order.is_closed:
        assert sum(s.took_s for s in found.stretches) == found.stretches[-1].ended_at - (
            order.order.created_at
        )
        assert all(a.ended_at == b.began_at for a, b in pairwise(found.stretches))
        return
    assert ("hold" in kinds) == (order.hold is not None)
    assert ("lock" in kinds) == (order.lock is not None)
    assert ("carriage" in kinds) == order.is_carried_outside
    for change in found.changes:
        assert change.effect
        assert change.detail
        assert change.saved_s is None or change.saved_s >= 60


TestDesk = Desk.TestCase
TestDesk.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
