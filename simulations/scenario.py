"""What a simulation runs: a city, demand, stores, couriers, behaviour and a seed, from TOML."""

from __future__ import annotations

import csv
import sys
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from geo.types import Mode
from simulations.errors import ScenarioError
from simulations.scenario_text import Problems, Section, lines_of_keys, repeated
from simulations.settings import (
    DAY_S,
    WEEKDAYS,
    Article,
    BasketSettings,
    CourierSettings,
    CustomerSettings,
    DemandSettings,
    HandoverSettings,
    PickingSettings,
    Scenario,
    StoreSettings,
    TravelSettings,
)

_COLUMNS: Final = ("sku", "name", "weight_g", "price_cents", "popularity")


def find_scenario(name_or_path: str) -> Path:
    """Return the file of a scenario named by its path, or by its name among those in the box.

    Raises
    ------
    ScenarioError
        When there is none; the message lists the names there are.
    """
    given = Path(name_or_path)
    if given.suffix == ".toml" and given.is_file():
        return given
    folders = (
        Path("data/scenarios"),
        Path(__file__).parent.parent / "data" / "scenarios",
        Path(sys.prefix) / "share" / "samehour" / "scenarios",
    )
    for folder in folders:
        candidate = folder / f"{name_or_path}.toml"
        if candidate.is_file():
            return candidate
    names = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise ScenarioError(
        f"scenario {name_or_path!r}",
        [f"there is no such file; name a .toml file or one of: {', '.join(names) or '(none)'}"],
    )


