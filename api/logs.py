"""What the service says while it runs: one line for each thing, of names and values.

A line within a request carries its trace id, on whatever thread it is said; so the id in an answer
finds all lines about it.  Other libraries' lines come out in the same form.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, TextIO

import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

_OURS: Final = "samehour"


class LogFormat(StrEnum):
    """How a line looks."""

    TEXT = "text"
    """`name=value`, as logfmt readers take it."""

    JSON = "json"
    """One object."""


def logger(part: str) -> Any:
    """Return the log of a part of the service; what it is told are a word and names with values."""
    return structlog.stdlib.get_logger(f"{_OURS}.{part}")


def traced(trace_id: str) -> None:
    """Put a trace id into every line that is said from here on in this context."""
    bind_contextvars(trace_id=trace_id)


def log_to(stream: TextIO, form: LogFormat, level: str) -> None:
    """Say everything on a stream from now on.

    Parameters
    ----------
    level
        The least of our own lines, as `INFO`; of other libraries' it is WARNING, or more.
    """
    said: Sequence[Processor] = (
        merge_contextvars,
        structlog.stdlib.add_logger_name,
        _with_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True, key="at"),
        structlog.processors.format_exc_info,
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *said,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    order = ("at", "level", "from", "event", "trace_id")
    shown: Processor = structlog.processors.JSONRenderer()
    if form is LogFormat.TEXT:
        shown = structlog.processors.LogfmtRenderer(key_order=order, drop_missing=True)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=said,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _with_plain_values,
                shown,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    logging.getLogger(_OURS).setLevel(level)


def log_to_stderr(form: LogFormat = LogFormat.TEXT, level: str = "INFO") -> None:
    """Say everything on standard error from now on."""
    log_to(sys.stderr, form, level)


def _with_level(_logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    line["level"] = {"exception": "error", "warn": "warning"}.get(method, method).upper()
    line["from"] = line.pop("logger")
    return line


def _with_plain_values(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Make a line of text of everything that is no number, so that it stays on one line."""
    return {
        name: value
        if value is None or isinstance(value, bool | int | float)
        else str(value).replace("\r", "\\r").replace("\n", "\\n")
        for name, value in line.items()
    }
