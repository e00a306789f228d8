"""What long work shows of itself on stderr: a bar on a terminal, plain lines elsewhere.

Nothing is shown unless a command asks for it, so that code which builds a city as part of
something else stays silent.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TextIO

from tqdm import tqdm

Report = Callable[[float], None]
"""Told how much of a stage is done, 0.0 to 1.0."""

PLAIN_EVERY_S: Final = 5.0
"""Seconds between two lines of one stage where there is no terminal."""

_LONG_S: Final = 90
_MINUTE_S: Final = 60
_BAR: Final = "{desc:<28} {percentage:3.0f}% |{bar:30}| {elapsed}<{remaining}"
_stream: ContextVar[TextIO | None] = ContextVar("progress_stream", default=None)


@contextmanager
def shown(stream: TextIO | None = None) -> Iterator[None]:
    """Show the stages that run inside.

    Parameters
    ----------
    stream
        Where; standard error unless said otherwise.
    """
    before = _stream.set(sys.stderr if stream is None else stream)
    try:
        yield
    finally:
        _stream.reset(before)


@contextmanager
def stage(title: str) -> Iterator[Report]:
    """Run a stage of the work; yields what it is told its progress by.

    Parameters
    ----------
    title
        What is being done, in a few words.

    Notes
    -----
    tqdm draws the bar.
    """
    stream = _stream.get()
    if stream is None:
        yield _say_nothing
    elif stream.isatty():
        with _bar(stream, title) as report:
            yield report
    else:
        with _lines(stream, title) as report:
            yield report


def _say_nothing(_done: float) -> None:
    pass


@contextmanager
def _bar(stream: TextIO, title: str) -> Iterator[Report]:
    with tqdm(total=1.0, desc=title, file=stream, bar_format=_BAR) as bar:

        def report(done: float) -> None:
            bar.update(min(max(done, 0.0), 1.0) - bar.n)

        yield report
        report(1.0)


@contextmanager
def _lines(stream: TextIO, title: str) -> Iterator[Report]:
    started = said = time.monotonic()

    def report(done: float) -> None:
        nonlocal said
        if time.monotonic() - said >= PLAIN_EVERY_S:
            said = time.monotonic()
            left_s = (said - started) * (1 - done) / done if done > 0 else None
            left = "" if left_s is None else f", about {_duration(left_s)} left"
            stream.write(f"samehour: {title}, {done:.0%}{left}\n")
            stream.flush()

    stream.write(f"samehour: {title}\n")
    stream.flush()
    yield report
    stream.write(f"samehour: {title}, done in {time.monotonic() - started:.1f} s\n")
    stream.flush()


def _duration(seconds: float) -> str:
    """Return a length of time as people say it."""
    return f"{seconds:.0f} s" if seconds < _LONG_S else f"{seconds / _MINUTE_S:.0f} min"
