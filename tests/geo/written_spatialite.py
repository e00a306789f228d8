"""Writes small AequilibraE projects: SpatiaLite's tables and BLOBs, by the standard library."""

from __future__ import annotations

import sqlite3
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely

Link = Mapping[str, Any]
"""`link_id`, `a_node` and `b_node`, and whatever else is not as in `_LINK`; `line` in degrees."""

_LINK: Link = {
    "osm_id": 1,
    "direction": 0,
    "link_type": "residential",
    "modes": "ct",
    "name": None,
    "speed_ab": None,
    "speed_ba": None,
}
_PART = 0x69


def blob(shape: shapely.Geometry) -> bytes:
    """Return a shape as SpatiaLite stores it."""
    wkb = bytearray(shapely.to_wkb(shape, byte_order=1))
    for part in _parts(shape):
        wkb[part] = _PART
    return struct.pack("<BBi4dB", 0, 1, 4326, *shape.bounds, 0x7C) + wkb[1:] + b"\xfe"


def _parts(shape: shapely.Geometry) -> Iterable[int]:
    """Yield where the byte order of each polygon of a collection stands in its WKB."""
    at = 9
    for part in shape.geoms if isinstance(shape, shapely.MultiPolygon) else ():
        yield at
        at += len(shapely.to_wkb(part, byte_order=1))


def write_project(
    path: Path,
    nodes: Mapping[int, tuple[int | None, shapely.Point]],
    links: Sequence[Link],
    zones: Sequence[tuple[int, float | None, shapely.Geometry]] = (),
) -> Path:
    """Write a project database; nodes are their OpenStreetMap number and place."""
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute(
        "CREATE TABLE nodes (ogc_fid INTEGER PRIMARY KEY, node_id INTEGER, is_centroid INTEGER,"
        " modes TEXT, link_types TEXT, geometry POINT, osm_id INTEGER)"
    )
    database.execute(
        "CREATE TABLE links (ogc_fid INTEGER PRIMARY KEY, link_id INTEGER, a_node INTEGER,"
        " b_node INTEGER, direction INTEGER, modes TEXT, link_type TEXT, name TEXT,"
        " speed_ab NUMERIC, speed_ba NUMERIC, geometry LINESTRING, osm_id INTEGER)"
    )
    database.execute(
        "CREATE TABLE zones (ogc_fid INTEGER PRIMARY KEY, zone_id INTEGER, population INTEGER,"
        " geometry MULTIPOLYGON)"
    )
    for node, (osm_id, place) in nodes.items():
        database.execute(
            "INSERT INTO nodes (node_id, is_centroid, geometry, osm_id) VALUES (?, 0, ?, ?)",
            (node, blob(place), osm_id),
        )
    for link in links:
        line = link.get("line") or shapely.LineString(
            [nodes[link[end]][1] for end in ("a_node", "b_node")]
        )
        row = {**_LINK, **link, "geometry": blob(line)}
        row.pop("line", None)
        database.execute(
            f"INSERT INTO links ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
            tuple(row.values()),
        )
    for zone, population, area in zones:
        database.execute(
            "INSERT INTO zones (zone_id, population, geometry) VALUES (?, ?, ?)",
            (zone, population, blob(area)),
        )
    database.commit()
    database.close()
    return path


def zipped(path: Path, inside: Mapping[str, Path]) -> Path:
    """Write an archive of files by the names they get in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in inside.items():
            archive.write(file, name)
    return path
