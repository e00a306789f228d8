"""Routing servers as travel times, with our own network to fall back on.

A server that is slow, down or talks nonsense costs one question a few seconds at most, is left
alone for a while after some failures, and our own network answers in its place.  What a snapshot
sees is pinned: for each mode all figures come from one source, and the version says which.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import pybreaker

from geo.errors import TooFarFromRoadError, TravelServerError, UnknownModeError
from geo.external_http import ServerLimits
from geo.plane import LAT_LIMIT, LON_LIMIT
from geo.snapping import SNAP_LIMIT_M
from geo.travel import MATRIX_CELL_LIMIT, REACH_LIMIT_S
from geo.types import LonLat, Matrix, Mode, RoadRoute, Seconds, TravelTimes

if TYPE_CHECKING:
    from geo.reach import Reach

_log = logging.getLogger("samehour.travel")
_T = TypeVar("_T")


class Table(NamedTuple):
    """A matrix by a server, and the server's name for its map (empty when it has none)."""

    matrix: Matrix
    data: str


class Way(NamedTuple):
    """A route by a server, and the server's name for its map (empty when it has none)."""

    route: RoadRoute
    data: str


class TravelServer(Protocol):
    """A routing server for one mode, as this room asks it; every question has its time limit.

    Every method raises `geo.errors.TravelServerError` when there is no usable answer, and
    `geo.errors.TooFarFromRoadError` for a place that the server finds no road near to.
    """

    @property
    def name(self) -> str:
        """Kind, host and port, as `osrm:127.0.0.1:5000`; said in versions and logs."""
        ...

    @property
    def limits(self) -> ServerLimits:
        """Limits of time and size."""
        ...

    @property
    def tells_reach(self) -> bool:
        """Whether servers of this kind say what can be reached."""
        ...

    def known_away_m(self, place: LonLat) -> float | None:
        """Return what `away_m` said before, None when it was not asked; asks nobody."""
        ...

    def away_m(self, place: LonLat) -> float:
        """Return how far a place is from the server's nearest road."""
        ...

    def table(self, origins: Sequence[LonLat], destinations: Sequence[LonLat]) -> Table:
        """Return times and lengths between all pairs."""
        ...

    def route(self, origin: LonLat, destination: LonLat) -> Way:
        """Return a way; raises `geo.errors.NoRouteError` when there is none."""
        ...

    def reachable(self, origin: LonLat, seconds: Seconds) -> Reach:
        """Return what can be reached within a time."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


ServerCondition: TypeAlias = Literal["not asked yet", "answering", "failing", "left alone"]


class ServerState(NamedTuple):
    """How a mode's server does.

    Attributes
    ----------
    kind, server
        `osrm` or `valhalla`; kind, host and port.
    condition
        `left alone` after some failures in a row: our own network answers until the next trial.
    last_failure
        What it did wrong last; empty when nothing.
    """

    mode: Mode
    kind: str
    server: str
    condition: ServerCondition
    last_failure: str


class _Storage(pybreaker.CircuitMemoryStorage):
    """A breaker's memory that counts time by a clock that nobody sets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(pybreaker.STATE_CLOSED)
        self._clock = clock
        self._opened: float | None = None

    @property
    def opened_at(self) -> datetime | None:
        """When the breaker opened, seen from now."""
        if self._opened is None:
            return None
        return datetime.now(UTC) - timedelta(seconds=self._clock() - self._opened)

    @opened_at.setter
    def opened_at(self, _moment: datetime) -> None:
        self._opened = self._clock()


class _Listener(pybreaker.CircuitBreakerListener):
    """Logs when a server is left alone, and when it is back."""

    def __init__(self, server: str) -> None:
        self._server = server

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,  # noqa: ARG002 - pybreaker's signature
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """Log a change."""
        if new_state.name == pybreaker.STATE_OPEN:
            _log.warning("left_alone server=%s for_s=%g", self._server, cb.reset_timeout)
        elif new_state.name == pybreaker.STATE_CLOSED:
            _log.info("back server=%s", self._server)


