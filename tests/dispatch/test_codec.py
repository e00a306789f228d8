"""Events survive the log and the wire, and the wire speaks RFC 3339."""

from __future__ import annotations

import json

import pytest
from cattrs import Converter
from town import Town, at

from dispatch.codec import LOG, WIRE, event_from_json, event_to_json, from_rfc3339, to_rfc3339
from dispatch.errors import InvalidValueError


@pytest.mark.parametrize("converter", [LOG, WIRE], ids=["log", "wire"])
def test_every_event_of_an_order_comes_back_equal(converter: Converter) -> None:
    town = Town()
    order_id = town.order(at(5, 0), external_id="A-1")
    town.picked(order_id)
    town.do(*town.wait_for_commitment())
    town.do(*town.wait_for_commitment())
    kinds = set()
    for recorded in town.log.entries:
        text = json.dumps(event_to_json(recorded.event, converter))
        name = type(recorded.event).__name__
        assert event_from_json(name, json.loads(text), converter) == recorded.event
        kinds.add(name)
    assert {"OrderReceived", "PlanPublished", "StopCommitted", "OrderDelivered"} <= kinds


def test_the_wire_writes_moments_and_places_as_published() -> None:
    town = Town()
    town.order(at(5, 0))
    fields = event_to_json(town.log.entries[-1].event, WIRE)
    assert fields["order"]["created_at"] == "2025-11-20T15:00:00Z"
    assert fields["order"]["door"] == {"lat": 0.0, "lng": 0.005}


def test_rfc3339_goes_both_ways_and_needs_an_offset() -> None:
    assert from_rfc3339(to_rfc3339(1_763_650_800)) == 1_763_650_800
    assert from_rfc3339("2025-11-20T17:00:00+02:00") == 1_763_650_800
    for bad in ("2025-11-20T17:00:00", "yesterday", ""):
        with pytest.raises(InvalidValueError):
            from_rfc3339(bad)


def test_an_unknown_event_is_refused_not_skipped() -> None:
    with pytest.raises(InvalidValueError, match="PigsFlew"):
        event_from_json("PigsFlew", {})
