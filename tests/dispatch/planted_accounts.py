"""Faults of the plan as a whole, and of what is committed or carried."""

from __future__ import annotations

import math
from dataclasses import replace

from sound_plan import (
    NORTH,
    SOUTH,
    Case,
    courier,
    mapped,
    order,
    plants,
    rerouted,
    sound,
    standby,
    stop,
)
from street import NOW

from dispatch.check import Kind
from dispatch.model import (
    Fulfilment,
    Reason,
    Route,
    Unassigned,
)

# --- the plan as a whole ------------------------------------------------------------------------


@plants(Kind.SNAPSHOT)
def other_seq() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, snapshot_seq=snapshot.seq + 1)


@plants(Kind.SNAPSHOT)
def other_travel_times() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, travel_version="yesterday")


@plants(Kind.OBJECTIVE)
def another_cost() -> Case:
    snapshot, plan = sound()
    said = replace(plan.objective, waiting=plan.objective.waiting * (1 + 1e-5))
    return snapshot, replace(plan, objective=said)


@plants(Kind.OBJECTIVE)
def no_cost_at_all() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, objective=replace(plan.objective, travel=math.nan))


@plants(Kind.DUPLICATE_STOP)
def dropped_twice() -> Case:
    return rerouted(sound(), "cou_una", "pickup f", "dropoff f", "dropoff f")


@plants(Kind.DUPLICATE_STOP)
def fetched_twice() -> Case:
    return rerouted(sound(), "cou_una", "pickup f", "pickup f", "dropoff f")


@plants(Kind.DUPLICATE_ROUTE)
def duplicate_route() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, routes=(*plan.routes, plan.routes[-1]))


@plants(Kind.DUPLICATE_UNASSIGNED)
def duplicate_unassigned() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, unassigned=plan.unassigned * 2)


@plants(Kind.DUPLICATE_STANDBY)
def duplicate_standby() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, standbys=plan.standbys * 2)


@plants(Kind.UNKNOWN_ORDER)
def unknown_unassigned() -> Case:
    snapshot, plan = sound()
    ghost = Unassigned("ord_ghost", Reason.NO_STOCK, "there is no such order")
    return snapshot, replace(plan, unassigned=(*plan.unassigned, ghost))


@plants(Kind.UNKNOWN_ORDER)
def unknown_sourced() -> Case:
    snapshot, plan = sound()
    return snapshot, mapped(plan, "sourcing", "ord_ghost", NORTH)


@plants(Kind.UNKNOWN_ORDER)
def unknown_ready() -> Case:
    snapshot, plan = sound()
    return snapshot, mapped(plan, "ready_at", "ord_ghost", NOW)


@plants(Kind.UNKNOWN_STOP)
def stop_of_an_unknown_order() -> Case:
    snapshot, plan = sound()
    last = plan.routes[-1].visits[-1]
    ghost = replace(last, stop=stop("dropoff ghost"), arrive_at=last.depart_at)
    longer = replace(plan.routes[-1], visits=(*plan.routes[-1].visits, ghost))
    return snapshot, replace(plan, routes=(*plan.routes[:-1], longer))


@plants(Kind.UNKNOWN_STOP)
def door_outside_the_table() -> Case:
    snapshot, plan = sound()
    return order(snapshot, "ord_f", place=99), plan


@plants(Kind.UNKNOWN_STOP)
def break_of_an_order() -> Case:
    return rerouted(sound(), "cou_una", "pickup f", "break f", "dropoff f")


@plants(Kind.UNKNOWN_STORE)
def unknown_store() -> Case:
    snapshot, plan = sound()
    return snapshot, mapped(plan, "sourcing", "ord_h", "sto_ghost")


@plants(Kind.UNKNOWN_STORE)
def standby_at_an_unknown_store() -> Case:
    snapshot, plan = sound()
    return snapshot, standby(plan, store_id="sto_ghost")


@plants(Kind.UNKNOWN_COURIER)
def unknown_courier() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, routes=(*plan.routes, Route("cou_ghost", (), NOW)))


@plants(Kind.UNKNOWN_COURIER)
def standby_of_an_unknown_courier() -> Case:
    snapshot, plan = sound()
    return snapshot, standby(plan, courier_id="cou_ghost")


