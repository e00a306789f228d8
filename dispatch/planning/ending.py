"""Where routes end, who has worked much already, and how far forecasts are off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dispatch.model import CourierInPlay, Mode, Store
from dispatch.planning.situation import Situation

_HOUR_S = 3600


def duty(situation: Situation) -> NDArray[np.float64]:
    """Return the price of giving each courier one more order, shape (couriers,).

    Whoever has worked more than the fleet has in the same time on shift pays for the difference;
    whoever declines offers pays for the chance of it.
    """
    policy, now = situation.policy, situation.now
    crew = list(situation.couriers.values())
    on_shift_s = [max(0, now - courier.shift_start) for courier in crew]
    share = sum(courier.worked_s for courier in crew) / max(1, sum(on_shift_s))
    return np.array(
        [
            policy.fairness_cost * max(0.0, courier.worked_s - share * there_s) / _HOUR_S
            + policy.decline_cost * (1.0 - courier.acceptance)
            for courier, there_s in zip(crew, on_shift_s, strict=True)
        ]
    )


def ends(situation: Situation) -> NDArray[np.float64]:
    """Return the price of ending at each place, shape (couriers, places); (0, 0) if it is free.

    Towards the end of a shift the way home has a price.  At any time there is that of being far
    from the stores whose orders come: the way to each, weighed by its share of the demand.
    """
    policy, places = situation.policy, situation.places
    crew = list(situation.couriers.values())
    by_mode: dict[Mode, NDArray[np.float64]] = {}
    rate = {entry.store_id: entry.orders_per_h for entry in situation.snapshot.demand}
    wanted = [(store, rate.get(key, 0.0)) for key, store in situation.stores.items()]
    total = sum(weight for _, weight in wanted)
    if policy.future_cost > 0 and total > 0:
        for mode in {courier.courier.mode for courier in crew}:
            way_s = situation.snapshot.travel.duration_s[mode][:places, :places]
            far_s = np.zeros(places)
            for store, weight in wanted:
                far_s += weight / total * np.minimum(way_s[:, store.place], _HOUR_S)
            by_mode[mode] = policy.future_cost * far_s
    homeward = [
        courier for courier in crew if policy.home_cost > 0 and _goes_home(situation, courier)
    ]
    if not by_mode and not homeward:
        return np.zeros((0, 0))
    found = np.zeros((len(crew), places))
    for row, courier in enumerate(crew):
        mode = courier.courier.mode
        if mode in by_mode:
            found[row] = by_mode[mode]
        if courier in homeward:
            way_s = situation.snapshot.travel.duration_s[mode][:places, courier.home_place]
            found[row] += policy.home_cost * np.minimum(way_s, _HOUR_S)
    return found


def homeward(situation: Situation, courier: CourierInPlay, place: int) -> float:
    """Return what of the price of ending at a place is for the way home."""
    home, policy = courier.home_place, situation.policy
    if home is None or policy.home_cost <= 0 or not _goes_home(situation, courier):
        return 0.0
    way_s = situation.snapshot.travel.duration_s[courier.courier.mode].item((place, home))
    return policy.home_cost * min(way_s, _HOUR_S)


def _goes_home(situation: Situation, courier: CourierInPlay) -> bool:
    home = courier.home_place
    return (
        home is not None
        and 0 <= home < situation.places
        and courier.shift_end - situation.now <= situation.policy.home_ahead_s
    )


def doubt_s2(situation: Situation, store: Store | None, pick_s: int) -> int:
    """Return the variance of a hand-over, less what grows with the time ahead; square seconds.

    Parameters
    ----------
    store
        Where its goods come from; None for what is in a bag.
    pick_s
        Expected picking time that is still to come.
    """
    spread = situation.snapshot.spread
    found = spread.door_s**2
    if store is not None:
        share = spread.pick.get(store.store_id, spread.pick.get("", 0.0))
        found += spread.counter_s**2 + (share * pick_s) ** 2
    return round(found)
