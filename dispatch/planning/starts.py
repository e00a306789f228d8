"""Several short searches from one plan, joined by the exact choice, instead of a long one.

A search comes to rest in different places from different draws, and each is good at something
else: the best combination of all their routes is better than the best of them.  Subramanian,
Uchoa and Ochi (2013), doi:10.1016/j.cor.2013.01.013, join an iterated local search with a set
partitioning model in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatch.planning.improve import Mark, Search
from dispatch.planning.selection import Selected, select

_AFTER: Final = 3
"""One round in so many is kept for improving on the choice."""

_COOL: Final = 0.8
"""Where the temperature of the rounds after the choice begins, as a share of its whole fall."""


def improve_in_starts(
    search: Search,
    rounds: int,
    *,
    starts: int,
    neighbourhoods: int,
    routes: int,
    deterministic_limit: float,
) -> Iterator[Selected | None]:
    """Improve from the present plan several times, choose, improve the choice, choose again.

    Yields after each step, with the outcome of a choice; whenever it yields, the search is at
    the best plan so far.

    Parameters
    ----------
    search
        One with a pool; five routes for each round lose nothing.
    rounds
        Of ruin and recreate, over all starts and what comes after.
    starts
        How often to begin anew.
    neighbourhoods, routes, deterministic_limit
        Of each choice, as for `select`.
    """
    first = search.mark()
    best: tuple[float, Mark] = (search.cost(), first)
    after = rounds // _AFTER
    for _ in range(starts):
        search.back_to(first)
        search.improve((rounds - after) // starts)
        if search.cost() < best[0]:
            best = (search.cost(), search.mark())
        search.back_to(best[1])
        yield None
    yield select(
        search,
        neighbourhoods=neighbourhoods,
        routes=routes,
        deterministic_limit=deterministic_limit,
    )
    # Cool: what was chosen is to be improved, not to be left.
    search.improve(after, progress=(_COOL, 1.0))
    yield None
    yield select(
        search,
        neighbourhoods=neighbourhoods,
        routes=routes,
        deterministic_limit=deterministic_limit,
    )
