"""Reports of simulations: one HTML file each, which needs nothing else to be looked at.

`write_study` is what `samehour simulate` writes, `write_comparison` what `samehour compare` does.
Whatever else wants to report takes its parts from `simulations.reports.parts`.
"""

from __future__ import annotations

from pathlib import Path

from geo.city import City, find_city, load_city
from simulations.reports.comparison import comparison_page
from simulations.reports.parts import save
from simulations.reports.study import study_page
from simulations.studies.study import Comparison, Study


def write_study(study: Study, path: Path) -> None:
    """Write the report of a study, all or nothing.

    Raises
    ------
    CityError
        The city that it was run in is not there, or its map cannot be read.
    OSError
        The file cannot be written.
    """
    save(study_page(study, _city(study)), path)


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the report of a comparison, all or nothing; raises as `write_study` does."""
    save(comparison_page(comparison, _city(comparison.first)), path)


def _city(study: Study) -> City:
    return load_city(find_city(study.scenario.city))
