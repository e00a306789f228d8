"""What couriers do next: which way they go, and what they say of it when.

A device without signal keeps what it would have said and says it when it has signal again, as the
couriers' page does: work at stops as one batch with its true times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch.commands import (
    AcceptOffer,
    ArriveAtStop,
    Command,
    CompleteStop,
    DeclineStop,
    FailStop,
    RecoverCourier,
    StrandCourier,
    TakeInWork,
)
from dispatch.model import Order, Stop, StopKind, Store
from dispatch.records import StopOutcome, WorkReport
from geo.errors import GeoError
from geo.types import LonLat, RoadRoute
from simulations.rng import Streams
from simulations.scenarios.settings import Scenario
from simulations.worlds.closing import ShutStores
from simulations.worlds.courier_trips import Trip, astray
from simulations.worlds.couriers import SIMULATION, Agent, Asked
from simulations.worlds.streets import TrueStreets

BREAKDOWN: Final = "broke down"
"""The reason couriers of a world give when they cannot go on."""

_OUTCOMES: Final[Mapping[type[Command], StopOutcome]] = {
    ArriveAtStop: StopOutcome.ARRIVED,
    CompleteStop: StopOutcome.COMPLETED,
    FailStop: StopOutcome.FAILED,
    DeclineStop: StopOutcome.DECLINED,
}

Said = ArriveAtStop | CompleteStop | FailStop | DeclineStop
Step = tuple[int, Command]
"""When something is said, and what."""


class Surroundings:
    """What couriers find in the world, shared with whoever keeps it.

    Parameters
    ----------
    orders, stores
        Orders that may still be somebody's work, and all places to fetch from.
    ready_at
        When the goods of an order were ready, for those that are.
    cancelled_at
        When orders were cancelled, for those that were.
    shut
        When stores hand over nothing.
    """

    def __init__(
        self,
        scenario: Scenario,
        streets: TrueStreets,
        streams: Streams,
        orders: Mapping[str, Order],
        stores: Mapping[str, Store],
        ready_at: Mapping[str, int],
        cancelled_at: Mapping[str, int],
        shut: ShutStores,
    ) -> None:
        self.scenario = scenario
        self.streets = streets
        self.streams = streams
        self._orders = orders
        self._stores = stores
        self._ready_at = ready_at
        self._cancelled_at = cancelled_at
        self._shut = shut
        self._paces: dict[str, float] = {}
        self._settings = {one.courier_id: one for one in scenario.couriers}

    def entity(self, order_id: str) -> str:
        """Return the name that the randomness about an order hangs on."""
        order = self._orders[order_id]
        return order.external_id or order.order_id

    def place_of(self, stop: Stop) -> LonLat:
        """Return where a stop is."""
        if stop.kind is StopKind.DROPOFF:
            return self._orders[stop.order_id].door
        return self._stores[stop.store_id].location

    def knows(self, stop: Stop) -> bool:
        """Tell whether a stop may still be somebody's work."""
        return stop.order_id in self._orders

    # --- ways ----------------------------------------------------------------------------------

    def way(self, agent: Agent, at: int) -> Trip | None:
        """Return the courier's way to the stop or standby they were told; None without a way.

        A person's device may have left them off the map: then the way starts at the last place
        on it.
        """
        counter: str | None = None
        is_first = True
        if agent.doing is not None:
            stop = agent.doing.stop
            if not self.knows(stop):
                return None
            to = self.place_of(stop)
            name = f"{agent.courier_id} {self.entity(stop.order_id)} {stop.kind}"
            counter = None if stop.kind is StopKind.DROPOFF else stop.store_id
            is_first = not agent.doing.goes_round
        elif agent.standby is not None:
            # They wait in the street, where the next way begins.
            to = self._stores[agent.standby.store_id].location
            name = f"{agent.courier_id} {agent.standby.store_id} {agent.standby.given_at}"
        else:
            return None
        road = self._road(agent, to, at)
        if road is None:
            return None
        travel = self.scenario.travel
        factor = self._pace(agent.courier_id)
        factor *= self.streams.spread("trip", name, travel.trip_spread)
        if is_first and agent.doing is not None:
            road = self._perhaps_astray(road, agent, at, name, factor)
        stays = counter == agent.counter
        walk_out_s = 0 if stays else self._access_s(agent.counter)
        return Trip(road, at + walk_out_s, factor, 0 if stays else self._access_s(counter))

    def _road(self, agent: Agent, to: LonLat, at: int) -> RoadRoute | None:
        travel, mode = self.streets.at(at), agent.courier.mode
        for start in (agent.place, agent.anchor):
            try:
                return travel.route(start, to, mode, at)
            except GeoError:
                continue
        return None

    def _perhaps_astray(
        self, road: RoadRoute, agent: Agent, at: int, name: str, factor: float
    ) -> RoadRoute:
        mishaps = self.scenario.mishaps
        if not self.streams.chance("lost", name, mishaps.lost_share):
            return road
        draw = self.streams.stream("lost way", name)
        low, high = mishaps.lost_s
        lost_s = round(int(draw.integers(low, high + 1)) / factor)
        return astray(self.streets.at(at), road, agent.courier.mode, at, lost_s, draw)

    def _pace(self, courier_id: str) -> float:
        pace = self._paces.get(courier_id)
        if pace is None:
            pace = self.streams.spread("pace", courier_id, self.scenario.travel.spread)
            self._paces[courier_id] = pace
        return pace

    def _access_s(self, counter: str | None) -> int:
        """Return the walk between the street and a counter, none without one."""
        return 0 if counter is None else self._stores[counter].access_s

    # --- what is said --------------------------------------------------------------------------

    def next_step(self, agent: Agent) -> Step | None:
        """Return what the courier will say next and when; None while they wait to be told."""
        doing = agent.doing
        if not agent.is_ours or agent.broken is not None or agent.is_stranded:
            return None
        if agent.asked is not None:
            return self._answer(agent, agent.asked)
        if doing is None or not self.knows(doing.stop):
            return None
        if doing.arrived_at is None:
            return self._on_and_there(agent)
        begin = max(doing.arrived_at, agent.resumed_at)
        return self._said(agent, self._at_the_stop(agent, begin))

    def _on_and_there(self, agent: Agent) -> Step | None:
        """Return what is said of the way, and of the stop if nobody can be told before."""
        first = self._on_the_way(agent)
        if first is None:
            return None
        told_at = agent.silent_until(first.occurred_at)
        if told_at is None or not isinstance(first, ArriveAtStop):
            return self._said(agent, first)
        then = self._at_the_stop(agent, first.occurred_at)
        both = (first,) if then is None or then.occurred_at >= told_at else (first, then)
        return told_at, _batch(agent.courier_id, both)

    def trouble(self, agent: Agent) -> Step | None:
        """Return what a courier says of a breakdown, None when nothing is to be said."""
        if agent.operator != SIMULATION:
            return None
        broken, recovers_at = agent.broken, agent.recovers_at
        if broken is not None and not agent.is_stranded:
            told_at = agent.silent_until(broken.since) or broken.since
            if told_at >= broken.mended_at:
                # Mended before anybody could be told.
                return None
            place = agent.place
            return told_at, StrandCourier(agent.courier_id, place, BREAKDOWN, broken.since)
        if agent.is_stranded and recovers_at is not None:
            told_at = agent.silent_until(recovers_at) or recovers_at
            return told_at, RecoverCourier(agent.courier_id, recovers_at)
        return None

    def _said(self, agent: Agent, said: Said | None) -> Step | None:
        """Return when something is said, in time or after the gap it happened in."""
        if said is None:
            return None
        told_at = agent.silent_until(said.occurred_at)
        if told_at is None:
            return said.occurred_at, said
        return told_at, _batch(agent.courier_id, (said,))

    def _answer(self, agent: Agent, asked: Asked) -> Step | None:
        """Return what becomes of an offer; None when it is left to lapse."""
        courier_id, stop = agent.courier_id, asked.stop
        if not self.knows(stop):
            return None
        settings = self._settings[courier_id]
        draw = self.streams.stream("answers", f"{courier_id} {self.entity(stop.order_id)}")
        choice = float(draw.random())
        low, high = settings.answer_s
        at = asked.heard_at + int(draw.integers(low, high + 1))
        if settings.accept_share <= choice < settings.accept_share + settings.ignore_share:
            return None
        if choice >= settings.accept_share:
            return self._said(agent, DeclineStop(courier_id, stop.stop_id, "cannot take it", at))
        told_at = agent.silent_until(at) or at
        if told_at >= asked.expires_at:
            return None
        return told_at, AcceptOffer(courier_id, stop.stop_id, at)

    def _on_the_way(self, agent: Agent) -> Said | None:
        doing = agent.doing
        if doing is None:
            return None
        courier_id, stop = agent.courier_id, doing.stop
        is_pickup = stop.kind is StopKind.PICKUP
        if is_pickup and (agent.trip is None or self._declines(agent)):
            at = doing.committed_at + self.scenario.travel.decline_after_s
            return DeclineStop(courier_id, stop.stop_id, "cannot take it", at)
        if agent.trip is None:
            # With goods in the bag and no way on, only a person can help.
            return None
        return ArriveAtStop(courier_id, stop.stop_id, agent.trip.arrive_at)

    def _at_the_stop(self, agent: Agent, begin: int) -> Said | None:
        doing = agent.doing
        if doing is None:
            return None
        courier_id, stop = agent.courier_id, doing.stop
        if stop.kind is StopKind.DROPOFF:
            return self._at_the_door(agent, stop, begin)
        if stop.kind is StopKind.PICKUP:
            ready_at = self._ready_at.get(stop.order_id)
            if ready_at is None:
                return None
            begin = max(begin, ready_at)
            at = self._shut.done_at(stop.store_id, begin, self._service_s(agent))
        else:
            # Of a shut store people stand outside, and take what is brought back.
            at = begin + self._service_s(agent)
        cancelled_at = self._cancelled_at.get(stop.order_id)
        is_shelved = stop.kind is StopKind.PICKUP and not self._stores[stop.store_id].is_point
        if is_shelved and cancelled_at is not None and cancelled_at <= at:
            # Nobody hands over what is not wanted any more.
            return None
        return CompleteStop(courier_id, stop.stop_id, at)

    def _at_the_door(self, agent: Agent, stop: Stop, begin: int) -> Said:
        customers = self.scenario.customers
        entity = self.entity(stop.order_id)
        if self.streams.chance("nobody home", entity, customers.nobody_home_share):
            at = begin + customers.wait_at_door_s
            return FailStop(agent.courier_id, stop.stop_id, "nobody home", at)
        return CompleteStop(agent.courier_id, stop.stop_id, begin + self._service_s(agent))

    def _service_s(self, agent: Agent) -> int:
        """Return how long the stop under way really takes."""
        doing = agent.doing
        if doing is None:
            return 0
        if doing.service_s is None:
            stop, handover = doing.stop, self.scenario.handover
            expected_s = {
                StopKind.PICKUP: handover.pickup_s,
                StopKind.RETURN: handover.return_s,
            }.get(stop.kind)
            if expected_s is None:
                expected_s = self._orders[stop.order_id].service_s
            factor = self.streams.spread(
                f"{stop.kind}", self.entity(stop.order_id), handover.spread
            )
            doing.service_s = max(1, round(expected_s * factor))
        return doing.service_s

    def _declines(self, agent: Agent) -> bool:
        doing = agent.doing
        if doing is None or agent.courier.takes_offers:
            # They have said already that they will do it.
            return False
        entity = f"{agent.courier_id} {self.entity(doing.stop.order_id)}"
        return self.streams.chance("declines", entity, self.scenario.travel.decline_share)


def _batch(courier_id: str, said: tuple[Said, ...]) -> TakeInWork:
    reports = tuple(
        WorkReport(
            one.stop_id,
            _OUTCOMES[type(one)],
            one.occurred_at,
            one.reason if isinstance(one, FailStop | DeclineStop) else "",
        )
        for one in said
    )
    return TakeInWork(courier_id, reports)
