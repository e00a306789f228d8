"""Splitting an order over several stores when no store has everything.  Pure.

As few stores as possible; among those the ones with the shortest trips together.  A line comes
whole from one store where one of them has it whole, else in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from dispatch.model import OrderInPlay, OrderLine, Snapshot
from dispatch.planning.later import out_of_service
from dispatch.planning.situation import read
from dispatch.planning.sourcing import out_of_reach

MOST_STORES: Final = 3
"""An order comes from so many stores at most."""

_NEAREST: Final = 16
"""So many stores with any of the goods are looked at, the nearest ones."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a store could give.

    Attributes
    ----------
    trip_s
        From the store to the door.
    available
        Free stock by SKU.
    """

    store_id: str
    trip_s: int
    available: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Share:
    """What one store gives."""

    store_id: str
    lines: tuple[OrderLine, ...]


def splits(lines: Sequence[OrderLine], shelves: Sequence[Shelf]) -> Iterator[tuple[Share, ...]]:
    """Yield ways to split lines over stores, the best first: fewest stores, then shortest trips.

    Parameters
    ----------
    lines
        Lines of the same SKU are taken together.

    Notes
    -----
    At most `C(16, 2) + C(16, 3)` combinations are looked at, each in time linear in its lines.
    """
    wants: dict[str, int] = {}
    for line in lines:
        wants[line.sku] = wants.get(line.sku, 0) + line.quantity
    useful = [s for s in shelves if any(s.available.get(sku, 0) > 0 for sku in wants)]
    useful.sort(key=lambda shelf: (shelf.trip_s, shelf.store_id))
    useful = useful[:_NEAREST]
    for count in range(2, MOST_STORES + 1):
        together = sorted(
            combinations(useful, count),
            key=lambda group: (
                sum(shelf.trip_s for shelf in group),
                tuple(shelf.store_id for shelf in group),
            ),
        )
        for group in together:
            found = _share_out(wants, group)
            # With a store that gives nothing it is a split over fewer.
            if found is not None and len(found) == count:
                yield found


def _share_out(wants: Mapping[str, int], group: Sequence[Shelf]) -> tuple[Share, ...] | None:
    """Return what each of a group gives, the nearest first; None when they lack something."""
    given: dict[str, list[OrderLine]] = {shelf.store_id: [] for shelf in group}
    for sku, quantity in wants.items():
        whole = next((s for s in group if s.available.get(sku, 0) >= quantity), None)
        if whole is not None:
            given[whole.store_id].append(OrderLine(sku, quantity))
            continue
        left = quantity
        for shelf in group:
            taken = min(left, max(0, shelf.available.get(sku, 0)))
            if taken:
                given[shelf.store_id].append(OrderLine(sku, taken))
                left -= taken
        if left:
            return None
    return tuple(Share(key, tuple(taken)) for key, taken in given.items() if taken)


def shelves(snapshot: Snapshot, order: OrderInPlay) -> tuple[Shelf, ...]:
    """Return what the stores that deliver to an order's door could give of its goods.

    Parameters
    ----------
    order
        Not in the snapshot yet; its `place` is an index of the snapshot's places.
    """
    others = tuple(known for known in snapshot.orders if known.order_id != order.order_id)
    situation = read(replace(snapshot, orders=(*others, order)))
    found: list[Shelf] = []
    for key, store in situation.stores.items():
        trip_s = situation.trip_to(order, store)
        if store.store.is_point or out_of_reach(order, store, trip_s) or out_of_service(store):
            continue
        found.append(Shelf(key, trip_s, store.available))
    return tuple(found)
