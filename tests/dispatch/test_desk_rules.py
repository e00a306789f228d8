"""What a dispatcher decides: hold, assign, reorder, and taking it back; all of it on record."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.check import check
from dispatch.errors import ConflictError, InvalidValueError, UnknownIdError, WrongStateError
from dispatch.model import Courier, DeliveryStatus, Mode, Policy, Stop, StopKind
from dispatch.planning.plan import plan
from dispatch.records import Action, Hold
from dispatch.rules.desk import SLOT

HOUR_S = 3600


def hold(
    town: Town, order_id: str, until: int | None = None, recall: bool = False
) -> list[e.Event]:
    return town.give(c.HoldOrder(order_id, "ops:maria", "customer called", until, recall))


def lock(town: Town, order_id: str, courier_id: str, expires_at: int = NOW + 1800) -> list[e.Event]:
    return town.give(c.LockOrder(order_id, courier_id, "ops:maria", "knows the door", expires_at))


def reorder(town: Town, courier_id: str, *stop_ids: str) -> list[e.Event]:
    command = c.LockRoute(courier_id, stop_ids, "ops:maria", "doctor waits", NOW + 1800)
    return town.give(command)


def names(events: list[e.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def action_of(events: list[e.Event]) -> str:
    assert isinstance(events[0], e.ActionTaken)
    return events[0].action.action_id


def undo(town: Town, action_id: str) -> list[e.Event]:
    return town.give(c.UndoAction(action_id, "ops:jussi"))


def stop_ids(town: Town, courier_id: str) -> list[str]:
    route = town.engine.state.courier(courier_id).route
    return [visit.stop.stop_id for visit in route.visits] if route is not None else []


def published(town: Town) -> e.PlanPublished:
    """Make and publish a plan that breaks no rule; returns it."""
    made_for = town.engine.snapshot()
    made = plan(made_for)
    assert check(made, made_for) == []
    recorded = town.engine.publish(made, made_for, 0.0)
    return next(r.event for r in recorded if isinstance(r.event, e.PlanPublished))


def ready(town: Town) -> str:
    """Return an order whose goods wait at the counter."""
    order_id = town.order(at(3, 0))
    town.picked(order_id)
    return order_id


def anna_alone(policy: Policy | None = None) -> Town:
    """Return a town where Anna has the only shift."""
    town = Town(policy)
    town.give(c.EndShift("cou_ben", NOW))
    town.clock.time += 1
    return town


# --- holds -------------------------------------------------------------------------------------


def test_a_held_order_is_neither_picked_nor_routed_until_it_is_released() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    published(town)
    held = hold(town, order_id)
    assert names(held) == ["ActionTaken", "OrderHeld"]
    state = town.engine.state
    assert state.orders[order_id].hold == Hold("ops:maria", "customer called", None)
    assert state.routes == ()
    assert town.engine.snapshot().orders == ()
    assert town.engine.work_order("sto_west") == ()
    released = town.give(c.ReleaseHold(order_id, "ops:maria"))
    assert names(released) == ["ActionTaken", "HoldReleased"]
    published(town)
    assert town.engine.state.orders[order_id].eta is not None


def test_what_the_audit_keeps_of_a_hold() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    (taken, _) = hold(town, order_id)
    assert isinstance(taken, e.ActionTaken)
    action = taken.action
    assert (action.kind, action.subject, action.owner, action.reason, action.taken_at) == (
        "HoldOrder",
        order_id,
        "ops:maria",
        "customer called",
        NOW,
    )
    assert json.loads(action.before) == {"hold": None}


def test_a_hold_ends_by_itself() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    hold(town, order_id, until=NOW + 600)
    assert town.engine.next_commit_at() == NOW + 600
    town.clock.time = NOW + 600
    assert names([r.event for r in town.engine.commit_due()]) == ["HoldReleased"]
    assert town.engine.state.orders[order_id].hold is None
    assert town.engine.next_commit_at() is None


def test_a_courier_on_the_way_keeps_an_order_from_being_held_unless_recalled() -> None:
    town = Town()
    order_id = ready(town)
    courier_id, _ = town.wait_for_commitment()
    with pytest.raises(WrongStateError, match=r"cou_anna was told to fetch.*hold with recall"):
        hold(town, order_id)
    version = town.engine.state.courier(courier_id).route_version
    held = hold(town, order_id, recall=True)
    assert names(held) == ["ActionTaken", "StopReleased", "OrderHeld"]
    order, courier = town.engine.state.orders[order_id], town.engine.state.courier(courier_id)
    assert (order.delivery, order.courier_id) == (DeliveryStatus.CONFIRMED, None)
    assert courier.commitment is None
    assert courier.route_version == version + 1


def test_what_is_in_a_bag_cannot_be_held() -> None:
    town = Town()
    order_id = ready(town)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    with pytest.raises(WrongStateError) as error:
        hold(town, order_id, recall=True)
    assert error.value.allowed == ("hand the bag over", "cancel")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (c.HoldOrder("ord_none", "ops", "why"), UnknownIdError),
        (c.ReleaseHold("ord_none", "ops"), UnknownIdError),
        (c.UndoAction("act_none", "ops"), UnknownIdError),
        (c.EndControl("ctl_none", "ops"), UnknownIdError),
        (c.LockRoute("cou_none", ("a",), "ops", "why", NOW + 60), UnknownIdError),
        (c.LockRoute("cou_anna", ("a",), "ops", "why", NOW + 60), ConflictError),
        (c.UnlockRoute("cou_anna", "ops"), ConflictError),
    ],
)
def test_what_is_not_there_is_named(command: c.Command, error: type[Exception]) -> None:
    town = Town()
    seq = town.engine.state.seq
    with pytest.raises(error):
        town.give(command)
    assert town.engine.state.seq == seq


def test_a_hold_needs_a_time_to_come_and_a_release_a_hold() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    with pytest.raises(InvalidValueError, match="until is past"):
        hold(town, order_id, until=NOW)
    with pytest.raises(ConflictError, match="is not held"):
        town.give(c.ReleaseHold(order_id, "ops:maria"))


def in_a_slot(town: Town, until: int) -> str:
    """Return an order that waits for its slot."""
    order_id = town.order(at(3, 0))
    town.engine._record([e.OrderHeld(order_id, Hold(SLOT, "slot", until), NOW)])
    return order_id


def test_a_person_s_hold_over_a_slot_gives_the_slot_back() -> None:
    town = Town()
    order_id = in_a_slot(town, NOW + HOUR_S)
    with pytest.raises(InvalidValueError, match="before the slot"):
        hold(town, order_id, until=NOW + 60)
    hold(town, order_id)
    released = town.give(c.ReleaseHold(order_id, "ops:maria"))
    assert names(released) == ["ActionTaken", "HoldReleased", "OrderHeld"]
    assert town.engine.state.orders[order_id].hold == Hold(SLOT, "slot", NOW + HOUR_S)


def test_a_slot_that_a_person_released_stays_released() -> None:
    town = Town()
    order_id = in_a_slot(town, NOW + HOUR_S)
    town.give(c.ReleaseHold(order_id, "ops:maria"))
    hold(town, order_id)
    released = town.give(c.ReleaseHold(order_id, "ops:maria"))
    assert names(released) == ["ActionTaken", "HoldReleased"]


# --- who brings it -----------------------------------------------------------------------------


def test_an_assigned_order_goes_to_that_courier_until_the_lock_is_over() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    published(town)
    assert stop_ids(town, "cou_anna")
    assert names(lock(town, order_id, "cou_ben")) == ["ActionTaken", "OrderLocked"]
    # At once off the route of whoever had it: Anna cannot be told to leave for it meanwhile.
    assert stop_ids(town, "cou_anna") == []
    published(town)
    assert len(stop_ids(town, "cou_ben")) == 2
    town.clock.time = NOW + 1800
    ended = [r.event for r in town.engine.commit_due()]
    assert e.OrderUnlocked(order_id, "its time is over") in ended


def test_an_order_is_taken_properly_from_whoever_is_on_the_way_to_it() -> None:
    town = Town()
    order_id = ready(town)
    assert town.wait_for_commitment()[0] == "cou_anna"
    events = lock(town, order_id, "cou_ben", expires_at=town.clock.now() + 1800)
    assert names(events) == ["ActionTaken", "StopReleased", "OrderLocked"]
    assert town.engine.state.courier("cou_anna").commitment is None
    assert town.engine.state.orders[order_id].delivery is DeliveryStatus.CONFIRMED
    assert town.wait_for_commitment()[0] == "cou_ben"


def test_assigning_to_whoever_is_on_the_way_takes_nothing_from_them() -> None:
    town = Town()
    order_id = ready(town)
    town.wait_for_commitment()
    assert names(lock(town, order_id, "cou_anna", town.clock.now() + 60)) == [
        "ActionTaken",
        "OrderLocked",
    ]
    assert town.engine.state.courier("cou_anna").commitment is not None


def test_who_cannot_bring_it_is_refused_with_the_reason() -> None:
    town = Town()
    order_id = ready(town)
    town.give(c.RegisterCourier(Courier("cou_small", "Small", Mode.BIKE, at(1, 0), 500)))
    with pytest.raises(InvalidValueError, match="cou_none names nobody"):
        lock(town, order_id, "cou_none")
    with pytest.raises(ConflictError, match="off shift"):
        lock(town, order_id, "cou_small")
    town.give(c.StartShift("cou_small", NOW, NOW + HOUR_S))
    with pytest.raises(InvalidValueError, match="carries 500 g at most"):
        lock(town, order_id, "cou_small")
    with pytest.raises(InvalidValueError, match="more than 8 h ahead"):
        lock(town, order_id, "cou_anna", NOW + 9 * HOUR_S)
    courier_id, stop_id = town.wait_for_commitment()
    town.give(c.DeclineStop(courier_id, stop_id, "flat tyre", town.clock.now()))
    with pytest.raises(ConflictError, match="declined"):
        lock(town, order_id, courier_id, town.clock.now() + 60)
    assert town.engine.state.orders[order_id].lock is None


def test_what_is_in_a_bag_is_handed_over_instead() -> None:
    town = Town()
    order_id = ready(town)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    with pytest.raises(WrongStateError, match="hand the bag over"):
        lock(town, order_id, "cou_ben", town.clock.now() + 60)


def test_a_lock_is_taken_off() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    with pytest.raises(ConflictError, match="not locked"):
        town.give(c.UnlockOrder(order_id, "ops:maria"))
    lock(town, order_id, "cou_ben")
    assert names(town.give(c.UnlockOrder(order_id, "ops:maria"))) == [
        "ActionTaken",
        "OrderUnlocked",
    ]
    published(town)
    assert stop_ids(town, "cou_anna")


# --- in which order ----------------------------------------------------------------------------


def two_planned(town: Town) -> tuple[str, str]:
    """Return two orders on Anna's route, the first to the nearer door."""
    near, far = town.order(at(3, 0)), town.order(at(6, 0))
    published(town)
    assert len(stop_ids(town, "cou_anna")) == 4
    return near, far


