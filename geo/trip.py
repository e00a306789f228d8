"""Drawing a way through the streets: points, times at them, and what to do on the way.

A way is a row of arcs, the first and the last of them driven in part.  What a step is, and what
it is called, follows OSRM's words: a step begins where one turns off, or where the street takes
another name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel
from geo.ends import read_only
from geo.network import RoadNetwork
from geo.plane import E7
from geo.types import LonLat, Maneuver, Mode, Modifier, RoadRoute, RoadStep
from geo.ways import Walks, Way

STRAIGHT_DEG: Final = 20.0
SLIGHT_DEG: Final = 40.0
SHARP_DEG: Final = 120.0
"""Up to which angle a turn is straight on, slight, and not yet sharp: OSRM's guidance
(`getTurnDirection` in its `guidance/turn_instruction.hpp`)."""

_NO_NAME: Final = -1
_NO_STEP: Final = 0
_TURN: Final = 1
_CONTINUE: Final = 2
_NEW_NAME: Final = 3
_MANEUVERS: Final[tuple[Maneuver, ...]] = ("continue", "turn", "continue", "new name")

_U_TURN: Final = 4
_MODIFIERS: Final[tuple[Modifier, ...]] = (
    "straight",
    "slight right",
    "right",
    "sharp right",
    "uturn",
    "sharp left",
    "left",
    "slight left",
)
_new_place: Callable[[Iterable[float]], LonLat] = partial(tuple.__new__, LonLat)
_HALF_UNIT: Final = 5
_PER_UNIT: Final = 10


class Streets:
    """What ways of one mode are drawn with.

    Parameters
    ----------
    network
        The roads.
    mode
        Which turns off a way there are depends on it.
    bearing
        float64 (2E,), the direction in which each arc leaves its first node, degrees.
    """

    def __init__(self, network: RoadNetwork, mode: Mode, bearing: NDArray[np.float64]) -> None:
        arrays = network.arrays
        self._names = network.names
        self._name = read_only(arrays.edge_name)
        self._point_start = read_only(arrays.point_start)
        self._point_e7 = read_only(arrays.point_e7)
        self._bearing = bearing
        usable = np.ascontiguousarray(network.times_ds(mode).T).reshape(-1) > 0
        tail = np.ascontiguousarray(arrays.edge_nodes).reshape(-1)
        self._head = np.ascontiguousarray(arrays.edge_nodes[:, ::-1]).reshape(-1)
        leaving = np.flatnonzero(usable)
        leaving = leaving[np.argsort(tail[leaving], kind="stable")]
        self._out_arc = leaving.astype(np.int32)
        nodes = np.arange(network.node_count + 1)
        self._out_start = np.searchsorted(tail[leaving], nodes).astype(np.int32)

    def draw(
        self,
        origin: LonLat,
        destination: LonLat,
        way: Way,
        walks: Walks,
    ) -> RoadRoute:
        """Return a way with its line, its times and its steps."""
        points_e7, after_ds, first_point = _draw(
            self._point_start, self._point_e7, way.arc, way.begin, way.end, way.time_ds
        )
        # Hundreds of points: made without going through the constructor of each.
        points = list(map(_new_place, zip(*(points_e7.T / E7).tolist(), strict=True)))
        shift = int(points[0] != origin)
        if shift:
            points.insert(0, LonLat(*origin))
        after_ds += walks.from_ds
        whole_ds = float(way.time_ds.sum()) + walks.from_ds + walks.to_ds
        ends = [0.0] * shift
        if points[-1] != destination or len(points) == 1:
            points.append(LonLat(*destination))
            offsets = np.concatenate([ends, after_ds, [whole_ds]])
        else:
            after_ds[-1] = whole_ds
            offsets = np.concatenate([ends, after_ds])
        offset_s: list[int] = np.floor((offsets + _HALF_UNIT) / _PER_UNIT).astype(np.int64).tolist()
        offset_s[0] = 0
        length_dm = walks.from_dm + np.cumsum(way.length_dm)
        whole_m = (int(length_dm[-1]) + walks.to_dm + _HALF_UNIT) // _PER_UNIT
        # From the very end of a street one goes on without having driven it.
        driven = np.flatnonzero(way.length_dm > 0)
        names = self._name[way.arc[driven] >> 1]
        steps = self._steps(
            way, driven, names, first_point + shift, length_dm, points, offset_s, whole_m
        )
        changes = names[np.diff(names, prepend=_NO_NAME) != 0]
        streets = dict.fromkeys(self._names[name] for name in changes.tolist())
        streets.pop("", None)
        return RoadRoute(
            offset_s[-1], whole_m, tuple(points), tuple(offset_s), tuple(streets), steps
        )

    def _steps(
        self,
        way: Way,
        driven: NDArray[np.int64],
        names: NDArray[np.int32],
        first_point: NDArray[np.int64],
        length_dm: NDArray[np.int64],
        points: list[LonLat],
        offset_s: list[int],
        whole_m: int,
    ) -> tuple[RoadStep, ...]:
        arcs = way.arc[driven]
        kind, side, before, after = _decide(
            arcs, names, self._bearing, self._head, self._out_start, self._out_arc
        )
        at = np.flatnonzero(kind).tolist()
        last = len(points) - 1
        starts = [0, *first_point[driven[at]].tolist(), last]
        metres = [
            0,
            *((length_dm[driven[at] - 1] + _HALF_UNIT) // _PER_UNIT).tolist(),
            whole_m,
        ]
        seconds = [offset_s[start] for start in starts]
        seconds[-1] = offset_s[-1]
        street = self._names[int(names[0])] if len(names) else ""
        steps = [
            RoadStep(
                "depart", "", street, seconds[1], metres[1], 0, points[0], 0, _bearing(points, 0)
            )
        ]
        for nth, index in enumerate(at, start=1):
            steps.append(
                RoadStep(
                    _MANEUVERS[kind[index]],
                    _MODIFIERS[side[index]],
                    self._names[int(names[index])],
                    seconds[nth + 1] - seconds[nth],
                    metres[nth + 1] - metres[nth],
                    starts[nth],
                    points[starts[nth]],
                    int(before[index]),
                    int(after[index]),
                )
            )
        here = points[last]
        end = _bearing(points, last - 1)
        steps.append(RoadStep("arrive", "", steps[-1].street, 0, 0, last, here, end, 0))
        return tuple(steps)


def stay(place: LonLat) -> RoadRoute:
    """Return the way from a place to itself."""
    here = LonLat(*place)
    steps = (
        RoadStep("depart", "", "", 0, 0, 0, here, 0, 0),
        RoadStep("arrive", "", "", 0, 0, 1, here, 0, 0),
    )
    return RoadRoute(0, 0, (here, here), (0, 0), (), steps)


def _bearing(points: list[LonLat], at: int) -> int:
    """Return the direction from one point to the next, whole degrees clockwise from north."""
    (lon, lat), (next_lon, next_lat) = points[at], points[at + 1]
    east = (next_lon - lon) * math.cos(math.radians((lat + next_lat) / 2))
    return round(math.degrees(math.atan2(east, next_lat - lat))) % 360


@kernel
def cut(
    point_start: NDArray[np.int32],
    point_e7: NDArray[np.int32],
    edge: int,
    begin: float,
    end: float,
    out_e7: NDArray[np.int64],
    out_part: NDArray[np.float64],
) -> int:
    """Cut a piece out of the line of an edge.

    Parameters
    ----------
    begin, end
        Fractions of the edge's length as drawn; backwards if `end < begin`.
    out_e7
        int64 (>= points of the edge + 2, 2), filled with the piece's points, both ends included.
    out_part
        float64, filled with the fraction of the edge at each of them.

    Returns
    -------
    int
        How many points.
    """
    first, last = point_start[edge], point_start[edge + 1] - 1
    at = np.zeros(last - first + 1)
    for point in range(first, last):
        middle = (point_e7[point, 1] + point_e7[point + 1, 1]) / 2 / E7
        east = (point_e7[point + 1, 0] - point_e7[point, 0]) * math.cos(math.radians(middle))
        north = float(point_e7[point + 1, 1] - point_e7[point, 1])
        at[point - first + 1] = at[point - first] + math.sqrt(east * east + north * north)
    whole = at[-1]
    if whole > 0.0:
        at /= whole
    at[-1] = 1.0
    low, high = min(begin, end), max(begin, end)
    piece = 0
    while piece < len(at) - 2 and at[piece + 1] <= low:
        piece += 1
    count = _point_at(point_e7, first, at, piece, low, out_e7, out_part, 0)
    while piece < len(at) - 2 and at[piece + 1] < high:
        piece += 1
        if at[piece] > low:
            count = _point_at(point_e7, first, at, piece, at[piece], out_e7, out_part, count)
    count = _point_at(point_e7, first, at, piece, high, out_e7, out_part, count)
    if end < begin:
        out_e7[:count] = out_e7[:count][::-1].copy()
        out_part[:count] = out_part[:count][::-1].copy()
    return count


@kernel
def _point_at(
    point_e7: NDArray[np.int32],
    first: int,
    at: NDArray[np.float64],
    piece: int,
    wanted: float,
    out_e7: NDArray[np.int64],
    out_part: NDArray[np.float64],
    count: int,
) -> int:
    """Write the point at a fraction, on a straight piece of a line, and count it."""
    span = at[piece + 1] - at[piece]
    share = min(max((wanted - at[piece]) / span, 0.0), 1.0) if span > 0.0 else 0.0
    for axis in range(2):
        a, b = point_e7[first + piece, axis], point_e7[first + piece + 1, axis]
        out_e7[count, axis] = int(np.rint(a + share * (b - a)))
    out_part[count] = wanted
    return count + 1


@kernel
def _draw(
    point_start: NDArray[np.int32],
    point_e7: NDArray[np.int32],
    arc: NDArray[np.int32],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    time_ds: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return a way's points, the time at each, and each arc's first point.

    Points that follow each other at the same place are one; its time is that of leaving it.
    """
    most, longest = 0, 0
    for k in range(len(arc)):
        size = point_start[(arc[k] >> 1) + 1] - point_start[arc[k] >> 1] + 2
        most += size
        longest = max(longest, size)
    points, after_ds = np.empty((most, 2), np.int64), np.empty(most)
    first_point = np.empty(len(arc), np.int64)
    piece, part = np.empty((longest, 2), np.int64), np.empty(longest)
    count, elapsed = 0, 0.0
    for k in range(len(arc)):
        size = cut(point_start, point_e7, arc[k] >> 1, begin[k], end[k], piece, part)
        span = abs(end[k] - begin[k])
        for point in range(size):
            share = abs(part[point] - begin[k]) / span if span > 0.0 else 1.0
            at_ds = elapsed + share * time_ds[k]
            x, y = piece[point, 0], piece[point, 1]
            if count == 0 or points[count - 1, 0] != x or points[count - 1, 1] != y:
                points[count, 0], points[count, 1] = x, y
                count += 1
            after_ds[count - 1] = at_ds
            if point == 0:
                first_point[k] = count - 1
        elapsed += time_ds[k]
        after_ds[count - 1] = elapsed
    return points[:count], after_ds[:count], first_point


