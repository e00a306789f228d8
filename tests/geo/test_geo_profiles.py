"""Speeds by hour of the week: written by hand, and learned."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo.errors import ProfileError
from geo.learning import Driven, LearnedSpeeds
from geo.osm_access import MODES
from geo.profiles import SpeedProfile, hour_of_week, hour_start, read_profile
from geo.types import Mode

CLASSES = ("primary", "residential")
HELSINKI = ZoneInfo("Europe/Helsinki")
CAR, BIKE = MODES.index(Mode.CAR), MODES.index(Mode.BIKE)
FRIDAY = 4 * 24
MONDAY_8 = 8
NOON = [1.0] * 12 + [0.5] + [1.0] * 11


def moment(text: str, zone: ZoneInfo = HELSINKI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def written(folder: Path, text: str) -> Path:
    path = folder / "profile.toml"
    path.write_text(text, encoding="utf-8")
    return path


def one_hour(road: int, hour: int, km: float, ratio: float) -> Driven:
    """Return so many kilometres driven at 36 km/h free flow: 100 s a kilometre."""
    return Driven(
        np.array([road]),
        np.array([hour]),
        np.array([km * 1000]),
        np.array([km * 100 * ratio]),
        np.array([km * 100]),
    )


def ratio(profile: SpeedProfile, mode: int, road: int, hour: int) -> float:
    """Return time over time at free flow."""
    return 1 / float(profile.factor[mode, road, hour])


# --- the hours -----------------------------------------------------------------------------------


def test_hours_are_those_of_the_citys_clocks() -> None:
    assert hour_of_week(moment("2026-05-04T00:00"), HELSINKI) == 0  # a Monday
    assert hour_of_week(moment("2026-05-08T17:30"), HELSINKI) == FRIDAY + 17
    assert hour_of_week(moment("2026-05-10T23:59:59"), HELSINKI) == 167
    assert hour_of_week(moment("2026-05-08T17:30"), ZoneInfo("UTC")) == FRIDAY + 14


def test_rush_hour_stays_at_five_when_the_clocks_change() -> None:
    # 25 October 2026: clocks go back an hour; the Friday before and the Friday after.
    assert hour_of_week(moment("2026-10-23T17:10"), HELSINKI) == FRIDAY + 17
    assert hour_of_week(moment("2026-10-30T17:10"), HELSINKI) == FRIDAY + 17
    # The hour from three to four comes twice, the one in March never.
    twice = moment("2026-10-25T03:30")
    assert [hour_of_week(twice + s, HELSINKI) % 24 for s in (-3600, 0, 3600, 7200)] == [2, 3, 3, 4]
    spring = moment("2026-03-29T02:30")
    assert [hour_of_week(spring + s, HELSINKI) % 24 for s in (0, 3600)] == [2, 4]


def test_an_hour_begins_on_local_clocks_where_zones_are_half_an_hour_off() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    at = moment("2026-05-04T09:10:05", kolkata)
    assert hour_start(at, kolkata) == moment("2026-05-04T09:00", kolkata)
    assert hour_start(at, kolkata) % 3600 == 1800


# --- written by hand -----------------------------------------------------------------------------


def test_a_profile_names_only_what_differs(tmp_path: Path) -> None:
    profile = read_profile(
        written(
            tmp_path,
            f"""
            title = "Jams"
            source = "made up"
            [[speeds]]
            modes = ["car"]
            classes = ["primary"]
            days = ["monday", "friday"]
            by_hour = {NOON}
            """,
        ),
        CLASSES,
    )
    assert profile.factor[CAR, 0, 12] == profile.factor[CAR, 0, FRIDAY + 12] == 0.5
    assert np.count_nonzero(profile.factor != 1.0) == 2


def test_a_later_table_overrides_an_earlier_one(tmp_path: Path) -> None:
    tables = f"""
        title = "Jams"
        source = "made up"
        [[speeds]]
        by_hour = {[0.8] * 24}
        [[speeds]]
        days = ["sunday"]
        by_hour = {[1.0] * 24}
        """
    profile = read_profile(written(tmp_path, tables), CLASSES)
    assert (profile.factor[:, :, :144] == 0.8).all()
    assert (profile.factor[:, :, 144:] == 1.0).all()


def test_every_problem_of_a_profile_is_named_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"""
        sauce = "typo"
        [[speeds]]
        modes = ["tram"]
        classes = ["boulevard"]
        by_hour = {[1.0] * 23}
        [[speeds]]
        days = []
        by_hour = {[0.0] * 24}
        """,
    )
    with pytest.raises(ProfileError) as error:
        read_profile(path, CLASSES)
    message = str(error.value)
    for word in (
        "sauce",
        "title",
        "source",
        "tram",
        "boulevard",
        "[[speeds]] 2 days",
        "24 numbers",
    ):
        assert word in message
    assert str(path) in message


@pytest.mark.parametrize("text", ["title = ", "\xff"])
def test_a_profile_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profile.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ProfileError, match="not TOML"):
        read_profile(path, CLASSES)


def test_a_missing_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"nowhere\.toml cannot be read"):
        read_profile(tmp_path / "nowhere.toml", CLASSES)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), 5.0])
def test_a_profile_has_no_factor_that_cannot_be(factor: float) -> None:
    factors = np.ones((len(MODES), len(CLASSES), 168))
    factors[CAR, 1, 7] = factor
    with pytest.raises(ProfileError, match="'car' on 'residential' in hour 7"):
        SpeedProfile(factors, CLASSES)


# --- learned -------------------------------------------------------------------------------------


def test_nothing_driven_teaches_nothing() -> None:
    assert LearnedSpeeds(CLASSES).profile().is_flat


def test_one_kilometre_moves_the_hour_a_little() -> None:
    learned = LearnedSpeeds(CLASSES)
    learned.add(Mode.CAR, one_hour(0, MONDAY_8, 1.0, 2.0), 1_000)
    profile = learned.profile()
    # Of the hour 1 / (1 + 4) = 0.2 is known, of its day 0.2 / (0.2 + 4), of the week that over
    # itself and one day more.
    day_known = 0.2 / 4.2
    week_known = day_known / (day_known + 1)
    week = 1 + week_known
    day = day_known * 2 + (1 - day_known) * week
    assert ratio(profile, CAR, 0, FRIDAY) == pytest.approx(week)
    assert ratio(profile, CAR, 0, MONDAY_8 + 1) == pytest.approx(day)
    assert ratio(profile, CAR, 0, MONDAY_8) == pytest.approx(0.2 * 2 + 0.8 * day)
    assert ratio(profile, CAR, 1, MONDAY_8) == ratio(profile, BIKE, 0, MONDAY_8) == 1.0


def test_a_rush_hour_driven_often_does_not_speak_for_sunday() -> None:
    learned = LearnedSpeeds(CLASSES)
    for day in range(5):
        learned.add(Mode.CAR, one_hour(0, day * 24 + 8, 1_000.0, 2.0), 1_000)
    profile = learned.profile()
    assert ratio(profile, CAR, 0, MONDAY_8) == pytest.approx(2.0, abs=0.01)
    assert ratio(profile, CAR, 0, 6 * 24 + 8) < 1.6
    for hour in range(24):
        learned.add(Mode.CAR, one_hour(0, 6 * 24 + hour, 1_000.0, 1.0), 1_000)
    assert ratio(learned.profile(), CAR, 0, 6 * 24 + 8) == pytest.approx(1.0, abs=0.01)


def test_much_driven_speaks_for_itself() -> None:
    learned = LearnedSpeeds(CLASSES)
    learned.add(Mode.CAR, one_hour(0, MONDAY_8, 10_000.0, 2.0), 1_000)
    assert ratio(learned.profile(), CAR, 0, MONDAY_8) == pytest.approx(2.0, abs=1e-3)


def test_what_is_learned_is_a_ratio_of_sums_not_a_mean_of_ratios() -> None:
    learned = LearnedSpeeds(CLASSES)
    learned.add(Mode.CAR, one_hour(0, MONDAY_8, 9_000.0, 1.0), 1_000)
    learned.add(Mode.CAR, one_hour(0, MONDAY_8, 1_000.0, 2.0), 1_000)
    # 9,000 km at 1 and 1,000 km at 2 took 1.1 times as long as free flow.
    assert ratio(learned.profile(), CAR, 0, MONDAY_8) == pytest.approx(1.1, abs=1e-3)


def test_learning_starts_from_the_profile_believed() -> None:
    factors = np.ones((len(MODES), len(CLASSES), 168))
    factors[CAR, 0, MONDAY_8] = 0.5
    prior = SpeedProfile(factors, CLASSES)
    learned = LearnedSpeeds(CLASSES)
    assert (learned.profile(prior).factor == prior.factor).all()
    # It was driven just as believed: the belief stands, and other hours are not drawn down by it.
    learned.add(Mode.CAR, one_hour(0, MONDAY_8, 50.0, 2.0), 1_000)
    assert learned.profile(prior).factor == pytest.approx(prior.factor)


def test_a_prior_of_another_city_is_refused() -> None:
    with pytest.raises(ProfileError, match="same city"):
        LearnedSpeeds(CLASSES).profile(SpeedProfile.flat(["motorway"]))


def test_what_was_learned_long_ago_counts_less() -> None:
    learned = LearnedSpeeds(CLASSES, half_life_s=1_000)
    learned.add(Mode.CAR, one_hour(0, 0, 8.0, 2.0), 5_000)
    learned.add(Mode.CAR, one_hour(0, 0, 8.0, 1.0), 7_000)
    # Two half-lives on, 8 km are 2 km.
    assert learned.sums[:, CAR, 0, 0] == pytest.approx([10.0, 400.0 + 800.0, 200.0 + 800.0])


def test_the_order_in_which_tracks_come_in_does_not_matter() -> None:
    one, other = (LearnedSpeeds(CLASSES, half_life_s=1_000) for _ in range(2))
    tracks = [(one_hour(0, 0, 8.0, 2.0), 5_000), (one_hour(0, 3, 2.0, 1.5), 7_000)]
    for driven, at in tracks:
        one.add(Mode.CAR, driven, at)
    for driven, at in reversed(tracks):
        other.add(Mode.CAR, driven, at)
    assert one.sums == pytest.approx(other.sums)
    assert one.as_of == other.as_of


def test_what_was_learned_comes_back_from_its_text() -> None:
    learned = LearnedSpeeds(CLASSES)
    learned.add(Mode.CAR, one_hour(1, MONDAY_8, 1.1, 1.7), 1_000)
    learned.add(Mode.BIKE, one_hour(0, 167, 0.3, 0.9), 2_000)
    again = LearnedSpeeds.from_json(learned.to_json(), CLASSES)
    assert (again.sums == learned.sums).all()
    assert (again.as_of, again.half_life_s) == (learned.as_of, learned.half_life_s)


def test_classes_are_kept_by_name() -> None:
    learned = LearnedSpeeds(CLASSES)
    learned.add(Mode.CAR, one_hour(1, 5, 1.0, 1.5), 1_000)
    learned.add(Mode.CAR, one_hour(0, 5, 1.0, 1.5), 1_000)
    again = LearnedSpeeds.from_json(learned.to_json(), ["residential", "track"])
    assert again.sums[0, CAR, 0, 5] == 1.0
    assert again.sums[0].sum() == 1.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "no JSON"),
        (lambda text: text.replace("1.7", "1.8"), "changed or damaged"),
        (lambda _: '{"format": "recipe"}', "no learned speeds"),
        (lambda text: text.replace('"format_version": 1', '"format_version": 9'), "version 9"),
    ],
)
def test_a_damaged_text_is_refused(change: object, said: str) -> None:
    learned = LearnedSpeeds(CLASSES)
    learned.add(Mode.CAR, one_hour(1, MONDAY_8, 1.7, 1.0), 1_000)
    assert callable(change)
    with pytest.raises(ProfileError, match=said):
        LearnedSpeeds.from_json(change(learned.to_json()), CLASSES)


def test_the_text_has_a_row_for_each_hour_driven() -> None:
    learned = LearnedSpeeds(CLASSES)
    learned.add(Mode.CAR, one_hour(1, MONDAY_8, 2.0, 1.5), 1_000)
    saved = json.loads(learned.to_json())
    assert saved["columns"] == ["mode", "class", "hour", "km", "driven_s", "free_s"]
    assert saved["rows"] == [["car", "residential", 8, 2.0, 300.0, 200.0]]
