"""What a parameter of a path, a query or a header means, for the API document.

By its name, since most stand in many operations; those that mean another thing in one operation
are said by its path too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_EVERYWHERE: Final[Mapping[str, str]] = {
    "action_id": "The decision in the audit: `id` of `GET /v1/actions`.",
    "barcode": "What a scanner reads off the package.",
    "blob_id": "The picture, as `POST /v1/proofs` answered it.",
    "carrier": "Name of the courier company, as the service was started with it.",
    "closure_id": "The closed street: `id` of `GET /v1/closures`.",
    "control_id": "The surge control: `id` of `GET /v1/controls`.",
    "coordinates": "Places as `longitude,latitude`, with `;` between them, as OSRM takes them.",
    "courier_id": "The courier: a name of your choice, such as `cou_aino`.",
    "cursor": "`next` of the page before; left out, the list from its beginning.",
    "delivered": "True for attempts that were taken, false for those that failed; left out, both.",
    "delivery_id": "The attempt in the delivery log: its `id`.",
    "done": "What the courier did at the stop.",
    "endpoint_id": "The webhook endpoint: its `id`.",
    "every_s": "Seconds that each line of the figures covers; of no meaning for other exports.",
    "external_id": "Only the order that the shop calls so.",
    "form": "The kind of file; figures have no place on a map, so no `geojson`.",
    "from": "What happened at this moment or later; a day before `to` when left out.",
    "key_id": "The key: `id` of `GET /v1/keys`, never the key itself.",
    "last-event-id": "For a stream: number of the last event that came; goes before `after`.",
    "limit": "Most rows in one answer; `next` leads to the others.",
    "order_id": "The order, as the answer to `POST /v1/orders` calls it, such as `ord_x`.",
    "owner": "Who decides, such as `ops:maria`; kept on record.",
    "parcel_id": "The parcel's code, as its label shows it.",
    "profile": "How to travel: a mode of ours, or OSRM's word for it, such as `driving`.",
    "reason": "Why, in words; kept on record.",
    "return_id": "The goods that came back, as the store's list of returns calls them.",
    "seq": "Only what was sent of the event of this number.",
    "sku": "The article, by the shop's own number.",
    "status": "Only orders that stand so; `all` for every one.",
    "stop_id": "The stop of the courier's route: its `id`.",
    "store_id": "The store: a name of your choice when it is made, `id` in `GET /v1/stores`.",
    "subject": "Only what was decided about this order, courier, store or control, by its id.",
    "to": "What happened before this moment; now when left out.",
    "token": "The customer's signed token, the end of the order's `tracking_url`.",
    "version": "Of OSRM's interface: always `v1`.",
    "wait": "Seconds to wait for an event when there is none yet.",
    "what": "What is exported, one file for each kind.",
    "window_s": "Only the last so many seconds; left out, the whole log.",
    "zone_id": "The zone: `id` of `GET /v1/zones`.",
}

_HERE: Final[Mapping[tuple[str, str], str]] = {
    ("/v1/couriers/{courier_id}/messages", "after"): (
        "Number of the log behind which to look: `next` of the answer before, 0 for all."
    ),
    ("/v1/events", "after"): (
        "Number of the event behind which to begin: `next` of the answer before; left out, a list "
        "begins with the first event and a stream with what happens next."
    ),
    ("/v1/overflow/candidates", "limit"): "Most orders in the answer.",
    ("/v1/stores/{store_id}/stock", "mode"): (
        "What becomes of SKUs that the file does not name: `merge` leaves them, `replace` sets "
        "them to 0."
    ),
    ("/v1/stores/{store_id}/stock", "sku"): "Only these articles; may be given several times.",
}


def describe(path: str, parameters: list[dict[str, Any]]) -> None:
    """Put words to each parameter of an operation that has none of its own."""
    for parameter in parameters:
        name = parameter["name"]
        words = _HERE.get((path, name)) or _EVERYWHERE.get(name)
        if words is not None:
            parameter.setdefault("description", words)
