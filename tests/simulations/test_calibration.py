"""Do forecasts hold?  On made-up evenings whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from dispatch.model import Mode, StopKind, Store
from geo.types import LonLat
from simulations.replays.calibration import NOMINAL, PIT_BINS, calibrate, wilson
from simulations.worlds.happenings import Gone, HandedOver, Happenings, Picked, Promised, Ready

START = 1_795_186_800  # 17:00 in Helsinki
ZONE = "Europe/Helsinki"
STORE = Store("sto_1", "First", LonLat(24.9, 60.1))


def pick(number: int, error_s: int, store_id: str = "sto_1") -> Picked:
    at = START + 60 * number
    return Picked(f"ord_{number}", store_id, 4, 120, 25, 220, False, at, 220 + error_s)


def promised(number: int, error_s: int, margin_s: int, *, delivered: bool = True) -> Promised:
    made_at = START + 30 * number
    eta = made_at + 1200
    done_at = eta + error_s if delivered else None
    return Promised(
        f"ord_{number}", "sto_1", Mode.BIKE, made_at, eta + margin_s, eta, done_at, not delivered
    )


def happened(**what: object) -> Happenings:
    found = Happenings(stores={"sto_1": STORE}, begins_at=START, ends_at=START + 90_000)
    for name, values in what.items():
        setattr(found, name, values)
    return found


def test_errors_are_counted_late_is_positive() -> None:
    found = calibrate(happened(picks=[pick(1, 30), pick(2, -10), pick(3, 40)]), ZONE)
    picking = found.forecasts[0]
    assert (picking.name, picking.cases) == ("picking", 3)
    assert picking.bias_s == pytest.approx(20.0)
    assert picking.mae_s == pytest.approx(80 / 3)
    assert picking.quantiles_s[2] == 30.0
    assert picking.coverage == ()  # three cases say nothing of confidence
    groups = {(group.by, group.name): group for group in picking.groups}
    assert groups["store", "First"].cases == 3
    assert groups["hour", "17-18"].bias_s == pytest.approx(20.0)


def test_a_steady_error_is_covered_as_often_as_it_says() -> None:
    errors = np.random.Generator(np.random.PCG64(4)).normal(60, 40, 4000).astype(int)
    found = calibrate(happened(picks=[pick(k, int(e)) for k, e in enumerate(errors)]), ZONE)
    picking = found.forecasts[0]
    assert (picking.learned_from, picking.tested_on) == (2000, 2000)
    for confidence, one in zip(NOMINAL, picking.coverage, strict=True):
        assert one.confidence == confidence
        assert one.share.low <= confidence <= one.share.high
    assert picking.coverage[0].margin_s == pytest.approx(60, abs=4)  # the median
    assert picking.coverage[2].margin_s == pytest.approx(60 + 1.2816 * 40, abs=5)
    level = 2000 / PIT_BINS
    assert all(abs(count - level) < 5 * level**0.5 for count in picking.pit)


def test_a_day_that_turns_bad_breaks_its_forecasts_and_it_shows() -> None:
    # At noon it begins to rain: everything takes two minutes longer.
    errors = [k % 40 for k in range(200)] + [120 + k % 40 for k in range(200)]
    found = calibrate(happened(picks=[pick(k, e) for k, e in enumerate(errors)]), ZONE)
    picking = found.forecasts[0]
    assert [one.share.held for one in picking.coverage] == [0.0] * len(NOMINAL)
    assert picking.pit[-1] == 200


def test_promises_hold_as_often_as_their_margin_amounts_to() -> None:
    # Errors are even between 0 and 999 s; a margin of 900 s should hold nine times in ten.
    draw = np.random.Generator(np.random.PCG64(9))
    errors = draw.integers(0, 1000, 3000)
    margins = draw.choice([500, 800, 900], 3000)
    promises = [
        promised(k, int(e), int(m)) for k, (e, m) in enumerate(zip(errors, margins, strict=True))
    ]
    found = calibrate(happened(promises=promises), ZONE).promises
    by_confidence = {round(one.confidence, 1): one for one in found.implied}
    assert set(by_confidence) == {0.5, 0.8, 0.9}
    for confidence, one in by_confidence.items():
        assert one.share.held == pytest.approx(one.confidence, abs=0.03)
        assert one.margin_s == pytest.approx(1000 * confidence, abs=15)
    assert found.margin_s == pytest.approx(float(margins.mean()))
    assert found.kept is not None
    assert found.kept.held == pytest.approx(float((errors <= margins).mean()))


def test_a_promise_past_its_end_and_not_brought_is_broken() -> None:
    over = [promised(1, 0, 300), promised(2, 0, 300, delivered=False)]
    found = calibrate(happened(promises=over), ZONE).promises
    assert found.kept is not None
    assert (found.kept.held, found.kept.cases) == (0.5, 2)
    assert found.undelivered == 1


def test_a_promise_whose_end_is_yet_to_come_says_nothing() -> None:
    open_still = happened(promises=[promised(1, 0, 300, delivered=False)])
    open_still.ends_at = START + 100
    assert calibrate(open_still, ZONE).promises.kept is None


def test_ways_hand_overs_and_goods_have_their_own_rows() -> None:
    way = Gone("ord_1", "cou_1", Mode.BIKE, StopKind.DROPOFF, "sto_1", START, 300, 330, 290)
    door = HandedOver(
        "ord_1", "cou_1", Mode.BIKE, StopKind.DROPOFF, "sto_1", START, 120, 100, False
    )
    absent = door._replace(failed=True, took_s=600)
    goods = Ready("ord_1", "sto_1", START, START + 300, START + 345)
    found = calibrate(happened(ways=[way], handovers=[door, absent], readies=[goods]), ZONE)
    bias = {one.name: one.bias_s for one in found.forecasts if one.cases}
    assert bias == {"way to the door": 30.0, "hand-over at the door": -20.0, "goods ready": 45.0}


def test_wilson_intervals_are_those_of_the_book() -> None:
    # Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I.
    share = wilson(81, 263)
    assert (round(share.low, 4), round(share.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0).cases == 0
