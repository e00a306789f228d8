"""Travel times on our own network: any number of pairs at once, single ways, and all in reach.

Ways are read off a contraction hierarchy (`geo.hierarchy`) whose weights are those of one version
of the traffic.  A new version is laid on beside the old one and then put in its place by one
assignment: a question is answered by one version from beginning to end, and whoever pinned a
version keeps it.  All sums are integers (tenths of a second, decimetres), rounded once per trip:
a matrix and a route over the same pair agree exactly.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo import hierarchy
from geo.compiled import kernel
from geo.ends import coming, go_straight, leaving
from geo.errors import MatrixTooLargeError, NoPlacesError, NoRouteError, TimeLimitError
from geo.laying import Laid, lay
from geo.network import RoadNetwork
from geo.reach import Reach, draw_reach
from geo.snapping import Snaps
from geo.trip import Streets, stay
from geo.turns import bearings
from geo.types import UNREACHABLE_S, LonLat, Matrix, Mode, RoadRoute
from geo.ways import Walks, found_way, straight_way
from geo.weights import FreeFlow, Weights

MATRIX_CELL_LIMIT: Final = 10_000_000
"""Pairs that one matrix may have: its times and lengths take 80 MB."""

REACH_LIMIT_S: Final = 24 * 3600
"""What cannot be reached within a day is not in reach."""

PERIODS_KEPT: Final = 3
"""Of each mode, the weights of so many periods are kept: now, the next, and one looked ahead."""

USABLE_PLACES_KEPT: Final = 100_000
"""Places that are known to be near a road, so that asking again costs nothing."""

_DS_PER_S: Final = 10


class _Shared:
    """What does not depend on the traffic: shared by all versions over one network."""

    def __init__(self, network: RoadNetwork) -> None:
        self.network = network
        self._lock = threading.Lock()
        self._bearing: NDArray[np.float64] | None = None
        self._streets: dict[Mode, Streets] = {}
        self._usable: set[tuple[LonLat, Mode]] = set()

    def streets(self, mode: Mode) -> Streets:
        """Return what ways of a mode are drawn with, made at first use."""
        streets = self._streets.get(mode)
        if streets is None:
            with self._lock:
                streets = self._streets.get(mode)
                if streets is None:
                    if self._bearing is None:
                        self._bearing = bearings(self.network.arrays)
                    streets = Streets(self.network, mode, self._bearing)
                    self._streets[mode] = streets
        return streets

    def check_place(self, place: LonLat, mode: Mode) -> None:
        """Raise unless a road of the mode is near the place."""
        key = (place, mode)
        if key in self._usable:
            return
        self.network.snap(place, mode)
        if len(self._usable) >= USABLE_PLACES_KEPT:
            self._usable = set()
        self._usable.add(key)


class PinnedTravelTimes:
    """`geo.types.TravelTimes` of one version of the traffic; its answers never change.

    Safe to use from several threads.  Made by `NetworkTravelTimes`.

    Parameters
    ----------
    shared
        The network and what is drawn with it.
    weights
        The version.
    former
        The version before: what did not change is taken over from it.
    """

    def __init__(
        self, shared: _Shared, weights: Weights, former: PinnedTravelTimes | None = None
    ) -> None:
        self._shared = shared
        self._weights = weights
        self._version = weights.version
        self._lock = threading.Lock()
        self._laid: dict[Mode, OrderedDict[Hashable, Laid]] = {}
        self._former = {} if former is None else former.latest()

    @property
    def version(self) -> str:
        """Name of the network and weights in force."""
        return self._version

    @property
    def weights(self) -> Weights:
        """The version's weights."""
        return self._weights

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes this network can answer for."""
        return self._shared.network.modes

    def pinned(self) -> PinnedTravelTimes:
        """Return itself."""
        return self

    def check_place(self, place: LonLat, mode: Mode) -> None:
        """Do nothing for a place that can be travelled to.

        Raises
        ------
        TooFarFromRoadError
            No road of the mode is near enough; states the distance.
        UnknownModeError
            The network has no such mode.
        """
        self._shared.check_place(place, mode)

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        """Return times and lengths between all pairs.

        Parameters
        ----------
        origins, destinations
            Places.
        mode
            How the courier moves.
        at
            Departure, UTC epoch seconds.

        Returns
        -------
        Matrix
            int32 of shape (origins, destinations), whole seconds and metres, rounded once per
            trip; `UNREACHABLE_S` where there is no way.  A trip from a place to itself is 0.

        Raises
        ------
        MatrixTooLargeError
            More than `MATRIX_CELL_LIMIT` pairs.
        NoPlacesError
            No origins or no destinations.
        TooFarFromRoadError
            A place is not on the mode's network; the message names it.
        UnknownModeError
            The network has no such mode.
        """
        starts, goals = self._ends(origins, destinations, mode)
        return self.between(starts, goals, mode, at)

    def snaps(self, places: Sequence[LonLat], mode: Mode) -> Snaps:
        """Return where places are reached from the road; those that are not say so in `state`.

        Raises
        ------
        UnknownModeError
            The network has no such mode.
        """
        degrees = np.array(places, dtype=np.float64).reshape(-1, 2)
        return self._shared.network.snap_points(degrees, mode)

    def between(self, starts: Snaps, goals: Snaps, mode: Mode, at: int) -> Matrix:
        """Return `matrix` of places that were snapped to the mode's roads before.

        All of them are near a road, and there are no more than `MATRIX_CELL_LIMIT` pairs.
        """
        laid = self._weigh(mode, at)
        time_ds, length_dm = hierarchy.table(
            laid.metric, leaving(starts, laid.stretches).seeds, coming(goals, laid.stretches).seeds
        )
        go_straight(starts, goals, laid.stretches, time_ds, length_dm)
        _round(time_ds)
        _round(length_dm)
        return Matrix(time_ds, length_dm)

    def durations(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> NDArray[np.int32]:
        """Return the times of `matrix` without the lengths, in less time.

        Raises
        ------
        GeoError
            As `matrix`.
        """
        starts, goals = self._ends(origins, destinations, mode)
        laid = self._weigh(mode, at)
        time_ds = hierarchy.times(
            laid.metric, leaving(starts, laid.stretches).seeds, coming(goals, laid.stretches).seeds
        )
        go_straight(starts, goals, laid.stretches, time_ds)
        _round(time_ds)
        return time_ds

    def route(self, origin: LonLat, destination: LonLat, mode: Mode, at: int) -> RoadRoute:
        """Return the way itself, with the same time and length as `matrix`.

        Raises
        ------
        NoRouteError
            There is no way.
        TooFarFromRoadError
            A place is not on the mode's network; the message names it.
        UnknownModeError
            The network has no such mode.
        """
        network = self._shared.network
        start, goal = network.snap_all([origin], mode), network.snap_all([destination], mode)
        if origin == destination:
            return stay(origin)
        laid = self._weigh(mode, at)
        from_ends, to_ends = leaving(start, laid.stretches), coming(goal, laid.stretches)
        found = hierarchy.path(laid.metric, from_ends.seeds, to_ends.seeds)
        time_ds = np.array([[UNREACHABLE_S if found is None else found.time_ds]], np.int32)
        length_dm = np.array([[UNREACHABLE_S if found is None else found.length_dm]], np.int32)
        straight = go_straight(start, goal, laid.stretches, time_ds, length_dm)
        if time_ds[0, 0] >= UNREACHABLE_S:
            raise NoRouteError(
                f"no way for mode '{mode}' leads from {_say(origin)} to {_say(destination)}; "
                "a street between them is closed, or the city was built with islands"
            )
        walks = Walks(
            int(start.access_ds[0]),
            int(start.access_dm[0]),
            int(goal.access_ds[0]),
            int(goal.access_dm[0]),
        )
        if straight or found is None:
            way = straight_way(start, goal, int(time_ds[0, 0]), int(length_dm[0, 0]), walks)
        else:
            way = found_way(laid, start, goal, from_ends, to_ends, found, walks)
        return self._shared.streets(mode).draw(LonLat(*origin), LonLat(*destination), way, walks)

    def reachable(self, origin: LonLat, seconds: int, mode: Mode, at: int) -> Reach:
        """Return all that can be reached by road within a time, the walk to the road included.

        Raises
        ------
        TimeLimitError
            The time is below 0 or above `REACH_LIMIT_S`.
        TooFarFromRoadError
            The place is not on the mode's network.
        UnknownModeError
            The network has no such mode.
        """
        if not 0 <= seconds <= REACH_LIMIT_S:  # NaN fails as well
            raise TimeLimitError(
                f"{seconds} is no time to reach something in; give 0 to {REACH_LIMIT_S} seconds"
            )
        snaps = self._shared.network.snap_all([origin], mode)
        laid = self._weigh(mode, at)
        limit_ds = int(seconds * _DS_PER_S)
        ends = leaving(snaps, laid.stretches).seeds
        state_ds, _ = hierarchy.reach(laid.metric, ends, limit_ds)
        return draw_reach(self._shared.network, LonLat(*origin), limit_ds, snaps, laid, state_ds)

    # --- weights ---------------------------------------------------------------------------------

    def latest(self) -> dict[Mode, Laid]:
        """Return, of each mode asked for so far, the weights used last."""
        with self._lock:
            return {
                mode: next(reversed(laid.values())) for mode, laid in self._laid.items() if laid
            }

    def prepare(self, mode: Mode, at: int) -> None:
        """Lay the weights of a mode now, so that the first question does not wait for them."""
        self._weigh(mode, at)

    def footing(self, mode: Mode, at: int) -> object:
        """Return what answers for a mode at a time rest on: the same object, the same answers."""
        return self._weigh(mode, at)

    def _weigh(self, mode: Mode, at: int) -> Laid:
        period = self._weights.period(at)
        with self._lock:
            of_mode = self._laid.setdefault(mode, OrderedDict())
            laid = of_mode.get(period)
            if laid is None:
                known = [*of_mode.values(), *([self._former[mode]] if mode in self._former else [])]
                laid = lay(self._shared.network, mode, self._weights, period, known)
                of_mode[period] = laid
                self._former.pop(mode, None)
                if len(of_mode) > PERIODS_KEPT:
                    of_mode.popitem(last=False)
            else:
                of_mode.move_to_end(period)
        return laid

    # --- parts of the answers --------------------------------------------------------------------

    def _ends(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode
    ) -> tuple[Snaps, Snaps]:
        network = self._shared.network
        network.check_mode(mode)
        if not len(origins) or not len(destinations):
            raise NoPlacesError(
                f"a matrix of {len(origins)} origins and {len(destinations)} destinations has no "
                "pairs; give at least one of each"
            )
        if len(origins) * len(destinations) > MATRIX_CELL_LIMIT:
            raise MatrixTooLargeError(
                f"{len(origins)} origins and {len(destinations)} destinations make "
                f"{len(origins) * len(destinations)} pairs; ask for at most {MATRIX_CELL_LIMIT} "
                "at once"
            )
        starts = network.snap_all(origins, mode)
        same = origins is destinations
        return starts, starts if same else network.snap_all(destinations, mode)


class NetworkTravelTimes:
    """`geo.types.TravelTimes` over a city's own road network, in the traffic of the moment.

    Safe to use from several threads, also while another one puts new weights in force.

    Parameters
    ----------
    network
        The roads.
    weights
        The traffic to begin with; without it the times the network was built with.
    """

    def __init__(self, network: RoadNetwork, weights: Weights | None = None) -> None:
        self._shared = _Shared(network)
        self._replacing = threading.Lock()
        self._now = PinnedTravelTimes(self._shared, weights or FreeFlow(network))

    def use(self, weights: Weights, at: int) -> None:
        """Put another version of the traffic in force.

        Modes asked for so far are made ready before the change, in the calling thread; meanwhile
        and for whoever pinned it the version before goes on answering.

        Parameters
        ----------
        weights
            The new version.
        at
            The moment, UTC epoch seconds, whose period is made ready.

        Raises
        ------
        ValueError
            The weights are not for this network; the version before stays in force.
        """
        with self._replacing:
            coming_up = PinnedTravelTimes(self._shared, weights, self._now)
            for mode in self._now.latest():
                coming_up.prepare(mode, at)
            self._now = coming_up

    def pinned(self) -> PinnedTravelTimes:
        """Return the version in force now: its answers stay, whatever is put in force next."""
        return self._now

    def prepare(self, mode: Mode, at: int) -> None:
        """Lay the weights of a mode now, so that the first question does not wait for them."""
        self._now.prepare(mode, at)

    @property
    def version(self) -> str:
        """Name of the network and weights in force."""
        return self._now.version

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes this network can answer for."""
        return self._now.modes

    def check_place(self, place: LonLat, mode: Mode) -> None:
        """See `PinnedTravelTimes.check_place`."""
        self._now.check_place(place, mode)

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        """See `PinnedTravelTimes.matrix`."""
        return self._now.matrix(origins, destinations, mode, at)

    def durations(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> NDArray[np.int32]:
        """See `PinnedTravelTimes.durations`."""
        return self._now.durations(origins, destinations, mode, at)

    def route(self, origin: LonLat, destination: LonLat, mode: Mode, at: int) -> RoadRoute:
        """See `PinnedTravelTimes.route`."""
        return self._now.route(origin, destination, mode, at)

    def reachable(self, origin: LonLat, seconds: int, mode: Mode, at: int) -> Reach:
        """See `PinnedTravelTimes.reachable`."""
        return self._now.reachable(origin, seconds, mode, at)


@kernel
def _round(table: NDArray[np.int32]) -> None:
    """Turn tenths into whole units, halves up, in place; what is unreachable stays so."""
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            value = table[row, column]
            whole = np.int32(np.uint32(value + 5) // np.uint32(10))
            table[row, column] = UNREACHABLE_S if value >= UNREACHABLE_S else whole


def _say(place: LonLat) -> str:
    return f"({place[1]:.5f}, {place[0]:.5f})"
