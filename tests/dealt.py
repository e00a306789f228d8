"""In which order tests begin: the longest first, or one of them runs alone at the end."""

from __future__ import annotations

from itertools import chain, groupby, islice

import pytest


def dealt(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return tests in an order of which `--dist worksteal` cuts one even piece for each worker.

    The long ones are at the heads of the pieces, those of a module together: they share services.
    All others keep their order.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    others = iter([item for item in items if not item.get_closest_marker("long")])
    modules = [list(of_one) for _, of_one in groupby(long, key=lambda item: item.path)]
    found: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(found)) // (workers - worker)
        heads = list(chain.from_iterable(modules[worker::workers]))
        found += [*heads, *islice(others, max(0, size - len(heads)))]
    return found
