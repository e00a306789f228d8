"""A city on disk from a PBF file, a place, a box or a GraphML file.

The only file that imports osmnx, pyrosm or osmium: whatever they read becomes `geo.osm.OsmMap`,
and from there on all sources go the same way (`geo.assemble`).
"""

from __future__ import annotations

import json
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import osmium
import osmnx
import pyrosm
from requests.exceptions import RequestException

from geo import progress
from geo.aequilibrae import DATABASE, NOTICE, read_project
from geo.assemble import Source, assemble, check_name, check_target
from geo.census import PROVISIONAL_SITES, Zone
from geo.city import City
from geo.errors import CityError
from geo.hours import check_time_zone
from geo.integrity import file_checksum
from geo.osm import Feature, Member, OsmMap, Restriction, Tags, Way
from geo.osm_access import NODE_RULE_TAGS, RULE_TAGS, signals
from geo.pbf import check_pbf
from geo.plane import LAT_LIMIT, LON_LIMIT
from geo.sources import (
    FEATURE_TAGS,
    restrictions_of_answer,
    sorted_features,
    stores_from_file,
    text_tags,
    ways_of_graph,
)
from geo.types import LonLat

BBox = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

WAY_TAGS: Final = [*RULE_TAGS, "name", "ref", "area"]
"""The tags of ways that `geo.osm_access` and `geo.graph` read."""

NODE_TAGS: Final = [*NODE_RULE_TAGS]
"""Those of nodes: a barrier and whom it lets through, signals and whom they hold up."""

