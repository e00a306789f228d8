"""What quotes are asked of: the plan in force, made ready once for each state and moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from dispatch.asking import candidacy
from dispatch.controls import offered
from dispatch.experience import ExperienceFold
from dispatch.model import Fulfilment, Order, Policy, Reason, Refusal, Snapshot, StoreDemand
from dispatch.planning.quote import Offer, quote
from dispatch.planning.standing import Standing
from dispatch.snapshot import Grounds, door_of, taken
from dispatch.state import State
from dispatch.views import Position, Views
from geo.areas import ServedDoors
from geo.square_tables import SquareTables
from geo.travel import PinnedTravelTimes
from geo.types import TravelTimes

_UNDER_CONTROLS: Final = 4
"""A quote under surge controls is asked of so many standing plans at most, and mostly of two."""


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
    travel: TravelTimes
    positions: Mapping[str, Position]
    policy: Policy
    experience: ExperienceFold
    learnt: int
    demand: tuple[StoreDemand, ...]

    def is_as(self, other: Known) -> bool:
        """Tell whether a quote would know the same; what changed in a state is another object."""
        return (
            self.state.is_as(other.state)
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
        self._before: Standing | None = None

    def offer(
        self,
        known: Known,
        asked: Order,
        only: Collection[str] | None,
        under: State,
        snapshot: Callable[[Order], Snapshot],
    ) -> Offer | Refusal:
        """Return what an order is offered: from the plan as it stands, else from a snapshot.

        Parameters
        ----------
        only
            The stores it may come from; None for all.
        under
            The state with the controls that the order is under.
        snapshot
            Takes one for an order: for what is collected or open already, where goods are short,
            where nobody is in play, and for travel times that are not our own.
        """
        state = known.state
        is_known = asked.order_id in state.orders
        if not is_known and asked.fulfilment is Fulfilment.DELIVERY:
            found = self._standing_offer(known, asked, only, under)
            if found is not None:
                return found
        made_for, candidate = candidacy(state, snapshot(asked), asked, only)
        if is_known:
            # No control touches what was promised already.
            return quote(made_for, candidate)
        return offered(made_for, under, asked, lambda made: quote(made, candidate))

    def _standing_offer(
        self, known: Known, asked: Order, only: Collection[str] | None, under: State
    ) -> Offer | Refusal | None:
        """Return the offer of a new delivery from the plan as it stands, None where it has none."""
        if not isinstance(known.travel, PinnedTravelTimes):
            return None
        made_for, grounds = self._present(known, known.travel)
        if not any(one.courier.mode in made_for.travel.duration_s for one in made_for.couriers):
            return None
        _, candidate = candidacy(known.state, made_for, asked, only)
        door = door_of(
            asked.door,
            made_for,
            grounds,
            travel=known.travel,
            served=self._served,
            tables=self._tables,
        )
        said: list[Offer | Refusal | None] = []

        def solve(made: Snapshot) -> Offer | Refusal:
            said.append(self._on(made).quote(candidate, door))
            return said[-1] or Refusal(Reason.NO_STOCK, "goods are short")

        offer = offered(made_for, under, asked, solve)
        return None if None in said else offer

    def _present(self, known: Known, travel: PinnedTravelTimes) -> tuple[Snapshot, Grounds]:
        """Return what a quote may know now, with room for its door."""
        if self._taken is None or self._known is None or not self._known.is_as(known):
            self._before = self._standing[0] if self._standing else self._before
            self._standing = []
            self._taken = taken(
                known.state,
                known.now,
                travel=travel,
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
        return self._taken

    def _on(self, under: Snapshot) -> Standing:
        """Return the standing plan of the last snapshot, or of it with other stores or policy."""
        for standing in self._standing:
            made = standing.snapshot
            if made is under or (made.policy == under.policy and made.stores == under.stores):
                return standing
        if len(self._standing) == _UNDER_CONTROLS:
            self._standing.pop()
        standing = Standing(under, self._standing[0] if self._standing else self._before)
        self._standing.insert(0, standing)
        return standing
