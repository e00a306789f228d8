"""An order that is asked for, or to be changed, as the decision sees it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from dispatch.folds.pieces import amounts
from dispatch.model import (
    Fulfilment,
    Order,
    OrderInPlay,
    Promise,
    Reason,
    Refusal,
    Route,
    Snapshot,
    StoreInPlay,
)
from dispatch.snapshot import asked_in_play
from dispatch.state import OrderState, State, leave_at
from geo.errors import TooFarFromRoadError
from geo.types import TravelTimes


def candidacy(
    state: State, made_for: Snapshot, asked: Order, only: Collection[str] | None = None
) -> tuple[Snapshot, OrderInPlay]:
    """Return an order as a candidate for `planning.quote`, and the snapshot to weigh it in.

    Parameters
    ----------
    made_for
        Taken with the order asked for.
    only
        The stores it may come from; None for all.

    Notes
    -----
    An order that is open already is weighed as if it had just come: what is reserved for it is
    free for it, and it is on nobody's route but of a courier who was told to fetch it.
    """
    placeholder = Promise(asked.created_at, asked.created_at, asked.created_at)
    candidate = asked_in_play(asked, made_for, placeholder)
    if only is not None:
        others = frozenset(store.store_id for store in made_for.stores) - frozenset(only)
        candidate = replace(candidate, excluded_stores=others)
    known = state.orders.get(asked.order_id)
    if known is None:
        return made_for, candidate
    candidate = replace(
        candidate,
        courier_id=known.courier_id,
        declined_by=known.declined_by,
        excluded_stores=candidate.excluded_stores | known.excluded_stores,
    )
    if known.courier_id is not None:
        # Nobody takes it from a courier who was told.
        return replace(made_for, stores=_given_back(made_for, known)), candidate
    routes = tuple(
        route
        for route in (_without(route, asked.order_id) for route in made_for.routes)
        if route.visits
    )
    return replace(made_for, stores=_given_back(made_for, known), routes=routes), candidate


def off_the_roads(state: State, travel: TravelTimes, asked: Order) -> Refusal | None:
    """Return why nobody of the fleet gets near a door at all, None if somebody does."""
    if asked.fulfilment is not Fulfilment.DELIVERY:
        return None
    no: Refusal | None = None
    for mode in sorted(travel.modes):
        if not any(courier.courier.mode is mode for courier in state.couriers.values()):
            continue
        try:
            travel.check_place(asked.door, mode)
        except TooFarFromRoadError as error:
            no = Refusal(Reason.OUTSIDE_RADIUS, str(error))
        else:
            return None
    return no


def _given_back(made_for: Snapshot, known: OrderState) -> tuple[StoreInPlay, ...]:
    """Return the stores with the goods of an order free at the store that keeps them for it."""
    mine = amounts(known.order.lines)
    return tuple(
        replace(
            store,
            available={sku: free + mine.get(sku, 0) for sku, free in store.available.items()},
        )
        if store.store_id == known.store_id
        else store
        for store in made_for.stores
    )


def _without(route: Route, order_id: str) -> Route:
    visits = tuple(visit for visit in route.visits if visit.stop.order_id != order_id)
    if visits == route.visits:
        return route
    return replace(route, visits=visits, leave_at=leave_at(visits, route.leave_at))
