"""From OpenStreetMap's turn restrictions to the turns that each mode may not make.

Facts used here and where they stand (OpenStreetMap wiki, "Relation:restriction"):

* `no_*` forbids the way from `from` over `via` to `to`; `only_*` forbids every other way on.
* `restriction` binds vehicles, `restriction:<vehicle>` those named, and `except` lists those that
  are free of it; who goes on foot is bound by `restriction:foot` only.  Which names stand for
  which mode: the hierarchy of "Key:access".
* `via` is the node where both ways end, or a way between them.  Ways are to be cut at `via`.
* `no_entry` may have several `from`, `no_exit` several `to`.
* `restriction:conditional`, and the older `day_on`, `hour_on` and so on, hold at times.

What cannot be used is left out and counted by its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.osm import Restriction, Tags, Way
from geo.osm_access import MODES
from geo.types import Mode

Node = int
Arc = int

_KEYS: Final[Mapping[Mode, tuple[str, ...]]] = {
    Mode.WALK: ("foot",),
    Mode.BIKE: ("bicycle", "vehicle"),
    Mode.CARGO_BIKE: ("cargo_bike", "bicycle", "vehicle"),
    Mode.SCOOTER: ("moped", "motor_vehicle", "vehicle"),
    Mode.CAR: ("motorcar", "motor_vehicle", "vehicle"),
}
_FORBIDDEN: Final = frozenset(
    {"no_left_turn", "no_right_turn", "no_straight_on", "no_u_turn", "no_entry", "no_exit"}
)
_ONLY: Final = frozenset({"only_left_turn", "only_right_turn", "only_straight_on", "only_u_turn"})
_TIMES: Final = frozenset({"day_on", "day_off", "hour_on", "hour_off"})

AT_TIMES: Final = "turn restrictions that hold at certain times only"
UNKNOWN: Final = "turn restrictions of an unknown kind"
OTHERS: Final = "turn restrictions for other vehicles"
INCOMPLETE: Final = "turn restrictions without one from, via and to each"
MANY_VIA: Final = "turn restrictions over several ways"
OUTSIDE: Final = "turn restrictions of streets that are not on the map"
UNCUT: Final = "turn restrictions at junctions where the streets are not cut"
LONG_VIA: Final = "turn restrictions over a way with junctions"
IDLE: Final = "turn restrictions of turns that no mode could make anyway"


class Rule(NamedTuple):
    """What one relation says to some modes.

    Attributes
    ----------
    kind
        As tagged, for example `no_left_turn`.
    origins, targets
        Numbers of the ways.
    via, via_is_way
        Number of the node or way between.
    modes
        One bit for each of `MODES`.
    """

    relation_id: int
    kind: str
    origins: tuple[int, ...]
    via: int
    via_is_way: bool
    targets: tuple[int, ...]
    modes: int


class Arm(NamedTuple):
    """A street as it leaves a junction: its way there, its arc, and the node where that ends."""

    way_id: int
    arc: Arc
    head: Node


class Turns(NamedTuple):
    """Forbidden turns, as in `geo.arrays.NetworkArrays`; ascending by from, via and to."""

    turn_from: NDArray[np.int32]
    turn_via: NDArray[np.int32]
    turn_to: NDArray[np.int32]
    turn_modes: NDArray[np.uint8]


class RuleBook:
    """The rules of a map, the nodes that they need, and what became of every relation.

    Parameters
    ----------
    restrictions
        The relations.
    ways
        Of the map; those that a rule runs over are looked up.
    """

    def __init__(self, restrictions: Iterable[Restriction], ways: Iterable[Way]) -> None:
        self._rules: list[Rule] = []
        self._reasons: dict[int, str] = {}
        self._used: set[int] = set()
        for restriction in restrictions:
            read = _rules(restriction)
            if isinstance(read, str):
                self._reasons[restriction.relation_id] = read
            else:
                self._rules += read
        over = {rule.via for rule in self._rules if rule.via_is_way}
        self._via_ends = _ends([way for way in ways if way.way_id in over])

    @property
    def nodes(self) -> frozenset[Node]:
        """Nodes where rules apply: streets must be cut there."""
        at = {rule.via for rule in self._rules if not rule.via_is_way}
        return frozenset(at.union(*self._via_ends.values()))

    @property
    def used(self) -> int:
        """How many relations were used."""
        return len(self._used)

    @property
    def left_out(self) -> Counter[str]:
        """How many relations were left out, by reason."""
        return Counter(reason for rid, reason in self._reasons.items() if rid not in self._used)

    def turns(self, arms: Mapping[Node, Sequence[Arm]], open_to: NDArray[np.integer]) -> Turns:
        """Return the turns that are forbidden.

        Parameters
        ----------
        arms
            The streets that leave each of `nodes`.
        open_to
            (2E,), for each arc one bit for each of `MODES` that may drive it.
        """
        rows: dict[tuple[Arc, Arc, Arc], int] = {}
        for rule in self._rules:
            found = self._of_rule(rule, arms, open_to)
            if isinstance(found, str):
                self._reasons.setdefault(rule.relation_id, found)
                continue
            self._used.add(rule.relation_id)
            for row, modes in found.items():
                rows[row] = rows.get(row, 0) | modes
        table = np.array([(*row, rows[row]) for row in sorted(rows)], dtype=np.int32)
        before, over, after, bound = table.reshape(-1, 4).T.copy()
        return Turns(before, over, after, bound.astype(np.uint8))

    def _of_rule(
        self, rule: Rule, arms: Mapping[Node, Sequence[Arm]], open_to: NDArray[np.integer]
    ) -> dict[tuple[Arc, Arc, Arc], int] | str:
        def usable(arcs: Iterable[Arc]) -> list[Arc]:
            return [arc for arc in arcs if open_to[arc] & rule.modes]

        begin, end, over = rule.via, rule.via, -1
        if rule.via_is_way:
            found = self._via_arc(rule, arms)
            if isinstance(found, str):
                return found
            begin, end, over = found
        into = [arm.arc ^ 1 for arm in arms.get(begin, ()) if arm.way_id in rule.origins]
        out_of = [arm.arc for arm in arms.get(end, ()) if arm.way_id in rule.targets]
        if not into or not out_of:
            return OUTSIDE
        into, out_of = usable(into), usable(out_of)
        if not into or not out_of or (over >= 0 and not usable([over])):
            return IDLE
        if rule.kind == "no_u_turn" and over < 0 and rule.origins == rule.targets:
            pairs = [(arc, arc ^ 1) for arc in into]
        elif len(into) > len(rule.origins) or len(out_of) > len(rule.targets):
            return UNCUT
        else:
            pairs = [(before, after) for before in into for after in out_of]
        modes = rule.modes
        if rule.kind in _ONLY:
            # Whom the one way on is closed to is not meant.
            modes &= int(np.bitwise_or.reduce(open_to[out_of]))
            others = [arm.arc for arm in arms[end] if arm.arc not in out_of]
            pairs = [(before, after) for before in into for after in others]
        elif rule.kind == "no_u_turn" and over >= 0:
            # Turning round on the way between, once or twice, is what is forbidden as well.
            pairs += [(before, over ^ 1) for before in into]
        rows = {
            (before, over, after): bits
            for before, after in pairs
            if (
                bits := modes
                & int(open_to[before])
                & int(open_to[after])
                & (int(open_to[over]) if over >= 0 else modes)
            )
        }
        return rows or IDLE

    def _via_arc(
        self, rule: Rule, arms: Mapping[Node, Sequence[Arm]]
    ) -> tuple[Node, Node, Arc] | str:
        """Return where the way between begins and ends, and its arc."""
        ends = self._via_ends.get(rule.via, ())
        if len(ends) != 2:  # noqa: PLR2004 - a line has two ends
            return OUTSIDE
        for begin, end in (ends, ends[::-1]):
            at_begin, at_end = arms.get(begin, ()), arms.get(end, ())
            from_there = any(arm.way_id in rule.origins for arm in at_begin)
            to_there = any(arm.way_id in rule.targets for arm in at_end)
            if not (from_there and to_there):
                continue
            over = [arm.arc for arm in at_begin if (arm.way_id, arm.head) == (rule.via, end)]
            return (begin, end, over[0]) if len(over) == 1 else LONG_VIA
        return OUTSIDE


def _ends(ways: Sequence[Way]) -> dict[int, tuple[Node, ...]]:
    """Return the two ends of each way, which may come in pieces."""
    ends: dict[int, Counter[Node]] = {}
    for way in ways:
        ends.setdefault(way.way_id, Counter()).update((way.nodes[0], way.nodes[-1]))
    return {
        way_id: tuple(sorted(node for node, count in counted.items() if count == 1))
        for way_id, counted in ends.items()
    }


def _rules(restriction: Restriction) -> list[Rule] | str:
    """Return what a relation says, or why it cannot be used."""
    kinds = _kinds(restriction.tags)
    if isinstance(kinds, str):
        return kinds
    origins, targets = (
        tuple(m.osm_id for m in restriction.members if (m.element, m.role) == ("way", role))
        for role in ("from", "to")
    )
    via = [m for m in restriction.members if m.role == "via" and m.element in ("node", "way")]
    if not (origins and targets and via):
        return INCOMPLETE
    if len(via) > 1:
        return MANY_VIA
    rules = []
    for kind, modes in sorted(kinds.items()):
        several = {"no_entry": (True, False), "no_exit": (False, True)}.get(kind, (False, False))
        if (len(origins) > 1 and not several[0]) or (len(targets) > 1 and not several[1]):
            return INCOMPLETE
        is_way = via[0].element == "way"
        rules.append(
            Rule(restriction.relation_id, kind, origins, via[0].osm_id, is_way, targets, modes)
        )
    return rules


def _kinds(tags: Tags) -> dict[str, int] | str:
    """Return the kinds of a restriction with the bits of the modes that each binds."""
    if not _TIMES.isdisjoint(tags):
        return AT_TIMES
    free = {name.strip() for name in tags.get("except", "").split(";")}
    kinds: dict[str, int] = {}
    unknown = False
    for bit, mode in enumerate(MODES):
        keys = _KEYS[mode]
        own = [f"restriction:{key}" for key in keys if f"restriction:{key}" in tags]
        if not own and (mode is Mode.WALK or not free.isdisjoint(keys)):
            continue
        for kind in tags.get(own[0] if own else "restriction", "").split(";"):
            known = kind.strip() in _FORBIDDEN or kind.strip() in _ONLY
            unknown = unknown or (bool(kind) and not known)
            if known:
                kinds[kind.strip()] = kinds.get(kind.strip(), 0) | 1 << bit
    if kinds:
        return kinds
    if unknown:
        return UNKNOWN
    if any(key.startswith("restriction") and key.endswith(":conditional") for key in tags):
        return AT_TIMES
    return OTHERS if any(key.startswith("restriction") for key in tags) else UNKNOWN
