"""`samehour simulate` and `samehour compare`: run what is missing, and say what came of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dispatch.model import Policy
from geo.errors import GeoError
from geo.progress import shown
from simulations.errors import SimulationError
from simulations.figures import chosen, minutes, percent
from simulations.replays.learned import read_learned
from simulations.scenarios.settings import Scenario
from simulations.scenarios.variant import load_variant
from simulations.studies import compare as comparing
from simulations.studies.figures_text import comparison_table, study_table
from simulations.studies.run import Came, FailedError, StoppedError, cores, run_study, wish
from simulations.studies.study import Comparison, Replication, Study

_REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class _Named:
    """A variant as it was written, and what it says."""

    text: str
    scenario: Scenario
    policy: Policy


def simulate(arguments: argparse.Namespace) -> int:
    """Run a study and print it; returns 0, 1 when stopped or failed, 2 for wrong input."""
    return _answered(lambda: _simulate(arguments))


def compare(arguments: argparse.Namespace) -> int:
    """Run two studies and print what tells them apart; returns 0, 1 or 2 as `simulate`."""
    return _answered(lambda: _compare(arguments))


def _answered(work: Callable[[], int]) -> int:
    try:
        with shown():
            return work()
    except (StoppedError, FailedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (SimulationError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from there\n")
        return 1


# --- simulate ----------------------------------------------------------------------------------


def _simulate(arguments: argparse.Namespace) -> int:
    named = _named(arguments.variant, arguments.policy)
    if arguments.learned is not None:
        taught = replace(named.scenario, learned=read_learned(arguments.learned))
        named = replace(named, scenario=taught)
    came = _study(named, arguments, arguments.out)
    study = came.study
    if study.wanted == 1:
        sys.stdout.write(_one(study.replications[0], study))
    else:
        sys.stdout.write(f"{study.scenario.title}, {_evenings(study.seeds)}\n{study_table(study)}")
    _warn(study)
    if arguments.report:
        from simulations.reports.report import write_study  # noqa: PLC0415  only where one is wanted

        write_study(study, study.folder / _REPORT)
    _say_where(study.folder, arguments)
    if came.new == 0:
        sys.stdout.write("  nothing was left to run; --fresh runs it anew\n")
    if arguments.json:
        sys.stdout.write(json.dumps(_as_json(study)) + "\n")
    return 1 if study.failed else 0


def _named(text: str, policy: Path | None) -> _Named:
    if policy is not None:
        head, comma, changes = text.partition(",")
        if "@" in head:
            raise SimulationError(
                f"{text} names a policy, and so does --policy {policy}; name one of them"
            )
        text = f"{head}@{policy}{comma}{changes}"
    return _Named(text, *load_variant(text))


def _study(
    named: _Named, arguments: argparse.Namespace, folder: Path | None, seed: int | None = None
) -> Came:
    wanted = wish(
        named.text,
        named.scenario,
        named.policy,
        replications=arguments.replications,
        seed=arguments.seed if seed is None else seed,
        lasts_s=arguments.duration_s,
        folder=folder,
    )
    return run_study(wanted, jobs=arguments.jobs or cores(), fresh=arguments.fresh)


def _one(one: Replication, study: Study) -> str:
    found = _kpis(one)
    lasted_s = one.ends_at - one.starts_at
    return (
        f"{study.scenario.title}, seed {one.seed}: {minutes(lasted_s)} in {one.took_s:.1f} s "
        f"({lasted_s / one.took_s:.0f} times life), orders of "
        f"{minutes(one.measured_until - one.measured_from)} counted\n"
        f"  {found['orders']} orders: {found['delivered']} delivered, {found['collected']} "
        f"collected, {found['open']} open, {found['rejected']} rejected, {found['cancelled']} "
        f"cancelled, {found['failed']} failed\n"
        f"  {percent(found['on_time_share'])} on time; click to door "
        f"{minutes(found['click_to_door_p50_s'])} median, "
        f"{minutes(found['click_to_door_p90_s'])} for nine in ten\n"
        f"  {found['replans']} plans, {found['replan_p95_ms'] or 0:.0f} ms at most for 95 in 100, "
        f"{found['violations']} violations; {sum(one.refused_commands.values())} requests refused\n"
    )


def _kpis(one: Replication) -> dict[str, Any]:
    """Return an evening's figures by the names that a live service has for them."""
    figures = one.figures
    counts = {
        "orders": "orders_asked",
        "delivered": "delivered",
        "collected": "collected",
        "cancelled": "cancelled",
        "open": "open_at_end",
        "failed": "failed_tries",
        "violations": "violations",
        "replans": "plans",
        "click_to_door_p50_s": "click_to_door_p50_s",
        "click_to_door_p90_s": "click_to_door_p90_s",
    }
    found: dict[str, Any] = {
        name: None if (value := figures[ours]) is None else int(value)
        for name, ours in counts.items()
    }
    found["rejected"] = round((figures["refused_share"] or 0.0) * found["orders"])
    share = figures["on_time_share"]
    found["on_time_share"] = None if share is None else round(share, 4)
    found["replan_p95_ms"] = one.plan_p95_ms
    return found


