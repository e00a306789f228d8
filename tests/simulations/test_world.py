from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from quiet_town import MINUTE_S, Town, carried

from dispatch import events as e
from dispatch.commands import (
    ArriveAtStop,
    CancelOrder,
    Command,
    CompletePick,
    CompleteStop,
    DeclineStop,
    FailStop,
    PlaceOrder,
    SetStock,
    StartPick,
    StartShift,
)
from dispatch.model import Mode, Order, Promise, StopKind
from geo.city import City
from geo.closures import Closure, ClosureShape
from geo.travel import NetworkTravelTimes
from simulations.errors import ScenarioError
from simulations.scenarios.settings import Scenario
from simulations.worlds.world import World

Make = Callable[..., Town]


@pytest.fixture
def make(friday: Scenario, helsinki: City, roads: NetworkTravelTimes) -> Make:
    """Return a maker of towns where nothing unforeseen happens, unless a test wants it."""

    def maker(**changes: float) -> Town:
        customers = replace(
            friday.customers,
            cancel_share=changes.get("cancel", 0),
            nobody_home_share=changes.get("nobody_home", 0),
        )
        travel = replace(friday.travel, decline_share=changes.get("decline", 0))
        scenario = replace(friday, customers=customers, travel=travel)
        town = Town(scenario, helsinki, roads)
        town.open_up()
        return town

    return maker


def test_at_five_those_whose_shift_it_is_are_at_work(make: Make, friday: Scenario) -> None:
    at_work = {seen.courier_id for seen in make().world.positions(friday.start("Europe/Helsinki"))}
    assert at_work == {
        courier.courier_id
        for courier in friday.couriers
        if courier.shift[0] <= 17 * 3600 < courier.shift[1]
    }


def test_an_order_goes_from_the_shelf_to_the_door(make: Make) -> None:
    town = make()
    order = carried(town)
    left_at = town.now
    stop = town.commit(order, StopKind.DROPOFF)
    arrival = town.only(ArriveAtStop)
    assert arrival.occurred_at > left_at
    town.tell(e.StopArrived("cou_aino", stop, arrival.occurred_at))
    assert town.seen() == order.door
    done = town.only(CompleteStop)
    assert done.stop_id == stop.stop_id
    assert done.occurred_at > arrival.occurred_at


