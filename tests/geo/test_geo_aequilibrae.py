"""Cities from AequilibraE projects."""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import shapely
from drawn_town import at
from hypothesis import given
from hypothesis import strategies as st
from written_spatialite import Link, blob, write_project, zipped

from geo import cli
from geo.aequilibrae import DATABASE, EXAMPLE_IN_WHEEL, read_project, shapes, way_tags
from geo.city import load_city
from geo.errors import CityError
from geo.travel import NetworkTravelTimes
from geo.types import Mode

ROOT = Path(__file__).resolve().parents[2]
WHEEL = os.environ.get("SAMEHOUR_AEQUILIBRAE", "")
"""AequilibraE's wheel, or the database in it: see data/README.md."""


def place(x_m: float, y_m: float) -> shapely.Point:
    return shapely.Point(at(x_m, y_m))


def box(x_m: float, y_m: float, side_m: float) -> shapely.MultiPolygon:
    (west, south), (east, north) = at(x_m, y_m), at(x_m + side_m, y_m + side_m)
    return shapely.MultiPolygon([shapely.box(west, south, east, north)])


NODES = {
    1: (101, place(0, 0)),
    2: (102, place(400, 0)),
    3: (103, place(400, 400)),
    4: (None, place(0, 400)),
    9: (None, place(200, 200)),
}
LINKS: list[Link] = [
    {"link_id": 11, "osm_id": 71, "a_node": 1, "b_node": 2, "name": "Calle Sur", "speed_ab": 30},
    {"link_id": 12, "osm_id": 72, "a_node": 2, "b_node": 3, "name": "Calle Este", "direction": 1},
    {"link_id": 13, "osm_id": 73, "a_node": 4, "b_node": 3, "name": "Calle Norte"},
    {
        "link_id": 14,
        "osm_id": 74,
        "a_node": 4,
        "b_node": 1,
        "line": shapely.LineString([at(0, 400), at(-50, 200), at(0, 0)]),
    },
    {"link_id": 15, "osm_id": None, "a_node": 9, "b_node": 1, "link_type": "centroid_connector"},
]
ZONES = [(1, 802.344, box(-100, -50, 600)), (2, None, box(0, 1000, 100))]


def town(path: Path) -> Path:
    return write_project(path, NODES, LINKS, ZONES)


def samehour(*words: str | Path) -> int:
    parser = argparse.ArgumentParser("samehour")
    cli.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args([str(word) for word in words])
    code: int = args.handler(args)
    return code


def same_files(one: Path, other: Path) -> bool:
    names, others = (
        sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        for folder in (one, other)
    )
    return names == others and filecmp.cmpfiles(one, other, names, shallow=False)[1:] == ([], [])


# --- reading -------------------------------------------------------------------------------------


def test_links_become_ways_with_the_numbers_and_names_of_openstreetmap(tmp_path: Path) -> None:
    osm, zones, sha256 = read_project(town(tmp_path / DATABASE))
    assert [way.way_id for way in osm.ways] == [71, 72, 73, 74]
    south, east, _, west = osm.ways
    assert (south.nodes, east.nodes) == ((101, 102), (102, 103))
    assert south.tags["name"] == "Calle Sur"
    assert "name" not in west.tags
    # A node that is not OpenStreetMap's and a point between nodes have numbers below 0.
    assert west.nodes == (-4, -5, 101)
    assert osm.positions[-5] == pytest.approx(at(-50, 200))
    assert sorted(osm.positions) == [-5, -4, 101, 102, 103]
    assert [(zone.zone_id, zone.people) for zone in zones] == [(1, 802.344)]
    assert len(sha256) == 64


@pytest.mark.parametrize(
    ("link", "tags"),
    [
        ({}, {"oneway": "no"}),
        ({"direction": 1}, {"oneway": "yes"}),
        ({"direction": -1}, {"oneway": "-1"}),
        (
            {"speed_ab": 50, "speed_ba": 30.5},
            {"oneway": "no", "maxspeed:forward": "50", "maxspeed:backward": "30.5"},
        ),
        (
            {"direction": 1, "speed_ba": 40},
            {"oneway": "yes", "maxspeed:forward": "40", "maxspeed:backward": "40"},
        ),
        ({"modes": "wb"}, {"oneway": "no", "motor_vehicle": "no"}),
        ({"name": "Avenida"}, {"oneway": "no", "name": "Avenida"}),
    ],
)
def test_what_a_project_keeps_is_told_in_tags(link: Link, tags: dict[str, str]) -> None:
    plain = {"link_type": "tertiary", "direction": 0, "modes": "ct", "name": None}
    row = {**plain, "speed_ab": None, "speed_ba": None, **link}
    assert way_tags(row) == {"highway": "tertiary", **tags}


