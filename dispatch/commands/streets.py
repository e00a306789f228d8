"""What may be asked about streets."""

from __future__ import annotations

from dataclasses import dataclass

from geo.closures import Closure


@dataclass(frozen=True, slots=True)
class CloseStreet:
    """Close a street to some modes.

    A closure of the same id is replaced; one without an id is given one.
    """

    closure: Closure


@dataclass(frozen=True, slots=True)
class ReopenStreet:
    """Take a closure back."""

    closure_id: str
