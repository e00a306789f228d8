"""Checkpoints: what was folded from a zone's log, kept so that a start folds only the rest of it.

The engine's thread hands over the folds, copied where they change; everything else happens on a
thread of its own.  A checkpoint is a convenience: one that cannot be used (another program or
policy made it, it is damaged, the log is shorter) is left out and all of the log is folded again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from api.logs import logger
from api.news import Headlines
from api.storage.checkpoints import Checkpoint
from api.storage.ledger import Ledger
from api.storage.records import Batch
from dispatch.codec import LOG
from dispatch.demand import DemandFold
from dispatch.engine import Engine
from dispatch.errors import InvalidValueError
from dispatch.experience import ExperienceFold
from dispatch.folded import Folded, copied, packed, unpacked
from dispatch.kpis import KpiFold
from dispatch.policy import Policy
from dispatch.state import State
from geo.edition import edition

_log = logger("checkpoint")

EVERY: Final = 5000
"""Events between two checkpoints at least."""

LEAST_PAUSE_S: Final = 60.0
"""Wall seconds between two checkpoints at least, however much happens."""

_FOLDS: Final = ("geo", "dispatch", "api")
"""The packages whose code folds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a service folds from a zone's log."""

    state: State
    demand: DemandFold
    experience: ExperienceFold
    kpis: KpiFold
    headlines: Headlines

    @property
    def folded(self) -> Folded:
        """What of it the engine knows."""
        return Folded(self.state, self.demand, self.experience)


def standing_of(engine: Engine, kpis: KpiFold, headlines: Headlines) -> Standing:
    """Return how things stand, for another thread: nothing of it changes any more."""
    folded = engine.folded()
    return Standing(folded.state, folded.demand, folded.experience, copied(kpis), copied(headlines))


def digest_of(policy: Policy) -> str:
    """Return what stands for a program and a policy: others may fold a log otherwise."""
    said = json.dumps(LOG.unstructure(policy), sort_keys=True)
    return hashlib.sha256(f"{edition(_FOLDS)}\0{said}".encode()).hexdigest()


class Checkpoints:
    """Keeps checkpoints of one zone in its ledger, and finds the last one.

    Parameters
    ----------
    every, least_pause_s
        Events, and wall seconds, between two of them at least.
    """

    def __init__(
        self,
        ledger: Ledger,
        zone_id: str,
        policy: Policy,
        *,
        every: int = EVERY,
        least_pause_s: float = LEAST_PAUSE_S,
    ) -> None:
        self._ledger = ledger
        self._zone_id = zone_id
        self._digest = digest_of(policy)
        self._every = every
        self._least_pause_s = least_pause_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._under_way: Future[None] | None = None
        self._seq = 0
        self._made_at = -least_pause_s

    def last(self) -> Standing | None:
        """Return what the last checkpoint says; None, with a line in the log, without a usable one.

        From then on events are counted from there.
        """
        found = self._ledger.checkpoint(self._zone_id)
        if found is None:
            return None
        made, is_whole = found
        problem = self._problem(made, is_whole)
        if problem is None:
            try:
                standing = unpacked(made.body, Standing)
            except InvalidValueError as error:
                problem = str(error)
            else:
                self._seq = made.seq
                return standing
        _log.warning("checkpoint_left_out", zone=self._zone_id, seq=made.seq, reason=problem)
        return None

    def _problem(self, made: Checkpoint, is_whole: bool) -> str | None:
        if not is_whole:
            return "it is damaged"
        if made.digest != self._digest:
            return "another program or policy made it"
        if made.seq > self._ledger.last_seq(self._zone_id):
            return "the log ends before it"
        return None

    def consider(self, seq: int, standing: Callable[[], Standing]) -> None:
        """Begin a checkpoint when it is time for one; on the engine's thread, and short."""
        if seq - self._seq < self._every or time.monotonic() - self._made_at < self._least_pause_s:
            return
        if self._under_way is not None and not self._under_way.done():
            return
        began = time.perf_counter()
        taken = standing()
        paused_ms = (time.perf_counter() - began) * 1000
        self._seq, self._made_at = seq, time.monotonic()
        self._under_way = self._thread.submit(self._keep, taken, paused_ms)

    def close(self, standing: Standing | None) -> None:
        """Finish what was begun, and keep how things stand at the end if anything happened."""
        if standing is not None and standing.state.seq > self._seq:
            self._thread.submit(self._keep, standing, 0.0)
        self._thread.shutdown(wait=True)

    def _keep(self, standing: Standing, paused_ms: float) -> None:
        began = time.perf_counter()
        try:
            made = Checkpoint(standing.state.seq, self._digest, packed(standing))
            # What was submitted before is durable when this is: the log ends no sooner.
            self._ledger.submit(Batch(self._zone_id)).result()
            self._ledger.keep_checkpoint(self._zone_id, made)
        except Exception:  # noqa: BLE001  the log has all that a checkpoint has
            if self._ledger.is_up:  # or the service ends, and has said why
                _log.exception("checkpoint_failed", zone=self._zone_id, seq=standing.state.seq)
            return
        _log.info(
            "checkpoint",
            zone=self._zone_id,
            seq=made.seq,
            size=len(made.body),
            paused_ms=round(paused_ms, 1),
            took_s=round(time.perf_counter() - began, 2),
        )
