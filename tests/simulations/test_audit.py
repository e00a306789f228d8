"""The checker finds nothing wrong with real evenings, and every planted fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from written_log import STORE, WrittenLog, golden, minute

from dispatch import events as e
from dispatch.model import Fulfilment, LonLat, Policy, Promise, Stop, StopKind, Store
from dispatch.records import Carriage
from geo.city import City
from geo.travel import NetworkTravelTimes
from simulations.audits.audit import audit
from simulations.loop import Simulation
from simulations.scenarios.settings import Scenario

Log = tuple[e.Recorded, ...]
MINUTE_S = 60
QUICK = Policy(improve_rounds=5, routing_min_orders=1_000_000)


@pytest.fixture(scope="module")
def evening(friday: Scenario, helsinki: City, roads: NetworkTravelTimes) -> Log:
    """Return ten minutes of orders on a rough evening, and all that came of them."""
    rough = replace(
        friday,
        customers=replace(friday.customers, cancel_share=0.15, nobody_home_share=0.15),
        travel=replace(friday.travel, decline_share=0.25),
        demand=replace(friday.demand, collection_share=0.2),
    )
    until = rough.start(helsinki.time_zone) + 10 * MINUTE_S
    simulation = Simulation(rough, helsinki, policy=QUICK, travel=roads, demand_until=until)
    simulation.drain(until + 80 * MINUTE_S)
    return tuple(simulation.log.events)


def numbered(events: Sequence[e.Recorded]) -> Log:
    """Return events with sequence numbers as if nothing had happened to them."""
    return tuple(replace(entry, seq=seq) for seq, entry in enumerate(events, start=1))


def first(log: Log, kind: type[e.Event], nth: int = 0) -> int:
    """Return the index of an event of a kind."""
    return [index for index, entry in enumerate(log) if isinstance(entry.event, kind)][nth]


def changed(log: Log, index: int, **fields: object) -> Log:
    """Return the log with fields of one event otherwise."""
    entry = log[index]
    event = replace(entry.event, **fields)  # type: ignore[type-var]
    return (*log[:index], replace(entry, event=event), *log[index + 1 :])


def said(found: Sequence[str], *words: str) -> bool:
    """Tell whether one breach has all the words."""
    return any(all(word in breach for word in words) for breach in found)


def subjects(event: e.Event) -> set[str]:
    """Return whom and what an event is about."""
    things = (
        event,
        *(getattr(event, name, None) for name in ("store", "courier", "order", "stop")),
    )
    names = ("courier_id", "store_id", "order_id")
    return {str(getattr(thing, name, "")) for thing in things for name in names} - {""}


def test_a_real_evening_has_no_breach(evening: Log, helsinki: City) -> None:
    kinds = {type(entry.event) for entry in evening}
    assert {e.OrderDelivered, e.ParcelReturned, e.OrderCancelled, e.StopDeclined} <= kinds
    assert audit(evening, NetworkTravelTimes(helsinki.network)) == ()


def test_a_written_evening_has_no_breach() -> None:
    assert audit(golden().events) == ()


@pytest.mark.parametrize(
    "kind",
    [
        e.StoreRegistered,
        e.CourierRegistered,
        e.ShiftStarted,
        e.OrderReceived,
        e.PickStarted,
        e.PickCompleted,
        e.StopCommitted,
        e.StopArrived,
        e.ParcelPickedUp,
    ],
)
def test_what_is_left_out_is_missed(evening: Log, kind: type[e.Event]) -> None:
    told = evening[first(evening, e.StopCommitted)].event
    assert isinstance(told, e.StopCommitted)
    about = {told.courier_id, told.stop.store_id, told.stop.order_id}
    index = next(
        index
        for index, entry in enumerate(evening)
        if isinstance(entry.event, kind) and about & subjects(entry.event)
    )
    assert audit(numbered([*evening[:index], *evening[index + 1 :]]))


def test_a_gap_in_the_log_is_named(evening: Log) -> None:
    assert audit((*evening[:50], *evening[51:])) == ("seq 52: comes where seq 51 must",)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (e.OrderReceived, "taken a second time"),
        (e.PickStarted, "begins while it is being picked"),
        (e.PickCompleted, "ends while it is at the counter"),
        (e.ParcelPickedUp, "in the bag of"),
        (e.OrderDelivered, "after its end (delivered"),
        (e.ParcelReturned, "after its end (returned"),
        (e.OrderCancelled, "after its end (cancelled"),
        (e.OrderCollected, "after its end (collected"),
    ],
)
def test_what_happens_twice_is_named(evening: Log, kind: type[e.Event], words: str) -> None:
    log = evening
    if not any(isinstance(entry.event, kind) for entry in log):
        log = tuple(golden().events)
    index = first(log, kind)
    found = audit(numbered([*log[: index + 1], *log[index:]]))
    assert said(found, words), found


def test_times_that_go_back_are_named(evening: Log) -> None:
    index = first(evening, e.OrderDelivered)
    before = evening[index - 1]
    assert said(
        audit((*evening[:index], replace(evening[index], at=before.at - 1), *evening[index + 1 :])),
        f"seq {index + 1}",
        "before the one ahead of it",
    )
    ahead = changed(evening, index, occurred_at=evening[index].at + 1)
    assert said(audit(ahead), "recorded before it happened")


def test_delivered_before_it_was_fetched(evening: Log) -> None:
    fetched = first(evening, e.ParcelPickedUp)
    order_id = evening[fetched].event.order_id  # type: ignore[union-attr]
    delivered = next(
        index
        for index, entry in enumerate(evening)
        if isinstance(entry.event, e.OrderDelivered | e.DeliveryFailed)
        and entry.event.order_id == order_id
    )
    events = list(evening)
    a, b = events[fetched], events[delivered]
    events[fetched], events[delivered] = (
        replace(a, event=replace(b.event, occurred_at=a.at)),  # type: ignore[type-var]
        replace(b, event=a.event),
    )
    found = audit(events)
    assert said(found, f"seq {fetched + 1}", order_id, "at the counter")


def test_another_courier_cannot_bring_it(evening: Log) -> None:
    index = first(evening, e.OrderDelivered)
    who = evening[index].event.courier_id  # type: ignore[union-attr]
    other = next(
        entry.event.courier.courier_id
        for entry in evening
        if isinstance(entry.event, e.CourierRegistered) and entry.event.courier.courier_id != who
    )
    found = audit(changed(evening, index, courier_id=other))
    assert said(found, f"{other} delivered", f"in the bag of {who}")


def test_a_leap_is_named_and_how_far_it_was(evening: Log) -> None:
    index = first(evening, e.OrderReceived)
    order = evening[index].event.order  # type: ignore[union-attr]
    far = replace(order, door=LonLat(order.door.lon + 0.4, order.door.lat))
    found = audit(changed(evening, index, order=far))
    assert said(found, "m farther", f"the dropoff of {order.order_id}")


def test_streets_show_what_the_straight_line_does_not(
    evening: Log, roads: NetworkTravelTimes
) -> None:
    # Everything within a third of the time: no line is too fast for a bicycle, but the streets are.
    start = evening[0].at
    index = next(
        number
        for number, entry in enumerate(evening)
        if isinstance(entry.event, e.StopArrived)
        and entry.event.stop.kind is StopKind.DROPOFF
        and entry.event.occurred_at - start > 300
    )
    event = evening[index].event
    assert isinstance(event, e.StopArrived)
    left = max(
        entry.event.occurred_at
        for entry in evening[:index]
        if isinstance(entry.event, e.ParcelPickedUp | e.OrderDelivered)
        and entry.event.courier_id == event.courier_id
    )
    hasty = changed(evening, index, occurred_at=left + 5)
    assert said(audit(hasty, roads), event.courier_id, "a third of what the streets take")


def test_more_than_a_courier_can_carry(evening: Log) -> None:
    index = first(evening, e.CourierRegistered)
    for field, words in (("capacity_g", "g and may carry 1 g"), ("capacity_parcels", "room for 0")):
        events = list(evening)
        for number, entry in enumerate(events):
            if isinstance(entry.event, e.CourierRegistered):
                courier = entry.event.courier
                object.__setattr__(courier := replace(courier), field, int(field == "capacity_g"))
                events[number] = replace(entry, event=e.CourierRegistered(courier))
        assert said(audit(events), words)
    assert isinstance(evening[index].event, e.CourierRegistered)


def test_more_picks_at_a_time_than_pickers(evening: Log) -> None:
    events = list(evening)
    for number, entry in enumerate(events):
        if isinstance(entry.event, e.StoreRegistered):
            store = replace(entry.event.store, pickers=0)
            events[number] = replace(entry, event=e.StoreRegistered(store))
    assert said(audit(events), "orders at a time with 0 pickers")


def test_a_pick_before_its_order(evening: Log) -> None:
    index = first(evening, e.PickStarted)
    found = audit(changed(evening, index, occurred_at=evening[index].at - 7200))
    assert said(found, "begins before the order was there")


def test_stock_sold_twice(evening: Log) -> None:
    index = first(evening, e.OrderReceived)
    order = evening[index].event.order  # type: ignore[union-attr]
    lines = (replace(order.lines[0], quantity=100_000), *order.lines[1:])
    found = audit(changed(evening, index, order=replace(order, lines=lines)))
    assert said(found, order.order_id, "is promised 100000 of", "which has")
    assert said(found, "after", "was picked")


def test_a_promise_is_superseded_by_a_later_one_only() -> None:
    log = WrittenLog()
    log.open_up()
    log.click(0, "moved")
    log.note(1, e.PromiseSuperseded("ord_moved", Promise(minute(9), minute(39), minute(1)), ""))
    assert audit(log.events) == ()
    log.note(2, e.PromiseSuperseded("ord_moved", Promise(minute(9), minute(49), minute(0)), ""))
    log.note(3, e.PromiseSuperseded("ord_moved", Promise(minute(9), minute(49), minute(3)), ""))
    found = audit(log.events)
    assert said(found, "seq 9", "superseded")
    assert said(found, "seq 10", "by the same one")


def test_one_stop_at_a_time_and_only_what_was_told() -> None:
    log = WrittenLog()
    log.open_up()
    for name in ("one", "two"):
        log.click(0, name)
        log.pick(1, f"ord_{name}", 2)
    log.go(2, "cou_anna", "ord_one", StopKind.PICKUP, 3)
    log.go(4, "cou_anna", "ord_two", StopKind.PICKUP, 5)
    found = audit(log.events)
    assert said(found, "told the pickup of ord_two while doing the pickup of ord_one")
    assert said(found, "arrives at the pickup of ord_two while at the pickup of ord_one")
    log.note(61, e.OrderDelivered("cou_ben", "ord_one", minute(61)))
    assert said(audit(log.events), "cou_ben delivered ord_one, which is at the counter")


def test_nobody_is_told_to_fetch_off_shift_or_stranded() -> None:
    log = WrittenLog()
    log.open_up()
    log.click(0, "one")
    log.pick(1, "ord_one", 2)
    log.note(2, e.CourierStranded("cou_anna", "puncture", (), None, minute(2)))
    log.go(3, "cou_anna", "ord_one", StopKind.PICKUP, 4)
    log.note(5, e.StopReleased("cou_anna", "ord_one", "stranded"))
    log.go(61, "cou_ben", "ord_one", StopKind.PICKUP, 62)
    found = audit(log.events)
    assert said(found, "cou_anna", "while stranded")
    assert said(found, "cou_ben", "off shift")


def test_goods_change_hands_at_a_point_only() -> None:
    log = WrittenLog()
    log.open_up()
    log.click(0, "one")
    log.pick(1, "ord_one", 2)
    log.fetch(2, "cou_anna", "ord_one", 3, 4)
    point = Store("pnt_1", "bag of anna", LonLat(24.941, 60.17), pickers=0, is_point=True)
    log.note(6, e.CourierStranded("cou_anna", "puncture", ("ord_one",), point, minute(6)))
    stop = e.StopCommitted(
        "cou_ben", replace(_pickup("ord_one"), store_id="pnt_1"), minute(9), minute(6)
    )
    log.note(6, stop)
    log.note(9, e.StopArrived("cou_ben", stop.stop, minute(9)))
    log.note(10, e.ParcelPickedUp("cou_ben", "ord_one", "pnt_1", minute(10)))
    log.bring(10, "cou_ben", "ord_one", 12, 13)
    assert audit(log.events) == ()
    stolen = [entry for entry in log.events if not isinstance(entry.event, e.CourierStranded)]
    assert said(audit(numbered(stolen)), "in the bag of cou_anna")


def test_what_was_given_up_or_carried_outside_stays_so() -> None:
    log = WrittenLog()
    log.open_up()
    log.click(0, "gone")
    log.note(1, e.OrderCancelled("ord_gone", "changed my mind", minute(1)))
    log.note(2, e.PickStarted("ord_gone", STORE, minute(2)))
    log.click(2, "out")
    log.pick(2, "ord_out", 3)
    log.note(3, e.CarriageBooked("ord_out", Carriage("swift", "1", 500, minute(3))))
    log.note(4, e.CarriageReported("ord_out", "slow", "1", "delivered", "", None, minute(4)))
    log.note(5, e.CustomerArrived("ord_out", "", minute(5)))
    found = audit(log.events)
    assert said(found, "PickStarted about ord_gone after its end (cancelled at seq 8)")
    assert said(found, "slow reports on ord_out, which it does not carry")
    assert said(found, "CustomerArrived about ord_out after its end (delivered")


def test_returned_goods_are_no_more_than_were_bought() -> None:
    log = WrittenLog()
    log.open_up()
    log.click(0, "desk", fulfilment=Fulfilment.COLLECTION)
    log.pick(1, "ord_desk", 2)
    log.note(3, e.OrderCollected("ord_desk", STORE, minute(3)))
    back = e.ReturnSettled("ord_desk", STORE, {"milk": 1}, {}, 100, "sour", None, minute(9))
    log.note(9, back)
    assert audit(log.events) == ()
    log.note(10, replace(back, occurred_at=minute(10)))
    assert said(audit(log.events), "1 of milk came back of ord_desk more than it had")


def test_a_log_that_is_all_wrong_is_cut_short(
    evening: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulations.audits.audit.MOST", 20)
    found = audit([entry for entry in evening if not isinstance(entry.event, e.CourierRegistered)])
    assert len(found) == 21
    assert found[-1].startswith("and ")


def _pickup(order_id: str) -> Stop:
    return Stop(StopKind.PICKUP, order_id, STORE)
