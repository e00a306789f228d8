"""What people and mishaps decide, said in the planner's own words: see decision 13."""

from __future__ import annotations

from dataclasses import replace

from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.check import check
from dispatch.model import (
    Fulfilment,
    Order,
    OrderLine,
    Plan,
    Promise,
    Snapshot,
    StopKind,
    Store,
)
from dispatch.planning.plan import plan
from dispatch.records import Carriage, Hold, OrderLock, RouteLock


def facts(town: Town, *events: e.Event) -> None:
    """Let something have happened, whoever said so."""
    town.engine._record(events)


def decided(town: Town) -> tuple[Snapshot, Plan]:
    snapshot = town.engine.snapshot()
    found = plan(snapshot)
    assert check(found, snapshot) == []
    return snapshot, found


def courier_of(found: Plan, order_id: str) -> str | None:
    for route in found.routes:
        if any(visit.stop.order_id == order_id for visit in route.visits):
            return route.courier_id
    return None


def test_a_held_order_is_nobody_s_business_until_it_is_released() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.engine.replan()
    facts(town, e.OrderHeld(order_id, Hold("ops", "address unclear"), NOW))
    snapshot, found = decided(town)
    assert snapshot.orders == ()
    assert found.routes == ()
    assert town.engine.state.routes == ()
    assert town.engine.work_order("sto_west") == ()
    facts(town, e.HoldReleased(order_id, NOW))
    assert courier_of(decided(town)[1], order_id) is not None


def test_a_locked_order_goes_to_its_courier_though_another_is_nearer() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    chosen = courier_of(decided(town)[1], order_id)
    other = next(key for key in town.engine.state.couriers if key != chosen)
    facts(town, e.OrderLocked(order_id, OrderLock(other, "ops", "knows the house", NOW + 900), NOW))
    assert courier_of(decided(town)[1], order_id) == other
    town.clock.time = NOW + 900
    assert courier_of(decided(town)[1], order_id) == chosen


def test_stops_in_a_fixed_order_are_done_in_it() -> None:
    town = Town()
    first, second = town.order(at(3, 0)), town.order(at(5, 0))
    town.engine.replan()
    route = max(town.engine.state.routes, key=lambda route: len(route.visits))
    told = [visit.stop for visit in route.visits]
    orders = sorted({stop.order_id for stop in told})
    assert orders == sorted((first, second))
    ends = [stop for stop in told if stop.kind is StopKind.DROPOFF]
    wanted = [s for s in told if s.kind is StopKind.PICKUP] + ends[::-1]
    lock = RouteLock(tuple(s.stop_id for s in wanted), "ops", "asked to", NOW + 900)
    facts(town, e.RouteLocked(route.courier_id, lock, NOW))
    _, found = decided(town)
    mine = next(r for r in found.routes if r.courier_id == route.courier_id)
    assert [visit.stop for visit in mine.visits] == wanted
    town.engine.replan()
    decided(town)
    assert [v.stop for v in town.engine.state.couriers[route.courier_id].route.visits] == wanted


def test_what_an_outside_company_carries_is_picked_and_not_routed() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    facts(town, e.CarriageBooked(order_id, Carriage("swift", "r1", 900, NOW)))
    snapshot, found = decided(town)
    assert [order.order.fulfilment for order in snapshot.orders] == [Fulfilment.COLLECTION]
    assert found.routes == ()
    assert [pick.order_id for pick in town.engine.work_order("sto_west")] == [order_id]
    facts(town, e.CarriageEnded(order_id, "swift", "no driver", NOW))
    assert courier_of(decided(town)[1], order_id) is not None


def test_what_an_outside_company_has_in_its_bag_is_out_of_sight() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    facts(
        town,
        e.CarriageBooked(order_id, Carriage("swift", "r1", 900, NOW)),
        e.CarriageReported(order_id, "swift", "r1", "picked_up", "", NOW + 600, NOW + 60),
    )
    assert decided(town)[0].orders == ()
    facts(
        town,
        e.CarriageReported(order_id, "swift", "r1", "delivered", "", None, NOW + 600),
    )
    assert town.engine.state.order(order_id).is_closed


def test_a_break_ends_before_the_next_pickup_begins() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    for courier_id in town.engine.state.couriers:
        facts(town, e.BreakStarted(courier_id, NOW + 900, NOW))
    _, found = decided(town)
    (route,) = found.routes
    assert route.visits[0].stop.order_id == order_id
    assert route.leave_at >= NOW + 900


def test_whoever_went_home_is_told_nothing_that_was_planned_before() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.engine.replan()
    chosen = next(r.courier_id for r in town.engine.state.routes)
    town.give(c.EndShift(chosen, town.clock.now()))
    town.picked(order_id)
    town.clock.time += 1200
    assert town.engine.commit_due() == ()
    assert town.engine.next_commit_at() is None


def test_whoever_wants_a_break_gets_nothing_new() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    chosen = courier_of(decided(town)[1], order_id)
    assert chosen is not None
    facts(town, e.BreakWanted(chosen, 900, NOW))
    assert courier_of(decided(town)[1], order_id) not in {None, chosen}


def test_priority_is_a_sooner_promise_to_the_planner_alone() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    before = town.engine.state.order(order_id)
    facts(town, e.OrderAmended(replace(before.order, priority=2), ("priority",), "ops", NOW))
    snapshot, _ = decided(town)
    lead_s = town.engine.policy.priority_lead_s
    assert snapshot.orders[0].promise.latest == before.promise.latest - 2 * lead_s
    assert town.engine.state.order(order_id).promise == before.promise


