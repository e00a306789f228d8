"""Two variants on the same evenings: their differences, kept in a folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from simulations.errors import SimulationError
from simulations.folders import write_json
from simulations.studies import parquet
from simulations.studies.folder import open_study, read_json
from simulations.studies.identity import JSON, named_folder
from simulations.studies.measures import FIGURES
from simulations.studies.statistics import differences
from simulations.studies.study import Comparison, Difference, Study
from simulations.studies.verdict import verdict

HOME: Final = Path(".samehour") / "comparisons"
"""Where comparisons are kept unless a folder is named."""

FORMAT: Final = "samehour-comparison"
FORMAT_VERSION: Final = 1
_ABOUT: Final = "compare.json"

COLUMNS: Final[parquet.Columns] = {
    "figure": (pa.string(), "name in figures.parquet"),
    "unit": (pa.string(), "of first, second, difference, low, high and smallest"),
    "first": (pa.float64(), "mean of A over the pairs"),
    "second": (pa.float64(), "mean of B over the pairs"),
    "difference": (pa.float64(), "mean of B less A, evening by evening"),
    "low": (pa.float64(), "lower end of its 95 % Student t interval"),
    "high": (pa.float64(), "upper end of it"),
    "p_value": (pa.float64(), "paired t test, two-sided"),
    "p_holm": (pa.float64(), "after Holm's correction over the headline figures"),
    "p_signs": (pa.float64(), "Wilcoxon's signed-rank test"),
    "is_clear": (pa.bool_(), "the difference stands at 5 %"),
    "saved": (pa.float64(), "share of the variance that the same evenings took away"),
    "smallest": (pa.float64(), "difference these evenings show with a chance of 80 %"),
    "pairs": (pa.list_(pa.float64()), "B less A, by seed ascending"),
}
"""Columns of `differences.parquet`."""


def compared(first: Study, second: Study, folder: Path) -> Comparison:
    """Return what tells two studies apart, on the evenings that both have."""
    seeds = tuple(sorted(set(first.seeds) & set(second.seeds)))
    if not seeds:
        raise SimulationError(
            f"{first.variant} and {second.variant} have no evening in common to be compared by"
        )
    found = differences(_values(first, seeds), _values(second, seeds))
    return Comparison(
        folder=folder,
        first=first,
        second=second,
        seeds=seeds,
        differences=found,
        verdict=verdict(found, len(first.breaches) + len(second.breaches)),
    )


def write_figures(comparison: Comparison) -> None:
    """Write `compare.json` and `differences.parquet` into the comparison's folder."""
    folder = comparison.folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            **{name: getattr(one, name) for name in Difference.__dataclass_fields__},
            "figure": one.name,
            "unit": FIGURES[one.name].unit,
            "difference": one.mean,
            "pairs": list(one.pairs),
        }
        for one in comparison.differences.values()
    ]
    arrays = [pa.array([row[name] for row in rows], kind) for name, (kind, _) in COLUMNS.items()]
    table = pa.Table.from_arrays(arrays, schema=parquet.schema_of(COLUMNS))
    parquet.write(table, folder / "differences.parquet")
    write_json(folder / _ABOUT, as_json(comparison))


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain JSON."""
    folder = comparison.folder
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "first": _study(comparison.first, folder),
        "second": _study(comparison.second, folder),
        "seeds": list(comparison.seeds),
        "verdict": list(comparison.verdict),
        "differences": JSON.unstructure(dict(comparison.differences)),
    }


def open_comparison(folder: Path) -> Comparison:
    """Read a comparison and its two studies; raises `SimulationError` without a whole one."""
    about = read_json(folder / _ABOUT)
    if about.get("format") != FORMAT or about.get("format_version") != FORMAT_VERSION:
        raise SimulationError(f"{folder / _ABOUT} is no comparison of this version; compare anew")
    first, second = (open_study(folder / about[key]["folder"]) for key in ("first", "second"))
    return Comparison(
        folder=folder,
        first=first,
        second=second,
        seeds=tuple(about["seeds"]),
        differences={
            name: JSON.structure(one, Difference) for name, one in about["differences"].items()
        },
        verdict=tuple(about["verdict"]),
    )


def folder_of(first: Study, second: Study) -> Path:
    """Return where a comparison is kept unless a folder is named."""
    digest = hashlib.sha256(json.dumps([first.digest, second.digest]).encode()).hexdigest()
    return HOME / named_folder([first.variant, second.variant], digest)


def _values(study: Study, seeds: tuple[int, ...]) -> Mapping[str, list[float | None]]:
    by_seed = {one.seed: one.figures for one in study.replications}
    return {name: [by_seed[seed].get(name) for seed in seeds] for name in FIGURES}


def _study(study: Study, folder: Path) -> dict[str, Any]:
    return {
        "variant": study.variant,
        "folder": Path(os.path.relpath(study.folder, folder)).as_posix(),
        "digest": study.digest,
    }
