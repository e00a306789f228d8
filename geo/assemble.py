"""From OpenStreetMap's elements to a city on disk, whatever they were read from.

The folder is written under another name beside its place and moved there when it is complete, so
that a failure leaves nothing half-written.  The same input gives the same bytes.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo import progress
from geo.arrays import NetworkArrays, save_arrays
from geo.census import Zone, provisional_sites, zone_doors
from geo.city import (
    ATTRIBUTION,
    BUILDER_VERSION,
    FORMAT,
    FORMAT_VERSION,
    LICENCE,
    City,
    load_city,
)
from geo.errors import CityError
from geo.graph import Graph, build_graph
from geo.hours import check_time_zone, country_of
from geo.integrity import META, listing, meta_text, sealed
from geo.layers import Box, map_layers, save_layers
from geo.network import E7, M_PER_DEGREE, RoadNetwork
from geo.osm import OsmMap
from geo.osm_access import CLASSES, MODES
from geo.places import DRIVE_LEFT, NUMBER_FIRST, DoorRow, StoreRow, as_e7, doors, stores
from geo.snapping import FOUND
from geo.stored import write_hierarchies
from geo.types import LonLat, Mode

MARGIN_M: Final = 50.0
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_NOTICE: Final = """\
The data in this folder is derived from OpenStreetMap, © OpenStreetMap contributors, and is made
available under the Open Database License (ODbL) 1.0, as OpenStreetMap is:

    https://opendatacommons.org/licenses/odbl/1-0/
    https://www.openstreetmap.org/copyright

