"""When the service looks for garbage, so that nobody waits for it long."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from api.garbage import look_for_garbage


class Knot:
    """Goes only when garbage is looked for."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def melted() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_new_is_looked_through_and_what_stayed_never_again() -> None:
    async def look() -> None:
        before, frozen = gc.get_threshold(), gc.get_freeze_count()
        looking = asyncio.create_task(look_for_garbage(0.001))
        await asyncio.sleep(0)
        assert gc.get_threshold()[:2] == before[:2]
        assert gc.get_threshold()[2] > 1_000_000
        kept = Knot()
        gone = weakref.ref(Knot())
        while gone() is not None:
            await asyncio.sleep(0.001)
        assert gc.get_freeze_count() > frozen
        stays = weakref.ref(kept)
        del kept
        gc.collect()
        assert stays() is not None
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        assert gc.get_threshold() == before

    asyncio.run(asyncio.wait_for(look(), 60))