def pickup(order_id: str) -> str:
    return Stop(StopKind.PICKUP, order_id, "").stop_id


def dropoff(order_id: str) -> str:
    return Stop(StopKind.DROPOFF, order_id, "").stop_id


def test_stops_are_done_in_the_order_that_a_person_fixed() -> None:
    town = anna_alone()
    near, far = two_planned(town)
    wanted = [pickup(far), pickup(near), dropoff(far), dropoff(near)]
    assert stop_ids(town, "cou_anna") != wanted
    assert names(reorder(town, "cou_anna", *wanted)) == ["ActionTaken", "RouteLocked"]
    assert names([r.event for r in town.engine.commit_due()]) == []
    published(town)
    assert stop_ids(town, "cou_anna") == wanted
    for order_id in (near, far):
        town.picked(order_id)
    done = []
    while (commitment := town.engine.state.courier("cou_anna").commitment) is not None or not done:
        if commitment is None:
            town.clock.time += 30
            published(town)
            continue
        done.append(commitment.stop.stop_id)
        town.do("cou_anna", commitment.stop.stop_id)
        published(town)
    assert done == wanted
    # The lock has nothing left to fix, and is gone.
    assert town.engine.state.courier("cou_anna").route_lock is None


def test_a_part_of_the_route_may_be_fixed_and_the_rest_stays_free() -> None:
    town = anna_alone()
    near, far = two_planned(town)
    reorder(town, "cou_anna", pickup(far), dropoff(far))
    published(town)
    assert stop_ids(town, "cou_anna") == [pickup(far), dropoff(far), pickup(near), dropoff(near)]


