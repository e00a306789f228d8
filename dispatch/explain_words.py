"""An explanation in words: a few sentences, each of them a figure or a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatch.explanation import (
    TERMS,
    Change,
    CourierOption,
    Decision,
    Explanation,
    StoreOption,
)
from dispatch.model import OrderInPlay, Reason, Snapshot
from dispatch.planning.sourcing import minutes
from dispatch.records import SLOT

_MINUTE_S: Final = 60

_SURE: Final = 0.95
"""A promise that holds so surely needs no word about it."""

_WORTH: Final = 0.5
"""Courier-seconds that are worth a word."""

_SPARED: Final = "just_in_time"
"""The courier's wait, not that of the goods."""

_USUAL: Final = frozenset({"picking", "way", _SPARED})
"""Waits that need no word while it is in time."""

_TOLD: Final = 2
"""Terms named."""

_SOMEBODY: Final = {"": "somebody", "shop": "the shop"}
"""Owners of decisions who are no name."""

REMEDIES: Final = {
    Reason.OUTSIDE_RADIUS: "a store nearer to the door, or a wider reach or area of this one",
    Reason.NO_STOCK: "a delivery of the missing goods to a store within reach",
    Reason.STORE_CLOSED: "a store that is open at that time",
    Reason.STORE_PAUSED: "the store taking orders again",
    Reason.NO_COURIER_BEFORE_DEADLINE: "one more courier, or a longer shift",
    Reason.QUOTE_EXPIRED: "a new quote",
    Reason.TOO_HEAVY: "a courier with a larger bag",
    Reason.TOO_LARGE: "a courier with a roomier bag",
    Reason.NO_CHILLED_BAG: "a courier with a chilled bag",
    Reason.STACKING_LIMIT: "a courier with an empty bag, or wider limits for sharing one",
    Reason.UNREACHABLE: "a courier whose mode reaches the door",
    Reason.NO_COURIER_ON_SHIFT: "a courier on shift who has not declined it",
    Reason.STORE_EXCLUDED: "the store being allowed again, or another one with the goods",
    Reason.BELOW_MINIMUM_BASKET: "a larger basket, or the end of the minimum",
    Reason.THROTTLED: "a few minutes, or the end of the throttle",
    Reason.HELD: "the hold being released",
}
"""What would help against each reason, in general."""


def sentence(found: Explanation, order: OrderInPlay, detail: str, snapshot: Snapshot) -> str:
    """Return what is to be said of an open order in short.

    Parameters
    ----------
    detail
        Of the reason why it is on no route.
    """
    if found.reason is not None:
        said = f"Not on any route: {detail}. What would free it: {found.remedy}."
        if found.changes:
            said += f" {if_so(found.changes[0])}"
        return said
    names = {courier.courier_id: courier.courier.name for courier in snapshot.couriers}
    who = names.get(found.courier_id or "", found.courier_id or "nobody")
    chosen = next((option for option in found.stores if option.chosen), None)
    place = chosen.name if chosen is not None else found.store_id or "its store"
    if order.returning:
        return f"{who} brings the goods back to {place}."
    parts = [
        _carried(found, order, who, place, snapshot),
        _punctual(found, snapshot.now),
        _why_wait(found),
    ]
    parts += [found.why_not_store, found.why_not_courier]
    if found.changes:
        parts.append(if_so(found.changes[0]))
    return " ".join(part for part in parts if part)


def _why_wait(found: Explanation) -> str:
    """Return why it waits, in time or not, if it waits for more than picking."""
    if found.slack_s is None or found.slack_s < 0:
        return ""
    told = [wait for wait in found.waits if wait.what not in _USUAL]
    longest = max(told, key=lambda wait: wait.wait_s, default=None)
    if longest is None or longest.wait_s < _MINUTE_S:
        return ""
    if longest.what == "shared_trip":
        return f"Its ride is {minutes(longest.wait_s)} longer: {longest.why}."
    return f"It waits {minutes(longest.wait_s)}: {longest.why}."


def _carried(
    found: Explanation, order: OrderInPlay, who: str, place: str, snapshot: Snapshot
) -> str:
    if found.courier_id is None:
        return f"Taken at {place}; the next plan gives it a courier."
    if order.on_board:
        return f"{who} has the goods from {place} in the bag."
    if order.courier_id is not None:
        courier = next((c for c in snapshot.couriers if c.courier_id == order.courier_id), None)
        if (
            courier is not None
            and courier.arrived
            and (courier.committed[0].store_id == order.store_id)
        ):
            return f"{who} is at {place} for it."
        return f"{who} is on the way to {place} for it."
    return f"{who} will fetch it at {place}."


def _punctual(found: Explanation, now: int) -> str:
    if found.slack_s is None or found.done_at is None:
        return ""
    if found.slack_s >= 0:
        return f"It arrives {margin(found.slack_s)}{_chance(found)}."
    return f"It will be {span(-found.slack_s)} late{_why_late(found, found.done_at - now)}."


def span(duration_s: int) -> str:
    """Return a duration in whole minutes that are over, as a person says it."""
    whole = duration_s // _MINUTE_S
    return f"{whole} min" if whole > 0 else "less than a minute"


def margin(slack_s: int) -> str:
    """Return how long before or after the end of a promise something is."""
    if slack_s == 0:
        return "just as the promise ends"
    side = "before" if slack_s > 0 else "after"
    return f"{span(abs(slack_s))} {side} the promise ends"


def soon(duration_s: int) -> str:
    """Return when something is that is so long ahead."""
    return f"in {minutes(duration_s)}" if duration_s > 0 else "now"


