"""Who may do what, asked of a real service: every endpoint, every role, every kind of key.

The matrix is made from the rules that the endpoints declare; `docs/access.md` shows the same one.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import BOOT_S, over, until
from fastapi.routing import APIRoute
from kauppa import Kauppa

from api.access_table import allows, endpoints, table
from api.bootstrap import of_request
from api.rights import BOUND_TO, Role, Ruled, rule_of
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
    "what": "orders",
    "form": "csv",
    "delivery_id": "1",
}
"""What stands in an address where it is nobody's."""


@dataclass
class Everybody:
    """The service, a key for every role of each tenant, and ids of the tenant `kauppa`."""

    town: Kauppa
    own: dict[Role, str] = field(default_factory=dict)
    other: dict[Role, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    neighbours: dict[str, str] = field(default_factory=dict)
    expired: str = ""
    revoked: str = ""

    def ask(
        self, key: str | None, route: APIRoute, method: str, ids: dict[str, str], zone: str
    ) -> httpx.Response:
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


def made(town: Kauppa, ops: str, role: Role, bound_to: str | None = None) -> str:
    """Return a new key, made by one of operations."""
    asked = {"role": role, "bound_to": bound_to}
    answer = town.ask(ops, "POST", "/v1/keys", json=asked)
    assert answer.status_code == 201, answer.text
    key: str = answer.json()["key"]
    return key


def prepared(all_of: Everybody) -> Everybody:
    town = all_of.town
    stores = town.get("/v1/stores", zone="north")["data"]
    store = stores[0]
    subject = {"courier_id": "cou_own", "store_id": store["id"]}
    all_of.own[Role.OPS] = town.key("ops")
    all_of.other[Role.OPS] = town.key("ops", tenant="tori")
    all_of.expired = town.key("ops", "--expires-in", "1s")
    until(lambda: town.http.get("/v1/session").status_code == 401, "the door is closed")
    for keys in (all_of.own, all_of.other):
        for role in Role:
            if role not in keys:
                keys[role] = made(town, keys[Role.OPS], role, subject.get(BOUND_TO.get(role, "")))
    all_of.neighbours = {"courier_id": "cou_next", "store_id": stores[1]["id"]}
    all_of.revoked = made(town, all_of.own[Role.OPS], Role.OPS)
    revoked_id = all_of.revoked.split("_")[1]
    town.ask(all_of.own[Role.OPS], "DELETE", f"/v1/keys/{revoked_id}")
    for key in (all_of.expired, all_of.revoked):
        until(lambda key=key: town.ask(key, "GET", "/v1/session").status_code == 401, "it is over")

    def ops(method: str, path: str, body: Any) -> Any:
        answer = town.ask(all_of.own[Role.OPS], method, path, "north", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    # The solver's process starts when it is first asked.
    nothing = {"vehicles": [{"id": 1}], "jobs": []}
    until(
        lambda: (
            town.ask(all_of.own[Role.OPS], "POST", "/v1/solve", "north", json=nothing).status_code
            != 503
        ),
        "the solver answers",
        BOOT_S,
    )
    home = store["location"]
    items = {"items": [{"sku": "milk", "on_hand": 50}]}
    ops("PUT", f"/v1/stores/{store['id']}/stock", items)
    for courier_id in ("cou_own", "cou_next"):
        ops("PUT", f"/v1/couriers/{courier_id}", {"name": "Aino", "mode": "bike", "home": home})
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
        "endpoint_id": "whe_none",
    }
    return all_of


ALL = list(endpoints(ROUTERS))
CLOSED = [(route, method) for route, method in ALL if not rule_of(route.endpoint).is_open]


def told(answer: httpx.Response) -> tuple[int, str]:
    """Return the status of an answer, and its problem code or where it leads."""
    if answer.status_code == 303:
        return 303, answer.headers["location"]
    kind = answer.headers.get("content-type", "")
    return answer.status_code, answer.json()["code"] if "problem+json" in kind else ""


def said(answer: httpx.Response, ids: Iterable[str]) -> tuple[int, str]:
    """Return an answer as it would read for any ids: without them, and without its trace."""
    text = answer.text
    if "trace-id" in answer.headers:
        text = text.replace(answer.headers["trace-id"], "...")
    for value in ids:
        text = text.replace(value, "...")
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


def test_the_page_shows_the_rules_in_force() -> None:
    shown = DOCUMENT.read_text(encoding="utf-8")
    assert table(ROUTERS) in shown, "print it with: python scripts/access_table.py"


def test_without_a_good_key_only_what_is_open_is_answered(everybody: Everybody) -> None:
    wrong = []
    for route, method in ALL:
        rule = rule_of(route.endpoint)
        for key in (None, everybody.revoked, everybody.expired, f"{everybody.own[Role.OPS]}x"):
            status, why = told(everybody.ask(key, route, method, everybody.ids, "north"))
            if rule.is_open:
                right = status not in {401, 403}
            elif rule.is_page:
                right = status == 303 and why.startswith("/sign-in?next=%2F")
            else:
                right = (status, why) == (401, "unauthorized")
            wrong += [] if right else [(method, route.path, status, why)]
    assert wrong == []


@pytest.mark.parametrize("role", Role)
def test_a_role_gets_what_it_may_and_nothing_else(everybody: Everybody, role: Role) -> None:
    wrong = []
    for route, method in CLOSED:
        answer = everybody.ask(everybody.own[role], route, method, everybody.ids, "north")
        status, why = told(answer)
        if allows(route, role):
            right = status < 500 and status not in {303, 401, 403}
        elif rule_of(route.endpoint).is_page:
            right = status == 303 and why.endswith("&denied=1")
        else:
            right = (status, why) == (403, "forbidden")
        wrong += [] if right else [(method, route.path, status, why)]
    assert wrong == []


@pytest.mark.parametrize("role", Role)
def test_another_tenant_s_zone_reads_as_one_that_never_was(
    everybody: Everybody, role: Role
) -> None:
    wrong = []
    for route, method in CLOSED:
        in_a_zone = any(each.call is of_request for each in route.dependant.dependencies)
        if in_a_zone and allows(route, role):
            answer = everybody.ask(everybody.other[role], route, method, everybody.ids, "north")
            if told(answer) != (404, "unknown_zone"):
                wrong.append((method, route.path, *told(answer)))
    assert wrong == []


@pytest.mark.parametrize("role", Role)
def test_another_tenant_s_thing_reads_as_one_that_never_was(
    everybody: Everybody, role: Role
) -> None:
    ids, key = everybody.ids, everybody.other[role]
    wrong, compared = [], 0
    for route, method in CLOSED:
        theirs = [name for name in route.param_convertors if name not in HERE]
        if not theirs or not allows(route, role):
            continue
        never = {name: HERE.get(name, f"{value[:4]}zzzzzzzz") for name, value in ids.items()}
        own = BOUND_TO.get(role)
        if own in theirs:
            never[own] = ids[own]  # the key's own, whoever else has one of that name
        hidden = everybody.ask(key, route, method, ids, "market")
        unknown = everybody.ask(key, route, method, never, "market")
        same = said(hidden, [ids[name] for name in theirs]) == said(
            unknown, [never[name] for name in theirs]
        )
        if not same or hidden.status_code < 400 or hidden.status_code in {401, 403}:
            wrong.append((method, route.path, hidden.text, unknown.text))
        compared += 1
    assert wrong == []
    assert compared > 1


@pytest.mark.parametrize("role", BOUND_TO)
def test_a_courier_s_or_store_s_key_is_good_for_that_one_only(
    everybody: Everybody, role: Role
) -> None:
    own, wrong, tried = BOUND_TO[role], [], 0
    for route, method in CLOSED:
        if own not in route.param_convertors or not allows(route, role):
            continue
        for other in (everybody.neighbours[own], f"{own[:3]}_never"):
            ids = {**everybody.ids, own: other}
            answer = everybody.ask(everybody.own[role], route, method, ids, "north")
            if told(answer) != (403, "forbidden"):
                wrong.append((method, route.path, other, *told(answer)))
            tried += 1
    assert wrong == []
    assert tried > 1


def test_lists_show_a_bound_key_its_own_only(everybody: Everybody) -> None:
    def listed(role: Role, path: str) -> list[str]:
        answer = everybody.town.ask(everybody.own[role], "GET", path, "north")
        return [row["id"] for row in answer.json()["data"]]

    assert listed(Role.COURIER, "/v1/couriers") == [everybody.ids["courier_id"]]
    assert listed(Role.STORE, "/v1/stores") == [everybody.ids["store_id"]]
    assert len(listed(Role.OPS, "/v1/stores")) > 1


def test_a_courier_reports_nobody_else_s_position_or_shift(everybody: Everybody) -> None:
    key, other = everybody.own[Role.COURIER], everybody.neighbours["courier_id"]
    place = {"lat": 60.17, "lng": 24.94}
    positions = {"positions": [{"courier_id": other, "location": place}]}
    shift = {"courier_id": other, "ends_at": "2026-11-21T12:00:00Z"}
    for path, body in (("/v1/couriers/positions", positions), ("/v1/shifts", shift)):
        assert everybody.town.ask(key, "POST", path, "north", json=body).status_code == 403


def test_a_store_sees_no_order_of_another_store(everybody: Everybody) -> None:
    town, order_id = everybody.town, everybody.ids["order_id"]
    ops = everybody.own[Role.OPS]
    other = made(town, ops, Role.STORE, everybody.neighbours["store_id"])
    hidden = town.ask(other, "GET", f"/v1/orders/{order_id}", "north")
    never = town.ask(other, "GET", "/v1/orders/ord_never", "north")
    assert (hidden.status_code, never.status_code) == (404, 404)
    assert hidden.json()["detail"].replace(order_id, "ord_never") == never.json()["detail"]
    own = town.ask(everybody.own[Role.STORE], "GET", f"/v1/orders/{order_id}", "north")
    assert own.status_code == 200


def test_a_key_may_have_fewer_scopes_than_its_role(everybody: Everybody) -> None:
    town = everybody.town
    asked = {"role": "shop", "scopes": ["orders:read"]}
    ops = everybody.own[Role.OPS]
    reader = town.ask(ops, "POST", "/v1/keys", json=asked).json()["key"]
    assert town.ask(reader, "GET", "/v1/orders", "north").status_code == 200
    refused = town.ask(reader, "POST", "/v1/orders", "north", json={})
    assert refused.status_code == 403
    assert refused.json()["needed"] == ["orders:write"]
