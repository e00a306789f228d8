"""What is one courier's or one store's, for keys that are good for nothing else."""

from __future__ import annotations

from api.rights import Principal, Role
from dispatch.state import State, knows


def is_theirs(state: State, who: Principal, order_id: str) -> bool:
    """Tell whether an order is at the store, or with the courier, that a key is for."""
    if who.bound_to is None:
        return True
    if not knows(state, order_id):
        return False
    found = state.order(order_id)
    if who.role is Role.STORE:
        return who.bound_to in {found.store_id, found.origin_store_id}
    courier = state.couriers.get(who.bound_to)
    if courier is None:
        return False
    visits = courier.route.visits if courier.route is not None else ()
    return found.courier_id == who.bound_to or any(
        visit.stop.order_id == order_id for visit in visits
    )
