"""Building a city by the command line: the one in the box, and what is refused."""

from __future__ import annotations

import argparse
import csv
import filecmp
import json
import re
import shlex
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import networkx as nx
import osmnx
import pyrosm
import pytest
from drawn_town import at, town, turn
from written_pbf import write_pbf

from geo import cli
from geo.build import _read_pbf
from geo.city import load_city
from geo.osm import OsmMap
from geo.sources import ways_of_graph
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (
    "import argparse, sys; from geo.cli import add_parser; p = argparse.ArgumentParser();"
    "add_parser(p.add_subparsers()); a = p.parse_args(); sys.exit(a.handler(a))"
)
PROGRESS = re.compile(r"samehour: [a-z_ ]+(, \d+%|, done in [\d.]+ s)?")
"""What a build says of its stages where nobody looks at a bar."""

HELSINKI_PBF = Path(pyrosm.get_data("helsinki_pbf"))


def samehour(*words: str | Path) -> int:
    """Run a command as the front door does; wrong use exits as it does there."""
    parser = argparse.ArgumentParser("samehour")
    cli.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args([str(word) for word in words])
    code: int = args.handler(args)
    return code


SHOP = (at(50, 20), {"shop": "supermarket", "name": "Kauppa", "opening_hours": "Mo-Su 08:00-20:00"})


def small_town(
    path: Path,
    shops: Sequence[tuple[LonLat, Mapping[str, str]]] = (SHOP,),
    **tags: str,
) -> Path:
    osm = town(
        {1: (0, 0), 2: (300, 0), 3: (300, 300), 4: (0, 300)},
        [([1, 2, 3, 4, 1], {"name": "Rengastie", **tags})],
    )
    return write_pbf(path, osm, shops)


# --- the city in the box -------------------------------------------------------------------------


def commands_in_readme() -> dict[str, str]:
    """Return the command lines of data/README.md, by the folder that they make."""
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^samehour city build .*$", text, flags=re.MULTILINE)
    return {line.split("--out ")[1].split()[0]: line for line in lines}


def test_the_readme_says_how_every_city_in_the_box_was_made() -> None:
    in_box = {f"data/{meta.parent.name}" for meta in (ROOT / "data").glob("*/city.json")}
    assert in_box == set(commands_in_readme())
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for folder in in_box:
        city = load_city(ROOT / folder)
        assert city.checksum in text
        assert city.meta["source"]["sha256"] in text
        assert "Open Database License" in (city.path / "NOTICE.txt").read_text(encoding="utf-8")


