"""What OpenStreetMap's tags of one way mean to each mode: may it be used, which way, how fast.

Facts used here and where they stand:

* Which access keys apply to which traveller, the more specific key winning: OpenStreetMap wiki,
  "Key:access", section on transport mode hierarchy.  Couriers deliver, so `destination`,
  `delivery` and `customers` are open to them; `private` is not.
* Which classes are closed by default: wiki, "OSM tags for routing/Access restrictions".
* One-ways, implied ones included: wiki, "Key:oneway"; `reversible` and `alternating` change with
  the hour, so vehicles are refused both ways.
* Cycling against a one-way: wiki, "Key:oneway:bicycle" and "Key:cycleway" (`opposite*`).
* Limits that a word stands for: wiki, "Key:maxspeed" and "Default speed limits"; of the words
  that countries fill differently, the most common figure is taken.
* Speeds driven where no limit is tagged, the share of a tagged limit that is driven (0.8), the
  cyclist's 15 km/h, pushing at 4 km/h and walking at 5 km/h: the defaults of OSRM's car, bicycle
  and foot profiles.
* The scooter is a light moped, held to 45 km/h by construction: EU vehicle category L1e-B,
  Regulation (EU) No 168/2013, Annex I.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from geo.types import Mode

MODES: Final = tuple(Mode)
"""The order in which every array of this package has its modes."""

WALK_KMH: Final = 5.0
BIKE_KMH: Final = 15.0
PUSH_KMH: Final = 4.0
SCOOTER_TOP_KMH: Final = 45.0
CAR_TOP_KMH: Final = 120.0
KMH_PER_MPH: Final = 1.609344
KMH_PER_KNOT: Final = 1.852
LIMIT_DRIVEN: Final = 0.8
SLOW_ZONE_KMH: Final = 10.0

CAR_KMH: Final[Mapping[str, float]] = {
    "motorway": 90,
    "motorway_link": 45,
    "trunk": 85,
    "trunk_link": 40,
    "primary": 65,
    "primary_link": 30,
    "secondary": 55,
    "secondary_link": 25,
    "tertiary": 40,
    "tertiary_link": 20,
    "unclassified": 25,
    "residential": 25,
    "road": 25,
    "living_street": SLOW_ZONE_KMH,
    "service": 15,
}
"""Speed driven on each class where no limit is tagged; the classes open to motor vehicles."""

_CAPPED: Final = frozenset({"living_street", "service"})
_FOOT_CLASSES: Final = frozenset(
    {"footway", "pedestrian", "steps", "path", "platform", "bridleway"}
)
_TRACKS: Final = frozenset({"cycleway", "track"})
_NO_WALKERS: Final = frozenset({"motorway", "motorway_link"})

CLASSES: Final = (*CAR_KMH, *sorted(_TRACKS), *sorted(_FOOT_CLASSES))
"""Every class of way the network knows; an edge stores the index."""

_OPEN: Final = frozenset(
    {
        "yes",
        "permissive",
        "designated",
        "official",
        "destination",
        "delivery",
        "customers",
        "public",
    }
)
_SHUT: Final = frozenset(
    {
        "no",
        "private",
        "agricultural",
        "forestry",
        "military",
        "restricted",
        "emergency",
        "permit",
        "residents",
        "employees",
        "use_sidepath",
        "psv",
        "bus",
    }
)
_KEYS: Final[Mapping[Mode, tuple[str, ...]]] = {
    Mode.WALK: ("foot", "access"),
    Mode.BIKE: ("bicycle", "vehicle", "access"),
    Mode.CARGO_BIKE: ("cargo_bike", "bicycle", "vehicle", "access"),
    Mode.SCOOTER: ("moped", "motor_vehicle", "vehicle", "access"),
    Mode.CAR: ("motorcar", "motor_vehicle", "vehicle", "access"),
}
_YES_ONEWAY: Final = frozenset({"yes", "true", "1"})
_BACK_ONEWAY: Final = frozenset({"-1", "reverse"})
_CHANGING_ONEWAY: Final = frozenset({"reversible", "alternating"})
_LIMIT_WORDS: Final[Mapping[str, float]] = {
    "walk": 7,
    "walking": 7,
    "living_street": 20,
    "bicycle_road": 30,
    "urban": 50,
    "rural": 80,
    "trunk": 100,
    "motorway": 120,
    "nsl_restricted": 30 * KMH_PER_MPH,
    "nsl_single": 60 * KMH_PER_MPH,
    "nsl_dual": 70 * KMH_PER_MPH,
    "none": CAR_TOP_KMH / LIMIT_DRIVEN,
}
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?")
_ZONE: Final = re.compile(r"(?:[a-z]{2}:)?zone:?(\d+)")

BLOCKING_BARRIERS: Final[Mapping[str, frozenset[Mode]]] = {
    "bollard": frozenset({Mode.CAR}),
    "block": frozenset({Mode.CAR}),
    "jersey_barrier": frozenset({Mode.CAR}),
    "planter": frozenset({Mode.CAR}),
    "cycle_barrier": frozenset({Mode.CAR, Mode.SCOOTER, Mode.CARGO_BIKE}),
    "stile": frozenset({Mode.CAR, Mode.SCOOTER, Mode.CARGO_BIKE, Mode.BIKE}),
    "turnstile": frozenset({Mode.CAR, Mode.SCOOTER, Mode.CARGO_BIKE, Mode.BIKE}),
    "kissing_gate": frozenset({Mode.CAR, Mode.SCOOTER, Mode.CARGO_BIKE, Mode.BIKE}),
    "bus_trap": frozenset({Mode.CAR, Mode.SCOOTER}),
    "debris": frozenset({Mode.CAR, Mode.SCOOTER}),
}
"""Barriers on a node that stop a mode unless the node's own access tags let it through; what
each lets through by default: OpenStreetMap wiki, "Key:barrier"."""


class Speeds(NamedTuple):
    """Speed along the way as drawn and against it, km/h; 0.0 where it may not be used."""

    forward_kmh: float
    backward_kmh: float


CLOSED: Final = Speeds(0.0, 0.0)


def speeds(tags: Mapping[str, str]) -> tuple[Speeds, ...]:
    """Return the speeds of every mode on a way.

    Parameters
    ----------
    tags
        The way's tags; only `highway=*` ways of the known `CLASSES` are usable at all.

    Returns
    -------
    tuple of Speeds
        One for each of `MODES`, in that order.
    """
    if tags.get("highway") not in _KNOWN or tags.get("indoor") == "yes":
        return (CLOSED,) * len(MODES)
    return tuple(_of_mode(tags, mode) for mode in MODES)


def blocked_modes(tags: Mapping[str, str]) -> frozenset[Mode]:
    """Return the modes that a node's barrier stops; empty for a node without one."""
    kind = tags.get("barrier")
    if kind is None:
        return frozenset()
    by_default = BLOCKING_BARRIERS.get(kind, frozenset())
    return frozenset(
        mode
        for mode in MODES
        if (not verdict if (verdict := _tagged(tags, mode)) is not None else mode in by_default)
    )


