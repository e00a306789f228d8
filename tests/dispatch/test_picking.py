"""When goods will be ready: pickers, the order of work, what is known already."""

from __future__ import annotations

import pytest
from street import HOUR_S, NOW, PICK_S, Street

from dispatch.errors import UnknownIdError
from dispatch.model import Fulfilment, OrderStatus, Stop, StopKind
from dispatch.planning.picking import Pick, work_order
from dispatch.planning.plan import plan


def picks(street: Street) -> list[Pick]:
    return list(work_order(street.snapshot(), "sto_north"))


def in_short(street: Street) -> list[tuple[str, int, int]]:
    """Return order, start and ready time from now on."""
    return [
        (pick.order_id.removeprefix("ord_"), pick.start_at - NOW, pick.ready_at - NOW)
        for pick in picks(street)
    ]


def one_picker() -> Street:
    street = Street()
    street.store("north", at=0, pickers=1)
    street.courier("ida", at=0)
    return street


def test_picks_are_done_in_the_order_in_which_they_are_needed() -> None:
    street = one_picker()
    street.order("patient", at=100, store_id="sto_north", due_s=3000)
    # Due later, but 900 s away: needed at the store 700 s sooner.
    street.order("distant", at=900, store_id="sto_north", due_s=3100)
    assert in_short(street) == [("distant", 0, PICK_S), ("patient", PICK_S, 2 * PICK_S)]


def test_as_many_are_picked_at_a_time_as_there_are_pickers() -> None:
    street = Street()
    street.store("north", at=0, pickers=2)
    street.courier("ida", at=0)
    for number in range(3):
        street.order(f"{number}", at=100, store_id="sto_north", due_s=2000 + number)
    assert in_short(street) == [("0", 0, 120), ("1", 0, 120), ("2", 120, 240)]


def test_what_runs_ends_before_the_next_begins() -> None:
    street = one_picker()
    street.order(
        "runs", at=100, store_id="sto_north", status=OrderStatus.PICKING, pick_started_at=NOW - 50
    )
    street.order("waits", at=100, store_id="sto_north", due_s=600)
    # 120 s from its start 50 s ago.
    assert in_short(street) == [("runs", -50, 70), ("waits", 70, 190)]
    assert [pick.running for pick in picks(street)] == [True, False]


def test_an_overdue_pick_is_ready_soon_but_not_in_the_past() -> None:
    street = one_picker()
    street.order(
        "runs", at=100, store_id="sto_north", status=OrderStatus.PICKING, pick_started_at=NOW - 500
    )
    assert in_short(street) == [("runs", -500, 0)]


def test_with_more_running_than_pickers_the_first_to_end_frees_nobody() -> None:
    street = one_picker()
    for name, ago in (("x", 100), ("y", 40)):
        street.order(
            name,
            at=100,
            store_id="sto_north",
            status=OrderStatus.PICKING,
            pick_started_at=NOW - ago,
        )
    street.order("waits", at=100, store_id="sto_north")
    # x ends in 20 s, y in 80 s; only then is the one picker free.
    assert in_short(street)[-1] == ("waits", 80, 200)


def test_known_ready_times_stay() -> None:
    street = one_picker()
    street.order("a", at=100, store_id="sto_north", ready_at=NOW - 30)
    snapshot = street.snapshot()
    assert plan(snapshot).ready_at == {"ord_a": NOW - 30}
    assert work_order(snapshot, "sto_north") == ()


def test_who_is_already_fetched_is_picked_first() -> None:
    street = one_picker()
    street.order("urgent", at=100, store_id="sto_north", due_s=400)
    street.order("fetched", at=100, store_id="sto_north", courier_id="cou_ole", store_fixed=True)
    street.courier("ole", at=50, committed=(Stop(StopKind.PICKUP, "ord_fetched", "sto_north"),))
    assert [name for name, _, _ in in_short(street)] == ["fetched", "urgent"]


def test_a_collection_order_is_needed_at_its_promise() -> None:
    street = one_picker()
    street.order("gate", at=0, store_id="sto_north", fulfilment=Fulfilment.COLLECTION, due_s=900)
    assert picks(street)[0].needed_by == NOW + 900


def test_picking_begins_when_the_store_opens() -> None:
    street = Street()
    street.store("north", at=0, open_windows=((NOW + 300, NOW + HOUR_S),))
    street.order("a", at=100, store_id="sto_north")
    assert in_short(street) == [("a", 300, 300 + PICK_S)]


def test_a_store_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownIdError, match="sto_south"):
        work_order(Street().snapshot(), "sto_south")
