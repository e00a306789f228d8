"""A small town for tests of the engine: a street grid, two stores, two couriers, a hand-set clock.

One degree step of 0.001 is one block; walking along the grid takes `BLOCK_S` seconds a block, so
travel times in tests can be worked out in the head.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatch import commands as c
from dispatch.engine import Engine
from dispatch.errors import SequenceError
from dispatch.events import Event, OrderReceived, Recorded
from dispatch.model import Courier, LonLat, Mode, OrderLine, Policy, Store
from geo.errors import TooFarFromRoadError
from geo.types import Matrix, RoadRoute

NOW = 1_763_650_800  # 2025-11-20 15:00:00 UTC, a Thursday
BLOCK_S = 30
BLOCK_M = 100
EDGE = 50


def at(x: int, y: int) -> LonLat:
    """Return the corner x blocks east and y blocks north."""
    return LonLat(x / 1000, y / 1000)


class Grid:
    """Travel along a street grid, the same for every mode; nothing beyond `EDGE` blocks."""

    version = "grid-1"
    modes = frozenset({Mode.BIKE, Mode.WALK})

    def pinned(self) -> Grid:
        return self

    def check_place(self, place: LonLat, mode: Mode) -> None:
        if max(abs(place.lon), abs(place.lat)) * 1000 > EDGE:
            raise TooFarFromRoadError(f"{tuple(place)} is off the grid")

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        blocks = np.array(
            [
                [round((abs(o.lon - d.lon) + abs(o.lat - d.lat)) * 1000) for d in destinations]
                for o in origins
            ],
            dtype=np.int32,
        )
        return Matrix(blocks * BLOCK_S, blocks * BLOCK_M)

    def route(self, origin: LonLat, destination: LonLat, mode: Mode, at: int) -> RoadRoute:
        found = self.matrix([origin], [destination], mode, at)
        duration_s = int(found.duration_s[0, 0])
        return RoadRoute(
            duration_s, int(found.length_m[0, 0]), (origin, destination), (0, duration_s)
        )


class HandClock:
    """A clock the test moves."""

    def __init__(self, now: int = NOW) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


class ListLog:
    """A log in a list."""

    def __init__(self, zone_id: str) -> None:
        self.zone_id = zone_id
        self.entries: list[Recorded] = []

    def append(self, expected_seq: int, at: int, events: Sequence[Event]) -> tuple[Recorded, ...]:
        if expected_seq != len(self.entries):
            raise SequenceError(f"the log is at {len(self.entries)}, not {expected_seq}")
        new = tuple(
            Recorded(self.zone_id, expected_seq + i, at, event) for i, event in enumerate(events, 1)
        )
        self.entries.extend(new)
        return new

    def read(self, after: int) -> Sequence[Recorded]:
        return self.entries[after:]


class Town:
    """An engine over the grid with what most tests need already there."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.clock = HandClock()
        self.log = ListLog("town")
        self.policy = policy or Policy()
        self.engine = self.restarted()
        self.give(c.RegisterStore(Store("sto_west", "West", at(0, 0), pickers=2)))
        self.give(c.RegisterStore(Store("sto_east", "East", at(20, 0), pickers=2)))
        for store_id in ("sto_west", "sto_east"):
            self.give(c.SetStock(store_id, {"milk": 10, "bread": 10}))
        for courier_id, home in (("cou_anna", at(1, 0)), ("cou_ben", at(19, 0))):
            self.give(c.RegisterCourier(Courier(courier_id, courier_id[4:], Mode.BIKE, home)))
            self.give(c.StartShift(courier_id, NOW, NOW + 4 * 3600))

    def restarted(self) -> Engine:
        """Return a new engine over the same log, as after a restart."""
        return Engine("town", self.clock, Grid(), self.log, self.policy, "Europe/Helsinki")

    def give(self, command: c.Command) -> list[Event]:
        return [recorded.event for recorded in self.engine.handle(command)]

    def order(self, door: LonLat, *skus: str, external_id: str | None = None) -> str:
        """Place an order and return its id."""
        received = self.give(
            c.PlaceOrder(
                door=door,
                address="Corner",
                lines=tuple(OrderLine(sku, 1) for sku in skus or ("milk",)),
                weight_g=1000,
                occurred_at=self.clock.now(),
                external_id=external_id,
            )
        )[:1]
        assert isinstance(received[0], OrderReceived)
        return received[0].order.order_id

    def picked(self, order_id: str) -> None:
        """Pick an order, now."""
        self.give(c.StartPick(order_id, self.clock.now()))
        self.give(c.CompletePick(order_id, self.clock.now()))

    def wait_for_commitment(self, limit_s: int = 3600) -> tuple[str, str]:
        """Let time pass until a courier is told to leave; returns courier and stop id."""
        end = self.clock.now() + limit_s
        while self.clock.now() < end:
            for courier_id, courier in self.engine.state.couriers.items():
                if courier.commitment is not None:
                    return courier_id, courier.commitment.stop.stop_id
            self.engine.replan()
            self.clock.time += 10
        raise AssertionError(f"nobody was told to leave within {limit_s} s")

    def do(self, courier_id: str, stop_id: str) -> list[Event]:
        """Arrive at a stop and complete it, now."""
        self.give(c.ArriveAtStop(courier_id, stop_id, self.clock.now()))
        return self.give(c.CompleteStop(courier_id, stop_id, self.clock.now()))
