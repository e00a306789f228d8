"""Facts about streets."""

from __future__ import annotations

from dataclasses import dataclass

from geo.closures import Closure


@dataclass(frozen=True, slots=True)
class StreetClosed:
    closure: Closure


@dataclass(frozen=True, slots=True)
class StreetReopened:
    """A closure was taken back, by a person or because its time was over."""

    closure_id: str
