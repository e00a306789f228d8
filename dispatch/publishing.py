"""Hold a plan against the present state and say which of it comes into force.

While a plan was made the world went on: a courier arrived, an order was cancelled, a picker
began.  A route that no longer fits is dropped whole and its courier keeps what was told before;
the others are published.  Only what changed is put in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dispatch.check import Violation
from dispatch.events import Event, OrderResourced, PlanPublished, StandbyGiven
from dispatch.model import Plan, Route, Snapshot, Stop, StopKind, Visit
from dispatch.state import UNPICKED, CourierState, OrderState, State, leave_at
from dispatch.views import told_stops

TIME_CHANGE_S = 15
"""Times of an otherwise equal route that moved by less are not worth an event."""


@dataclass(slots=True)
class _Accepted:
    """What of a plan fits: routes by courier, couriers left as they were, stores changed."""

    routes: dict[str, Route] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    moves: dict[str, OrderResourced] = field(default_factory=dict)


def publication(
    plan: Plan,
    made_for: Snapshot,
    state: State,
    violations: Sequence[Violation],
    solve_ms: float,
    now: int,
    *,
    cut_short: bool = False,
) -> tuple[Event, ...]:
    """Return the events that put `plan` in force as far as it fits `state`: stores first."""
    bad = {violation.subject for violation in violations}
    accepted = _accept(plan, state, bad)
    published = PlanPublished(
        plan_id=plan.plan_id,
        snapshot_seq=plan.snapshot_seq,
        made_at=now,
        routes=tuple(_changes(accepted, made_for, state)),
        unassigned=tuple(u for u in plan.unassigned if u.order_id in state.orders),
        ready_at={key: at for key, at in sorted(plan.ready_at.items()) if key in state.orders},
        dropped=tuple(accepted.dropped),
        violations=tuple(f"{v.kind}: {v.subject}: {v.detail}" for v in violations),
        objective=plan.objective,
        method=plan.method,
        travel_version=plan.travel_version,
        solve_ms=solve_ms,
        cut_short=cut_short,
        pick_at={
            key: at
            for key, at in sorted(plan.pick_at.items())
            if key in state.orders and state.orders[key].status in UNPICKED
        },
    )
    moves = (accepted.moves[key] for key in sorted(accepted.moves))
    return (*moves, published, *_standbys(plan, accepted, state, bad, now))


def _standbys(
    plan: Plan, accepted: _Accepted, state: State, bad: set[str], now: int
) -> Iterator[StandbyGiven]:
    """Yield the moves of couriers who have no work and were not told the same before."""
    for standby in plan.standbys:
        courier = state.couriers.get(standby.courier_id)
        if (
            courier is None
            or standby.courier_id in bad
            or courier.busy
            or courier.rests
            or not courier.on_shift(now)
            or standby.courier_id in accepted.routes
            or standby.courier_id in accepted.dropped
            or standby.store_id not in state.stores
            or (courier.standby is not None and courier.standby.store_id == standby.store_id)
        ):
            continue
        arrive_at = max(standby.arrive_at, now + standby.travel_s)
        yield StandbyGiven(standby.courier_id, standby.store_id, arrive_at, now)


def _accept(plan: Plan, state: State, bad: set[str]) -> _Accepted:
    accepted = _Accepted()
    reserved: dict[tuple[str, str], int] = {}
    sure = {key: _sure(plan, state, courier) for key, courier in state.couriers.items()}
    taken = {stop.order_id: key for key, stops in sure.items() for stop in stops}
    for route in plan.routes:
        courier = state.couriers.get(route.courier_id)
        fitted = None
        if courier is not None and courier.stranded is None and not _touches(route, bad):
            fitted = _fitted(route, courier, state)
            if fitted is not None and not _keeps(fitted, sure[route.courier_id], taken):
                fitted = None
        moves = None if fitted is None else _moves(fitted, state, reserved)
        if fitted is None or moves is None:
            accepted.dropped.append(route.courier_id)
            continue
        accepted.routes[route.courier_id] = fitted
        for move, amounts in moves:
            accepted.moves[move.order_id] = move
            for key, quantity in amounts.items():
                reserved[key] = reserved.get(key, 0) + quantity
    return accepted


def _changes(accepted: _Accepted, made_for: Snapshot, state: State) -> Iterator[Route]:
    """Yield the routes that differ from what couriers were told, with their new versions."""
    planned = {courier.courier_id for courier in made_for.couriers} - set(accepted.dropped)
    taken = {visit.stop.order_id for route in accepted.routes.values() for visit in route.visits}
    taken |= accepted.moves.keys()
    for courier_id, courier in sorted(state.couriers.items()):
        old = courier.route
        new = accepted.routes.get(courier_id)
        if new is None:
            if old is None:
                continue
            # The plan has nothing for this courier, or nothing that fits: what is held stays.
            held = _held(courier) | {stop.order_id for stop in told_stops(state, courier)}
            visits = tuple(
                v
                for v in old.visits
                if v.stop.order_id in held
                or (courier_id not in planned and v.stop.order_id not in taken)
            )
            new = replace(old, visits=visits, leave_at=leave_at(visits, old.leave_at))
        if _differs(old, new):
            told = _sequence(old) != _sequence(new)
            yield replace(new, version=courier.route_version + int(told))


def _sure(plan: Plan, state: State, courier: CourierState) -> tuple[Stop, ...]:
    """Return what a courier does next for certain, without what the plan finds no way for."""
    if courier.route_lock is None:
        return ()
    lost = {entry.order_id for entry in plan.unassigned}
    return tuple(stop for stop in told_stops(state, courier) if stop.order_id not in lost)


def _keeps(route: Route, sure: tuple[Stop, ...], taken: Mapping[str, str]) -> bool:
    """Tell whether a route keeps the order of stops that a person fixed, here and elsewhere."""
    stops = tuple(visit.stop for visit in route.visits)
    return stops[: len(sure)] == sure and all(
        taken.get(stop.order_id, route.courier_id) == route.courier_id for stop in stops
    )


def _touches(route: Route, bad: Iterable[str]) -> bool:
    subjects = {route.courier_id}
    for visit in route.visits:
        subjects |= {visit.stop.order_id, visit.stop.stop_id}
    return not subjects.isdisjoint(bad)


def _held(courier: CourierState) -> frozenset[str]:
    held = set(courier.on_board)
    if courier.commitment is not None:
        held.add(courier.commitment.stop.order_id)
    return frozenset(held)


def _fitted(route: Route, courier: CourierState, state: State) -> Route | None:
    """Return the route without what is done by now, or None when it does not fit any more."""
    visits = list(route.visits)
    while visits and _done(visits[0], courier, state):
        visits.pop(0)
    commitment = courier.commitment
    if commitment is not None and (not visits or visits[0].stop != commitment.stop):
        return None
    picked = set(courier.on_board)
    dropped: set[str] = set()
    for index, visit in enumerate(visits):
        order = state.orders.get(visit.stop.order_id)
        committed = index == 0 and commitment is not None
        if order is None or order.courier_id not in {None, courier.courier.courier_id}:
            return None
        if visit.stop.kind is StopKind.PICKUP:
            if not _can_be_picked_up(visit, order, courier, committed=committed):
                return None
            picked.add(order.order_id)
        elif order.order_id in picked and order.returning == (visit.stop.kind is StopKind.RETURN):
            dropped.add(order.order_id)
        else:
            return None
    if tuple(visits) != route.visits:
        left = tuple(visits)
        route = replace(route, visits=left, leave_at=leave_at(left, route.leave_at))
    return route if set(courier.on_board) <= dropped else None


def _can_be_picked_up(
    visit: Visit, order: OrderState, courier: CourierState, *, committed: bool
) -> bool:
    """Tell whether a planned pickup is still open to this courier at this store."""
    taken = order.on_board or (order.courier_id is not None and not committed)
    elsewhere = order.status not in UNPICKED and order.store_id != visit.stop.store_id
    who, lock = courier.courier.courier_id, order.lock
    declined = who in order.declined_by
    others = order.is_carried_outside or (lock is not None and lock.courier_id != who)
    if order.pinned_store_id not in {None, visit.stop.store_id}:
        elsewhere = True
    if visit.stop.store_id in order.excluded_stores:
        elsewhere = True
    held = order.hold is not None and not committed
    return not (taken or elsewhere or declined or others or held)


def _done(visit: Visit, courier: CourierState, state: State) -> bool:
    order = state.orders.get(visit.stop.order_id)
    if visit.stop.kind is StopKind.PICKUP:
        return order is None or order.order_id in courier.on_board
    return order is None


def _moves(
    route: Route, state: State, reserved: dict[tuple[str, str], int]
) -> list[tuple[OrderResourced, dict[tuple[str, str], int]]] | None:
    """Return the orders that change store on this route; None when the stock has gone since."""
    moves: list[tuple[OrderResourced, dict[tuple[str, str], int]]] = []
    mine: dict[tuple[str, str], int] = {}
    for visit in route.visits:
        if visit.stop.kind is not StopKind.PICKUP:
            continue
        order = state.orders[visit.stop.order_id]
        to = visit.stop.store_id
        if order.store_id == to:
            continue
        amounts: dict[tuple[str, str], int] = {}
        store = state.stores.get(to)
        if store is None or store.paused is not None:
            return None
        for line in order.order.lines:
            key = (to, line.sku)
            amounts[key] = amounts.get(key, 0) + line.quantity
        for key, quantity in amounts.items():
            spoken_for = reserved.get(key, 0) + mine.get(key, 0)
            if store.available(key[1]) - spoken_for < quantity:
                return None
            mine[key] = mine.get(key, 0) + quantity
        moves.append((OrderResourced(order.order_id, order.store_id, to), amounts))
    return moves


def _sequence(route: Route | None) -> tuple[Stop, ...]:
    return tuple(v.stop for v in route.visits) if route else ()


def _differs(old: Route | None, new: Route) -> bool:
    if old is None:
        return bool(new.visits)
    if _sequence(old) != _sequence(new):
        return True
    return abs(old.leave_at - new.leave_at) > TIME_CHANGE_S or any(
        abs(a.arrive_at - b.arrive_at) > TIME_CHANGE_S
        or abs(a.begin_at - b.begin_at) > TIME_CHANGE_S
        or abs(a.depart_at - b.depart_at) > TIME_CHANGE_S
        for a, b in zip(old.visits, new.visits, strict=True)
    )
