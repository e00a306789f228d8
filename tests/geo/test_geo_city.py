"""A city on disk: found, checked, read."""

from __future__ import annotations

import json
import mmap
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from geo.city import BUILDER_VERSION, FORMAT_VERSION, City, find_city, load_city
from geo.errors import CityError
from geo.hierarchy import build_topology
from geo.integrity import meta_checksum
from geo.network import E7
from geo.stored import HIERARCHY_VERSION
from geo.travel import NetworkTravelTimes
from geo.turns import mode_graph
from geo.types import Mode

HELSINKI = Path(__file__).resolve().parents[2] / "data" / "helsinki"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the stamps of these tests to themselves."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def helsinki() -> City:
    return load_city("helsinki")


def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HELSINKI, tmp_path / "helsinki"))


def test_helsinki_is_what_the_readme_says(helsinki: City) -> None:
    assert (helsinki.name, helsinki.title) == ("helsinki", "Helsinki")
    assert helsinki.time_zone == "Europe/Helsinki"
    assert helsinki.licence == "ODbL-1.0"
    assert "OpenStreetMap" in helsinki.attribution
    assert len(helsinki.stores) == 15
    assert sum(bool(store.opening_hours) for store in helsinki.stores) == 12
    assert len({store.store_id for store in helsinki.stores}) == 15
    assert {store.kind for store in helsinki.stores} == {"supermarket", "convenience"}


def test_everything_lies_within_the_bounds(helsinki: City) -> None:
    west, south, east, north = helsinki.bounds
    doors = helsinki.doors
    assert ((west < doors.lon) & (doors.lon < east)).all()
    assert ((south < doors.lat) & (doors.lat < north)).all()
    for store in helsinki.stores:
        assert west < store.location.lon < east
        assert south < store.location.lat < north


def test_every_door_has_people_and_an_address(helsinki: City) -> None:
    doors = helsinki.doors
    assert len(doors) == len(doors.people) == len(doors.address) > 500
    assert (doors.people > 0).all()
    assert all(doors.address)
    assert any(address.startswith("Mannerheimintie ") for address in doors.address)


def test_every_door_can_be_reached_from_every_store_by_every_mode(helsinki: City) -> None:
    travel = NetworkTravelTimes(helsinki.network)
    doors = [helsinki.doors.location(index) for index in range(0, len(helsinki.doors), 10)]
    stores = [store.location for store in helsinki.stores]
    assert travel.modes == frozenset(Mode)
    for mode in Mode:
        out = travel.matrix(stores, doors, mode, 0).duration_s
        back = travel.matrix(doors, stores, mode, 0).duration_s
        assert out.max() < 3600
        assert back.max() < 3600
    walk = travel.matrix(stores, doors, Mode.WALK, 0)
    pace_m_s = walk.length_m.sum() / walk.duration_s.sum()
    # Five kilometres an hour, less what is spent waiting at signals.
    assert 0.95 * 5 / 3.6 < pace_m_s < 1.01 * 5 / 3.6


def test_the_sea_is_water_and_the_station_is_land(helsinki: City) -> None:
    water, land = (shapely.union_all(helsinki.layers[name].shapes) for name in ("water", "land"))
    for place, is_water in (((24.9465, 60.1768), True), ((24.9412, 60.1712), False)):
        spot = shapely.Point(place)
        assert water.contains(spot) is is_water
        assert land.contains(spot) is not is_water


def test_a_city_is_found_by_folder_by_name_and_beside_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_city("helsinki").resolve() == HELSINKI
    (tmp_path / "data").mkdir()
    mine = copy(tmp_path / "data")
    assert find_city("helsinki").resolve() == mine
    assert find_city(mine) == mine


def test_a_city_that_is_nowhere_is_named_with_the_places_looked_at(tmp_path: Path) -> None:
    with pytest.raises(CityError, match=r"no city 'atlantis'.*data/atlantis.*build one"):
        find_city("atlantis")
    with pytest.raises(CityError, match="no city"):
        load_city(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "network/time_ds.npy",
        "network/names.txt",
        "doors/addresses.txt",
        "map/buildings.npy",
        "stores.json",
        "NOTICE.txt",
    ],
)
def test_a_file_that_is_missing_cut_short_or_changed_is_named(tmp_path: Path, name: str) -> None:
    city = copy(tmp_path)
    path = city / name
    content = path.read_bytes()

    path.write_bytes(content[:-1])
    with pytest.raises(CityError, match=f"{path.name} has .* cut short"):
        load_city(city)
    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    with pytest.raises(CityError, match=f"{path.name} was changed or damaged"):
        load_city(city)
    path.unlink()
    with pytest.raises(CityError, match=f"{path.name} is missing"):
        load_city(city)
    path.write_bytes(content)
    assert load_city(city).checksum == load_city(HELSINKI).checksum


