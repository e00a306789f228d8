"""What a simulation runs: a city, demand, stores, couriers, behaviour and a seed, from TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from simulations.errors import ScenarioError
from simulations.scenarios.box import box, find_file
from simulations.scenarios.fit import misfits
from simulations.scenarios.reading import read_scenario
from simulations.scenarios.settings import Scenario
from simulations.scenarios.sheet import Sheet, read_sheet, set_key
from simulations.scenarios.text import Problems, Section


@dataclass(frozen=True, slots=True)
class Change:
    """A key set besides what the file says; `text` is how it was asked for."""

    key: str
    value: object
    text: str


def find_scenario(name_or_path: str, beside: Path | None = None) -> Path:
    """Return the file of a scenario named by its path, or by its name among those in the box.

    Parameters
    ----------
    beside
        A folder whose scenarios are looked at first.

    Raises
    ------
    ScenarioError
        When there is none; the message lists the names there are.
    """
    folders = box("scenarios") if beside is None else (beside, *box("scenarios"))
    return find_file("scenario", name_or_path, folders, beside or Path())


def scenarios_in_the_box() -> dict[str, str]:
    """Return the title of every scenario in the box, by name; empty where the file has none."""
    titles: dict[str, str] = {}
    for folder in box("scenarios"):
        for path in sorted(folder.glob("*.toml")):
            try:
                title = tomllib.loads(path.read_text(encoding="utf-8")).get("title", "")
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
                title = "(not readable TOML)"
            titles.setdefault(path.stem, str(title))
    return dict(sorted(titles.items()))


def load_scenario(name_or_path: str, changes: Iterable[Change] = ()) -> Scenario:
    """Read and check a scenario.

    Raises
    ------
    ScenarioError
        With every problem of the file, of those it is based on, of its catalogue and policy, and
        of how it fits its city, in one message.
    """
    path = find_scenario(name_or_path)
    sheet = read_sheet(path, _find_base)
    unset = [
        problem
        for change in changes
        if (problem := set_key(sheet, change.key, change.value, change.text)) is not None
    ]
    scenario, problems = read_sheet_as_scenario(sheet)
    if problems or unset:
        raise ScenarioError(str(path), [*unset, *problems.told()])
    return scenario


def read_sheet_as_scenario(sheet: Sheet) -> tuple[Scenario, Problems]:
    """Read a sheet; the scenario is of use only when there are no problems."""
    from geo.city import City, load_city  # noqa: PLC0415 - with it comes the array world
    from geo.errors import CityError  # noqa: PLC0415

    problems = Problems(sheet)
    family = (sheet.bases[-1] if sheet.bases else sheet.home.path).stem
    scenario = read_scenario(
        Section(sheet.values, "", problems), problems, sheet.home.path.stem, family
    )
    city: City | None = None
    if scenario.city:
        try:
            city = load_city(scenario.city)
        except CityError as error:
            problems.add("city", f"is {scenario.city!r}: {error}")
    if city is not None:
        for key, problem in misfits(scenario, city, problems.is_sound):
            problems.add(key, problem)
    return scenario, problems


def _find_base(name: str, beside: Path) -> Path:
    return find_scenario(name, beside.parent)
