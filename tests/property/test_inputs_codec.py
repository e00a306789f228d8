"""Whatever may be told to an engine comes back equal from the JSON of a journal."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.codec import command_from_json, input_from_json, input_to_json
from dispatch.commands import COMMAND_TYPES
from dispatch.errors import InvalidValueError
from dispatch.journal import INPUT_TYPES, Handled, Input
from dispatch.model import Pause, Policy, Promise
from geo.service_area import AreaKind, ServiceArea
from geo.types import LonLat, Mode

RING = (LonLat(24.9, 60.1), LonLat(25.0, 60.1), LonLat(25.0, 60.2), LonLat(24.9, 60.1))
AREAS = [
    ServiceArea(AreaKind.ROAD_TIME, duration_s=600, mode=Mode.BIKE, exclusions=((RING,),)),
    ServiceArea(AreaKind.POLYGON, shape=((RING,),)),
]
WHOLE = {
    bool: st.booleans(),
    int: st.integers(1, 120),
    float: st.floats(0, 1e6),
    str: st.text(min_size=1, max_size=8),
    NoneType: st.none(),
    LonLat: st.builds(LonLat, st.floats(-180, 180), st.floats(-90, 90)),
    ServiceArea: st.sampled_from(AREAS),
    Policy: st.builds(
        Policy,
        name=st.text(min_size=1, max_size=8),
        late_cost=st.floats(0, 1e6),
        improve_rounds=st.integers(0, 120),
        hold_match=st.floats(0, 1),
        promise_confidence=st.floats(0, 0.99),
        standby_diverts=st.booleans(),
    ),
    Pause: st.builds(Pause, st.integers(0, 50), st.integers(50, 90), st.integers(1, 50)),
    Promise: st.builds(Promise, st.integers(0, 50), st.integers(50, 90), st.integers(0, 50)),
}


@cache
def drawn(hint: Any) -> st.SearchStrategy[Any]:
    """Draw a value of a type as the model's annotations have it."""
    hint = getattr(hint, "__supertype__", hint)
    if hint in WHOLE:
        return WHOLE[hint]
    inside = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*(drawn(one) for one in inside))
    if get_origin(hint) is tuple:
        return st.lists(drawn(inside[0]), max_size=3).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(drawn(inside[0]), drawn(inside[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    assert is_dataclass(hint), hint
    fields = {name: drawn(kind) for name, kind in get_type_hints(hint).items()}
    return st.builds(hint, **fields)


def kept(entry: Input) -> Input:
    """Return an input as it comes back from a ledger."""
    text = json.dumps(input_to_json(entry))
    return input_from_json(type(entry).__name__, entry.at, json.loads(text))


@pytest.mark.parametrize("name", sorted(COMMAND_TYPES))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_command_comes_back_equal(name: str, data: st.DataObject) -> None:
    entry = Handled(1_800_000_000, data.draw(drawn(COMMAND_TYPES[name])))
    assert kept(entry) == entry


@pytest.mark.parametrize("name", sorted(set(INPUT_TYPES) - {"Handled"}))
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_every_other_input_comes_back_equal(name: str, data: st.DataObject) -> None:
    entry = data.draw(drawn(INPUT_TYPES[name]))
    assert kept(entry) == entry


def test_what_nobody_knows_is_refused_not_skipped() -> None:
    with pytest.raises(InvalidValueError, match="Shouted"):
        input_from_json("Shouted", 0, {})
    with pytest.raises(InvalidValueError, match="FlyAway"):
        command_from_json("FlyAway", {})
