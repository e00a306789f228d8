"""The rolling horizon of Reyes et al., the reference policy for meal delivery.

At every decision: orders that are ready soon are bundled by store, up to a target size that
follows from how scarce couriers are; bundles are assigned to couriers by linear assignment,
urgent ones first; whoever starts before the next decision is sent, everything else is postponed
and decided again, unless the goods have waited too long.  A courier on the way to a store may
still be given more of that store until the pickup.

References
----------
Reyes, Erera, Savelsbergh, Sahasrabudhe, O'Neil: The Meal Delivery Routing Problem,
Optimization Online 6571 (2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dispatch.bags import load_of, room_of
from dispatch.model import UNREACHABLE_S, Plan, Route, Snapshot, StopKind
from simulations.baselines.bundles import Bundle, Settings, Shape
from simulations.baselines.routes import timed, written
from simulations.baselines.scene import Hand, Scene, look

_MINUTE_S: Final = 60
_NEVER: Final = -1e6
"""Score of what cannot be."""


@dataclass(frozen=True, slots=True)
class Free:
    """A courier who may be given a bundle: where and when what is held is done."""

    hand: Hand
    place: int
    at: int


def reyes(snapshot: Snapshot, settings: Settings) -> Plan:
    """Return the plan of one decision of the rolling horizon."""
    return _Decision(look(snapshot), settings).plan()


class _Decision:
    """One decision: bundles, their couriers, and what comes of it."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self.scene = scene
        self.settings = settings
        self.now = scene.now
        self.shape = Shape(scene, settings)
        self.under_way: list[Bundle] = []
        self.free: list[Free] = []
        self.claimed: set[str] = set()
        self.later: dict[str, str] = {}
        for hand in scene.hands.values():
            self._sort(hand)
        self.open = [
            key
            for key in scene.free
            if key not in self.claimed and scene.fetch_at[key] <= self.now + settings.look_ahead_s
        ]

    def plan(self) -> Plan:
        bundles = self._bundled()
        routes = self._assigned(bundles)
        for bundle in self.under_way:
            route = self._grown(bundle)
            if route is not None:
                routes[route.courier_id] = route
        self.later |= {
            key: f"left for a later decision: it is ready in {(at - self.now) // _MINUTE_S} min"
            for key, at in self.scene.fetch_at.items()
            if at > self.now + self.settings.look_ahead_s
        }
        return written(self.scene, routes, "reyes", self.later)

    # --- who can be had ------------------------------------------------------------------------

    def _sort(self, hand: Hand) -> None:
        """Tell who is on the way to a store and whose next trip may still be decided."""
        place, at = hand.courier.place, self.scene.earliest(hand)
        held = timed(self.scene, hand, hand.stops)
        if held is not None:
            place, at = self.scene.place(hand.stops[-1]), held.visits[-1].depart_at
        bundle = self._fetching(hand, held) if hand.fetches_at else self._kept(hand, place, at)
        if bundle is not None:
            self.claimed.update(bundle.order_ids)
            self.under_way.append(bundle)
        elif (
            hand.courier.shift_start <= self.now + self.settings.every_s
            and self.now <= hand.courier.shift_end
        ):
            self.free.append(Free(hand, place, at))

    def _fetching(self, hand: Hand, held: Route | None) -> Bundle | None:
        """Return what a courier on the way to a store, or waiting there, fetches."""
        store_id = hand.fetches_at
        if store_id is None or held is None:
            return None
        own = [stop.order_id for stop in hand.ends]
        added = self._told(hand, store_id)
        told = self.scene.told.get(hand.courier_id)
        visits = told.visits if told is not None else ()
        doors = [visit.stop.order_id for visit in visits if visit.stop.kind is not StopKind.PICKUP]
        rank = {order_id: index for index, order_id in enumerate(doors)}
        ends = sorted([*own, *added], key=lambda key: rank.get(key, len(rank)))
        arrive_at = self.scene.earliest(hand)
        if hand.committed:
            arrive_at = held.visits[len(hand.committed) - 1].arrive_at
        return Bundle(store_id, ends, hand.courier_id, arrive_at)

    def _kept(self, hand: Hand, place: int, at: int) -> Bundle | None:
        """Return the trip that a busy courier was told of: postponed ones are never told."""
        told = self.scene.told.get(hand.courier_id)
        if not hand.stops or told is None:
            return None
        pickups = (v.stop for v in told.visits if v.stop.kind is StopKind.PICKUP)
        store_id = next((stop.store_id for stop in pickups if stop not in hand.committed), "")
        order_ids = set(self._told(hand, store_id))
        if not order_ids:
            return None
        doors = (v.stop.order_id for v in told.visits if v.stop.order_id in order_ids)
        last = reversed(list(dict.fromkeys(reversed(list(doors)))))
        counter = self.scene.situation.stores[store_id].place
        way_s = int(self.scene.duration_s(hand.courier)[place, counter])
        return Bundle(store_id, list(last), hand.courier_id, at + way_s)

    def _told(self, hand: Hand, store_id: str) -> list[str]:
        """Return what else a courier was told to fetch at a store on the next trip."""
        told = self.scene.told.get(hand.courier_id)
        found: list[str] = []
        for visit in told.visits if told is not None else ():
            stop = visit.stop
            if stop in hand.committed or (not found and stop.kind is not StopKind.PICKUP):
                continue
            if stop.kind is not StopKind.PICKUP or stop.store_id != store_id:
                break
            order = self.scene.free.get(stop.order_id)
            if (
                order is not None
                and order.store_id == store_id
                and stop.order_id not in self.claimed
                and hand.courier_id not in order.declined_by
            ):
                found.append(stop.order_id)
        return found

    # --- bundles -------------------------------------------------------------------------------

    def _target(self) -> int:
        """Return how many orders a bundle should have: ready orders per free courier."""
        settings = self.settings
        orders = sum(
            self.scene.fetch_at[key] <= self.now + settings.ready_within_s for key in self.open
        )
        couriers = sum(free.at <= self.now + settings.free_within_s for free in self.free)
        return min(max(1, ceil(orders / max(1, couriers))), self.shape.most_parcels)

    def _bundled(self) -> list[Bundle]:
        """Return the bundles to be assigned; those under way grow on the spot."""
        target = self._target()
        by_store: dict[str, list[str]] = {}
        for key in sorted(self.open, key=lambda key: (self.scene.fetch_at[key], key)):
            by_store.setdefault(self.scene.store(key).store_id, []).append(key)
        found: list[Bundle] = []
        for store_id, order_ids in by_store.items():
            started = [bundle for bundle in self.under_way if bundle.store_id == store_id]
            fresh = max(0, ceil(len(order_ids) / target) - len(started))
            bundles = [*started, *(Bundle(store_id, []) for _ in range(fresh))]
            where: dict[str, Bundle] = {}
            # The second round takes each order out again, now that the others have a place.
            for _ in range(2):
                for key in order_ids:
                    self._place(key, bundles, where, target)
            found += [bundle for bundle in bundles[len(started) :] if bundle.order_ids]
            found += [Bundle(store_id, [key]) for key in order_ids if key not in where]
        return found

    def _place(
        self, order_id: str, bundles: Sequence[Bundle], where: dict[str, Bundle], target: int
    ) -> None:
        """Put an order into the bundle whose route it lengthens least, if any may take it."""
        if order_id in where:
            where.pop(order_id).order_ids.remove(order_id)
        best: tuple[float, Bundle, list[str]] | None = None
        for bundle in bundles:
            before = self.shape.cost(bundle.store_id, bundle.order_ids)
            after, order_ids = min(
                (
                    (self.shape.cost(bundle.store_id, sequence), sequence)
                    for sequence in _insertions(bundle.order_ids, order_id)
                ),
                key=lambda found: found[0].total,
            )
            if len(bundle.order_ids) >= target and after.each_s >= before.each_s:
                continue
            added = after.total - before.total
            if (best is None or added < best[0]) and self._may_carry(bundle, order_ids, order_id):
                best = (added, bundle, order_ids)
        if best is not None:
            best[1].order_ids = best[2]
            where[order_id] = best[1]

    def _may_carry(self, bundle: Bundle, order_ids: Sequence[str], added: str) -> bool:
        if not self.shape.fits(order_ids):
            return False
        if bundle.courier_id is None:
            return True
        hand = self.scene.hands[bundle.courier_id]
        person = hand.courier.courier
        fetched = [key for key in order_ids if key not in hand.in_bag]
        orders = self.scene.situation.orders
        return (
            bundle.courier_id not in orders[added].declined_by
            and load_of(orders[key].order for key in order_ids).fits(room_of(person))
            and self.shape.last_pickup(bundle.store_id, fetched).begin(bundle.arrive_at)
            <= hand.courier.shift_end
        )

    # --- couriers ------------------------------------------------------------------------------

    def _assigned(self, bundles: Sequence[Bundle]) -> dict[str, Route]:
        """Return the routes of couriers who are given a bundle, urgent groups first."""
        free = self.free
        routes: dict[str, Route] = {}
        every = f"the next decision in {self.settings.every_s // _MINUTE_S} min"
        for group in self._groups(bundles):
            if not free or not group:
                continue
            score = np.column_stack([self.scores(bundle, free) for bundle in group])
            used: set[str] = set()
            for row, column in zip(*linear_sum_assignment(score, maximize=True), strict=True):
                if score[row, column] <= _NEVER:
                    continue
                hand = free[row].hand
                stops = (*hand.stops, *self.scene.trip(group[column].order_ids))
                route = timed(self.scene, hand, stops)
                if route is None:
                    continue
                used.add(hand.courier_id)
                if self._is_postponed(free[row], group[column]):
                    said = f"postponed: {hand.courier_id} is to fetch it, but not before {every}"
                    self.later |= dict.fromkeys(group[column].order_ids, said)
                else:
                    routes[hand.courier_id] = route
            free = [one for one in free if one.hand.courier_id not in used]
        return routes

    def _is_postponed(self, free: Free, bundle: Bundle) -> bool:
        """Return whether a bundle is decided again before its courier could start for it.

        Such an assignment only keeps the courier from others in this decision.
        """
        ready_at = max(self.scene.ready_at[key] for key in bundle.order_ids)
        stale = self.now - ready_at > self.settings.stale_after_s
        return free.at >= self.now + self.settings.every_s and not stale

    def _groups(self, bundles: Sequence[Bundle]) -> list[list[Bundle]]:
        """Return bundles by urgency: late even if fetched now, ready, not yet ready."""
        groups: list[list[Bundle]] = [[], [], []]
        for bundle in bundles:
            ready = min(self.scene.ready_at[key] for key in bundle.order_ids) <= self.now
            late = self.shape.is_late(bundle.store_id, bundle.order_ids)
            groups[0 if late else 1 if ready else 2].append(bundle)
        return groups

    def scores(self, bundle: Bundle, free: Sequence[Free]) -> NDArray[np.float64]:
        """Return how well a bundle suits each courier, float64 (free,): orders per minute.

        Less what the wait of the goods at the counter counts.
        """
        scene, situation = self.scene, self.scene.situation
        store = situation.stores[bundle.store_id].place
        pickup = self.shape.last_pickup(bundle.store_id, bundle.order_ids)
        tables = situation.snapshot.travel.duration_s
        tour_s = {
            mode: self.shape.tour_s(store, bundle.order_ids, tables[mode])
            for mode in {one.hand.courier.courier.mode for one in free}
        }
        load = load_of(scene.free[key].order for key in bundle.order_ids)
        declined = frozenset[str]().union(*(scene.free[k].declined_by for k in bundle.order_ids))
        found = np.full(len(free), _NEVER)
        for row, one in enumerate(free):
            courier = one.hand.courier
            person = courier.courier
            way_s = int(tables[person.mode][one.place, store])
            begin = pickup.begin(one.at + way_s)
            if (
                way_s >= UNREACHABLE_S
                or tour_s[person.mode] >= UNREACHABLE_S
                or begin > courier.shift_end
                or not load.fits(room_of(person))
                or courier.courier_id in declined
            ):
                continue
            takes_s = begin + pickup.service_s + tour_s[person.mode] - one.at
            waits_min = (begin - pickup.ready_at) / _MINUTE_S
            found[row] = (
                len(bundle.order_ids) * _MINUTE_S / max(_MINUTE_S, takes_s)
                - self.settings.wait_weight * waits_min
            )
        return found

    def _grown(self, bundle: Bundle) -> Route | None:
        """Return the route of a courier under way, with what the trip has grown by."""
        hand = self.scene.hands[bundle.courier_id or ""]
        fetched = {stop.order_id for stop in hand.committed} | set(hand.in_bag)
        new = [key for key in bundle.order_ids if key not in fetched]
        if not hand.fetches_at:
            return timed(self.scene, hand, (*hand.stops, *self.scene.trip(bundle.order_ids)))
        ends = {stop.order_id: stop for stop in hand.ends}
        pickups = [stop for stop in self.scene.trip(new) if stop.kind is StopKind.PICKUP]
        doors = [ends.get(key) or self.scene.dropoff(key) for key in bundle.order_ids]
        return timed(self.scene, hand, (*hand.committed, *pickups, *doors))


def _insertions(order_ids: Sequence[str], order_id: str) -> Iterator[list[str]]:
    for index in range(len(order_ids) + 1):
        yield [*order_ids[:index], order_id, *order_ids[index:]]
