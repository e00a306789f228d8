"""What was told anew is counted once, from events alone."""

from __future__ import annotations

from dispatch import events as e
from dispatch.churn import NEWS_S, ChurnFold, News, first_moved
from dispatch.events import Recorded
from dispatch.kpis import kpis
from dispatch.model import DeliveryStatus, Objective, Promise, Route, Stop, StopKind, Visit

NOW = 1_000_000

Planned = tuple[str, str, int]
"""What a stop is, of which order, and when it is (pickups: over, doors: reached)."""


def stop(kind: str, key: str, store_id: str = "sto_a") -> Stop:
    return Stop(StopKind(kind), f"ord_{key}", store_id)


def route(name: str, *planned: Planned, store_id: str = "sto_a") -> Route:
    visits = (Visit(stop(kind, key, store_id), at, at, at, 60, 200) for kind, key, at in planned)
    return Route(f"cou_{name}", tuple(visits), NOW)


def published(*routes: Route, pick_at: dict[str, int] | None = None) -> e.PlanPublished:
    return e.PlanPublished(
        *("pln_1", 1, NOW, routes, (), {}, (), (), Objective(), "insertion", "v1", 5.0),
        pick_at=pick_at or {},
    )


def counted(*events: e.Event, since: int = -1) -> dict[str, int]:
    """Return what a log of these counts; each is recorded a minute after the one before."""
    fold = ChurnFold()
    for nth, event in enumerate(events):
        fold.add(Recorded("z", nth + 1, NOW + 60 * nth, event))
    return {str(news): times for news, times in fold.count(since).items()}


A = (("pickup", "a", NOW + 600), ("dropoff", "a", NOW + 900))
B = (("pickup", "b", NOW + 1200), ("dropoff", "b", NOW + 1500))


def test_what_is_told_first_is_no_change() -> None:
    assert counted(published(route("ida", *A, *B))) == {}
    assert counted(published(route("ida", *A)), published(route("ida", *A, *B))) == {}


def test_an_order_that_goes_to_another_courier_is_one_change() -> None:
    again = published(route("ida"), route("ole", *A))
    assert counted(published(route("ida", *A)), again) == {"courier": 1}
    # And back again: another one.
    back = published(route("ida", *A), route("ole"))
    assert counted(published(route("ida", *A)), again, back) == {"courier": 2}


def test_another_sequence_is_one_change_for_the_route() -> None:
    told = published(route("ida", *A, *B))
    (pick_a, door_a), (pick_b, door_b) = A, B
    assert counted(told, published(route("ida", pick_b, pick_a, door_b, door_a))) == {"sequence": 1}
    # What is done is gone, what is new stands between: the rest is as it was.
    new = ("pickup", "c", NOW + 700)
    assert counted(told, published(route("ida", door_a, new, *B))) == {}


def test_an_order_of_another_store_is_a_new_stop_and_no_other_sequence() -> None:
    old = [stop("pickup", "a"), stop("pickup", "b"), stop("dropoff", "a"), stop("dropoff", "b")]
    new = [old[1], stop("pickup", "a", "sto_b"), old[3], old[2]]
    assert first_moved(old, new) is None
    assert first_moved(old, [old[1], old[0], *old[2:]]) == old[1]


def test_times_count_from_more_than_a_few_minutes_on() -> None:
    told = published(route("ida", *A))

    def again(later_s: int) -> e.PlanPublished:
        return published(route("ida", *((kind, key, at + later_s) for kind, key, at in A)))

    assert counted(told, again(NEWS_S)) == {}
    assert counted(told, again(NEWS_S + 1)) == {"fetch": 1, "eta": 1}
    # Little by little it is the same, and once.
    assert counted(told, again(200), again(400), again(600)) == {"fetch": 1, "eta": 1}
    # Sooner is news to store and courier, good news to the customer.
    assert counted(told, again(-NEWS_S - 1)) == {"fetch": 1}
    # What is then late counts from there.
    assert counted(told, again(-400), again(0)) == {"fetch": 2, "eta": 1}


def test_a_start_of_picking_that_moves_is_told_to_the_store() -> None:
    told = published(pick_at={"ord_a": NOW + 900})
    assert counted(told, published(pick_at={"ord_a": NOW + 1200})) == {}
    assert counted(told, published(pick_at={"ord_a": NOW + 1201})) == {"pick": 1}
    # At once, a minute later: 840 s sooner.
    assert counted(told, published()) == {"pick": 1}
    soon = published(pick_at={"ord_a": NOW + 300})
    assert counted(soon, published()) == {}
    # Whoever has begun is not told any more.
    begun = e.PickStarted("ord_a", "sto_a", NOW + 60)
    assert counted(told, begun, published()) == {}


def test_stores_promises_and_other_companies() -> None:
    assert counted(
        e.OrderResourced("ord_a", "sto_a", "sto_b"),
        e.PromiseSuperseded("ord_a", Promise(NOW, NOW + 900, NOW), "amended"),
    ) == {"store": 1, "promise": 1}

    def reported(eta: int) -> e.CarriageReported:
        return e.CarriageReported("ord_a", "Wheels", "1", DeliveryStatus.CONFIRMED, "", eta, NOW)

    assert counted(reported(NOW + 600), reported(NOW + 901)) == {"eta": 1}


def test_the_figures_of_the_last_hour_count_what_was_told_since() -> None:
    events = (
        published(route("ida", *A)),
        published(route("ida"), route("ole", *A)),
        published(route("ida", *A), route("ole")),
    )
    log = [Recorded("z", nth + 1, NOW + 60 * nth, event) for nth, event in enumerate(events)]
    assert kpis(log, NOW + 120).courier_changes == 2
    assert counted(*events, since=NOW + 60) == {"courier": 1}
    assert (kpis(log, NOW + 120).eta_changes, kpis(log, NOW + 120).sequence_changes) == (0, 0)
    assert set(News) == {
        *("courier", "sequence", "fetch", "pick", "store", "eta", "promise"),
    }
