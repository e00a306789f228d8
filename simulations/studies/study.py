"""What runs of a scenario come to: the types that reports and pages are made from.

A `Study` is one variant of a scenario under several seeds, a `Comparison` two studies under the
same seeds.  Both are read from a folder by `simulations.studies.folder`; nothing here computes.
Times are UTC epoch seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from dispatch.events import Recorded
from dispatch.model import Policy
from geo.types import LonLat, Mode
from simulations.scenarios.settings import Scenario
from simulations.studies.outcome import Evening

Table: TypeAlias = Any
"""A `pyarrow.Table`."""


@dataclass(frozen=True, slots=True)
class Replication:
    """One evening of a study, without its rows.

    Attributes
    ----------
    figures
        By name (`simulations.studies.measures.FIGURES`); None where there was nothing to measure.
    refused_commands
        How often the engine refused which command of the world, by `<command> <code>`.
    breaches
        What the audit of the log found wrong; empty when all is well.
    took_s
        Wall seconds; with the two after it the only figures that differ from run to run.
    plan_p95_ms
        Wall time that 95 of 100 plans took at most; None without plans.
    peak_memory_mb
        Of the process, with whatever it had run before.
    """

    seed: int
    starts_at: int
    measured_from: int
    measured_until: int
    ends_at: int
    figures: Mapping[str, float | None]
    refused_commands: Mapping[str, int]
    breaches: tuple[str, ...]
    took_s: float
    plan_p95_ms: float | None
    peak_memory_mb: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over the evenings of a study.

    Attributes
    ----------
    values
        One for each evening, in the order of the seeds.
    mean
        Of those evenings that have a value; None without any.
    low, high
        95 % Student t interval of the mean; None with fewer than two values.
    median, p10, p90
        Over the evenings: what an ordinary, a good and a bad one looks like.
    """

    name: str
    values: tuple[float | None, ...]
    mean: float | None
    low: float | None
    high: float | None
    median: float | None
    p10: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """A quantile of a distribution pooled over evenings.

    Attributes
    ----------
    share
        0.9 for the value that nine in ten do not exceed.
    low, high
        95 % bootstrap interval, whole evenings drawn again; None with fewer than two evenings.
    """

    share: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Distribution:
    """Something measured on each order, all evenings together.

    Attributes
    ----------
    name
        `click_to_door_s`, `lateness_s` (of the late ones), `pick_wait_s`, `collection_wait_s`.
    count
        Of values.
    points
        At 0.1, 0.25, 0.5, 0.75, 0.9, 0.95 and 0.99.
    """

    name: str
    count: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class StoreCard:
    """A store of the evening."""

    store_id: str
    name: str
    location: LonLat


@dataclass(frozen=True, slots=True)
class CourierCard:
    """A courier of the evening."""

    courier_id: str
    name: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class Track:
    """Where a courier was: `lng[i], lat[i]` at `at[i]`, ascending; nothing while off work."""

    courier_id: str
    at: tuple[int, ...]
    lng: tuple[float, ...]
    lat: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Playback:
    """An evening to be looked at again: who was where; orders are in its `Evening`.

    Attributes
    ----------
    every_s
        Between two places of a track; a longer gap means that the courier was not at work.
    """

    seed: int
    every_s: int
    begins_at: int
    ends_at: int
    stores: tuple[StoreCard, ...]
    couriers: tuple[CourierCard, ...]
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """All that one evening leaves."""

    evening: Evening
    replication: Replication
    log: tuple[Recorded, ...]
    playback: Playback


@dataclass(frozen=True, slots=True)
class Study:
    """A variant of a scenario under several seeds.

    Attributes
    ----------
    variant
        As on the command line: `SCENARIO[@POLICY][,KEY=VALUE...]`.
    version, code
        Of samehour, and a digest of its source.
    digest
        Of all that decides what comes out, but for the seeds.
    replications
        Those that are done, ascending by seed.
    wanted
        How many were asked for; fewer are done when it was stopped.
    failed
        What went wrong, by seed.
    estimates
        By name of the figure, in the order of `FIGURES`.
    distributions
        By name.
    middle
        Seed of the evening nearest the middle of all, whose log and playback are kept.
    load_evening, load_log, load_playback, load_orders
        Read rows of a seed, the log and the playback of `middle`, and the orders of all evenings.
    """

    folder: Path
    variant: str
    scenario: Scenario
    policy: Policy
    city: str
    city_title: str
    time_zone: str
    attribution: str
    version: str
    code: str
    digest: str
    wanted: int
    replications: tuple[Replication, ...]
    failed: Mapping[int, str]
    estimates: Mapping[str, Estimate]
    distributions: Mapping[str, Distribution]
    middle: int
    load_evening: Callable[[int], Evening]
    load_log: Callable[[], tuple[Recorded, ...]]
    load_playback: Callable[[], Playback]
    load_orders: Callable[[], Table]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the evenings that are done."""
        return tuple(one.seed for one in self.replications)

    @property
    def breaches(self) -> tuple[tuple[int, str], ...]:
        """What the audit found wrong: seed and what."""
        return tuple((one.seed, breach) for one in self.replications for breach in one.breaches)


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of the second study less the same of the first, evening by evening.

    Attributes
    ----------
    first, second
        Means over the pairs.
    pairs
        Differences in the order of the seeds, of the evenings for which both have a value.
    mean, low, high
        Of the differences, with a 95 % Student t interval; None with fewer than two pairs.
    p_value
        Two-sided, of the paired t test; 0.0 where all pairs differ by the same, 1.0 where none
        differs.
    p_holm
        After Holm's correction over the headline figures (1979); None for the others.
    p_signs
        Of Wilcoxon's signed-rank test, which needs no normal distribution; None where it cannot
        be made.
    is_clear
        Whether the difference stands, by `p_that_counts`.
    saved
        Share of the variance that the same evenings took away: 0.9 means that independent ones
        would need ten times as many.  None where there is no variance.
    smallest
        What difference these evenings would have shown with a chance of 80 %.
    """

    name: str
    first: float | None
    second: float | None
    pairs: tuple[float, ...]
    mean: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None
    p_signs: float | None
    is_clear: bool
    saved: float | None
    smallest: float | None

    @property
    def p_that_counts(self) -> float | None:
        """`p_holm` of a headline, `p_value` of any other figure."""
        return self.p_value if self.p_holm is None else self.p_holm


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two variants under the same seeds.

    Attributes
    ----------
    differences
        By name of the figure, in the order of `FIGURES`.
    verdict
        In plain sentences, the most important first.
    """

    folder: Path
    first: Study
    second: Study
    seeds: tuple[int, ...]
    differences: Mapping[str, Difference]
    verdict: tuple[str, ...]
