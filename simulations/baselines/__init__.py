"""Peers of the planner: published and plain policies as `Snapshot -> Plan`, by name."""

from __future__ import annotations

from simulations.baselines.names import BASELINES, Baseline, baseline

__all__ = ["BASELINES", "Baseline", "baseline"]