@plants(Kind.EMPTY_ROUTE)
def empty_route() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, routes=(*plan.routes, Route("cou_zoe", (), NOW)), standbys=())


@plants(Kind.ROUTED_AND_UNASSIGNED)
def routed_and_unassigned() -> Case:
    snapshot, plan = sound()
    left = Unassigned("ord_a", Reason.NO_STOCK, "and yet it is on a route")
    return snapshot, replace(plan, unassigned=(*plan.unassigned, left))


@plants(Kind.UNACCOUNTED)
def unaccounted() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, unassigned=())


@plants(Kind.NOT_A_DELIVERY)
def brought_though_fetched() -> Case:
    snapshot, plan = sound()
    f = next(o for o in snapshot.orders if o.order_id == "ord_f")
    return order(snapshot, "ord_f", order=replace(f.order, fulfilment=Fulfilment.CURBSIDE)), plan


@plants(Kind.NOT_A_DELIVERY)
def left_out_though_fetched() -> Case:
    snapshot, plan = sound()
    left = Unassigned("ord_g", Reason.NO_STOCK, "and yet nobody must bring it")
    return snapshot, replace(plan, unassigned=(*plan.unassigned, left))


@plants(Kind.NO_REASON)
def no_reason() -> Case:
    snapshot, plan = sound()
    left = replace(plan.unassigned[0], reason="")  # type: ignore[arg-type]
    return snapshot, replace(plan, unassigned=(left,))


@plants(Kind.NO_DETAIL)
def no_detail() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, unassigned=(replace(plan.unassigned[0], detail=" "),))


# --- what is committed or carried ----------------------------------------------------------------


@plants(Kind.COMMITTED)
def begins_with_something_else() -> Case:
    stops = ("pickup a", "pickup c", "dropoff b", "dropoff a", "dropoff c")
    return rerouted(sound(), "cou_ida", *stops)


@plants(Kind.ON_BOARD)
def bag_without_a_stop() -> Case:
    snapshot, plan = rerouted(sound(), "cou_ole", "dropoff e", "dropoff k")
    left = Unassigned("ord_r", Reason.NO_COURIER_ON_SHIFT, "somebody else may bring it")
    return snapshot, replace(plan, unassigned=(*plan.unassigned, left))


@plants(Kind.TAKEN)
def taken() -> Case:
    snapshot, plan = sound()
    return order(snapshot, "ord_f", courier_id="cou_zoe"), plan


@plants(Kind.DECLINED)
def declined() -> Case:
    snapshot, plan = sound()
    return order(snapshot, "ord_f", declined_by=frozenset({"cou_una"})), plan


@plants(Kind.PICKED_TWICE)
def fetched_though_in_the_bag() -> Case:
    snapshot, plan = sound()
    snapshot = order(snapshot, "ord_f", on_board=True, courier_id="cou_una")
    return courier(snapshot, "cou_una", at_store=SOUTH), plan


@plants(Kind.NEVER_DROPPED)
def never_dropped() -> Case:
    return rerouted(sound(), "cou_una", "pickup f")


@plants(Kind.PRECEDENCE)
def dropped_without_being_fetched() -> Case:
    return rerouted(sound(), "cou_una", "dropoff f")


@plants(Kind.DIRECTION)
def taken_back_though_wanted() -> Case:
    snapshot, plan = sound()
    return order(snapshot, "ord_r", returning=False), plan


@plants(Kind.SECOND_STORE)
def fetches_elsewhere_with_goods_in_the_bag() -> Case:
    snapshot, plan = rerouted(
        sound(), "cou_ida", "pickup c", "pickup f", "pickup a", "dropoff b", "dropoff a",
        "dropoff c", "dropoff f",
    )  # fmt: skip
    return snapshot, replace(
        plan, routes=tuple(r for r in plan.routes if r.courier_id != "cou_una")
    )


@plants(Kind.SECOND_STORE)
def comes_back_to_the_counter_with_goods_in_the_bag() -> Case:
    stops = ("pickup c", "dropoff b", "pickup a", "dropoff a", "dropoff c")
    return rerouted(sound(), "cou_ida", *stops)


@plants(Kind.BAG_ORDER)
def doors_in_another_order() -> Case:
    return rerouted(sound(), "cou_ole", "dropoff k", "dropoff e", "return r")