def test_an_order_never_comes_back_to_a_store_that_was_ruled_out() -> None:
    town = Town()
    order_id = town.order(at(2, 0))
    assert town.engine.state.order(order_id).store_id == "sto_west"
    facts(
        town,
        e.StoreExcluded(order_id, "sto_west", "ops", "nobody picks"),
        e.OrderResourced(order_id, "sto_west", "sto_east", "nobody picks"),
    )
    for _ in range(3):
        _, found = decided(town)
        assert found.sourcing[order_id] == "sto_east"
        town.engine.replan()
    assert town.engine.state.order(order_id).store_id == "sto_east"


def test_goods_of_a_stranded_courier_are_fetched_where_they_are() -> None:
    town = Town()
    order_id = town.order(at(20, 0))
    town.picked(order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    point = Store("pnt_1", "bag", at(9, 3), pickers=0, pickup_service_s=60, is_point=True)
    home = town.engine.state.order(order_id).store_id
    facts(town, e.CourierStranded(courier_id, "flat tyre", (order_id,), point, NOW + 400))
    town.clock.time = NOW + 400
    _, found = decided(town)
    (route,) = found.routes
    assert route.courier_id != courier_id
    assert [(v.stop.kind, v.stop.store_id) for v in route.visits] == [
        (StopKind.PICKUP, "pnt_1"),
        (StopKind.DROPOFF, "pnt_1"),
    ]
    town.engine.replan()
    other, stop_id = town.wait_for_commitment()
    town.do(other, stop_id)
    _, stop_id = town.wait_for_commitment()
    town.do(other, stop_id)
    order = town.engine.state.order(order_id)
    assert (order.delivery.value, order.store_id, order.courier_id) == ("delivered", home, other)
    assert "pnt_1" not in town.engine.state.stores


def test_what_a_second_courier_cannot_deliver_goes_back_to_the_shelf_it_came_from() -> None:
    town = Town()
    order_id = town.order(at(20, 0))
    town.picked(order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    home = town.engine.state.order(order_id).store_id
    point = Store("pnt_1", "bag", at(9, 3), pickers=0, is_point=True)
    facts(town, e.CourierStranded(courier_id, "flat tyre", (order_id,), point, NOW + 400))
    town.clock.time = NOW + 400
    town.engine.replan()
    other, stop_id = town.wait_for_commitment()
    town.do(other, stop_id)
    _, stop_id = town.wait_for_commitment()
    town.give(c.FailStop(other, stop_id, "nobody home", town.clock.now()))
    other, stop_id = town.wait_for_commitment()
    visit = town.engine.state.couriers[other].commitment
    assert visit is not None
    assert (visit.stop.kind, visit.stop.store_id) == (StopKind.RETURN, home)
    town.do(other, stop_id)
    assert town.engine.state.store(home).available("milk") == 10


def test_what_is_cancelled_in_a_stranded_bag_is_brought_home() -> None:
    town = Town()
    order_id = town.order(at(20, 0))
    town.picked(order_id)
    town.do(*town.wait_for_commitment())
    home = town.engine.state.order(order_id).store_id
    courier_id = town.engine.state.order(order_id).courier_id
    assert courier_id is not None
    point = Store("pnt_1", "bag", at(9, 3), pickers=0, is_point=True)
    facts(town, e.CourierStranded(courier_id, "flat tyre", (order_id,), point, NOW + 400))
    town.clock.time = NOW + 400
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.now()))
    # Nobody has put it on the shelf yet.
    assert town.engine.state.store(home).available("milk") == 9
    town.engine.replan()
    other, stop_id = town.wait_for_commitment()
    assert other != courier_id
    town.do(other, stop_id)
    other, stop_id = town.wait_for_commitment()
    told = town.engine.state.couriers[other].commitment
    assert told is not None
    assert (told.stop.kind, told.stop.store_id) == (StopKind.RETURN, home)
    town.do(other, stop_id)
    assert town.engine.state.order(order_id).delivery.value == "returned"
    assert town.engine.state.store(home).available("milk") == 10
    assert "pnt_1" not in town.engine.state.stores


def test_a_return_is_fetched_at_the_door_and_brought_to_the_store() -> None:
    town = Town()
    bought = town.order(at(8, 0))
    town.picked(bought)
    for _ in range(2):
        town.do(*town.wait_for_commitment())
    assert town.engine.state.order(bought).is_closed
    state, now = town.engine.state, town.clock.now()
    home = state.order(bought).store_id
    door = state.order(bought).order.door
    errand = Order(
        order_id="ord_back",
        created_at=now,
        door=state.store(home).store.location,
        address="West",
        lines=(OrderLine("milk", 1),),
        weight_g=1000,
        service_s=120,
        return_of=bought,
    )
    point = Store("pnt_2", "Corner", door, pickers=0, is_point=True)
    before = dict(state.store(home).on_hand), dict(state.store(home).reserved)
    facts(
        town,
        e.StoreRegistered(point),
        e.OrderReceived(errand, Promise(now, now + 3600, now), "pnt_2"),
    )
    decided(town)
    town.engine.replan()
    for _ in range(2):
        town.do(*town.wait_for_commitment())
    done = town.engine.state.order("ord_back")
    assert (done.delivery.value, done.store_id) == ("delivered", home)
    after = town.engine.state.store(home)
    # Nothing is put on the shelf before somebody looked at it.
    assert (dict(after.on_hand), dict(after.reserved)) == before
    assert "pnt_2" not in town.engine.state.stores
