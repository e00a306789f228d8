"""Randomness, and the only file that draws any: one independent stream per name and entity.

Nothing depends on the order in which streams are opened, so what an order's customer or picker
does is the same whatever the engine decides: two policies face the same evening (common random
numbers), and a run can be taken up again in its middle.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Streams:
    """All randomness of a run, from one seed."""

    seed: int

    def stream(self, name: str, entity: str = "") -> np.random.Generator:
        """Open the stream of a name and an entity; opening it again starts it anew.

        NumPy's `SeedSequence` is built for this: streams with different spawn keys are
        independent for all practical purposes.
        """
        # A keyed text digest, for Python's own hash differs from process to process.
        digest = hashlib.sha256(f"{name}\x1f{entity}".encode()).digest()
        words = tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(entropy=self.seed, spawn_key=words))
        )

    def spread(self, name: str, entity: str, sigma: float) -> float:
        """Return a factor around 1 (log-normal, median 1), between a third and three.

        Parameters
        ----------
        sigma
            Standard deviation of the factor's logarithm: 0.1 is about one tenth up or down.
        """
        if sigma == 0:
            return 1.0
        draw = float(self.stream(name, entity).standard_normal())
        return min(max(float(np.exp(sigma * draw)), 1 / 3), 3.0)

    def chance(self, name: str, entity: str, share: float) -> bool:
        """Tell whether something that happens to this share of entities happens to this one."""
        if share <= 0:
            return False  # as it would come out, without opening a stream
        return share > 0 and float(self.stream(name, entity).random()) < share
