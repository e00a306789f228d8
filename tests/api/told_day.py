"""A day at a shop, told request by request: every operation of the API once, and its answer.

`scripts/api_examples.py` writes down what was asked and answered, for the API document;
`test_examples_over_http.py` lives the same day again and holds the document to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from conftest import BOOT_S, until
from told_asking import WHO, Day
from told_refused import refused
from told_shop import collecting, couriers, hooks, opening, ordering, picking, shelves
from told_work import bringing, offers, overflow, trouble, without_network

from api.routes.solve import EXAMPLE
from geo.city import find_city, load_city
from geo.types import Mode


def desk(day: Day) -> None:
    """Overrule the engine, and take it back."""
    order_id = day.order(pick_s=1500)
    one = {"order_id": order_id}
    day.ask("POST /v1/orders/{order_id}/hold", dict(WHO), **one)
    day.ask("POST /v1/orders/{order_id}/release", {"owner": "ops:maria"}, **one)
    day.ask("POST /v1/orders/{order_id}/hold", dict(WHO), **one)
    day.ask("DELETE /v1/orders/{order_id}/hold", query={"owner": "ops:maria"}, **one)
    given = {"courier_id": "cou_aino", **WHO}
    day.ask("POST /v1/orders/{order_id}/assign", given, **one)
    day.ask("POST /v1/orders/{order_id}/unlock", {"owner": "ops:maria"}, **one)
    day.ask("POST /v1/orders/{order_id}/assign", given, **one)
    day.ask("DELETE /v1/orders/{order_id}/lock", query={"owner": "ops:maria"}, **one)
    fixed = day.ask("POST /v1/orders/{order_id}/assign", given, **one)
    undone = {"owner": "ops:jussi"}
    day.ask("POST /v1/actions/{action_id}/undo", undone, action_id=fixed["action_id"])
    path = "/v1/couriers/{courier_id}/route/order"
    aino = {"courier_id": "cou_aino"}

    def planned() -> Any:
        found = day.town.get("/v1/couriers/cou_aino/route/order")
        return len(found["stop_ids"]) > 1 and found

    stops = until(planned, "it is planned")["stop_ids"]
    day.ask(f"GET {path}", **aino)
    day.ask(f"POST {path}", {"stop_ids": stops, **WHO}, **aino)
    day.ask(f"DELETE {path}", query={"owner": "ops:maria"}, **aino)
    day.ask("GET /v1/actions")
    day.cancel(order_id)


def surge(day: Day) -> None:
    """Turn small baskets away for an hour."""
    asked = {"kind": "minimum_basket", "value": 1000, "expires_at": day.now(3600), **WHO}
    day.ask("POST /v1/controls/preview", asked)
    control = {"control_id": day.ask("POST /v1/controls", asked)["id"]}
    day.ask("GET /v1/controls")
    day.ask("GET /v1/controls/{control_id}", **control)
    day.ask("DELETE /v1/controls/{control_id}", query={"owner": "ops:maria"}, **control)


def streets(day: Day) -> None:
    """Close a street, see how slow others are, and ask for ways."""
    asked = {"point": day.store["location"], "modes": ["car"], "reason": "a burst main"}
    day.ask("POST /v1/closures/preview", asked)
    closure_id = day.ask("POST /v1/closures", asked)["id"]
    day.ask("GET /v1/closures")
    day.ask("DELETE /v1/closures/{closure_id}", closure_id=closure_id)
    seen = {"observations": [{"way_id": a_street(), "speed_kmh": 12.5, "modes": ["bike"]}]}
    day.ask("POST /v1/traffic/observations", seen)
    day.ask("GET /v1/traffic")
    ends = {"version": "v1", "profile": "bike", "coordinates": "24.9362,60.1685;24.945,60.17"}
    day.ask("GET /table/{version}/{profile}/{coordinates}", **ends)
    day.ask("GET /route/{version}/{profile}/{coordinates}", **ends)
    ends["coordinates"] = "24.9362,60.1685"
    day.ask("GET /nearest/{version}/{profile}/{coordinates}", **ends)


def problems(day: Day) -> None:
    """Solve somebody else's problem."""
    is_ready: Callable[[], bool] = lambda: (  # noqa: E731  as `until` wants it
        day.http.post("/v1/solve", json=EXAMPLE).status_code != httpx.codes.SERVICE_UNAVAILABLE
    )
    until(is_ready, "the solver is ready", BOOT_S)
    day.ask("POST /v1/solve", EXAMPLE)
    day.ask("POST /v1/optimization", EXAMPLE)


def looking_back(day: Day) -> None:
    """See what became of it all."""
    day.ask("GET /v1/events", query={"after": 0, "limit": 2})
    day.ask("GET /v1/exports/{what}.{form}", what="orders", form="csv")
    day.ask("GET /v1/board")
    day.ask("GET /v1/kpis")
    day.ask("GET /v1/plans/latest")
    day.ask("GET /metrics")


def a_street() -> int:
    """Return the number of a way that bikes may take."""
    network = load_city(find_city("helsinki")).network
    return int(min(network.arrays.edge_way[(network.times_ds(Mode.BIKE) > 0).all(axis=0)]))


PARTS: tuple[Callable[[Day], None], ...] = (
    *(opening, shelves, couriers, hooks, ordering, picking, collecting, bringing, trouble),
    *(without_network, offers, desk, surge, streets, problems, overflow, looking_back, refused),
)


def live(day: Day) -> None:
    """Live the day."""
    for part in PARTS:
        part(day)
