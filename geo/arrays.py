"""The arrays of a road network, as they lie on disk.

Everything is an integer, so that sums are exact and bytes are the same on every machine:
positions in 1e-7 degrees, lengths in decimetres, times in tenths of a second.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.errors import CityError

FLAG_AVOID_SNAP: Final = 1
"""Bit of `edge_flags`: a motorway or a tunnel, where nobody can stop or get up to the street."""

FLAG_FREE_ALONG: Final = 2
FLAG_FREE_AGAINST: Final = 4
"""Bits of `edge_flags`: who leaves the first node along the edge, or the last node against it,
does not wait for the signals there; they are for another direction."""

NODE_SIGNALS: Final = 1
"""Bit of `node_flags`: traffic signals; who leaves the node waits for them."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkArrays:
    """The arrays of a network, as they lie on disk; N nodes, E edges, P points, M modes, T turns.

    Arc `2 * e` is edge `e` as drawn, arc `2 * e + 1` the same edge against it.

    Attributes
    ----------
    node_e7
        int32 (N, 2), longitude and latitude in 1e-7 degrees.
    edge_nodes
        int32 (E, 2), the first and last node of each edge as drawn.
    edge_length_dm
        int32 (E,), decimetres.
    edge_class, edge_name, edge_flags
        uint8 (E,) index into the class names, int32 (E,) index into the street names (0 is
        the empty name), uint8 (E,) bits.
    edge_way
        int64 (E,), number of the OpenStreetMap way (the first, where several were joined).
    point_start, point_e7
        int32 (E + 1,) and int32 (P, 2): the line of edge `e` is
        `point_e7[point_start[e]:point_start[e + 1]]`, both end nodes included.
    time_ds
        int32 (M, 2, E), tenths of a second along the edge and against it; 0 where not allowed.
    node_flags
        uint8 (N,), bits.
    turn_from, turn_via, turn_to
        int32 (T,) arcs: who comes by `turn_from` may not go on by `turn_to`; with a `turn_via`
        that is not -1, who comes by the one and then this second arc may not.
    turn_modes
        uint8 (T,), one bit for each mode that the turn is forbidden to, in the order of `time_ds`.
    """

    node_e7: NDArray[np.int32]
    edge_nodes: NDArray[np.int32]
    edge_length_dm: NDArray[np.int32]
    edge_class: NDArray[np.uint8]
    edge_name: NDArray[np.int32]
    edge_flags: NDArray[np.uint8]
    edge_way: NDArray[np.int64]
    point_start: NDArray[np.int32]
    point_e7: NDArray[np.int32]
    time_ds: NDArray[np.int32]
    node_flags: NDArray[np.uint8]
    turn_from: NDArray[np.int32]
    turn_via: NDArray[np.int32]
    turn_to: NDArray[np.int32]
    turn_modes: NDArray[np.uint8]


def save_arrays(arrays: NetworkArrays, folder: Path) -> None:
    """Write each array as one `.npy` file into an existing folder."""
    for one in fields(arrays):
        np.save(folder / f"{one.name}.npy", np.ascontiguousarray(getattr(arrays, one.name)))


def load_arrays(folder: Path) -> NetworkArrays:
    """Map the arrays into memory, shared between processes.

    Raises
    ------
    CityError
        A file is missing or not an array.
    """
    loaded = {}
    for one in fields(NetworkArrays):
        path = folder / f"{one.name}.npy"
        try:
            loaded[one.name] = map_array(path)
        except (OSError, ValueError, EOFError) as error:
            raise CityError(
                f"{path} cannot be read as an array; build the city again: samehour city build"
            ) from error
    return NetworkArrays(**loaded)


def map_array(path: Path) -> NDArray[Any]:
    """Map a `.npy` file of version 1.0 into memory, to be read only.

    Raises
    ------
    OSError, ValueError
        It cannot be read, or is no such file.

    Notes
    -----
    What `numpy.load` does, in a fifth of the time: a city has many arrays, and numpy evaluates the
    head of each as Python.
    """
    with path.open("rb", buffering=0) as file:
        head = _HEAD.match(file.read(_MOST_HEAD_BYTES))
        if head is None:
            raise ValueError(f"{path} is not an array")
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    shape = tuple(int(side) for side in head[2].split(b",") if side.strip())
    return np.ndarray(shape, head[1].decode(), buffer=content, offset=head.end())


_HEAD: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|]\w+)', 'fortran_order': False, "
    rb"'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)
_MOST_HEAD_BYTES: Final = 256
