"""A city on disk: a folder with its roads, stores, doors and map; read, check, describe.

city.json                what it is, where it comes from, and the checksum of every other file
network/*.npy, names.txt the roads (`geo.network`)
stores.json              supermarkets and convenience stores
doors/*.npy, addresses.txt
map/*.npy, layers.json   what is drawn (`geo.layers`)
NOTICE.txt               the licence of the data
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import CityError
from geo.layers import Layer, load_layers
from geo.network import E7, RoadNetwork, load_arrays
from geo.types import LonLat, Mode

FORMAT: Final = "samehour-city"
FORMAT_VERSION: Final = 1
META: Final = "city.json"
ATTRIBUTION: Final = "© OpenStreetMap contributors"
LICENCE: Final = "ODbL-1.0"
_REBUILD: Final = "build it again: samehour city build"


@dataclass(frozen=True, slots=True)
class CityStore:
    """A store found on the map.

    Attributes
    ----------
    store_id
        Opaque, the same in every build.
    kind
        `supermarket` or `convenience`.
    opening_hours
        OpenStreetMap's grammar; empty where the map does not say.
    address
        Empty where the map does not say.
    """

    store_id: str
    name: str
    kind: str
    location: LonLat
    opening_hours: str
    address: str


@dataclass(frozen=True, slots=True, eq=False)
class Doors:
    """Where people live and work; n doors.

    Attributes
    ----------
    lon, lat
        float64 (n,), degrees.
    people
        float64 (n,), how many people stand behind the door; above 0.
    address
        What a courier reads, n texts.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    people: NDArray[np.float64]
    address: Sequence[str]

    def __len__(self) -> int:
        return len(self.lon)

    def location(self, index: int) -> LonLat:
        """Return where a door is."""
        return LonLat(float(self.lon[index]), float(self.lat[index]))


@dataclass(frozen=True, eq=False)
class City:
    """A city ready to be used; its arrays are mapped from disk.

    Attributes
    ----------
    bounds
        West, south, east, north in degrees, around all roads.
    attribution, licence
        To be shown on every map.
    source
        What it was built from.
    checksum
        SHA-256 of the whole city, hexadecimal.
    meta
        All of `city.json`: counts, what was kept and left out by mode.
    """

    name: str
    title: str
    time_zone: str
    bounds: tuple[float, float, float, float]
    attribution: str
    licence: str
    source: str
    checksum: str
    network: RoadNetwork
    stores: tuple[CityStore, ...]
    doors: Doors
    path: Path
    meta: Mapping[str, Any]

    @cached_property
    def layers(self) -> Mapping[str, Layer]:
        """The map, read at first use; raises `CityError` when it is damaged."""
        return load_layers(self.path / "map")


def find_city(name_or_path: str | Path) -> Path:
    """Return the folder of a city.

    Parameters
    ----------
    name_or_path
        A folder, or the name of one in `data/` of the working directory, in `data/` beside this
        source tree, or in `share/samehour/` of the Python environment; looked for in that order.

    Raises
    ------
    CityError
        There is none; the message says where it was looked for.
    """
    wanted = Path(name_or_path).expanduser()
    places = [wanted]
    if len(wanted.parts) == 1:
        places += [
            Path("data") / wanted,
            Path(__file__).resolve().parent.parent / "data" / wanted,
            Path(sys.prefix) / "share" / "samehour" / wanted,
        ]
    for place in places:
        if (place / META).is_file():
            return place
    looked = ", ".join(str(place) for place in places)
    raise CityError(
        f"there is no city '{name_or_path}' (looked for {META} in {looked}); build one: "
        "samehour city build --help"
    )


def load_city(path: str | Path) -> City:
    """Read and check a city.

    Parameters
    ----------
    path
        Its folder, or a name that `find_city` knows.

    Raises
    ------
    CityError
        It is missing, of another format version, or a file is missing, cut short or changed; the
        message names the file and the remedy.
    """
    folder = find_city(path)
    meta = read_meta(folder)
    _check_files(folder, meta)
    try:
        modes = [Mode(mode) for mode in meta["modes"]]
        network = RoadNetwork(
            load_arrays(folder / "network"),
            modes,
            meta["classes"],
            _lines(folder / "network" / "names.txt"),
            version=f"{meta['name']}-{meta['checksum'][:12]}",
        )
        west, south, east, north = (float(side) for side in meta["bounds"])
        source = meta["source"]
        return City(
            name=meta["name"],
            title=meta["title"],
            time_zone=meta["time_zone"],
            bounds=(west, south, east, north),
            attribution=meta["attribution"],
            licence=meta["licence"],
            source=f"{source['kind']} {source['name']}",
            checksum=meta["checksum"],
            network=network,
            stores=_read_stores(folder / "stores.json"),
            doors=_read_doors(folder / "doors"),
            path=folder,
            meta=meta,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CityError(f"{folder / META} lacks or garbles {error}; {_REBUILD}") from error


def read_meta(folder: Path) -> dict[str, Any]:
    """Read `city.json` and check its format, version and own checksum.

    Raises
    ------
    CityError
        It is missing, unreadable, of another format version, or was changed by hand.
    """
    path = folder / META
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CityError(f"{path} cannot be read ({error.strerror}); {_REBUILD}") from error
    except ValueError as error:
        raise CityError(f"{path} is damaged: it is not JSON; {_REBUILD}") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise CityError(f"{path} does not describe a city; {_REBUILD}")
    if meta.get("format_version") != FORMAT_VERSION:
        raise CityError(
            f"{path} is of format version {meta.get('format_version')}, this samehour reads "
            f"version {FORMAT_VERSION}; {_REBUILD}"
        )
    if meta.get("checksum") != meta_checksum(meta):
        raise CityError(f"{path} was changed after it was built; {_REBUILD}")
    return meta


def meta_checksum(meta: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a city: of `city.json` without this very figure."""
    rest = {key: value for key, value in meta.items() if key != "checksum"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_files(folder: Path, meta: Mapping[str, Any]) -> None:
    for name, entry in meta["files"].items():
        path = folder / name
        if not path.is_file():
            raise CityError(f"{path} is missing; {_REBUILD}")
        size = path.stat().st_size
        if size != entry["bytes"]:
            raise CityError(
                f"{path} has {size} bytes instead of {entry['bytes']}: it was cut short or "
                f"changed; {_REBUILD}"
            )
        if file_checksum(path) != entry["sha256"]:
            raise CityError(f"{path} was changed or damaged: its checksum differs; {_REBUILD}")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _read_stores(path: Path) -> tuple[CityStore, ...]:
    return tuple(
        CityStore(
            store_id=row["store_id"],
            name=row["name"],
            kind=row["kind"],
            location=LonLat(row["lon"], row["lat"]),
            opening_hours=row["opening_hours"],
            address=row["address"],
        )
        for row in json.loads(path.read_text(encoding="utf-8"))
    )


def _read_doors(folder: Path) -> Doors:
    places = np.load(folder / "place_e7.npy", allow_pickle=False) / E7
    people = np.load(folder / "people.npy", allow_pickle=False).astype(np.float64)
    addresses = tuple(_lines(folder / "addresses.txt"))
    if not len(places) == len(people) == len(addresses):
        raise CityError(f"the files of {folder} do not belong together; {_REBUILD}")
    return Doors(places[:, 0].copy(), places[:, 1].copy(), people, addresses)
