"""An explanation in words: a few sentences, each of them a figure or a reason."""

from __future__ import annotations

from typing import Final

from dispatch.explanation import Change, CourierOption, Decision, Explanation, StoreOption
from dispatch.model import OrderInPlay, Reason, Snapshot
from dispatch.planning.sourcing import minutes

_MINUTE_S: Final = 60

REMEDIES: Final = {
    Reason.OUTSIDE_RADIUS: "a store nearer to the door, or a wider reach or area of this one",
    Reason.NO_STOCK: "a delivery of the missing goods to a store within reach",
    Reason.STORE_CLOSED: "a store that is open at that time",
    Reason.STORE_PAUSED: "the store taking orders again",
    Reason.NO_COURIER_BEFORE_DEADLINE: "one more courier, or a longer shift",
    Reason.QUOTE_EXPIRED: "a new quote",
    Reason.TOO_HEAVY: "a courier who can carry more",
    Reason.TOO_LARGE: "a courier with a larger bag, or with a chilled one",
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
    parts = [_carried(found, order, who, place), _punctual(found)]
    parts += [found.why_not_store, found.why_not_courier]
    if found.changes:
        parts.append(if_so(found.changes[0]))
    return " ".join(part for part in parts if part)


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
    if found.slack_s < 0:
        why = ""
        if found.pickup_at is not None and found.ready_at == found.pickup_at:
            why = ", because the goods are not ready sooner"
        return f"It will be {whole} min late{why}."
    return f"It arrives {whole} min before the promise ends."


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
    if chosen is not None and option.ready_at is not None and chosen.ready_at is not None:
        later_min = (option.ready_at - chosen.ready_at) // _MINUTE_S
        if later_min > 0:
            return f"{option.name} is nearer, but would be ready {later_min} min later."
    return f"{option.name} is nearer, but costs the whole plan more."


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