def limit_kmh(text: str | None) -> float | None:
    """Read a `maxspeed` value.

    Parameters
    ----------
    text
        As tagged: a number (km/h unless `mph` or `knots` is said), several separated by `;` (the
        lowest counts), a word such as `walk` or `none`, or a country's word such as `FI:urban`.

    Returns
    -------
    float or None
        km/h, or None when the tag says nothing usable (`signals`, `variable`, nonsense).
    """
    if not text:
        return None
    limits = [limit for part in re.split("[;|]", text) if (limit := _one_limit(part)) is not None]
    return min(limits, default=None)


def _one_limit(part: str) -> float | None:
    word = part.strip().lower()
    if found := _NUMBER.fullmatch(word):
        factor = {"mph": KMH_PER_MPH, "knots": KMH_PER_KNOT}.get(found[2] or "", 1.0)
        return float(found[1]) * factor or None
    if found := _ZONE.fullmatch(word):
        return float(found[1]) or None
    return _LIMIT_WORDS.get(word.rpartition(":")[2])


def _of_mode(tags: Mapping[str, str], mode: Mode) -> Speeds:
    if not _may_use(tags, mode):
        return CLOSED
    if mode in (Mode.SCOOTER, Mode.CAR):
        forward, backward = _motor_kmh(tags, mode, "forward"), _motor_kmh(tags, mode, "backward")
    else:
        forward = backward = WALK_KMH if mode is Mode.WALK else _cycling_kmh(tags, mode)
    along, against = _directions(tags, mode)
    return Speeds(forward if along else 0.0, backward if against else 0.0)


