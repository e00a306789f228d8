"""The checker's eye on couriers: one stop at a time, within their means, and never a leap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dispatch import events as e
from dispatch.model import Courier, Mode, Order, Stop, StopKind
from geo.errors import GeoError
from geo.plane import flat_length_m
from geo.types import UNREACHABLE_S, LonLat

TOP_SPEED_M_S: Final[Mapping[Mode, float]] = MappingProxyType(
    {
        Mode.WALK: 3.0,
        Mode.BIKE: 12.0,
        Mode.CARGO_BIKE: 12.0,
        Mode.SCOOTER: 25.0,
        Mode.CAR: 35.0,
    }
)
"""Nobody is faster: 11 km/h on foot, 43 by bicycle, 90 by scooter, 126 by car."""

OFF_STREET_M: Final = 300.0
"""A door and the street before it: ways are measured from street to street, so two places may be
this much farther apart than the streets before them."""

SLOWEST_SHARE: Final = 1 / 3
"""Nobody takes less than a third of what the empty network says."""


class Streets(Protocol):
    """Ways of the empty network (`geo.travel.NetworkTravelTimes`)."""

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes it answers for."""

    def durations(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> NDArray[np.int32]:
        """Return seconds from each origin to each destination, shape (origins, destinations)."""


_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class _Known:
    """Where a courier was for certain."""

    at: int
    seq: int
    place: LonLat
    what: str


@dataclass(slots=True)
class _Courier:
    """A courier by what was said of them."""

    courier: Courier
    shifts: list[tuple[int, int]] = field(default_factory=list)
    told: Stop | None = None
    here: Stop | None = None
    bag: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    is_resting: bool = False
    is_stranded: bool = False
    known: list[_Known] = field(default_factory=list)


class Couriers:
    """All couriers of a log.

    Parameters
    ----------
    late
        When late reports of whom were taken in: what came with them was not told in its turn, so
        it is not held to the order in which couriers are told things.
    travel
        The empty streets; None to look at straight lines only.
    """

    def __init__(
        self, late: frozenset[tuple[int, str]], travel: Streets | None, *, from_home: bool
    ) -> None:
        self._travel = travel
        self._from_home = from_home
        self._couriers: dict[str, _Courier] = {}
        self._orders: dict[str, Order] = {}
        self._places: dict[str, LonLat] = {}
        self._late = late

    def see(self, recorded: e.Recorded) -> Iterator[str]:
        """Yield what is wrong with what an event says of couriers."""
        match recorded.event:
            case e.CourierRegistered(courier=registered):
                found = self._couriers.get(registered.courier_id)
                if found is None:
                    self._couriers[registered.courier_id] = _Courier(registered)
                else:
                    found.courier = registered
            case e.StoreRegistered(store=store):
                self._places[store.store_id] = store.location
            case e.OrderReceived(order=order) | e.OrderAmended(order=order):
                self._orders[order.order_id] = order
            case e.OrderCancelled(order_id=order_id) | e.RetryGranted(order_id=order_id):
                for courier in self._couriers.values():
                    _let_go(courier, order_id)
            case event:
                courier_id = getattr(event, "courier_id", None)
                if courier_id is None:
                    return
                known = self._couriers.get(courier_id)
                if known is None:
                    yield f"{type(event).__name__} of {courier_id}, who is not registered"
                    return
                is_late = (recorded.at, courier_id) in self._late
                yield from self._work(known, recorded, is_late=is_late)

    def _work(  # noqa: C901, PLR0912  a table
        self, courier: _Courier, recorded: e.Recorded, *, is_late: bool
    ) -> Iterator[str]:
        event, who = recorded.event, courier.courier.courier_id
        match event:
            case e.ShiftStarted(starts_at=starts_at, ends_at=ends_at):
                if ends_at <= starts_at:
                    yield f"the shift of {who} ends at {ends_at}, before it starts at {starts_at}"
                began_anew = not courier.shifts or courier.shifts[-1][1] <= starts_at
                if began_anew and self._from_home and not courier.bag and courier.told is None:
                    home = _Known(starts_at, recorded.seq, courier.courier.home, "home")
                    courier.known.append(home)
                courier.shifts.append((starts_at, ends_at))
            case e.ShiftEnded(occurred_at=at) if courier.shifts:
                begin, end = courier.shifts[-1]
                courier.shifts[-1] = (begin, min(end, at))
            case e.StopCommitted(stop=stop, occurred_at=at):
                if not is_late:
                    yield from self._told(courier, stop, at)
                courier.told = stop
            case e.StopArrived(stop=stop, occurred_at=at):
                if courier.here is not None and courier.here != stop and not is_late:
                    yield f"{who} arrives at {_name(stop)} while at {_name(courier.here)}"
                if courier.told != stop:
                    yield f"{who} arrives at {_name(stop)} without having been told"
                courier.here = stop
                self._was_at(courier, recorded.seq, at, stop)
            case (
                e.ParcelPickedUp()
                | e.OrderDelivered()
                | e.ParcelReturned()
                | e.DeliveryFailed() as done
            ):
                yield from self._done(courier, done, recorded.seq, is_late=is_late)
            case e.StopDeclined(order_id=order_id) | e.StopReleased(order_id=order_id):
                _let_go(courier, order_id)
            case e.OrderRevived(order_id=order_id):
                courier.bag[order_id] = self._size(order_id)
            case e.BreakStarted():
                courier.is_resting = True
                if courier.bag:
                    yield f"the break of {who} begins with {len(courier.bag)} orders in the bag"
            case e.BreakEnded():
                courier.is_resting = False
            case e.CourierStranded(point=point, order_ids=order_ids, occurred_at=at):
                courier.is_stranded, courier.told, courier.here = True, None, None
                _put_down(courier, order_ids)
                if point is not None:
                    self._places[point.store_id] = point.location
                    courier.known.append(_Known(at, recorded.seq, point.location, "stranded"))
            case e.CourierRecovered():
                courier.is_stranded = False
            case e.BagHandedOver(point=point, order_ids=order_ids):
                self._places[point.store_id] = point.location
                _put_down(courier, order_ids)
                for order_id in order_ids:
                    _let_go(courier, order_id)
            case _:
                pass

    def _told(self, courier: _Courier, stop: Stop, at: int) -> Iterator[str]:
        who = courier.courier.courier_id
        if courier.told is not None and courier.told != stop:
            yield f"{who} is told {_name(stop)} while doing {_name(courier.told)}"
        if stop.kind is not StopKind.PICKUP:
            return
        if not any(begin <= at < end for begin, end in courier.shifts):
            yield f"{who} is told {_name(stop)} at {at}, off shift"
        if courier.is_resting:
            yield f"{who} is told {_name(stop)} on a break"
        if courier.is_stranded:
            yield f"{who} is told {_name(stop)} while stranded"

    def _done(
        self,
        courier: _Courier,
        event: e.ParcelPickedUp | e.OrderDelivered | e.ParcelReturned | e.DeliveryFailed,
        seq: int,
        *,
        is_late: bool,
    ) -> Iterator[str]:
        who, order_id = courier.courier.courier_id, event.order_id
        kind = _KINDS[type(event)]
        if courier.here is None or (courier.here.order_id, courier.here.kind) != (order_id, kind):
            where = "on the way" if courier.here is None else f"at {_name(courier.here)}"
            yield f"{type(event).__name__} of {order_id} by {who}, who is {where}"
        else:
            self._was_at(courier, seq, event.occurred_at, courier.here)
        courier.told = courier.here = None
        if isinstance(event, e.ParcelPickedUp):
            courier.bag[order_id] = self._size(order_id)
            # Late reports say what was truly carried, whatever we would have told.
            if not is_late:
                yield from _load(courier)
        elif not isinstance(event, e.DeliveryFailed):
            courier.bag.pop(order_id, None)

    def _size(self, order_id: str) -> tuple[int, int, int]:
        """Return weight, volume and chilled bags of an order."""
        order = self._orders.get(order_id)
        if order is None:
            return 0, 0, 0
        return order.weight_g, order.volume_ml, int(order.chilled)

    # --- where they were -----------------------------------------------------------------------

    def _was_at(self, courier: _Courier, seq: int, at: int, stop: Stop) -> None:
        place = self._places.get(stop.store_id)
        if stop.kind is StopKind.DROPOFF and stop.order_id in self._orders:
            place = self._orders[stop.order_id].door
        if place is not None:
            courier.known.append(_Known(at, seq, place, _name(stop)))

    def end(self) -> Iterator[tuple[int, str]]:
        """Yield every leap, with its place in the log."""
        for courier_id, courier in sorted(self._couriers.items()):
            mode = courier.courier.mode
            # What was heard late stands where it happened.
            legs = [*pairwise(sorted(courier.known, key=lambda known: (known.at, known.seq)))]
            legs = [(a, b) for a, b in legs if a.place != b.place]
            apart = zip(legs, _apart_m(legs), self._least_s(legs, mode), strict=True)
            for (a, b), apart_m, least_s in apart:
                metres = max(0.0, apart_m - OFF_STREET_M)
                took_s = b.at - a.at
                if took_s < metres / TOP_SPEED_M_S[mode]:
                    there = f"{metres:.0f} m farther, at {b.what}, {took_s} s later"
                    yield b.seq, f"{courier_id} by {mode} was at {a.what} at {a.at} and {there}"
                elif took_s < least_s:
                    way = f"from {a.what} to {b.what} in {took_s} s"
                    third = f"{least_s:.0f} s is a third of what the streets take"
                    yield b.seq, f"{courier_id} by {mode} came {way}; {third}"

    def _least_s(self, legs: Sequence[tuple[_Known, _Known]], mode: Mode) -> list[float]:
        """Return what each leg takes at the least by the streets; 0 where they know no way."""
        if self._travel is None or mode not in self._travel.modes:
            return [0.0] * len(legs)
        least: list[float] = []
        for begin in range(0, len(legs), _AT_ONCE):
            some = legs[begin : begin + _AT_ONCE]
            try:
                table = self._travel.durations(
                    [a.place for a, _ in some], [b.place for _, b in some], mode, some[0][0].at
                )
            except GeoError:
                least += [0.0] * len(some)
                continue
            ways = [int(table[index, index]) for index in range(len(some))]
            least += [0.0 if way >= UNREACHABLE_S else SLOWEST_SHARE * way for way in ways]
        return least


# --- pieces ------------------------------------------------------------------------------------

_KINDS: Final = {
    e.ParcelPickedUp: StopKind.PICKUP,
    e.OrderDelivered: StopKind.DROPOFF,
    e.DeliveryFailed: StopKind.DROPOFF,
    e.ParcelReturned: StopKind.RETURN,
}


def _let_go(courier: _Courier, order_id: str) -> None:
    """Take a courier off a stop of an order."""
    if courier.told is not None and courier.told.order_id == order_id:
        courier.told = None
    if courier.here is not None and courier.here.order_id == order_id:
        courier.here = None


def _put_down(courier: _Courier, order_ids: Sequence[str]) -> None:
    for order_id in order_ids:
        courier.bag.pop(order_id, None)


def _load(courier: _Courier) -> Iterator[str]:
    who, able = courier.courier.courier_id, courier.courier
    if len(courier.bag) > able.capacity_parcels:
        yield f"{who} has {len(courier.bag)} parcels and room for {able.capacity_parcels}"
    weight_g, volume_ml, chilled = map(sum, zip((0, 0, 0), *courier.bag.values(), strict=True))
    if weight_g > able.capacity_g:
        yield f"{who} carries {weight_g} g and may carry {able.capacity_g} g"
    if volume_ml > able.capacity_ml:
        yield f"{who} carries {volume_ml} ml and has room for {able.capacity_ml} ml"
    if chilled > able.chilled_bags:
        yield f"{who} has {chilled} chilled parcels and {able.chilled_bags} chilled bags"


def _name(stop: Stop) -> str:
    return f"the {stop.kind} of {stop.order_id}"


def _apart_m(legs: Sequence[tuple[_Known, _Known]]) -> list[float]:
    """Return how far apart the ends of each leg are, in a straight line."""
    ends = np.array([(a.place, b.place) for a, b in legs], dtype=np.float64).reshape(-1, 2, 2)
    return [float(length_m) for length_m in flat_length_m(ends[:, 0], ends[:, 1])]
