"""What the page about scenarios shows is run as it stands; its table is what the reader reads."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from test_documentation import ROOT, blocks

import samehour
from dispatch.bags import ROOM
from geo.types import Mode
from simulations.scenarios.scenario import find_scenario, load_scenario, read_sheet_as_scenario
from simulations.scenarios.sheet import BASED_ON, laid_upon, read_sheet
from simulations.scenarios.text import REQUIRED

PAGE = ROOT / "docs" / "scenarios.md"
ROW = re.compile(r"^\| `([a-zA-Z_.]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
HERE_DOCUMENT = re.compile(r"^cat > (\S+) <<'END'\n(.*?)^END\n", re.MULTILINE | re.DOTALL)
WEEKDAYS = ("tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

EVERYTHING = """
[[surges]]
name = "x"
starts_at = "18:00"
ends_at = "19:00"
[[closures]]
name = "x"
starts_at = "18:00"
ends_at = "19:00"
around = { lat = 60.17, lng = 24.94 }
radius_m = 50
[[store_closures]]
store = "Lidl"
starts_at = "18:00"
ends_at = "19:00"
[[couriers]]
names = ["Aino"]
mode = "bike"
shift = ["15:00", "23:00"]
capacity_g = 1
capacity_parcels = 1
[[couriers]]
count = 1
prefix = "Bike"
mode = "bike"
shift = ["15:00", "23:00"]
capacity_g = 1
capacity_parcels = 1
"""


def keys_read(folder: Path) -> dict[str, object]:
    """Return every key that the reader asks for, with its default."""
    path = folder / "everything.toml"
    path.write_text(EVERYTHING, encoding="utf-8")
    below = read_sheet(find_scenario("helsinki-tuesday"), lambda name, _: find_scenario(name))
    above = read_sheet(path, lambda name, _: find_scenario(name))
    _, problems = read_sheet_as_scenario(laid_upon(below, above))
    assert not problems.told()
    keys: dict[str, object] = {BASED_ON: None}
    for key, default in problems.known.items():
        kind = re.sub(r"^stores\.[a-z]+\.", "stores.KIND.", key)
        if not key.endswith(WEEKDAYS):
            keys[kind] = default
    return keys


def written(cell: str) -> object:
    """Return the default that a cell of the table says."""
    if cell == "needed":
        return REQUIRED
    if cell in {"none", "the file's", "the last base"}:
        return None
    match = re.fullmatch(r"(?:(\d+) x )?`([^`]+)`", cell)
    assert match is not None, cell
    value = tomllib.loads(f"value = {match.group(2)}")["value"]
    length = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", str(value))
    if isinstance(value, str) and length is not None:
        hours, minutes, seconds = (int(part or 0) for part in length.groups())
        return hours * 3600 + minutes * 60 + seconds
    if isinstance(value, list):
        value = tuple(value)
    return (value,) * int(match.group(1)) if match.group(1) else value


def test_the_table_has_every_key_with_its_default_and_no_other(tmp_path: Path) -> None:
    rows = {key: default for key, _, default, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    keys = keys_read(tmp_path)
    assert set(rows) == set(keys)
    # Of a bicycle, as all couriers of `EVERYTHING` have one.
    of_mode = {f"couriers.{name}": value for name, value in ROOM[Mode.BIKE]._asdict().items()}
    assert {key for key, cell in rows.items() if cell == "that of the mode"} == set(of_mode)
    for key, default in keys.items():
        if key in of_mode:
            assert default == of_mode[key]
        elif key not in {"name", "family"}:
            assert written(rows[key]) == (None if default == "" else default), key


def shown(block: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Do what a shell block says: files from here-documents, and our own commands, no others."""
    for name, text in HERE_DOCUMENT.findall(block):
        Path(name).write_text(text, encoding="utf-8")
    code = 0
    for line in HERE_DOCUMENT.sub("", block).splitlines():
        assert line.startswith("samehour "), line
        code = max(code, samehour.main(shlex.split(line)[1:]))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_the_page_shows_runs_and_says_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = [shown(block, capsys) for block in blocks(PAGE, "sh")]
    assert all(code == 0 and not told for code, _, told in done)
    for name in re.findall(r"`((?:helsinki|la-serena)-[a-z-]+)`", PAGE.read_text(encoding="utf-8")):
        assert f"{name} " in done[0][1]
    refused = shown("samehour scenario wrong.toml", capsys)
    assert refused == (2, "", blocks(PAGE, "")[-1])
    half_price = load_scenario("half-price.toml")
    assert load_scenario("whole.toml") == half_price
    assert half_price.root == "helsinki-tuesday"
    other = load_scenario("other.toml")
    assert (other.policy, other.mishaps.absent_share) == ("meals-fast", 0.3)
