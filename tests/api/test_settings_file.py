"""Settings in TOML: under flags and environment, with every problem at its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.secrecy import weakness
from api.settings import SettingsError, load

ZONES = """\
ledger = "samehour.db"
speed = 60

[zones.north]
tenant = "kauppa"
policy = "policies/north.toml"

[zones.coast]
tenant = "mercado"
city = "la-serena"
plan_limit_ms = 500
"""
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def written(folder: Path, text: str) -> dict[str, str]:
    path = folder / "samehour.toml"
    path.write_text(text, encoding="utf-8")
    return {"settings": str(path)}


def refused(given: dict[str, str], environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(given, environ or {})
    return list(caught.value.problems)


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    given = written(tmp_path, "port = 1\nspeed = 2\nseed = 3\n")
    settings = load({**given, "port": "9000"}, {"SAMEHOUR_PORT": "2", "SAMEHOUR_SPEED": "60"})
    assert (settings.port, settings.speed, settings.seed) == (9000, 60.0, 3)


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "seed = 3\n")["settings"]
    assert load({}, {"SAMEHOUR_SETTINGS": file}).seed == 3


def test_a_zone_is_told_what_the_service_is_where_its_table_says_nothing(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ZONES), {"SAMEHOUR_SEED": "7"})
    (north_tenant, north), (coast_tenant, coast) = settings.for_zones().values()
    assert (north_tenant, coast_tenant) == ("kauppa", "mercado")
    assert settings.tenants == ("kauppa", "mercado")
    assert (north.city, coast.city) == ("helsinki", "la-serena")
    assert (north.plan_limit_ms, coast.plan_limit_ms) == (1000, 500)
    assert (north.seed, coast.seed) == (7, 7)


def test_paths_in_a_file_are_taken_from_its_folder(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ZONES), {})
    assert settings.ledger == str(tmp_path / "samehour.db")
    _, north = settings.for_zones()["north"]
    assert north.policy == tmp_path / "policies" / "north.toml"


def test_without_zones_there_is_one_called_as_its_city_of_the_default_tenant() -> None:
    settings = load({}, {})
    assert list(settings.for_zones()) == [None]
    assert settings.tenants == ("default",)


def test_problems_of_all_sources_are_said_at_once_each_with_its_place(tmp_path: Path) -> None:
    given = written(
        tmp_path,
        "sped = 60\nseed = -1\n\n[zones.north]\npolcy = 'x.toml'\n\n[zones.North_2]\n",
    )
    file = given["settings"]
    problems = refused({**given, "port": "99999"}, {"SAMEHOUR_CLOCK_START": "yesterday"})
    text = "\n".join(problems)
    assert len(problems) == 6
    assert f"{file}, line 1: sped: there is no such setting; did you mean speed." in problems
    assert f"{file}, line 2: seed: " in text
    assert f"{file}, line 5: zones.north.polcy: there is no such setting; did you mean policy." in (
        problems
    )
    assert "'North_2' is no name" in text
    assert "--port or SAMEHOUR_PORT: " in text
    assert "--clock-start or SAMEHOUR_CLOCK_START: 'yesterday' is not RFC 3339" in text


def test_a_slip_of_the_pen_in_the_environment_is_seen() -> None:
    problems = refused({}, {"SAMEHOUR_PROT": "80", "SAMEHOUR_OF_ANOTHER_PROGRAM": "x"})
    assert problems == ["SAMEHOUR_PROT: there is no such setting; did you mean SAMEHOUR_PORT?"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = ", "is not TOML"),
        ("zones = 3\n", "zones"),
        ('settings = "other.toml"\n', "cannot name another one"),
        ('[zones.a]\ntenant = "Two words"\n', "is no name"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in "\n".join(refused(written(tmp_path, text)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (problem,) = refused({"settings": str(tmp_path / "nowhere.toml")})
    assert problem.startswith(f"--settings: {tmp_path / 'nowhere.toml'} cannot be read: ")


def test_the_old_key_needs_a_zone_of_the_default_tenant(tmp_path: Path) -> None:
    environ = {"SAMEHOUR_API_KEY": "Yl3nS0pivaKauppaTestiAvain-31c"}
    (problem,) = refused(written(tmp_path, ZONES), environ)
    assert problem.startswith("SAMEHOUR_API_KEY: it is a key of the tenant default, who has no")


def test_the_zones_on_the_page_are_understood(tmp_path: Path) -> None:
    (shown,) = re.findall(
        r"## Several zones\n\n```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL
    )
    settings = load(written(tmp_path, shown), {})
    assert settings.tenants == ("kauppa", "mercado")


@pytest.mark.parametrize(
    "known",
    [
        "changeme",
        "changeme-changeme",
        "my-secret-password",
        "SECRET_KEY_EXAMPLE",
        "k" * 40,
        "1234567890123456",
        "samehour-demo-key-default",
        "your-api-key-here",
    ],
)
def test_secrets_that_everybody_knows_are_refused_without_being_shown(known: str) -> None:
    (problem,) = refused({}, {"SAMEHOUR_API_KEY": known})
    assert problem.startswith("SAMEHOUR_API_KEY: ")
    assert known not in problem


def test_a_random_secret_will_do() -> None:
    assert weakness("6eO5nYk2o5gU0b7pQpP8Ew") is None
