"""What a service is held to: of its API and of the deliveries, from a file or from flags."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from simulations.errors import LoadError
from simulations.load.figures import ALL, PERCENTILES, Endpoint, LoadFigures
from simulations.studies.measures import FIGURES

API: Final = "api"
DELIVERIES: Final = "deliveries"
ERROR_SHARE: Final = "error_share"
_API_KEYS: Final = (*PERCENTILES, ERROR_SHARE)
USUAL: Final = (("p99_ms", 1000.0), (ERROR_SHARE, 0.001))
"""Of the API, where nothing else is asked."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One figure and what it may be.

    Attributes
    ----------
    subject
        `all`, an endpoint, or `deliveries`.
    """

    subject: str
    key: str
    limit: float

    @property
    def is_least(self) -> bool:
        """Whether the figure is to be at least this, not at most."""
        return self.subject == DELIVERIES and FIGURES[self.key].better == "more"

    @property
    def bound(self) -> str:
        """That, in words."""
        return "at least" if self.is_least else "at most"

    @property
    def unit(self) -> str:
        """What the figure is counted in, as `simulations.load.words.amount` knows it."""
        if self.subject == DELIVERIES:
            return FIGURES[self.key].unit
        return "share" if self.key == ERROR_SHARE else "ms"


@dataclass(frozen=True, slots=True)
class Judged:
    """A threshold and what was measured; None where there was nothing to measure."""

    threshold: Threshold
    measured: float | None
    is_met: bool


class Sla:
    """Thresholds by subject and key; later ones take the place of earlier ones."""

    def __init__(self) -> None:
        self._limits: dict[tuple[str, str], float] = {(ALL, key): limit for key, limit in USUAL}

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """All of them, in the order they were said."""
        return tuple(Threshold(*which, limit) for which, limit in self._limits.items())

    def add(self, subject: str, key: str, limit: float) -> None:
        """Ask for something."""
        self._limits[subject, key] = limit


def sla_of(texts: list[str]) -> Sla:
    """Return what files and `KEY=VALUE`s ask for.

    Raises
    ------
    LoadError
        Names every one that cannot be asked for.
    """
    sla = Sla()
    problems: list[str] = []
    for text in texts:
        said = list(_flag(text)) if "=" in text else list(_file(text, problems))
        for subject, key, limit in said:
            wrong = _problem(subject, key, limit)
            if wrong:
                problems.append(f"--sla {text}: {wrong}")
            else:
                sla.add(subject, key, float(limit))
    if problems:
        raise LoadError("\n".join(problems))
    return sla


def _flag(text: str) -> Iterator[tuple[str, str, Any]]:
    """Yield what `p99_ms=500`, `POST /v1/orders:p99_ms=300`, `deliveries.x=1` say."""
    name, _, said = text.rpartition("=")
    subject, colon, key = name.rpartition(":")
    if not colon:
        subject, dot, key = name.rpartition(".")
        subject = subject if dot else ALL
    try:
        limit: Any = float(said)
    except ValueError:
        limit = said
    yield (ALL if subject == API else subject), key, limit


def _file(text: str, problems: list[str]) -> Iterator[tuple[str, str, Any]]:
    try:
        said = tomllib.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        problems.append(f"--sla {text}: cannot be read: {told}. Name a file, or write p99_ms=500")
        return
    for table, values in said.items():
        if table not in {API, DELIVERIES} or not isinstance(values, Mapping):
            problems.append(f"--sla {text}: {table}: the tables are [api] and [deliveries]")
            continue
        for key, value in values.items():
            if isinstance(value, Mapping) and table == API:
                for inner, limit in value.items():
                    yield key, inner, limit
            else:
                yield (ALL if table == API else DELIVERIES), key, value


def _problem(subject: str, key: str, limit: object) -> str | None:
    keys = tuple(FIGURES) if subject == DELIVERIES else _API_KEYS
    if key not in keys:
        return f"{key or 'nothing'} is no figure of {subject}; there are {', '.join(keys)}"
    if subject == DELIVERIES and FIGURES[key].better is None:
        return f"{key} is neither better nor worse when it is more"
    if subject not in {ALL, DELIVERIES} and not subject.partition(" ")[2].startswith("/"):
        return f"{subject} is no endpoint; write it as POST /v1/orders:{key}=..., ids as {{id}}"
    is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if not is_number or not math.isfinite(float(str(limit))) or float(str(limit)) < 0:
        return f"{key} is {limit!r}; it must be a number, 0 or more"
    if Threshold(subject, key, 0.0).unit == "share" and float(str(limit)) > 1:
        return f"{key} is {limit}; it is a share, from 0 to 1"
    return None


def judge(
    sla: Sla, figures: LoadFigures, deliveries: Mapping[str, float | None]
) -> tuple[Judged, ...]:
    """Return each threshold with what was measured.

    What could not be measured is not met: a test without a single order says nothing good of
    deliveries.
    """
    by_name = {each.name: each for each in (figures.total, *figures.endpoints)}
    found = []
    for threshold in sla.thresholds:
        if threshold.subject == DELIVERIES:
            measured = deliveries.get(threshold.key)
        else:
            measured = _of_api(by_name.get(threshold.subject), threshold.key)
        is_met = measured is not None and (
            measured >= threshold.limit if threshold.is_least else measured <= threshold.limit
        )
        found.append(Judged(threshold, measured, is_met))
    return tuple(found)


def _of_api(endpoint: Endpoint | None, key: str) -> float | None:
    if endpoint is None or endpoint.count == 0:
        return None
    return endpoint.error_share if key == ERROR_SHARE else endpoint.latency.ms[key]
