"""The figures a run is summed up by, the same from a simulated clock and from a live service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FIGURES: Final = (
    "orders",
    "delivered",
    "rejected",
    "cancelled",
    "on_time_share",
    "click_to_door_p50_s",
    "click_to_door_p90_s",
    "violations",
    "replans",
    "replan_p95_ms",
)


def chosen(kpis: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a run, milliseconds to one place."""
    figures = {name: kpis[name] for name in FIGURES}
    if figures["replan_p95_ms"] is not None:
        figures["replan_p95_ms"] = round(figures["replan_p95_ms"], 1)
    return figures


def minutes(seconds: float | None) -> str:
    """Return a duration as people say it: `18 min`, or a dash where there is none."""
    return "-" if seconds is None else f"{round(seconds / 60)} min"


def percent(share: float | None) -> str:
    """Return a share as per cent, or a dash where there is none."""
    return "-" if share is None else f"{round(100 * share)} %"
