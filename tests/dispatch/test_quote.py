"""Can you, and when: promises, prices and refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from street import HAND_OVER_S, HOUR_S, NOW, PICK_S, Street

from dispatch.model import OrderInPlay, OrderStatus, Policy, Reason, Refusal, Snapshot
from dispatch.planning.plan import plan
from dispatch.planning.quote import Offer, fare_cents, promised, quote


def asked(street: Street, at: int = 600, **changes: object) -> tuple[Snapshot, OrderInPlay]:
    """Return the snapshot without, and the candidate."""
    street.order("new", at=at, status=OrderStatus.RECEIVED, **changes)
    candidate = street.orders.pop()
    return street.snapshot(), candidate


def test_an_offer_names_store_time_and_price() -> None:
    street = Street()
    street.store("north", at=500)
    street.courier("ida", at=500)
    offer = quote(*asked(street))
    assert isinstance(offer, Offer)
    # Picked after 120 s, a minute at the counter, 100 s on the way, a minute at the door.
    assert offer.eta == NOW + PICK_S + HAND_OVER_S + 100 + HAND_OVER_S
    # The least is 20 minutes; the window is 15 long.
    assert offer.promise.latest == NOW + 1200
    assert offer.promise.earliest == NOW + 1200 - 900
    assert offer.store_id == "sto_north"
    # 500 m of road: one started kilometre.
    assert offer.fare_cents == 290 + 60


def test_a_promise_keeps_its_margin_and_ends_at_a_full_minute() -> None:
    promise = promised(Policy(), NOW, NOW, eta=NOW + 1501, margin_s=600)
    assert NOW % 60 == 0
    # 1501 s + 600 s margin = 2101 s, rounded up to 36 minutes.
    assert promise.latest == NOW + 2160
    assert promise.earliest == NOW + 2160 - 900


def test_a_promise_does_not_begin_before_now() -> None:
    # Clicked 25 minutes ago: the window would have begun already.
    promise = promised(Policy(), NOW - 1500, NOW, eta=NOW + 100, margin_s=60)
    assert promise.earliest == NOW
    assert promise.latest == NOW + 180


def test_the_fare_counts_started_kilometres() -> None:
    policy = Policy(fare_base_cents=300, fare_km_cents=50)
    assert [fare_cents(policy, m) for m in (0, 1, 1000, 1001)] == [300, 350, 350, 400]


def test_a_quote_waits_for_those_promised_before() -> None:
    street = Street()
    store = street.store("north", at=500)
    street.order("a", at=900, store_id=store, ready_at=NOW, due_s=700)
    street.courier("ida", at=500, capacity_parcels=1)
    snapshot, candidate = asked(street, at=400)
    offer = quote(snapshot, candidate)
    assert isinstance(offer, Offer)
    # First a: 60 + 400 + 60 s, then 400 s back, 60 + 100 + 60 s.
    assert offer.eta == NOW + 520 + 400 + 220


def test_a_quote_in_the_plan_in_force_shares_the_trip() -> None:
    street = Street()
    store = street.store("north", at=500)
    street.order("a", at=900, store_id=store, ready_at=NOW)
    street.courier("ida", at=500)
    snapshot, candidate = asked(street, at=910)
    snapshot = replace(snapshot, routes=plan(snapshot).routes)
    offer = quote(snapshot, candidate)
    assert isinstance(offer, Offer)
    # Both are picked up after 120 + 60 s (a before that), a at the door 400 s later for 60 s.
    assert offer.eta == NOW + 180 + 400 + 60 + 10 + 60


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"available": {}}, Reason.NO_STOCK),
        ({"open_windows": ()}, Reason.STORE_CLOSED),
        ({"paused": True}, Reason.STORE_PAUSED),
        ({"reach_s": 50}, Reason.OUTSIDE_RADIUS),
    ],
)
def test_a_refusal_says_why(change: dict[str, object], reason: Reason) -> None:
    street = Street()
    street.store("north", at=500, **change)
    street.courier("ida", at=500)
    refused = quote(*asked(street))
    assert isinstance(refused, Refusal)
    assert refused.reason is reason
    assert refused.detail


def test_no_courier_on_shift_is_said() -> None:
    street = Street()
    street.store("north", at=500)
    refused = quote(*asked(street))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NO_COURIER_ON_SHIFT


def test_a_courier_who_starts_soon_counts() -> None:
    street = Street()
    street.store("north", at=500)
    street.courier("ida", at=500, shift_start=NOW + 900, available_at=NOW + 900)
    offer = quote(*asked(street))
    assert isinstance(offer, Offer)
    assert offer.eta == NOW + 900 + HAND_OVER_S + 100 + HAND_OVER_S


def test_too_late_is_refused_with_the_figures() -> None:
    street = Street()
    street.store("north", at=500)
    street.courier("ida", at=500, shift_start=NOW + HOUR_S, available_at=NOW + HOUR_S)
    refused = quote(*asked(street))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NO_COURIER_BEFORE_DEADLINE
    # Done after 3600 + 220 s, and 600 s of margin: 74 minutes.
    assert refused.detail == (
        "the earliest safe promise ends 74 min after the order, later than the 60 min allowed"
    )


def test_a_shift_too_short_for_the_pickup_is_refused() -> None:
    street = Street()
    street.store("north", at=500)
    street.courier("ida", at=0, shift_end=NOW + 60)
    refused = quote(*asked(street))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NO_COURIER_BEFORE_DEADLINE


def test_the_last_piece_that_another_order_waits_for_is_not_offered() -> None:
    street = Street()
    street.store("north", at=500, available={"milk": 1})
    street.order("first", at=700)
    street.courier("ida", at=500)
    refused = quote(*asked(street))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NO_STOCK


def test_a_quote_counts_with_those_who_must_move_to_another_store() -> None:
    street = Street()
    street.store("shut", at=700, open_windows=())
    street.store("north", at=500)
    # First comes from North from now on, and there is room for one parcel before the shift ends.
    street.order("first", at=600, store_id="sto_shut", due_s=900)
    street.courier("ida", at=500, capacity_parcels=1, shift_end=NOW + 300)
    refused = quote(*asked(street))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NO_COURIER_BEFORE_DEADLINE
