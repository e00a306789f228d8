"""Surge controls: what people put in force for new orders when there are too many of them.

A control never touches what was promised already.  One without stores is for the whole zone; one
with stores leaves the others as they are, so that an order may still come from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Final

from dispatch.model import (
    Fulfilment,
    Order,
    Policy,
    Reason,
    Refusal,
    Snapshot,
    Store,
    StoreInPlay,
)
from dispatch.planning.quote import Offer
from dispatch.records import Control, ControlKind
from dispatch.state import OrderState, State

THROTTLE_S: Final = 600
"""A throttle counts the orders of so many seconds."""

_MINUTE_S: Final = 60
_CENTS: Final = 100
_LATE_REPORTS: Final = 200
"""So many orders in a row that were closed long ago: those before them were as well."""


def in_force(controls: Iterable[Control], now: int) -> tuple[Control, ...]:
    """Return the controls that hold at a time, the first set first."""
    found = (control for control in controls if control.starts_at <= now < control.expires_at)
    return tuple(sorted(found, key=lambda control: (control.starts_at, control.control_id)))


def refusal(state: State, basket_cents: int | None, now: int) -> Refusal | None:
    """Return why no new order is taken in the zone at all now, None if one may be.

    Parameters
    ----------
    basket_cents
        Worth of the goods; None when it is not known, which no minimum refuses.
    """
    for control in in_force(state.controls.values(), now):
        if not control.store_ids:
            no = refused_by(control, _recent(state, now), basket_cents, now)
            if no is not None:
                return no
    return None


def refusals_by_store(state: State, basket_cents: int | None, now: int) -> dict[str, Refusal]:
    """Return which stores take no new order of such a basket now, and why."""
    found: dict[str, Refusal] = {}
    for control in in_force(state.controls.values(), now):
        if not control.store_ids:
            continue
        taken = (
            order for order in _recent(state, now) if order.shelf_store_id in control.store_ids
        )
        no = refused_by(control, taken, basket_cents, now)
        if no is not None:
            for store_id in control.store_ids:
                found.setdefault(store_id, no)
    return found


def refused_by(
    control: Control, taken: Iterable[OrderState], basket_cents: int | None, now: int
) -> Refusal | None:
    """Return why a control refuses an order at a time, None when it does not.

    Parameters
    ----------
    taken
        The orders that were taken where the control holds.
    """
    if control.kind is ControlKind.MINIMUM_BASKET:
        if basket_cents is None or basket_cents >= control.value:
            return None
        return Refusal(
            Reason.BELOW_MINIMUM_BASKET,
            f"the basket is worth {money(basket_cents)}; "
            f"for now it must be {money(control.value)} or more ({control.reason})",
        )
    if control.kind is ControlKind.THROTTLE:
        count = sum(counts(order, now) for order in taken)
        if count < control.value:
            return None
        return Refusal(
            Reason.THROTTLED,
            f"{count} orders were taken in the last {THROTTLE_S // _MINUTE_S} minutes and for "
            f"now {control.value} are the most ({control.reason}); try again in a few minutes",
        )
    return None


def counts(order: OrderState, now: int) -> bool:
    """Tell whether an order is among those that a throttle counts at a time.

    A split order counts once; what is collected, or brought back, needs no courier to a door.
    """
    bought = order.order
    return (
        now - THROTTLE_S < bought.created_at <= now
        and bought.fulfilment is Fulfilment.DELIVERY
        and bought.part_of is None
        and bought.return_of is None
    )


def under_controls(snapshot: Snapshot, controls: Iterable[Control], now: int) -> Snapshot:
    """Return the snapshot as a new order is to be weighed in it.

    Stores deliver no farther than the radius says, and promises end later where a control for the
    whole zone says so; those of some stores only are a matter of `promise_policy`.
    """
    radii = [c for c in in_force(controls, now) if c.kind is ControlKind.RADIUS]
    if radii:
        stores = tuple(_nearer(store, radii) for store in snapshot.stores)
        snapshot = replace(snapshot, stores=stores)
    policy = promise_policy(snapshot.policy, controls, None, now)
    return snapshot if policy is snapshot.policy else replace(snapshot, policy=policy)


def promise_policy(
    policy: Policy, controls: Iterable[Control], store_id: str | None, now: int
) -> Policy:
    """Return the policy by which promises of a store's orders are made now.

    Parameters
    ----------
    policy
        The engine's own, under no control yet.
    store_id
        None for controls of the whole zone only.

    Notes
    -----
    Every promise ends so many seconds later, and may: the longest of the controls counts.
    """
    later_s = max(
        (
            control.value
            for control in in_force(controls, now)
            if control.kind is ControlKind.PROMISE
            and (not control.store_ids or store_id in control.store_ids)
        ),
        default=0,
    )
    if later_s == 0:
        return policy
    return replace(
        policy,
        promise_min_s=policy.promise_min_s + later_s,
        promise_extra_s=policy.promise_extra_s + later_s,
        promise_max_s=policy.promise_max_s + later_s,
    )


def offered(
    snapshot: Snapshot,
    state: State,
    asked: Order,
    solve: Callable[[Snapshot], Offer | Refusal],
) -> Offer | Refusal:
    """Return what a new order is offered under the controls in force.

    What the customer collects needs no courier and is under no control.

    Parameters
    ----------
    asked
        The order; a basket of nothing is one that the shop did not state.
    solve
        Says what it would be offered in a snapshot; `planning.quote` behind it.
    """
    now, controls = snapshot.now, tuple(state.controls.values())
    if asked.fulfilment is not Fulfilment.DELIVERY or not in_force(controls, now):
        return solve(snapshot)
    # A part of an order is worth less than the basket that it is of.
    basket_cents = None if asked.part_of is not None else asked.basket_cents or None
    no = refusal(state, basket_cents, now)
    if no is not None:
        return no
    refused = refusals_by_store(state, basket_cents, now)
    under = under_controls(snapshot, controls, now)
    offer = solve(without_stores(under, refused))
    if isinstance(offer, Refusal):
        # A store that would have served is why there is nothing; else the reason is another.
        sooner = solve(under) if refused else offer
        return sooner if isinstance(sooner, Refusal) else refused[sooner.store_id]
    policy = promise_policy(snapshot.policy, controls, offer.store_id, now)
    if policy == under.policy:
        return offer
    return solve(replace(without_stores(under, refused), policy=policy))


def without_stores(snapshot: Snapshot, store_ids: Collection[str]) -> Snapshot:
    """Return the snapshot with some stores taking no more orders."""
    if not store_ids:
        return snapshot
    stores = tuple(
        replace(store, paused=True) if store.store_id in store_ids else store
        for store in snapshot.stores
    )
    return replace(snapshot, stores=stores)


def holds_at(control: Control, store: Store) -> bool:
    """Tell whether a control is about a store."""
    return not control.store_ids or store.store_id in control.store_ids


def money(cents: int) -> str:
    """Return an amount as a person reads it, without its currency."""
    return f"{cents // _CENTS}.{cents % _CENTS:02d}"


def _nearer(store: StoreInPlay, radii: Iterable[Control]) -> StoreInPlay:
    reach_s = min(
        (control.value for control in radii if holds_at(control, store.store)),
        default=store.store.reach_s,
    )
    if reach_s >= store.store.reach_s:
        return store
    return replace(store, store=replace(store.store, reach_s=reach_s))


def _recent(state: State, now: int) -> Iterator[OrderState]:
    """Yield every order that may have been taken within `THROTTLE_S`, and some older ones."""
    yield from state.orders.values()
    older = 0
    for order in reversed(tuple(state.closed.values())):
        yield order
        # Closed in the order recorded: work reported late stands among what is fresh.
        older = older + 1 if (order.closed_at or 0) < now - THROTTLE_S else 0
        if older > _LATE_REPORTS:
            return
