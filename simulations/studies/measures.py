"""The figures of an evening: what each is, in which unit, and whether more of it is better.

Figures about orders are of measured orders only (asked for in the measured time); figures about
people at work are of the measured time itself, whatever order they worked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Better = Literal["more", "less"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure.

    Attributes
    ----------
    title
        A few words for the head of a row.
    meaning
        One line: exactly what is counted.
    unit
        `orders`, `share` (0 to 1), `s`, `h`, `km`, `of 100`, `per 100`, `min per 100`, `per hour`,
        `count`.
    better
        None where neither more nor less is better.
    is_headline
        Tested with Holm's correction in a comparison, and first in a report.
    """

    title: str
    meaning: str
    unit: str
    better: Better | None = None
    is_headline: bool = False


FIGURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "in_time_per_100_orders": Measure(
            "in time, of 100 asked for",
            "Orders handed over (or ready to be collected) by the end of their first promise, of "
            "100 that were asked for: refusing many does not help it.",
            "of 100",
            "more",
            is_headline=True,
        ),
        "late_min_per_100_orders": Measure(
            "minutes late per 100 orders",
            "Minutes past the end of the first promise, added up, per 100 deliveries taken; what "
            "is still open counts up to the end of the run.",
            "min per 100",
            "less",
            is_headline=True,
        ),
        "click_to_door_p50_s": Measure(
            "click to door, half",
            "From the click to the hand-over at the door: half of the deliveries took no longer.",
            "s",
            "less",
            is_headline=True,
        ),
        "courier_hours": Measure(
            "courier hours",
            "Hours of couriers on shift, breaks included, in the measured time.",
            "h",
            "less",
            is_headline=True,
        ),
        "orders_asked": Measure(
            "orders asked for", "Clicked; a split order counts once.", "orders"
        ),
        "orders_taken": Measure("orders taken", "Asked for and promised.", "orders", "more"),
        "refused_share": Measure(
            "refused", "Share of the orders asked for that got no promise.", "share", "less"
        ),
        "delivered": Measure("delivered", "Parcels handed over at the door.", "orders", "more"),
        "collected": Measure(
            "collected",
            "Orders fetched by the customer at the store or the kerb.",
            "orders",
            "more",
        ),
        "cancelled": Measure("cancelled", "Given up after they were taken.", "orders", "less"),
        "returned": Measure("returned", "Brought back to a store from the door.", "orders", "less"),
        "not_collected": Measure(
            "not collected", "Ready for the customer, who never came.", "orders", "less"
        ),
        "open_at_end": Measure(
            "open at the end",
            "Not ended when the run was; counted, never dropped.",
            "orders",
            "less",
        ),
        "failed_tries": Measure(
            "failed tries", "Times that a courier stood at a door in vain.", "count", "less"
        ),
        "on_time_share": Measure(
            "on time, of the delivered",
            "Share of the deliveries handed over by the end of their first promise.",
            "share",
            "more",
        ),
        "promises_kept_share": Measure(
            "promises kept",
            "Share of the promises that came due and were kept: a delivery handed over, a "
            "collection ready by the end of the first promise. Customers who cancelled are left "
            "out; what came back or is open past its promise is broken.",
            "share",
            "more",
        ),
        "late_p50_s": Measure(
            "late, half of the late", "Half of the late deliveries were no later.", "s", "less"
        ),
        "late_p90_s": Measure(
            "late, 9 in 10 of the late", "Nine in ten late ones were no later.", "s", "less"
        ),
        "late_p99_s": Measure(
            "late, 99 in 100 of the late", "99 in 100 late ones were no later.", "s", "less"
        ),
        "click_to_door_p90_s": Measure(
            "click to door, 9 in 10", "Nine in ten deliveries took no longer.", "s", "less"
        ),
        "collection_wait_p50_s": Measure(
            "wait at the store, half",
            "From the customer's arrival to the goods in hand: half waited no longer.",
            "s",
            "less",
        ),
        "collection_wait_p90_s": Measure(
            "wait at the store, 9 in 10", "Nine in ten customers waited no longer.", "s", "less"
        ),
        "busy_share": Measure(
            "couriers busy",
            "Share of the hours on shift on the way, at a store or at a door; the rest is idle, "
            "on standby, on a break or broken down.",
            "share",
        ),
        "deliveries_per_courier_hour": Measure(
            "deliveries per courier hour",
            "Deliveries in the measured time by hours on shift in it.",
            "per hour",
            "more",
        ),
        "km_per_delivery": Measure(
            "km per delivery",
            "Length of the legs to stops that were told in the measured time, as planned, by "
            "deliveries in it.",
            "km",
            "less",
        ),
        "pick_wait_p50_s": Measure(
            "wait for a picker, half",
            "From the click (or the end of a hold) to the start of picking: half waited no longer.",
            "s",
            "less",
        ),
        "pick_wait_p90_s": Measure(
            "wait for a picker, 9 in 10", "Nine in ten waited no longer.", "s", "less"
        ),
        "pick_utilisation": Measure(
            "pickers busy",
            "Share of the pickers' time spent picking, in the measured time.",
            "share",
        ),
        "courier_changes_per_100_orders": Measure(
            "planned courier changed",
            "Times that a plan gave an order to another courier than the plan before, per 100 "
            "deliveries taken.",
            "per 100",
            "less",
        ),
        "sequence_changes_per_100_orders": Measure(
            "sequence of stops changed",
            "Times that stops on a courier's route came in another sequence than the courier was "
            "told, what is new or done left out, per 100 deliveries taken.",
            "per 100",
            "less",
        ),
        "fetch_changes_per_100_orders": Measure(
            "time at the store changed",
            "Times that goods were to be fetched more than 5 min sooner or later than store and "
            "courier were told, per 100 deliveries taken.",
            "per 100",
            "less",
        ),
        "pick_changes_per_100_orders": Measure(
            "start of picking changed",
            "Times that picking was to begin more than 5 min sooner or later than the store was "
            "told, per 100 orders taken; none where picking begins at once.",
            "per 100",
            "less",
        ),
        "store_changes_per_100_orders": Measure(
            "store changed", "Moves to another store, per 100 orders taken.", "per 100", "less"
        ),
        "eta_changes_per_100_orders": Measure(
            "told later",
            "Times that a customer was told an arrival more than 5 min later than before, per 100 "
            "deliveries taken.",
            "per 100",
            "less",
        ),
        "promise_changes": Measure(
            "promises superseded",
            "Times that a customer was given another window.",
            "count",
            "less",
        ),
        "declined": Measure(
            "declined", "Stops declined, and offers that were not answered.", "count", "less"
        ),
        "plans": Measure("plans", "Plans put in force in the whole run.", "count"),
        "violations": Measure(
            "violations", "What the verifier found wrong with plans; 0 is right.", "count", "less"
        ),
    }
)
"""By name, the unit in the name; headlines first."""
