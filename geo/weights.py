"""What travel times say at one moment: the port between traffic and search."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo.network import RoadNetwork
from geo.types import Mode


class Weights(Protocol):
    """The times of all streets as one version of the traffic has them; immutable."""

    @property
    def version(self) -> str:
        """Names network and times; another name whenever a time may be another."""
        ...

    def period(self, at: int) -> Hashable:
        """Return a name for the stretch of time around `at` in which no time changes."""
        ...

    def times_ds(self, mode: Mode, period: Hashable) -> NDArray[np.int32]:
        """Return the times to drive through every edge, int32 (2, E), along and against it.

        0 where the mode may not go; `UNREACHABLE_S` where the street is closed now.
        """
        ...

    def access_ds(self, mode: Mode, period: Hashable) -> NDArray[np.int32]:
        """Return the times of every edge for the stretch between its end and a place on it.

        int32 (2, E) as `times_ds`, but a closed street is walked, so that places on it stay
        reachable; never less than the time of the open street.
        """
        ...


class FreeFlow:
    """The times the network was built with, whatever the hour."""

    def __init__(self, network: RoadNetwork) -> None:
        self._network = network

    @property
    def version(self) -> str:
        """The network's."""
        return self._network.version

    def period(self, at: int) -> Hashable:  # noqa: ARG002 - the port's
        """Return the one period there is."""
        return "always"

    def times_ds(self, mode: Mode, period: Hashable) -> NDArray[np.int32]:  # noqa: ARG002
        """Return the network's times."""
        return self._network.times_ds(mode)

    def access_ds(self, mode: Mode, period: Hashable) -> NDArray[np.int32]:  # noqa: ARG002
        """Return the network's times: nothing is closed."""
        return self._network.times_ds(mode)