def percent(chance: float) -> str:
    """Return a chance in percent; what is not certain is not called so."""
    whole = round(100 * chance)
    if whole <= 0:
        return "less than 1 %"
    return f"{whole} %" if whole < 100 else "more than 99 %"  # noqa: PLR2004  all of it


def _chance(found: Explanation) -> str:
    """Return how sure the promise is, where that is worth a word."""
    if found.chance is None or found.chance >= _SURE:
        return ""
    return f"; it holds with a chance of {percent(found.chance)}"


def _why_late(found: Explanation, left_s: int) -> str:
    """Return what keeps a late order longest: what it waits for most, but for the way itself."""
    waits = (wait for wait in found.waits if wait.what != _SPARED)
    longest = max(waits, key=lambda wait: wait.wait_s, default=None)
    if longest is None or longest.wait_s < _MINUTE_S:
        return f", as the way and handing it over take {minutes(left_s)}"
    more = " more" if longest.what == "shared_trip" else ""
    return f", most of all because {longest.why} ({minutes(longest.wait_s)}{more})"


def rounded(extra: float, terms: Mapping[str, float]) -> dict[str, int]:
    """Return the terms of a cost to the second, the largest first, so that they add up to it."""
    found = {name: round(price) for name, price in terms.items() if round(price)}
    largest = next(iter(found), None)
    if largest is not None:
        found[largest] += round(extra) - sum(found.values())
    return {name: price for name, price in found.items() if price}


def costing(extra: float, terms: Mapping[str, float]) -> str:
    """Return what somebody else would cost the whole plan, in words that follow a "would".

    The largest terms are named; with all else they add up.
    """
    if abs(extra) < _WORTH:
        return "cost the whole plan the same"
    priced = list(rounded(extra, terms).items())
    parts = [f"{price:+d} {TERMS[name]}" for name, price in priced[:_TOLD]]
    rest = sum(price for _, price in priced[_TOLD:])
    if rest:
        parts.append(f"{rest:+d} all else")
    more = "more" if extra > 0 else "less"
    why = f" ({', '.join(parts)})" if parts else ""
    return f"cost the whole plan {abs(round(extra))} courier-s {more}{why}"


def bringing(at: int, done_at: int, extra: float, terms: Mapping[str, float]) -> str:
    """Return how somebody else would do, in time and cost, in words that follow a "would"."""
    is_worse = at - done_at >= _MINUTE_S // 2
    link = " and" if is_worse == (extra >= _WORTH) else ", but"
    return f"bring it {compared(at, done_at)}{link} {costing(extra, terms)}"


def why_not_store(stores: tuple[StoreOption, ...]) -> str:
    """Return why not the store nearest to the door."""
    chosen = next((option for option in stores if option.chosen), None)
    nearer = [
        option
        for option in stores
        if not option.chosen
        and option.trip_s is not None
        and (chosen is None or chosen.trip_s is None or option.trip_s < chosen.trip_s)
    ]
    if not nearer:
        return "No other store is nearer to the door."
    option = min(nearer, key=lambda o: (o.trip_s or 0, o.store_id))
    if option.reason is not None:
        return f"{option.name} is nearer, but {_about(option)}."
    later_s = 0
    if chosen is not None and option.ready_at is not None and chosen.ready_at is not None:
        later_s = option.ready_at - chosen.ready_at
    later = f"be ready {span(later_s)} later" if later_s >= _MINUTE_S else ""
    if option.extra_cost is not None:
        if option.extra_cost <= -_WORTH:
            cost = costing(option.extra_cost, option.terms)
            return f"{option.name} is nearer and would {cost}: the next plan may choose it."
        cost = costing(option.extra_cost, option.terms)
        return f"{option.name} is nearer, but would {later + ' and ' if later else ''}{cost}."
    if later:
        return f"{option.name} is nearer, but would {later}."
    return f"{option.name} is nearer, but was not among the stores that the plan tried for it."


def _about(option: StoreOption) -> str:
    """Return why a store cannot serve, without its name once more."""
    named = f"{option.name} "
    if option.detail.startswith(named):
        return f"it {option.detail.removeprefix(named)}"
    return option.detail


def next_best(couriers: tuple[CourierOption, ...], done_at: int | None) -> str:
    """Return how the next best courier would do."""
    if not couriers:
        return "No other courier can take it."
    if done_at is None:
        return ""
    best = couriers[0]
    if best.extra_cost >= _WORTH and best.done_at - done_at >= _MINUTE_S // 2:
        does = f"bring it {compared(best.done_at, done_at)}"
    else:
        does = bringing(best.done_at, done_at, best.extra_cost, best.terms)
    return f"The next best courier, {best.name}, would {does}."


def compared(at: int, done_at: int) -> str:
    """Return how another arrival compares with the planned one."""
    apart_s = abs(at - done_at)
    if apart_s < _MINUTE_S // 2:
        return "at about the same time"
    return f"{round(apart_s / _MINUTE_S) or 1} min {'later' if at > done_at else 'sooner'}"


def if_so(change: Change) -> str:
    """Return a change and what would come of it as a sentence."""
    return f"If {change.detail}, {change.effect}."


def decided(decision: Decision, now: int) -> str:
    """Return a decision of a person as a sentence."""
    until = ""
    if decision.until is not None and decision.until > now:
        until = f" for {minutes(decision.until - now)} more"
    if decision.owner == SLOT:
        return f"{decision.detail}{until}."
    who = _SOMEBODY.get(decision.owner, decision.owner)
    return ended(f"{decision.detail} by {who}{until}", decision.reason)


def ended(said: str, reason: str) -> str:
    """Return a sentence with the reason that somebody wrote, if any, and one full stop."""
    why = reason.strip().rstrip(".")
    return f"{said}: {why}." if why else f"{said}."