class _Guard:
    """One mode's server behind its circuit breaker; shared by all pins."""

    def __init__(self, server: TravelServer, clock: Callable[[], float]) -> None:
        self.server = server
        self.data = ""
        self._last_failure = ""
        self._asked = False
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=server.limits.failures,
            reset_timeout=server.limits.rest_s,
            # A place without a road, a pair without a way: those are answers.
            exclude=[lambda error: not isinstance(error, TravelServerError)],
            listeners=[_Listener(server.name)],
            state_storage=_Storage(clock),
            throw_new_error_on_trip=False,
        )

    def ask(self, question: Callable[[], _T]) -> _T:
        """Ask the server, unless it is being left alone.

        Raises
        ------
        TravelServerError
            No usable answer.
        """
        try:
            # As a context: a call would hold the breaker's lock until the server has answered.
            with self._breaker.calling():
                self._asked = True
                return question()
        except pybreaker.CircuitBreakerError as error:
            raise TravelServerError(
                f"{self.server.name} is left alone for now: {self._last_failure}"
            ) from error
        except TravelServerError as error:
            self._last_failure = str(error)
            _log.warning("failed server=%s reason=%r", self.server.name, str(error))
            raise

    @property
    def is_left_alone(self) -> bool:
        """Whether the breaker is open."""
        return self._breaker.current_state == pybreaker.STATE_OPEN

    def state(self, mode: Mode) -> ServerState:
        """Return how the server does."""
        condition: ServerCondition = "answering"
        if self.is_left_alone:
            condition = "left alone"
        elif self._breaker.fail_counter or self._breaker.current_state != pybreaker.STATE_CLOSED:
            condition = "failing"
        elif not self._asked:
            condition = "not asked yet"
        name = self.server.name
        return ServerState(mode, name.partition(":")[0], name, condition, self._last_failure)


@dataclass(slots=True)
class _Choice:
    """What a pin has settled for one mode: who answers, once somebody has."""

    fallen_back: bool = False
    answered: bool = False
    data: str = ""


