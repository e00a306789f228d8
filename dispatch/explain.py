"""Why this store, this courier, this minute, and why not another.

An explanation is data with one sentence on top.  Alternatives are priced in the plan itself: the
order is taken out, and put at its cheapest place with every courier in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dispatch.errors import UnknownIdError
from dispatch.model import (
    DeliveryStatus,
    OrderInPlay,
    Plan,
    Reason,
    Route,
    Snapshot,
    StopKind,
    Visit,
)
from dispatch.planning import sourcing
from dispatch.planning.improve import Search
from dispatch.planning.picking import awaited
from dispatch.planning.problem import Posed, pose
from dispatch.planning.situation import read
from dispatch.planning.writing import done_at, queues_of
from dispatch.state import OrderState, State
from geo.types import EpochS

_MINUTE_S = 60
_MOST_COURIERS = 5
"""Alternative couriers told, the best ones."""

_REMEDIES = {
    Reason.OUTSIDE_RADIUS: "a store nearer to the door, or a wider reach or area of this one",
    Reason.NO_STOCK: "a delivery of the missing goods to a store within reach",
    Reason.STORE_CLOSED: "a store that is open at that time",
    Reason.STORE_PAUSED: "the store taking orders again",
    Reason.NO_COURIER_BEFORE_DEADLINE: "one more courier, or a longer shift",
    Reason.QUOTE_EXPIRED: "a new quote",
    Reason.TOO_HEAVY: "a courier with a larger bag",
    Reason.UNREACHABLE: "a courier whose mode reaches the door",
    Reason.NO_COURIER_ON_SHIFT: "a courier on shift who has not declined it",
    Reason.STORE_EXCLUDED: "the store being allowed again, or another one with the goods",
    Reason.BELOW_MINIMUM_BASKET: "a larger basket, or the end of the minimum",
    Reason.THROTTLED: "a few minutes, or the end of the throttle",
    Reason.HELD: "the hold being released",
}


@dataclass(frozen=True, slots=True)
class StoreOption:
    """A store that was weighed: chosen, possible, or ruled out for a reason.

    `trip_s` is the way to the door by the fleet's fastest mode; None where there is none.
    """

    store_id: str
    name: str
    chosen: bool
    trip_s: int | None
    ready_at: EpochS | None
    reason: Reason | None
    detail: str


@dataclass(frozen=True, slots=True)
class CourierOption:
    """Another courier who could have it.

    Attributes
    ----------
    extra_cost
        Courier-seconds by which the whole plan would cost more.
    done_at
        When the goods would be handed over.
    """

    courier_id: str
    name: str
    extra_cost: float
    done_at: EpochS


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the plan treats an order as it does.

    Attributes
    ----------
    held
        The courier is committed to it or carries it: it is not moved any more.
    slack_s
        From the planned hand-over to the end of the promise; negative when late.
    reason, remedy
        For an order without a route: why, and what would free it.
    """

    order_id: str
    sentence: str
    plan_id: str
    store_id: str | None
    courier_id: str | None
    held: bool
    ready_at: EpochS | None
    leave_at: EpochS | None
    pickup_at: EpochS | None
    done_at: EpochS | None
    slack_s: int | None
    reason: Reason | None
    remedy: str
    stores: tuple[StoreOption, ...]
    couriers: tuple[CourierOption, ...]


def explain(snapshot: Snapshot, plan: Plan, order_id: str) -> Explanation:
    """Explain one open order of a plan.

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
    held = found.courier_id is not None or found.on_board
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
        remedy=_REMEDIES[unassigned.reason] if unassigned is not None else "",
        stores=_stores(posed, search, found, store_id),
        couriers=() if held or row is None or route is None else _couriers(posed, search, row),
    )
    detail = unassigned.detail if unassigned is not None else ""
    return replace(explanation, sentence=_sentence(explanation, found, detail, snapshot))


def recount(order: OrderState, state: State) -> Explanation:
    """Explain a closed order by what happened."""
    store = state.store(order.store_id)
    done_at = order.closed_at
    slack_s = order.promise.latest - done_at if done_at is not None else None
    courier = state.couriers.get(order.courier_id or "")
    who = courier.courier.name if courier is not None else "nobody"
    option = StoreOption(
        store_id=order.store_id,
        name=store.store.name,
        chosen=True,
        trip_s=None,
        ready_at=order.ready_at,
        reason=None,
        detail="",
    )
    return Explanation(
        order_id=order.order_id,
        sentence=_outcome(order, who, store.store.name, slack_s),
        plan_id=state.plan.plan_id if state.plan is not None else "",
        store_id=order.store_id,
        courier_id=order.courier_id,
        held=True,
        ready_at=order.ready_at,
        leave_at=None,
        pickup_at=order.picked_up_at,
        done_at=done_at,
        slack_s=slack_s,
        reason=None,
        remedy="",
        stores=(option,),
        couriers=(),
    )


def _outcome(order: OrderState, who: str, place: str, slack_s: int | None) -> str:
    if order.delivery is DeliveryStatus.CANCELLED:
        return f"Cancelled: {order.note}."
    if order.delivery is DeliveryStatus.RETURNED:
        return f"{who} brought the goods back to {place}: {order.note}."
    took_min = ((order.closed_at or 0) - order.order.created_at) // _MINUTE_S
    parts = [f"{who} brought it from {place}, {took_min} min after the click."]
    if slack_s is not None and slack_s < 0:
        parts.append(f"It was {-slack_s // _MINUTE_S} min late: {_cause(order)}.")
    elif slack_s is not None:
        parts.append(f"The promise ended {slack_s // _MINUTE_S} min later.")
    return " ".join(parts)


def _cause(order: OrderState) -> str:
    """Return which stretch of a late order's life took longest."""
    ready_at, picked_up_at = order.ready_at, order.picked_up_at
    if ready_at is None or picked_up_at is None or order.closed_at is None:
        return "its course is not fully known"
    stretches = [
        (ready_at - order.order.created_at, "picking took {} min"),
        (picked_up_at - ready_at, "the goods waited {} min for a courier"),
        (order.closed_at - picked_up_at, "the way to the door took {} min"),
    ]
    longest_s, words = max(stretches, key=lambda stretch: stretch[0])
    return words.format(longest_s // _MINUTE_S)


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


def _stores(
    posed: Posed, search: Search, order: OrderInPlay, chosen: str | None
) -> tuple[StoreOption, ...]:
    situation = posed.situation
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
            trip_s=option.trip_s if option.reason is not Reason.UNREACHABLE else None,
            ready_at=option.ready_at,
            reason=option.reason,
            detail=option.detail,
        )
        for option in weighed
    ]
    return tuple(sorted(options, key=lambda option: not option.chosen))


