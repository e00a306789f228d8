"""The roads and zones of an AequilibraE project: a SpatiaLite database, read as a plain file.

Read with the standard library alone, neither AequilibraE nor SpatiaLite is needed.  Shapes are
SpatiaLite's BLOBs: its manual, "BLOB-Geometry format"; tables and columns: AequilibraE's
documentation, "The AequilibraE project", network and zones.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from geo.census import Zone
from geo.errors import CityError
from geo.osm import OsmMap, Way
from geo.types import LonLat

DATABASE: Final = "project_database.sqlite"
EXAMPLE_IN_WHEEL: Final = "aequilibrae/reference_files/coquimbo.zip"
"""The one example in AequilibraE's wheel with a real city's OpenStreetMap network and zones."""

NOTICE: Final = """\
Roads, zones and people were read from an AequilibraE project.  AequilibraE's example projects are
part of AequilibraE, whose licence asks for this notice:

    MIT License (with added clause)

    Copyright (c) 2014-, AequilibraE Developers.

    Permission is hereby granted, free of charge, to any person obtaining a copy
    of this software and associated documentation files (the "Software"), to deal
    in the Software without restriction, including without limitation the rights
    to use, copy, modify, merge, publish, distribute and/or sublicense
    copies of the Software, and to permit persons to whom the Software is
    furnished to do so, subject to the following conditions:

    The above copyright notice and this permission notice shall be included in
    all copies or substantial portions of the Software.

    THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
    IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
    FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
    AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
    LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
    OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN
    THE SOFTWARE.

    Additional clause:

    Reference to the software has to be made in all documentation for
    work developed with the software.
"""

_CONNECTOR: Final = "centroid_connector"
_SQLITE: Final = b"SQLite format 3\0"
_VERSION_BYTES: Final = slice(18, 20)
_LINKS: Final = frozenset(
    {"link_id", "osm_id", "a_node", "b_node", "direction", "link_type", "modes", "name"}
    | {"speed_ab", "speed_ba", "geometry"}
)
_NODES: Final = frozenset({"node_id", "osm_id", "geometry"})
_ZONES: Final = frozenset({"zone_id", "population", "geometry"})
_HEAD_BYTES: Final = 39
_START, _LITTLE, _HEAD_END, _PART, _END = 0x00, 0x01, 0x7C, 0x69, 0xFE
_POLYGON, _MULTIPOLYGON = 3, 6
_POINT_BYTES: Final = 16
_AGAIN: Final = "open it in AequilibraE and save it again"


class Project(NamedTuple):
    """What a project holds of a city.

    Attributes
    ----------
    osm
        Its links as ways, centroid connectors left out.  Points between two nodes, and nodes that
        are not OpenStreetMap's, have numbers below 0.
    zones
        Ascending by id; those with nobody in them are left out.
    sha256
        Of the database, the same whichever archive it came in.
    """

    osm: OsmMap
    zones: tuple[Zone, ...]
    sha256: str


def read_project(path: Path) -> Project:
    """Read a project.

    Parameters
    ----------
    path
        A `project_database.sqlite`, a zip archive with one at its top, or the AequilibraE wheel,
        of which the example `EXAMPLE_IN_WHEEL` is read.

    Raises
    ------
    CityError
        The file cannot be read, is none of these, or its network is not OpenStreetMap's.
    """
    content = _database(path)
    try:
        database = sqlite3.connect(":memory:")
        try:
            database.deserialize(_without_journal(content))
            ways, positions = _ways(database, path)
            zones = _zones(database, path)
        finally:
            database.close()
    except (sqlite3.Error, GEOSException, struct.error, TypeError, ValueError) as error:
        raise CityError(
            f"{path} cannot be read as an AequilibraE project ({error}); {_AGAIN}"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    return Project(OsmMap(ways, positions), zones, digest)


# --- the file ------------------------------------------------------------------------------------


def _database(path: Path) -> bytes:
    if path.is_dir():
        raise CityError(f"{path} is a folder; name its {DATABASE}")
    if not path.exists():
        raise CityError(f"there is no file {path}; name AequilibraE's wheel or a {DATABASE}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CityError(
            f"{path} cannot be read ({error.strerror}); check the file and its permissions"
        ) from error
    log = path.with_name(f"{path.name}-wal")
    if content.startswith(_SQLITE) and log.exists() and log.stat().st_size:
        raise CityError(f"{path} is open in another program; close it there, then build again")
    try:
        for inner in (EXAMPLE_IN_WHEEL, DATABASE):
            if zipfile.is_zipfile(io.BytesIO(content)):
                content = _unpacked(content, inner)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise CityError(f"{path} is damaged ({error}); download it again") from error
    if not content.startswith(_SQLITE):
        raise CityError(
            f"{path} is neither AequilibraE's wheel nor a zip archive with a {DATABASE} nor a "
            "SQLite file; name one of these"
        )
    return content


def _unpacked(archive: bytes, inner: str) -> bytes:
    """Return a file out of an archive; the archive itself where it holds no such file."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return file.read(inner) if inner in file.namelist() else archive


def _without_journal(content: bytes) -> bytes:
    """Return a database that is read as it stands, without the log it may have been kept with."""
    whole = bytearray(content)
    whole[_VERSION_BYTES] = b"\x01\x01"  # of the SQLite file format: 1 is without a log
    return bytes(whole)


def _rows(
    database: sqlite3.Connection, table: str, wanted: frozenset[str], path: Path
) -> Iterator[dict[str, Any]]:
    columns = [row[1] for row in database.execute("SELECT * FROM pragma_table_info(?)", (table,))]
    if missing := sorted(wanted - set(columns)):
        raise CityError(
            f"{path} has no {table} with {', '.join(missing)}; name an AequilibraE project whose "
            "network was made from OpenStreetMap"
        )
    names = sorted(wanted)
    rows = database.execute(f"SELECT {', '.join(names)} FROM {table}")  # noqa: S608
    for row in rows:
        yield dict(zip(names, row, strict=True))


