"""Writes small OSM PBF files, field by field (OpenStreetMap wiki, "PBF Format")."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from geo.osm import OsmMap
from geo.types import LonLat

_VARINT, _BYTES = 0, 2
_MEMBER_TYPES = ("node", "way", "relation")


def write_pbf(
    path: Path,
    osm: OsmMap,
    shops: Sequence[tuple[LonLat, Mapping[str, str]]] = (),
) -> Path:
    """Write the ways and turn restrictions of a map, and tagged points as nodes from 9001 on."""
    words = [""]

    def word(text: str) -> int:
        if text not in words:
            words.append(text)
        return words.index(text)

    nodes = [
        (number, place, osm.node_tags.get(number, {})) for number, place in osm.positions.items()
    ]
    nodes += [(9001 + number, *shop) for number, shop in enumerate(shops)]
    tags = [
        [*(word(text) for pair in of_node.items() for text in pair), 0] for _, _, of_node in nodes
    ]
    dense = b"".join(
        (
            _packed(1, _deltas(number for number, _, _ in nodes)),
            _packed(8, _deltas(round(place.lat * 1e7) for _, place, _ in nodes)),
            _packed(9, _deltas(round(place.lon * 1e7) for _, place, _ in nodes)),
            _packed(10, [index for of_node in tags for index in of_node]),
        )
    )
    ways = b"".join(
        _bytes(
            3,
            _field(1, way.way_id)
            + _packed(2, [word(key) for key in way.tags])
            + _packed(3, [word(value) for value in way.tags.values()])
            + _packed(8, _deltas(way.nodes)),
        )
        for way in osm.ways
    )
    relations = b"".join(
        _bytes(
            4,
            _field(1, one.relation_id)
            + _packed(2, [word(key) for key in one.tags])
            + _packed(3, [word(value) for value in one.tags.values()])
            + _packed(8, [word(member.role) for member in one.members])
            + _packed(9, _deltas(member.osm_id for member in one.members))
            + _packed(10, [_MEMBER_TYPES.index(member.element) for member in one.members]),
        )
        for one in osm.restrictions
    )
    groups = _bytes(2, _bytes(2, dense)) + _bytes(2, ways)
    if relations:
        groups += _bytes(2, relations)
    table = b"".join(_bytes(1, text.encode()) for text in words)
    header = _bytes(4, b"OsmSchema-V0.6") + _bytes(4, b"DenseNodes")
    path.write_bytes(_blob("OSMHeader", header) + _blob("OSMData", _bytes(1, table) + groups))
    return path


def _blob(kind: str, content: bytes) -> bytes:
    blob = _field(2, len(content)) + _bytes(3, zlib.compress(content))
    head = _bytes(1, kind.encode()) + _field(3, len(blob))
    return len(head).to_bytes(4) + head + blob


def _deltas(values: Iterable[int]) -> list[int]:
    deltas, before = [], 0
    for value in values:
        delta = value - before
        deltas.append(delta << 1 if delta >= 0 else (-delta << 1) - 1)
        before = value
    return deltas


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _packed(number: int, values: Iterable[int]) -> bytes:
    return _bytes(number, b"".join(map(_varint, values)))
