"""Orders, stores and couriers as decisions see them, made anew only when something changed.

A state shares with the one before whatever did not change, so the very same object is the very
same order, courier or store: nothing has to be compared, and nothing can go stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from dispatch.fields import revised
from dispatch.model import (
    AreaInPlay,
    CourierInPlay,
    Fulfilment,
    OrderInPlay,
    Policy,
    Stop,
    StopKind,
    Store,
    StoreInPlay,
)
from dispatch.state import UNPICKED, CourierState, OrderState, State, StoreState
from geo.types import LonLat


@dataclass(frozen=True, slots=True)
class Position:
    """Where a courier was last seen, and when."""

    place: LonLat
    at: int


class Spot(NamedTuple):
    """Where a courier is among the places of a snapshot.

    Attributes
    ----------
    place
        Number of the place.
    seen
        Where and when a way of theirs begins.
    counter
        Store at whose counter they stand, None elsewhere.
    way_s
        To the stop that they are on the way to; 0 without one.
    home_place
        Number of the place where they live, where that matters.
    worked_s, acceptance
        Time on orders in this shift, and the chance that an offer is taken.
    """

    place: int
    seen: Position
    counter: str | None
    way_s: int
    home_place: int | None = None
    worked_s: int = 0
    acceptance: float = 1.0


class Shelf(Mapping[str, int]):
    """What a store has free of any article; of those on its shelf what was asked is remembered."""

    __slots__ = ("_free", "_store")

    def __init__(self, store: StoreState) -> None:
        self._store = store
        self._free: dict[str, int] = {}

    def __getitem__(self, sku: str) -> int:
        """Return how many can still be promised."""
        return self._store.available(sku)

    def get(self, sku: str, default: object = None) -> int:  # noqa: ARG002  a mapping's own
        """Return the same: of what a store does not have there is none free."""
        found = self._free.get(sku)
        if found is None:
            found = self._store.available(sku)
            if sku in self._store.on_hand:
                self._free[sku] = found
        return found

    def __iter__(self) -> Iterator[str]:
        """Yield the articles that are on the shelf."""
        return iter(self._store.on_hand)

    def __len__(self) -> int:
        """Return how many articles there are."""
        return len(self._store.on_hand)


class Views:
    """What was made for the last decisions, for the next one; for one thread."""

    def __init__(self) -> None:
        self._stores: dict[str, tuple[StoreState, tuple[str, ...] | None, StoreInPlay]] = {}
        self._orders: dict[str, tuple[OrderState, OrderInPlay]] = {}
        self._couriers: dict[str, tuple[CourierState, CourierInPlay]] = {}

    def store(
        self,
        store: StoreState,
        place: int,
        skus: tuple[str, ...] | None,
        windows: tuple[tuple[int, int], ...],
        area: AreaInPlay | None,
    ) -> StoreInPlay:
        """Return a store at a place, with its free stock of some SKUs, or of any."""
        key = store.store.store_id
        known = self._stores.get(key)
        if known is not None:
            state, told, made = known
            if (
                state is store
                and told == skus
                and made.place == place
                and made.open_windows == windows
                and made.area == area
            ):
                return made
        made = StoreInPlay(
            store=_without_area(store.store),
            place=place,
            available=(
                Shelf(store) if skus is None else {sku: store.available(sku) for sku in skus}
            ),
            open_windows=windows,
            paused=store.paused is not None,
            area=area,
        )
        self._stores[key] = (store, skus, made)
        return made

    def order(
        self, order: OrderState, place: int, policy: Policy, crew: frozenset[str], now: int
    ) -> OrderInPlay:
        """Return an order whose door is at a place; `crew` are the couriers of the snapshot."""
        key = order.order.order_id
        known = self._orders.get(key)
        if known is not None and known[0] is order:
            made = known[1]
            if made.place != place:
                made = revised(made, place=place)
                self._orders[key] = (order, made)
            return made
        made = _order_in_play(order, place, policy, crew, now)
        if order.order.priority == 0 and order.lock is None:
            # Of others the policy and the time have a say.
            self._orders[key] = (order, made)
        return made

    def courier(
        self, state: State, courier: CourierState, spot: Spot, policy: Policy, now: int
    ) -> CourierInPlay:
        """Return a courier at a spot."""
        start, available_at, shift_end = _times(state, courier, spot, policy, now)
        # Whoever is on the way to a door has left the counter.
        commitment = courier.commitment
        stays = commitment is None or commitment.stop.kind is StopKind.PICKUP
        at_store = spot.counter if stays else None
        under_way = courier.standby is not None and now < courier.standby.expected_at
        known = self._couriers.get(courier.courier.courier_id)
        if known is not None and known[0] is courier:
            made = revised(
                known[1],
                place=spot.place,
                available_at=available_at,
                shift_start=start,
                shift_end=shift_end,
                at_store=at_store,
                under_way=under_way,
                home_place=spot.home_place,
                worked_s=spot.worked_s,
                acceptance=spot.acceptance,
            )
            self._couriers[courier.courier.courier_id] = (courier, made)
            return made
        made = CourierInPlay(
            courier=courier.courier,
            place=spot.place,
            available_at=available_at,
            shift_start=start,
            shift_end=shift_end,
            committed=told_stops(state, courier),
            arrived=commitment is not None and commitment.arrived_at is not None,
            on_board=courier.on_board,
            at_store=at_store,
            standby=courier.standby.store_id if courier.standby is not None else None,
            under_way=under_way,
            pause=courier.pause,
            home_place=spot.home_place,
            worked_s=spot.worked_s,
            acceptance=spot.acceptance,
        )
        if courier.route_lock is None:
            # Of a fixed order of stops the orders in it have a say.
            self._couriers[courier.courier.courier_id] = (courier, made)
        return made

    def keep(self, orders: Mapping[str, object], couriers: Mapping[str, object]) -> None:
        """Forget whatever is not among these; nothing is kept for those who are gone."""
        for known, alive in ((self._orders, orders), (self._couriers, couriers)):
            if len(known) > len(alive):
                for key in known.keys() - alive.keys():
                    del known[key]


def _order_in_play(
    order: OrderState, place: int, policy: Policy, crew: frozenset[str], now: int
) -> OrderInPlay:
    bought, promise = order.order, order.promise
    if order.is_carried_outside:
        # To be picked like what the customer collects; somebody else's courier comes for it.
        bought = replace(bought, fulfilment=Fulfilment.COLLECTION)
    if bought.priority > 0:
        latest = max(promise.made_at, promise.latest - policy.priority_lead_s * bought.priority)
        promise = replace(promise, earliest=min(promise.earliest, latest), latest=latest)
    declined_by = order.declined_by
    if order.lock is not None and order.lock.expires_at > now:
        declined_by |= crew - {order.lock.courier_id}
    return OrderInPlay(
        order=bought,
        place=place,
        promise=promise,
        status=order.status,
        delivery=order.delivery,
        store_id=order.store_id,
        store_fixed=(
            order.status not in UNPICKED
            or order.courier_id is not None
            or order.pinned_store_id == order.store_id
        ),
        pick_started_at=order.pick_started_at,
        ready_at=order.ready_at,
        courier_id=order.courier_id,
        on_board=order.on_board,
        returning=order.returning,
        declined_by=declined_by,
        excluded_stores=order.excluded_stores,
        picked_up_at=order.picked_up_at,
        not_before=_not_before(order, policy),
        told_eta=None if order.eta is None else order.eta + bought.service_s,
    )


def _not_before(order: OrderState, policy: Policy) -> int | None:
    """Return from when on somebody is at home for a later slot; None for what is wanted soon."""
    begins = order.promise.earliest
    return begins if begins > order.order.created_at + policy.promise_max_s else None


def _without_area(store: Store) -> Store:
    return store if store.service_area is None else replace(store, service_area=None)


def _times(
    state: State, courier: CourierState, spot: Spot, policy: Policy, now: int
) -> tuple[int, int, int]:
    """Return from when on a courier is on shift, available, and no pickup of theirs may begin."""
    start = courier.shift_start if courier.shift_start is not None else now
    available_at = max(now, start)
    if courier.commitment is None and courier.standby is not None:
        available_at = max(available_at, spot.seen.at)
    if courier.commitment is None and courier.break_until is not None:
        available_at = max(available_at, courier.break_until)
    shift_end = courier.shift_end if courier.shift_end is not None else now
    commitment = courier.commitment
    if commitment is not None:
        stop = commitment.stop
        due_at = commitment.expected_at
        if commitment.arrived_at is not None:
            # At the stop since then; what is overdue may be over any moment, not in the past.
            service_s = _service_s(state, stop)
            available_at = max(commitment.arrived_at, now - service_s)
            ready_at = state.order(stop.order_id).ready_at
            due_at = max(commitment.arrived_at, now if ready_at is None else ready_at) + service_s
        elif commitment.is_on_the_way:
            # On the way since the position was seen; one that is overdue arrives any moment.
            available_at = max(spot.seen.at, commitment.committed_at, now - spot.way_s)
        if now > due_at + policy.overdue_after_s:
            # No pickup may begin any more; what is in the bag is still theirs.
            shift_end = min(shift_end, now - 1)
    if courier.break_wanted_s is not None:
        # Nothing new before the break; it begins when the bag is empty.
        shift_end = min(shift_end, now - 1)
    return start, available_at, shift_end


def told_stops(state: State, courier: CourierState) -> tuple[Stop, ...]:
    """Return what a courier does next for certain: the stop under way, then what a person fixed."""
    under_way = [courier.commitment.stop] if courier.commitment is not None else []
    return (*under_way, *(stop for stop in fixed_stops(state, courier) if stop not in under_way))


def fixed_stops(state: State, courier: CourierState) -> tuple[Stop, ...]:
    """Return the stops whose order a person fixed, as far as they are still to be done."""
    lock, route, commitment = courier.route_lock, courier.route, courier.commitment
    if lock is None or route is None:
        return ()
    planned = {visit.stop.stop_id: visit.stop for visit in route.visits}
    under_way = None if commitment is None else commitment.stop
    bag = set(courier.on_board)
    if under_way is not None:
        bag.add(under_way.order_id)
    fixed: list[Stop] = []
    for stop in (planned[stop_id] for stop_id in lock.stop_ids if stop_id in planned):
        order = state.orders.get(stop.order_id)
        if order is None:
            continue
        if stop.kind is StopKind.PICKUP:
            if stop != under_way and not _may_fetch(order, courier.courier.courier_id, stop):
                continue
            bag.add(stop.order_id)
        elif stop.order_id not in bag or order.returning != (stop.kind is StopKind.RETURN):
            continue
        fixed.append(stop)
    return tuple(fixed)


def _may_fetch(order: OrderState, who: str, stop: Stop) -> bool:
    """Tell whether a pickup that was planned may still be done by this courier, there."""
    free = order.courier_id in {None, who} and not order.on_board and not order.returning
    kept = order.hold is not None or order.is_carried_outside or who in order.declined_by
    others = order.lock is not None and order.lock.courier_id != who
    here = order.store_id == stop.store_id and stop.store_id not in order.excluded_stores
    return free and not kept and not others and here


def _service_s(state: State, stop: Stop) -> int:
    if stop.kind is StopKind.DROPOFF:
        return state.order(stop.order_id).order.service_s
    return state.store(stop.store_id).store.pickup_service_s
