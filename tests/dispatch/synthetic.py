"""Problems for tests of the search: stores, doors and couriers drawn on a square of streets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    CAND_COLUMNS,
    CAND_DOUBT_S2,
    COURIER_AT_STORE,
    COURIER_BAG_G,
    COURIER_BAG_PARCELS,
    COURIER_BREAK_FROM,
    COURIER_BREAK_S,
    COURIER_BREAK_UNTIL,
    COURIER_CAPACITY_CHILLED,
    COURIER_CAPACITY_G,
    COURIER_CAPACITY_ML,
    COURIER_CAPACITY_PARCELS,
    COURIER_COLUMNS,
    COURIER_MODE,
    COURIER_PLACE,
    COURIER_SHIFT_END,
    COURIER_START,
    JOB_BAG,
    JOB_CHILLED,
    JOB_CLOSES,
    JOB_COLUMNS,
    JOB_COUNTS_FROM,
    JOB_DIRECT_S,
    JOB_DOUBT_S2,
    JOB_EARLIEST,
    JOB_FETCHED,
    JOB_FIRST,
    JOB_HOME,
    JOB_LAST,
    JOB_LATEST,
    JOB_PLACE,
    JOB_RANK,
    JOB_RIDES,
    JOB_SERVICE_S,
    JOB_SHOWN,
    JOB_TOLD_BY,
    JOB_VOLUME_ML,
    JOB_WEIGHT_G,
    NEVER,
    PRICE_BAG_MAX_S,
    PRICE_BREAK_LATE,
    PRICE_BUFFER,
    PRICE_BUFFER_S,
    PRICE_CHILLED,
    PRICE_CHURN,
    PRICE_CHURN_CUSTOMER,
    PRICE_COLUMNS,
    PRICE_DETOUR_MAX_S,
    PRICE_LATE,
    PRICE_LATE_ONCE,
    PRICE_LENGTH,
    PRICE_OVERTIME,
    PRICE_RIDES,
    PRICE_SQUARE,
    PRICE_STACK,
    PRICE_STACK_LATE,
    PRICE_TRAVEL,
    PRICE_UNROUTED,
    PRICE_WAITING,
    STORE_COLUMNS,
    STORE_PICKER_FIRST,
    STORE_PICKER_LAST,
    STORE_PLACE,
    STORE_SERVICE_S,
    STORE_WINDOW_FIRST,
    STORE_WINDOW_LAST,
    Problem,
    Routes,
)

NOW = 1_763_650_800
SPEED_M_S = 5
PICKERS = 2


def problem(
    orders: int,
    couriers: int,
    stores: int,
    *,
    seed: int = 0,
    options: int = 3,
    one_store: bool = False,
    modes: int = 2,
    side_m: int = 4000,
    lived: bool = False,
) -> tuple[Problem, Routes]:
    """Draw a problem; about one order in seven is in a bag, which holds two at most.

    A `lived` one has a price for everything, doubts, breaks, windows and small bags.
    """
    draw = np.random.default_rng(seed)
    places = draw.integers(0, side_m, (stores + orders + couriers, 2))
    length_m = np.abs(places[:, None] - places[None]).sum(axis=2).astype(np.int32)
    duration_s = np.stack([length_m // SPEED_M_S * (1 + mode) for mode in range(modes)])
    shops = np.zeros((stores, STORE_COLUMNS), dtype=np.int64)
    windows: list[list[int]] = []
    pickers: list[int] = []
    for store in range(stores):
        shops[store, STORE_PLACE] = store
        shops[store, STORE_SERVICE_S] = 60
        shops[store, STORE_WINDOW_FIRST] = len(windows)
        # Closed for a while in the middle.
        windows += [[NOW - 3600, NOW + 1500], [NOW + 1800, NOW + 6 * 3600]]
        shops[store, STORE_WINDOW_LAST] = len(windows)
        shops[store, STORE_PICKER_FIRST] = len(pickers)
        pickers += [NOW, NOW + int(draw.integers(0, 300))]
        shops[store, STORE_PICKER_LAST] = len(pickers)
    crew = np.zeros((couriers, COURIER_COLUMNS), dtype=np.int64)
    crew[:, COURIER_MODE] = draw.integers(0, modes, couriers)
    crew[:, COURIER_PLACE] = stores + orders + np.arange(couriers)
    crew[:, COURIER_START] = NOW + draw.integers(0, 600, couriers)
    crew[:, COURIER_SHIFT_END] = NOW + draw.integers(1800, 4 * 3600, couriers)
    crew[:, COURIER_CAPACITY_G] = 15_000
    crew[:, COURIER_CAPACITY_PARCELS] = 4
    crew[:, COURIER_AT_STORE] = -1
    jobs = np.zeros((orders, JOB_COLUMNS), dtype=np.int64)
    candidates: list[list[int]] = []
    chosen = np.full(orders, -1, dtype=np.int32)
    for job in range(orders):
        created = NOW - int(draw.integers(0, 900))
        jobs[job, JOB_PLACE] = stores + job
        jobs[job, JOB_SERVICE_S] = 120
        jobs[job, JOB_WEIGHT_G] = draw.integers(500, 6000)
        jobs[job, JOB_COUNTS_FROM] = created
        jobs[job, JOB_LATEST] = created + 2400
        jobs[job, JOB_RANK] = job
        jobs[job, JOB_BAG] = -1
        jobs[job, JOB_SHOWN] = int(draw.integers(-1, couriers))
        jobs[job, JOB_HOME] = -1
        jobs[job, JOB_FIRST] = jobs[job, JOB_LAST] = len(candidates)
        carrier = int(draw.integers(couriers))
        if draw.random() < 1 / 7 and crew[carrier, COURIER_BAG_PARCELS] < 2:
            jobs[job, JOB_BAG] = carrier
            crew[carrier, COURIER_BAG_PARCELS] += 1
            crew[carrier, COURIER_BAG_G] += jobs[job, JOB_WEIGHT_G]
            continue
        for store in np.argsort(length_m[:stores, stores + job], kind="stable")[:options]:
            need = created + 2400 - int(duration_s[0, store, stores + job])
            pick_s = 60 + 25 * int(draw.integers(1, 12))
            candidates.append([int(store), need, pick_s, -1, 0])
        jobs[job, JOB_LAST] = len(candidates)
        chosen[job] = jobs[job, JOB_FIRST]
        jobs[job, JOB_HOME] = chosen[job]
    prices = np.zeros(PRICE_COLUMNS)
    prices[PRICE_UNROUTED] = 1e9
    prices[PRICE_LATE] = 20.0
    prices[PRICE_SQUARE] = 0.02
    prices[PRICE_BUFFER_S] = 300.0
    prices[PRICE_BUFFER] = 2.0
    prices[PRICE_WAITING] = 0.25
    prices[PRICE_TRAVEL] = 1.0
    prices[PRICE_LENGTH] = 0.1
    prices[PRICE_CHURN] = 60.0
    jobs[:, JOB_VOLUME_ML] = 2000
    jobs[:, JOB_CLOSES] = NEVER
    jobs[:, JOB_FETCHED] = NOW - 300
    jobs[:, JOB_DIRECT_S] = 400
    jobs[:, JOB_RIDES] = 1
    jobs[:, JOB_TOLD_BY] = NEVER
    crew[:, COURIER_CAPACITY_ML] = 100_000
    crew[:, COURIER_CAPACITY_CHILLED] = 4
    crew[:, COURIER_BREAK_FROM] = NEVER
    shares = np.array(candidates, dtype=np.int64).reshape(-1, CAND_COLUMNS)
    ends = np.zeros((0, 0))
    if lived:
        shares[:, CAND_DOUBT_S2] = draw.integers(0, 200**2, len(shares))
        ends = draw.uniform(0, 300, (couriers, len(places)))
        _live(jobs, crew, prices, draw)
    found = Problem(
        jobs=jobs,
        job_count=orders,
        candidates=shares,
        stores=shops,
        windows=np.array(windows, dtype=np.int64),
        pickers=np.array(pickers, dtype=np.int64),
        couriers=crew,
        allowed=(draw.random((orders, couriers)) > 0.05).astype(np.uint8),
        duration_s=np.ascontiguousarray(duration_s.astype(np.int32)),
        length_m=np.stack([length_m] * modes),
        prices=prices,
        doubts=np.full(modes, 0.04 if lived else 0.0),
        duty=draw.uniform(0, 100, couriers) if lived else np.zeros(couriers),
        launch=draw.uniform(0, 100, couriers) if lived else np.zeros(couriers),
        ends=ends,
        now=NOW,
        one_store=one_store,
    )
    steps = np.zeros((couriers, 0), dtype=np.int32)
    return found, Routes(steps, np.zeros(couriers, dtype=np.int32), chosen)


def _live(
    jobs: NDArray[np.int64],
    crew: NDArray[np.int64],
    prices: NDArray[np.float64],
    draw: np.random.Generator,
) -> None:
    """Give orders and couriers what a real evening has."""
    jobs[:, JOB_VOLUME_ML] = draw.integers(1000, 30_000, len(jobs))
    jobs[:, JOB_CHILLED] = draw.integers(0, 2, len(jobs))
    late = draw.random(len(jobs)) < 0.3
    jobs[late, JOB_EARLIEST] = NOW + draw.integers(600, 1800, late.sum())
    told = draw.random(len(jobs)) < 0.5
    jobs[told, JOB_TOLD_BY] = NOW + draw.integers(600, 2400, told.sum())
    jobs[:, JOB_DOUBT_S2] = draw.integers(0, 100**2, len(jobs))
    crew[:, COURIER_CAPACITY_ML] = 60_000
    crew[:, COURIER_CAPACITY_CHILLED] = 2
    rests = draw.random(len(crew)) < 0.6
    crew[rests, COURIER_BREAK_FROM] = NOW + draw.integers(-300, 2400, rests.sum())
    crew[rests, COURIER_BREAK_UNTIL] = crew[rests, COURIER_BREAK_FROM] + 600
    crew[rests, COURIER_BREAK_S] = 900
    prices[PRICE_CHURN_CUSTOMER] = 30.0
    prices[PRICE_LATE_ONCE] = 200.0
    prices[PRICE_OVERTIME] = 1.5
    prices[PRICE_BREAK_LATE] = 2.0
    prices[PRICE_CHILLED] = 0.3
    prices[PRICE_STACK] = 2.0
    prices[PRICE_DETOUR_MAX_S] = 200.0
    prices[PRICE_BAG_MAX_S] = 900.0
    prices[PRICE_STACK_LATE] = 4.0
    prices[PRICE_RIDES] = 1.0
