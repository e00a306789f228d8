"""An explained order on a terminal: times in their order, figures that add up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from street import NOW, Street

from dispatch.explain import explain
from dispatch.explanation import Decision, Explanation
from dispatch.model import Stop, StopKind
from dispatch.planning.plan import plan
from dispatch.records import SLOT
from dispatch.state import OrderState
from simulations.replays.explained import told
from simulations.replays.explaining import Explained


def printed(street: Street, **changes: object) -> list[str]:
    """Return what is printed of order `a` of a street, its explanation changed a little."""
    snapshot = street.snapshot()
    found: Explanation = replace(explain(snapshot, plan(snapshot), "ord_a"), **changes)
    order = next(each for each in snapshot.orders if each.order_id == "ord_a")
    state = OrderState(order.order, order.promise, "sto_north")
    names = {each.courier_id: each.courier.name for each in snapshot.couriers}
    return told(Explained(order.order, NOW, state, found, None, names, (), "UTC")).splitlines()


def part(lines: list[str], title: str) -> list[str]:
    """Return the lines of a part, without their margin."""
    start = lines.index(f"  {title}") + 1
    rows = lines[start:]
    ends = [n for n, line in enumerate(rows) if not line.startswith("    ")]
    return [line.strip() for line in rows[: ends[0] if ends else None]]


def waiting_goods() -> Street:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", courier_id="cou_ida", due_s=900)
    street.courier("ida", at=480, committed=(Stop(StopKind.PICKUP, "ord_a", "sto_north"),))
    return street


def test_times_are_told_in_their_order_and_what_is_over_as_such() -> None:
    rows = part(printed(waiting_goods(), leave_at=NOW - 60), "When")
    assert [row.split("  ")[1].split(",")[0] for row in rows] == [
        "Ida left",
        "the goods are ready",
        "Ida fetches them",
        "Ida hands them over",
    ]
    assert [row[:8] for row in rows] == sorted(row[:8] for row in rows)


def test_goods_that_should_be_ready_are_not_said_to_be() -> None:
    rows = part(printed(waiting_goods(), ready_at=NOW - 30), "When")
    assert rows[0].endswith("the goods are ready")


def test_a_margin_of_seconds_is_not_0_min() -> None:
    rows = part(printed(waiting_goods(), slack_s=-20), "When")
    assert rows[-1].endswith("hands them over, less than a minute after the promise ends")


@pytest.mark.parametrize(
    ("extra", "terms", "said"),
    [
        (10.0, {"travel": 10.5, "duty": -0.5}, "+10 (+10 the way)"),
        # Each rounded for itself they would make 9.
        (10.2, {"travel": 3.4, "waiting": 3.4, "duty": 3.4}, "+10 (+4 the way, +3 waiting, "),
        (-0.3, {"travel": -0.3}, "+0"),
    ],
)
def test_terms_add_up_and_nothing_is_minus_0(
    extra: float, terms: dict[str, float], said: str
) -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500)
    street.courier("ole", at=400)
    snapshot = street.snapshot()
    (other,) = explain(snapshot, plan(snapshot), "ord_a").couriers
    rows = part(
        printed(street, couriers=(replace(other, extra_cost=extra, terms=terms),)),
        "Other couriers",
    )
    assert said in rows[0]
    assert "-0" not in " ".join(rows)


def test_stores_that_are_left_out_are_told_with_how_far_they_are_at_least() -> None:
    street = waiting_goods()
    for name, at in (("a", 590), ("b", 580), ("c", 570), ("d", 300), ("e", 200)):
        street.store(name, at=at, available={})
    assert part(printed(street), "Stores")[-1] == "2 more, 5 min or more to the door"


def test_a_decision_without_a_reason_or_a_person_is_told_in_whole_words() -> None:
    slot = Decision("hold", SLOT, "for a later slot", None, "It waits for its slot")
    held = Decision("hold", "ops:maria", "", None, "Held")
    assert part(printed(waiting_goods(), decisions=(slot, held)), "Decided") == [
        "It waits for its slot.",
        "Held by ops:maria.",
    ]
