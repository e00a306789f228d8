"""What can go wrong in choosing a baseline."""

from __future__ import annotations

from simulations.errors import SimulationError


class UnknownBaselineError(SimulationError):
    """There is no baseline of this name."""

    code = "unknown_baseline"


class PeerMissingError(SimulationError):
    """A baseline needs a package that is not installed."""

    code = "peer_missing"
