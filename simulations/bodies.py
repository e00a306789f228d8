"""What a simulation says to a live service of couriers and goods, as JSON bodies."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dispatch.codec import WIRE, to_rfc3339
from dispatch.commands import LineFacts, PlaceOrder, RequestQuote, StartShift
from dispatch.model import Courier
from geo.types import LonLat

Json = dict[str, Any]


def place(found: LonLat) -> Json:
    """Return a place."""
    return {"lat": found.lat, "lng": found.lon}


def courier_body(courier: Courier) -> Json:
    """Return who a courier is and what they carry."""
    return {
        "name": courier.name,
        "mode": courier.mode.value,
        "home": place(courier.home),
        "capacity_g": courier.capacity_g,
        "capacity_ml": courier.capacity_ml,
        "capacity_parcels": courier.capacity_parcels,
        "chilled_bags": courier.chilled_bags,
        "takes_offers": courier.takes_offers,
    }


def shift_body(command: StartShift) -> Json:
    """Return a shift with its break."""
    return {
        "courier_id": command.courier_id,
        "starts_at": to_rfc3339(command.starts_at),
        "ends_at": to_rfc3339(command.ends_at),
        "break": WIRE.unstructure(command.pause),
    }


def goods_body(command: RequestQuote | PlaceOrder) -> Json:
    """Return a basket with what is known of its size; what is not is left out."""
    facts = command.facts or (LineFacts(),) * len(command.lines)
    lines = [
        {"sku": line.sku, "quantity": line.quantity, **_known(asdict(said))}
        for line, said in zip(command.lines, facts, strict=True)
    ]
    return {
        "lines": lines,
        "weight_g": command.weight_g,
        **_known({"volume_ml": command.volume_ml}),
    }


def _known(said: Json) -> Json:
    return {name: value for name, value in said.items() if value is not None}
