"""What a webhook says: the event as it is, unless it is too large; and which events are wanted."""

from __future__ import annotations

import asyncio
import json

import pytest

from api import views
from api.settings import SettingsError, load
from api.webhooks.messages import (
    MOST_BODY_BYTES,
    check_pattern,
    encoded,
    message_id,
    wanted_types,
)
from api.webhooks.targets import AllowedHost
from dispatch.events import EVENT_TYPES, OrderCancelled, Recorded, StockSet, StorePaused

AT = 1_763_650_800  # 2025-11-20T15:00:00Z


def test_a_message_is_the_event_in_an_envelope() -> None:
    recorded = Recorded("town", 7, AT, StorePaused("sto_1", "flood"))
    found = json.loads(asyncio.run(encoded(recorded)))
    assert found == {
        "type": "StorePaused",
        "timestamp": "2025-11-20T15:00:00Z",
        "data": views.event(recorded),
    }
    assert found["data"]["object"] == {"type": "store", "id": "sto_1"}


def test_a_whole_shop_is_told_without_its_goods_and_where_to_read_them() -> None:
    goods = {f"sku-{number:06d}": 1 for number in range(MOST_BODY_BYTES // 10)}
    recorded = Recorded("town", 7, AT, StockSet("sto_1", goods))
    body = asyncio.run(encoded(recorded))
    assert len(body) < 1000
    found = json.loads(body)["data"]
    assert (found["seq"], found["data"]) == (7, None)
    assert found["href"] == "/v1/events?after=6&limit=1"
    assert found["left_out_bytes"] > MOST_BODY_BYTES


def test_an_id_is_the_message_s_own() -> None:
    assert message_id("whe_ab", 7) == "msg_ab_7"
    assert message_id("whe_cd", 7) != message_id("whe_ab", 7)


def test_a_pattern_names_events_by_their_letters() -> None:
    assert wanted_types(["*"]) == set(EVENT_TYPES.values())
    orders = wanted_types(["Order*"])
    assert OrderCancelled in orders
    assert all(kind.__name__.startswith("Order") for kind in orders)
    assert wanted_types(["*Cancelled", "StorePaused"]) == {OrderCancelled, StorePaused}
    assert wanted_types(["Store"]) == set()


@pytest.mark.parametrize("pattern", ["", "Order.*", "Order?", "order*", "Orders", "x" * 65, "a b"])
def test_a_pattern_that_names_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"must be letters|is no type of event"):
        check_pattern(pattern)


def test_hosts_are_allowed_by_the_environment_and_by_flags() -> None:
    found = load({}, {"SAMEHOUR_WEBHOOK_ALLOW": "localhost,hooks.internal:8443"})
    assert found.webhook_allow == (AllowedHost("localhost"), AllowedHost("hooks.internal", 8443))
    told = load({"webhook_allow": ["[::1]:9000"]}, {"SAMEHOUR_WEBHOOK_ALLOW": "localhost"})
    assert told.webhook_allow == (AllowedHost("::1", 9000),)
    with pytest.raises(SettingsError, match=r"--webhook-allow or SAMEHOUR_WEBHOOK_ALLOW.*no host"):
        load({}, {"SAMEHOUR_WEBHOOK_ALLOW": "https://here/"})