def _as_json(study: Study) -> dict[str, Any]:
    if study.wanted == 1:
        return chosen(_kpis(study.replications[0]))
    return {
        "variant": study.variant,
        "folder": study.folder.as_posix(),
        "seeds": list(study.seeds),
        "breaches": len(study.breaches),
        "figures": {
            name: {"mean": one.mean, "low": one.low, "high": one.high}
            for name, one in study.estimates.items()
        },
    }


# --- compare -----------------------------------------------------------------------------------


def _compare(arguments: argparse.Namespace) -> int:
    # Both are read before either is run: what is wrong with the second is told at once.
    named = [_named(text, None) for text in (arguments.first, arguments.second)]
    cities = [one.scenario.city for one in named]
    if cities[0] != cities[1]:
        raise SimulationError(
            f"{arguments.first} is in {cities[0]} and {arguments.second} in {cities[1]}, where "
            "other people order: compare two variants in one city"
        )
    seed = arguments.seed if arguments.seed is not None else named[0].scenario.seed
    out: Path | None = arguments.out
    places = (None, None) if out is None else (out / "A", out / "B")
    came = [_study(one, arguments, place, seed) for one, place in zip(named, places, strict=True)]
    first, second = (one.study for one in came)
    folder = out if out is not None else comparing.folder_of(first, second)
    found = comparing.compared(first, second, folder)
    comparing.write_figures(found)
    sys.stdout.write(_both(found))
    for study in (first, second):
        _warn(study)
    if arguments.report:
        from simulations.reports.report import write_comparison  # noqa: PLC0415  only where one is wanted

        write_comparison(found, folder / _REPORT)
    _say_where(folder, arguments)
    if arguments.json:
        sys.stdout.write(json.dumps(comparing.as_json(found)) + "\n")
    return 1 if first.failed or second.failed else 0


def _both(found: Comparison) -> str:
    verdict = "".join(f"{sentence}\n" for sentence in found.verdict)
    return (
        f"A: {found.first.variant}\nB: {found.second.variant}\n"
        f"{_evenings(found.seeds)}, the same for both\n{comparison_table(found)}"
        "  p: of no difference (headlines, the first four, corrected for being four); * below "
        f"0.05\n\n{verdict}\n"
    )


# --- both --------------------------------------------------------------------------------------


def _evenings(seeds: Sequence[int]) -> str:
    """Return how many evenings there are, and which."""
    if len(seeds) == 1:
        return f"1 evening, seed {seeds[0]}"
    is_whole = seeds[-1] - seeds[0] == len(seeds) - 1
    which = f"{seeds[0]} to {seeds[-1]}" if is_whole else ", ".join(map(str, seeds))
    return f"{len(seeds)} evenings, seeds {which}"


def _warn(study: Study) -> None:
    """Say what spoils the figures."""
    if study.breaches:
        seed, breach = study.breaches[0]
        sys.stdout.write(
            f"  The audit found {len(study.breaches)} breaches: do not trust these figures. The "
            f"first, of seed {seed}: {breach}\n"
        )
    if study.failed:
        seed, trouble = min(study.failed.items())
        last = trouble.strip().splitlines()[-1]
        sys.stderr.write(
            f"{study.variant}: {len(study.failed)} of {study.wanted} failed, the figures are of "
            f"the others; seed {seed}: {last}. All of it is in "
            f"{study.folder / 'study.json'}; the same command tries again\n"
        )


def _say_where(folder: Path, arguments: argparse.Namespace) -> None:
    if arguments.report:
        sys.stdout.write(f"  report: {folder / _REPORT}\n")
    sys.stdout.write(f"  Parquet: {folder}\n")
