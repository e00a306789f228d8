"""What comes of a replay, for whoever writes, prints or draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.model import Policy
from dispatch.recording import Recording
from geo.city import City
from simulations.replays.calibration import Report
from simulations.replays.day import Day
from simulations.replays.learned import Learned
from simulations.replays.replay import Outcome
from simulations.replays.whatif import Change
from simulations.studies.outcome import Evening
from simulations.studies.study import Difference


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A day under its own decisions and under others, in the same model.

    Attributes
    ----------
    said
        What is otherwise, in words.
    before, after
        Runs of the model under the day's own policy and under the other, by seed.
    changed
        Orders that fared otherwise, in the first pair of runs.
    """

    said: str
    day: Day
    policy: Policy
    before: tuple[Evening, ...]
    after: tuple[Evening, ...]
    differences: Mapping[str, Difference]
    verdict: tuple[str, ...]
    changed: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """All that came of a replay.

    Attributes
    ----------
    exact
        None where the day cannot be lived again exactly; `why_not` says why.
    """

    recording: Recording
    city: City
    since: int
    until: int
    exact: Outcome | None
    why_not: str
    was: Evening
    calibration: Report
    learned: Learned
    what_if: WhatIf | None
