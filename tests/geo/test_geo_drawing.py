"""What is drawn, and that it is where the network says."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import shapely
from drawn_town import at, roads

from geo import draw_cli, drawing
from geo.city import City, load_city
from geo.drawing import COLOURS, DrawnRoute, Picture
from geo.drawing_town import BOTH_WAYS, ONEWAY, usable
from geo.network import RoadNetwork
from geo.svg import Frame, along, path, rings
from geo.travel import NetworkTravelTimes
from geo.types import Mode

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def helsinki() -> City:
    return load_city("helsinki")


def draw(out: Path, *words: str) -> int:
    parser = argparse.ArgumentParser("samehour city")
    draw_cli.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["draw", "helsinki", "--out", str(out), *words])
    code: int = args.handler(args)
    return code


def texts(drawn: str) -> list[str]:
    return ["".join(one.itertext()) for one in ET.fromstring(drawn).iter(f"{SVG}text")]  # noqa: S314


def corners(line: str) -> np.ndarray:
    return np.array([[float(number) for number in point.split(",")] for point in line.split()])


def shapes(drawn: str, fill: str) -> list[np.ndarray]:
    """Return the corners of every closed shape of one fill."""
    found = []
    for one in ET.fromstring(drawn).iter(f"{SVG}path"):  # noqa: S314
        if one.get("fill") == fill:
            found += [corners(ring) for ring in re.findall(r"M([^MZ]+)Z", one.get("d", ""))]
    return found


# --- the streets of a mode -----------------------------------------------------------------------


def streets(**tags: str) -> tuple[RoadNetwork, Frame]:
    """Return a round of four streets, the southern one with tags, and 400 m by 400 m of paper."""
    network = roads(
        {1: (100, 100), 2: (300, 100), 3: (300, 300), 4: (100, 300)},
        [([1, 2], {"name": "South", **tags}), ([2, 3], {}), ([3, 4], {}), ([4, 1], {})],
    )
    (west, south), (east, north) = at(0, 0), at(400, 400)
    return network, Frame((west, south, east, north), 1.0, 400 / (east - west), 400.0, 400.0)


def drawn_streets(network: RoadNetwork, mode: Mode, frame: Frame) -> str:
    inside = "".join(usable(network, mode, frame))
    return f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>'


@pytest.mark.parametrize(("oneway", "east"), [("yes", True), ("-1", False)])
def test_arrows_stand_on_one_ways_and_point_where_one_may_go(oneway: str, east: bool) -> None:
    network, frame = streets(oneway=oneway)
    arrows = shapes(drawn_streets(network, Mode.CAR, frame), ONEWAY)
    assert len(arrows) == 2  # 200 px, one every 85
    for tip, left, right in arrows:
        assert tip[1] == pytest.approx(300, abs=0.2)  # 100 m from the southern side
        assert 100 < tip[0] < 300
        assert bool(tip[0] > left[0]) is east
        assert left[0] == right[0]
    assert not shapes(drawn_streets(network, Mode.WALK, frame), ONEWAY)


def test_what_is_two_way_for_bicycles_only_has_its_own_sign() -> None:
    network, frame = streets(oneway="yes", **{"oneway:bicycle": "no"})
    bike, car = (drawn_streets(network, mode, frame) for mode in (Mode.BIKE, Mode.CAR))
    assert (len(shapes(bike, ONEWAY)), len(shapes(bike, BOTH_WAYS))) == (0, 2)
    assert (len(shapes(car, ONEWAY)), len(shapes(car, BOTH_WAYS))) == (2, 0)
    plain, frame = streets()
    assert not shapes(drawn_streets(plain, Mode.BIKE, frame), BOTH_WAYS)


def test_from_far_away_arrows_keep_their_distance() -> None:
    network, frame = streets(oneway="yes")
    small = frame._replace(px_per_m=0.05, width=20.0, height=20.0)
    assert len(shapes(drawn_streets(network, Mode.CAR, small), ONEWAY)) == 1
    smaller = frame._replace(px_per_m=0.02, width=8.0, height=8.0)
    assert not shapes(drawn_streets(network, Mode.CAR, smaller), ONEWAY)  # 4 px have no room


def test_arrows_stand_evenly_along_a_line() -> None:
    bend = np.array([[0.0, 0.0], [60.0, 0.0], [60.0, 0.0], [60.0, 40.0]])
    places = list(along(bend, 50.0))
    assert [place.tolist() for place, _ in places] == [[25.0, 0.0], [60.0, 15.0]]
    assert [ahead.tolist() for _, ahead in places] == [[1.0, 0.0], [0.0, 1.0]]
    assert not list(along(bend[:1], 50.0))


def test_holes_of_areas_are_drawn_as_holes() -> None:
    box = (24.0, 60.0, 25.0, 61.0)
    frame = Frame(box, 1.0, 100.0, 100.0, 100.0)
    yard = shapely.box(24.1, 60.2, 24.9, 60.8) - shapely.box(24.4, 60.4, 24.6, 60.6)
    assert path(rings(np.array([yard]), frame), "Z").count("Z") == 2


# --- what travels --------------------------------------------------------------------------------


def test_a_route_is_drawn_where_it_goes_and_numbered_at_both_ends(helsinki: City) -> None:
    store, door = helsinki.stores[0].location, helsinki.doors.location(100)
    route = NetworkTravelTimes(helsinki.network).route(store, door, Mode.BIKE, 0)
    picture = Picture(helsinki, Mode.BIKE, "One", (DrawnRoute("here & there", route),))
    drawn = drawing.draw(picture)
    frame = drawing._frame(picture)
    root = ET.fromstring(drawn)  # noqa: S314
    ends = frame.px(np.array([store, door]))
    circle = next(one for one in root.iter(f"{SVG}circle") if one.get("fill") == COLOURS[0])
    square = next(one for one in root.iter(f"{SVG}rect") if one.get("fill") == COLOURS[0])
    middle = (float(square.get("x", "")) + 9, float(square.get("y", "")) + 9)
    assert [float(circle.get("cx", "")), float(circle.get("cy", ""))] == pytest.approx(
        ends[0], abs=0.1
    )
    assert middle == pytest.approx(ends[1], abs=0.1)
    (line,) = (
        one.get("d", "")
        for one in root.iter(f"{SVG}path")
        if one.get("stroke") == COLOURS[0] and "dasharray" not in "".join(one.keys())
    )
    points = corners(line[1:])
    whole = shapely.LineString(frame.px(np.array(route.points)))
    assert shapely.distance(shapely.points(points), whole).max() < 0.1
    assert "here & there" in texts(drawn)
    assert f"{route.length_m} m" in drawn


def test_a_file_needs_nothing_else_and_names_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "routes.svg"
    assert draw(out, "--routes", "10", "--mode", "car") == 0
    drawn = out.read_text(encoding="utf-8")
    assert not re.search(r"href|url\(|https?://(?!www\.w3\.org/2000/svg)", drawn)
    assert "© OpenStreetMap contributors, ODbL-1.0" in texts(drawn)
    assert "Helsinki: 10 routes by car" in capsys.readouterr().out
    for number in range(1, 11):
        assert texts(drawn).count(str(number)) == 4  # at both ends, on the map and in the key


def test_the_same_lot_gives_the_same_picture(tmp_path: Path) -> None:
    pictures = []
    for seed in ("7", "7", "8"):
        assert draw(tmp_path / "lot.svg", "--routes", "3", "--seed", seed) == 0
        pictures.append((tmp_path / "lot.svg").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_a_closure_shows_the_way_before_and_the_way_after(
    helsinki: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "closure.svg"
    store, door = helsinki.stores[0].location, helsinki.doors.location(100)
    free = NetworkTravelTimes(helsinki.network).route(store, door, Mode.CAR, 0)
    ends = ["--from", f"{store.lat},{store.lon}", "--to", f"{door.lat},{door.lon}"]
    middle = free.points[len(free.points) // 2]
    shut = ["--close", f"{middle.lat},{middle.lon}"]
    assert draw(out, "--mode", "car", *ends, *shut) == 0
    printed = capsys.readouterr().out
    after_s, before_s = map(int, re.findall(r"(\d+) s", printed)[:2])
    assert before_s == free.duration_s < after_s
    drawn = out.read_text(encoding="utf-8")
    assert {"closed street", "the way before the closure"} <= set(texts(drawn))
    assert draw(out, "--mode", "car", *ends) == 0
    assert "closed street" not in texts(out.read_text(encoding="utf-8"))


def test_an_isochrone_is_drawn_whole_with_the_half_of_it(helsinki: City, tmp_path: Path) -> None:
    out = tmp_path / "reach.svg"
    store = helsinki.stores[1].location
    here = ["--from", f"{store.lat},{store.lon}"]
    assert draw(out, "--isochrone", "4", "--mode", "walk", *here) == 0
    drawn = out.read_text(encoding="utf-8")
    far, near = (
        shapely.union_all([shapely.Polygon(r) for r in shapes(drawn, c)]) for c in COLOURS[:2]
    )
    assert far.buffer(1).contains(near)
    reach = NetworkTravelTimes(helsinki.network).reachable(store, 240, Mode.WALK, 0)
    scale = float(re.findall(r'height="(\d+)"', drawn)[0]) / 1400
    assert scale == pytest.approx(1, abs=0.5)
    assert any(f"within 4 min 00 s: {len(reach.lon)} junctions" in text for text in texts(drawn))
    assert any(text.startswith("within 2 min 00 s") for text in texts(drawn))
    width, height = map(float, re.findall(r'<svg width="(\d+)" height="(\d+)"', drawn)[0])
    assert shapely.box(0, 0, width, height).contains(far)


# --- wrong use -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--to", "60.17,24.94"], "give --from LAT,LNG"),
        (["--isochrone", "5"], "give --from LAT,LNG"),
        (["--routes", "2", "--from", "60.17,24.94"], "leave --from out"),
        (["--to", "60.17,24.94", "--from", "59,24"], "is more than 250 m from every road"),
        (["--routes", "2", "--close", "59,24"], "is farther than 30 m from every street"),
    ],
)
def test_wrong_use_says_what_to_do_and_writes_nothing(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "none.svg"
    assert draw(out, *words) == 2
    assert sentence in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--routes", "0"], "give a whole number from 1 to 50"),
        (["--isochrone", "nan", "--from", "60.17,24.94"], "more than 0 and at most"),
        (["--to", "here", "--from", "60.17,24.94"], "is no place"),
        (["--routes", "1", "--isochrone", "1"], "not allowed with"),
    ],
)
def test_words_that_mean_nothing_are_refused(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        draw(tmp_path / "none.svg", *words)
    assert sentence in capsys.readouterr().err


def test_a_place_west_of_greenwich_is_no_option() -> None:
    assert draw_cli._place("-29.9,-71.2") == (-71.2, -29.9)
    parser = argparse.ArgumentParser()
    draw_cli.add_parser(parser.add_subparsers())
    words = ["draw", "x", "--isochrone", "5", "--from", "-29.9,-71.2", "--out", "f"]
    assert parser.parse_args(words).origin == (-71.2, -29.9)


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw(tmp_path / "none" / "x.svg", "--routes", "1") == 2
    assert "No such file or directory; give another file" in capsys.readouterr().err