Whoever shows a map made from it names "© OpenStreetMap contributors" on it; whoever passes the
data on, changed or not, does so under the same licence.  city.json names the extract it was built
from.  The licence of the program does not extend to this folder.
"""


@dataclass(frozen=True, slots=True)
class Source:
    """What a city is built from.

    Attributes
    ----------
    kind
        `pbf`, `place`, `bbox`, `graphml` or `aequilibrae`.
    name
        File name, place or box, as written in `city.json`.
    sha256
        Of the file; empty where there is none.
    label
        How messages call it.
    remedy
        What to do when it has no stores.
    stores
        Name of the file that lists the stores, if they are not the map's.
    notice
        What the source's own licence wants to be said, besides OpenStreetMap's.
    """

    kind: str
    name: str
    sha256: str
    label: str
    remedy: str
    stores: str = ""
    notice: str = ""


def check_name(name: str) -> None:
    """Raise `CityError` unless a city may be called so."""
    if not _NAME.fullmatch(name):
        raise CityError(
            f"'{name}' cannot name a city; use lower-case letters, digits, '-' and '_', "
            "for example --name la-serena"
        )


def check_target(out: Path, *, force: bool) -> None:
    """Raise `CityError` unless a city may be written to a folder.

    Parameters
    ----------
    out
        Must not exist, be empty, or (with `force`) hold a city.
    force
        Whether a city there may be replaced.
    """
    if out.exists() and not out.is_dir():
        raise CityError(f"{out} is a file; choose another folder with --out")
    if out.is_dir() and any(out.iterdir()):
        if not (out / META).is_file():
            raise CityError(
                f"{out} is a folder without a city and would be overwritten; choose another "
                "folder with --out"
            )
        if not force:
            raise CityError(f"{out} already holds a city; replace it with --force")


def assemble(
    osm: OsmMap,
    source: Source,
    out: Path,
    *,
    name: str,
    title: str,
    time_zone: str | None,
    force: bool = False,
    zones: Sequence[Zone] = (),
    sites: int = 0,
) -> City:
    """Build a city and write it.

    Parameters
    ----------
    osm
        What was read.
    source
        Where from.
    out
        The folder to be made; see `check_target`.
    name, title
        Short name and name for people.
    time_zone
        IANA name, or None to look it up by place.
    force
        Whether a city at `out` may be replaced.
    zones
        Where they are given, doors are drawn from them instead of looked for on the map.
    sites
        How many stores to place among the doors of the zones where the map has none.

    Raises
    ------
    CityError
        No roads, no stores, no time zone, or `out` cannot be written.
    """
    check_name(name)
    check_target(out, force=force)
    with progress.stage("joining streets"):
        graph = build_graph(osm)
    if not graph.counts[Mode.WALK].edges:
        raise CityError(
            f"{source.label} has no streets that a courier can use; choose an extract that "
            "covers a town"
        )
    box = _bounds(graph.arrays)
    zone = time_zone or _time_zone(graph.arrays, source)
    check_time_zone(zone)
    country = country_of(zone)
    drive_left = country in DRIVE_LEFT
    network = RoadNetwork(
        graph.arrays, MODES, CLASSES, graph.names, version=name, drive_left=drive_left
    )
    left = Counter(graph.left_out)
    with progress.stage("finding stores and doors"):
        store_rows, door_rows = _places(
            osm, network, left, name=name, country=country, zones=zones, sites=sites
        )
    if not store_rows:
        raise CityError(
            f"{source.label} has no supermarkets or convenience stores that can be reached; "
            f"{source.remedy}"
        )
    with progress.stage("drawing the map"):
        layers = map_layers(osm, box)
    meta = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "builder_version": BUILDER_VERSION,
        "name": name,
        "title": title,
        "time_zone": zone,
        "bounds": box,
        "attribution": ATTRIBUTION,
        "licence": LICENCE,
        "source": {
            "kind": source.kind,
            "name": source.name,
            "sha256": source.sha256,
            "stores": source.stores,
        },
        "drive_left": drive_left,
        "modes": [str(mode) for mode in MODES],
        "classes": CLASSES,
        "counts": {
            "nodes": network.node_count,
            "edges": network.edge_count,
            "signals": graph.signals,
            "restrictions": graph.restrictions,
            "stores": len(store_rows),
            "stores_with_opening_hours": sum(bool(row.opening_hours) for row in store_rows),
            "doors": len(door_rows),
            "people": round(sum(row.people for row in door_rows)),
            **{f"map_{layer}": len(drawn.shapes) for layer, drawn in layers.items()},
        },
        "roads": {str(mode): asdict(counts) for mode, counts in graph.counts.items()},
        "left_out": dict(sorted(left.items())),
    }

    def write(folder: Path) -> None:
        _write_places(folder, store_rows, door_rows)
        _write_network(folder, graph)
        (folder / "map").mkdir()
        save_layers(layers, folder / "map")
        notice = f"{_NOTICE}\n{source.notice}" if source.notice else _NOTICE
        (folder / "NOTICE.txt").write_text(notice, encoding="utf-8", newline="\n")
        hierarchy = write_hierarchies(network, folder)
        whole = sealed({**meta, "hierarchy": hierarchy, "files": listing(folder)})
        (folder / META).write_bytes(meta_text(whole))

    _in_place(out, write)
    return load_city(out)


def _places(
    osm: OsmMap,
    network: RoadNetwork,
    left: Counter[str],
    *,
    name: str,
    country: str | None,
    zones: Sequence[Zone],
    sites: int,
) -> tuple[tuple[StoreRow, ...], tuple[DoorRow, ...]]:
    """Return stores and doors, from the map or from zones."""

    def can_walk_to(places: Sequence[LonLat]) -> NDArray[np.bool_]:
        return _near_road(network, places, Mode.WALK)

    def can_be_reached(places: Sequence[LonLat]) -> NDArray[np.bool_]:
        near = [_near_road(network, places, mode) for mode in MODES if mode in network.modes]
        return np.asarray(np.any(near, axis=0))

    number_first = country in NUMBER_FIRST
    found = stores(osm.features, can_be_reached, number_first=number_first, left=left)
    if not zones:
        return found, doors(
            osm.features, network, can_walk_to, number_first=number_first, left=left
        )
    drawn = zone_doors(zones, network, left)
    if not found and drawn:
        found = provisional_sites(drawn, network, sites, name)
    return found, drawn


def _near_road(network: RoadNetwork, places: Sequence[LonLat], mode: Mode) -> NDArray[np.bool_]:
    degrees = np.array(places, dtype=np.float64).reshape(-1, 2)
    return np.asarray(network.snap_points(degrees, mode).state == FOUND)


def _bounds(arrays: NetworkArrays) -> Box:
    """Return the box around all roads, with a margin."""
    points = arrays.point_e7 / E7
    west, south = points.min(axis=0)
    east, north = points.max(axis=0)
    dy = MARGIN_M / M_PER_DEGREE
    dx = dy / float(np.cos(np.radians(max(abs(south), abs(north)))))
    sides = (west - dx, south - dy, east + dx, north + dy)
    return (
        round(float(sides[0]), 7),
        round(float(sides[1]), 7),
        round(float(sides[2]), 7),
        round(float(sides[3]), 7),
    )


def _time_zone(arrays: NetworkArrays, source: Source) -> str:
    """Return the time zone of the junction in the middle of all others."""
    from tzfpy import get_tz  # noqa: PLC0415 - only builders have it, and only this needs it

    nodes = arrays.node_e7 / E7
    middle = np.median(nodes, axis=0)
    lon, lat = nodes[int(np.abs(nodes - middle).sum(axis=1).argmin())]
    zone = get_tz(float(lon), float(lat))
    if not zone:
        raise CityError(
            f"{source.label} lies in no known time zone ({lat:.4f}, {lon:.4f}); name one, for "
            "example --time-zone Europe/Helsinki"
        )
    return str(zone)


# --- writing -------------------------------------------------------------------------------------


def _write_places(
    folder: Path, store_rows: tuple[StoreRow, ...], door_rows: tuple[DoorRow, ...]
) -> None:
    rows = [
        {
            "store_id": row.store_id,
            "name": row.name,
            "kind": row.kind,
            "lon": row.location.lon,
            "lat": row.location.lat,
            "opening_hours": row.opening_hours,
            "address": row.address,
            "source": row.source,
        }
        for row in store_rows
    ]
    _write_json(folder / "stores.json", rows)
    home = folder / "doors"
    home.mkdir()
    np.save(home / "place_e7.npy", as_e7([row.location for row in door_rows]))
    np.save(home / "people.npy", np.array([row.people for row in door_rows], dtype=np.float32))
    _write_lines(home / "addresses.txt", [row.address for row in door_rows])


def _write_network(folder: Path, graph: Graph) -> None:
    home = folder / "network"
    home.mkdir()
    save_arrays(graph.arrays, home)
    _write_lines(home / "names.txt", graph.names)


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _in_place(out: Path, write: Callable[[Path], None]) -> None:
    """Fill a new folder beside `out` and move it there; on any failure leave no trace."""
    made: list[Path] = []
    try:
        for parent in reversed([out.parent, *out.parent.parents]):
            if not parent.exists():
                parent.mkdir()
                made.append(parent)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        _remove_empty(made)
        raise CityError(
            f"{out} cannot be written ({error.strerror}); choose another folder with --out"
        ) from error
    fresh, old = work / "new", work / "old"
    try:
        fresh.mkdir()
        write(fresh)
        if out.exists():
            out.rename(old)
        try:
            fresh.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
    except OSError as error:
        shutil.rmtree(work, ignore_errors=True)
        _remove_empty(made)
        raise CityError(
            f"{out} cannot be written ({error.strerror}); choose another folder with --out"
        ) from error
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        _remove_empty(made)
        raise
    shutil.rmtree(work, ignore_errors=True)


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            folder.rmdir()