def test_the_command_in_the_readme_makes_helsinki_again_byte_by_byte(tmp_path: Path) -> None:
    script = f"""
        python() {{ {shlex.quote(sys.executable)} "$@"; }}
        samehour() {{ PYTHONPATH={shlex.quote(str(ROOT))} python -c {shlex.quote(PROGRAM)} "$@"; }}
        {commands_in_readme()["data/helsinki"]} --json
    """
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert all(PROGRESS.fullmatch(line) for line in done.stderr.splitlines()), done.stderr

    made, boxed = tmp_path / "data" / "helsinki", ROOT / "data" / "helsinki"
    files = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(boxed) for p in boxed.rglob("*") if p.is_file())
    _, different, unread = filecmp.cmpfiles(made, boxed, map(str, files), shallow=False)
    assert (different, unread) == ([], [])
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["counts"]["stores"] == 15
    assert figures["roads"]["walk"]["edges"] > figures["roads"]["car"]["edges"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["helsinki"]


# --- small towns ---------------------------------------------------------------------------------


def test_a_town_is_built_with_its_store_and_doors_along_its_streets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pbf = small_town(tmp_path / "town.osm.pbf")
    assert samehour("city", "build", "--pbf", pbf, "--out", tmp_path / "my-town") == 0
    said = capsys.readouterr().out
    assert "edges" in said
    assert "left out" in said

    city = load_city(tmp_path / "my-town")
    assert (city.name, city.title, city.time_zone) == ("my-town", "My Town", "Europe/Helsinki")
    store = city.stores[0]
    assert (store.name, store.opening_hours) == ("Kauppa", "Mo-Su 08:00-20:00")
    assert re.fullmatch(r"sto_[a-z2-7]{10}", store.store_id)
    assert len(city.doors) == 30  # a ring of 1200 m, one every 40 m
    assert set(city.doors.address) == {"Rengastie"}
    assert samehour("city", "show", tmp_path / "my-town", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["counts"]["doors"] == 30


def test_hours_that_cannot_be_read_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shops = [(at(50, 20), {"shop": "convenience", "opening_hours": "when the sun shines"})]
    pbf = small_town(tmp_path / "town.osm.pbf", shops)
    assert samehour("city", "build", "--pbf", pbf, "--out", tmp_path / "city") == 0
    assert "1 opening hours that cannot be read" in capsys.readouterr().out
    store = load_city(tmp_path / "city").stores[0]
    assert (store.name, store.opening_hours) == ("Convenience store", "")


def test_names_in_any_script_come_through(tmp_path: Path) -> None:
    shops = [(at(50, 20), {"shop": "supermarket", "name": "セブン\u3000イレブン"})]
    pbf = small_town(tmp_path / "town.osm.pbf", shops, name="شارع الملك")
    assert samehour("city", "build", "--pbf", pbf, "--out", tmp_path / "city") == 0
    city = load_city(tmp_path / "city")
    assert city.stores[0].name == "セブン イレブン"
    assert set(city.doors.address) == {"شارع الملك"}


def test_signals_and_turn_restrictions_are_read_from_the_extract(tmp_path: Path) -> None:
    drawn = town(
        {1: (0, 0), 2: (200, 0), 3: (400, 0), 4: (200, 200), 5: (0, 200)},
        [([1, 2], {}), ([2, 3], {}), ([2, 4], {"name": "Side"}), ([4, 5, 1], {"name": "Round"})],
        node_tags={4: {"highway": "traffic_signals", "traffic_signals:direction": "forward"}},
        restrictions=[
            turn("no_left_turn", 1, 2, 3, **{"except": "psv"}),
            turn("no_u_turn", 4, 3, 2, over="way"),
        ],
    )
    read = _read_pbf(write_pbf(tmp_path / "town.osm.pbf", drawn))
    assert read.restrictions == drawn.restrictions
    assert read.node_tags == drawn.node_tags
    assert [way.nodes for way in read.ways] == [way.nodes for way in drawn.ways]


def test_listed_stores_take_the_place_of_those_on_the_map(tmp_path: Path) -> None:
    pbf = small_town(tmp_path / "town.osm.pbf")
    lon, lat = at(290, 150)
    listed = tmp_path / "stores.csv"
    listed.write_text(f"name,lat,lon,kind\nOma,{lat},{lon},convenience\n", encoding="utf-8")
    out = tmp_path / "city"
    assert samehour("city", "build", "--pbf", pbf, "--out", out, "--stores", listed) == 0
    assert [(s.name, s.kind) for s in load_city(out).stores] == [("Oma", "convenience")]


@pytest.mark.parametrize("simplified", [False, True])
def test_a_graph_of_osmnx_gives_the_same_travel_times_as_the_extract(
    tmp_path: Path, simplified: bool
) -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326", simplified=False)
    corners = {1: (0, 0), 2: (300, 0), 3: (300, 300), 4: (0, 300), 5: (150, 310)}
    for node, corner in corners.items():
        lon, lat = at(*corner)
        graph.add_node(node, x=lon, y=lat, street_count=2)
    sides = [(1, 2, False), (2, 3, True), (3, 5, False), (5, 4, False), (4, 1, False)]
    for way, (u, v, oneway) in enumerate(sides, start=1):
        tags = {"highway": "residential", "name": f"S{way}", "oneway": oneway, "length": 300.0}
        graph.add_edge(u, v, osmid=way, reversed=False, **tags)
        if not oneway:
            graph.add_edge(v, u, osmid=way, reversed=True, **tags)
    osm = town(
        corners,
        [
            ([u, v], {"name": f"S{n}"} | ({"oneway": "yes"} if one else {}))
            for n, (u, v, one) in enumerate(sides, 1)
        ],
    )
    if simplified:
        graph = osmnx.simplify_graph(graph)
    osmnx.save_graphml(graph, tmp_path / "town.graphml")
    lon, lat = at(50, 20)
    (tmp_path / "s.csv").write_text(f"name,lat,lon\nKauppa,{lat},{lon}\n", encoding="utf-8")
    by_graph, by_pbf = tmp_path / "by-graph", tmp_path / "by-pbf"
    stores = ("--stores", tmp_path / "s.csv")
    graphml = ("--graphml", tmp_path / "town.graphml")
    assert samehour("city", "build", *graphml, *stores, "--out", by_graph) == 0
    pbf = write_pbf(tmp_path / "town.osm.pbf", osm)
    assert samehour("city", "build", "--pbf", pbf, *stores, "--out", by_pbf) == 0

    spots = [at(100, 5), at(295, 200), at(150, 290), at(5, 60)]
    one, two = (NetworkTravelTimes(load_city(out).network) for out in (by_graph, by_pbf))
    for mode in (Mode.WALK, Mode.BIKE, Mode.CAR):
        a, b = (travel.matrix(spots, spots, mode, 0).duration_s for travel in (one, two))
        assert abs(a - b).max() <= 1  # straight pieces may be cut, and rounded, elsewhere


# --- what is refused -----------------------------------------------------------------------------


def cut(tmp_path: Path, share: float) -> Path:
    whole = HELSINKI_PBF.read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def flipped(tmp_path: Path) -> Path:
    whole = bytearray(HELSINKI_PBF.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path = tmp_path / "flipped.osm.pbf"
    path.write_bytes(bytes(whole))
    return path


def holding(tmp_path: Path, name: str, content: bytes) -> Path:
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def roadless(tmp_path: Path) -> Path:
    return write_pbf(tmp_path / "roadless.osm.pbf", OsmMap((), {1: at(0, 0)}), [SHOP])


def header_only(tmp_path: Path) -> Path:
    whole = small_town(tmp_path / "whole.osm.pbf").read_bytes()
    # four bytes of length, a tag and its length stand before the second blob's kind
    return holding(tmp_path, "header.osm.pbf", whole[: whole.index(b"OSMData") - 6])


BAD_PBF = {
    "missing": (lambda tmp: tmp / "none.osm.pbf", "there is no file"),
    "folder": (lambda tmp: tmp, "is a folder"),
    "empty": (lambda tmp: holding(tmp, "empty.osm.pbf", b""), "is empty"),
    "text": (lambda tmp: holding(tmp, "text.pbf", b"Dear reader,\n" * 9), "not an OSM PBF file"),
    "zip": (lambda tmp: holding(tmp, "zip.pbf", zlib.compress(b"x" * 999)), "not an OSM PBF file"),
    "short text": (lambda tmp: holding(tmp, "a.pbf", b"hi"), "not an OSM PBF file"),
    "cut at half": (lambda tmp: cut(tmp, 0.5), "cut short"),
    "cut at the end": (lambda tmp: cut(tmp, 0.99999), "cut short"),
    "cut in the header": (lambda tmp: cut(tmp, 0.0001), "cut short"),
    "flipped bits": (flipped, "damaged"),
    "header only": (header_only, "no map data"),
    "roadless": (roadless, "no roads"),
    "paths only": (
        lambda tmp: small_town(tmp / "closed.osm.pbf", access="private"),
        "no streets that a courier can use",
    ),
    "storeless": (
        lambda tmp: small_town(tmp / "storeless.osm.pbf", ()),
        "no supermarkets or convenience stores",
    ),
    "store far away": (
        lambda tmp: small_town(tmp / "far.osm.pbf", [(at(9000, 0), {"shop": "supermarket"})]),
        "no supermarkets or convenience stores",
    ),
}


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: str | Path) -> str:
    """Run a command that must be refused; return the one sentence it says."""
    before = sorted(path for path in tmp_path.rglob("*"))
    assert samehour("city", "build", *words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    *stages, error = said.err.splitlines()
    assert all(PROGRESS.fullmatch(line) for line in stages)
    assert error.startswith("samehour: ")
    assert ";" in error, "a message ends with a remedy"
    assert sorted(path for path in tmp_path.rglob("*")) == before, "something was left behind"
    return error


@pytest.mark.parametrize("case", BAD_PBF)
def test_an_extract_that_cannot_be_used_is_refused_in_one_sentence(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, words = BAD_PBF[case]
    path = make(tmp_path)
    said = refused(capsys, tmp_path, "--pbf", path, "--out", tmp_path / "new" / "city")
    assert words in said
    assert path.name in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"no graph", "not a graph that OSMnx saved"),
        (b"<graphml></graphml>", "not a graph that OSMnx saved"),
        (HELSINKI_PBF.read_bytes()[:500], "not a graph that OSMnx saved"),
    ],
)
def test_a_graph_that_cannot_be_used_is_refused_in_one_sentence(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = holding(tmp_path, "broken.graphml", content)
    said = refused(capsys, tmp_path, "--graphml", path, "--out", tmp_path / "city")
    assert words in said
    assert "broken.graphml" in said


def test_a_graph_without_listed_stores_is_refused_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for node, spot in ((1, at(0, 0)), (2, at(90, 0))):
        graph.add_node(node, x=spot.lon, y=spot.lat)
    graph.add_edge(1, 2, osmid=1, highway="residential", oneway=False, length=90.0)
    osmnx.save_graphml(graph, tmp_path / "town.graphml")
    said = refused(
        capsys, tmp_path, "--graphml", tmp_path / "town.graphml", "--out", tmp_path / "c"
    )
    assert "--stores" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lacks the column name, lat, lon"),
        ("name,lat,lon\n", "lists no stores"),
        ("name,lat,lon\nA,sixty,24\n", "line 2"),
        ("name,lat,lon\nA,95,24\n", "no place on Earth"),
        ("name,lat,lon,kind\nA,60.17,24.94,butcher\n", "butcher"),
        ('{"type": "FeatureCollection"}', "not a GeoJSON"),
        ('{"features": [{"geometry": {"type": "Point"}}]}', "not a GeoJSON"),
        ("{", "not a GeoJSON"),
    ],
)
def test_a_list_of_stores_that_cannot_be_used_is_refused_by_line(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pbf = small_town(tmp_path / "town.osm.pbf")
    listed = tmp_path / "stores.txt"
    listed.write_text(text, encoding="utf-8")
    said = refused(capsys, tmp_path, "--pbf", pbf, "--out", tmp_path / "c", "--stores", listed)
    assert words in said
    assert "stores.txt" in said


def test_only_a_city_is_ever_replaced_and_only_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pbf, out = small_town(tmp_path / "town.osm.pbf"), tmp_path / "city"
    build = ("--pbf", pbf, "--out", out)
    diary = tmp_path / "diary"
    diary.mkdir()
    (diary / "monday.txt").write_text("dear diary", encoding="utf-8")
    assert "without a city" in refused(capsys, tmp_path, "--pbf", pbf, "--out", diary)
    assert "without a city" in refused(capsys, tmp_path, "--pbf", pbf, "--out", diary, "--force")
    assert "is a file" in refused(capsys, tmp_path, "--pbf", pbf, "--out", pbf)

    out.mkdir()  # an empty folder is as good as none
    assert samehour("city", "build", *build) == 0
    capsys.readouterr()
    assert "--force" in refused(capsys, tmp_path, *build)
    first = load_city(out).checksum
    assert samehour("city", "build", *build, "--title", "Two", "--force") == 0
    assert load_city(out).title == "Two"
    assert load_city(out).checksum != first
    assert not list(tmp_path.glob(".city*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "Not a name"), "cannot name a city"),
        (("--time-zone", "Mars/Olympus"), "no time zone 'Mars/Olympus'"),
        (("--out", "/proc/nowhere/city"), "cannot be written"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(
    words: tuple[str, str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pbf = small_town(tmp_path / "town.osm.pbf")
    assert said in refused(capsys, tmp_path, "--pbf", pbf, "--out", tmp_path / "city", *words)


def test_streets_that_osmnx_turned_round_keep_their_direction() -> None:
    spots = {1: at(0, 0), 2: at(90, 0), 3: at(90, 90)}
    edges = [
        (1, 2, {"osmid": 7, "highway": "residential", "oneway": "-1"}),
        (2, 3, {"osmid": 8, "highway": ["residential", "service"], "maxspeed": ["50", "30"]}),
    ]
    ways, positions = ways_of_graph(spots, edges)
    # with all_oneway the nodes were already turned round, and the tag was left as it was
    assert [(way.nodes, way.tags.get("oneway")) for way in ways] == [
        ((1, 2), "yes"),
        ((2, 3), None),
    ]
    assert (ways[1].tags["highway"], ways[1].tags["maxspeed"]) == ("residential", "50;30")
    assert positions == spots


def test_a_box_west_of_greenwich_is_no_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, tmp_path, "--bbox", "-71.2,-29.8,-71.3,-30.0", "--out", tmp_path / "c")
    assert "-71.2,-29.8,-71.3,-30.0 is no box" in said


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d"])
def test_a_box_is_four_numbers(box: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as wrong:
        samehour("city", "build", f"--bbox={box}", "--out", "city")
    assert wrong.value.code == 2
    assert "west,south,east,north" in capsys.readouterr().err


def test_a_box_the_wrong_way_round_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, tmp_path, "--bbox=25,60,24,61", "--out", tmp_path / "city")
    assert "west before east" in said


def test_the_module_answers_from_the_command_line_without_a_traceback(tmp_path: Path) -> None:
    path = holding(tmp_path, "text.osm.pbf", b"not a map")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "city", "build", "--pbf", path, "--out", tmp_path / "c"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"samehour: {path} is not an OSM PBF file; name an .osm.pbf file\n"


def test_rows_of_a_list_may_be_written_by_any_spreadsheet(tmp_path: Path) -> None:
    pbf, listed = small_town(tmp_path / "town.osm.pbf"), tmp_path / "stores.csv"
    lon, lat = at(50, 20)
    with listed.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "lat", "lon", "address", "opening_hours"])
        writer.writerow(["Kauppa, iso", lat, lon, "Rengastie 1", "24/7"])
    out = tmp_path / "city"
    assert samehour("city", "build", "--pbf", pbf, "--out", out, "--stores", listed) == 0
    store = load_city(out).stores[0]
    assert (store.name, store.address, store.opening_hours) == (
        "Kauppa, iso",
        "Rengastie 1",
        "24/7",
    )