def test_new_orders_come_after_what_was_fixed() -> None:
    town = anna_alone()
    near, far = two_planned(town)
    wanted = [pickup(far), pickup(near), dropoff(far), dropoff(near)]
    reorder(town, "cou_anna", *wanted)
    town.order(at(2, 0))
    published(town)
    assert stop_ids(town, "cou_anna")[:4] == wanted


def test_a_plan_made_before_the_reorder_does_not_undo_it() -> None:
    town = anna_alone()
    near, far = two_planned(town)
    made_for = town.engine.snapshot()
    made = plan(made_for)
    reorder(town, "cou_anna", pickup(far), dropoff(far), pickup(near), dropoff(near))
    recorded = town.engine.publish(made, made_for, 0.0)
    (event,) = (r.event for r in recorded)
    assert isinstance(event, e.PlanPublished)
    assert event.dropped == ("cou_anna",)
    assert town.engine.state.courier("cou_anna").commitment is None


def test_a_plan_made_before_does_not_give_fixed_stops_to_another_courier() -> None:
    town = anna_alone()
    _, far = two_planned(town)
    town.give(c.StartShift("cou_ben", town.clock.now(), NOW + HOUR_S))
    town.give(c.LockOrder(far, "cou_ben", "ops", "test", NOW + 600))
    made_for = town.engine.snapshot()
    made = plan(made_for)
    assert {route.courier_id for route in made.routes} == {"cou_anna", "cou_ben"}
    town.give(c.UnlockOrder(far, "ops"))
    # What Anna was shown before the lock is put back on her route as a plan would.
    town.give(c.LockOrder(far, "cou_anna", "ops", "test", NOW + 600))
    published(town)
    reorder(town, "cou_anna", pickup(far), dropoff(far))
    recorded = town.engine.publish(made, made_for, 0.0)
    event = next(r.event for r in recorded if isinstance(r.event, e.PlanPublished))
    assert "cou_ben" in event.dropped
    assert pickup(far) in stop_ids(town, "cou_anna")