_NOT_TAGS: Final = frozenset(
    {
        *("id", "nodes", "geometry", "u", "v", "length", "osm_type", "visible", "timestamp"),
        *("version", "changeset", "lon", "lat", "tags"),
    }
)
_LIST_STORES: Final = "list them in a file: --stores stores.csv"


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted, whatever it is built from.

    Attributes
    ----------
    out
        Folder of the new city.
    name, title
        Short name (the folder's by default) and name for people.
    time_zone
        IANA name; found by place if not given.
    stores
        CSV or GeoJSON file of stores to be used instead of those on the map.
    force
        Replace a city that stands at `out`.
    """

    out: Path
    name: str | None = None
    title: str | None = None
    time_zone: str | None = None
    stores: Path | None = None
    force: bool = False


def build_from_pbf(path: Path, request: Request) -> City:
    """Build a city from an OSM PBF extract.

    Raises
    ------
    CityError
        The file, the folder or what is in them cannot be used; nothing is written.
    """
    _check(request)
    check_pbf(path)
    remedy = f"choose a larger extract, or {_LIST_STORES}"
    source = Source("pbf", path.name, file_checksum(path), str(path), remedy)
    return _build(lambda: _read_pbf(path), source, request)


def build_from_place(place: str, request: Request) -> City:
    """Build a city by the name that OpenStreetMap's search knows; needs the internet.

    `place` is for example `Tampere, Finland`; errors are those of `build_from_pbf`.
    """
    _check(request)
    if not place.strip():
        raise CityError("--place is empty; name a town, for example --place 'Tampere, Finland'")
    label = f"place '{place}'"
    source = Source("place", place, "", label, f"choose a larger place, or {_LIST_STORES}")
    if request.title is None:
        request = replace(request, title=place.partition(",")[0].strip())
    return _build(lambda: _read_online(label, place), source, request)


def build_from_bbox(bbox: BBox, request: Request) -> City:
    """Build a city from a box; needs the internet.  Errors are those of `build_from_pbf`."""
    _check(request)
    west, south, east, north = bbox
    name = f"{west},{south},{east},{north}"
    if not (-LON_LIMIT <= west < east <= LON_LIMIT and -LAT_LIMIT <= south < north <= LAT_LIMIT):
        raise CityError(
            f"--bbox {name} is no box; give west,south,east,north in degrees, west before east "
            "and south before north"
        )
    source = Source("bbox", name, "", f"box {name}", f"choose a larger box, or {_LIST_STORES}")
    return _build(lambda: _read_online(f"box {name}", bbox), source, request)


def build_from_graphml(path: Path, request: Request) -> City:
    """Build a city from a graph that OSMnx saved as GraphML.

    Such a file has roads only, so `request.stores` is needed; doors are placed along the streets.
    It has no turn restrictions either, and signals only if OSMnx was told to keep the tags.
    Errors are those of `build_from_pbf`.
    """
    _check(request)
    graph = _load_graphml(path)
    if request.stores is None:
        raise CityError(f"{path} has roads but, like every GraphML file, no stores; {_LIST_STORES}")
    source = Source(
        "graphml", path.name, file_checksum(path), str(path), "check the places in --stores"
    )
    return _build(lambda: _from_graph(graph, ()), source, request)


def build_from_aequilibrae(path: Path, request: Request, sites: int = PROVISIONAL_SITES) -> City:
    """Build a city from an AequilibraE project: its network, and doors drawn from its zones.

    `sites` stores are placed among the people unless `request.stores` lists them.  Errors are
    those of `build_from_pbf`.
    """
    _check(request)
    with progress.stage("reading the project"):
        project = read_project(path)
    source = Source("aequilibrae", DATABASE, project.sha256, str(path), _LIST_STORES, notice=NOTICE)
    return _build(lambda: project.osm, source, request, zones=project.zones, sites=sites)


def _check(request: Request) -> None:
    """Refuse before reading what can be refused then."""
    if request.name is not None:
        check_name(request.name)
    check_target(request.out, force=request.force)
    if request.time_zone is not None:
        check_time_zone(request.time_zone)


def _name(request: Request) -> str:
    if request.name is not None:
        return request.name
    return re.sub(r"[^a-z0-9]+", "-", request.out.resolve().name.lower()).strip("-") or "city"


def _build(
    read: Callable[[], OsmMap],
    source: Source,
    request: Request,
    *,
    zones: Sequence[Zone] = (),
    sites: int = 0,
) -> City:
    listed = None if request.stores is None else stores_from_file(request.stores)
    with progress.stage("reading the map"):
        osm = read()
    if listed is not None and request.stores is not None:
        source = replace(source, stores=request.stores.name)
        unlisted = (
            replace(f, tags={key: value for key, value in f.tags.items() if key != "shop"})
            for f in osm.features
        )
        osm = replace(osm, features=sorted_features([*unlisted, *listed]))
    name = _name(request)
    return assemble(
        osm,
        source,
        request.out,
        name=name,
        title=request.title or name.replace("-", " ").replace("_", " ").title(),
        time_zone=request.time_zone,
        force=request.force,
        zones=zones,
        sites=sites,
    )


# --- PBF files -----------------------------------------------------------------------------------


def _read_pbf(path: Path) -> OsmMap:
    if path.suffix != ".pbf":
        raise CityError(f"{path} must be named .osm.pbf to be read; rename it")
    try:
        with _quiet():
            reader = pyrosm.OSM(str(path), keep_metadata=False, keep_node_info=True, progress=False)
            nodes, segments = reader.get_network(
                custom_filter=['["highway"]', '["natural"="coastline"]'],
                filter_type="keep",
                nodes=True,
            ) or (None, None)
            table = reader.get_data_by_custom_criteria(
                custom_filter=dict(FEATURE_TAGS), filter_type="keep"
            )
            restrictions = _pbf_restrictions(path)
    except Exception as error:  # a damaged file makes the reader fail in any way
        raise CityError(
            f"{path} cannot be read as an OSM PBF file ({_one_line(error)}); download or export "
            "the extract again"
        ) from error
    if nodes is None or segments is None:
        raise CityError(f"{path} has no roads; choose an extract that covers a town")
    positions = {
        int(node): LonLat(float(lon), float(lat))
        for node, lon, lat in zip(nodes["id"], nodes["lon"], nodes["lat"], strict=True)
    }
    node_tags = {
        int(node): tags
        for node, raw in zip(nodes["id"], nodes["tags"], strict=True)
        if _matters(tags := _json_tags(raw))
    }
    # Coastlines come with their nodes as well, so that those that leave the extract can be cut
    # there; the feature table would lead them straight on to where they come back.
    rows = segments.drop_duplicates("id").drop(columns="geometry").to_dict("records")
    ways = [Way(int(r["id"]), tuple(int(n) for n in r["nodes"]), _row_tags(r)) for r in rows]
    return OsmMap(
        tuple(sorted(ways, key=lambda way: way.way_id)),
        positions,
        node_tags,
        sorted_features(_pbf_features(table)),
        restrictions,
    )


def _pbf_restrictions(path: Path) -> tuple[Restriction, ...]:
    """Return the turn restrictions of a file; pyrosm does not show relations without a shape."""
    reader = osmium.FileProcessor(str(path), osmium.osm.RELATION).with_filter(
        osmium.filter.TagFilter(("type", "restriction"))
    )
    kinds = {"n": "node", "w": "way", "r": "relation"}
    found = [
        Restriction(
            relation.id,
            {tag.k: tag.v for tag in relation.tags},
            tuple(Member(kinds[one.type], one.ref, one.role) for one in relation.members),
        )
        for relation in reader
        if isinstance(relation, osmium.osm.Relation)
    ]
    return tuple(sorted(found, key=lambda restriction: restriction.relation_id))


def _pbf_features(table: Any) -> Iterator[Feature]:
    if table is None:
        return
    shapes = table.geometry.array
    for row, shape in zip(table.drop(columns="geometry").to_dict("records"), shapes, strict=True):
        if row.get("natural") != "coastline":
            yield Feature(row["osm_type"], int(row["id"]), _row_tags(row), shape)


def _matters(tags: Tags) -> bool:
    """Tell whether the tags of a node change how one travels over it."""
    return "barrier" in tags or signals(tags) is not None


def _row_tags(row: Mapping[str, Any]) -> Tags:
    return {**_json_tags(row.get("tags")), **text_tags(row, _NOT_TAGS)}


def _json_tags(raw: Any) -> dict[str, str]:
    """Return the tags that have no column of their own; None, text or already a dictionary."""
    tags = json.loads(raw) if isinstance(raw, str) else raw
    if not isinstance(tags, dict):
        return {}
    return {key: value for key, value in tags.items() if isinstance(value, str)}


# --- OSMnx ---------------------------------------------------------------------------------------


def _read_online(label: str, area: str | BBox) -> OsmMap:
    try:
        with _quiet(), _osmnx_settings():
            if isinstance(area, str):
                graph = osmnx.graph_from_place(
                    area, network_type="all", simplify=False, retain_all=True
                )
                table = osmnx.features_from_place(area, dict(FEATURE_TAGS))
            else:
                graph = osmnx.graph_from_bbox(
                    area, network_type="all", simplify=False, retain_all=True
                )
                table = osmnx.features_from_bbox(area, dict(FEATURE_TAGS))
            answer = _ask_for_restrictions(graph)
    except RequestException as error:
        raise CityError(
            f"{label} cannot be fetched: OpenStreetMap's servers cannot be reached; connect to "
            "the internet, or build from a file: --pbf extract.osm.pbf"
        ) from error
    except Exception as error:  # OSMnx has many errors for what it cannot find or parse
        raise CityError(
            f"{label} is not to be had from OpenStreetMap ({_one_line(error)}); check its spelling "
            "or choose a larger area"
        ) from error
    restrictions, unread = restrictions_of_answer(answer)
    return replace(
        _from_graph(graph, _osmnx_features(table)), restrictions=restrictions, unread=unread
    )


def _ask_for_restrictions(graph: Any) -> Mapping[str, Any]:
    """Ask the map server for the turn restrictions around the nodes of a graph.

    OSMnx has no call for relations without a shape, so this goes through the one door by which it
    asks for everything else: the same server, pauses and time limits.
    """
    places = [(float(at["y"]), float(at["x"])) for _, at in graph.nodes(data=True)]
    south, west = (min(one) for one in zip(*places, strict=True))
    north, east = (max(one) for one in zip(*places, strict=True))
    asked = osmnx._overpass._make_overpass_settings()  # noqa: SLF001 - see above
    asked += f';relation["type"="restriction"]({south},{west},{north},{east});out body;'
    answer: Mapping[str, Any] = osmnx._overpass._overpass_request(  # noqa: SLF001 - see above
        OrderedDict(data=asked)
    )
    return answer


def _load_graphml(path: Path) -> Any:
    if path.is_dir():
        raise CityError(f"{path} is a folder; name a GraphML file")
    if not path.exists():
        raise CityError(f"there is no file {path}; name an existing GraphML file")
    if path.stat().st_size == 0:
        raise CityError(f"{path} is empty; save the graph again with osmnx.save_graphml")
    try:
        with _quiet():
            graph = osmnx.load_graphml(path, edge_dtypes={"oneway": str})
            if osmnx.projection.is_projected(graph.graph["crs"]):
                graph = osmnx.project_graph(graph, to_latlong=True)
    except Exception as error:  # what is no graph of OSMnx makes the reader fail in any way
        raise CityError(
            f"{path} is not a graph that OSMnx saved ({_one_line(error)}); save it again with "
            "osmnx.save_graphml"
        ) from error
    if not graph.edges:
        raise CityError(f"{path} has no roads; choose a graph that covers a town")
    return graph


def _from_graph(graph: Any, features: Iterable[Feature]) -> OsmMap:
    nodes = dict(graph.nodes(data=True))
    ways, positions = ways_of_graph(
        {node: LonLat(float(at["x"]), float(at["y"])) for node, at in nodes.items()},
        sorted(graph.edges(data=True), key=lambda edge: (edge[0], edge[1], str(edge[2]))),
    )
    node_tags = {
        node: tags for node, at in nodes.items() if _matters(tags := text_tags(at, _NOT_TAGS))
    }
    return OsmMap(ways, positions, node_tags, sorted_features(features))


def _osmnx_features(table: Any) -> Iterator[Feature]:
    rows = table.drop(columns="geometry").to_dict("records")
    for (element, number), row, shape in zip(table.index, rows, table.geometry.array, strict=True):
        yield Feature(str(element), int(number), text_tags(row, _NOT_TAGS), shape)


@contextmanager
def _osmnx_settings() -> Iterator[None]:
    """Ask for the tags our rules need, with the direction of drawing kept; leave no cache."""
    settings = osmnx.settings
    wanted = {
        "useful_tags_way": WAY_TAGS,
        "useful_tags_node": NODE_TAGS,
        "all_oneway": True,
        "use_cache": False,
        "log_console": False,
    }
    before = {key: getattr(settings, key) for key in wanted}
    for key, value in wanted.items():
        setattr(settings, key, value)
    try:
        yield
    finally:
        for key, value in before.items():
            setattr(settings, key, value)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the readers' own warnings from the user; what matters becomes a `CityError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
