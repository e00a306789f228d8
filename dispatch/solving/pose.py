"""A task as the arrays of the compiled search: every pickup is a store of its own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.planning import arrays as a
from dispatch.solving.model import Task, Vehicle
from geo.types import UNREACHABLE_S

_BEYOND: Final = 10.0
"""Price of a shipment without a route, against the most that a route for it alone may cost."""


def pose(task: Task) -> a.Problem:
    """Return a task as a problem in which time has limits and ways have prices."""
    modes = list(task.duration_s)
    duration_s = np.stack([task.duration_s[mode] for mode in modes]).astype(np.int32)
    length_m = np.zeros_like(duration_s)
    if task.length_m is not None:
        length_m = np.stack([task.length_m[mode] for mode in modes]).astype(np.int32)
    count = len(task.shipments)
    prices = np.zeros(a.PRICE_COLUMNS)
    prices[a.PRICE_TRAVEL] = task.travel_cost
    prices[a.PRICE_LENGTH] = task.length_cost if task.length_m is not None else 0.0
    way = prices[a.PRICE_TRAVEL] * duration_s + prices[a.PRICE_LENGTH] * length_m
    dearest = float(way[duration_s < UNREACHABLE_S].max(initial=1.0))
    fixed = max((vehicle.fixed_cost for vehicle in task.vehicles), default=0.0)
    prices[a.PRICE_UNROUTED] = _BEYOND * (fixed + 4.0 * dearest)
    crew = [_courier(vehicle, modes.index(vehicle.mode)) for vehicle in task.vehicles]
    couriers = np.array(crew, dtype=np.int64).reshape(-1, a.COURIER_COLUMNS)
    ends = np.zeros((len(crew), duration_s.shape[1]))
    end_by = np.full(ends.shape, a.NEVER, dtype=np.int64)
    launch = np.zeros(len(crew))
    for row, vehicle in enumerate(task.vehicles):
        mode = couriers[row, a.COURIER_MODE]
        end_by[row] = vehicle.latest
        if vehicle.end is not None:
            home_s = duration_s[mode, :, vehicle.end].astype(np.int64)
            ends[row] = way[mode, :, vehicle.end]
            end_by[row] = np.where(home_s < UNREACHABLE_S, vehicle.latest - home_s, -1)
        # Who is not sent at all need not come back.
        launch[row] = vehicle.fixed_cost + ends[row, vehicle.start]
    return a.Problem(
        jobs=_jobs(task),
        job_count=count,
        candidates=_candidates(count),
        stores=np.array(
            [
                [one.pickup.place, one.pickup.service_s, row, row + 1, 0, 0]
                for row, one in enumerate(task.shipments)
            ],
            dtype=np.int64,
        ).reshape(-1, a.STORE_COLUMNS),
        windows=np.array(
            [[one.pickup.earliest, one.pickup.latest + 1] for one in task.shipments],
            dtype=np.int64,
        ).reshape(-1, 2),
        pickers=np.zeros(0, dtype=np.int64),
        couriers=couriers,
        allowed=np.array(
            [
                [one.vehicles is None or key.vehicle_id in one.vehicles for key in task.vehicles]
                for one in task.shipments
            ],
            dtype=np.uint8,
        ).reshape(count, len(crew)),
        duration_s=duration_s,
        length_m=length_m,
        prices=prices,
        doubts=np.zeros(len(modes)),
        duty=np.zeros(len(crew)),
        launch=launch,
        ends=ends,
        now=0,
        one_store=False,
        end_by=end_by,
    )


def _jobs(task: Task) -> NDArray[np.int64]:
    jobs = np.zeros((len(task.shipments), a.JOB_COLUMNS), dtype=np.int64)
    for row, shipment in enumerate(task.shipments):
        jobs[row, a.JOB_PLACE] = shipment.delivery.place
        jobs[row, a.JOB_SERVICE_S] = shipment.delivery.service_s
        jobs[row, a.JOB_EARLIEST] = shipment.delivery.earliest
        jobs[row, a.JOB_CLOSES] = shipment.delivery.latest
        jobs[row, a.JOB_WEIGHT_G] = shipment.weight_g
        jobs[row, a.JOB_VOLUME_ML] = shipment.volume_ml
        jobs[row, [a.JOB_FIRST, a.JOB_LAST]] = row, row + 1
    jobs[:, a.JOB_RANK] = np.arange(len(jobs))
    jobs[:, [a.JOB_LATEST, a.JOB_TOLD_BY, a.JOB_FETCHED]] = a.NEVER
    jobs[:, [a.JOB_BAG, a.JOB_SHOWN, a.JOB_HOME]] = -1
    return jobs


def _candidates(count: int) -> NDArray[np.int64]:
    candidates = np.zeros((count, a.CAND_COLUMNS), dtype=np.int64)
    candidates[:, a.CAND_STORE] = np.arange(count)
    return candidates


def _courier(vehicle: Vehicle, mode: int) -> NDArray[np.int64]:
    row = np.zeros(a.COURIER_COLUMNS, dtype=np.int64)
    row[a.COURIER_MODE] = mode
    row[a.COURIER_PLACE] = vehicle.start
    row[a.COURIER_START] = vehicle.earliest
    row[a.COURIER_SHIFT_END] = vehicle.latest
    row[a.COURIER_CAPACITY_G] = vehicle.capacity_g
    row[a.COURIER_CAPACITY_ML] = vehicle.capacity_ml
    row[a.COURIER_CAPACITY_PARCELS] = vehicle.capacity_parcels
    row[a.COURIER_AT_STORE] = -1
    row[[a.COURIER_BREAK_FROM, a.COURIER_BREAK_UNTIL]] = a.NEVER
    return row
