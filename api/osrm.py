"""Where OSRM's clients are answered: threads of their own, so that nobody else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final

from api.osrm_answer import OsrmAnswers, as_json
from api.osrm_options import Osrm, OsrmProblem
from geo.network import RoadNetwork

_THREADS: Final = 2
"""The kernels let go of the interpreter's lock; more would only take turns."""

_WAITING: Final = 64
"""Questions that may wait; more are told to come again."""


class OsrmDesk:
    """Answers questions in OSRM's form, a few at a time.

    Parameters
    ----------
    network
        The city's roads.
    """

    def __init__(self, network: RoadNetwork) -> None:
        self.answers = OsrmAnswers(network)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="osrm")
        self._waiting = 0

    async def answer(self, question: Callable[[OsrmAnswers], dict[str, Any]]) -> bytes:
        """Return an answer as JSON; to be called on the event loop only.

        Raises
        ------
        OsrmProblem
            Too many wait already, or what the question raised.
        """
        if self._waiting >= _WAITING:
            raise OsrmProblem(
                Osrm.UNAVAILABLE,
                f"{self._waiting} questions wait already; ask again in a moment",
                HTTPStatus.SERVICE_UNAVAILABLE,
            )
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._threads, lambda: as_json(question(self.answers))
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Take no more questions; what is being worked out is finished."""
        self._threads.shutdown(wait=True, cancel_futures=True)