def load_scenario(name_or_path: str) -> Scenario:
    """Read and check a scenario.

    Raises
    ------
    ScenarioError
        With every problem of the file and its catalogue in one message.
    """
    path = find_scenario(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(str(path), [f"it is not readable TOML: {error}"]) from error
    problems = Problems(lines_of_keys(text))
    catalogue_problems: list[str] = []
    root = Section(values, "", problems)
    scenario = _scenario(path, root, catalogue_problems)
    if problems.found or catalogue_problems:
        raise ScenarioError(str(path), [*problems.sorted(), *catalogue_problems])
    return scenario


def _scenario(path: Path, root: Section, catalogue_problems: list[str]) -> Scenario:
    catalogue_name = root.text("catalogue")
    stores = root.section("stores")
    scenario = Scenario(
        name=path.stem,
        title=root.text("title"),
        city=_city(root),
        starts_at=root.moment("starts_at"),
        seed=root.integer("seed", low=0),
        catalogue=_catalogue(path, catalogue_name, root, catalogue_problems),
        demand=_demand(root.section("demand")),
        baskets=_baskets(root.section("baskets")),
        handover=_handover(root.section("handover")),
        customers=_customers(root.section("customers")),
        stores={name: _store(stores.section(name)) for name in stores.names()},
        picking=_picking(root.section("picking")),
        travel=_travel(root.section("travel")),
        couriers=_couriers(root),
    )
    if not scenario.stores:
        root.problem("stores", "names no kind of shop; write [stores.supermarket] for one")
    if scenario.catalogue and scenario.baskets.lines_max > len(scenario.catalogue):
        root.section("baskets").problem(
            "lines_max", f"is more than the {len(scenario.catalogue)} articles of the catalogue"
        )
    root.end()
    return scenario


def _city(root: Section) -> str:
    from geo.city import find_city  # noqa: PLC0415 - with it comes the array world
    from geo.errors import CityError  # noqa: PLC0415

    name = root.text("city")
    if name:
        try:
            find_city(name)
        except CityError as error:
            root.problem("city", f"is {name!r}: {error}")
    return name


def _demand(section: Section) -> DemandSettings:
    factors = section.section("weekday_factor")
    demand = DemandSettings(
        per_hour=section.numbers("per_hour", count=24, low=0),
        weekday_factor=tuple(factors.number(day, low=0) for day in WEEKDAYS),
    )
    factors.end()
    section.end()
    return demand


def _baskets(section: Section) -> BasketSettings:
    baskets = BasketSettings(
        lines_mean=section.number("lines_mean", low=1),
        lines_max=section.integer("lines_max", low=1),
        more_share=section.number("more_share", low=0, high=0.9),
    )
    section.end()
    return baskets


def _handover(section: Section) -> HandoverSettings:
    handover = HandoverSettings(
        pickup_s=section.integer("pickup_s", low=0),
        door_s=section.integer("door_s", low=0),
        return_s=section.integer("return_s", low=0),
        spread=section.number("spread", low=0, high=1),
    )
    section.end()
    return handover


def _customers(section: Section) -> CustomerSettings:
    customers = CustomerSettings(
        cancel_share=section.number("cancel_share", low=0, high=1),
        cancel_within_s=section.span("cancel_within_s", low=0),
        nobody_home_share=section.number("nobody_home_share", low=0, high=1),
        wait_at_door_s=section.integer("wait_at_door_s", low=0),
    )
    section.end()
    return customers


def _store(section: Section) -> StoreSettings:
    store = StoreSettings(
        pickers=(section.integer("pickers", low=1),) * 24,
        pick_base_s=section.integer("pick_base_s", low=0),
        pick_line_s=section.integer("pick_line_s", low=0),
        reach_s=section.integer("reach_s", low=60),
        assortment=section.number("assortment", low=0, high=1),
        stock_mean=section.number("stock_mean", low=0),
        sold_out_share=section.number("sold_out_share", low=0, high=1),
    )
    section.end()
    return store


def _picking(section: Section) -> PickingSettings:
    picking = PickingSettings(
        spread=section.number("spread", low=0, high=1),
        delay_share=section.number("delay_share", low=0, high=1),
        delay_s=section.span("delay_s", low=0),
        restock_at=(section.clock("restock_at"),),
    )
    section.end()
    return picking


def _travel(section: Section) -> TravelSettings:
    travel = TravelSettings(
        spread=section.number("spread", low=0, high=1),
        trip_spread=section.number("trip_spread", low=0, high=1),
        decline_share=section.number("decline_share", low=0, high=1),
        decline_after_s=section.integer("decline_after_s", low=0),
    )
    section.end()
    return travel


def _couriers(root: Section) -> tuple[CourierSettings, ...]:
    couriers: list[CourierSettings] = []
    for section in root.sections("couriers"):
        mode = section.text("mode")
        if mode and mode not in set(Mode):
            section.problem("mode", f"is {mode!r}; it must be one of {', '.join(Mode)}")
        start, end = section.clocks("shift")
        if start == end:
            section.problem("shift", "ends when it starts; it must last a while")
        names = section.texts("names")
        capacity_g = section.integer("capacity_g", low=1)
        capacity_parcels = section.integer("capacity_parcels", low=1)
        section.end()
        couriers.extend(
            CourierSettings(
                courier_id=f"cou_{_plain(name)}",
                name=name,
                mode=Mode(mode) if mode in set(Mode) else Mode.WALK,
                shift=(start, end if end > start else end + DAY_S),
                capacity_g=capacity_g,
                capacity_parcels=capacity_parcels,
            )
            for name in names
        )
        for twice in repeated([courier.courier_id for courier in couriers]):
            if twice in {f"cou_{_plain(name)}" for name in names}:
                section.problem("names", f"give {twice!r} a second time; names must differ")
    return tuple(couriers)


def _plain(name: str) -> str:
    """Return a name as it may stand in an id: `Väinö L.` becomes `vaino-l`."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c if c.isalnum() else " " for c in letters).split()) or "unnamed"


def _catalogue(
    scenario: Path, name: str, root: Section, problems: list[str]
) -> tuple[Article, ...]:
    if not name:
        return ()
    path = scenario.parent / name
    if not path.is_file():
        root.problem("catalogue", f"is {name!r}, but there is no such file beside the scenario")
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            problems.append(f"{name} line 1: the columns must be {','.join(_COLUMNS)}")
            return ()
        articles = [
            article
            for number, row in enumerate(reader, start=2)
            if (article := _article(row, f"{name} line {number}", problems)) is not None
        ]
    problems.extend(
        f"{name}: {sku!r} is listed twice; each article once"
        for sku in repeated([article.sku for article in articles])
    )
    if not articles and not problems:
        problems.append(f"{name} lists no article; an order needs one")
    return tuple(articles)


def _article(
    row: Mapping[str | None, str | None], where: str, problems: list[str]
) -> Article | None:
    cells = {column: (row.get(column) or "").strip() for column in _COLUMNS}
    before = len(problems)
    if None in row:
        problems.append(f"{where}: has more than {len(_COLUMNS)} cells")
    problems.extend(
        f"{where}: {column} is empty" for column in ("sku", "name") if not cells[column]
    )
    figures: dict[str, int] = {}
    for column in ("weight_g", "price_cents", "popularity"):
        if not (cells[column].isascii() and cells[column].isdigit() and int(cells[column]) > 0):
            problems.append(
                f"{where}: {column} is {cells[column]!r}; it must be a whole number, 1 or more"
            )
        else:
            figures[column] = int(cells[column])
    if len(problems) > before:
        return None
    return Article(sku=cells["sku"], name=cells["name"], **figures)
