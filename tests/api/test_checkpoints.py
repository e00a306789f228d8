"""A start from a checkpoint is a start from the whole log; what cannot be used changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conftest import Town
from databases import change, rows

from api.checkpoints import Checkpoints, Standing, digest_of
from api.news import Headlines
from api.storage.ledger import Ledger
from api.storage.records import Batch
from dispatch.apply import apply
from dispatch.demand import DemandFold
from dispatch.errors import InvalidValueError
from dispatch.events import Recorded
from dispatch.experience import ExperienceFold
from dispatch.folded import copied, packed, unpacked
from dispatch.kpis import KpiFold
from dispatch.model import Policy
from dispatch.state import State
from geo.city import load_city
from simulations.loop import Simulation
from simulations.scenarios.scenario import load_scenario

POLICY = replace(Policy(), improve_rounds=3, pick_spread=0.3, promise_confidence=0.9)
LASTS_S = 2400


@pytest.fixture(scope="module")
def events() -> list[Recorded]:
    """Return what happened in a simulated rush hour of couriers, stores and customers."""
    scenario = load_scenario("helsinki-rush")
    simulation = Simulation(scenario, load_city(scenario.city), policy=POLICY)
    simulation.run(simulation.now + LASTS_S)
    return simulation.log.events


def beginning(zone: str) -> Standing:
    return Standing(State(zone), DemandFold(), ExperienceFold(POLICY), KpiFold(POLICY), Headlines())


def fold(standing: Standing, events: list[Recorded]) -> Standing:
    state = standing.state
    for one in events:
        standing.demand.add(one)
        standing.experience.add(one, state)
        state = apply(state, one)
        standing.kpis.add(one)
        standing.headlines.add(one, state)
    return replace(standing, state=state)


def test_at_any_point_what_was_kept_and_the_rest_of_the_log_are_the_whole_log(
    events: list[Recorded],
) -> None:
    whole = fold(beginning(events[0].zone_id), events)
    assert whole.state.closed
    assert whole.headlines.latest()
    standing, done = beginning(events[0].zone_id), 0
    step = max(1, len(events) // 25)
    for point in range(0, len(events), step):
        standing = fold(standing, events[done:point])
        done = point
        body = packed(standing)
        again = unpacked(body, Standing)
        assert again == standing
        assert packed(again) == body
        finished = fold(again, events[point:])
        assert finished == whole
        assert list(finished.state.closed) == list(whole.state.closed)  # in the same order too
        now = events[-1].at
        assert finished.kpis.figures(now) == whole.kpis.figures(now)
        assert finished.demand.at(now) == whole.demand.at(now)
        assert finished.experience.spread() == whole.experience.spread()
        # What is in the bytes did not change when the folds went on, nor does a copy.
        assert unpacked(body, Standing) == standing


def test_a_copy_of_folds_stays_as_it_is_when_they_go_on(events: list[Recorded]) -> None:
    middle = len(events) // 2
    standing = fold(beginning(events[0].zone_id), events[:middle])
    before = packed(standing)
    kept = Standing(
        standing.state,
        copied(standing.demand),
        copied(standing.experience),
        copied(standing.kpis),
        copied(standing.headlines),
    )
    fold(standing, events[middle:])
    assert packed(kept) == before
    assert packed(standing) != before


@pytest.fixture
def kept(ledger_name: str, events: list[Recorded]) -> tuple[str, Standing]:
    """Return a ledger with a log and a checkpoint of its first half."""
    zone, middle = events[0].zone_id, len(events) // 2
    standing = fold(beginning(zone), events[:middle])
    with Ledger(ledger_name) as ledger:
        ledger.submit(Batch(zone, tuple(events))).result(timeout=30)
        checkpoints = Checkpoints(ledger, zone, POLICY)
        assert checkpoints.last() is None
        checkpoints.close(standing)
    return ledger_name, standing


def last(ledger_name: str, zone: str, policy: Policy = POLICY) -> Standing | None:
    with Ledger(ledger_name) as ledger:
        return Checkpoints(ledger, zone, policy).last()


def test_a_checkpoint_is_found_again(kept: tuple[str, Standing]) -> None:
    ledger_name, standing = kept
    assert last(ledger_name, standing.state.zone_id) == standing
    assert last(ledger_name, "elsewhere") is None


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("update checkpoints set seq = seq + 1", "it is damaged"),
        ("update checkpoints set checksum = 'x'", "it is damaged"),
        ("update checkpoints set digest = 'x'", "it is damaged"),
        ("delete from events where seq > 10", "the log ends before it"),
    ],
)
def test_one_that_cannot_be_used_is_left_out_and_named(
    kept: tuple[str, Standing], damage: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger_name, standing = kept
    change(ledger_name, damage)
    assert last(ledger_name, standing.state.zone_id) is None
    said = capsys.readouterr().out
    assert "checkpoint_left_out" in said
    assert reason in said


def test_another_policy_folds_everything_anew(kept: tuple[str, Standing]) -> None:
    ledger_name, standing = kept
    other = replace(POLICY, promise_confidence=0.8)
    assert digest_of(other) != digest_of(POLICY)
    assert last(ledger_name, standing.state.zone_id, other) is None
    assert last(ledger_name, standing.state.zone_id) == standing


@pytest.mark.parametrize("cut", [b"", b"milk", b"x\x9c"])
def test_bytes_that_are_no_folds_are_refused(cut: bytes) -> None:
    with pytest.raises(InvalidValueError, match="cannot be read"):
        unpacked(cut, Standing)


def test_cut_bytes_are_refused(events: list[Recorded]) -> None:
    body = packed(fold(beginning(events[0].zone_id), events[:100]))
    with pytest.raises(InvalidValueError, match="cannot be read"):
        unpacked(body[: len(body) // 2], Standing)


def explanation(town: Town, order_id: str) -> dict[str, Any]:
    """Return why an order is where it is; another plan may be in force by now."""
    said: dict[str, Any] = town.get(f"/v1/orders/{order_id}/explanation")
    return {key: value for key, value in said.items() if key != "plan_id"}


def test_a_service_goes_on_from_where_it_stopped_and_knows_what_it_knew(town_on: Town) -> None:
    town = town_on.start()
    town.courier(town.stock()[0]["location"])
    order = town.post("/v1/orders", town.basket(external_id="shop-1"), 201)
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "changed my mind"})
    before, explained = town.events(), explanation(town, order["id"])
    assert town.stop() == 0
    ((seq,),) = rows(town.ledger, "select seq from checkpoints")
    ((end,),) = rows(town.ledger, "select max(seq) from events")
    assert seq == end
    town.start()
    assert "checkpoint_left_out" not in town.log()
    assert town.events()[: len(before)] == before
    assert explanation(town, order["id"]) == explained
    assert town.post("/v1/orders", town.basket(external_id="shop-1"), 200)["id"] == order["id"]
    texts = [one["text"] for one in town.get("/v1/board")["feed"]]
    town.stop()
    # And a start from the whole log knows the same.
    change(town.ledger, "delete from checkpoints")
    town.start()
    assert [one["text"] for one in town.get("/v1/board")["feed"]] == texts
    assert town.events()[: len(before)] == before
    assert town.order(order["id"])["delivery"]["status"] == "cancelled"
