"""A look at the framing of an OSM PBF file, so that a broken one is refused before it is read.

The file is a row of blobs, each led by a 4-byte length and a small header that says how long the
blob is (OpenStreetMap wiki, "PBF Format").  Following these lengths to the exact end of the file
and unpacking every blob finds files that are cut short, damaged or something else altogether.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO, Final

from geo.errors import CityError

_MOST_HEADER_BYTES: Final = 64 * 1024
_MOST_BLOB_BYTES: Final = 64 * 1024 * 1024
_LENGTH_BYTES: Final = 4
_MOST_VARINT_BITS: Final = 70
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_AGAIN: Final = "download or export the extract again"


def check_pbf(path: Path) -> None:
    """Raise `CityError` unless a file is a whole OSM PBF file.

    Parameters
    ----------
    path
        The file; read once, in O(size).
    """
    if path.is_dir():
        raise CityError(f"{path} is a folder; name an .osm.pbf file")
    if not path.exists():
        raise CityError(f"there is no file {path}; name an existing .osm.pbf file")
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size == 0:
                raise CityError(f"{path} is empty; {_AGAIN}")
            _check_blobs(file, size, path)
    except OSError as error:
        raise CityError(
            f"{path} cannot be read ({error.strerror}); check the file and its permissions"
        ) from error


def _check_blobs(file: BinaryIO, size: int, path: Path) -> None:
    number = 0
    while file.tell() < size:
        lead = file.read(_LENGTH_BYTES)
        length = int.from_bytes(lead)
        foreign = len(lead) < _LENGTH_BYTES or not 0 < length <= _MOST_HEADER_BYTES
        if foreign and number == 0:
            raise _not_pbf(path)
        if foreign:
            raise _cut(path, size)
        head = file.read(length)
        try:
            fields = dict(_fields(head)) if len(head) == length else None
        except (ValueError, IndexError):
            fields = None
        kind = (fields or {}).get(1)
        data_bytes = (fields or {}).get(3)
        if number == 0 and kind != b"OSMHeader":
            raise _not_pbf(path)
        if not isinstance(kind, bytes) or not isinstance(data_bytes, int):
            raise _cut(path, size)
        if not 0 < data_bytes <= _MOST_BLOB_BYTES:
            raise CityError(f"{path} is damaged near byte {file.tell()}; {_AGAIN}")
        blob = file.read(data_bytes)
        if len(blob) < data_bytes:
            raise _cut(path, size)
        _check_blob(blob, path, file.tell())
        number += 1
    if number == 1:
        raise CityError(
            f"{path} has a header but no map data; choose an extract that covers the city"
        )


def _check_blob(blob: bytes, path: Path, end: int) -> None:
    damaged = CityError(f"{path} is damaged before byte {end}; {_AGAIN}")
    try:
        fields = dict(_fields(blob))
        packed = fields.get(3)
        unpacked = zlib.decompress(packed) if isinstance(packed, bytes) else None
    except (ValueError, IndexError, zlib.error) as error:
        raise damaged from error
    if unpacked is not None and fields.get(2) not in (None, len(unpacked)):
        raise damaged


def _fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """Return the fields of a protobuf message; raises ValueError or IndexError on nonsense."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            found.append((number, value))
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError("wire type")
        if at + length > len(message):
            raise ValueError("length")
        found.append((number, message[at : at + length]))
        at += length
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _MOST_VARINT_BITS, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise ValueError("varint")


def _not_pbf(path: Path) -> CityError:
    return CityError(f"{path} is not an OSM PBF file; name an .osm.pbf file")


def _cut(path: Path, size: int) -> CityError:
    return CityError(f"{path} is cut short or damaged: it ends at byte {size}; {_AGAIN}")
