from __future__ import annotations

from dispatch.commands import ArriveAtStop, CompletePick, StartPick
from simulations.agenda import Agenda
from simulations.rng import Streams
from simulations.worlds.intents import Intents


def test_what_is_due_at_the_same_time_goes_by_priority_and_then_by_name() -> None:
    agenda = Agenda()
    agenda.put(10, 2, "b", "x")
    agenda.put(10, 1, "a", "z")
    agenda.put(10, 2, "b", "a")
    agenda.put(9, 5, "late", "x")
    taken = []
    while (due := agenda.pop(10)) is not None:
        taken.append((due.kind, due.subject))
    assert taken == [("late", "x"), ("a", "z"), ("b", "a"), ("b", "x")]


def test_a_thing_that_was_moved_is_due_once() -> None:
    agenda = Agenda()
    agenda.put(10, 0, "a")
    agenda.put(5, 0, "a")
    agenda.put(10, 0, "a")
    assert agenda.pop(9) is None
    assert agenda.pop(10) is not None
    assert agenda.next_at() is None


def test_what_was_asked_is_not_asked_again_until_it_is_refused() -> None:
    intents = Intents()
    pick = StartPick("ord_1", 100)
    intents.want(100, pick)
    assert intents.take(100) == pick
    intents.want(100, pick)
    assert intents.take(1000) is None
    assert not intents.refused(pick, "wrong_state", 1000)
    assert intents.take(1009) is None
    assert intents.take(1010) == pick


def test_a_command_refused_again_and_again_is_given_up() -> None:
    intents = Intents()
    pick = StartPick("ord_1", 100)
    intents.want(100, pick)
    asked_at = []
    now = 100
    gave_up = False
    while not gave_up:
        at = intents.next_at()
        assert at is not None
        now = at
        assert intents.take(now) == pick
        asked_at.append(now)
        gave_up = intents.refused(pick, "wrong_state", now)
    # After 10, 20, 40, 80 and 160 s more.
    assert asked_at == [100, 110, 130, 170, 250, 410]
    assert intents.next_at() is None
    assert intents.refusals == {"StartPick wrong_state": 6}


def test_wanting_something_else_begins_anew() -> None:
    intents = Intents()
    intents.want(5, StartPick("ord_1", 5))
    intents.take(5)
    intents.want(90, CompletePick("ord_1", 90))
    assert intents.take(89) is None
    assert intents.take(90) == CompletePick("ord_1", 90)


def test_a_late_refusal_of_what_nobody_wants_any_more_changes_nothing() -> None:
    intents = Intents()
    arrival = ArriveAtStop("cou_1", "stp_1_p", 5)
    intents.want(5, arrival)
    intents.take(5)
    intents.forget("stop", "cou_1")
    assert not intents.refused(arrival, "conflict", 6)
    assert intents.next_at() is None


def test_streams_of_different_names_differ_and_the_same_name_repeats() -> None:
    streams = Streams(7)
    draw = streams.stream("pick", "order 1").random()
    assert streams.stream("pick", "order 1").random() == draw
    assert streams.stream("pick", "order 2").random() != draw
    assert streams.stream("door", "order 1").random() != draw
    assert Streams(8).stream("pick", "order 1").random() != draw


def test_a_stream_is_the_same_on_every_machine() -> None:
    # Written down from NumPy's PCG64; another value here means another evening for everybody.
    assert round(float(Streams(1).stream("pick", "order 1").random()), 12) == 0.989131306424
