"""Fresh quotes are taken at their word; what changed since makes them weighed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ordering import BOTH, HOUR_S, MILK, asked, order_of, placed, set_stock
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import InvalidValueError
from dispatch.model import OrderLine, Policy, Quote
from dispatch.records import ControlKind
from dispatch.state import OrderState
from geo.closures import Closure, ClosureShape

TIGHT: dict[str, Any] = {"promise_min_s": 0, "promise_margin_s": 0}
"""With these a quote is a matter of seconds: weighed 50 s later it cannot be kept any more."""


def _ordered(town: Town, after_s: int, quote: Quote, **more: Any) -> OrderState:
    town.clock.time += after_s
    return order_of(town, quote_id=quote.quote_id, **more)


def _held(order: OrderState) -> bool:
    assert order.cited is not None
    return order.cited.held


@pytest.mark.parametrize(
    ("firm_s", "after_s", "held"), [(60, 50, True), (60, 60, False), (0, 50, False)]
)
def test_a_fresh_quote_is_taken_at_its_word_and_an_older_one_weighed(
    firm_s: int, after_s: int, held: bool
) -> None:
    town = Town(Policy(**TIGHT, quote_firm_s=firm_s))
    quote = town.engine.quote(asked(town))
    order = _ordered(town, after_s, quote)
    assert _held(order) is held
    assert (order.promise == quote.promise) is held
    assert order.store_id == quote.store_id
    assert town.engine.state.store("sto_west").reserved["milk"] == 1


def test_the_window_of_a_fresh_quote_is_given_at_its_price() -> None:
    town = Town(Policy(**TIGHT))
    quote = town.engine.quote(asked(town))
    window = quote.window("15m")
    assert window is not None
    order = _ordered(town, 50, quote, window_id="15m")
    assert _held(order)
    assert order.promise == window.promise
    assert window.fare is not None
    assert order.order.fare_cents == window.fare.total_cents


def _sold_out(town: Town) -> None:
    set_stock(town, west={}, east={"milk": 1})


def _paused(town: Town) -> None:
    town.give(c.PauseStore("sto_west", "queue at the counter"))


def _crew_gone(town: Town) -> None:
    town.give(c.EndShift("cou_ben", NOW))
    town.give(c.EndShift("cou_anna", NOW))
    town.give(c.StartShift("cou_anna", NOW + 30, NOW + 4 * HOUR_S))


def _crowd_come(town: Town) -> None:
    order_of(town, lines=(OrderLine("bread", 1),))


def _surge_control(town: Town) -> None:
    town.give(c.SetControl(ControlKind.PROMISE, 600, (), "ops:maria", "rain", NOW + HOUR_S))


def _street_closed(town: Town) -> None:
    around = (at(3, 3), at(3.1, 3), at(3.1, 3.1))
    town.give(c.CloseStreet(Closure("clo_fire", ClosureShape.POLYGON, around)))


@pytest.mark.parametrize(
    "change", [_sold_out, _paused, _crew_gone, _crowd_come, _surge_control, _street_closed]
)
def test_a_fresh_quote_is_weighed_again_when_what_it_rests_on_has_changed(
    change: Callable[[Town], object],
) -> None:
    town = Town(Policy(**TIGHT))
    quote = town.engine.quote(asked(town))
    change(town)
    assert not _held(_ordered(town, 50, quote))


def test_as_many_more_orders_as_the_policy_allows_leave_a_fresh_quote_as_it_is() -> None:
    # One more order for two couriers is half an order each.
    for allowed, held in ((0.51, True), (0.5, False)):
        town = Town(Policy(**TIGHT, quote_firm_crowd=allowed))
        quote = town.engine.quote(asked(town))
        _crowd_come(town)
        assert _held(_ordered(town, 50, quote)) is held


def test_what_was_not_quoted_is_weighed_however_fresh_the_quote() -> None:
    changes: list[dict[str, Any]] = [
        {"door": at(9, 0)},
        {"lines": (*MILK, *BOTH)},
        {"store_id": "sto_east"},
    ]
    for change in changes:
        town = Town(Policy(**TIGHT))
        quote = town.engine.quote(asked(town))
        assert not _held(_ordered(town, 0, quote, **change))


def test_a_window_that_could_not_be_had_is_refused_however_fresh_the_quote() -> None:
    town = Town()
    quote = town.engine.quote(asked(town, door=at(9, 1)))
    with pytest.raises(InvalidValueError, match="could not be had when it was quoted"):
        order_of(town, quote_id=quote.quote_id, window_id="15m", door=at(9, 1))


def test_quotes_that_are_over_are_forgotten_within_a_minute_and_never_taken() -> None:
    town = Town(Policy(quote_valid_s=10))
    first = town.engine.quote(asked(town))
    town.clock.time += 59
    town.engine.quote(asked(town))
    assert isinstance(placed(town, quote_id=first.quote_id)[0], e.OrderRefused)
    town.clock.time += 60
    last = town.engine.quote(asked(town))
    assert list(town.engine.state.quotes) == [last.quote_id]
