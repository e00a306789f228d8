"""Ways for pages: found once, and cut off as a courier moves along."""

from __future__ import annotations

from api.ways import Ways
from geo.types import LonLat, Mode, RoadRoute

# At 60 degrees north 0.001 degrees are 111 m of latitude and 56 m of longitude.
SHOP, CORNER, DOOR = LonLat(24.940, 60.170), LonLat(24.944, 60.170), LonLat(24.944, 60.174)


class Roads:
    """One street east to the corner, one north to the door; counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[LonLat] = []

    def route(self, origin: LonLat, destination: LonLat, _mode: Mode) -> RoadRoute:
        self.asked.append(origin)
        return RoadRoute(300, 700, (origin, CORNER, destination), (0, 100, 300))


def always_the_same() -> str:
    return "free flow"


def test_the_same_way_is_found_once() -> None:
    roads = Roads()
    ways = Ways(roads.route, always_the_same)
    assert ways.between(SHOP, DOOR, Mode.BIKE) is ways.between(SHOP, DOOR, Mode.BIKE)
    assert ways.between(SHOP, DOOR, Mode.WALK).points[0] == SHOP
    assert len(roads.asked) == 2


def test_what_lies_behind_a_courier_is_cut_off_the_line() -> None:
    roads = Roads()
    ways = Ways(roads.route, always_the_same)
    assert ways.ahead("cou_1", SHOP, DOOR, Mode.BIKE) == [list(SHOP), list(CORNER), list(DOOR)]
    # Half way along the first street, 11 m beside it: the line begins at the nearest point.
    beside = LonLat(24.942, 60.1701)
    assert ways.ahead("cou_1", beside, DOOR, Mode.BIKE) == [
        [24.942, 60.170],
        list(CORNER),
        list(DOOR),
    ]
    assert ways.ahead("cou_1", LonLat(24.944, 60.172), DOOR, Mode.BIKE) == [
        [24.944, 60.172],
        list(DOOR),
    ]
    assert roads.asked == [SHOP]


def test_a_courier_who_takes_another_way_gets_a_new_line() -> None:
    roads = Roads()
    ways = Ways(roads.route, always_the_same)
    ways.ahead("cou_1", SHOP, DOOR, Mode.BIKE)
    elsewhere = LonLat(24.940, 60.172)  # 222 m north of the first street
    assert ways.ahead("cou_1", elsewhere, DOOR, Mode.BIKE)[0] == list(elsewhere)
    assert roads.asked == [SHOP, elsewhere]


def test_a_new_destination_is_a_new_line() -> None:
    roads = Roads()
    ways = Ways(roads.route, always_the_same)
    ways.ahead("cou_1", SHOP, DOOR, Mode.BIKE)
    assert ways.ahead("cou_1", SHOP, CORNER, Mode.BIKE)[-1] == list(CORNER)
    assert len(roads.asked) == 2


def test_two_couriers_do_not_share_a_line() -> None:
    roads = Roads()
    ways = Ways(roads.route, always_the_same)
    ways.ahead("cou_1", SHOP, DOOR, Mode.BIKE)
    ways.ahead("cou_2", CORNER, DOOR, Mode.BIKE)
    assert roads.asked == [SHOP, CORNER]


def test_many_ways_do_not_fill_the_memory() -> None:
    roads = Roads()
    ways = Ways(roads.route, always_the_same)
    for step in range(3000):
        ways.between(LonLat(24.9 + step * 1e-5, 60.17), DOOR, Mode.BIKE)
    assert len(ways._between) <= 1024


def test_a_way_found_under_other_travel_times_is_looked_up_anew() -> None:
    roads, traffic = Roads(), ["as usual"]
    ways = Ways(roads.route, lambda: traffic[0])
    usual = ways.between(SHOP, DOOR, Mode.BIKE)
    ways.ahead("cou_1", SHOP, DOOR, Mode.BIKE)
    traffic[0] = "a street is closed"
    ways.ahead("cou_1", CORNER, DOOR, Mode.BIKE)
    assert ways.between(SHOP, DOOR, Mode.BIKE) is not usual
    assert roads.asked == [SHOP, SHOP, CORNER, SHOP]
    # The same travel times again: nothing is looked up twice.
    ways.ahead("cou_1", CORNER, DOOR, Mode.BIKE)
    ways.between(SHOP, DOOR, Mode.BIKE)
    assert len(roads.asked) == 4
