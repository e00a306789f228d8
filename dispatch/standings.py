"""What quotes are asked of: the plan in force, made ready once for each state and moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final, NamedTuple

from dispatch.experience import ExperienceFold
from dispatch.model import Order, OrderInPlay, Policy, Refusal, Snapshot, StoreDemand
from dispatch.planning.quote import Offer
from dispatch.planning.standing import Door, Standing
from dispatch.snapshot import Grounds, door_of, taken
from dispatch.state import State
from dispatch.views import Position, Views
from geo.areas import ServedDoors
from geo.square_tables import SquareTables
from geo.travel import PinnedTravelTimes

_UNDER_CONTROLS: Final = 4
"""A quote under surge controls is asked of so many standing plans at most, and mostly of two."""


_WEIGHED: Final = tuple(
    part.name for part in fields(State) if part.name not in {"seq", "at", "quotes"}
)
"""Parts of the state that a quote may hang on: it does not on those given before."""


class Known(NamedTuple):
    """What a decision may know, all that a standing plan hangs on.

    Attributes
    ----------
    experience, demand
        Folded from the same log as the state.
    learnt
        From how many events the experience is.
    """

    state: State
    now: int
    travel: PinnedTravelTimes
    positions: Mapping[str, Position]
    policy: Policy
    experience: ExperienceFold
    learnt: int
    demand: tuple[StoreDemand, ...]

    def is_as(self, other: Known) -> bool:
        """Tell whether a quote would know the same; what changed in a state is another object."""
        return (
            all(getattr(self.state, part) is getattr(other.state, part) for part in _WEIGHED)
            and self.learnt == other.learnt
            and self.demand == other.demand
            and self.now == other.now
            and self.travel is other.travel
            and self.policy is other.policy
            and self.positions == other.positions
        )


class Standings:
    """Makes standing plans and keeps those of the present moment; for one thread.

    Parameters
    ----------
    time_zone
        Of the city, for opening hours.
    seed
        Handed to every quote.
    served
        Says which doors lie in a store's service area.

    Notes
    -----
    What it answers hangs on what is known alone: a plan is asked again only as long as nothing,
    not even the time, is other than when it was made.
    """

    def __init__(self, time_zone: str, seed: int, served: ServedDoors) -> None:
        self._time_zone = time_zone
        self._seed = seed
        self._served = served
        self._views = Views()
        self._tables = SquareTables()
        self._known: Known | None = None
        self._taken: tuple[Snapshot, Grounds] | None = None
        self._standing: list[Standing] = []

    def snapshot(self, known: Known) -> Snapshot:
        """Return what a quote may know now, with room for its door."""
        if self._taken is None or self._known is None or not self._known.is_as(known):
            self._standing = []
            self._taken = taken(
                known.state,
                known.now,
                travel=known.travel,
                positions=known.positions,
                policy=known.policy,
                time_zone=self._time_zone,
                served=self._served,
                seed=self._seed,
                demand=known.demand,
                experience=known.experience,
                views=self._views,
                tables=self._tables,
                roomy=True,
            )
            self._known = known._replace(positions=dict(known.positions))
        return self._taken[0]

    def door(self, order: Order) -> Door:
        """Return the door of an order, as the last snapshot would have it."""
        if self._taken is None or self._known is None:
            raise RuntimeError("a door is a place of a snapshot: take one first")
        made, grounds = self._taken
        return door_of(
            order.door,
            made,
            grounds,
            travel=self._known.travel,
            served=self._served,
            tables=self._tables,
        )

    def quote(self, under: Snapshot, candidate: OrderInPlay, door: Door) -> Offer | Refusal | None:
        """Return what `Standing.quote` says.

        Parameters
        ----------
        under
            The last snapshot, or the same with other stores or another policy.
        """
        for standing in self._standing:
            asked = standing.snapshot
            if asked is under or (asked.policy == under.policy and asked.stores == under.stores):
                return standing.quote(candidate, door)
        if len(self._standing) == _UNDER_CONTROLS:
            self._standing.pop()
        standing = Standing(under)
        self._standing.insert(0, standing)
        return standing.quote(candidate, door)
