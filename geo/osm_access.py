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
* Pushing a bicycle: wiki, "Tag:bicycle=dismount" (`bicycle=no` on a way for walkers says the same)
  and "Key:bicycle:pushing" (which forbids it).
* Speeds driven where no limit is tagged, the share of a tagged limit that is driven (0.8), the
  cyclist's 15 km/h (12 on tracks, 13 on paths), pushing at 4 km/h (2 on steps) and walking at
  5 km/h: the defaults of OSRM's car, bicycle and foot profiles.
* What a surface, the state of a track or its smoothness slows each down to: the same three
  profiles.  What is `impassable` is so for everything on wheels: wiki, "Key:smoothness".
* Ferries are left out (`route=ferry`): nobody who must be there within the hour waits for one.
* Barriers: what each lets through by default is said in the wiki, "Key:barrier"; a gate, a lift
  gate and a rising bollard let everyone through (OSRM's car profile) unless they are `locked`.
* Signals: wiki, "Tag:highway=traffic_signals", "Key:traffic_signals:direction" and
  "Tag:crossing=traffic_signals".
* The scooter is a light moped, held to 45 km/h by construction: EU vehicle category L1e-B,
  Regulation (EU) No 168/2013, Annex I.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from geo.types import Mode

MODES: Final = tuple(Mode)
"""The order in which every array of this package has its modes."""

WALK_KMH: Final = 5.0
BIKE_KMH: Final = 15.0
PUSH_KMH: Final = 4.0
PUSH_ON_STEPS_KMH: Final = 2.0
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
_PUSHED_CLASSES: Final = frozenset({"footway", "pedestrian", "path", "bridleway"})
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
BIKE_CLASS_KMH: Final[Mapping[str, float]] = {"track": 12, "path": 13}
"""How fast a bicycle is ridden where not at `BIKE_KMH`."""

MOTOR_SURFACE_KMH: Final[Mapping[str, Mapping[str, float]]] = {
    "surface": {
        **dict.fromkeys(("cement", "compacted", "fine_gravel"), 80),
        **dict.fromkeys(("paving_stones", "metal", "bricks"), 60),
        **dict.fromkeys(("grass", "wood", "sett", "grass_paver", "gravel", "unpaved"), 40),
        **dict.fromkeys(("ground", "dirt", "pebblestone", "tartan"), 40),
        **dict.fromkeys(("cobblestone", "clay"), 30),
        **dict.fromkeys(("earth", "stone", "rocky", "sand"), 20),
        "mud": 10,
    },
    "tracktype": {"grade1": 60, "grade2": 40, "grade3": 30, "grade4": 25, "grade5": 20},
    "smoothness": {
        "intermediate": 80,
        "bad": 40,
        "very_bad": 20,
        "horrible": 10,
        "very_horrible": 5,
    },
}
BIKE_SURFACE_KMH: Final[Mapping[str, Mapping[str, float]]] = {
    "surface": {
        **dict.fromkeys(("wood", "metal", "cobblestone:flattened", "paving_stones"), 10),
        **dict.fromkeys(("compacted", "fine_gravel", "ground"), 10),
        "sett": 9,
        "dirt": 8,
        "cobblestone": 7,
        **dict.fromkeys(("unpaved", "gravel", "pebblestone", "grass_paver", "earth", "grass"), 6),
        **dict.fromkeys(("mud", "sand", "woodchips"), 3),
    }
}
WALK_SURFACE_KMH: Final[Mapping[str, Mapping[str, float]]] = {
    "surface": {
        **dict.fromkeys(("fine_gravel", "gravel", "pebblestone"), WALK_KMH * 0.75),
        **dict.fromkeys(("mud", "sand"), WALK_KMH * 0.5),
    }
}
"""The most that each can do on a surface, a kind of track, or ground of some smoothness."""

_SURFACES: Final[Mapping[Mode, Mapping[str, Mapping[str, float]]]] = {
    Mode.WALK: WALK_SURFACE_KMH,
    Mode.BIKE: BIKE_SURFACE_KMH,
    Mode.CARGO_BIKE: BIKE_SURFACE_KMH,
    Mode.SCOOTER: MOTOR_SURFACE_KMH,
    Mode.CAR: MOTOR_SURFACE_KMH,
}
_FERRIES: Final = frozenset({"ferry", "shuttle_train"})

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

_CARS: Final = frozenset({Mode.CAR})
_MOTORS: Final = frozenset({Mode.CAR, Mode.SCOOTER})
_WIDE: Final = frozenset({Mode.CAR, Mode.SCOOTER, Mode.CARGO_BIKE})
_WHEELS: Final = frozenset(Mode) - {Mode.WALK}

BLOCKING_BARRIERS: Final[Mapping[str, frozenset[Mode]]] = MappingProxyType(
    {
        **dict.fromkeys(("bollard", "block", "jersey_barrier", "planter", "sump_buster"), _CARS),
        **dict.fromkeys(("bus_trap", "chain", "debris", "log", "swing_gate"), _MOTORS),
        **dict.fromkeys(("cycle_barrier", "motorcycle_barrier"), _WIDE),
        **dict.fromkeys(("stile", "horse_stile", "turnstile", "full-height_turnstile"), _WHEELS),
        **dict.fromkeys(("kissing_gate", "wicket_gate", "wall", "fence", "hedge"), _WHEELS),
    }
)
"""Barriers on a node that stop a mode unless the node's own access tags let it through."""

RULE_TAGS: Final = (
    *("highway", "junction", "service", "route", "tunnel", "indoor", "motorroad"),
    *("access", "vehicle", "motor_vehicle", "motorcar", "moped", "bicycle", "cargo_bike", "foot"),
    *("oneway", "oneway:bicycle", "oneway:foot", "oneway:moped", "oneway:motorcar"),
    *("oneway:motor_vehicle", "cycleway", "cycleway:left", "cycleway:right", "cycleway:both"),
    *("cycleway:left:oneway", "cycleway:right:oneway", "cycleway:both:oneway"),
    *("maxspeed", "maxspeed:forward", "maxspeed:backward", "ramp", "ramp:bicycle"),
    *("surface", "tracktype", "smoothness", "bicycle:pushing"),
)
"""All tags of a way that say what it means to a mode."""

NODE_RULE_TAGS: Final = (
    *("barrier", "bollard", "locked", "access", "vehicle", "motor_vehicle", "motorcar", "moped"),
    *("bicycle", "cargo_bike", "foot"),
    *("highway", "crossing", "crossing:signals", "traffic_signals:direction"),
)
"""Those of a node."""


class Signals(StrEnum):
    """Whom the traffic signals of a node hold up.

    `FORWARD` and `BACKWARD` are those who go along the way as drawn, or against it; `CROSSING`
    means people and bicycles that cross the street.
    """

    ALL = "all"
    FORWARD = "forward"
    BACKWARD = "backward"
    CROSSING = "crossing"


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
    if tags.get("route") in _FERRIES:
        return (CLOSED,) * len(MODES)
    return tuple(_of_mode(tags, mode) for mode in MODES)


def blocked_modes(tags: Mapping[str, str]) -> frozenset[Mode]:
    """Return the modes that a node's barrier stops; empty for a node without one."""
    kind = tags.get("barrier")
    if kind is None:
        return frozenset()
    by_default = BLOCKING_BARRIERS.get(kind, frozenset())
    if tags.get("locked") == "yes":
        by_default = frozenset(Mode)
    elif tags.get("bollard") == "rising":
        by_default = frozenset()
    return frozenset(
        mode
        for mode in MODES
        if (not verdict if (verdict := _tagged(tags, mode)) is not None else mode in by_default)
    )


def signals(tags: Mapping[str, str]) -> Signals | None:
    """Return whom the traffic signals of a node hold up; None where there are none."""
    if tags.get("highway") == "traffic_signals":
        direction = tags.get("traffic_signals:direction", "")
        return Signals(direction) if direction in ("forward", "backward") else Signals.ALL
    signalised = "traffic_signals" in tags.get("crossing", "").split(";")
    if signalised or tags.get("crossing:signals") == "yes":
        return Signals.CROSSING
    return None


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
    top = _surface_kmh(tags, mode)
    forward, backward = min(forward, top), min(backward, top)
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
    if verdict is False and _is_pushed(tags, mode):
        return True
    return own if verdict is None else verdict


def _is_pushed(tags: Mapping[str, str], mode: Mode) -> bool:
    """Tell whether a bicycle may not be ridden on a way, but be pushed as walkers go there."""
    if mode not in (Mode.BIKE, Mode.CARGO_BIKE) or tags["highway"] not in _PUSHED_CLASSES:
        return False
    for key in _KEYS[mode]:
        value = tags.get(key, "")
        if value in _SHUT or value in _OPEN:
            ridden = key == "access" or value != "no"
            return not ridden and tags.get("bicycle:pushing") != "no" and _may_use(tags, Mode.WALK)
    return False


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
            or tags.get(f"cycleway{side}:oneway") in ("no", "-1")
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


def _surface_kmh(tags: Mapping[str, str], mode: Mode) -> float:
    """Return the most that the ground allows a mode, infinite where it says nothing."""
    if mode is not Mode.WALK and tags.get("smoothness") == "impassable":
        return 0.0
    return min(
        (
            known[value]
            for key, known in _SURFACES[mode].items()
            if key in tags
            for part in tags[key].split(";")
            if (value := part.strip()) in known
        ),
        default=math.inf,
    )


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
    if road == "steps":
        return PUSH_ON_STEPS_KMH
    word = next((value for key in _KEYS[mode] if (value := tags.get(key))), "")
    pushed = word == "dismount" or road == "platform" or _is_pushed(tags, mode)
    if road in ("footway", "pedestrian", "bridleway"):
        pushed = pushed or tags.get("bicycle") not in ("yes", "designated", "permissive")
    return PUSH_KMH if pushed else BIKE_CLASS_KMH.get(road, BIKE_KMH)


_KNOWN: Final = frozenset(CLASSES)