def describe(city: Path, change: dict[str, Any], *, seal: bool = True) -> None:
    """Change `city.json`; seal it as the builder would."""
    path = city / "city.json"
    changed = {**json.loads(path.read_text(encoding="utf-8")), **change}
    if seal:
        changed["checksum"] = meta_checksum(changed)
    path.write_text(json.dumps(changed), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "seal", "says"),
    [
        ({"title": "Stockholm"}, False, "changed after it was built"),
        ({"format": "shapefile"}, True, "does not describe a city"),
        ({"modes": ["broom"]}, True, "broom"),
        ({"bounds": [1, 2, 3]}, True, "lacks or garbles"),
        ({"hierarchy": {}}, True, "lacks or garbles 'version'"),
        ({"files": {}, "hierarchy": {"version": HIERARCHY_VERSION}}, True, "lacks or garbles"),
    ],
)
def test_a_changed_or_foreign_description_is_refused(
    tmp_path: Path, change: dict[str, Any], seal: bool, says: str
) -> None:
    city = copy(tmp_path)
    describe(city, change, seal=seal)
    with pytest.raises(CityError, match=says):
        load_city(city)
    (city / "city.json").write_text("{", encoding="utf-8")
    with pytest.raises(CityError, match="not JSON"):
        load_city(city)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format_version": FORMAT_VERSION + 1}, f"format version {FORMAT_VERSION + 1}, this"),
        ({"builder_version": BUILDER_VERSION - 1}, f"version {BUILDER_VERSION - 1} of the builder"),
    ],
)
def test_a_city_of_another_version_says_how_to_build_it_again(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    city = copy(tmp_path)
    describe(city, change)
    with pytest.raises(CityError, match=says) as refusal:
        load_city(city)
    assert str(refusal.value).endswith(
        "build it again: samehour city build --pbf Helsinki.osm.pbf --name helsinki "
        f"--title Helsinki --time-zone Europe/Helsinki --out {city} --force"
    )


def test_the_network_is_mapped_from_disk_and_cannot_be_written(helsinki: City) -> None:
    times = helsinki.network.arrays.time_ds
    assert isinstance(times.base, mmap.mmap)
    with pytest.raises(ValueError, match="read-only"):
        times[0, 0, 0] = 1


# --- what was checked is not checked again -------------------------------------------------------


def stamps(cache: Path) -> list[Path]:
    return sorted((cache / "samehour" / "cities").glob("*"))


def aged(city: Path) -> Path:
    """Make a city look as if it had been lying there for a minute."""
    for path in city.rglob("*"):
        was = path.stat().st_mtime_ns - 60 * 10**9
        os.utime(path, ns=(was, was))
    return city


def test_a_city_is_stamped_once_and_again_when_its_files_were_touched(
    tmp_path: Path, cache: Path
) -> None:
    city = copy(tmp_path)
    load_city(city)
    (stamp,) = stamps(cache)
    first = stamp.read_bytes()
    assert first.endswith(os.fsencode(city))
    aged(city)
    load_city(city)
    assert stamp.read_bytes() != first


def test_a_stamp_does_not_hide_a_change_of_the_same_size_and_time(
    tmp_path: Path, cache: Path
) -> None:
    city = copy(tmp_path)
    load_city(city)
    assert stamps(cache)
    path = city / "doors" / "people.npy"
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(CityError, match=r"people\.npy was changed or damaged"):
        load_city(city)


def test_a_forged_or_broken_stamp_counts_for_nothing(tmp_path: Path, cache: Path) -> None:
    city = copy(tmp_path)
    load_city(city)
    (stamp,) = stamps(cache)
    good = stamp.read_bytes()
    path = city / "NOTICE.txt"
    path.write_bytes(path.read_bytes().swapcase())
    for content in (good, b"", b"\xff\x00", good[:10]):
        stamp.write_bytes(content)
        with pytest.raises(CityError, match=r"NOTICE\.txt was changed"):
            load_city(city)


def test_without_room_for_stamps_everything_is_checked_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = copy(tmp_path)
    (tmp_path / "file").touch()
    for home in (str(tmp_path / "file"), "/proc/nowhere"):
        monkeypatch.setenv("XDG_CACHE_HOME", home)
        assert load_city(city).checksum == load_city(HELSINKI).checksum
    path = city / "NOTICE.txt"
    path.write_bytes(path.read_bytes().swapcase())
    with pytest.raises(CityError, match=r"NOTICE\.txt was changed"):
        load_city(city)


def test_stamps_lie_in_the_home_folder_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for unusable in ("", "relative/cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        load_city(HELSINKI)
        assert len(stamps(tmp_path / "home" / ".cache")) == 1


def test_stamps_of_folders_that_are_gone_are_cleared_away(tmp_path: Path, cache: Path) -> None:
    first = copy(tmp_path)
    load_city(first)
    second = first.rename(tmp_path / "moved")
    load_city(second)
    (stamp,) = stamps(cache)
    assert stamp.read_bytes().endswith(b"/moved")


# --- hierarchies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(Mode))
def test_what_a_mode_is_searched_on_is_stored_as_it_would_be_built(
    helsinki: City, mode: Mode
) -> None:
    network = helsinki.network
    graph, topology = network.roads(mode)
    built = mode_graph(network.arrays, mode, network.classes)
    for one, other in zip(graph, built, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    place = network.arrays.node_e7[graph.state_node] / E7
    again = build_topology(
        len(graph.state_node), graph.link_tail, graph.link_head, place[:, 0], place[:, 1]
    )
    for name, array in again.arrays().items():
        assert np.array_equal(topology.arrays()[name], array), name


def test_hierarchies_of_another_version_are_made_anew_on_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city = copy(tmp_path)
    meta = json.loads((city / "city.json").read_text(encoding="utf-8"))
    stale = city / "hierarchy" / "roads-00000000.npy"
    (city / meta["hierarchy"]["file"]).rename(stale)
    name = "hierarchy/roads-00000000.npy"
    files = {key: entry for key, entry in meta["files"].items() if "hierarchy" not in key}
    files[name] = meta["files"][meta["hierarchy"]["file"]]
    hierarchy = {**meta["hierarchy"], "version": HIERARCHY_VERSION - 1, "file": name}
    describe(city, {"hierarchy": hierarchy, "files": files})

    renewed = load_city(city)
    assert "ordering roads for car" in capsys.readouterr().err
    assert renewed.network.roads(Mode.CAR)
    assert renewed.checksum == load_city(HELSINKI).checksum
    assert (city / "city.json").read_bytes() == (HELSINKI / "city.json").read_bytes()
    assert not stale.exists()
    load_city(city)
    assert capsys.readouterr().err == ""


def test_where_they_cannot_be_written_they_are_made_at_first_use(tmp_path: Path) -> None:
    city = copy(tmp_path)
    meta = json.loads((city / "city.json").read_text(encoding="utf-8"))
    describe(city, {"hierarchy": {**meta["hierarchy"], "version": HIERARCHY_VERSION - 1}})
    before = (city / "city.json").read_bytes()
    # A folder stands where the new file would be written first.
    (city / "hierarchy" / f".{os.getpid()}.npy").mkdir()
    made = load_city(city)
    assert (city / "city.json").read_bytes() == before
    assert made.network.version.endswith(f"-h{HIERARCHY_VERSION}")
    kept = load_city(HELSINKI).network
    for one, other in zip(made.network.graph(Mode.BIKE), kept.graph(Mode.BIKE), strict=True):
        assert np.array_equal(one, other)


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def garble(path: Path) -> None:
    path.write_bytes(b"no array" + path.read_bytes()[8:])


@pytest.mark.parametrize("harm", [Path.unlink, shorten, garble])
def test_a_hierarchy_harmed_after_loading_is_named_when_it_is_opened(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    city = copy(tmp_path)
    loaded = load_city(city)
    (path,) = (city / "hierarchy").iterdir()
    harm(path)
    with pytest.raises(CityError, match=rf"{path.name} cannot be read .*city build"):
        loaded.network.roads(Mode.WALK)


def test_addresses_that_do_not_belong_to_the_doors_are_refused_when_read(tmp_path: Path) -> None:
    city = copy(tmp_path)
    loaded = load_city(city)
    path = city / "doors" / "addresses.txt"
    path.write_text("Here\n", encoding="utf-8")
    assert len(loaded.doors.address) == len(loaded.doors)
    with pytest.raises(CityError, match=r"addresses\.txt has 1 lines instead of"):
        _ = loaded.doors.address[0]
