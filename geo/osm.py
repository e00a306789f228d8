"""OpenStreetMap's elements as plain values: what every source is brought to before building."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shapely.geometry.base import BaseGeometry

from geo.types import LonLat

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Way:
    """A `highway=*` way; `nodes` in the order drawn, those outside the extract included."""

    way_id: int
    nodes: tuple[int, ...]
    tags: Tags


@dataclass(frozen=True, slots=True)
class Feature:
    """Anything else: a shop, a building, a lake, a coastline.

    Attributes
    ----------
    element, osm_id
        `node`, `way` or `relation`, and its number there.
    geometry
        In degrees, longitude first.
    """

    element: str
    osm_id: int
    tags: Tags
    geometry: BaseGeometry


class Member(NamedTuple):
    """An element that a relation names: `node`, `way` or `relation`, its number and its role."""

    element: str
    osm_id: int
    role: str


@dataclass(frozen=True, slots=True)
class Restriction:
    """A `type=restriction` relation: who comes from one way may, or may not, go on by another."""

    relation_id: int
    tags: Tags
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class OsmMap:
    """All that a city is built from.

    Attributes
    ----------
    ways
        Ascending by `way_id`.
    positions
        Of the nodes of the ways; a node that is missing lies outside the extract.
    node_tags
        Of those nodes of the ways that have tags worth knowing (barriers, signals).
    features
        Ascending by element and number.
    restrictions
        Ascending by number.
    unread
        What the source has or should have and could not be read, counted by what it is.
    """

    ways: tuple[Way, ...]
    positions: Mapping[int, LonLat]
    node_tags: Mapping[int, Tags] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict)
