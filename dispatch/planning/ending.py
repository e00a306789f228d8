"""Where routes end, who has worked much already, and how far forecasts are off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dispatch.model import CourierInPlay, Mode
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
    homes = {
        row: home for row, one in enumerate(crew) if (home := _home(situation, one)) is not None
    }
    if not by_mode and not homes:
        return np.zeros((0, 0))
    found = np.zeros((len(crew), places))
    for row, courier in enumerate(crew):
        if courier.courier.mode in by_mode:
            found[row] = by_mode[courier.courier.mode]
    for row, home in homes.items():
        found[row] += home
    return found


def homeward(situation: Situation, courier: CourierInPlay, place: int) -> float:
    """Return what of the price of ending at a place is for the way home."""
    home = _home(situation, courier)
    return 0.0 if home is None else float(home[place])


def _home(situation: Situation, courier: CourierInPlay) -> NDArray[np.float64] | None:
    """Return the price of the way home from each place, None where it has none."""
    home, policy, places = courier.home_place, situation.policy, situation.places
    if (
        policy.home_cost <= 0
        or home is None
        or not 0 <= home < places
        or courier.shift_end - situation.now > policy.home_ahead_s
    ):
        return None
    way_s = situation.snapshot.travel.duration_s[courier.courier.mode][:places, home]
    found: NDArray[np.float64] = policy.home_cost * np.minimum(way_s, _HOUR_S)
    return found


def pick_share(situation: Situation, store_id: str) -> float:
    """Return by what share of them picking times of a store are off."""
    shares = situation.snapshot.spread.pick
    return shares.get(store_id, shares.get("", 0.0))


def doubt_s2(
    situation: Situation,
    share: float | NDArray[np.float64],
    pick_s: int | NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the variance of hand-overs, less what grows with the time ahead; square seconds.

    Parameters
    ----------
    share
        By which picking times are off.
    pick_s
        Expected picking time that is still to come.
    """
    spread = situation.snapshot.spread
    found = spread.door_s**2 + spread.counter_s**2 + (share * pick_s) ** 2
    return np.rint(found).astype(np.int64)


def door_doubt_s2(situation: Situation) -> int:
    """Return the same of what is in a bag."""
    return round(situation.snapshot.spread.door_s**2)
