"""Several zones in one service: each tenant its own, and one zone's fault is nobody else's."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from conftest import over, until
from kauppa import Kauppa


class Shops:
    """The service with a key of operations for each tenant, and one order."""

    def __init__(self, town: Kauppa) -> None:
        self.town = town
        self.kauppa = town.key("ops")
        self.tori = town.key("ops", tenant="tori")
        until(lambda: town.http.get("/v1/zones").status_code == 401, "the door is closed")

    def ask(self, method: str, path: str, zone: str | None = "north", **more: Any) -> Any:
        answer = self.town.ask(self.kauppa, method, path, zone, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def order(self, zone: str) -> dict[str, Any]:
        store = self.ask("GET", "/v1/stores", zone)["data"][0]
        items = [{"sku": "milk", "on_hand": 50}]
        self.ask("PUT", f"/v1/stores/{store['id']}/stock", zone, json={"items": items})
        body = basket(store)
        self.ask("PUT", "/v1/couriers/cou_1", zone, json=courier(store))
        shift = {"courier_id": "cou_1", "ends_at": "2026-11-20T22:00:00Z"}
        self.town.ask(self.kauppa, "POST", "/v1/shifts", zone, json=shift)
        found: dict[str, Any] = self.ask("POST", "/v1/orders", zone, json=body)
        return found


def basket(store: dict[str, Any], **more: Any) -> dict[str, Any]:
    dropoff = {"location": store["location"], "address": "Testikatu 1"}
    lines = [{"sku": "milk", "quantity": 1}]
    return {"dropoff": dropoff, "lines": lines, "weight_g": 900, **more}


def courier(store: dict[str, Any]) -> dict[str, Any]:
    return {"name": "Aino", "mode": "bike", "home": store["location"]}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    town = Kauppa(tmp_path_factory.mktemp("zones"))
    try:
        town.start()
        until(lambda: town.http.get("/readyz").status_code == 200, "it is ready", 180)
        yield Shops(town)
        town.process.send_signal(signal.SIGTERM) if town.process else None
        over(town)
    finally:
        town.kill()


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_tenant_with_several_zones_names_one_and_is_told_which_there_are(shops: Shops) -> None:
    answer = shops.town.ask(shops.kauppa, "GET", "/v1/orders")
    assert problem(answer) == (400, "zone_needed")
    assert answer.json()["zones"] == ["north", "east"]
    assert shops.ask("GET", "/v1/orders", "east") == {"data": [], "next": None}
    assert shops.ask("GET", "/v1/orders?zone=east", None)["data"] == []


def test_a_tenant_with_one_zone_need_not_name_it(shops: Shops) -> None:
    zones = shops.town.ask(shops.tori, "GET", "/v1/zones").json()["data"]
    assert [zone["id"] for zone in zones] == ["market"]
    assert shops.town.ask(shops.tori, "GET", "/v1/orders").status_code == 200


def test_another_tenant_s_zone_reads_as_one_that_never_was(shops: Shops) -> None:
    def asked(zone: str) -> tuple[int, str]:
        answer = shops.town.ask(shops.tori, "GET", "/v1/orders", zone)
        assert problem(answer) == (404, "unknown_zone")
        return answer.status_code, answer.json()["detail"].replace(zone, "...")

    assert asked("north") == asked("atlantis")
    hidden = shops.town.ask(shops.tori, "GET", "/v1/zones/north")
    never = shops.town.ask(shops.tori, "GET", "/v1/zones/atlantis")
    assert hidden.status_code == never.status_code == 404
    assert hidden.json()["detail"].replace("north", "atlantis") == never.json()["detail"]


def test_an_order_is_in_one_zone_only(shops: Shops) -> None:
    order = shops.order("north")
    path = f"/v1/orders/{order['id']}"
    assert shops.town.ask(shops.kauppa, "GET", path, "north").status_code == 200
    assert problem(shops.town.ask(shops.kauppa, "GET", path, "east")) == (404, "unknown_id")
    assert problem(shops.town.ask(shops.tori, "GET", path)) == (404, "unknown_id")
    assert shops.ask("GET", "/v1/couriers", "east")["data"] == []


def test_an_external_id_is_one_order_in_all_zones_of_a_tenant(shops: Shops) -> None:
    first = shops.order("north")
    store = shops.ask("GET", f"/v1/stores/{first['store_id']}")
    shops.order("east")  # there is stock of the same goods
    body = basket(store, external_id="shop-7")

    def placed(zone: str) -> httpx.Response:
        return shops.town.ask(shops.kauppa, "POST", "/v1/orders", zone, json=body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(placed, ["north", "east"] * 8))
    taken = {answer.json()["id"] for answer in answers if answer.is_success}
    assert len(taken) == 1
    refused = [answer for answer in answers if not answer.is_success]
    assert len(refused) == 8  # all of the zone that was not first
    assert {problem(answer) for answer in refused} == {(409, "external_id_taken")}
    there = [zone for zone in ("north", "east") if placed(zone).status_code == 200]
    assert len(there) == 1
    (other,) = {"north", "east"} - set(there)
    detail = placed(other).json()["detail"]
    assert taken.pop() in detail
    assert there[0] in detail
    # Another tenant's numbers are its own.
    market = shops.town.ask(shops.tori, "GET", "/v1/stores").json()["data"][0]
    items = {"items": [{"sku": "milk", "on_hand": 50}]}
    shops.town.ask(shops.tori, "PUT", f"/v1/stores/{market['id']}/stock", json=items)
    body = basket(market, external_id="shop-7")
    own = shops.town.ask(shops.tori, "POST", "/v1/orders", json=body)
    assert problem(own) != (409, "external_id_taken") if own.is_error else own.status_code == 201


def test_a_tracking_link_finds_its_zone_without_a_key(shops: Shops) -> None:
    order = shops.order("east")
    token = order["tracking_url"].rpartition("/")[2]
    shown = shops.town.http.get(f"/v1/track/{token}")
    assert shown.status_code == 200
    assert shown.json()["number"] == order["id"][-4:].upper()
    assert shops.town.http.get(f"/t/{token}").status_code == 200
    assert shops.town.http.get(f"/t/{token[:-1]}x").status_code == 404


def test_a_map_s_tiles_are_the_city_s(shops: Shops) -> None:
    # (24.944 + 180) / 360 * 2^14 = 11147 east of the date line
    path = "/tiles/14/11147/4746.mvt"
    assert shops.town.http.get(path).status_code == 404  # there are two cities
    assert shops.town.http.get(path, params={"city": "helsinki"}).status_code == 200
    assert shops.town.http.get(path, params={"city": "atlantis"}).status_code == 404


def test_osrm_is_asked_for_a_zone_too(shops: Shops) -> None:
    path = "/table/v1/bike/24.94,60.17;24.95,60.17"
    assert problem(shops.town.ask(shops.kauppa, "GET", path)) == (400, "zone_needed")
    answer = shops.town.ask(shops.kauppa, "GET", f"{path}?annotations=duration&zone=east")
    assert answer.json()["code"] == "Ok"


def planner_pids(town: Kauppa) -> dict[str, int]:
    """Return each zone's planner, as the log named it."""
    found = {}
    for line in town.log().splitlines():
        words = dict(part.split("=", 1) for part in line.split() if "=" in part)
        if "planner_pid" in words:
            found[words["zone"]] = int(words["planner_pid"])
    return found


def test_a_killed_planner_is_one_zone_s_fault(shops: Shops) -> None:
    order = shops.order("north")
    victim = planner_pids(shops.town)["north"]
    os.kill(victim, signal.SIGSTOP)  # it hangs: the worst there is
    try:
        shops.order("east")  # the others work meanwhile

        def planned() -> bool:
            plan = shops.town.ask(shops.kauppa, "GET", "/v1/plans/latest", "east")
            return plan.status_code == 200

        until(planned, "the zone east has a plan")
        os.kill(victim, signal.SIGKILL)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGCONT)

    def is_replaced() -> bool:
        return any(
            "planner_failed" in line and "zone=north" in line
            for line in shops.town.log().splitlines()
        )

    until(is_replaced, "the log names the zone", 60)
    ready = shops.town.http.get("/readyz")
    assert ready.status_code == 200
    assert all(problem.startswith("zone north: ") for problem in ready.json()["problems"])
    assert shops.ask("GET", f"/v1/orders/{order['id']}", "north")["id"] == order["id"]
