"""Speeds by hour of the week: the usual Friday at five, per mode and class of street.

A profile holds factors on the free-flow speed, 168 for each mode and class: hour 0 is Monday
00:00 to 01:00 on the city's own clocks, whatever they show in summer and winter.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.errors import ProfileError
from geo.osm_access import MODES

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOURS_OF_DAY: Final = 24
HOURS_OF_WEEK: Final = len(DAYS) * HOURS_OF_DAY

SLOWEST_FACTOR: Final = 0.05
FASTEST_FACTOR: Final = 2.0
"""What a factor may be: a street slower than this is closed, one faster has a wrong free-flow."""

_HOUR_S: Final = 3600
_KEYS: Final = frozenset({"modes", "classes", "days", "by_hour"})


def hour_of_week(at: int, zone: ZoneInfo) -> int:
    """Return the hour of the week on a city's clocks.

    Parameters
    ----------
    at
        UTC epoch seconds.
    zone
        The city's.

    Returns
    -------
    int
        0 (Monday 00:00 to 01:00) to 167.
    """
    local = datetime.fromtimestamp(at, zone)
    return local.weekday() * HOURS_OF_DAY + local.hour


def hour_start(at: int, zone: ZoneInfo) -> int:
    """Return when the hour that a city's clocks show at a moment began, UTC epoch seconds."""
    local = datetime.fromtimestamp(at, zone)
    return at - (local.minute * 60 + local.second)


@dataclass(frozen=True, slots=True, eq=False)
class SpeedProfile:
    """Factors on the free-flow speed by mode, class of street and hour of the week.

    Attributes
    ----------
    factor
        float64 (modes, classes, 168), modes in the order of `MODES`; 0.5 is half the speed.
    classes
        Names of the classes of street.
    """

    factor: NDArray[np.float64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        shape = (len(MODES), len(self.classes), HOURS_OF_WEEK)
        if self.factor.shape != shape:
            raise ProfileError(f"a profile has factors of shape {shape}, not {self.factor.shape}")
        inside = (self.factor >= SLOWEST_FACTOR) & (self.factor <= FASTEST_FACTOR)
        if not inside.all():
            mode, road, hour = (int(index[0]) for index in np.nonzero(~inside))
            raise ProfileError(
                f"the factor of mode '{MODES[mode]}' on '{self.classes[road]}' in hour {hour} of "
                f"the week is {self.factor[mode, road, hour]:g}; give {SLOWEST_FACTOR:g} to "
                f"{FASTEST_FACTOR:g}"
            )
        self.factor.setflags(write=False)

    @classmethod
    def flat(cls, classes: Sequence[str]) -> SpeedProfile:
        """Return the profile that changes nothing."""
        return cls(np.ones((len(MODES), len(classes), HOURS_OF_WEEK)), tuple(classes))

    @property
    def is_flat(self) -> bool:
        """Whether every factor is 1."""
        return bool((self.factor == 1.0).all())

    def digest(self) -> str:
        """Return a fingerprint: the same if and only if classes and factors are."""
        text = "\n".join(self.classes).encode() + b"\0" + self.factor.tobytes()
        return hashlib.sha256(text).hexdigest()


def read_profile(path: str | Path, classes: Sequence[str]) -> SpeedProfile:
    """Read a profile written by hand.

    Parameters
    ----------
    path
        A TOML file: `title`, `source`, and tables `[[speeds]]` with `by_hour`, 24 factors from
        00-01 to 23-24 local time, for the `modes`, `classes` and `days` named; each of the three
        left out means all.  A later table overrides an earlier one, what none names is 1.
    classes
        Classes of street of the network, in its order.

    Raises
    ------
    ProfileError
        The file cannot be read, or names what does not exist; the message lists every problem.
    """
    file = Path(path)
    try:
        text = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{file} cannot be read ({error.strerror}); check its name") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{file} is not TOML ({error}); mend that line") from error
    problems = [
        f"there is no key '{key}'; use title, source and [[speeds]]"
        for key in text.keys() - {"title", "source", "speeds"}
    ]
    problems += [
        f"{key} must be text, say where the figures come from"
        for key in ("title", "source")
        if not isinstance(text.get(key), str)
    ]
    tables = text.get("speeds")
    if not isinstance(tables, list) or not tables:
        problems.append("there is no table [[speeds]]; write one")
        tables = []
    factor = np.ones((len(MODES), len(classes), HOURS_OF_WEEK))
    for number, table in enumerate(tables, start=1):
        _apply(table, f"[[speeds]] {number}", factor, classes, problems)
    if problems:
        raise ProfileError(f"{file}: {'; '.join(problems)}")
    return SpeedProfile(factor, tuple(classes))


def _apply(
    table: Any,
    where: str,
    factor: NDArray[np.float64],
    classes: Sequence[str],
    problems: list[str],
) -> None:
    """Write one table of a file into the factors, or add what is wrong with it."""
    if not isinstance(table, Mapping):
        problems.append(f"{where} must be a table with {', '.join(sorted(_KEYS))}")
        return
    before = len(problems)
    problems += [
        f"{where} has no key '{key}'; use {', '.join(sorted(_KEYS))}"
        for key in table.keys() - _KEYS
    ]
    modes = _chosen(table, "modes", MODES, where, problems)
    roads = _chosen(table, "classes", classes, where, problems)
    days = _chosen(table, "days", DAYS, where, problems)
    by_hour = table.get("by_hour")
    numbers = by_hour if isinstance(by_hour, list) else []
    if len(numbers) != HOURS_OF_DAY or not all(_is_factor(number) for number in numbers):
        problems.append(
            f"{where} by_hour must be {HOURS_OF_DAY} numbers from {SLOWEST_FACTOR:g} to "
            f"{FASTEST_FACTOR:g}, from 00-01 to 23-24"
        )
    if len(problems) == before:
        hours = [day * HOURS_OF_DAY + hour for day in days for hour in range(HOURS_OF_DAY)]
        factor[np.ix_(modes, roads, hours)] = np.tile(numbers, len(days))


def _chosen(
    table: Mapping[str, Any], key: str, known: Sequence[str], where: str, problems: list[str]
) -> list[int]:
    """Return which of the known names a key lists; all of them where it is left out."""
    names = table.get(key, list(known))
    if not isinstance(names, list) or not names:
        problems.append(f"{where} {key} must be a list of names; leave it out to mean all")
        return []
    wrong = [name for name in names if name not in known]
    if wrong:
        problems.append(
            f"{where} {key} names {', '.join(repr(name) for name in wrong)}; known are "
            f"{', '.join(known)}"
        )
    return [known.index(name) for name in names if name in known]


def _is_factor(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and SLOWEST_FACTOR <= value <= FASTEST_FACTOR
    )