@pytest.mark.parametrize(
    ("pick", "problem"),
    [
        (lambda n, f: [], "stop_ids is empty"),
        (lambda n, f: [pickup(f), "stp_none"], r"stop_ids\.1 stp_none is no stop"),
        (lambda n, f: [pickup(f), pickup(f)], r"stop_ids\.1 .* is named twice"),
        (lambda n, f: [pickup(n), dropoff(f)], r"stop_ids\.1 .* is not picked up before it"),
    ],
)
def test_an_order_of_stops_that_cannot_be_is_refused_and_the_stop_is_named(
    pick: object, problem: str
) -> None:
    town = anna_alone()
    near, far = two_planned(town)
    assert callable(pick)
    with pytest.raises(InvalidValueError, match=problem):
        reorder(town, "cou_anna", *pick(near, far))
    assert town.engine.state.courier("cou_anna").route_lock is None


def test_the_stop_under_way_stays_first() -> None:
    town = anna_alone()
    near, far = two_planned(town)
    town.picked(near)
    town.picked(far)
    _, under_way = town.wait_for_commitment()
    other = far if under_way == pickup(near) else near
    with pytest.raises(InvalidValueError, match="is under way and stays first"):
        reorder(town, "cou_anna", pickup(other))
    first = near if other == far else far
    reorder(town, "cou_anna", pickup(first), dropoff(first))
    published(town)
    assert stop_ids(town, "cou_anna")[:2] == [pickup(first), dropoff(first)]


