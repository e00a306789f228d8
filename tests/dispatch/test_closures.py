"""Streets that are closed: what the log says, who opens them, and which times a plan rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from town import NOW, Grid, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.codec import LOG, WIRE, event_from_json, event_to_json
from dispatch.errors import InvalidValueError, UnknownIdError
from geo.closures import Closure, ClosureShape
from geo.types import LonLat, Matrix, Mode

MAIN_STREET = Closure(
    closure_id="",
    shape=ClosureShape.LINE,
    points=(at(0, 0), at(5, 0)),
    modes=(Mode.BIKE, Mode.CAR),
    reason="parade",
)


def closed(town: Town, closure: Closure = MAIN_STREET) -> Closure:
    event = town.give(c.CloseStreet(closure))[0]
    assert isinstance(event, e.StreetClosed)
    return event.closure


def test_a_closed_street_is_in_the_log_until_somebody_opens_it() -> None:
    town = Town()
    closure = closed(town)
    assert closure.closure_id.startswith("clo_")
    assert town.engine.state.closures == {closure.closure_id: closure}
    assert town.restarted().state.closures == {closure.closure_id: closure}
    assert town.give(c.CloseStreet(closure)) == []
    assert town.give(c.ReopenStreet(closure.closure_id)) == [e.StreetReopened(closure.closure_id)]
    assert town.restarted().state.closures == {}


def test_a_closure_of_the_same_id_takes_the_place_of_the_old_one() -> None:
    town = Town()
    closure = closed(town)
    longer = replace(closure, points=(at(0, 0), at(9, 0)))
    assert closed(town, longer) == longer
    assert town.engine.state.closures == {closure.closure_id: longer}


def test_a_street_opens_by_itself_when_its_time_is_over() -> None:
    town = Town()
    closure = closed(town, replace(MAIN_STREET, until=NOW + 600))
    assert town.engine.next_commit_at() == NOW + 600
    town.clock.time = NOW + 599
    assert town.engine.commit_due() == ()
    town.clock.time = NOW + 600
    assert [r.event for r in town.engine.commit_due()] == [e.StreetReopened(closure.closure_id)]
    assert town.engine.state.closures == {}
    assert town.engine.next_commit_at() is None


def test_what_cannot_be_closed_or_opened_is_refused() -> None:
    town = Town()
    before = town.engine.state
    with pytest.raises(InvalidValueError, match="until is past"):
        town.give(c.CloseStreet(replace(MAIN_STREET, until=NOW)))
    with pytest.raises(UnknownIdError, match="no closure clo_1 is in force"):
        town.give(c.ReopenStreet("clo_1"))
    assert town.engine.state is before


@pytest.mark.parametrize("converter", [LOG, WIRE])
def test_a_closure_comes_back_from_log_and_wire_as_it_was(converter: object) -> None:
    event = e.StreetClosed(replace(MAIN_STREET, closure_id="clo_1", until=NOW))
    fields = event_to_json(event, converter)  # type: ignore[arg-type]
    assert event_from_json("StreetClosed", fields, converter) == event  # type: ignore[arg-type]


class Moving(Grid):
    """A grid whose times are others each time they are asked for, unless pinned."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def version(self) -> str:  # type: ignore[override]
        return f"grid-{self.count}"

    def pinned(self) -> Grid:
        self.count += 1
        still = Grid()
        still.version = f"pinned-{self.count}"
        return still

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        raise AssertionError("a decision must ask the times it pinned")


def test_a_plan_rests_on_one_version_of_the_travel_times_and_says_which() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.engine.travel = Moving()
    town.engine.replan()
    plan = town.engine.state.plan
    assert plan is not None
    assert plan.travel_version == "pinned-1"
    assert town.engine.state.order(order_id).eta is not None
