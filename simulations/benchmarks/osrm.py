"""OSRM's own wheel beside ours: the same roads as an OSM file, extracted, contracted, asked.

The wheel is for Python 3.12 and later and is no dependency: it is run by another Python, given
with `--osrm`.  Its tables count turns, as ours do.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from numpy.typing import NDArray

from geo.network import E7, RoadNetwork
from geo.types import Mode

_ASK: Final = """
import json, os, statistics, sys, time
import osrm
base, rounds, side = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
places = [tuple(place) for place in json.load(sys.stdin)]
engine = osrm.OSRM(algorithm="CH", storage_config=base, use_shared_memory=False,
                   max_locations_distance_table=-1)
asked = osrm.TableParameters(coordinates=places, sources=list(range(side)),
                             destinations=list(range(side, 2 * side)), annotations=["duration"])
took = []
for _ in range(rounds + 1):
    began = time.perf_counter()
    answer = engine.Table(asked)
    took.append((time.perf_counter() - began) * 1e3)
print(json.dumps(statistics.median(took[1:])))
"""
_PROFILE: Final = """
import importlib.util, pathlib
folder = pathlib.Path(importlib.util.find_spec("osrm").origin).parent
print(folder / "share" / "profiles" / "car.lua")
"""


class OsrmError(Exception):
    """OSRM's wheel could not be used; its own words follow."""


def table_ms(network: RoadNetwork, python: Path, places: NDArray[np.float64], rounds: int) -> float:
    """Return the median time in ms of OSRM's table between two halves of some places, by car.

    Parameters
    ----------
    python
        A Python with OSRM's wheel.
    places
        float64 (2 n, 2), degrees, longitude first: n origins, then n destinations.

    Raises
    ------
    OsrmError
        A step failed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "city.osm").write_bytes(_as_osm(network))
        profile = _run(python, "-c", _PROFILE).strip()
        _run(python, "-m", "osrm", "extract", "-p", profile, str(folder / "city.osm"))
        _run(python, "-m", "osrm", "contract", str(folder / "city.osrm"))
        half = str(len(places) // 2)
        asked = (str(folder / "city.osrm"), str(rounds), half)
        answer = _run(python, "-c", _ASK, *asked, said=json.dumps(places.tolist()))
    return float(json.loads(answer.strip().splitlines()[-1]))


def _run(python: Path, *arguments: str, said: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - the Python that was named
        [str(python), *arguments], input=said, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise OsrmError(f"{python} {' '.join(arguments[:3])} failed: {' '.join(words)}")
    return done.stdout


def _as_osm(network: RoadNetwork) -> bytes:
    """Return the car's roads as an OSM XML document; junctions are shared, other points are not."""
    times = network.times_ds(Mode.CAR)
    root = Element("osm", version="0.6")
    usable = np.flatnonzero(times.any(axis=0)).tolist()
    ends = network.arrays.edge_nodes
    for node in np.unique(ends[usable]).tolist():
        _node(root, node + 1, network.arrays.node_e7[node])
    ways = Element("ways")
    next_id = network.node_count
    for edge in usable:
        start, stop = network.arrays.point_start[edge : edge + 2].tolist()
        first, last = ends[edge].tolist()
        inner = []
        for point in range(start + 1, stop - 1):
            next_id += 1
            inner.append(next_id)
            _node(root, next_id, network.arrays.point_e7[point])
        chain = [first + 1, *inner, last + 1]
        if not times[0, edge]:
            chain.reverse()
        way = SubElement(ways, "way", id=str(edge + 1), version="1")
        for reference in chain:
            SubElement(way, "nd", ref=str(reference))
        for key, value in _tags(network, edge, is_oneway=not times[:, edge].all()):
            SubElement(way, "tag", k=key, v=value)
    root.extend(ways)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _node(root: Element, number: int, place_e7: NDArray[np.int32]) -> None:
    lon, lat = (place_e7 / E7).tolist()
    SubElement(root, "node", id=str(number), version="1", lon=f"{lon:.7f}", lat=f"{lat:.7f}")


def _tags(network: RoadNetwork, edge: int, *, is_oneway: bool) -> Iterator[tuple[str, str]]:
    yield "highway", network.classes[network.arrays.edge_class[edge]]
    if is_oneway:
        yield "oneway", "yes"
    if name := network.name(edge):
        yield "name", name
