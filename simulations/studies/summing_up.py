"""What the evenings of a study come to together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulations.studies.measures import FIGURES
from simulations.studies.outcome import Ending
from simulations.studies.statistics import distribution, estimate
from simulations.studies.study import Distribution, Estimate, Replication, Table

_Floats = NDArray[np.float64]


def estimates_of(replications: Sequence[Replication]) -> dict[str, Estimate]:
    """Return every figure over the evenings, by name."""
    return {
        name: estimate(name, [one.figures.get(name) for one in replications]) for name in FIGURES
    }


def distributions_of(orders: Sequence[Table]) -> dict[str, Distribution]:
    """Return what is measured on each order, pooled over evenings, by name.

    Parameters
    ----------
    orders
        `orders.parquet` of each evening.
    """
    return {
        name: distribution(name, [values(table) for table in orders])
        for name, values in _POOLED.items()
    }


def middle_of(replications: Sequence[Replication]) -> int:
    """Return the seed of the evening nearest the middle of all.

    Nearest: the headline figures' distances from their medians, each in median distances, add up
    to the least; of several the lowest seed.
    """
    far = dict.fromkeys((one.seed for one in replications), 0.0)
    for name, measure in FIGURES.items():
        if not measure.is_headline:
            continue
        values = {
            one.seed: value for one in replications if (value := one.figures[name]) is not None
        }
        if not values:
            continue
        centre = median(values.values())
        usual = median(abs(value - centre) for value in values.values())
        for one in replications:
            # An evening without the figure is as far off as can be.
            value = values.get(one.seed)
            far[one.seed] += (
                float(len(replications))
                if value is None
                else abs(value - centre) / usual
                if usual > 0
                else 0.0
            )
    return min(far, key=lambda seed: (far[seed], seed))


# --- pieces ------------------------------------------------------------------------------------


def _column(table: Table, name: str) -> _Floats:
    """Return a column of measured orders as floats, NaN where it is empty."""
    chosen = table.filter(table["is_measured"])
    values: _Floats = chosen[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _whole(values: _Floats) -> list[int]:
    kept = values[~np.isnan(values)]
    return [int(value) for value in np.maximum(kept, 0)]


def _click_to_door(table: Table) -> list[int]:
    return _whole(_column(table, "click_to_door_s"))


def _lateness(table: Table) -> list[int]:
    late = _column(table, "lateness_s")
    return _whole(late[late > 0])


def _pick_wait(table: Table) -> list[int]:
    since = np.fmax(_column(table, "asked_at"), _column(table, "released_at"))
    return _whole(_column(table, "pick_started_at") - since)


def _collection_wait(table: Table) -> list[int]:
    chosen = table.filter(table["is_measured"])
    collected = np.array([text == Ending.COLLECTED for text in chosen["ending"].to_pylist()])
    waited = _column(table, "ended_at") - _column(table, "here_at")
    return _whole(waited[collected]) if len(collected) else []


_POOLED: Final[Mapping[str, Callable[[Table], list[int]]]] = MappingProxyType(
    {
        "click_to_door_s": _click_to_door,
        "lateness_s": _lateness,
        "pick_wait_s": _pick_wait,
        "collection_wait_s": _collection_wait,
    }
)
