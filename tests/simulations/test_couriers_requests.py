"""What couriers of a world ask of a service is what its API takes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from api.courier_schemas import BreakIn, StrandedIn
from api.late_schemas import WorkIn
from api.order_schemas import OrderIn, QuoteIn, facts_of
from api.schemas import CourierIn, HappenedIn, ShiftIn
from api.traffic_schemas import ClosureIn
from dispatch import commands as c
from dispatch.model import Courier, Mode, OrderLine, Pause
from dispatch.records import StopOutcome, WorkReport
from geo.closures import Closure, ClosureShape
from geo.types import LonLat
from simulations.client import request_of

AT = 1_795_186_800
HERE = LonLat(24.9414, 60.1706)
RING = (HERE, LonLat(24.942, 60.171), LonLat(24.942, 60.170))
CLOSURE = Closure("", ClosureShape.POLYGON, RING, reason="market", until=AT + 60)
WORK = (
    WorkReport("stp_1_p", StopOutcome.ARRIVED, AT),
    WorkReport("stp_1_d", StopOutcome.FAILED, AT + 5, "nobody home"),
)

REST = Pause(AT + 600, AT + 1500, 900)


def basket(kind: Any, **more: Any) -> Any:
    lines = (OrderLine("milk", 2), OrderLine("ice", 1))
    facts = (c.LineFacts(), c.LineFacts(chilled=True, volume_ml=900))
    return kind(HERE, "Corner", lines, 1500, facts=facts, volume_ml=2300, **more)


@pytest.mark.parametrize(
    ("command", "path", "schema"),
    [
        (
            c.RegisterCourier(Courier("cou_1", "Aino", Mode.BIKE, HERE, takes_offers=True)),
            "/v1/couriers/cou_1",
            CourierIn,
        ),
        (c.AcceptOffer("cou_1", "stp_1_p", AT), "/v1/couriers/cou_1/offers/stp_1_p/accept", None),
        (c.TakeInWork("cou_1", WORK), "/v1/couriers/cou_1/reports", WorkIn),
        (c.TakeBreak("cou_1", 900, AT), "/v1/couriers/cou_1/break", BreakIn),
        (
            c.StrandCourier("cou_1", HERE, "broke down", AT),
            "/v1/couriers/cou_1/strand",
            StrandedIn,
        ),
        (c.StartShift("cou_1", AT, AT + 7200, REST), "/v1/shifts", ShiftIn),
        (basket(c.RequestQuote), "/v1/quotes", QuoteIn),
        (basket(c.PlaceOrder, occurred_at=AT, external_id="x-1"), "/v1/orders", OrderIn),
        (c.RecoverCourier("cou_1", AT), "/v1/couriers/cou_1/recover", None),
        (c.CloseStreet(CLOSURE), "/v1/closures", ClosureIn),
    ],
)
def test_every_request_is_what_the_service_takes(
    command: Any, path: str, schema: type[BaseModel] | None
) -> None:
    asked = request_of(command)
    assert asked.path == path
    taken = (schema or HappenedIn).model_validate(asked.body)
    for key, value in asked.headers.items():
        assert key == "Idempotency-Key"
        assert " " not in value
    if isinstance(taken, ShiftIn):
        assert taken.command(AT) == command
    if isinstance(taken, CourierIn):
        assert taken.courier("cou_1") == command.courier
    if isinstance(taken, QuoteIn | OrderIn):
        assert (taken.volume_ml, facts_of(taken.lines)) == (command.volume_ml, command.facts)
    if isinstance(taken, ClosureIn):
        # What comes back is known as the world's own.
        assert taken.closure("") == CLOSURE
    if isinstance(taken, WorkIn):
        assert [(r.stop_id, r.outcome, r.occurred_at) for r in taken.reports] == [
            (r.stop_id, r.outcome, r.occurred_at) for r in WORK
        ]