def test_a_bag_that_does_not_hold_it_all_is_refused() -> None:
    town = anna_alone()
    anna = Courier("cou_anna", "anna", Mode.BIKE, at(1, 0), capacity_parcels=1)
    town.give(c.RegisterCourier(anna))
    near, far = two_planned(town)
    with pytest.raises(InvalidValueError, match="makes 2 parcels of 2000 g"):
        reorder(town, "cou_anna", pickup(near), pickup(far))
    reorder(town, "cou_anna", pickup(far), dropoff(far), pickup(near), dropoff(near))
    published(town)


def test_with_one_store_per_trip_a_second_store_is_refused_with_goods_in_the_bag() -> None:
    town = anna_alone(Policy(one_store_per_trip=True))
    near = town.order(at(3, 0))
    town.give(c.SetStock("sto_west", {"milk": 0}))
    town.give(c.SetStock("sto_east", {"milk": 10}))
    far = town.order(at(18, 0))
    published(town)
    with pytest.raises(InvalidValueError, match="goods of another store"):
        reorder(town, "cou_anna", pickup(near), pickup(far))
    reorder(town, "cou_anna", pickup(far), dropoff(far), pickup(near), dropoff(near))
    published(town)


def test_what_is_held_or_cancelled_falls_out_of_what_was_fixed() -> None:
    town = anna_alone()
    near, far = two_planned(town)
    reorder(town, "cou_anna", pickup(far), dropoff(far), pickup(near), dropoff(near))
    town.picked(far)
    courier_id, _ = town.wait_for_commitment()
    hold(town, far, recall=True)
    published(town)
    assert stop_ids(town, courier_id) == [pickup(near), dropoff(near)]
    town.give(c.CancelOrder(near, "changed mind", town.clock.now()))
    town.engine.commit_due()
    assert town.engine.state.courier("cou_anna").route_lock is None


def test_a_fixed_order_of_stops_ends_by_itself_or_by_a_person() -> None:
    town = anna_alone()
    _, far = two_planned(town)
    reorder(town, "cou_anna", pickup(far))
    assert names(town.give(c.UnlockRoute("cou_anna", "ops:maria"))) == [
        "ActionTaken",
        "RouteUnlocked",
    ]
    published(town)
    reorder(town, "cou_anna", stop_ids(town, "cou_anna")[0])
    town.clock.time = NOW + 1800
    ended = [r.event for r in town.engine.commit_due()]
    assert e.RouteUnlocked("cou_anna", "its time is over") in ended


# --- taking it back ----------------------------------------------------------------------------


def test_a_hold_is_taken_back_and_that_is_on_record() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    action_id = action_of(hold(town, order_id))
    assert names(undo(town, action_id)) == ["ActionUndone", "HoldReleased"]
    assert town.engine.state.actions[action_id].undone_by == "ops:jussi"
    with pytest.raises(ConflictError, match="was taken back by ops:jussi"):
        undo(town, action_id)


def test_the_second_hold_taken_back_gives_the_first_one_back() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    first = action_of(hold(town, order_id, until=NOW + 600))
    second = action_of(hold(town, order_id, until=NOW + 1200))
    with pytest.raises(ConflictError, match=f"HoldOrder \\({second}\\).* since"):
        undo(town, first)
    assert names(undo(town, second)) == ["ActionUndone", "OrderHeld"]
    held = town.engine.state.orders[order_id].hold
    assert held is not None
    assert held.until == NOW + 600
    assert names(undo(town, first)) == ["ActionUndone", "HoldReleased"]


def test_a_hold_that_is_over_cannot_be_taken_back() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    action_id = action_of(hold(town, order_id, until=NOW + 600))
    town.clock.time = NOW + 600
    town.engine.commit_due()
    with pytest.raises(ConflictError, match="not held any more"):
        undo(town, action_id)