def _couriers(posed: Posed, search: Search, row: int) -> tuple[CourierOption, ...]:
    mine = int(search.owner[row])
    search.remove(row)
    mark = search.mark()
    found: list[tuple[float, CourierOption]] = []
    cheapest: float | None = None
    for courier, key in enumerate(posed.courier_ids):
        place = search.best(row, courier)
        if place is None or not search.insert(row, place):
            search.back_to(mark)
            continue
        if courier == mine:
            cheapest = place.added
        else:
            name = posed.situation.couriers[key].courier.name
            found.append((place.added, CourierOption(key, name, 0.0, done_at(search, row))))
        search.back_to(mark)
    found.sort(key=lambda pair: (pair[0], pair[1].courier_id))
    base = cheapest if cheapest is not None else found[0][0] if found else 0.0
    return tuple(
        replace(option, extra_cost=round(added - base, 1))
        for added, option in found[:_MOST_COURIERS]
    )


# --- in words ----------------------------------------------------------------------------------


def _sentence(explanation: Explanation, order: OrderInPlay, detail: str, snapshot: Snapshot) -> str:
    if explanation.reason is not None:
        return f"Not on any route: {detail}. What would free it: {explanation.remedy}."
    names = {courier.courier_id: courier.courier.name for courier in snapshot.couriers}
    who = names.get(explanation.courier_id or "", explanation.courier_id or "nobody")
    chosen = next((option for option in explanation.stores if option.chosen), None)
    place = chosen.name if chosen is not None else explanation.store_id or "its store"
    if order.returning:
        return f"{who} brings the goods back to {place}."
    parts = [_carried(explanation, order, who, place), _punctual(explanation)]
    if explanation.courier_id is not None and not explanation.held:
        parts += [_other_store(explanation, chosen), _other_courier(explanation)]
    return " ".join(part for part in parts if part)


def _carried(explanation: Explanation, order: OrderInPlay, who: str, place: str) -> str:
    if explanation.courier_id is None:
        return f"Taken at {place}; the next plan gives it a courier."
    if order.on_board:
        return f"{who} has the goods from {place} in the bag."
    if order.courier_id is not None:
        return f"{who} is on the way to {place} for it."
    return f"{who} will fetch it at {place}."


def _punctual(explanation: Explanation) -> str:
    if explanation.slack_s is None:
        return ""
    minutes = abs(explanation.slack_s) // _MINUTE_S
    if explanation.slack_s < 0:
        why = ""
        if explanation.pickup_at is not None and explanation.ready_at == explanation.pickup_at:
            why = ", because the goods are not ready sooner"
        return f"It will be {minutes} min late{why}."
    return f"It arrives {minutes} min before the promise ends."


def _other_store(explanation: Explanation, chosen: StoreOption | None) -> str:
    others = [option for option in explanation.stores if not option.chosen]
    nearer = [
        option
        for option in others
        if option.trip_s is not None
        and (chosen is None or chosen.trip_s is None or option.trip_s < chosen.trip_s)
    ]
    if not nearer:
        return "No other store is nearer to the door."
    option = min(nearer, key=lambda o: (o.trip_s or 0, o.store_id))
    if option.reason is not None:
        return f"{option.name} is nearer, but {option.detail}."
    if chosen is not None and option.ready_at is not None and chosen.ready_at is not None:
        later_min = (option.ready_at - chosen.ready_at) // _MINUTE_S
        if later_min > 0:
            return f"{option.name} is nearer, but would be ready {later_min} min later."
    return f"{option.name} is nearer, but costs the whole plan more."


def _other_courier(explanation: Explanation) -> str:
    if not explanation.couriers:
        return "No other courier can take it."
    best = explanation.couriers[0]
    if explanation.done_at is None:
        return ""
    later_min = round((best.done_at - explanation.done_at) / _MINUTE_S)
    when = f"{later_min} min later" if later_min > 0 else "no sooner"
    if later_min < 0:
        when = f"{-later_min} min sooner, but at the cost of others"
    return f"The next best courier, {best.name}, would bring it {when}."
