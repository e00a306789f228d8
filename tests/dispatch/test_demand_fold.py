"""Demand is read off the log: faded counts, shares drawn together, leads as they were."""

from __future__ import annotations

from math import exp

import pytest
from town import NOW, Town, at

from dispatch import events as e
from dispatch.demand import RATE_FADES_S, SHARE_PRIOR, DemandFold
from dispatch.model import LonLat, Order, OrderLine, Policy, Promise, Store


def store(name: str) -> Store:
    return Store(f"sto_{name}", name.title(), LonLat(25.0, 60.0))


def received(name: str, store_id: str, at: int, pick_s: int | None = None) -> e.Event:
    order = Order(
        f"ord_{name}",
        at,
        LonLat(25.0, 60.0),
        "1 Street",
        (OrderLine("milk", 1),),
        1000,
        60,
        pick_s=pick_s,
    )
    return e.OrderReceived(order, Promise(at, at + 3600, at), store_id)


def folded(*events: tuple[int, e.Event]) -> DemandFold:
    fold = DemandFold()
    for seq, (moment, event) in enumerate(events, start=1):
        fold.add(e.Recorded("street", seq, moment, event))
    return fold


STORES = ((NOW, e.StoreRegistered(store("a"))), (NOW, e.StoreRegistered(store("b"))))


def test_nothing_is_expected_before_the_first_order() -> None:
    assert folded(*STORES).at(NOW) == ()


def test_a_steady_stream_comes_to_be_expected_as_it_is() -> None:
    # One a minute for three hours: 60 an hour.
    stream = [(NOW + 60 * n, received(str(n), "sto_a", NOW + 60 * n)) for n in range(180)]
    found = {entry.store_id: entry for entry in folded(*STORES, *stream).at(NOW + 180 * 60)}
    assert sum(entry.orders_per_h for entry in found.values()) == pytest.approx(60, rel=0.05)
    assert found["sto_a"].orders_per_h > 20 * found["sto_b"].orders_per_h > 0


def test_what_was_asked_for_fades() -> None:
    fold = folded(*STORES, (NOW, received("one", "sto_a", NOW)))
    at_once, later = fold.at(NOW), fold.at(NOW + int(RATE_FADES_S))
    whole = sum(entry.orders_per_h for entry in at_once)
    assert whole == pytest.approx(3600 / RATE_FADES_S)
    assert sum(entry.orders_per_h for entry in later) == pytest.approx(whole * exp(-1))
    # 1.3 of 1.6 credited orders.
    assert at_once[0].orders_per_h / whole == pytest.approx(
        (1 + SHARE_PRIOR) / (1 + 2 * SHARE_PRIOR)
    )


def test_leads_are_the_shop_s_word_or_what_happened() -> None:
    fold = folded(
        *STORES,
        (NOW, received("told", "sto_a", NOW, pick_s=300)),
        (NOW, received("seen", "sto_a", NOW)),
        (NOW, received("gone", "sto_a", NOW)),
        (NOW + 200, e.PickCompleted("ord_seen", "sto_a", NOW + 200)),
        (NOW + 250, e.OrderCancelled("ord_gone", "no", NOW + 250)),
        (NOW + 300, e.PickCompleted("ord_told", "sto_a", NOW + 300)),
    )
    assert fold.at(NOW + 300)[0].lead_s == (200, 300)


def test_an_engine_started_from_a_log_expects_what_the_first_one_did() -> None:
    town = Town(Policy(standby_horizon_s=600))
    town.order(at(3, 0), "milk")
    expected = town.engine.snapshot().demand
    assert expected != ()
    assert town.restarted().snapshot().demand == expected
