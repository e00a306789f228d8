"""Compiled loops: one typed door to numba.

What is compiled is kept on disk beside the source (or in the user's cache folder where that may
not be written), so that it is compiled once per machine.  Kernels let go of the interpreter's
lock: threads may run them side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays at its first call; keep it on disk."""
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True)(function))


def kernel_part(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function into the kernels that call it: a call with many arrays is not free."""
    compiled = numba.njit(cache=True, nogil=True, forceinline=True)(function)
    return cast("Callable[P, R]", compiled)
