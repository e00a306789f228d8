"""`samehour city areas`: what it counts, writes and refuses."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from geo import areas_cli
from geo.city import City, load_city


@pytest.fixture(scope="module")
def helsinki() -> City:
    return load_city("helsinki")


def areas(*words: str | Path) -> int:
    parser = argparse.ArgumentParser("samehour city")
    areas_cli.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["areas", "helsinki", *(str(word) for word in words)])
    code: int = args.handler(args)
    return code


def figures(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_isochrones_are_counted_drawn_and_compared(
    helsinki: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "areas.geojson"
    assert areas("--minutes", "3", "--mode", "walk", "--geojson", out, "--json") == 0
    printed = capsys.readouterr().out
    found = json.loads(printed.splitlines()[-1])
    assert f"{len(helsinki.stores)} stores, {len(helsinki.doors)} doors" in printed
    assert "the 3 min isochrone on foot" in printed
    assert "data: © OpenStreetMap contributors" in printed
    drawn = json.loads(out.read_text())["features"]
    assert [feature["id"] for feature in drawn] == [s.store_id for s in helsinki.stores]
    for feature, store, line in zip(drawn, helsinki.stores, found["stores"], strict=True):
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shapely.intersects_xy(shape, *store.location)
        inside = shapely.intersects_xy(shape, helsinki.doors.lon, helsinki.doors.lat)
        assert int(inside.sum()) == line["doors"] == feature["properties"]["doors"] > 0
    coverage = found["coverage"]
    assert sum(coverage["doors"]) == len(helsinki.doors)
    assert 0 < coverage["doors"][0] < len(helsinki.doors)
    pairs = [(pair["first"], pair["second"]) for pair in found["overlaps"]]
    assert len(set(pairs)) == len(pairs) > 0
    people = [pair["people"] for pair in found["overlaps"]]
    assert people == sorted(people, reverse=True)


def test_a_longer_way_serves_more_doors(capsys: pytest.CaptureFixture[str]) -> None:
    served = []
    for metres in ("300", "900"):
        assert areas("--metres", metres, "--json") == 0
        served.append([line["doors"] for line in figures(capsys)["stores"]])
    assert all(short <= long for short, long in zip(*served, strict=True))
    assert sum(served[0]) < sum(served[1])


def test_areas_by_distance_are_drawn_as_their_doors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "areas.geojson"
    assert areas("--metres", "500", "--geojson", out, "--json") == 0
    lines = figures(capsys)["stores"]
    for feature, line in zip(json.loads(out.read_text())["features"], lines, strict=True):
        assert feature["geometry"]["type"] == "MultiPoint"
        assert len(feature["geometry"]["coordinates"]) == line["doors"]


def test_a_file_gives_some_stores_their_own_areas(
    helsinki: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    west, south, east, north = helsinki.bounds
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    whole = {"kind": "polygon", "shape": {"type": "Polygon", "coordinates": [corners]}}
    first, second = (store.store_id for store in helsinki.stores[:2])
    near = {"kind": "road_time", "duration_s": 120, "mode": "bike"}
    file = tmp_path / "areas.json"
    file.write_text(json.dumps({first: whole, second: near}))
    assert areas("--file", file, "--json") == 0
    found = figures(capsys)
    assert [line["store_id"] for line in found["stores"]] == [first, second]
    assert found["stores"][0]["doors"] == len(helsinki.doors)
    (pair,) = found["overlaps"]
    assert pair["doors"] == found["stores"][1]["doors"]
    assert pair["share_of_second"] == 1.0
    file.write_text(json.dumps(whole))
    assert areas("--file", file, "--json") == 0
    assert figures(capsys)["coverage"]["doors"][-1] == len(helsinki.doors)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "give a JSON object"),
        ('{"kind": "circle"}', "/kind is 'circle'"),
        ('{"sto_nowhere": {"kind": "polygon"}}', "/sto_nowhere is of no store of helsinki"),
    ],
)
def test_a_file_that_holds_no_areas_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    file = tmp_path / "areas.json"
    file.write_text(content)
    assert areas("--file", file) == 2
    assert words in capsys.readouterr().err


def test_an_area_of_one_store_that_is_wrong_is_named_with_its_store(
    helsinki: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, store_id = tmp_path / "areas.json", helsinki.stores[3].store_id
    file.write_text(json.dumps({store_id: {"kind": "road_time", "duration_s": 60}}))
    assert areas("--file", file) == 2
    assert f"/{store_id}/mode is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--minutes", "0"], "give 1 to"),
        (["--metres", "-5"], "-5 metres"),
        (["--file", "/nowhere/areas.json"], "/nowhere/areas.json: No such file"),
        (["--file", "x.json", "--mode", "bike"], "leave --mode out"),
        (["--metres", "100", "--geojson", "/nowhere/out"], "/nowhere/out: No such file"),
    ],
)
def test_wrong_figures_and_files_are_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert areas(*words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["--minutes", "nan"], ["--minutes", "ten"], ["--metres", "1.5"], [], ["--mode", "x"]]
)
def test_what_cannot_be_meant_is_refused_by_the_command_line(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        areas(*words)
    assert caught.value.code == 2
