"""Couriers as they really are: where, doing what, with what in the bag."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import NamedTuple

from dispatch.events import Recorded
from dispatch.model import Courier, Stop
from geo.types import LonLat
from simulations.worlds.courier_mishaps import Breakdown
from simulations.worlds.courier_trips import Trip
from simulations.worlds.signal import Gaps, gap_end

SIMULATION = "simulation"
"""The operator of couriers that a world acts for."""


def moment(day: dt.date, second: int, zone: dt.tzinfo) -> int:
    """Return a time of a local day, given in seconds after midnight, in UTC epoch seconds.

    86,400 and more is on the morrow; on the days the clocks change it is still the time that
    the clock on the wall shows.
    """
    wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=second)
    return int(wall.replace(tzinfo=zone).timestamp())


def next_shift(shift: tuple[int, int], zone: dt.tzinfo, at: int) -> tuple[int, int]:
    """Return the first daily shift that is not over at a time, running ones included."""
    day = dt.datetime.fromtimestamp(at, zone).date() - dt.timedelta(days=1)
    while moment(day, shift[1], zone) <= at:
        day += dt.timedelta(days=1)
    return moment(day, shift[0], zone), moment(day, shift[1], zone)


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a courier's device says they are."""

    courier_id: str
    place: LonLat
    at: int


@dataclass(slots=True)
class Doing:
    """The stop a courier was told to do now.

    Attributes
    ----------
    goes_round
        Their way was broken off once: nobody goes wrong twice.
    service_s
        What was drawn of how long it takes, once it was.
    """

    stop: Stop
    committed_at: int
    arrived_at: int | None = None
    goes_round: bool = False
    service_s: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where a courier without work was told to wait."""

    store_id: str
    given_at: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A pickup that a courier was asked about, heard of at `heard_at`."""

    stop: Stop
    heard_at: int
    expires_at: int


class Broken(NamedTuple):
    """Something has given way; it is mended at `mended_at`."""

    since: int
    mended_at: int


@dataclass(slots=True)
class Agent:
    """A courier as they really are.

    Attributes
    ----------
    place, anchor
        Where they stand (or stood before the trip), and the last place known to be on a road.
    shift
        From and until; None before the first.
    left_at, trip
        When they set out for the stop or the standby, and their way; the way is looked up when it
        is needed.
    asked
        An offer they have not answered.
    standby
        Where to wait near, on the way there too; None with work, or nowhere in particular.
    counter
        Store at whose counter they stand; None in the street.
    is_lost
        A person acted for them until now: only the service knows where that left them.
    resumed_at
        When we began to act for them (again).
    broken, is_stranded, recovers_at
        What has given way; whether the engine knows; when they can say that it is mended.
    weak, breakdowns
        What breaks as soon as they are under way, and what will.
    gaps, inbox, track
        When their device has no signal; what it is told when it has again; where it saw them
        meanwhile.
    """

    courier: Courier
    place: LonLat
    anchor: LonLat
    operator: str = SIMULATION
    shift: tuple[int, int] | None = None
    left_at: int | None = None
    trip: Trip | None = None
    doing: Doing | None = None
    asked: Asked | None = None
    standby: Waiting | None = None
    counter: str | None = None
    bag: set[str] = field(default_factory=set)
    is_lost: bool = False
    resumed_at: int = 0
    broken: Broken | None = None
    is_stranded: bool = False
    recovers_at: int | None = None
    weak: Breakdown | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    gaps: Gaps = ()
    inbox: list[Recorded] = field(default_factory=list)
    track: list[Seen] = field(default_factory=list, compare=False)

    @property
    def courier_id(self) -> str:
        """The courier's id."""
        return self.courier.courier_id

    @property
    def is_ours(self) -> bool:
        """Whether the world acts for them, and knows where they are."""
        return self.operator == SIMULATION and not self.is_lost

    @property
    def is_bound(self) -> bool:
        """Whether there is somewhere to go: a stop not reached yet, or a standby."""
        if self.doing is not None:
            return self.doing.arrived_at is None
        return self.standby is not None

    def place_at(self, at: float) -> LonLat:
        """Return where the courier is at a time."""
        return self.place if self.trip is None else self.trip.place(at)

    def is_out(self, at: int) -> bool:
        """Tell whether the courier is at work: on shift, under way or with goods in the bag."""
        on_shift = self.shift is not None and self.shift[0] <= at < self.shift[1]
        return on_shift or self.doing is not None or bool(self.bag)

    def is_riding(self, at: int) -> bool:
        """Tell whether the courier is on the street on the way to somewhere."""
        if self.trip is None:
            return False
        begins, ends = self.trip.rides
        return begins <= at <= ends

    def silent_until(self, at: int) -> int | None:
        """Return when a device without signal at a moment has it again, None with signal."""
        return gap_end(self.gaps, at)

    def stop_moving(self, at: int) -> None:
        """Stand still where they are."""
        if self.trip is not None and at > self.trip.started_at:
            self.counter = None
        self.place = self.place_at(at)
        self.trip = None
        self.left_at = None
