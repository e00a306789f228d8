"""The doctor names what is wrong and what to do, and changes nothing."""

from __future__ import annotations

import io
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from conftest import Town
from databases import change

from api import doctor
from api.doctor import Finding, Level, examined
from api.storage.ledger import Ledger
from samehour import main


def found(given: dict[str, Any], environ: dict[str, str] | None = None) -> dict[str, list[Finding]]:
    by: dict[str, list[Finding]] = {}
    for finding in examined(given, environ or {}):
        by.setdefault(finding.what, []).append(finding)
    return by


def is_bad(findings: list[Finding], said: str) -> bool:
    return any(one.level is Level.FAIL and said in one.found for one in findings)


def test_a_sound_set_up_has_nothing_to_mend(tmp_path: Path) -> None:
    out = io.StringIO()
    given = {"ledger": str(tmp_path / "ledger.db"), "port": "0"}
    assert doctor.run(given, {}, out, as_json=False) == 0
    assert "0 to mend" in out.getvalue()
    assert "Helsinki, whole, 15 stores" in out.getvalue()
    assert list(tmp_path.iterdir()) == []


def test_several_wrong_things_are_all_named(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    ledger.write_text("nonsense")
    policy = tmp_path / "policy.toml"
    policy.write_text("late_costs = 3")
    out = io.StringIO()
    given = {"ledger": str(ledger), "city": "atlantis", "policy": str(policy), "port": "0"}
    assert doctor.run(given, {}, out, as_json=True) == 1
    said = json.loads(out.getvalue())
    failed = {one["what"]: one["found"] for one in said["findings"] if one["level"] == "fail"}
    assert set(failed) == {"policy", "city", "ledger"}
    assert "late_costs" in failed["policy"]
    assert "atlantis" in failed["city"]
    assert "no SQLite file" in failed["ledger"]
    assert said["fail"] == 3


def test_wrong_settings_are_said_as_the_service_would_say_them() -> None:
    by = found({"host": "0.0.0.0"}, {"SAMEHOUR_PORT": "99999"})  # noqa: S104  that is the point
    assert len(by["settings"]) == 2
    assert is_bad(by["settings"], "--port or SAMEHOUR_PORT")
    assert is_bad(by["settings"], "SAMEHOUR_API_KEY")


def test_a_port_in_use_and_a_server_that_is_away_are_told_with_what_happens_then(
    tmp_path: Path,
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        socket.create_server(("127.0.0.1", 0)) as gone,
    ):
        port, away = taken.getsockname()[1], gone.getsockname()[1]
        gone.close()
        by = found(
            {
                "ledger": str(tmp_path / "l.db"),
                "port": str(port),
                "travel_servers": [f"car=osrm+http://127.0.0.1:{away}"],
                "courier_companies": [f"swift=http://127.0.0.1:{port}"],
            }
        )
    assert by["port"][0].level is Level.WARN
    assert f"{port} cannot be had" in by["port"][0].found
    server, company = by["outside"]
    assert (server.level, company.level) == (Level.WARN, Level.OK)
    assert server.remedy.startswith("our own network answers")


def test_a_cut_city_is_found(tmp_path: Path) -> None:
    city = tmp_path / "town"
    shutil.copytree("data/helsinki", city)
    file = next(path for path in sorted(city.rglob("*.npy")))
    file.write_bytes(file.read_bytes()[:-8])
    by = found({"city": str(city), "ledger": str(tmp_path / "l.db"), "port": "0"})
    assert is_bad(by["city"], file.name)


def test_a_ledger_is_examined_beside_its_service_and_a_missing_event_is_found(
    own_town: Town,
) -> None:
    town = own_town.start()
    town.stock()
    given = {"ledger": str(town.ledger), "port": "0", "speed": "60"}
    (healthy,) = found(given)["ledger"]
    assert healthy.level is Level.OK
    assert "helsinki with 30 events" in healthy.found  # 15 stores registered and stocked
    town.stop()
    change(town.ledger, "DELETE FROM events WHERE seq = 20")
    assert is_bad(found(given)["ledger"], "has no 1 of 30 events of helsinki")


def test_a_clock_behind_the_ledger_is_found(own_town: Town) -> None:
    town = own_town.start()
    town.stock()
    town.stop()
    change(town.ledger, "UPDATE events SET at = 4102444800 WHERE seq = 30")  # 2100-01-01
    by = found({"ledger": str(town.ledger), "port": "0"})
    assert is_bad(by["clock"], "2100-01-01T00:00:00Z")


def test_the_command_ends_with_1_when_something_must_be_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--ledger", str(tmp_path / "l.db"), "--city", "atlantis"]) == 1
    assert "fail  city" in capsys.readouterr().out


def test_the_keys_in_a_ledger_count_and_one_without_is_not_for_other_machines(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "ledger.db"
    Ledger(ledger).close()
    given = {"ledger": str(ledger), "port": "0"}
    (open_door,) = found(given)["access"]
    assert open_door.level is Level.WARN
    off = {**given, "host": "0.0.0.0"}  # noqa: S104  that is the point
    assert is_bad(found(off)["access"], "nobody has a key")
    assert main(["keys", "create", "--role", "ops", "--ledger", str(ledger)]) == 0
    (closed,) = found(off)["access"]
    assert (closed.level, closed.found) == (Level.OK, "by key; 1 in the ledger")


def test_every_zone_of_a_settings_file_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "samehour.toml"
    file.write_text('port = 0\n[zones.a]\n[zones.b]\ncity = "atlantis"\npolicy = "p.toml"\n')
    by = found({"settings": str(file), "ledger": str(tmp_path / "ledger.db")})
    assert is_bad(by["city"], "atlantis")
    assert is_bad(by["policy"], "p.toml")
    assert any(one.level is Level.OK for one in by["city"])
