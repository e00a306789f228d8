"""Who wants to know: durable events, kept at hand for those who follow along.

Only what is durable is shown, so nobody acts on what a crash could take back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from dispatch.events import Recorded

AT_HAND: Final = 4096
"""So many of the last events are kept in memory."""


class Feed:
    """The durable end of one zone's log; wakes whoever waits for more.

    Belongs to the event loop's thread.

    Parameters
    ----------
    read
        Reads older events: `read(after, limit)`, in order; may block, runs on a thread.
    tail
        The last events already durable.
    seq
        Where the log ends when there is no tail.
    """

    def __init__(
        self,
        read: Callable[[int, int], Sequence[Recorded]],
        tail: Sequence[Recorded],
        seq: int = 0,
    ) -> None:
        self._read = read
        self._recent: deque[Recorded] = deque(tail, maxlen=AT_HAND)
        self._seq = tail[-1].seq if tail else seq
        self._more = asyncio.Event()
        self.closing = False

    @property
    def seq(self) -> int:
        """Sequence number of the last durable event."""
        return self._seq

    def add(self, events: Sequence[Recorded]) -> None:
        """Take events that have just become durable, in order."""
        if not events:
            return
        self._recent.extend(events)
        self._seq = events[-1].seq
        self._wake()

    def close(self) -> None:
        """Let everyone who waits go."""
        self.closing = True
        self._wake()

    def _wake(self) -> None:
        more, self._more = self._more, asyncio.Event()
        more.set()

    async def after(self, seq: int, limit: int) -> Sequence[Recorded]:
        """Return up to `limit` durable events after `seq`."""
        if seq >= self._seq:
            return ()
        if self._recent and self._recent[0].seq <= seq + 1:
            # Sequence numbers have no gaps, so the place in the deque is known.
            start = seq + 1 - self._recent[0].seq
            stop = min(start + limit, len(self._recent))
            return [self._recent[i] for i in range(start, stop)]
        return await asyncio.to_thread(self._read, seq, limit)

    async def wait(self, seq: int, timeout_s: float) -> bool:
        """Wait until there is something after `seq`; False when there is not in time."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._seq <= seq and not self.closing:
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            try:
                async with asyncio.timeout(left_s):
                    await self._more.wait()
            except TimeoutError:
                return False
        return self._seq > seq
