"""Who may do what, asked of a real service: every endpoint, every role, every kind of key.

The matrix is made from the rules that the endpoints declare; `docs/access.md` shows the same one.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import over, until
from fastapi.routing import APIRoute
from kauppa import Kauppa

from api.access_table import endpoints, table
from api.rights import BOUND_TO, SCOPES_OF, Role, Ruled
from api.routes import ROUTERS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "access.md"
HERE = {
    "sku": "milk",
    "version": "v1",
    "profile": "bike",
    "coordinates": "24.94,60.17;24.95,60.17",
    "rest": "v1",
    "name": "style.css",
    "z": "14",
    "x": "9326",
    "y": "4741",
    "done": "arrived",
    "barcode": "6410405082657",
    "carrier": "swift",
}
"""What stands in an address where it is nobody's."""


@dataclass
class Everybody:
    """The service, a key for every role of each tenant, and ids of the tenant `kauppa`."""

    town: Kauppa
    own: dict[Role, str] = field(default_factory=dict)
    other: dict[Role, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def ask(self, key: str | None, route: APIRoute, method: str, ids: dict[str, str], zone: str):
        path = route.path
        for name, value in ids.items():
            path = path.replace(f"{{{name}:path}}", value).replace(f"{{{name}}}", value)
        body: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
        return self.town.ask(key, method, path, zone, **body)


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    town = Kauppa(tmp_path_factory.mktemp("matrix"))
    try:
        town.start()
        until(lambda: town.http.get("/readyz").status_code == 200, "it is ready", 180)
        yield prepared(Everybody(town))
        if town.process is not None:
            town.process.send_signal(signal.SIGTERM)
        over(town)
    finally:
        town.kill()


def prepared(all_of: Everybody) -> Everybody:
    town = all_of.town
    stores = town.get("/v1/stores", zone="north")["data"]
    store = stores[0]
    subject = {"courier_id": "cou_own", "store_id": store["id"]}
    for role in Role:
        own = BOUND_TO.get(role)
        bound = [] if own is None else [f"--{role}", subject[own]]
        all_of.own[role] = town.key(role, *bound)
        all_of.other[role] = town.key(role, *bound, tenant="tori")
    until(lambda: town.http.get("/v1/zones").status_code == 401, "the door is closed")

    def ops(method: str, path: str, body: Any) -> Any:
        answer = town.ask(all_of.own[Role.OPS], method, path, "north", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    home = store["location"]
    items = {"items": [{"sku": "milk", "on_hand": 50}]}
    ops("PUT", f"/v1/stores/{store['id']}/stock", items)
    ops("PUT", "/v1/couriers/cou_own", {"name": "Aino", "mode": "bike", "home": home})
    ops("POST", "/v1/shifts", {"courier_id": "cou_own", "ends_at": "2026-11-21T12:00:00Z"})
    body = {
        "dropoff": {"location": home, "address": "Testikatu 1"},
        "lines": [{"sku": "milk", "quantity": 1}],
        "weight_g": 900,
        "store_id": store["id"],
    }
    order = ops("POST", "/v1/orders", body)
    all_of.ids = {
        **HERE,
        **subject,
        "order_id": order["id"],
        "return_id": order["id"],
        "parcel_id": f"pcl_{order['id'].removeprefix('ord_')}",
        "token": order["tracking_url"].rpartition("/")[2],
        "zone_id": "north",
        "stop_id": "stp_none",
        "control_id": "ctl_none",
        "closure_id": "clo_none",
        "action_id": "act_none",
        "blob_id": "blb_none",
        "key_id": "0123456789ab",
    }
    return all_of


ALL = [
    pytest.param(route, method, id=f"{method} {route.path}") for route, method in endpoints(ROUTERS)
]
CLOSED = [each for each in ALL if not table_rule(each.values[0]).is_open] if False else ALL


def said(answer: httpx.Response, ids: dict[str, str]) -> tuple[int, str]:
    """Return an answer as it would read for any ids: without them, and without its trace."""
    text = answer.text
    if "trace-id" in answer.headers:
        text = text.replace(answer.headers["trace-id"], "...")
    for name, value in ids.items():
        if name not in HERE:
            text = text.replace(value, "...")
            text = text.replace(value.partition("_")[2] or value, "...")
    return answer.status_code, text


def test_every_endpoint_declares_its_rule() -> None:
    found = [route for router in ROUTERS for route in router.routes]
    assert found
    assert [route for route in found if not isinstance(route, Ruled)] == []
    assert len(list(endpoints(ROUTERS))) >= len(found)


def test_an_endpoint_without_a_rule_cannot_be_defined() -> None:
    async def forgotten() -> None: ...

    with pytest.raises(TypeError, match="does not say who may call it"):
        Ruled("/v1/forgotten", forgotten)


@pytest.mark.parametrize(("route", "method"), ALL)
def test_who_may_do_what(everybody: Everybody, route: APIRoute, method: str) -> None:
    rule = rule_of(route.endpoint)
    ids, town = everybody.ids, everybody.town
    town.http.cookies.clear()
    nobody = everybody.ask(None, route, method, ids, "north")
    if rule.is_open:
        assert nobody.status_code != 403, nobody.text
        assert nobody.status_code != 401 or route.path == "/sign-in"
        return
    assert nobody.status_code == (303 if rule.is_page else 401), nobody.text
    for role in Role:
        mine = everybody.ask(everybody.own[role], route, method, ids, "north")
        if table(route, role):
            assert mine.status_code not in {401, 403}, f"{role}: {mine.text}"
            hidden = everybody.ask(everybody.other[role], route, method, ids, "market")
            never = {name: HERE.get(name, f"{value[:4]}zzzz") for name, value in ids.items()}
            if BOUND_TO.get(role) in route.param_convertors:
                own = BOUND_TO[role]
                never[own] = ids[own]
            unknown = everybody.ask(everybody.other[role], route, method, never, "market")
            assert said(hidden, ids) == said(unknown, never), role
            theirs = everybody.ask(everybody.other[role], route, method, ids, "north")
            if "zone_id" not in ids or route.path.startswith(("/v1/", "/table", "/route")):
                assert theirs.status_code in {400, 404, 422, 200, 201}, theirs.text
        else:
            expected = 303 if rule.is_page else 403
            assert mine.status_code == expected, f"{role}: {mine.text}"