def _tagged(tags: Mapping[str, str], mode: Mode, *, explicit: bool = False) -> bool | None:
    """Return what the most specific access tag says, None without one.

    With `explicit`, the general `access` tag counts only where it shuts: it opens a street, but
    does not turn a footway into a road.
    """
    for key in _KEYS[mode]:
        value = tags.get(key, "")
        if value in _SHUT:
            return False
        if value == "dismount":
            return mode in (Mode.BIKE, Mode.CARGO_BIKE)
        if value in _OPEN:
            return None if explicit and key == "access" else True
    return None


def _may_use(tags: Mapping[str, str], mode: Mode) -> bool:
    road = tags["highway"]
    motor = mode in (Mode.SCOOTER, Mode.CAR)
    if motor and tags.get("service") == "emergency_access":
        return False
    if mode is Mode.SCOOTER and road in _NO_WALKERS:
        return False
    if mode is Mode.CARGO_BIKE and road == "steps":
        return False
    own = road in CAR_KMH if motor else road not in _NO_WALKERS
    if not motor and tags.get("motorroad") == "yes":
        own = False
    if mode is Mode.SCOOTER and tags.get("motorroad") == "yes":
        own = False
    if mode is Mode.BIKE and road == "steps":
        own = "yes" in (tags.get("ramp:bicycle"), tags.get("ramp"))
    if mode in (Mode.BIKE, Mode.CARGO_BIKE) and road == "platform":
        own = False
    verdict = _tagged(tags, mode, explicit=not own)
    return own if verdict is None else verdict


def _directions(tags: Mapping[str, str], mode: Mode) -> tuple[bool, bool]:
    """Return whether a mode may go along the way as drawn, and against it."""
    if mode is Mode.WALK:
        return _from_oneway(tags.get("oneway:foot", "no"))
    implied = tags.get("junction") in ("roundabout", "circular") or (
        tags["highway"] in ("motorway", "motorway_link")
    )
    along, against = _from_oneway(tags.get("oneway") or ("yes" if implied else "no"))
    if mode in (Mode.BIKE, Mode.CARGO_BIKE):
        if (own := tags.get("oneway:bicycle")) is not None:
            return _from_oneway(own)
        if any(
            tags.get(f"cycleway{side}", "").startswith("opposite")
            for side in ("", ":left", ":right", ":both")
        ):
            return True, True
        return along, against
    specific = tags.get("oneway:moped" if mode is Mode.SCOOTER else "oneway:motorcar")
    specific = specific or tags.get("oneway:motor_vehicle")
    return _from_oneway(specific) if specific else (along, against)


def _from_oneway(value: str) -> tuple[bool, bool]:
    if value in _CHANGING_ONEWAY:
        return False, False
    if value in _BACK_ONEWAY:
        return False, True
    return True, value not in _YES_ONEWAY


def _motor_kmh(tags: Mapping[str, str], mode: Mode, direction: str) -> float:
    road = tags["highway"]
    limit = limit_kmh(tags.get(f"maxspeed:{direction}") or tags.get("maxspeed"))
    usual = CAR_KMH.get(road, SLOW_ZONE_KMH)
    driven = usual if limit is None else limit * LIMIT_DRIVEN
    if road in _CAPPED or road not in CAR_KMH:
        driven = min(driven, usual)
    return min(driven, SCOOTER_TOP_KMH if mode is Mode.SCOOTER else CAR_TOP_KMH)


def _cycling_kmh(tags: Mapping[str, str], mode: Mode) -> float:
    road = tags["highway"]
    word = next((value for key in _KEYS[mode] if (value := tags.get(key))), "")
    pushed = word == "dismount" or road in ("steps", "platform")
    if road in ("footway", "pedestrian", "bridleway"):
        pushed = pushed or tags.get("bicycle") not in ("yes", "designated", "permissive")
    return PUSH_KMH if pushed else BIKE_KMH


_KNOWN: Final = frozenset(CLASSES)
