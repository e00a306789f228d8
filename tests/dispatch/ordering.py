"""Words for tests of quotes and orders: milk, five blocks east of West."""

from __future__ import annotations

from typing import Any

from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.model import (
    OrderLine,
    Quote,
)
from dispatch.state import OrderState

HOUR_S = 3600
MILK = (OrderLine("milk", 1),)
PICK_S = 120 + 25  # base and one line
COUNTER_S, DOOR_S = 60, 120


def asked(town: Town, **more: Any) -> c.RequestQuote:
    """Return a question for milk, five blocks east of West."""
    return c.RequestQuote(
        **{"door": at(5, 0), "address": "Corner", "lines": MILK, "weight_g": 1000, **more}
    )


def placed(town: Town, **more: Any) -> list[e.Event]:
    """Order milk, five blocks east of West; returns the facts."""
    fields = {
        "door": at(5, 0),
        "address": "Corner",
        "lines": MILK,
        "weight_g": 1000,
        "occurred_at": town.clock.now(),
        **more,
    }
    return town.give(c.PlaceOrder(**fields))


def order_of(town: Town, **more: Any) -> OrderState:
    received = placed(town, **more)[0]
    assert isinstance(received, e.OrderReceived), received
    return town.engine.state.order(received.order.order_id)


def names(events: list[e.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def windows(quote: Quote) -> dict[str, Any]:
    """Return the price of each window, or the reason why it cannot be had."""
    return {
        window.window_id: window.fare.total_cents if window.fare else window.reason
        for window in quote.windows
    }


def set_stock(town: Town, west: dict[str, int], east: dict[str, int]) -> None:
    for store_id, stock in (("sto_west", west), ("sto_east", east)):
        town.give(c.SetStock(store_id, {"milk": 0, "bread": 0, **stock}))


def far_off(order_id: str, reason: str = "no more wanted") -> c.CancelOrder:
    return c.CancelOrder(order_id, reason, NOW)


BOTH = (OrderLine("milk", 1), OrderLine("bread", 2))


def split_town() -> Town:
    town = Town()
    set_stock(town, west={"milk": 5}, east={"bread": 5})
    return town


def amended(town: Town, order_id: str, **changes: Any) -> list[e.Event]:
    return town.give(c.AmendOrder(order_id, town.clock.now(), **changes))
