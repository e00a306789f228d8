"""Tables made from the ones before are the tables that would be made from nothing."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_town import at
from wild_town import Changed, Street, grid

from geo.errors import TooFarFromRoadError
from geo.network import RoadNetwork
from geo.snapping import Snaps
from geo.square_tables import SquareTables
from geo.travel import NetworkTravelTimes
from geo.types import UNREACHABLE_S, LonLat, Matrix, Mode, TravelTimes

SIZE = 4


def town() -> RoadNetwork:
    """Return streets 100 m apart, one way dearer than the other."""
    nodes = range(SIZE * SIZE)
    east = [Street(n, n + 1, 100 + n, 150) for n in nodes if (n + 1) % SIZE]
    north = [Street(n, n + SIZE, 130, 110 + n) for n in nodes if n + SIZE < SIZE * SIZE]
    return grid([*east, *north], SIZE)


MODES = (Mode.BIKE, Mode.CAR)
FAR_AWAY = at(90_000, 0)


def check(tables: SquareTables, travel: TravelTimes, places: list[LonLat], goals: int) -> None:
    """Hold tables against what the travel times say of one pair after another."""
    duration_s, length_m = tables.tables(travel, places, goals, MODES, 0)
    assert duration_s.shape == length_m.shape == (len(MODES), len(places), len(places))
    for index, mode in enumerate(MODES):
        for row, start in enumerate(places):
            for column, goal in enumerate(places):
                found = (int(duration_s[index, row, column]), int(length_m[index, row, column]))
                if row == column:
                    assert found == (0, 0)
                elif column >= goals or FAR_AWAY in {start, goal}:
                    assert found == (UNREACHABLE_S, UNREACHABLE_S)
                else:
                    way = travel.matrix([start], [goal], mode, 0)
                    assert found == (way.duration_s[0, 0], way.length_m[0, 0])


@pytest.mark.parametrize("seed", range(3))
def test_doors_come_and_go_and_couriers_move(seed: int) -> None:
    draw = np.random.default_rng(seed)
    travel = NetworkTravelTimes(town()).pinned()
    tables = SquareTables()

    def somewhere() -> LonLat:
        return at(int(draw.integers(300)), 100 * int(draw.integers(3)))

    doors, couriers = [somewhere() for _ in range(4)], [somewhere() for _ in range(3)]
    for _ in range(8):
        check(tables, travel, [*doors, *couriers], len(doors))
        doors.pop(int(draw.integers(len(doors))))
        doors.insert(int(draw.integers(len(doors) + 1)), somewhere())
        places = [somewhere(), doors[0], couriers[0], FAR_AWAY]
        couriers[int(draw.integers(3))] = places[int(draw.integers(len(places)))]


def test_where_nothing_has_changed_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    travel = NetworkTravelTimes(town()).pinned()
    asked: list[tuple[int, int]] = []
    between = travel.between

    def counting(starts: Snaps, goals: Snaps, mode: Mode, at: int) -> Matrix:
        asked.append((len(starts.edge), len(goals.edge)))
        return between(starts, goals, mode, at)

    monkeypatch.setattr(travel, "between", counting)
    tables, places = SquareTables(), [at(0, 0), at(100, 100), at(50, 0)]
    tables.tables(travel, places, 2, [Mode.CAR], 0)
    tables.tables(travel, places, 2, [Mode.CAR], 0)
    assert asked == [(3, 2)]
    # One courier has moved: one row; one door is new: one column for those who stayed.
    tables.tables(travel, [*places[:2], at(60, 0)], 2, [Mode.CAR], 0)
    assert asked[1:] == [(1, 2)]
    tables.tables(travel, [*places[:2], at(70, 100), at(60, 0)], 3, [Mode.CAR], 0)
    assert asked[2:] == [(1, 3), (3, 1)]


def test_other_weights_answer_for_everything_anew() -> None:
    network = town()
    travel, tables = NetworkTravelTimes(network), SquareTables()
    places = [at(0, 0), at(300, 0), at(150, 100)]
    check(tables, travel.pinned(), places, 2)
    before = tables.tables(travel.pinned(), places, 2, [Mode.CAR], 0)[0].copy()
    travel.use(Changed(network, "slow", np.full(len(network.arrays.edge_length_dm), 300), []), 0)
    check(tables, travel.pinned(), places, 2)
    assert (tables.tables(travel.pinned(), places, 2, [Mode.CAR], 0)[0] != before).any()


def test_travel_times_of_others_are_asked_for_everything() -> None:
    class Crow:
        """As the crow flies, at 10 m/s; nothing but what a table needs."""

        modes = frozenset(MODES)
        version = "crow"

        def check_place(self, place: LonLat, _mode: Mode) -> None:
            if place == FAR_AWAY:
                raise TooFarFromRoadError("far away")

        def matrix(
            self, origins: list[LonLat], goals: list[LonLat], _mode: Mode, _at: int
        ) -> Matrix:
            apart = [[abs(a.lon - b.lon) + abs(a.lat - b.lat) for b in goals] for a in origins]
            length_m = np.rint(np.array(apart) * 100_000).astype(np.int32)
            return Matrix(length_m // 10, length_m)

    crow, tables = Crow(), SquareTables()
    places = [at(0, 0), at(300, 0), FAR_AWAY, at(150, 100)]
    for _ in range(2):
        check(tables, crow, places, 3)  # type: ignore[arg-type]  # routes are not asked for