class PinnedServers:
    """`TravelTimes` of one snapshot: for each mode all figures come from one source.

    The server is asked first.  When it fails before it has given a figure, our own network
    answers everything from then on; when it fails later, there is no honest answer and the error
    is raised: ask again with a new pin.
    """

    def __init__(self, builtin: TravelTimes, guards: Mapping[Mode, _Guard]) -> None:
        self._builtin = builtin
        self._guards = guards
        self._choices = {mode: _Choice() for mode in guards}
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """Our own network's version, and who answered for the modes that have a server."""
        parts = [self._builtin.version]
        with self._lock:
            for mode, choice in sorted(self._choices.items()):
                if choice.fallen_back:
                    parts.append(f"{mode}=built-in")
                elif choice.answered:
                    parts.append(_part(mode, self._guards[mode].server.name, choice.data))
        return "+".join(parts)

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes that can be asked for."""
        return self._builtin.modes

    def pinned(self) -> TravelTimes:
        """Return itself."""
        return self

    def check_place(self, place: LonLat, mode: Mode) -> None:
        """Do nothing for a place near a road of the server and of our own network.

        Both, so that our own network can take over at any time.

        Raises
        ------
        TooFarFromRoadError
            One of them has no road near enough; states the distance.
        UnknownModeError
            There is no such mode.
        """
        self._builtin.check_place(place, mode)
        guard = self._guard(mode)
        if guard is None:
            return
        # What is remembered says nothing about how the server does now, so the breaker is not told.
        away_m = guard.server.known_away_m(place)
        if away_m is None:
            try:
                away_m = guard.ask(lambda: guard.server.away_m(place))
            except TravelServerError as error:
                self._fall_back(mode, error)
                return
        check_near(place, away_m, mode, guard.server.name)

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        """Return times and lengths between all pairs, all by the server or all by our network.

        Raises
        ------
        TooFarFromRoadError
            A place is on nobody's map; the message names it.
        QuestionError
            No places, or too many.
        UnknownModeError
            There is no such mode.
        TravelServerError
            The server has given figures before and now fails.
        """
        guard = self._guard(mode)
        # A question without an answer is refused by our own network, in its words.
        if guard is not None and 0 < len(origins) * len(destinations) <= MATRIX_CELL_LIMIT:
            _check_on_earth([*origins, *destinations])
            try:
                found = guard.ask(lambda: guard.server.table(origins, destinations))
            except TravelServerError as error:
                self._fall_back(mode, error)
            else:
                if self._keep(mode, found.data):
                    return found.matrix
        return self._builtin.matrix(origins, destinations, mode, at)

    def route(self, origin: LonLat, destination: LonLat, mode: Mode, at: int) -> RoadRoute:
        """Return the way itself, by the server or by our own network.

        Raises
        ------
        NoRouteError
            There is none.
        TooFarFromRoadError, UnknownModeError, TravelServerError
            As for `matrix`.
        """
        guard = self._guard(mode)
        if guard is not None and origin != destination:
            _check_on_earth([origin, destination])
            try:
                found = guard.ask(lambda: guard.server.route(origin, destination))
            except TravelServerError as error:
                self._fall_back(mode, error)
            else:
                if self._keep(mode, found.data):
                    return found.route
        return self._builtin.route(origin, destination, mode, at)

    def reachable(self, origin: LonLat, seconds: Seconds, mode: Mode, at: int) -> Reach:
        """Return all that can be reached in time.

        An OSRM server cannot say; our own network does.  Valhalla says an area, without the
        junctions and streets in it.
        """
        guard = self._guard(mode)
        if guard is not None and guard.server.tells_reach and 0 <= seconds <= REACH_LIMIT_S:
            _check_on_earth([origin])
            try:
                found = guard.ask(lambda: guard.server.reachable(origin, seconds))
            except TravelServerError as error:
                self._fall_back(mode, error)
            else:
                if not self._has_fallen_back(mode):
                    return found
        return self._builtin.reachable(origin, seconds, mode, at)

    def _guard(self, mode: Mode) -> _Guard | None:
        return None if self._has_fallen_back(mode) else self._guards.get(mode)

    def _has_fallen_back(self, mode: Mode) -> bool:
        choice = self._choices.get(mode)
        return choice is not None and choice.fallen_back

    def _fall_back(self, mode: Mode, error: TravelServerError) -> None:
        with self._lock:
            choice = self._choices[mode]
            if choice.answered:
                raise TravelServerError(
                    f"{error}; it has answered for this snapshot before, and its figures are not "
                    "mixed with others: ask again with a new snapshot"
                ) from error
            choice.fallen_back = True

    def _keep(self, mode: Mode, data: str) -> bool:
        """Take note of an answer; returns False when it came too late to be the source."""
        with self._lock:
            choice = self._choices[mode]
            if choice.fallen_back:
                return False
            if choice.answered and choice.data != data:
                raise TravelServerError(
                    f"{self._guards[mode].server.name} has changed its map from {choice.data!r} "
                    f"to {data!r} in the middle of a snapshot: ask again with a new one"
                )
            choice.answered, choice.data = True, data
        self._guards[mode].data = data
        return True


class ServedTravelTimes:
    """`geo.types.TravelTimes` by routing servers, one for each mode that has one.

    Parameters
    ----------
    builtin
        Answers for modes without a server, and for every server that fails.
    servers
        By mode.
    clock
        Seconds, for how long a failing server is left alone.

    Raises
    ------
    UnknownModeError
        A server is given for a mode that `builtin` cannot take over.
    """

    def __init__(
        self,
        builtin: TravelTimes,
        servers: Mapping[Mode, TravelServer],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for mode in sorted(servers):
            if mode not in builtin.modes:
                raise UnknownModeError(
                    f"a server is given for mode '{mode}', which this city has no roads for, so "
                    f"nothing could take over; it knows {', '.join(sorted(builtin.modes))}"
                )
        self.builtin = builtin
        self._guards = MappingProxyType(
            {mode: _Guard(server, clock) for mode, server in servers.items()}
        )

    @property
    def version(self) -> str:
        """What a pin made now would begin with."""
        parts = [self.builtin.version]
        for mode, guard in sorted(self._guards.items()):
            alone = guard.is_left_alone
            parts.append(
                f"{mode}=built-in" if alone else _part(mode, guard.server.name, guard.data)
            )
        return "+".join(parts)

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes that can be asked for."""
        return self.builtin.modes

    def servers(self) -> tuple[ServerState, ...]:
        """Return how each server does, by mode."""
        return tuple(guard.state(mode) for mode, guard in sorted(self._guards.items()))

    def pinned(self) -> PinnedServers:
        """Return the source of one snapshot."""
        return PinnedServers(self.builtin.pinned(), self._guards)

    def check_place(self, place: LonLat, mode: Mode) -> None:
        """As `PinnedServers.check_place`, of a pin made for this question."""
        self.pinned().check_place(place, mode)

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        """As `PinnedServers.matrix`, of a pin made for this question."""
        return self.pinned().matrix(origins, destinations, mode, at)

    def route(self, origin: LonLat, destination: LonLat, mode: Mode, at: int) -> RoadRoute:
        """As `PinnedServers.route`, of a pin made for this question."""
        return self.pinned().route(origin, destination, mode, at)

    def reachable(self, origin: LonLat, seconds: Seconds, mode: Mode, at: int) -> Reach:
        """As `PinnedServers.reachable`, of a pin made for this question."""
        return self.pinned().reachable(origin, seconds, mode, at)

    def close(self) -> None:
        """Let go of the connections to all servers."""
        for guard in self._guards.values():
            guard.server.close()


def check_near(place: LonLat, away_m: float, mode: Mode, server: str) -> None:
    """Raise `TooFarFromRoadError` when a server's nearest road is too far away."""
    if not away_m <= SNAP_LIMIT_M:
        said = f"{away_m:.0f} m" if away_m < float("inf") else "too far"
        raise TooFarFromRoadError(
            f"({place[1]:.5f}, {place[0]:.5f}) is {said} from every road that {server} knows for "
            f"mode '{mode}', and {SNAP_LIMIT_M:.0f} m is the limit; choose a place nearer to a road"
        )


def _check_on_earth(places: Sequence[LonLat]) -> None:
    for lon, lat in places:
        if not (abs(lon) <= LON_LIMIT and abs(lat) <= LAT_LIMIT):  # NaN fails as well
            raise TooFarFromRoadError(
                f"({lat}, {lon}) is no place on Earth; give latitude -90 to 90 and "
                "longitude -180 to 180"
            )


def _part(mode: Mode, server: str, data: str) -> str:
    return f"{mode}={server}{'@' if data else ''}{data}"
