"""What online orders bring each store, from the state alone.  Pure.

Orders count by when the customer clicked.  Each part of a split order counts at its own store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from dispatch.model import DeliveryStatus, OrderStatus
from dispatch.state import OrderState, State


@dataclass(frozen=True, slots=True)
class Sales:
    """Figures of some orders; money is minor units.

    Attributes
    ----------
    orders
        Orders, or parts of split ones.
    delivered, collected, cancelled, returned
        Of them: handed over at a door, at a counter, given up, brought back undelivered.
    open
        Not at their end yet.
    basket_cents, paid_cents, tip_cents, fare_cents
        Of all of them, cancelled ones included.
    refund_cents
        Given back of what was paid.
    """

    orders: int = 0
    open: int = 0
    delivered: int = 0
    collected: int = 0
    cancelled: int = 0
    returned: int = 0
    basket_cents: int = 0
    paid_cents: int = 0
    tip_cents: int = 0
    fare_cents: int = 0
    refund_cents: int = 0

    def __add__(self, other: Sales) -> Sales:
        """Return the figures of both."""
        return Sales(
            **{
                entry.name: getattr(self, entry.name) + getattr(other, entry.name)
                for entry in fields(self)
            }
        )


def sales_by_store(state: State, begins: int, ends: int) -> dict[str, Sales]:
    """Return the figures of every store for orders placed in `[begins, ends)`, by store id."""
    found = {
        key: Sales() for key, store in sorted(state.stores.items()) if not store.store.is_point
    }
    for order in _placed(state, begins, ends):
        key = order.shelf_store_id
        found[key] = found.get(key, Sales()) + _one(order)
    return found


def total(figures: Iterable[Sales]) -> Sales:
    """Return the sum of figures."""
    return sum(figures, start=Sales())


def _placed(state: State, begins: int, ends: int) -> Iterator[OrderState]:
    for orders in (state.orders, state.closed):
        for order in orders.values():
            if order.order.return_of is None and begins <= order.order.created_at < ends:
                yield order


def _one(order: OrderState) -> Sales:
    bought = order.order
    delivered = order.delivery is DeliveryStatus.DELIVERED
    cancelled = order.status is OrderStatus.CANCELLED
    returned = not cancelled and order.delivery is DeliveryStatus.RETURNED
    collected = order.status is OrderStatus.COLLECTED and not delivered
    return Sales(
        orders=1,
        open=int(not (order.is_closed or cancelled)),
        delivered=int(delivered),
        collected=int(collected),
        cancelled=int(cancelled),
        returned=int(returned),
        basket_cents=bought.basket_cents,
        paid_cents=bought.paid_cents,
        tip_cents=bought.tip_cents,
        fare_cents=bought.fare_cents,
        refund_cents=order.refund_cents,
    )
