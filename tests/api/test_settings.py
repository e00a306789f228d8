"""What the service is told at start: every problem at once, none overlooked."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.bootstrap import check_reach
from api.keys import create, revoke
from api.rights import Role
from api.settings import SettingsError, is_loopback, load, read_policy
from api.storage.access import AccessStore
from api.storage.ledger import open_database

SECRET = "a-secret-of-some-length"  # noqa: S105  of these tests only


def test_flags_win_over_the_environment_and_defaults_fill_the_rest() -> None:
    settings = load({"port": "9000", "city": None}, {"SAMEHOUR_PORT": "1", "SAMEHOUR_SPEED": "60"})
    assert settings.port == 9000
    assert settings.speed == 60.0
    assert settings.city == "helsinki"
    assert settings.host == "127.0.0.1"


def test_a_clock_start_is_read_as_a_moment() -> None:
    # 2026-11-20 is 20,777 days after 1970-01-01: 20,777 * 86,400 + 16.5 * 3600
    assert load({"clock_start": "2026-11-20T16:30:00Z"}, {}).clock_start == 1_795_192_200


def test_all_problems_are_said_at_once_and_each_names_flag_and_variable() -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            {"port": "99999", "speed": "0", "host": "192.0.2.1"},
            {"SAMEHOUR_CLOCK_START": "yesterday"},
        )
    text = str(caught.value)
    assert len(caught.value.problems) == 4
    assert "--port or SAMEHOUR_PORT: " in text
    assert "--speed or SAMEHOUR_SPEED: " in text
    assert "--clock-start or SAMEHOUR_CLOCK_START: 'yesterday' is not RFC 3339" in text
    assert "SAMEHOUR_API_KEY" in text


def test_the_planner_s_limit_is_a_second_unless_told_otherwise() -> None:
    assert load({}, {}).plan_limit_ms == 1000
    assert load({"plan_limit_ms": "250"}, {}).plan_limit_ms == 250
    with pytest.raises(SettingsError, match="--plan-limit-ms or SAMEHOUR_PLAN_LIMIT_MS"):
        load({"plan_limit_ms": "5"}, {})


def test_off_loopback_a_key_is_needed() -> None:
    with pytest.raises(SettingsError, match="can be reached from other machines"):
        load({"host": "0.0.0.0"}, {})  # noqa: S104  refused is what is tested
    settings = load({"host": "0.0.0.0"}, {"SAMEHOUR_API_KEY": SECRET})  # noqa: S104
    assert settings.api_key is not None
    assert not settings.on_loopback


def test_a_short_key_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        load({}, {"SAMEHOUR_API_KEY": "hunter2"})
    assert "7 characters" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_policy_file_changes_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("buffer_s = 90\n", encoding="utf-8")
    assert read_policy(path).buffer_s == 90
    assert read_policy(None).buffer_s == 300


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"buffer_s = ", "not TOML"),
        (b"bufer_s = 90\n", "bufer_s"),
        (b"buffer_s = 'long'\n", "buffer_s"),
        (b"name = '\xff'\n", "not UTF-8"),
    ],
)
def test_a_policy_file_that_cannot_be_meant_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=problem) as caught:
        read_policy(path)
    assert str(path) in str(caught.value)


def test_a_policy_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml cannot be read"):
        read_policy(tmp_path / "nowhere.toml")


def test_off_loopback_a_ledger_without_a_key_keeps_the_service_from_starting(
    tmp_path: Path,
) -> None:
    ledger = str(tmp_path / "ledger.db")
    engine = open_database(ledger)
    try:
        store = AccessStore(engine)
        settings = load({"host": "0.0.0.0", "ledger": ledger}, {})  # noqa: S104  refused here
        with pytest.raises(SettingsError, match="nobody has a key; make one with samehour keys"):
            check_reach(settings, store)
        row, _ = create(store, tenant="default", role=Role.OPS)
        check_reach(settings, store)
        revoke(store, row.key_id, None)
        check_reach(settings, store)  # a revoked key does not open the door again
    finally:
        engine.dispose()
