"""The sending process as the town's side sees it: requests in, answers back."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

from simulations.errors import LoadError
from simulations.load.wire import READY, Answer, Sending, Shot, answer_of, line_of
from simulations.service import environment

_START_LIMIT_S: Final = 60.0
_END_LIMIT_S: Final = 5.0
_LONGEST_LINE: Final = 4_000_000


class Generator:
    """The process that sends, its complaints in a file.

    Parameters
    ----------
    log
        What the process writes on its standard error.
    """

    def __init__(self, sending: Sending, log: Path) -> None:
        self._sending = sending
        self._log = log
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._last = 0
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process.

        Raises
        ------
        LoadError
            It does not start.
        """
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "simulations.load.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment(),
                limit=_LONGEST_LINE,
                # A group of its own: Ctrl-C reaches us, and it ends when we are done.
                start_new_session=True,
            )
        self._write(line_of(self._sending))
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                first = await self._lines.readline()
        except TimeoutError:
            first = b""
        if not first.startswith(READY.encode()):
            await self.stop()
            raise LoadError(f"the process that sends did not start; {self._log} has its words")
        self._reading = asyncio.create_task(self._read())

    @property
    def is_alive(self) -> bool:
        """Whether it still sends."""
        return self._reading is not None and not self._reading.done()

    @property
    def under_way(self) -> int:
        """How many requests have no answer yet, those not sent yet included."""
        return len(self._waiting)

    def send(
        self,
        at: float,
        method: str,
        path: str,
        endpoint: str,
        *,
        body: str | None = None,
        headers: dict[str, str] | None = None,
        wants: tuple[str, ...] = (),
    ) -> asyncio.Future[Answer]:
        """Send a request at a moment (of the monotonic clock); returns what comes of it.

        Raises
        ------
        LoadError
            When awaited: the process that sends is gone.
        """
        self._last += 1
        shot = Shot(self._last, at, method, path, endpoint, body, headers or {}, wants)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if not self.is_alive:
            waiting.set_exception(self._gone())
            return waiting
        self._waiting[shot.number] = waiting
        self._write(line_of(shot))
        return waiting

    async def stop(self) -> None:
        """End the process; who still waits for an answer is told that none comes."""
        process = self._process
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(_END_LIMIT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def _lines(self) -> asyncio.StreamReader:
        lines = self._process.stdout
        if lines is None:
            raise LoadError("the process that sends has no output")
        return lines

    def _write(self, line: str) -> None:
        into = self._process.stdin
        if into is not None:
            into.write(line.encode())

    async def _read(self) -> None:
        try:
            while line := await self._lines.readline():
                answer = answer_of(line)
                waiting = self._waiting.pop(answer.number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        finally:
            lost, self._waiting = self._waiting, {}
            for waiting in lost.values():
                if not waiting.done():
                    waiting.set_exception(self._gone())
                    # Whoever stopped listening need not be told twice.
                    waiting.exception()

    def _gone(self) -> LoadError:
        return LoadError(f"the process that sends has ended; {self._log} has its words")


def now() -> float:
    """Return the moment on the clock that both processes read, in seconds."""
    return time.monotonic()
