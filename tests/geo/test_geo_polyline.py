"""Lines as text: Google's own example, another implementation, and back again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routingpy import utils

from geo.errors import PolylineError
from geo.polyline import POLYLINE, POLYLINE6, decode, encode

# https://developers.google.com/maps/documentation/utilities/polylinealgorithm
GOOGLE = "_p~iF~ps|U_ulLnnqC_mqNvxq`@"
LINE = np.array([[-120.2, 38.5], [-120.95, 40.7], [-126.453, 43.252]])


def test_google_s_example_is_written_and_read() -> None:
    assert encode(LINE) == GOOGLE
    assert decode(GOOGLE).tolist() == LINE.tolist()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    pairs=st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=20),
    digits=st.sampled_from([POLYLINE, POLYLINE6]),
)
def test_what_is_written_is_read_back_and_by_others_too(
    pairs: list[tuple[float, float]], digits: int
) -> None:
    line = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    text = encode(line, digits)
    again = decode(text, digits)
    assert again == pytest.approx(line, abs=0.5001 * 10**-digits)
    theirs = (utils.decode_polyline5 if digits == POLYLINE else utils.decode_polyline6)(text)
    assert np.array(theirs).reshape(-1, 2) == pytest.approx(again, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("_p~iF", "middle of a point"),
        ("_p~iF~ps|", "middle of a point"),
        ("_p~iF ps|U", "character ' '"),
        ("_p~iF\x7fps|U", "character"),
        ("ä", "ASCII"),
        ("________?_", "middle of a point"),
        ("________??", "larger than the Earth"),
    ],
)
def test_what_is_no_polyline_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PolylineError, match=problem):
        decode(text)