@given(
    st.lists(
        st.tuples(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 9), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_shapes_come_out_of_their_blobs_as_they_went_in(
    squares: list[tuple[int, int, int, bool]],
) -> None:
    areas = shapely.MultiPolygon(
        [
            shapely.box(x, y, x + side, y + side)
            if whole
            else shapely.box(x, y, x + side, y + side).difference(
                shapely.Point(x + side / 2, y + side / 2).buffer(side / 8)
            )
            for x, y, side, whole in squares
        ]
    )
    line = shapely.LineString([(x, y) for x, y, *_ in [*squares, (60, 60)]])
    spot = shapely.Point(squares[0][:2])
    found = shapes([blob(shape) for shape in (areas, line, spot)])
    assert shapely.equals_exact(found, np.array([areas, line, spot])).all()


# --- a city --------------------------------------------------------------------------------------


def test_a_city_is_built_from_the_database_the_archive_or_the_wheel_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = town(tmp_path / DATABASE)
    archive = zipped(tmp_path / "coquimbo.zip", {DATABASE: database})
    wheel = zipped(tmp_path / "aequilibrae-1.7.2-py3-none-any.whl", {EXAMPLE_IN_WHEEL: archive})
    for file, out in ((database, "one"), (archive, "two"), (wheel, "three")):
        options = ("--name", "town", "--out", tmp_path / out, "--sites", "2")
        assert samehour("city", "build", "--aequilibrae", file, *options) == 0
    assert same_files(tmp_path / "one", tmp_path / "two")
    assert same_files(tmp_path / "one", tmp_path / "three")
    assert "ordering roads for walk" in capsys.readouterr().err

    city = load_city(tmp_path / "one")
    assert [store.name for store in sorted(city.stores, key=lambda s: s.name)] == [
        "Provisional site 01",
        "Provisional site 02",
    ]
    assert {store.kind for store in city.stores} == {"supermarket"}
    assert len(city.doors) == 20  # 802.34 people, forty to a door
    assert city.doors.people.sum() == pytest.approx(802.34, abs=1e-3)
    # The fourth street has no name: its doors take that of the nearest one.
    assert "Calle Sur, door 1" in list(city.doors.address)
    assert len(set(city.doors.address)) == 20
    notice = (city.path / "NOTICE.txt").read_text(encoding="utf-8")
    assert "Open Database License" in notice
    assert "AequilibraE Developers" in notice


def test_every_mode_goes_where_the_tag_rules_say(tmp_path: Path) -> None:
    out = tmp_path / "town"
    database = town(tmp_path / DATABASE)
    assert samehour("city", "build", "--aequilibrae", database, "--out", out) == 0
    travel = NetworkTravelTimes(load_city(out).network)
    assert travel.modes == frozenset(Mode)
    southeast, northeast = at(400, 20), at(400, 380)
    for mode, back_m in ((Mode.WALK, 360), (Mode.CAR, 1252)):
        ways = travel.matrix([southeast], [northeast], mode, 0).length_m[0, 0]
        assert ways == pytest.approx(360, abs=2)
        ways = travel.matrix([northeast], [southeast], mode, 0).length_m[0, 0]
        # Calle Este is one-way to the north: back by the north, the bent street in the west and
        # the south, 20 + 400 + 2 x sqrt(50^2 + 200^2) + 400 + 20 m.
        assert ways == pytest.approx(back_m, abs=3)


@pytest.mark.parametrize(("zone", "left"), [("Europe/London", True), ("America/Santiago", False)])
def test_the_country_says_on_which_side_one_drives(tmp_path: Path, zone: str, left: bool) -> None:
    out = tmp_path / "town"
    file = ("--aequilibrae", town(tmp_path / DATABASE), "--time-zone", zone)
    assert samehour("city", "build", *file, "--out", out) == 0
    assert load_city(out).network.drive_left is left


def test_stores_in_a_file_take_the_place_of_provisional_sites(tmp_path: Path) -> None:
    lon, lat = at(200, 5)
    listed = tmp_path / "stores.csv"
    listed.write_text(f"name,lat,lon\nTienda,{lat},{lon}\n", encoding="utf-8")
    out = tmp_path / "town"
    file = ("--aequilibrae", town(tmp_path / DATABASE))
    assert samehour("city", "build", *file, "--stores", listed, "--out", out) == 0
    assert [store.name for store in load_city(out).stores] == ["Tienda"]


# --- what is refused -----------------------------------------------------------------------------


def no_table(path: Path) -> None:
    town(path)
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE zones")
    database.close()


def no_osm(path: Path) -> None:
    links = [{**link, "osm_id": None} for link in LINKS]
    write_project(path, NODES, links, ZONES)


def no_node(path: Path) -> None:
    town(path)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM nodes WHERE node_id = 3")
    database.close()


def bad_shape(path: Path) -> None:
    town(path)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE links SET geometry = x'00ff' WHERE link_id = 12")
    database.close()


def cut_short(path: Path) -> None:
    content = town(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def open_elsewhere(path: Path) -> None:
    town(path)
    path.with_name(f"{path.name}-wal").write_bytes(b"changes")


def damaged_archive(path: Path) -> None:
    inner = town(path.with_name("inner.sqlite"))
    content = bytearray(zipped(path, {DATABASE: inner}).read_bytes())
    content[200:240] = bytes(40)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "there is no file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b""), "neither AequilibraE's wheel nor"),
        (lambda path: zipped(path, {"notes.txt": Path(__file__)}), "neither AequilibraE's wheel"),
        (no_table, r"has no zones with geometry, population, zone_id"),
        (no_osm, "no link with an OpenStreetMap number"),
        (no_node, "link 12 ends at a node that is not there"),
        (bad_shape, "a geometry is not a little-endian SpatiaLite BLOB"),
        (cut_short, "cannot be read as an AequilibraE project"),
        (open_elsewhere, "is open in another program"),
        (damaged_archive, "is damaged"),
    ],
)
def test_a_file_that_is_no_project_is_refused_in_one_sentence(
    tmp_path: Path, make: object, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "project"
    assert callable(make)
    make(path)
    with pytest.raises(CityError, match=says):
        read_project(path)
    assert samehour("city", "build", "--aequilibrae", path, "--out", tmp_path / "city") == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "reading" not in line]
    assert len(said) == 1
    assert str(path) in said[0]
    assert not (tmp_path / "city").exists()


@pytest.mark.parametrize("sites", ["0", "-1", "many", "10001"])
def test_a_number_of_sites_that_makes_no_sense_is_wrong_use(tmp_path: Path, sites: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        samehour("city", "build", "--aequilibrae", "x", "--out", tmp_path / "y", "--sites", sites)


# --- La Serena-Coquimbo --------------------------------------------------------------------------


def test_la_serena_is_what_the_readme_says() -> None:
    city = load_city("la-serena")
    assert (city.title, city.time_zone) == ("La Serena-Coquimbo", "America/Santiago")
    assert len(city.stores) == 40
    assert all(store.name.startswith("Provisional site ") for store in city.stores)
    assert 10_000 < len(city.doors) < 12_000
    assert city.doors.people.sum() == pytest.approx(451_898.9, abs=1)
    assert city.meta["drive_left"] is False
    assert city.network.modes == frozenset(Mode)
    assert max(entry["bytes"] for entry in city.meta["files"].values()) < 20_000_000


def test_doors_of_la_serena_can_be_reached_by_every_mode() -> None:
    city = load_city("la-serena")
    travel = NetworkTravelTimes(city.network)
    doors = [city.doors.location(index) for index in range(0, len(city.doors), 100)]
    for mode in Mode:
        matrix = travel.matrix([store.location for store in city.stores], doors, mode, 0)
        assert matrix.duration_s.max() < 8 * 3600
        assert matrix.length_m.max() < 50_000


@pytest.mark.skipif(not WHEEL, reason="SAMEHOUR_AEQUILIBRAE names no file")
def test_the_wheel_makes_la_serena_again_byte_by_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--name", "la-serena", "--title", "La Serena-Coquimbo", "--json")
    out = tmp_path / "la-serena"
    assert samehour("city", "build", "--aequilibrae", WHEEL, "--out", out, *options) == 0
    assert same_files(out, ROOT / "data" / "la-serena")
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["counts"]["stores"] == 40
