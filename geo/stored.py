"""What every mode is searched on, as it lies on disk: one file, mapped when a mode is used.

The arrays of all modes stand behind one another; those that are equal stand there once, for a
bicycle and a cargo bike mostly may take the same streets.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo import progress
from geo.arrays import map_array
from geo.errors import CityError
from geo.hierarchy import Topology, build_topology
from geo.integrity import META, file_checksum, meta_text, replace_file, sealed
from geo.network import E7, ModeRoads, RoadNetwork
from geo.turns import ModeGraph, mode_graph
from geo.types import Mode

HIERARCHY: Final = "hierarchy"
HIERARCHY_VERSION: Final = 1
"""Raised whenever `geo.turns` or `geo.hierarchy` make other arrays of the same roads."""

ALIGN_BYTES: Final = 64
_GRAPH, _TOPOLOGY = "graph", "topology"


class StoredRoads:
    """Opens what every mode is searched on, each at its first use.

    Parameters
    ----------
    folder
        The city's.
    index
        What `write_hierarchies` returned.
    remedy
        What to do with damaged files, for the message.
    """

    def __init__(self, folder: Path, index: Mapping[str, Any], remedy: str) -> None:
        self._path = folder / index["file"]
        self._modes: Mapping[str, Any] = index["modes"]
        self._remedy = remedy

    def __call__(self, mode: Mode) -> ModeRoads | None:
        """Map the arrays of a mode from disk; None for a mode without roads.

        Raises
        ------
        CityError
            They cannot be read or do not belong together.
        """
        parts = self._modes.get(mode)
        if parts is None:
            return None
        try:
            whole = map_array(self._path)
            graph = ModeGraph(**_unpacked(whole, parts[_GRAPH]))
            topology = Topology.of_arrays(_unpacked(whole, parts[_TOPOLOGY]))
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise CityError(f"{self._path} cannot be read ({error}); {self._remedy}") from error
        return ModeRoads(graph, topology)


def _unpacked(
    whole: NDArray[np.uint8], index: Mapping[str, tuple[str, list[int], int]]
) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name, (dtype, shape, offset) in index.items():
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        arrays[name] = whole[offset : offset + size].view(dtype).reshape(shape)
    return arrays


def write_hierarchies(network: RoadNetwork, folder: Path) -> dict[str, Any]:
    """Order the roads of every mode, and write what a search runs on.

    Parameters
    ----------
    network
        Whose modes.
    folder
        A city's; the file comes into its folder `hierarchy` and is named by its content.

    Returns
    -------
    dict
        For `city.json`: the file, and where in it each array of each mode stands.
    """
    known: list[ModeRoads] = []
    packed = _Packed()
    modes = {}
    for mode in (mode for mode in Mode if mode in network.modes):
        with progress.stage(f"ordering roads for {mode}") as report:
            roads = _ordered(network, mode, known, report)
        known.append(roads)
        modes[str(mode)] = {
            _GRAPH: {name: packed.add(array) for name, array in roads.graph._asdict().items()},
            _TOPOLOGY: {name: packed.add(a) for name, a in roads.topology.arrays().items()},
        }
    content = packed.content()
    home = folder / HIERARCHY
    home.mkdir(exist_ok=True)
    name = f"{HIERARCHY}/roads-{hashlib.sha256(content.data).hexdigest()[:8]}.npy"
    fresh = home / f".{os.getpid()}.npy"
    np.save(fresh, content)
    fresh.replace(folder / name)
    return {"version": HIERARCHY_VERSION, "file": name, "modes": modes}


def _ordered(
    network: RoadNetwork, mode: Mode, known: list[ModeRoads], report: Callable[[float], None]
) -> ModeRoads:
    graph = mode_graph(network.arrays, mode, network.classes, drive_left=network.drive_left)
    for other in known:
        # The order depends on nothing but what leads where.
        if all(
            np.array_equal(getattr(graph, name), getattr(other.graph, name))
            for name in ("state_node", "link_tail", "link_head")
        ):
            return ModeRoads(graph, other.topology)
    place = network.arrays.node_e7[graph.state_node] / E7
    topology = build_topology(
        len(graph.state_node),
        graph.link_tail,
        graph.link_head,
        place[:, 0],
        place[:, 1],
        progress=report,
    )
    return ModeRoads(graph, topology)


class _Packed:
    """Arrays behind one another, equal ones once."""

    def __init__(self) -> None:
        self._arrays: list[NDArray[np.uint8]] = []
        self._offsets: dict[bytes, int] = {}
        self._size = 0

    def add(self, array: NDArray[Any]) -> tuple[str, list[int], int]:
        """Return type, shape and place of an array."""
        content = np.ascontiguousarray(array).tobytes()
        offset = self._offsets.setdefault(hashlib.sha256(content).digest(), self._size)
        if offset == self._size:
            raw = np.frombuffer(content, dtype=np.uint8)
            self._arrays.append(np.pad(raw, (0, -len(raw) % ALIGN_BYTES)))
            self._size += len(self._arrays[-1])
        return array.dtype.str, list(array.shape), offset

    def content(self) -> NDArray[np.uint8]:
        """Return all of it."""
        return np.concatenate([*self._arrays, np.zeros(0, dtype=np.uint8)])


def renew_hierarchies(
    folder: Path, meta: Mapping[str, Any], network: RoadNetwork
) -> dict[str, Any] | None:
    """Replace the hierarchies of a city on disk by those that this program makes.

    Readers see either the old city or the new one: the new file is written beside the old, and
    `city.json` is replaced last.

    Returns
    -------
    dict or None
        The new `city.json`; None where the folder cannot be written.
    """
    if not os.access(folder, os.W_OK):
        return None
    try:
        index = write_hierarchies(network, folder)
        path = folder / index["file"]
        files = {
            name: entry
            for name, entry in meta["files"].items()
            if not name.startswith(f"{HIERARCHY}/")
        }
        files[index["file"]] = {"bytes": path.stat().st_size, "sha256": file_checksum(path)}
        old = {key: value for key, value in meta.items() if key != "checksum"}
        fresh = sealed(old | {"hierarchy": index, "files": dict(sorted(files.items()))})
        replace_file(folder / META, meta_text(fresh))
    except OSError:  # a medium that is full, or may only be read whatever its permissions say
        return None
    for other in (folder / HIERARCHY).iterdir():
        if other != path:
            with contextlib.suppress(OSError):  # still mapped, where that forbids it
                other.unlink()
    return fresh
