"""Compiled loops: one typed door to numba.

What is compiled is kept on disk, so that it is compiled once per machine.  Numba looks at the file
of a kernel only, not at those of the kernels and constants it uses; so each state of all
kernels' sources in a package has a folder of its own in the user's cache, and never meets old
code.  Where no such folder can be written it is kept beside the source.  Kernels let go of the
interpreter's lock: threads may run them side by side.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final, ParamSpec, TypeVar, cast

import numba

from geo.caching import cache_folder

P = ParamSpec("P")
R = TypeVar("R")

_CONSTANTS: Final = ("plane", "types", "hierarchy_lanes")
"""Files without kernels that kernels take constants and steps from."""

_DIGITS: Final = 16


_KEPT_BY_USER: Final = "NUMBA_CACHE_DIR" in os.environ


@lru_cache
def _state_of_sources(package: Path) -> str:
    """Return a name for what a package's kernels and the constants in them are now."""
    digest = hashlib.sha256()
    for path in sorted(package.glob("*.py")):
        text = path.read_bytes()
        if b"geo.compiled" in text or path.stem in _CONSTANTS:
            digest.update(path.name.encode() + text)
    return digest.hexdigest()[:_DIGITS]


def _keep_apart(function: Callable[P, R]) -> None:
    """Let numba keep a function in the folder of its package's present state."""
    cache = cache_folder()
    if _KEPT_BY_USER or cache is None:
        return
    package = Path(function.__code__.co_filename).parent
    numba.config.CACHE_DIR = str(  # type: ignore[attr-defined]  # set from the environment
        cache / "kernels" / _state_of_sources(package)
    )


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays at its first call; keep it on disk."""
    _keep_apart(function)
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True)(function))


def kernel_part(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function into the kernels that call it: a call with many arrays is not free."""
    _keep_apart(function)
    compiled = numba.njit(cache=True, nogil=True, forceinline=True)(function)
    return cast("Callable[P, R]", compiled)
