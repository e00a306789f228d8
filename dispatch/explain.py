"""Why this store, this courier, this minute, and why not another.

An explanation is data with one sentence on top.  Alternatives are priced in the plan itself: the
order is taken out, and put at its cheapest place with every courier in turn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dispatch.alternatives import (
    Alternatives,
    alternatives,
    by_way,
    courier_options,
    more,
    priced_stores,
    refused,
    unable,
    why_unable,
)
from dispatch.counterfactual import Ties, freeing, sooner
from dispatch.errors import UnknownIdError
from dispatch.explain_words import (
    REMEDIES,
    compared,
    costing,
    next_best,
    sentence,
    why_not_store,
)
from dispatch.explanation import Change, CourierOption, Explanation, StoreOption
from dispatch.model import (
    UNREACHABLE_S,
    CourierInPlay,
    Fulfilment,
    OrderInPlay,
    Plan,
    Reason,
    Route,
    Snapshot,
    StopKind,
    Visit,
)
from dispatch.planning import sourcing
from dispatch.planning.arrays import JOB_BAG
from dispatch.planning.improve import Search
from dispatch.planning.picking import awaited
from dispatch.planning.problem import Posed, is_fixed, pose
from dispatch.planning.situation import Situation, read
from dispatch.planning.sourcing import minutes
from dispatch.planning.terms import chance_in_time, hand_over_terms, told
from dispatch.planning.writing import queues_of
from dispatch.waits import waits

__all__ = ["Change", "CourierOption", "Explanation", "StoreOption", "explain"]

_FREE: Final = Ties()


def explain(snapshot: Snapshot, plan: Plan, order_id: str, ties: Ties = _FREE) -> Explanation:
    """Explain one open order of a plan.

    Parameters
    ----------
    ties
        What people tied it with.

    Raises
    ------
    UnknownIdError
        The snapshot has no such order.
    """
    found = next((order for order in snapshot.orders if order.order_id == order_id), None)
    if found is None:
        raise UnknownIdError(f"order {order_id} is not open in this zone")
    posed = pose(read(snapshot), sourcing=plan.sourcing, routes=plan.routes)
    search = Search(posed.problem, posed.routes, snapshot.seed)
    search.settle()
    route = _route_of(plan, order_id)
    pickup = _visit(route, order_id, StopKind.PICKUP)
    end = _visit(route, order_id, StopKind.RETURN if found.returning else StopKind.DROPOFF)
    unassigned = next((entry for entry in plan.unassigned if entry.order_id == order_id), None)
    row = posed.rows.get(order_id)
    # A courier's list may name what the order itself does not know of.
    in_bag = row is not None and posed.problem.jobs[row, JOB_BAG] >= 0
    held = found.courier_id is not None or found.on_board or bool(in_bag)
    store_id = plan.sourcing.get(order_id, found.store_id)
    explanation = Explanation(
        order_id=order_id,
        sentence="",
        plan_id=plan.plan_id,
        store_id=store_id,
        courier_id=route.courier_id if route is not None else found.courier_id,
        held=held,
        ready_at=found.ready_at or plan.ready_at.get(order_id),
        leave_at=route.leave_at if route is not None else None,
        pickup_at=pickup.begin_at if pickup is not None else None,
        done_at=end.depart_at if end is not None else None,
        slack_s=found.promise.latest - end.depart_at if end is not None else None,
        reason=unassigned.reason if unassigned is not None else None,
        remedy=REMEDIES[unassigned.reason] if unassigned is not None else "",
        stores=(),
        couriers=(),
    )
    explanation = replace(explanation, stores=_stores(posed, search, found, explanation, ties))
    explanation = replace(explanation, waits=waits(posed, search, plan, found, route))
    if route is not None and row is not None:
        explanation = _with_costs(posed, search, row, explanation)
    if route is not None and not held and row is not None:
        others = alternatives(posed, search, row)
        explanation = replace(
            explanation,
            couriers=courier_options(posed, others, route.courier_id),
            refused=refused(posed, others, found, store_id, ties),
            stores=priced_stores(explanation.stores, others),
        )
        if others.present is not None:
            explanation = replace(
                explanation,
                terms=told(others.present.terms),
                others_cost=round(others.present.others, 1),
            )
        nearest = _nearest(posed, others, explanation, found, ties)
        explanation = replace(explanation, why_not_courier=nearest)
    if explanation.courier_id is not None and not found.on_board:
        explanation = replace(explanation, why_not_store=_store_settled(found, explanation))
    changes = _changes(snapshot, plan, found, explanation, ties)
    explanation = replace(explanation, changes=changes)
    detail = unassigned.detail if unassigned is not None else ""
    if explanation.reason is Reason.NO_COURIER_ON_SHIFT and ties.locked_to is not None:
        detail = f"it is locked to {ties.locked_to}, who is not on shift or declined it"
    return replace(explanation, sentence=sentence(explanation, found, detail, snapshot))


def _changes(
    snapshot: Snapshot, plan: Plan, order: OrderInPlay, found: Explanation, ties: Ties
) -> tuple[Change, ...]:
    """Return what would have to be otherwise, as far as anything could."""
    if order.order.fulfilment is not Fulfilment.DELIVERY or order.returning:
        return ()
    if found.reason is not None:
        return freeing(snapshot, plan, order, found.stores, ties)
    if found.done_at is None:
        return ()
    return sooner(snapshot, plan, order, found.stores, ties, found.done_at)


def _route_of(plan: Plan, order_id: str) -> Route | None:
    for route in plan.routes:
        if any(visit.stop.order_id == order_id for visit in route.visits):
            return route
    return None


def _visit(route: Route | None, order_id: str, kind: StopKind) -> Visit | None:
    for visit in route.visits if route is not None else ():
        if visit.stop.order_id == order_id and visit.stop.kind is kind:
            return visit
    return None


# --- stores ------------------------------------------------------------------------------------


def _stores(
    posed: Posed, search: Search, order: OrderInPlay, found: Explanation, ties: Ties
) -> tuple[StoreOption, ...]:
    situation, chosen = posed.situation, found.store_id
    stock = sourcing.Stock(situation)
    queues = queues_of(posed, search)
    for store_id, queue in queues.items():
        for other in queue.values():
            if other.order_id != order.order_id:
                stock.move(other, None, store_id)
    weighed = sourcing.weigh(situation, order, queues, stock, awaited(situation))
    options = [
        StoreOption(
            store_id=option.store_id,
            name=situation.stores[option.store_id].store.name,
            chosen=option.store_id == chosen,
            trip_s=option.trip_s if option.trip_s < UNREACHABLE_S else None,
            # Where it is, as the plan in force has it.
            ready_at=option.ready_at if option.store_id != chosen else found.ready_at,
            reason=option.reason,
            detail=(
                ties.ruled_out.get(option.store_id, option.detail)
                if option.reason is Reason.STORE_EXCLUDED
                else option.detail
            ),
        )
        for option in weighed
        # Where a bag waits is no shop for anybody else.
        if option.store_id == chosen or not situation.stores[option.store_id].store.is_point
        # What was fetched, or what its customer fetches, comes from nowhere else.
        if option.store_id == chosen
        or (not order.on_board and order.order.fulfilment is Fulfilment.DELIVERY)
    ]
    if order.courier_id is not None or is_fixed(order):
        options = [_settled(option, order, chosen, situation) for option in options]
    return tuple(sorted(options, key=lambda option: not option.chosen))


def _settled(
    option: StoreOption, order: OrderInPlay, chosen: str | None, situation: Situation
) -> StoreOption:
    """Return a store as it is for an order that stays where it is: no time of it means anything."""
    store = situation.stores.get(chosen or "")
    if option.chosen or option.reason is not None or store is None:
        return option
    return replace(option, ready_at=None, detail=f"it {_how_far(order)[0]} at {store.store.name}")


def _how_far(order: OrderInPlay) -> tuple[str, str]:
    """Return how far an order is at the store where it stays, and why it stays."""
    if order.ready_at is not None:
        return "was picked", "it is picked there already"
    if order.pick_started_at is not None:
        return "is being picked", "its picking has begun there"
    return "stays", "it is pinned there"


def _store_settled(order: OrderInPlay, found: Explanation) -> str:
    """Return why not the nearest store; the question is settled once a courier was told."""
    if order.courier_id is not None:
        return ""
    said = why_not_store(found.stores)
    if is_fixed(order) and not said.startswith("No other"):
        chosen = next((option.name for option in found.stores if option.chosen), "this store")
        return f"It stays at {chosen}: {_how_far(order)[1]}."
    return said


# --- costs -------------------------------------------------------------------------------------


def _with_costs(posed: Posed, search: Search, row: int, found: Explanation) -> Explanation:
    """Return an explanation with the chance of the promise, and what the hand-over costs."""
    if search.owner[row] < 0:
        return found
    chance = chance_in_time(posed, search, row, found.done_at)
    return replace(
        found,
        chance=None if chance is None else round(chance, 3),
        terms=told(hand_over_terms(posed, search, row)),
    )


# --- couriers ----------------------------------------------------------------------------------


def _nearest(
    posed: Posed,
    others: Alternatives,
    found: Explanation,
    order: OrderInPlay,
    ties: Ties,
) -> str:
    """Return why not the courier nearest to the store."""
    if found.store_id not in posed.situation.stores:
        return next_best(found.couriers, found.done_at)
    ways = by_way(posed, found.store_id)
    way_s, key = ways[0] if ways else (UNREACHABLE_S, "")
    names = posed.situation.couriers
    mine = next((at for at, each in ways if each == found.courier_id), UNREACHABLE_S)
    if not key or key == found.courier_id or way_s >= mine:
        who = names[found.courier_id or ""].courier.name if found.courier_id in names else "Nobody"
        return f"{who} is the nearest courier. {next_best(found.couriers, found.done_at)}".strip()
    why = _why_not(names[key], order, others, found, ties, posed)
    away = f"{minutes(way_s)} from the store" if way_s > 0 else "at the store itself"
    said = f"{names[key].courier.name} is nearer, {away}, {why}."
    best = found.couriers[0] if found.couriers else None
    if best is None or best.courier_id == key:
        return said
    return f"{said} {next_best(found.couriers, found.done_at)}"


def _why_not(
    courier: CourierInPlay,
    order: OrderInPlay,
    others: Alternatives,
    found: Explanation,
    ties: Ties,
    posed: Posed,
) -> str:
    """Return why a courier who is nearer does not have an order, in words that follow the way."""
    no = unable(courier, order, ties, posed.situation.now)
    if no:
        return f"but {no}"
    price, base = others.couriers.get(courier.courier_id), others.present
    if price is None:
        return f"but {why_unable(courier, order, ties, posed)}"
    if found.done_at is None or base is None:
        return "but the plan gives it to nobody"
    is_busy = bool(
        courier.available_at > posed.situation.now or courier.committed or courier.on_board
    )
    extra, when = price.added - base.added, compared(price.done_at, found.done_at)
    cost = costing(extra, more(price, base))
    if round(extra) < 0:
        return f"and would {cost}: the next plan may choose so"
    busy = "is busy and " if is_busy else ""
    if when.endswith("later"):
        return f"but {busy}would bring it {when}"
    return f"but {busy}would {cost}, bringing it {when}"
