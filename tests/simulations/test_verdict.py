"""What comparisons are told to mean; every sentence as a planner reads it."""

from __future__ import annotations

import pytest

from simulations.studies.measures import FIGURES
from simulations.studies.statistics import differences
from simulations.studies.verdict import verdict

Values = list[float | None]


def told(breaches: int = 0, **pairs: tuple[Values, Values]) -> list[str]:
    """Return the verdict on figures of A and B; those not named are the same for both."""
    count = len(next(iter(pairs.values()))[0])
    same: tuple[Values, Values] = ([1.0] * count, [1.0] * count)
    first = {name: pairs.get(name, same)[0] for name in FIGURES}
    second = {name: pairs.get(name, same)[1] for name in FIGURES}
    return list(verdict(differences(first, second), breaches))


IN_TIME: Values = [88.0, 91.0, 85.0, 90.0, 92.0, 87.0, 89.0, 86.0, 90.0, 91.0]
MORE_IN_TIME: Values = [90.0, 93.4, 87.1, 91.8, 94.2, 89.1, 91.0, 88.5, 92.0, 93.0]
HOURS: Values = [60.0] * 10
MORE_HOURS: Values = [64.0] * 10
LATE: Values = [30.0, 25.0, 44.0, 28.0, 21.0, 39.0, 31.0, 40.0, 27.0, 25.0]
NOT_LESS_LATE: Values = [29.0, 26.0, 43.0, 29.5, 20.0, 40.0, 30.0, 41.0, 27.5, 24.0]


def test_better_and_dearer() -> None:
    assert told(
        in_time_per_100_orders=(IN_TIME, MORE_IN_TIME),
        courier_hours=(HOURS, MORE_HOURS),
        late_min_per_100_orders=(LATE, NOT_LESS_LATE),
    ) == [
        "B is better, and costs more.",
        (
            "B brings 2.1 more of 100 orders in time (95 % interval 2.0 to 2.3) for 4.0 more "
            "courier hours."
        ),
        (
            "10 evenings show no difference in minutes late per 100 orders (95 % interval 0.8 min "
            "less to 0.8 min more); they would show one of 1.1 min."
        ),
        "In the time from click to door the two do not differ on any evening.",
        "That both faced the same evenings took nearly all the chance out of it.",
    ]


def test_worse_and_cheaper() -> None:
    sentences = told(
        in_time_per_100_orders=(MORE_IN_TIME, IN_TIME), courier_hours=(MORE_HOURS, HOURS)
    )
    assert sentences[:2] == [
        "B is worse, and costs less.",
        (
            "B brings 2.1 fewer of 100 orders in time (95 % interval 2.0 to 2.3) for 4.0 fewer "
            "courier hours."
        ),
    ]


def test_better_with_the_same_people() -> None:
    sentences = told(in_time_per_100_orders=(IN_TIME, MORE_IN_TIME))
    assert sentences[0] == "B is better."
    assert sentences[1].endswith("for the same courier hours.")


def test_the_same_with_fewer_people() -> None:
    assert told(
        in_time_per_100_orders=(IN_TIME, [*IN_TIME[:9], 90.9]), courier_hours=(MORE_HOURS, HOURS)
    )[:2] == [
        "B does the same with less.",
        "B takes 4.0 fewer courier hours (95 % interval 4.0 to 4.0).",
    ]


def test_better_in_one_thing_and_worse_in_another() -> None:
    later = [value + 5 for value in LATE if value is not None]
    sentences = told(
        in_time_per_100_orders=(IN_TIME, MORE_IN_TIME), late_min_per_100_orders=(LATE, [*later])
    )
    assert sentences[0] == "B is better in one thing and worse in another."
    assert sentences[2] == "B is late by 5.0 min more per 100 orders (95 % interval 5.0 to 5.0)."


def test_no_difference_says_what_would_have_been_seen() -> None:
    sentences = told(late_min_per_100_orders=(LATE, NOT_LESS_LATE))
    assert sentences[0] == "These 10 evenings do not tell A and B apart."
    assert sentences[1] == "In orders in time the two do not differ on any evening."


def test_a_small_difference_says_how_many_evenings_would_show_it() -> None:
    first: Values = [900.0, 960.0, 1020.0, 980.0]
    second: Values = [905.0, 950.0, 1032.0, 985.0]
    sentences = told(click_to_door_p50_s=(first, second))
    assert (
        "4 evenings show no difference in the time from click to door (95 % interval 12 s shorter "
        "to 18 s longer); they would show one of 19 s, and one of 3 s would need about 77 evenings."
    ) in sentences


def test_what_a_few_evenings_decide_is_said() -> None:
    # Clear by the mean, not by the ranks: six large gains among eight small losses.
    lucky: Values = [
        -0.1,
        -0.2,
        -0.3,
        -0.1,
        -0.2,
        30.0,
        31.0,
        30.5,
        29.5,
        30.2,
        30.1,
        -0.15,
        -0.25,
        -0.12,
    ]
    sentences = told(in_time_per_100_orders=([0.0] * 14, lucky))
    assert "more of 100 orders in time (95 % interval" in sentences[1]
    assert "which a few evenings alone decide" in sentences[1]


def test_twice_the_same_is_said_so() -> None:
    assert told(in_time_per_100_orders=(IN_TIME, IN_TIME)) == [
        "A and B come to exactly the same on all 10 evenings."
    ]


def test_one_evening_proves_nothing() -> None:
    assert told(
        in_time_per_100_orders=([90.0], [92.0]),
        courier_hours=([60.0], [64.0]),
        late_min_per_100_orders=([30.0], [30.0]),
        click_to_door_p50_s=([1000.0], [940.0]),
    ) == [
        (
            "On this one evening: B brings 2.0 more of 100 orders in time; B is late by 0.0 min "
            "less per 100 orders; B's median time from click to door is 1.0 min shorter; B takes "
            "4.0 more courier hours."
        ),
        "One evening has no interval, so nothing is proved: ask for --replications 10.",
    ]


@pytest.mark.parametrize(("count", "words"), [(1, "a breach"), (3, "3 breaches")])
def test_figures_of_a_broken_log_are_not_trusted(count: int, words: str) -> None:
    sentences = told(count, in_time_per_100_orders=(IN_TIME, MORE_IN_TIME))
    assert sentences[0] == f"The audit of the logs found {words}: do not trust these figures."


def test_nothing_to_compare_is_said() -> None:
    assert told(in_time_per_100_orders=([None, None], [None, None])) == [
        "No evening has a figure for both: nothing can be compared."
    ]
