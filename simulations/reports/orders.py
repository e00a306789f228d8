"""The orders of all evenings as columns, for the maps and distributions of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dispatch.model import Fulfilment
from geo.types import LonLat
from simulations.studies.outcome import Ending

_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Measured orders of some evenings; arrays of the same length, nan where there is nothing.

    Attributes
    ----------
    seed
        Of the evening, int64.
    external_id, ending, address, fulfilment
        Texts.
    lng, lat
        Degrees, float64; nan where nobody knows the door.
    late_min, click_to_door_min, door_min, pick_wait_min
        Past the promise, from the click to the hand-over, from arriving to the hand-over, and
        from the click (or the end of a hold) to the start of picking; float64.
    """

    seed: NDArray[np.int64]
    external_id: NDArray[np.object_]
    ending: NDArray[np.object_]
    fulfilment: NDArray[np.object_]
    address: NDArray[np.object_]
    lng: NDArray[np.float64]
    lat: NDArray[np.float64]
    late_min: NDArray[np.float64]
    click_to_door_min: NDArray[np.float64]
    door_min: NDArray[np.float64]
    pick_wait_min: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.seed)

    @property
    def is_delivered(self) -> NDArray[np.bool_]:
        """Which were handed over at the door."""
        return np.asarray(self.ending == Ending.DELIVERED.value)

    @property
    def is_refused(self) -> NDArray[np.bool_]:
        """Which got no promise."""
        return np.asarray(self.ending == Ending.REFUSED.value)

    @property
    def places(self) -> list[LonLat]:
        """Where the doors are that somebody knows."""
        known = np.isfinite(self.lng) & np.isfinite(self.lat)
        pairs = zip(self.lng[known].tolist(), self.lat[known].tolist(), strict=True)
        return [LonLat(*each) for each in pairs]

    def of(self, seeds: Sequence[int]) -> Orders:
        """Return those of some evenings."""
        return self.where(np.isin(self.seed, list(seeds)))

    def where(self, chosen: NDArray[np.bool_]) -> Orders:
        """Return some of them."""
        return Orders(*(getattr(self, each.name)[chosen] for each in fields(self)))

    @property
    def late_runs(self) -> list[list[float]]:
        """Minutes late of the late deliveries, by evening, ascending by seed."""
        return [[value for value in run if value > 0] for run in self.runs(self.late_min)]

    def runs(self, values: NDArray[np.float64]) -> list[list[float]]:
        """Return known values by evening, ascending by seed."""
        known = np.isfinite(values)
        return [
            values[known & (self.seed == seed)].tolist() for seed in np.unique(self.seed).tolist()
        ]


def orders_of(table: Any) -> Orders:
    """Return the measured orders of a table with the columns of `OrderRow` and `seed`.

    Parameters
    ----------
    table
        A `pyarrow.Table`.
    """

    def column(name: str) -> NDArray[np.float64]:
        values = table.column(name).to_pylist()
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)

    def texts(name: str) -> NDArray[np.object_]:
        found = np.empty(table.num_rows, dtype=object)
        found[:] = [
            None if value is None else str(value) for value in table.column(name).to_pylist()
        ]
        return found

    waited = column("pick_started_at") - np.fmax(column("asked_at"), column("released_at"))
    found = Orders(
        seed=np.array(table.column("seed").to_pylist(), dtype=np.int64),
        external_id=texts("external_id"),
        ending=texts("ending"),
        fulfilment=texts("fulfilment"),
        address=texts("address"),
        lng=column("lng"),
        lat=column("lat"),
        late_min=column("lateness_s") / _MINUTE_S,
        click_to_door_min=column("click_to_door_s") / _MINUTE_S,
        door_min=(column("delivered_at") - column("arrived_at")) / _MINUTE_S,
        pick_wait_min=np.maximum(waited, 0.0) / _MINUTE_S,
    )
    return found.where(np.array(table.column("is_measured").to_pylist(), dtype=bool))


def deliveries(orders: Orders) -> Orders:
    """Return those that were to be brought."""
    return orders.where(np.asarray(orders.fulfilment == Fulfilment.DELIVERY.value))