# --- links and nodes -----------------------------------------------------------------------------


def _ways(database: sqlite3.Connection, path: Path) -> tuple[tuple[Way, ...], dict[int, LonLat]]:
    links = list(_rows(database, "links", _LINKS, path))
    links = sorted(
        (row for row in links if row["link_type"] != _CONNECTOR),
        key=lambda row: (row["osm_id"] or 0, row["link_id"]),
    )
    if not any(row["osm_id"] for row in links):
        raise CityError(
            f"{path} has no link with an OpenStreetMap number; only networks made from "
            "OpenStreetMap can be built"
        )
    ends = {row[end] for row in links for end in ("a_node", "b_node")}
    nodes = [row for row in _rows(database, "nodes", _NODES, path) if row["node_id"] in ends]
    numbers = {row["node_id"]: row["osm_id"] or -row["node_id"] for row in nodes}
    places = shapely.get_coordinates(shapes([row["geometry"] for row in nodes]))
    positions = {
        numbers[row["node_id"]]: LonLat(*place)
        for row, place in zip(nodes, places.tolist(), strict=True)
    }
    invented = min(0, *numbers.values())
    ways = []
    for row, line in zip(links, shapes([row["geometry"] for row in links]), strict=True):
        inner = shapely.get_coordinates(line)[1:-1].tolist()
        chain = list(range(invented - 1, invented - 1 - len(inner), -1))
        invented -= len(inner)
        positions.update(zip(chain, (LonLat(*place) for place in inner), strict=True))
        if not numbers.keys() >= {row["a_node"], row["b_node"]}:
            raise CityError(
                f"{path}: link {row['link_id']} ends at a node that is not there; {_AGAIN}"
            )
        nodes_of_way = (numbers[row["a_node"]], *chain, numbers[row["b_node"]])
        ways.append(Way(row["osm_id"] or -row["link_id"], nodes_of_way, way_tags(row)))
    return tuple(ways), positions


def way_tags(link: dict[str, Any]) -> dict[str, str]:
    """Return OpenStreetMap's tags for a link, as far as the project kept them.

    Parameters
    ----------
    link
        Its row, by column.  Directions are 1 from `a_node` to `b_node`, -1 the other way round
        and 0 both; speeds are km/h, as tagged in `maxspeed`.

    Notes
    -----
    Of the project's mode letters only a missing `c` says something that the class does not: that
    motor vehicles are shut out.
    """
    tags = {
        "highway": str(link["link_type"]),
        "oneway": {1: "yes", -1: "-1"}.get(link["direction"], "no"),
    }
    if link["name"]:
        tags["name"] = str(link["name"])
    if "c" not in (link["modes"] or ""):
        tags["motor_vehicle"] = "no"
    along, against = link["speed_ab"], link["speed_ba"]
    if link["direction"]:
        # A link turned round in AequilibraE may carry its one limit on the other side.
        limit = (along or against) if link["direction"] == 1 else (against or along)
        along = against = limit
    for key, limit in (("maxspeed:forward", along), ("maxspeed:backward", against)):
        if limit:
            tags[key] = f"{limit:g}"
    return tags


# --- zones ---------------------------------------------------------------------------------------


def _zones(database: sqlite3.Connection, path: Path) -> tuple[Zone, ...]:
    rows = [row for row in _rows(database, "zones", _ZONES, path) if row["population"]]
    areas = shapes([row["geometry"] for row in rows])
    zones = (
        Zone(int(row["zone_id"]), float(row["population"]), area)
        for row, area in zip(rows, areas, strict=True)
    )
    return tuple(sorted(zones, key=lambda zone: zone.zone_id))


# --- SpatiaLite's shapes -------------------------------------------------------------------------


def shapes(blobs: Sequence[bytes]) -> NDArray[np.object_]:
    """Return the shapes of SpatiaLite BLOBs; raises `ValueError` for what is none.

    Notes
    -----
    A BLOB is well-known binary between a head of 39 bytes (start, byte order, reference system,
    bounding box, end of head) and an end byte, but for the byte order of the parts of a
    collection: it stands in the head only, and a mark stands in its place.
    """
    found: NDArray[np.object_] = np.atleast_1d(shapely.from_wkb([_wkb(blob) for blob in blobs]))
    return found


def _wkb(blob: bytes) -> bytes:
    if (
        len(blob) <= _HEAD_BYTES
        or (blob[0], blob[_HEAD_BYTES - 1], blob[-1]) != (_START, _HEAD_END, _END)
        or blob[1] != _LITTLE
    ):
        raise ValueError("a geometry is not a little-endian SpatiaLite BLOB")
    wkb = bytearray((_LITTLE, *blob[_HEAD_BYTES:-1]))
    (kind,) = struct.unpack_from("<I", wkb, 1)
    if kind == _MULTIPOLYGON:
        _mark_parts(wkb)
    elif kind > _POLYGON:
        raise ValueError(f"a geometry is of SpatiaLite's class {kind}")
    return bytes(wkb)


def _mark_parts(wkb: bytearray) -> None:
    """Write the byte order before every polygon of a collection."""
    (polygons,) = struct.unpack_from("<I", wkb, 5)
    at = 9
    for _ in range(polygons):
        if wkb[at] != _PART:
            raise ValueError("a geometry is damaged")
        wkb[at] = _LITTLE
        (rings,) = struct.unpack_from("<I", wkb, at + 5)
        at += 9
        for _ in range(rings):
            (points,) = struct.unpack_from("<I", wkb, at)
            at += 4 + points * _POINT_BYTES
