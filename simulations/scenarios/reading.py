"""The tables of a scenario, each read into its settings; what may be left out has their default."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import MISSING, fields
from functools import partial
from typing import Any, Final, get_args

from dispatch.bags import ROOM
from dispatch.pricing import TIER_MINUTES
from geo.types import LonLat, Mode
from simulations.errors import ScenarioError
from simulations.scenarios.catalogue import read_catalogue
from simulations.scenarios.policies import find_policy, read_policy
from simulations.scenarios.settings import (
    ALL_DAY,
    DAY_S,
    WEEKDAYS,
    BasketSettings,
    ClosureSettings,
    CourierSettings,
    CustomerSettings,
    DemandSettings,
    Distribution,
    HandoverSettings,
    MeasureSettings,
    MishapSettings,
    PickingSettings,
    PlanningSettings,
    Scenario,
    StoreClosure,
    StoreSettings,
    Surge,
    Tier,
    TravelSettings,
)
from simulations.scenarios.text import REQUIRED, Problems, Section, repeated

ANY_TIER: Final = "any"
"""The tier of those who take whatever time they are promised."""
LONGEST_NIGHT_S: Final = 12 * 3600
"""Longest shift over midnight; a longer one has its start and end changed over."""

_TIERS: Final = (*(f"{minutes}m" for minutes in TIER_MINUTES), ANY_TIER)
_DISTRIBUTIONS: Final[tuple[Distribution, ...]] = get_args(Distribution)
_ROUNDING: Final = 1e-6

_BREAK_SPREAD_S: Final = 3600
"""The breaks of a crew are spread over this time, so that its town is never without couriers."""


def _default(settings: type[Any], name: str) -> Any:
    """Return the default of a setting; the dataclasses alone say what it is."""
    for field in fields(settings):
        if field.name == name:
            if field.default is not MISSING:
                return field.default
            return REQUIRED if field.default_factory is MISSING else field.default_factory()
    raise KeyError(name)


def read_scenario(root: Section, problems: Problems, name: str, family: str) -> Scenario:
    """Read a whole scenario; what is wrong is in `problems`, and the scenario then of no use.

    Parameters
    ----------
    name, family
        Where the text does not say them itself.
    """
    stores = root.section("stores")
    starts_at = root.moment("starts_at")
    scenario = Scenario(
        name=root.text("name", default=name),
        title=root.text("title"),
        city=root.text("city"),
        starts_at=starts_at,
        seed=root.integer("seed"),
        catalogue=read_catalogue(root, problems),
        demand=_demand(root.section("demand")),
        baskets=_baskets(root.section("baskets")),
        handover=_handover(root.section("handover")),
        customers=_customers(root.section("customers")),
        stores={kind: _store(stores.section(kind)) for kind in stores.names()},
        picking=_picking(root.section("picking")),
        travel=_travel(root.section("travel")),
        couriers=_couriers(root),
        mishaps=_mishaps(root.section("mishaps", optional=True)),
        surges=tuple(_surge(s, starts_at.date()) for s in root.sections("surges", optional=True)),
        closures=tuple(
            _closure(s, starts_at.date()) for s in root.sections("closures", optional=True)
        ),
        store_closures=tuple(
            _store_closure(s, starts_at.date())
            for s in root.sections("store_closures", optional=True)
        ),
        planning=_planning(root.section("planning", optional=True)),
        measure=_measure(root.section("measure", optional=True)),
        policy=_policy(root),
        family=root.text("family", default=family),
    )
    if not scenario.stores:
        root.problem("stores", "names no kind of shop; write [stores.supermarket] for one")
    root.end()
    return scenario


def _policy(root: Section) -> str | None:
    name = root.text("policy", default="")
    if not name:
        return None
    try:
        path = find_policy(name, root.place("policy").path.parent)
        read_policy(path)
    except ScenarioError as error:
        root.problem("policy", f"is {name!r}: {'; '.join(error.problems)}")
        return None
    return str(path) if name.endswith(".toml") else name


def _demand(section: Section) -> DemandSettings:
    factors = section.section("weekday_factor")
    payday = section.section("payday", optional=True)
    default = partial(_default, DemandSettings)
    demand = DemandSettings(
        per_hour=section.numbers("per_hour", count=24),
        weekday_factor=tuple(factors.number(day) for day in WEEKDAYS),
        payday_days=payday.integers("days", low=1, high=31, default=default("payday_days")),
        payday_factor=payday.number("factor", default=default("payday_factor")),
        tiers=_tiers(section),
        **{
            name: section.share(name, default=default(name))
            for name in (
                "step_down_share",
                "collection_share",
                "curbside_share",
                "quote_share",
                "quote_leave_share",
            )
        },
    )
    if demand.collection_share + demand.curbside_share > 1 + _ROUNDING:
        both = demand.collection_share + demand.curbside_share
        section.problem(
            "collection_share", f"and curbside_share are {both:g} together; at most 1 of all orders"
        )
    if section.is_sound("per_hour") and not any(demand.per_hour):
        section.problem(
            "per_hour", "is 0 in every hour, so nobody ever orders; let one hour be above 0"
        )
    if section.is_sound("weekday_factor") and not any(demand.weekday_factor):
        section.problem(
            "weekday_factor", "is 0 on every day, so nobody ever orders; let one day be above 0"
        )
    for part in (factors, payday, section):
        part.end()
    return demand


def _tiers(section: Section) -> tuple[Tier, ...]:
    shares = section.weights("tiers", what="tier", default={ANY_TIER: 1.0})
    for name in shares:
        if name not in _TIERS:
            section.problem(f"tiers.{name}", f"is not known here; known are {', '.join(_TIERS)}")
    total = sum(shares.values())
    if shares and abs(total - 1) > _ROUNDING:
        section.problem("tiers", f"add up to {total:g}; they must add up to 1")
    return tuple(
        Tier(None if name == ANY_TIER else name, shares[name]) for name in _TIERS if name in shares
    )


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
        pickup_s=section.integer("pickup_s"),
        door_s=section.integer("door_s"),
        return_s=section.integer("return_s"),
        spread=section.share("spread"),
    )
    section.end()
    return handover


def _customers(section: Section) -> CustomerSettings:
    default = partial(_default, CustomerSettings)
    customers = CustomerSettings(
        cancel_share=section.share("cancel_share"),
        cancel_within_s=section.span("cancel_within_s"),
        nobody_home_share=section.share("nobody_home_share"),
        wait_at_door_s=section.integer("wait_at_door_s"),
        accept_substitute_share=section.share(
            "accept_substitute_share", default=default("accept_substitute_share")
        ),
        silent_share=section.share("silent_share", default=default("silent_share")),
        answer_s=section.span("answer_s", default=default("answer_s")),
        collect_after_s=section.span("collect_after_s", default=default("collect_after_s")),
        no_show_share=section.share("no_show_share", default=default("no_show_share")),
        given_up_after_s=section.integer("given_up_after_s", default=default("given_up_after_s")),
        collect_s=section.integer("collect_s", default=default("collect_s")),
        curbside_s=section.integer("curbside_s", default=default("curbside_s")),
    )
    if customers.accept_substitute_share + customers.silent_share > 1 + _ROUNDING:
        both = customers.accept_substitute_share + customers.silent_share
        section.problem(
            "accept_substitute_share", f"and silent_share are {both:g} together; at most 1"
        )
    if customers.given_up_after_s < customers.collect_after_s[1]:
        section.problem(
            "given_up_after_s",
            f"is {customers.given_up_after_s}, before the last of collect_after_s come; let it be "
            f"{customers.collect_after_s[1]} or more",
        )
    section.end()
    return customers


def _store(section: Section) -> StoreSettings:
    # Whoever writes one number means a store that works; 0 of 24 is a night.
    pickers = section.hourly("pickers", low=0)
    if not any(pickers):
        section.problem("pickers", "is 0; it must be 1 or more, in one hour of the day at least")
    store = StoreSettings(
        pickers=pickers,
        pick_base_s=section.integer("pick_base_s"),
        pick_line_s=section.integer("pick_line_s"),
        reach_s=section.integer("reach_s", low=60),
        assortment=section.share("assortment"),
        stock_mean=section.number("stock_mean"),
        sold_out_share=section.share("sold_out_share"),
        access_s=section.integer("access_s", default=_default(StoreSettings, "access_s")),
    )
    section.end()
    return store


def _picking(section: Section) -> PickingSettings:
    default = partial(_default, PickingSettings)
    distribution = section.choice("distribution", _DISTRIBUTIONS, default=default("distribution"))
    picking = PickingSettings(
        spread=section.share("spread"),
        delay_share=section.share("delay_share"),
        delay_s=section.span("delay_s"),
        restock_at=section.clock_list("restock_at"),
        distribution=next(one for one in _DISTRIBUTIONS if one == distribution),
        short_share=section.share("short_share", default=default("short_share")),
        substitute_share=section.share("substitute_share", default=default("substitute_share")),
    )
    section.end()
    return picking


def _travel(section: Section) -> TravelSettings:
    travel = TravelSettings(
        spread=section.share("spread"),
        trip_spread=section.share("trip_spread"),
        decline_share=section.share("decline_share"),
        decline_after_s=section.integer("decline_after_s"),
        per_hour=section.numbers("per_hour", count=24, low=0.1, default=ALL_DAY),
        foreseen=section.share("foreseen", default=_default(TravelSettings, "foreseen")),
    )
    section.end()
    return travel


def _mishaps(section: Section) -> MishapSettings:
    default = partial(_default, MishapSettings)
    mishaps = MishapSettings(
        absent_share=section.share("absent_share", default=default("absent_share")),
        late_share=section.share("late_share", default=default("late_share")),
        late_s=section.span("late_s", default=default("late_s")),
        breakdowns_per_hour=section.number(
            "breakdowns_per_hour", default=default("breakdowns_per_hour")
        ),
        repair_s=section.span("repair_s", default=default("repair_s")),
        lost_share=section.share("lost_share", default=default("lost_share")),
        lost_s=section.span("lost_s", default=default("lost_s")),
        signal_losses_per_hour=section.number(
            "signal_losses_per_hour", default=default("signal_losses_per_hour")
        ),
        signal_loss_s=section.span("signal_loss_s", default=default("signal_loss_s")),
    )
    section.end()
    return mishaps


def _surge(section: Section, day: dt.date) -> Surge:
    pace = section.weights("pace", what="mode", default={})
    surge = Surge(
        name=section.text("name"),
        starts_at=section.moment("starts_at", day=day),
        ends_at=section.moment("ends_at", day=day),
        demand=section.number("demand", default=_default(Surge, "demand")),
        around=section.point("around", default=None),
        radius_m=section.integer("radius_m", default=_default(Surge, "radius_m")),
        popularity=section.weights("popularity", what="SKU or group", default={}),
        pace={Mode(mode): factor for mode, factor in pace.items() if mode in set(Mode)},
        foreseen=section.share("foreseen", default=_default(Surge, "foreseen")),
    )
    for mode, factor in pace.items():
        if mode not in set(Mode):
            section.problem(f"pace.{mode}", f"is not a mode; modes are {', '.join(Mode)}")
        elif factor <= 0:
            section.problem(f"pace.{mode}", f"is {factor:g}; it must be above 0, 1 for as usual")
    if (surge.around is None) != (surge.radius_m == 0):
        section.problem("around", "and radius_m go together; a surge has both or neither")
    section.end()
    return surge


def _closure(section: Section, day: dt.date) -> ClosureSettings:
    around = section.point("around")
    closure = ClosureSettings(
        name=section.text("name"),
        starts_at=section.moment("starts_at", day=day),
        ends_at=section.moment("ends_at", day=day),
        around=around or LonLat(0.0, 0.0),
        radius_m=section.integer("radius_m", low=1),
        told_after_s=section.integer(
            "told_after_s", default=_default(ClosureSettings, "told_after_s")
        ),
    )
    section.end()
    return closure


def _store_closure(section: Section, day: dt.date) -> StoreClosure:
    closure = StoreClosure(
        store=section.text("store"),
        starts_at=section.moment("starts_at", day=day),
        ends_at=section.moment("ends_at", day=day),
        told_after_s=section.integer(
            "told_after_s", default=_default(StoreClosure, "told_after_s")
        ),
        loses_stock=section.truth("loses_stock", default=_default(StoreClosure, "loses_stock")),
    )
    section.end()
    return closure


def _planning(section: Section) -> PlanningSettings:
    planning = PlanningSettings(
        base_s=section.number("base_s", default=_default(PlanningSettings, "base_s")),
        per_hundred_orders_s=section.number(
            "per_hundred_orders_s", default=_default(PlanningSettings, "per_hundred_orders_s")
        ),
        pause_s=section.integer("pause_s", low=1, default=_default(PlanningSettings, "pause_s")),
    )
    section.end()
    return planning


def _measure(section: Section) -> MeasureSettings:
    measure = MeasureSettings(
        warm_up_s=section.duration("warm_up", default=_default(MeasureSettings, "warm_up_s")),
        lasts_s=section.duration("lasts", low=60, default=_default(MeasureSettings, "lasts_s")),
        cool_down_s=section.duration("cool_down", default=_default(MeasureSettings, "cool_down_s")),
    )
    section.end()
    return measure


# --- couriers ----------------------------------------------------------------------------------


def _couriers(root: Section) -> tuple[CourierSettings, ...]:
    couriers: list[CourierSettings] = []
    for section in root.sections("couriers"):
        names_key, names = _names(section)
        crew = _crew(section, names)
        section.end()
        couriers.extend(crew)
        ids = {courier.courier_id for courier in crew}
        for twice in repeated([courier.courier_id for courier in couriers]):
            if twice in ids:
                section.problem(names_key, f"give {twice!r} a second time; names must differ")
    return tuple(couriers)


def _names(section: Section) -> tuple[str, tuple[str, ...]]:
    """Return the key that says who they are, and their names."""
    if not section.has("count"):
        section.text("prefix", default="")
        return "names", section.texts("names")
    count = section.integer("count")
    prefix = section.text("prefix", default="")
    if section.has("names"):
        section.problem("count", "and names are both there; write one of them")
        section.texts("names")
    if not prefix:
        section.problem("prefix", 'is missing; it must be the name before the number, as "Bike"')
    return "prefix", tuple(f"{prefix} {number}" for number in range(1, count + 1))


def _crew(section: Section, names: tuple[str, ...]) -> list[CourierSettings]:
    default = partial(_default, CourierSettings)
    mode = Mode(section.choice("mode", tuple(Mode)))
    shift = _shift(section)
    capacity_g = section.integer("capacity_g", low=1)
    capacity_parcels = section.integer("capacity_parcels", low=1)
    capacity_ml = section.integer("capacity_ml", low=1, default=ROOM[mode].capacity_ml)
    chilled_bags = section.integer("chilled_bags", low=0, default=ROOM[mode].chilled_bags)
    takes_offers = section.truth("takes_offers", default=default("takes_offers"))
    accept_share = section.share("accept_share", default=default("accept_share"))
    ignore_share = section.share("ignore_share", default=default("ignore_share"))
    answer_s = section.span("answer_s", default=default("answer_s"))
    break_after_s = section.duration("break_after", default=None) or None
    break_s = section.duration("break_lasts", low=60, default=default("break_s"))
    if accept_share + ignore_share > 1 + _ROUNDING:
        section.problem(
            "accept_share",
            f"and ignore_share are {accept_share + ignore_share:g} together; at most 1",
        )
    room_s = shift[1] - shift[0] - break_s - (break_after_s or 0)
    if break_after_s is not None and room_s < 0 < shift[1] - shift[0]:
        section.problem("break_after", "is so late that the break outlasts the shift")
    spread_s = section.duration("break_spread", default=max(0, min(_BREAK_SPREAD_S, room_s)))
    if break_after_s is not None and 0 <= room_s < spread_s:
        section.problem("break_spread", "is so long that the last break may outlast the shift")
    return [
        CourierSettings(
            courier_id=f"cou_{_plain(name)}",
            name=name,
            mode=mode,
            shift=shift,
            capacity_g=capacity_g,
            capacity_parcels=capacity_parcels,
            takes_offers=takes_offers,
            accept_share=accept_share,
            ignore_share=ignore_share,
            answer_s=answer_s,
            break_after_s=(
                None if break_after_s is None else break_after_s + _in_turn(number, spread_s)
            ),
            break_s=break_s,
            capacity_ml=capacity_ml,
            chilled_bags=chilled_bags,
        )
        for number, name in enumerate(names)
    ]


def _in_turn(number: int, spread_s: int) -> int:
    """Return when in a time the break of the courier of a number begins.

    By the bits of the number in reverse (van der Corput 1935): however many there are, they are
    spread evenly, and whoever is added changes nothing for the others.
    """
    bits = number.bit_length()
    return spread_s * int(f"{number:b}"[::-1], 2) >> bits


def _shift(section: Section) -> tuple[int, int]:
    start, end = section.clocks("shift")
    if not section.is_sound("shift"):
        return 0, DAY_S
    if start == end:
        section.problem("shift", "ends when it starts; it must last a while")
    elif end < start and end + DAY_S - start > LONGEST_NIGHT_S:
        hours = (end + DAY_S - start) / 3600
        section.problem(
            "shift",
            f"ends before it starts; over midnight it would last {hours:.1f} h, and the longest "
            f"is {LONGEST_NIGHT_S // 3600} h: are its start and end changed over?",
        )
    return start, end if end > start else end + DAY_S


def _plain(name: str) -> str:
    """Return a name as it may stand in an id: `Väinö L.` becomes `vaino-l`."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c if c.isalnum() else " " for c in letters).split()) or "unnamed"
