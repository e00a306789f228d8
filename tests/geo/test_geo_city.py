"""A city on disk: found, checked, read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.city import FORMAT_VERSION, City, find_city, load_city, meta_checksum
from geo.errors import CityError
from geo.travel import NetworkTravelTimes
from geo.types import Mode

HELSINKI = Path(__file__).resolve().parents[2] / "data" / "helsinki"


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
    assert pace_m_s == pytest.approx(5 / 3.6, rel=0.01)


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


def test_a_changed_or_foreign_description_is_refused(tmp_path: Path) -> None:
    city = copy(tmp_path)
    path = city / "city.json"
    meta = json.loads(path.read_text(encoding="utf-8"))

    def describe(change: dict[str, object], *, seal: bool = True) -> None:
        changed = {**meta, **change}
        if seal:
            changed["checksum"] = meta_checksum(changed)
        path.write_text(json.dumps(changed), encoding="utf-8")

    describe({"title": "Stockholm"}, seal=False)
    with pytest.raises(CityError, match="changed after it was built"):
        load_city(city)
    describe({"format_version": FORMAT_VERSION + 1})
    with pytest.raises(CityError, match=f"version {FORMAT_VERSION + 1}, this samehour reads"):
        load_city(city)
    describe({"format": "shapefile"})
    with pytest.raises(CityError, match="does not describe a city"):
        load_city(city)
    describe({"modes": ["broom"]})
    with pytest.raises(CityError, match="broom"):
        load_city(city)
    path.write_text(json.dumps(meta)[:100], encoding="utf-8")
    with pytest.raises(CityError, match="not JSON"):
        load_city(city)


def test_the_network_is_mapped_from_disk_and_cannot_be_written(helsinki: City) -> None:
    times = helsinki.network.arrays.time_ds
    assert isinstance(times, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        times[0, 0, 0] = 1
