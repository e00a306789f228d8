"""Every weight, limit and switch of the engine in one typed object, each with its unit and effect.

Costs are in courier-seconds: what one second of a courier's time is worth, 1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from dispatch.errors import InvalidValueError
from dispatch.fields import MOST, check_types

COST = "courier-s"
COST_S = "courier-s per s"
SECONDS = "s"
SHARE = "share"
COUNT = "count"
CENTS = "minor units"
SWITCH = "true or false"


def _key(default: Any, unit: str, effect: str) -> Any:
    return field(default=default, metadata={"unit": unit, "effect": effect})


@dataclass(frozen=True, slots=True)
class Policy:
    """Every weight, limit and switch of the engine.

    `keys()` tells the unit and the effect of each.

    Raises
    ------
    InvalidValueError
        Values are below 0, or above 1 for a share; all are named.
    """

    name: str = _key("balanced", "text", "What it is called in logs and reports.")

    # --- orders and promises
    undelivered_cost: float = _key(100_000.0, COST, "An order left without a route.")
    late_cost: float = _key(20.0, COST_S, "Each second after the promise.")
    late_square_cost: float = _key(
        0.02,
        "courier-s per s²",
        "Each second after the promise squared: ten minutes late is worse than twice five.",
    )
    late_once_cost: float = _key(0.0, COST, "Being late at all, however little.")
    buffer_s: int = _key(300, SECONDS, "Slack wished for before the end of a promise.")
    buffer_cost: float = _key(0.0, COST_S, "Each second of that slack used up.")
    waiting_cost: float = _key(
        0.25, COST_S, "Each second from click to door, so that early is better than just in time."
    )
    priority_lead_s: int = _key(
        300, SECONDS, "An order is planned as if promised so much sooner, per step of priority."
    )

    # --- couriers
    travel_cost: float = _key(1.0, COST_S, "Each second on the way.")
    length_cost: float = _key(0.0, "courier-s per m", "Each metre on the way.")
    overtime_cost: float = _key(0.5, COST_S, "Each second a route goes on after the shift.")
    break_late_cost: float = _key(1.0, COST_S, "Each second a break begins later than it should.")
    home_cost: float = _key(
        0.0,
        COST_S,
        "Each second from the end of a route to the courier's home, near a shift's end.",
    )
    home_ahead_s: int = _key(3600, SECONDS, "What of a shift is near its end.")
    fairness_cost: float = _key(
        30.0, "courier-s per h", "One more order for who has worked so much more than the others."
    )
    decline_cost: float = _key(60.0, COST, "An offer that is declined, times its chance.")

    # --- sharing a bag
    chilled_cost: float = _key(0.05, COST_S, "Each second of chilled goods in a bag.")
    stack_detour_s: int = _key(900, SECONDS, "Detour against the straight ride that is free.")
    stack_bag_s: int = _key(2400, SECONDS, "Time in the bag that is free.")
    stack_cost: float = _key(2.0, COST_S, "Each second of detour or bag time beyond that.")
    stack_late_cost: float = _key(
        0.0, COST_S, "Each second of lateness that the straight ride would not have had."
    )
    stack_detour_max_s: int = _key(
        0, SECONDS, "No order goes into a bag that gives any order a longer detour; 0: no limit."
    )
    stack_bag_max_s: int = _key(
        0, SECONDS, "No order goes into a bag that keeps any order in it longer; 0: no limit."
    )
    stack_late_max_s: int = _key(
        0, SECONDS, "No order goes into a bag that makes any order later than that; 0: no limit."
    )
    one_store_per_trip: bool = _key(
        False,
        SWITCH,
        "With goods in the bag only what is at the same counter is fetched, and the "
        "order of the doors is fixed on leaving it.",
    )

    pick_ahead_s: int = _key(
        0,
        SECONDS,
        "Picking waits so that goods are ready this long before they are fetched; 0: as soon as "
        "somebody is free.",
    )

    # --- what was told
    churn_cost: float = _key(
        60.0, COST, "An order moved from the courier or the store that was told of it."
    )
    churn_customer_cost: float = _key(
        20.0, COST, "A forecast later than the customer was told, by more than the next key."
    )
    churn_customer_s: int = _key(300, SECONDS, "Delay that is no news to a customer.")
    churn_store_cost: float = _key(
        20.0,
        COST,
        "Goods fetched later than their store and courier were told, by more than the next key: "
        "picking for them begins later too.",
    )
    churn_store_s: int = _key(300, SECONDS, "Change of a told time that is no news to a store.")
    churn_sequence_cost: float = _key(
        30.0, COST, "A route whose stops come in another sequence than its courier was told."
    )
    departure_lead_s: int = _key(
        30, SECONDS, "A stop is committed so long before the courier must leave for it."
    )
    overdue_after_s: int = _key(
        600, SECONDS, "Overdue by this much at a stop a courier gets no new work until it is done."
    )
    replan_every_s: int = _key(30, SECONDS, "Longest time between two plans.")

    # --- what is uncertain
    pick_spread: float = _key(
        0.35, SHARE, "Standard deviation of picking times until the log has taught it."
    )
    travel_spread: float = _key(
        0.25, SHARE, "Standard deviation of the time ahead until the log has taught it."
    )
    counter_spread_s: int = _key(60, SECONDS, "Standard deviation of the time at a counter.")
    door_spread_s: int = _key(60, SECONDS, "Standard deviation of the time at a door.")

    # --- the future
    standby_horizon_s: int = _key(
        0, SECONDS, "Couriers without work move to where orders are expected within it; 0: never."
    )
    standby_diverts: bool = _key(
        True, SWITCH, "Whoever is on the way to a standby may be given a stop at once."
    )
    hold_match: float = _key(
        0.0,
        SHARE,
        "Chance that an order to come can share a trip that waits for it; 0: never wait.",
    )
    hold_max_s: int = _key(300, SECONDS, "Longest time that goods wait on purpose.")
    future_cost: float = _key(
        0.0, COST_S, "Each second from the end of a route to the stores whose orders come."
    )

    # --- promises and quotes
    promise_min_s: int = _key(1200, SECONDS, "No promise ends sooner after the click.")
    promise_fixed_s: int = _key(
        0,
        SECONDS,
        "Every delivery is promised so long after the click, whatever the forecast; 0: what is "
        "promised follows from it.",
    )
    promise_window_s: int = _key(900, SECONDS, "Length of the window promised.")
    promise_margin_s: int = _key(600, SECONDS, "Kept between the forecast and the promise's end.")
    promise_confidence: float = _key(
        0.0,
        SHARE,
        "Promises that are to hold: what is kept follows from how far forecasts are "
        "off; 0 keeps the margin above.",
    )
    promise_extra_s: int = _key(0, SECONDS, "Added to the end of every promise, as in a storm.")
    promise_max_s: int = _key(
        3600, SECONDS, "What cannot be promised so soon after the click is refused."
    )
    quote_valid_s: int = _key(300, SECONDS, "How long a quote holds.")
    quote_firm_s: int = _key(
        60,
        SECONDS,
        "An order by a quote no older than this gets what was quoted as it is; an older one is "
        "weighed again. 0: every order is.",
    )
    quote_firm_crowd: float = _key(
        0.25,
        "orders per courier",
        "Unless so many more are open for each courier on shift than when it was quoted.",
    )

    # --- effort
    sourcing_candidates: int = _key(4, COUNT, "Stores weighed for an order.")
    sourcing_nearest: bool = _key(
        False,
        SWITCH,
        "An order comes from the nearest open store that has it, whatever its queue and whoever "
        "is there: what others do, to compare with.",
    )
    assign_nearest: bool = _key(
        False,
        SWITCH,
        "A new order goes to the end of the route of who is at its store soonest, and stays there: "
        "what others do, to compare with.",
    )
    improve_rounds: int = _key(60, COUNT, "Rounds of ruin and recreate.")
    selection_neighbourhoods: int = _key(
        0, COUNT, "Neighbourhoods whose routes are chosen exactly; 0: none."
    )
    selection_routes: int = _key(4000, COUNT, "Routes that one of them may have.")
    selection_limit: float = _key(1.0, "deterministic s", "The solver's effort over all of them.")
    routing_min_orders: int = _key(
        3, COUNT, "From so many open orders on the routing library looks at long routes."
    )
    routing_min_stops: int = _key(8, COUNT, "Stops of a long route.")
    routing_neighbourhoods: int = _key(2, COUNT, "Groups of routes it looks at in one plan.")
    routing_solutions: int = _key(200, COUNT, "Solutions it may visit.")

    # --- prices of a delivery
    fare_base_cents: int = _key(290, CENTS, "Price of a delivery.")
    fare_km_cents: int = _key(60, CENTS, "Added per started kilometre by road.")
    fare_15_cents: int = _key(300, CENTS, "Added for a promise within 15 minutes.")
    fare_30_cents: int = _key(150, CENTS, "Added for a promise within 30 minutes.")
    fare_60_cents: int = _key(0, CENTS, "Added for a promise within 60 minutes.")
    later_discount_cents: int = _key(100, CENTS, "Taken off for a later slot.")
    surge_from_load: float = _key(3.0, "orders per courier", "Load from which prices rise.")
    surge_step_cents: int = _key(50, CENTS, "Added for each whole order beyond that.")
    surge_max_cents: int = _key(300, CENTS, "Most that is added.")
    slot_s: int = _key(3600, SECONDS, "Length of a later slot.")
    slots_ahead: int = _key(4, COUNT, "Later slots offered.")

    # --- waiting for people
    offer_timeout_s: int = _key(45, SECONDS, "Time to think about an offer.")
    substitution_timeout_s: int = _key(180, SECONDS, "Time to think about a substitution.")
    silence_accepts: bool = _key(False, SWITCH, "Silence accepts a substitution.")
    collection_hold_s: int = _key(
        7200, SECONDS, "Goods nobody collects go back so long after the promised time."
    )
    stall_after_s: int = _key(
        600,
        SECONDS,
        "An order moves to another store when picking has not begun so long after it "
        "should have; 0: never.",
    )

    def __post_init__(self) -> None:
        check_types(self)
        refuse(_out_of_bounds(self))


def refuse(problems: Iterable[tuple[str, str]]) -> None:
    """Raise `InvalidValueError` if there is any problem: a key, and what is wrong with it."""
    found = list(problems)
    if found:
        (name, first), *others = found
        raise InvalidValueError(name, "; ".join([first, *(" ".join(one) for one in others)]))


class Key(NamedTuple):
    """A key of a policy: its name, default, unit, and what it does in one line."""

    name: str
    default: Any
    unit: str
    effect: str


def keys() -> tuple[Key, ...]:
    """Return all keys of a policy, in the order in which they are best read."""
    return tuple(
        Key(each.name, each.default, each.metadata["unit"], each.metadata["effect"])
        for each in fields(Policy)
    )


def _out_of_bounds(policy: Policy) -> Iterator[tuple[str, str]]:
    for key in keys():
        value = getattr(policy, key.name)
        if not isinstance(value, str) and not 0 <= value < MOST:
            yield key.name, f"is {value:g}; give 0 or more"
        if key.unit == SHARE and value > 1:
            yield key.name, f"is {value:g}; a share is at most 1"
    if policy.promise_confidence == 1:
        yield "promise_confidence", "is 1; no promise holds for certain: 0.99 is as good as that"


def contradictions(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield keys that nobody can mean together, with what is wrong and the remedy."""
    for name in ("promise_min_s", "promise_margin_s", "promise_fixed_s"):
        if getattr(policy, name) > policy.promise_max_s:
            yield (
                name,
                (
                    f"is {getattr(policy, name)} and promise_max_s {policy.promise_max_s}: no "
                    "promise could be given; lower the first or raise the second"
                ),
            )
    if policy.slots_ahead > 0 and policy.slot_s == 0:
        yield "slots_ahead", "offers slots of no length; raise slot_s, or set it to 0"
    if policy.selection_neighbourhoods > 0 and policy.selection_routes == 0:
        yield (
            "selection_neighbourhoods",
            "chooses among no routes; raise selection_routes, or set it to 0",
        )
    if policy.assign_nearest and not policy.sourcing_nearest:
        yield "assign_nearest", "leaves no choice of stores; set sourcing_nearest = true with it"
