"""A city on disk: a folder with its roads, stores, doors and map; read, check, describe.

city.json                what it is, where it comes from, and the checksum of every other file
network/*.npy, names.txt the roads (`geo.arrays`)
hierarchy/*.npy          what each mode is searched on (`geo.stored`)
stores.json              supermarkets and convenience stores
doors/*.npy, addresses.txt
map/*.npy, layers.json   what is drawn (`geo.layers`)
NOTICE.txt               the licence of the data
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from geo import progress
from geo.arrays import load_arrays
from geo.errors import CityError
from geo.integrity import META, check_files, meta_checksum
from geo.layers import Layer, load_layers
from geo.network import E7, RoadNetwork
from geo.stored import HIERARCHY_VERSION, StoredRoads, renew_hierarchies
from geo.types import LonLat, Mode

FORMAT: Final = "samehour-city"
FORMAT_VERSION: Final = 2
BUILDER_VERSION: Final = 2
"""Raised whenever the same input gives other roads, stores, doors or map."""

ATTRIBUTION: Final = "© OpenStreetMap contributors"
LICENCE: Final = "ODbL-1.0"
_REBUILD: Final = "build it again: samehour city build"
_SOURCES: Final = ("pbf", "place", "bbox", "graphml", "aequilibrae")


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


class Lines(Sequence[str]):
    """The lines of a file, read at first use.

    Parameters
    ----------
    path
        UTF-8, each line ended.
    count
        How many there must be; `CityError` at first use if there are not.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._path = path
        self._count = count
        self._lines: list[str] | None = None

    def _read(self) -> list[str]:
        if self._lines is None:
            lines = _lines(self._path)
            if len(lines) != self._count:
                raise CityError(
                    f"{self._path} has {len(lines)} lines instead of {self._count}; {_REBUILD}"
                )
            self._lines = lines
        return self._lines

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._read()[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())


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
    """A city ready to be used; its arrays are mapped from disk, its texts read at first use.

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
        It is missing, of another format or builder version, or a file is missing, cut short or
        changed; the message names the file and the remedy.

    Notes
    -----
    Where only the hierarchies are those of another version of this program they are made anew:
    on disk, or at their first use where the folder cannot be written.
    """
    folder = find_city(path)
    try:
        return _load(folder, _checked_meta(folder))
    except (KeyError, TypeError, ValueError) as error:
        raise CityError(f"{folder / META} lacks or garbles {error}; {_REBUILD}") from error


def _load(folder: Path, meta: Mapping[str, Any]) -> City:
    version = _version(meta)
    if meta["hierarchy"]["version"] == HIERARCHY_VERSION:
        return _city(folder, meta, version, StoredRoads(folder, meta["hierarchy"], _REBUILD))
    with progress.shown():
        fresh = renew_hierarchies(folder, meta, _network(folder, meta, version, None))
    if fresh is None:
        return _city(folder, meta, f"{version}-h{HIERARCHY_VERSION}", None)
    return _city(folder, fresh, _version(fresh), StoredRoads(folder, fresh["hierarchy"], _REBUILD))


def _version(meta: Mapping[str, Any]) -> str:
    return f"{meta['name']}-{meta['checksum'][:12]}"


def _checked_meta(folder: Path) -> dict[str, Any]:
    while True:
        meta = read_meta(folder)
        try:
            check_files(folder, meta["files"], _REBUILD)
        except CityError:
            # Another process may have replaced the city, or its hierarchies, in between.
            if read_meta(folder)["checksum"] == meta["checksum"]:
                raise
        else:
            return meta


def _network(
    folder: Path, meta: Mapping[str, Any], version: str, stored: StoredRoads | None
) -> RoadNetwork:
    return RoadNetwork(
        load_arrays(folder / "network"),
        [Mode(mode) for mode in meta["modes"]],
        meta["classes"],
        _lines(folder / "network" / "names.txt"),
        version=version,
        drive_left=meta["drive_left"],
        stored=stored,
    )


def _city(folder: Path, meta: Mapping[str, Any], version: str, stored: StoredRoads | None) -> City:
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
        network=_network(folder, meta, version, stored),
        stores=_read_stores(folder / "stores.json"),
        doors=_read_doors(folder / "doors"),
        path=folder,
        meta=meta,
    )


def read_meta(folder: Path) -> dict[str, Any]:
    """Read `city.json` and check its format, versions and own checksum.

    Raises
    ------
    CityError
        It is missing, unreadable, of another format or builder version, or was changed by hand.
    """
    path = folder / META
    try:
        meta = json.loads(path.read_bytes())
    except OSError as error:
        raise CityError(f"{path} cannot be read ({error.strerror}); {_REBUILD}") from error
    except ValueError as error:
        raise CityError(f"{path} is damaged: it is not JSON; {_REBUILD}") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise CityError(f"{path} does not describe a city; {_REBUILD}")
    if meta.get("format_version") != FORMAT_VERSION:
        raise CityError(
            f"{path} is of format version {meta.get('format_version')}, this samehour reads "
            f"version {FORMAT_VERSION}; build it again: {build_command(folder, meta)}"
        )
    if meta.get("checksum") != meta_checksum(meta):
        raise CityError(f"{path} was changed after it was built; {_REBUILD}")
    if meta.get("builder_version") != BUILDER_VERSION:
        raise CityError(
            f"{path} was made by version {meta.get('builder_version')} of the builder, this "
            f"samehour has version {BUILDER_VERSION}; build it again: {build_command(folder, meta)}"
        )
    return meta


def build_command(folder: Path, meta: Mapping[str, Any]) -> str:
    """Return the command line that makes a city again, as far as its description tells.

    Of a file that it was built from only the name is known.
    """
    source = meta.get("source")
    if not isinstance(source, dict) or source.get("kind") not in _SOURCES:
        return "samehour city build"
    words = ["samehour", "city", "build", f"--{source['kind']}", str(source.get("name", ""))]
    for option in ("name", "title", "time_zone"):
        words += [f"--{option.replace('_', '-')}", str(meta.get(option, ""))]
    if source.get("stores"):
        words += ["--stores", str(source["stores"])]
    return shlex.join([*words, "--out", str(folder), "--force"])


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
    if len(places) != len(people):
        raise CityError(f"the files of {folder} do not belong together; {_REBUILD}")
    addresses = Lines(folder / "addresses.txt", len(places))
    return Doors(places[:, 0].copy(), places[:, 1].copy(), people, addresses)
