"""Doors and sites drawn from zones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import shapely
from drawn_town import at, roads
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.census import PEOPLE_PER_DOOR, SITE_HOURS, Zone, provisional_sites, zone_doors
from geo.hours import check_opening_hours
from geo.network import M_PER_DEGREE, RoadNetwork
from geo.places import DoorRow
from geo.types import LonLat, Mode


def square(x_m: float, y_m: float, side_m: float) -> shapely.Polygon:
    return shapely.box(*at(x_m, y_m), *at(x_m + side_m, y_m + side_m))


@pytest.fixture(scope="module")
def town() -> RoadNetwork:
    """Return a grid of streets every 200 m, 1 km wide; a main road leads 3 km east."""
    nodes = {
        10 * row + column: (200.0 * column, 200.0 * row) for row in range(6) for column in range(6)
    }
    rows = [([10 * r + c for c in range(6)], {"name": f"Row {r}"}) for r in range(6)]
    columns = [([10 * r + c for r in range(6)], {"name": f"Column {c}"}) for c in range(6)]
    nodes |= {99: (4000, 0), 98: (4000, 100)}
    main = [([5, 99], {"highway": "primary", "name": "Main"}), ([99, 98], {"highway": "primary"})]
    return roads(nodes, [*rows, *columns, *main])


def drawn(town: RoadNetwork, *zones: Zone) -> tuple[tuple[DoorRow, ...], Counter[str]]:
    left: Counter[str] = Counter()
    return zone_doors(zones, town, left), left


def hundredths(doors: tuple[DoorRow, ...]) -> int:
    return sum(round(door.people * 100) for door in doors)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.floats(0, 5000, allow_nan=False), st.integers(-1, 4), st.integers(-1, 4)),
        min_size=1,
        max_size=6,
        unique_by=lambda zone: zone[1:],
    )
)
def test_the_doors_of_a_zone_lie_in_it_and_hold_its_people(
    town: RoadNetwork, sizes: list[tuple[float, int, int]]
) -> None:
    for number, (people, column, row) in enumerate(sizes):
        zone = Zone(number, people, square(200 * column + 50, 200 * row + 50, 200))
        doors, left = drawn(town, zone)
        assert hundredths(doors) == round(people * 100)
        assert not doors or max(d.people for d in doors) - min(d.people for d in doors) <= 0.0101
        if not left:
            assert all(zone.area.contains(shapely.Point(door.location)) for door in doors)


def test_zones_together_hold_everybody_and_the_same_doors_come_out_again(town: RoadNetwork) -> None:
    zones = [
        Zone(row * 5 + column, 123.456 + column, square(200 * column, 200 * row, 200))
        for row in range(5)
        for column in range(5)
    ]
    doors, left = drawn(town, *zones)
    assert not left
    assert hundredths(doors) == sum(round(zone.people * 100) for zone in zones)
    assert doors == drawn(town, *zones)[0]
    assert len({door.address for door in doors}) == len(doors)
    assert all(", door " in door.address for door in doors)
    assert len(doors) == pytest.approx(sum(z.people for z in zones) / PEOPLE_PER_DOOR, rel=0.05)


def test_doors_stand_beside_the_street_on_both_its_sides(town: RoadNetwork) -> None:
    (doors, _) = drawn(town, Zone(1, 400, square(20, -50, 160)))  # Row 0 only
    away_m = [(door.location.lat - at(0, 0).lat) * M_PER_DEGREE for door in doors]
    assert sorted({round(metres) for metres in away_m}) == [-6, 6]
    along = sorted(door.location.lon for door in doors)
    assert np.diff(along).max() < 3 * np.diff(along).mean()


def test_a_zone_with_little_street_takes_the_main_road_and_then_those_around_it(
    town: RoadNetwork,
) -> None:
    doors, left = drawn(town, Zone(1, 400, square(2000, -100, 200)))
    assert not left
    assert {door.address.partition(",")[0] for door in doors} == {"Main"}
    beside = Zone(2, 400, square(2000, 50, 200))
    doors, left = drawn(town, beside)
    assert left == {"zones with too few streets: doors were drawn along those around them": 1}
    assert hundredths(doors) == 40_000


def test_a_zone_far_from_every_street_is_left_out_and_counted(town: RoadNetwork) -> None:
    doors, left = drawn(town, Zone(1, 400, square(40_000, 0, 200)))
    assert doors == ()
    assert left == {"zones without a street near them": 1}


def everybody(town: RoadNetwork) -> tuple[DoorRow, ...]:
    west = Zone(1, 4000, square(0, 0, 300))
    east = Zone(2, 1000, square(700, 600, 400))
    return drawn(town, west, east)[0]


def test_sites_stand_where_people_live_and_say_that_they_are_provisional(
    town: RoadNetwork,
) -> None:
    sites = provisional_sites(everybody(town), town, 5, "town")
    by_name = sorted(sites, key=lambda site: site.name)
    assert [site.name for site in by_name] == [f"Provisional site {n:02}" for n in range(1, 6)]
    # Four fifths of the people live in the west, and so do about as many sites.
    assert sum(site.location.lon < at(500, 0).lon for site in sites) == 4
    for site in sites:
        assert town.snap(site.location, Mode.CAR).access_dm <= 1
        assert site.opening_hours == SITE_HOURS
        assert site.kind == "supermarket"
        assert site.address.startswith(("Row", "Column"))
    check_opening_hours(SITE_HOURS)
    assert sites == provisional_sites(everybody(town), town, 5, "town")
    assert len({site.store_id for site in sites}) == 5
    other = provisional_sites(everybody(town), town, 5, "elsewhere")
    assert not {site.store_id for site in sites} & {site.store_id for site in other}


def test_there_are_no_more_sites_than_doors(town: RoadNetwork) -> None:
    doors = everybody(town)[:3]
    assert len(provisional_sites(doors, town, 40, "town")) == 3
    alone = [DoorRow(LonLat(*at(100, 0)), 2.0, "Row 0, door 1")]
    (site,) = provisional_sites(alone, town, 1, "town")
    assert site.location == pytest.approx(at(100, 0))
