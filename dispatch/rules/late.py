"""Work that was done while nobody could hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from dispatch.rules.context import Rule, Timer

RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType({})
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
