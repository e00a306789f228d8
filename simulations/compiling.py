"""Compiling before anything is timed or anybody waits, and a word when it takes long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from dispatch.planning.warming import warm_up as warm_up_decisions
from geo.warming import warm_up as warm_up_travel_times

_PATIENCE_S: Final = 3.0
_ONCE: Final = "Compiling, once on this machine (about a minute)\n"


def compile_travel_times(out: TextIO) -> None:
    """Compile, or load, what travel times need; says so if it takes long."""
    with _said(out):
        warm_up_travel_times()


def compile_all(out: TextIO) -> None:
    """Compile, or load, what travel times and decisions need; says so if it takes long."""
    with _said(out):
        warm_up_travel_times()
        warm_up_decisions()


@contextmanager
def _said(out: TextIO) -> Iterator[None]:
    def say() -> None:
        out.write(_ONCE)
        out.flush()

    patience = threading.Timer(_PATIENCE_S, say)
    patience.daemon = True
    patience.start()
    try:
        yield
    finally:
        patience.cancel()