def test_a_release_is_taken_back_unless_somebody_left_for_it() -> None:
    town = Town()
    order_id = ready(town)
    hold(town, order_id)
    action_id = action_of(town.give(c.ReleaseHold(order_id, "ops:maria")))
    assert names(undo(town, action_id)) == ["ActionUndone", "OrderHeld"]
    again = action_of(town.give(c.ReleaseHold(order_id, "ops:maria")))
    town.wait_for_commitment()
    with pytest.raises(ConflictError, match="on the way to fetch"):
        undo(town, again)


def test_an_assignment_is_taken_back_until_somebody_left_for_it() -> None:
    town = Town()
    order_id = ready(town)
    action_id = action_of(lock(town, order_id, "cou_ben"))
    assert names(undo(town, action_id)) == ["ActionUndone", "OrderUnlocked"]
    again = action_of(lock(town, order_id, "cou_ben"))
    courier_id, stop_id = town.wait_for_commitment()
    with pytest.raises(ConflictError, match="cou_ben is on the way"):
        undo(town, again)
    town.do(courier_id, stop_id)
    with pytest.raises(ConflictError, match="picked up already"):
        undo(town, again)


def test_an_unlock_is_taken_back() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    lock(town, order_id, "cou_ben")
    action_id = action_of(town.give(c.UnlockOrder(order_id, "ops:maria")))
    assert names(undo(town, action_id)) == ["ActionUndone", "OrderLocked"]
    found = town.engine.state.orders[order_id].lock
    assert found is not None
    assert found.courier_id == "cou_ben"


def test_a_reorder_and_its_end_are_taken_back() -> None:
    town = anna_alone()
    _, far = two_planned(town)
    first = action_of(reorder(town, "cou_anna", pickup(far), dropoff(far)))
    assert names(undo(town, first)) == ["ActionUndone", "RouteUnlocked"]
    reorder(town, "cou_anna", pickup(far), dropoff(far))
    ended = action_of(town.give(c.UnlockRoute("cou_anna", "ops:maria")))
    assert names(undo(town, ended)) == ["ActionUndone", "RouteLocked"]


def test_what_was_decided_about_stores_and_pins_is_taken_back_by_what_the_audit_kept() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    actions = {
        "PauseStore": ("sto_west", {"paused": None}),
        "PinStore": (order_id, {"pinned_store_id": None}),
    }
    ids = {}
    for number, (kind, (subject, before)) in enumerate(actions.items()):
        ids[kind] = f"act_{number}"
        action = replace(
            _action(), action_id=ids[kind], kind=kind, subject=subject, before=json.dumps(before)
        )
        town.engine._record([e.ActionTaken(action)])
    town.engine._record(
        [
            e.StorePaused("sto_west", "queue"),
            e.StorePinned(order_id, "sto_west", "ops:maria", "fresh there"),
        ]
    )
    assert undo(town, ids["PauseStore"])[1:] == [e.StoreResumed("sto_west", "ops:jussi")]
    assert undo(town, ids["PinStore"])[1:] == [
        e.StorePinned(order_id, None, "ops:jussi", "taken back")
    ]
    resumed = replace(
        _action(),
        action_id="act_r",
        kind="ResumeStore",
        subject="sto_west",
        before=json.dumps({"paused": "queue"}),
    )
    town.engine._record([e.ActionTaken(resumed)])
    assert undo(town, "act_r")[1:] == [e.StorePaused("sto_west", "queue", "ops:jussi")]


def test_what_cannot_be_taken_back_says_so() -> None:
    town = Town()
    town.engine._record([e.ActionTaken(replace(_action(), kind="ExcludeStore"))])
    with pytest.raises(ConflictError, match="what ExcludeStore did cannot be taken back"):
        undo(town, "act_1")


def test_nothing_about_a_finished_order_is_taken_back() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    action_id = action_of(hold(town, order_id))
    town.give(c.CancelOrder(order_id, "changed mind", NOW))
    with pytest.raises(ConflictError, match="is cancelled; it is over"):
        undo(town, action_id)


def _action() -> Action:
    return Action("act_1", "PauseStore", "sto_west", "ops:maria", "queue", NOW, "{}")
