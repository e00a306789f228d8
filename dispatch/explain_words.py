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
    Wait,
)
from dispatch.model import OrderInPlay, Reason, Snapshot
from dispatch.planning.sourcing import minutes

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
    parts = [_carried(found, order, who, place), _punctual(found), _why_wait(found)]
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
    return f"It waits {duration(longest)}: {longest.why}."


def _carried(found: Explanation, order: OrderInPlay, who: str, place: str) -> str:
    if found.courier_id is None:
        return f"Taken at {place}; the next plan gives it a courier."
    if order.on_board:
        return f"{who} has the goods from {place} in the bag."
    if order.courier_id is not None:
        return f"{who} is on the way to {place} for it."
    return f"{who} will fetch it at {place}."


def _punctual(found: Explanation) -> str:
    if found.slack_s is None:
        return ""
    whole = abs(found.slack_s) // _MINUTE_S
    if found.slack_s >= 0:
        said = f"It arrives {whole} min before the promise ends"
        return f"{said}{_chance(found)}."
    why = _why_late(found)
    return f"It will be {whole} min late{why}."


def _chance(found: Explanation) -> str:
    """Return how sure the promise is, where that is worth a word."""
    if found.chance is None or found.chance >= _SURE:
        return ""
    return f"; it holds with a chance of {round(100 * found.chance)} %"


def _why_late(found: Explanation) -> str:
    """Return what keeps a late order longest: what it waits for most, but for the way itself."""
    waits = (wait for wait in found.waits if wait.what != _SPARED)
    longest = max(waits, key=lambda wait: wait.wait_s, default=None)
    if longest is None or longest.wait_s < _MINUTE_S:
        if found.pickup_at is not None and found.ready_at == found.pickup_at:
            return ", because the goods are not ready sooner"
        return ""
    return f", most of all because {longest.why} ({duration(longest)})"


def duration(wait: Wait) -> str:
    """Return how long a wait is, as people say it."""
    more = " more" if wait.what == "shared_trip" else ""
    return f"{minutes(wait.wait_s)}{more}"


def mostly(extra: float, terms: Mapping[str, float]) -> str:
    """Return what somebody else would cost the whole plan, and what most of it is for."""
    if abs(extra) < _WORTH:
        return ", at the same cost"
    dearest = [(name, price) for name, price in terms.items() if price * extra > 0][:_TOLD]
    parts = " and ".join(f"{abs(price):.0f} of it {TERMS[name]}" for name, price in dearest)
    more = "more" if extra > 0 else "less"
    return f", {abs(extra):.0f} courier-s {more} ({parts})"


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
    if option.extra_cost is not None and option.terms:
        return f"{option.name} is nearer, but {_dearer(option, chosen)}."
    if chosen is not None and option.ready_at is not None and chosen.ready_at is not None:
        later_min = (option.ready_at - chosen.ready_at) // _MINUTE_S
        if later_min > 0:
            return f"{option.name} is nearer, but would be ready {later_min} min later."
    return f"{option.name} is nearer, but costs the whole plan more."


def _dearer(option: StoreOption, chosen: StoreOption | None) -> str:
    """Return what a nearer store would cost more, and by how much later it would be ready."""
    cost = mostly(option.extra_cost or 0.0, option.terms).removeprefix(", ")
    later_min = 0
    if chosen is not None and option.ready_at is not None and chosen.ready_at is not None:
        later_min = (option.ready_at - chosen.ready_at) // _MINUTE_S
    later = f"would be ready {later_min} min later and cost " if later_min > 0 else "would cost "
    return f"{later}{cost}"


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
    return f"The next best courier, {best.name}, would bring it {compared(best.done_at, done_at)}."


def compared(at: int, done_at: int) -> str:
    """Return how another arrival compares with the planned one."""
    later_min = round((at - done_at) / _MINUTE_S)
    if later_min < 0:
        return f"{-later_min} min sooner, but at the cost of others"
    return f"{later_min} min later" if later_min > 0 else "no sooner"


def if_so(change: Change) -> str:
    """Return a change and what would come of it as a sentence."""
    return f"If {change.detail}, {change.effect}."


def decided(decision: Decision, now: int) -> str:
    """Return a decision of a person as a sentence."""
    who = decision.owner or "somebody"
    until = ""
    if decision.until is not None:
        until = f" for {minutes(max(0, decision.until - now))} more"
    why = f": {decision.reason}" if decision.reason else ""
    return f"{decision.detail} by {who}{until}{why}."
