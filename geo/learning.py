"""Speeds learned from couriers' own tracks, by mode, class of street and hour of the week.

What is learned is a ratio of sums: time driven over time expected.  Where it was driven little,
the ratio of the hour is drawn towards that of its day, that towards the whole week's, and that
towards the profile it started from: `(n * seen + k * prior) / (n + k)` at each step (empirical
Bayes: Efron & Morris 1975, doi:10.1080/01621459.1975.10479864).  An hour counts the kilometres
driven in it; a day counts its hours, and a week its days, each by how much is known of it, so
that rush hours driven a thousand times do not speak for Sunday morning (hierarchical credibility:
Bühlmann & Gisler 2005, chapter 6, doi:10.1007/3-540-29273-X).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.errors import ProfileError
from geo.osm_access import MODES
from geo.profiles import (
    DAYS,
    FASTEST_FACTOR,
    HOURS_OF_DAY,
    HOURS_OF_WEEK,
    SLOWEST_FACTOR,
    SpeedProfile,
)
from geo.types import Mode

PRIOR_KM: Final = 4.0
"""What is expected of an hour weighs as much as this many kilometres: a trip drives about one
kilometre on one class, trips in the same hour differ by about 0.2 of their time (the courier, the
lights), hours of the same day by about 0.1; the variance within over that between is 4 trips."""

PRIOR_HOURS: Final = 4.0
"""What is expected of a day weighs as much as this many hours: hours of a day differ by about
0.1, days by about 0.05."""

PRIOR_DAYS: Final = 1.0
"""What is expected of a class weighs as much as one day."""

LEARNED_HALF_LIFE_S: Final = 56 * 86_400
"""What was driven eight weeks ago counts half: habits change with the seasons and with works."""

FORMAT: Final = "samehour-learned-speeds"
FORMAT_VERSION: Final = 1
_COLUMNS: Final = ("mode", "class", "hour", "km", "driven_s", "free_s")
_WHAT: Final = "the learned speeds"
_LEARN_AGAIN: Final = "take an older copy, or learn from the beginning"


class Driven(NamedTuple):
    """Streets driven through, arrays of one entry per passage.

    Attributes
    ----------
    road, hour
        int (n,), index into the classes, hour of the week.
    length_m, driven_s, free_s
        float64 (n,): length, time taken, time at free-flow speed.
    """

    road: NDArray[np.integer]
    hour: NDArray[np.integer]
    length_m: NDArray[np.float64]
    driven_s: NDArray[np.float64]
    free_s: NDArray[np.float64]


class LearnedSpeeds:
    """Sums over everything driven; owned by one worker.

    Parameters
    ----------
    classes
        Names of the classes of street of the network.
    half_life_s
        After this long a kilometre counts half.

    Attributes
    ----------
    sums
        float64 (3, modes, classes, 168): kilometres, seconds driven, seconds at free flow; as of
        `as_of`.
    as_of
        The latest moment added, UTC epoch seconds.
    """

    def __init__(self, classes: Sequence[str], half_life_s: int = LEARNED_HALF_LIFE_S) -> None:
        self.classes = tuple(classes)
        self.half_life_s = half_life_s
        self.sums = np.zeros((3, len(MODES), len(self.classes), HOURS_OF_WEEK))
        self.as_of = 0

    @property
    def driven_km(self) -> float:
        """Kilometres learned from, older ones counting less."""
        return float(self.sums[0].sum())

    def add(self, mode: Mode, driven: Driven, at: int) -> None:
        """Add what one track drove.

        Parameters
        ----------
        mode
            How.
        driven
            The streets passed through.
        at
            When, UTC epoch seconds; an earlier track than the last counts what is left of it.
        """
        share = 1.0
        if at > self.as_of:
            if self.as_of:
                self.sums *= 0.5 ** ((at - self.as_of) / self.half_life_s)
            self.as_of = at
        else:
            share = 0.5 ** ((self.as_of - at) / self.half_life_s)
        of_mode = self.sums[:, MODES.index(mode)]
        values = (driven.length_m / 1000.0, driven.driven_s, driven.free_s)
        for total, value in zip(of_mode, values, strict=True):
            np.add.at(total, (driven.road, driven.hour), value * share)

    def profile(self, prior: SpeedProfile | None = None) -> SpeedProfile:
        """Return the speeds to be expected.

        Parameters
        ----------
        prior
            What was believed before anything was driven; None means free flow at all hours.

        Returns
        -------
        SpeedProfile
            Equal to the prior where nothing was driven on a class.
        """
        believed = prior or SpeedProfile.flat(self.classes)
        if believed.classes != self.classes:
            raise ProfileError(
                "the prior has other classes of street than what was learned; read both for the "
                "same city"
            )
        km, driven_s, free_s = self.sums
        expected_s = free_s / believed.factor
        by_day = (len(MODES), len(self.classes), len(DAYS), HOURS_OF_DAY)
        of_hour = np.divide(driven_s, expected_s, out=np.ones_like(km), where=expected_s > 0)
        of_hour, hour_known = of_hour.reshape(by_day), (km / (km + PRIOR_KM)).reshape(by_day)
        of_day, day_known = _coarser(of_hour, hour_known, PRIOR_HOURS)
        of_week, week_known = _coarser(of_day, day_known, PRIOR_DAYS)
        week = week_known * of_week + (1 - week_known)
        day = day_known * of_day + (1 - day_known) * week[..., None]
        hour = hour_known * of_hour + (1 - hour_known) * day[..., None]
        factor = believed.factor / hour.reshape(km.shape)
        return SpeedProfile(np.clip(factor, SLOWEST_FACTOR, FASTEST_FACTOR), self.classes)

    # --- kept between runs -----------------------------------------------------------------------

    def to_json(self) -> str:
        """Return everything learned as text, for `from_json`."""
        body = self._body()
        return json.dumps({**body, "checksum": _checksum(body)})

    def _body(self) -> dict[str, Any]:
        rows = [
            [MODES[mode].value, self.classes[road], int(hour), *self.sums[:, mode, road, hour]]
            for mode, road, hour in zip(*np.nonzero(self.sums[0]), strict=True)
        ]
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "as_of": self.as_of,
            "half_life_s": self.half_life_s,
            "columns": list(_COLUMNS),
            "rows": rows,
        }

    @classmethod
    def from_json(cls, text: str, classes: Sequence[str]) -> LearnedSpeeds:
        """Read what `to_json` returned.

        Parameters
        ----------
        text
            All of it.
        classes
            Classes of the network; what was learned on classes it does not have is left out.

        Raises
        ------
        ProfileError
            The text was cut or changed, or holds figures that cannot be.
        """
        try:
            body = json.loads(text)
        except ValueError as error:
            raise ProfileError(f"{_WHAT} are damaged: no JSON; {_LEARN_AGAIN}") from error
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise ProfileError(f"these are no learned speeds; {_LEARN_AGAIN}")
        if body.get("format_version") != FORMAT_VERSION:
            raise ProfileError(
                f"{_WHAT} are of format version {body.get('format_version')}, this samehour "
                f"reads {FORMAT_VERSION}; {_LEARN_AGAIN}"
            )
        if body.pop("checksum", None) != _checksum(body):
            raise ProfileError(f"{_WHAT} were changed or damaged; {_LEARN_AGAIN}")
        learned = cls(classes)
        try:
            learned.as_of, learned.half_life_s = int(body["as_of"]), int(body["half_life_s"])
            for mode, road, hour, *values in body["rows"]:
                if road in learned.classes:
                    cell = (MODES.index(mode), learned.classes.index(road), hour)
                    learned.sums[(slice(None), *cell)] = values
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ProfileError(f"{_WHAT} are damaged ({error!r}); {_LEARN_AGAIN}") from error
        if not (np.isfinite(learned.sums).all() and (learned.sums >= 0).all()):
            raise ProfileError(f"{_WHAT} have a figure below 0 or none at all; {_LEARN_AGAIN}")
        return learned


def _coarser(
    ratio: NDArray[np.float64], known: NDArray[np.float64], prior: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of the parts, each by how much is known of it, and how much that makes."""
    weight = known.sum(axis=-1)
    total = (ratio * known).sum(axis=-1)
    mean = np.divide(total, weight, out=np.ones_like(weight), where=weight > 0)
    return mean, weight / (weight + prior)


def _checksum(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