def test_a_courier_under_way_goes_round_a_street_that_is_closed(
    friday: Scenario, helsinki: City
) -> None:
    roads = NetworkTravelTimes(helsinki.network)
    quiet = replace(friday, customers=replace(friday.customers, nobody_home_share=0))
    town = Town(quiet, helsinki, roads)
    town.open_up()
    order = carried(town)
    town.commit(order, StopKind.DROPOFF)
    from_here = town.seen()
    assert from_here is not None
    open_way = roads.route(from_here, order.door, Mode.BIKE, town.now)
    ahead = open_way.points[len(open_way.points) // 2]
    closure = Closure("clo_1", ClosureShape.POINT, (ahead,), modes=(Mode.BIKE,))
    town.tell(e.StreetClosed(closure))
    other_way = roads.route(from_here, order.door, Mode.BIKE, town.now)
    assert other_way.duration_s > open_way.duration_s
    trip = town.world._fleet._agents["cou_aino"].trip
    assert trip is not None
    assert trip.road.points == other_way.points
    town.tell(e.StreetReopened("clo_1"))
    trip = town.world._fleet._agents["cou_aino"].trip
    assert trip is not None
    assert trip.road.points == open_way.points


def test_a_courier_at_the_counter_waits_for_the_goods(make: Make) -> None:
    town = make()
    order = town.order()
    town.tell(e.PickStarted(order.order_id, town.store_id, town.now))
    stop = town.commit(order, StopKind.PICKUP)
    town.tell(e.StopArrived("cou_aino", stop, town.now))
    done = town.only(CompletePick)
    assert not any(isinstance(command, CompleteStop) for command in town.act(10 * MINUTE_S))
    town.tell(e.PickCompleted(order.order_id, town.store_id, done.occurred_at))
    assert town.only(CompleteStop).occurred_at > done.occurred_at


def test_nobody_home_sends_the_goods_back(make: Make) -> None:
    town = make(nobody_home=1)
    order = carried(town)
    stop = town.commit(order, StopKind.DROPOFF)
    arrival = town.only(ArriveAtStop)
    town.tell(e.StopArrived("cou_aino", stop, arrival.occurred_at))
    failed = town.only(FailStop)
    assert failed.occurred_at == arrival.occurred_at + 240
    town.tell(e.DeliveryFailed("cou_aino", order.order_id, failed.reason, failed.occurred_at))
    back = town.commit(order, StopKind.RETURN)
    town.tell(e.StopArrived("cou_aino", back, town.only(ArriveAtStop).occurred_at))
    assert town.only(CompleteStop).stop_id == back.stop_id


def test_a_pickup_may_be_declined_before_arriving(make: Make) -> None:
    town = make(decline=1)
    order = town.order()
    stop = town.commit(order, StopKind.PICKUP)
    declined = town.only(DeclineStop)
    assert declined.occurred_at == town.log[-1].at + 15
    town.tell(e.StopDeclined("cou_aino", order.order_id, declined.reason, declined.occurred_at))
    assert stop.stop_id == declined.stop_id
    assert not any(isinstance(c, ArriveAtStop) for c in town.act(30 * MINUTE_S))


def test_customers_cancel_only_what_is_not_under_way(make: Make) -> None:
    town = make(cancel=1)
    town.order()
    assert town.only(CancelOrder).order_id == "ord_1"
    town = make(cancel=1)
    carried(town)
    assert not any(isinstance(command, CancelOrder) for command in town.act(30 * MINUTE_S))


def test_a_cancelled_pickup_leaves_the_courier_where_they_are(make: Make) -> None:
    town = make()
    order = town.order()
    town.commit(order, StopKind.PICKUP)
    town.now += 20
    here = town.seen()
    town.tell(e.StopReleased("cou_aino", order.order_id, "cancelled"))
    town.tell(e.OrderCancelled(order.order_id, "cancelled", town.now))
    town.now += 60
    assert town.seen() == here
    assert not any(isinstance(c, ArriveAtStop) for c in town.act(30 * MINUTE_S))


def test_pickers_take_what_is_most_pressing_and_no_more_than_they_can(make: Make) -> None:
    town = make()
    pickers = max(town.world.scenario.stores["convenience"].pickers)
    assert town.city.stores[0].kind == "convenience"
    for number in range(1, pickers + 1):
        town.order(number)
    late = town.order(8, latest_s=1800)
    soon = town.order(9, latest_s=900)
    begun = [c.order_id for c in town.act(0) if isinstance(c, StartPick)]
    assert begun == ["ord_1", "ord_2"]
    for order_id in begun:
        town.tell(e.PickStarted(order_id, town.store_id, town.now))
    done = town.only(CompletePick)
    town.tell(e.PickCompleted(done.order_id, town.store_id, done.occurred_at))
    begun = [c.order_id for c in town.act(0) if isinstance(c, StartPick)]
    assert begun == [soon.order_id]
    town.tell(e.OrderCancelled(soon.order_id, "cancelled", town.now))
    begun = [c.order_id for c in town.act(0) if isinstance(c, StartPick)]
    assert begun == [late.order_id]


def test_an_order_that_changes_store_is_picked_where_it_went(make: Make) -> None:
    town = make()
    for number in range(1, 4):
        town.order(number)
    begun = {c.order_id for c in town.act(0) if isinstance(c, StartPick)}
    assert "ord_3" not in begun
    other = town.city.stores[5].store_id
    town.tell(e.OrderResourced("ord_3", town.store_id, other))
    assert town.only(StartPick, for_s=0).order_id == "ord_3"


def test_a_courier_taken_over_by_a_person_is_left_alone_and_taken_back(make: Make) -> None:
    town = make()
    order = carried(town)
    stop = town.commit(order, StopKind.DROPOFF)
    town.now += 10
    town.tell(e.OperatorChanged("cou_aino", "a person"))
    assert town.seen() is None
    assert not any(isinstance(c, ArriveAtStop) for c in town.act(30 * MINUTE_S))
    town.tell(e.OperatorChanged("cou_aino", "simulation"))
    assert town.world.lost() == ("cou_aino",)
    assert town.seen() is None
    there = town.city.stores[7].location
    town.world.found("cou_aino", there, town.now)
    assert town.world.lost() == ()
    assert town.seen() == there
    assert town.only(ArriveAtStop).stop_id == stop.stop_id


def test_a_person_whose_device_is_off_the_map_does_not_strand_the_goods(make: Make) -> None:
    town = make()
    order = carried(town)
    town.tell(e.OperatorChanged("cou_aino", "a person"))
    stop = town.commit(order, StopKind.DROPOFF)
    town.tell(e.OperatorChanged("cou_aino", "simulation"))
    berlin = town.seen("cou_eero")._replace(lon=13.4, lat=52.5)
    town.world.found("cou_aino", berlin, town.now)
    assert town.only(ArriveAtStop).stop_id == stop.stop_id


def test_what_a_person_does_by_hand_is_not_done_again(make: Make) -> None:
    town = make()
    order = carried(town)
    town.tell(e.OperatorChanged("cou_aino", "a person"))
    stop = town.commit(order, StopKind.DROPOFF)
    town.tell(e.StopArrived("cou_aino", stop, town.now))
    town.tell(e.OrderDelivered("cou_aino", order.order_id, town.now))
    town.tell(e.OperatorChanged("cou_aino", "simulation"))
    town.world.found("cou_aino", None, town.now)
    assert town.seen() == order.door
    assert not any(isinstance(c, ArriveAtStop | CompleteStop) for c in town.act(30 * MINUTE_S))


def test_who_is_told_to_wait_goes_there_along_the_streets_and_waits(make: Make) -> None:
    town = make()
    home, shop = town.seen(), town.city.stores[7]
    town.tell(e.StandbyGiven("cou_aino", shop.store_id, town.now + 300, town.now))
    assert town.act(20) == []
    assert town.seen() != home
    town.act(30 * MINUTE_S)
    there = town.seen()
    assert there == pytest.approx(shop.location, abs=1e-3)
    town.act(MINUTE_S)
    assert town.seen() == there


def test_a_stop_told_on_the_way_to_a_standby_begins_where_the_courier_is(make: Make) -> None:
    town = make()
    order = town.order()
    shop = town.city.stores[7]
    town.tell(e.StandbyGiven("cou_aino", shop.store_id, town.now + 300, town.now))
    town.act(40)
    on_the_way = town.seen()
    stop = town.commit(order, StopKind.PICKUP)
    assert town.seen() == on_the_way
    again = World(town.world.scenario, town.city, NetworkTravelTimes(town.city.network), seed=1)
    again.catch_up(town.log)
    assert again.describe()["couriers"] == town.world.describe()["couriers"]
    arrival = town.only(ArriveAtStop)
    assert (arrival.stop_id, arrival.courier_id) == (stop.stop_id, "cou_aino")


def test_the_end_of_a_shift_ends_the_way_to_a_standby(make: Make) -> None:
    town = make()
    home = town.seen()
    town.tell(e.StandbyGiven("cou_aino", town.city.stores[7].store_id, town.now + 300, town.now))
    town.act(20)
    town.tell(e.ShiftEnded("cou_aino", town.now))
    assert town.seen() is None
    town.tell(e.ShiftStarted("cou_aino", town.now, town.now + 3600))
    assert town.seen() == home


def test_the_walk_between_street_and_counter_is_taken_in_and_out(make: Make) -> None:
    times: list[tuple[int, int]] = []
    for access_s in (0, 70):
        town = make()
        events = [entry.event for entry in town.log]
        opened = {x.store.store_id: x.store for x in events if isinstance(x, e.StoreRegistered)}
        town.tell(e.StoreRegistered(replace(opened[town.store_id], access_s=access_s)))
        began = town.now
        order = town.order()
        stop = town.commit(order, StopKind.PICKUP)
        arrival = town.only(ArriveAtStop)
        way_in_s = arrival.occurred_at - began
        town.tell(e.StopArrived("cou_aino", stop, arrival.occurred_at))
        town.pick(order)
        done = town.only(CompleteStop)
        town.tell(e.ParcelPickedUp("cou_aino", order.order_id, town.store_id, done.occurred_at))
        left_at = town.now
        town.commit(order, StopKind.DROPOFF)
        times.append((way_in_s, town.only(ArriveAtStop).occurred_at - left_at))
    (in_s, out_s), slow = times
    assert slow == (in_s + 70, out_s + 70)


def test_a_world_that_is_refused_everything_gives_up_in_peace(make: Make) -> None:
    town = make()
    order = town.order()
    town.commit(order, StopKind.PICKUP)
    asked: list[Command] = []
    end = town.now + 60 * MINUTE_S
    while (at := town.world.next_at()) is not None and at <= end:
        town.now = max(town.now, at)
        for command in town.world.act(town.now):
            if not isinstance(command, PlaceOrder):
                asked.append(command)
            town.world.refused(command, "wrong_state")
    assert sum(isinstance(command, ArriveAtStop) for command in asked) == 6
    assert sum(isinstance(command, StartPick) for command in asked) == 6


def test_refused_customers_do_not_insist(make: Make) -> None:
    town = make()
    clicks: list[str | None] = []
    end = town.now + 10 * MINUTE_S
    while (at := town.world.next_at()) is not None and at <= end:
        town.now = max(town.now, at)
        for command in town.world.act(town.now):
            if isinstance(command, PlaceOrder):
                clicks.append(command.external_id)
                town.world.refused(command, "no_stock")
    assert clicks
    assert len(set(clicks)) == len(clicks)


def test_clicks_that_are_much_too_late_are_customers_lost(make: Make) -> None:
    town = make()
    town.now += 40 * MINUTE_S
    clicks = [c for c in town.world.act(town.now) if isinstance(c, PlaceOrder)]
    assert clicks
    assert all(command.occurred_at >= town.now - 20 * MINUTE_S for command in clicks)
    assert town.world.lost_clicks


def test_orders_heard_of_before_are_not_clicked_again(
    make: Make, friday: Scenario, helsinki: City, roads: NetworkTravelTimes
) -> None:
    town = make()
    click = town.only(PlaceOrder)
    order = replace(_bare(click), external_id=click.external_id)
    town.tell(e.OrderReceived(order, Promise(town.now, town.now, town.now), town.store_id))
    again = World(friday, helsinki, roads, seed=1)
    again.catch_up(town.log)
    clicks = [c for c in again.act(town.now + 120) if isinstance(c, PlaceOrder)]
    assert clicks
    assert click.external_id not in {command.external_id for command in clicks}


def test_a_pick_takes_its_true_time_whatever_the_store_does(make: Make) -> None:
    orders = []
    for _ in range(2):
        town = make()
        order = town.order()
        begun_at = town.now
        town.tell(e.PickStarted(order.order_id, town.store_id, begun_at))
        orders.append(town.only(CompletePick).occurred_at - begun_at)
    assert orders[0] == orders[1]


def test_shelves_are_filled_again_in_the_morning(make: Make) -> None:
    town = make()
    restock = [c for c in town.act(13 * 3600) if isinstance(c, SetStock)]
    assert {command.store_id for command in restock} == {s.store_id for s in town.city.stores}
    # Twelve hours from five in the afternoon to five in the morning.
    town = make()
    assert not any(isinstance(c, SetStock) for c in town.act(12 * 3600 - 1))


def test_a_new_shift_begins_the_next_day(make: Make) -> None:
    town = make()
    starts = [c for c in town.act(24 * 3600) if isinstance(c, StartShift)]
    assert sorted(c.courier_id for c in starts) == sorted(
        courier.courier_id for courier in town.world.scenario.couriers
    )
    assert all(command.ends_at > command.starts_at for command in starts)


def test_a_scenario_that_does_not_fit_the_city_is_told_so(
    friday: Scenario, helsinki: City, roads: NetworkTravelTimes
) -> None:
    strange = replace(friday, stores={"supermarket": friday.stores["supermarket"]})
    with pytest.raises(ScenarioError, match=r"stores\.convenience is missing"):
        World(strange, helsinki, roads)

    class OnFoot:
        modes = frozenset({Mode.WALK})

    with pytest.raises(ScenarioError, match="no roads for mode 'bike'"):
        World(friday, helsinki, OnFoot())  # type: ignore[arg-type]


def _bare(click: PlaceOrder) -> Order:
    return Order(
        order_id="ord_1",
        created_at=click.occurred_at,
        door=click.door,
        address=click.address,
        lines=click.lines,
        weight_g=click.weight_g,
        service_s=click.service_s,
    )