@kernel
def _decide(
    arc: NDArray[np.int32],
    name: NDArray[np.int32],
    bearing: NDArray[np.float64],
    head: NDArray[np.int32],
    out_start: NDArray[np.int32],
    out_arc: NDArray[np.int32],
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int16], NDArray[np.int16]]:
    """Return for each arc of a way whether a step begins with it, which way, and the bearings.

    A step begins where one turns round; where one turns off although one could have gone
    straighter on, or turns by more than a slight bend with a choice of ways; and where the
    street takes another name.
    """
    kind, side = np.zeros(len(arc), np.int8), np.zeros(len(arc), np.int8)
    before, after = np.zeros(len(arc), np.int16), np.zeros(len(arc), np.int16)
    told = name[0] if len(arc) else 0
    for k in range(1, len(arc)):
        came, goes = arc[k - 1], arc[k]
        coming = bearing[came ^ 1] + 180.0
        angle = _turn(bearing[goes], coming)
        node = head[came]
        choices = out_arc[out_start[node] : out_start[node + 1]]
        renamed = name[k] != told
        turns = goes == came ^ 1 or _is_turn(came, angle, coming, choices, bearing)
        if turns and (renamed or (name[k] == 0 and goes != came ^ 1)):
            kind[k] = _TURN
        elif turns:
            kind[k] = _CONTINUE
        elif renamed and name[k] != 0:
            kind[k] = _NEW_NAME
        if kind[k] != _NO_STEP:
            told = name[k]
            before[k], after[k] = int(np.rint(coming)) % 360, int(np.rint(bearing[goes])) % 360
            side[k] = _U_TURN if goes == came ^ 1 else _side(angle)
    return kind, side, before, after


@kernel
def _turn(bearing: float, coming: float) -> float:
    """Return the angle between two directions, -180 to 180, to the right above 0."""
    return (bearing - coming + 180.0) % 360.0 - 180.0


@kernel
def _is_turn(
    came: int,
    angle: float,
    coming: float,
    choices: NDArray[np.int32],
    bearing: NDArray[np.float64],
) -> bool:
    """Return whether one turns off rather than follows the street."""
    ways, straighter = 0, False
    for other in choices:
        if other != came ^ 1:
            ways += 1
            straighter = straighter or abs(_turn(bearing[other], coming)) < abs(angle)
    return ways > 1 and (abs(angle) > SLIGHT_DEG or (straighter and abs(angle) > STRAIGHT_DEG))


@kernel
def _side(angle: float) -> int:
    """Return which of `_MODIFIERS` an angle is."""
    size = abs(angle)
    if size <= STRAIGHT_DEG:
        return 0
    right = 1 if size <= SLIGHT_DEG else (2 if size <= SHARP_DEG else 3)
    return right if angle > 0.0 else len(_MODIFIERS) - right
