"""What the town of `samehour bench api` asks for: goods, doors, couriers, and where they are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dispatch.codec import to_rfc3339
from geo.city import City
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode
from simulations.bodies import place

Json = dict[str, Any]
Asked = tuple[str, Json]

_SEED: Final = 7
_SKUS: Final = tuple(f"sku_{number}" for number in range(20))
_PIECES: Final = 500_000
_SHIFT_S: Final = 6 * 3600
_SCOOTER_EVERY: Final = 3
_LINES: Final = 4
_DOORS: Final = 5000
_NEAR_S: Final = 600


class Town:
    """Customers and couriers of a city.

    Attributes
    ----------
    opens_at
        The service's time when it began, UTC epoch seconds.
    address
        Of the service.
    """

    opens_at: int
    address: str

    def __init__(self, city: City, couriers: int) -> None:
        self._random = np.random.default_rng(_SEED)
        self._doors = city.doors
        self._near = self._near_a_store(city)
        self._stores = [shop.store_id for shop in city.stores]
        self._couriers = [f"cou_bench{number}" for number in range(couriers)]
        self._numbers = count(1)

    def opening(self) -> Iterator[tuple[str, str, Json]]:
        """Yield the requests that fill the shelves and bring the couriers to work."""
        items = [{"sku": sku, "on_hand": _PIECES} for sku in _SKUS]
        for store_id in self._stores:
            yield "PUT", f"/v1/stores/{store_id}/stock", {"items": items}
        for number, courier_id in enumerate(self._couriers):
            mode = "scooter" if number % _SCOOTER_EVERY == 0 else "car"
            home = place(self._door()[0])
            yield (
                "PUT",
                f"/v1/couriers/{courier_id}",
                {"name": f"Courier {number}", "mode": mode, "home": home},
            )
            shift = {"courier_id": courier_id, "ends_at": to_rfc3339(self.opens_at + _SHIFT_S)}
            yield "POST", "/v1/shifts", shift

    def quote(self) -> Json:
        """Return a basket that somebody wants to know the time of."""
        location, address = self._door()
        chosen = self._random.choice(len(_SKUS), _LINES, replace=False).tolist()
        return {
            "dropoff": {"location": place(location), "address": address},
            "lines": [{"sku": _SKUS[n], "quantity": 1} for n in chosen],
            "weight_g": 4000,
        }

    def order(self) -> Json:
        """Return an order with an id of its own."""
        return {**self.quote(), "external_id": f"bench-{next(self._numbers)}"}

    def positions(self, size: int) -> Json:
        """Return where couriers are, each somewhere else than before."""
        return {
            "positions": [
                {
                    "courier_id": self._couriers[n % len(self._couriers)],
                    "location": place(self._door()[0]),
                }
                for n in self._random.integers(0, len(self._couriers), size).tolist()
            ]
        }

    def _door(self) -> tuple[LonLat, str]:
        """Draw where somebody lives."""
        number = int(self._random.choice(self._near))
        return self._doors.location(number), self._doors.address[number]

    def _near_a_store(self, city: City) -> NDArray[np.intp]:
        """Return some doors that a store delivers to: a refusal is no failure, but no load either.

        Half the way that stores go by default, so that slow streets leave none out.
        """
        drawn = self._random.choice(len(self._doors), min(_DOORS, len(self._doors)), replace=False)
        travel = NetworkTravelTimes(city.network)
        way_s = travel.durations(
            [shop.location for shop in city.stores],
            [self._doors.location(number) for number in drawn.tolist()],
            Mode.CAR,
            0,
        )
        is_near: NDArray[np.bool_] = way_s.min(axis=0) <= _NEAR_S
        return np.asarray(drawn[is_near], dtype=np.intp)


def quote_of(order: Json) -> Json:
    """Return what somebody asks before they order."""
    return {name: value for name, value in order.items() if name != "external_id"}
